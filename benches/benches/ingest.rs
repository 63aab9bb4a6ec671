//! An ingest with all its checks and digests, as a multiple of the Arrow reader alone; what the disk takes to make it last
//! is shown apart.

use std::fs::File;
use std::hint::black_box;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use bt_benches::{Paired, Rows, is_quick, is_wanted};
use bt_bundle::{Disk, Ingest, IngestOptions, IngestReport, RealDisk, Store};
use bt_core::BundleVersion;
use bt_testkit::{Layout, Market, MarketData, RowOrder};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const ASSETS: usize = 500;
const ROW: &str = "ingest of 1.26 M rows, digests included : the Arrow reader alone";
const BATCH: usize = 64 << 10;

fn main() {
    let days = if is_quick() { 252 } else { 2520 };
    let mut rows = Rows::new("ingest");
    let directory = tempfile::tempdir().expect("a directory");
    let market = Market::common(7, ASSETS, days).generate();
    for (name, order) in [("by asset", RowOrder::ByAsset), ("by time", RowOrder::ByTime)] {
        let files = Files::write(directory.path(), &market, order);
        files.compare("CSV", name, 2.0, &mut rows);
        files.compare("Parquet", name, 5.0, &mut rows);
    }
}

/// The same rows as CSV and as Parquet, with prices to the cent and dates without times, as vendors deliver them.
struct Files {
    csv: PathBuf,
    parquet: PathBuf,
    rows: usize,
    /// What an ingest has to give.
    version: BundleVersion,
    scratch: PathBuf,
}

impl Files {
    fn write(directory: &Path, market: &MarketData, order: RowOrder) -> Self {
        let table = market.table(&Layout { order, decimal_scale: Some(2), ..Layout::decimals_and_dates() });
        let files = Self {
            csv: directory.join("prices.csv"),
            parquet: directory.join("prices.parquet"),
            rows: table.rows(),
            version: table.version,
            scratch: directory.join("stores"),
        };
        let create = |path: &Path| File::create(path).expect("a file");
        let mut csv = arrow_csv::Writer::new(BufWriter::new(create(&files.csv)));
        let mut parquet =
            ArrowWriter::try_new(create(&files.parquet), table.batches[0].schema(), None).expect("a writer");
        for batch in &table.batches {
            csv.write(batch).expect("written");
            parquet.write(batch).expect("written");
        }
        parquet.close().expect("closed");
        files
    }

    fn compare(&self, kind: &str, order: &str, limit: f64, rows: &mut Rows) {
        let case = format!("{kind}, {order}");
        if !is_wanted(&format!("{ROW}: {case}")) {
            return;
        }
        let mut syncs = Vec::new();
        let times = Paired::new(&format!("{ROW}: {case}"))
            .arm("reader", || assert_eq!(self.read(kind), self.rows))
            .timed_arm("ingest", |repetitions| (0..repetitions).map(|_| self.ingest(kind, &mut syncs)).sum())
            .measure(if is_quick() { 5 } else { 11 });
        rows.at_most(ROW, &case, times.ratio("ingest", "reader"), limit, "×");
        syncs.sort();
        rows.shown(ROW, &format!("{case}: fsync apart"), syncs[syncs.len() / 2].as_secs_f64() * 1e3, " ms");
    }

    /// Rows that the Arrow reader makes record batches of.
    fn read(&self, kind: &str) -> usize {
        let file = File::open(if kind == "CSV" { &self.csv } else { &self.parquet }).expect("a file");
        let rows = |batch: RecordBatch| black_box(batch).num_rows();
        if kind == "CSV" {
            let reader =
                arrow_csv::ReaderBuilder::new(Arc::new(schema())).with_header(true).with_batch_size(BATCH);
            let reader = reader.build(file).expect("a reader");
            return reader.map(|batch| rows(batch.expect("a batch"))).sum();
        }
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a reader");
        let reader = builder.with_batch_size(BATCH).build().expect("a reader");
        reader.map(|batch| rows(batch.expect("a batch"))).sum()
    }

    /// The time of one ingest into a fresh store, without that of syncing.
    fn ingest(&self, kind: &str, syncs: &mut Vec<Duration>) -> Duration {
        let disk = Arc::new(SyncTime::default());
        let store = Store::create(&self.scratch).expect("a store").with_disk(disk.clone());
        let ingest = Ingest::new(IngestOptions::default());
        let ingest = if kind == "CSV" { ingest.csv(&self.csv) } else { ingest.parquet(&self.parquet) };
        let start = Instant::now();
        let report: IngestReport =
            ingest.into_store(&store, &"bench".parse().expect("a name")).expect("an ingest");
        let synced = Duration::from_nanos(disk.0.load(Relaxed));
        let took = start.elapsed() - synced;
        assert_eq!((report.bars as usize, report.version), (self.rows, self.version));
        if std::env::var_os("BT_BENCH_VERBOSE").is_some() {
            eprintln!("{report}");
        }
        syncs.push(synced);
        std::fs::remove_dir_all(&self.scratch).expect("removed");
        took
    }
}

/// A disk that counts what syncing takes.
#[derive(Default, Debug)]
struct SyncTime(AtomicU64);

impl SyncTime {
    fn timed(&self, sync: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
        let start = Instant::now();
        let result = sync();
        self.0.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
        result
    }
}

impl Disk for SyncTime {
    fn sync_file(&self, file: &File) -> std::io::Result<()> {
        self.timed(|| RealDisk.sync_file(file))
    }

    fn sync_dir(&self, path: &Path) -> std::io::Result<()> {
        self.timed(|| RealDisk.sync_dir(path))
    }
}

fn schema() -> Schema {
    let prices =
        ["Open", "High", "Low", "Close", "Volume"].map(|name| Field::new(name, DataType::Float64, true));
    let named = [Field::new("Ticker", DataType::Utf8, false), Field::new("Date", DataType::Date32, false)];
    Schema::new(named.into_iter().chain(prices).collect::<Vec<_>>())
}
