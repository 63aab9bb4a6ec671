//! Parquet files as tables: what they contain is their version.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use arrow_array::RecordBatch;
use bt_asset_cache::{Label, Table, TableColumns, TableSource, version_as_read};
use bt_core::{BundleName, BundleVersion, Error, ErrorKind, Frequency, Result, nearest_names};
use bytes::Bytes;

use crate::guard::ParquetInput;
use crate::known::{Identity, Known};

/// Parquet files as a [`TableSource`]: bars without an ingest, read whole each time.
///
/// A table's version is the SHA-256 of its files' content and of how they are read. It is computed once for each file
/// (device, inode, size, times of modification and change), so asking again costs a `stat`. Whoever replaces a file while
/// it is read gets the old table or the new one, or an error, never a mixture under one of their names.
///
/// ```
/// use bt_asset_cache::{TableColumns, TableSource};
/// use bt_bundle::ParquetTables;
/// # let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");
/// let columns = TableColumns {
///     asset: "Ticker".into(),
///     timestamp: "Date".into(),
///     values: ["Open", "High", "Low", "Close", "Volume"].map(String::from),
///     extra: vec![],
/// };
/// let tables = ParquetTables { columns, ..ParquetTables::in_folder(data) };
/// let table = tables.read(&"stocks".parse()?)?;
/// assert_eq!(table.rows(), 12_154);
/// assert_eq!(table.version, tables.version(&"stocks".parse()?)?);
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ParquetTables {
    /// The folder in which the table `name` is the file `name.parquet`, or the files `name/*.parquet` in order of their
    /// names.
    pub folder: Option<PathBuf>,
    /// The files of further tables, which go before those of the folder.
    pub files: HashMap<BundleName, Vec<PathBuf>>,
    /// Which column is which, in all tables.
    pub columns: TableColumns,
    /// How far apart bars are, in all tables; daily by default.
    pub frequency: Frequency,
    /// What the timestamps say, in all tables; by default nothing is said, and dates and midnights stand for their days,
    /// other times for starts (see [`Label::settle`]).
    pub label: Option<Label>,
    /// What is known of each file.
    pub digests: FileDigests,
}

impl Default for ParquetTables {
    /// No table yet, and the usual column names.
    fn default() -> Self {
        Self {
            folder: None,
            files: HashMap::new(),
            columns: TableColumns::default(),
            frequency: Frequency::Daily,
            label: None,
            digests: FileDigests::default(),
        }
    }
}

impl ParquetTables {
    /// The tables of a folder, with the usual column names.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..Self::default() }
    }

    /// The one table `name`, of these files, with the usual column names.
    pub fn of_files(name: BundleName, files: impl IntoIterator<Item: Into<PathBuf>>) -> Self {
        let files = files.into_iter().map(Into::into).collect();
        Self { files: HashMap::from([(name, files)]), ..Self::default() }
    }

    fn paths(&self, name: &BundleName) -> Result<Vec<PathBuf>> {
        let not_found = || self.not_found(name);
        if let Some(files) = self.files.get(name) {
            return Ok(files.clone());
        }
        let folder = self.folder.as_ref().ok_or_else(not_found)?;
        let file = folder.join(format!("{name}.parquet"));
        if file.is_file() {
            return Ok(vec![file]);
        }
        let parts = std::fs::read_dir(folder.join(name.as_str())).map_err(|_| not_found())?;
        let mut parts: Vec<_> =
            parts.filter_map(|part| Some(part.ok()?.path())).filter(|path| is_parquet(path)).collect();
        parts.sort();
        if parts.is_empty() { Err(not_found()) } else { Ok(parts) }
    }

    /// Names the tables that look alike.
    #[cold]
    fn not_found(&self, name: &BundleName) -> Error {
        let entries = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok());
        let paths = entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let tables = paths.filter(|path| is_parquet(path) || path.is_dir());
        let in_folder = tables.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
        let known: Vec<_> = self.files.keys().map(BundleName::to_string).chain(in_folder).collect();
        let nearest = nearest_names(name.as_str(), known.iter().map(String::as_str));
        ErrorKind::BundleNotFound { name: name.clone(), nearest }.into()
    }

    /// The version of files with these contents, as they are read here.
    fn version_of(&self, contents: &[BundleVersion]) -> BundleVersion {
        let content = match contents {
            [one] => *one,
            many => BundleVersion::of_bytes(b"files")
                .derived(many.iter().map(|one| one.0).collect::<Vec<_>>().as_flattened()),
        };
        version_as_read(content, &self.columns, self.frequency, self.label)
    }
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

impl TableSource for ParquetTables {
    /// One `stat` for each file, unless a file is new.
    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        let contents =
            self.paths(name)?.iter().map(|path| self.digests.of_file(path)).collect::<Result<Vec<_>>>()?;
        Ok(self.version_of(&contents))
    }

    fn read(&self, name: &BundleName) -> Result<Table> {
        let (mut batches, mut contents) = (Vec::new(), Vec::new());
        for path in self.paths(name)? {
            let (bytes, content) = self.digests.read(&path)?;
            contents.push(content);
            decode(&path, bytes, &mut batches)?;
        }
        Ok(Table {
            columns: self.columns.clone(),
            frequency: self.frequency,
            label: self.label,
            ..Table::new(self.version_of(&contents), batches)
        })
    }
}

fn decode(path: &Path, bytes: Vec<u8>, batches: &mut Vec<RecordBatch>) -> Result<()> {
    const ROWS: usize = 64 << 10;
    const PAGES: usize = 1 << 30;
    for batch in ParquetInput::open(path, Bytes::from(bytes), PAGES)?.read(None, ROWS)? {
        batches.push(batch?);
    }
    Ok(())
}

/// The digests of files' contents, each computed once for as long as the file stays the same.
///
/// A file that was changed just before it was read (100 ms, or two seconds where the file system counts whole seconds) is
/// hashed again the next time: another change right after it could carry the same times.
///
/// Memory: at most 1024 files, each its path and some 150 bytes; beyond that all are forgotten and hashed again.
#[derive(Default, Debug)]
pub struct FileDigests(Known<PathBuf, BundleVersion>);

impl FileDigests {
    /// The digest of a file's content: a `stat`, or where the file is new or changed one pass over it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn of_file(&self, path: &Path) -> Result<BundleVersion> {
        let metadata =
            std::fs::metadata(path).map_err(|error| Error::io(format!("stat {}", path.display()), error))?;
        match self.known(path, Identity::of(&metadata)) {
            Some(content) => Ok(content),
            None => self.read(path).map(|(_, content)| content),
        }
    }

    /// A file's content and its digest, which is hashed from these very bytes unless the file is known to have held
    /// them before and after they were read.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn read(&self, path: &Path) -> Result<(Vec<u8>, BundleVersion)> {
        let failed = |error| Error::io(format!("read {}", path.display()), error);
        let (now, mut file) = (SystemTime::now(), File::open(path).map_err(failed)?);
        let metadata = file.metadata().map_err(failed)?;
        let before = Identity::of(&metadata);
        let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
        file.read_to_end(&mut bytes).map_err(failed)?;
        let after = Identity::of(&file.metadata().map_err(failed)?);
        let known = if before == after { self.known(path, after) } else { None };
        let content = known.unwrap_or_else(|| BundleVersion::of_bytes(&bytes));
        self.0.keep(path.to_owned(), before, now, content);
        Ok((bytes, content))
    }

    fn known(&self, path: &Path, identity: Identity) -> Option<BundleVersion> {
        self.0.unchanged(path, |_| Some(identity), |&content| content)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_was_replaced_or_written_in_place_has_another_digest() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("a"), directory.path().join("b"));
        let digests = FileDigests::default();
        std::fs::write(&path, b"one").unwrap();
        assert_eq!(digests.of_file(&path).unwrap(), BundleVersion::of_bytes(b"one"));
        std::fs::write(&path, b"two").unwrap();
        assert_eq!(digests.of_file(&path).unwrap(), BundleVersion::of_bytes(b"two"));
        std::fs::write(&other, b"six").unwrap();
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(digests.of_file(&path).unwrap(), BundleVersion::of_bytes(b"two"));
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(digests.read(&path).unwrap(), (b"six".to_vec(), BundleVersion::of_bytes(b"six")));
    }

    #[test]
    fn a_digest_that_is_kept_is_served_without_reading_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        std::fs::write(&path, b"one").unwrap();
        let digests = FileDigests::default();
        let identity = Identity::of(&std::fs::metadata(&path).unwrap());
        let planted = BundleVersion([7; 32]);
        digests.0.keep(path.clone(), identity, SystemTime::now() + Duration::from_secs(10), planted);
        assert_eq!(digests.of_file(&path).unwrap(), planted);
    }
}
