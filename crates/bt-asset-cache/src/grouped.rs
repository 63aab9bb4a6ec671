use std::sync::Arc;

use arrow_buffer::{Buffer, ScalarBuffer};
use bt_core::{
    AssetDigest, AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Conventions, Error, Frequency,
    Result, Slab, Span, Timestamp, bundle_version, timestamps_digest,
};

use crate::Table;
use crate::kernel::{Grouping, Index, check_range, index, times};
use crate::memory::Memory;
use crate::table::plain_f64;

/// All bars of a table, sorted by (asset, time), in one column-major matrix.
///
/// # Memory
/// 8 bytes a row and column (timestamps included), the columns rounded up to 64 bytes; 8 bytes a moment of the
/// calendar; 32 bytes and the name for each asset; for assets with gaps 4 bytes for each moment between their first bar
/// and their last. Beside them the table, until it is dropped, and while grouping what [`kernel`](crate::kernel) says.
///
/// # Complexity
/// Making it is O(rows) where the table is in order of asset or time, O(rows × log bars) otherwise; every view of it is
/// O(1).
#[derive(Debug)]
pub struct GroupedBars {
    assets: AssetList,
    frequency: Frequency,
    conventions: Conventions,
    extra_columns: Vec<String>,
    timestamps: ScalarBuffer<i64>,
    values: ScalarBuffer<f64>,
    stride: usize,
    index: Index,
    /// The bundle whose bars these are, where this is a slice of it.
    whole: Option<Arc<GroupedBars>>,
}

impl GroupedBars {
    /// Groups a table's rows by asset and sorts each asset's by time.
    ///
    /// Nothing is copied where the table has one batch sorted by (asset, time), its [`memory`](Table::memory) holds all
    /// prices as `f64` without nulls at equal distances, and its timestamps are nanoseconds that need no conversion.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) with batch, row and column where a column is not there, has
    /// another type, or holds what cannot be read; with asset and moment where two bars have both in common. As
    /// [`Table::settled_label`].
    pub fn from_table(table: &Table) -> Result<Self> {
        let grouping = Grouping::of(table)?;
        let assets = AssetList::new(table.version, grouping.names())?;
        let slab = match view(table, &grouping)? {
            Some(slab) => slab,
            None => copy(table, &grouping)?,
        };
        let Columns { timestamps, values, stride, index } = slab;
        check_range(&index.calendar, table, grouping.reading())?;
        let (frequency, extra_columns) = (table.frequency, table.columns.extra.clone());
        let conventions = grouping.reading().conventions();
        Ok(Self {
            assets,
            frequency,
            conventions,
            extra_columns,
            timestamps,
            values,
            stride,
            index,
            whole: None,
        })
    }

    /// The bars that became known after one moment and up to another, as a bundle with a version of its own.
    ///
    /// It shares the bars' memory and has all the assets, those without a bar in the range too. Its version is derived
    /// from this one and the range, so a train slice and a test slice are two keys of every cache; identifiers have to
    /// be resolved on it. O(bars in the range), at the speed of comparing memory where assets have no gaps.
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where `until` is not later than `after`.
    pub fn slice(self: &Arc<Self>, after: Timestamp, until: Timestamp) -> Result<Self> {
        if until <= after {
            return Err(Error::invalid_option(
                "until",
                until,
                format!("a moment later than after = {after}"),
            ));
        }
        let version = Self::slice_version(self.version(), after, until);
        let calendar = self.calendar();
        let moments = &calendar.as_slice()[calendar.known_at(after)..calendar.known_at(until)];
        let rows: Vec<_> =
            self.index.spans.iter().map(|span| self.rows_between(span, after, until)).collect();
        let times = self.timestamps();
        let (mut spans, positions) =
            Slab::index(Calendar::from_sorted(moments), rows.iter().map(|rows| &times[rows.clone()]))?;
        // The rows stay where they are, so that there are others between one asset's and the next one's.
        spans.iter_mut().zip(&rows).for_each(|(span, rows)| span.first = rows.start as u64);
        Ok(Self {
            assets: AssetList::new(version, self.assets.names())?,
            frequency: self.frequency,
            conventions: self.conventions.clone(),
            extra_columns: self.extra_columns.clone(),
            timestamps: self.timestamps.clone(),
            values: self.values.clone(),
            stride: self.stride,
            index: Index { calendar: moments.to_vec(), spans, positions },
            whole: Some(self.whole().unwrap_or(self).clone()),
        })
    }

    /// The version of [`slice`](Self::slice) with this range, of a bundle with this version.
    pub fn slice_version(parent: BundleVersion, after: Timestamp, until: Timestamp) -> BundleVersion {
        let mut rule = b"bars known after, until\0".to_vec();
        rule.extend(after.as_nanos().to_le_bytes());
        rule.extend(until.as_nanos().to_le_bytes());
        parent.derived(&rule)
    }

    /// The bundle that owns the memory of this slice, or `None` where this is no slice.
    pub fn whole(&self) -> Option<&Arc<GroupedBars>> {
        self.whole.as_ref()
    }

    /// What these bars are, whatever file or table they came from: two bundles with the same bars have the same
    /// content version. SHA-256 over all bars, by two threads; by one where the
    /// system has no other to spare.
    pub fn content_version(&self) -> BundleVersion {
        let slab = self.matrix();
        let half = self.index.spans.partition_point(|span| span.first < self.timestamps.len() as u64 / 2);
        let (front, back) = self.index.spans.split_at(half);
        let digests = |spans: &[Span]| spans.iter().map(|span| self.digest(slab, span)).collect::<Vec<_>>();
        let digests = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, || digests(front));
            let back = digests(back);
            let front = match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(_) => digests(front),
            };
            [front, back].concat()
        });
        let extra: Vec<&str> = self.extra_columns.iter().map(String::as_str).collect();
        let assets: Vec<_> = self.assets.names().zip(&digests).collect();
        let calendar = timestamps_digest(&self.index.calendar);
        bundle_version(self.frequency, &self.conventions, &extra, &calendar, &assets)
    }

    fn digest(&self, all: Bars<'_>, span: &Span) -> AssetDigest {
        let bars = all.slice(span.first as usize, span.end() as usize);
        AssetDigest::of(bars, self.extra_columns.len(), &[])
    }

    fn rows_between(&self, span: &Span, after: Timestamp, until: Timestamp) -> std::ops::Range<usize> {
        let first = span.first as usize;
        let known =
            |now| first + self.timestamps()[first..span.end() as usize].partition_point(|&t| t <= now);
        known(after)..known(until)
    }

    #[inline]
    fn timestamps(&self) -> &[Timestamp] {
        Timestamp::slice_from_nanos(&self.timestamps)
    }

    #[inline]
    fn matrix(&self) -> Bars<'_> {
        // The constructors made them fit; a bundle that did not would have no bars rather than wrong ones.
        Bars::new(self.timestamps(), &self.values, self.stride).unwrap_or(Bars::EMPTY)
    }
}

impl Bundle for GroupedBars {
    fn version(&self) -> BundleVersion {
        self.assets.version()
    }

    fn assets(&self) -> &AssetList {
        &self.assets
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar::from_sorted(&self.index.calendar)
    }

    fn frequency(&self) -> Frequency {
        self.frequency
    }

    #[inline]
    fn conventions(&self) -> &Conventions {
        &self.conventions
    }

    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        let span = &self.index.spans[self.assets.rank(asset)?];
        Ok(self.matrix().slice(span.first as usize, span.end() as usize))
    }

    /// What it holds itself. A slice's bars are held, and counted, by the bundle that it is a slice of.
    fn heap_bytes(&self) -> usize {
        let Index { calendar, spans, positions } = &self.index;
        let bars = match self.whole {
            Some(_) => 0,
            None => buffer_bytes(self.timestamps.inner(), self.values.inner()),
        };
        bars + self.assets.heap_bytes()
            + size_of_val(&calendar[..])
            + size_of_val(&spans[..])
            + size_of_val(&positions[..])
            + self.extra_columns.iter().map(|name| name.len() + size_of::<String>()).sum::<usize>()
    }

    #[inline]
    fn slab(&self) -> Option<Slab<'_>> {
        Some(Slab { all: self.matrix(), spans: &self.index.spans, positions: &self.index.positions })
    }

    fn extra_columns(&self) -> &[String] {
        &self.extra_columns
    }
}

/// Two slices of one allocation keep that one alive, once.
fn buffer_bytes(timestamps: &Buffer, values: &Buffer) -> usize {
    let shared = timestamps.data_ptr() == values.data_ptr();
    values.capacity() + if shared { 0 } else { timestamps.capacity() }
}

struct Columns {
    timestamps: ScalarBuffer<i64>,
    values: ScalarBuffer<f64>,
    stride: usize,
    index: Index,
}

/// The table's own memory, where it is a matrix sorted by (asset, time) already.
fn view(table: &Table, grouping: &Grouping) -> Result<Option<Columns>> {
    let (Some(batch), Some(memory)) = (grouping.sorted_batch(), &table.memory) else { return Ok(None) };
    let Some((values, stride)) = matrix_in(memory, table, batch)? else { return Ok(None) };
    let times = times(table, batch, grouping.reading())?;
    let Some(timestamps) = times.as_slice().and_then(|nanos| buffer_in(memory, nanos)) else {
        return Ok(None);
    };
    let timestamps = ScalarBuffer::from(timestamps);
    let index = index(Timestamp::slice_from_nanos(&timestamps), grouping.starts())?;
    Ok(index.map(|index| Columns { timestamps, values, stride, index }))
}

/// All value columns as one matrix and the distance between them, where they lie at equal distances in `memory`.
fn matrix_in(memory: &Buffer, table: &Table, batch: usize) -> Result<Option<(ScalarBuffer<f64>, usize)>> {
    let arrays =
        table.columns.all_values().map(|name| table.column(batch, name)).collect::<Result<Vec<_>>>()?;
    let Some(columns) = arrays.into_iter().map(|array| plain_f64(array)).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let address = |column: &[f64]| column.as_ptr().addr();
    let distance = address(columns[1]).wrapping_sub(address(columns[0]));
    let even = columns.windows(2).all(|pair| address(pair[1]).wrapping_sub(address(pair[0])) == distance);
    let (rows, stride) = (columns[0].len(), distance / size_of::<f64>());
    if !even || !distance.is_multiple_of(size_of::<f64>()) || stride < rows {
        return Ok(None);
    }
    let len = stride.checked_mul(columns.len() - 1).and_then(|before| before.checked_add(rows));
    Ok(len.and_then(|len| slice_at(memory, address(columns[0]), len)).map(|values| (values.into(), stride)))
}

fn buffer_in(memory: &Buffer, nanos: &[i64]) -> Option<Buffer> {
    slice_at(memory, nanos.as_ptr().addr(), nanos.len())
}

/// `words` words of eight bytes from `address` on, where `memory` holds them all.
fn slice_at(memory: &Buffer, address: usize, words: usize) -> Option<Buffer> {
    let offset = address.checked_sub(memory.as_ptr().addr())?;
    let len = words.checked_mul(8)?;
    (offset.checked_add(len)? <= memory.len()).then(|| memory.slice_with_length(offset, len))
}

fn copy(table: &Table, grouping: &Grouping) -> Result<Columns> {
    let rows = grouping.rows();
    // Columns that begin on a cache line are read in whole lines.
    let stride = rows.next_multiple_of(8).max(8);
    let (mut timestamps, mut values) =
        (Memory::<i64>::zeroed(rows), Memory::<f64>::zeroed(stride * table.columns.all_values().len()));
    let (times, matrix) = (timestamps.as_mut_slice(), values.as_mut_slice());
    grouping.write(table, times, matrix, stride)?;
    let index = match index(Timestamp::slice_from_nanos(times), grouping.starts())? {
        Some(index) => index,
        None => {
            grouping.sort_in_time(times, matrix, stride)?;
            let sorted = index(Timestamp::slice_from_nanos(times), grouping.starts())?;
            sorted.ok_or_else(|| Error::corrupt("grouped bars", "timestamps do not ascend after sorting"))?
        }
    };
    Ok(Columns { timestamps: timestamps.freeze(), values: values.freeze(), stride, index })
}
