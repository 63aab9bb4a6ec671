//! Who may change a bundle: one writer or collector at a time, in all processes.

use std::fs::File;
use std::path::Path;

use bt_core::{BundleName, Error, ErrorKind, Result};

use crate::store::is_leftover;
use crate::{Store, files};

/// The file of the lock, in the root and in each bundle's directory. It stays; what counts is who has it locked.
const LOCK: &str = ".lock";

impl Store {
    /// Creates the bundle's directory if need be, takes its lock and removes leftovers.
    pub(crate) fn lock_for_writing(&self, name: &BundleName, what: &str) -> Result<Lock> {
        let directory = self.directory(name);
        // Where the file system ignores case, the directory of a twin exists under this name too.
        self.refuse_twin(name)?;
        if !directory.exists() {
            self.create_directory(name, &directory)?;
        }
        files::check_directory(&directory)?;
        let lock = lock(&directory, name, what)?;
        for entry in files::entries(&directory)?.iter().filter(|entry| is_leftover(entry)) {
            self.step("remove", &directory.join(entry), |path| self.disk.remove(path))?;
        }
        Ok(lock)
    }

    /// Creates a bundle's directory, unless there is a twin, which two processes cannot create at the same time.
    fn create_directory(&self, name: &BundleName, directory: &Path) -> Result<()> {
        let path = self.root().join(LOCK);
        let _lock = open_lock(&path).and_then(|file| fs4::FileExt::lock(&file).map(|()| Lock(file)));
        let _lock = _lock.map_err(|error| Error::io(format!("lock {}", path.display()), error))?;
        self.refuse_twin(name)?;
        if directory.exists() {
            return Ok(());
        }
        self.step("create", directory, |path| self.disk.create_dir(path))
    }

    fn refuse_twin(&self, name: &BundleName) -> Result<()> {
        let twin = |entry: &String| entry != name.as_str() && entry.eq_ignore_ascii_case(name.as_str());
        match files::entries(self.root())?.into_iter().find(twin) {
            None => Ok(()),
            Some(_) => Err(ErrorKind::InvalidName {
                name: name.as_str().to_owned(),
                reason: "a bundle exists whose name differs in case only",
            }
            .into()),
        }
    }

    pub(crate) fn step<T>(
        &self,
        verb: &str,
        path: &Path,
        step: impl FnOnce(&Path) -> std::io::Result<T>,
    ) -> Result<T> {
        step(path).map_err(|error| Error::io(format!("{verb} {}", path.display()), error))
    }
}

/// A bundle's lock, which only one writer has at a time. The system releases it whatever becomes of the process.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that was forked meanwhile has the file open, too, and would keep it locked.
        drop(fs4::FileExt::unlock(&self.0));
    }
}

fn lock(directory: &Path, name: &BundleName, what: &str) -> Result<Lock> {
    let path = directory.join(LOCK);
    let failed = |error| Error::io(format!("lock {}", path.display()), error);
    let file = open_lock(&path).map_err(failed)?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(Lock(file)),
        Err(fs4::TryLockError::WouldBlock) => Err(ErrorKind::Busy {
            what: format!("{what} of bundle {name}"),
            holder: format!("another writer or collector has {}", path.display()),
        }
        .into()),
        Err(fs4::TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    files::without_links(&mut options);
    options.write(true).create(true).truncate(false).open(path)
}
