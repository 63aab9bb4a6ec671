//! What the adapter promises, one by one.

use std::sync::Arc;
use std::time::Duration;

use bt_sweep::account::Target;
use bt_sweep::bt_dataportal::DataPortal;
use bt_sweep::{Accounting, Backtest, Error, EventDriven, Metric, Stop, Strategy, TrialView};

use crate::data::{Rows, day, ids, market, rows};
use crate::strategies::{OwnBooks, Script, params};

/// Of no use to these strategies.
static SERIES: std::sync::LazyLock<bt_sweep::SeriesCache> =
    std::sync::LazyLock::new(|| bt_sweep::SeriesCache::new(1 << 20).unwrap());

fn six_days() -> Rows {
    rows(&[(10.0, 10.5), (11.0, 11.5), (12.0, 12.5), (13.0, 11.0), (14.0, 14.0), (15.0, 16.0)])
}

/// Calls `check` with a view of some moments of one asset's bars.
fn with_view<R>(scored: std::ops::Range<usize>, stop: &Stop, check: impl FnOnce(&TrialView<'_>) -> R) -> R {
    let bundle = market(&[six_days()]).bundle();
    let (portal, ids) = (DataPortal::new(&bundle), ids(&bundle));
    check(&TrialView::new(&portal, &ids, scored, stop, &SERIES).unwrap())
}

fn accounting() -> Accounting {
    Accounting { initial_cash: 1000.0, blocks: 2, ..Accounting::default() }
}

fn script(targets: &[(usize, usize, Target)]) -> EventDriven<Script> {
    let strategy = Script { targets: targets.to_vec(), ..Script::default() };
    EventDriven { strategy, accounting: Some(accounting()) }
}

fn own(names: &[&str], values: usize, accounting: Option<Accounting>) -> EventDriven<OwnBooks> {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    EventDriven { strategy: OwnBooks { names, values }, accounting }
}

#[test]
fn a_target_at_one_bar_is_filled_at_the_next_and_never_at_its_own() {
    let backtest = script(&[(1, 0, Target::Shares(10.0)), (3, 0, Target::Weight(0.0))]);
    with_view(0..6, &Stop::default(), |view| {
        let fills = backtest.fills(view, &params(0.0)).unwrap();
        let fills: Vec<_> = fills.iter().map(|filled| (filled.at, filled.shares, filled.price)).collect();
        assert_eq!(fills, [(day(2), 10.0, 12.0), (day(4), -10.0, 14.0)]);

        let equities = [1000.0, 1000.0, 1005.0, 990.0, 1020.0, 1020.0];
        let before = [1000.0, 1000.0, 1000.0, 1005.0, 990.0, 1020.0];
        let expected: Vec<f64> =
            equities.iter().zip(before).map(|(after, before)| after / before - 1.0).collect();
        assert_eq!(backtest.returns(view, &params(0.0)).unwrap().unwrap(), expected);

        let outcome = backtest.run(view, &params(0.0)).unwrap();
        let value = |metric: Metric| outcome.metrics[Metric::ALL.iter().position(|&m| m == metric).unwrap()];
        assert_eq!(value(Metric::Bars), 6.0);
        assert_eq!((value(Metric::Trades), value(Metric::WinRate)), (1.0, 1.0));
        approx::assert_relative_eq!(value(Metric::TotalReturn), 0.02, max_relative = 1e-12);
        assert_eq!(outcome.blocks.iter().map(|block| block.bars).collect::<Vec<_>>(), [3, 3]);
        assert_eq!(outcome.blocks[0].sum, expected[..3].iter().sum::<f64>());
    });
}

#[test]
fn a_target_at_the_last_bar_is_dropped() {
    let backtest = script(&[(5, 0, Target::Weight(1.0))]);
    with_view(0..6, &Stop::default(), |view| {
        assert_eq!(backtest.fills(view, &params(0.0)).unwrap(), []);
    });
}

#[test]
fn warm_up_bars_are_seen_but_neither_called_for_nor_traded_nor_scored() {
    let backtest = script(&[(0, 0, Target::Shares(10.0))]);
    with_view(2..5, &Stop::default(), |view| {
        let returns = backtest.returns(view, &params(0.0)).unwrap().unwrap();
        assert_eq!(returns.len(), 3);
        assert_eq!(returns[0], 0.0);
        let called = std::mem::take(&mut *backtest.strategy.called.lock().unwrap());
        assert_eq!(called.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [day(2), day(3), day(4)]);
        assert_eq!(called[0].1, [10.5, 11.5, 12.5]);
        let fills = backtest.fills(view, &params(0.0)).unwrap();
        assert_eq!(fills.iter().map(|filled| filled.at).collect::<Vec<_>>(), [day(3)]);
    });
}

#[test]
fn a_strategy_sees_bars_up_to_its_moment_and_no_later_one() {
    let backtest = script(&[]);
    with_view(0..6, &Stop::default(), |view| {
        backtest.run(view, &params(0.0)).unwrap();
        for (bar, (at, seen)) in backtest.strategy.called.lock().unwrap().iter().enumerate() {
            assert_eq!((*at, seen.len()), (day(bar as i64), bar + 1));
        }
    });
}

#[test]
fn cancellation_and_deadline_end_a_trial_before_its_next_bar() {
    let limit = Duration::from_millis(5);
    let (cancelled, late) = (Stop::default(), Stop::with_deadline(Some(limit)));
    cancelled.cancel();
    late.expire();
    let backtest = script(&[]);
    let error = with_view(0..6, &cancelled, |view| backtest.run(view, &params(0.0)).unwrap_err());
    assert!(matches!(error, Error::Cancelled));
    let error = with_view(0..6, &late, |view| backtest.run(view, &params(0.0)).unwrap_err());
    assert!(matches!(error, Error::Deadline(found) if found == limit));
    assert!(backtest.strategy.called.lock().unwrap().is_empty());
}

#[test]
fn a_strategys_own_values_follow_those_of_the_account() {
    let with = own(&["sum", "twice"], 2, Some(accounting()));
    let without = own(&["sum"], 1, None);
    with_view(1..6, &Stop::default(), |view| {
        let outcome = with.run(view, &params(1.0)).unwrap();
        assert_eq!(with.metrics().len(), Metric::ALL.len() + 2);
        assert_eq!(outcome.metrics.len(), with.metrics().len());
        assert_eq!(outcome.metrics[Metric::ALL.len()..], [66.0, 66.0]);

        let outcome = without.run(view, &params(1.0)).unwrap();
        assert_eq!(
            (without.metrics(), outcome.metrics, outcome.blocks),
            (vec!["sum".into()], vec![66.0], vec![])
        );
        assert_eq!(without.returns(view, &params(1.0)).unwrap(), None);
    });
}

#[test]
fn names_that_say_nothing_or_mean_two_things_are_refused() {
    with_view(0..6, &Stop::default(), |view| {
        let message =
            |backtest: &EventDriven<OwnBooks>| backtest.check(view, &params(0.0)).unwrap_err().to_string();
        let none = "the strategy's metrics = none is out of range; allowed: at least one name where accounting is off";
        assert_eq!(message(&own(&[], 0, None)), none);
        assert!(message(&own(&["a", "a"], 2, None)).contains("the strategy's metrics = a is out of range"));
        let clash = message(&own(&["sharpe"], 1, Some(accounting())));
        assert!(clash.contains("the strategy's metrics = sharpe is out of range"), "{clash}");
        assert!(own(&["sharpe"], 1, None).check(view, &params(0.0)).is_ok());
        let bad = Accounting { slippage_bps: f64::NAN, ..accounting() };
        assert!(message(&own(&["a"], 1, Some(bad))).contains("slippage in bps = NaN"));
    });
}

#[test]
fn more_or_fewer_values_than_names_are_an_error() {
    with_view(0..6, &Stop::default(), |view| {
        let error = own(&["a"], 2, None).run(view, &params(0.0)).unwrap_err();
        let expected =
            "the number of the strategy's values differs: found 2, expected 1, one for each of [\"a\"]";
        assert_eq!(error.to_string(), expected);
    });
}

#[test]
fn a_target_without_accounting_is_an_error_and_not_ignored() {
    let backtest = EventDriven { accounting: None, ..script(&[(2, 0, Target::Weight(1.0))]) };
    with_view(0..6, &Stop::default(), |view| {
        let error = backtest.run(view, &params(0.0)).unwrap_err();
        assert!(
            matches!(&error, Error::Strategy(message) if message.contains("accounting is off")),
            "{error}"
        );
    });
}

#[test]
fn a_target_for_an_asset_that_is_not_there_fails_the_trial() {
    with_view(0..6, &Stop::default(), |view| {
        let error = script(&[(2, 1, Target::Weight(1.0))]).run(view, &params(0.0)).unwrap_err();
        assert!(error.to_string().contains("the place of an asset = 1"), "{error}");
    });
}

#[test]
fn what_the_ledger_knows_it_by_changes_with_the_accounting() {
    let backtest = script(&[]);
    let id = backtest.id();
    assert_eq!((id.name.as_str(), id.version), ("script", 3));
    assert_eq!(id.settings, accounting().describe());
    let off = EventDriven { accounting: None, ..backtest };
    assert_eq!(off.id().settings, "accounting=off rules=2");
}

#[test]
fn a_strategy_chosen_at_run_time_runs_as_one_chosen_at_compile_time() {
    let targets = [(0, 0, Target::Weight(0.7)), (2, 0, Target::Weight(-0.2))];
    let strategy = || Script { targets: targets.to_vec(), ..Script::default() };
    let boxed: Box<dyn Strategy> = Box::new(strategy());
    let shared: Arc<dyn Strategy> = Arc::new(strategy());
    let boxed = EventDriven { strategy: boxed, accounting: Some(accounting()) };
    let shared = EventDriven { strategy: shared, accounting: Some(accounting()) };
    with_view(0..6, &Stop::default(), |view| {
        let run = |backtest: &dyn Backtest| {
            let outcome = backtest.run(view, &params(0.0)).unwrap();
            outcome.metrics.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        let plain = run(&script(&targets));
        assert_eq!((run(&boxed), run(&shared)), (plain.clone(), plain));
        assert_eq!((boxed.id(), boxed.metrics()), (script(&[]).id(), script(&[]).metrics()));
    });
}
