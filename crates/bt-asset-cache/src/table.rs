use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use bt_core::{BundleName, BundleVersion, Error, ErrorKind, Frequency, Result};

use crate::kernel;

/// Bars in one long table: a row is one asset at one moment. Rows come in any order, in any number of batches.
///
/// | column | types |
/// |---|---|
/// | asset | `Utf8`, `LargeUtf8`, `Utf8View`, a dictionary of these, or any integer, whose name is its decimal text |
/// | timestamp | `Timestamp` of any unit (days lie in its zone, without one in UTC), `Date32`, `Date64`, or `Int64` nanoseconds |
/// | prices, volume, extra columns | `Float64`, `Float32`, any integer, `Decimal32`, `Decimal64`, `Decimal128`; null means NaN |
///
/// Assets are sorted by name, bytewise: of the integers 9 and 10, "10" comes first. White space around a name is not part
/// of it. Prices are taken as they are, infinite ones and a high below the low too: an ingest asks there, a table does not.
#[derive(Clone, Debug)]
pub struct Table {
    /// What the table contains and how it is read: the version of every bundle made of it. See [`version_as_read`].
    pub version: BundleVersion,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// Which column is which.
    pub columns: TableColumns,
    /// How far apart the bars are.
    pub frequency: Frequency,
    /// What the timestamps say about a bar; `None` where nobody said. See [`settled_label`](Self::settled_label).
    pub label: Option<Label>,
    /// The buffer that all batches' columns are slices of, where there is one: an Arrow IPC file, or a matrix of your
    /// own. With it, one batch that is sorted by (asset, time) is grouped without copying its prices, if they are `f64`
    /// without nulls at equal distances.
    pub memory: Option<Buffer>,
}

impl Table {
    /// A table of daily bars with the usual column names, whose timestamps say what is [safe](Self::settled_label).
    pub fn new(version: BundleVersion, batches: Vec<RecordBatch>) -> Self {
        Self {
            version,
            batches,
            columns: TableColumns::default(),
            frequency: Frequency::Daily,
            label: None,
            memory: None,
        }
    }

    /// What the timestamps say: the [label](Self::label), or where it is left out what never shows a bar before its end.
    /// See [`Label::settle`]; all batches are one column there.
    ///
    /// O(1) for each batch where the label is [`End`](Label::End) or the column holds dates; else a look at the timestamps
    /// up to the first that is no midnight.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use bt_asset_cache::arrow_array::{RecordBatch, TimestampSecondArray};
    /// use bt_asset_cache::{Label, Table};
    /// use bt_core::BundleVersion;
    /// let table = |seconds: Vec<i64>| {
    ///     let stamps = Arc::new(TimestampSecondArray::from(seconds)) as _;
    ///     let batch = RecordBatch::try_from_iter([("timestamp", stamps)]).unwrap();
    ///     Table::new(BundleVersion::of_bytes(b"rows"), vec![batch])
    /// };
    /// // A daily bar that is stamped 00:00 is the bar of the day that begins then.
    /// assert_eq!(table(vec![0, 86_400]).settled_label()?, Label::Date);
    /// assert_eq!(table(vec![0, 86_400 + 16 * 3_600]).settled_label()?, Label::Start);
    /// let stated = Table { label: Some(Label::End), ..table(vec![0, 86_400]) };
    /// assert_eq!(stated.settled_label()?, Label::End);
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where the timestamps are none, some dates and some not, or in a time
    /// zone that is unknown or not that of the batches before;
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) as [`Label::settle`] and [`Frequency::check`].
    pub fn settled_label(&self) -> Result<Label> {
        Ok(kernel::Reading::of(self)?.label)
    }

    /// Number of rows in all batches.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Bytes of the batches' buffers, shared ones counted once for each array.
    pub fn heap_bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// The one column of this name in a batch.
    pub(crate) fn column(&self, batch: usize, name: &str) -> Result<&ArrayRef> {
        let rows = &self.batches[batch];
        let fields = rows.schema_ref().fields();
        let mut found = (0..fields.len()).filter(|&at| fields[at].name() == name);
        match (found.next(), found.next()) {
            (Some(at), None) => Ok(rows.column(at)),
            (None, _) => Err(no_column(rows, batch, &format!("there is no column {name:?}"))),
            _ => Err(no_column(rows, batch, &format!("there is more than one column {name:?}"))),
        }
    }
}

/// What is wrong with the rows of the table `name`, by its name.
#[cold]
pub(crate) fn in_table(name: &BundleName, error: Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidInput { place, reason } => {
            Error::invalid_input(format!("table {name}, {place}"), reason.to_string())
        }
        _ => error,
    }
}

#[cold]
fn no_column(rows: &RecordBatch, batch: usize, reason: &str) -> Error {
    let schema = rows.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let names = names.join(", ");
    let reason = format!("{reason}; the columns are {names}; state which one is which in `Table::columns`");
    Error::invalid_input(format!("batch {}", batch + 1), reason)
}

/// The names of a [`Table`]'s columns.
///
/// ```
/// use bt_asset_cache::TableColumns;
/// let yahoo = TableColumns {
///     asset: "Ticker".into(),
///     timestamp: "Date".into(),
///     values: ["Open", "High", "Low", "Close", "Volume"].map(String::from),
///     extra: vec!["Adj Close".into()],
/// };
/// assert_eq!(yahoo.all_values().count(), 6);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableColumns {
    /// The asset's name or number.
    pub asset: String,
    /// The moment, see [`Label`].
    pub timestamp: String,
    /// Open, high, low, close and volume.
    pub values: [String; 5],
    /// Further numbers, which keep their names in the bundle.
    pub extra: Vec<String>,
}

impl Default for TableColumns {
    /// `asset`, `timestamp`, `open`, `high`, `low`, `close`, `volume`, and nothing else.
    fn default() -> Self {
        Self {
            asset: "asset".into(),
            timestamp: "timestamp".into(),
            values: bt_core::Field::NAMES.map(String::from),
            extra: Vec::new(),
        }
    }
}

impl TableColumns {
    /// Open, high, low, close, volume and the extra columns, in the order of [`Field`](bt_core::Field)s.
    pub fn all_values(&self) -> impl ExactSizeIterator<Item = &str> {
        let (values, extra) = (&self.values, &self.extra);
        (0..5 + extra.len()).map(move |at| values.get(at).unwrap_or_else(|| &extra[at - 5]).as_str())
    }
}

/// What the timestamp of a row says about its bar. In a bundle it is always the moment at which the bar became known.
///
/// Where nobody states it, it is [settled](Self::settle) on the safe side.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Label {
    /// The bar's end: the moment at which it became known. A date, which has no time, is the end of its day.
    End,
    /// The bar's start: it became known one bar later; daily bars, a day later. A date, or a midnight of daily bars, stands
    /// for its day.
    Start,
    /// Only the day is meant, whatever the time: the bar became known when that day was over, at the next midnight of
    /// the time zone in which days lie.
    Date,
}

impl Label {
    /// What stamps say, so that no bar is visible before its end: stated or not, of bars this far apart, which show this.
    ///
    /// | nothing is stated, and stamps show | daily bars | bars within a day |
    /// |---|---|---|
    /// | dates | [`Date`](Self::Date) | refused |
    /// | midnights | [`Date`](Self::Date) | [`Start`](Self::Start) |
    /// | other times | [`Start`](Self::Start) | [`Start`](Self::Start) |
    ///
    /// A start that is taken for an end would show a bar before it is over; an end that is taken for a start shows it one
    /// bar late. What is stated wins, but dates are [`Date`](Self::Date) in any case, and midnights that are starts of
    /// daily bars are their days.
    ///
    /// ```
    /// use bt_asset_cache::{Label, Shown};
    /// use bt_core::Frequency;
    /// let settle = |stated, shown| Label::settle(stated, Frequency::Daily, shown);
    /// assert_eq!(settle(None, Shown::Midnights)?, Label::Date);
    /// assert_eq!(settle(Some(Label::End), Shown::Midnights)?, Label::End);
    /// assert!(Label::settle(None, Frequency::Minutes(5), Shown::Dates).is_err());
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) for bars within a day whose stamps show or are said to be dates;
    /// for bars of weeks and months, unless they are said to be stamped with their end or its date.
    pub fn settle(stated: Option<Self>, frequency: Frequency, shown: Shown) -> Result<Self> {
        match (frequency, stated, shown) {
            (Frequency::Minutes(_), _, Shown::Dates) => {
                Err(Error::invalid_option("frequency", frequency, "1d, for the times are dates"))
            }
            (Frequency::Minutes(_), Some(Self::Date), _) => Err(Error::invalid_option(
                "label",
                "Date",
                "Start or End, for bars within a day are told apart by their times",
            )),
            (Frequency::Weekly | Frequency::Monthly, None | Some(Self::Start), _) => {
                let value = stated.map_or("not stated", |_| "Start");
                Err(Error::invalid_option(
                    "label",
                    value,
                    "End or Date for weekly and monthly bars, whose starts say nothing of their ends",
                ))
            }
            (_, _, Shown::Dates) => Ok(Self::Date),
            (_, Some(Self::End), _) => Ok(Self::End),
            (Frequency::Daily, _, Shown::Midnights) | (_, Some(Self::Date), _) => Ok(Self::Date),
            _ => Ok(Self::Start),
        }
    }
}

/// What all stamps of a column look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Days without a time.
    Dates,
    /// Times, each of them a midnight.
    Midnights,
    /// Times.
    Times,
}

/// Where long tables come from: the one trait to implement for Layer 1 on your own data.
///
/// [`Grouped`](crate::Grouped) makes a [`BundleSource`](bt_core::BundleSource) of it.
pub trait TableSource: Send + Sync + 'static {
    /// The current version of a table: what it contains, and how it is read. Cheap, since it is asked for on every
    /// access where every access checks.
    ///
    /// # Errors
    /// [`BundleNotFound`](bt_core::ErrorKind::BundleNotFound); whatever the storage meets.
    fn version(&self, name: &BundleName) -> Result<BundleVersion>;

    /// Reads the current table. Its [`version`](Table::version) is that of the rows which it holds, whatever
    /// [`version`](Self::version) said before.
    ///
    /// # Errors
    /// [`BundleNotFound`](bt_core::ErrorKind::BundleNotFound); whatever the storage meets.
    fn read(&self, name: &BundleName) -> Result<Table>;
}

impl<T: TableSource + ?Sized> TableSource for Arc<T> {
    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        T::version(self, name)
    }

    fn read(&self, name: &BundleName) -> Result<Table> {
        T::read(self, name)
    }
}

/// The version of a table whose files have this content, read in this way.
///
/// The same file with another price column, frequency or label gives other bars, so it must have another version.
///
/// ```
/// use bt_asset_cache::{Label, TableColumns, version_as_read};
/// use bt_core::{BundleVersion, Frequency};
/// let content = BundleVersion::of_bytes(b"the file");
/// let version = |label| version_as_read(content, &TableColumns::default(), Frequency::Daily, label);
/// assert_eq!(version(Some(Label::End)), version(Some(Label::End)));
/// assert_ne!(version(Some(Label::End)), version(None));
/// ```
pub fn version_as_read(
    content: BundleVersion,
    columns: &TableColumns,
    frequency: Frequency,
    label: Option<Label>,
) -> BundleVersion {
    // Lengths go before texts, so that no two readings spell the same rule.
    let mut rule = format!("table {frequency} {label:?}");
    for name in [columns.asset.as_str(), &columns.timestamp].into_iter().chain(columns.all_values()) {
        rule.push_str(&format!(" {}:{name}", name.len()));
    }
    content.derived(rule.as_bytes())
}

/// Whether a column has neither nulls nor another type than `f64`, and where it lies.
pub(crate) fn plain_f64(array: &dyn Array) -> Option<&[f64]> {
    let floats = array.as_any().downcast_ref::<arrow_array::Float64Array>()?;
    (floats.null_count() == 0).then(|| &floats.values()[..])
}
