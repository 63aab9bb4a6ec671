//! A worker's handle: references, and one version from refresh to refresh.

use std::sync::Arc;
use std::time::Duration;

use bt_bundle_pool::bt_core::{Bundle, Error};
use bt_bundle_pool::{BundlePool, PoolOptions, VersionCheck};

use crate::fake::{Fake, FakeClock, name, version_of};

fn pool(source: &Arc<Fake>, options: PoolOptions) -> Arc<BundlePool<Arc<Fake>>> {
    Arc::new(BundlePool::new(Arc::clone(source), options).unwrap())
}

#[test]
fn a_trial_reads_one_version_from_start_to_end() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, PoolOptions::default());
    let mut handle = pool.handle();
    assert!(handle.get(&us).is_none());
    assert_eq!(handle.open(&us).unwrap().price(), 10);
    source.publish(&us, 11);
    assert_eq!(pool.get(&us).unwrap().price(), 11);
    assert_eq!(handle.open(&us).unwrap().price(), 10);
    assert_eq!(handle.get(&us).unwrap().price(), 10);
    handle.refresh();
    assert_eq!(handle.open(&us).unwrap().price(), 11);
}

#[test]
fn a_refresh_is_an_access_and_checks_as_the_options_ask_for() {
    let (source, us, clock) = (Fake::new(), name("us"), FakeClock::default());
    source.publish(&us, 10);
    let policies =
        [VersionCheck::EveryAccess, VersionCheck::Every(Duration::from_millis(10)), VersionCheck::Never];
    for (check, (soon, later)) in policies.into_iter().zip([(11, 11), (10, 11), (10, 10)]) {
        source.publish(&us, 10);
        clock.set_millis(0);
        let options = PoolOptions { version_check: check, ..PoolOptions::default() };
        let pool = Arc::new(BundlePool::with_clock(Arc::clone(&source), options, clock.reader()).unwrap());
        let mut handle = pool.handle();
        assert_eq!(handle.open(&us).unwrap().price(), 10);
        source.publish(&us, 11);
        handle.refresh();
        assert_eq!(handle.open(&us).unwrap().price(), soon, "{check:?}, at once");
        clock.set_millis(10);
        handle.refresh();
        assert_eq!(handle.open(&us).unwrap().price(), later, "{check:?}, later");
    }
}

#[test]
fn a_trial_that_reads_more_bundles_than_fit_still_reads_one_version_of_each() {
    let (source, a, b) = (Fake::new(), name("a"), name("b"));
    source.publish(&a, 10);
    source.publish(&b, 20);
    let pool = pool(&source, PoolOptions { max_bundles: 1, ..PoolOptions::default() });
    let mut handle = pool.handle();
    assert_eq!(handle.open(&a).unwrap().price(), 10);
    assert_eq!(handle.open(&b).unwrap().price(), 20);
    source.publish(&a, 11);
    assert_eq!(handle.open(&a).unwrap().price(), 10);
    assert_eq!(handle.get(&a).unwrap().price(), 10);
    handle.refresh();
    assert_eq!(handle.open(&a).unwrap().price(), 11);
}

#[test]
fn a_pinned_version_outlasts_what_is_published() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, PoolOptions::default());
    let mut handle = pool.handle();
    for trial in 0..4 {
        handle.refresh();
        assert_eq!(handle.open_version(&us, version_of(10)).unwrap().price(), 10);
        assert_eq!(handle.open(&us).unwrap().price(), 10 + trial);
        assert_eq!(handle.open_version(&us, version_of(10)).unwrap().version(), version_of(10));
        source.publish(&us, 11 + trial);
    }
}

#[test]
fn pinning_what_is_open_pins_no_bytes_apart() {
    let (source, us) = (Fake::with_heap_bytes(5000), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, PoolOptions::default());
    pool.get(&us).unwrap();
    let mut handle = pool.handle();
    handle.open_version(&us, version_of(10)).unwrap();
    assert_eq!((source.opened(), pool.stats().cache.pinned_bytes), (1, 0));
    source.publish(&us, 11);
    pool.get(&us).unwrap();
    assert!(pool.stats().cache.pinned_bytes > 5000, "the old version lives in the handle alone");
    drop(handle);
    assert_eq!(pool.stats().cache.pinned_bytes, 0);
}

#[test]
fn a_bundle_that_cannot_be_checked_is_met_as_an_error_when_it_is_opened() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, PoolOptions::default());
    let mut handle = pool.handle();
    handle.open(&us).unwrap();
    source.fail(Some(Error::other("network down")));
    handle.refresh();
    assert_eq!(handle.open(&us).err().unwrap().to_string(), "network down");
    source.fail(None);
    assert_eq!(handle.open(&us).unwrap().price(), 10);
}

#[test]
fn hits_on_handles_are_counted() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, PoolOptions::default());
    let mut handle = pool.handle();
    handle.open(&us).unwrap();
    for _ in 0..5 {
        handle.get(&us).unwrap();
    }
    handle.refresh();
    let stats = pool.stats().cache;
    assert_eq!((stats.loads, stats.misses), (1, 1));
    assert!(stats.handle_hits >= 5);
}
