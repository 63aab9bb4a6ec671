use std::cell::Cell;
use std::hash::Hash;
use std::sync::Arc;

use bt_core::Result;
use hashbrown::{DefaultHashBuilder, Equivalent, HashTable};

use crate::Cache;
use crate::cache::Key;
use crate::hashed::{Asked, Hashed};
use crate::shelf::Weighed;

/// One worker's reader of a [`Cache`]: a table of its own, so that a hit costs a lookup and nothing shared.
///
/// Between two calls of [`refresh`](Self::refresh) the handle goes on serving what it holds, whatever happens to the
/// cache, as long as what a trial reads fits into the limits; when it is full it lets go of what the cache has dropped.
/// Call it once per trial.
///
/// # Memory
/// A handle holds no more than the limits of its cache allow, and beside that at most one single value that is larger
/// than the whole budget; after a refresh it holds nothing but what the cache itself keeps. What it holds beyond that in
/// between is counted as `pinned_bytes`. Its own table is not counted: a key and 41 bytes for each place, and up to 16
/// places for 7 entries.
///
/// # Order
/// A hit on a handle does not touch the cache's order of use at once. A refresh after which entries had left marks
/// everything that was hit since as used, so that what workers read all the time is not what goes first.
///
/// It fills whole cache lines, so that handles which lie side by side do not slow each other down.
#[repr(align(128))]
pub struct Handle<K: Key, T: ?Sized + Send + Sync + 'static> {
    cache: Arc<Cache<K, T>>,
    /// Keys are hashed as the cache does, so one hash serves both.
    hasher: DefaultHashBuilder,
    held: HashTable<Held<K, T>>,
    /// So wide that no sum of weights overflows.
    bytes: u128,
    departures_seen: u64,
    hits: Cell<u64>,
}

/// A number of departures that no cache reaches.
const NEVER: u64 = u64::MAX;

struct Held<K, T: ?Sized> {
    key: Hashed<K>,
    weighed: Weighed<T>,
    used: Cell<bool>,
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> Handle<K, T> {
    pub(crate) fn new(cache: Arc<Cache<K, T>>) -> Self {
        let (departures_seen, hasher) = (cache.departures(), cache.hasher().clone());
        Self { cache, hasher, held: HashTable::new(), bytes: 0, departures_seen, hits: Cell::new(0) }
    }

    /// What this handle holds under the key. It does not ask the cache: see [`get_or_load`](Self::get_or_load).
    ///
    /// # Complexity
    /// One lookup in a hash table; no lock, no atomic, no count of references.
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&T> {
        self.find(key).map(|held| &**self.hit(held))
    }

    /// What this handle holds, else what the cache keeps, else what the loader makes, which the handle then holds.
    ///
    /// # Errors
    /// As [`Cache::get_or_load`].
    ///
    /// # Panics
    /// As [`Cache::get_or_load`].
    ///
    /// # Complexity
    /// As [`get`](Self::get) for what is held.
    #[inline]
    pub fn get_or_load(&mut self, key: &K, load: impl FnOnce() -> Result<Arc<T>>) -> Result<&T> {
        let asked = self.ask(key);
        match self.held.find_bucket_index(asked.hash, |held| asked.equivalent(&held.key)) {
            Some(at) => Ok(self.hit(self.held.get_bucket(at).expect("it was found there"))),
            None => self.fetch(asked, load),
        }
    }

    /// Whether this handle holds the key; counts no access.
    pub fn contains<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.find(key).is_some()
    }

    /// Holds a value that was got from the cache some other way, in place of any that is held under the key. Counts no
    /// access.
    pub fn hold(&mut self, key: &K, value: Arc<T>) -> &T {
        let asked = self.ask(key);
        self.let_go(asked);
        let found = self.cache.weighed(key, value);
        self.take_in(asked, found)
    }

    /// The value itself, to keep beyond the handle. Costs a count of references.
    pub fn get_arc<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Arc<T>> {
        self.find(key).map(|held| Arc::clone(self.hit(held)))
    }

    /// Starts the next trial: drops what has left the cache, hands over the count of hits.
    ///
    /// # Complexity
    /// One load of a counter (and one addition, if there were hits) where nothing left the cache since the last time;
    /// else O(held) under the cache's lock.
    pub fn refresh(&mut self) {
        self.flush_hits();
        let departures = self.cache.departures();
        if departures != self.departures_seen {
            self.departures_seen = departures;
            self.drop_departed();
        }
    }

    /// The keys held, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.held.iter().map(|held| &held.key.key)
    }

    /// Number of entries held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The cache that this handle reads.
    pub fn cache(&self) -> &Arc<Cache<K, T>> {
        &self.cache
    }

    #[inline]
    fn ask<'a, Q: Hash + ?Sized>(&self, key: &'a Q) -> Asked<'a, Q> {
        Asked::new(&self.hasher, key)
    }

    #[inline]
    fn find<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&Held<K, T>> {
        let asked = self.ask(key);
        self.held.find(asked.hash, |held| asked.equivalent(&held.key))
    }

    #[inline]
    fn hit<'a>(&self, held: &'a Held<K, T>) -> &'a Arc<T> {
        self.hits.set(self.hits.get() + 1);
        held.used.set(true);
        &held.weighed.value
    }

    #[cold]
    fn fetch(&mut self, asked: Asked<'_, K>, load: impl FnOnce() -> Result<Arc<T>>) -> Result<&T> {
        let found = self.cache.fetch(asked, load)?;
        Ok(self.take_in(asked, found))
    }

    /// The key must not be held.
    fn take_in(&mut self, asked: Asked<'_, K>, found: Weighed<T>) -> &T {
        if self.is_full_for(&found) {
            self.drop_departed();
            // All that is left is kept by the cache, and so within its limits, as `found` is unless it is too large to
            // be kept at all; there can be too much only where others evict at this very moment.
            if self.is_full_for(&found) && found.weight <= self.cache.limits().max_bytes {
                self.release_all();
            }
        }
        let is_kept = self.cache.with_shelf(|shelf| {
            shelf.hold(&found);
            shelf.has(asked, &found.value)
        });
        if !is_kept {
            // It departed before we came, so no later departure will tell: the next refresh has to look.
            self.departures_seen = NEVER;
        }
        self.bytes += found.weight as u128;
        let held = Held { key: asked.to_owned(), weighed: found, used: Cell::new(true) };
        let held = self.held.insert_unique(asked.hash, held, |held| held.key.hash);
        &held.into_mut().weighed.value
    }

    fn let_go(&mut self, asked: Asked<'_, K>) {
        if let Ok(entry) = self.held.find_entry(asked.hash, |held| asked.equivalent(&held.key)) {
            let (held, _) = entry.remove();
            self.bytes -= held.weighed.weight as u128;
            self.cache.with_shelf(|shelf| shelf.release(&held.weighed));
        }
    }

    fn is_full_for(&self, found: &Weighed<T>) -> bool {
        let limits = self.cache.limits();
        self.held.len() >= limits.max_entries || self.bytes + found.weight as u128 > limits.max_bytes as u128
    }

    fn drop_departed(&mut self) {
        // Collected inside the lock, dropped outside it.
        let departed: Vec<_> = self.cache.with_shelf(|shelf| {
            let gone = |held: &mut Held<K, T>| {
                let asked = held.key.ask();
                let here = shelf.has(asked, &held.weighed.value);
                match here && held.used.take() {
                    true => shelf.touch(asked),
                    false if !here => shelf.release(&held.weighed),
                    false => (),
                }
                !here
            };
            self.held.extract_if(gone).collect()
        });
        self.bytes -= departed.iter().map(|held| held.weighed.weight as u128).sum::<u128>();
    }

    fn release_all(&mut self) {
        self.bytes = 0;
        let held = std::mem::take(&mut self.held);
        self.cache.with_shelf(|shelf| {
            held.iter().for_each(|held| shelf.release(&held.weighed));
        });
    }

    fn flush_hits(&self) {
        match self.hits.take() {
            0 => (),
            hits => self.cache.add_handle_hits(hits),
        }
    }
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> Drop for Handle<K, T> {
    fn drop(&mut self) {
        self.flush_hits();
        self.release_all();
    }
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> std::fmt::Debug for Handle<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("entries", &self.held.len()).field("bytes", &self.bytes).finish()
    }
}
