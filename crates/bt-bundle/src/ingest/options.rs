use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bt_asset_cache::Label;
use bt_core::{Error, ErrorKind, Field, Frequency, Result, Zone};

use super::field::pattern;
use super::{Encoding, SessionClose};

/// How input is read. Whatever is left out is inferred or defaulted on the safe side, and reported.
///
/// ```
/// use bt_bundle::{IngestOptions, Label};
/// let options = IngestOptions {
///     label: Some(Label::Date),
///     zone: Some("America/New_York".parse()?),
///     session_close: Some("16:00".parse()?),
///     ..Default::default()
/// };
/// assert_eq!(options.memory_budget, 1 << 30);
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// Which column is what, for columns whose name does not say it: the name as the input has it (case ignored where none has
    /// it as it stands).
    ///
    /// These names need no word, in any case, with any signs between their words (`<OPEN>`, `Open Price`, `1. open`):
    ///
    /// | column | known names; those behind a semicolon where none of the others is there |
    /// |---|---|
    /// | asset | `asset`, `ticker`, `symbol`, `sid`, `instrument`, `pair`, `tic`, `ts_code`, `stock_code`, `order_book_id`, `股票代码`; `security`, `name`, `code` |
    /// | timestamp | `timestamp`, `date`, `datetime`, `date_time`, `time`, `ts`, `session`, `day`, `local_time`, `gmt_time`, `open_time`, `trade_date`, `price_date`, `dtyyyymmdd`, `window_start`, `time_period_start`, `begins_at`, `ts_event`, `unix`, `unix_timestamp`, `unix_time`, `epoch`; `t`, `dates`, `mts`, `snapped_at`, `exchange_date`, `datadate`, `datum`, `日期` |
    /// | open | `open`, `o`, `open_price`, `price_open`, `px_open`, `开盘` |
    /// | high | `high`, `h`, `high_price`, `price_high`, `px_high`, `最高` |
    /// | low | `low`, `l`, `low_price`, `price_low`, `px_low`, `最低` |
    /// | close | `close`, `c`, `close_price`, `price_close`, `px_last`, `close_last`, `收盘`; `settle`, `settle_price`, `settlement_price`; `last`, `last_price`, `price`; `latest` |
    /// | volume, which may be absent | `volume`, `v`, `vol`, `px_volume`, `volume_traded`, `成交量`; `total_traded_quantity`, `tottrdqty`; `tickvol`, `tick_vol`, `tickvolume`, `tick_volume`, also where the others are 0 in all of the first rows; `stuecke`, `stück`, `stücke`; `volumen`, `volumi` |
    ///
    /// A date and a time of day in two columns are joined; of `ms_of_day` it is milliseconds since midnight. One column may be stated to be several things.
    pub columns: Vec<(String, Column)>,
    /// What happens to columns that are neither stated nor known.
    pub extras: Extras,
    /// What a bar's time stands for. `None`: dates and midnights of daily bars stand for their day; every other time is
    /// taken for the bar's start, because a start that is taken for an end would show a bar before it is over. See
    /// [`Label::settle`].
    pub label: Option<Label>,
    /// The zone of times without an offset, and the one in which days end. `None`: UTC, which is reported as assumed.
    pub zone: Option<Zone>,
    /// When the session of a daily bar closes. `None`: it is known at the next midnight.
    pub session_close: Option<SessionClose>,
    /// How far apart bars are. `None`: inferred from the distances between bars.
    pub frequency: Option<Frequency>,
    /// How times are written, in text or as integers.
    pub time_format: TimeFormat,
    /// How text writes numbers. `None`: full stops are decimal points, unless the numbers of a source leave no doubt of
    /// another format.
    pub number_format: Option<NumberFormat>,
    /// What prices are counted in, where they are in fixed point.
    pub price_scale: Option<PriceScale>,
    /// The encoding of CSV files without a byte order mark. `None`: UTF-8.
    pub encoding: Option<Encoding>,
    /// What separates the fields of CSV files. `None`: whichever of `,` `;` tab `|` the header has most of.
    pub delimiter: Option<u8>,
    /// Names of the columns of CSV files that have no header line.
    pub header: Option<Vec<String>>,
    /// Whether rows with a price of 0 or below are bad rows. By default they are bars: shares have fallen to 0, futures below.
    pub positive_prices: bool,
    /// What happens to rows that cannot become bars.
    pub on_bad_row: BadRows,
    /// Splits and dividends: a CSV file with the columns asset, ex-date, kind (`split` or `dividend`) and value (new
    /// shares for each old one, or the amount in cash). Stored and hashed with the bundle, not applied.
    pub adjustments: Option<PathBuf>,
    /// Bytes of rows that are held in memory; more are kept in a temporary file until they are written. 1 GiB by
    /// default. For each processor a few assets' bars must fit in any case, as must the distinct timestamps.
    pub memory_budget: usize,
    /// Where the temporary file goes; the system's place by default.
    pub temporary_directory: Option<PathBuf>,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            extras: Extras::Numeric,
            label: None,
            zone: None,
            session_close: None,
            frequency: None,
            time_format: TimeFormat::Auto,
            number_format: None,
            price_scale: None,
            encoding: None,
            delimiter: None,
            header: None,
            positive_prices: false,
            on_bad_row: BadRows::Fail,
            adjustments: None,
            memory_budget: 1 << 30,
            temporary_directory: None,
        }
    }
}

impl IngestOptions {
    pub(super) fn check(&self) -> Result<()> {
        if self.memory_budget == 0 {
            return Err(Error::invalid_option("memory_budget", 0, "at least 1"));
        }
        self.frequency.map(Frequency::check).transpose()?;
        if let Some(delimiter) = self.delimiter.filter(|&byte| !can_delimit(byte)) {
            let allowed = "an ASCII character that is no letter, digit, quote or line end";
            return Err(Error::invalid_option("delimiter", format!("{:?}", delimiter as char), allowed));
        }
        self.time_format.check()?;
        let format = self.number_format.unwrap_or_default();
        if format.thousands == Some(format.decimal) || !matches!(format.decimal, '.' | ',') {
            let allowed = "a decimal separator of . or , and another character between thousands";
            let thousands = format.thousands.map_or_else(|| "none".to_owned(), |sign| format!("{sign:?}"));
            let value = format!("{:?}, {thousands}", format.decimal);
            return Err(Error::invalid_option("number_format", value, allowed));
        }
        Ok(())
    }
}

fn can_delimit(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r')
}

/// How a CSV file writes its numbers.
///
/// ```
/// let europe = bt_bundle::NumberFormat { decimal: ',', thousands: Some('.') }; // 1.234,50
/// assert_ne!(europe, bt_bundle::NumberFormat::default()); // 1234.50
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberFormat {
    /// What separates the whole part from the fraction; a full stop by default.
    pub decimal: char,
    /// What may stand between groups of three digits; nothing by default, so that `1,234` is an error and not a guess.
    pub thousands: Option<char>,
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

/// What a column of the input holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Column {
    /// The asset's name.
    Asset,
    /// The bar's time, or its date where [`Time`](Self::Time) is another column.
    Timestamp,
    /// The bar's time of day.
    Time,
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Units traded.
    Volume,
    /// A number that the bundle keeps under this name.
    Extra(String),
    /// Nothing that the bundle keeps.
    Ignored,
}

impl Column {
    /// The field of a bar that it holds.
    pub(super) fn field(&self) -> Option<Field> {
        match self {
            Self::Open => Some(Field::OPEN),
            Self::High => Some(Field::HIGH),
            Self::Low => Some(Field::LOW),
            Self::Close => Some(Field::CLOSE),
            Self::Volume => Some(Field::VOLUME),
            _ => None,
        }
    }
}

/// What happens to columns that are neither stated nor known by their name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Extras {
    /// Those that hold numbers become extra columns of the bundle, others are ignored and reported.
    #[default]
    Numeric,
    /// These become extra columns (`Adj Close` or `adj_close`), all others are ignored and reported.
    Only(Vec<String>),
}

impl Extras {
    /// No extra columns.
    pub const NONE: Self = Self::Only(Vec::new());
}

/// What happens to a row that cannot become a bar: a field that does not parse, an infinite number, a high below the
/// low, a negative volume, another row for the same asset and time with other values.
///
/// A row without any price is no bar and no fault, and one that says the same as another is taken once; both are reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BadRows {
    /// The ingest fails with file, line, column and reason, and nothing is published.
    #[default]
    Fail,
    /// The row is left out, counted and reported. Of rows for the same asset and time the first is kept.
    Skip,
}

/// How dates and times are written.
///
/// Times without an offset are read on the wall clock of the stated zone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum TimeFormat {
    /// Any of the usual ways that say one thing alone: `2024-01-05`, `2024.01.05`, `20240105`, `05-Jan-24`, `Jan 5, 2024`, `2024-01`,
    /// then perhaps a time (`16:00:00.123`, `160000`, `4:00 PM`) and a zone (`Z`, `-05:00`, `GMT+0700`, `US/Eastern`);
    /// a date and a time in digits alone, `202401051600`; counts since 1970 of nine digits or more, whose size tells their
    /// unit. The first thousand rows of a source show whether its digits are dates or counts. Where both day and month are
    /// numbers, and the year does not come first in four digits, the dates of the ingest have to show their order.
    #[default]
    Auto,
    /// The same, but counts, and dates with the year behind: `2024-01-05`, `20240105`, …
    Iso,
    /// `1/5/2024` is the fifth of January; a time may follow.
    MonthFirst,
    /// `5/1/2024` is the fifth of January; a time may follow.
    DayFirst,
    /// `24-01-05` is the fifth of January 2024; a time may follow.
    YearFirst,
    /// A number, counted from 1970-01-01 00:00 UTC.
    Epoch(EpochUnit),
    /// Days since 1899-12-30 with the time of day as a fraction, as spreadsheets count them.
    Excel,
    /// As `strptime` reads it: `%d/%m/%y %Hh%M`.
    Pattern(Arc<str>),
}

impl IngestOptions {
    /// Whether a column of this name is stated to be something.
    pub(super) fn states(&self, name: &str) -> bool {
        self.columns.iter().any(|(stated, _)| stated.trim().eq_ignore_ascii_case(name.trim()))
    }
}

impl TimeFormat {
    fn check(&self) -> Result<()> {
        let Self::Pattern(pattern) = self else { return Ok(()) };
        match pattern::correction(pattern) {
            None => Ok(()),
            Some(allowed) => Err(Error::invalid_option("time_format", format!("{pattern:?}"), allowed)),
        }
    }
}

impl fmt::Display for TimeFormat {
    /// What is expected, as in "a date or time such as …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto | Self::Iso => f.write_str("a date or time such as 2024-01-05 or 2024-01-05T16:00"),
            Self::MonthFirst => f.write_str("a date or time such as 1/5/2024, month first"),
            Self::DayFirst => f.write_str("a date or time such as 5/1/2024, day first"),
            Self::YearFirst => f.write_str("a date or time such as 24-01-05, year first"),
            Self::Epoch(_) => f.write_str("a number, as an epoch is"),
            Self::Excel => f.write_str("a number of days, as a spreadsheet counts them"),
            Self::Pattern(pattern) => write!(f, "a date or time as {pattern:?} writes it"),
        }
    }
}

/// What a [`TimeFormat::Epoch`] counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EpochUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

/// The power of ten that prices in fixed point are multiplied with: `1e-9` where 146685572179 is 146.685572179.
///
/// ```
/// use bt_bundle::PriceScale;
/// assert_eq!("1e-4".parse::<PriceScale>()?, "0.0001".parse()?);
/// assert!("0.5".parse::<PriceScale>().is_err());
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PriceScale {
    decimals: u8,
}

impl PriceScale {
    /// How many decimals prices have.
    pub fn decimals(self) -> u8 {
        self.decimals
    }
}

impl FromStr for PriceScale {
    type Err = Error;

    /// Reads `1e-9` or `0.0001`: 1e-1 to 1e-18.
    fn from_str(text: &str) -> Result<Self> {
        let value: Option<f64> = text.trim().parse().ok();
        let decimals = (1..=18_u8).find(|decimals| value == format!("1e-{decimals}").parse().ok());
        decimals.map(|decimals| Self { decimals }).ok_or_else(|| {
            ErrorKind::Unreadable {
                what: "price scale",
                text: text.chars().take(100).collect(),
                allowed: "a power of ten from 1e-1 to 1e-18, such as 1e-9 or 0.0001",
            }
            .into()
        })
    }
}

impl fmt::Display for PriceScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1e-{}", self.decimals)
    }
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum FileFormat {
    /// Text, with fields between delimiters.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, which Feather (version 2) is.
    ArrowIpc,
}

impl FileFormat {
    /// The endings of files that are read.
    pub const ENDINGS: &str = ".csv, .tsv, .txt, .parquet, .pq, .feather, .arrow or .ipc";

    /// What the ending of a file's name says.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "parquet" | "pq" => Some(Self::Parquet),
            "feather" | "arrow" | "ipc" => Some(Self::ArrowIpc),
            _ => None,
        }
    }

    /// The endings of files of this format.
    pub fn endings(self) -> &'static str {
        match self {
            Self::Csv => ".csv, .tsv or .txt",
            Self::Parquet => ".parquet or .pq",
            Self::ArrowIpc => ".feather, .arrow or .ipc",
        }
    }
}

/// What says the asset of a file's rows.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AssetName {
    /// A column.
    InColumn,
    /// A column, or the header, where either does; else the file's name without its ending.
    ByFile,
    /// The file's name without its ending. A column of assets it may have, if that says the same in every row.
    FileAlone,
    /// A column, or the header, where either does; else this name.
    Default(String),
    /// This name. A column of assets it may have, if that says the same in every row.
    Stated(String),
}
