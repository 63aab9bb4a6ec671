//! Sixteen threads that read, publish, invalidate and come and go: every trial sees one version that was published,
//! never one older than what it saw before, and in the end everybody sees the last.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use bt_layers::bt_core::{BundleName, BundleVersion, Field};
use bt_layers::{Invalidate, Layers, OptimizationConfig, Options, Trial, VersionCheck};

use bt_testkit::MarketData;

use crate::{edition, name, over_bundles, over_tables, subsets};

const EDITIONS: usize = 20;

static PUBLISHED: LazyLock<Vec<(BundleVersion, MarketData)>> =
    LazyLock::new(|| (0..EDITIONS).map(edition).map(|data| (data.version(), data)).collect());

/// Which edition a trial sees; panics where its bars are not those of its version.
fn edition_of(trial: &Trial<'_>) -> usize {
    let version = trial.bundle().version();
    let number = PUBLISHED.iter().position(|(published, _)| *published == version).expect("it was published");
    let expected = &PUBLISHED[number].1;
    let first = trial.bundle().assets().ids().next().unwrap();
    let closes = trial.bundle().bars(first).unwrap().field(Field::CLOSE);
    assert_eq!(closes, expected.assets[0].columns[3], "the bars are those of another version");
    number
}

fn stress(layers: &Layers, publish: impl Fn(&BundleName, usize) + Sync) {
    let names = ["us", "eu"].map(name);
    names.iter().for_each(|name| publish(name, 0));
    let (published, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for reader in 0..12 {
            let (published, done, names) = (&published, &done, &names);
            scope.spawn(move || {
                let name = &names[reader % 2];
                let (mut worker, mut last, mut trials) = (layers.worker().unwrap(), 0, 0);
                while !done.load(Ordering::SeqCst) || trials < 3 {
                    let least = published.load(Ordering::SeqCst);
                    let seen = edition_of(&worker.trial(name).unwrap());
                    assert!(seen >= least.max(last), "edition {seen} after {last}, {least} was published");
                    (last, trials) = (seen, trials + 1);
                    if trials % 16 == reader {
                        worker = layers.worker().unwrap();
                    }
                }
            });
        }
        for what in [Invalidate::All, Invalidate::One(&names[0]), Invalidate::One(&names[1])] {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    layers.invalidate(what);
                    thread::yield_now();
                }
            });
        }
        scope.spawn(|| {
            for number in 1..EDITIONS {
                names.iter().for_each(|name| publish(name, number));
                published.store(number, Ordering::SeqCst);
                thread::yield_now();
            }
            done.store(true, Ordering::SeqCst);
        });
    });
    for name in &names {
        assert_eq!(edition_of(&layers.worker().unwrap().trial(name).unwrap()), EDITIONS - 1);
    }
}

fn options() -> Options {
    Options { version_check: VersionCheck::EveryAccess, ..Options::default() }
}

#[test]
fn trials_over_bundles_are_never_stale_or_mixed_whoever_else_is_at_work() {
    for config in subsets() {
        let (layers, source) = over_bundles(&config, options());
        stress(&layers, |name, number| _ = source.publish(name, &PUBLISHED[number].1));
    }
}

#[test]
fn trials_over_tables_are_never_stale_or_mixed_whoever_else_is_at_work() {
    for config in subsets() {
        let (layers, tables) = over_tables(&config, options());
        stress(&layers, |name, number| _ = tables.publish(name, &PUBLISHED[number].1));
    }
}

#[test]
fn nor_where_nothing_fits_and_everything_is_evicted_all_the_time() {
    for cache_size_gb in [1e-6, 2e-5] {
        for config in subsets() {
            let config =
                OptimizationConfig { cache_size_gb, lru_maxsize: 1, max_bundle_pool_size: 1, ..config };
            let (layers, tables) = over_tables(&config, options());
            stress(&layers, |name, number| _ = tables.publish(name, &PUBLISHED[number].1));
        }
    }
}
