//! `index.arrow`: everything about a bundle but its bars.
//!
//! One row of lists, because its parts have different lengths and opening one file costs less than opening four.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use bt_core::{
    Adjustment, AdjustmentKind, AssetDigest, AssetList, BundleVersion, Digest, Error, Frequency, Result,
    Span, Timestamp,
};
use zerocopy::IntoBytes;

use crate::ipc::{self, Kind, Plan, Table};
use crate::map::Region;

/// The file's name.
pub(crate) const FILE: &str = "index.arrow";
const VERSION_KEY: &str = "bt.version";
const FREQUENCY_KEY: &str = "bt.frequency";

/// An open `index.arrow`. What is large stays in the file.
pub(crate) struct Index {
    region: Region,
    pub(crate) version: BundleVersion,
    pub(crate) frequency: Frequency,
    pub(crate) assets: AssetList,
    pub(crate) spans: Vec<Span>,
    adjustments: Vec<Adjustment>,
    /// The asset of each adjustment, ascending.
    adjusted: Range<usize>,
    calendar: Range<usize>,
    positions: Range<usize>,
    leaves: Range<usize>,
}

impl Index {
    /// Reads what every reader needs, in O(assets + adjustments).
    pub(crate) fn open(region: Region, what: &str) -> Result<Self> {
        let table = Table::read(region.bytes(), what)?;
        let lists = Lists { table: &table, file: region.bytes(), what };
        let version = lists.metadata::<BundleVersion>(VERSION_KEY)?;
        let frequency = lists.metadata(FREQUENCY_KEY)?;
        let assets = lists.names("asset", version)?;
        let spans = spans(&lists, assets.len())?;
        let (adjustments, adjusted) = adjustments(&lists, assets.len())?;
        let calendar = lists.place::<i64>("calendar", Kind::Timestamp)?;
        let positions = lists.place::<u32>("positions", Kind::UInt32)?;
        let leaves = lists.place::<[u8; 32]>("digests", Kind::Digest)?;
        Ok(Self {
            version,
            frequency,
            assets,
            spans,
            adjustments,
            adjusted,
            calendar,
            positions,
            leaves,
            region,
        })
    }

    pub(crate) fn calendar(&self) -> &[Timestamp] {
        Timestamp::slice_from_nanos(self.numbers(&self.calendar))
    }

    pub(crate) fn positions(&self) -> &[u32] {
        self.numbers(&self.positions)
    }

    /// The digests of all assets' columns: for each asset its timestamps, its columns and its adjustments.
    pub(crate) fn leaves(&self) -> &[Digest] {
        self.numbers(&self.leaves)
    }

    /// The digests of one asset of a bundle with this many columns.
    pub(crate) fn leaf(&self, rank: usize, columns: usize) -> AssetDigest {
        let leaves = &self.leaves()[rank * (columns + 2)..][..columns + 2];
        AssetDigest {
            timestamps: leaves[0],
            columns: leaves[1..=columns].to_vec(),
            adjustments: leaves[columns + 1],
        }
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

fn spans(lists: &Lists<'_>, assets: usize) -> Result<Vec<Span>> {
    let first = lists.of_assets::<u64>("first_row", Kind::UInt64, assets)?;
    let len = lists.of_assets::<u32>("bars", Kind::UInt32, assets)?;
    let calendar_first = lists.of_assets::<u32>("calendar_first", Kind::UInt32, assets)?;
    let calendar_len = lists.of_assets::<u32>("calendar_len", Kind::UInt32, assets)?;
    let positions_first = lists.of_assets::<u64>("positions_first", Kind::UInt64, assets)?;
    Ok((0..assets)
        .map(|rank| Span {
            first: first[rank],
            positions_first: positions_first[rank],
            len: len[rank],
            calendar_first: calendar_first[rank],
            calendar_len: calendar_len[rank],
        })
        .collect())
}

fn adjustments(lists: &Lists<'_>, assets: usize) -> Result<(Vec<Adjustment>, Range<usize>)> {
    let adjusted = lists.numbers::<u32>("adjusted_asset", Kind::UInt32)?;
    let dates = lists.of_assets::<i64>("adjustment_ex_date", Kind::Timestamp, adjusted.len())?;
    let kinds = lists.of_assets::<u8>("adjustment_kind", Kind::UInt8, adjusted.len())?;
    let values = lists.of_assets::<f64>("adjustment_value", Kind::Float64, adjusted.len())?;
    let ascending = adjusted.is_sorted() && adjusted.last().is_none_or(|&last| (last as usize) < assets);
    let adjustments = dates.iter().zip(kinds).zip(values).map(|((&date, &kind), &value)| {
        let kind = match kind {
            b'S' => AdjustmentKind::Split { ratio: value },
            b'D' => AdjustmentKind::Dividend { amount: value },
            _ => return None,
        };
        Some(Adjustment { ex_date: Timestamp::from_nanos(date), kind })
    });
    let adjustments = adjustments.collect::<Option<_>>().filter(|_| ascending);
    let damaged = || Error::corrupt(lists.what, "its adjustments are of unknown kind or out of order");
    Ok((adjustments.ok_or_else(damaged)?, lists.place::<u32>("adjusted_asset", Kind::UInt32)?))
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
        self.table.metadata(key).ok_or_else(missing)?.parse()
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

    fn numbers<T: zerocopy::FromBytes + zerocopy::Immutable>(&self, name: &str, kind: Kind) -> Result<&'a [T]>
    where
        [T]: zerocopy::KnownLayout,
    {
        let place = self.place::<T>(name, kind)?;
        Ok(ipc::numbers(&self.file[place]).unwrap_or_default())
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
        let numbers = self.numbers::<T>(name, kind)?;
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
        let slice = |pair: &[i32]| text.get(usize::try_from(pair[0]).ok()?..usize::try_from(pair[1]).ok()?);
        // A name outside its text reads as an empty one, which no list accepts.
        AssetList::new(version, ends.windows(2).map(|pair| slice(pair).unwrap_or_default()))
    }

    fn damaged(&self, reason: &str) -> Error {
        Error::corrupt(self.what, reason)
    }
}

/// What an index is written from.
pub(crate) struct Parts<'a> {
    pub(crate) version: BundleVersion,
    pub(crate) frequency: Frequency,
    pub(crate) names: &'a [String],
    pub(crate) spans: &'a [Span],
    pub(crate) positions: &'a [u32],
    pub(crate) calendar: &'a [Timestamp],
    pub(crate) leaves: &'a [AssetDigest],
    /// By rank.
    pub(crate) adjustments: &'a [Vec<Adjustment>],
}

/// Lays out the file, with the content of each buffer.
pub(crate) fn encode<'a>(parts: &Parts<'a>) -> (Plan, Vec<Cow<'a, [u8]>>) {
    let mut row = Row::default();
    let (ends, text) = ipc::text_buffers(parts.names);
    row.list("asset", DataType::Utf8, parts.names.len(), vec![ends.into(), text.into()]);
    row.numbers("first_row", DataType::UInt64, parts.spans.iter().map(|span| span.first));
    row.numbers("bars", DataType::UInt32, parts.spans.iter().map(|span| span.len));
    row.numbers("calendar_first", DataType::UInt32, parts.spans.iter().map(|span| span.calendar_first));
    row.numbers("calendar_len", DataType::UInt32, parts.spans.iter().map(|span| span.calendar_len));
    row.numbers("positions_first", DataType::UInt64, parts.spans.iter().map(|span| span.positions_first));
    encode_adjustments(&mut row, parts.adjustments);
    let nanos = Timestamp::slice_as_nanos(parts.calendar);
    row.list("calendar", timestamps(), nanos.len(), vec![nanos.as_bytes().into()]);
    row.list("positions", DataType::UInt32, parts.positions.len(), vec![parts.positions.as_bytes().into()]);
    let leaves: Vec<Digest> = parts.leaves.iter().flat_map(leaves_of).collect();
    let bytes = leaves.as_flattened().to_vec();
    row.list("digests", DataType::FixedSizeBinary(32), leaves.len(), vec![bytes.into()]);
    row.finish(parts)
}

fn leaves_of(asset: &AssetDigest) -> impl Iterator<Item = Digest> {
    [asset.timestamps].into_iter().chain(asset.columns.iter().copied()).chain([asset.adjustments])
}

fn timestamps() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn encode_adjustments(row: &mut Row<'_>, by_rank: &[Vec<Adjustment>]) {
    let all =
        || by_rank.iter().enumerate().flat_map(|(rank, list)| list.iter().map(move |one| (rank as u32, one)));
    let kind = |kind: AdjustmentKind| match kind {
        AdjustmentKind::Split { ratio } => (b'S', ratio),
        AdjustmentKind::Dividend { amount } => (b'D', amount),
        other => unreachable!("{other:?} is refused by the draft"),
    };
    row.numbers("adjusted_asset", DataType::UInt32, all().map(|(rank, _)| rank));
    row.numbers("adjustment_ex_date", timestamps(), all().map(|(_, one)| one.ex_date.as_nanos()));
    row.numbers("adjustment_kind", DataType::UInt8, all().map(|(_, one)| kind(one.kind).0));
    row.numbers("adjustment_value", DataType::Float64, all().map(|(_, one)| kind(one.kind).1));
}

/// A record batch of one row of lists, while it is put together.
#[derive(Default)]
struct Row<'a> {
    fields: Vec<Field>,
    arrays: Vec<usize>,
    buffers: Vec<Cow<'a, [u8]>>,
}

impl<'a> Row<'a> {
    fn numbers<T: IntoBytes + zerocopy::Immutable>(
        &mut self,
        name: &str,
        item: DataType,
        numbers: impl Iterator<Item = T>,
    ) {
        let numbers: Vec<T> = numbers.collect();
        self.list(name, item, numbers.len(), vec![numbers.as_bytes().to_vec().into()]);
    }

    fn list(&mut self, name: &str, item: DataType, items: usize, content: Vec<Cow<'a, [u8]>>) {
        let item = Arc::new(Field::new("item", item, false));
        self.fields.push(Field::new(name, DataType::LargeList(item), false));
        self.arrays.extend([1, items]);
        let validity = || Cow::Borrowed([].as_slice());
        self.buffers.extend([validity(), [0, items as i64].as_bytes().to_vec().into(), validity()]);
        self.buffers.extend(content);
    }

    fn finish(self, parts: &Parts<'_>) -> (Plan, Vec<Cow<'a, [u8]>>) {
        let metadata = [
            (ipc::FORMAT_KEY, ipc::FORMAT.to_owned()),
            (VERSION_KEY, parts.version.to_string()),
            (FREQUENCY_KEY, parts.frequency.to_string()),
        ];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value));
        let schema = Schema::new_with_metadata(self.fields, std::collections::HashMap::from(metadata));
        let lengths: Vec<_> = self.buffers.iter().map(|buffer| buffer.len() as u64).collect();
        (ipc::plan(&schema, None, 1, &self.arrays, &lengths), self.buffers)
    }
}
