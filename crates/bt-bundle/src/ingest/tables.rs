//! Parquet files as tables: what they contain is their version.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use arrow_array::RecordBatch;
use bt_asset_cache::{Label, Table, TableColumns, TableSource, version_as_read};
use bt_core::{BundleName, BundleVersion, Error, ErrorKind, Frequency, Result};
use bytes::Bytes;
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

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
    /// What the timestamps say, in all tables; ends by default, and of dates the ends of their days.
    pub label: Label,
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
            label: Label::default(),
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
        let not_found = || ErrorKind::BundleNotFound { name: name.clone(), nearest: Vec::new() }.into();
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
    let unreadable = |error: String| Error::invalid_input(path.display().to_string(), error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes));
    let reader = builder.and_then(|builder| builder.with_batch_size(ROWS).build());
    for batch in reader.map_err(|error| unreadable(error.to_string()))? {
        batches.push(batch.map_err(|error| unreadable(error.to_string()))?);
    }
    Ok(())
}

/// The digests of files' contents, each computed once for as long as the file stays the same.
///
/// A file that was changed less than two seconds before it was read is hashed again the next time: another change right
/// after it could carry the same times.
#[derive(Default, Debug)]
pub struct FileDigests {
    known: Mutex<HashMap<PathBuf, (Identity, BundleVersion)>>,
}

/// What tells a file's content from another's without reading it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: 0,
            inode: 0,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            changed: (0, 0),
        }
    }

    /// Whether a change from now on would show.
    fn is_settled(self) -> bool {
        const COARSEST_CLOCK: Duration = Duration::from_secs(2);
        let changed =
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.changed.0.max(0) as u64 + 1));
        let latest = self.modified.max(changed);
        latest
            .and_then(|latest| SystemTime::now().duration_since(latest).ok())
            .is_some_and(|age| age > COARSEST_CLOCK)
    }
}

impl FileDigests {
    /// The digest of a file's content: a `stat`, or where the file is new or changed one pass over it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn of_file(&self, path: &Path) -> Result<BundleVersion> {
        let metadata =
            std::fs::metadata(path).map_err(|error| Error::io(format!("stat {}", path.display()), error))?;
        match self.lookup(path, Identity::of(&metadata)) {
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
        let mut file = File::open(path).map_err(failed)?;
        let before = Identity::of(&file.metadata().map_err(failed)?);
        let mut bytes = Vec::with_capacity(before.size as usize + 1);
        file.read_to_end(&mut bytes).map_err(failed)?;
        let after = Identity::of(&file.metadata().map_err(failed)?);
        let known = if before == after { self.lookup(path, after) } else { None };
        let content = known.unwrap_or_else(|| BundleVersion::of_bytes(&bytes));
        if before == after && after.is_settled() {
            self.known.lock().insert(path.to_owned(), (after, content));
        }
        Ok((bytes, content))
    }

    fn lookup(&self, path: &Path, identity: Identity) -> Option<BundleVersion> {
        let known = self.known.lock();
        known.get(path).filter(|(found, _)| *found == identity).map(|&(_, content)| content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(path: &Path) {
        let past = SystemTime::now() - Duration::from_secs(100);
        File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
    }

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
        settle(&other);
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(digests.read(&path).unwrap(), (b"six".to_vec(), BundleVersion::of_bytes(b"six")));
    }

    #[test]
    fn a_digest_is_kept_only_once_a_change_would_show() {
        let now = SystemTime::now();
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
        let at = |age: u64| Identity {
            device: 1,
            inode: 1,
            size: 1,
            modified: Some(now - Duration::from_secs(age)),
            changed: (seconds - age as i64, 0),
        };
        assert!(!at(0).is_settled());
        assert!(at(10).is_settled());
        assert!(!Identity { changed: (seconds, 0), ..at(10) }.is_settled());
        assert!(!Identity { changed: (seconds + 1000, 0), ..at(10) }.is_settled());
    }

    #[test]
    fn a_digest_that_is_kept_is_served_without_reading_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        std::fs::write(&path, b"one").unwrap();
        let digests = FileDigests::default();
        let identity = Identity::of(&std::fs::metadata(&path).unwrap());
        let planted = BundleVersion([7; 32]);
        digests.known.lock().insert(path.clone(), (identity, planted));
        assert_eq!(digests.of_file(&path).unwrap(), planted);
    }
}
