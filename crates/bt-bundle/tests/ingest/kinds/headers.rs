//! Where the names of the columns stand, and what is around them.

use bt_bundle::{Column, IngestOptions, Note};

use super::{csv, file, skip};

const AUTO: fn() -> IngestOptions = IngestOptions::default;
const ROWS: &str = "2024-01-04,1,2,0.5,1.5,10\n2024-01-05,2,3,1.5,2.5,20\n";
const BARS: [&str; 2] = ["A 2024-01-05 1 2 0.5 1.5 10", "A 2024-01-06 2 3 1.5 2.5 20"];

#[test]
fn lines_before_the_header_are_passed_over_and_told() {
    for (before, lines) in [
        ("https://www.example.com/data\n", 1),
        ("Prices of A,,,,,\n\n", 2),
        ("# exported\n# by hand\n# daily\n", 3),
        ("\"Symbol: A, in dollars\"\n", 1),
    ] {
        let read = csv(format!("{before}Date,Open,High,Low,Close,Volume\n{ROWS}"), AUTO()).unwrap();
        assert_eq!(read.bars, BARS, "{before:?}");
        assert!(
            matches!(&read.report.notes[..], [Note::LinesBeforeHeader { lines: told, .. }] if *told == lines)
        );
    }
    let bad = "https://www.example.com\nDate,Open,High,Low,Close,Volume\n2024-01-04,x,2,0.5,1.5,10\n";
    assert!(csv(bad, AUTO()).unwrap_err().starts_with("A.csv, line 3, column \"Open\""));
}

#[test]
fn the_header_of_a_data_frame_is_read() {
    for header in [
        ",Open,High,Low,Close,Volume",
        "Unnamed: 0,Open,High,Low,Close,Volume",
        "index,Open,High,Low,Close,Volume",
        "\"Date\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"",
        " date , OPEN , high , low , Close , volume ",
        "date,1. open,2. high,3. low,4. close,5. volume",
    ] {
        assert_eq!(csv(format!("{header}\n{ROWS}"), AUTO()).unwrap().bars, BARS, "{header}");
    }
    // A column of row numbers is no time, and no extra column.
    let numbered = csv(
        ",Date,Open,High,Low,Close,Volume\n0,2024-01-04,1,2,0.5,1.5,10\n1,2024-01-05,2,3,1.5,2.5,20\n",
        AUTO(),
    );
    let numbered = numbered.unwrap();
    assert_eq!((numbered.bars, numbered.report.columns.len()), (BARS.map(str::to_owned).to_vec(), 7));
}

#[test]
fn the_three_lines_of_yfinance_name_one_asset_or_are_a_wide_table() {
    let one = "Price,Close,High,Low,Open,Volume\nTicker,QZX,QZX,QZX,QZX,QZX\nDate,,,,,\n\
               2024-01-04,1.5,2,0.5,1,10\n2024-01-05,2.5,3,1.5,2,20\n";
    let read = csv(one, AUTO()).unwrap();
    assert_eq!(read.bars, BARS.map(|bar| bar.replace("A ", "QZX ")));
    assert_eq!(read.report.columns[0].1, "(the header)");
    let two = "Price,Close,Close,Open,Open\nTicker,QZX,RWV,QZX,RWV\nDate,,,,\n2024-01-04,1,2,3,4\n";
    let error = csv(two, AUTO()).unwrap_err();
    assert!(
        error.starts_with("A.csv: it is a wide table") && error.contains("(\"QZX\", \"RWV\")"),
        "{error}"
    );
    let side_by_side =
        csv("Date,QZX:open,QZX:close,RWV:open,RWV:close\n2024-01-04,1,2,3,4\n", AUTO()).unwrap_err();
    assert!(
        side_by_side.contains("(\"QZX\", \"RWV\")") && side_by_side.contains("long form"),
        "{side_by_side}"
    );
}

#[test]
fn a_file_without_a_header_is_refused_until_its_names_are_stated() {
    let error = csv(ROWS, AUTO()).unwrap_err();
    assert!(error.starts_with("A.csv: its first line, \"2024-01-04\", \"1\","), "{error}");
    let header = ["date", "open", "high", "low", "close", "volume"].map(str::to_owned);
    assert_eq!(csv(ROWS, IngestOptions { header: Some(header.into()), ..AUTO() }).unwrap().bars, BARS);
}

#[test]
fn a_footer_is_a_bad_row_that_can_be_left_out() {
    let text =
        format!("Date,Open,High,Low,Close,Volume\n{ROWS}\"Downloaded from example.org as of 01-06-2024\"\n");
    let error = csv(&text, AUTO()).unwrap_err();
    assert!(error.starts_with("A.csv, line 4: 1 field where the header has 6"), "{error}");
    let read = csv(&text, skip()).unwrap();
    assert_eq!((read.bars, read.report.rejected.count), (BARS.map(str::to_owned).to_vec(), 1));
}

#[test]
fn a_comma_at_the_end_of_each_line_is_a_column_without_a_name() {
    let text = "Symbol,Open,High,Low,Close,Date,\nA,1,2,0.5,1.5,04-JAN-2024,\nA,2,3,1.5,2.5,05-JAN-2024,\n";
    let read = csv(text, AUTO()).unwrap();
    assert_eq!(read.bars, BARS.map(|bar| format!("{}NaN", bar.trim_end_matches(['0', '1', '2']))));
    assert_eq!(read.report.ignored, ["(a column without a name)"]);
}

#[test]
fn one_column_may_be_stated_to_be_several_things() {
    let prices = [Column::Open, Column::High, Column::Low, Column::Close];
    let columns = prices.map(|column| ("NAV".to_owned(), column)).into();
    let options = IngestOptions { columns, ..AUTO() };
    let read = file("A.txt", "Date|NAV\n2024-01-04|1.5\n2024-01-05|1.75\n", options).unwrap();
    assert_eq!(read.bars, ["A 2024-01-05 1.5 1.5 1.5 1.5 NaN", "A 2024-01-06 1.75 1.75 1.75 1.75 NaN"]);
}
