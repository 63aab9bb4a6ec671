//! The cache does what a list searched from the front would do.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as loudly as a test")]

mod oracle;

use std::sync::Arc;

use bt_cache::{Cache, Limits};
use oracle::Oracle;
use proptest::prelude::*;

/// A value that says what it weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Load {
    value: u32,
    weight: usize,
}

type Tested = Cache<u16, Load>;

#[derive(Debug, Clone)]
enum Step {
    Get(u16),
    Insert(u16, usize),
    GetOrLoad(u16, usize),
    FailToLoad(u16),
    Remove(u16),
    RetainEven,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0u16..24;
    // Weights around nothing, around the budget, and beyond it.
    let weight = prop_oneof![4 => 0usize..64, 2 => 0usize..600, 1 => Just(4000usize), 1 => Just(usize::MAX)];
    prop_oneof![
        6 => key.clone().prop_map(Step::Get),
        6 => (key.clone(), weight.clone()).prop_map(|(key, weight)| Step::Insert(key, weight)),
        6 => (key.clone(), weight).prop_map(|(key, weight)| Step::GetOrLoad(key, weight)),
        1 => key.clone().prop_map(Step::FailToLoad),
        2 => key.prop_map(Step::Remove),
        1 => Just(Step::RetainEven),
        1 => Just(Step::Clear),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let bytes = prop_oneof![Just(1), Just(Tested::OVERHEAD), Just(usize::MAX), 1usize..4000];
    let entries = prop_oneof![Just(1), Just(usize::MAX), 1usize..12];
    (bytes, entries).prop_map(|(max_bytes, max_entries)| Limits { max_bytes, max_entries })
}

fn total(weight: usize) -> usize {
    weight.saturating_add(Tested::OVERHEAD)
}

/// Runs one step on both and says what each answered.
fn both(cache: &Tested, oracle: &mut Oracle, step: &Step, value: u32) -> (Option<u32>, Option<u32>) {
    match *step {
        Step::Get(key) => (cache.get(&key).map(|load| load.value), oracle.get(key)),
        Step::Insert(key, weight) => {
            let kept = cache.insert(key, Arc::new(Load { value, weight }));
            (kept.then_some(value), oracle.insert(key, value, total(weight)).then_some(value))
        }
        Step::GetOrLoad(key, weight) => {
            let got = cache.get_or_load(&key, || Ok(Arc::new(Load { value, weight }))).unwrap();
            let expected = oracle.get(key).unwrap_or_else(|| {
                oracle.insert(key, value, total(weight));
                value
            });
            (Some(got.value), Some(expected))
        }
        Step::FailToLoad(key) => {
            let got = cache.get_or_load(&key, || Err(bt_cache::bt_core::Error::other("no such thing")));
            (got.ok().map(|load| load.value), oracle.get(key))
        }
        Step::Remove(key) => (cache.remove(&key).map(|load| load.value), oracle.remove(key)),
        Step::RetainEven => {
            cache.retain(|key, _| key % 2 == 0);
            oracle.entries.retain(|entry| entry.0 % 2 == 0);
            (None, None)
        }
        Step::Clear => {
            cache.clear();
            oracle.entries.clear();
            (None, None)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn answers_order_bytes_and_counters_are_those_of_the_naive_model(
        limits in limits(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let cache = Tested::new(limits, |_, load| load.weight).unwrap();
        let mut oracle = Oracle::new(limits.max_bytes, limits.max_entries);
        for (number, step) in steps.iter().enumerate() {
            let (got, expected) = both(&cache, &mut oracle, step, number as u32);
            prop_assert_eq!(got, expected, "answer of step {} {:?}", number, step);
            let stats = cache.stats();
            prop_assert_eq!(stats.bytes, oracle.bytes());
            prop_assert_eq!(stats.entries, oracle.entries.len());
            prop_assert!(stats.bytes <= limits.max_bytes && stats.entries <= limits.max_entries);
            prop_assert_eq!(stats.peak_bytes, oracle.peak_bytes);
            prop_assert_eq!(stats.evictions, oracle.evictions);
            prop_assert_eq!(stats.rejections, oracle.rejections);
            prop_assert_eq!((stats.hits, stats.misses), (oracle.hits, oracle.misses));
            prop_assert_eq!(stats.pinned_bytes, 0);
        }
    }

    /// The order of eviction, seen from outside: fill up with new keys and watch the old ones go.
    #[test]
    fn what_was_used_longest_ago_goes_first(
        uses in prop::collection::vec(0u16..8, 0..40),
    ) {
        let cache = Tested::new(Limits { max_bytes: usize::MAX, max_entries: 8 }, |_, load| load.weight).unwrap();
        let mut oracle = Oracle::new(usize::MAX, 8);
        let load = Load { value: 0, weight: 0 };
        for key in 0..8 {
            cache.insert(key, Arc::new(load));
            oracle.insert(key, 0, total(0));
        }
        for key in uses {
            cache.get(&key);
            oracle.get(key);
        }
        for newcomer in 100..108 {
            let first_to_go = oracle.entries[0].0;
            cache.insert(newcomer, Arc::new(load));
            oracle.insert(newcomer, 0, total(0));
            prop_assert!(cache.get(&first_to_go).is_none());
            prop_assert_eq!(cache.stats().entries, 8);
        }
    }
}
