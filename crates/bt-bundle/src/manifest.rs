//! `manifest.json`: what a version holds, for people and tools. Nothing is opened through it.

use std::fmt::{Display, Formatter};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use bt_core::{Conventions, Error, Result, Span, Timestamp};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::files;

/// The file's name.
pub(crate) const FILE: &str = "manifest.json";
/// A manifest larger than this is not one that this crate wrote.
const LIMIT: usize = 64 << 20;
/// A version with more assets does not list them in its manifest, which would become as large as its index.
const LISTED: usize = 10_000;
/// Nor does one whose names have more bytes, as only names from before the rule for names can.
const LISTED_BYTES: usize = 4 << 20;
/// Characters of the origin that are kept.
const ORIGIN: usize = 4096;

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
    /// Number of assets.
    #[serde(default)]
    pub asset_count: u64,
    /// Each asset's name and range, in the order of the index, of a version with up to 10,000 assets. Of others the list is
    /// empty; [`MappedBundle::asset_ranges`](crate::MappedBundle::asset_ranges) has them.
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

impl AssetRange {
    pub(crate) fn new(name: &str, span: &Span, calendar: &[Timestamp]) -> Self {
        let first = span.calendar_first as usize;
        let moments = &calendar[first..first + span.calendar_len as usize];
        let text = |moment: &Timestamp| moment.to_string();
        Self {
            name: name.to_owned(),
            bars: span.len.into(),
            first: moments.first().map(text),
            last: moments.last().map(text),
        }
    }
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
    /// The file in a version's directory.
    pub(crate) fn path(directory: &Path) -> PathBuf {
        directory.join(FILE)
    }

    /// Reads the manifest of a version's directory.
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let (file, path) = open(directory)?;
        let mut manifest: Self = serde_json::from_reader(file).map_err(|error| damaged(&path, error))?;
        if manifest.asset_count == 0 {
            // It is older than the count.
            manifest.asset_count = manifest.assets.len() as u64;
        }
        Ok(manifest)
    }

    /// Reads when the version of a directory was published, and nothing of what comes after that.
    pub(crate) fn sequence_of(directory: &Path) -> Result<u64> {
        let path = directory.join(FILE);
        let file = BufReader::new(files::open_part(directory, FILE)?.0.take(LIMIT as u64));
        let mut sequence = None;
        let read = serde_json::Deserializer::from_reader(file).deserialize_map(FindSequence(&mut sequence));
        sequence.ok_or_else(|| match read {
            Ok(()) => damaged(&path, "it has no \"sequence\""),
            Err(error) => damaged(&path, error),
        })
    }

    /// Whether the assets of a version with these names are listed.
    pub(crate) fn lists(names: &[String]) -> bool {
        names.len() <= LISTED && names.iter().map(String::len).sum::<usize>() <= LISTED_BYTES
    }

    /// As much of an origin as is kept.
    pub(crate) fn origin(text: &str) -> String {
        match text.char_indices().nth(ORIGIN) {
            None => text.to_owned(),
            Some((end, _)) => format!("{} … ({} bytes)", &text[..end], text.len()),
        }
    }

    /// The content of the file.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self).map_err(Error::other)?;
        text.push(b'\n');
        match text.len() {
            0..=LIMIT => Ok(text),
            len => Err(Error::invalid_input("the manifest", format!("{len} bytes; {LIMIT} are allowed"))),
        }
    }
}

fn open(directory: &Path) -> Result<(impl Read, PathBuf)> {
    let path = directory.join(FILE);
    let (file, len) = files::open_part(directory, FILE)?;
    if len > LIMIT {
        return Err(damaged(&path, format_args!("it has {len} bytes; {LIMIT} are allowed")));
    }
    // It may have grown since.
    Ok((BufReader::new(file.take(LIMIT as u64)), path))
}

#[cold]
fn damaged(path: &Path, reason: impl Display) -> Error {
    Error::corrupt(path.display().to_string(), reason.to_string())
}

/// Looks for `sequence` among the keys of an object, and stops there.
struct FindSequence<'a>(&'a mut Option<u64>);

impl<'de> Visitor<'de> for FindSequence<'_> {
    type Value = ();

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("the object of a manifest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "sequence" {
                *self.0 = Some(map.next_value()?);
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}
