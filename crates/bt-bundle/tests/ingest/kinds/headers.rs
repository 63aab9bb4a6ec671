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

#[test]
fn a_header_that_is_not_utf_8_asks_for_its_encoding() {
    for (name, encoding, bytes) in [
        (
            "Er\u{f6}ffnung",
            "windows-1252",
            &b"Datum;Er\xf6ffnung;Hoch;Tief;Schluss\n2024-01-05;1;2;1;2\n"[..],
        ),
        ("\u{59cb}\u{5024}", "shift_jis", b"Date;\x8en\x92l;Hoch;Tief;Schluss\n2024-01-05;1;2;1;2\n"),
    ] {
        let columns =
            [(name, Column::Open), ("Hoch", Column::High), ("Tief", Column::Low), ("Schluss", Column::Close)];
        let columns = columns.map(|(name, column)| (name.to_owned(), column)).into();
        let options = IngestOptions { columns, ..AUTO() };
        let error = csv(bytes, options.clone()).unwrap_err();
        let is_told = error.contains("its header is not UTF-8") && error.contains("IngestOptions::encoding");
        assert!(is_told, "{error}");
        let options = IngestOptions { encoding: encoding.parse().ok(), ..options };
        assert_eq!(csv(bytes, options).unwrap().bars, ["A 2024-01-06 1 2 1 2 NaN"]);
    }
}

#[test]
fn a_header_below_a_title_is_found_by_names_that_are_stated() {
    let columns = [
        ("Tag", Column::Timestamp),
        ("Kurs", Column::Close),
        ("A", Column::Open),
        ("H", Column::High),
        ("T", Column::Low),
    ];
    let columns = columns.map(|(name, column)| (name.to_owned(), column)).into();
    let options = IngestOptions { columns, ..Default::default() };
    let read = csv("Kurse der A\nTag,A,H,T,Kurs\n2024-01-05,1,2,1,2\n", options).unwrap();
    assert_eq!(read.bars, ["A 2024-01-06 1 2 1 2 NaN"]);
}

#[test]
fn closes_that_are_stated_to_be_the_other_prices_too_are_closes_still() {
    let columns = [Column::Open, Column::High, Column::Low].map(|column| ("Close".to_owned(), column)).into();
    let options = IngestOptions { columns, ..Default::default() };
    assert_eq!(csv("Date,Close\n2024-01-05,2\n", options).unwrap().bars, ["A 2024-01-06 2 2 2 2 NaN"]);
}

#[test]
fn names_of_more_sources_need_no_word() {
    for (header, row) in [
        ("MTS,OPEN,CLOSE,HIGH,LOW,VOLUME", "1704412800000,1,2,3,1,9"),
        (
            "Dates,PX_OPEN,PX_HIGH,PX_LOW,PX_LAST,PX_VOLUME",
            "1/5/2024,1,3,1,2,9\n1/15/2024,1,1,1,1,1\n1/16/2024,1,1,1,1,1",
        ),
        ("t,o,h,l,c,v", "1704412800,1,3,1,2,9"),
        ("Time,Open,High,Low,Latest,Volume", "2024-01-05,1,3,1,2,9"),
        (
            "\u{65e5}\u{671f},\u{5f00}\u{76d8},\u{6536}\u{76d8},\u{6700}\u{9ad8},\u{6700}\u{4f4e},\u{6210}\u{4ea4}\u{91cf}",
            "2024-01-05,1,2,3,1,9",
        ),
    ] {
        let read = csv(format!("{header}\n{row}\n"), IngestOptions::default()).unwrap();
        assert_eq!(read.bars[0], "A 2024-01-06 1 3 1 2 9", "{header}");
    }
    // What goes by one of these names beside a date of the usual name is an extra column: a number of trades.
    let read = csv(
        "date,o,h,l,c,v,t\n2024-01-05,1,3,1,2,9,12\n2024-01-08,1,3,1,2,9,1005\n",
        IngestOptions::default(),
    );
    let read = read.unwrap();
    assert_eq!((read.known(), read.report.columns.len()), (vec!["2024-01-06", "2024-01-09"], 8));
    // The 1m of a column of intervals is no million.
    let read =
        csv("date,open,high,low,close,interval\n2024-01-05,1,2,1,2,1m\n", IngestOptions::default()).unwrap();
    assert_eq!(read.report.ignored, ["interval"]);
}

#[test]
fn a_price_that_another_column_is_stated_to_be_is_put_aside_and_told() {
    let columns = vec![("Adj_Close".to_owned(), Column::Close)];
    let options = IngestOptions { columns, ..AUTO() };
    let read = csv("Date,Open,High,Low,Close,Adj_Close\n2024-01-05,1,2,1,2,1.5\n", options).unwrap();
    assert_eq!(read.bars, ["A 2024-01-06 1 2 1 1.5 NaN"]);
    assert_eq!(read.report.ignored, ["Close"]);
}

#[test]
fn a_stated_name_means_the_column_of_exactly_that_name_first() {
    let ignored = |names: &[&str]| {
        let columns = names.iter().map(|&name| (name.to_owned(), Column::Ignored)).collect();
        IngestOptions { columns, ..AUTO() }
    };
    let text = "t,T,o,h,l,c,v,V\n2024-01-05,9,1,3,1,2,10,99\n";
    let read = csv(text, ignored(&["T", "V"])).unwrap();
    assert_eq!(read.bars, ["A 2024-01-06 1 3 1 2 10"]);
    assert_eq!(read.report.ignored, ["T", "V"]);
    // Where none has it as it stands, its case says nothing, unless two columns differ in that alone.
    let read = csv("Date,Open,High,Low,Close,VOL\n2024-01-05,1,3,1,2,10\n", ignored(&["vol"])).unwrap();
    assert_eq!(read.report.ignored, ["VOL"]);
    let error = csv("Date,Open,High,Low,Close,VOL,Vol\n2024-01-05,1,3,1,2,10,9\n", ignored(&["vol"]));
    assert!(error.unwrap_err().contains("columns \"VOL\" and \"Vol\" could both be the ignored column"));
}

#[test]
fn a_volume_of_zeros_gives_way_to_one_that_is_counted() {
    let text = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n\
                2024.01.04\t09:30:00\t1\t2\t0.5\t1.5\t10\t0\t7\n2024.01.04\t09:31:00\t2\t3\t1\t2\t20\t0\t7\n";
    let read = csv(text, AUTO()).unwrap();
    let volumes = |read: &super::Read| -> Vec<String> {
        read.bars.iter().map(|bar| bar.rsplit(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(volumes(&read), ["10", "20"]);
    assert!(read.report.columns.contains(&("volume".to_owned(), "<TICKVOL>".to_owned())));
    let traded = csv(text.replace("\t20\t0\t", "\t20\t3\t"), AUTO()).unwrap();
    assert_eq!(volumes(&traded), ["0", "3"]);
    let columns = vec![("<VOL>".to_owned(), Column::Volume)];
    assert_eq!(volumes(&csv(text, IngestOptions { columns, ..AUTO() }).unwrap()), ["0", "0"]);
    // It is an extra column as well, which other files and appends have.
    let extras = bt_bundle::Extras::Only(vec!["tickvol".to_owned()]);
    let asked = csv(text, IngestOptions { extras, ..AUTO() }).unwrap();
    assert_eq!((volumes(&asked), asked.report.columns.last()), (volumes(&read), read.report.columns.last()));
    let other = text.replace("\t0\t7", "\t500\t7");
    let both = super::folder(&[("EURUSD.csv", text), ("AAPL.csv", &other)], AUTO(), false).unwrap();
    assert_eq!(volumes(&both), ["500", "500", "10", "20"]);
}

#[test]
fn volumes_in_other_languages_are_read_and_unknown_ones_are_mentioned() {
    let read = |header: &str, rows: &str| {
        csv(format!("Datum;Open;High;Low;Close;{header}\n{rows}"), AUTO()).unwrap()
    };
    let rows = "2024-01-05;1,5;3,5;1,5;2,5;10.062;25.155\n2024-01-08;1,5;3,5;1,5;2,5;1.000.500;2.501.250\n";
    assert_eq!(read("Stuecke;Volumen", rows).bars[0], "A 2024-01-06 1.5 3.5 1.5 2.5 10062");
    assert_eq!(read("Volumen;Betrag", rows).bars[0], "A 2024-01-06 1.5 3.5 1.5 2.5 10062");
    let plain = "2024-01-05;1.5;3.5;1.5;2.5;10,06,2\n2024-01-08;1.5;3.5;1.5;2.5;1.000,500.0\n";
    let unknown = read("Umsatz", plain);
    assert_eq!(
        (unknown.report.ignored, unknown.report.notes),
        (vec!["Umsatz".to_owned()], vec![Note::NoVolume])
    );
    assert_eq!(read("Umsatz", "2024-01-05;1.5;3.5;1.5;2.5;10062\n").report.notes, [Note::NoVolume]);
    for header in ["Kommentar", "Adj Close", "Split Factor"] {
        let row = if header == "Kommentar" { "gut" } else { "1" };
        assert_eq!(read(header, &format!("2024-01-05;1.5;3.5;1.5;2.5;{row}\n")).report.notes, [], "{header}");
    }
}

#[test]
fn the_settlement_of_a_future_is_its_close() {
    let read = csv(
        "Date,Open,High,Low,Last,Change,Settle,Volume,Previous Day Open Interest\n2024-01-05,1,3,1,2.5,0.5,2,9,70\n",
        AUTO(),
    );
    assert_eq!(read.unwrap().bars, ["A 2024-01-06 1 3 1 2 9"]);
}

#[test]
fn names_of_two_words_are_no_assets_side_by_side() {
    let text = "time_period_start;time_period_end;time_open;time_close;price_open;price_high;price_low;price_close;\
                volume_traded;trades_count\n\
                2024-01-05T00:00:00.0000000Z;2024-01-05T00:01:00.0000000Z;2024-01-05T00:00:01.0000000Z;\
                2024-01-05T00:00:59.0000000Z;1;3;1;2;9;4\n\
                2024-01-05T00:01:00.0000000Z;2024-01-05T00:02:00.0000000Z;2024-01-05T00:01:01.0000000Z;\
                2024-01-05T00:01:59.0000000Z;1;3;1;2;9;4\n";
    assert_eq!(csv(text, AUTO()).unwrap().bars[0], "A 2024-01-05T00:01:00Z 1 3 1 2 9");
    let error = csv("Date,first_open,second_volume,Close\n2024-01-05,1,9,2\n", AUTO()).unwrap_err();
    assert!(error.contains("no column looks like columns of open, high and low prices"), "{error}");
}

#[test]
fn two_levels_of_a_header_name_one_asset_or_are_a_wide_table() {
    for (first, second, third) in [
        ("Ticker,QZX,QZX,QZX,QZX,QZX", "Price,Open,High,Low,Close,Volume", "Date,,,,,\n"),
        ("Ticker,QZX,QZX,QZX,QZX,QZX", "Price,Open,High,Low,Close,Volume", ""),
        (",QZX,QZX,QZX,QZX,QZX", ",Open,High,Low,Close,Volume", "Date,,,,,\n"),
    ] {
        let read = csv(format!("{first}\n{second}\n{third}{ROWS}"), AUTO()).unwrap();
        assert_eq!(read.bars, BARS.map(|bar| bar.replace("A ", "QZX ")), "{first}\n{second}");
    }
    let row = "2024-01-05,1,3,1,2,1,3,1,2\n";
    let prices = "Open,High,Low,Close,Open,High,Low,Close";
    let tickers = "QZX,QZX,QZX,QZX,RWV,RWV,RWV,RWV";
    let blocks = "Date,PX_OPEN,PX_LAST,,Date,PX_OPEN,PX_LAST";
    for (text, assets) in [
        (format!("Ticker,{tickers}\nPrice,{prices}\nDate,,,,,,,,\n{row}"), "(\"QZX\", \"RWV\")"),
        (format!("Ticker,{tickers}\nPrice,{prices}\n{row}"), "(\"QZX\", \"RWV\")"),
        (format!(",{prices}\n,{tickers}\nDate,,,,,,,,\n{row}"), "(\"QZX\", \"RWV\")"),
        (
            format!("QZX US Equity,,,,RWV US Equity,,\n{blocks}\n2024-01-05,1,2,,2024-01-08,1,2\n"),
            "(\"QZX US Equity\", \"RWV US Equity\")",
        ),
        (format!("{blocks}\n2024-01-05,1,2,,2024-01-08,1,2\n"), "hold assets side by side; "),
    ] {
        let error = csv(&text, AUTO()).unwrap_err();
        assert!(error.starts_with("A.csv: it is a wide table") && error.contains(assets), "{text}{error}");
        assert!(error.contains("long form"), "{error}");
    }
}

#[test]
fn forty_lines_may_stand_before_the_header() {
    let header = "Date,Open,High,Low,Close,Volume\n";
    let read = csv(format!("{}{header}{ROWS}", "a line of prose\n".repeat(40)), AUTO()).unwrap();
    assert_eq!(read.bars, BARS);
    let error = csv(format!("{}{header}{ROWS}", "a line of prose\n".repeat(41)), AUTO()).unwrap_err();
    assert!(error.contains("none of its first 41 lines names such columns"), "{error}");
}

#[test]
fn an_index_of_two_levels_without_names_holds_times_and_assets() {
    for header in [",,Open,High,Low,Close,Volume", "level_0,level_1,Open,High,Low,Close,Volume"] {
        let read =
            csv(format!("{header}\nQZX,2024-01-04,1,2,0.5,1.5,10\nRWV,2024-01-04,2,3,1.5,2.5,20\n"), AUTO());
        assert_eq!(read.unwrap().bars, ["QZX 2024-01-05 1 2 0.5 1.5 10", "RWV 2024-01-05 2 3 1.5 2.5 20"]);
        let read =
            csv(format!("{header}\n2024-01-04,QZX,1,2,0.5,1.5,10\n2024-01-04,RWV,2,3,1.5,2.5,20\n"), AUTO());
        assert_eq!(read.unwrap().bars, ["QZX 2024-01-05 1 2 0.5 1.5 10", "RWV 2024-01-05 2 3 1.5 2.5 20"]);
    }
}

#[test]
fn text_that_is_called_as_a_time_is_none_where_another_column_holds_times() {
    for name in ["begins_at", "when"] {
        let text = format!(
            "{name},open_price,close_price,high_price,low_price,volume,session,interpolated,symbol\n\
             2024-01-04T00:00:00Z,1,1.5,2,0.5,10,reg,False,A\n2024-01-05T00:00:00Z,2,2.5,3,1.5,20,reg,False,A\n"
        );
        assert_eq!(csv(text, AUTO()).unwrap().bars, BARS, "{name}");
    }
    let error = csv("session,Open,High,Low,Close\nreg,1,3,1,2\n", AUTO()).unwrap_err();
    assert!(error.contains("no column looks like a timestamp"), "{error}");
}

#[test]
fn columns_that_nobody_asked_for_refuse_no_ingest() {
    let text = "Date,Open,High,Low,Close,Change,% Change,MA,MA,VWAP\n2024-01-05,1,3,1,2,0.5,0.1,7,8,9\n";
    let read = csv(text, AUTO()).unwrap();
    assert_eq!(read.report.ignored, ["Change", "% Change", "MA", "MA"]);
    assert!(read.report.columns.contains(&("vwap".to_owned(), "VWAP".to_owned())));
    let extras = bt_bundle::Extras::Only(vec!["change".to_owned()]);
    let error = csv(text, IngestOptions { extras, ..AUTO() }).unwrap_err();
    assert!(error.contains("could both be the extra column \"change\""), "{error}");
    let columns = vec![("% Change".to_owned(), Column::Extra("change".to_owned()))];
    let read = csv(text, IngestOptions { columns, ..AUTO() }).unwrap();
    assert_eq!(read.report.ignored, ["Change", "MA", "MA"]);
}
