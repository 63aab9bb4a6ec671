//! Each rule on bars that can be followed by hand.

use bt_sweep::strategies::{DonchianBreakout, Momentum, RsiReversion, SmaCrossover};
use bt_sweep::{Accounting, Backtest, EventDriven, Params, Strategy};

use crate::data::{day, params, priced, with_view};
use crate::recorded::record;

/// The weights of the first asset.
fn first_asset(strategy: impl Strategy, prices: &[&[f64]], params: &Params) -> Vec<f64> {
    let bundle = priced(prices).bundle();
    let (weights, _) = with_view(&bundle, 0..prices[0].len(), |view| record(strategy, view, params)).unwrap();
    weights.iter().map(|row| row[0]).collect()
}

#[test]
fn a_crossover_needs_a_fast_mean_that_is_above_and_not_equal() {
    let params = params([("fast", 1.into()), ("slow", 2.into())]);
    let prices = [5.0, 6.0, 6.0, 7.0, 6.0, f64::NAN, 8.0, 9.0];
    assert_eq!(first_asset(SmaCrossover, &[&prices], &params), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(first_asset(SmaCrossover, &[&prices, &prices], &params)[1], 0.5);
}

#[test]
fn a_breakout_needs_a_close_beyond_the_bars_before_and_not_at_their_level() {
    let params = params([("entry", 2.into()), ("exit", 1.into())]);
    let prices = [5.0, 6.0, 6.0, 6.5, 6.5, 6.4, 6.5, 7.0, f64::NAN, 1.0, 0.5];
    let expected = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    assert_eq!(first_asset(DonchianBreakout, &[&prices], &params), expected);
}

#[test]
fn a_reversion_enters_below_the_low_level_and_leaves_above_the_high_one() {
    let prices = [10.0, 11.0, 8.0, 8.0, 9.0, 12.0];
    let with =
        |low: f64, high: f64| params([("lookback", 2.into()), ("low", low.into()), ("high", high.into())]);
    let weights = |low, high| first_asset(RsiReversion, &[&prices], &with(low, high));
    // Mean gains are .5, .25, .625, 1.8125 and mean losses 1.5, .75, .375, .1875: the index is 25, 25, 62.5, 90.625.
    assert_eq!(weights(25.5, 70.0), [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
    assert_eq!(weights(25.0, 70.0), [0.0; 6]);
    assert_eq!(weights(25.5, 62.5), [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
    assert_eq!(weights(25.5, 62.4), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn of_equal_returns_the_first_name_is_held() {
    let params = params([("lookback", 1.into()), ("hold", 1.into()), ("top", 1.into())]);
    let (slow, quick) = ([1.0, 2.0, 4.0, 4.0], [3.0, 6.0, 12.0, 24.0]);
    assert_eq!(first_asset(Momentum, &[&slow, &quick], &params), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(first_asset(Momentum, &[&quick, &slow], &params), [0.0, 1.0, 1.0, 1.0]);
}

#[test]
fn what_has_no_return_is_not_ranked_and_counted() {
    let closes = [-1.0, 2.0, 0.0, 3.0, f64::NAN, 5.0, 6.0];
    let backtest = EventDriven { strategy: Momentum, accounting: Some(Accounting::default()) };
    let params = params([("lookback", 1.into()), ("hold", 1.into()), ("top", 1.into())]);
    // From −1, from 0, to a close that is missing and from it; from 2 to 0 is a loss of all.
    assert_eq!(first_asset(Momentum, &[&closes], &params), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let bundle = priced(&[&closes]).bundle();
    let outcome = with_view(&bundle, 0..7, |view| backtest.run(view, &params)).unwrap();
    assert_eq!(outcome.metrics.last(), Some(&4.0));
    assert_eq!(backtest.metrics().last().unwrap(), "missing_returns");
}

#[test]
fn what_drifted_is_rebalanced_at_each_ranking_and_not_in_between() {
    let market = priced(&[
        &[10.0, 10.0, 10.0, 40.0, 40.0, 40.0, 40.0, 40.0],
        &[10.0; 8],
        &[10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0],
    ]);
    let accounting = Some(Accounting { initial_cash: 1000.0, ..Accounting::default() });
    let backtest = EventDriven { strategy: Momentum, accounting };
    let params = params([("lookback", 1.into()), ("hold", 3.into()), ("top", 2.into())]);
    let bundle = market.bundle();
    let fills = with_view(&bundle, 1..8, |view| backtest.fills(view, &params)).unwrap();
    // Ranked on days 1, 4 and 7. On day 4 half of 2500 is 31.25 shares of the one and 125 of the other.
    let fills: Vec<_> = fills.iter().map(|filled| (filled.at, filled.place, filled.shares)).collect();
    assert_eq!(fills, [(day(2), 0, 50.0), (day(2), 1, 50.0), (day(5), 0, -18.75), (day(5), 1, 75.0)]);
}
