//! One turn of one arm: how long it takes to get the data ready, and how long a trial takes.

use std::borrow::Borrow;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::arms::{
    CarefulWorker, EngineWorker, Grouped, IdealWorker, LayeredShared, Layering, NaiveWorker, Scratch, Worker,
};
use crate::data::Dataset;
use crate::stats::median;
use crate::strategy::Trial;
use crate::workloads::Workload;

/// An arm by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arm {
    /// The Python original's baseline, written well with Arrow.
    Naive,
    /// Grouped once for each worker, sliced by hand.
    Careful,
    /// Preloaded raw slices.
    Ideal,
    /// Our layers.
    Layers(Layering),
    /// The sweep engine on all of them, over the mapped store.
    Engine,
}

impl Arm {
    /// The three references, the eight combinations over the Parquet file, all layers over the mapped store, and the engine on them.
    pub fn all() -> Vec<Self> {
        let layers = Layering::COMBINATIONS.into_iter().chain([Layering::MAPPED]).map(Self::Layers);
        [Self::Naive, Self::Careful, Self::Ideal].into_iter().chain(layers).chain([Self::Engine]).collect()
    }

    /// All layers over the mapped store: what the `total.*` claims are about.
    pub const MAPPED: Self = Self::Layers(Layering::MAPPED);

    /// Layers 1 and 2 over the Parquet file.
    pub const LAYERS_1_AND_2: Self = Self::Layers(Layering::LAYERS_1_AND_2);

    /// Its name in the report.
    pub fn name(self) -> String {
        match self {
            Self::Naive => "naive".into(),
            Self::Careful => "careful".into(),
            Self::Ideal => "ideal".into(),
            Self::Layers(layering) => layering.name(),
            Self::Engine => "engine".into(),
        }
    }

    /// The arm with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|arm| arm.name() == name)
    }

    /// Starts the arm on a data set, with nothing shared with an earlier start.
    ///
    /// # Errors
    /// Where what all workers share cannot be opened.
    pub fn start(self, dataset: &Dataset) -> anyhow::Result<Started> {
        Ok(match self {
            Self::Naive => Started::Naive(dataset.clone()),
            Self::Careful => Started::Careful(dataset.clone()),
            Self::Ideal => Started::Ideal(Grouped::load(dataset)?),
            Self::Layers(layering) => Started::Layers(layering.start(dataset)?),
            Self::Engine => Started::Engine(dataset.clone()),
        })
    }
}

/// An arm on a data set: what its workers share.
pub enum Started {
    /// Nothing but the file.
    Naive(Dataset),
    /// Nothing but the file.
    Careful(Dataset),
    /// The preloaded data.
    Ideal(Grouped),
    /// The layers.
    Layers(LayeredShared),
    /// Nothing but the store.
    Engine(Dataset),
}

/// What is done with a worker: generic, so that each arm's trial loop is compiled for itself.
pub trait Job {
    /// What it gives.
    type Output;

    /// Does it with a fresh worker; `make` gets its data ready.
    ///
    /// # Errors
    /// Whatever the worker meets.
    fn run<W: Worker>(&mut self, make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<Self::Output>;
}

impl Started {
    /// Does a job with workers of this arm.
    ///
    /// # Errors
    /// Whatever the job meets; an ideal arm on data with gaps.
    pub fn work<J: Job>(&self, job: &mut J) -> anyhow::Result<J::Output> {
        match self {
            Self::Naive(dataset) => job.run(|| NaiveWorker::load(dataset)),
            Self::Careful(dataset) => job.run(|| Grouped::load(dataset).map(CarefulWorker)),
            Self::Ideal(grouped) => {
                let preloaded = IdealWorker::new(grouped);
                ensure!(preloaded.is_some(), "raw slices do not do for assets with gaps");
                job.run(|| preloaded.clone().ok_or_else(|| unreachable!("it was checked")))
            }
            Self::Layers(layers) => job.run(|| layers.worker()),
            Self::Engine(dataset) => job.run(|| EngineWorker::start(dataset)),
        }
    }
}

/// What a turn took, or several of them on average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Getting the data of all workers ready, what they share and their start included, in seconds.
    pub ready_seconds: f64,
    /// The part of it that starting the workers' threads took; 0 for a lone worker, which needs none.
    pub start_seconds: f64,
    /// One trial, in seconds, the mean over those run.
    pub trial_seconds: f64,
    /// Trials run of each sweep.
    pub trials_run: usize,
}

impl Turn {
    /// The time of a sweep of so many trials.
    pub fn sweep_seconds(&self, trials: usize) -> f64 {
        self.ready_seconds + self.trial_seconds * trials as f64
    }

    /// The medians of some turns of one arm: what a neighbour on the machine slows for a moment is not the arm's.
    pub fn median(turns: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| median(&turns.iter().map(part).collect::<Vec<_>>());
        Self {
            ready_seconds: of(|turn| turn.ready_seconds),
            start_seconds: of(|turn| turn.start_seconds),
            trial_seconds: of(|turn| turn.trial_seconds),
            trials_run: turns.iter().map(|turn| turn.trials_run).min().unwrap_or(0),
        }
    }
}

/// Runs an arm for at least `least`: whole sweeps, as many as fit, or the beginning of one.
///
/// A sweep that does not fit ends when the time is up, after [`LEAST_TRIALS`] trials of each worker, so that a slow
/// arm's turn stays short.
///
/// # Errors
/// Whatever the arm meets.
pub fn turn(arm: Arm, dataset: &Dataset, workload: &Workload, least: Duration) -> anyhow::Result<Turn> {
    if arm != Arm::Ideal {
        return sweeps(workload, least, || arm.start(dataset));
    }
    // Its data were there before: neither reading nor handing them out is part of its turn.
    let preloaded = arm.start(dataset)?;
    Ok(Turn { ready_seconds: 0.0, ..sweeps(workload, least, || Ok(&preloaded))? })
}

fn sweeps<S: Borrow<Started>>(
    workload: &Workload,
    least: Duration,
    start: impl Fn() -> anyhow::Result<S>,
) -> anyhow::Result<Turn> {
    let (begin, mut sum, mut sweeps) = (Instant::now(), Sums::default(), 0);
    while sweeps == 0 || (sum.trials_run == sweeps * workload.trials && begin.elapsed() < least) {
        let began = Instant::now();
        let started = start()?;
        sum.ready += began.elapsed();
        // Where a whole sweep has fitted, only whole ones follow.
        let until = (sweeps == 0).then(|| begin + least);
        for worker in 0..workload.workers {
            let share = workload.share(worker);
            let deadline =
                until.map(|until| until - least * later_workers(workload, worker) / workload.workers as u32);
            sum.add(&run_share(started.borrow(), workload, share, deadline)?);
        }
        sweeps += 1;
    }
    Ok(sum.turn(sweeps))
}

/// How many workers have their time after this one.
fn later_workers(workload: &Workload, worker: usize) -> u32 {
    (workload.workers - 1 - worker) as u32
}

/// One worker's share of a sweep: in a thread of its own where there are several, one after the other, so that the
/// sum of their times is not that of a fight for cores.
fn run_share(
    started: &Started,
    workload: &Workload,
    trials: Range<usize>,
    deadline: Option<Instant>,
) -> anyhow::Result<Sums> {
    let mut share = Share { workload, trials, deadline };
    if workload.workers == 1 {
        return started.work(&mut share);
    }
    let begin = Instant::now();
    let (sums, inside) = thread::scope(|scope| {
        let work = || {
            let first_instruction = Instant::now();
            (started.work(&mut share), first_instruction.elapsed())
        };
        scope.spawn(work).join().expect("no panic in a worker")
    });
    let start = begin.elapsed().saturating_sub(inside);
    sums.map(|sums| Sums { start, ready: sums.ready + start, ..sums })
}

/// Trials that a worker runs at least, however slow.
pub const LEAST_TRIALS: usize = 2;

#[derive(Default)]
struct Sums {
    start: Duration,
    ready: Duration,
    trials: Duration,
    trials_run: usize,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.start += other.start;
        self.ready += other.ready;
        self.trials += other.trials;
        self.trials_run += other.trials_run;
    }

    fn turn(&self, sweeps: usize) -> Turn {
        Turn {
            ready_seconds: self.ready.as_secs_f64() / sweeps as f64,
            start_seconds: self.start.as_secs_f64() / sweeps as f64,
            trial_seconds: self.trials.as_secs_f64() / self.trials_run as f64,
            trials_run: self.trials_run / sweeps,
        }
    }
}

/// One worker's share of a sweep.
struct Share<'t> {
    workload: &'t Workload,
    trials: Range<usize>,
    deadline: Option<Instant>,
}

impl Job for Share<'_> {
    type Output = Sums;

    fn run<W: Worker>(&mut self, mut make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<Sums> {
        let began = Instant::now();
        let mut worker = make()?;
        let mut sums = Sums { ready: began.elapsed(), ..Sums::default() };
        let (mut scratch, moments, ready) = (Scratch::new(), worker.moments(), Instant::now());
        let trials: Vec<Trial> =
            self.trials.clone().map(|trial| self.workload.trial(trial, moments)).collect();
        let deadline = self.deadline;
        let mut has_time =
            |ran| ran < LEAST_TRIALS || deadline.is_none_or(|deadline| Instant::now() < deadline);
        sums.trials_run = worker.trials(&trials, &mut scratch, &mut has_time)?;
        sums.trials = ready.elapsed();
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_a_neighbour_slows_does_not_move_the_median() {
        let turn = |seconds: f64| Turn {
            ready_seconds: 2.0 * seconds,
            start_seconds: 0.0,
            trial_seconds: seconds,
            trials_run: 10 * seconds as usize,
        };
        let median = Turn::median(&[1.0, 1.0, 7.0].map(turn));
        assert_eq!(median, Turn { trials_run: 10, ..turn(1.0) });
    }

    #[test]
    fn a_later_worker_has_its_time_after_the_earlier_ones() {
        let workload = Workload::named("seed-workers").expect("it is in the table");
        let later: Vec<u32> = (0..workload.workers).map(|worker| later_workers(workload, worker)).collect();
        assert_eq!(later, [7, 6, 5, 4, 3, 2, 1, 0]);
    }
}
