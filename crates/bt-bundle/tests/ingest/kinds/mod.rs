//! Files as people have them, by what is particular about them, and what they are read as.

mod columnar;
mod dates;
mod days;
mod encodings;
mod folders;
mod headers;
mod numbers;
mod rows;

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use bt_bundle::{AssetName, FileFormat, Ingest, IngestOptions, IngestReport, list_files};
use bt_core::{Bundle, BundleSource, Error};

use crate::{Place, name};

/// A bundle that was ingested: its report, and its bars.
#[derive(Debug)]
struct Read {
    report: IngestReport,
    bars: Vec<String>,
}

impl Read {
    fn of(place: &Place, ingest: Ingest<'_>) -> Result<Self, String> {
        let without_folder =
            |error: Error| error.to_string().replace(&format!("{}/", place.directory.path().display()), "");
        let report = place.ingest(ingest).map_err(without_folder)?;
        Ok(Self { report, bars: bars(place) })
    }

    /// The closes alone, each behind the moment at which it became known.
    fn closes(&self) -> Vec<String> {
        let close = |bar: &String| {
            let parts: Vec<_> = bar.split(' ').collect();
            format!("{} {}", parts[1], parts[5])
        };
        self.bars.iter().map(close).collect()
    }

    /// When each bar became known.
    fn known(&self) -> Vec<&str> {
        self.bars.iter().map(|bar| bar.split(' ').nth(1).unwrap()).collect()
    }
}

/// Every bar: asset, known, open, high, low, close, volume. A midnight UTC is the date alone.
fn bars(place: &Place) -> Vec<String> {
    let bundle = place.store.open(&name()).unwrap();
    let names: Vec<_> = bundle.assets().names().map(str::to_owned).collect();
    let mut all = Vec::new();
    for asset in names {
        let bars = bundle.bars(bundle.assets().id(&asset).unwrap()).unwrap();
        for (at, known) in bars.timestamps().iter().enumerate() {
            let known = known.to_string();
            let known = known.strip_suffix("T00:00:00Z").unwrap_or(&known);
            let values = bt_core::Field::OHLCV.map(|field| bars.field(field)[at].to_string());
            all.push(format!("{asset} {known} {}", values.join(" ")));
        }
    }
    all
}

/// Ingests a text file of this name, whose asset its columns or its name say.
fn file(name: &str, content: impl AsRef<[u8]>, options: IngestOptions) -> Result<Read, String> {
    let place = Place::new();
    let path = place.write(name, content);
    let format = FileFormat::of(&path).unwrap_or(FileFormat::Csv);
    Read::of(&place, Ingest::new(options).file(path, format, AssetName::ByFile))
}

/// Ingests a CSV file that is the asset A.
fn csv(content: impl AsRef<[u8]>, options: IngestOptions) -> Result<Read, String> {
    file("A.csv", content, options)
}

/// Bars of the asset A with these stamps and prices of 1, 2, …
fn stamped(stamps: &[&str], options: IngestOptions) -> Result<Read, String> {
    let row = |(at, stamp): (usize, &&str)| {
        let price = at + 1;
        format!("\"{stamp}\",{price},{price},{price},{price}\n")
    };
    let rows: String = stamps.iter().enumerate().map(row).collect();
    csv(format!("Date,Open,High,Low,Close\n{rows}"), options)
}

/// Ingests all files of a folder.
fn folder(files: &[(&str, &str)], options: IngestOptions, recursive: bool) -> Result<Read, String> {
    let place = Place::new();
    files.iter().for_each(|(name, content)| drop(place.write(&format!("prices/{name}"), content)));
    let mut listing = list_files(&place.path("prices"), recursive).map_err(|error| error.to_string())?;
    listing.keep_tables();
    let skipped = listing.skipped.clone();
    let mut read = Read::of(&place, Ingest::new(options).listing(listing))?;
    read.report.skipped.extend(skipped);
    Ok(read)
}

/// A batch of these columns.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A stamp column and four columns of prices, which count from 1.
fn priced(mut columns: Vec<(&'static str, ArrayRef)>) -> RecordBatch {
    let rows = columns[0].1.len();
    let price: ArrayRef =
        Arc::new(arrow_array::Float64Array::from_iter_values((0..rows).map(|row| row as f64 + 1.0)));
    columns.extend(["open", "high", "low", "close"].map(|name| (name, Arc::clone(&price))));
    batch(columns)
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// Ingests a batch as the Parquet file `A.parquet`.
fn parquet(batch: &RecordBatch, options: IngestOptions) -> Result<Read, String> {
    let place = Place::new();
    let path = place.path("A.parquet");
    write_parquet(&path, batch);
    Read::of(&place, Ingest::new(options).file(path, FileFormat::Parquet, AssetName::ByFile))
}

fn zone(name: &str) -> IngestOptions {
    IngestOptions { zone: Some(name.parse().unwrap()), ..Default::default() }
}

fn skip() -> IngestOptions {
    IngestOptions { on_bad_row: bt_bundle::BadRows::Skip, ..Default::default() }
}
