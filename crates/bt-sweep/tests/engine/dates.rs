//! Days of bars, and the year of a whole bundle, where trials see a part of it.

use std::sync::{Arc, Mutex};

use bt_sweep::bt_core::{Day, Frequency, Timestamp};
use bt_sweep::folds::{Kind, WalkForward};
use bt_sweep::search::{Grid, Search};
use bt_sweep::{
    Accounting, BarTime, Engine, Error, EventDriven, Metric, Names, Objective, Params, Space, Sweep, ledger,
    strategies,
};
use bt_testkit::{AssetData, FakeSource, MarketData};

use crate::fake::{Batches, Function, engine_on, name, sweep};

/// Two assets that rise and fall, with a bar on each of these days, known at the midnight that ends it.
fn daily(days: impl Iterator<Item = i32>) -> MarketData {
    let timestamps: Vec<Timestamp> = days.map(|day| Day::from_days_since_1970(day + 1).midnight()).collect();
    let asset = |rank: usize| {
        let close: Vec<f64> =
            (0..timestamps.len()).map(|bar| 20.0 + ((bar * (rank + 2)) % 7) as f64).collect();
        AssetData {
            name: format!("A{rank}"),
            timestamps: timestamps.clone(),
            columns: [0; 5].map(|_| close.clone()),
        }
    };
    MarketData { frequency: Frequency::Daily, assets: vec![asset(0), asset(1)] }
}

/// 20 weeks of all days, from a Monday on.
fn all_days() -> Engine {
    let source = FakeSource::default();
    source.publish(&name(), &daily(19_723..19_723 + 140));
    engine_on(2, source)
}

fn walk(train: &str, test: &str) -> WalkForward {
    WalkForward::new(Kind::Rolling, train.parse().unwrap(), test.parse().unwrap())
}

fn grid() -> Result<Box<dyn Search>, Error> {
    Ok(Box::new(Grid::new(Space::builder().int("fast", 2, 3, 1).int("slow", 5, 6, 1).build()?)?))
}

fn crossover(accounting: Accounting) -> Sweep {
    let backtest = EventDriven { strategy: strategies::SmaCrossover, accounting: Some(accounting) };
    Sweep::new(backtest, name(), Objective::maximize("sharpe"))
}

#[test]
fn a_trial_of_a_part_has_the_year_of_the_whole_bundle() {
    let seen: Arc<Mutex<Vec<f64>>> = Arc::default();
    let note = Arc::clone(&seen);
    let function = Function::new(move |view, x| {
        note.lock().unwrap().push(view.year().periods);
        Ok(x as f64)
    });
    let engine = all_days();
    let search = || Ok(Box::new(Batches::new([vec![1, 2]])) as Box<dyn Search>);
    engine.walk_forward(&sweep(function.clone()), &walk("3w", "2w"), &mut |_| search(), &mut ()).unwrap();
    // Two weeks do not tell what a year is.
    let until = "2024-01-15".parse::<BarTime>().unwrap();
    let short =
        Sweep { until: until.known(&engine.bar_clock(&sweep(function.clone())).unwrap()), ..sweep(function) };
    engine.run(&short, &mut Batches::new([vec![1]]), &mut ()).unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.len() > 20 && seen.iter().all(|&periods| periods == 365.0), "{seen:?}");
}

#[test]
fn annual_figures_are_those_of_the_bundles_year_and_of_the_one_that_is_given() {
    let engine = all_days();
    let figures = |periods_per_year| {
        let sweep = crossover(Accounting { periods_per_year, ..Accounting::default() });
        let result = engine.run(&sweep, &mut *grid().unwrap(), &mut ()).unwrap();
        let at = |metric: Metric| Metric::ALL.iter().position(|&known| known == metric).unwrap();
        let best = result.best().unwrap();
        [Metric::Sharpe, Metric::Volatility].map(|metric| best.metrics()[at(metric)])
    };
    let [auto, of_365, of_252] = [None, Some(365.0), Some(252.0)].map(figures);
    assert!(auto.iter().all(|figure| figure.is_finite() && *figure != 0.0), "{auto:?}");
    assert_eq!(auto, of_365);
    let root = (365.0_f64 / 252.0).sqrt();
    auto.iter().zip(of_252).for_each(|(auto, other)| assert!((auto / other - root).abs() < 1e-12));
}

#[test]
fn a_ledger_says_the_bars_of_a_year_and_is_not_resumed_with_another_number() {
    let (engine, folder) = (all_days(), tempfile::tempdir().unwrap());
    let kept = |periods_per_year, resume| Sweep {
        folder: Some(folder.path().to_owned()),
        resume,
        ..crossover(Accounting { periods_per_year, ..Accounting::default() })
    };
    engine.run(&kept(None, false), &mut *grid().unwrap(), &mut ()).unwrap();
    let header = ledger::read_header(folder.path()).unwrap();
    assert!(header.settings.contains(" periods=auto:365 "), "{}", header.settings);
    assert_eq!(header.settings, engine.id(&kept(None, true)).unwrap().settings);
    let resumed = engine.run(&kept(None, true), &mut *grid().unwrap(), &mut ()).unwrap();
    assert_eq!(resumed.progress.known, resumed.progress.done);
    let refused = engine.run(&kept(Some(365.0), true), &mut *grid().unwrap(), &mut ()).unwrap_err();
    assert!(refused.to_string().contains("settings of the ledger"), "{refused}");
}

#[test]
fn days_of_a_sweep_and_of_its_report_are_those_of_bars() {
    let weekdays = (19_723..19_723 + 140).filter(|day| (day - 19_723) % 7 < 5);
    let source = FakeSource::default();
    source.publish(&name(), &daily(weekdays));
    let engine = engine_on(2, source);
    let clock = engine.bar_clock(&crossover(Accounting::default())).unwrap();
    let known = |text: &str| text.parse::<BarTime>().unwrap().known(&clock);
    // From a Friday up to the Friday four weeks later, which is not in it.
    let sweep =
        Sweep { from: known("2024-01-05"), until: known("2024-02-02"), ..crossover(Accounting::default()) };
    let result = engine.walk_forward(&sweep, &walk("10b", "5b"), &mut |_| grid(), &mut ()).unwrap();
    let data = engine.walk_forward_report(&sweep, "grid", &result).unwrap();
    let day = |ns: i64| Day::of(Timestamp::from_nanos(ns)).to_string();
    let range = data.facts.range.unwrap();
    assert_eq!([day(range.first_day_ns), day(range.last_day_ns)], ["2024-01-05", "2024-02-01"]);
    assert_eq!(Timestamp::from_nanos(range.last_ns).to_string(), "2024-02-02T00:00:00Z");
    let tests: Vec<_> = data.walk_forward.as_ref().unwrap().folds.iter().map(|fold| fold.test).collect();
    let tests: Vec<_> = tests.iter().map(|test| [day(test.first_day_ns), day(test.last_day_ns)]).collect();
    assert_eq!(tests, [["2024-01-19", "2024-01-25"], ["2024-01-26", "2024-02-01"]]);
    let out_of_sample = data.walk_forward.unwrap().out_of_sample.unwrap();
    let ends = [out_of_sample.seconds.0[0], *out_of_sample.seconds.0.last().unwrap()];
    assert_eq!(ends.map(|seconds| day(seconds as i64 * 1_000_000_000)), ["2024-01-19", "2024-02-01"]);
    assert_eq!(data.facts.year, "252 bars: 252 days of 1 bar, since the median week has bars on 5 days");
}

#[test]
fn a_range_without_a_bar_is_refused_with_the_days_that_have_bars() {
    let engine = all_days();
    let clock = engine.bar_clock(&crossover(Accounting::default())).unwrap();
    let known = |text: &str| text.parse::<BarTime>().unwrap().known(&clock);
    let refused = |from, until| {
        let sweep = Sweep { from, until, ..crossover(Accounting::default()) };
        engine
            .returns(&sweep, &Params::new(&Names::new(["fast"]), [2_i64.into()]).unwrap())
            .unwrap_err()
            .to_string()
    };
    let message = refused(known("2023-01-01"), known("2023-02-01"));
    assert_eq!(
        message,
        "range = from 2023-01-01 until 2023-02-01 is out of range; allowed: a part with a bar, of 2024-01-01 to 2024-05-19"
    );
    assert!(refused(known("2025-01-01"), Timestamp::MAX).contains("from 2025-01-01 on"));
    assert!(refused(Timestamp::MIN, known("2023-01-01")).contains("before 2023-01-01"));
}
