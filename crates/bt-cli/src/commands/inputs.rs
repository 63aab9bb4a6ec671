//! Files of the command line on their way into an ingest, and what went wrong with them in the terms of the command.

use std::path::Path;

use bt_bundle::bt_core::{self, ErrorKind};
use bt_bundle::{
    Advice, AssetName, Fault, FileFormat, Finding, HeaderFault, Ingest, IngestReport, Listing, Note,
    RowFault, Skipped, list_files,
};

use crate::arguments::input::column_word;
use crate::arguments::{Format, IngestArguments, InputArguments};
use crate::exit::{Code, Failure};
use crate::output::Output;

/// An ingest of all files of the command line into the bundle of a name, and what of their folders is not read.
pub(super) fn ingest(arguments: &IngestArguments) -> Result<(Ingest<'static>, Vec<Skipped>), Failure> {
    unread(&arguments.input).map_err(|failure| order(failure, arguments.name.as_str()))
}

/// Prints the warnings of a report.
pub(super) fn warn(report: &IngestReport, output: Output) {
    warnings(report).iter().for_each(|warning| output.note(format_args!("warning: {warning}")));
}

fn unread(input: &InputArguments) -> Result<(Ingest<'static>, Vec<Skipped>), Failure> {
    let mut ingest = Ingest::new(input.options());
    let mut skipped = Vec::new();
    for path in &input.files {
        ingest = match path.is_dir() {
            true => {
                let mut listing = unfold(path, input)?;
                skipped.append(&mut listing.skipped);
                ingest.listing(listing)
            }
            false => {
                let format = format(path, input.format)?;
                let asset = input.asset.clone().map_or(AssetName::ByFile, AssetName::Stated);
                ingest.file(path, format, asset)
            }
        };
    }
    Ok((ingest, skipped))
}

/// The files of a folder, in order of their paths, all of one format.
fn unfold(folder: &Path, input: &InputArguments) -> Result<Listing, Failure> {
    let mut listing = list_files(folder, input.recursive).map_err(|error| match Finding::of(&error) {
        Some(_) => Failure { code: Code::NotFound, ..failure(&error) },
        None => error.into(),
    })?;
    match input.format {
        Some(format) => listing.keep(format.format()),
        None => listing.keep_tables(),
    }
    let formats =
        [(FileFormat::Csv, "CSV"), (FileFormat::Parquet, "Parquet"), (FileFormat::ArrowIpc, "Arrow")];
    let count = |format| listing.files.iter().filter(|file| file.format == format).count();
    let counts = formats.map(|(format, name)| (count(format), name));
    let counts: Vec<_> = counts.into_iter().filter(|&(count, _)| count > 0).collect();
    match &counts[..] {
        [] => {
            let endings = input.format.map_or(FileFormat::ENDINGS, |format| format.format().endings());
            let message = format!("the folder {} holds no file that ends in {endings}", folder.display());
            Err(Failure::new(Code::NotFound, message))
        }
        [_] => {
            if let Some(asset) = &input.asset {
                let stated = || AssetName::Stated(asset.clone());
                listing.files.iter_mut().for_each(|file| file.asset = stated());
            }
            Ok(listing)
        }
        [first @ .., last] => {
            let named = |&(count, name): &(usize, &str)| format!("{count} {name}");
            let first: Vec<_> = first.iter().map(named).collect();
            let all = format!("{} and {} files", first.join(", "), named(last));
            Err(Failure::new(Code::Usage, format!("the folder {} holds {all}", folder.display()))
                .with_hint("state which ones are meant with --format, or name the files"))
        }
    }
}

fn format(path: &Path, stated: Option<Format>) -> Result<FileFormat, Failure> {
    if let Err(error) = std::fs::metadata(path) {
        return Err(absent(path, error));
    }
    let unknown = || {
        let endings = FileFormat::ENDINGS;
        let message = format!("{}: not known by its ending; known are {endings}", path.display());
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        Failure::new(Code::Usage, message).with_hint(other_form(&ending.to_ascii_lowercase()))
    };
    stated.map(Format::format).or_else(|| FileFormat::of(path)).ok_or_else(unknown)
}

/// What to do about a file that is not known by its ending.
fn other_form(ending: &str) -> &'static str {
    match ending {
        "gz" | "zip" | "bz2" | "xz" | "zst" | "7z" | "rar" | "tar" | "tgz" => "decompress it first",
        "xls" | "xlsx" | "xlsm" | "xlsb" | "ods" | "numbers" => "save it as CSV first",
        "json" | "jsonl" | "ndjson" | "pkl" | "pickle" | "h5" | "hdf" | "hdf5" | "npy" | "npz" | "mat"
        | "dta" | "sas7bdat" | "rds" | "rdata" | "db" | "sqlite" | "sqlite3" | "duckdb" | "orc" | "avro"
        | "xml" | "html" | "htm" | "hst" | "bi5" | "dbn" => {
            "this form is not read; save it as CSV or Parquet first"
        }
        _ => "state what it is with --format csv, parquet or arrow",
    }
}

fn absent(path: &Path, error: std::io::Error) -> Failure {
    let failure = Failure::from(bt_core::Error::io(format!("open {}", path.display()), error));
    match path.to_string_lossy().contains(['*', '?']) {
        true => failure.with_hint("no file fits the pattern, so the shell passed it on as it is"),
        false => failure,
    }
}

/// What an ingest failed with, in the terms of the command line.
pub(super) fn failure(error: &bt_core::Error) -> Failure {
    let failure = Failure::from(error.clone());
    match error.kind() {
        ErrorKind::InvalidInput { place, .. } => match Finding::of(error) {
            Some(Finding { fault, .. }) => {
                let message = format!("{place}: {}", fault.statement());
                let hints = hints(fault);
                let code = match fault {
                    Fault::Options(_) => Code::Usage,
                    _ => failure.code,
                };
                let failure = Failure { message, code, ..failure };
                if hints.is_empty() { failure } else { failure.with_hint(hints.join("; ")) }
            }
            None => failure,
        },
        ErrorKind::InvalidOption { option, value, allowed } => {
            let message = format!("{} = {value} is out of range; allowed: {allowed}", option_of(option));
            Failure { message, ..failure }
        }
        _ => failure,
    }
}

/// Fields of the library's options, and the options of the command line that set them.
const OPTIONS: [(&str, &str); 8] = [
    ("frequency", "--frequency"),
    ("label", "--label"),
    ("number_format", "--decimal, --thousands"),
    ("time_format", "--time-format"),
    ("delimiter", "--delimiter"),
    ("extra_columns", "--extra"),
    ("memory_budget", "--memory"),
    ("adjustments", "--adjustments"),
];
/// The hint for an advice that this program does not know yet.
const FALLBACK: &str = "see bt ingest --help";

fn option_of(field: &str) -> &str {
    OPTIONS.iter().find(|(name, _)| *name == field).map_or(field, |(_, option)| option)
}

/// What the command line offers against a fault: with the headers of its file, where those may be meant.
fn hints(fault: &Fault) -> Vec<String> {
    let of = |advice| match (advice, fault) {
        (Advice::StateColumn, Fault::Header(HeaderFault::Missing { missing, unclaimed, .. }))
            if !unclaimed.is_empty() =>
        {
            state_columns(missing.iter().filter_map(|(column, _)| column_word(column)), unclaimed)
        }
        (Advice::StateAssetColumn, Fault::Row(RowFault::Duplicate { apart: Some(apart), .. })) => {
            format!(
                "no column of a usual name says the asset, so the file's name was taken for it; does {apart:?} say it? then \
                 state it: --column 'asset={apart}'"
            )
        }
        _ => hint(advice).to_owned(),
    };
    fault.advice().into_iter().map(of).collect()
}

/// The options that state the columns which are missing, with the headers of which nothing is known.
fn state_columns(words: impl Iterator<Item = &'static str>, unclaimed: &[String]) -> String {
    const SHOWN: usize = 12;
    let words: Vec<_> = words.collect();
    if let ([word], [header]) = (&words[..], unclaimed) {
        return format!("--column '{word}={header}' states it, if that is the one");
    }
    let options: Vec<_> = words.iter().map(|word| format!("--column {word}=HEADER")).collect();
    let mut headers: Vec<_> = unclaimed.iter().take(SHOWN).map(|header| format!("{header:?}")).collect();
    if unclaimed.len() > SHOWN {
        headers.push("…".to_owned());
    }
    let it = if options.len() == 1 { "it" } else { "them" };
    format!("{} states {it}, where HEADER is one of {}", options.join(" "), headers.join(", "))
}

/// What the command line offers for an advice of the library.
pub(crate) fn hint(advice: Advice) -> &'static str {
    match advice {
        Advice::StateColumn => "--column WHAT=HEADER states what a column is, as in --column close=Settle",
        Advice::IgnoreColumn => {
            "--ignore HEADER reads the bars without that column, if it is not one of theirs"
        }
        Advice::StateHeader => {
            "--header NAMES states the names of the columns, as in --header timestamp,open,high,low,close,volume"
        }
        Advice::StateClock => "--column time=HEADER joins a column of times of day with the date",
        Advice::OneAssetAFile => "--asset NAME states the asset of a file that has no column for it",
        Advice::StateAssetColumn => {
            "no column of a usual name says the asset, so the file's name was taken for it; is there one? then state it: \
             --column asset=HEADER"
        }
        Advice::JoinNames => {
            "join that column and the asset's to one before the ingest, or keep the rows of one of its values"
        }
        Advice::LetColumnSayAsset => "without --asset the column says the asset",
        Advice::Unpivot => {
            "bring it into long form, a row for each asset and time, or into a file for each asset"
        }
        Advice::StateExtras => "state which extra columns to keep (--extra) or none (--no-extras)",
        Advice::StateTimeFormat => {
            "--time-format states how times are written: day-first, month-first, year-first, epoch-s (-ms, -us, -ns), excel, or a \
             pattern such as '%d/%m/%y %H:%M'"
        }
        Advice::StateEpoch => {
            "--time-format epoch-s, epoch-ms, epoch-us or epoch-ns states what numbers since 1970 count, --time-format excel \
             that they are days of a spreadsheet; a pattern such as %y%m%d reads other digits"
        }
        Advice::StateDateOrder => "--time-format day-first, month-first or year-first states it",
        Advice::StateZone => "is it the right --zone?",
        Advice::StateZoneOfAbbreviation => {
            "--zone states the zone that is meant, as in --zone America/New_York, whose own abbreviations EST, EDT and ET are read"
        }
        Advice::StateOffset => {
            "if times keep that offset all year, state it, as in --zone=-05:00; if they are of the wall clock, --time-format with the \
             name in it reads them, as in '%Y-%m-%d %H:%M EST'"
        }
        Advice::StateDaily => {
            "--frequency 1d says that these are daily bars some of which are missing; bars of several days are not read"
        }
        Advice::WriteOffsets => "write times with an offset, or in UTC",
        Advice::StateZoneAndIngestAgain => {
            "ingest all files again with the zone that they come from, as in --zone America/New_York"
        }
        Advice::StateNumberFormat => {
            "--decimal and --thousands state the signs in numbers: --decimal , for 1.234,5 and --thousands , for 1,234.5"
        }
        Advice::SeparateFrequencies => {
            "ingest bars of different frequencies into bundles of their own; --frequency takes all for bars of one, so that longer \
             ones are known before they end"
        }
        Advice::StateFrequency => "--frequency states how far apart bars are: 1m to 1439m, 1d, 1w or 1mo",
        Advice::StateStarts => "--label start says so, and each bar is known when the next period begins",
        Advice::StateLabel => "--label start or --label end states what the stamps are",
        Advice::SkipBadRows => "--on-bad-row skip leaves such rows out and says which",
        Advice::StateEncoding => "--encoding states it, as in --encoding windows-1252",
        Advice::EnableFeature(_) => "this bt was built without it",
        _ => FALLBACK,
    }
}

/// Warnings beside a report: what may have been meant otherwise than it was read.
pub(super) fn warnings(report: &IngestReport) -> Vec<String> {
    let mut warnings: Vec<String> = report.notes.iter().map(warning).collect();
    let is_doubtful = |finding: &&Finding| {
        matches!(finding.fault, Fault::Row(RowFault::Duplicate { is_named_by_file: true, .. }))
    };
    if report.not_above_zero.count > 0 {
        let rows = crate::output::counted(report.not_above_zero.count, "row");
        warnings.push(format!(
            "{rows} with a price of 0 or below kept: at such a close a long position is worth nothing; if they stand for days \
             without trading, --positive-prices with --on-bad-row skip leaves them out"
        ));
    }
    if report.rejected.examples.iter().any(|finding| is_doubtful(&finding)) {
        warnings.push(hint(Advice::StateAssetColumn).to_owned());
    }
    warnings
}

fn warning(note: &Note) -> String {
    match note {
        Note::LinesBeforeHeader { source, lines } => {
            let lines = crate::output::counted(*lines as u64, "line");
            format!("{lines} before the header of {source} passed over")
        }
        Note::FixedPoint { source, price } => format!(
            "prices of {source} such as {price} look like fixed point; --price-scale states it, as in --price-scale 1e-9"
        ),
        Note::GroupedPrices { source, text, price } => format!(
            "prices of {source} such as {text} are read as {price}, since other numbers of it have the sign between thousands; --decimal \
             and --thousands state otherwise"
        ),
        Note::Thousandths { source, text, number } => format!(
            "numbers of {source} such as {text} are read as {number}; all that are not whole have three decimals, volumes as \
             well; if full stops stand between thousands, --thousands . with --decimal , states it"
        ),
        Note::OrderOfOthers { source, order } => format!(
            "the first dates of {source} could be two, and are read with the {order} first, as those of other files have it; \
             if that is wrong, ingest it by itself with the --time-format that is right"
        ),
        Note::DailyStarts => "the time of day of daily bars was taken for their start; if they end at that time, state --label end; if \
                              it is midnight in their zone, state --zone"
            .to_owned(),
        Note::NoVolume => {
            "no column was taken for the volume, which is missing in every bar; if there is one, state it: \
             --column volume=HEADER"
                .to_owned()
        }
        Note::FilesByDate { stem, files } => format!(
            "{files} files were read as assets of their own, and their names differ by a date alone; if they are one asset, \
             state it: --asset {}",
            if stem.is_empty() { "NAME" } else { stem }
        ),
        Note::SameName { asset, files } => format!(
            "{files} files of this name in several folders were read as one asset, {asset}; if the folders are the assets, \
             ingest each by itself with --asset NAME, or name them as in symbol=NAME"
        ),
        other => format!("{other:?}"),
    }
}

/// What to do about a file that is not there, where the bundle's name looks like one.
fn order(failure: Failure, name: &str) -> Failure {
    match failure.code == Code::NotFound && failure.hint.is_none() && Path::new(name).is_file() {
        true => failure.with_hint(format!("{name} is a file; the bundle's name comes first, then the files")),
        false => failure,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::arguments::Arguments;

    /// What a fault looks like on standard error.
    fn shown(fault: &Fault) -> Failure {
        let finding = Finding { place: bt_bundle::Place::default(), fault: fault.clone() };
        failure(&bt_core::Error::invalid_input("prices.csv", finding))
    }

    /// The options of `bt ingest`, as they are typed.
    fn options() -> Vec<String> {
        let command = Arguments::command();
        let ingest = command.find_subcommand("ingest").unwrap();
        ingest.get_arguments().filter_map(|one| one.get_long()).map(|long| format!("--{long}")).collect()
    }

    /// The options that a text names.
    fn named(text: &str) -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
        words.filter(|word| word.starts_with("--") && word.len() > 2).map(str::to_owned).collect()
    }

    #[test]
    fn every_advice_has_a_hint_of_its_own_that_names_options_which_there_are() {
        let (options, mut hints) = (options(), std::collections::BTreeMap::new());
        for advice in Fault::examples().iter().flat_map(Fault::advice) {
            let text = hint(advice);
            assert_ne!(text, FALLBACK, "{advice:?}");
            for option in named(text) {
                assert!(options.contains(&option), "{advice:?}: {option}");
            }
            let other = hints.insert(text, advice);
            assert!(other.is_none_or(|other| other == advice), "{advice:?} and {other:?} have one hint");
        }
        assert!(hints.len() > 15, "{hints:?}");
    }

    #[test]
    fn no_fault_is_told_in_the_terms_of_the_library() {
        const NAMES: [&str; 9] = [
            "IngestOptions",
            "Ingest::",
            "TimeFormat",
            "NumberFormat",
            "Column::",
            "Label::",
            "BadRows",
            "bt-bundle",
            "csv_folder",
        ];
        for fault in Fault::examples() {
            let Failure { message, hint, .. } = shown(&fault);
            let text = format!("{message} {}", hint.clone().unwrap_or_default());
            assert!(!text.contains('`'), "{text}");
            assert!(NAMES.iter().all(|name| !text.contains(name)), "{text}");
            assert_eq!(hint.is_none(), fault.advice().is_empty(), "{text}");
            assert!(message.starts_with("prices.csv: "), "{message}");
        }
    }

    #[test]
    fn fields_of_the_library_are_told_as_options_which_there_are() {
        let options = options();
        for field in OPTIONS.iter().flat_map(|(_, option)| named(option)) {
            assert!(options.contains(&field), "{field}");
        }
        let error = bt_core::Error::invalid_option("label", "Date", "Start or End");
        assert!(failure(&error).message.starts_with("--label = Date"));
    }

    /// The sources of a folder of another crate, one after the other.
    fn sources(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => sources(&path, all),
                false => all.push_str(&std::fs::read_to_string(&path).unwrap()),
            }
        }
    }

    #[test]
    fn every_field_that_an_ingest_can_refuse_is_told_as_an_option() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut all = String::new();
        sources(&crates.join("bt-bundle/src/ingest"), &mut all);
        for file in ["bt-bundle/src/draft/shape.rs", "bt-core/src/time.rs", "bt-asset-cache/src/table.rs"] {
            all.push_str(&std::fs::read_to_string(crates.join(file)).unwrap());
        }
        let fields: std::collections::BTreeSet<_> =
            all.split("invalid_option(").skip(1).filter_map(|call| call.split('"').nth(1)).collect();
        assert!(fields.contains("time_format") && fields.contains("label"), "{fields:?}");
        for field in fields {
            assert_ne!(option_of(field), field);
        }
    }

    #[test]
    fn options_that_contradict_the_input_are_a_mistake_on_the_command_line() {
        for fault in Fault::examples() {
            let is_usage = shown(&fault).code == Code::Usage;
            assert_eq!(is_usage, matches!(fault, Fault::Options(_)), "{fault}");
        }
    }
}
