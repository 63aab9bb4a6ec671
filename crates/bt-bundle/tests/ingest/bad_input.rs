//! Bad input is named by file, line, column and reason, and nothing is published.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use bt_bundle::{BadRows, Ingest, IngestOptions};

use crate::{HEADER, Place, daily};

const GOOD: &str = "IBM,2024-01-05,10,12,9,11,100";

fn skip() -> IngestOptions {
    IngestOptions { on_bad_row: BadRows::Skip, ..daily() }
}

/// The error of a CSV file with a header and these lines, without the directory.
fn refused(lines: &str) -> String {
    let place = Place::new();
    let error = place.csv(format!("{HEADER}\n{lines}"), daily()).unwrap_err().to_string();
    assert!(!place.is_published(), "{error}");
    error.replace(&format!("{}/", place.path("").display().to_string().trim_end_matches('/')), "")
}

#[test]
fn every_kind_of_bad_row_is_named_by_file_line_column_and_reason() {
    let cases = [
        ("IBM,2024-01-06,10,12,9,abc,100", "column \"Close\": \"abc\" is not a number"),
        ("IBM,2024-01-06,10,inf,9,11,100", "column \"High\": inf is not finite"),
        ("IBM,2024-01-06,10,1e999,9,11,100", "column \"High\": 1e999 is not finite"),
        ("IBM,2024-01-06,10,8,9,9,100", "column \"High\": 8 is below the low, 9"),
        ("IBM,2024-01-06,10,12,9,11,-1", "column \"Volume\": -1 is below 0"),
        ("IBM,2024-02-30,10,12,9,11,1", "column \"Date\": \"2024-02-30\" is no day or time of the calendar"),
        ("IBM,,10,12,9,11,1", "column \"Date\": there is no date or time"),
        ("IBM,soon,10,12,9,11,1", "column \"Date\": \"soon\" is not a date or time"),
        (
            "IBM,01/06/2024,10,12,9,11,1",
            "column \"Date\": \"01/06/2024\" is 2024-06-01 with the day first and 2024-01-06 with the month first",
        ),
        (",2024-01-06,10,12,9,11,1", "column \"Ticker\": there is no asset"),
        ("IBM,2024-01-06,10,12,9,11", "6 fields where the header has 7"),
        ("IBM,2024-01-06,10,12,9,11,1,1", "8 fields where the header has 7"),
        (
            "IBM,2024-01-06,\"1,000\",1200,900,1100,1",
            "column \"Open\": \"1,000\" is 1 with a decimal comma and 1000 with commas between thousands, and nothing tells \
             which; state decimal and thousands separators if it has them (`IngestOptions::number_format`)",
        ),
        (
            "IBM,2024-01-05,1,1,1,1,1",
            "\"IBM\" has a bar for the same time (known 2024-01-06T00:00:00Z) already, in prices.csv, line 2",
        ),
        ("IBM,2024-01-06 09:30,1,1,1,1,1", "a date with a time, but prices.csv, line 2 has none"),
    ];
    for (line, reason) in cases {
        let error = refused(&format!("{GOOD}\n{line}\n"));
        let expected = match reason.starts_with("column") {
            true => format!("prices.csv, line 3, {reason}"),
            false => format!("prices.csv, line 3: {reason}"),
        };
        assert!(error.starts_with(&expected), "{line}\n got {error}\nwant {expected}");
    }
}

#[test]
fn lines_are_counted_past_empty_and_quoted_ones_and_either_line_end() {
    for (lines, line) in [
        (format!("{GOOD}\n\n\nIBM,x,1,1,1,1,1\n"), 5),
        (format!("{GOOD}\r\n\r\nIBM,x,1,1,1,1,1\r\n"), 4),
        (format!("{GOOD}\nIBM,2024-01-08,1,1,1,1,\"\n\n1\"\nIBM,x,1,1,1,1,1"), 6),
        ("IBM,x,1,1,1,1,1".to_owned(), 2),
    ] {
        let error = refused(&lines);
        assert!(error.starts_with(&format!("prices.csv, line {line}, column \"Date\"")), "{error}");
    }
}

#[test]
fn the_first_of_several_bad_rows_is_named_however_large_the_file() {
    let mut lines: String = (0..200_000).map(|row| format!("A{row},2024-01-05,10,12,9,11,100\n")).collect();
    lines.push_str("FIRST,x,1,1,1,1,1\nSECOND,y,1,1,1,1,1\n");
    let error = refused(&lines);
    assert!(error.starts_with("prices.csv, line 200002, column \"Date\": \"x\""), "{error}");
}

#[test]
fn names_that_are_not_utf_8_are_refused() {
    let mut content = format!("{HEADER}\n").into_bytes();
    content.extend_from_slice(b"\xff\xfe,2024-01-05,1,1,1,1,1\n");
    let error = Place::new().csv(content, daily()).unwrap_err().to_string();
    assert!(
        error.contains("line 2, column \"Ticker\"") && error.contains("is not UTF-8; state the encoding"),
        "{error}"
    );
}

#[test]
fn files_without_rows_header_or_text_are_refused() {
    let error = |content: &[u8]| Place::new().csv(content, daily()).unwrap_err().to_string();
    assert!(
        error(b"")
            .ends_with("prices.csv: it is empty; a header line with the names of the columns is needed")
    );
    assert!(error(format!("{HEADER}\n").as_bytes()).ends_with("prices.csv: there are no rows"));
    assert!(
        error(b"\xff\xfeT\0\0")
            .ends_with("its text is not valid UTF-16LE; state the encoding (`IngestOptions::encoding`)")
    );
    let missing = Ingest::new(daily()).csv("/no/such/file.csv");
    assert!(Place::new().ingest(missing).unwrap_err().to_string().starts_with("open /no/such/file.csv"));
    let nothing = Place::new().ingest(Ingest::new(daily())).unwrap_err().to_string();
    assert_eq!(nothing, "the ingest: no input: call `csv`, `parquet` or `batches` first");
}

#[test]
fn a_failed_ingest_leaves_the_old_version_current() {
    let place = Place::new();
    let before = place.csv(format!("{HEADER}\n{GOOD}\n"), daily()).unwrap();
    place.csv(format!("{HEADER}\n{GOOD}\n{GOOD}0\n"), daily()).unwrap_err();
    assert_eq!(bt_core::BundleSource::version(&place.store, &crate::name()).unwrap(), before.version);
}

#[test]
fn skipped_rows_are_counted_and_the_first_are_reported() {
    let place = Place::new();
    let bad: String = (0..25).map(|row| format!("IBM,2024-01-06,{row},0,9,11,1\n")).collect();
    let content = format!("{HEADER}\n{GOOD}\n{bad}IBM,2024-01-05,7,7,7,7,7\nIBM,2024-01-08,1,1,1,1,1\n");
    let report = place.csv(content, skip()).unwrap();
    assert_eq!((report.rows_read, report.rejected.count, report.bars), (28, 26, 2));
    assert_eq!(report.rejected.examples.len(), 10);
    let first = &report.rejected.examples[0];
    assert!(first.place.to_string().ends_with("prices.csv, line 3, column \"High\""), "{first:?}");
    assert_eq!(first.fault.statement().to_string(), "0 is below the low, 9");
    // Of two rows for the same time the first is kept.
    assert_eq!(place.closes("IBM").iter().map(|&(_, close)| close).collect::<Vec<_>>(), [11.0, 1.0]);
    assert!(report.to_string().contains("left out   26 bad rows"), "{report}");
}

#[test]
fn a_file_of_nothing_but_bad_rows_is_refused_even_where_they_are_skipped() {
    let error = Place::new().csv(format!("{HEADER}\nIBM,x,1,1,1,1,1\n"), skip()).unwrap_err().to_string();
    assert!(error.contains("none of 1 row is a bar; the first: "), "{error}");
}

#[test]
fn an_open_or_close_outside_low_and_high_is_kept_and_reported() {
    let place = Place::new();
    let report = place.csv(format!("{HEADER}\nIBM,2024-01-05,10,12,9,12.5,100\n"), daily()).unwrap();
    assert_eq!((report.outside.count, report.rejected.count, report.bars), (1, 0, 1));
    assert!(
        report.to_string().contains("column \"Close\": 12.5 is outside low and high, 9 to 12"),
        "{report}"
    );
}

#[test]
fn negative_prices_and_missing_values_are_bars() {
    let place = Place::new();
    let rows = "OIL,2020-04-20,17.7,17.8,-40.3,-37.6,1\nOIL,2020-04-21,18,NaN,NA,null,\n";
    let report = place.csv(format!("{HEADER}\n{rows}"), daily()).unwrap();
    assert_eq!((report.bars, report.outside.count, report.not_above_zero.count), (2, 0, 1));
    let closes = place.closes("OIL");
    assert_eq!(closes[0].1, -37.6);
    assert!(closes[1].1.is_nan());
    assert!(report.to_string().contains("line 2, column \"Low\": -40.3 is not above 0"), "{report}");
}

#[test]
fn missing_values_are_counted_and_the_first_is_named() {
    let place = Place::new();
    let rows = "IBM,2024-01-05,10,12,9,,100\nIBM,2024-01-08,10,12,NaN,11,\nIBM,2024-01-09,10,8,9,,1\n";
    let report = place.csv(format!("{HEADER}\n{rows}"), skip()).unwrap();
    // Those of a row that is left out do not count.
    assert_eq!((report.missing.count, report.rejected.count), (3, 1));
    let text = report.to_string();
    assert!(
        text.contains("  missing    3 values, kept as NaN, such as ")
            && text.contains("line 2, column \"Close\""),
        "{text}"
    );
    let sound = place.csv("asset,date,open,high,low,close\nIBM,2024-01-05,1,1,1,1\n", daily()).unwrap();
    assert_eq!(sound.missing.count, 0, "the volume is no column of the file");
    assert!(!sound.to_string().contains("missing"));
}

#[test]
fn missing_values_of_record_batches_are_counted_as_those_of_text() {
    let number = |values: [Option<f64>; 3]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let texts = |values: [&str; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let one = || number([Some(1.0); 3]);
    // Rows come in another order than that of their assets, and the last is bad.
    let columns = [
        ("asset", texts(["B", "A", "B"])),
        ("date", texts(["2024-01-05", "2024-01-05", "2024-01-08"])),
        ("open", one()),
        ("high", number([Some(1.0), Some(1.0), Some(0.5)])),
        ("low", one()),
        ("close", number([Some(1.0), None, None])),
        ("vwap", number([Some(f64::NAN), Some(1.0), None])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let report = Place::new().ingest(Ingest::new(skip()).batches([batch])).unwrap();
    assert_eq!((report.missing.count, report.rejected.count), (2, 1));
    let named: Vec<_> = report.missing.examples.iter().map(|one| one.place.to_string()).collect();
    assert!(named[0].starts_with("record batches, row 1, column \"vwap\""), "{named:?}");
    assert!(named[1].starts_with("record batches, row 2, column \"close\""), "{named:?}");
}

#[test]
fn a_folder_of_files_that_hold_many_assets_is_refused_with_the_column_that_says_so() {
    let place = Place::new();
    place.write("folder/2024.csv", format!("{HEADER}\n{GOOD}\nF,2024-01-05,1,1,1,1,1\n"));
    for options in [daily(), skip()] {
        let error =
            place.ingest(Ingest::new(options).csv_folder(place.path("folder"))).unwrap_err().to_string();
        assert!(
            error.contains("2024.csv, line 3, column \"Ticker\": \"F\" is another asset than \"IBM\""),
            "{error}"
        );
        assert!(error.ends_with("read long files by their column of assets"), "{error}");
    }
    place.write("folder/2024.csv", format!("{HEADER}\n{GOOD}\n"));
    let report = place.ingest(Ingest::new(daily()).csv_folder(place.path("folder"))).unwrap();
    assert_eq!(report.assets, 1, "one asset in a file is what its name is for");
    let alone = place.csv("Date,Open,High,Low,Close\n2024-01-05,1,1,1,1\n", daily()).unwrap_err().to_string();
    assert!(
        alone.ends_with("one asset a file? use `Ingest::csv_folder` or `Ingest::csv_of_asset`"),
        "{alone}"
    );
}

#[test]
fn counts_of_one_are_not_plural() {
    let text = Place::new().csv(format!("{HEADER}\n{GOOD}\n"), daily()).unwrap().to_string();
    for one in ["1 row from ", "1 asset, 1 bar, 2024-01-05 to 2024-01-05"] {
        assert!(text.contains(one), "{text}");
    }
}

#[test]
fn bad_rows_of_record_batches_are_named_by_their_row() {
    let column = |name: &str, values: Vec<Option<f64>>| {
        (name.to_owned(), Arc::new(Float64Array::from(values)) as ArrayRef)
    };
    let texts = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let batch = |asset: Option<&str>, date: Option<&str>, high: f64, vwap: f64| {
        let mut columns = vec![
            ("asset".to_owned(), texts(vec![Some("A"), asset])),
            ("date".to_owned(), texts(vec![Some("2024-01-04"), date])),
        ];
        for name in ["open", "low", "close", "volume"] {
            columns.push(column(name, vec![Some(1.0), None]));
        }
        columns.push(column("high", vec![Some(1.0), Some(high)]));
        columns.push(column("vwap", vec![Some(1.0), Some(vwap)]));
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let good = || batch(Some("A"), Some("2024-01-05"), 1.0, 1.0);
    for (bad, reason) in [
        (batch(None, Some("2024-01-06"), 1.0, 1.0), "column \"asset\": there is no asset"),
        (batch(Some(" "), Some("2024-01-06"), 1.0, 1.0), "column \"asset\": there is no asset"),
        (batch(Some("B"), None, 1.0, 1.0), "column \"date\": there is no date or time"),
        (batch(Some("B"), Some("soon"), 1.0, 1.0), "column \"date\": \"soon\" is not a date or time"),
        (batch(Some("B"), Some("2024-01-06"), f64::INFINITY, 1.0), "column \"high\": inf is not finite"),
        (batch(Some("B"), Some("2024-01-06"), 1.0, f64::NEG_INFINITY), "column \"vwap\": -inf is not finite"),
    ] {
        let batches = [good().slice(1, 1), bad.slice(1, 1)];
        let place = Place::new();
        let error = place.ingest(Ingest::new(daily()).batches(batches.clone())).unwrap_err().to_string();
        assert!(error.starts_with(&format!("record batches, row 2, {reason}")), "{error}");
        assert!(!place.is_published());
        let report = place.ingest(Ingest::new(skip()).batches(batches)).unwrap();
        assert_eq!((report.rejected.count, report.bars), (1, 1));
    }
}

#[test]
fn columns_of_types_that_cannot_be_what_they_should_be_are_refused() {
    let text = Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
    let day = Arc::new(StringArray::from(vec!["2024-01-05"])) as ArrayRef;
    let flag = Arc::new(BooleanArray::from(vec![true])) as ArrayRef;
    let number = Arc::new(Float64Array::from(vec![1.0])) as ArrayRef;
    let batch = |asset: &ArrayRef, date: &ArrayRef, open: &ArrayRef| {
        let rest = ["high", "low", "close", "volume"].map(|name| (name, Arc::clone(&number)));
        let columns = [("asset", Arc::clone(asset)), ("date", Arc::clone(date)), ("open", Arc::clone(open))];
        RecordBatch::try_from_iter(columns.into_iter().chain(rest)).unwrap()
    };
    for (batch, reason) in [
        (batch(&number, &text, &number), "column \"asset\": Float64 is not read"),
        (batch(&text, &flag, &number), "column \"date\": Boolean is not read"),
        (batch(&text, &number, &number), "row 1, column \"date\": 1 is a number"),
        (batch(&text, &flag, &flag), "column \"date\": Boolean is not read"),
        (batch(&text, &day, &text), "row 1, column \"open\": \"x\" is not a number"),
    ] {
        let error = Place::new().ingest(Ingest::new(daily()).batches([batch])).unwrap_err().to_string();
        assert!(error.starts_with(&format!("record batches, {reason}")), "{error}");
    }
}

#[test]
fn a_source_of_batches_that_fails_or_changes_its_columns_publishes_nothing() {
    let number = || Arc::new(Float64Array::from(vec![1.0])) as ArrayRef;
    let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let batch = |close: &str| {
        let columns = ["open", "high", "low", close, "volume"].map(|name| (name, number()));
        let names = [("asset", text("A")), ("date", text("2024-01-05"))];
        RecordBatch::try_from_iter(names.into_iter().chain(columns)).unwrap()
    };
    let place = Place::new();
    let failing = [Ok(batch("close")), Err("the cable was cut")];
    let error = place.ingest(Ingest::new(daily()).try_batches(failing)).unwrap_err();
    assert_eq!(error.to_string(), "the cable was cut");
    let changing = [batch("close"), batch("last")];
    let error = place.ingest(Ingest::new(daily()).batches(changing)).unwrap_err().to_string();
    assert!(
        error.starts_with("record batches, row 2: the columns are no longer \"asset\", \"date\""),
        "{error}"
    );
    assert!(!place.is_published());
}

#[test]
fn a_truncated_parquet_file_is_refused_by_name() {
    let place = Place::new();
    let whole = std::fs::read(crate::data("stocks.parquet")).unwrap();
    for len in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        let path = place.write("cut.parquet", &whole[..len]);
        let error = place.ingest(Ingest::new(daily()).parquet(&path)).unwrap_err().to_string();
        assert!(error.contains("cut.parquet"), "{len}: {error}");
    }
    assert!(!place.is_published());
}

#[test]
fn options_out_of_range_are_refused() {
    let error = |options| Place::new().csv(format!("{HEADER}\n{GOOD}\n"), options).unwrap_err().to_string();
    let budget = error(IngestOptions { memory_budget: 0, ..daily() });
    assert_eq!(budget, "memory_budget = 0 is out of range; allowed: at least 1");
    for delimiter in [b'"', b'\n', b'\r', b'5', b'e', 0xe9] {
        let delimiter = error(IngestOptions { delimiter: Some(delimiter), ..daily() });
        assert!(delimiter.starts_with("delimiter = '"), "{delimiter}");
        assert!(
            delimiter.ends_with("allowed: an ASCII character that is no letter, digit, quote or line end")
        );
    }
    let format = bt_bundle::NumberFormat { decimal: ',', thousands: Some(',') };
    assert!(error(IngestOptions { number_format: Some(format), ..daily() }).starts_with("number_format"));
}

#[test]
fn text_that_is_no_table_is_told_for_what_it_is() {
    for (text, told) in [
        ("<!DOCTYPE html>\n<html><body>404</body></html>\n", "it is a page of HTML, and is read as CSV"),
        ("\n <HTML lang=\"en\">\n", "it is a page of HTML, and is read as CSV"),
        ("<?xml version=\"1.0\"?>\n<rows/>\n", "it is XML, and is read as CSV"),
        ("{\"Time Series\": {\"2024-01-05\": {\"open\": 1}}}\n", "it is JSON, and is read as CSV"),
        ("[[1704412800,1,2,3,4,5]]\n", "it is JSON, and is read as CSV"),
    ] {
        let error = Place::new().csv(text, daily()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    // A title in brackets is passed over, and a header in angles is one.
    let titled = Place::new().csv(format!("[prices]\n{HEADER}\n{GOOD}\n"), daily());
    assert_eq!(titled.unwrap().bars, 1);
}

#[test]
fn a_column_that_tells_rows_of_one_moment_apart_is_named() {
    let rows = "BANK,2024-01-05,1,2,1,2,9,2024-01-25,FUT\nBANK,2024-01-05,1,3,1,2,9,2024-02-29,FUT\n";
    let text = format!("{HEADER},EXPIRY_DT,KIND\n{rows}");
    let error = Place::new().csv(text, daily()).unwrap_err().to_string();
    assert!(error.contains("; column \"EXPIRY_DT\", which is not read, tells such rows apart"), "{error}");
    assert!(error.contains("join that column and the asset's"), "{error}");
}

#[test]
fn columns_that_are_missing_are_told_in_short_with_those_that_are_left() {
    use bt_bundle::{Fault, Finding, HeaderFault};
    let error = Place::new().csv("Paper,Day,Er,Ho,Ti,Schluss\nA,2024-01-05,1,2,1,2\n", daily()).unwrap_err();
    let told = "no column looks like an asset, nor like columns of open, high, low and close prices; it has \"Paper\", ";
    assert!(error.to_string().contains(told) && error.to_string().len() < 400, "{error}");
    let Some(Finding { fault: Fault::Header(HeaderFault::Missing { unclaimed, .. }), .. }) =
        Finding::of(&error)
    else {
        panic!("{error}")
    };
    assert_eq!(*unclaimed, ["Paper", "Er", "Ho", "Ti", "Schluss"]);
    let error = Place::new().csv("Ticker,Date,Open,High,Low\nA,2024-01-05,1,2,1\n", daily()).unwrap_err();
    assert!(error.to_string().contains("a column of close prices (known names: close, c, close_price, …)"));
}
