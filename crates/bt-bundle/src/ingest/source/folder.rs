//! The files of a folder.

use std::path::{Path, PathBuf};

use bt_core::{Error, Result};

use crate::ingest::fault::{FileFault, Finding, Place};
use crate::ingest::infer::columns::is_asset_name;
use crate::ingest::{AssetName, FileFormat};

/// What a folder holds for an ingest, in order of the files' paths.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Listing {
    /// The files that can be read.
    pub files: Vec<ListedFile>,
    /// What is not read.
    pub skipped: Vec<Skipped>,
}

/// A file of a [`Listing`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What its name says that it is.
    pub format: FileFormat,
    /// What says the asset of its rows: a column; or else a folder such as `symbol=AAPL`, or the file's name.
    pub asset: AssetName,
}

/// What an ingest did not read, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why it was not read.
    pub reason: SkipReason,
}

/// Why something of a folder is not read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is a folder, and folders in folders were not asked for.
    Folder,
    /// Its name says nothing of a format that is read.
    UnknownEnding,
    /// It is a device, a pipe or a socket.
    NotRegular,
    /// There is nothing in it.
    Empty,
    /// It is a text beside tables: no line of it names columns of bars.
    NoTable,
    /// It is of another format than the files that are read.
    OtherFormat,
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Folder => "is a folder in the folder",
            Self::UnknownEnding => "has an ending that is not read",
            Self::NotRegular => "is no regular file",
            Self::Empty => "is empty",
            Self::NoTable => "is no table of bars",
            Self::OtherFormat => "is of another format than the files that are read",
        })
    }
}

impl Listing {
    /// Keeps the files of one format; the others are skipped.
    pub fn keep(&mut self, format: FileFormat) {
        self.keep_where(|file| file.format == format);
    }

    /// Skips the `.txt` files that lie beside Parquet or Arrow files: those describe the tables.
    pub fn keep_tables(&mut self) {
        let is_table = |file: &ListedFile| file.format != FileFormat::Csv || !may_be_prose(&file.path);
        let is_binary = |file: &ListedFile| file.format != FileFormat::Csv;
        if self.files.iter().any(is_binary) {
            self.keep_where(is_table);
        }
    }

    fn keep_where(&mut self, is_kept: impl Fn(&ListedFile) -> bool) {
        let (kept, others) = std::mem::take(&mut self.files).into_iter().partition(is_kept);
        self.files = kept;
        let skipped = |file: ListedFile| Skipped { path: file.path, reason: SkipReason::OtherFormat };
        self.skipped.extend(others.into_iter().map(skipped));
        self.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

/// Lists what a folder holds. Hidden files are passed over; folders such as `symbol=AAPL` or `year=2024` are parts of one
/// table, whatever `recursive` says.
///
/// # Errors
/// [`Io`](bt_core::ErrorKind::Io); [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where there is no file that can be read.
pub fn list_files(folder: &Path, recursive: bool) -> Result<Listing> {
    let mut listing = Listing::default();
    list(folder, recursive, None, &mut listing)?;
    if listing.files.is_empty() {
        let fault = FileFault::EmptyFolder { endings: FileFormat::ENDINGS };
        return Err(Finding::new(Place::of(folder.display().to_string()), fault).into());
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

fn list(folder: &Path, recursive: bool, asset: Option<&str>, listing: &mut Listing) -> Result<()> {
    let failed = |error| Error::io(format!("list {}", folder.display()), error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        let mut skip = |path: PathBuf, reason| listing.skipped.push(Skipped { path, reason });
        let metadata =
            std::fs::metadata(&path).map_err(|error| Error::io(format!("open {}", path.display()), error))?;
        match (metadata.is_dir(), name.split_once('=')) {
            (true, Some((key, value))) => {
                let named = is_asset_name(key).then(|| decoded(value));
                list(&path, recursive, named.as_deref().or(asset), listing)?;
            }
            (true, None) if recursive => list(&path, recursive, asset, listing)?,
            (true, None) => skip(path, SkipReason::Folder),
            (false, _) => match FileFormat::of(&path) {
                _ if !metadata.is_file() => skip(path, SkipReason::NotRegular),
                None => skip(path, SkipReason::UnknownEnding),
                Some(_) if metadata.len() == 0 => skip(path, SkipReason::Empty),
                Some(format) => {
                    let asset = match asset {
                        Some(asset) => AssetName::Default(asset.to_owned()),
                        None => AssetName::ByFile,
                    };
                    listing.files.push(ListedFile { path, format, asset });
                }
            },
        }
    }
    Ok(())
}

/// Whether a file of a folder may be no table at all, but its description.
pub(in crate::ingest) fn may_be_prose(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"))
}

/// A value of a partition, in which signs are escaped as in addresses: `BRK%2FB`.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_s_value_is_decoded() {
        for (text, value) in
            [("AAPL", "AAPL"), ("BRK%2FB", "BRK/B"), ("50%", "50%"), ("%zz", "%zz"), ("%C3%A9", "é")]
        {
            assert_eq!(decoded(text), value);
        }
    }
}
