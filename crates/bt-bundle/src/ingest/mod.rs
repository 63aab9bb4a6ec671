//! From files and record batches to a published bundle.
//!
//! Where what lies: `source` opens inputs and cuts them into pieces; `field` reads one field; `infer` finds what nobody
//! stated; `fault` says what is wrong; `rows` collects, orders and writes; `report` tells.

#[cfg(feature = "csv")]
mod adjustments;
mod append;
mod fault;
mod field;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod infer;
mod options;
mod parallel;
mod report;
mod rows;
mod source;
#[cfg(feature = "parquet")]
mod tables;
mod wall;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use bt_core::{Adjustment, BundleName, Error, Result};

use crate::{DraftShape, Published, Store};
use rows::collect::Collected;
use rows::settle::{self, Settled};
use rows::write;
use source::{Piece, Sources};

pub use append::AppendReport;
pub use fault::{
    AdjustmentFault, Advice, AssetFault, Fault, FileFault, Finding, Findings, FrequencyFault, HeaderFault,
    NumberFault, OptionConflict, Place, RowFault, RowNumber, TimeFault,
};
pub use field::day::DateOrder;
use infer::clock::Base;
pub use infer::clock::SessionClose;
pub use options::{
    AssetName, BadRows, Column, EpochUnit, Extras, FileFormat, IngestOptions, NumberFormat, PriceScale,
    TimeFormat,
};
pub use report::{IngestReport, Note, Timings};
pub use source::Encoding;
pub use source::folder::{ListedFile, Listing, SkipReason, Skipped, list_files};
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
    File {
        path: PathBuf,
        format: FileFormat,
        asset: AssetName,
        /// Whether it may be no table, but text that lies beside others.
        may_be_prose: bool,
    },
    Folder {
        path: PathBuf,
        format: FileFormat,
        asset: AssetName,
    },
    Batches(Batches<'a>),
}

type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + 'a>;

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path, .. } | Self::Folder { path, .. } => path.fmt(f),
            Self::Batches(_) => f.write_str("record batches"),
        }
    }
}

impl<'a> Ingest<'a> {
    /// An ingest without inputs yet.
    pub fn new(options: IngestOptions) -> Self {
        Self { options, inputs: Vec::new() }
    }

    /// Adds a file of any format, whose asset is what `asset` says.
    pub fn file(mut self, path: impl Into<PathBuf>, format: FileFormat, asset: AssetName) -> Self {
        self.inputs.push(Input::File { path: path.into(), format, asset, may_be_prose: false });
        self
    }

    /// Adds all files of a [`Listing`]. A text among them that is no table of bars is passed over, and reported.
    pub fn listing(mut self, listing: Listing) -> Self {
        for ListedFile { path, format, asset } in listing.files {
            let may_be_prose = source::folder::may_be_prose(&path);
            self.inputs.push(Input::File { path, format, asset, may_be_prose });
        }
        self
    }

    /// Adds a CSV file in long form: each row names its asset.
    pub fn csv(self, path: impl Into<PathBuf>) -> Self {
        self.file(path, FileFormat::Csv, AssetName::InColumn)
    }

    /// Adds all CSV files of a folder, each of them one asset, whose name is the file's without its ending.
    pub fn csv_folder(mut self, path: impl Into<PathBuf>) -> Self {
        let (path, format) = (path.into(), FileFormat::Csv);
        self.inputs.push(Input::Folder { path, format, asset: AssetName::FileAlone });
        self
    }

    /// Adds a CSV file that is one asset of this name. A column for assets it may have, if that says the same in every row.
    pub fn csv_of_asset(self, path: impl Into<PathBuf>, asset: impl Into<String>) -> Self {
        self.file(path, FileFormat::Csv, AssetName::Stated(asset.into()))
    }

    /// Adds a CSV file whose form its columns decide: in long form where one says the asset, else one asset, whose name is
    /// the file's without its extension. For files of which nothing is known beforehand; the report says which it was.
    pub fn csv_by_name(self, path: impl Into<PathBuf>) -> Self {
        self.file(path, FileFormat::Csv, AssetName::ByFile)
    }

    /// Adds a Parquet file, or all Parquet files of a folder, in long form.
    pub fn parquet(mut self, path: impl Into<PathBuf>) -> Self {
        let (path, format) = (path.into(), FileFormat::Parquet);
        match path.is_dir() {
            true => {
                self.inputs.push(Input::Folder { path, format, asset: AssetName::InColumn });
                self
            }
            false => self.file(path, format, AssetName::InColumn),
        }
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
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) with a [`Finding`] for input that cannot become bars, or that
    /// contradicts the options, [`InvalidOption`](bt_core::ErrorKind::InvalidOption) for options that are not possible,
    /// [`Io`](bt_core::ErrorKind::Io), and what [`Store::draft`] refuses. Nothing is published then.
    pub fn into_store(self, store: &Store, name: &BundleName) -> Result<IngestReport> {
        self.publish(store, name, None)
    }

    /// `bundle` is the one that is appended to.
    fn publish(self, store: &Store, name: &BundleName, bundle: Option<&Base>) -> Result<IngestReport> {
        let mut run = Run::read(self.options, self.inputs, bundle)?;
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
    /// The asset that was stated for the first input.
    stated: Option<String>,
    rows: Collected,
    settled: Settled,
    rejected_adjustments: Findings,
    timings: Timings,
}

impl<'a> Run<'a> {
    fn read(options: IngestOptions, inputs: Vec<Input<'a>>, bundle: Option<&Base>) -> Result<Self> {
        options.check()?;
        if inputs.is_empty() {
            return Err(Error::invalid_input("the ingest", NO_INPUT));
        }
        let stated = match inputs.first() {
            Some(Input::File { asset: AssetName::Stated(name), .. }) => Some(name.clone()),
            _ => None,
        };
        let start = Instant::now();
        let mut sources = Sources::new(inputs, &options, bundle.map(|bundle| &bundle.zone));
        let mut rows = Collected::default();
        parallel::ordered(
            parallel::threads(),
            || sources.next(&options),
            |piece: Piece| piece.decode(&options),
            |decoded| rows.add(decoded, &options),
        )?;
        let read = start.elapsed();
        let settled = settle::settle(&mut rows, sources.all(), &options, bundle)?;
        let timings =
            Timings { read, settle: start.elapsed() - read, write: Duration::ZERO, sync: Duration::ZERO };
        let rejected_adjustments = Findings::default();
        Ok(Self { options, sources, stated, rows, settled, rejected_adjustments, timings })
    }

    #[cfg(feature = "csv")]
    fn adjustments(&mut self) -> Result<BTreeMap<String, Vec<Adjustment>>> {
        let Some(path) = &self.options.adjustments else { return Ok(BTreeMap::new()) };
        let knows =
            |name: &str| self.settled.assets.binary_search_by(|asset| asset.name.as_str().cmp(name)).is_ok();
        let zone = self.settled.clock.zone();
        let (adjustments, rejected) = adjustments::read(path, &self.options, zone, knows)?;
        self.rejected_adjustments = rejected;
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
        let clock = &self.settled.clock;
        let findings = self.rows.findings.clone();
        IngestReport {
            name: name.clone(),
            version: published.version,
            unchanged: published.unchanged,
            repaired: published.repaired,
            sources: self.sources.all().iter().map(|source| source.name.to_string()).collect(),
            columns: self.sources.columns(self.stated.as_deref()),
            ignored: self.sources.ignored(),
            frequency: clock.frequency,
            frequency_inferred: self.options.frequency.is_none(),
            known: clock.describe(&self.options),
            conventions: clock.conventions(),
            rows_read: self.rows.read,
            rejected: findings.rejected,
            unpriced: findings.unpriced,
            repeated: findings.repeated,
            outside: findings.outside,
            not_above_zero: findings.not_above_zero,
            missing: findings.missing,
            notes: Note::of(&self.sources, &self.settled, &self.options),
            skipped: self.sources.skipped.clone(),
            assets: published.assets,
            bars: published.rows,
            first: self.settled.calendar.first().copied(),
            last: self.settled.calendar.last().copied(),
            adjustments,
            rejected_adjustments: self.rejected_adjustments,
            spilled_bytes: self.rows.spilled_bytes(),
            timings: Timings { sync: published.sync_time, ..self.timings },
        }
    }
}
