//! Each layer on or off, in any combination: the same bits.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bt_bundle::Store;
use bt_core::{BundleName, Field};
use bt_layers::{Layers, OptimizationConfig, Options, Policy};
use bt_testkit::{FakeTables, Layout, Market, MarketData, RowOrder, oracle};
use proptest::prelude::*;

/// All closes of every window that a trial sees, as bits: windows through the switch of Layer 2, panels through what it
/// keeps.
fn read(layers: &Layers, name: &BundleName, bar_count: usize) -> Vec<u64> {
    let mut worker = layers.worker().unwrap();
    let mut bits = Vec::new();
    for _trial in 0..2 {
        let mut data = worker.trial(name).unwrap();
        bits.clear();
        {
            let portal = data.portal();
            for asset in portal.assets().ids() {
                let windows = data.windows(&portal, asset, Field::CLOSE).unwrap();
                for moment in portal.moments() {
                    bits.extend(windows.at(moment, bar_count).unwrap().iter().map(|value| value.to_bits()));
                }
            }
        }
        let (portal, history) = data.parts();
        let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
        let mut history = history;
        for moment in portal.moments() {
            match &mut history {
                Some(history) => bits.extend(
                    history.panel(moment, &set, Field::OPEN, bar_count).unwrap().iter().map(canonical),
                ),
                None => {
                    bits.extend(moment.panel(&set, Field::OPEN, bar_count).unwrap().iter().map(canonical))
                }
            }
        }
    }
    bits
}

fn canonical(value: &f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

fn expected(data: &MarketData, bar_count: usize) -> Vec<u64> {
    let mut bits = Vec::new();
    for asset in &data.assets {
        for now in data.calendar() {
            bits.extend(
                oracle::window(asset, Field::CLOSE, now, bar_count).iter().map(|value| value.to_bits()),
            );
        }
    }
    let all: Vec<usize> = (0..data.assets.len()).collect();
    for now in data.calendar() {
        bits.extend(oracle::panel(data, &all, Field::OPEN, now, bar_count).iter().flatten().map(canonical));
    }
    bits
}

fn configuration(layers: usize) -> OptimizationConfig {
    OptimizationConfig {
        enable_caching: layers & 1 != 0,
        enable_history_cache: layers & 2 != 0,
        enable_bundle_pooling: layers & 4 != 0,
        ..OptimizationConfig::default()
    }
}

fn market() -> impl Strategy<Value = Market> {
    (any::<u64>(), 1_usize..4, 1_usize..12, 0_usize..6, prop_oneof![Just(0.0), Just(0.3)]).prop_map(
        |(seed, assets, shortest, more, gaps)| {
            Market::staggered(seed, assets, shortest + more, shortest).with_gaps(gaps)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_subset_of_layers_gives_the_bits_of_the_oracle(
        market in market(),
        bar_count in 1_usize..8,
        policy in prop_oneof![Just(Policy::Auto), Just(Policy::Always), Just(Policy::Never)],
        order in prop_oneof![Just(RowOrder::ByAsset), Just(RowOrder::ByTime), any::<u64>().prop_map(RowOrder::Shuffled)],
    ) {
        let (data, name) = (market.generate(), BundleName::new("subsets").unwrap());
        let expected = expected(&data, bar_count);
        let options = Options { history_policy: policy, ..Options::default() };
        for layers in 0..8 {
            let tables = FakeTables::default();
            tables.publish(&name, &data, &Layout { order, ..Layout::default() });
            let layers = Layers::over_tables(&configuration(layers), options, tables).unwrap();
            prop_assert!(read(&layers, &name, bar_count) == expected);
        }
    }
}

#[test]
fn every_subset_of_layers_over_a_mapped_store_gives_the_bits_of_the_oracle() {
    let folder = tempfile::tempdir().unwrap();
    let (store, name) = (Store::create(folder.path()).unwrap(), BundleName::new("mapped").unwrap());
    let data = Market::staggered(9, 5, 80, 20).with_gaps(0.1).generate();
    store.publish(&name, &data.bundle(), "a test").unwrap();
    for layers in 0..8 {
        let layers = Layers::over_bundles(&configuration(layers), Options::default(), store.clone()).unwrap();
        for bar_count in [1, 7, 20, 100] {
            assert!(read(&layers, &name, bar_count) == expected(&data, bar_count));
        }
    }
}

#[test]
fn threads_see_the_bits_that_one_thread_sees() {
    let (data, name) = (Market::staggered(9, 4, 60, 20).generate(), BundleName::new("threads").unwrap());
    let expected = expected(&data, 20);
    for layers in 0..8 {
        let tables = FakeTables::default();
        tables.publish(&name, &data, &Layout::default());
        let layers = Layers::over_tables(&configuration(layers), Options::default(), tables).unwrap();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| read(&layers, &name, 20))).collect();
            workers.into_iter().for_each(|worker| assert!(worker.join().unwrap() == expected));
        });
    }
}
