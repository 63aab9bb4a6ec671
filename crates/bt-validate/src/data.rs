//! The data sets on disk: each as a Parquet file with Decimal prices, and as a bundle in a store.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use bt_bundle::{Ingest, IngestOptions, ParquetTables, Store};
use bt_core::{BundleName, BundleVersion};
use bt_testkit::Layout;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::report::Mode;
use crate::workloads::Set;

/// One data set, ready to be read by every arm.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Which one.
    pub set: Set,
    /// The bundle's name in the store and in the table source.
    pub name: BundleName,
    /// The Parquet file: `Ticker`, `Date`, `Open` … `Volume`, with Decimal prices.
    pub parquet: PathBuf,
    /// The root of the store that holds it.
    pub store: PathBuf,
}

/// What a one-time ingestion cost.
#[derive(Clone, Copy, Debug)]
pub struct Ingestion {
    /// Which set.
    pub set: Set,
    /// Rows ingested.
    pub rows: u64,
    /// From opening the file to the published bundle.
    pub elapsed: Duration,
    /// The version published.
    pub version: BundleVersion,
}

impl Dataset {
    /// The Parquet file as a source of tables.
    pub fn tables(&self) -> ParquetTables {
        let columns = Layout::decimals_and_dates().columns;
        ParquetTables { columns, ..ParquetTables::of_files(self.name.clone(), [&self.parquet]) }
    }

    /// Where a set lies below a folder that [`prepare`] filled.
    ///
    /// # Panics
    /// Never: the names of sets are names of bundles.
    pub fn at(folder: &Path, set: Set) -> Self {
        Self {
            set,
            name: BundleName::new(set.name()).expect("the names of sets are names of bundles"),
            parquet: folder.join(format!("{}.parquet", set.name())),
            store: folder.join("store"),
        }
    }
}

/// Writes the Parquet files of the sets and ingests them, as a user would.
///
/// # Errors
/// Where a file cannot be written or ingested.
pub fn prepare(folder: &Path, shipped: &Path, sets: &[Set], mode: Mode) -> anyhow::Result<Vec<Ingestion>> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("clear {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    sets.iter().map(|&set| prepare_one(&Dataset::at(folder, set), shipped, mode)).collect()
}

fn prepare_one(dataset: &Dataset, shipped: &Path, mode: Mode) -> anyhow::Result<Ingestion> {
    match dataset.set.market(mode) {
        Some(market) => {
            write_parquet(&dataset.parquet, &market.generate().table(&Layout::decimals_and_dates()))?
        }
        None => {
            fs::copy(shipped, &dataset.parquet).with_context(|| format!("copy {}", shipped.display()))?;
        }
    }
    ingest(dataset)
}

fn write_parquet(path: &Path, table: &bt_asset_cache::Table) -> anyhow::Result<()> {
    let schema = table.batches.first().context("the set has bars")?.schema();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties))?;
    for batch in &table.batches {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(())
}

fn ingest(dataset: &Dataset) -> anyhow::Result<Ingestion> {
    let begin = Instant::now();
    let store = Store::create(&dataset.store)?;
    let report =
        Ingest::new(IngestOptions::default()).parquet(&dataset.parquet).into_store(&store, &dataset.name)?;
    let (elapsed, set) = (begin.elapsed(), dataset.set);
    Ok(Ingestion { set, rows: report.bars, elapsed, version: report.version })
}
