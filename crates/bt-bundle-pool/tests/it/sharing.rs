//! Many workers, one bundle: one open, no mixture, no disturbance.

use std::sync::{Arc, Barrier};
use std::thread;

use bt_bundle_pool::bt_core::{Bundle, DynSource, ErrorKind, Timestamp, erase};
use bt_bundle_pool::{BundlePool, Invalidate, PoolOptions, VersionCheck, process_pool};

use crate::fake::{Fake, name, version_of};

fn never() -> PoolOptions {
    PoolOptions { version_check: VersionCheck::Never, ..PoolOptions::default() }
}

#[test]
fn sixteen_workers_that_start_at_once_open_a_bundle_once() {
    for check in [VersionCheck::Never, VersionCheck::EveryAccess] {
        let (source, us) = (Fake::new(), name("us"));
        source.publish(&us, 10);
        let pool =
            BundlePool::new(Arc::clone(&source), PoolOptions { version_check: check, ..never() }).unwrap();
        let barrier = Barrier::new(16);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(pool.get(&us).unwrap().price(), 10);
                });
            }
        });
        assert_eq!(source.opened(), 1);
    }
}

#[test]
fn publishing_disturbs_no_reader_of_the_old_version() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = BundlePool::new(Arc::clone(&source), PoolOptions::default()).unwrap();
    let in_mid_trial = pool.get(&us).unwrap();
    source.publish(&us, 11);
    assert_eq!(pool.get(&us).unwrap().price(), 11);
    pool.force_invalidate(Invalidate::All);
    assert_eq!(in_mid_trial.price(), 10);
    assert_eq!(in_mid_trial.version(), version_of(10));
    assert_eq!(in_mid_trial.calendar().known_at(Timestamp::MAX), 1);
}

#[test]
fn who_joins_an_open_that_began_before_a_publish_does_not_get_what_was_there_before() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = Arc::new(BundlePool::new(Arc::clone(&source), PoolOptions::default()).unwrap());
    source.gate().close();
    let get = || {
        let (pool, us) = (Arc::clone(&pool), us.clone());
        thread::spawn(move || pool.get(&us).unwrap().price())
    };
    let early = get();
    source.gate().until_somebody_waits();
    source.publish(&us, 11);
    let late = get();
    while pool.stats().cache.misses < 2 {
        thread::yield_now();
    }
    source.gate().open();
    early.join().unwrap();
    assert_eq!(late.join().unwrap(), 11);
}

#[test]
fn what_is_opening_during_an_invalidation_is_not_kept() {
    let invalidations: [fn(&BundlePool<Arc<Fake>>); 3] = [
        |pool| pool.force_invalidate(Invalidate::All),
        |pool| pool.force_invalidate(Invalidate::One(&name("us"))),
        |pool| assert!(!pool.invalidate_if_version_changed(&name("us")).unwrap()),
    ];
    for invalidate in invalidations {
        let (source, us) = (Fake::new(), name("us"));
        source.publish(&us, 10);
        let pool = Arc::new(BundlePool::new(Arc::clone(&source), never()).unwrap());
        source.gate().close();
        let early = {
            let (pool, us) = (Arc::clone(&pool), us.clone());
            thread::spawn(move || pool.get(&us).unwrap().price())
        };
        source.gate().until_somebody_waits();
        source.publish(&us, 11);
        invalidate(&pool);
        source.gate().open();
        assert_eq!(early.join().unwrap(), 10);
        assert_eq!(pool.get(&us).unwrap().price(), 11);
    }
}

#[test]
fn the_least_recently_used_bundle_goes_first_and_its_holders_keep_it() {
    let source = Fake::new();
    let names = ["a", "b", "c"].map(name);
    names.iter().for_each(|name| source.publish(name, 1));
    let pool = BundlePool::new(Arc::clone(&source), PoolOptions { max_bundles: 2, ..never() }).unwrap();
    let b = pool.get(&names[1]).unwrap();
    for at in [0, 1, 0, 2] {
        pool.get(&names[at]).unwrap();
    }
    assert_eq!((pool.stats().cache.evictions, pool.stats().cache.entries), (1, 2));
    assert_eq!(b.price(), 1);
    assert_eq!(source.opened(), 3);
    pool.get(&names[0]).unwrap();
    assert_eq!(source.opened(), 3, "the most recently used was evicted");
    pool.get(&names[1]).unwrap();
    assert_eq!(source.opened(), 4);
}

#[test]
fn a_limit_of_one_bundle_serves_many() {
    let source = Fake::new();
    let names = ["a", "b", "c"].map(name);
    names.iter().zip(1..).for_each(|(name, price)| source.publish(name, price));
    let pool = BundlePool::new(source, PoolOptions { max_bundles: 1, ..PoolOptions::default() }).unwrap();
    for _ in 0..3 {
        for (name, price) in names.iter().zip(1..) {
            assert_eq!(pool.get(name).unwrap().price(), price);
            assert_eq!(pool.stats().cache.entries, 1);
        }
    }
}

#[test]
fn bytes_bound_the_pool_and_a_bundle_larger_than_all_is_served_and_not_kept() {
    let (source, names) = (Fake::with_heap_bytes(1 << 20), ["a", "b", "c"].map(name));
    names.iter().for_each(|name| source.publish(name, 1));
    let options = PoolOptions { max_bytes: 5 << 19, ..PoolOptions::default() };
    let pool = BundlePool::new(Arc::clone(&source), options).unwrap();
    names.iter().for_each(|name| drop(pool.get(name).unwrap()));
    let stats = pool.stats().cache;
    assert_eq!((stats.entries, stats.evictions), (2, 1));
    assert!(stats.bytes > 2 << 20 && stats.peak_bytes <= options.max_bytes);

    let small = BundlePool::new(source, PoolOptions { max_bytes: 1000, ..options }).unwrap();
    assert_eq!(small.get(&names[0]).unwrap().price(), 1);
    assert_eq!((small.stats().cache.entries, small.stats().cache.rejections), (0, 1));
}

#[test]
fn a_missing_bundle_is_an_error_that_is_not_kept() {
    let (source, us) = (Fake::new(), name("us"));
    let pool = BundlePool::new(Arc::clone(&source), PoolOptions::default()).unwrap();
    assert!(matches!(pool.get(&us).err().unwrap().kind(), ErrorKind::BundleNotFound { .. }));
    source.publish(&us, 10);
    assert_eq!(pool.get(&us).unwrap().price(), 10);
}

#[test]
fn a_pool_of_pools_is_a_pool() {
    for inner_check in [VersionCheck::EveryAccess, VersionCheck::Never] {
        let (source, us) = (Fake::new(), name("us"));
        source.publish(&us, 10);
        let inner =
            BundlePool::new(Arc::clone(&source), PoolOptions { version_check: inner_check, ..never() })
                .unwrap();
        let outer = BundlePool::new(inner, PoolOptions::default()).unwrap();
        assert_eq!(outer.get(&us).unwrap().price(), 10);
        source.publish(&us, 11);
        let expected = if inner_check == VersionCheck::Never { 10 } else { 11 };
        for _ in 0..3 {
            assert_eq!(outer.get(&us).unwrap().price(), expected);
        }
        assert_eq!(outer.open_version(&us, version_of(10)).unwrap().price(), 10);
        outer.source().force_invalidate(Invalidate::All);
        assert_eq!(outer.get(&us).unwrap().price(), 11);
    }
}

#[test]
fn the_pool_of_the_process_is_one_and_refuses_to_be_another() {
    let (fake, us) = (Fake::new(), name("us"));
    fake.publish(&us, 10);
    let source: Arc<DynSource> = erase(Arc::clone(&fake));
    let zero = PoolOptions { max_bundles: 0, ..never() };
    assert!(process_pool(&source, zero).is_err(), "and it leaves nothing behind");
    let first = process_pool(&source, never()).unwrap();
    let same = process_pool(&source, never()).unwrap();
    assert!(Arc::ptr_eq(&first, &same));
    assert_eq!(same.get(&us).unwrap().version(), version_of(10));

    let other_options = process_pool(&source, PoolOptions::default()).err().unwrap();
    let other_source = process_pool(&erase(fake), never()).err().unwrap();
    for error in [&other_options, &other_source] {
        assert!(matches!(error.kind(), ErrorKind::AlreadyConfigured { .. }), "{error}");
    }
    assert!(other_options.to_string().contains("EveryAccess"), "{other_options}");
    assert!(other_source.to_string().contains("another source"), "{other_source}");
}
