//! Folders, and what is beside the files that are meant.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use bt_bundle::{AssetName, FileFormat, Ingest, IngestOptions, Note, SkipReason};
use bt_core::Frequency;

use super::{Read, folder, priced, write_parquet};
use crate::Place;

const AUTO: fn() -> IngestOptions = IngestOptions::default;
const FILE: &str = "Date,Open,High,Low,Close\n2024-01-04,1,1,1,1\n2024-01-05,2,2,2,2\n";

/// The names of what was not read, and why.
fn skipped(read: &super::Read) -> Vec<(String, SkipReason)> {
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut all: Vec<_> =
        read.report.skipped.iter().map(|one| (name(&one.path), one.reason.clone())).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn every_file_of_a_folder_is_read_or_told() {
    let files = [
        ("AAX.csv", FILE),
        ("BBX.txt", FILE),
        ("CCX.tsv", "Date\tOpen\tHigh\tLow\tClose\n2024-01-04\t1\t1\t1\t1\n"),
        ("blank.csv", "\n\n"),
        ("empty.csv", ""),
        ("notes.md", "x"),
        ("readme.txt", "These are prices.\nIn dollars, daily.\n"),
        (".hidden.csv", "x"),
        ("archive/OLD.csv", FILE),
    ];
    let read = folder(&files, AUTO(), false).unwrap();
    let assets: Vec<_> = read.bars.iter().map(|bar| &bar[..3]).collect();
    assert_eq!(assets, ["AAX", "AAX", "BBX", "BBX", "CCX"]);
    assert_eq!(
        skipped(&read),
        [
            ("archive".to_owned(), SkipReason::Folder),
            ("blank.csv".to_owned(), SkipReason::Empty),
            ("empty.csv".to_owned(), SkipReason::Empty),
            ("notes.md".to_owned(), SkipReason::UnknownEnding),
            ("readme.txt".to_owned(), SkipReason::NoTable),
        ]
    );
    let all = folder(&files, AUTO(), true).unwrap();
    assert_eq!((all.report.assets, skipped(&all).len()), (4, 4));
    // What is no text beside tables is not passed over.
    let error = folder(&[("AAX.csv", FILE), ("BBX.csv", "These are prices.\n")], AUTO(), false).unwrap_err();
    assert!(error.starts_with("prices/BBX.csv: no column looks like a timestamp"), "{error}");
}

/// A file of one bar.
fn day(day: u32) -> String {
    format!("Date,Open,High,Low,Close\n2024-01-{day:02},{day},{day},{day},{day}\n")
}

#[test]
fn files_whose_names_differ_by_a_date_alone_are_told() {
    let (one, other) = (day(4), day(5));
    let read = folder(&[("ADX_20240104.csv", &one), ("ADX_20240105.csv", &other)], AUTO(), false).unwrap();
    assert_eq!(read.report.notes, [Note::FilesByDate { stem: "ADX".into(), files: 2 }]);
    let read = folder(&[("ADX.csv", &one), ("BDX.csv", &other)], AUTO(), false).unwrap();
    assert!(read.report.notes.is_empty(), "{:?}", read.report.notes);
}

#[test]
fn files_of_one_name_in_several_folders_are_one_asset_and_told() {
    let (one, other) = (day(4), day(5));
    let read = folder(&[("2023/ADX.csv", &one), ("2024/ADX.csv", &other)], AUTO(), true).unwrap();
    assert_eq!(read.report.notes, [Note::SameName { asset: "ADX".into(), files: 2 }]);
    assert_eq!(read.bars.len(), 2);
}

#[test]
fn a_folder_without_files_that_can_be_read_is_refused() {
    for files in [&[("notes.md", "x")][..], &[("archive/A.csv", FILE)]] {
        let error = folder(files, AUTO(), false).unwrap_err();
        assert!(error.contains("the folder holds no file that ends in .csv, .tsv"), "{error}");
    }
    let error = folder(&[("a.csv", ""), ("b.csv", "")], AUTO(), false).unwrap_err();
    assert!(error.contains("the folder holds no file") || error.contains("there are no rows"), "{error}");
}

/// A column of dates that could be two, of which only the last tells the order, behind what is looked at first.
fn ambiguous(rows: usize, last: &str) -> RecordBatch {
    let date = |at: usize| match at + 1 == rows {
        true => last.to_owned(),
        false => format!("{:02}/{:02}/{}", at % 12 + 1, at / 12 % 12 + 1, 1900 + at / 144),
    };
    priced(vec![("date", Arc::new(StringArray::from_iter_values((0..rows).map(date))))])
}

fn write_arrow(path: &Path, batch: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &batch.schema()).unwrap();
    for start in (0..batch.num_rows()).step_by(1000) {
        writer.write(&batch.slice(start, 1000.min(batch.num_rows() - start))).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn a_date_that_tells_the_order_of_day_and_month_is_found_wherever_it_is() {
    let one = "date,open,high,low,close\n05/01/2024,1,1,1,1\n";
    let daily = || IngestOptions { frequency: Some(Frequency::Daily), ..Default::default() };
    for (format, name) in [(FileFormat::Parquet, "B.parquet"), (FileFormat::ArrowIpc, "B.feather")] {
        for (last, known) in [("31/01/2030", "2024-01-06"), ("01/31/2030", "2024-05-02")] {
            let place = Place::new();
            std::fs::create_dir(place.path("others")).unwrap();
            let (first, second) = (place.write("A.csv", one), place.path(&format!("others/{name}")));
            match format {
                FileFormat::Parquet => write_parquet(&second, &ambiguous(2000, last)),
                _ => write_arrow(&second, &ambiguous(2000, last)),
            }
            let alone = Ingest::new(daily()).file(&second, format, AssetName::ByFile);
            assert!(Read::of(&place, alone).unwrap().bars[0].starts_with("B 1900-01-02 "), "{name}");
            let file = || Ingest::new(daily()).file(&first, FileFormat::Csv, AssetName::ByFile);
            let both = Read::of(&place, file().file(&second, format, AssetName::ByFile)).unwrap();
            assert!(both.bars[0].starts_with(&format!("A {known} ")), "{name}: {}", both.bars[0]);
        }
    }
    // A folder that is not listed yet.
    let place = Place::new();
    let first = place.write("A.csv", one);
    place.write("others/B.csv", "date,open,high,low,close\n01/31/2024,1,1,1,1\n");
    let ingest = Ingest::new(daily()).csv_by_name(&first).csv_folder(place.path("others"));
    assert_eq!(Read::of(&place, ingest).unwrap().bars[0], "A 2024-05-02 1 1 1 1 NaN");
}

#[test]
fn what_is_wrong_with_a_file_that_waits_is_not_told_before_its_turn() {
    let place = Place::new();
    let first = place.write("A.csv", "date,open,high,low,close\n05/01/2024,1,1,1,1\n");
    let mut damaged = b"date,open,high,low,close\n".to_vec();
    damaged.extend(b"06/01/2024,1,1,1,1\n".repeat(200_000));
    damaged.extend(b"\xff\xfe,1,1,1,1\n");
    let second = place.write("B.csv", damaged);
    let options = IngestOptions { encoding: Some("utf-8".parse().unwrap()), ..Default::default() };
    let error = Read::of(&place, Ingest::new(options).csv_by_name(first).csv_by_name(second)).unwrap_err();
    assert!(error.starts_with("A.csv, line 2, column \"date\": \"05/01/2024\" is 2024-01-05"), "{error}");
}
