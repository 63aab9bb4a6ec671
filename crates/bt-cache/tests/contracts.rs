//! Limits, weights and destructors.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as loudly as a test")]

use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use bt_cache::bt_core::{Error, ErrorKind};
use bt_cache::{Cache, CacheStats, Limits};

type Blobs = Cache<u32, [u8]>;

fn blobs(max_bytes: usize, max_entries: usize) -> Blobs {
    Cache::new(Limits { max_bytes, max_entries }, |_, blob: &[u8]| blob.len()).unwrap()
}

fn blob(length: usize) -> Arc<[u8]> {
    vec![0; length].into()
}

#[test]
fn a_limit_of_zero_is_refused_by_name() {
    for (limits, name) in [
        (Limits { max_bytes: 0, max_entries: 1 }, "max_bytes = 0"),
        (Limits { max_bytes: 1, max_entries: 0 }, "max_entries = 0"),
    ] {
        let error = Blobs::new(limits, |_, _| 0).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidOption { .. }));
        assert!(error.to_string().starts_with(name), "{error}");
    }
}

#[test]
fn keys_and_overhead_count() {
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Long([u64; 64]);
    let limits = Limits { max_bytes: 10_000, max_entries: 10 };
    let (long, short) =
        (Cache::<Long, u8>::new(limits, |_, _| 1).unwrap(), Cache::<u8, u8>::new(limits, |_, _| 1).unwrap());
    long.insert(Long([0; 64]), Arc::new(0));
    short.insert(0, Arc::new(0));
    assert!(long.stats().bytes > 64 * 8);
    assert_eq!(long.stats().bytes, 1 + Cache::<Long, u8>::OVERHEAD);
    #[cfg(target_pointer_width = "64")]
    assert_eq!((Blobs::OVERHEAD, Cache::<Long, [u8]>::OVERHEAD), (174 + 8, 174 + 64 * 8));
    assert_eq!(long.stats().bytes - short.stats().bytes, 64 * 8 - 8, "a short key is padded to eight bytes");
}

#[test]
fn a_limit_of_one_entry_keeps_the_last() {
    let cache = blobs(usize::MAX, 1);
    for key in 0..5 {
        assert!(cache.insert(key, blob(10)));
        assert_eq!((cache.stats().entries, cache.get(&key).is_some()), (1, true));
    }
    assert_eq!(cache.stats().evictions, 4);
}

#[test]
fn a_limit_of_one_byte_keeps_nothing_and_still_serves() {
    let cache = blobs(1, 10);
    assert!(!cache.insert(1, blob(0)));
    assert_eq!(cache.get_or_load(&1, || Ok(blob(3))).unwrap().len(), 3);
    assert_eq!((cache.stats().entries, cache.stats().rejections), (0, 2));
}

#[test]
fn an_entry_of_exactly_the_budget_is_kept_and_one_byte_more_is_not() {
    let cache = blobs(Blobs::OVERHEAD + 100, 10);
    assert!(cache.insert(1, blob(100)));
    assert!(!cache.insert(2, blob(101)));
    assert!(cache.get(&1).is_some(), "what is not kept pushes nothing out");
}

#[test]
fn overwriting_subtracts_what_was_there() {
    let cache = blobs(10_000, 10);
    for length in [100, 900, 10] {
        cache.insert(1, blob(length));
        assert_eq!(cache.stats().bytes, Blobs::OVERHEAD + length);
    }
    assert_eq!((cache.stats().evictions, cache.stats().peak_bytes), (0, Blobs::OVERHEAD + 900));
}

#[test]
fn overwriting_with_a_value_too_large_leaves_nothing_stale() {
    let cache = blobs(1000, 10);
    cache.insert(1, blob(10));
    assert!(!cache.insert(1, blob(5000)));
    assert!(cache.get(&1).is_none());
}

#[test]
fn who_holds_an_evicted_value_keeps_it() {
    let cache = blobs(Blobs::OVERHEAD + 10, 10);
    let held = cache.get_or_load(&1, || Ok(Arc::from([7; 10]))).unwrap();
    cache.insert(2, blob(10));
    assert!(cache.get(&1).is_none());
    assert_eq!(&*held, [7; 10]);
    let gone: Weak<[u8]> = Arc::downgrade(&held);
    drop(held);
    assert!(gone.upgrade().is_none(), "the cache kept an evicted value alive");
}

#[test]
fn a_removed_value_is_handed_out() {
    let cache = blobs(1000, 10);
    cache.insert(1, blob(10));
    assert_eq!(cache.remove(&1).unwrap().len(), 10);
    assert!(cache.remove(&1).is_none());
    assert_eq!(cache.stats().bytes, 0);
}

/// A value whose destructor uses the cache that kept it.
struct Nosy {
    cache: Arc<OnceLock<Weak<Cache<u32, Nosy>>>>,
    seen: Arc<OnceLock<CacheStats>>,
}

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(cache) = self.cache.get().and_then(Weak::upgrade) {
            let _ = self.seen.set(cache.stats());
        }
    }
}

#[test]
fn destructors_may_use_the_cache_however_a_value_leaves() {
    type Leave = fn(&Cache<u32, Nosy>, Arc<Nosy>);
    let ways: [Leave; 7] = [
        |cache, other| assert!(cache.insert(2, other)),
        |cache, other| assert!(cache.insert(1, other)),
        |cache, other| drop(cache.get_or_load(&2, || Ok(other))),
        |cache, _| cache.retain_keys(|_| false),
        |cache, _| drop(cache.remove(&1)),
        |cache, _| cache.clear(),
        |cache, _| cache.retain(|_, _| false),
    ];
    for leave in ways {
        let (place, seen) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        let nosy = |seen: &Arc<OnceLock<CacheStats>>| {
            Arc::new(Nosy { cache: Arc::clone(&place), seen: Arc::clone(seen) })
        };
        let limits = Limits { max_bytes: 10_000, max_entries: 1 };
        let cache = Arc::new(Cache::new(limits, |_, _: &Nosy| 0).unwrap());
        place.set(Arc::downgrade(&cache)).unwrap();
        cache.insert(1, nosy(&seen));
        leave(&cache, nosy(&Arc::default()));
        assert!(seen.get().is_some(), "the destructor did not run");
    }
}

#[test]
fn the_destructor_of_a_value_that_is_not_kept_may_use_the_cache() {
    let (place, seen) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
    let cache = Arc::new(Cache::new(Limits { max_bytes: 1, max_entries: 1 }, |_: &u32, _: &Nosy| 0).unwrap());
    place.set(Arc::downgrade(&cache)).unwrap();
    assert!(!cache.insert(1, Arc::new(Nosy { cache: place, seen: Arc::clone(&seen) })));
    assert_eq!(seen.get().unwrap().rejections, 1);
}

/// A key whose destructor uses the cache that had it.
#[derive(Clone, Debug)]
struct NosyKey(Arc<OnceLock<Weak<Cache<NosyKey, u8>>>>);

impl PartialEq for NosyKey {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for NosyKey {}

impl std::hash::Hash for NosyKey {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl Drop for NosyKey {
    fn drop(&mut self) {
        if let Some(cache) = self.0.get().and_then(Weak::upgrade) {
            cache.stats();
        }
    }
}

#[test]
fn destructors_of_keys_may_use_the_cache_however_a_load_ends() {
    type Meanwhile = fn(&Cache<NosyKey, u8>, &NosyKey);
    let invalidations: [Meanwhile; 6] = [
        |_, _| (),
        |cache, key| drop(cache.remove(key)),
        |cache, key| assert!(cache.insert(key.clone(), Arc::new(0))),
        |cache, _| cache.clear(),
        |cache, _| cache.retain(|_, _| true),
        |cache, _| cache.retain_keys(|_| false),
    ];
    for meanwhile in invalidations {
        let limits = Limits { max_bytes: 10_000, max_entries: 1 };
        let cache = Arc::new(Cache::new(limits, |_: &NosyKey, _: &u8| 0).unwrap());
        let key = NosyKey(Arc::new(OnceLock::from(Arc::downgrade(&cache))));
        let failing = || {
            meanwhile(&cache, &key);
            Err(Error::other("disk on fire"))
        };
        assert!(cache.get_or_load(&key, failing).is_err());
        cache.clear();
        let slow = || {
            meanwhile(&cache, &key);
            Ok(Arc::new(1))
        };
        assert_eq!(cache.get_or_load(&key, slow).unwrap(), Arc::new(1));
    }
}

#[test]
fn retain_may_use_the_cache_and_spares_what_came_meanwhile() {
    let cache = blobs(10_000, 10);
    cache.insert(1, blob(1));
    cache.insert(2, blob(1));
    cache.retain(|key, _| {
        cache.insert(*key, blob(77));
        false
    });
    assert_eq!(cache.get(&1).unwrap().len(), 77);
    assert_eq!(cache.get(&2).unwrap().len(), 77);
}

#[test]
fn the_time_of_loads_and_the_rate_of_hits_are_told() {
    let cache = blobs(10_000, 10);
    assert_eq!(cache.stats().hit_rate(), 0.0);
    let until_the_clock_ticks = || {
        let start = Instant::now();
        while start.elapsed().is_zero() {}
        Ok(blob(1))
    };
    cache.get_or_load(&1, until_the_clock_ticks).unwrap();
    assert!(!cache.stats().load_time.is_zero());
    for _ in 0..3 {
        cache.get(&1).unwrap();
    }
    assert_eq!(cache.stats().hit_rate(), 0.75);
}

#[test]
fn a_borrowed_form_of_the_key_will_do() {
    let limits = Limits { max_bytes: 10_000, max_entries: 10 };
    let cache: Arc<Cache<String, u8>> =
        Arc::new(Cache::new(limits, |key: &String, _: &u8| key.len()).unwrap());
    cache.insert("AAPL".to_owned(), Arc::new(7));
    let mut handle = cache.handle();
    handle.get_or_load(&"AAPL".to_owned(), || unreachable!("it is kept")).unwrap();
    assert_eq!((handle.get("AAPL"), handle.get("IBM")), (Some(&7), None));
    assert_eq!(cache.get("AAPL").as_deref(), Some(&7));
    assert_eq!(cache.remove("AAPL").as_deref(), Some(&7));
}

#[test]
fn taking_out_a_value_spares_the_one_in_its_place() {
    let cache = blobs(10_000, 10);
    let (old, new) = (blob(1), blob(2));
    cache.insert(1, Arc::clone(&new));
    assert!(!cache.remove_value(&1, &old));
    assert!(cache.remove_value(&1, &new));
    assert!(!cache.remove_value(&1, &new));
}

#[test]
fn an_access_that_goes_on_to_load_is_counted_once() {
    let cache = blobs(usize::MAX, 2);
    assert!(cache.get_kept(&1).is_none());
    cache.get_or_load(&1, || Ok(blob(1))).unwrap();
    assert!(cache.get_kept(&1).is_some());
    assert_eq!((cache.stats().hits, cache.stats().misses), (1, 1));
}

#[test]
fn a_peek_leaves_no_trace() {
    let cache = blobs(usize::MAX, 2);
    cache.insert(1, blob(1));
    cache.insert(2, blob(1));
    assert_eq!((cache.peek(&1).is_some(), cache.peek(&3).is_some()), (true, false));
    cache.insert(3, blob(1));
    assert!(cache.peek(&1).is_none(), "a peek counted as a use");
    assert_eq!((cache.stats().hits, cache.stats().misses), (0, 0));
}
