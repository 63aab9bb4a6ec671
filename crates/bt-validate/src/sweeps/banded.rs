//! The strategy of the arms as an event-driven backtest of the engine.

use std::collections::BTreeMap;

use anyhow::ensure;
use bt_core::Field;
use bt_dataportal::{Moment, Series};
use bt_sweep::search::Points;
use bt_sweep::{
    Engine, EventDriven, Names, Objective, Observer, OnBar, Orders, Params, Result, Strategy, Sweep,
    TrialView,
};

use crate::data::Dataset;
use crate::strategy::{AssetState, Band, FAST, SLOW, TrialResult};

/// The crossover with a band: the same steps as in every arm, called bar by bar.
pub struct Banded;

/// The name of the one parameter.
const BAND: &str = "band";

struct State<'t> {
    assets: Vec<(Series<'t>, AssetState)>,
    enter: f64,
}

impl Strategy for Banded {
    fn id(&self) -> (String, u32) {
        ("banded-crossover".to_owned(), 1)
    }

    fn metrics(&self) -> Vec<String> {
        ["sum", "trades", "drawdown"].map(str::to_owned).to_vec()
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let closes = view.series(Field::CLOSE)?.into_iter();
        let assets = closes.map(|closes| (closes, AssetState::default())).collect();
        Ok(Box::new(State { assets, enter: 1.0 + params.float(BAND)? }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, _orders: &mut Orders<'_>) -> Result<()> {
        for (closes, state) in &mut self.assets {
            let Some(known) = closes.current(moment)? else { continue };
            let last = |bars: usize| &known[known.len().saturating_sub(bars)..];
            state.step(last(FAST), last(SLOW), self.enter);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<f64>> {
        let states: Vec<AssetState> = self.assets.iter().map(|(_, state)| *state).collect();
        let TrialResult { sum, trades, drawdown } = TrialResult::of(&states);
        Ok(vec![sum, trades as f64, drawdown])
    }
}

/// A sweep of this strategy over all of a data set.
pub fn sweep(dataset: &Dataset) -> Sweep {
    super::sweep(dataset, EventDriven { strategy: Banded, accounting: None }, Objective::maximize("sum"))
}

/// The results of trials, by their numbers, as bits.
pub type Results = BTreeMap<usize, [u64; 3]>;

/// Runs some of a sweep's `of` trials.
///
/// # Errors
/// What the engine meets; a trial that failed.
pub fn run(
    engine: &Engine,
    sweep: &Sweep,
    of: usize,
    trials: impl IntoIterator<Item = usize>,
) -> anyhow::Result<Results> {
    let trials: Vec<usize> = trials.into_iter().collect();
    let bands: Vec<Band> = trials.iter().map(|&trial| Band::of_trial(trial, of)).collect();
    let results = run_bands(engine, sweep, &bands, &mut ())?;
    ensure!(results.len() == trials.len(), "{} of {} trials have a result", results.len(), trials.len());
    Ok(trials.into_iter().zip(results.iter().map(TrialResult::bits)).collect())
}

/// Runs a trial for each band, no two of which are equal: the results of the first of them, of all unless it was cancelled.
///
/// # Errors
/// What the engine meets; a trial that failed.
pub fn run_bands(
    engine: &Engine,
    sweep: &Sweep,
    bands: &[Band],
    watch: &mut dyn Observer,
) -> anyhow::Result<Vec<TrialResult>> {
    let names = Names::new([BAND]);
    let points = bands.iter().map(|band| Params::new(&names, [band.0.into()])).collect::<Result<Vec<_>>>()?;
    let result = engine.run(sweep, &mut Points::new(&names, points)?, watch)?;
    let results = result.trials.iter().map(|trial| Ok((trial.number(), of_trial(trial)?)));
    let mut results = results.collect::<anyhow::Result<Vec<_>>>()?;
    results.sort_unstable_by_key(|&(number, _)| number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

fn of_trial(trial: bt_sweep::results::Trial<'_>) -> anyhow::Result<TrialResult> {
    ensure!(trial.is_done(), "a trial failed: {}", trial.message().unwrap_or("it was late"));
    let &[sum, trades, drawdown] = trial.metrics() else { anyhow::bail!("a trial has other metrics") };
    Ok(TrialResult { sum, trades: trades as u64, drawdown })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arms::careful::Grouped;
    use crate::arms::{IdealWorker, Scratch, Worker};
    use crate::data::prepare;
    use crate::report::Mode;
    use crate::strategy::{Trial, Unobserved};
    use crate::sweeps::engine;
    use crate::workloads::Set;

    #[test]
    fn the_engine_gives_the_bits_of_raw_slices() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        prepare(&data, folder.path(), &[Set::Micro], Mode::Quick).unwrap();
        let dataset = Dataset::at(&data, Set::Micro);
        let grouped = Grouped::load(&dataset).unwrap();
        let mut ideal = IdealWorker::new(&grouped).unwrap();
        let found = run(&engine(&dataset, 2).unwrap(), &sweep(&dataset), 25, 0..25).unwrap();
        for (number, bits) in found {
            let trial = Trial { band: Band::of_trial(number, 25), first: 1, last: usize::MAX };
            let expected = ideal.trial(trial, &mut Scratch::new(), &mut Unobserved).unwrap();
            assert_eq!(bits, expected.bits(), "trial {number}");
        }
    }
}
