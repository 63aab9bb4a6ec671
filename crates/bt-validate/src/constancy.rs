//! Whether an arm's time per trial is constant over a worker's trials: what allows a turn to run only some of them.

use std::time::{Duration, Instant};

use crate::arms::{Scratch, Worker};
use crate::stats::median;
use crate::strategy::Unobserved;
use crate::turn::{Job, Started};
use crate::workloads::Workload;

/// How much longer an arm's later trials take than its earlier ones: the median of pairs, with other workers for at
/// least `budget`.
///
/// # Errors
/// Whatever the arm meets.
pub fn constancy(started: &Started, workload: &Workload, budget: Duration) -> anyhow::Result<f64> {
    let (begin, mut ratios) = (Instant::now(), Vec::new());
    while ratios.is_empty() || begin.elapsed() < budget {
        ratios.extend(started.work(&mut Pairs(workload))?);
    }
    Ok(median(&ratios))
}

/// Whether trials may stand for others where a later one takes so many times as long as an earlier one.
pub fn is_constant(ratio: f64) -> bool {
    (0.8..=1.25).contains(&ratio)
}

/// How many trials the one worker is ahead of the other, and how many they are compared on.
pub const TRIALS: usize = 6;

/// A fresh worker and one that has run some trials already take turns, so that both see the same machine.
struct Pairs<'t>(&'t Workload);

impl Job for Pairs<'_> {
    /// The time of a trial of the worker that is ahead over that of the fresh one, pair by pair.
    type Output = Vec<f64>;

    fn run<W: Worker>(&mut self, mut make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<Vec<f64>> {
        let (mut ahead, mut fresh) = (make()?, make()?);
        let (mut scratch, moments) = (Scratch::new(), ahead.moments());
        let mut timed = |worker: &mut W, trial: usize| {
            let trial = self.0.trial(trial % self.0.trials, moments);
            let begin = Instant::now();
            std::hint::black_box(worker.trial(trial, &mut scratch, &mut Unobserved)?);
            anyhow::Ok(begin.elapsed().as_secs_f64())
        };
        for trial in 0..TRIALS {
            timed(&mut ahead, trial)?;
        }
        let pair = |trial: usize| anyhow::Ok(timed(&mut ahead, trial)? / timed(&mut fresh, trial)?);
        (0..TRIALS).map(pair).collect()
    }
}
