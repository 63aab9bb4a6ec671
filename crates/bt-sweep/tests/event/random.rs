//! Random scripts on random markets, with gaps, missing values, and prices of 0 and below.

use bt_sweep::account::Target;
use bt_sweep::bt_core::Timestamp;
use bt_sweep::bt_dataportal::DataPortal;
use bt_sweep::{Accounting, Backtest, EventDriven, Fill, Stop, TrialView};
use bt_testkit::{Market, MarketData, MemoryBundle};
use proptest::prelude::*;

use crate::data::ids;
use crate::strategies::{Momentum, Script, params};

/// Of no use to these strategies.
static SERIES: std::sync::LazyLock<bt_sweep::SeriesCache> =
    std::sync::LazyLock::new(|| bt_sweep::SeriesCache::new(1 << 20).unwrap());

const ASSETS: usize = 4;
const DAYS: usize = 25;

fn targets() -> impl Strategy<Value = Vec<(usize, usize, Target)>> {
    let weight = (-2..=5_i32).prop_map(|tenths| Target::Weight(f64::from(tenths) / 10.0));
    let shares = (0..=100_i32).prop_map(|shares| Target::Shares(f64::from(shares)));
    prop::collection::vec((0..DAYS, 0..ASSETS, prop_oneof![weight, shares]), 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_trial_gives_the_same_bits_again_and_on_a_bundle_without_a_slab(
        targets in targets(),
        seed in 0..1000_u64,
        first in 0..5_usize,
        closes: bool,
        lower in prop_oneof![Just(0.0), 1.0..200.0],
    ) {
        let market = Market::staggered(seed, ASSETS, DAYS, DAYS - 6).with_gaps(0.1).with_missing(0.05);
        let mut data = market.generate();
        data.assets.iter_mut().flat_map(|asset| asset.columns[..4].iter_mut().flatten()).for_each(|price| *price -= lower);
        let bundle = data.bundle();
        let scattered = bundle.clone().without_slab();
        let fill = if closes { Fill::NextClose } else { Fill::NextOpen };
        let accounting = Accounting { fill, slippage_bps: 3.0, initial_cash: 1e6, ..Accounting::default() };
        let strategy = Script { targets: targets.clone(), ..Script::default() };
        let backtest = EventDriven { strategy, accounting: Some(accounting) };
        let run = |bundle: &MemoryBundle| {
            let (portal, ids, stop) = (DataPortal::new(bundle), ids(bundle), Stop::default());
            let view = TrialView::new(&portal, &ids, first..portal.calendar().len(), &stop, &SERIES).unwrap();
            let outcome = backtest.run(&view, &params(0.0)).unwrap();
            let fills = backtest.fills(&view, &params(0.0)).unwrap();
            let ordered: Vec<_> = view.moments().map(|moment| moment.now()).collect();
            for filled in &fills {
                // Some target for that asset was set at an earlier bar.
                let at = ordered.iter().position(|&moment| moment == filled.at).unwrap();
                let is_ordered = |&(bar, place, _): &(usize, usize, Target)| place == filled.place && bar < at;
                assert!(targets.iter().any(is_ordered), "{filled:?} without an order before");
            }
            let bits = |value: &f64| value.to_bits();
            (outcome.metrics.iter().map(bits).collect::<Vec<_>>(), outcome.blocks, fills)
        };
        let once = run(&bundle);
        prop_assert_eq!(&once, &run(&bundle));
        prop_assert_eq!(&once, &run(&scattered));
    }

    #[test]
    fn nothing_that_happens_later_changes_what_was_done_before(
        seed in 0..1000_u64,
        day in 1..DAYS,
        factor in prop_oneof![0.5..2.0_f64, -2.0..=0.0],
        closes: bool,
    ) {
        let market = Market::staggered(seed, ASSETS, DAYS, DAYS - 6).with_gaps(0.1).with_missing(0.05);
        let data = market.generate();
        // A day on which nobody traded is none of the calendar.
        let day = day.min(data.calendar().len() - 1);
        let changed = changed_from(data.clone(), data.calendar()[day], factor);
        let fill = if closes { Fill::NextClose } else { Fill::NextOpen };
        let backtest = EventDriven { strategy: Momentum, accounting: Some(Accounting { fill, ..Accounting::default() }) };
        let until = |bundle: &MemoryBundle| {
            let (portal, ids, stop) = (DataPortal::new(bundle), ids(bundle), Stop::default());
            let view = TrialView::new(&portal, &ids, 0..portal.calendar().len(), &stop, &SERIES).unwrap();
            let mut fills = backtest.fills(&view, &params(0.0)).unwrap();
            fills.retain(|filled| filled.at < data.calendar()[day]);
            let mut returns = backtest.returns(&view, &params(0.0)).unwrap().unwrap();
            returns.truncate(day);
            (fills, returns)
        };
        prop_assert_eq!(until(&data.bundle()), until(&changed.bundle()));
    }
}

/// The same bars with other prices from a moment on.
fn changed_from(mut data: MarketData, from: Timestamp, factor: f64) -> MarketData {
    for asset in &mut data.assets {
        let first = asset.timestamps.partition_point(|&at| at < from);
        asset.columns[..4]
            .iter_mut()
            .flat_map(|column| &mut column[first..])
            .for_each(|price| *price *= factor);
    }
    data
}
