//! What the Python original's baseline does, written well with Arrow.
//!
//! Every worker loads the Parquet bundle with its Decimal prices. Every trial extracts the asset list, and filters and
//! converts the rows of each asset. Every history call finds the row by binary search, slices, builds a record batch of
//! the requested column and takes the column out of it. No mask for each call and no copy of rows: those would make it
//! 2 to 40 times slower. Only the columns that the strategy reads are filtered and converted.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, DictionaryArray, Float64Array, RecordBatch, Scalar,
    StringArray, UInt32Array,
};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{FilterBuilder, FilterPredicate};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float64Type, Schema, SchemaRef, UInt32Type,
};

use super::{Worker, parquet};
use crate::data::Dataset;
use crate::strategy::{Access, FAST, Observer, SLOW, Trial, TrialResult, run_trial};

/// A worker that holds the table as it was read.
pub struct NaiveWorker {
    table: RecordBatch,
    calendar: Vec<i32>,
    schema: SchemaRef,
}

impl NaiveWorker {
    /// Loads the table.
    ///
    /// # Errors
    /// Where the file cannot be read as bars.
    pub fn load(dataset: &Dataset) -> anyhow::Result<Self> {
        let table = parquet::read(&dataset.parquet, None)?;
        let calendar = parquet::calendar(dates(&table));
        let schema = Arc::new(Schema::new(vec![Field::new("close", DataType::Float64, false)]));
        Ok(Self { table, calendar, schema })
    }

    /// The table, for what is measured of it beside trials.
    pub fn table(&self) -> &RecordBatch {
        &self.table
    }

    /// What a backtest reads that only looks at every asset's last close: extracted, filtered, converted; their sum.
    pub fn read_last_closes(&self) -> f64 {
        let assets = asset_list(tickers(&self.table));
        assets.iter().map(|asset| Series::filtered(&self.table, asset).last_close()).sum()
    }

    /// Extracts, filters and converts, as every trial does.
    pub fn prepare(&self) -> Prepared<'_> {
        let assets = asset_list(tickers(&self.table));
        let series = assets.iter().map(|asset| Series::filtered(&self.table, asset)).collect();
        Prepared { worker: self, series, known_until: i32::MIN, frames: [None, None] }
    }
}

impl Worker for NaiveWorker {
    fn moments(&self) -> usize {
        self.calendar.len()
    }

    fn trial(
        &mut self,
        trial: Trial,
        scratch: &mut super::Scratch,
        observer: &mut impl Observer,
    ) -> anyhow::Result<TrialResult> {
        Ok(run_trial(&mut self.prepare(), trial, scratch, observer))
    }

    fn read_everything(&mut self) -> anyhow::Result<f64> {
        let columns = ["Open", "High", "Low", "Close", "Volume"];
        Ok(columns.iter().flat_map(|name| converted(column(&self.table, name)).values().to_vec()).sum())
    }
}

/// The distinct names, ascending.
pub fn asset_list(tickers: &StringArray) -> Vec<&str> {
    let distinct: std::collections::HashSet<&str> = tickers.iter().flatten().collect();
    let mut list: Vec<_> = distinct.into_iter().collect();
    list.sort_unstable();
    list
}

/// One asset's rows of the columns that the strategy reads.
pub struct Series {
    dates: Date32Array,
    closes: Float64Array,
}

impl Series {
    /// Filters an asset's rows out of the table and converts the closes.
    pub fn filtered(table: &RecordBatch, asset: &str) -> Self {
        let predicate = rows_of(table, asset);
        Self {
            dates: filtered(&predicate, dates(table)).as_primitive::<Date32Type>().clone(),
            closes: converted(&filtered(&predicate, column(table, "Close"))),
        }
    }

    /// The last close.
    pub fn last_close(&self) -> f64 {
        self.closes.values().last().copied().unwrap_or(f64::NAN)
    }
}

/// All bars of one asset, filtered and converted: dates, and open, high, low, close, volume.
pub fn all_columns(table: &RecordBatch, asset: &str) -> (Date32Array, [Float64Array; 5]) {
    columns_of(table, rows_of(table, asset))
}

/// The same for rows that are known.
pub fn columns_of(table: &RecordBatch, predicate: FilterPredicate) -> (Date32Array, [Float64Array; 5]) {
    let columns = ["Open", "High", "Low", "Close", "Volume"];
    (
        filtered(&predicate, dates(table)).as_primitive::<Date32Type>().clone(),
        columns.map(|name| converted(&filtered(&predicate, column(table, name)))),
    )
}

fn rows_of(table: &RecordBatch, asset: &str) -> FilterPredicate {
    let wanted = Scalar::new(StringArray::from(vec![asset]));
    let mask: BooleanArray = eq(tickers(table), &wanted).expect("both are strings");
    FilterBuilder::new(&mask).optimize().build()
}

/// One asset's rows, where the asset column is a dictionary: its key is found once, then keys are compared.
pub fn rows_of_dictionary(tickers: &DictionaryArray<UInt32Type>, asset: &str) -> FilterPredicate {
    let names = tickers.values().as_string::<i32>();
    let key = names.iter().position(|name| name == Some(asset)).expect("the asset is in the table");
    let mask = eq(tickers.keys(), &UInt32Array::new_scalar(key as u32)).expect("both are integers");
    FilterBuilder::new(&mask).optimize().build()
}

fn filtered(predicate: &FilterPredicate, column: &dyn Array) -> ArrayRef {
    predicate.filter(column).expect("the mask is as long as the table")
}

/// Decimal or integer to f64.
pub fn converted(column: &ArrayRef) -> Float64Array {
    match column.data_type() {
        DataType::Decimal128(_, scale) => {
            let unit = 10_f64.powi(i32::from(*scale));
            column.as_primitive::<Decimal128Type>().unary(|value| value as f64 / unit)
        }
        DataType::Int64 => column.as_primitive::<arrow::datatypes::Int64Type>().unary(|value| value as f64),
        _ => column.as_primitive::<Float64Type>().clone(),
    }
}

fn column<'t>(table: &'t RecordBatch, name: &str) -> &'t ArrayRef {
    table.column_by_name(name).expect("every data set has the columns of the shipped file")
}

/// The asset column.
pub fn tickers(table: &RecordBatch) -> &StringArray {
    column(table, "Ticker").as_string()
}

/// The date column.
pub fn dates(table: &RecordBatch) -> &Date32Array {
    column(table, "Date").as_primitive()
}

/// A trial's data: all assets, filtered and converted.
pub struct Prepared<'w> {
    worker: &'w NaiveWorker,
    series: Vec<Series>,
    known_until: i32,
    frames: [Option<RecordBatch>; 2],
}

impl Prepared<'_> {
    /// A frame of the last closes known, by binary search.
    fn history(&self, asset: usize, bar_count: usize) -> Option<RecordBatch> {
        let series = &self.series[asset];
        let dates = series.dates.values();
        let end = dates.partition_point(|&date| date <= self.known_until);
        if end == 0 || dates[end - 1] != self.known_until {
            return None;
        }
        let start = end.saturating_sub(bar_count);
        let column: ArrayRef = Arc::new(series.closes.slice(start, end - start));
        Some(
            RecordBatch::try_new(self.worker.schema.clone(), vec![column])
                .expect("one column of the schema's type"),
        )
    }
}

impl Access for Prepared<'_> {
    fn moments(&self) -> usize {
        self.worker.calendar.len()
    }

    fn assets(&self) -> usize {
        self.series.len()
    }

    fn at(&mut self, known: usize) {
        self.known_until = self.worker.calendar[known - 1];
    }

    fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])> {
        self.frames = [self.history(asset, FAST), self.history(asset, SLOW)];
        let [Some(fast), Some(slow)] = &self.frames else { return None };
        Some((closes(fast), closes(slow)))
    }
}

fn closes(frame: &RecordBatch) -> &[f64] {
    frame.column(0).as_primitive::<Float64Type>().values()
}
