//! `manifest.json`: what a version holds, for people and tools. Nothing is opened through it.

use std::path::Path;

use bt_core::{Conventions, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files;

/// The file's name.
pub(crate) const FILE: &str = "manifest.json";
/// A manifest larger than this, which that of 400,000 assets is, is none of ours.
const LIMIT: usize = 64 << 20;

/// What a version of a bundle says about itself.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Manifest {
    /// The version of the format, 1 or 2.
    pub format: u32,
    /// The bundle's name.
    pub name: String,
    /// The content version, 64 hexadecimal digits.
    pub version: String,
    /// Ascends in the order in which the versions of a bundle were first published; `gc` keeps the highest. Microseconds
    /// since 1970, or one more than that of the version before where the clock says less.
    pub sequence: u64,
    /// When it was first published, ISO 8601 in UTC.
    pub published: String,
    /// Where the data came from, in the words of whoever published it. Not part of the version.
    pub origin: String,
    /// The version that this one was made from by appending bars.
    pub parent: Option<String>,
    /// `1d`, or `5m` and the like.
    pub frequency: String,
    /// The time zone in which days lie; `UTC` where the manifest says nothing.
    #[serde(default = "utc")]
    pub zone: String,
    /// Which day a bar belongs to, `end` or `start`; `end` where the manifest says nothing.
    #[serde(default = "end")]
    pub label: String,
    /// Open, high, low, close, volume and the extra columns.
    pub columns: Vec<String>,
    /// Number of bars of all assets.
    pub rows: u64,
    /// Number of distinct timestamps.
    pub moments: u64,
    /// When the first bar became known; none where there is no bar.
    pub first: Option<String>,
    /// When the last bar became known.
    pub last: Option<String>,
    /// Number of splits and dividends.
    pub adjustments: u64,
    /// Each asset's name and range, in the order of the index.
    pub assets: Vec<AssetRange>,
    /// Digests, 64 hexadecimal digits each.
    pub digests: Digests,
}

/// What a [`Manifest`] says about an asset.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct AssetRange {
    /// The asset's name.
    pub name: String,
    /// Its number of bars.
    pub bars: u64,
    /// When its first bar became known; none where it has no bar.
    pub first: Option<String>,
    /// When its last bar became known.
    pub last: Option<String>,
}

/// The digests in a [`Manifest`]. Those of each asset's columns are in `digests.arrow`.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Digests {
    /// Of the calendar.
    pub calendar: String,
    /// Of the metadata alone, [`bt_core::BundleMetadata::digest`]; it does not change when a price is corrected. None
    /// where there is no bar.
    pub metadata: Option<String>,
}

fn utc() -> String {
    Conventions::UTC.zone.into_owned()
}

fn end() -> String {
    Conventions::UTC.label.to_string()
}

impl Manifest {
    /// Reads the manifest of a version's directory.
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        read(directory)
    }

    /// Reads when the version of a directory was published, in next to no memory.
    pub(crate) fn sequence_of(directory: &Path) -> Result<u64> {
        #[derive(Deserialize)]
        struct Sequence {
            sequence: u64,
        }
        read(directory).map(|Sequence { sequence }| sequence)
    }
}

fn read<T: DeserializeOwned>(directory: &Path) -> Result<T> {
    let path = directory.join(FILE);
    let (file, len) = files::open(&path)?;
    let corrupt = |reason: String| bt_core::Error::corrupt(path.display().to_string(), reason);
    if len > LIMIT {
        return Err(corrupt(format!("it has {len} bytes; {LIMIT} are allowed")));
    }
    serde_json::from_reader(std::io::BufReader::new(file)).map_err(|error| corrupt(error.to_string()))
}
