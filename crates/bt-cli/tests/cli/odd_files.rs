//! Files that nobody prepared: each is read with the options that its error named, or refused with a reason.

use super::place::Place;

const HEADER: &str = "Ticker,Date,Open,High,Low,Close,Volume\n";

#[test]
fn a_german_file_is_read_with_the_options_that_its_errors_name() {
    let place = Place::new();
    let text = "Date;Open;High;Low;Close;Adj Close;Volume\r\n\
                25.01.2024;1.159,20;1.160,60;1.158,80;1.159,20;1.150,00;4.100\r\n\
                26.01.2024;1.160,10;1.161,40;1.159,90;1.161,10;1.152,00;3.800\r\n";
    place.write("DAX.csv", text);
    place.run("ingest dax DAX.csv").fails(1, &["DAX.csv, line 2", "25.01.2024", "--time-format day-first"]);
    let dates = "ingest dax DAX.csv --time-format day-first";
    place.run(dates).fails(1, &["line 2", "1.159,20", "--decimal, --thousands"]);
    let report = place.json(&format!("{dates} --decimal , --thousands ."));
    assert_eq!((&report["bars"], &report["columns"]["adj_close"]), (&2.into(), &"Adj Close".into()));
    assert_eq!(report["columns"]["asset"], "(the file's name)");
    assert!(place.done("inspect dax --assets").contains("\nDAX "));
}

#[test]
fn foreign_column_names_behind_a_byte_order_mark_are_stated() {
    let place = Place::new();
    place.write("kurse.csv", "\u{feff}Datum;Eröffnung;Hoch;Tief;Schluss;Stück\n2024-01-05;1;2;0,5;1,5;10\n");
    place
        .run("ingest dax kurse.csv")
        .fails(1, &["\"Schluss\"", "a column of close prices", "--column WHAT=HEADER"]);
    let columns = "--column timestamp=Datum --column open=Eröffnung --column high=Hoch --column low=Tief \
                   --column close=Schluss --column volume=Stück";
    let report = place.json(&format!("ingest dax kurse.csv {columns} --decimal , --asset DAX"));
    assert_eq!(
        (&report["columns"]["asset"], &report["columns"]["volume"]),
        (&"(stated: DAX)".into(), &"Stück".into())
    );
}

#[test]
fn duplicates_are_refused_or_left_out_and_told() {
    let place = Place::new();
    let row = "IBM,2024-01-05,1,2,0.5,1.5,10\n";
    place.write("twice.csv", format!("{HEADER}{row}{row}"));
    place
        .run("ingest us twice.csv")
        .fails(1, &["twice.csv, line 3", "\"IBM\" has a bar", "--on-bad-row skip"]);
    assert!(!place.path("bundles").exists(), "a failed ingest leaves no store behind");
    let report = place.done("ingest us twice.csv --on-bad-row skip");
    assert!(report.contains("left out   1 bad row") && report.contains("twice.csv, line 3"), "{report}");
}

#[test]
fn a_long_file_whose_column_of_assets_nobody_knows_is_not_taken_for_one_asset() {
    let place = Place::new();
    let rows = "IBM,2024-01-05,1,2,0.5,1.5,10\nF,2024-01-05,1,2,0.5,1.5,10\n";
    place.write("long.csv", HEADER.replace("Ticker", "instr") + rows);
    place.run("ingest us long.csv").fails(1, &["\"long\" has a bar", "--column asset=HEADER"]);
    let skipped = place.run("ingest us long.csv --on-bad-row skip");
    assert!(skipped.err.contains("warning: no column of a usual name says the asset"), "{skipped:?}");
    assert_eq!(place.json("ingest us long.csv --column asset=instr")["assets"], 2);
}

#[test]
fn a_folder_is_read_by_what_its_files_are() {
    let place = Place::new();
    let row = "2024-01-05,1,2,0.5,1.5,10\n";
    let header = HEADER.replace("Ticker,", "");
    place.write("prices/IBM.csv", format!("{header}{row}")).write("prices/F.CSV", format!("{header}{row}"));
    place.write("prices/README.txt", "prices of ours").write("prices/.hidden.csv", "x");
    assert_eq!(place.json("ingest us prices")["assets"], 2);
    assert_eq!(place.json("ingest us prices/IBM.csv prices/F.CSV")["unchanged"], true);
    place.write("prices/more.parquet", "x");
    place.run("ingest us prices").fails(2, &["2 CSV and 1 Parquet", "--format"]);
    assert_eq!(place.json("ingest us prices --format csv")["assets"], 2);
    std::fs::create_dir(place.path("none")).unwrap();
    place.run("ingest us none").fails(4, &["the folder none holds no file that ends in .csv"]);
}

#[test]
fn files_that_hold_no_bars_are_refused_with_what_they_are() {
    let place = Place::new();
    place.write("empty.csv", "").write("header.csv", HEADER).write("fake.parquet", "PAR1 not really");
    place.write("prices.csv.gz", "x").write("prices.xlsx", "x").write("prices", "x");
    place.write("latin.csv", b"Ticker,Date,Er\xf6ffnung,High,Low,Close\nIBM,2024-01-05,1,2,0.5,1.5\n");
    place.write("wide.csv", b"\xff\xfeT\0i\0");
    for (file, code, told) in [
        ("empty.csv", 1, "it is empty"),
        ("header.csv", 1, "there are no rows"),
        ("fake.parquet", 1, "fake.parquet"),
        ("prices.csv.gz", 2, "decompress it first"),
        ("prices.xlsx", 2, "save it as CSV first"),
        ("prices", 2, "--format csv"),
        ("latin.csv", 1, "latin.csv"),
        ("wide.csv", 1, "UTF-8"),
        ("absent.csv", 4, "absent.csv: No such file"),
        ("*.tsv", 4, "no file fits the pattern"),
    ] {
        place.run(&format!("ingest us {file}")).fails(code, &[told]);
    }
    assert!(!place.path("bundles").exists());
}

#[test]
fn no_error_of_an_ingest_speaks_of_the_library() {
    let place = Place::new();
    let row = "IBM,2024-03-10 02:30,1,2,0.5,1.5,10\n";
    place.write("skipped.csv", format!("{HEADER}{row}"));
    place.write("twins.csv", HEADER.replace("Volume", "time") + row);
    place.write("one.csv", format!("{HEADER}IBM,2024-01-05,1,2,0.5,1.5,10\nF,2024-01-05,1,2,0.5,1.5,10\n"));
    place.write("weekly.csv", format!("{HEADER}{}", weeks()));
    place.write("extra.csv", "Ticker,Date,Open,High,Low,Close,vwap\nIBM,2024-01-08,1,2,0.5,1.5,10\n");
    for (line, told) in [
        ("ingest us skipped.csv --zone America/New_York", "--zone"),
        ("ingest us twins.csv", "--column"),
        ("ingest us one.csv --asset IBM", "--asset"),
        ("ingest us weekly.csv", "--frequency"),
        ("ingest us one.csv extra.csv", "--extra"),
        ("ingest us one.csv --frequency 5m", "--frequency = 5m"),
        ("ingest us one.csv --decimal ; ", "--decimal, --thousands"),
        ("ingest us one.csv --extra vwap", "no extra column \"vwap\""),
    ] {
        let run = place.run(line);
        run.fails(run.code, &[told]);
        assert!(run.code > 0, "{line}");
        for word in ["Ingest::", "IngestOptions", "csv_folder", "TimeFormat", "NumberFormat", "Label::"] {
            assert!(!run.err.contains(word), "{line}: {}", run.err);
        }
    }
}

#[test]
fn what_downloads_bring_along_is_left_alone_and_told() {
    let place = Place::new();
    let row = "7,2024-01-05,1,2,0.5,1.5,54.82M\n";
    place.write("IBM.csv", format!("{}{row}", HEADER.replace("Ticker", "")));
    place.run("ingest us IBM.csv").fails(1, &["\"54.82M\" is not a number", "--ignore HEADER"]);
    let report = place.done("ingest us IBM.csv --ignore Volume");
    assert!(report.contains("ignored    (a column without a name), Volume"), "{report}");
    place.write("F.csv", "Price,Open,High,Low,Close\nDate,,,,\n2024-01-05,1,2,0.5,1.5\n");
    let report = place.done("ingest us F.csv --column timestamp=Price --on-bad-row skip");
    assert!(report.contains("left out   1 bad row") && report.contains("(--time-format)"), "{report}");
}

fn weeks() -> String {
    (1..5).map(|week| format!("IBM,2024-01-{:02},1,2,0.5,1.5,10\n", 7 * week)).collect()
}

#[test]
fn a_file_at_which_the_reader_panics_is_refused_by_name_without_a_panic() {
    let place = Place::new();
    // A column of indices into a dictionary that is not there.
    place.write("damaged.parquet", include_bytes!("../files/no-dictionary.parquet"));
    let ran = place.run("ingest us damaged.parquet --on-bad-row skip");
    ran.fails(1, &["error: damaged.parquet: damaged: its reader failed (Decoder for dict"]);
    assert!(!ran.err.contains("panicked"), "{ran:?}");
}
