//! Rows that are no bars, or that come twice.

use std::sync::Arc;

use arrow_array::{Date32Array, StringArray};
use bt_bundle::{Findings, IngestOptions};
use bt_core::Frequency;

use super::{Read, csv, folder, parquet, priced, skip};
use crate::daily;

const AUTO: fn() -> IngestOptions = IngestOptions::default;
const HEADER: &str = "Symbol,Date,Open,High,Low,Close,Volume\n";

fn read(rows: &str, options: IngestOptions) -> Result<Read, String> {
    csv(format!("{HEADER}{rows}"), options)
}

/// Where something was found: `line 4`, or `line 4 Close`.
fn places(findings: &Findings) -> Vec<String> {
    assert_eq!(findings.count as usize, findings.examples.len());
    let place = |one: &bt_bundle::Finding| {
        let row = one.place.row.unwrap().to_string();
        one.place.column.as_ref().map_or(row.clone(), |column| format!("{row} {column}"))
    };
    findings.examples.iter().map(place).collect()
}

#[test]
fn a_row_without_prices_is_no_bar_and_told() {
    let rows = "A,2024-01-04,1,1,1,1,5\nA,2024-01-05,,,,,\nB,2024-01-05,null,null,null,null,0\nB,2024-01-04,2,2,2,2,5\n";
    let read = read(rows, AUTO()).unwrap();
    assert_eq!(read.bars, ["A 2024-01-05 1 1 1 1 5", "B 2024-01-05 2 2 2 2 5"]);
    assert_eq!(places(&read.report.unpriced), ["line 3", "line 4"]);
    assert_eq!((read.report.missing.count, read.report.rejected.count, read.report.rows_read), (0, 0, 4));
    let told = read.report.to_string();
    assert!(
        told.contains("no bar     2 rows, left out, such as") && told.contains("are all missing"),
        "{told}"
    );
}

#[test]
fn of_two_rows_of_a_day_of_which_one_has_no_prices_the_other_is_the_bar() {
    let (empty, priced) = ("A,2024-01-05,,,,,0\n", "A,2024-01-05,1,2,0.5,1.5,7\n");
    for rows in [format!("{empty}{priced}"), format!("{priced}{empty}")] {
        let read = read(&rows, AUTO()).unwrap();
        assert_eq!((read.bars[0].as_str(), read.report.unpriced.count), ("A 2024-01-06 1 2 0.5 1.5 7", 1));
    }
}

#[test]
fn a_row_that_is_repeated_to_the_letter_is_taken_once_and_told() {
    let row = "A,2024-01-05,1,2,0.5,1.5,\n";
    let read = read(&format!("{row}A,2024-01-04,1,1,1,1,1\n{row}"), AUTO()).unwrap();
    assert_eq!(read.bars.len(), 2);
    assert_eq!(places(&read.report.repeated), ["line 4"]);
    assert_eq!(read.report.missing.count, 1, "the first of them has no volume, once");
    assert!(read.report.to_string().contains("repeated   1 row, taken once"), "{}", read.report);
}

#[test]
fn two_different_rows_of_a_day_are_refused_by_both_places() {
    let rows =
        "A,2024-01-04,1,1,1,1,1\nB,2024-01-05,1,1,1,1,1\nA,2024-01-05,2,2,2,2,2\nA,2024-01-04,1,1,1,1,9\n";
    let error = read(rows, AUTO()).unwrap_err();
    assert!(
        error.starts_with(
            "A.csv, line 5: \"A\" has a bar for the same time (known 2024-01-05T00:00:00Z) already, in"
        ) && error.contains("A.csv, line 2, with other values"),
        "{error}"
    );
    let error = folder(
        &[
            ("a.csv", &format!("{HEADER}A,2024-01-04,1,1,1,1,1\n")),
            ("b.csv", &format!("{HEADER}A,2024-01-04,1,1,1,1,2\n")),
        ],
        AUTO(),
        false,
    );
    let error = error.unwrap_err();
    assert!(error.starts_with("prices/b.csv, line 2") && error.contains("prices/a.csv, line 2"), "{error}");
    assert_eq!(places(&read(rows, skip()).unwrap().report.rejected), ["line 5"]);
}

#[test]
fn a_row_that_is_left_out_is_told_as_nothing_else() {
    let rows = "A,2024-01-02,5,2,0.5,1.5,\n\
                A,2024-01-02,5,2,0,1.5,\n\
                A,2024-01-02,5,2,0.5,1.5,\n\
                A,2024-01-03,,,,,-5\n\
                A,2024-01-04,,1,2,0,1\n\
                A,2024-01-05,,2,0.5,x,1\n\
                A,soon,0,2,0,1.5,\n\
                A,2024-01-08,1,1,1,1,1\n";
    let read = read(rows, IngestOptions { frequency: daily().frequency, ..skip() }).unwrap();
    let report = &read.report;
    assert_eq!(read.bars, ["A 2024-01-03 5 2 0.5 1.5 NaN", "A 2024-01-09 1 1 1 1 1"]);
    let mut rejected = places(&report.rejected);
    rejected.sort();
    assert_eq!(rejected, ["line 3", "line 6 High", "line 7 Close", "line 8 Date"]);
    assert_eq!(
        (places(&report.repeated), places(&report.unpriced)),
        (vec!["line 4".into()], vec!["line 5".into()])
    );
    assert_eq!(places(&report.outside), ["line 2 Open"]);
    assert_eq!(places(&report.missing), ["line 2 Volume"]);
    assert_eq!(report.not_above_zero.count, 0);
    assert_eq!(report.rows_read, 8);
}

#[test]
fn prices_of_0_and_below_are_kept_and_told() {
    let read = read("A,2024-01-04,5,5,-6,-5.5,1\nA,2024-01-05,0,1,0,0.5,1\nB,2024-01-04,1,1,1,1,0\n", AUTO())
        .unwrap();
    assert_eq!(read.bars[0], "A 2024-01-05 5 5 -6 -5.5 1");
    assert_eq!(places(&read.report.not_above_zero), ["line 2 Low", "line 3 Open"]);
    assert!(read.report.to_string().contains("not above 0 2 rows, kept, such as"), "{}", read.report);
}

/// Each of them once had the others searched for it, which took minutes.
#[test]
fn a_file_of_bad_rows_alone_is_read_in_a_time_that_grows_with_its_rows() {
    let bad = 400_000;
    let text = format!("date,open,high,low,close\n2024-01-05,1,1,1,1\n{}", "1,2\n".repeat(bad));
    assert_eq!(csv(text, skip()).unwrap().report.rejected.count, bad as u64);
    let names = (0..60_000).map(|row| if row == 0 { "A".to_owned() } else { format!("\u{1}{row}") });
    let days = Date32Array::from_iter_values(0..60_000);
    let rows =
        priced(vec![("asset", Arc::new(StringArray::from_iter_values(names))), ("date", Arc::new(days))]);
    let read = parquet(&rows, IngestOptions { frequency: Some(Frequency::Daily), ..skip() }).unwrap();
    assert_eq!((read.report.rejected.count, read.report.bars), (59_999, 1));
}
