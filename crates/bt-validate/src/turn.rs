//! One turn of one arm: how long it takes to get the data ready, and how long a trial takes.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::arms::{
    CarefulWorker, Grouped, IdealWorker, LayeredShared, Layering, NaiveWorker, Scratch, Worker,
};
use crate::data::Dataset;
use crate::stats::median;
use crate::strategy::{Observer, TrialResult, Unobserved};
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
}

impl Arm {
    /// The three references, the eight combinations over the Parquet file, and all layers over the mapped store.
    pub fn all() -> Vec<Self> {
        let layers = Layering::COMBINATIONS.into_iter().chain([Layering::MAPPED]).map(Self::Layers);
        [Self::Naive, Self::Careful, Self::Ideal].into_iter().chain(layers).collect()
    }

    /// All layers over the mapped store: what the `total.*` claims are about.
    pub const MAPPED: Self = Self::Layers(Layering::MAPPED);

    /// Its name in the report.
    pub fn name(self) -> String {
        match self {
            Self::Naive => "naive".into(),
            Self::Careful => "careful".into(),
            Self::Ideal => "ideal".into(),
            Self::Layers(layering) => layering.name(),
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
        }
    }
}

/// What a turn took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Getting the data of all workers ready, what they share included, in seconds.
    pub ready_seconds: f64,
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
}

/// Runs an arm for at least `least`: whole sweeps, as many as fit, or the beginning of one.
///
/// A sweep ends after [`LEAST_TRIALS`] trials when the time is up, so that a slow arm's turn stays short.
///
/// # Errors
/// Whatever the arm meets.
pub fn turn(arm: Arm, dataset: &Dataset, workload: &Workload, least: Duration) -> anyhow::Result<Turn> {
    let ideal = if arm == Arm::Ideal { Some(arm.start(dataset)?) } else { None };
    let (start, mut sum, mut sweeps) = (Instant::now(), Sums::default(), 0);
    while sweeps == 0 || start.elapsed() < least {
        let began = Instant::now();
        let started = if ideal.is_none() { Some(arm.start(dataset)?) } else { None };
        sum.ready += if ideal.is_some() { Duration::ZERO } else { began.elapsed() };
        let started = started.as_ref().or(ideal.as_ref()).expect("one of them is there");
        for worker in 0..workload.workers {
            let share = |worker: usize| workload.trials * worker / workload.workers;
            let deadline = start + least * (worker as u32 + 1) / workload.workers as u32;
            started.work(&mut Share {
                workload,
                trials: share(worker)..share(worker + 1),
                deadline,
                sum: &mut sum,
            })?;
        }
        sweeps += 1;
    }
    Ok(Turn {
        ready_seconds: sum.ready.as_secs_f64() / f64::from(sweeps),
        trial_seconds: sum.trials.as_secs_f64() / sum.trials_run as f64,
        trials_run: sum.trials_run / sweeps as usize,
    })
}

/// Trials that a worker runs at least, however slow.
pub const LEAST_TRIALS: usize = 2;

#[derive(Default)]
struct Sums {
    ready: Duration,
    trials: Duration,
    trials_run: usize,
}

/// One worker's share of a sweep.
struct Share<'t> {
    workload: &'t Workload,
    trials: std::ops::Range<usize>,
    deadline: Instant,
    sum: &'t mut Sums,
}

impl Job for Share<'_> {
    type Output = ();

    fn run<W: Worker>(&mut self, mut make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut worker = make()?;
        let ready = Instant::now();
        self.sum.ready += ready - began;
        let (mut scratch, moments) = (Scratch::new(), worker.moments());
        for (ran, trial) in self.trials.clone().enumerate() {
            if ran >= LEAST_TRIALS && Instant::now() >= self.deadline {
                break;
            }
            let result = worker.trial(self.workload.trial(trial, moments), &mut scratch, &mut Unobserved)?;
            std::hint::black_box(result);
            self.sum.trials_run += 1;
        }
        self.sum.trials += ready.elapsed();
        Ok(())
    }
}

/// Whether an arm's time per trial is constant over trials in a row: what allows a turn to run only some of them.
pub struct Constancy<'t>(pub &'t Workload);

/// Trials timed for it, after one that is not.
const CONSTANCY_TRIALS: usize = 12;

impl Job for Constancy<'_> {
    /// The time of the second half of the trials over that of the first.
    type Output = f64;

    fn run<W: Worker>(&mut self, mut make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<f64> {
        let mut worker = make()?;
        let (mut scratch, moments) = (Scratch::new(), worker.moments());
        let mut timed = |trial: usize| {
            let trial = self.0.trial(trial % self.0.trials, moments);
            let begin = Instant::now();
            std::hint::black_box(worker.trial(trial, &mut scratch, &mut Unobserved)?);
            anyhow::Ok(begin.elapsed().as_secs_f64())
        };
        timed(0)?;
        let seconds = (1..=CONSTANCY_TRIALS).map(timed).collect::<anyhow::Result<Vec<f64>>>()?;
        let (first, second) = seconds.split_at(CONSTANCY_TRIALS / 2);
        Ok(median(second) / median(first))
    }
}

/// Runs chosen trials and keeps their results: for the check of equivalence.
pub struct Results<'t, O> {
    /// The workload.
    pub workload: &'t Workload,
    /// The trials to run, ascending.
    pub trials: &'t [usize],
    /// When to stop, after [`LEAST_TRIALS`].
    pub deadline: Instant,
    /// Watches every step.
    pub observer: O,
}

impl<O: Observer> Job for Results<'_, O> {
    type Output = Vec<TrialResult>;

    fn run<W: Worker>(
        &mut self,
        mut make: impl FnMut() -> anyhow::Result<W>,
    ) -> anyhow::Result<Vec<TrialResult>> {
        let mut worker = make()?;
        let (mut scratch, moments, mut results) = (Scratch::new(), worker.moments(), Vec::new());
        for &trial in self.trials {
            if results.len() >= LEAST_TRIALS && Instant::now() >= self.deadline {
                break;
            }
            results.push(worker.trial(
                self.workload.trial(trial, moments),
                &mut scratch,
                &mut self.observer,
            )?);
        }
        Ok(results)
    }
}
