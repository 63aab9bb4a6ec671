//! Bringing rows to where they belong, by the pattern that they show.

use std::hint::black_box;
use std::ops::Range;

use bt_core::Result;

use super::{Place, Reading, Times, Values, times};
use crate::Table;

/// Rows of a panel that are converted and turned together: few enough that a column of them stays in the processor's
/// cache.
const PANEL_BLOCK: usize = 64 << 10;
/// Rows without a pattern that are sorted together: more, so that each asset gets longer pieces.
const LOOSE_BLOCK: usize = 128 << 10;
/// Values in a cache line: the side of the squares that are transposed at once.
const TILE: usize = 8;
/// Moments that are transposed before the next assets' turn, so that each of them is written in longer pieces.
const MOMENTS: usize = 64;
/// Brings rows to where they belong.
pub(super) struct Writer<'a> {
    /// Where each asset's next row goes.
    pub(super) next: &'a mut [usize],
    pub(super) timestamps: &'a mut [i64],
    pub(super) values: &'a mut [f64],
    pub(super) stride: usize,
}

impl Writer<'_> {
    /// Writes rows from `first` on in which this sequence of ranks comes so often.
    pub(super) fn write(
        &mut self,
        columns: &Columns<'_>,
        first: usize,
        sequence: &[u32],
        repeats: usize,
    ) -> Result<()> {
        match (sequence, repeats) {
            (&[rank], _) => self.write_run(columns, first..first + repeats, rank as usize),
            (_, 1) => self.write_loose(columns, first, sequence),
            _ => self.write_panel(columns, first, sequence, repeats),
        }
    }

    fn write_run(&mut self, columns: &Columns<'_>, rows: Range<usize>, rank: usize) -> Result<()> {
        let to = self.next[rank]..self.next[rank] + rows.len();
        columns.times.write(rows.clone(), &mut self.timestamps[to.clone()])?;
        for (column, target) in columns.values.iter().zip(self.values.chunks_mut(self.stride)) {
            column.write(rows.clone(), &mut target[to.clone()]);
        }
        self.next[rank] = to.end;
        Ok(())
    }

    fn write_panel(
        &mut self,
        columns: &Columns<'_>,
        first: usize,
        sequence: &[u32],
        repeats: usize,
    ) -> Result<()> {
        let (len, mut nanos, mut floats) = (sequence.len(), Vec::new(), Vec::new());
        let at_once = (PANEL_BLOCK / len).max(1).next_multiple_of(MOMENTS);
        for done in (0..repeats).step_by(at_once) {
            let moments = at_once.min(repeats - done);
            let rows = first + done * len..first + (done + moments) * len;
            let places: Vec<usize> = sequence.iter().map(|&rank| self.next[rank as usize]).collect();
            transpose(columns.times.read(rows.clone(), &mut nanos)?, &places, self.timestamps);
            for (column, target) in columns.values.iter().zip(self.values.chunks_mut(self.stride)) {
                transpose(column.read(rows.clone(), &mut floats), &places, target);
            }
            sequence.iter().for_each(|&rank| self.next[rank as usize] += moments);
        }
        Ok(())
    }

    fn write_loose(&mut self, columns: &Columns<'_>, first: usize, ranks: &[u32]) -> Result<()> {
        // With very many assets a block of the usual size would bring each less than a row.
        let block_len = LOOSE_BLOCK.max(self.next.len() * 4);
        let (mut nanos, mut floats, mut block) = (Vec::new(), Vec::new(), Block::default());
        let (mut sorted_nanos, mut sorted_floats) = (Vec::new(), Vec::new());
        for (at, ranks) in ranks.chunks(block_len).enumerate() {
            let rows = first + at * block_len..first + at * block_len + ranks.len();
            block.sort(ranks, self.next);
            let nanos = columns.times.read(rows.clone(), &mut nanos)?;
            block.scatter(nanos, &mut sorted_nanos, self.timestamps);
            for (column, target) in columns.values.iter().zip(self.values.chunks_mut(self.stride)) {
                block.scatter(column.read(rows.clone(), &mut floats), &mut sorted_floats, target);
            }
        }
        Ok(())
    }
}

/// Turns rows of moments, each with one value for each place, into series that begin at the places.
fn transpose<T: Copy>(source: &[T], places: &[usize], target: &mut [T]) {
    let len = places.len();
    for (at, moments) in source.chunks(MOMENTS * len).enumerate() {
        // Squares are read in an order that no prefetcher sees through; a first look in order of memory, at one value a
        // cache line, has them at hand when they are turned.
        moments.iter().step_by(TILE).for_each(|value| _ = black_box(*value));
        let whole = moments.len() / (TILE * len) * TILE;
        for (tile, places) in places.chunks(TILE).enumerate() {
            let column = tile * TILE;
            for moment in (0..whole).step_by(TILE) {
                if let Ok(places) = <&[usize; TILE]>::try_from(places) {
                    transpose_tile(
                        &moments[moment * len + column..],
                        len,
                        places,
                        at * MOMENTS + moment,
                        target,
                    );
                } else {
                    transpose_rest(moments, len, column, places, moment..moment + TILE, at * MOMENTS, target);
                }
            }
            transpose_rest(moments, len, column, places, whole..moments.len() / len, at * MOMENTS, target);
        }
    }
}

/// A square of whole cache lines, so that none is read or written twice whatever the distance between them.
#[inline]
fn transpose_tile<T: Copy>(
    source: &[T],
    len: usize,
    places: &[usize; TILE],
    offset: usize,
    target: &mut [T],
) {
    let rows: [&[T]; TILE] = std::array::from_fn(|row| &source[row * len..row * len + TILE]);
    for (column, &place) in places.iter().enumerate() {
        let target = &mut target[place + offset..place + offset + TILE];
        target.iter_mut().zip(rows).for_each(|(target, row)| *target = row[column]);
    }
}

fn transpose_rest<T: Copy>(
    source: &[T],
    len: usize,
    column: usize,
    places: &[usize],
    moments: Range<usize>,
    offset: usize,
    target: &mut [T],
) {
    for (column, &place) in (column..).zip(places) {
        moments.clone().for_each(|moment| target[place + offset + moment] = source[moment * len + column]);
    }
}

/// Where the rows of a block go.
#[derive(Default)]
struct Block {
    /// Each row's place in the block, sorted by asset.
    slots: Vec<u32>,
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
        self.slots.clear();
        self.slots.extend(ranks.iter().map(|&rank| {
            let slot = &mut self.counts[rank as usize];
            *slot += 1;
            *slot - 1
        }));
    }

    /// Brings a column's rows to where they belong: first in order within the block, in the processor's cache, then
    /// asset by asset in pieces of memory. Straight to their places they would evict one another's cache lines wherever
    /// assets lie at a distance that is a power of two.
    fn scatter<T: Copy + Default>(&self, source: &[T], sorted: &mut Vec<T>, target: &mut [T]) {
        sorted.resize(source.len(), T::default());
        self.slots.iter().zip(source).for_each(|(&slot, &value)| sorted[slot as usize] = value);
        let mut sorted = sorted.as_slice();
        for range in &self.targets {
            let (rows, rest) = sorted.split_at(range.len());
            target[range.clone()].copy_from_slice(rows);
            sorted = rest;
        }
    }
}

/// The columns of one batch.
pub(super) struct Columns<'a> {
    pub(super) times: Times<'a>,
    pub(super) values: Vec<Values<'a>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(table: &'a Table, batch: usize, reading: &Reading) -> Result<Self> {
        let times = times(table, batch, reading)?;
        let values = table.columns.all_values().map(|column| {
            let array = table.column(batch, column)?;
            Values::new(array).map_err(|fault| Place { batch, column }.error(fault))
        });
        Ok(Self { times, values: values.collect::<Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_panel_is_the_transposed_panel_at_any_size() {
        for len in [2, 7, 8, 9, 17] {
            for moments in [2, 8, 11, MOMENTS, 2 * MOMENTS + 13] {
                let source: Vec<usize> = (0..len * moments).collect();
                let places: Vec<usize> = (0..len).map(|column| column * moments).collect();
                let mut target = vec![usize::MAX; len * moments];
                transpose(&source, &places, &mut target);
                let naive: Vec<_> = (0..len)
                    .flat_map(|column| (0..moments).map(move |moment| moment * len + column))
                    .collect();
                assert_eq!(target, naive, "{len} assets, {moments} moments");
            }
        }
    }
}
