//! The target of each asset at each bar is what the rules say.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bt_sweep::strategies::{DonchianBreakout, Momentum, RsiReversion, SmaCrossover};
use bt_sweep::{Params, Strategy};
use bt_testkit::{Market, MarketData, MemoryBundle};
use proptest::prelude::{Strategy as Generator, *};

use crate::data::{REAL, params, with_view};
use crate::oracle::{self, Ranking};
use crate::recorded::{Weights, record};

/// Assets that begin one after the other, with gaps and missing values; some markets have prices of 0 and below.
fn market() -> impl Generator<Value = MarketData> {
    let market = |(seed, assets, days, gaps, missing, lower)| {
        let market = Market::staggered(seed, assets, days, days / 2);
        lowered(market.with_gaps(gaps).with_missing(missing).generate(), lower)
    };
    let missing = prop_oneof![Just(0.0), Just(0.02), Just(0.2)];
    let lower = prop_oneof![Just(false), Just(true)];
    (any::<u32>().prop_map(u64::from), 1..=5_usize, 50..=90_usize, 0.0..0.3, missing, lower).prop_map(market)
}

/// All prices of an asset lower by the same whole cents, so that about half of them are 0 or below, and one at least is 0.
fn lowered(mut market: MarketData, lower: bool) -> MarketData {
    for asset in market.assets.iter_mut().filter(|_| lower) {
        let mut closes: Vec<f64> =
            asset.columns[3].iter().copied().filter(|close| close.is_finite()).collect();
        closes.sort_unstable_by(f64::total_cmp);
        let Some(&middle) = closes.get(closes.len() / 2) else { continue };
        for price in asset.columns[1..4].iter_mut().flatten() {
            *price = ((*price - middle) * 1e4).round() / 1e4;
        }
        // Without an open nothing is bought, so that no books are ruined, after which there are no targets.
        asset.columns[0].fill(f64::NAN);
    }
    market
}

fn integers<const N: usize>(values: [(&str, usize); N]) -> Params {
    params(values.map(|(name, value)| (name, i64::try_from(value).unwrap().into())))
}

fn found(strategy: impl Strategy, market: &MarketData, first: usize, params: &Params) -> Weights {
    let bundle = market.bundle();
    let moments = market.calendar().len();
    let strategy = Arc::new(strategy);
    let run = |bundle: &MemoryBundle| {
        with_view(bundle, first..moments, |view| record(strategy.clone(), view, params).unwrap().0)
    };
    let weights = run(&bundle);
    assert_eq!(weights, run(&bundle.without_slab()));
    weights
}

/// Panics at the first moment that differs; returns how many of the weights are not 0, and how many may be either.
fn compare(found: &Weights, expected: &Weights) -> (usize, usize) {
    assert_eq!(found.len(), expected.len());
    let (mut held, mut either) = (0, 0);
    for (moment, (found, expected)) in found.iter().zip(expected).enumerate() {
        let is_same = |(found, expected): (&f64, &f64)| expected.is_nan() || found == expected;
        assert!(found.iter().zip(expected).all(is_same), "moment {moment}: {found:?}, expected {expected:?}");
        held += expected.iter().filter(|&&weight| weight > 0.0).count();
        either += expected.iter().filter(|weight| weight.is_nan()).count();
    }
    (held, either)
}

fn crossover(market: &MarketData, first: usize, fast: usize, slow: usize) -> (usize, usize) {
    let found = found(SmaCrossover, market, first, &integers([("fast", fast), ("slow", slow)]));
    compare(&found, &oracle::weights(market, first, |known| oracle::crossover(known, fast, slow)))
}

fn donchian(market: &MarketData, first: usize, entry: usize, exit: usize) -> (usize, usize) {
    let found = found(DonchianBreakout, market, first, &integers([("entry", entry), ("exit", exit)]));
    compare(&found, &oracle::weights(market, first, |known| oracle::donchian(known, entry, exit)))
}

fn reversion(market: &MarketData, first: usize, lookback: usize, low: f64, high: f64) -> (usize, usize) {
    let params = params([("lookback", (lookback as i64).into()), ("low", low.into()), ("high", high.into())]);
    let found = found(RsiReversion, market, first, &params);
    compare(&found, &oracle::weights(market, first, |known| oracle::reversion(known, lookback, low, high)))
}

fn momentum(market: &MarketData, first: usize, ranking: Ranking) -> (usize, usize) {
    let Ranking { lookback, skip, hold, top } = ranking;
    let values = [("top", top), ("skip", skip), ("lookback", lookback), ("hold", hold)];
    let found = found(Momentum, market, first, &integers(values));
    compare(&found, &oracle::momentum(market, first, ranking))
}

fn ranking(
    lookback: RangeInclusive<usize>,
    skip: RangeInclusive<usize>,
    hold: RangeInclusive<usize>,
) -> impl Generator<Value = Ranking> {
    (lookback, skip, hold, 1..=4_usize).prop_map(|(lookback, skip, hold, top)| Ranking {
        lookback,
        skip,
        hold,
        top,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn crossover_holds_what_its_rules_say(
        market in market(), first in 0..20_usize, fast in 1..10_usize, more in 1..20_usize,
    ) {
        crossover(&market, first, fast, fast + more);
    }

    #[test]
    fn breakout_holds_what_its_rules_say(
        market in market(), first in 0..20_usize, entry in 1..15_usize, exit in 1..15_usize,
    ) {
        donchian(&market, first, entry, exit);
    }

    #[test]
    fn reversion_holds_what_its_rules_say(
        market in market(), first in 0..20_usize, lookback in 1..15_usize, low in 0..60_u8, more in 1..40_u8,
    ) {
        reversion(&market, first, lookback, f64::from(low), f64::from(low + more));
    }

    #[test]
    fn momentum_holds_what_its_rules_say(
        market in market(), first in 0..20_usize, ranking in ranking(1..=20, 0..=5, 1..=12),
    ) {
        momentum(&market, first, ranking);
    }
}

#[test]
fn real_bars_are_held_as_the_rules_say() {
    let mut ties = 0;
    for (fast, slow) in [(5, 60), (20, 21), (50, 150), (1, 2)] {
        let (held, either) = crossover(&REAL, 0, fast, slow);
        assert!(held > 3000, "fast={fast} slow={slow}: {held}");
        ties += either;
    }
    // So rare that no strategy lives on them, and so common that two forms must agree on them.
    assert!((1..500).contains(&ties), "{ties}");
    for (entry, exit) in [(20, 10), (55, 20), (5, 30)] {
        assert!(donchian(&REAL, 200, entry, exit).0 > 3000);
    }
    for (lookback, low, high) in [(2, 10.0, 70.0), (14, 30.0, 70.0), (7, 25.5, 50.0)] {
        assert!(reversion(&REAL, 0, lookback, low, high).0 > 1000);
    }
    for (lookback, skip, hold, top) in [(240, 20, 20, 2), (60, 0, 5, 1), (120, 0, 21, 5)] {
        assert!(momentum(&REAL, 0, Ranking { lookback, skip, hold, top }).0 > 2500);
    }
}
