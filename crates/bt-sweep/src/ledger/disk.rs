//! The seam through which a ledger changes its folder.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use super::temporary::temporary;
use crate::{Error, Result};

/// The steps that change a ledger, one method each: what a test fails or cuts short in turn.
///
/// Every method has the real thing as its default.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Opens a file to append to; creates it where it is not there.
    ///
    /// # Errors
    /// The system's.
    fn open_append(&self, path: &Path) -> io::Result<File> {
        File::options().append(true).create(true).open(path)
    }

    /// Appends some of the bytes; gives how many.
    ///
    /// # Errors
    /// The system's.
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    /// Makes what a file holds last, its length included.
    ///
    /// # Errors
    /// The system's.
    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Makes a folder's entries last; nothing where the platform has no such call.
    ///
    /// # Errors
    /// The system's.
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    /// Cuts a file off at a length.
    ///
    /// # Errors
    /// The system's.
    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        File::options().write(true).open(path)?.set_len(length)
    }

    /// Renames a file, over one that may exist.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}

/// The disk itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}

/// Appends all of the bytes, in as many writes as it takes.
pub(crate) fn write_all(disk: &dyn Disk, file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write(file, bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The most bytes of a document, such as `sweep.json`.
pub(crate) const MAX_DOCUMENT: u64 = 1 << 24;

/// Reads a JSON document of a sweep's folder: a regular file of at most 16 MiB.
///
/// # Errors
/// [`Error::Damaged`] where it is longer, or a pipe, a device or a folder, which are not opened; [`Error::Io`].
pub fn read_document(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let file = open_regular(path)?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    if bytes.len() as u64 <= MAX_DOCUMENT {
        return Ok(bytes);
    }
    let reason = format!("it is longer than {MAX_DOCUMENT} bytes");
    Err(Error::Damaged { what: path.display().to_string(), reason })
}

/// Opens a regular file to read it.
pub(crate) fn open_regular(path: &Path) -> Result<File> {
    check_regular(path)?;
    let failed = |error| Error::io(format!("open {}", path.display()), error);
    let file = File::open(path).map_err(failed)?;
    check_kind(path, &file.metadata().map_err(failed)?)?;
    Ok(file)
}

/// Refuses what is there and is no regular file, without opening it: a pipe would keep whoever opens it waiting, a device might have
/// no end.
pub(crate) fn check_regular(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(data) => check_kind(path, &data),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(format!("look at {}", path.display()), error)),
    }
}

fn check_kind(path: &Path, data: &Metadata) -> Result<()> {
    if data.is_file() {
        return Ok(());
    }
    let kind = if data.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
    let reason = format!("it is {kind} and no regular file");
    Err(Error::Damaged { what: path.display().to_string(), reason })
}

/// Writes a file whole or not at all, whenever the machine dies: beside its place, then renamed there.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let failed = |error| Error::io(format!("write {}", path.display()), error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary(folder).map_err(failed)?;
    write(file.as_file_mut()).map_err(failed)?;
    file.as_file().sync_data().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
