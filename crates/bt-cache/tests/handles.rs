//! A worker's handle agrees with the cache, and stays bounded.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as loudly as a test")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bt_cache::bt_core::Result;
use bt_cache::{Cache, Handle, Limits};
use proptest::prelude::*;

type Blobs = Cache<u32, [u8]>;

fn blobs(max_bytes: usize, max_entries: usize) -> Arc<Blobs> {
    Arc::new(Cache::new(Limits { max_bytes, max_entries }, |_, blob: &[u8]| blob.len()).unwrap())
}

fn load(byte: u8) -> impl FnOnce() -> Result<Arc<[u8]>> {
    move || Ok(vec![byte; 10].into())
}

fn never() -> Result<Arc<[u8]>> {
    panic!("it is held or kept")
}

const WEIGHT: usize = Blobs::OVERHEAD + 10;

#[test]
fn a_handle_serves_the_very_value_of_the_cache() {
    let cache = blobs(10_000, 10);
    let mut handle = cache.handle();
    assert!(handle.get(&1).is_none());
    let loaded: *const [u8] = handle.get_or_load(&1, load(7)).unwrap();
    assert!(std::ptr::eq(loaded, &*cache.get(&1).unwrap()));
    assert!(std::ptr::eq(loaded, handle.get(&1).unwrap()));
    assert!(std::ptr::eq(loaded, handle.get_or_load(&1, never).unwrap()));
    assert!(std::ptr::eq(loaded, &*handle.get_arc(&1).unwrap()));
    let mut other = cache.handle();
    assert!(std::ptr::eq(loaded, other.get_or_load(&1, never).unwrap()));
    assert_eq!(cache.stats().loads, 1);
}

#[test]
fn a_handle_keeps_its_state_of_the_world_until_it_is_refreshed() {
    let cache = blobs(10_000, 10);
    let mut handle = cache.handle();
    handle.get_or_load(&1, load(1)).unwrap();
    cache.insert(1, vec![2; 10].into());
    assert_eq!(handle.get(&1).unwrap()[0], 1);
    assert_eq!(cache.stats().pinned_bytes, WEIGHT);
    handle.refresh();
    assert!(handle.get(&1).is_none());
    assert_eq!(cache.stats().pinned_bytes, 0);
    assert_eq!(handle.get_or_load(&1, never).unwrap()[0], 2);
}

#[test]
fn a_refresh_keeps_what_the_cache_keeps() {
    let cache = blobs(10_000, 10);
    let mut handle = cache.handle();
    handle.get_or_load(&1, load(1)).unwrap();
    handle.get_or_load(&2, load(2)).unwrap();
    cache.remove(&2);
    handle.refresh();
    assert_eq!((handle.get(&1).is_some(), handle.get(&2).is_some()), (true, false));
    assert_eq!(handle.len(), 1);
}

#[test]
fn bytes_that_several_handles_hold_are_counted_once() {
    let cache = blobs(10_000, 10);
    let mut handles: Vec<_> = (0..3).map(|_| cache.handle()).collect();
    for handle in &mut handles {
        handle.get_or_load(&1, load(1)).unwrap();
    }
    assert_eq!((cache.stats().bytes, cache.stats().pinned_bytes), (WEIGHT, 0));
    cache.clear();
    for _ in 0..3 {
        assert_eq!((cache.stats().bytes, cache.stats().pinned_bytes), (0, WEIGHT));
        handles.pop();
    }
    assert_eq!(cache.stats().pinned_bytes, 0);
}

#[test]
fn a_value_that_was_invalidated_while_it_loaded_lasts_until_the_next_refresh() {
    let cache = blobs(10_000, 10);
    let mut handle = cache.handle();
    let invalidating = || {
        cache.clear();
        load(1)()
    };
    assert_eq!(handle.get_or_load(&1, invalidating).unwrap()[0], 1);
    assert_eq!(cache.stats().pinned_bytes, WEIGHT);
    handle.refresh();
    assert_eq!(handle.get_or_load(&1, load(2)).unwrap()[0], 2);
}

#[test]
fn a_handle_holds_no_more_than_the_limits_of_its_cache() {
    for (max_bytes, max_entries) in [(usize::MAX, 3), (3 * WEIGHT + 5, usize::MAX)] {
        let cache = blobs(max_bytes, max_entries);
        let mut handle = cache.handle();
        for key in 0..50 {
            handle.get_or_load(&key, load(1)).unwrap();
            assert!(handle.len() <= 3, "{} entries held", handle.len());
            assert!(cache.stats().pinned_bytes <= 3 * WEIGHT);
        }
    }
}

#[test]
fn a_value_larger_than_the_budget_is_held_alone_beside_the_limit_and_not_for_long() {
    let cache = blobs(2 * WEIGHT, 10);
    let mut handle = cache.handle();
    handle.get_or_load(&1, load(1)).unwrap();
    for key in 2..6 {
        assert_eq!(handle.get_or_load(&key, || Ok(vec![0; 5000].into())).unwrap().len(), 5000);
        assert_eq!(cache.stats().pinned_bytes, Blobs::OVERHEAD + 5000);
    }
    handle.refresh();
    assert_eq!((handle.len(), cache.stats().pinned_bytes), (1, 0));
}

#[test]
fn a_value_heavier_than_memory_does_not_upset_what_a_handle_counts() {
    let limits = Limits { max_bytes: 10_000, max_entries: 10 };
    let cache: Arc<Cache<u32, usize>> = Arc::new(Cache::new(limits, |_, weight| *weight).unwrap());
    let mut handle = cache.handle();
    handle.get_or_load(&1, || Ok(Arc::new(10))).unwrap();
    for _ in 0..2 {
        handle.get_or_load(&2, || Ok(Arc::new(usize::MAX))).unwrap();
        handle.refresh();
    }
    handle.get_or_load(&2, || Ok(Arc::new(usize::MAX))).unwrap();
    cache.clear();
    handle.refresh();
    assert!(handle.is_empty());
    handle.get_or_load(&1, || Ok(Arc::new(10))).unwrap();
    assert_eq!((handle.len(), cache.stats().pinned_bytes), (1, 0));
}

#[test]
fn what_workers_read_all_the_time_is_not_what_goes_first() {
    let cache = blobs(usize::MAX, 4);
    let mut handle = cache.handle();
    for key in [1, 2, 3, 4] {
        handle.get_or_load(&key, load(1)).unwrap();
    }
    cache.insert(5, vec![0; 10].into()); // 1 goes: the cache cannot know yet
    handle.refresh();
    for newcomer in 6..20 {
        handle.get(&2).unwrap();
        cache.insert(newcomer, vec![0; 10].into());
        handle.refresh();
    }
    assert!(cache.get(&2).is_some());
    assert!(handle.get(&3).is_none() && handle.get(&4).is_none());
}

#[test]
fn hits_of_handles_reach_the_statistics_at_a_refresh_and_at_the_end() {
    let cache = blobs(10_000, 10);
    let mut handle = cache.handle();
    handle.get_or_load(&1, load(1)).unwrap();
    for _ in 0..5 {
        handle.get(&1).unwrap();
    }
    assert_eq!(cache.stats().hits, 0);
    handle.refresh();
    assert_eq!((cache.stats().hits, cache.stats().handle_hits), (5, 5));
    handle.get(&1).unwrap();
    drop(handle);
    assert_eq!((cache.stats().hits, cache.stats().misses), (6, 1));
}

#[test]
fn a_value_got_elsewhere_can_be_held_and_is_counted_once_too() {
    let cache = blobs(2 * WEIGHT, 10);
    let kept = cache.get_or_load(&1, load(1)).unwrap();
    let large: Arc<[u8]> = cache.get_or_load(&2, || Ok(vec![2; 5000].into())).unwrap();
    let mut handles = [cache.handle(), cache.handle()];
    for handle in &mut handles {
        assert_eq!(handle.hold(&1, Arc::clone(&kept))[0], 1);
        assert_eq!(handle.hold(&2, Arc::clone(&large))[0], 2);
        handle.hold(&2, Arc::clone(&large));
        assert!(handle.contains(&1) && handle.contains(&2) && !handle.contains(&3));
        assert_eq!(cache.stats().pinned_bytes, Blobs::OVERHEAD + 5000);
    }
    assert_eq!((cache.stats().loads, cache.stats().hits), (2, 0));
    for handle in &mut handles {
        handle.refresh();
        assert_eq!(handle.keys().collect::<Vec<_>>(), [&1]);
    }
    assert_eq!(cache.stats().pinned_bytes, 0);
}

#[test]
fn a_value_that_comes_back_while_a_handle_holds_it_is_counted_once() {
    let cache = blobs(10_000, 10);
    let mut handle = cache.handle();
    handle.get_or_load(&1, load(1)).unwrap();
    for key in [1, 2] {
        let value = cache.remove(&1).or_else(|| cache.remove(&2)).or_else(|| handle.get_arc(&1)).unwrap();
        assert_eq!((cache.stats().bytes, cache.stats().pinned_bytes), (0, WEIGHT));
        cache.insert(key, value);
        assert_eq!((cache.stats().bytes, cache.stats().pinned_bytes), (WEIGHT, 0), "as key {key}");
    }
    let mut other = cache.handle();
    other.get_or_load(&2, never).unwrap();
    cache.clear();
    assert_eq!((cache.stats().bytes, cache.stats().pinned_bytes), (0, WEIGHT), "both hold one value");
    drop(handle);
    assert_eq!(cache.stats().pinned_bytes, WEIGHT);
    drop(other);
    assert_eq!(cache.stats().pinned_bytes, 0);
}

#[derive(Debug, Clone)]
enum Step {
    Read(usize, u32),
    Refresh(usize),
    Renew(usize),
    Insert(u32),
    Remove(u32),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..3, 0u32..10).prop_map(|(who, key)| Step::Read(who, key)),
        3 => (0usize..3).prop_map(Step::Refresh),
        1 => (0usize..3).prop_map(Step::Renew),
        3 => (0u32..10).prop_map(Step::Insert),
        2 => (0u32..10).prop_map(Step::Remove),
        1 => Just(Step::Clear),
    ]
}

/// What moves values between a cache and handles, under any keys.
#[derive(Debug, Clone)]
enum Move {
    Read(usize, u32),
    Hold(usize, u32, u32),
    ComeBack(usize, u32, u32),
    Remove(u32),
    Refresh(usize),
}

fn moves() -> impl Strategy<Value = Move> {
    let (who, key) = (0usize..3, 0u32..6);
    prop_oneof![
        3 => (who.clone(), key.clone()).prop_map(|(who, key)| Move::Read(who, key)),
        2 => (who.clone(), key.clone(), key.clone()).prop_map(|(who, from, to)| Move::Hold(who, from, to)),
        2 => (who.clone(), key.clone(), key.clone()).prop_map(|(who, from, to)| Move::ComeBack(who, from, to)),
        2 => key.prop_map(Move::Remove),
        1 => who.prop_map(Move::Refresh),
    ]
}

fn carry_out(cache: &Arc<Blobs>, handles: &mut [Handle<u32, [u8]>], step: &Move) {
    match *step {
        Move::Read(who, key) => _ = handles[who].get_or_load(&key, load(0)).unwrap(),
        Move::Hold(who, from, to) => {
            let held = handles.iter().find_map(|handle| handle.get_arc(&from));
            held.into_iter().for_each(|value| _ = handles[who].hold(&to, value));
        }
        Move::ComeBack(who, from, to) => {
            handles[who].get_arc(&from).into_iter().for_each(|value| _ = cache.insert(to, value));
        }
        Move::Remove(key) => _ = cache.remove(&key),
        Move::Refresh(who) => handles[who].refresh(),
    }
}

/// Bytes of the values that a handle holds and the cache does not keep, each once, by looking at them all.
fn pinned(cache: &Blobs, handles: &[Handle<u32, [u8]>]) -> usize {
    let mut only_held = HashSet::new();
    for handle in handles {
        let keys: Vec<u32> = handle.keys().copied().collect();
        only_held.extend(keys.iter().filter_map(|key| handle.get(key)).map(<[u8]>::as_ptr));
    }
    for key in 0..6 {
        cache.peek(&key).inspect(|value| _ = only_held.remove(&value.as_ptr()));
    }
    only_held.len() * WEIGHT
}

/// The value under a key counts the invalidations of that key, so that staleness shows.
fn run(cache: &Arc<Blobs>, handles: &mut [Handle<u32, [u8]>], truth: &mut HashMap<u32, u8>, step: &Step) {
    match *step {
        Step::Read(who, key) => {
            let now = *truth.entry(key).or_insert(0);
            let got = handles[who].get_or_load(&key, load(now)).unwrap()[0];
            assert!(got <= now, "a value from the future");
        }
        Step::Refresh(who) => handles[who].refresh(),
        Step::Renew(who) => handles[who] = cache.handle(),
        Step::Insert(key) => {
            let now = truth.entry(key).or_insert(0);
            *now += 1;
            cache.insert(key, vec![*now; 10].into());
        }
        Step::Remove(key) => {
            *truth.entry(key).or_insert(0) += 1;
            cache.remove(&key);
        }
        Step::Clear => {
            truth.values_mut().for_each(|now| *now += 1);
            cache.clear();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 1000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_refreshed_handle_is_never_stale_and_what_is_pinned_is_what_only_handles_hold(
        max_entries in 1usize..12,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let cache = blobs(usize::MAX, max_entries);
        let mut handles: Vec<_> = (0..3).map(|_| cache.handle()).collect();
        let mut truth = HashMap::new();
        for step in &steps {
            run(&cache, &mut handles, &mut truth, step);
            if let Step::Refresh(who) = *step {
                for (key, now) in &truth {
                    prop_assert!(handles[who].get(key).is_none_or(|value| value[0] == *now));
                }
            }
            let mut only_held = HashMap::new();
            for (handle, key) in handles.iter().flat_map(|handle| (0..10).map(move |key| (handle, key))) {
                prop_assert!(handle.len() <= max_entries);
                if let Some(value) = handle.get_arc(&key) {
                    only_held.insert(value.as_ptr(), value);
                }
            }
            // `retain` with a closure that always agrees looks at every entry without touching the order of use.
            cache.retain(|_, value| {
                only_held.remove(&value.as_ptr());
                true
            });
            prop_assert_eq!(cache.stats().pinned_bytes, only_held.len() * WEIGHT);
        }
        drop(handles);
        prop_assert_eq!(cache.stats().pinned_bytes, 0);
    }
    #[test]
    fn what_is_pinned_is_what_only_handles_hold_though_values_come_back_under_any_key(
        max_entries in 1usize..8,
        steps in prop::collection::vec(moves(), 1..60),
    ) {
        let cache = blobs(usize::MAX, max_entries);
        let mut handles: Vec<_> = (0..3).map(|_| cache.handle()).collect();
        for step in &steps {
            carry_out(&cache, &mut handles, step);
            prop_assert_eq!(cache.stats().pinned_bytes, pinned(&cache, &handles));
        }
        drop(handles);
        prop_assert_eq!(cache.stats().pinned_bytes, 0);
    }
}
