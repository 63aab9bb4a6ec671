use std::fs::File;
use std::path::Path;

use bt_core::{
    Adjustment, AssetId, AssetList, Bars, Bundle, BundleName, BundleVersion, Calendar, Error, ErrorKind,
    Frequency, Result, Slab,
};

use crate::OpenMode;
use crate::files;
use crate::index::{self, Index};
use crate::map::Region;
use crate::matrix::{self, Matrix};

/// One version of a bundle of a [`Store`](crate::Store), open.
///
/// All bars are one matrix in the mapped file, so [`slab`](Bundle::slab) is always there. While this value lives, in any
/// process, [`Store::gc`](crate::Store::gc) leaves its version alone.
///
/// Heap memory: the asset names + 36 bytes an asset + 24 bytes an adjustment; with [`OpenMode::Read`] the files as well.
pub struct MappedBundle {
    pub(crate) index: Index,
    pub(crate) matrix: Matrix,
    /// Holds the shared lock that keeps the version from being collected.
    _lease: File,
}

impl MappedBundle {
    /// Opens a version's directory and checks all that the accessors rely on, in O(assets).
    pub(crate) fn open(
        directory: &Path,
        name: &BundleName,
        version: BundleVersion,
        mode: OpenMode,
    ) -> Result<Self> {
        let not_found = || ErrorKind::VersionNotFound { name: name.clone(), version };
        let missing = |error| if files::is_missing(&error) { not_found().into() } else { error };
        files::check_directory(directory).map_err(missing)?;
        let (bars_file, bars_len) =
            files::open(&directory.join(matrix::FILE)).map_err(|error| lost(directory, error))?;
        if !lease(&bars_file) {
            return Err(not_found().into());
        }
        let (index_file, index_len) =
            files::open(&directory.join(index::FILE)).map_err(|error| lost(directory, error))?;
        let region = |file, len| {
            Region::open(file, len, mode)
                .map_err(|error| Error::io(format!("map {}", directory.display()), error))
        };
        let index =
            Index::open(not_empty(index_len, || region(&index_file, index_len), index::FILE)?, index::FILE);
        let index = index.map_err(|error| in_directory(directory, error))?;
        let matrix =
            Matrix::open(not_empty(bars_len, || region(&bars_file, bars_len), matrix::FILE)?, matrix::FILE);
        let matrix = matrix.map_err(|error| in_directory(directory, error))?;
        let bundle = Self { index, matrix, _lease: bars_file };
        bundle.check(version).map_err(|error| in_directory(directory, error))?;
        Ok(bundle)
    }

    /// Checks that the two files belong together and to this version.
    fn check(&self, version: BundleVersion) -> Result<()> {
        let (assets, columns) = (self.index.assets.len(), self.columns());
        if self.index.version != version {
            return Err(Error::corrupt(index::FILE, format!("it is of version {}", self.index.version)));
        }
        if assets.checked_mul(columns + 2) != Some(self.index.leaves().len()) {
            let found = self.index.leaves().len();
            return Err(Error::corrupt(
                index::FILE,
                format!("{found} digests do not fit {assets} assets of {columns} columns"),
            ));
        }
        self.all().check(self.index.calendar().len())
    }

    /// All bars, with the places of the assets.
    pub(crate) fn all(&self) -> Slab<'_> {
        Slab { all: self.matrix.bars(), spans: &self.index.spans, positions: self.index.positions() }
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

/// Takes the lease; false where the collector has the version. Where the file system has no locks there is no lease, and
/// the collector knows that it cannot know.
fn lease(file: &File) -> bool {
    !matches!(fs4::FileExt::try_lock_shared(file), Err(fs4::TryLockError::WouldBlock))
}

/// Nothing can be mapped of an empty file.
fn not_empty(len: usize, open: impl FnOnce() -> Result<Region>, what: &str) -> Result<Region> {
    if len == 0 { Err(Error::corrupt(what, "it is empty")) } else { open() }
}

/// A version without one of its files is damaged, not absent.
fn lost(directory: &Path, error: Error) -> Error {
    if files::is_missing(&error) {
        Error::corrupt(directory.display().to_string(), "bars.arrow or index.arrow is missing")
    } else {
        error
    }
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
