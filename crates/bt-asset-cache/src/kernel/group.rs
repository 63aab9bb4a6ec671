use std::ops::Range;

use arrow_array::Array;
use bt_core::{Error, Result, Timestamp};

use super::assets::{Names, keys};
use super::{Place, Times, Values};
use crate::Table;

/// Rows that are brought in order together: few enough that a column of them stays in the processor's cache, and enough
/// that each asset gets several at once.
const BLOCK: usize = 64 << 10;

/// The assets of a table, and where each of its rows belongs once they are sorted by (asset, time).
#[derive(Clone, Debug)]
pub struct Grouping {
    names: Vec<Box<str>>,
    starts: Vec<usize>,
    order: Order,
}

/// The asset of each row, by rank.
#[derive(Clone, Debug)]
enum Order {
    Runs(Vec<Run>),
    Rows(Vec<u32>),
}

/// Rows of one batch that follow each other and belong to one asset.
#[derive(Clone, Copy, Debug)]
struct Run {
    rank: u32,
    batch: usize,
    first: usize,
    len: usize,
}

impl Grouping {
    /// Reads the asset column, in O(rows).
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where there is no such column, where its type is none of an
    /// asset, and where a name is null or empty.
    pub fn of(table: &Table) -> Result<Self> {
        let mut names = Names::default();
        let mut order = match runs(table, &mut names)? {
            Some(runs) => Order::Runs(runs),
            None => Order::Rows(rows(table, &mut names)?),
        };
        let counts = order.counts(names.as_slice().len());
        let (sorted, rank_of, starts) = rank(names.as_slice(), &counts);
        order.recode(&rank_of);
        Ok(Self { names: sorted, starts, order })
    }

    /// The assets' names, ascending bytewise.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Where each asset's rows start in the result, by rank, and the number of rows at the end.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The one batch that has the rows by (asset, time) already, if the times ascend within each asset.
    pub(crate) fn sorted_batch(&self) -> Option<usize> {
        match &self.order {
            Order::Runs(runs)
                if runs
                    .windows(2)
                    .all(|pair| pair[0].rank < pair[1].rank && pair[0].batch == pair[1].batch) =>
            {
                runs.first().map(|run| run.batch)
            }
            _ => None,
        }
    }

    /// Writes the table's rows, sorted by asset and within each asset in the order in which they come in the table.
    ///
    /// `timestamps` has a place for each row; column `c` of `values` starts at `c * stride`.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) with batch, row and column where something cannot be read.
    ///
    /// # Panics
    /// Where the table is not the one that this grouping is of, or where the rows do not fit.
    pub fn write(
        &self,
        table: &Table,
        timestamps: &mut [i64],
        values: &mut [f64],
        stride: usize,
    ) -> Result<()> {
        let mut next = self.starts.clone();
        let mut first_row = 0;
        let mut runs = match &self.order {
            Order::Runs(runs) => runs.as_slice(),
            Order::Rows(_) => &[],
        };
        for batch in 0..table.batches.len() {
            let rows = table.batches[batch].num_rows();
            let columns = Columns::of(table, batch)?;
            match &self.order {
                Order::Runs(_) => {
                    let here = runs.iter().take_while(|run| run.batch == batch).count();
                    write_runs(&columns, &runs[..here], &mut next, timestamps, values, stride)?;
                    runs = &runs[here..];
                }
                Order::Rows(ranks) => {
                    let ranks = &ranks[first_row..first_row + rows];
                    write_rows(&columns, ranks, &mut next, timestamps, values, stride)?;
                }
            }
            first_row += rows;
        }
        Ok(())
    }

    /// Sorts each asset's rows by time where they are not. O(rows), and O(n log n) for each asset out of order.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where an asset has two bars at one moment, with both.
    ///
    /// # Panics
    /// Where timestamps or values are not those that [`write`](Self::write) filled.
    pub fn sort_in_time(&self, timestamps: &mut [i64], values: &mut [f64], stride: usize) -> Result<()> {
        for (name, bounds) in self.names.iter().zip(self.starts.windows(2)) {
            sort_in_time(name, timestamps, values, stride, bounds[0]..bounds[1])?;
        }
        Ok(())
    }
}

impl Order {
    fn counts(&self, names: usize) -> Vec<usize> {
        let mut counts = vec![0; names];
        match self {
            Self::Runs(runs) => runs.iter().for_each(|run| counts[run.rank as usize] += run.len),
            Self::Rows(codes) => codes.iter().for_each(|&code| counts[code as usize] += 1),
        }
        counts
    }

    fn recode(&mut self, rank_of: &[u32]) {
        match self {
            Self::Runs(runs) => runs.iter_mut().for_each(|run| run.rank = rank_of[run.rank as usize]),
            Self::Rows(codes) => codes.iter_mut().for_each(|code| *code = rank_of[*code as usize]),
        }
    }
}

/// Sorts names; returns them with each code's rank, and where each rank's rows start.
fn rank(names: &[Box<str>], counts: &[usize]) -> (Vec<Box<str>>, Vec<u32>, Vec<usize>) {
    // A name without rows was met in an attempt that was given up, and has rows now; so every name has rows.
    let mut by_name: Vec<u32> = (0..names.len() as u32).collect();
    by_name.sort_unstable_by(|&a, &b| names[a as usize].cmp(&names[b as usize]));
    let mut rank_of = vec![0; names.len()];
    let mut starts = vec![0; names.len() + 1];
    for (rank, &code) in by_name.iter().enumerate() {
        rank_of[code as usize] = rank as u32;
        starts[rank + 1] = starts[rank] + counts[code as usize];
    }
    (by_name.iter().map(|&code| names[code as usize].clone()).collect(), rank_of, starts)
}

/// The runs of one asset, or `None` where they are too short for copying run by run to pay.
fn runs(table: &Table, names: &mut Names) -> Result<Option<Vec<Run>>> {
    let mut runs = Vec::new();
    let mut rows = 0;
    for batch in 0..table.batches.len() {
        let (array, place) = asset_column(table, batch)?;
        let mut keys = keys(array, place)?;
        let mut first = 0;
        while first < array.len() {
            let end = keys.run_end(first);
            let rank = keys.code(first, names).map_err(|reason| place.row(first, reason))?;
            runs.push(Run { rank, batch, first, len: end - first });
            if runs.len() > 64 && rows + end < runs.len() * 16 {
                return Ok(None);
            }
            first = end;
        }
        rows += array.len();
    }
    Ok(Some(runs))
}

fn rows(table: &Table, names: &mut Names) -> Result<Vec<u32>> {
    let mut codes = Vec::with_capacity(table.rows());
    for batch in 0..table.batches.len() {
        let (array, place) = asset_column(table, batch)?;
        let appended = keys(array, place)?.codes(names, &mut codes);
        appended.map_err(|(row, reason)| place.row(row, reason))?;
    }
    Ok(codes)
}

/// The names of a table's assets, ascending bytewise: what a backtest extracts that has only the long table. O(rows).
///
/// # Errors
/// As [`Grouping::of`].
pub fn asset_names(table: &Table) -> Result<Vec<Box<str>>> {
    let mut names = Names::default();
    for batch in 0..table.batches.len() {
        let (array, place) = asset_column(table, batch)?;
        let mut keys = keys(array, place)?;
        let mut row = 0;
        while row < array.len() {
            keys.code(row, &mut names).map_err(|reason| place.row(row, reason))?;
            row = keys.run_end(row);
        }
    }
    let mut names = names.into_vec();
    names.sort_unstable();
    Ok(names)
}

fn asset_column(table: &Table, batch: usize) -> Result<(&dyn Array, Place<'_>)> {
    let column = table.columns.asset.as_str();
    Ok((table.column(batch, column)?, Place { batch, column }))
}

/// The columns of one batch.
struct Columns<'a> {
    times: Times<'a>,
    values: Vec<Values<'a>>,
}

impl<'a> Columns<'a> {
    fn of(table: &'a Table, batch: usize) -> Result<Self> {
        let times = times(table, batch)?;
        let values = table
            .columns
            .all_values()
            .map(|column| Values::new(table.column(batch, column)?, Place { batch, column }));
        Ok(Self { times, values: values.collect::<Result<_>>()? })
    }
}

/// The timestamp column of one batch.
pub(crate) fn times(table: &Table, batch: usize) -> Result<Times<'_>> {
    let column = table.columns.timestamp.as_str();
    let array = table.column(batch, column)?;
    Times::new(array, table.label, table.frequency, Place { batch, column })
}

fn write_runs(
    columns: &Columns<'_>,
    runs: &[Run],
    next: &mut [usize],
    timestamps: &mut [i64],
    values: &mut [f64],
    stride: usize,
) -> Result<()> {
    for run in runs {
        let to = next[run.rank as usize];
        let (from, to) = (run.first..run.first + run.len, to..to + run.len);
        columns.times.write(from.clone(), &mut timestamps[to.clone()])?;
        for (column, target) in columns.values.iter().zip(values.chunks_mut(stride)) {
            column.write(from.clone(), &mut target[to.clone()]);
        }
        next[run.rank as usize] = to.end;
    }
    Ok(())
}

fn write_rows(
    columns: &Columns<'_>,
    ranks: &[u32],
    next: &mut [usize],
    timestamps: &mut [i64],
    values: &mut [f64],
    stride: usize,
) -> Result<()> {
    // With very many assets a block of this size would bring each less than a row.
    let block_len = BLOCK.max(next.len() * 4);
    let (mut nanos, mut floats, mut block) = (Vec::new(), Vec::new(), Block::default());
    for (at, ranks) in ranks.chunks(block_len).enumerate() {
        let rows = at * block_len..at * block_len + ranks.len();
        block.sort(ranks, next);
        block.gather(columns.times.read(rows.clone(), &mut nanos)?, timestamps);
        for (column, target) in columns.values.iter().zip(values.chunks_mut(stride)) {
            block.gather(column.read(rows.clone(), &mut floats), target);
        }
    }
    Ok(())
}

/// The rows of a block, sorted by asset.
#[derive(Default)]
struct Block {
    order: Vec<u32>,
    /// For each asset that has rows here: where they go.
    targets: Vec<Range<usize>>,
    counts: Vec<u32>,
}

impl Block {
    /// A counting sort by rank, which moves `next` on by what each asset got.
    fn sort(&mut self, ranks: &[u32], next: &mut [usize]) {
        self.counts.clear();
        self.counts.resize(next.len() + 1, 0);
        ranks.iter().for_each(|&rank| self.counts[rank as usize + 1] += 1);
        self.targets.clear();
        for (rank, next) in next.iter_mut().enumerate() {
            let count = self.counts[rank + 1];
            if count > 0 {
                self.targets.push(*next..*next + count as usize);
                *next += count as usize;
            }
            self.counts[rank + 1] += self.counts[rank];
        }
        self.order.resize(ranks.len(), 0);
        for (row, &rank) in ranks.iter().enumerate() {
            let slot = &mut self.counts[rank as usize];
            self.order[*slot as usize] = row as u32;
            *slot += 1;
        }
    }

    /// Brings a column's rows to where they belong, asset by asset, so that writes are contiguous.
    fn gather<T: Copy>(&self, source: &[T], target: &mut [T]) {
        let mut order = self.order.as_slice();
        for range in &self.targets {
            let (rows, rest) = order.split_at(range.len());
            let places = target[range.clone()].iter_mut();
            places.zip(rows).for_each(|(place, &row)| *place = source[row as usize]);
            order = rest;
        }
    }
}

/// Sorts one asset's rows by time where they are not.
pub(crate) fn sort_in_time(
    asset: &str,
    timestamps: &mut [i64],
    values: &mut [f64],
    stride: usize,
    rows: Range<usize>,
) -> Result<()> {
    let times = &mut timestamps[rows.clone()];
    if !times.windows(2).all(|pair| pair[0] < pair[1]) {
        let order = time_order(times).map_err(|moment| twice(asset, moment))?;
        permute(times, &order);
        values.chunks_mut(stride).for_each(|column| permute(&mut column[rows.clone()], &order));
    }
    Ok(())
}

/// The order of rows by time, or a moment that repeats.
fn time_order(times: &[i64]) -> Result<Vec<usize>, i64> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_unstable_by_key(|&row| times[row]);
    match order.windows(2).find(|pair| times[pair[0]] == times[pair[1]]) {
        Some(pair) => Err(times[pair[0]]),
        None => Ok(order),
    }
}

fn permute<T: Copy>(values: &mut [T], order: &[usize]) {
    let sorted: Vec<T> = order.iter().map(|&row| values[row]).collect();
    values.copy_from_slice(&sorted);
}

#[cold]
fn twice(name: &str, nanos: i64) -> Error {
    let moment = Timestamp::from_nanos(nanos);
    Error::invalid_input(
        format!("asset {name:?} at {moment}"),
        "there are two bars of this asset at this moment",
    )
}
