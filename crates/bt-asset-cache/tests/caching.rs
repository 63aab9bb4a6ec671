//! The caches of Layer 1 against naive models of what they promise.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use bt_asset_cache::{AssetListCache, AssetListKey, GroupedBars, GroupedCache};
use bt_cache::Cache;
use bt_core::{AssetList, Bundle, BundleName, BundleVersion, ErrorKind, Timestamp};
use bt_testkit::{Layout, Market};
use proptest::prelude::*;

/// A cache as a list, the least recently used first.
struct Model {
    kept: Vec<(BundleVersion, usize)>,
    max_bytes: usize,
    max_entries: usize,
}

impl Model {
    fn bytes(&self) -> usize {
        self.kept.iter().map(|(_, weight)| weight).sum()
    }

    fn touch(&mut self, version: BundleVersion) -> bool {
        let found = self.kept.iter().position(|(kept, _)| *kept == version);
        if let Some(at) = found {
            let entry = self.kept.remove(at);
            self.kept.push(entry);
        }
        found.is_some()
    }

    fn use_or_put(&mut self, version: BundleVersion, weight: usize) -> bool {
        if self.touch(version) {
            return true;
        }
        if weight > self.max_bytes {
            return false;
        }
        self.kept.push((version, weight));
        while self.bytes() > self.max_bytes || self.kept.len() > self.max_entries {
            self.kept.remove(0);
        }
        true
    }

    fn remove(&mut self, version: BundleVersion) {
        self.kept.retain(|(kept, _)| *kept != version);
    }
}

fn weight(bars: &GroupedBars) -> usize {
    size_of::<GroupedBars>() + bars.heap_bytes() + Cache::<BundleVersion, GroupedBars>::OVERHEAD
}

/// Bundles of different sizes.
fn bundles() -> Vec<Arc<GroupedBars>> {
    let bundle = |days| {
        let table = Market::common(days as u64, 2, days).generate().table(&Layout::default());
        Arc::new(GroupedBars::from_table(&table).unwrap())
    };
    [10, 20, 40, 80, 160].map(bundle).to_vec()
}

fn range(bars: &GroupedBars, part: usize) -> (Timestamp, Timestamp) {
    let calendar = bars.calendar();
    (calendar[part], calendar[part + calendar.len() / 2])
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Load(usize),
    Get(usize),
    Slice(usize, usize),
    Remove(usize),
}

fn some_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..5usize).prop_map(Op::Load),
        2 => (0..5usize).prop_map(Op::Get),
        3 => (0..5usize, 0..3usize).prop_map(|(bundle, part)| Op::Slice(bundle, part)),
        1 => (0..5usize).prop_map(Op::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn bundles_and_slices_are_kept_as_the_naive_model_keeps_them(
        ops in prop::collection::vec(some_op(), 1..60), max_bytes in 2_000..60_000usize,
    ) {
        let bundles = bundles();
        let cache = GroupedCache::new(max_bytes).unwrap();
        let mut model = Model { kept: Vec::new(), max_bytes, max_entries: usize::MAX };
        for op in ops {
            match op {
                Op::Load(at) => {
                    let (version, bars) = (bundles[at].version(), &bundles[at]);
                    let got = cache.get_or_load(&version, || Ok(Arc::clone(bars))).unwrap();
                    prop_assert!(Arc::ptr_eq(&got, bars));
                    model.use_or_put(version, weight(bars));
                }
                Op::Get(at) => {
                    let version = bundles[at].version();
                    prop_assert_eq!(cache.get(&version).is_some(), model.touch(version));
                }
                Op::Slice(at, part) => {
                    let (bars, (after, until)) = (&bundles[at], range(&bundles[at], part));
                    let slice = cache.get_or_slice(bars, after, until).unwrap();
                    prop_assert_eq!(slice.version(), GroupedBars::slice_version(bars.version(), after, until));
                    let version = slice.version();
                    model.use_or_put(version, weight(&slice));
                    if !model.use_or_put(bars.version(), weight(bars)) {
                        model.remove(version);
                    }
                }
                Op::Remove(at) => {
                    let version = bundles[at].version();
                    prop_assert_eq!(cache.remove(&version).is_some(), model.touch(version));
                    model.remove(version);
                    for part in 0..3 {
                        let (after, until) = range(&bundles[at], part);
                        model.remove(GroupedBars::slice_version(version, after, until));
                    }
                }
            }
            let stats = cache.stats();
            prop_assert_eq!((stats.entries, stats.bytes), (model.kept.len(), model.bytes()), "after {:?}", op);
            prop_assert!(stats.peak_bytes <= max_bytes);
        }
        for (version, _) in model.kept {
            prop_assert!(cache.get(&version).is_some());
        }
    }

    #[test]
    fn asset_lists_are_extracted_only_when_the_naive_model_has_forgotten_them(
        asked in prop::collection::vec(0..12u8, 1..80), max_entries in 1..8usize,
    ) {
        let cache = AssetListCache::new(max_entries).unwrap();
        let mut model = Model { kept: Vec::new(), max_bytes: usize::MAX, max_entries };
        for tag in asked {
            // Half of the versions are of another name: the model knows them apart by their version.
            let version = BundleVersion([tag; 32]);
            let key = AssetListKey { name: BundleName::new(if tag < 6 { "a" } else { "b" }).unwrap(), version };
            let mut extracted = false;
            let list = cache.get_or_load(&key, || {
                extracted = true;
                AssetList::new(version, ["A", "B"]).map(Arc::new)
            });
            prop_assert_eq!(list.unwrap().version(), version);
            prop_assert_eq!(extracted, !model.touch(version));
            model.use_or_put(version, 1);
            prop_assert_eq!(cache.stats().entries, model.kept.len());
        }
    }
}

#[test]
fn the_same_version_under_two_names_is_two_asset_lists() {
    let cache = AssetListCache::default();
    let version = BundleVersion([1; 32]);
    let key = |name| AssetListKey { name: BundleName::new(name).unwrap(), version };
    let list = |name: &str| AssetList::new(version, [name]).map(Arc::new);
    cache.get_or_load(&key("a"), || list("A")).unwrap();
    cache.get_or_load(&key("b"), || list("B")).unwrap();
    assert_eq!(cache.get(&key("a")).unwrap().names().collect::<Vec<_>>(), ["A"]);
    let mut worker = cache.handle();
    assert_eq!(worker.get_or_load(&key("b"), || list("never")).unwrap().names().next(), Some("B"));
}

#[test]
fn what_a_loader_gives_must_have_the_version_that_was_asked_for() {
    let bars = &bundles()[0];
    let cache = GroupedCache::default();
    let error = cache.get_or_load(&BundleVersion([1; 32]), || Ok(Arc::clone(bars))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
    let key = AssetListKey { name: BundleName::new("a").unwrap(), version: BundleVersion([1; 32]) };
    let lists = AssetListCache::default();
    let error = lists.get_or_load(&key, || Ok(Arc::new(bars.assets().clone()))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
    assert_eq!((cache.stats().entries, lists.stats().entries), (0, 0));
}

#[test]
fn a_bundle_larger_than_the_limit_is_returned_and_not_kept_nor_is_its_slice() {
    let bars = &bundles()[4];
    for max_bytes in [1, weight(bars) - 1] {
        let cache = GroupedCache::new(max_bytes).unwrap();
        assert!(!cache.insert(Arc::clone(bars)));
        assert!(Arc::ptr_eq(&cache.get_or_load(&bars.version(), || Ok(Arc::clone(bars))).unwrap(), bars));
        let (after, until) = range(bars, 0);
        let slice = Arc::new(bars.slice(after, until).unwrap());
        assert_eq!(cache.get_or_slice(bars, after, until).unwrap().version(), slice.version());
        assert!(!cache.insert(slice));
        assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
    }
    let exact = GroupedCache::new(weight(bars)).unwrap();
    assert!(exact.insert(Arc::clone(bars)));
}

#[test]
fn what_is_evicted_lives_on_with_those_who_hold_it() {
    let bundles = bundles();
    let cache = GroupedCache::new(weight(&bundles[4])).unwrap();
    assert!(cache.insert(Arc::clone(&bundles[0])));
    let held = cache.get(&bundles[0].version()).unwrap();
    assert!(cache.insert(Arc::clone(&bundles[4])));
    assert!(cache.get(&bundles[0].version()).is_none());
    assert_eq!(held.bars(held.assets().ids().next().unwrap()).unwrap().len(), 10);
}

#[test]
fn limits_of_zero_are_refused_and_the_defaults_are_what_the_documentation_says() {
    assert!(GroupedCache::new(0).is_err());
    assert!(AssetListCache::new(0).is_err());
    assert_eq!(GroupedCache::default().stats().max_bytes, 2 << 30);
    assert_eq!(AssetListCache::default().stats().max_entries, 128);
}

/// A cache that has room for a bundle, a slice of it and a smaller bundle; and two ranges of it.
fn sliced() -> (GroupedCache, Arc<GroupedBars>, [(Timestamp, Timestamp); 2]) {
    let bars = Arc::clone(&bundles()[4]);
    let ranges = [range(&bars, 0), range(&bars, 30)];
    let slice = bars.slice(ranges[0].0, ranges[0].1).unwrap();
    let cache = GroupedCache::new(weight(&bars) + weight(&slice) + weight(&bundles()[3])).unwrap();
    (cache, bars, ranges)
}

#[test]
fn slices_that_a_worker_reads_keep_the_bundle_that_they_are_slices_of() {
    let (cache, bars, [range, _]) = sliced();
    let mut worker = cache.handle();
    let version = worker.get_or_slice(&bars, range.0, range.1).unwrap().version();
    // Small bundles come and go; the worker reads its slice through the handle alone.
    for other in bundles()[..4].iter().cycle().take(40) {
        assert!(cache.insert(Arc::clone(other)));
        // After a refresh a handle holds nothing but what the cache keeps. To ask the cache would count as an access.
        worker.refresh();
        assert_eq!(worker.get(&version).unwrap().version(), version);
        assert_eq!(worker.len(), 2, "the owner is kept for as long as its slice is read");
    }
    assert!(cache.stats().evictions > 0);
}

#[test]
fn what_a_worker_holds_of_a_slice_is_counted_with_the_bars_under_it() {
    let (cache, bars, [range, _]) = sliced();
    let mut worker = cache.handle();
    let slice = worker.get_or_slice(&bars, range.0, range.1).unwrap().version();
    assert_eq!((worker.len(), cache.stats().pinned_bytes), (2, 0));
    cache.clear();
    let held = worker.get_arc(&slice).unwrap();
    assert_eq!(cache.stats().pinned_bytes, weight(&bars) + weight(&held));
    worker.refresh();
    assert!(worker.is_empty() && worker.get(&slice).is_none());
    assert_eq!((cache.stats().pinned_bytes, cache.stats().bytes), (0, 0));
}

#[test]
fn a_slice_that_was_loaded_by_its_version_keeps_its_owner_too() {
    let (cache, bars, [range, other]) = sliced();
    let slice = Arc::new(bars.slice(range.0, range.1).unwrap());
    cache.get_or_load(&slice.version(), || Ok(Arc::clone(&slice))).unwrap();
    assert!(cache.get(&bars.version()).is_some());
    cache.clear();
    let mut worker = cache.handle();
    assert_eq!(
        worker.get_or_load(&slice.version(), || Ok(Arc::clone(&slice))).unwrap().version(),
        slice.version()
    );
    assert!(worker.get(&bars.version()).is_some() && cache.get(&bars.version()).is_some());
    let foreign = worker.get_or_load(&BundleVersion([3; 32]), || bars.slice(other.0, other.1).map(Arc::new));
    assert!(matches!(foreign.unwrap_err().kind(), ErrorKind::Corrupt { .. }));
}

#[test]
fn a_slice_is_not_held_without_room_for_the_bars_under_it() {
    let (_, bars, [range, _]) = sliced();
    let cache = GroupedCache::new(weight(&bars) - 1).unwrap();
    let mut worker = cache.handle();
    let version = worker.get_or_slice(&bars, range.0, range.1).unwrap().version();
    assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
    worker.refresh();
    assert!(worker.get(&version).is_none());
}
