//! The cache and its handle against quick_cache, moka and `Mutex<lru>`, by the same keys and values.

use std::num::NonZeroUsize;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use bt_benches::{Paired, Rows, is_wanted};
use bt_cache::{Cache, Handle, Limits};
use criterion::Criterion;
use lru::LruCache;
use parking_lot::Mutex;

type Value = [f64];

/// Keys per working set: the assets of a sweep.
const KEYS: usize = 64;
/// Bytes of a value in the bench of evictions, on average.
const MEAN_BYTES: usize = 804;

fn main() {
    let mut criterion = bt_benches::criterion();
    let mut rows = Rows::new("cache");
    if is_wanted("cache/handle hit") {
        handle_hit(&mut criterion, &mut rows);
    }
    if is_wanted("cache/two threads") {
        two_threads(&mut criterion, &mut rows);
    }
    if is_wanted("cache/shared get") {
        shared_get(&mut criterion, &mut rows);
    }
    if is_wanted("cache/insert and evict") {
        insert_and_evict(&mut criterion, &mut rows);
    }
    criterion.final_summary();
}

fn handle_hit(criterion: &mut Criterion, rows: &mut Rows) {
    let all = Rivals::filled();
    let handle = all.handle();
    let [mut a, mut b, mut c, mut d, mut e, mut f] = std::array::from_fn(|_| Keys::new());
    let times = Paired::new("cache/handle hit")
        .arm("bare hashbrown", || all.bare.get(a.next()).map(|value| value[0]))
        .arm("handle", || handle.get(b.next()).map(|value| value[0]))
        .arm("quick_cache", || all.quick.get(c.next()).map(|value| value[0]))
        .arm("Mutex<lru>", || all.lru.lock().get(d.next()).cloned().map(|value| value[0]))
        .arm("Mutex<lru>, read under the lock", || all.lru.lock().get(e.next()).map(|value| value[0]))
        .arm("moka", || all.moka.get(f.next()).map(|value| value[0]))
        .run(criterion);
    let row = "per-worker handle hit";
    rows.at_most(row, "time : bare hashbrown lookup", times.ratio("handle", "bare hashbrown"), 1.4, "×");
    let rivals = ["quick_cache", "Mutex<lru>"];
    let faster = 1.0 / times.ratio_to_best("handle", &rivals);
    // What a handle gives outlives the lookup, so its rivals hand out an `Arc`. To read under the lock is cheaper for as long as
    // nobody else wants the cache meanwhile.
    rows.at_least(row, "faster than the best of quick_cache and Mutex<lru>, by Arc", faster, 6.0, "×");
    let inside = times.ratio("Mutex<lru>, read under the lock", "handle");
    rows.shown(row, "faster than Mutex<lru> read under the lock", inside, "×");
    rows.shown(row, "faster than moka", times.ratio("moka", "handle"), "×");
}

fn two_threads(criterion: &mut Criterion, rows: &mut Rows) {
    let all = Rivals::filled();
    let mut handles = [all.handle(), all.handle()];
    let times = Paired::new("cache/two threads on 64 keys")
        .timed_arm("handle", |times| {
            in_parallel(&mut handles, |handle, keys| handle.get(keys.next()).map(|value| value[0]), times)
        })
        .timed_arm("shared get", |times| {
            in_parallel(&mut [(), ()], |(), keys| all.cache.get(keys.next()).map(|value| value[0]), times)
        })
        .timed_arm("quick_cache", |times| {
            in_parallel(&mut [(), ()], |(), keys| all.quick.get(keys.next()).map(|value| value[0]), times)
        })
        .timed_arm("Mutex<lru>", |times| {
            let get =
                |(): &mut (), keys: &mut Keys| all.lru.lock().get(keys.next()).cloned().map(|value| value[0]);
            in_parallel(&mut [(), ()], get, times)
        })
        .run(criterion);
    let row = "2 threads on 64 keys";
    rows.at_least(row, "handle, faster than quick_cache", times.ratio("quick_cache", "handle"), 15.0, "×");
    rows.shown(row, "handle, faster than Mutex<lru>", times.ratio("Mutex<lru>", "handle"), "×");
    rows.shown(row, "shared get, time : quick_cache", times.ratio("shared get", "quick_cache"), "×");
}

fn shared_get(criterion: &mut Criterion, rows: &mut Rows) {
    let all = Rivals::filled();
    let [mut a, mut b, mut c, mut d] = std::array::from_fn(|_| Keys::new());
    let times = Paired::new("cache/shared get")
        .arm("get", || all.cache.get(a.next()))
        .arm("quick_cache", || all.quick.get(b.next()))
        .arm("Mutex<lru>", || all.lru.lock().get(c.next()).cloned())
        .arm("moka", || all.moka.get(d.next()))
        .run(criterion);
    let row = "shared get (Arc)";
    rows.at_most(row, "time : quick_cache", times.ratio("get", "quick_cache"), 1.0, "×");
    rows.at_most(row, "time : Mutex<lru>", times.ratio("get", "Mutex<lru>"), 1.25, "×");
    rows.shown(row, "time : moka", times.ratio("get", "moka"), "×");
}

/// New keys all the time, values of 8 to 1600 bytes: every insertion pays for room.
fn insert_and_evict(criterion: &mut Criterion, rows: &mut Rows) {
    for room in [256, 10_000] {
        let values: Vec<Arc<Value>> = (0..200).map(|at| vec![1.0; 1 + at * 37 % 200].into()).collect();
        let next = |key: &mut u64| {
            *key += 1;
            (*key, Arc::clone(&values[*key as usize % values.len()]))
        };
        let max_bytes = room * (MEAN_BYTES + Cache::<u64, Value>::OVERHEAD);
        let limits = Limits { max_bytes, max_entries: usize::MAX };
        let cache = Cache::new(limits, |_: &u64, value: &Value| size_of_val(value)).expect("not 0");
        let quick = quick_cache::sync::Cache::with_weighter(room, (room * MEAN_BYTES) as u64, Weighter);
        let lru = Mutex::new(LruCache::new(NonZeroUsize::new(room).expect("not 0")));
        let weighed = Weighed::new(room * MEAN_BYTES);
        let moka = moka::sync::Cache::builder().max_capacity((room * MEAN_BYTES) as u64);
        let moka = moka.weigher(|_: &u64, value: &Arc<Value>| size_of_val(&**value) as u32).build();
        let [mut a, mut b, mut c, mut d, mut e] = [0u64; 5];
        let times = Paired::new(&format!("cache/insert and evict, {room} entries"))
            .arm("insert", || {
                let (key, value) = next(&mut a);
                cache.insert(key, value)
            })
            .arm("quick_cache", || {
                let (key, value) = next(&mut b);
                quick.insert(key, value);
            })
            .arm("Mutex<lru>, by count", || {
                let (key, value) = next(&mut c);
                lru.lock().push(key, value)
            })
            .arm("Mutex<lru>, by bytes", || {
                let (key, value) = next(&mut d);
                weighed.insert(key, value);
            })
            .arm("moka", || {
                let (key, value) = next(&mut e);
                moka.insert(key, value);
            })
            .run(criterion);
        let stats = cache.stats();
        assert!(stats.evictions > 0 && stats.peak_bytes <= max_bytes, "the bench fills the cache: {stats:?}");
        let row = format!("byte-weighted insert + evict, {room} entries");
        rows.at_least(&row, "faster than quick_cache", times.ratio("quick_cache", "insert"), 2.0, "×");
        let by_bytes = times.ratio("insert", "Mutex<lru>, by bytes");
        rows.shown(&row, "time : Mutex<lru> and a sum of bytes", by_bytes, "×");
        let by_count = times.ratio("insert", "Mutex<lru>, by count");
        rows.shown(&row, "time : Mutex<lru>, which counts no bytes", by_count, "×");
        rows.shown(&row, "faster than moka", times.ratio("moka", "insert"), "×");
    }
}

/// The same 64 values in every cache.
struct Rivals {
    bare: hashbrown::HashMap<u64, Arc<Value>>,
    cache: Arc<Cache<u64, Value>>,
    quick: quick_cache::sync::Cache<u64, Arc<Value>>,
    lru: Mutex<LruCache<u64, Arc<Value>>>,
    moka: moka::sync::Cache<u64, Arc<Value>>,
}

impl Rivals {
    fn filled() -> Self {
        let limits = Limits { max_bytes: 1 << 30, max_entries: 1000 };
        let all = Self {
            bare: (0..KEYS as u64).map(|key| (key, value(key))).collect(),
            cache: Arc::new(Cache::new(limits, |_, value: &Value| 8 * value.len()).expect("limits above 0")),
            quick: quick_cache::sync::Cache::new(1000),
            lru: Mutex::new(LruCache::new(NonZeroUsize::new(1000).expect("not 0"))),
            moka: moka::sync::Cache::new(1000),
        };
        for (key, value) in &all.bare {
            all.cache.insert(*key, Arc::clone(value));
            all.quick.insert(*key, Arc::clone(value));
            all.lru.lock().push(*key, Arc::clone(value));
            all.moka.insert(*key, Arc::clone(value));
        }
        all
    }

    fn handle(&self) -> Handle<u64, Value> {
        let mut handle = self.cache.handle();
        for key in 0..KEYS as u64 {
            let found = handle.get_or_load(&key, || unreachable!("the cache is filled"));
            assert_eq!(found.expect("kept")[0], key as f64);
        }
        handle
    }
}

fn value(key: u64) -> Arc<Value> {
    vec![key as f64; 8].into()
}

/// All keys over and over, in an order that no prefetcher guesses.
struct Keys {
    order: [u64; KEYS],
    at: usize,
}

impl Keys {
    fn new() -> Self {
        Self { order: std::array::from_fn(|at| (at as u64 * 37 + 11) % KEYS as u64), at: 0 }
    }

    #[inline]
    fn next(&mut self) -> &u64 {
        self.at = (self.at + 1) % KEYS;
        &self.order[self.at]
    }
}

/// Runs `read` so many times on each of the readers at once and says how long the slowest took.
fn in_parallel<W: Send, R>(
    workers: &mut [W],
    read: impl Fn(&mut W, &mut Keys) -> R + Sync,
    times: u64,
) -> Duration {
    let barrier = Barrier::new(workers.len());
    let work = |worker: &mut W| {
        let mut keys = Keys::new();
        barrier.wait();
        let start = Instant::now();
        for _ in 0..times {
            std::hint::black_box(read(worker, &mut keys));
        }
        start.elapsed()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = workers.iter_mut().map(|worker| scope.spawn(|| work(worker))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).max().unwrap_or_default()
    })
}

/// The least that keeps a limit of bytes on `lru`: no statistics, no loads, no handles.
struct Weighed {
    entries: Mutex<(LruCache<u64, Arc<Value>>, usize)>,
    max_bytes: usize,
}

impl Weighed {
    fn new(max_bytes: usize) -> Self {
        Self { entries: Mutex::new((LruCache::unbounded(), 0)), max_bytes }
    }

    fn insert(&self, key: u64, value: Arc<Value>) {
        let (lru, bytes) = &mut *self.entries.lock();
        *bytes += size_of_val(&*value);
        if let Some((_, older)) = lru.push(key, value) {
            *bytes -= size_of_val(&*older);
        }
        while *bytes > self.max_bytes {
            let Some((_, oldest)) = lru.pop_lru() else { break };
            *bytes -= size_of_val(&*oldest);
        }
    }
}

#[derive(Clone)]
struct Weighter;

impl quick_cache::Weighter<u64, Arc<Value>> for Weighter {
    fn weight(&self, _: &u64, value: &Arc<Value>) -> u64 {
        size_of_val(&**value) as u64
    }
}
