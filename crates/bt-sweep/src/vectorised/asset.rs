use std::cell::Cell;
use std::fmt;

use bt_core::{AssetId, Bars, Field};

use super::plan::Plan;
use crate::indicator::{Sums, column};
use crate::kernel::{self, Columns, LANES, Lines};
use crate::{Result, TrialView};

/// What a vectorised strategy sees of one asset: its bars up to the end of the trial's data, and the series that it asked for.
#[derive(Clone, Copy)]
pub struct AssetSeries<'a> {
    pub(super) asset: AssetId,
    pub(super) bars: Bars<'a>,
    pub(super) columns: &'a [f64],
    pub(super) stride: usize,
    pub(super) wanted: &'a [usize],
}

impl<'a> AssetSeries<'a> {
    /// A series by its place in [`Signals::series`](super::Signals::series): one value for each bar.
    ///
    /// # Panics
    /// Where so many series were not asked for.
    pub fn series(&self, at: usize) -> &'a [f64] {
        &self.columns[self.wanted[at] * self.stride..][..self.bars.len()]
    }

    /// The asset.
    pub fn asset(&self) -> AssetId {
        self.asset
    }

    /// Its bars, those of the warm-up among them.
    pub fn bars(&self) -> Bars<'a> {
        self.bars
    }
}

impl fmt::Debug for AssetSeries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssetSeries")
            .field("asset", &self.asset)
            .field("bars", &self.bars.len())
            .field("series", &self.wanted.len())
            .finish()
    }
}

/// One asset at a time, in memory that is used again for the next one.
#[derive(Default)]
pub(super) struct Scratch {
    /// One column for each distinct series of the batch, `stride` values apart.
    pub(super) columns: Lines,
    /// The return of the next bar where it counts, else 0; `stride` values.
    pub(super) next_returns: Lines,
    /// The bar whose next return is the first that counts, or the end of the bars.
    pub(super) first: usize,
    pub(super) positions: Vec<f64>,
    sums: Vec<(Field, Sums)>,
}

thread_local! {
    /// Each worker's from batch to batch: to ask for it anew takes as long as some assets do.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// What a thread keeps at the most.
const KEPT: usize = 16 << 20;

impl Scratch {
    /// That of this thread, until it is given back.
    pub(super) fn of_thread() -> Self {
        SCRATCH.take()
    }

    /// Large memory goes back to the system instead.
    pub(super) fn give_back(self) {
        if self.heap_bytes() <= KEPT {
            SCRATCH.set(self);
        }
    }

    fn heap_bytes(&self) -> usize {
        let sums: usize = self.sums.iter().map(|(_, sums)| sums.heap_bytes()).sum();
        let positions = self.positions.capacity() * size_of::<f64>();
        self.columns.heap_bytes() + self.next_returns.heap_bytes() + positions + sums
    }

    pub(super) fn stride(&self) -> usize {
        self.next_returns.len()
    }

    /// What a comparison of columns reads.
    pub(super) fn compared<'a>(&'a self, plan: &'a Plan) -> Columns<'a> {
        Columns {
            values: &self.columns,
            warm_ups: &plan.warm_ups,
            next_returns: &self.next_returns,
            first: self.first,
        }
    }

    /// Computes what the batch shares of an asset.
    pub(super) fn load<'v>(
        &mut self,
        view: &TrialView<'v>,
        plan: &Plan,
        price: Field,
        asset: AssetId,
    ) -> Result<Bars<'v>> {
        let scored = view.scored();
        let bars = view.portal().bundle().bars(asset)?.slice(0, known(view, asset, scored.end)?);
        // An odd number of lines between columns: with a power of two all of them would share few places of the cache.
        let stride = (bars.len().div_ceil(LANES) | 1) * LANES;
        self.columns.set_len(plan.columns.len() * stride);
        // The return of the first scored bar is earned by the position before it.
        self.first = known(view, asset, scored.start)?.saturating_sub(1).min(bars.len());
        self.sums.iter_mut().for_each(|(_, sums)| sums.clear());
        for (at, &(field, indicator)) in plan.columns.iter().enumerate() {
            let is_checked = at.checked_sub(1).is_some_and(|before| plan.columns[before].0 == field);
            if !is_checked {
                view.portal().series(asset, field)?;
            }
            let values = column(bars, field)?;
            let out = &mut self.columns[at * stride..][..bars.len()];
            let first = plan.first_read(at, self.first);
            indicator.write(bars, values, sums_of(&mut self.sums, field), out, first);
        }
        view.portal().series(asset, price)?;
        self.next_returns.set_len(stride);
        self.next_returns.fill(0.0);
        kernel::next_returns(&column(bars, price)?[self.first..], &mut self.next_returns[self.first..]);
        Ok(bars)
    }
}

fn sums_of(sums: &mut Vec<(Field, Sums)>, field: Field) -> &mut Sums {
    let at = sums.iter().position(|(known, _)| *known == field).unwrap_or_else(|| {
        sums.push((field, Sums::default()));
        sums.len() - 1
    });
    &mut sums[at].1
}

/// How many of the asset's bars are known when so many moments of the calendar have happened.
pub(super) fn known(view: &TrialView<'_>, asset: AssetId, position: usize) -> Result<usize> {
    let portal = view.portal();
    let moment = position.checked_sub(1).and_then(|last| portal.moments().nth(last));
    Ok(moment.map(|moment| moment.asset(asset)).transpose()?.map_or(0, |known| known.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_keeps_is_bounded_by_the_longest_asset_and_not_by_the_last() {
        for (longest, is_kept) in [(1 << 10, true), (KEPT / size_of::<f64>() + 1, false)] {
            let mut scratch = Scratch::of_thread();
            scratch.columns.set_len(longest);
            scratch.columns.set_len(100);
            scratch.give_back();
            assert_eq!(Scratch::of_thread().heap_bytes() > 0, is_kept, "{longest}");
        }
    }
}
