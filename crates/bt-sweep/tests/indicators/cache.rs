use std::sync::Arc;
use std::thread;

use bt_core::{AssetId, Bundle, Field};
use bt_dataportal::DataPortal;
use bt_sweep::{Indicator, SeriesCache, Stop, TrialView, bt_core, bt_dataportal};
use bt_testkit::{Market, MemoryBundle};
use proptest::prelude::*;

fn all(bundle: &MemoryBundle) -> Vec<AssetId> {
    bundle.assets().ids().collect()
}

fn bundle() -> MemoryBundle {
    Market::staggered(3, 6, 120, 60).with_gaps(0.1).with_missing(0.02).generate().bundle()
}

#[test]
fn a_grid_of_ten_by_ten_averages_computes_twenty_series_for_all_assets() {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    let (cache, assets) = (SeriesCache::default(), all(&bundle));
    for (fast, slow) in (1..=10).flat_map(|fast| (11..=20).map(move |slow| (fast, slow))) {
        for n in [fast, slow] {
            cache.get(&portal, &assets, Field::CLOSE, Indicator::Sma(n)).unwrap();
        }
    }
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.entries, stats.hits), (20, 20, 200 - 20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_series_of_any_assets_is_what_each_of_them_has_alone_one_after_the_other(
        seed in 0..1000u64,
        gaps in 0.0..0.5,
        missing in 0.0..0.1,
        n in 1..12usize,
        picked in prop::collection::vec(0..5usize, 0..8),
    ) {
        let bundle = Market::staggered(seed, 5, 60, 30).with_gaps(gaps).with_missing(missing).generate().bundle();
        let (portal, cache) = (DataPortal::new(&bundle), SeriesCache::default());
        let assets: Vec<_> = picked.iter().map(|&at| all(&bundle)[at]).collect();
        for indicator in [Indicator::Sma(n), Indicator::Ema(n), Indicator::Max(n), Indicator::Atr(n)] {
            let alone = |&asset| indicator.compute(bundle.bars(asset).unwrap(), Field::CLOSE).unwrap();
            let expected: Vec<f64> = assets.iter().flat_map(alone).collect();
            for _ in 0..2 {
                let found = cache.get(&portal, &assets, Field::CLOSE, indicator).unwrap();
                let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&found), bits(&expected));
            }
        }
        prop_assert_eq!(cache.stats().loads, 4);
    }
}

#[test]
fn other_assets_or_another_order_of_them_are_another_series() {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    let (cache, assets) = (SeriesCache::default(), all(&bundle));
    let reversed: Vec<_> = assets.iter().rev().copied().collect();
    for assets in [&assets, &reversed, &assets[..5], &assets[1..], &assets] {
        cache.get(&portal, assets, Field::CLOSE, Indicator::Sma(5)).unwrap();
    }
    assert_eq!(cache.stats().loads, 4);
}

#[test]
fn all_threads_that_ask_at_once_get_one_series() {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    let cache = SeriesCache::default();
    let assets = all(&bundle);
    let ask = || cache.get(&portal, &assets, Field::CLOSE, Indicator::Rsi(14)).unwrap();
    let series: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(series.iter().all(|other| Arc::ptr_eq(&series[0], other)));
    assert_eq!(cache.stats().loads, 1);
}

#[test]
fn the_limit_holds_whatever_is_asked_for() {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    let cache = SeriesCache::new(4000).unwrap();
    for n in 1..40 {
        for asset in bundle.assets().ids() {
            cache.get(&portal, &[asset], Field::CLOSE, Indicator::Ema(n)).unwrap();
            assert!(cache.stats().bytes <= 4000);
        }
    }
    assert!(cache.stats().evictions > 0);
    assert!(SeriesCache::new(0).is_err());
}

#[test]
fn another_version_of_the_bundle_has_series_of_its_own() {
    let data = Market::common(3, 2, 50).generate();
    let (old, new) = (data.bundle(), data.clone().with_corrected_close(1, 20).bundle());
    let cache = SeriesCache::default();
    let of = |bundle: &MemoryBundle| {
        cache.get(&DataPortal::new(bundle), &all(bundle), Field::CLOSE, Indicator::Sma(5)).unwrap()
    };
    assert_eq!(of(&old)[20], of(&new)[20]);
    assert_ne!(of(&old)[50 + 20], of(&new)[50 + 20]);
    assert!(cache.get(&DataPortal::new(&new), &all(&old), Field::CLOSE, Indicator::Sma(5)).is_err());
}

#[test]
fn an_average_true_range_is_one_series_whatever_field_is_named() {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    let cache = SeriesCache::default();
    let assets = all(&bundle);
    let close = cache.get(&portal, &assets, Field::CLOSE, Indicator::Atr(5)).unwrap();
    assert!(Arc::ptr_eq(&close, &cache.get(&portal, &assets, Field::HIGH, Indicator::Atr(5)).unwrap()));
}

#[test]
fn what_cannot_be_computed_is_refused_and_not_kept() {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    let cache = SeriesCache::default();
    let assets = all(&bundle);
    assert!(cache.get(&portal, &assets, Field::CLOSE, Indicator::Sma(0)).is_err());
    let missing = Field::extra(0).unwrap();
    let error = cache.get(&portal, &assets, missing, Indicator::Sma(2)).unwrap_err();
    assert!(error.to_string().contains("close"), "{error}");
    assert_eq!(cache.stats().entries, 0);
}

/// With a slab and without: at each moment exactly the bars whose timestamp is not later, and not one more.
#[test]
fn a_series_read_at_a_moment_ends_at_the_last_bar_known() {
    let data = Market::staggered(9, 3, 40, 20).with_gaps(0.3).with_missing(0.05).generate();
    for bundle in [data.bundle(), data.bundle().without_slab()] {
        let (portal, cache, stop) = (DataPortal::new(&bundle), SeriesCache::default(), Stop::default());
        let assets: Vec<_> = bundle.assets().ids().collect();
        let view = TrialView::new(&portal, &assets, 0..bundle.calendar().len(), &stop, &cache).unwrap();
        let series = view.indicators(Field::CLOSE, Indicator::Sma(3)).unwrap();
        assert_eq!((series.len(), series.asset(3)), (3, None));
        for (place, (asset, data)) in assets.iter().zip(&data.assets).enumerate() {
            let whole = cache.get(&portal, &[*asset], Field::CLOSE, Indicator::Sma(3)).unwrap();
            assert_eq!(series.asset(place), Some(*asset));
            for moment in view.moments() {
                let known = data.timestamps.iter().filter(|&&time| time <= moment.now()).count();
                let has_bar = data.timestamps.contains(&moment.now());
                let last = known.checked_sub(1).map(|at| whole[at]).filter(|value| !value.is_nan());
                assert_eq!(series.known(place, moment).unwrap().len(), known);
                assert_eq!(series.at(place, moment).unwrap(), last);
                assert_eq!(series.current(place, moment).unwrap(), last.filter(|_| has_bar));
                let window = series.window(place, moment, 4).unwrap();
                assert_eq!(format!("{window:?}"), format!("{:?}", &whole[known.saturating_sub(4)..known]));
            }
        }
    }
}

#[test]
fn a_moment_of_another_version_is_refused() {
    let (bundle, other) = (bundle(), Market::common(5, 2, 50).generate().bundle());
    let (portal, other) = (DataPortal::new(&bundle), DataPortal::new(&other));
    let cache = SeriesCache::default();
    let series = cache.indicators(&portal, &all(&bundle), Field::CLOSE, Indicator::Sma(3)).unwrap();
    let moment = other.moments().next_back().unwrap();
    assert!(series.at(0, moment).is_err());
    assert!(series.current(0, moment).is_err());
    assert!(series.window(0, moment, 1).is_err());
}

#[test]
fn a_place_that_there_is_not_is_refused_with_the_number_of_assets() {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    let series =
        SeriesCache::default().indicators(&portal, &all(&bundle), Field::CLOSE, Indicator::Returns).unwrap();
    let moment = portal.moments().next_back().unwrap();
    let message = series.at(6, moment).unwrap_err().to_string();
    assert!(message.contains("the place of an asset = 6") && message.contains("0..6"), "{message}");
}
