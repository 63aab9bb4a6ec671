use std::path::PathBuf;
use std::sync::LazyLock;

use bt_asset_cache::Label;
use bt_core::{Error, Frequency, Result, Zone};

use super::{SessionClose, TimeFormat};

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
    /// Which column is what, for columns whose name does not say it: the name as the input has it (case ignored).
    ///
    /// These names need no word, in any case, with any signs between their words (`<OPEN>`, `Open Price`):
    ///
    /// | column | known names |
    /// |---|---|
    /// | asset | `asset`, `ticker`, `symbol`, `sid`, `instrument`, `security`, `name`, `code` |
    /// | timestamp | `timestamp`, `date`, `datetime`, `date_time`, `time`, `ts`, `session`, `day` |
    /// | open | `open`, `o`, `open_price`, `px_open` |
    /// | high | `high`, `h`, `high_price`, `px_high` |
    /// | low | `low`, `l`, `low_price`, `px_low` |
    /// | close | `close`, `c`, `close_price`, `px_last`, `last` |
    /// | volume, which may be absent | `volume`, `v`, `vol`, `px_volume` |
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
    /// How CSV files write numbers.
    pub number_format: NumberFormat,
    /// What separates the fields of CSV files. `None`: whichever of `,` `;` tab `|` the header has most of.
    pub delimiter: Option<u8>,
    /// Names of the columns of CSV files that have no header line.
    pub header: Option<Vec<String>>,
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
            time_format: TimeFormat::Iso,
            number_format: NumberFormat::default(),
            delimiter: None,
            header: None,
            on_bad_row: BadRows::Fail,
            adjustments: None,
            memory_budget: 1 << 30,
            temporary_directory: None,
        }
    }
}

impl IngestOptions {
    /// The stated zone, or UTC.
    pub(super) fn zone(&self) -> &Zone {
        static UTC: LazyLock<Zone> = LazyLock::new(Zone::utc);
        self.zone.as_ref().unwrap_or(&UTC)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.memory_budget == 0 {
            return Err(Error::invalid_option("memory_budget", 0, "at least 1"));
        }
        self.frequency.map(Frequency::check).transpose()?;
        if let Some(delimiter) = self.delimiter.filter(|&byte| !can_delimit(byte)) {
            let allowed = "an ASCII character that is no letter, digit, quote or line end";
            return Err(Error::invalid_option("delimiter", format!("{:?}", delimiter as char), allowed));
        }
        let format = self.number_format;
        if format.thousands == Some(format.decimal) || !matches!(format.decimal, '.' | ',') {
            let allowed = "a decimal separator of . or , and another character between thousands";
            return Err(Error::invalid_option("number_format", format!("{format:?}"), allowed));
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
    /// The bar's time.
    Timestamp,
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
/// low, a negative volume, a second row for the same asset and time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BadRows {
    /// The ingest fails with file, line, column and reason, and nothing is published.
    #[default]
    Fail,
    /// The row is left out, counted and reported. Of rows for the same asset and time the first is kept.
    Skip,
}
