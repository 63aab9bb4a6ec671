//! When a change is seen, under each policy, and what a check costs.

use std::sync::Arc;
use std::time::Duration;

use bt_bundle_pool::bt_core::{Bundle, BundleName, BundleSource, BundleVersion, Error, ErrorKind, Result};
use bt_bundle_pool::{BundlePool, Invalidate, PoolOptions, VersionCheck};

use crate::fake::{Fake, FakeClock, name, version_of};

fn options(check: VersionCheck) -> PoolOptions {
    PoolOptions { version_check: check, ..PoolOptions::default() }
}

fn pool(source: &Arc<Fake>, check: VersionCheck) -> BundlePool<Arc<Fake>> {
    BundlePool::new(Arc::clone(source), options(check)).unwrap()
}

#[test]
fn a_corrected_price_is_served_at_the_next_access_where_every_access_checks() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, VersionCheck::EveryAccess);
    assert_eq!(pool.get(&us).unwrap().price(), 10);
    source.publish(&us, 11);
    assert_eq!(pool.get(&us).unwrap().price(), 11);
    let stats = pool.stats();
    assert_eq!((stats.version_changes, stats.cache.loads, stats.cache.entries), (1, 2, 1));
}

#[test]
fn a_check_asks_for_the_version_and_opens_nothing() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, VersionCheck::EveryAccess);
    for _ in 0..10 {
        pool.get(&us).unwrap();
    }
    assert_eq!((source.opened(), source.versions_asked()), (1, 9));
    assert_eq!(pool.stats().version_checks, 9);
}

#[test]
fn under_an_interval_a_change_is_seen_when_it_is_over_and_no_check_is_made_before() {
    let (source, us, clock) = (Fake::new(), name("us"), FakeClock::default());
    source.publish(&us, 10);
    let every = options(VersionCheck::Every(Duration::from_millis(100)));
    let pool = BundlePool::with_clock(Arc::clone(&source), every, clock.reader()).unwrap();
    clock.set_millis(1000);
    pool.get(&us).unwrap();
    source.publish(&us, 11);
    clock.set_millis(1099);
    assert_eq!((pool.get(&us).unwrap().price(), source.versions_asked()), (10, 0));
    clock.set_millis(1100);
    assert_eq!((pool.get(&us).unwrap().price(), source.versions_asked()), (11, 1));
    clock.set_millis(1199);
    pool.get(&us).unwrap();
    assert_eq!(source.versions_asked(), 1);
    clock.set_millis(1200);
    pool.get(&us).unwrap();
    clock.set_millis(1299);
    pool.get(&us).unwrap();
    assert_eq!((source.versions_asked(), source.opened()), (2, 2));
}

#[test]
fn a_clock_that_goes_back_makes_no_bundle_stale() {
    let (source, us, clock) = (Fake::new(), name("us"), FakeClock::default());
    source.publish(&us, 10);
    let every = options(VersionCheck::Every(Duration::from_millis(100)));
    let pool = BundlePool::with_clock(Arc::clone(&source), every, clock.reader()).unwrap();
    clock.set_millis(1_000_000);
    pool.get(&us).unwrap();
    source.publish(&us, 11);
    clock.set_millis(5);
    assert_eq!(pool.get(&us).unwrap().price(), 11);
    source.publish(&us, 12);
    clock.set_millis(104);
    assert_eq!(pool.get(&us).unwrap().price(), 11, "confirmed 99 ms ago");
    clock.set_millis(105);
    assert_eq!(pool.get(&us).unwrap().price(), 12);
}

#[test]
fn under_never_a_change_is_seen_after_an_invalidation() {
    let (source, us, eu) = (Fake::new(), name("us"), name("eu"));
    let pool = pool(&source, VersionCheck::Never);
    for (what, forgotten) in [(Invalidate::One(&us), 1), (Invalidate::All, 2), (Invalidate::One(&eu), 0)] {
        pool.force_invalidate(Invalidate::All);
        source.publish(&us, 10);
        source.publish(&eu, 10);
        pool.get(&us).unwrap();
        pool.get(&eu).unwrap();
        source.publish(&us, 11);
        assert_eq!(pool.get(&us).unwrap().price(), 10);
        let loads = pool.stats().cache.loads;
        pool.force_invalidate(what);
        let seen = pool.get(&us).unwrap().price();
        pool.get(&eu).unwrap();
        assert_eq!(seen, if what == Invalidate::One(&eu) { 10 } else { 11 });
        assert_eq!(pool.stats().cache.loads - loads, forgotten.max(1));
    }
    assert_eq!(source.versions_asked(), 0);
}

#[test]
fn invalidating_if_changed_says_whether_it_was() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, VersionCheck::Never);
    assert!(!pool.invalidate_if_version_changed(&us).unwrap(), "nothing is open");
    pool.get(&us).unwrap();
    assert!(!pool.invalidate_if_version_changed(&us).unwrap());
    source.publish(&us, 11);
    assert!(pool.invalidate_if_version_changed(&us).unwrap());
    assert_eq!(pool.stats().cache.entries, 0);
    assert_eq!(pool.get(&us).unwrap().price(), 11);
    source.remove(&us);
    assert!(matches!(
        pool.invalidate_if_version_changed(&us).unwrap_err().kind(),
        ErrorKind::BundleNotFound { .. }
    ));
}

#[test]
fn what_cannot_be_checked_is_not_served_and_comes_back_without_being_opened_again() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, VersionCheck::EveryAccess);
    pool.get(&us).unwrap();
    source.fail(Some(Error::other("network down")));
    assert_eq!(pool.get(&us).err().unwrap().to_string(), "network down");
    source.fail(None);
    assert_eq!(pool.get(&us).unwrap().price(), 10);
    assert_eq!((source.opened(), pool.stats().check_failures), (1, 1));
}

#[test]
fn a_pinned_version_is_served_whatever_is_published_and_needs_no_check() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    source.publish(&us, 11);
    let pool = pool(&source, VersionCheck::EveryAccess);
    for _ in 0..3 {
        assert_eq!(pool.open_version(&us, version_of(10)).unwrap().price(), 10);
    }
    assert_eq!((source.opened(), source.versions_asked()), (1, 0));
    assert_eq!(pool.get(&us).unwrap().price(), 11);
    let missing = pool.open_version(&us, version_of(99)).err().unwrap();
    assert!(matches!(missing.kind(), ErrorKind::VersionNotFound { .. }));
}

#[test]
fn pinning_the_version_that_is_open_opens_nothing() {
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = pool(&source, VersionCheck::EveryAccess);
    let current = pool.get(&us).unwrap();
    let pinned = pool.open_version(&us, version_of(10)).unwrap();
    assert!(Arc::ptr_eq(&current, &pinned));
    assert_eq!((source.opened(), pool.stats().cache.entries), (1, 1));
}

#[test]
fn the_same_name_with_other_content_never_mixes() {
    let (source, us, eu) = (Fake::new(), name("us"), name("eu"));
    source.publish(&us, 10);
    source.publish(&eu, 20);
    let pool = pool(&source, VersionCheck::EveryAccess);
    let old = pool.get(&us).unwrap();
    source.publish(&us, 11);
    let new = pool.get(&us).unwrap();
    let acme = old.assets().id("ACME").unwrap();
    assert!(old.bars(acme).is_ok());
    assert!(matches!(new.bars(acme).unwrap_err().kind(), ErrorKind::ForeignAsset { .. }));
    assert_eq!(pool.get(&eu).unwrap().price(), 20);
}

#[test]
fn a_source_that_opens_another_version_than_asked_is_found_out() {
    struct Liar(Arc<Fake>);
    impl BundleSource for Liar {
        type Bundle = crate::fake::OneBar;
        fn version(&self, name: &BundleName) -> Result<BundleVersion> {
            self.0.version(name)
        }
        fn open(&self, name: &BundleName) -> Result<Arc<Self::Bundle>> {
            self.0.open(name)
        }
        fn open_version(&self, name: &BundleName, _: BundleVersion) -> Result<Arc<Self::Bundle>> {
            self.0.open(name)
        }
    }
    let (source, us) = (Fake::new(), name("us"));
    source.publish(&us, 10);
    let pool = BundlePool::new(Liar(source), PoolOptions::default()).unwrap();
    let error = pool.open_version(&us, version_of(9)).err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
}

#[test]
fn limits_of_zero_are_refused_by_name() {
    for (max_bundles, max_bytes, message) in [(0, 1, "max_bundles = 0"), (1, 0, "max_bytes = 0")] {
        let options = PoolOptions { max_bundles, max_bytes, ..PoolOptions::default() };
        let error = BundlePool::new(Fake::new(), options).err().unwrap();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}
