//! From files and record batches to a published bundle.

#[cfg(feature = "csv")]
mod adjustments;
mod append;
mod batches;
mod clock;
mod collect;
mod columns;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "csv")]
mod number;
mod options;
#[cfg(feature = "parquet")]
mod parquet;
mod report;
mod rows;
mod settle;
mod sources;
mod stamp;
#[cfg(feature = "parquet")]
mod tables;
mod wall;
mod write;

use std::collections::BTreeMap;
#[cfg(any(feature = "csv", feature = "parquet"))]
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use bt_core::{Adjustment, BundleName, Error, Result};

use crate::{DraftShape, Published, Store};
use collect::Collected;
use rows::Rows;
use settle::Settled;
use sources::{Piece, Sources};

pub use append::AppendReport;
pub use clock::SessionClose;
pub use options::{BadRows, Column, Extras, IngestOptions, NumberFormat};
pub use report::{IngestReport, Timings};
pub use rows::{BadRow, LeftOut};
pub use stamp::{EpochUnit, TimeFormat};
#[cfg(feature = "parquet")]
pub use tables::{FileDigests, ParquetTables};

/// Bars on their way into a [`Store`]: name the inputs, then publish them as one version.
///
/// Numbers become the doubles nearest to their decimal text: a price is within 1e-10 of itself relatively, whatever its
/// size, and absolutely up to 2^20. So the same rows are the same version from CSV, from Decimal columns and from doubles.
///
/// Inputs of all kinds can be combined; rows come in any order. Decoding runs on all processors. Beyond
/// [`memory_budget`](IngestOptions::memory_budget) rows wait in a temporary file, so files may be larger than memory.
///
/// ```
/// use bt_bundle::{Ingest, IngestOptions, Store};
/// let directory = tempfile::tempdir()?;
/// let csv = directory.path().join("prices.csv");
/// std::fs::write(&csv, "Ticker,Date,Open,High,Low,Close,Volume\nIBM,2024-01-05,159.2,160.6,158.8,159.2,4100\n")?;
///
/// let store = Store::create(directory.path().join("bundles"))?;
/// let report = Ingest::new(IngestOptions::default()).csv(&csv).into_store(&store, &"daily".parse()?)?;
/// assert_eq!((report.assets, report.bars), (1, 1));
/// // A date is known when its day is over, not at its midnight, which is its beginning.
/// assert_eq!(report.first, Some("2024-01-06".parse()?));
/// println!("{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Ingest<'a> {
    options: IngestOptions,
    inputs: Vec<Input<'a>>,
}

/// One input, not opened yet.
enum Input<'a> {
    #[cfg(feature = "csv")]
    Csv(PathBuf),
    #[cfg(feature = "csv")]
    CsvFolder(PathBuf),
    /// One asset: that of the file's name unless another is stated.
    #[cfg(feature = "csv")]
    CsvOfAsset(PathBuf, Option<String>),
    /// In long form where a column says the asset, else one asset, that of the file's name.
    #[cfg(feature = "csv")]
    CsvByName(PathBuf),
    #[cfg(feature = "parquet")]
    Parquet(PathBuf),
    Batches(Batches<'a>),
}

type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>;

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            #[cfg(feature = "csv")]
            Self::Csv(path) | Self::CsvFolder(path) | Self::CsvOfAsset(path, _) | Self::CsvByName(path) => {
                path.fmt(f)
            }
            #[cfg(feature = "parquet")]
            Self::Parquet(path) => path.fmt(f),
            Self::Batches(_) => f.write_str("record batches"),
        }
    }
}

impl<'a> Ingest<'a> {
    /// An ingest without inputs yet.
    pub fn new(options: IngestOptions) -> Self {
        Self { options, inputs: Vec::new() }
    }

    /// Adds a CSV file in long form: each row names its asset.
    #[cfg(feature = "csv")]
    pub fn csv(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::Csv(path.into()));
        self
    }

    /// Adds all `*.csv` files of a folder, each of them one asset, whose name is the file's without `.csv`.
    #[cfg(feature = "csv")]
    pub fn csv_folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::CsvFolder(path.into()));
        self
    }

    /// Adds a CSV file that is one asset of this name. A column for assets it may have, if that says the same in every row.
    #[cfg(feature = "csv")]
    pub fn csv_of_asset(mut self, path: impl Into<PathBuf>, asset: impl Into<String>) -> Self {
        self.inputs.push(Input::CsvOfAsset(path.into(), Some(asset.into())));
        self
    }

    /// Adds a CSV file whose form its columns decide: in long form where one says the asset, else one asset, whose name is
    /// the file's without its extension. For files of which nothing is known beforehand; the report says which it was.
    #[cfg(feature = "csv")]
    pub fn csv_by_name(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::CsvByName(path.into()));
        self
    }

    /// Adds a Parquet file, or all `*.parquet` files of a folder, in long form.
    #[cfg(feature = "parquet")]
    pub fn parquet(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::Parquet(path.into()));
        self
    }

    /// Adds record batches in long form, all with the same columns.
    pub fn batches(mut self, batches: impl IntoIterator<Item = RecordBatch> + 'a) -> Self {
        self.inputs.push(Input::Batches(Box::new(batches.into_iter().map(Ok))));
        self
    }

    /// Adds record batches whose source may fail, such as a reader of Arrow IPC.
    pub fn try_batches<E>(mut self, batches: impl IntoIterator<Item = Result<RecordBatch, E>> + 'a) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.inputs
            .push(Input::Batches(Box::new(batches.into_iter().map(|batch| batch.map_err(Error::other)))));
        self
    }

    /// Publishes the rows of all inputs as the current version of a bundle.
    ///
    /// Memory: [`memory_budget`](IngestOptions::memory_budget), the distinct timestamps, and for each processor some
    /// 15 MiB and six times the bars of the asset that has most.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) with file, line, column and reason for input that cannot become
    /// bars, [`InvalidOption`](bt_core::ErrorKind::InvalidOption) for options that contradict each other or the input,
    /// [`Io`](bt_core::ErrorKind::Io), and what [`Store::draft`] refuses. Nothing is published then.
    pub fn into_store(self, store: &Store, name: &BundleName) -> Result<IngestReport> {
        let mut run = Run::read(self.options, self.inputs)?;
        let adjustments = run.adjustments()?;
        let start = Instant::now();
        let mut draft = store.draft(name, run.shape(adjustments.clone()))?;
        write::assets(&run.rows, &run.settled, &adjustments, &mut draft)?;
        let published = draft.publish()?;
        run.timings.write = start.elapsed().saturating_sub(published.sync_time);
        Ok(run.report(name, published, adjustments.values().map(Vec::len).sum()))
    }
}

const NO_INPUT: &str = "no input: call `csv`, `parquet` or `batches` first";

/// An ingest whose rows are read and settled.
struct Run<'a> {
    options: IngestOptions,
    sources: Sources<'a>,
    rows: Collected,
    settled: Settled,
    timings: Timings,
}

impl<'a> Run<'a> {
    fn read(options: IngestOptions, inputs: Vec<Input<'a>>) -> Result<Self> {
        options.check()?;
        if inputs.is_empty() {
            return Err(Error::invalid_input("the ingest", NO_INPUT));
        }
        let start = Instant::now();
        let mut sources = Sources::new(inputs);
        let rows = read(&mut sources, &options)?;
        let read = start.elapsed();
        let settled = settle::settle(&rows, sources.all(), &options)?;
        let timings =
            Timings { read, settle: start.elapsed() - read, write: Duration::ZERO, sync: Duration::ZERO };
        Ok(Self { options, sources, rows, settled, timings })
    }

    #[cfg(feature = "csv")]
    fn adjustments(&mut self) -> Result<BTreeMap<String, Vec<Adjustment>>> {
        let Some(path) = &self.options.adjustments else { return Ok(BTreeMap::new()) };
        let knows =
            |name: &str| self.settled.assets.binary_search_by(|asset| asset.name.as_str().cmp(name)).is_ok();
        let (adjustments, left_out) = adjustments::read(path, &self.options, knows)?;
        self.rows.left_out.extend(left_out);
        Ok(adjustments)
    }

    #[cfg(not(feature = "csv"))]
    fn adjustments(&mut self) -> Result<BTreeMap<String, Vec<Adjustment>>> {
        match &self.options.adjustments {
            None => Ok(BTreeMap::new()),
            Some(path) => Err(Error::invalid_option(
                "adjustments",
                path.display(),
                "a file, with the cargo feature `csv`",
            )),
        }
    }

    fn shape(&self, adjustments: BTreeMap<String, Vec<Adjustment>>) -> DraftShape {
        DraftShape {
            frequency: self.settled.clock.frequency,
            conventions: self.settled.clock.conventions(),
            extra_columns: self.sources.extras().to_vec(),
            assets: self.settled.assets.iter().map(|asset| (asset.name.clone(), asset.bars)).collect(),
            calendar: self.settled.calendar.clone(),
            adjustments,
            origin: format!("ingested from {}", report::first_names(self.sources.all())),
        }
    }

    fn report(self, name: &BundleName, published: Published, adjustments: usize) -> IngestReport {
        let (mut left_out, clock) = (self.rows.left_out.clone(), &self.settled.clock);
        left_out.extend(self.settled.duplicates);
        IngestReport {
            name: name.clone(),
            version: published.version,
            unchanged: published.unchanged,
            sources: self.sources.all().iter().map(|source| source.name.to_string()).collect(),
            columns: self.sources.columns(),
            ignored: self.sources.ignored(),
            frequency: clock.frequency,
            frequency_inferred: self.options.frequency.is_none(),
            known: clock.describe(&self.options),
            zone: self.settled.clock.conventions().zone.into_owned(),
            rows_read: self.rows.read,
            left_out,
            outside: self.rows.outside.clone(),
            missing: self.rows.missing.clone(),
            assets: published.assets,
            bars: published.rows,
            first: self.settled.calendar.first().copied(),
            last: self.settled.calendar.last().copied(),
            adjustments,
            spilled_bytes: self.rows.spilled_bytes(),
            timings: Timings { sync: published.sync_time, ..self.timings },
        }
    }
}

/// Reads all sources: this thread fetches pieces and collects the rows that others have decoded, in order.
fn read(sources: &mut Sources<'_>, options: &IngestOptions) -> Result<Collected> {
    let mut rows = Collected::default();
    std::thread::scope(|scope| -> Result<()> {
        let lanes: Vec<Lane> = (0..threads()).map(|_| Lane::start(scope, options)).collect();
        let (mut sent, mut received) = (0, 0);
        let receive = |received: &mut usize, rows: &mut Collected| {
            let decoded = lanes[*received % lanes.len()].decoded.recv().map_err(|_| ended_early())?;
            *received += 1;
            rows.add(decoded?, options)
        };
        loop {
            let piece = sources.next(options);
            // Before an error of the source is told, so that of several errors the first in the input is.
            let keep_waiting = if matches!(piece, Ok(Some(_))) { Lane::DEPTH * lanes.len() - 1 } else { 0 };
            while sent - received > keep_waiting {
                receive(&mut received, &mut rows)?;
            }
            let Some(piece) = piece? else { return Ok(()) };
            lanes[sent % lanes.len()].pieces.send(piece).map_err(|_| ended_early())?;
            sent += 1;
        }
    })?;
    Ok(rows)
}

/// A thread that decodes pieces in the order in which it gets them.
struct Lane {
    pieces: SyncSender<Piece>,
    decoded: Receiver<Result<Rows>>,
}

impl Lane {
    /// Pieces under way: one in work and one in hand, so that nobody waits while others are busy.
    const DEPTH: usize = 2;

    fn start<'s>(scope: &'s Scope<'s, '_>, options: &'s IngestOptions) -> Self {
        let (pieces, to_decode) = sync_channel::<Piece>(Self::DEPTH);
        let (done, decoded) = sync_channel(Self::DEPTH);
        scope.spawn(move || {
            for piece in to_decode {
                if done.send(piece.decode(options)).is_err() {
                    // Nobody listens any more: an earlier piece has failed.
                    return;
                }
            }
        });
        Self { pieces, decoded }
    }
}

/// The panic of the thread follows.
#[cold]
fn ended_early() -> Error {
    Error::other("a thread of the ingest has ended early")
}

/// More would only add to the memory that pieces take.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(16)
}
