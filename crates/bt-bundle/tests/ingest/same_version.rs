//! The same rows are the same version, however they come.

use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, RecordBatch, StringArray,
    StringViewArray,
};
use bt_bundle::{Extras, Ingest, IngestOptions};
use bt_core::{Bundle, BundleSource, BundleVersion, Field, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use crate::{HEADER, Place, daily, name};

/// Prices in cents, volume in units; `None` is missing.
#[derive(Clone, Debug)]
struct Row {
    asset: &'static str,
    day: i32,
    low: i64,
    range: i64,
    volume: Option<i64>,
    extra: Option<i64>,
}

impl Row {
    fn cents(&self) -> [i64; 4] {
        [self.low + self.range / 2, self.low + self.range, self.low, self.low + self.range / 3]
    }

    fn line(&self) -> String {
        let date = &Timestamp::from_nanos(i64::from(self.day) * 86_400_000_000_000).to_string()[..10];
        let prices = self.cents().map(|cents| {
            format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
        });
        let number = |number: Option<i64>| number.map_or(String::new(), |number| number.to_string());
        format!("{},{date},{},{},{}\n", self.asset, prices.join(","), number(self.volume), number(self.extra))
    }
}

/// Rows with distinct (asset, day), in any order.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let assets = prop::sample::select(vec!["IBM", "AAPL", "MSFT", "A", "Ω", "BRK.B", "0700"]);
    let row = (
        0_i64..5_000_000,
        0_i64..1000,
        prop::option::of(0_i64..10_000_000_000),
        prop::option::of(-1000_i64..1000),
    );
    let rows = prop::collection::btree_map((assets, -2000_i32..20_000), row, 1..60);
    let rows = rows.prop_map(|rows| {
        let row = |((asset, day), (low, range, volume, extra))| Row {
            asset,
            day,
            low: low - 1000,
            range,
            volume,
            extra,
        };
        rows.into_iter().map(row).collect::<Vec<_>>()
    });
    rows.prop_shuffle()
}

/// How the columns of a record batch are typed.
#[derive(Clone, Copy, Debug)]
enum Types {
    Plain,
    DecimalsAndDictionary,
    Views,
}

fn batch(rows: &[Row], types: Types) -> RecordBatch {
    let names = || rows.iter().map(|row| row.asset);
    let asset: ArrayRef = match types {
        Types::Plain => Arc::new(StringArray::from_iter_values(names())),
        Types::DecimalsAndDictionary => Arc::new(names().collect::<DictionaryArray<Int32Type>>()),
        Types::Views => Arc::new(StringViewArray::from_iter_values(names())),
    };
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.day)));
    let mut columns = vec![("Ticker", asset), ("Date", days)];
    for (at, column) in ["Open", "High", "Low", "Close"].into_iter().enumerate() {
        let cents = rows.iter().map(|row| row.cents()[at]);
        let prices: ArrayRef = match types {
            Types::DecimalsAndDictionary => {
                let units = Decimal128Array::from_iter_values(cents.map(|cents| i128::from(cents) * 100));
                Arc::new(units.with_precision_and_scale(38, 4).unwrap())
            }
            _ => Arc::new(Float64Array::from_iter_values(cents.map(|cents| cents as f64 / 100.0))),
        };
        columns.push((column, prices));
    }
    let floats = |value: fn(&Row) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| value(row).map(|value| value as f64)).collect::<Float64Array>())
    };
    columns.push(("Volume", floats(|row| row.volume)));
    columns.push(("Extra", floats(|row| row.extra)));
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write_parquet(path: &Path, rows: &[Row], types: Types, row_group: usize) {
    let batch = batch(rows, types);
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(row_group)).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn text(rows: &[Row]) -> String {
    format!("{HEADER},Extra\n{}", rows.iter().map(Row::line).collect::<String>())
}

fn version(place: &Place, ingest: Ingest<'_>) -> BundleVersion {
    place.ingest(ingest).unwrap().version
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn any_rows_in_any_order_are_one_version_from_csv_parquet_and_batches(
        rows in rows(),
        cut in 1..20_usize,
        budget in prop::sample::select(vec![1_usize, 600, 1 << 30]),
    ) {
        let place = Place::new();
        let path = place.write("rows.csv", text(&rows));
        let expected = version(&place, Ingest::new(daily()).csv(&path));
        let mut sorted = rows.clone();
        sorted.sort_by_key(|row| (row.asset, row.day));
        let spilling = || IngestOptions { memory_budget: budget, ..daily() };
        for types in [Types::Plain, Types::DecimalsAndDictionary, Types::Views] {
            let batches = rows.chunks(cut).map(|rows| batch(rows, types));
            prop_assert_eq!(version(&place, Ingest::new(spilling()).batches(batches)), expected, "{:?}", types);
        }
        let parquet = place.path("rows.parquet");
        write_parquet(&parquet, &sorted, Types::DecimalsAndDictionary, cut);
        prop_assert_eq!(version(&place, Ingest::new(spilling()).parquet(&parquet)), expected);
        check_bars(&place, &sorted);
    }
}

/// The naive oracle: a scan over all rows for each asset.
fn check_bars(place: &Place, sorted: &[Row]) {
    let bundle = place.store.open(&name()).unwrap();
    for asset in bundle.assets().ids() {
        let bars = bundle.bars(asset).unwrap();
        let expected: Vec<&Row> =
            sorted.iter().filter(|row| row.asset == bundle.assets().name(asset).unwrap()).collect();
        assert_eq!(bars.len(), expected.len());
        for (at, row) in expected.into_iter().enumerate() {
            assert_eq!(bars.timestamps()[at].as_nanos(), (i64::from(row.day) + 1) * 86_400_000_000_000);
            let prices = Field::OHLCV.map(|field| bars.field(field)[at]);
            let cents = row.cents().map(|cents| cents as f64 / 100.0);
            assert_eq!(prices[..4], cents);
            assert_eq!(
                format!("{}", prices[4]),
                row.volume.map_or("NaN".to_owned(), |volume| volume.to_string())
            );
        }
    }
}

#[test]
fn a_file_larger_than_the_memory_budget_gives_the_same_version() {
    let place = Place::new();
    let assets: Vec<String> = (0..400).map(|asset| format!("A{asset:03}")).collect();
    let line = |(day, asset): (i64, &String)| {
        let date = &Timestamp::from_nanos(day * 86_400_000_000_000).to_string()[..10];
        format!("{asset},{date},{day}.25,{day}.75,{day},{day}.5,{}\n", day * 7)
    };
    let by_day: String =
        (1..600).flat_map(|day| assets.iter().map(move |asset| (day, asset))).map(line).collect();
    let path = place.write("prices.csv", format!("{HEADER}\n{by_day}"));
    let whole = place.ingest(Ingest::new(daily()).csv(&path)).unwrap();
    let options = IngestOptions { memory_budget: 1 << 20, ..daily() };
    let spilled = place.ingest(Ingest::new(options).csv(&path)).unwrap();
    assert_eq!(whole.version, spilled.version);
    assert_eq!((whole.spilled_bytes, spilled.bars), (0, 599 * 400));
    assert!(spilled.spilled_bytes > 10 << 20, "{spilled}");
    assert!(spilled.to_string().contains("temporary file"));
}

#[test]
fn a_batch_of_many_rows_gives_the_same_version_as_many_small_ones() {
    let place = Place::new();
    let row = |at: i32| Row {
        asset: ["A", "B", "C"][at as usize % 3],
        day: at / 3,
        low: i64::from(at),
        range: 5,
        volume: None,
        extra: None,
    };
    let rows: Vec<Row> = (0..150_000).rev().map(row).collect();
    let whole = version(&place, Ingest::new(daily()).batches([batch(&rows, Types::Plain)]));
    let parts = rows.chunks(10_007).map(|rows| batch(rows, Types::DecimalsAndDictionary));
    assert_eq!(version(&place, Ingest::new(daily()).batches(parts)), whole);
}

#[test]
fn a_corrected_price_volume_or_date_is_another_version() {
    let place = Place::new();
    let line = "IBM,2024-01-05,10,12,9,11,100";
    let mut versions: Vec<_> = [
        line,
        "IBM,2024-01-05,10,12,9,11.01,100",
        "IBM,2024-01-05,10,12,9,11,101",
        "IBM,2024-01-04,10,12,9,11,100",
        "IBN,2024-01-05,10,12,9,11,100",
    ]
    .map(|line| place.csv(format!("{HEADER}\n{line}\n"), daily()).unwrap().version)
    .to_vec();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), 5);
}

#[test]
fn extra_columns_are_part_of_the_version_only_where_they_are_kept() {
    let place = Place::new();
    let content = format!("{HEADER},Extra\nIBM,2024-01-05,1,1,1,1,1,7\n");
    let kept = place.csv(&content, daily()).unwrap().version;
    let dropped = place.csv(&content, IngestOptions { extras: Extras::NONE, ..daily() }).unwrap().version;
    let without = place.csv(format!("{HEADER}\nIBM,2024-01-05,1,1,1,1,1\n"), daily()).unwrap().version;
    assert_ne!(kept, dropped);
    assert_eq!(dropped, without);
}
