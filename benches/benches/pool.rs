//! The pool of open bundles: an access with and without a check of the version, and a worker's start.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bt_benches::{Paired, Rows, is_wanted};
use bt_bundle::{MappedBundle, Store};
use bt_bundle_pool::{BundlePool, PoolOptions, VersionCheck};
use bt_core::{Bundle, BundleName, BundleSource};
use bt_testkit::Market;
use criterion::Criterion;
use lru::LruCache;
use parking_lot::Mutex;
use tempfile::TempDir;

fn main() {
    let mut criterion = bt_benches::criterion();
    let mut rows = Rows::new("pool");
    if is_wanted("pool/access") {
        access(&mut criterion, &mut rows);
    }
    criterion.final_summary();
}

fn access(criterion: &mut Criterion, rows: &mut Rows) {
    let published = Published::new();
    let name = &published.name;
    let unchecked = published.pool(VersionCheck::Never);
    let checked = published.pool(VersionCheck::EveryAccess);
    let every = published.pool(VersionCheck::Every(std::time::Duration::from_secs(3600)));
    let mut handle = unchecked.handle();
    handle.open(name).expect("published");

    let bundle = unchecked.get(name).expect("published");
    let quick = quick_cache::sync::Cache::<BundleName, Arc<MappedBundle>>::new(100);
    let lru = Mutex::new(LruCache::new(NonZeroUsize::new(100).expect("not 0")));
    quick.insert(name.clone(), Arc::clone(&bundle));
    lru.lock().push(name.clone(), Arc::clone(&bundle));
    assert_eq!(checked.get(name).expect("published").version(), bundle.version());

    let times = Paired::new("pool/access")
        .arm("get, no check", || unchecked.get(name).ok())
        .arm("quick_cache", || quick.get(name))
        .arm("Mutex<lru>", || lru.lock().get(name).cloned())
        .arm("get, every access checks", || checked.get(name).ok())
        .arm("get, an interval", || every.get(name).ok())
        .arm("stat of HEAD alone", || published.store.version(name).ok())
        .arm("handle", || handle.get(name).is_some())
        .arm("open anew", || published.store.open(name).ok())
        .run(criterion);
    let row = "pool, get (Arc)";
    rows.at_most(row, "no check, time : quick_cache", times.ratio("get, no check", "quick_cache"), 1.0, "×");
    rows.at_most(row, "no check, time : Mutex<lru>", times.ratio("get, no check", "Mutex<lru>"), 1.25, "×");
    rows.at_most(row, "with a stat as check", times.nanos("get, every access checks"), 700.0, " ns");
    rows.shown(row, "the stat alone", times.nanos("stat of HEAD alone"), " ns");
    rows.shown(row, "with an interval", times.nanos("get, an interval"), " ns");
    rows.shown(row, "handle", times.nanos("handle"), " ns");
    rows.shown(row, "what it saves: opening a mapped bundle anew", times.nanos("open anew") / 1000.0, " µs");
}

/// A store with one bundle of 50 assets.
struct Published {
    store: Store,
    name: BundleName,
    _folder: TempDir,
}

impl Published {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::create(folder.path()).expect("a store");
        let name = BundleName::new("us-equities.daily").expect("a good name");
        let bundle = Market::common(1, 50, 252).generate().bundle();
        store.publish(&name, &bundle, "generated").expect("published");
        // A HEAD that was written just now is read at every access.
        std::thread::sleep(std::time::Duration::from_millis(150));
        Self { store, name, _folder: folder }
    }

    fn pool(&self, check: VersionCheck) -> Arc<BundlePool<Store>> {
        let options = PoolOptions { version_check: check, ..PoolOptions::default() };
        Arc::new(BundlePool::new(self.store.clone(), options).expect("limits above 0"))
    }
}
