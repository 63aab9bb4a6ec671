//! The sweep engine on all layers over the mapped store: what a user runs instead of the loops of the other arms.

use anyhow::Context;
use bt_core::Timestamp;
use bt_sweep::{Engine, Observer as Watch, Progress, Sweep, TrialRecord};

use super::layered::read_all;
use super::{Scratch, Worker};
use crate::data::Dataset;
use crate::strategy::{Band, Observer, Trial, TrialResult};
use crate::sweeps::{banded, engine};

/// An engine with one worker, and the sweep that it runs.
pub struct EngineWorker {
    engine: Engine,
    sweep: Sweep,
    calendar: Vec<Timestamp>,
}

impl EngineWorker {
    /// An engine of its own, its data ready.
    ///
    /// # Errors
    /// Where the store cannot be opened or the thread not be started.
    pub fn start(dataset: &Dataset) -> anyhow::Result<Self> {
        let engine = engine(dataset, 1)?;
        let mut worker = engine.layers().worker()?;
        let calendar = worker.trial(&dataset.name)?.bundle().calendar().as_slice().to_vec();
        Ok(Self { engine, sweep: banded::sweep(dataset), calendar })
    }

    /// The sweep over the part of the calendar that a trial runs on. What comes before it can be seen and does not count.
    fn on_part_of(&self, trial: Trial) -> anyhow::Result<Sweep> {
        let first = trial.first.max(1) - 1;
        let from = *self.calendar.get(first).context("a trial begins within the calendar")?;
        let until = self.calendar.get(trial.last).copied().unwrap_or(Timestamp::MAX);
        Ok(Sweep { from, until, ..self.sweep.clone() })
    }

    /// Runs trials of one part; the results of those that it had time for.
    fn on_one_part(&self, trials: &[Trial], watch: &mut dyn Watch) -> anyhow::Result<Vec<TrialResult>> {
        let Some(&first) = trials.first() else { return Ok(Vec::new()) };
        let bands: Vec<Band> = trials.iter().map(|trial| trial.band).collect();
        banded::run_bands(&self.engine, &self.on_part_of(first)?, &bands, watch)
    }
}

/// Ends a sweep once there is no more time.
struct Clock<'c> {
    before: usize,
    done: usize,
    has_time: &'c mut dyn FnMut(usize) -> bool,
}

impl Watch for Clock<'_> {
    fn finished(&mut self, _: &TrialRecord, progress: &Progress) {
        self.done = progress.done as usize;
    }

    fn is_cancelled(&mut self) -> bool {
        !(self.has_time)(self.before + self.done)
    }
}

impl Worker for EngineWorker {
    fn moments(&self) -> usize {
        self.calendar.len()
    }

    /// A sweep of one trial. The steps are the engine's: nobody watches them.
    fn trial(&mut self, trial: Trial, _: &mut Scratch, _: &mut impl Observer) -> anyhow::Result<TrialResult> {
        self.on_one_part(&[trial], &mut ())?.pop().context("a sweep of one trial has a result")
    }

    /// A sweep for each part of the calendar.
    fn trials(
        &mut self,
        trials: &[Trial],
        _: &mut Scratch,
        has_time: &mut dyn FnMut(usize) -> bool,
    ) -> anyhow::Result<usize> {
        let mut ran = 0;
        for part in trials.chunk_by(|one, next| (one.first, one.last) == (next.first, next.last)) {
            if !has_time(ran) {
                break;
            }
            let clock = &mut Clock { before: ran, done: 0, has_time };
            let results = std::hint::black_box(self.on_one_part(part, clock)?);
            ran += results.len();
            if results.len() < part.len() {
                break;
            }
        }
        Ok(ran)
    }

    fn read_everything(&mut self) -> anyhow::Result<f64> {
        let mut worker = self.engine.layers().worker()?;
        Ok(read_all(&**worker.trial(&self.sweep.bundle)?.bundle())?)
    }
}
