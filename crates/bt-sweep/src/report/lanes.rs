//! When each worker was busy, in bins that widen as the sweep grows.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::packed::Packed;

/// The busy time of every worker, in bins of one width.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct TimeLine {
    /// The width of a bin, in microseconds.
    pub width_us: u64,
    /// When the last trial ended, in microseconds since the sweep's start.
    pub end_us: u64,
    /// The workers, in order.
    pub lanes: Vec<Lane>,
}

/// One worker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lane {
    /// Its number.
    pub worker: u32,
    /// How many trials it ran.
    pub trials: u64,
    /// The time that its trials took, in microseconds.
    pub busy_us: u64,
    /// The share of each bin that it was busy in, in 255ths; trailing idle bins are left out.
    pub busy: Packed<u8>,
}

/// The most bins of a worker.
pub const MAX_BINS: usize = 1000;
const MAX_LANES: usize = 128;

#[derive(Debug)]
pub(super) struct Lanes {
    width: u64,
    end: u64,
    /// Those that are drawn: the ones with the smallest numbers.
    workers: BTreeMap<u32, Busy>,
    /// The other ones.
    others: HashSet<u32>,
}

#[derive(Debug, Default)]
struct Busy {
    trials: u64,
    total: u64,
    bins: Vec<u64>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { width: 1, end: 0, workers: BTreeMap::new(), others: HashSet::new() }
    }
}

impl Lanes {
    /// Spreads a trial's time over the bins that it touches. O(bins touched).
    pub(super) fn add(&mut self, worker: u32, started: u64, took: u64) {
        let end = started.saturating_add(took);
        self.end = self.end.max(end);
        while end.div_ceil(self.width) > MAX_BINS as u64 {
            self.width *= 2;
            self.workers.values_mut().for_each(Busy::widen);
        }
        let width = self.width;
        let Some(busy) = self.drawn(worker) else { return };
        busy.trials += 1;
        busy.total = busy.total.saturating_add(took);
        let (first, beyond) = (started / width, end.div_ceil(width));
        if busy.bins.len() < beyond as usize {
            busy.bins.resize(beyond as usize, 0);
        }
        for bin in first..beyond {
            let from = started.max(bin * width);
            let until = end.min((bin + 1).saturating_mul(width));
            let busy = &mut busy.bins[bin as usize];
            *busy = busy.saturating_add(until.saturating_sub(from));
        }
    }

    /// A worker that is drawn, as far as is known: bins of all that anybody may name would take more than the page.
    fn drawn(&mut self, worker: u32) -> Option<&mut Busy> {
        let is_full = self.workers.len() >= MAX_LANES && !self.workers.contains_key(&worker);
        if is_full {
            let last = self.workers.last_key_value().map_or(worker, |(last, _)| *last);
            self.others.insert(worker.max(last));
            if last < worker {
                return None;
            }
            self.workers.remove(&last);
        }
        Some(self.workers.entry(worker).or_default())
    }

    pub(super) fn finish(self, left_out: &mut Vec<String>) -> TimeLine {
        if !self.others.is_empty() {
            let all = self.workers.len() + self.others.len();
            left_out.push(format!("Only {MAX_LANES} of {all} workers are drawn."));
        }
        let width = self.width;
        let lanes = self.workers.into_iter().map(|(worker, busy)| Lane {
            worker,
            trials: busy.trials,
            busy_us: busy.total,
            busy: Packed(busy.bins.iter().map(|&time| share(time, width)).collect()),
        });
        TimeLine { width_us: width, end_us: self.end, lanes: lanes.collect() }
    }
}

impl Busy {
    fn widen(&mut self) {
        let sum = |pair: &[u64]| pair.iter().copied().fold(0, u64::saturating_add);
        self.bins = self.bins.chunks(2).map(sum).collect();
    }
}

/// Trials that share work may overlap in time: a worker is never more than busy.
fn share(time: u64, width: u64) -> u8 {
    (time.min(width) as f64 / width as f64 * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_workers_those_with_the_smallest_numbers_are_drawn_and_no_bins_are_kept_of_others() {
        let mut lanes = Lanes::default();
        for at in 0..2000_u32 {
            // All numbers below 1000 twice, in an order without a pattern.
            lanes.add(at * 617 % 1000, 10, 5);
            assert!(lanes.workers.len() <= MAX_LANES);
        }
        let mut left_out = Vec::new();
        let line = lanes.finish(&mut left_out);
        assert!(line.lanes.iter().map(|lane| lane.worker).eq(0..128));
        assert_eq!(left_out, ["Only 128 of 1000 workers are drawn."]);
    }

    #[test]
    fn times_at_the_end_of_numbers_are_drawn() {
        let mut lanes = Lanes::default();
        for _ in 0..600 {
            lanes.add(0, 0, u64::MAX);
            lanes.add(1, u64::MAX, u64::MAX);
        }
        let line = lanes.finish(&mut Vec::new());
        assert_eq!((line.end_us, line.lanes.len()), (u64::MAX, 2));
        assert!(line.lanes[0].busy.0.iter().all(|&share| share > 0));
    }
}
