use std::cell::Cell;
use std::hash::Hash;
use std::sync::Arc;

use bt_core::Result;
use hashbrown::{Equivalent, HashMap};

use crate::Cache;
use crate::cache::Key;
use crate::shelf::Stamped;

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
    held: HashMap<K, Held<T>>,
    /// So wide that no sum of weights overflows.
    bytes: u128,
    departures_seen: u64,
    hits: Cell<u64>,
}

/// A number of departures that no cache reaches.
const NEVER: u64 = u64::MAX;

struct Held<T: ?Sized> {
    stamped: Stamped<T>,
    used: Cell<bool>,
}

impl<K: Key, T: ?Sized + Send + Sync + 'static> Handle<K, T> {
    pub(crate) fn new(cache: Arc<Cache<K, T>>) -> Self {
        let departures_seen = cache.departures();
        Self { cache, held: HashMap::new(), bytes: 0, departures_seen, hits: Cell::new(0) }
    }

    /// What this handle holds under the key. It does not ask the cache: see [`get_or_load`](Self::get_or_load).
    ///
    /// # Complexity
    /// One lookup in a hash table; no lock, no atomic, no count of references.
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&T> {
        let held = self.held.get(key)?;
        self.hits.set(self.hits.get() + 1);
        held.used.set(true);
        Some(&held.stamped.value)
    }

    /// What this handle holds, else what the cache keeps, else what the loader makes, which the handle then holds.
    ///
    /// # Errors
    /// As [`Cache::get_or_load`].
    ///
    /// # Panics
    /// As [`Cache::get_or_load`].
    pub fn get_or_load(&mut self, key: &K, load: impl FnOnce() -> Result<Arc<T>>) -> Result<&T> {
        if !self.held.contains_key(key) {
            let found = self.cache.fetch(key, load)?;
            return Ok(self.take_in(key, found));
        }
        self.hits.set(self.hits.get() + 1);
        let held = &self.held[key];
        held.used.set(true);
        Ok(&held.stamped.value)
    }

    /// Whether this handle holds the key; counts no access.
    pub fn contains<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.held.contains_key(key)
    }

    /// Holds a value that was got from the cache some other way, in place of any that is held under the key. Counts no
    /// access.
    pub fn hold(&mut self, key: &K, value: Arc<T>) -> &T {
        self.let_go(key);
        let found = self.cache.identify(key, value);
        self.take_in(key, found)
    }

    /// The value itself, to keep beyond the handle. Costs a count of references.
    pub fn get_arc<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Arc<T>> {
        self.get(key)?;
        self.held.get(key).map(|held| Arc::clone(&held.stamped.value))
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
        self.held.keys()
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

    /// The key must not be held.
    fn take_in(&mut self, key: &K, found: Stamped<T>) -> &T {
        if self.is_full_for(&found) {
            self.drop_departed();
            // All that is left is kept by the cache, and so within its limits, as `found` is unless it is too large to
            // be kept at all; there can be too much only where others evict at this very moment.
            if self.is_full_for(&found) && found.weight <= self.cache.limits().max_bytes {
                self.release_all();
            }
        }
        let hash = self.cache.hash(key);
        if !self.cache.with_shelf(|shelf| shelf.hold(hash, key, &found)) {
            // It departed before we came, so no later departure will tell: the next refresh has to look.
            self.departures_seen = NEVER;
        }
        self.bytes += found.weight as u128;
        let held = Held { stamped: found, used: Cell::new(true) };
        &self.held.entry(key.clone()).insert(held).into_mut().stamped.value
    }

    fn let_go(&mut self, key: &K) {
        if let Some(held) = self.held.remove(key) {
            self.bytes -= held.stamped.weight as u128;
            let hash = self.cache.hash(key);
            self.cache.with_shelf(|shelf| shelf.release(hash, key, held.stamped.stamp));
        }
    }

    fn is_full_for(&self, found: &Stamped<T>) -> bool {
        let limits = self.cache.limits();
        self.held.len() >= limits.max_entries || self.bytes + found.weight as u128 > limits.max_bytes as u128
    }

    fn drop_departed(&mut self) {
        // Collected inside the lock, dropped outside it.
        let departed: Vec<_> = self.cache.with_shelf(|shelf| {
            let gone = |key: &K, held: &mut Held<T>| {
                let hash = self.cache.hash(key);
                let here = shelf.has(hash, key, held.stamped.stamp);
                match here && held.used.take() {
                    true => shelf.touch(hash, key),
                    false if !here => shelf.release(hash, key, held.stamped.stamp),
                    false => (),
                }
                !here
            };
            self.held.extract_if(gone).collect()
        });
        self.bytes -= departed.iter().map(|(_, held)| held.stamped.weight as u128).sum::<u128>();
    }

    fn release_all(&mut self) {
        self.bytes = 0;
        let held = std::mem::take(&mut self.held);
        self.cache.with_shelf(|shelf| {
            held.iter().for_each(|(key, held)| shelf.release(self.cache.hash(key), key, held.stamped.stamp));
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
