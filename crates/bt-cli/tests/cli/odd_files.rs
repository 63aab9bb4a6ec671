//! Files that nobody prepared: each is read with the options that its error named, or refused with a reason.

use super::place::Place;

const HEADER: &str = "Ticker,Date,Open,High,Low,Close,Volume\n";

#[test]
fn a_german_file_is_read_with_the_options_that_its_errors_name() {
    let place = Place::new();
    let text = "Date;Open;High;Low;Close;Adj Close;Volume\r\n\
                05.01.2024;1.159,20;1.160,60;1.158,80;1.159,20;1.150,00;4.100\r\n\
                08.01.2024;1.160,10;1.161,40;1.159,90;1.161,10;1.152,00;3.800\r\n";
    place.write("DAX.csv", text);
    place.run("ingest dax DAX.csv").fails(
        1,
        &["DAX.csv, line 2, column \"Date\"", "2024-01-05 with the day first", "--time-format day-first"],
    );
    let dates = "ingest dax DAX.csv --time-format day-first";
    // Numbers that leave no doubt need no word; where a format is stated that they contradict, the error names it.
    place.run(&format!("{dates} --decimal .")).fails(1, &["line 2", "1.159,20", "--decimal and --thousands"]);
    let report = place.json(dates);
    assert_eq!(place.json(&format!("{dates} --decimal , --thousands ."))["unchanged"], true);
    // So do dates, once one of them shows the order.
    place
        .write("DAX.csv", format!("{text}25.01.2024;1.162,00;1.163,40;1.160,90;1.162,10;1.153,00;3.900\r\n"));
    assert_eq!(place.json("ingest dax DAX.csv")["first_day"], "2024-01-05");
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
        .fails(1, &[
            "columns of open, high, low and close prices; it has",
            "hint: --column open=HEADER --column high=HEADER --column low=HEADER --column close=HEADER states them, where \
             HEADER is one of \"Eröffnung\", \"Hoch\", \"Tief\", \"Schluss\"",
        ]);
    place.write("close.csv", "Ticker,Date,Open,High,Low,Fix\nIBM,2024-01-05,1,2,0.5,1.5\n");
    place
        .run("ingest dax close.csv")
        .fails(1, &["hint: --column 'close=Fix' states it, if that is the one\n"]);
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
    let other = "IBM,2024-01-05,1,2,0.5,1.6,10\n";
    place.write("twice.csv", format!("{HEADER}{row}{other}"));
    place.run("ingest us twice.csv").fails(
        1,
        &["twice.csv, line 3", "\"IBM\" has a bar", "already, in twice.csv, line 2", "--on-bad-row skip"],
    );
    assert!(!place.path("bundles").exists(), "a failed ingest leaves no store behind");
    let report = place.done("ingest us twice.csv --on-bad-row skip");
    assert!(report.contains("left out   1 bad row") && report.contains("twice.csv, line 3"), "{report}");
    place.write("same.csv", format!("{HEADER}{row}{row}"));
    let report = place.done("ingest us same.csv");
    assert!(report.contains("repeated   1 row, taken once, such as same.csv, line 3"), "{report}");
}

#[test]
fn bad_splits_and_dividends_are_counted_apart_from_the_bars_rows() {
    let place = Place::new();
    place.write("us.csv", format!("{HEADER}IBM,2024-01-05,1,2,0.5,1.5,10\nIBM,2024-01-08,1,2,0.5,1.5,10\n"));
    place.write("splits.csv", "asset,ex-date,kind,value\nIBM,2024-01-08,split,2\nF,2024-01-08,split,2\n");
    let report = place.json("ingest us us.csv --adjustments splits.csv --on-bad-row skip");
    assert_eq!(
        (&report["rows_read"], &report["bars"], &report["adjustments"]),
        (&2.into(), &2.into(), &1.into())
    );
    assert_eq!(report["left_out"]["count"], 0);
    let left_out = &report["left_out_adjustments"];
    assert_eq!((&left_out["count"], &left_out["examples"][0]["at"]), (&1.into(), &"line 3".into()));
}

#[test]
fn a_long_file_whose_column_of_assets_nobody_knows_is_not_taken_for_one_asset() {
    let place = Place::new();
    let rows = "IBM,2024-01-05,1,2,0.5,1.5,10\nF,2024-01-05,1,2,0.5,1.6,10\n";
    place.write("long.csv", HEADER.replace("Ticker", "instr") + rows);
    place.run("ingest us long.csv").fails(
        1,
        &[
            "\"long\" has a bar",
            "\"instr\", which is not read, tells such rows apart",
            "--column 'asset=instr'",
        ],
    );
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
    let skipped = |report: &serde_json::Value| -> Vec<String> {
        let all = report["skipped"].as_array().unwrap().iter();
        all.map(|one| format!("{} {}", one["path"].as_str().unwrap(), one["reason"].as_str().unwrap()))
            .collect()
    };
    let report = place.json("ingest us prices");
    assert_eq!(
        (&report["assets"], skipped(&report)),
        (&2.into(), vec!["prices/README.txt is no table of bars".into()])
    );
    assert_eq!(place.json("ingest us prices/IBM.csv prices/F.CSV")["unchanged"], true);
    place.write("prices/more.parquet", "x").write("prices/more.feather", "x");
    place.run("ingest us prices").fails(2, &["2 CSV, 1 Parquet and 1 Arrow files", "--format"]);
    let report = place.json("ingest us prices --format csv");
    let other = "is of another format than the files that are read";
    let told = [format!("prices/more.feather {other}"), format!("prices/more.parquet {other}")];
    assert_eq!(report["assets"], 2);
    assert!(told.iter().all(|one| skipped(&report).contains(one)), "{report}");
    std::fs::create_dir(place.path("none")).unwrap();
    place.run("ingest us none").fails(4, &["error: none: the folder holds no file that ends in .csv"]);
}

#[test]
fn files_that_hold_no_bars_are_refused_with_what_they_are() {
    let place = Place::new();
    place.write("empty.csv", "").write("header.csv", HEADER).write("fake.parquet", "PAR1 not really");
    place.write("prices.csv.gz", "x").write("prices.xlsx", "x").write("prices", "x");
    place.write("prices.json", "{}").write("prices.H5", "x");
    place.write("latin.csv", b"Ticker,Date,Er\xf6ffnung,High,Low,Close\nIBM,2024-01-05,1,2,0.5,1.5\n");
    place.write("half.csv", b"\xff\xfeT\0i").write("titled.csv", "Kurse\n");
    for (file, code, told) in [
        ("empty.csv", 1, "it is empty"),
        ("header.csv", 1, "there are no rows"),
        ("fake.parquet", 1, "fake.parquet"),
        ("prices.csv.gz", 2, "decompress it first"),
        ("prices.xlsx", 2, "save it as CSV first"),
        ("prices.json", 2, "this form is not read; save it as CSV or Parquet first"),
        ("prices.H5", 2, "this form is not read; save it as CSV or Parquet first"),
        ("prices", 2, "--format csv"),
        ("latin.csv", 1, "latin.csv"),
        ("half.csv", 1, "its text is not valid UTF-16LE"),
        ("titled.csv", 1, "no column looks like a timestamp"),
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
    place.write("twins.csv", HEADER.replace("Volume", "time") + &row.replace(",10\n", ",2024-03-10 03:30\n"));
    place.write("seldom.csv", HEADER.replace("Volume", "time") + row);
    place.write("one.csv", format!("{HEADER}IBM,2024-01-05,1,2,0.5,1.5,10\nF,2024-01-05,1,2,0.5,1.5,10\n"));
    place.write("weekly.csv", format!("{HEADER}{}", weeks()));
    place.write("extra.csv", "Ticker,Date,Open,High,Low,Close,vwap\nIBM,2024-01-08,1,2,0.5,1.5,10\n");
    for (line, told) in [
        ("ingest us skipped.csv --zone America/New_York", "--zone"),
        ("ingest us twins.csv", "columns \"Date\" and \"time\" could both be the timestamp\nhint: --column"),
        ("ingest us seldom.csv", "--frequency"),
        ("ingest us one.csv --asset IBM", "--asset"),
        ("ingest us weekly.csv", "--frequency"),
        ("ingest us one.csv extra.csv", "--extra"),
        ("ingest us one.csv --frequency 5m", "--frequency = 5m"),
        ("ingest us one.csv --decimal ; ", "--decimal, --thousands = ';', none is out of range"),
        ("ingest us one.csv --extra vwap", "no column \"vwap\", which is stated to be an extra one"),
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
    let header = HEADER.replace("Ticker", "");
    place.write("IBM.csv", format!("{header}7,2024-01-05,1,2,0.5,1.5,54.82M\n"));
    let report = place.done("ingest us IBM.csv");
    assert!(report.contains("ignored    (a column without a name)\n"), "{report}");
    place.write("IBM.csv", format!("{header}7,2024-01-05,1,2,0.5,1.5,54.82 lots\n"));
    place.run("ingest us IBM.csv").fails(1, &["\"54.82 lots\" is not a number", "--ignore HEADER"]);
    let report = place.done("ingest us IBM.csv --ignore Volume");
    assert!(report.contains("ignored    (a column without a name), Volume"), "{report}");
    place.write("F.csv", "Price,Open,High,Low,Close\nDate,,,,\n2024-01-05,1,2,0.5,1.5\n");
    let report = place.done("ingest us F.csv --column timestamp=Price");
    assert!(report.contains("no bar     1 row, left out, such as F.csv, line 2"), "{report}");
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
