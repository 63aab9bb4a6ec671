//! Folders, and what is beside the files that are meant.

use bt_bundle::{IngestOptions, Note, SkipReason};

use super::folder;

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

#[test]
fn files_whose_names_differ_by_a_date_alone_are_told() {
    let day = |day: u32| format!("Date,Open,High,Low,Close\n2024-01-{day:02},{day},{day},{day},{day}\n");
    let (one, other) = (day(4), day(5));
    let read = folder(&[("ADX_20240104.csv", &one), ("ADX_20240105.csv", &other)], AUTO(), false).unwrap();
    assert_eq!(read.report.notes, [Note::FilesByDate { stem: "ADX".into(), files: 2 }]);
    let read = folder(&[("ADX.csv", &one), ("BDX.csv", &other)], AUTO(), false).unwrap();
    assert!(read.report.notes.is_empty(), "{:?}", read.report.notes);
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
