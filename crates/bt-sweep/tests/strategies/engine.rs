//! Each strategy swept through the engine.

use bt_core::BundleName;
use bt_layers::{Layers, OptimizationConfig, Options};
use bt_sweep::search::Grid;
use bt_sweep::strategies::{self, StrategyInfo};
use bt_sweep::{Accounting, Engine, EngineOptions, Objective, Status, Sweep, SweepResult, bt_core};
use bt_testkit::{FakeSource, Market};

fn name() -> BundleName {
    "bars".parse().unwrap()
}

fn engine(workers: usize) -> Engine {
    engine_on(Market::staggered(11, 5, 300, 200).with_gaps(0.02).with_missing(0.001), workers)
}

fn engine_on(market: Market, workers: usize) -> Engine {
    let source = FakeSource::default();
    source.publish(&name(), &market.generate());
    let layers = Layers::over_bundles(&OptimizationConfig::default(), Options::default(), source).unwrap();
    Engine::new(layers, EngineOptions { workers, ..EngineOptions::default() }).unwrap()
}

/// Its space, smaller where the bars are too few for the domains to start from.
fn grid(info: &StrategyInfo) -> Grid {
    let given = match info.name {
        "momentum" => &["lookback=20..60:20", "hold=5|20"][..],
        _ => &[],
    };
    Grid::new(info.space(given.iter().map(|text| text.parse().unwrap())).unwrap()).unwrap()
}

fn run(engine: &Engine, info: &StrategyInfo) -> SweepResult {
    let backtest = strategies::event_driven(info.name, Accounting::default()).unwrap();
    let sweep = Sweep::new(backtest, name(), Objective::maximize("sharpe"));
    engine.run(&sweep, &mut grid(info), &mut ()).unwrap()
}

#[test]
fn every_strategy_gives_the_same_table_on_any_number_of_workers() {
    let engines = [1, 2, 8].map(engine);
    for info in strategies::all() {
        let [one, two, eight] = engines.each_ref().map(|engine| run(engine, info));
        assert!(one.trials.len() >= 18, "{}: {}", info.name, one.trials.len());
        for trial in one.trials.iter() {
            assert_eq!(trial.status(), Status::Done, "{} {}", info.name, trial.params());
        }
        assert!(one.best().is_some(), "{}", info.name);
        let bytes = one.trials.sorted_table_bytes();
        assert!(two.trials.sorted_table_bytes() == bytes, "{} on 2 workers", info.name);
        assert!(eight.trials.sorted_table_bytes() == bytes, "{} on 8 workers", info.name);
    }
}

#[test]
fn trials_share_the_means_of_the_crossover() {
    let engine = engine(2);
    let result = run(&engine, strategies::find("sma-crossover").unwrap());
    assert_eq!(result.trials.len(), 100);
    // Each of the 20 means once, and once for all assets.
    assert_eq!(engine.series().stats().loads, 20);
}

#[test]
fn the_vectorised_form_is_swept_by_the_same_space() {
    let engine = engine(2);
    let info = strategies::find("sma-crossover").unwrap();
    let backtest = strategies::vectorised(info.name).unwrap();
    let sweep = Sweep::new(backtest, name(), Objective::maximize("sum_of_returns"));
    let result = engine.run(&sweep, &mut grid(info), &mut ()).unwrap();
    assert_eq!(result.trials.len(), 100);
    assert!(result.trials.iter().all(|trial| trial.status() == Status::Done));
}

#[test]
fn a_trial_with_parameters_that_make_no_sense_fails_with_what_is_allowed() {
    let backtest = strategies::event_driven("sma-crossover", Accounting::default()).unwrap();
    let sweep = Sweep::new(backtest, name(), Objective::maximize("sharpe"));
    let space = bt_sweep::Space::builder().int("fast", 10, 20, 10).int("slow", 20, 400, 380).build().unwrap();
    let result = engine_on(Market::common(3, 2, 300), 1).run(&sweep, &mut Grid::new(space).unwrap(), &mut ());
    let result = result.unwrap();
    let failed = |number: usize| match result.trials.get(number).unwrap().status() {
        Status::Failed(message) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(result.trials.get(0).unwrap().status(), Status::Done);
    assert_eq!(failed(2), "parameter fast = 20 is out of range; allowed: less than slow = 20");
    let message = "parameter slow = 400 is out of range; allowed: at most 300, since the data has 300 bars";
    assert_eq!([failed(1), failed(3)], [message, message]);
}
