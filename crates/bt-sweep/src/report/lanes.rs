//! When each worker was busy, in bins that widen as the sweep grows.

use std::collections::BTreeMap;

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
    workers: BTreeMap<u32, Busy>,
}

#[derive(Debug, Default)]
struct Busy {
    trials: u64,
    total: u64,
    bins: Vec<u64>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { width: 1, end: 0, workers: BTreeMap::new() }
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
        let busy = self.workers.entry(worker).or_default();
        busy.trials += 1;
        busy.total = busy.total.saturating_add(took);
        let (first, beyond) = (started / self.width, end.div_ceil(self.width));
        if busy.bins.len() < beyond as usize {
            busy.bins.resize(beyond as usize, 0);
        }
        for bin in first..beyond {
            let from = started.max(bin * self.width);
            let until = end.min((bin + 1).saturating_mul(self.width));
            busy.bins[bin as usize] += until.saturating_sub(from);
        }
    }

    pub(super) fn finish(self, left_out: &mut Vec<String>) -> TimeLine {
        if self.workers.len() > MAX_LANES {
            left_out.push(format!("Only {MAX_LANES} of {} workers are drawn.", self.workers.len()));
        }
        let width = self.width;
        let lanes = self.workers.into_iter().take(MAX_LANES).map(|(worker, busy)| Lane {
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
        self.bins = self.bins.chunks(2).map(|pair| pair.iter().sum()).collect();
    }
}

/// Trials that share work may overlap in time: a worker is never more than busy.
fn share(time: u64, width: u64) -> u8 {
    (time.min(width) as f64 / width as f64 * 255.0).round() as u8
}
