//! What can be wrong with input, as types: the library says it in its own terms, a program in those of its users.

use std::fmt::{self, Write as _};

use bt_core::{Error, Frequency, Timestamp};

use super::{Column, DateOrder};

mod advice;
mod display;
mod examples;

pub use advice::Advice;

/// Something that was found at a place of the input.
///
/// An ingest that fails for what its input holds returns [`ErrorKind::InvalidInput`](bt_core::ErrorKind::InvalidInput), whose
/// `reason` is one of these: [`Finding::of`] finds it.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// A place in the input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The file, or `record batches`.
    pub source: String,
    /// The line or row; `None` where the whole input is meant.
    pub row: Option<RowNumber>,
    /// The column as the input names it; `None` where the whole row is meant.
    pub column: Option<String>,
}

/// The number of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowNumber {
    /// Of a text file, whose first line is 1.
    Line(u64),
    /// Of a table, whose first row is 1.
    Row(u64),
}

/// How often something was found, and the first places.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Findings {
    /// How many rows, or values.
    pub count: u64,
    /// The first ten.
    pub examples: Vec<Finding>,
}

/// What is wrong, or only odd, by domain.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Which column is what.
    Header(HeaderFault),
    /// A date or time.
    Time(TimeFault),
    /// A number.
    Number(NumberFault),
    /// An asset's name.
    Asset(AssetFault),
    /// A row as a whole.
    Row(RowFault),
    /// How far apart bars are.
    Frequency(FrequencyFault),
    /// A file as a whole.
    File(FileFault),
    /// A split or dividend.
    Adjustment(AdjustmentFault),
    /// Options, by what the input shows.
    Options(OptionConflict),
}

/// What is wrong with the columns of an input.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum HeaderFault {
    /// There is nothing in the file.
    Empty,
    /// Columns that a bundle needs are not there.
    Missing {
        /// What is missing, each with the names that are known for it.
        missing: Vec<(Column, &'static [&'static str])>,
        /// The columns that there are.
        found: Vec<String>,
        /// Those of them that are not known to be anything.
        unclaimed: Vec<String>,
        /// What separates the fields of a text file.
        delimiter: Option<char>,
        /// Lines of a text file that were looked at, none of which names columns of bars; 0 where one does.
        lines: usize,
        /// Whether a file without a column for the asset could be one asset.
        could_be_one_asset: bool,
    },
    /// The first line holds values, and no names.
    Absent {
        /// The first line.
        first: Vec<String>,
    },
    /// Two columns could be the same thing.
    Ambiguous {
        /// The columns.
        columns: [String; 2],
        /// What either could be.
        what: Column,
    },
    /// Two columns would become extra columns of one name.
    SameExtra {
        /// The columns.
        columns: [String; 2],
        /// The name.
        name: String,
    },
    /// A column that was stated is not there.
    NoSuchColumn {
        /// The name that was stated.
        name: String,
        /// What it was stated to be.
        what: Column,
        /// The columns that there are.
        found: Vec<String>,
    },
    /// Several assets stand side by side.
    Wide {
        /// The first of them, where something names them.
        assets: Vec<String>,
        /// Columns that show it.
        columns: Vec<String>,
    },
    /// There are more columns than are read, or the header is longer than a line may be.
    TooLarge {
        /// Columns found; `None` where the line did not end.
        columns: Option<usize>,
        /// The most columns, or bytes of a line.
        most: usize,
    },
    /// An extra column of the first input is not in this one.
    ExtraMissing {
        /// The column.
        name: String,
        /// The first input.
        first: String,
    },
    /// An extra column of this input is not in the first.
    ExtraNew {
        /// The column.
        name: String,
        /// The first input.
        first: String,
    },
    /// The file is no text, or no table.
    OtherFormat {
        /// What it is.
        what: &'static str,
    },
    /// A quote that opens in the header takes the rows below into a name.
    OpenQuote {
        /// The name.
        name: String,
    },
    /// The name of a column is not UTF-8.
    NotUtf8 {
        /// What can be read of it.
        name: String,
    },
    /// All rows have another number of fields than the header has names.
    Fields {
        /// Fields of the rows.
        found: usize,
        /// Names.
        expected: usize,
    },
    /// A record batch has other columns than those before.
    Changed {
        /// The columns before.
        before: Vec<String>,
    },
    /// A column has a type that cannot hold what it should.
    WrongType {
        /// The type.
        found: String,
        /// Types that can.
        allowed: &'static str,
    },
}

/// What is wrong with a date or time.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum TimeFault {
    /// It is not there.
    Missing,
    /// It is written in no known way.
    Unreadable {
        /// The text.
        text: String,
        /// What was expected, with an example.
        expected: String,
        /// Whether somebody stated the format.
        is_stated: bool,
    },
    /// It is a number whose unit nothing tells.
    Number {
        /// The number.
        text: String,
    },
    /// There is no such day or time of day.
    NoSuchDay {
        /// The text.
        text: String,
    },
    /// It is outside of what a bundle holds.
    OutOfRange {
        /// The text.
        text: String,
    },
    /// Nothing in the ingest tells in which order its dates are written.
    DateOrder {
        /// The first value.
        text: String,
        /// The days that it can be, each with its order.
        readings: Vec<(DateOrder, String)>,
    },
    /// It is a day only in another order than that of other dates of the input.
    OtherOrder {
        /// The text.
        text: String,
        /// The order in which it is a day.
        order: DateOrder,
        /// The order of other dates.
        of_others: DateOrder,
    },
    /// It names the clocks of the zone otherwise than they go by on that day.
    Abbreviation {
        /// The text.
        text: String,
        /// The name.
        name: String,
        /// The zone.
        zone: String,
    },
    /// The wall clock of the zone shows it twice.
    Twice {
        /// The text.
        text: String,
        /// The zone.
        zone: String,
    },
    /// The wall clock of the zone skips it.
    Skipped {
        /// The text.
        text: String,
        /// The zone.
        zone: String,
    },
    /// Its zone is not known.
    Zone {
        /// The text.
        text: String,
        /// The zone.
        zone: String,
    },
    /// Some rows have dates alone, others have times.
    Mixed {
        /// Whether this row has a time.
        has_time: bool,
        /// The first row of the other kind.
        other: Place,
    },
    /// Inputs name different zones.
    Zones {
        /// The zone of the first.
        first: String,
        /// The zone of this one.
        other: String,
    },
    /// An earlier append or ingest took the end of this day for another moment.
    MovedDay {
        /// When the bundle's last bar became known.
        known: Timestamp,
        /// When its day ends by this input.
        ends: Timestamp,
    },
}

/// What is wrong with a number.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum NumberFault {
    /// It is none.
    Unreadable {
        /// The text.
        text: String,
        /// Whether separators that nobody stated may be why.
        has_separators: bool,
        /// Whether no bar can do without it.
        is_price: bool,
    },
    /// Its one comma may be a decimal one or stand between thousands.
    DecimalOrThousands {
        /// The text.
        text: String,
        /// The number with a decimal comma.
        decimal: f64,
        /// The number with commas between thousands.
        thousands: f64,
    },
    /// It is not UTF-8.
    NotUtf8 {
        /// The text, with replacement characters.
        text: String,
    },
    /// It is infinite, or too large.
    NotFinite {
        /// The text.
        text: String,
    },
    /// It is missing, and kept as NaN.
    Missing,
}

/// What is wrong with the name of an asset.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum AssetFault {
    /// It is not there.
    Missing,
    /// It is empty, too long, or has control characters.
    Name {
        /// The name, cut short.
        name: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// It is not UTF-8.
    NotUtf8 {
        /// The text, with replacement characters.
        text: String,
    },
    /// The asset was stated, and a column says that there are several.
    Several {
        /// The one here.
        name: String,
        /// The first one.
        first: String,
    },
    /// The file's name is to be the asset's, and cannot be.
    FileName,
}

/// What is wrong, or odd, with a row.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum RowFault {
    /// It has another number of fields than the header.
    Fields {
        /// How many it has.
        found: usize,
        /// How many the header has.
        expected: usize,
    },
    /// Its line does not end.
    TooLong {
        /// The longest that is read, in bytes.
        most: usize,
    },
    /// Its high is below its low.
    HighBelowLow {
        /// The high.
        high: f64,
        /// The low.
        low: f64,
    },
    /// Its volume is below 0.
    NegativeVolume {
        /// The volume.
        volume: f64,
    },
    /// Its open or close is outside low and high. It is kept.
    Outside {
        /// The price.
        price: f64,
        /// The low.
        low: f64,
        /// The high.
        high: f64,
    },
    /// It has a price of 0 or below. It is kept.
    NotAboveZero {
        /// The price.
        price: f64,
    },
    /// It has no price, and is no bar.
    Unpriced,
    /// A quote opens a field that nothing closes, or that goes on behind the quote that closes it some lines below.
    OpenQuote,
    /// It says the same as an earlier row.
    Repeated {
        /// The earlier row.
        earlier: Place,
    },
    /// Another row is for the same asset and time, with other values.
    Duplicate {
        /// The asset.
        asset: String,
        /// When the earlier bar became known.
        known: Timestamp,
        /// Whether both are bars of one day, known at two moments.
        is_of_day: bool,
        /// The earlier row.
        earlier: Box<Place>,
        /// Whether the file's name was taken for the asset.
        is_named_by_file: bool,
        /// A column of times of day that is not read.
        unread_clock: Option<String>,
        /// A column that is not read and that says which of such rows is which: that of the expiries of futures.
        apart: Option<String>,
    },
    /// No row is a bar.
    None {
        /// How many rows there are.
        read: u64,
        /// The first that could not become one.
        first: Option<Box<Finding>>,
    },
}

/// What is wrong with the distances of bars.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum FrequencyFault {
    /// No asset has two bars near each other.
    Unknown,
    /// The commonest distance is none that a bundle has.
    Unusual {
        /// The distance, in nanoseconds.
        nanos: i64,
    },
    /// Most bars are so many days apart.
    FarApart {
        /// The commonest distance, in days.
        days: i64,
    },
    /// An asset has bars of another frequency than most.
    OfAsset {
        /// The asset.
        asset: String,
        /// Its frequency.
        frequency: Frequency,
        /// That of most bars.
        most: Frequency,
    },
    /// The bars of an asset are further apart than daily ones, and are neither weekly nor monthly.
    AssetFarApart {
        /// The asset.
        asset: String,
        /// How far apart they are, in days.
        days: i64,
        /// The frequency of most bars.
        most: Frequency,
    },
    /// Bars are stamped with months alone, and are none of months.
    Months {
        /// What they are stated to be.
        frequency: Frequency,
    },
    /// Weekly or monthly bars are stamped with their starts.
    Starts {
        /// The frequency.
        frequency: Frequency,
    },
    /// Nothing says whether weekly or monthly bars are stamped with their start or their end.
    StartOrEnd {
        /// The frequency.
        frequency: Frequency,
    },
}

/// What is wrong with a file.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum FileFault {
    /// It is a device, a pipe or a socket.
    NotRegular,
    /// It is a folder without a file that could be read.
    EmptyFolder {
        /// The endings that were looked for.
        endings: &'static str,
    },
    /// Its text is not what its encoding allows.
    Encoding {
        /// The encoding.
        encoding: &'static str,
    },
    /// It is damaged, or no file of its kind.
    Damaged {
        /// What its reader says.
        reason: String,
    },
    /// It is compressed in a way that is not read.
    Compression {
        /// The way.
        name: String,
        /// The cargo feature that would read it.
        feature: Option<&'static str>,
        /// The ways that this build reads.
        supported: &'static str,
    },
}

/// What is wrong with a split or dividend.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum AdjustmentFault {
    /// No asset of this name has bars.
    UnknownAsset {
        /// The name.
        name: String,
    },
    /// It is neither a split nor a dividend.
    Kind {
        /// The text.
        text: String,
    },
    /// Its value is not above 0.
    Value {
        /// The text.
        text: String,
    },
    /// The asset has one of the kind on this day already.
    Repeated {
        /// The first moment of the day.
        ex_date: Timestamp,
    },
    /// The file lacks a column.
    Column {
        /// The names that it could have.
        known: &'static [&'static str],
        /// The columns that there are.
        found: Vec<String>,
    },
}

/// Options that contradict each other, or what the input shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OptionConflict {
    /// A session close is stated for bars within the day.
    CloseWithinDays {
        /// The frequency of the bars.
        frequency: Frequency,
    },
    /// A session close is stated, and that the times are the ends of bars.
    CloseAndEnds,
    /// A session close is stated, and that the times are the starts of weekly or monthly bars.
    CloseAndStarts {
        /// The frequency of the bars.
        frequency: Frequency,
    },
}

impl Finding {
    pub(super) fn new(place: Place, fault: impl Into<Fault>) -> Self {
        let mut fault = fault.into();
        if let Fault::Header(header) = &mut fault {
            header.names().into_iter().for_each(cut_short);
        }
        Self { place, fault }
    }

    /// Of a whole file.
    #[cfg(any(feature = "parquet", feature = "ipc"))]
    pub(crate) fn of_file(path: &std::path::Path, fault: FileFault) -> Self {
        Self::new(Place::of(path.display().to_string()), fault)
    }

    /// The finding for which an ingest failed.
    pub fn of(error: &Error) -> Option<&Self> {
        match error.kind() {
            bt_core::ErrorKind::InvalidInput { reason, .. } => reason.downcast_ref(),
            _ => None,
        }
    }
}

impl Fault {
    /// Whether it is the whole source that is wrong, so that leaving out a row would not do.
    pub(super) fn is_of_source(&self) -> bool {
        matches!(self, Self::Asset(AssetFault::Several { .. }) | Self::Time(TimeFault::OtherOrder { .. }))
    }
}

impl Place {
    /// A whole input.
    pub(super) fn of(source: impl Into<String>) -> Self {
        Self { source: source.into(), row: None, column: None }
    }

    /// A column of this place.
    pub(super) fn column(self, name: &str) -> Self {
        Self { column: Some(excerpt(name.as_bytes())), ..self }
    }
}

impl Findings {
    const EXAMPLES: usize = 10;

    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        self.count += 1;
        if self.examples.len() < Self::EXAMPLES {
            self.examples.push(finding());
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.count += other.count;
        let room = Self::EXAMPLES - self.examples.len();
        self.examples.extend(other.examples.into_iter().take(room));
    }

    /// Takes back what was found in a row that is no bar after all.
    pub(super) fn take_back(&mut self, row: &Place, count: u64) {
        self.count = self.count.saturating_sub(count);
        self.examples.retain(|one| (&one.place.source, one.place.row) != (&row.source, row.row));
    }
}

/// Texts that are no tables.
pub(super) const PAGE: &str = "a page of HTML";
pub(super) const XML: &str = "XML";
pub(super) const JSON: &str = "JSON";

impl HeaderFault {
    /// Whether a text is no table of bars at all.
    pub(super) fn is_no_table(&self) -> bool {
        match self {
            Self::Missing { .. } => true,
            Self::OtherFormat { what } => [PAGE, XML, JSON].contains(what),
            _ => false,
        }
    }

    /// The names in it that are the input's.
    fn names(&mut self) -> Vec<&mut String> {
        match self {
            Self::Missing { found, unclaimed, .. } => found.iter_mut().chain(unclaimed).collect(),
            Self::Absent { first: names } | Self::Changed { before: names } => names.iter_mut().collect(),
            Self::Ambiguous { columns, .. } => columns.iter_mut().collect(),
            Self::SameExtra { columns, name } => columns.iter_mut().chain([name]).collect(),
            Self::NoSuchColumn { name, found, .. } => found.iter_mut().chain([name]).collect(),
            Self::Wide { assets, columns } => assets.iter_mut().chain(columns).collect(),
            Self::ExtraMissing { name, .. } | Self::ExtraNew { name, .. } => vec![name],
            Self::WrongType { found: name, .. } | Self::NotUtf8 { name } | Self::OpenQuote { name } => {
                vec![name]
            }
            Self::Empty | Self::TooLarge { .. } | Self::Fields { .. } | Self::OtherFormat { .. } => {
                Vec::new()
            }
        }
    }
}

/// An error is a line that people read, and a file may have names of any length.
fn cut_short(name: &mut String) {
    *name = excerpt(name.as_bytes());
}

/// The first characters of a text: what a message can hold of any value.
pub(super) fn excerpt(text: &[u8]) -> String {
    const CHARACTERS: usize = 60;
    let start = &text[..text.len().min(4 * CHARACTERS)];
    let lossy = String::from_utf8_lossy(start);
    let is_cut = text.len() > start.len() || lossy.chars().count() > CHARACTERS;
    lossy.chars().take(CHARACTERS).chain(is_cut.then_some('…')).collect()
}

impl fmt::Display for RowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A file's name may hold what controls a terminal, or ends a line.
        self.source.chars().try_for_each(|character| match character.is_control() {
            true => write!(f, "{}", character.escape_default()),
            false => f.write_char(character),
        })?;
        if let Some(row) = self.row {
            write!(f, ", {row}")?;
        }
        match &self.column {
            Some(column) => write!(f, ", column {column:?}"),
            None => Ok(()),
        }
    }
}

/// The fault. Its place stands in front of it wherever it is shown: in the message of an error, in a report.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for Finding {}

impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        Self::invalid_input(finding.place.to_string(), finding)
    }
}

macro_rules! domains {
    ($($domain:ident: $kind:ident),*) => {
        $(impl From<$kind> for Fault {
            fn from(fault: $kind) -> Self {
                Self::$domain(fault)
            }
        })*
    };
}

domains! {
    Header: HeaderFault, Time: TimeFault, Number: NumberFault, Asset: AssetFault, Row: RowFault, Frequency: FrequencyFault,
    File: FileFault, Adjustment: AdjustmentFault, Options: OptionConflict
}
