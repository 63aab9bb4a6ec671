//! Paths and files of a store, opened without following links.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use bt_core::{Error, ErrorKind, Result};

/// A version of a bundle that is being written, or was when its writer died.
pub(crate) const TEMPORARY: &str = ".tmp-";
/// A version of a bundle that is being removed.
pub(crate) const CONDEMNED: &str = ".gc-";

/// Opens a regular file below the root, and gives its length.
pub(crate) fn open(path: &Path) -> Result<(File, usize)> {
    let (file, metadata) = open_regular(path)?;
    match usize::try_from(metadata.len()) {
        Ok(len) => Ok((file, len)),
        Err(_) => Err(no_file(path)),
    }
}

/// Opens a file that every version has. Where the version is there without it, the version is damaged; where the version
/// is gone, the error [is missing](is_missing).
pub(crate) fn open_part(directory: &Path, file: &str) -> Result<(File, usize)> {
    open(&directory.join(file)).map_err(|error| {
        match is_missing(&error) && check_directory(directory).is_ok() {
            true => Error::corrupt(directory.display().to_string(), format!("{file} is missing")),
            false => error,
        }
    })
}

/// Opens a regular file below the root, and gives what the system says of it.
pub(crate) fn open_regular(path: &Path) -> Result<(File, fs::Metadata)> {
    let (file, metadata) = open_raw(path).map_err(|error| refused(path, error))?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(no_file(path)) }
}

fn open_raw(path: &Path) -> io::Result<(File, fs::Metadata)> {
    let mut options = File::options();
    options.read(true);
    without_links(&mut options);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// A link is refused by the system, and a pipe does not hang the caller.
#[cfg(unix)]
pub(crate) fn without_links(options: &mut fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
}

/// A link is opened itself, and then refused because it is no regular file.
#[cfg(windows)]
pub(crate) fn without_links(options: &mut fs::OpenOptions) {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
}

/// Checks that a path is a directory and no link to one.
pub(crate) fn check_directory(path: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(path).map_err(|error| refused(path, error))?;
    if metadata.is_dir() { Ok(()) } else { Err(no_directory(path)) }
}

/// Whether the error says that the path does not exist.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

#[cold]
fn refused(path: &Path, error: io::Error) -> Error {
    let link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if link { no_file(path) } else { Error::io(format!("open {}", path.display()), error) }
}

#[cold]
fn no_file(path: &Path) -> Error {
    unsupported(path, "a store holds regular files; links, pipes and devices below its root are refused")
}

#[cold]
fn no_directory(path: &Path) -> Error {
    unsupported(path, "it has to be a directory of the store; links below the root are refused")
}

fn unsupported(path: &Path, instead: &str) -> Error {
    ErrorKind::Unsupported { what: path.display().to_string(), instead: instead.to_owned() }.into()
}

/// The names in a directory, in no order; those that are not UTF-8 are nobody's.
pub(crate) fn entries(directory: &Path) -> Result<Vec<String>> {
    let list =
        || fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    let names = list().map_err(|error| Error::io(format!("list {}", directory.display()), error))?;
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
}
