//! Statistics add up, whichever workers are gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bt_layers::{LayersStats, OptimizationConfig, Options};

use crate::{edition, name, over_bundles, over_tables, subsets};

fn without_layer_3() -> OptimizationConfig {
    OptimizationConfig { enable_bundle_pooling: false, ..OptimizationConfig::default() }
}

/// Everything that may only grow.
fn totals(stats: &LayersStats) -> Vec<u64> {
    let caches = stats.grouped.iter().chain([&stats.pool.cache]);
    let mut totals: Vec<_> = caches
        .flat_map(|cache| {
            [
                cache.hits,
                cache.misses,
                cache.evictions,
                cache.rejections,
                cache.loads,
                cache.peak_bytes as u64,
            ]
        })
        .collect();
    totals.extend([stats.pool.version_checks, stats.pool.version_changes, stats.pool.check_failures]);
    totals
}

#[test]
fn what_workers_did_that_are_gone_stays_in_the_totals_and_what_they_held_does_not() {
    for config in subsets().filter(|config| !config.enable_bundle_pooling) {
        let (layers, tables) = over_tables(&config, Options::default());
        assert_eq!(layers.stats().grouped.is_some(), config.enable_caching, "before the first worker");
        tables.publish(&name("us"), &edition(0));
        for gone in 1..=5 {
            let mut worker = layers.worker().unwrap();
            for _trial in 0..3 {
                worker.trial(&name("us")).unwrap();
            }
            assert_eq!(worker.stats().pool.cache.loads, 1);
            assert_eq!(layers.stats().stacks, 1);
            drop(worker);
            let stats = layers.stats();
            assert_eq!((stats.stacks, stats.bytes(), stats.pool.cache.entries), (0, 0, 0));
            assert_eq!(stats.pool.cache.loads, gone);
            assert_eq!(stats.pool.cache.hits, 2 * gone);
            assert_eq!(stats.pool.version_checks, 2 * gone);
            assert_eq!(stats.grouped.map(|grouped| grouped.loads), config.enable_caching.then_some(gone));
            assert!(stats.pool.cache.peak_bytes > 0);
        }
    }
}

#[test]
fn the_peak_is_what_was_held_at_once_and_not_the_sum_over_all_times() {
    let (layers, tables) = over_tables(&without_layer_3(), Options::default());
    tables.publish(&name("us"), &edition(0));
    let peak = || layers.stats().grouped.unwrap().peak_bytes;
    layers.worker().unwrap().trial(&name("us")).unwrap();
    let one = peak();
    layers.worker().unwrap().trial(&name("us")).unwrap();
    assert_eq!(peak(), one, "one after the other");
    let mut both = [layers.worker().unwrap(), layers.worker().unwrap()];
    both.iter_mut().for_each(|worker| drop(worker.trial(&name("us")).unwrap()));
    assert_eq!(peak(), 2 * one);
    drop(both);
    assert_eq!(peak(), 2 * one);
}

#[test]
fn totals_never_fall_while_workers_come_and_go() {
    const WORKERS: u64 = 8 * 40;
    let (layers, source) = over_bundles(&without_layer_3(), Options::default());
    source.publish(&name("us"), &edition(0));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut before = totals(&layers.stats());
            while !done.load(Ordering::Relaxed) {
                let now = totals(&layers.stats());
                assert!(
                    before.iter().zip(&now).all(|(before, now)| before <= now),
                    "{before:?} then {now:?}"
                );
                before = now;
            }
        });
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..WORKERS / 8 {
                        layers.worker().unwrap().trial(&name("us")).unwrap();
                    }
                });
            }
        });
        done.store(true, Ordering::Relaxed);
    });
    let stats = layers.stats();
    assert_eq!((stats.pool.cache.loads, stats.pool.cache.misses, stats.stacks), (WORKERS, WORKERS, 0));
}

#[test]
fn statistics_are_readable_with_a_line_for_each_cache_that_is_on() {
    for config in subsets() {
        let (layers, tables) = over_tables(&config, Options::default());
        tables.publish(&name("us"), &edition(0));
        let mut worker = layers.worker().unwrap();
        (0..3).for_each(|_trial| drop(worker.trial(&name("us")).unwrap()));
        let shown = layers.stats().to_string();
        let lines = 1 + usize::from(config.enable_caching) + 2 * usize::from(config.enable_history_cache);
        assert_eq!(shown.lines().count(), lines, "{shown}");
        assert!(shown.contains("pool          2 hits of 3 (66.7 %), 1 loads"), "{shown}");
    }
}
