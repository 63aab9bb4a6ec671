//! Files of the command line on their way into an ingest, and the library's words about them in those of the command.

use std::path::{Path, PathBuf};

use bt_bundle::bt_core::{self, ErrorKind};
use bt_bundle::{Ingest, IngestReport};

use crate::arguments::{Format, InputArguments};
use crate::exit::{Code, Failure};

/// An ingest of all files of the command line.
pub(super) fn ingest(input: &InputArguments) -> Result<Ingest<'static>, Failure> {
    let mut ingest = Ingest::new(input.options());
    let mut files = Vec::new();
    for path in &input.files {
        match path.is_dir() {
            true => files.extend(unfold(path, input.format)?),
            false => files.push((path.clone(), format(path, input.format)?)),
        }
    }
    for (path, format) in files {
        ingest = match (format, &input.asset) {
            (Format::Parquet, _) => ingest.parquet(path),
            (Format::Csv, Some(asset)) => ingest.csv_of_asset(path, asset),
            (Format::Csv, None) => ingest.csv_by_name(path),
        };
    }
    Ok(ingest)
}

/// The files of a folder, in order of their names.
fn unfold(folder: &Path, stated: Option<Format>) -> Result<Vec<(PathBuf, Format)>, Failure> {
    let failed = |error| Failure::from(bt_core::Error::io(format!("list {}", folder.display()), error));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A text file of a folder is rather its README than its prices.
        match ending(&path)
            .filter(|_| !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt")))
        {
            Some(format) if !hidden && path.is_file() && stated.is_none_or(|stated| stated == format) => {
                files.push((path, format));
            }
            _ => {}
        }
    }
    files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let place = folder.display();
    let count = |format| files.iter().filter(|file| file.1 == format).count();
    match (count(Format::Csv), count(Format::Parquet)) {
        (0, 0) => {
            let endings = match stated {
                None => ".csv, .tsv, .parquet or .pq",
                Some(Format::Csv) => ".csv or .tsv",
                Some(Format::Parquet) => ".parquet or .pq",
            };
            Err(Failure::new(
                Code::NotFound,
                format!("the folder {place} holds no file that ends in {endings}"),
            ))
        }
        (_, 0) | (0, _) => Ok(files),
        (csv, parquet) => {
            let message = format!("the folder {place} holds {csv} CSV and {parquet} Parquet files");
            Err(Failure::new(Code::Usage, message)
                .with_hint("state which ones are meant with --format, or name the files"))
        }
    }
}

const CSV: &str = ".csv, .tsv, .txt";
const PARQUET: &str = ".parquet, .pq";

fn format(path: &Path, stated: Option<Format>) -> Result<Format, Failure> {
    if let Err(error) = std::fs::metadata(path) {
        return Err(absent(path, error));
    }
    let unknown = || {
        let message = format!("{}: not known by its ending; known are {CSV}, {PARQUET}", path.display());
        let hint = match path.extension().and_then(|ending| ending.to_str()) {
            Some("gz" | "zip" | "bz2" | "xz" | "zst") => "decompress it first",
            Some("xls" | "xlsx" | "ods") => "save it as CSV first",
            _ => "state what it is with --format csv or --format parquet",
        };
        Failure::new(Code::Usage, message).with_hint(hint)
    };
    stated.or_else(|| ending(path)).ok_or_else(unknown)
}

fn absent(path: &Path, error: std::io::Error) -> Failure {
    let failure = Failure::from(bt_core::Error::io(format!("open {}", path.display()), error));
    match path.to_string_lossy().contains(['*', '?']) {
        true => failure.with_hint("no file fits the pattern, so the shell passed it on as it is"),
        false => failure,
    }
}

fn ending(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "parquet" | "pq" => Some(Format::Parquet),
        _ => None,
    }
}

/// The library's names for options, and what they are on the command line; longer ones first.
const WORDS: [(&str, &str); 13] = [
    ("`IngestOptions::columns`", "--column WHAT=HEADER, as in --column close=Settle"),
    ("`IngestOptions::zone`", "--zone"),
    ("`IngestOptions::number_format`", "--decimal, --thousands"),
    (
        "`IngestOptions::time_format`: `TimeFormat::Epoch`",
        "--time-format epoch-s, epoch-ms, epoch-us or epoch-ns",
    ),
    ("`IngestOptions::time_format`", "--time-format"),
    ("`IngestOptions::frequency`", "--frequency"),
    ("state which ones to keep (extras)", "state which ones to keep (--extra) or none (--no-extras)"),
    (
        "so the file's name cannot be the asset of all its rows; `Ingest::csv` reads long files by their column of assets",
        "so --asset cannot be the asset of all its rows; without --asset the column says the asset",
    ),
    ("session_close = ", "--session-close = "),
    ("number_format = NumberFormat ", "--decimal, --thousands = "),
    ("frequency = ", "--frequency = "),
    ("label = ", "--label = "),
    ("extra_columns = ", "--extra = "),
];

fn in_our_words(message: &str) -> String {
    WORDS.iter().fold(message.to_owned(), |message, (library, command)| message.replace(library, command))
}

/// What an ingest failed with, in the words of the command line.
pub(super) fn failure(error: &bt_core::Error, input: &InputArguments) -> Failure {
    let mut failure = Failure::from(error.clone());
    failure.message = in_our_words(&failure.message);
    match error.kind() {
        ErrorKind::InvalidInput { place, reason } => match hint(place, reason, input) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        },
        _ => failure,
    }
}

/// What may lie behind the reason, where the library cannot know it.
fn hint(place: &str, reason: &str, input: &InputArguments) -> Option<&'static str> {
    if reason.contains(NO_TIME) {
        return Some(
            "--time-format day-first reads 25.1.2024, month-first reads 1/25/2024, epoch-s (-ms, -us, -ns) numbers \
             since 1970",
        );
    }
    if reason.contains("could both be") {
        return Some("--ignore HEADER leaves the other one alone");
    }
    if reason.ends_with("is not a number") {
        return Some("--ignore HEADER reads the bars without that column, if it is not a price");
    }
    if !reason.contains(TWICE) {
        return None;
    }
    if input.asset.is_some() {
        return Some("are there several assets in the file? then state their column: --column asset=HEADER");
    }
    let file = place.split(", line ").next().map(Path::new).and_then(Path::file_stem);
    match file.is_some_and(|stem| reason.starts_with(&format!("{:?} ", stem.to_string_lossy()))) {
        true => Some(BY_FILE_NAME),
        false => Some("--on-bad-row skip keeps the first of them and says which were left out"),
    }
}

const NO_TIME: &str = "is not a date or time such as";
const TWICE: &str = "has a bar for the same time";
const BY_FILE_NAME: &str = "no column of a usual name says the asset, so the file's name was taken for it; is there \
                            one? then state it: --column asset=HEADER";

/// A warning where rows were left out because the file's name was taken for the asset of a file that seems to hold several.
pub(super) fn doubt(report: &IngestReport) -> Option<&'static str> {
    let by_name = report.columns.iter().any(|(what, column)| what == "asset" && column == FILE_NAME);
    let twice = report.left_out.examples.iter().any(|row| row.reason.contains(TWICE));
    (by_name && twice).then_some(BY_FILE_NAME)
}

/// What the library says of an asset that no column says.
const FILE_NAME: &str = "(the file's name)";

/// Says the report in the words of the command line: what was stated there, and what could be.
pub(super) fn reword(report: &mut IngestReport, input: &InputArguments) {
    if let Some(asset) = &input.asset {
        let of_asset =
            report.columns.iter_mut().filter(|(what, column)| what == "asset" && column == FILE_NAME);
        of_asset.for_each(|(_, column)| *column = format!("(stated: {asset})"));
    }
    report.left_out.examples.iter_mut().for_each(|row| row.reason = in_our_words(&row.reason));
    let nameless = report.ignored.iter_mut().filter(|name| name.is_empty());
    nameless.for_each(|name| *name = "(a column without a name)".to_owned());
}

/// What to do about a file that is not there, where the bundle's name looks like one.
pub(super) fn order(failure: Failure, name: &str) -> Failure {
    match failure.code == Code::NotFound && failure.hint.is_none() && Path::new(name).is_file() {
        true => failure.with_hint(format!("{name} is a file; the bundle's name comes first, then the files")),
        false => failure,
    }
}
