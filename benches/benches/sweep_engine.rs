//! What the engine itself costs for each trial: with a backtest that does nothing, on one worker and on two, without a ledger and
//! with one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bt_benches::{Paired, Rows, is_quick, is_wanted};
use bt_bundle_pool::bt_core::BundleName;
use bt_sweep::bt_layers::{Layers, OptimizationConfig, Options};
use bt_sweep::search::Grid;
use bt_sweep::{
    Backtest, BacktestId, Engine, EngineOptions, Metric, Objective, Outcome, Params, Result, Space, Sweep,
    TrialView,
};
use bt_testkit::{FakeSource, Market};

fn main() {
    let mut rows = Rows::new("sweep_engine");
    for (assets, days) in [(8, 1000), (500, 1000)] {
        let name = format!("sweep_engine/{assets} assets");
        if is_wanted(&name) {
            costs(&name, assets, days, &mut rows);
        }
    }
}

/// Gives as many metrics as real backtests do, and computes nothing.
struct Nothing;

impl Backtest for Nothing {
    fn id(&self) -> BacktestId {
        BacktestId { name: "nothing".into(), version: 1, settings: String::new() }
    }

    fn metrics(&self) -> Vec<String> {
        Metric::names()
    }

    fn run(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome> {
        let value = params.int("a")? as f64 + view.assets().len() as f64;
        Ok(Outcome { metrics: vec![value; Metric::ALL.len()], blocks: Vec::new() })
    }
}

fn costs(name: &str, assets: usize, days: usize, rows: &mut Rows) {
    let bars: BundleName = "bars".parse().expect("a name");
    let source = FakeSource::default();
    source.publish(&bars, &Market::common(1, assets, days).generate());
    let layers = Layers::over_bundles(&OptimizationConfig::default(), Options::default(), source);
    let layers = layers.expect("the default configuration");
    let engine = |workers| {
        let options = EngineOptions { workers, ..EngineOptions::default() };
        Engine::new(layers.clone(), options).expect("workers")
    };
    let (one, two) = (engine(1), engine(2));
    let trials = if is_quick() { 2_000 } else { 20_000 };
    let plain = |engine: &Engine, times| run(engine, &bars, trials, false, times);
    let mut paired = Paired::new(name)
        .timed_arm("1 worker", |times| plain(&one, times))
        .timed_arm("2 workers", |times| plain(&two, times))
        .timed_arm("2 workers, ledger", |times| run(&two, &bars, trials, true, times));
    let times = paired.measure(if is_quick() { 5 } else { 15 });
    let each = |arm| times.nanos(arm) / trials as f64 / 1000.0;
    let row = format!("the engine's own cost, {assets} assets");
    rows.at_most(&row, "a trial, 1 worker", each("1 worker"), 5.0, " µs");
    rows.at_most(&row, "a trial, 2 workers", each("2 workers"), 5.0, " µs");
    rows.at_most(&row, "a trial, 2 workers, with a ledger", each("2 workers, ledger"), 20.0, " µs");
}

/// Whole sweeps of so many trials.
fn run(engine: &Engine, bars: &BundleName, trials: i64, with_ledger: bool, times: u64) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let space = Space::builder().int("a", 1, trials / 100, 1).int("b", 1, 100, 1).build();
        let mut grid = Grid::new(space.expect("a space")).expect("a grid");
        let folder = tempfile::tempdir().expect("a folder");
        let mut sweep = Sweep::new(Nothing, bars.clone(), Objective::maximize("sharpe"));
        sweep.folder = with_ledger.then(|| folder.path().to_owned());
        let start = Instant::now();
        let result = engine.run(&sweep, &mut grid, &mut ()).expect("a sweep");
        took += start.elapsed();
        assert_eq!(black_box(result).trials.len() as i64, trials);
    }
    took
}
