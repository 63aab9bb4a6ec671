use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bt_core::{BundleName, BundleSource, BundleVersion, Error, ErrorKind, Result, nearest_names};

use crate::disk::{Disk, RealDisk};
use crate::files::{self, TEMPORARY};
use crate::head::{self, Heads};
use crate::{Manifest, MappedBundle, OpenMode};

/// A directory of bundles, each with its versions.
///
/// ```text
/// <root>/<name>/HEAD                    the current version
/// <root>/<name>/<version>/bars.arrow    all bars; any Arrow reader opens it
/// <root>/<name>/<version>/index.arrow   assets, calendar, adjustments
/// <root>/<name>/<version>/digests.arrow a digest of each column of each asset
/// <root>/<name>/<version>/manifest.json for people and tools
/// ```
///
/// Cheap to clone; clones share what they know about `HEAD` files.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    options: OpenOptions,
    pub(crate) disk: Arc<dyn Disk>,
    heads: Arc<Heads>,
}

/// How a [`Store`] opens bundles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenOptions {
    /// Whether files are mapped (the default) or copied to the heap.
    pub mode: OpenMode,
    /// Whether every open reads all bars and recomputes their digests, as [`Store::verify`] does. Off by default: an open
    /// then costs microseconds, and damaged structure is found, but a flipped bit in a price is not.
    pub verify: bool,
}

/// So often in turn an open may find that its version was collected before it takes that for damage.
const MISSES: usize = 16;

impl Store {
    /// Opens the store in a directory, which is created where it does not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be created.
    pub fn create(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        fs::create_dir_all(root).map_err(|error| Error::io(format!("create {}", root.display()), error))?;
        Self::open(root)
    }

    /// Opens the store in a directory that exists.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it is not there, or not a directory.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let failed = |error| Error::io(format!("open the store {}", root.as_ref().display()), error);
        let root = std::path::absolute(root.as_ref()).map_err(failed)?;
        fs::read_dir(&root).map_err(failed)?;
        Ok(Self { root, options: OpenOptions::default(), disk: Arc::new(RealDisk), heads: Arc::default() })
    }

    /// The same store, opening bundles in another way.
    #[must_use]
    pub fn with_options(self, options: OpenOptions) -> Self {
        Self { options, ..self }
    }

    /// The same store, changing it through another disk: for tests of what happens when a step fails.
    #[must_use]
    pub fn with_disk(self, disk: Arc<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// The directory of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of the bundles that have a current version, ascending.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the directory cannot be read.
    pub fn list(&self) -> Result<Vec<BundleName>> {
        let names = files::entries(&self.root)?;
        let mut names: Vec<_> = names.iter().filter_map(|name| BundleName::new(name).ok()).collect();
        names.retain(|name| fs::symlink_metadata(self.directory(name).join(head::FILE)).is_ok());
        names.sort_unstable();
        Ok(names)
    }

    /// The versions of a bundle, those published last first, with their manifests. Versions whose manifest does not say when
    /// come last; there is none where it cannot be read.
    ///
    /// # Errors
    /// [`ErrorKind::BundleNotFound`]; [`ErrorKind::Io`] where the directory cannot be read.
    pub fn versions(&self, name: &BundleName) -> Result<Vec<(BundleVersion, Option<Manifest>)>> {
        let manifest = |version| Manifest::read(&self.version_directory(name, version)).ok();
        let versions = self.versions_by_age(name)?.into_iter();
        Ok(versions.map(|(version, _)| (version, manifest(version))).collect())
    }

    /// The versions of a bundle, each with its [`sequence`](Manifest::sequence), those published last first. Those whose
    /// manifest does not say when come last.
    pub(crate) fn versions_by_age(&self, name: &BundleName) -> Result<Vec<(BundleVersion, Result<u64>)>> {
        let directory = self.directory(name);
        files::check_directory(&directory).map_err(|error| self.not_found(name, error))?;
        let sequence = |version| Manifest::sequence_of(&self.version_directory(name, version));
        let versions = files::entries(&directory)?.into_iter().filter_map(|name| name.parse().ok());
        let mut versions: Vec<_> = versions.map(|version| (version, sequence(version))).collect();
        versions.sort_by_key(|(version, sequence)| (Reverse(sequence.as_ref().ok().copied()), *version));
        Ok(versions)
    }

    pub(crate) fn directory(&self, name: &BundleName) -> PathBuf {
        self.root.join(name.as_str())
    }

    pub(crate) fn version_directory(&self, name: &BundleName, version: BundleVersion) -> PathBuf {
        self.directory(name).join(version.to_string())
    }

    /// Turns "no such file" into "no such bundle", with the names that look alike.
    #[cold]
    fn not_found(&self, name: &BundleName, error: Error) -> Error {
        if !files::is_missing(&error) {
            return error;
        }
        let known = self.list().unwrap_or_default();
        let nearest = nearest_names(name.as_str(), known.iter().map(BundleName::as_str));
        ErrorKind::BundleNotFound { name: name.clone(), nearest }.into()
    }

    /// That `HEAD` names a version which is not there is damage, whoever asked for the current version.
    #[cold]
    pub(crate) fn not_current(&self, name: &BundleName, error: Error) -> Error {
        let ErrorKind::VersionNotFound { version, .. } = error.kind() else { return error };
        let head = self.directory(name).join(head::FILE);
        Error::corrupt(
            head.display().to_string(),
            format!("bundle {name} does not have the version {version}"),
        )
    }

    fn open_directory(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<MappedBundle>> {
        let bundle =
            MappedBundle::open(self.version_directory(name, version), name, version, self.options.mode)?;
        if self.options.verify {
            bundle.verify()?;
        }
        Ok(Arc::new(bundle))
    }
}

impl BundleSource for Store {
    type Bundle = MappedBundle;

    /// One `stat` of `HEAD` where it is the file that was read before. On local file systems of Linux it is asked through the
    /// open file (of up to 64 bundles), which takes half the time and shows at once that `HEAD` was replaced, written or
    /// removed; that a directory above it was moved shows within a millisecond.
    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.heads.version(&self.root, name).map_err(|error| self.not_found(name, error))
    }

    fn open(&self, name: &BundleName) -> Result<Arc<MappedBundle>> {
        let mut misses = 0;
        loop {
            match self.open_directory(name, self.version(name)?) {
                // Between the look at HEAD and the open, a new version may have come and the collector gone over; that the
                // version is the same again does not say that it has not.
                Err(error)
                    if misses < MISSES && matches!(error.kind(), ErrorKind::VersionNotFound { .. }) =>
                {
                    misses += 1
                }
                Err(error) => return Err(self.not_current(name, error)),
                opened => return opened,
            }
        }
    }

    /// A bundle is there while its directory is, even without a `HEAD`.
    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<MappedBundle>> {
        files::check_directory(&self.directory(name)).map_err(|error| self.not_found(name, error))?;
        self.open_directory(name, version)
    }
}

impl std::fmt::Debug for Heads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Heads")
    }
}

/// Whether an entry of a bundle's directory is what an interrupted writer or collector left.
pub(crate) fn is_leftover(entry: &str) -> bool {
    entry.starts_with(TEMPORARY) || entry.starts_with(files::CONDEMNED)
}
