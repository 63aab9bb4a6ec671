//! Of dirty files every row is a bar or told as what it is, once, in text and in record batches alike.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use bt_bundle::{BadRows, Findings, Ingest, IngestOptions, IngestReport, RowNumber};
use proptest::prelude::*;

use crate::{Place, daily};

#[path = "dirty_oracle.rs"]
mod oracle;

use oracle::{Row, Told};

const COLUMNS: [&str; 7] = ["asset", "date", "open", "high", "low", "close", "volume"];

/// A number from a few, nothing, or what is no number.
fn number(least: i32) -> impl Strategy<Value = String> {
    prop_oneof![
        12 => (least..4_i32).prop_map(|number| number.to_string()),
        3 => prop::sample::select(vec!["", "-", "NaN"]).prop_map(str::to_owned),
        1 => Just("x".to_owned()),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let asset = prop::sample::select(vec!["A", "A", "A", "B", "B", ""]);
    let date = prop::sample::select(vec!["2024-01-04", "2024-01-05", "2024-01-04", "2024-01-05", "soon"]);
    let prices = prop_oneof![
        6 => [number(0), number(0), number(0), number(0)],
        1 => Just([const { String::new() }; 4]),
        4 => Just(["2", "3", "1", "2"].map(str::to_owned)),
    ];
    (asset, date, prices, number(-1)).prop_map(|(asset, date, prices, volume)| {
        let [open, high, low, close] = prices;
        [asset.to_owned(), date.to_owned(), open, high, low, close, volume]
    })
}

/// The rows of findings, counted from 0, with the column where `with_column`.
fn rows(findings: &Findings, with_column: bool) -> BTreeSet<(u64, String)> {
    let place = |one: &bt_bundle::Finding| {
        let row = match one.place.row.unwrap() {
            RowNumber::Line(line) => line - 2,
            RowNumber::Row(row) => row - 1,
        };
        (row, one.place.column.clone().filter(|_| with_column).unwrap_or_default())
    };
    let rows: BTreeSet<_> = findings.examples.iter().map(place).collect();
    assert_eq!(rows.len() as u64, findings.count, "{findings:?}");
    rows
}

fn told(report: &IngestReport) -> Told {
    let left_out = [&report.rejected, &report.unpriced, &report.repeated].map(|findings| findings.count);
    assert_eq!(report.rows_read, report.bars + left_out.iter().sum::<u64>());
    Told {
        bars: report.bars,
        rejected: rows(&report.rejected, false),
        unpriced: rows(&report.unpriced, false),
        repeated: rows(&report.repeated, false),
        outside: rows(&report.outside, true),
        not_above_zero: rows(&report.not_above_zero, true),
        missing: rows(&report.missing, true),
    }
}

fn batch(rows: &[Row]) -> RecordBatch {
    let column =
        |at: usize| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row[at]))) };
    RecordBatch::try_from_iter(COLUMNS.iter().enumerate().map(|(at, name)| (*name, column(at)))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    /// Ten rows at most, so that the first ten of each kind are all of them.
    #[test]
    fn every_row_of_a_dirty_file_is_a_bar_or_told_once(dirty in prop::collection::vec(row(), 1..10), cut in 1..10_usize) {
        let expected = oracle::told(&dirty);
        let skip = || IngestOptions { on_bad_row: BadRows::Skip, ..daily() };
        let place = Place::new();
        let text: String = dirty.iter().map(|row| row.join(",") + "\n").collect();
        let path = place.write("dirty.csv", format!("{}\n{text}", COLUMNS.join(",")));
        let csv = place.ingest(Ingest::new(skip()).csv(path));
        let batches = place.ingest(Ingest::new(skip()).batches(dirty.chunks(cut).map(batch)));
        match (csv, batches) {
            (Ok(csv), Ok(batches)) => {
                prop_assert_eq!(&told(&csv), &expected, "CSV\n{}", text);
                prop_assert_eq!(&told(&batches), &expected, "batches\n{}", text);
                prop_assert_eq!(csv.version, batches.version);
            }
            (Err(csv), Err(batches)) => {
                prop_assert_eq!(expected.bars, 0, "{}\n{}", csv, text);
                prop_assert!(batches.to_string().contains("none of"), "{}", batches);
            }
            (csv, batches) => prop_assert!(false, "{csv:?}\n{batches:?}\n{text}"),
        }
    }
}
