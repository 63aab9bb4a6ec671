//! The arms: ways to run the same trials.

pub mod careful;
pub mod layered;
pub mod naive;
pub mod parquet;

use crate::strategy::{AssetState, Observer, Trial, TrialResult};

pub use careful::{CarefulWorker, Grouped, IdealWorker};
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

    /// Reads every column of every bar that it holds; a sum over them.
    ///
    /// # Errors
    /// Where the data cannot be read.
    fn read_everything(&mut self) -> anyhow::Result<f64>;
}
