use std::fs::File;
use std::path::{Path, PathBuf};

use bt_core::{
    Adjustment, AssetDigest, AssetId, AssetList, Bars, Bundle, BundleName, BundleVersion, Calendar,
    Conventions, Error, ErrorKind, Frequency, Result, Slab,
};

use crate::index::{self, Index};
use crate::leaves;
use crate::map::Region;
use crate::matrix::{self, Matrix};
use crate::{AssetRange, OpenMode, files};

/// An index up to this size is read: mapping and unmapping it costs more. That of 500 assets over ten years is.
const SMALL_INDEX: usize = 64 << 10;

/// One version of a bundle of a [`Store`](crate::Store), open.
///
/// All bars are one matrix in the mapped file, so [`slab`](Bundle::slab) is always there. While this value lives, in any
/// process, [`Store::gc`](crate::Store::gc) leaves its version alone.
///
/// Heap memory: the asset names + 36 bytes an asset + 24 bytes an adjustment + an index of up to 64 KiB; with
/// [`OpenMode::Read`] both files.
pub struct MappedBundle {
    pub(crate) index: Index,
    pub(crate) matrix: Matrix,
    pub(crate) directory: PathBuf,
    /// Holds the shared lock that keeps the version from being collected.
    _lease: File,
}

impl MappedBundle {
    /// Opens a version's directory and checks all that the accessors rely on, in O(assets).
    pub(crate) fn open(
        directory: PathBuf,
        name: &BundleName,
        version: BundleVersion,
        mode: OpenMode,
    ) -> Result<Self> {
        let not_found = || ErrorKind::VersionNotFound { name: name.clone(), version };
        let missing = |error| if files::is_missing(&error) { not_found().into() } else { error };
        files::check_directory(&directory).map_err(missing)?;
        // The collector may take the directory between two of its files.
        let open = |file| files::open_part(&directory, file).map_err(missing);
        let (lease, bars_len) = open(matrix::FILE)?;
        if !take_lease(&lease) {
            return Err(not_found().into());
        }
        let (index_file, index_len) = open(index::FILE)?;
        let index_mode = if index_len <= SMALL_INDEX { OpenMode::Read } else { mode };
        let parts = || {
            let index =
                Index::open(Region::open(&index_file, index_len, index_mode, index::FILE)?, index::FILE)?;
            let matrix = Matrix::open(Region::open(&lease, bars_len, mode, matrix::FILE)?, matrix::FILE)?;
            check(&index, &matrix, version)?;
            Ok((index, matrix))
        };
        let (index, matrix) = parts().map_err(|error| in_directory(&directory, error))?;
        Ok(Self { index, matrix, directory, _lease: lease })
    }

    /// Each asset's name, number of bars, and first and last moment, by rank.
    pub fn asset_ranges(&self) -> impl ExactSizeIterator<Item = AssetRange> {
        let calendar = self.index.calendar();
        let assets = self.index.assets.names().zip(&self.index.spans);
        assets.map(|(name, span)| AssetRange::new(name, span, calendar))
    }

    /// The digests of each asset, by rank, as they were published.
    pub(crate) fn leaves(&self) -> Result<Vec<AssetDigest>> {
        leaves::read(&self.directory, &self.index.assets, self.extra_columns())
    }

    /// All bars, with the places of the assets.
    pub(crate) fn all(&self) -> Slab<'_> {
        slab(&self.index, &self.matrix)
    }

    /// Open, high, low, close, volume and the extra columns.
    pub(crate) fn columns(&self) -> usize {
        5 + self.matrix.extra_columns().len()
    }
}

impl Bundle for MappedBundle {
    fn version(&self) -> BundleVersion {
        self.index.version
    }

    fn assets(&self) -> &AssetList {
        &self.index.assets
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar::from_sorted(self.index.calendar())
    }

    fn frequency(&self) -> Frequency {
        self.index.frequency
    }

    fn conventions(&self) -> &Conventions {
        &self.index.conventions
    }

    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        let rank = self.index.assets.rank(asset)?;
        Ok(self.all().bars(rank))
    }

    fn heap_bytes(&self) -> usize {
        self.index.heap_bytes() + self.matrix.heap_bytes()
    }

    fn slab(&self) -> Option<Slab<'_>> {
        Some(self.all())
    }

    fn extra_columns(&self) -> &[String] {
        self.matrix.extra_columns()
    }

    fn adjustments(&self, asset: AssetId) -> Result<&[Adjustment]> {
        self.index.assets.rank(asset).map(|rank| self.index.adjustments(rank))
    }

    fn check_content(&self) -> Result<()> {
        self.verify().map(drop)
    }
}

impl std::fmt::Debug for MappedBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MappedBundle")
            .field("version", &self.version())
            .field("assets", &self.assets().len())
            .field("rows", &self.matrix.bars().len())
            .finish()
    }
}

fn slab<'a>(index: &'a Index, matrix: &'a Matrix) -> Slab<'a> {
    Slab { all: matrix.bars(), spans: &index.spans, positions: index.positions() }
}

/// Checks that the two files belong together and to this version.
fn check(index: &Index, matrix: &Matrix, version: BundleVersion) -> Result<()> {
    if index.version != version {
        return Err(Error::corrupt(index::FILE, format!("it is of version {}", index.version)));
    }
    slab(index, matrix).check(index.calendar().len())
}

/// Takes the lease; false where the collector has the version. Where the file system has no locks there is no lease, and
/// the collector knows that it cannot know.
fn take_lease(file: &File) -> bool {
    !matches!(fs4::FileExt::try_lock_shared(file), Err(fs4::TryLockError::WouldBlock))
}

/// Says which version's file is damaged.
#[cold]
fn in_directory(directory: &Path, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Corrupt { what, reason } => {
            Error::corrupt(directory.join(what).display().to_string(), reason.as_str())
        }
        _ => error,
    }
}
