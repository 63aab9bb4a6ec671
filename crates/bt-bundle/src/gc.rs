use std::path::Path;

use bt_core::{BundleName, BundleSource, BundleVersion, Error, ErrorKind, Result};

use crate::{Store, files, matrix};

/// What [`Store::gc`] did.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Versions that are gone.
    pub removed: Vec<BundleVersion>,
    /// Versions that were to go and stay, because somebody has them open.
    pub leased: Vec<BundleVersion>,
    /// Versions that stay because their manifest does not say when they were published, each with the reason. The current
    /// one can be among them.
    pub unknown: Vec<(BundleVersion, Error)>,
    /// Versions that were to go and could not be removed, each with the reason. On Windows a mapped file is one.
    pub failed: Vec<(BundleVersion, Error)>,
}

impl Store {
    /// Removes old versions of a bundle: all but the current one, the `keep_last` published last, and those that are open in
    /// any process.
    ///
    /// A version whose manifest does not say when it was published stays, and is [told of](Collected::unknown): it may be the
    /// newest. Publishing its content again repairs it.
    ///
    /// Readers that have a version open are not disturbed. One that opens it at this very moment either has it, and it
    /// stays, or gets [`ErrorKind::VersionNotFound`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`] where `keep_last` is 0, [`ErrorKind::BundleNotFound`], [`ErrorKind::Busy`] while the
    /// bundle is being written, [`ErrorKind::Corrupt`] where `HEAD` names a version that is not there, [`ErrorKind::Io`].
    pub fn gc(&self, name: &BundleName, keep_last: usize) -> Result<Collected> {
        if keep_last == 0 {
            return Err(Error::invalid_option("keep_last", keep_last, "at least 1"));
        }
        self.version(name)?;
        let _lock = self.lock_for_writing(name, "collecting old versions")?;
        let current = self.version(name)?;
        let versions = self.versions_by_age(name)?;
        if !versions.iter().any(|(version, _)| *version == current) {
            // Then which of them was current is not known.
            let missing = ErrorKind::VersionNotFound { name: name.clone(), version: current };
            return Err(self.not_current(name, missing.into()));
        }
        let mut collected = Collected::default();
        let mut by_age = Vec::new();
        for (version, sequence) in versions {
            match sequence {
                Ok(_) => by_age.push(version),
                Err(reason) => collected.unknown.push((version, reason)),
            }
        }
        for version in by_age.into_iter().skip(keep_last).filter(|&version| version != current) {
            match self.collect(name, version) {
                Ok(true) => collected.removed.push(version),
                Ok(false) => collected.leased.push(version),
                Err(error) => collected.failed.push((version, error)),
            }
        }
        Ok(collected)
    }

    /// Removes a version, unless somebody has it open. The rename comes first, so that nobody ever sees half of it.
    fn collect(&self, name: &BundleName, version: BundleVersion) -> Result<bool> {
        let directory = self.version_directory(name, version);
        let condemned = self.directory(name).join(format!("{}{version}", files::CONDEMNED));
        let lock = match files::open(&directory.join(matrix::FILE)) {
            Ok((file, _)) => match fs4::FileExt::try_lock(&file) {
                Ok(()) => Some(file),
                Err(fs4::TryLockError::WouldBlock) => return Ok(false),
                Err(fs4::TryLockError::Error(error)) => return Err(no_locks(&directory, &error)),
            },
            // Without its bars nobody can have it open.
            Err(error) if files::is_missing(&error) => None,
            Err(error) => return Err(error),
        };
        // Windows renames no directory with an open file in it; that somebody else has one open shows there too.
        let lock = lock.filter(|_| !cfg!(windows));
        self.step("condemn", &directory, |from| self.disk.rename(from, &condemned))?;
        self.step("sync", &self.directory(name), |path| self.disk.sync_dir(path))?;
        drop(lock);
        self.step("remove", &condemned, |path| self.disk.remove(path))?;
        Ok(true)
    }
}

/// Where leases cannot be seen, nothing is removed.
#[cold]
fn no_locks(directory: &Path, error: &std::io::Error) -> Error {
    ErrorKind::Unsupported {
        what: format!("collecting {}, where the file system has no locks ({error}),", directory.display()),
        instead: "remove the directory by hand once nobody has it open".to_owned(),
    }
    .into()
}
