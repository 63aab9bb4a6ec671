//! Files that take their place once they are whole, and what is left of them where a process was killed.
//!
//! Whoever writes one has it locked, so a leftover is known by its lock being free: nobody's clock and no process number is asked.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{Error, Result};

const PREFIX: &str = ".bt-sweep-";
const SUFFIX: &str = ".tmp";

/// A locked file beside its place. For whoever the folder is for, unlike other temporary files.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let file = builder.tempfile_in(folder)?;
        match fs4::FileExt::try_lock(file.as_file()) {
            // Between its making and its lock it looked like a leftover to somebody.
            Err(fs4::TryLockError::WouldBlock) => {}
            Ok(()) if !file.path().exists() => {}
            // A file system without locks has no ledgers, and nobody removes leftovers there.
            Ok(()) | Err(fs4::TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// Removes the temporary files that killed processes have left in a folder; gives how many. Those that a process is writing stay, and so
/// does whatever this crate has not made. Errors are none of the caller's: what cannot be removed stays.
pub fn remove_leftovers(folder: impl AsRef<Path>) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let ours = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        is_ours && entry.file_type().is_ok_and(|kind| kind.is_file())
    });
    ours.filter(|entry| remove_unlocked(&entry.path()).is_ok_and(|removed| removed)).count()
}

fn remove_unlocked(path: &Path) -> io::Result<bool> {
    let file = File::options().write(true).open(path)?;
    match fs4::FileExt::try_lock(&file) {
        // Removed while it is locked: its writer, if there is one after all, begins another.
        Ok(()) => fs::remove_file(path).map(|()| true),
        Err(fs4::TryLockError::WouldBlock) => Ok(false),
        Err(fs4::TryLockError::Error(error)) => Err(error),
    }
}

/// Writes a JSON document of a sweep's folder, whole or not at all; false where there is one already, which stays.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn create_document(path: impl AsRef<Path>, bytes: &[u8]) -> Result<bool> {
    let path = path.as_ref();
    let failed = |error| Error::io(format!("write {}", path.display()), error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_data()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(failed(refused.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_removed_and_what_is_written_or_foreign_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [".bt-sweep-abcdef.tmp", ".tmpAbCdEf", "trials.csv", ".bt-sweep-abcdef.tmp.mine"] {
            fs::write(path(name), "some").unwrap();
        }
        fs::create_dir(path(".bt-sweep-folder.tmp")).unwrap();
        let written = temporary(folder.path()).unwrap();
        assert_eq!(remove_leftovers(folder.path()), 1);
        assert!(!path(".bt-sweep-abcdef.tmp").exists() && written.path().exists());
        // Killed while it wrote: the lock goes, the file stays.
        let (file, left) = written.into_parts();
        let left = left.keep().unwrap();
        drop(file);
        assert_eq!(remove_leftovers(folder.path()), 1);
        assert!(!left.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        assert_eq!(remove_leftovers(path("no such folder")), 0);
    }

    #[test]
    fn whoever_writes_while_others_remove_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for round in 0..300 {
                    let path = folder.path().join(format!("{round}.json"));
                    assert!(create_document(&path, b"whole").unwrap());
                    assert!(!create_document(&path, b"another").unwrap());
                    assert_eq!(fs::read(&path).unwrap(), b"whole");
                }
            });
            while !writer.is_finished() {
                remove_leftovers(folder.path());
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 300);
    }
}
