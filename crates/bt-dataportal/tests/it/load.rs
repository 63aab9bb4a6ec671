//! One cache under many threads: every answer right, and never a byte too much.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bt_dataportal::bt_core::{Field, Timestamp};
use bt_dataportal::{Assets, DataPortal, HistoryCache, HistoryHandle, HistoryOptions, Policy, Request};

use crate::fake::Fake;
use crate::oracle::{self, bits};

const THREADS: usize = 16;
const FIELDS: [Field; 3] = [Field::CLOSE, Field::OPEN, Field::VOLUME];

/// Two versions: moments 10 to 600, the second asset with gaps.
fn bundles() -> [Fake; 2] {
    [60, 59].map(|moments| {
        let all: Vec<i64> = (1..=moments).map(|moment| moment * 10).collect();
        let gapped: Vec<i64> = all.iter().copied().filter(|at| at % 70 != 20).collect();
        Fake::listed(&[&all, &gapped])
    })
}

/// Reads windows, panels, arrays and frames of the bundle at every moment and holds each against the naive answer.
fn read(history: &mut HistoryHandle, bundle: &Fake, worker: usize) {
    let portal = DataPortal::new(bundle);
    let set = portal.intern(&[bundle.id(1), bundle.id(0)]).unwrap();
    for (place, moment) in portal.moments().enumerate() {
        let bar_count = [20, 50, 7, 13 + worker % 3][(place + worker) % 4];
        let (column, now) = ((place + worker) % 3, moment.now().as_nanos());
        let field = FIELDS[column];
        let window = history.window(moment, bundle.id(1), field, bar_count).unwrap();
        assert_eq!(bits(window), bits(&oracle::window(bundle, 1, field.index(), bar_count, now)));
        let panel = history.panel(moment, &set, field, bar_count).unwrap();
        for (values, rank) in panel.columns().into_iter().zip([1, 0]) {
            assert_eq!(bits(values), bits(&oracle::aligned(bundle, rank, field.index(), bar_count, now)));
        }
        let window = moment.history(Request::new(&set, &FIELDS[..=column], bar_count)).unwrap();
        assert_eq!(bits(history.array(&window).unwrap()), bits(&window.array().unwrap()));
        assert_eq!(history.frame(&window).unwrap(), &window.frame().unwrap());
        if place % 17 == worker {
            history.refresh();
        }
    }
    history.refresh();
}

/// Sixteen workers and one who looks at the books, and clears the shelves where `clears` says so.
fn under_load(options: HistoryOptions, clears: bool) -> Arc<HistoryCache> {
    let cache = Arc::new(HistoryCache::new(options).unwrap());
    let (bundles, is_done) = (bundles(), AtomicBool::new(false));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let (cache, bundles) = (&cache, &bundles);
                scope.spawn(move || {
                    let mut history = cache.handle();
                    for round in 0..3 {
                        // A clone lies elsewhere, as a bundle that was opened again.
                        let bundle = bundles[(worker + round) % 2].clone();
                        read(&mut history, &bundle, worker);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                let stats = cache.stats();
                assert!(stats.bytes() <= stats.max_bytes, "{stats:?}");
                if clears {
                    cache.clear();
                }
                thread::yield_now();
            }
        });
        let failed = workers.into_iter().map(|worker| worker.join()).filter(Result::is_err).count();
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(failed, 0);
    });
    let (stats, max_bytes) = (cache.stats(), cache.options().max_bytes);
    assert!(stats.tier1.peak_bytes <= max_bytes - max_bytes / 4, "{stats:?}");
    assert!(stats.tier2.peak_bytes <= max_bytes / 4, "{stats:?}");
    assert!(stats.tier2.entries <= cache.options().tier2_entries);
    assert_eq!(stats.tier1.evictions, 0, "a permanent window was evicted");
    cache
}

#[test]
fn sixteen_threads_get_the_naive_answers_from_a_cache_of_any_size() {
    for max_bytes in [1, 900, 20_000, 150_000, 200 << 20] {
        for (policy, tier2_entries) in [(Policy::Always, 1), (Policy::Auto, 5), (Policy::Always, 256)] {
            under_load(HistoryOptions { max_bytes, tier2_entries, policy, ..Default::default() }, false);
        }
    }
}

#[test]
fn a_cache_that_is_cleared_all_the_time_serves_the_naive_answers_all_the_same() {
    under_load(HistoryOptions { policy: Policy::Always, max_bytes: 100_000, ..Default::default() }, true);
}

#[test]
fn a_handle_holds_on_to_nothing_once_it_was_refreshed_after_a_clear() {
    let options = HistoryOptions { policy: Policy::Always, ..HistoryOptions::default() };
    let cache = Arc::new(HistoryCache::new(options).unwrap());
    let (bundle, mut history) = (&bundles()[0], cache.handle());
    read(&mut history, bundle, 0);
    cache.clear();
    assert!(cache.stats().bytes() == 0 && cache.stats().tier1.pinned_bytes > 0);
    history.refresh();
    assert_eq!(cache.stats().tier1.pinned_bytes, 0);
}

#[test]
fn a_refresh_in_the_middle_of_a_trial_changes_no_answer() {
    let options = HistoryOptions { policy: Policy::Always, max_bytes: 30_000, ..HistoryOptions::default() };
    let cache = Arc::new(HistoryCache::new(options).unwrap());
    let mut histories = [cache.handle(), cache.handle()];
    for bundle in bundles().iter().cycle().take(4) {
        for (worker, history) in histories.iter_mut().enumerate() {
            history.refresh();
            read(history, bundle, worker);
        }
    }
}

/// What `make` leaves on the heap, by the allocator's books.
fn heap_bytes<T>(make: impl FnOnce() -> T) -> usize {
    let mut made = None;
    let allocated = allocation_counter::measure(|| made = Some(make()));
    drop(made);
    usize::try_from(allocated.bytes_current).unwrap()
}

#[test]
fn a_kept_frame_is_counted_with_all_its_memory_and_little_more() {
    let bundle = &bundles()[0];
    let portal = DataPortal::new(bundle);
    let set = portal.intern(&[bundle.id(0), bundle.id(1)].repeat(25)).unwrap();
    let moment = portal.at(Timestamp::MAX);
    let value = Request::new(bundle.id(0), &[Field::CLOSE], 1);
    let entry =
        kept_bytes(|history| assert_eq!(history.array(&moment.history(value).unwrap()).unwrap().len(), 1))
            - 8;
    for (fields, bar_count) in [(&FIELDS[..], 100), (&FIELDS, 7), (&FIELDS[..1], 19), (&FIELDS[..1], 1)] {
        for assets in [Assets::Set(&set), Assets::One(bundle.id(1))] {
            let window = moment.history(Request::new(assets, fields, bar_count)).unwrap();
            let counted = kept_bytes(|history| assert!(history.frame(&window).is_ok())) - entry;
            let real = heap_bytes(|| window.frame().unwrap());
            assert!((real..=2 * real).contains(&counted), "{counted} bytes are counted for {real}");
        }
    }
}

/// What a cache counts after `read`.
fn kept_bytes(read: impl FnOnce(&mut HistoryHandle)) -> usize {
    let options = HistoryOptions { policy: Policy::Always, ..HistoryOptions::default() };
    let cache = Arc::new(HistoryCache::new(options).unwrap());
    read(&mut cache.handle());
    cache.stats().bytes()
}
