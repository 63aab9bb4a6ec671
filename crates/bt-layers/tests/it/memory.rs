//! What the limits of a configuration mean together.

use std::sync::{Arc, Barrier, Weak};
use std::thread;

use bt_layers::bt_core::{Bundle, ErrorKind};
use bt_layers::{OptimizationConfig, Options, VersionCheck};
use bt_testkit::{Behaviour, Gate, conformance};

use crate::{checked, edition, name, over_bundles, over_tables};

/// What one edition holds on the heap, as Layer 1 has it.
fn bytes_of_one() -> usize {
    let (layers, tables) = over_tables(&OptimizationConfig::default(), Options::default());
    tables.publish(&name("us"), &edition(0));
    layers.worker().unwrap().trial(&name("us")).unwrap().bundle().heap_bytes()
}

/// Room for so many editions and a half.
fn room_for(editions: usize) -> OptimizationConfig {
    let bytes = editions * bytes_of_one() + bytes_of_one() / 2;
    OptimizationConfig { cache_size_gb: bytes as f64 / f64::from(1 << 30), ..OptimizationConfig::default() }
}

/// Bytes of the bundles that somebody still holds.
fn alive(bundles: &[Weak<dyn Bundle>]) -> usize {
    let mut alive: Vec<_> = bundles.iter().filter_map(Weak::upgrade).collect();
    alive.sort_by_key(|bundle| bundle.version());
    alive.dedup_by_key(|bundle| bundle.version());
    alive.iter().map(|bundle| bundle.heap_bytes()).sum()
}

#[test]
fn a_limit_of_two_means_two_and_not_two_for_each_layer() {
    let config = room_for(3);
    for version_check in [VersionCheck::EveryAccess, VersionCheck::Never] {
        let (layers, tables) = over_tables(&config, checked(version_check));
        let names = ["a", "b", "c", "d", "e"].map(name);
        let mut worker = layers.worker().unwrap();
        let mut seen = Vec::new();
        for step in 0..120 {
            let name = &names[step * 7 % 5];
            if step % 3 == 0 || step < 5 {
                names
                    .iter()
                    .zip(5 * step..)
                    .for_each(|(name, number)| _ = tables.publish(name, &edition(number)));
            }
            let trial = worker.trial(name).unwrap();
            seen.push(Arc::downgrade(trial.bundle()));
            drop(trial);
            assert!(alive(&seen) <= config.cache_size_bytes(), "step {step}");
            let stats = layers.stats();
            assert!(stats.grouped.unwrap().bytes <= config.cache_size_bytes());
            assert!(stats.pool.cache.bytes <= 1024 * stats.pool.cache.entries);
        }
        assert!(layers.stats().grouped.unwrap().evictions > 0, "the limit was never met");
    }
}

#[test]
fn what_a_trial_uses_is_what_layer_1_keeps_longest() {
    let (layers, tables) = over_tables(&room_for(2), Options::default());
    let [busy, rare, other] = ["busy", "rare", "other"].map(name);
    for (name, number) in [(&busy, 0), (&rare, 1), (&other, 2)] {
        tables.publish(name, &edition(number));
    }
    let mut worker = layers.worker().unwrap();
    for name in [&busy, &rare, &busy, &other, &busy] {
        worker.trial(name).unwrap();
    }
    assert_eq!(tables.0.reads(), 3, "what is in use was evicted");
    worker.trial(&rare).unwrap();
    assert_eq!(tables.0.reads(), 4);
}

#[test]
fn lru_maxsize_bounds_the_versions_that_layer_1_keeps() {
    let config = OptimizationConfig { lru_maxsize: 2, ..OptimizationConfig::default() };
    let (layers, tables) = over_tables(&config, Options::default());
    let mut worker = layers.worker().unwrap();
    for number in 0..5 {
        tables.publish(&name("us"), &edition(number));
        worker.trial(&name("us")).unwrap();
        assert!(layers.stats().grouped.unwrap().entries <= 2);
    }
    let stats = layers.stats().grouped.unwrap();
    assert_eq!((stats.max_entries, stats.entries, stats.evictions), (2, 2, 3));
    assert!(worker.trial_on(&name("us"), edition(3).version()).is_ok());
    let gone = worker.trial_on(&name("us"), edition(2).version()).unwrap_err();
    assert!(matches!(gone.kind(), ErrorKind::VersionNotFound { .. }), "{gone}");
}

#[test]
fn a_bundle_larger_than_the_limit_is_served_and_loaded_once_for_all_who_ask_at_once() {
    let config = room_for(0);
    let (layers, tables) = over_tables(&config, Options::default());
    tables.publish(&name("us"), &edition(0));
    let gate = Gate::new();
    tables.0.then(Behaviour::Block(Arc::clone(&gate)));
    let (started, done) = (Barrier::new(17), Barrier::new(16));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut worker = layers.worker().unwrap();
                started.wait();
                let trial = worker.trial(&name("us")).unwrap();
                conformance::bundle_holds(&**trial.bundle(), &edition(0));
                done.wait();
            });
        }
        started.wait();
        gate.wait_until_somebody_waits();
        while layers.stats().pool.cache.misses < 16 {
            thread::yield_now();
        }
        gate.open();
    });
    assert_eq!(tables.0.reads(), 1);
    assert_eq!(layers.stats().grouped.unwrap().entries, 0);
    layers.worker().unwrap().trial(&name("us")).unwrap();
    assert_eq!(tables.0.reads(), 2, "nothing was kept");
}

#[test]
fn a_pool_of_one_name_serves_many() {
    for config in crate::subsets() {
        let config = OptimizationConfig { max_bundle_pool_size: 1, lru_maxsize: 1, ..config };
        let (bundles, source) = over_bundles(&config, Options::default());
        let (grouped, tables) = over_tables(&config, Options::default());
        let names = ["a", "b", "c"].map(name);
        for (number, name) in names.iter().enumerate() {
            source.publish(name, &edition(number));
            tables.publish(name, &edition(number));
        }
        for layers in [bundles, grouped] {
            let mut worker = layers.worker().unwrap();
            for (number, name) in names.iter().enumerate().cycle().take(9) {
                let trial = worker.trial(name).unwrap();
                conformance::bundle_holds(&**trial.bundle(), &edition(number));
            }
            assert_eq!(worker.stats().pool.cache.entries, 1);
        }
    }
}
