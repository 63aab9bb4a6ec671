//! Many threads, a small cache, everything at once: no mixture, no overrun, nothing left behind.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as loudly as a test")]

use std::sync::Arc;
use std::thread;

use bt_cache::bt_core::{Error, Result};
use bt_cache::{Cache, Handle, Limits};

const KEYS: u64 = 12;
const THREADS: u64 = 4;
const STEPS: u64 = if cfg!(miri) { 150 } else { 20_000 };
const MAX_BYTES: usize = 5 * (Numbers::OVERHEAD + 80);

const FAILURE: &str = "not this time";

type Numbers = Cache<u64, [u64]>;

/// A value that says whose it is; as long as its key makes it.
fn value(key: u64) -> Result<Arc<[u64]>> {
    Ok(vec![key; 1 + key as usize].into())
}

fn check(key: u64, value: &[u64]) {
    assert!(value.len() == 1 + key as usize && value.iter().all(|&number| number == key), "{value:?}");
}

/// A load fails here only if it joined one that was meant to.
fn check_loaded(key: u64, loaded: Result<&[u64], &Error>) {
    match loaded {
        Ok(value) => check(key, value),
        Err(error) => assert_eq!(error.to_string(), FAILURE),
    }
}

/// One of everything that a thread can do, chosen by a number.
fn act(cache: &Arc<Numbers>, handle: &mut Handle<u64, [u64]>, random: u64) {
    let key = (random >> 8) % KEYS;
    match random % 16 {
        0..4 => check_loaded(key, cache.get_or_load(&key, || value(key)).as_deref()),
        4 => drop(cache.get_or_load(&key, || Err(Error::other(FAILURE)))),
        5 => _ = cache.insert(key, value(key).unwrap()),
        6 => _ = cache.remove(&key),
        7 => cache.retain(|key, value| {
            check(*key, value);
            key % 3 != 0
        }),
        8 => cache.retain_keys(|other| *other != key),
        9 if random.is_multiple_of(7) => cache.clear(),
        9 => _ = cache.get(&key).inspect(|value| check(key, value)),
        10 => handle.refresh(),
        11 => *handle = cache.handle(),
        _ => check_loaded(key, handle.get_or_load(&key, || value(key)).as_ref().map(|value| &**value)),
    }
    let stats = cache.stats();
    assert!(stats.bytes <= MAX_BYTES && stats.peak_bytes <= MAX_BYTES && stats.entries <= 6, "{stats:?}");
}

#[test]
fn whatever_threads_do_at_once_values_are_their_keys_and_limits_hold() {
    let limits = Limits { max_bytes: MAX_BYTES, max_entries: 6 };
    let cache = Arc::new(Numbers::new(limits, |_, value: &[u64]| size_of_val(value)).unwrap());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let cache = Arc::clone(&cache);
            scope.spawn(move || {
                let mut handle = cache.handle();
                let mut random = 0x9E37_79B9_7F4A_7C15 ^ thread;
                for _ in 0..STEPS {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    act(&cache, &mut handle, random);
                }
            });
        }
    });
    assert_eq!(cache.stats().pinned_bytes, 0, "all handles are gone");
    cache.clear();
    let stats = cache.stats();
    assert_eq!((stats.bytes, stats.entries), (0, 0));
    assert!(stats.evictions > 0 && stats.load_failures > 0 && stats.handle_hits > 0);
}
