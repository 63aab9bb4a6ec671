//! The arms: ways to run the same trials.

pub mod careful;
pub mod engine;
pub mod layered;
pub mod naive;
pub mod parquet;

use crate::strategy::{AssetState, Observer, Trial, TrialResult, Unobserved};

pub use careful::{CarefulWorker, Grouped, IdealWorker};
pub use engine::EngineWorker;
pub use layered::{LayeredShared, Layering};
pub use naive::NaiveWorker;

/// States of assets, reused from trial to trial.
pub type Scratch = Vec<AssetState>;

/// One worker of an arm, with its data ready.
pub trait Worker {
    /// Moments in the calendar of its data.
    fn moments(&self) -> usize;

    /// Runs one trial.
    ///
    /// # Errors
    /// Where the data cannot be read.
    fn trial(
        &mut self,
        trial: Trial,
        scratch: &mut Scratch,
        observer: &mut impl Observer,
    ) -> anyhow::Result<TrialResult>;

    /// Runs trials in their order, asking before each whether there is time for more, given how many have run. How many it ran.
    ///
    /// # Errors
    /// As [`trial`](Self::trial).
    fn trials(
        &mut self,
        trials: &[Trial],
        scratch: &mut Scratch,
        has_time: &mut dyn FnMut(usize) -> bool,
    ) -> anyhow::Result<usize> {
        for (ran, &trial) in trials.iter().enumerate() {
            if !has_time(ran) {
                return Ok(ran);
            }
            std::hint::black_box(self.trial(trial, scratch, &mut Unobserved)?);
        }
        Ok(trials.len())
    }

    /// Reads every column of every bar that it holds; a sum over them.
    ///
    /// # Errors
    /// Where the data cannot be read.
    fn read_everything(&mut self) -> anyhow::Result<f64>;
}
