//! The engine's own claims: what a pool that lasts, a shared bundle and BOHB save, how sweeps scale, and that they give
//! the same results however they are run.

pub mod banded;
pub mod bohb;
pub mod determinism;
pub mod duel;
pub mod pool;
pub mod scaling;

use bt_sweep::{Backtest, Engine, EngineOptions, Objective, Sweep};

use crate::arms::Layering;
use crate::data::Dataset;

/// An engine on all layers over the mapped store, with nothing shared with another one.
///
/// # Errors
/// Where the store cannot be opened or a thread not be started.
pub fn engine(dataset: &Dataset, workers: usize) -> anyhow::Result<Engine> {
    let options = EngineOptions { workers, ..EngineOptions::default() };
    Ok(Engine::new(Layering::MAPPED.layers(dataset)?, options)?)
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A sweep over all of a data set.
fn sweep(dataset: &Dataset, backtest: impl Backtest, objective: Objective) -> Sweep {
    Sweep::new(backtest, dataset.name.clone(), objective)
}
