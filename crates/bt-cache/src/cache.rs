use std::any::Any;
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bt_core::{Error, ErrorKind, Result};
use hashbrown::{DefaultHashBuilder, Equivalent, HashMap};
use parking_lot::Mutex;

use crate::flight::Flight;
use crate::hashed::{Asked, Hashed, Known};
use crate::shelf::{Departed, Shelf, Weighed, overhead};
use crate::{CacheStats, Handle};

/// The bounds of a cache. Both hold at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all entries together, keys and overhead included; at least 1.
    pub max_bytes: usize,
    /// Number of entries; at least 1.
    pub max_entries: usize,
}

/// What a key must be. Implemented for everything that is.
pub trait Key: Hash + Eq + Clone + Debug + Send + Sync + 'static {}

impl<K: Hash + Eq + Clone + Debug + Send + Sync + 'static> Key for K {}

/// A least-recently-used cache of `Arc<T>`, bounded by bytes and by entries, with one load per missing key.
///
/// One lock guards the order; it is held for a lookup, while keys are compared or cloned, and never while a loader, a
/// destructor or a closure of the caller runs. Workers that read the same values over and over take a
/// [`Handle`], which needs no lock at all.
///
/// # Memory
/// `bytes` = sum over entries of `weigh(key, value)` + [`OVERHEAD`](Self::OVERHEAD) ≤ `max_bytes`, always. Values that
/// the cache has dropped and callers still hold are the callers'; those that handles hold are counted as
/// `pinned_bytes`.
pub struct Cache<K, T: ?Sized> {
    state: Mutex<State<K, T>>,
    weigh: fn(&K, &T) -> usize,
    limits: Limits,
    hasher: DefaultHashBuilder,
    signal: Signal,
}

struct State<K, T: ?Sized> {
    shelf: Shelf<K, T>,
    /// Loads whose result may still be kept. An invalidation grounds a flight: those who wait for it get its value,
    /// those who come later start anew, and nothing loaded before the invalidation is kept after it.
    flights: HashMap<Hashed<K>, Arc<Flight<T>>, Known>,
    /// Loads that go on though their result will not be kept, so that a loader which invalidates its own key and asks for it
    /// is told.
    grounded: Vec<(Hashed<K>, Arc<Flight<T>>)>,
    loads: u64,
    load_failures: u64,
    load_time: Duration,
}

/// What handles read and write without the lock, on a cache line of its own: the lock's line is written by every get.
#[repr(align(128))]
#[derive(Default)]
struct Signal {
    departures: AtomicU64,
    handle_hits: AtomicU64,
}

enum Seat<T: ?Sized> {
    Kept(Weighed<T>),
    Waiting(Arc<Flight<T>>),
    Leading(Arc<Flight<T>>),
    Reentrant,
}

/// A load that this thread leads. It ends however the thread leaves it, so that nobody waits for ever.
struct Landing<'a, K: Key, T: ?Sized + Send + Sync + 'static> {
    cache: &'a Cache<K, T>,
    flight: Arc<Flight<T>>,
    start: Instant,
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> Cache<K, T> {
    /// Bytes that an entry costs beside what `weigh` counts: `lru`'s node with the key, its hash and two links; its place in
    /// `lru`'s hash table at the emptiest; the counts of the `Arc`; and what an allocator adds.
    pub const OVERHEAD: usize = overhead::<K, T>();

    /// An empty cache.
    ///
    /// `weigh` tells how many bytes a value keeps alive: its own size and its heap, and the heap of its key where the
    /// key has one. It must give the same answer for the same pair.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`] where a limit is 0.
    pub fn new(limits: Limits, weigh: fn(&K, &T) -> usize) -> Result<Self> {
        for (option, value) in [("max_bytes", limits.max_bytes), ("max_entries", limits.max_entries)] {
            if value == 0 {
                return Err(Error::invalid_option(option, value, "at least 1"));
            }
        }
        let state = State {
            shelf: Shelf::new(limits),
            flights: HashMap::default(),
            grounded: Vec::new(),
            loads: 0,
            load_failures: 0,
            load_time: Duration::ZERO,
        };
        Ok(Self {
            state: Mutex::new(state),
            weigh,
            limits,
            hasher: DefaultHashBuilder::default(),
            signal: Signal::default(),
        })
    }

    /// The kept value, now the one used last. As in a hash map, a borrowed form of the key will do.
    ///
    /// # Complexity
    /// O(1), one lock and one count of references.
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Arc<T>> {
        let asked = self.ask(key);
        let mut state = self.state.lock();
        state.shelf.get(asked).map(|found| Arc::clone(&found.value))
    }

    /// As [`get`](Self::get), but where there is nothing, nothing is counted: for those who go on to
    /// [`get_or_load`](Self::get_or_load), which counts the access.
    #[inline]
    pub fn get_kept<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Arc<T>> {
        let asked = self.ask(key);
        let mut state = self.state.lock();
        state.shelf.get_kept(asked).map(|found| Arc::clone(&found.value))
    }

    /// The kept value, without counting the access or touching the order of use.
    pub fn peek<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Arc<T>> {
        let asked = self.ask(key);
        let state = self.state.lock();
        state.shelf.peek(asked).map(|found| Arc::clone(&found.value))
    }

    /// The kept value, or the loader's.
    ///
    /// Any number of threads that ask for the same missing key cause one load and get its outcome, a value or the same
    /// error. Nobody who asks for another key waits. A failed load is not kept: the next access tries again. A value
    /// larger than the whole budget is returned and not kept. A value whose key was inserted, removed or cleared
    /// while it was loading is returned to those who had asked before and not kept.
    ///
    /// # Errors
    /// The loader's own. [`ErrorKind::LoaderPanicked`] where it panicked on another thread.
    /// [`ErrorKind::Reentrant`] where there would be no end: a loader asks for its own key, be it after an invalidation, or
    /// loaders on several threads, of any caches in the process, ask for one another's keys in a circle. Threads that a loader starts and
    /// joins itself are not seen.
    ///
    /// # Panics
    /// On the thread that ran the loader, with the loader's own panic.
    pub fn get_or_load(&self, key: &K, load: impl FnOnce() -> Result<Arc<T>>) -> Result<Arc<T>> {
        self.fetch(self.ask(key), load).map(|found| found.value)
    }

    pub(crate) fn fetch(
        &self,
        asked: Asked<'_, K>,
        load: impl FnOnce() -> Result<Arc<T>>,
    ) -> Result<Weighed<T>> {
        match self.take_seat(asked) {
            Seat::Kept(found) => Ok(found),
            Seat::Leading(flight) => self.lead(asked.key, flight, load),
            Seat::Waiting(flight) => flight.wait().unwrap_or_else(|| Err(reentrant(asked.key))),
            Seat::Reentrant => Err(reentrant(asked.key)),
        }
    }

    pub(crate) fn weighed(&self, key: &K, value: Arc<T>) -> Weighed<T> {
        let weight = (self.weigh)(key, &value).saturating_add(Self::OVERHEAD);
        Weighed { value, weight }
    }

    fn take_seat(&self, asked: Asked<'_, K>) -> Seat<T> {
        let mut state = self.state.lock();
        if let Some(found) = state.shelf.get(asked) {
            return Seat::Kept(found.clone());
        }
        if let Some(flight) = state.flights.get(&asked) {
            return Seat::Waiting(Arc::clone(flight));
        }
        if state.grounded.iter().any(|(key, flight)| asked.equivalent(key) && flight.is_led_here()) {
            return Seat::Reentrant;
        }
        let flight = Flight::led_here();
        state.flights.insert(asked.to_owned(), Arc::clone(&flight));
        Seat::Leading(flight)
    }

    fn lead(
        &self,
        key: &K,
        flight: Arc<Flight<T>>,
        load: impl FnOnce() -> Result<Arc<T>>,
    ) -> Result<Weighed<T>> {
        let landing = Landing { cache: self, flight, start: Instant::now() };
        // Nothing of ours is borrowed by the loader, so there is nothing that its panic could leave half done.
        let outcome = catch_unwind(AssertUnwindSafe(|| Ok(self.weighed(key, load()?))));
        match outcome {
            Ok(loaded) => landing.land(loaded),
            Err(panic) => {
                let _ = landing.land(Err(panicked(key, &*panic)));
                resume_unwind(panic)
            }
        }
    }

    /// Keeps a value under a key, in place of any that is there. `false` where it is larger than the whole budget and
    /// so not kept. A load of the key that is under way will not be kept.
    pub fn insert(&self, key: K, value: Arc<T>) -> bool {
        let weighed = self.weighed(&key, value);
        let key = Hashed { hash: self.ask(&key).hash, key };
        let mut departed = Departed::default();
        self.locked(|state| {
            state.ground(key.ask());
            state.shelf.put(key, weighed, &mut departed)
        })
    }

    /// Takes a value out. A load of the key that is under way will not be kept.
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Arc<T>> {
        let asked = self.ask(key);
        let departed = self.locked(|state| {
            state.ground(asked);
            state.shelf.remove(asked)
        });
        departed.map(|(_, weighed)| weighed.value)
    }

    /// Takes this very value out, and not one that has taken its place meanwhile; for those who saw that it is out of
    /// date. Says whether it was there. A load that is under way is left alone.
    pub fn remove_value<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q, value: &Arc<T>) -> bool {
        let asked = self.ask(key);
        let departed = self.locked(|state| state.shelf.remove_value(asked, value));
        departed.is_some()
    }

    /// Takes all values out. Loads that are under way will not be kept.
    pub fn clear(&self) {
        let _departed = self.locked(|state| {
            state.ground_all();
            state.shelf.drain()
        });
    }

    /// Takes out the values for which `keep` says no. Loads that are under way will not be kept, since nobody can ask
    /// about their values yet. `keep` may use the cache itself.
    ///
    /// # Complexity
    /// O(entries), and as many clones of keys.
    pub fn retain(&self, mut keep: impl FnMut(&K, &T) -> bool) {
        let present: Vec<(Hashed<K>, Weighed<T>)> = self.locked(|state| {
            state.ground_all();
            state.shelf.iter().map(|(key, found)| (key.clone(), found.clone())).collect()
        });
        for (key, found) in present {
            if !keep(&key.key, &found.value) {
                let _departed = self.locked(|state| state.shelf.remove_value(key.ask(), &found.value));
            }
        }
    }

    /// As [`retain`](Self::retain), by key alone, so that loads of keys that are kept go on to be kept.
    ///
    /// # Complexity
    /// O(entries), and as many clones of keys.
    pub fn retain_keys(&self, mut keep: impl FnMut(&K) -> bool) {
        let mut unwanted: Vec<Hashed<K>> = self.locked(|state| {
            let present = state.shelf.iter().map(|(key, _)| key);
            present.chain(state.flights.keys()).cloned().collect()
        });
        unwanted.retain(|key| !keep(&key.key));
        let _departed: Vec<_> = self.locked(|state| {
            unwanted.iter().for_each(|key| state.ground(key.ask()));
            unwanted.iter().map(|key| state.shelf.remove(key.ask())).collect()
        });
    }

    /// Counters and sizes, all of one moment.
    ///
    /// # Complexity
    /// O(1) where no handle holds anything, else O(entries).
    pub fn stats(&self) -> CacheStats {
        let state = self.state.lock();
        let tally = state.shelf.tally;
        let handle_hits = self.signal.handle_hits.load(Ordering::Relaxed);
        CacheStats {
            hits: tally.hits + handle_hits,
            handle_hits,
            misses: tally.misses,
            evictions: tally.evictions,
            rejections: tally.rejections,
            loads: state.loads,
            load_failures: state.load_failures,
            load_time: state.load_time,
            entries: state.shelf.len(),
            bytes: state.shelf.bytes(),
            peak_bytes: tally.peak_bytes,
            pinned_bytes: state.shelf.pinned_bytes(),
            max_bytes: self.limits.max_bytes,
            max_entries: self.limits.max_entries,
        }
    }

    /// Bytes kept now, as [`stats`](Self::stats) tells them. O(1).
    pub fn bytes(&self) -> usize {
        self.state.lock().shelf.bytes()
    }

    /// A worker's own reader: hits on it touch nothing that another thread writes.
    pub fn handle(self: &Arc<Self>) -> Handle<K, T> {
        Handle::new(Arc::clone(self))
    }

    /// The bounds of this cache.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How this cache and its handles hash keys.
    pub(crate) fn hasher(&self) -> &DefaultHashBuilder {
        &self.hasher
    }

    /// The key with its hash, taken before the lock is.
    #[inline]
    fn ask<'a, Q: Hash + ?Sized>(&self, key: &'a Q) -> Asked<'a, Q> {
        Asked::new(&self.hasher, key)
    }

    /// Runs `change` under the lock and tells handles if anything left.
    #[inline]
    fn locked<R>(&self, change: impl FnOnce(&mut State<K, T>) -> R) -> R {
        let mut state = self.state.lock();
        let before = state.shelf.tally.departures;
        let result = change(&mut state);
        let after = state.shelf.tally.departures;
        if after != before {
            self.signal.departures.store(after, Ordering::Release);
        }
        result
    }

    pub(crate) fn with_shelf<R>(&self, change: impl FnOnce(&mut Shelf<K, T>) -> R) -> R {
        self.locked(|state| change(&mut state.shelf))
    }

    pub(crate) fn departures(&self) -> u64 {
        self.signal.departures.load(Ordering::Acquire)
    }

    pub(crate) fn add_handle_hits(&self, hits: u64) {
        self.signal.handle_hits.fetch_add(hits, Ordering::Relaxed);
    }
}

impl<K: Key, T: ?Sized> State<K, T> {
    /// Lets the load of the key that is under way go on without being kept.
    #[inline]
    fn ground<Q: Equivalent<K> + ?Sized>(&mut self, asked: Asked<'_, Q>) {
        if !self.flights.is_empty() {
            self.grounded.extend(self.flights.remove_entry(&asked));
        }
    }

    fn ground_all(&mut self) {
        self.grounded.extend(self.flights.drain());
    }

    /// Takes out a load that has ended and counts it: its key, for the caller to drop outside the lock, and whether its
    /// result may be kept. `None` where that was done before. Runs no code of the key's. O(loads under way).
    fn take_out(
        &mut self,
        flight: &Arc<Flight<T>>,
        load_time: Duration,
        failed: bool,
    ) -> Option<(Hashed<K>, bool)> {
        let own = self.flights.extract_if(|_, other| Arc::ptr_eq(other, flight)).next();
        let taken = own.map(|(key, _)| (key, true)).or_else(|| {
            let at = self.grounded.iter().position(|(_, other)| Arc::ptr_eq(other, flight))?;
            Some((self.grounded.swap_remove(at).0, false))
        })?;
        self.loads += 1;
        self.load_failures += u64::from(failed);
        self.load_time += load_time;
        Some(taken)
    }
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> Landing<'_, K, T> {
    fn land(self, loaded: Result<Weighed<T>>) -> Result<Weighed<T>> {
        let load_time = self.start.elapsed();
        // Dropped after the lock: destructors of keys and values are not ours to run inside it.
        let (mut departed, mut taken) = (Departed::default(), None);
        self.cache.locked(|state| {
            taken = state.take_out(&self.flight, load_time, loaded.is_err());
            if let Ok(weighed) = &loaded
                && let Some((key, _)) = taken.take_if(|(_, may_be_kept)| *may_be_kept)
            {
                state.shelf.put(key, weighed.clone(), &mut departed);
            }
        });
        self.flight.land(loaded.clone());
        loaded
    }
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> Drop for Landing<'_, K, T> {
    /// Where code of the key panicked too, the load comes here without having landed.
    fn drop(&mut self) {
        if !self.flight.has_landed() {
            let load_time = self.start.elapsed();
            let _taken = self.cache.state.lock().take_out(&self.flight, load_time, true);
            self.flight.land(Err(panicked_over_key::<K>()));
        }
    }
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> Debug for Cache<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cache").field(&self.stats()).finish()
    }
}

#[cold]
fn reentrant<K: Key>(key: &K) -> Error {
    ErrorKind::Reentrant { key: format!("{key:?}") }.into()
}

#[cold]
fn panicked<K: Key>(key: &K, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("a value that is no text").to_owned();
    ErrorKind::LoaderPanicked { key: format!("{key:?}"), message }.into()
}

#[cold]
fn panicked_over_key<K>() -> Error {
    let message = "the key's own code panicked, so it cannot be shown".to_owned();
    ErrorKind::LoaderPanicked { key: std::any::type_name::<K>().to_owned(), message }.into()
}
