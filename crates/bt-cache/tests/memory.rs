//! What a cache says it holds is no less than what it allocates.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as loudly as a test")]

use std::sync::Arc;

use allocation_counter::measure;
use bt_cache::{Cache, Limits};

type Blobs = Cache<u64, [u8]>;

const MOST: u64 = if cfg!(miri) { 100 } else { 5000 };

/// What a cache allocates whether anything is in it or not: ends of lists, the smallest tables.
const FIXED: i64 = 2000;

fn cache() -> Blobs {
    let limits = Limits { max_bytes: usize::MAX, max_entries: usize::MAX };
    Cache::new(limits, |_, blob: &[u8]| blob.len()).unwrap()
}

/// Runs `change` and follows what is allocated, against what the cache tells.
fn check(cache: &Blobs, allocated: &mut i64, change: impl FnOnce()) {
    *allocated += measure(change).bytes_current;
    let told = cache.stats().bytes as i64;
    assert!(*allocated <= told + FIXED, "{} entries: {allocated} B, told {told} B", cache.stats().entries);
}

#[test]
fn no_more_is_allocated_than_is_told_as_entries_come_and_go() {
    let (cache, mut allocated) = (cache(), 0);
    for _ in 0..3 {
        for key in 0..MOST {
            check(&cache, &mut allocated, || _ = cache.insert(key, vec![0; 3].into()));
        }
        for key in (0..MOST).step_by(2).chain((1..MOST).step_by(2)) {
            check(&cache, &mut allocated, || drop(cache.remove(&key)));
        }
        assert!(allocated <= FIXED, "{allocated} B remain");
    }
}

#[test]
fn a_few_large_entries_leave_nothing_of_what_many_small_ones_took() {
    let limits = Limits { max_bytes: MOST as usize * (Blobs::OVERHEAD + 3), max_entries: usize::MAX };
    let cache = Blobs::new(limits, |_, blob| blob.len()).unwrap();
    let mut allocated = 0;
    for key in 0..2 * MOST {
        check(&cache, &mut allocated, || _ = cache.insert(key, vec![0; 3].into()));
    }
    let large: Arc<[u8]> = vec![0; limits.max_bytes - Blobs::OVERHEAD].into();
    // The value itself was allocated before.
    allocated += large.len() as i64;
    check(&cache, &mut allocated, || assert!(cache.insert(0, large)));
    assert_eq!(cache.stats().entries, 1);
    assert!(allocated <= limits.max_bytes as i64 + FIXED);
}

#[test]
fn churn_does_not_widen_the_table_beyond_what_is_told() {
    for entries in [7, 14, 27, 28, 29, 100, 448, 449] {
        if cfg!(miri) && entries > 30 {
            continue;
        }
        let limits = Limits { max_bytes: usize::MAX, max_entries: entries };
        let cache = Blobs::new(limits, |_, blob| blob.len()).unwrap();
        let mut allocated = 0;
        for key in 0..if cfg!(miri) { 300 } else { 20_000 } {
            check(&cache, &mut allocated, || _ = cache.insert(key, vec![0; 3].into()));
        }
    }
}

#[test]
fn an_empty_cache_costs_next_to_nothing() {
    let mut kept = None;
    let allocated = measure(|| kept = Some(cache())).bytes_current;
    assert!(allocated <= FIXED, "{allocated} B");
}
