//! The files of a published bundle. The first byte says which, the second whether the rest is the file or edits of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bt_bundle::bt_core::{Bundle, BundleName, BundleSource, BundleVersion, Error, ErrorKind, Field};
use bt_bundle::{
    AssetName, FileFormat, Ingest, IngestOptions, MappedBundle, OpenMode, OpenOptions, Store, fuzzing,
};
use tempfile::TempDir;

use crate::bytes::Bytes;
use crate::place;

/// A store with one bundle in one version.
pub(crate) struct Published {
    directory: TempDir,
    pub(crate) store: Store,
    pub(crate) name: BundleName,
    pub(crate) version: BundleVersion,
}

impl Published {
    /// Daily bars of two assets, one of them with a gap, and a split.
    pub(crate) fn new() -> Self {
        let directory = place::directory();
        let bars = "symbol,date,open,high,low,close,volume,oi\n\
                    A,2024-01-05,1,2,1,1.5,10,1\nA,2024-01-08,1,2,1,1.25,10,2\nA,2024-01-09,1,2,1,1.75,10,3\n\
                    B,2024-01-05,5,6,5,5.5,,1\nB,2024-01-09,5,6,5,5.25,10,2\n";
        let bars = place::write(directory.path(), "bars.csv", bars.as_bytes());
        let splits = b"asset,date,kind,value\nA,2024-01-08,split,2\n";
        let options = IngestOptions {
            adjustments: Some(place::write(directory.path(), "splits.csv", splits)),
            ..IngestOptions::default()
        };
        let store = Store::create(directory.path().join("store")).expect("a store for the run");
        let name: BundleName = "daily".parse().expect("a name");
        let ingest = Ingest::new(options).file(bars, FileFormat::Csv, AssetName::InColumn);
        let version = ingest.into_store(&store, &name).expect("bars without a fault").version;
        Self { directory, store, name, version }
    }

    fn path(&self, file: &str) -> PathBuf {
        let bundle = self.directory.path().join("store").join(self.name.as_str());
        match file {
            "HEAD" => bundle.join(file),
            _ => bundle.join(self.version.to_string()).join(file),
        }
    }
}

/// A bundle whose files are changed, and the files as they were published.
struct Sample {
    published: Published,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Sample {
    fn new() -> Self {
        let published = Published::new();
        let names = ["bars.arrow", "index.arrow", "digests.arrow", "manifest.json", "HEAD"];
        let files = names.iter().map(|name| {
            let path = published.path(name);
            let whole = fs::read(&path).expect("a file of the bundle");
            (path, whole)
        });
        Self { files: files.collect(), published }
    }
}

static SAMPLE: LazyLock<std::sync::Mutex<Sample>> = LazyLock::new(|| Sample::new().into());

pub(crate) fn run(data: &[u8]) {
    // One after the other, where tests run side by side.
    let sample = SAMPLE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut bytes = Bytes(data);
    let (path, whole) = &sample.files[usize::from(bytes.byte()) % sample.files.len()];
    let mut file = whole.clone();
    match bytes.byte() % 2 {
        0 => bytes.edit(&mut file),
        _ => file = bytes.0.to_vec(),
    }
    let _replaced = Replaced::new(path, whole, &file);
    read_each_way(&sample.published, file == *whole);
}

fn read_each_way(published: &Published, is_whole: bool) {
    let Published { store, name, version, .. } = published;
    for mode in [OpenMode::Map, OpenMode::Read] {
        // A store that knows nothing yet.
        let store = Store::open(store.root()).expect("the store of the run");
        let store = store.with_options(OpenOptions { mode, verify: false });
        if let Err(error) = store.versions(name) {
            is_told(&error);
        }
        match store.open(name).and_then(|_| store.open_version(name, *version)) {
            Ok(bundle) => read_all(&bundle, is_whole),
            Err(error) => is_told(&error),
        }
    }
}

/// A file of the bundle with other bytes. It is whole again when this goes, also after a panic: the inputs that follow read
/// the same bundle.
struct Replaced<'s> {
    path: &'s Path,
    whole: &'s [u8],
}

impl<'s> Replaced<'s> {
    fn new(path: &'s Path, whole: &'s [u8], file: &[u8]) -> Self {
        let replaced = Self { path, whole };
        replace(path, file);
        replaced
    }
}

impl Drop for Replaced<'_> {
    fn drop(&mut self) {
        replace(self.path, self.whole);
    }
}

/// A new file in the place of the old, as a store's files are replaced.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).and_then(|()| fs::write(path, bytes)).expect("a file of the run");
}

fn read_all(bundle: &MappedBundle, is_whole: bool) {
    let slab = bundle.slab().expect("a bundle of a store has a matrix");
    let mut sum = 0.0;
    for id in bundle.assets().ids() {
        let bars = bundle.bars(id).expect("an asset of the bundle");
        sum += bars.view().sum() + bars.timestamps().len() as f64;
        sum += bundle.adjustments(id).expect("an asset of the bundle").len() as f64;
        for position in 0..=bundle.calendar().len() {
            let known = slab.spans[id.rank()].known(slab.positions, position);
            sum += bars.slice(0, known).field(Field::CLOSE).last().copied().unwrap_or(0.0);
        }
    }
    std::hint::black_box(sum);
    match bundle.verify() {
        Ok(verified) => assert_eq!((verified.assets, verified.rows), (2, 5)),
        Err(error) => {
            assert!(!is_whole, "{error}");
            is_told(&error);
        }
    }
}

fn is_told(error: &Error) {
    use ErrorKind::{Corrupt, Unreadable, Unsupported, UnsupportedFormat, VersionNotFound};
    assert!(error.to_string().len() < 4000, "{error}");
    let kind = error.kind();
    let is_typed = matches!(
        kind,
        Corrupt { .. }
            | Unsupported { .. }
            | UnsupportedFormat { .. }
            | Unreadable { .. }
            | VersionNotFound { .. }
    );
    assert!(is_typed, "{kind:?}");
}

/// The footer of an Arrow file of a bundle: the first byte says of which, 0 that the rest is one.
pub(crate) fn footer(data: &[u8]) {
    static FILES: LazyLock<Vec<Vec<u8>>> =
        LazyLock::new(|| Sample::new().files.into_iter().take(3).map(|(_, whole)| whole).collect());
    let mut bytes = Bytes(data);
    let file = match usize::from(bytes.byte()) % 4 {
        0 => bytes.0.to_vec(),
        which => {
            let mut file = FILES[which - 1].clone();
            bytes.edit(&mut file);
            file
        }
    };
    if let Err(error) = fuzzing::arrow_table(&file) {
        is_told(&error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_again_after_a_panic_in_what_reads_it() {
        let directory = place::directory();
        let path = place::write(directory.path(), "HEAD", b"whole");
        let failed = std::panic::catch_unwind(|| {
            let _replaced = Replaced::new(&path, b"whole", b"damaged");
            assert_eq!(fs::read(&path).expect("a file"), b"damaged");
            panic!("on purpose");
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("a file"), b"whole");
    }
}
