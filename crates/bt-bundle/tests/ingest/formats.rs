//! The forms in which bars come.

use bt_bundle::{Column, EpochUnit, Extras, Ingest, IngestOptions, NumberFormat, TimeFormat};
use bt_core::{Adjustment, AdjustmentKind, Bundle, BundleSource, Error, Field};

use crate::{HEADER, Place, csv, daily, name};

const ROWS: &str =
    "IBM,2024-01-05,10.5,12,9.25,11,100\nAAPL,2024-01-05,1,2,0.5,1.5,\nIBM,2024-01-08,11,13,10,12,200\n";

fn plain() -> bt_core::BundleVersion {
    csv(format!("{HEADER}\n{ROWS}"), daily()).unwrap().version
}

#[test]
fn byte_order_marks_line_ends_quotes_delimiters_and_blanks_do_not_show_in_the_version() {
    let text = format!("{HEADER}\n{ROWS}");
    let quoted = text
        .lines()
        .map(|line| line.split(',').map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(","));
    for (form, content) in [
        ("byte order mark", format!("\u{feff}{text}")),
        ("carriage returns", text.replace('\n', "\r\n")),
        ("no last line end", text.trim_end().to_owned()),
        ("quotes", quoted.collect::<Vec<_>>().join("\n")),
        ("empty lines", text.replace('\n', "\n\n")),
        ("semicolons", text.replace(',', ";")),
        ("tabs", text.replace(',', "\t")),
        ("bars", text.replace(',', "|")),
        ("blanks", text.replace(',', " , ")),
        ("missing as NaN", text.replace("1.5,\n", "1.5,NaN\n")),
    ] {
        assert_eq!(csv(content, daily()).unwrap().version, plain(), "{form}");
    }
}

#[test]
fn times_are_read_in_the_format_that_is_stated() {
    for (format, january_5, january_8) in [
        (TimeFormat::Iso, "20240105", "2024/01/08"),
        (TimeFormat::MonthFirst, "1/5/2024", "01/08/2024"),
        (TimeFormat::DayFirst, "5.1.2024", "08/01/2024"),
        (TimeFormat::Epoch(EpochUnit::Seconds), "1704412800", "1704672000"),
        (TimeFormat::Epoch(EpochUnit::Millis), "1704412800000", "1704672000000"),
    ] {
        let rows = ROWS.replace("2024-01-05", january_5).replace("2024-01-08", january_8);
        let options = IngestOptions { time_format: format.clone(), ..daily() };
        assert_eq!(csv(format!("{HEADER}\n{rows}"), options).unwrap().version, plain(), "{format:?}");
    }
}

#[test]
fn numbers_are_read_in_the_format_that_is_stated() {
    let content =
        "Ticker;Date;Open;High;Low;Close;Volume\nIBM;2024-01-05;1.234,5;1.300;1.200;1.250,25;1.000.000\n";
    let number_format = NumberFormat { decimal: ',', thousands: Some('.') };
    let european = csv(content, IngestOptions { number_format: Some(number_format), ..daily() }).unwrap();
    let plain = csv(format!("{HEADER}\nIBM,2024-01-05,1234.5,1300,1200,1250.25,1000000\n"), daily()).unwrap();
    assert_eq!(european.version, plain.version);
}

#[test]
fn files_without_a_header_are_read_with_stated_names() {
    let header = Some(HEADER.split(',').map(str::to_owned).collect());
    assert_eq!(csv(ROWS, IngestOptions { header, ..daily() }).unwrap().version, plain());
}

#[test]
fn columns_are_what_the_options_state() {
    let content = format!("{HEADER}\n{ROWS}").replace("Ticker", "Paper").replace("Close", "Settle");
    let columns = vec![("paper".to_owned(), Column::Asset), ("Settle".to_owned(), Column::Close)];
    assert_eq!(csv(content, IngestOptions { columns, ..daily() }).unwrap().version, plain());
}

#[test]
fn columns_that_hold_no_numbers_are_ignored_and_reported() {
    let place = Place::new();
    let content = format!(
        "{HEADER},Exchange,VWAP\nIBM,2024-01-05,1,1,1,1,1,NYSE,1.5\nIBM,2024-01-08,1,1,1,1,1,NYSE,\n"
    );
    let report = place.csv(content, daily()).unwrap();
    assert_eq!(report.ignored, ["Exchange"]);
    let bundle = place.store.open(&name()).unwrap();
    assert_eq!(bundle.extra_columns(), ["vwap"]);
    let bars = bundle.bars(bundle.assets().id("IBM").unwrap()).unwrap();
    let vwap = bars.field(bundle.field("vwap").unwrap());
    assert!(vwap[0] == 1.5 && vwap[1].is_nan());
}

#[test]
fn a_missing_volume_column_is_missing_volume_and_reported() {
    let place = Place::new();
    let report = place
        .csv("pair,time,open,high,low,close\nEURUSD,2024-01-05,1,1,1,1\n".replace("pair", "symbol"), daily())
        .unwrap();
    assert!(report.columns.contains(&("volume".to_owned(), "(none: NaN)".to_owned())), "{report}");
    let bundle = place.store.open(&name()).unwrap();
    assert!(bundle.bars(bundle.assets().id("EURUSD").unwrap()).unwrap().field(Field::VOLUME)[0].is_nan());
}

#[test]
fn a_folder_of_files_is_one_asset_a_file() {
    let place = Place::new();
    for asset in ["IBM", "AAPL"] {
        let rows: String = ROWS
            .lines()
            .filter_map(|row| row.strip_prefix(&format!("{asset},")))
            .map(|row| format!("{row}\n"))
            .collect();
        place.write(&format!("folder/{asset}.csv"), format!("Date,Open,High,Low,Close,Volume\n{rows}"));
    }
    place.write("folder/notes.txt", "not bars");
    place.write("folder/.hidden.csv", "not bars");
    let report = place.ingest(Ingest::new(daily()).csv_folder(place.path("folder"))).unwrap();
    assert_eq!(report.version, plain());
    assert_eq!(report.sources.len(), 2);
    let empty = place.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let error = place.ingest(Ingest::new(daily()).csv_folder(empty)).unwrap_err().to_string();
    assert!(error.contains("the folder holds no file that ends in .csv"), "{error}");
}

#[test]
fn a_file_is_in_long_form_where_a_column_says_the_asset_and_else_the_asset_of_its_name() {
    let place = Place::new();
    let long = place.write("prices.csv", format!("{HEADER}\n{ROWS}"));
    let ingest = |path: &std::path::Path| {
        place.ingest(Ingest::new(daily()).csv_by_name(path)).map(|report| (report.version, report.columns))
    };
    assert_eq!(ingest(&long).unwrap().0, plain());
    let header = HEADER.replace("Ticker,", "");
    let file = place.write("GE.csv", format!("{header}\n2024-01-05,10.5,12,9.25,11,100\n"));
    let (by_name, columns) = ingest(&file).unwrap();
    assert_eq!(columns[0], ("asset".to_owned(), "(the file's name)".to_owned()));
    assert_eq!(place.closes("GE"), [("2024-01-06T00:00:00Z".to_owned(), 11.0)]);
    let stated = place.ingest(Ingest::new(daily()).csv_of_asset(&file, "GE")).unwrap();
    assert_eq!(stated.version, by_name);
    place.ingest(Ingest::new(daily()).csv_of_asset(&file, "General Electric")).unwrap();
    assert_eq!(place.closes("General Electric").len(), 1);
    let several = place.ingest(Ingest::new(daily()).csv_of_asset(&long, "IBM")).unwrap_err().to_string();
    assert!(several.contains("is another asset than \"IBM\""), "{several}");
}

#[test]
fn a_file_whose_extra_columns_differ_from_the_first_is_refused_by_name() {
    let place = Place::new();
    place.write("folder/A.csv", "Date,Open,High,Low,Close,VWAP\n2024-01-05,1,1,1,1,1\n");
    place.write("folder/B.csv", "Date,Open,High,Low,Close\n2024-01-05,1,1,1,1\n");
    let folder = || place.path("folder");
    let error = place.ingest(Ingest::new(daily()).csv_folder(folder())).unwrap_err().to_string();
    assert!(
        error.contains("B.csv: it has no column \"vwap\", which ") && error.contains("A.csv has"),
        "{error}"
    );
    let options = IngestOptions { extras: Extras::NONE, ..daily() };
    assert_eq!(place.ingest(Ingest::new(options).csv_folder(folder())).unwrap().assets, 2);
}

#[test]
fn inputs_of_several_files_are_one_bundle() {
    let place = Place::new();
    let paths = ROWS
        .lines()
        .enumerate()
        .map(|(at, row)| place.write(&format!("{at}.csv"), format!("{HEADER}\n{row}\n")));
    let ingest = paths.fold(Ingest::new(daily()), |ingest, path| ingest.csv(path));
    assert_eq!(place.ingest(ingest).unwrap().version, plain());
}

const ADJUSTMENTS: &str = "asset,ex-date,kind,value\nIBM,2024-01-08,split,2\nAAPL,2024-01-05,dividend,0.24\nIBM,2024-01-08,dividend,1.5\n";

fn with_adjustments(place: &Place, adjustments: &str) -> Result<bt_bundle::IngestReport, Error> {
    let path = place.write("adjustments.csv", adjustments);
    place.csv(format!("{HEADER}\n{ROWS}"), IngestOptions { adjustments: Some(path), ..daily() })
}

#[test]
fn adjustments_are_stored_and_hashed_and_not_applied() {
    let place = Place::new();
    let report = with_adjustments(&place, ADJUSTMENTS).unwrap();
    assert_eq!(report.adjustments, 3);
    assert_ne!(report.version, plain());
    let bundle = place.store.open(&name()).unwrap();
    let ibm = bundle.assets().id("IBM").unwrap();
    let ex_date = "2024-01-08".parse().unwrap();
    let expected = [
        Adjustment { ex_date, kind: AdjustmentKind::Split { ratio: 2.0 } },
        Adjustment { ex_date, kind: AdjustmentKind::Dividend { amount: 1.5 } },
    ];
    assert_eq!(bundle.adjustments(ibm).unwrap(), expected);
    assert_eq!(place.closes("IBM")[0].1, 11.0);
    let mut lines: Vec<&str> = ADJUSTMENTS.lines().collect();
    lines[1..].reverse();
    assert_eq!(with_adjustments(&place, &lines.join("\r\n")).unwrap().version, report.version);
    let columns = "Symbol,Date,Type,Ratio,Amount\nIBM,2024-01-08,Split,2,\nAAPL,2024-01-05,Dividend,,0.24\nIBM,2024-01-08,Dividend,,1.5\n";
    assert_eq!(with_adjustments(&place, columns).unwrap().version, report.version);
}

#[test]
fn bad_adjustments_are_named_by_file_line_column_and_reason() {
    for (row, reason) in [
        ("XYZ,2024-01-08,split,2", "line 2, column \"asset\": \"XYZ\" is no asset that has bars"),
        ("IBM,2024-01-32,split,2", "line 2, column \"ex-date\": \"2024-01-32\" is no day"),
        ("IBM,2024-01-08,merger,2", "line 2, column \"kind\": \"merger\" is neither split nor dividend"),
        ("IBM,2024-01-08,split,0", "line 2, column \"value\": \"0\" is not above 0"),
        ("IBM,2024-01-08,split,", "line 2, column \"value\": \"\" is not above 0"),
        ("IBM,2024-01-08,split", "line 2: 3 fields where the header has 4"),
    ] {
        let place = Place::new();
        let error =
            with_adjustments(&place, &format!("asset,ex-date,kind,value\n{row}\n")).unwrap_err().to_string();
        assert!(error.contains(&format!("adjustments.csv, {reason}")), "{error}");
        assert!(!place.is_published());
    }
    let twice = "asset,ex-date,kind,value\nIBM,2024-01-08,split,2\nIBM,2024-01-08,split,3\n";
    let error = with_adjustments(&Place::new(), twice).unwrap_err().to_string();
    assert!(error.contains("line 3: the asset has one of this kind"), "{error}");
    let header = with_adjustments(&Place::new(), "asset,kind,value\n").unwrap_err().to_string();
    assert!(header.contains("no column named ex_date"), "{header}");
}

#[test]
fn rows_of_adjustments_that_are_left_out_are_none_of_the_rows_that_were_read() {
    let place = Place::new();
    let path = place
        .write("adjustments.csv", format!("{ADJUSTMENTS}XYZ,2024-01-08,split,2\nIBM,2024-01-08,split,3\n"));
    let options = IngestOptions { adjustments: Some(path), on_bad_row: bt_bundle::BadRows::Skip, ..daily() };
    let report = place.csv(format!("{HEADER}\n{ROWS}IBM,never,1,1,1,1,1\n"), options).unwrap();
    assert_eq!((report.rejected.count, report.rejected_adjustments.count, report.adjustments), (1, 2, 3));
    assert_eq!(report.rows_read, report.bars + 1);
    let told = report.to_string();
    assert!(told.contains("left out   1 bad row, such as"), "{told}");
    assert!(told.contains("left out   2 bad splits and dividends, such as"), "{told}");
    assert!(told.contains("adjustments.csv, line 5, column \"asset\": \"XYZ\" is no asset"), "{told}");
}

#[test]
fn an_append_of_many_files_keeps_the_names_of_the_first_alone() {
    let place = Place::new();
    place.csv(format!("{HEADER}\n{ROWS}"), daily()).unwrap();
    let paths = (1..=5)
        .map(|day| place.write(&format!("{day}.csv"), format!("{HEADER}\nIBM,2024-02-0{day},1,1,1,1,1\n")));
    let ingest = paths.fold(Ingest::new(IngestOptions::default()), |ingest, path| ingest.csv(path));
    ingest.append_to(&place.store, &name()).unwrap();
    let versions = place.store.versions(&name()).unwrap();
    let mut origins = versions.iter().map(|(_, manifest)| manifest.as_ref().unwrap().origin.clone());
    assert!(
        origins.any(|origin| origin.starts_with("appended from ") && origin.ends_with("3.csv and 2 more"))
    );
}

#[test]
fn appended_rows_give_the_version_of_one_ingest_of_all() {
    let place = Place::new();
    let (old, new): (Vec<&str>, Vec<&str>) = ROWS.lines().partition(|row| row.contains("2024-01-05"));
    place.csv(format!("{HEADER}\n{}\n", old.join("\n")), daily()).unwrap();
    let path = place.write("new.csv", format!("{HEADER}\n{}\nMSFT,2024-01-08,1,1,1,1,1\n", new.join("\n")));
    let append = || Ingest::new(IngestOptions::default()).csv(&path).append_to(&place.store, &name());
    let report = append().unwrap();
    assert_eq!(report.appended.new_bars, 2);
    let all = csv(format!("{HEADER}\n{ROWS}MSFT,2024-01-08,1,1,1,1,1\n"), daily()).unwrap();
    assert_eq!(report.appended.published.version, all.version);
    let again = append().unwrap();
    assert_eq!((again.appended.new_bars, again.appended.repeated_bars), (0, 2));
    assert_eq!(again.appended.published.version, all.version);
}

#[test]
fn the_report_of_an_append_tells_the_input_from_what_became_of_the_bundle() {
    let place = Place::new();
    let (old, new): (Vec<&str>, Vec<&str>) = ROWS.lines().partition(|row| row.contains("2024-01-05"));
    let before = place.csv(format!("{HEADER}\n{}\n", old.join("\n")), daily()).unwrap();
    let path = place.write("new.csv", format!("{HEADER}\n{}\n{}\n", old[0], new[0]));
    let append = || Ingest::new(IngestOptions::default()).csv(&path).append_to(&place.store, &name());
    let report = append().unwrap();
    let now = report.appended.published.version;
    let text = report.to_string();
    let (input, bundle) = text.split_once("\n\n").unwrap_or_default();
    assert!(input.starts_with("input of the append\n  read       2 rows from "), "{text}");
    assert!(!input.contains(&report.input.version.to_string()), "a version that is in no store: {text}");
    let bars = old.len() + 1;
    let says = format!(
        "test {} \u{2192} {now}\n  appended   1 new bar, left out 1 that the bundle had already\n  holds      {} assets, {bars} bars",
        before.version, before.assets
    );
    assert_eq!(bundle, says);
    assert!(append().unwrap().to_string().contains(&format!("test {now} (as before)")));
}

#[test]
fn an_append_keeps_the_extra_columns_of_the_bundle_whatever_else_the_input_has() {
    let place = Place::new();
    let file = |day: &str, more: &str| {
        format!(
            "{HEADER},Adj Close{more}\nIBM,{day},1,1,1,1,1,0.5{}\n",
            if more.is_empty() { "" } else { ",7" }
        )
    };
    place.csv(file("2024-01-05", ""), daily()).unwrap();
    let path = place.write("more.csv", file("2024-01-08", ",VWAP"));
    let append = |path| Ingest::new(IngestOptions::default()).csv(path).append_to(&place.store, &name());
    let report = append(path).unwrap();
    assert_eq!((report.appended.new_bars, &report.input.ignored[..]), (1, &["VWAP".to_owned()][..]));
    let less = place.write("less.csv", format!("{HEADER}\nIBM,2024-01-09,1,1,1,1,1\n"));
    let error = append(less).unwrap_err().to_string();
    assert!(error.contains("no column \"adj_close\""), "{error}");

    let plain = Place::new();
    plain.csv(format!("{HEADER}\nIBM,2024-01-05,1,1,1,1,1\n"), daily()).unwrap();
    let path = plain.write("more.csv", file("2024-01-08", ""));
    let report = Ingest::new(IngestOptions::default()).csv(path).append_to(&plain.store, &name()).unwrap();
    assert_eq!(report.appended.new_bars, 1);
}

#[test]
fn nothing_can_be_appended_to_a_bundle_that_is_not_there() {
    let place = Place::new();
    let path = place.write("new.csv", format!("{HEADER}\n{ROWS}"));
    assert!(Ingest::new(daily()).csv(path).append_to(&place.store, &name()).is_err());
}
