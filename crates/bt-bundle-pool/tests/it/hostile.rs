//! Many threads at once, and sources that contradict themselves, panic or stand still.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bt_bundle_pool::bt_core::{Bundle, BundleName, BundleSource, BundleVersion, Error, Result};
use bt_bundle_pool::{BundlePool, Invalidate, PoolOptions, VersionCheck};

use crate::fake::{Fake, FakeClock, OneBar, name, version_of};

const EDITIONS: u32 = if cfg!(miri) { 8 } else { 400 };

/// Publishes one edition after the other while others read, and says which one everybody has to see by now.
struct Race {
    source: Arc<Fake>,
    us: BundleName,
    published: AtomicU32,
    is_over: AtomicBool,
}

impl Race {
    fn new() -> Self {
        let (source, us) = (Fake::new(), name("us"));
        source.publish(&us, 0);
        Self { source, us, published: AtomicU32::new(0), is_over: AtomicBool::new(false) }
    }

    fn publish_all(&self) {
        for price in 1..EDITIONS {
            self.source.publish(&self.us, price);
            self.published.store(price, Ordering::SeqCst);
            thread::yield_now();
        }
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Reads until the race is over and once more, and never an edition older than asked for or than the last.
    fn read(&self, mut read: impl FnMut() -> u32) {
        let mut last = 0;
        loop {
            let was_over = self.is_over.load(Ordering::SeqCst);
            let least = self.published.load(Ordering::SeqCst).max(last);
            last = read();
            assert!(last >= least, "{last} was served and {least} was known");
            if was_over {
                assert_eq!(last, EDITIONS - 1);
                return;
            }
        }
    }

    fn until_over(&self, mut disturb: impl FnMut()) {
        while !self.is_over.load(Ordering::SeqCst) {
            disturb();
            thread::yield_now();
        }
    }
}

#[test]
fn sixteen_threads_that_read_invalidate_pin_and_publish_see_nothing_old_and_nothing_mixed() {
    for max_bundles in [1, 2, 100] {
        let race = Race::new();
        let options = PoolOptions { max_bundles, ..PoolOptions::default() };
        let pool = Arc::new(BundlePool::new(Arc::clone(&race.source), options).unwrap());
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| race.read(|| pool.get(&race.us).unwrap().price()));
            }
            for _ in 0..5 {
                scope.spawn(|| {
                    let mut handle = pool.handle();
                    race.read(|| {
                        handle.refresh();
                        let price = handle.open(&race.us).unwrap().price();
                        assert_eq!(handle.get(&race.us).unwrap().price(), price);
                        assert_eq!(handle.open(&race.us).unwrap().price(), price, "a trial saw two versions");
                        price
                    });
                });
            }
            scope.spawn(|| race.until_over(|| pool.force_invalidate(Invalidate::All)));
            scope.spawn(|| race.until_over(|| pool.force_invalidate(Invalidate::One(&race.us))));
            scope.spawn(|| race.until_over(|| _ = pool.invalidate_if_version_changed(&race.us).unwrap()));
            scope.spawn(|| {
                race.until_over(|| {
                    let price = race.published.load(Ordering::SeqCst) / 2;
                    let pinned = pool.open_version(&race.us, version_of(price)).unwrap();
                    assert_eq!((pinned.price(), pinned.version()), (price, version_of(price)));
                });
            });
            scope.spawn(|| race.publish_all());
        });
        let stats = pool.stats().cache;
        assert!(stats.entries <= max_bundles && stats.peak_bytes <= stats.max_bytes);
    }
}

#[test]
fn an_interval_bounds_how_old_a_bundle_is_for_sixteen_threads_whose_clock_jumps_back() {
    let (source, us, clock) = (Fake::new(), name("us"), FakeClock::default());
    let check = VersionCheck::Every(Duration::from_millis(10));
    let options = PoolOptions { version_check: check, ..PoolOptions::default() };
    let pool = BundlePool::with_clock(Arc::clone(&source), options, clock.reader()).unwrap();
    for price in 0..50 {
        source.publish(&us, price);
        // Further than the interval, forth or back: whoever asks now must see the new one.
        clock.set_millis(if price % 3 == 0 {
            1000 - u64::from(price) * 11
        } else {
            5000 + u64::from(price) * 11
        });
        let barrier = Barrier::new(16);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(pool.get(&us).unwrap().price(), price);
                });
            }
        });
    }
}

/// Says that another version is current than the one that it opens, or panics.
struct Contradiction {
    source: Arc<Fake>,
    panics: AtomicBool,
}

impl BundleSource for Contradiction {
    type Bundle = OneBar;

    fn version(&self, _: &BundleName) -> Result<BundleVersion> {
        assert!(!self.panics.load(Ordering::SeqCst), "a bug in version");
        Ok(version_of(u32::MAX))
    }

    fn open(&self, name: &BundleName) -> Result<Arc<OneBar>> {
        self.source.open(name)
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<OneBar>> {
        self.source.open_version(name, version)
    }
}

#[test]
fn a_source_that_opens_another_version_than_it_says_is_opened_anew_and_never_for_ever() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let contradiction = Contradiction { source: Arc::clone(&source), panics: AtomicBool::new(false) };
    let pool = BundlePool::new(contradiction, PoolOptions::default()).unwrap();
    for opened in 1..4 {
        assert_eq!(pool.get(&us).unwrap().price(), 10);
        assert_eq!(source.opened(), opened);
    }
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..20).for_each(|_| assert_eq!(pool.get(&us).unwrap().price(), 10)));
        }
    });
}

#[test]
fn a_panic_of_a_version_check_leaves_the_pool_and_its_handles_as_they_were() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, u32::MAX);
    let contradiction = Contradiction { source: Arc::clone(&source), panics: AtomicBool::new(false) };
    let pool = Arc::new(BundlePool::new(contradiction, PoolOptions::default()).unwrap());
    let mut handle = pool.handle();
    handle.open(&us).unwrap();
    pool.source().panics.store(true, Ordering::SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| pool.get(&us).map(drop))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| handle.refresh())).is_err());
    assert!(handle.get(&us).is_some());
    assert!(pool.open_version(&us, version_of(u32::MAX)).is_ok(), "what is pinned needs no check");
    pool.source().panics.store(false, Ordering::SeqCst);
    handle.refresh();
    assert!(handle.open(&us).is_ok() && pool.get(&us).is_ok());
    assert_eq!(source.opened(), 1);
}

#[test]
fn a_bundle_that_takes_for_ever_to_open_holds_up_nobody_who_wants_another() {
    let (source, [slow, fast]) = (Fake::new(), ["slow", "fast"].map(name));
    source.publish(&slow, 1);
    source.publish(&fast, 2);
    let pool = BundlePool::new(Arc::clone(&source), PoolOptions::default()).unwrap();
    pool.get(&fast).unwrap();
    source.gate().close();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.get(&slow).map(|bundle| bundle.price()));
        source.gate().until_somebody_waits();
        assert_eq!(pool.get(&fast).unwrap().price(), 2);
        assert_eq!(pool.open_version(&slow, version_of(1)).unwrap().price(), 1);
        assert!(!pool.invalidate_if_version_changed(&fast).unwrap());
        pool.force_invalidate(Invalidate::One(&fast));
        assert_eq!(pool.stats().cache.entries, 1);
        source.gate().open();
        assert_eq!(waiting.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn what_fails_for_a_while_is_tried_again_by_every_access_and_by_nobody_twice() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = BundlePool::new(Arc::clone(&source), PoolOptions::default()).unwrap();
    source.fail(Some(Error::other("network down")));
    for tried in 1..=3 {
        assert_eq!(pool.get(&us).err().unwrap().to_string(), "network down");
        assert_eq!(source.opened(), tried);
    }
    source.fail(None);
    assert_eq!(pool.get(&us).unwrap().price(), 10);
    assert_eq!((pool.stats().cache.loads, pool.stats().cache.load_failures), (4, 3));
}

#[test]
fn names_that_differ_in_case_are_two() {
    let (source, [lower, upper]) = (Fake::new(), ["us", "US"].map(name));
    source.publish(&lower, 1);
    let pool = BundlePool::new(Arc::clone(&source), PoolOptions::default()).unwrap();
    pool.get(&lower).unwrap();
    assert!(pool.get(&upper).is_err());
    source.publish(&upper, 2);
    assert_eq!((pool.get(&upper).unwrap().price(), pool.get(&lower).unwrap().price()), (2, 1));
    pool.force_invalidate(Invalidate::One(&upper));
    assert_eq!(pool.stats().cache.entries, 1);
}
