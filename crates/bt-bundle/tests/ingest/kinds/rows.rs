//! Rows that are no bars, or that come twice.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use bt_bundle::{Column, Findings, IngestOptions};
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

#[test]
fn a_delimiter_behind_every_row_and_the_end_of_file_of_dos_are_no_fields() {
    let read =
        csv("Date,Open,High,Low,Close\n2024-01-05,1,2,1,2,\n2024-01-08,2,3,2,3,\n\u{1a}", AUTO()).unwrap();
    assert_eq!(read.closes(), ["2024-01-06 2", "2024-01-09 3"]);
    assert_eq!(read.report.rows_read, 2);
}

#[test]
fn a_delimiter_behind_some_rows_or_behind_the_header_alone_is_no_field() {
    let some = "Date,Open,High,Low,Close\n2024-01-05,1,2,1,2,\n2024-01-08,2,3,2,3\nSource: X\n";
    let read = csv(some, skip()).unwrap();
    assert_eq!(
        (read.closes(), read.report.rejected.count),
        (vec!["2024-01-06 2".to_owned(), "2024-01-09 3".to_owned()], 1)
    );
    let header = "Date,Open,High,Low,Close,\n2024-01-05,1,2,1,2\n2024-01-08,2,3,2,3\n";
    assert_eq!(csv(header, AUTO()).unwrap().closes(), ["2024-01-06 2", "2024-01-09 3"]);
}

#[test]
fn rows_that_all_have_another_number_of_fields_are_a_fault_of_the_header() {
    let error =
        csv("Date,Open,High,Low,Close\n2024-01-05,1,2,1,2,9\n2024-01-08,2,3,2,3,9\n", AUTO()).unwrap_err();
    assert!(error.contains("A.csv: its rows have 6 fields, and its header has 5 names"), "{error}");
    assert!(error.contains("`IngestOptions::header`") && !error.contains("BadRows::Skip"), "{error}");
}

#[test]
fn bars_of_one_moment_beside_times_of_day_that_are_not_read_are_told_with_their_column() {
    let minutes = "Date,Open,High,Low,Close,TimeBarStart\n20240105,1,2,1,2,09:30\n20240105,2,3,2,3,09:31\n";
    let error = csv(minutes, AUTO()).unwrap_err();
    assert!(error.contains("column \"TimeBarStart\", which is not read, holds times of day"), "{error}");
    assert!(error.contains("`Column::Time`") && !error.contains("BadRows::Skip"), "{error}");
    let columns = vec![("TimeBarStart".to_owned(), Column::Time)];
    let read = csv(minutes, IngestOptions { columns, ..AUTO() }).unwrap();
    assert_eq!(read.known(), ["2024-01-05T09:31:00Z", "2024-01-05T09:32:00Z"]);
}

#[test]
fn milliseconds_of_a_day_in_a_column_of_that_name_are_its_time() {
    let text = "ms_of_day,open,high,low,close,volume,date\n34200000,1,2,1,2,9,20240105\n34260000,2,3,2,3,9,20240105\n";
    let known = ["2024-01-05T09:31:00Z", "2024-01-05T09:32:00Z"];
    assert_eq!(csv(text, AUTO()).unwrap().known(), known);
    let integers = |values: [i64; 2]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    let prices = |values: [f64; 2]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let batch = RecordBatch::try_from_iter([
        ("ms_of_day", integers([34_200_000, 34_260_000])),
        ("date", integers([20_240_105, 20_240_105])),
        ("open", prices([1.0, 2.0])),
        ("high", prices([2.0, 3.0])),
        ("low", prices([1.0, 2.0])),
        ("close", prices([2.0, 3.0])),
    ]);
    assert_eq!(parquet(&batch.unwrap(), AUTO()).unwrap().known(), known);
    let error = csv(text.replace("34260000", "86400000"), AUTO()).unwrap_err();
    assert!(error.contains("is no day or time of the calendar"), "{error}");
}

#[test]
fn a_quote_that_takes_rows_into_its_field_is_refused_where_it_opens() {
    const ROWS: [&str; 3] = ["2024-01-05,1,2,1,2,5,", "2024-01-08,1,2,1,2,6,", "2024-01-09,1,2,1,2,7,"];
    let file = |notes: [&str; 3]| {
        let rows: String = ROWS.iter().zip(notes).map(|(row, note)| format!("{row}{note}\n")).collect();
        csv(format!("Date,Open,High,Low,Close,Volume,Comment\n{rows}"), skip())
    };
    for notes in [["x", "\"Foo", "x"], ["x", "\"Foo", "\"Bar"], ["x", "x", "\""]] {
        let error = file(notes).unwrap_err();
        assert!(error.contains("a quote that opens here is not closed where its field ends"), "{error}");
        let line = if notes[1] == "x" { "line 4" } else { "line 3" };
        assert!(error.starts_with(&format!("A.csv, {line}:")), "{error}");
    }
    // It is the last byte.
    let last = "Date,Open,High,Low,Close,Note\n2024-01-05,1,2,1,2,x\n2024-01-08,1,2,1,2,\"";
    assert!(csv(last, skip()).unwrap_err().starts_with("A.csv, line 3: a quote that opens here"));
    // It closes at the end of another row's field.
    let header = "Date,Open,High,Low,Close,\"Note\n2024-01-05,1,2,1,2,x\"\n2024-01-08,1,2,1,2,y\n2024-01-09,1,2,1,2,z\n";
    let error = csv(header, IngestOptions::default()).unwrap_err();
    assert!(error.contains("a quote of its header is not closed on that line"), "{error}");
    let broken = "Date,Open,High,Low,\"Adj\nClose\",Close\n2024-01-05,1,2,1,2,2\n2024-01-08,1,2,1,2,2\n";
    assert_eq!(csv(broken, IngestOptions::default()).unwrap().bars.len(), 2);
    let swallowed = "Date,Open,High,Low,Close,Note\n2024-01-05,1,2,1,2,\"abc\n2024-01-08,1,2,1,2,y\n2024-01-09,1,2,1,2,5\"\n";
    assert!(csv(swallowed, AUTO()).unwrap_err().starts_with("A.csv, line 2: a quote that opens here"));
    for notes in [["\"a,b\"", "\"two\nlines\"", "\"\"\"x\"\"\""], ["5\" pipe", "\"a\"b", "\"\""]] {
        assert_eq!(file(notes).unwrap().bars.len(), 3, "{notes:?}");
    }
}

#[test]
fn rows_that_show_the_other_order_of_day_and_month_are_not_left_out_as_bad() {
    let stamps = ["13/01/2024", "14/01/2024", "01/15/2024", "02/03/2024"];
    let rows: String = stamps.iter().map(|stamp| format!("{stamp},1,1,1,1\n")).collect();
    for options in [AUTO(), skip()] {
        let error = csv(format!("Date,Open,High,Low,Close\n{rows}"), options).unwrap_err();
        let told = "A.csv, line 4, column \"Date\": \"01/15/2024\" has the month first, and other dates of the input have \
                    the day first";
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn two_daily_bars_of_one_day_are_one_or_refused() {
    let offsets = [(
        "a/A.csv",
        "Date,Open,High,Low,Close\n2024-01-03 00:00:00-05:00,1,1,1,1\n2024-07-05 00:00:00-04:00,3,3,3,3\n",
    )];
    let utc = |close: u8| {
        format!(
            "Date,Open,High,Low,Close\n2024-01-03T00:00:00Z,1,1,1,{close}\n2024-01-04T00:00:00Z,2,2,2,2\n"
        )
    };
    let read = |close: u8| folder(&[offsets[0], ("b/A.csv", &utc(close))], AUTO(), true);
    let same = read(1).unwrap();
    assert_eq!((same.bars.len(), same.report.repeated.count), (3, 1));
    let error = read(2).map(|read| read.bars).unwrap_err();
    assert!(error.contains("\"A\" has a bar for the same day (known "), "{error}");
    // A bar at 09:30 among bars at 16:00.
    let stamps: String = (2..10).map(|day| format!("2024-01-0{day} 16:00,1,1,1,1\n")).collect();
    let stray = format!("Date,Open,High,Low,Close\n{stamps}2024-01-04 09:30,2,2,2,2\n");
    assert!(csv(&stray, AUTO()).unwrap_err().contains("for the same day"));
    assert_eq!(places(&csv(&stray, skip()).unwrap().report.rejected), ["line 4"]);
}

#[test]
fn an_asset_whose_bars_are_longer_than_those_of_the_others_is_refused() {
    let daily = |asset: &str, days: &[i32]| -> String {
        days.iter()
            .map(|day| format!("{asset},{},1,1,1,1,1\n", bt_core::Day::from_days_since_1970(19_723 + day)))
            .collect()
    };
    let all: Vec<i32> = (0..60).collect();
    let weekly: Vec<i32> = (0..9).map(|week| 7 * week).collect();
    let error = read(&format!("{}{}", daily("A", &all), daily("B", &weekly)), AUTO()).unwrap_err();
    assert!(error.contains("\"B\" has bars of 1w, and most bars are of 1d"), "{error}");
    assert!(error.contains("`IngestOptions::frequency`"), "{error}");
    let stated = IngestOptions { frequency: Some(bt_core::Frequency::Daily), ..AUTO() };
    assert_eq!(
        read(&format!("{}{}", daily("A", &all), daily("B", &weekly)), stated).unwrap().report.assets,
        2
    );
    // Seldom traded is not the same, nor are five Mondays.
    let mondays = [0, 7, 14, 21, 28];
    assert_eq!(
        read(&format!("{}{}", daily("A", &all), daily("B", &mondays)), AUTO()).unwrap().report.assets,
        2
    );
    let seldom = [0, 3, 11, 12, 25, 40, 49];
    assert_eq!(
        read(&format!("{}{}", daily("A", &all), daily("B", &seldom)), AUTO()).unwrap().report.assets,
        2
    );
    let minutes = |asset: &str, step: usize| -> String {
        (0..120)
            .step_by(step)
            .map(|minute| {
                format!("{asset},2024-01-05 {:02}:{:02},1,1,1,1,1\n", 10 + minute / 60, minute % 60)
            })
            .collect()
    };
    let error = read(&format!("{}{}", minutes("A", 1), minutes("B", 5)), AUTO()).unwrap_err();
    assert!(error.contains("\"B\" has bars of 5m, and most bars are of 1m"), "{error}");
}

#[test]
fn prices_of_zero_are_bars_or_bad_rows_as_is_stated() {
    let rows = "A,2024-01-04,1,1,1,1,5\nA,2024-01-05,0,0,0,0,0\nA,2024-01-08,-2,-1,-3,-2,5\n";
    assert_eq!(read(rows, AUTO()).unwrap().report.not_above_zero.count, 2);
    let positive = |options| IngestOptions { positive_prices: true, ..options };
    let error = read(rows, positive(AUTO())).unwrap_err();
    assert!(error.starts_with("A.csv, line 3, column \"Open\": 0 is "), "{error}");
    let left = read(rows, positive(skip())).unwrap();
    assert_eq!((left.bars.len(), left.report.rejected.count), (1, 2));
    let prices = |values: [f64; 2]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let date = Arc::new(arrow_array::Date32Array::from(vec![19_726, 19_727])) as ArrayRef;
    let columns = ["open", "high", "low", "close"].map(|name| (name, prices([1.0, 0.0])));
    let batch = RecordBatch::try_from_iter([("date", date)].into_iter().chain(columns)).unwrap();
    assert_eq!(parquet(&batch, positive(skip())).unwrap().bars.len(), 1);
}

#[test]
fn daily_bars_with_a_time_of_day_and_bars_without_a_volume_are_mentioned() {
    use bt_bundle::Note;
    let daily = "Date,Open,High,Low,Close,Traded\n2024-01-04 16:00,1,1,1,1,9\n2024-01-05 16:00,1,1,1,1,9\n";
    assert_eq!(csv(daily, AUTO()).unwrap().report.notes, [Note::DailyStarts, Note::NoVolume]);
    let other = daily.replace("Traded", "Adj Close").replace(" 16:00", "");
    assert_eq!(csv(other, AUTO()).unwrap().report.notes, []);
    let label = Some(bt_bundle::Label::End);
    let columns = vec![("Traded".to_owned(), Column::Volume)];
    assert_eq!(csv(daily, IngestOptions { label, columns, ..AUTO() }).unwrap().report.notes, []);
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

#[test]
fn names_that_a_spreadsheet_keeps_as_text_are_read_without_its_signs() {
    let row = |name: &str| format!("Symbol,Date,Open,High,Low,Close\n{name},2024-01-05,1,1,1,1\n");
    for name in ["=\"0050\"", "\"=\"\"0050\"\"\"", "0050"] {
        let read = csv(row(name), IngestOptions::default()).unwrap();
        assert_eq!(read.bars, ["0050 2024-01-06 1 1 1 1 NaN"], "{name}");
    }
}
