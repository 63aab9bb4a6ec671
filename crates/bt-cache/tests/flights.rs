//! One load per missing key, whatever the loader does meanwhile.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as loudly as a test")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;

use bt_cache::bt_core::{Error, ErrorKind, Result};
use bt_cache::{Cache, Limits};

type Texts = Cache<u32, str>;

fn cache() -> Arc<Texts> {
    let limits = Limits { max_bytes: 1 << 20, max_entries: 100 };
    Arc::new(Cache::new(limits, |_, text: &str| text.len()).unwrap())
}

fn text(text: &str) -> Result<Arc<str>> {
    Ok(Arc::from(text))
}

/// A load that is under way on a thread of its own until `finish` is called.
struct SlowLoad {
    started: Receiver<()>,
    release: Sender<Result<Arc<str>>>,
    thread: thread::JoinHandle<Result<Arc<str>>>,
}

fn slow_load(cache: &Arc<Texts>, key: u32) -> SlowLoad {
    let (start, started) = channel();
    let (release, outcome) = channel();
    let cache = Arc::clone(cache);
    let thread = thread::spawn(move || {
        cache.get_or_load(&key, || {
            start.send(()).unwrap();
            outcome.recv().unwrap()
        })
    });
    let load = SlowLoad { started, release, thread };
    load.started.recv().unwrap();
    load
}

impl SlowLoad {
    fn finish(self, outcome: Result<Arc<str>>) -> Result<Arc<str>> {
        self.release.send(outcome).unwrap();
        self.thread.join().unwrap()
    }
}

/// Blocks until `count` accesses have found nothing kept: they wait for a load by then, or are about to.
fn until_misses(cache: &Texts, count: u64) {
    while cache.stats().misses < count {
        thread::yield_now();
    }
}

#[test]
fn sixteen_threads_on_one_missing_key_cause_one_load() {
    let cache = cache();
    let (loads, barrier) = (AtomicUsize::new(0), Barrier::new(16));
    let values: Vec<Arc<str>> = thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            cache.get_or_load(&7, || {
                loads.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
                text("seven")
            })
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.hits + stats.misses), (1, 16));
}

#[test]
fn other_keys_are_served_while_one_loads() {
    let cache = cache();
    cache.insert(1, Arc::from("one"));
    let slow = slow_load(&cache, 2);
    assert_eq!(&*cache.get(&1).unwrap(), "one");
    assert_eq!(&*cache.get_or_load(&3, || text("three")).unwrap(), "three");
    assert!(cache.get(&2).is_none());
    cache.insert(4, Arc::from("four"));
    assert_eq!(&*slow.finish(text("two")).unwrap(), "two");
    assert_eq!(&*cache.get(&2).unwrap(), "two");
}

#[test]
fn all_who_wait_get_the_same_error_and_the_next_access_tries_again() {
    let cache = cache();
    let slow = slow_load(&cache, 1);
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_load(&1, || text("a second load")).unwrap_err())
        })
        .collect();
    until_misses(&cache, 5);
    let error = slow.finish(Err(Error::other("disk on fire"))).unwrap_err();
    for waiter in waiters {
        let same = waiter.join().unwrap();
        assert!(std::ptr::eq(same.kind(), error.kind()), "{same} is another error than {error}");
    }
    assert_eq!((cache.stats().loads, cache.stats().load_failures, cache.stats().entries), (1, 1, 0));
    assert_eq!(&*cache.get_or_load(&1, || text("put out")).unwrap(), "put out");
}

#[test]
fn a_panic_reaches_its_own_thread_as_a_panic_and_the_others_as_an_error() {
    let cache = cache();
    let (start, started) = channel();
    let (release, released) = channel::<()>();
    let leader = {
        let cache = Arc::clone(&cache);
        thread::spawn(move || {
            let load = || -> Result<Arc<str>> {
                start.send(()).unwrap();
                released.recv().unwrap();
                panic!("no bars on a Sunday")
            };
            catch_unwind(AssertUnwindSafe(|| cache.get_or_load(&1, load))).unwrap_err()
        })
    };
    started.recv().unwrap();
    let waiter = {
        let cache = Arc::clone(&cache);
        thread::spawn(move || cache.get_or_load(&1, || text("a second load")).unwrap_err())
    };
    until_misses(&cache, 2);
    release.send(()).unwrap();

    let panic = leader.join().unwrap();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"no bars on a Sunday"));
    let error = waiter.join().unwrap();
    assert!(matches!(error.kind(), ErrorKind::LoaderPanicked { key, message }
        if key == "1" && message == "no bars on a Sunday"));
    assert_eq!((cache.stats().loads, cache.stats().load_failures, cache.stats().entries), (1, 1, 0));
    assert_eq!(&*cache.get_or_load(&1, || text("monday")).unwrap(), "monday");
}

#[test]
fn a_weigher_that_panics_poisons_nothing() {
    let limits = Limits { max_bytes: 1000, max_entries: 10 };
    let cache: Cache<u32, str> =
        Cache::new(limits, |_, text: &str| if text.is_empty() { panic!("{text:?}") } else { text.len() })
            .unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| cache.get_or_load(&1, || text("")))).is_err());
    assert_eq!(&*cache.get_or_load(&1, || text("one")).unwrap(), "one");
}

#[test]
fn a_loader_that_asks_for_its_own_key_gets_a_typed_error() {
    let cache = cache();
    let error = cache.get_or_load(&1, || cache.get_or_load(&1, || text("never"))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Reentrant { key } if key == "1"), "{error}");
    assert_eq!(&*cache.get_or_load(&1, || text("one")).unwrap(), "one");
}

#[test]
fn a_loader_that_invalidates_its_own_key_and_asks_for_it_gets_a_typed_error() {
    let invalidations: [fn(&Texts); 5] = [
        |cache| drop(cache.remove(&1)),
        |cache| cache.clear(),
        |cache| cache.retain(|_, _| true),
        |cache| cache.retain_keys(|_| false),
        |cache| assert!(!cache.insert(1, Arc::from("x".repeat(2 << 20)))),
    ];
    for invalidate in invalidations {
        fn load(cache: &Texts, invalidate: fn(&Texts), depth: &AtomicUsize) -> Result<Arc<str>> {
            assert_eq!(depth.fetch_add(1, Ordering::SeqCst), 0, "the load nests");
            invalidate(cache);
            cache.get_or_load(&1, || load(cache, invalidate, depth))
        }
        let (cache, depth) = (cache(), AtomicUsize::new(0));
        let error = cache.get_or_load(&1, || load(&cache, invalidate, &depth)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Reentrant { key } if key == "1"), "{error}");
        assert_eq!((cache.stats().loads, cache.stats().load_failures), (1, 1));
        assert_eq!(&*cache.get_or_load(&1, || text("one")).unwrap(), "one");
    }
}

#[test]
fn other_threads_may_load_a_key_that_its_loader_invalidated() {
    let cache = cache();
    let old = cache.get_or_load(&1, || {
        cache.remove(&1);
        let other = thread::scope(|scope| scope.spawn(|| cache.get_or_load(&1, || text("new"))).join());
        assert_eq!(&*other.unwrap().unwrap(), "new");
        assert_eq!(&*cache.get_or_load(&1, || text("never")).unwrap(), "new");
        text("old")
    });
    assert_eq!((&*old.unwrap(), &*cache.get(&1).unwrap()), ("old", "new"));
}

#[test]
fn a_key_that_cannot_be_shown_leaves_nobody_waiting() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shy;
    impl std::fmt::Debug for Shy {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("do not look")
        }
    }
    let cache: Cache<Shy, str> =
        Cache::new(Limits { max_bytes: 1 << 20, max_entries: 1 }, |_, text: &str| text.len()).unwrap();
    let (start, started) = channel();
    let cache = &cache;
    thread::scope(|scope| {
        let load = move || -> Result<Arc<str>> {
            start.send(()).unwrap();
            while cache.stats().misses < 2 {
                thread::yield_now();
            }
            panic!("no bars on a Sunday")
        };
        let leader = scope.spawn(move || catch_unwind(AssertUnwindSafe(|| cache.get_or_load(&Shy, load))));
        started.recv().unwrap();
        let error = cache.get_or_load(&Shy, || text("a second load")).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::LoaderPanicked { key, .. } if key.ends_with("Shy")),
            "{error}"
        );
        assert!(leader.join().unwrap().is_err(), "the panic was lost");
    });
    assert_eq!((cache.stats().loads, cache.stats().load_failures), (1, 1));
    assert_eq!(&*cache.get_or_load(&Shy, || text("monday")).unwrap(), "monday");
}

#[test]
fn a_loader_may_ask_for_other_keys_and_go_on_after_a_refusal() {
    let cache = cache();
    let value = cache.get_or_load(&1, || {
        let two = cache.get_or_load(&2, || {
            assert!(cache.get_or_load(&1, || text("never")).is_err());
            text("two")
        })?;
        text(&format!("one and {two}"))
    });
    assert_eq!(&*value.unwrap(), "one and two");
    assert_eq!(&*cache.get(&2).unwrap(), "two");
}

#[test]
fn loaders_on_many_threads_that_wait_in_a_circle_end_in_an_error_not_a_deadlock() {
    for threads in [2u32, 3, 8] {
        // Every other link goes through another cache.
        let caches = [cache(), cache()];
        let barrier = Barrier::new(threads as usize);
        let outcomes: Vec<Result<Arc<str>>> = thread::scope(|scope| {
            let ask = |number: u32| {
                let next = (number + 1) % threads;
                let load = || {
                    barrier.wait();
                    caches[next as usize % 2].get_or_load(&next, || text("never asked first"))
                };
                caches[number as usize % 2].get_or_load(&number, load)
            };
            let threads: Vec<_> = (0..threads).map(|number| scope.spawn(move || ask(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for outcome in outcomes {
            assert!(matches!(outcome.unwrap_err().kind(), ErrorKind::Reentrant { .. }));
        }
        assert_eq!(&*caches[0].get_or_load(&0, || text("free again")).unwrap(), "free again");
    }
}

#[test]
fn waiting_for_each_other_one_after_the_other_is_no_circle() {
    // Two threads lead and wait for each other's keys in turn; links that have landed must not count.
    let cache = cache();
    let rounds = if cfg!(miri) { 10 } else { 500 };
    thread::scope(|scope| {
        for offset in [0, 1] {
            let cache = &cache;
            scope.spawn(move || {
                for key in 0..rounds {
                    let key = key ^ offset;
                    assert!(cache.get_or_load(&key, || text("x")).is_ok());
                }
            });
        }
    });
}

#[test]
fn what_was_loaded_before_an_invalidation_is_not_kept_after_it() {
    let invalidations: [fn(&Texts); 5] = [
        |cache| drop(cache.remove(&1)),
        |cache| cache.clear(),
        |cache| cache.retain(|_, _| true),
        |cache| cache.retain_keys(|key| *key != 1),
        |cache| assert!(cache.insert(1, Arc::from("new"))),
    ];
    for (number, invalidate) in invalidations.into_iter().enumerate() {
        let cache = cache();
        let slow = slow_load(&cache, 1);
        invalidate(&cache);
        assert_eq!(&*slow.finish(text("old")).unwrap(), "old");
        let now = cache.get_or_load(&1, || text("new")).unwrap();
        assert_eq!(&*now, "new", "after invalidation {number}");
    }
}

#[test]
fn who_asks_after_an_invalidation_does_not_join_a_load_from_before_it() {
    let cache = cache();
    let old = slow_load(&cache, 1);
    cache.remove(&1);
    let new = slow_load(&cache, 1);
    assert_eq!(&*new.finish(text("new")).unwrap(), "new");
    assert_eq!(&*old.finish(text("old")).unwrap(), "old");
    assert_eq!(&*cache.get(&1).unwrap(), "new");
}

#[test]
fn a_value_larger_than_the_budget_is_shared_by_all_who_wait_and_not_kept() {
    let limits = Limits { max_bytes: 1, max_entries: 1 };
    let cache: Arc<Texts> = Arc::new(Cache::new(limits, |_, text: &str| text.len()).unwrap());
    let slow = slow_load(&cache, 1);
    let waiter = {
        let cache = Arc::clone(&cache);
        thread::spawn(move || cache.get_or_load(&1, || text("a second load")).unwrap())
    };
    until_misses(&cache, 2);
    let value = slow.finish(text("large")).unwrap();
    assert!(Arc::ptr_eq(&value, &waiter.join().unwrap()));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.rejections, stats.entries, stats.bytes), (1, 1, 0, 0));
}

#[test]
fn invalidating_by_key_leaves_other_loads_alone() {
    let cache = cache();
    cache.insert(2, Arc::from("two"));
    let slow = slow_load(&cache, 1);
    cache.retain_keys(|key| *key != 2);
    assert_eq!(&*slow.finish(text("one")).unwrap(), "one");
    assert_eq!((cache.get(&1).is_some(), cache.get(&2).is_some()), (true, false));
}
