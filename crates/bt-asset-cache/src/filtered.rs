use std::str::FromStr;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, LargeStringArray, PrimitiveArray, Scalar, StringArray,
    StringViewArray, types as t,
};
use arrow_ord::cmp::eq;
use arrow_schema::DataType;
use arrow_select::filter::{FilterBuilder, FilterPredicate};
use bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleName, BundleSource, BundleVersion, Calendar, Conventions, Error,
    ErrorKind, Frequency, Result, Timestamp,
};
use once_cell::sync::OnceCell;

use crate::kernel::{
    Assets, Names, Place, Reading, Times, Values, check_range, distinct_names, sort_in_time, times,
};
use crate::table::in_table;
use crate::{GroupedBars, Table, TableSource};

/// A table as a bundle *without* Layer 1: what a backtest does that has only the long table.
///
/// The asset list is extracted anew for every trial, and each asset's rows are filtered out of the whole table and
/// converted to `f64` when a trial first asks for them. Its bars have the same bits as [`GroupedBars`] of the same
/// table. It is there to be compared with, and to switch Layer 1 off in production when in doubt.
///
/// An asset with a fault (two bars at one moment, a timestamp out of range) is refused when it is asked for; grouping
/// refuses the table.
///
/// # Complexity
/// [`fresh`](Self::fresh) is O(rows), and so is the first [`bars`](Bundle::bars) of each asset.
#[derive(Debug)]
pub struct FilteredBars {
    shared: Arc<Shared>,
    assets: AssetList,
    /// Whether names have white space around them in the table.
    padded: bool,
    /// What this trial has asked for, by rank.
    bars: Box<[OnceCell<AssetRows>]>,
}

/// What the table itself holds; nothing of it is made by grouping or by a trial.
#[derive(Debug)]
struct Shared {
    table: Table,
    reading: Reading,
    conventions: Conventions,
    calendar: Vec<Timestamp>,
}

#[derive(Debug)]
struct AssetRows {
    timestamps: Vec<i64>,
    values: Vec<f64>,
}

impl FilteredBars {
    /// Takes a table, and starts the first trial on it.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where assets or timestamps cannot be read. As
    /// [`Table::settled_label`].
    pub fn from_table(table: Table) -> Result<Self> {
        // Assets first, as grouping does, so that of several faults both tell the same.
        let assets = assets(&table)?;
        let reading = Reading::of(&table)?;
        let calendar = calendar(&table, &reading)?;
        check_range(&calendar, &table, &reading)?;
        let conventions = reading.conventions();
        Ok(Self::start(Arc::new(Shared { table, reading, conventions, calendar }), assets))
    }

    /// The same table for the next trial, with nothing kept of this one.
    ///
    /// # Errors
    /// As [`from_table`](Self::from_table).
    pub fn fresh(&self) -> Result<Self> {
        Ok(Self::start(Arc::clone(&self.shared), assets(&self.shared.table)?))
    }

    fn start(shared: Arc<Shared>, (assets, padded): (AssetList, bool)) -> Self {
        let bars = assets.ids().map(|_| OnceCell::new()).collect();
        Self { shared, assets, padded, bars }
    }

    fn extract(&self, rank: usize, asset: AssetId) -> Result<&AssetRows> {
        self.bars[rank].get_or_try_init(|| {
            let Shared { table, reading, .. } = &*self.shared;
            // Rows are numbered anew by the filter; grouping finds the fault where it lies in the table.
            filter(table, reading, self.assets.name(asset)?, self.padded)
                .map_err(|error| GroupedBars::from_table(table).err().unwrap_or(error))
        })
    }
}

impl Bundle for FilteredBars {
    fn version(&self) -> BundleVersion {
        self.assets.version()
    }

    fn assets(&self) -> &AssetList {
        &self.assets
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar::from_sorted(&self.shared.calendar)
    }

    fn frequency(&self) -> Frequency {
        self.shared.table.frequency
    }

    fn conventions(&self) -> &Conventions {
        &self.shared.conventions
    }

    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        let rows = self.extract(self.assets.rank(asset)?, asset)?;
        Bars::new(Timestamp::slice_from_nanos(&rows.timestamps), &rows.values, rows.timestamps.len())
    }

    /// The table, and what this trial has converted so far.
    fn heap_bytes(&self) -> usize {
        let bytes = |rows: &AssetRows| size_of_val(&rows.timestamps[..]) + size_of_val(&rows.values[..]);
        self.shared.table.heap_bytes()
            + size_of_val(&self.shared.calendar[..])
            + self.assets.heap_bytes()
            + self.bars.iter().map(|rows| size_of_val(rows) + rows.get().map_or(0, bytes)).sum::<usize>()
    }

    fn extra_columns(&self) -> &[String] {
        &self.shared.table.columns.extra
    }
}

/// The asset list, and whether names have white space around them in the table.
fn assets(table: &Table) -> Result<(AssetList, bool)> {
    let (names, padded) = distinct_names(table)?;
    let mut names = names.into_vec();
    names.sort_unstable();
    Ok((AssetList::new(table.version, names)?, padded))
}

fn calendar(table: &Table, reading: &Reading) -> Result<Vec<Timestamp>> {
    let (mut calendar, mut scratch) = (Vec::new(), Vec::new());
    for batch in 0..table.batches.len() {
        let rows = table.batches[batch].num_rows();
        calendar.extend_from_slice(times(table, batch, reading)?.read(0..rows, &mut scratch)?);
        // In order of time, that is all there is to do; what is left are few moments, or a run of them for each asset.
        calendar.dedup();
    }
    calendar.sort();
    calendar.dedup();
    Ok(calendar.into_iter().map(Timestamp::from_nanos).collect())
}

/// One asset's rows of the whole table, by a mask over it.
fn filter(table: &Table, reading: &Reading, asset: &str, padded: bool) -> Result<AssetRows> {
    let masks: Vec<_> =
        (0..table.batches.len()).map(|batch| mask(table, batch, asset, padded)).collect::<Result<_>>()?;
    let rows = masks.iter().map(FilterPredicate::count).sum();
    let columns = table.columns.all_values().len();
    let (mut timestamps, mut values) = (vec![0; rows], vec![0.0; rows * columns]);
    let mut first = 0;
    for (batch, mask) in masks.iter().enumerate().filter(|(_, mask)| mask.count() > 0) {
        let (count, to) = (mask.count(), first..first + mask.count());
        let (column, select) = (table.columns.timestamp.as_str(), |name| select(table, batch, name, mask));
        let stamps = select(column)?;
        Times::new(&stamps, reading, Place { batch, column })?
            .write(0..count, &mut timestamps[to.clone()])?;
        for (column, target) in table.columns.all_values().zip(values.chunks_mut(rows)) {
            let selected = select(column)?;
            let values = Values::new(&selected).map_err(|fault| Place { batch, column }.error(fault));
            values?.write(0..count, &mut target[to.clone()]);
        }
        first = to.end;
    }
    sort_in_time(asset, &mut timestamps, &mut values, rows, 0..rows)?;
    Ok(AssetRows { timestamps, values })
}

fn mask(table: &Table, batch: usize, asset: &str, padded: bool) -> Result<FilterPredicate> {
    let array = table.column(batch, &table.columns.asset)?;
    if padded {
        return mask_by_name(array, asset, Place { batch, column: &table.columns.asset });
    }
    match scalar(array.data_type(), asset) {
        Some(name) => {
            let mask = eq(array, &Scalar::new(name)).map_err(Error::other)?;
            Ok(FilterBuilder::new(&mask).optimize().build())
        }
        // A number that this batch's type cannot hold.
        None => Ok(FilterBuilder::new(&vec![false; array.len()].into()).build()),
    }
}

/// For texts that are the same name without being the same.
fn mask_by_name(array: &dyn Array, asset: &str, place: Place<'_>) -> Result<FilterPredicate> {
    let mut names = Names::default();
    let wanted = names.number(asset);
    let numbers = Assets::new(array).map_err(|fault| place.error(fault))?.numbers(&mut names, &mut |_| ());
    let mask: Vec<bool> = numbers.into_iter().map(|number| number == wanted).collect();
    Ok(FilterBuilder::new(&mask.into()).build())
}

fn select(table: &Table, batch: usize, column: &str, mask: &FilterPredicate) -> Result<ArrayRef> {
    mask.filter(table.column(batch, column)?).map_err(Error::other)
}

/// An asset's name as a value of a column's type.
fn scalar(column: &DataType, name: &str) -> Option<ArrayRef> {
    Some(match column {
        DataType::Dictionary(_, values) => return scalar(values, name),
        DataType::Utf8 => Arc::new(StringArray::from(vec![name])),
        DataType::LargeUtf8 => Arc::new(LargeStringArray::from(vec![name])),
        DataType::Utf8View => Arc::new(StringViewArray::from(vec![name])),
        DataType::Int8 => integer::<t::Int8Type>(name)?,
        DataType::Int16 => integer::<t::Int16Type>(name)?,
        DataType::Int32 => integer::<t::Int32Type>(name)?,
        DataType::Int64 => integer::<t::Int64Type>(name)?,
        DataType::UInt8 => integer::<t::UInt8Type>(name)?,
        DataType::UInt16 => integer::<t::UInt16Type>(name)?,
        DataType::UInt32 => integer::<t::UInt32Type>(name)?,
        DataType::UInt64 => integer::<t::UInt64Type>(name)?,
        _ => return None,
    })
}

fn integer<T>(name: &str) -> Option<ArrayRef>
where
    T: ArrowPrimitiveType<Native: FromStr + ToString>,
{
    // "09" and "+9" are names of other assets than 9 is.
    let value = name.parse().ok().filter(|value: &T::Native| value.to_string() == name)?;
    Some(Arc::new(PrimitiveArray::<T>::from_value(value, 1)))
}

/// A source of tables as a source of bundles *without* Layer 1: every opening reads the table, and nothing is kept.
#[derive(Clone, Debug)]
pub struct Filtered<T>(pub T);

impl<T: TableSource> BundleSource for Filtered<T> {
    type Bundle = FilteredBars;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.0.version(name)
    }

    fn open(&self, name: &BundleName) -> Result<Arc<FilteredBars>> {
        let bars = FilteredBars::from_table(self.0.read(name)?);
        bars.map(Arc::new).map_err(|error| in_table(name, error))
    }

    /// The current version: a table's history is not kept.
    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<FilteredBars>> {
        let table = self.0.read(name)?;
        if table.version != version {
            return Err(ErrorKind::VersionNotFound { name: name.clone(), version }.into());
        }
        let bars = FilteredBars::from_table(table);
        bars.map(Arc::new).map_err(|error| in_table(name, error))
    }
}
