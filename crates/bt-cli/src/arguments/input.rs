//! What `ingest` and `append` read, and how: [`IngestOptions`] as options of the command line.

use std::path::PathBuf;

use bt_bundle::bt_core::{Frequency, nearest_names};
use bt_bundle::{
    BadRows, Column, Encoding, EpochUnit, Extras, FileFormat, IngestOptions, Label, NumberFormat, PriceScale,
    SessionClose, TimeFormat, Zone,
};
use bt_layers::bt_optimize_config;
use clap::{Args, ValueEnum};

/// The files, and everything that can be said about them.
#[derive(Args, Debug)]
pub struct InputArguments {
    /// CSV files (.csv, .tsv, .txt), Parquet files (.parquet, .pq), Arrow files (.feather, .arrow, .ipc), or folders of one
    /// kind
    #[arg(required = true, value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// What the files are, whatever their names end in
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// The asset of all files, whatever their names; by default a column says it, or else the file's name without its
    /// ending
    #[arg(long, value_name = "NAME")]
    pub asset: Option<String>,
    /// Read the folders in folders, too
    #[arg(long)]
    pub recursive: bool,
    /// A column that has no usual name: `asset`, `timestamp`, `time` (of day), `open`, `high`, `low`, `close` or `volume`,
    /// then the name in the file, as in `close=Adj_Close`; repeat it for others
    #[arg(long = "column", value_name = "WHAT=HEADER", value_parser = column, help_heading = "Columns")]
    pub columns: Vec<(String, Column)>,
    /// Keep this column as an extra one, perhaps under another name, and no others; repeat it for more. By
    /// default all other columns that hold numbers are kept
    #[arg(long = "extra", value_name = "[NAME=]HEADER", value_parser = extra, help_heading = "Columns")]
    pub extras: Vec<(String, String)>,
    /// Keep open, high, low, close and volume alone
    #[arg(long, conflicts_with = "extras", help_heading = "Columns")]
    pub no_extras: bool,
    /// Leave this column alone, whatever its name; repeat it for others
    #[arg(long = "ignore", value_name = "HEADER", help_heading = "Columns")]
    pub ignored: Vec<String>,
    /// Names of the columns, separated by commas, of CSV files without a header line
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Columns")]
    pub header: Option<Vec<String>>,
    /// What a time stands for: the bar's start, its end, or its day; by default the safe guess, which the report
    /// names
    #[arg(long, help_heading = "Times")]
    pub label: Option<LabelName>,
    /// The zone of times without an offset, in which days end; by default UTC
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, help_heading = "Times")]
    pub zone: Option<Zone>,
    /// When daily bars are known, such as 16:00; by default at the next midnight
    #[arg(long, value_name = "HH:MM", help_heading = "Times")]
    pub session_close: Option<SessionClose>,
    /// How far apart bars are: 1m to 1439m, 1d, 1w or 1mo; by default inferred from the bars
    #[arg(long, value_name = "FREQUENCY", help_heading = "Times")]
    pub frequency: Option<Frequency>,
    /// How dates and times are written: `auto` (any way that says one thing alone), `iso`, `month-first` (1/25/2024),
    /// `day-first` (25.1.2024), `year-first` (24-01-25), `epoch-s`, `epoch-ms`, `epoch-us`, `epoch-ns` (numbers since 1970), `excel` (days of a
    /// spreadsheet), or a pattern of strptime such as '%d/%m/%y %Hh%M'
    #[arg(long, default_value = "auto", value_name = "FORMAT", value_parser = time_format, help_heading = "Times")]
    pub time_format: TimeFormat,
    /// What separates the fields of CSV files: one sign or `tab`; by default whichever of , ; tab | the header has
    /// most of
    #[arg(long, value_name = "SIGN", value_parser = delimiter, help_heading = "Numbers and fields")]
    pub delimiter: Option<u8>,
    /// What separates the fraction, . or , ; by default a full stop, unless the numbers leave no doubt
    #[arg(long, value_name = "SIGN", help_heading = "Numbers and fields")]
    pub decimal: Option<char>,
    /// What stands between groups of three digits; by default nothing, unless the numbers leave no doubt
    #[arg(long, value_name = "SIGN", help_heading = "Numbers and fields")]
    pub thousands: Option<char>,
    /// What prices in fixed point are multiplied with: a power of ten, such as 1e-9 or 0.0001
    #[arg(long, value_name = "FACTOR", help_heading = "Numbers and fields")]
    pub price_scale: Option<PriceScale>,
    /// The encoding of CSV files: utf-8, windows-1252, latin1, utf-16le, shift_jis, …; by default UTF-8, or what a byte
    /// order mark says
    #[arg(long, value_name = "NAME", help_heading = "Numbers and fields")]
    pub encoding: Option<Encoding>,
    /// Take rows with a price of 0 or below for bad ones; by default they are bars
    #[arg(long, help_heading = "Rows")]
    pub positive_prices: bool,
    /// What happens to rows that cannot become bars: `fail` publishes nothing, `skip` leaves them out and says which
    #[arg(long, default_value = "fail", value_name = "HOW", help_heading = "Rows")]
    pub on_bad_row: BadRowsName,
    /// Splits and dividends: a CSV file with the columns asset, ex_date, kind (split or dividend) and value
    #[arg(long, value_name = "FILE", help_heading = "Rows")]
    pub adjustments: Option<PathBuf>,
    /// Memory for rows, such as 512MiB; more wait in a temporary file. The bars of a few assets have to fit in any case
    #[arg(long, default_value = "1GiB", value_name = "SIZE", value_parser = size, help_heading = "Rows")]
    pub memory: usize,
    /// Where the temporary file goes; by default the system's place
    #[arg(long, value_name = "DIR", help_heading = "Rows")]
    pub temporary_directory: Option<PathBuf>,
}

impl InputArguments {
    /// The options as the library takes them.
    pub fn options(&self) -> IngestOptions {
        let mut columns = self.columns.clone();
        columns.extend(self.ignored.iter().map(|header| (header.clone(), Column::Ignored)));
        let renamed = self.extras.iter().filter(|(name, header)| name != header);
        columns.extend(renamed.map(|(name, header)| (header.clone(), Column::Extra(name.clone()))));
        let kept = || self.extras.iter().map(|(name, _)| name.clone()).collect();
        IngestOptions {
            columns,
            extras: match (self.no_extras, self.extras.is_empty()) {
                (true, _) => Extras::NONE,
                (false, true) => Extras::Numeric,
                (false, false) => Extras::Only(kept()),
            },
            label: self.label.map(LabelName::label),
            zone: self.zone.clone(),
            session_close: self.session_close,
            frequency: self.frequency,
            time_format: self.time_format.clone(),
            number_format: self.number_format(),
            price_scale: self.price_scale,
            encoding: self.encoding,
            delimiter: self.delimiter,
            header: self.header.clone(),
            on_bad_row: self.on_bad_row.rows(),
            positive_prices: self.positive_prices,
            adjustments: self.adjustments.clone(),
            memory_budget: self.memory,
            temporary_directory: self.temporary_directory.clone(),
        }
    }
}

impl InputArguments {
    /// What was stated of numbers, if anything was.
    fn number_format(&self) -> Option<NumberFormat> {
        match (self.decimal, self.thousands) {
            (None, None) => None,
            (None, Some('.')) => Some(NumberFormat { decimal: ',', thousands: Some('.') }),
            (decimal, thousands) => Some(NumberFormat { decimal: decimal.unwrap_or('.'), thousands }),
        }
    }
}

/// What files are.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Text, with fields between separators.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, which Feather files are.
    #[value(alias = "feather")]
    Arrow,
}

impl Format {
    /// The library's name for it.
    pub fn format(self) -> FileFormat {
        match self {
            Self::Csv => FileFormat::Csv,
            Self::Parquet => FileFormat::Parquet,
            Self::Arrow => FileFormat::ArrowIpc,
        }
    }
}

/// What times stand for.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum LabelName {
    /// The bar's start: it is known one bar later
    Start,
    /// The bar's end: it is known then
    End,
    /// The day: a bar is known when that day is over
    Date,
}

impl LabelName {
    fn label(self) -> Label {
        match self {
            Self::Start => Label::Start,
            Self::End => Label::End,
            Self::Date => Label::Date,
        }
    }
}

/// What happens to bad rows.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum BadRowsName {
    /// The ingest fails and publishes nothing
    Fail,
    /// They are left out, counted and reported
    Skip,
}

impl BadRowsName {
    fn rows(self) -> BadRows {
        match self {
            Self::Fail => BadRows::Fail,
            Self::Skip => BadRows::Skip,
        }
    }
}

/// What `--column` calls a column.
pub(crate) fn column_word(column: &Column) -> Option<&'static str> {
    COLUMNS.iter().find(|(_, one)| one == column).map(|&(word, _)| word)
}

const COLUMNS: [(&str, Column); 8] = [
    ("asset", Column::Asset),
    ("timestamp", Column::Timestamp),
    ("time", Column::Time),
    ("open", Column::Open),
    ("high", Column::High),
    ("low", Column::Low),
    ("close", Column::Close),
    ("volume", Column::Volume),
];

const TIME_FORMATS: [(&str, TimeFormat); 10] = [
    ("auto", TimeFormat::Auto),
    ("iso", TimeFormat::Iso),
    ("month-first", TimeFormat::MonthFirst),
    ("day-first", TimeFormat::DayFirst),
    ("year-first", TimeFormat::YearFirst),
    ("epoch-s", TimeFormat::Epoch(EpochUnit::Seconds)),
    ("epoch-ms", TimeFormat::Epoch(EpochUnit::Millis)),
    ("epoch-us", TimeFormat::Epoch(EpochUnit::Micros)),
    ("epoch-ns", TimeFormat::Epoch(EpochUnit::Nanos)),
    ("excel", TimeFormat::Excel),
];

/// The value of a name; else the names that there are, and which one may have been meant.
fn named<T: Clone>(name: &str, table: &[(&'static str, T)]) -> Result<T, (String, String)> {
    let names = || table.iter().map(|(known, _)| *known);
    if let Some((_, value)) = table.iter().find(|(known, _)| *known == name) {
        return Ok(value.clone());
    }
    let near = nearest_names(name, names());
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    Err((names().collect::<Vec<_>>().join(", "), near))
}

/// Reads `close=Adj_Close`.
fn column(text: &str) -> Result<(String, Column), String> {
    let (what, header) = text.split_once('=').ok_or_else(|| {
        let allowed = COLUMNS.map(|(name, _)| name).join(", ");
        format!("it has to be WHAT=HEADER, as in close=Adj_Close; WHAT is one of {allowed}")
    })?;
    let what = what.trim().to_ascii_lowercase();
    let unknown = |(allowed, near)| {
        let swapped = COLUMNS.iter().find(|(known, _)| header.eq_ignore_ascii_case(known));
        let swapped = swapped.map(|(known, _)| format!("; the name in the file comes last: {known}={what}"));
        let swapped = swapped.unwrap_or_default();
        format!(
            "{what:?} is none of {allowed}{near}{swapped}; any other column is kept with --extra {what}={header}"
        )
    };
    Ok((header.to_owned(), named(&what, &COLUMNS).map_err(unknown)?))
}

/// Reads the name of a format, or a pattern.
fn time_format(text: &str) -> Result<TimeFormat, String> {
    if text.contains('%') {
        return Ok(TimeFormat::Pattern(text.into()));
    }
    named(text, &TIME_FORMATS).map_err(|(allowed, near)| {
        format!("it has to be one of {allowed}, or a pattern of strptime such as '%d/%m/%y %H:%M'{near}")
    })
}

/// Reads `HEADER` or `NAME=HEADER`: the name in the bundle, and in the file.
fn extra(text: &str) -> Result<(String, String), String> {
    let (name, header) = text.split_once('=').unwrap_or((text, text));
    match name.trim().is_empty() || header.trim().is_empty() {
        true => Err("it has to be HEADER, or NAME=HEADER".to_owned()),
        false => Ok((name.to_owned(), header.to_owned())),
    }
}

/// Reads one sign, or its name.
fn delimiter(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab" | "\\t", _) => Ok(b'\t'),
        (_, &[byte]) if byte.is_ascii_punctuation() && byte != b'"' || byte == b'\t' || byte == b' ' => {
            Ok(byte)
        }
        _ => Err("it has to be one ASCII sign that is no letter, digit or quote, or tab".to_owned()),
    }
}

/// Reads bytes as the configuration does: `512MiB`, `1.5GiB`, `100000000`.
fn size(text: &str) -> Result<usize, String> {
    let bytes = bt_optimize_config::size(text.trim()).filter(|&bytes| bytes > 0);
    bytes.ok_or_else(|| "it has to be a size above 0, as in 512MiB, 1.5GiB or 2GB".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn options(words: &[&str]) -> Result<IngestOptions, String> {
        let all = ["bt", "ingest", "us", "a.csv"].iter().chain(words);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Ingest(arguments) => Ok(arguments.input.options()),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn without_options_the_library_s_defaults_hold() {
        let ours = options(&[]).unwrap();
        assert_eq!(format!("{ours:?}"), format!("{:?}", IngestOptions::default()));
        let pattern = options(&["--time-format", "%d/%m/%y"]).unwrap().time_format;
        assert_eq!(pattern, TimeFormat::Pattern("%d/%m/%y".into()));
    }

    #[test]
    fn each_option_reaches_the_library() {
        let words = "--column close=Adj_Close --ignore Close --extra vwap=VW --extra Beta --label end --zone \
                     America/New_York --frequency 5m --time-format epoch-ms --delimiter tab --decimal , --thousands . --price-scale 1e-9 --encoding latin1 \
                     --on-bad-row skip --adjustments s.csv --memory 2MiB --temporary-directory t --header a,b";
        let options = options(&words.split_whitespace().collect::<Vec<_>>()).unwrap();
        assert_eq!(
            options.columns,
            [
                ("Adj_Close".into(), Column::Close),
                ("Close".into(), Column::Ignored),
                ("VW".into(), Column::Extra("vwap".into())),
            ]
        );
        assert_eq!(options.extras, Extras::Only(vec!["vwap".into(), "Beta".into()]));
        assert_eq!(
            (options.label, options.zone),
            (Some(Label::End), Some("America/New_York".parse().unwrap()))
        );
        assert_eq!(options.frequency, Some(Frequency::Minutes(5)));
        assert_eq!(options.time_format, TimeFormat::Epoch(EpochUnit::Millis));
        assert_eq!((options.delimiter, options.memory_budget), (Some(b'\t'), 2 << 20));
        assert_eq!(options.number_format, Some(NumberFormat { decimal: ',', thousands: Some('.') }));
        assert_eq!(options.price_scale, Some("1e-9".parse().unwrap()));
        assert_eq!(options.encoding, Some("windows-1252".parse().unwrap()));
        assert_eq!(options.on_bad_row, BadRows::Skip);
        assert_eq!(
            (options.adjustments, options.temporary_directory),
            (Some("s.csv".into()), Some("t".into()))
        );
        assert_eq!(options.header, Some(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn sizes_are_read_as_those_of_the_configuration() {
        for (text, bytes) in [("512MiB", 512 << 20), ("1.5GiB", 3 << 29), ("2GB", 2_000_000_000), ("64", 64)]
        {
            assert_eq!(options(&["--memory", text]).unwrap().memory_budget, bytes, "{text}");
        }
        assert!(options(&["--memory", "0"]).is_err());
    }

    #[test]
    fn what_is_not_allowed_is_answered_with_what_is() {
        for (words, answer) in [
            (["--column", "clsoe=X"], "did you mean close?"),
            (["--column", "Adj_Close=close"], "the name in the file comes last: close=adj_close"),
            (["--column", "close"], "as in close=Adj_Close"),
            (["--zone", "New York"], "America/New_York"),
            (["--frequency", "1q"], Frequency::ALLOWED),
            (["--delimiter", "ab"], "one ASCII sign"),
            (["--memory", "much"], "as in 512MiB"),
            (["--time-format", "day-frist"], "did you mean day-first?"),
            (["--price-scale", "2"], "a power of ten"),
            (["--encoding", "latin99"], "windows-1252"),
            (["--session-close", "26:00"], "HH:MM"),
            (["--label", "middle"], "[possible values: start, end, date]"),
        ] {
            let error = options(&words).unwrap_err();
            assert!(error.contains(answer), "{words:?}: {error}");
        }
    }
}
