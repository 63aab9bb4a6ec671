use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use bt_core::{BundleName, BundleVersion, Error, Frequency, Result};

/// Bars in one long table: a row is one asset at one moment. Rows come in any order, in any number of batches.
///
/// | column | types |
/// |---|---|
/// | asset | `Utf8`, `LargeUtf8`, `Utf8View`, a dictionary of these, or any integer, whose name is its decimal text |
/// | timestamp | `Timestamp` of any unit (in a zone or not, Arrow's and ours are UTC), `Date32`, `Date64`, or `Int64` nanoseconds |
/// | prices, volume, extra columns | `Float64`, `Float32`, any integer, `Decimal32`, `Decimal64`, `Decimal128`; null means NaN |
///
/// Assets are sorted by name, bytewise: of the integers 9 and 10, "10" comes first.
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
    /// What the timestamps say about a bar.
    pub label: Label,
    /// The buffer that all batches' columns are slices of, where there is one: an Arrow IPC file, or a matrix of your
    /// own. With it, one batch that is sorted by (asset, time) is grouped without copying its prices, if they are `f64`
    /// without nulls at equal distances.
    pub memory: Option<Buffer>,
}

impl Table {
    /// A table of daily bars with the usual column names, whose timestamps say when a bar became known.
    pub fn new(version: BundleVersion, batches: Vec<RecordBatch>) -> Self {
        Self {
            version,
            batches,
            columns: TableColumns::default(),
            frequency: Frequency::Daily,
            label: Label::default(),
            memory: None,
        }
    }

    /// Number of rows in all batches.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Bytes of the batches' buffers, shared ones counted once for each array.
    pub fn heap_bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// The column of this name in each batch.
    pub(crate) fn column(&self, batch: usize, name: &str) -> Result<&ArrayRef> {
        let found = self.batches[batch].column_by_name(name);
        found.ok_or_else(|| missing_column(&self.batches[batch], batch, name))
    }
}

#[cold]
fn missing_column(columns: &RecordBatch, batch: usize, name: &str) -> Error {
    let schema = columns.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    Error::invalid_input(
        format!("batch {batch}"),
        format!("there is no column {name:?}; the columns are {}", names.join(", ")),
    )
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

/// What a [`Table`]'s timestamp says about its bar. In a bundle it is always the moment at which the bar became known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Label {
    /// The bar's end: the moment at which it became known. Where the column's type is a date, the end of that day in
    /// UTC, which is the next midnight.
    #[default]
    End,
    /// The bar's start: it became known one bar later; daily bars, 24 hours later.
    Start,
    /// Only the day is meant, whatever the column's type: the bar became known at the next midnight in UTC.
    Date,
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
/// assert_eq!(version(Label::End), version(Label::End));
/// assert_ne!(version(Label::End), version(Label::Date));
/// ```
pub fn version_as_read(
    content: BundleVersion,
    columns: &TableColumns,
    frequency: Frequency,
    label: Label,
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
