//! `index.arrow`: everything about a bundle but its bars.
//!
//! One row of lists, because its parts have different lengths and opening one file costs less than opening four.

use std::ops::Range;

use bt_core::{
    Adjustment, AdjustmentKind, AssetList, BundleVersion, Conventions, Error, ErrorKind, Frequency, Result,
    Span, Timestamp,
};

use crate::ipc::{self, Kind, Table};
use crate::map::Region;

mod encode;

pub(crate) use encode::{Parts, encode};

/// The file's name.
pub(crate) const FILE: &str = "index.arrow";
const VERSION_KEY: &str = "bt.version";

/// An open `index.arrow`. What is large stays in the file.
pub(crate) struct Index {
    region: Region,
    pub(crate) version: BundleVersion,
    pub(crate) frequency: Frequency,
    pub(crate) conventions: Conventions,
    pub(crate) assets: AssetList,
    pub(crate) spans: Vec<Span>,
    adjustments: Vec<Adjustment>,
    /// The asset of each adjustment, ascending.
    adjusted: Range<usize>,
    calendar: Range<usize>,
    positions: Range<usize>,
}

impl Index {
    /// Reads what every reader needs, in O(assets + adjustments).
    pub(crate) fn open(region: Region, what: &str) -> Result<Self> {
        let table = Table::read(region.bytes(), what)?;
        let lists = Lists { table: &table, file: region.bytes(), what };
        let version = lists.metadata::<BundleVersion>(VERSION_KEY)?;
        let frequency = lists.metadata(ipc::FREQUENCY_KEY)?;
        let conventions = lists.conventions()?;
        let assets = lists.names("asset", version)?;
        let positions = lists.optional::<u32>("positions", Kind::UInt32)?.unwrap_or(0..0);
        let spans = spans(&lists, assets.len(), &positions)?;
        let (adjustments, adjusted) = adjustments(&lists, assets.len())?;
        let calendar = lists.place::<i64>("calendar", Kind::Timestamp)?;
        Ok(Self {
            version,
            frequency,
            conventions,
            assets,
            spans,
            adjustments,
            adjusted,
            calendar,
            positions,
            region,
        })
    }

    pub(crate) fn calendar(&self) -> &[Timestamp] {
        Timestamp::slice_from_nanos(self.numbers(&self.calendar))
    }

    pub(crate) fn positions(&self) -> &[u32] {
        self.numbers(&self.positions)
    }

    pub(crate) fn adjustments(&self, rank: usize) -> &[Adjustment] {
        let adjusted = self.numbers::<u32>(&self.adjusted);
        let start = adjusted.partition_point(|&asset| (asset as usize) < rank);
        let end = adjusted.partition_point(|&asset| asset as usize <= rank);
        &self.adjustments[start..end]
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.region.heap_bytes()
            + self.assets.heap_bytes()
            + self.spans.capacity() * size_of::<Span>()
            + self.adjustments.capacity() * size_of::<Adjustment>()
    }

    fn numbers<T: zerocopy::FromBytes + zerocopy::Immutable>(&self, place: &Range<usize>) -> &[T]
    where
        [T]: zerocopy::KnownLayout,
    {
        ipc::numbers(&self.region.bytes()[place.clone()]).expect("`open` checked alignment and length")
    }
}

/// The places of the assets: rows and tables follow each other in rank order, so that only their lengths are stored.
fn spans(lists: &Lists<'_>, assets: usize, positions: &Range<usize>) -> Result<Vec<Span>> {
    let len = lists.of_assets::<u32>("bars", Kind::UInt32, assets)?;
    let calendar_first = lists.of_assets::<u32>("calendar_first", Kind::UInt32, assets)?;
    let calendar_len = lists.of_assets::<u32>("calendar_len", Kind::UInt32, assets)?;
    let (mut first, mut positions_first) = (0, 0);
    let mut spans = Vec::with_capacity(assets);
    for rank in 0..assets {
        let (len, calendar_len) = (len[rank], calendar_len[rank]);
        let span = Span { first, positions_first, len, calendar_first: calendar_first[rank], calendar_len };
        first = span.end();
        positions_first += if span.has_gaps() { u64::from(calendar_len) } else { 0 };
        spans.push(span);
    }
    if positions_first == (positions.len() / size_of::<u32>()) as u64 {
        return Ok(spans);
    }
    Err(lists.damaged(&format!(
        "its tables of positions are not the {positions_first} entries of assets with gaps"
    )))
}

fn adjustments(lists: &Lists<'_>, assets: usize) -> Result<(Vec<Adjustment>, Range<usize>)> {
    let Some(place) = lists.optional::<u32>("adjusted_asset", Kind::UInt32)? else {
        return Ok((Vec::new(), 0..0));
    };
    let adjusted: &[u32] = lists.numbers_at(&place);
    let dates = lists.of_assets::<i64>("adjustment_ex_date", Kind::Timestamp, adjusted.len())?;
    let kinds = lists.of_assets::<u8>("adjustment_kind", Kind::UInt8, adjusted.len())?;
    let values = lists.of_assets::<f64>("adjustment_value", Kind::Float64, adjusted.len())?;
    let mut adjustments = Vec::with_capacity(adjusted.len());
    for ((&date, &kind), &value) in dates.iter().zip(kinds).zip(values) {
        adjustments.extend(adjustment(date, kind, value));
    }
    let ascending = adjusted.is_sorted() && adjusted.last().is_none_or(|&last| (last as usize) < assets);
    if ascending && adjustments.len() == adjusted.len() {
        return Ok((adjustments, place));
    }
    Err(lists.damaged("its adjustments are of unknown kind or out of order"))
}

fn adjustment(date: i64, kind: u8, value: f64) -> Option<Adjustment> {
    let kind = match kind {
        b'S' => AdjustmentKind::Split { ratio: value },
        b'D' => AdjustmentKind::Dividend { amount: value },
        _ => return None,
    };
    Some(Adjustment { ex_date: Timestamp::from_nanos(date), kind })
}

/// The one row of lists of an index.
struct Lists<'a> {
    table: &'a Table,
    file: &'a [u8],
    what: &'a str,
}

impl<'a> Lists<'a> {
    fn metadata<T: std::str::FromStr<Err = Error>>(&self, key: &str) -> Result<T> {
        let missing = || self.damaged(&format!("its metadata has no {key}"));
        let value = self.table.metadata(key).ok_or_else(missing)?;
        value.parse().map_err(|error: Error| self.damaged(&format!("its {key} cannot be read: {error}")))
    }

    /// Zone and label; days of UTC where the file says nothing.
    fn conventions(&self) -> Result<Conventions> {
        if let Some(basis) = self.table.metadata(ipc::BASIS_KEY) {
            let (what, found) = (format!("{}, the basis of its prices,", self.what), basis.to_owned());
            return Err(
                ErrorKind::UnsupportedFormat { what, found, supported: "prices as they were paid" }.into()
            );
        }
        let mut conventions = Conventions::UTC;
        if let Some(zone) = self.table.metadata(ipc::ZONE_KEY) {
            conventions.zone = zone.to_owned().into();
        }
        if self.table.metadata(ipc::LABEL_KEY).is_some() {
            conventions.label = self.metadata(ipc::LABEL_KEY)?;
        }
        Ok(conventions)
    }

    /// The number of the items' column of a list, and how many items there are.
    fn items(&self, name: &str, kind: Kind) -> Result<(usize, usize)> {
        let table = self.table;
        let list = table.position(name).filter(|&list| table.columns[list].kind == Kind::LargeList);
        let found =
            list.map(|list| list + 1).filter(|&item| table.columns.get(item).is_some_and(|c| c.kind == kind));
        let (Some(item), [batch]) = (found, table.batches.as_slice()) else {
            return Err(self.damaged(&format!("it has no list {name:?} of {kind:?}")));
        };
        let (rows, offsets) = batch.values(&table.columns, item - 1);
        let offsets = ipc::numbers::<i64>(&self.file[offsets]);
        let items = batch.values(&table.columns, item).0;
        let whole = rows == 1 && batch.rows == 1 && offsets == Some(&[0, items as i64]);
        let whole = whole && batch.nulls(item - 1) == 0 && batch.nulls(item) == 0;
        if whole {
            Ok((item, items))
        } else {
            Err(self.damaged(&format!("its list {name:?} is not one row")))
        }
    }

    /// Where the items of a list lie, once it is known that they can be read as `T`.
    fn place<T: zerocopy::FromBytes + zerocopy::Immutable>(
        &self,
        name: &str,
        kind: Kind,
    ) -> Result<Range<usize>>
    where
        [T]: zerocopy::KnownLayout,
    {
        let (item, items) = self.items(name, kind)?;
        let bytes = self.table.batches[0].values(&self.table.columns, item).1;
        let needed = items.checked_mul(size_of::<T>()).filter(|&needed| needed <= bytes.len());
        let place = needed.map(|needed| bytes.start..bytes.start + needed);
        let aligned = place.filter(|place| ipc::numbers::<T>(&self.file[place.clone()]).is_some());
        aligned.ok_or_else(|| self.damaged(&format!("its list {name:?} is short or not aligned")))
    }

    /// As [`place`](Self::place), of a list that is left out where it would be empty.
    fn optional<T: zerocopy::FromBytes + zerocopy::Immutable>(
        &self,
        name: &str,
        kind: Kind,
    ) -> Result<Option<Range<usize>>>
    where
        [T]: zerocopy::KnownLayout,
    {
        self.table.position(name).map(|_| self.place::<T>(name, kind)).transpose()
    }

    fn numbers_at<T: zerocopy::FromBytes + zerocopy::Immutable>(&self, place: &Range<usize>) -> &'a [T]
    where
        [T]: zerocopy::KnownLayout,
    {
        ipc::numbers(&self.file[place.clone()]).unwrap_or_default()
    }

    /// A list with one item for each asset (or adjustment).
    fn of_assets<T: zerocopy::FromBytes + zerocopy::Immutable>(
        &self,
        name: &str,
        kind: Kind,
        expected: usize,
    ) -> Result<&'a [T]>
    where
        [T]: zerocopy::KnownLayout,
    {
        let numbers = self.numbers_at::<T>(&self.place::<T>(name, kind)?);
        if numbers.len() == expected {
            return Ok(numbers);
        }
        Err(self.damaged(&format!("its list {name:?} has {} items of {expected}", numbers.len())))
    }

    fn names(&self, name: &str, version: BundleVersion) -> Result<AssetList> {
        let (item, items) = self.items(name, Kind::Utf8)?;
        let (batch, columns) = (&self.table.batches[0], &self.table.columns);
        let ends = ipc::numbers::<i32>(&self.file[batch.values(columns, item).1]).unwrap_or_default();
        let text = std::str::from_utf8(&self.file[batch.text(columns, item)]);
        let (Ok(text), true) = (text, Some(ends.len()) == items.checked_add(1) || items == 0) else {
            return Err(self.damaged("its asset names cannot be read"));
        };
        let (first, ends) = ends.split_first().unwrap_or((&0, &[]));
        let last = *ends.last().unwrap_or(first);
        let place = usize::try_from(*first).ok().zip(usize::try_from(last).ok());
        // Where there is no such text, no name can lie in it; a name that ends before the first starts wraps to a length
        // that no text has.
        let text = place.and_then(|(first, last)| text.get(first..last)).unwrap_or_default();
        AssetList::from_text(version, text, ends.iter().map(|end| end.wrapping_sub(*first) as u32).collect())
    }

    fn damaged(&self, reason: &str) -> Error {
        Error::corrupt(self.what, reason)
    }
}
