//! What happens later changes nothing that was decided before.

use bt_sweep::account::Filled;
use bt_sweep::strategies::{DonchianBreakout, Momentum, RsiReversion, SmaCrossover};
use bt_sweep::{Params, Strategy};
use bt_testkit::{Market, MarketData};
use proptest::prelude::{Strategy as Generator, *};

use crate::data::{params, with_view};
use crate::recorded::{Weights, record};

/// Any of the strategies with its parameters.
fn any_strategy() -> impl Generator<Value = (usize, Params)> {
    let windows = (0..4_usize, 1..12_i64, 1..15_i64, 0..4_i64);
    windows.prop_map(|(strategy, short, more, skip)| {
        let (long, low, high) = (short + more, 20.0 + short as f64, 40.0 + more as f64);
        let params = match strategy {
            0 => params([("fast", short.into()), ("slow", long.into())]),
            1 => params([("entry", short.into()), ("exit", more.into())]),
            2 => params([("lookback", short.into()), ("low", low.into()), ("high", high.into())]),
            _ => {
                let hold = short.min(5).into();
                params([("lookback", more.into()), ("skip", skip.into()), ("hold", hold), ("top", 2.into())])
            }
        };
        (strategy, params)
    })
}

/// The same bars up to the `moments`-th moment of the calendar; later ones are those of another market, and some are not there.
fn with_another_future(market: &MarketData, moments: usize, seed: u64) -> MarketData {
    let last = market.calendar()[moments - 1];
    let other = Market::common(seed, market.assets.len(), 200).with_missing(0.05).generate();
    let mut changed = market.clone();
    for (rank, (asset, other)) in changed.assets.iter_mut().zip(&other.assets).enumerate() {
        let bars = asset.timestamps.len();
        let is_kept =
            |bar: usize| asset.timestamps[bar] <= last || bar + 1 == bars || !(bar + rank).is_multiple_of(5);
        let kept: Vec<usize> = (0..bars).filter(|&bar| is_kept(bar)).collect();
        for (column, other) in asset.columns.iter_mut().zip(&other.columns) {
            let value = |&bar: &usize| if asset.timestamps[bar] <= last { column[bar] } else { other[bar] };
            *column = kept.iter().map(value).collect();
        }
        asset.timestamps = kept.iter().map(|&bar| asset.timestamps[bar]).collect();
    }
    changed
}

/// The weights and fills of the first moments.
fn until(market: &MarketData, moments: usize, strategy: usize, params: &Params) -> (Weights, Vec<Filled>) {
    let strategy: Box<dyn Strategy> = match strategy {
        0 => Box::new(SmaCrossover),
        1 => Box::new(DonchianBreakout),
        2 => Box::new(RsiReversion),
        _ => Box::new(Momentum),
    };
    let (bundle, calendar) = (market.bundle(), market.calendar());
    let recorded = with_view(&bundle, 0..calendar.len(), |view| record(strategy, view, params));
    let (mut weights, mut fills) = recorded.unwrap();
    weights.truncate(moments);
    fills.retain(|filled| filled.at <= calendar[moments - 1]);
    (weights, fills)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn later_bars_change_no_earlier_target_and_no_earlier_fill(
        seed in any::<u32>(),
        (strategy, params) in any_strategy(),
        moments in 1..100_usize,
    ) {
        let market = Market::staggered(seed.into(), 4, 100, 50).with_gaps(0.1).with_missing(0.02).generate();
        let moments = moments.min(market.calendar().len());
        let changed = with_another_future(&market, moments, u64::from(seed) + 1);
        prop_assert_eq!(
            until(&market, moments, strategy, &params),
            until(&changed, moments, strategy, &params)
        );
    }
}
