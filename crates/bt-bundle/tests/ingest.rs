//! Promises of the ingest, through the public interface alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod ingest {
    mod bad_input;
    mod damaged_parquet;
    mod dirty;
    mod formats;
    mod forms;
    mod kinds;
    mod known;
    mod odd;
    mod same_version;
    mod shipped;
    mod tables;
}
#[path = "common/unsynced.rs"]
mod unsynced;

use std::path::Path;
use std::sync::Arc;

use bt_bundle::{Ingest, IngestOptions, IngestReport, Store};
use bt_core::{Bundle, BundleName, BundleSource, Error, Field, Timestamp};
use unsynced::Unsynced;

/// The header of most tests.
const HEADER: &str = "Ticker,Date,Open,High,Low,Close,Volume";

fn name() -> BundleName {
    "test".parse().unwrap()
}

fn daily() -> IngestOptions {
    IngestOptions { frequency: Some(bt_core::Frequency::Daily), ..Default::default() }
}

/// A directory with one store in it.
struct Place {
    directory: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path().join("store")).unwrap().with_disk(Arc::new(Unsynced));
        Self { directory, store }
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.directory.path().join(file)
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
        let path = self.path(file);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).unwrap();
        }
        std::fs::write(&path, content).unwrap();
        path
    }

    fn ingest(&self, ingest: Ingest<'_>) -> Result<IngestReport, Error> {
        ingest.into_store(&self.store, &name())
    }

    /// Ingests a CSV file with this content, named `prices.csv`.
    fn csv(&self, content: impl AsRef<[u8]>, options: IngestOptions) -> Result<IngestReport, Error> {
        let path = self.write("prices.csv", content);
        self.ingest(Ingest::new(options).csv(path))
    }

    /// An asset's bars: when each became known, and its close.
    fn closes(&self, asset: &str) -> Vec<(String, f64)> {
        let bundle = self.store.open(&name()).unwrap();
        let bars = bundle.bars(bundle.assets().id(asset).unwrap()).unwrap();
        let known = bars.timestamps().iter().map(Timestamp::to_string);
        known.zip(bars.field(Field::CLOSE).iter().copied()).collect()
    }

    /// Whether the bundle has a version.
    fn is_published(&self) -> bool {
        self.store.version(&name()).is_ok()
    }
}

/// Ingests a CSV file with this content into a fresh store.
fn csv(content: impl AsRef<[u8]>, options: IngestOptions) -> Result<IngestReport, Error> {
    Place::new().csv(content, options)
}

fn data(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(file)
}
