//! The single-threaded heart: an LRU that counts bytes and knows which of its entries handles hold.

use std::sync::Arc;

use hashbrown::HashMap;
use lru::LruCache;

use crate::Limits;

/// Entries in the order of their last use, within both limits at every return.
///
/// It calls nothing of the user's but `Hash` and `Eq` of keys, and it hands out what it drops, so that no destructor
/// runs while its owner holds a lock.
pub(crate) struct Shelf<K, T: ?Sized> {
    entries: LruCache<K, Entry<T>>,
    limits: Limits,
    bytes: usize,
    last_stamp: u64,
    orphans: HashMap<u64, Orphan>,
    pub(crate) tally: Tally,
}

/// What the shelf counts.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evictions: u64,
    pub(crate) rejections: u64,
    /// Entries that left for any reason; a handle that saw this number last time has nothing to drop.
    pub(crate) departures: u64,
    pub(crate) peak_bytes: usize,
}

/// A value with the identity of its arrival: the same key with another stamp is other data.
pub(crate) struct Stamped<T: ?Sized> {
    pub(crate) value: Arc<T>,
    pub(crate) weight: usize,
    pub(crate) stamp: u64,
}

impl<T: ?Sized> Clone for Stamped<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), weight: self.weight, stamp: self.stamp }
    }
}

pub(crate) struct Entry<T: ?Sized> {
    stamped: Stamped<T>,
    holders: u32,
}

/// A value that left the shelf, or never got on it, while handles hold it.
struct Orphan {
    weight: usize,
    holders: u32,
}

/// What one arrival pushed out; mostly one value, so mostly no allocation.
pub(crate) struct Displaced<T: ?Sized> {
    first: Option<Arc<T>>,
    rest: Vec<Arc<T>>,
}

impl<T: ?Sized> Displaced<T> {
    fn none() -> Self {
        Self { first: None, rest: Vec::new() }
    }

    fn push(&mut self, value: Arc<T>) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.rest.push(value),
        }
    }
}

impl<K: std::hash::Hash + Eq, T: ?Sized> Shelf<K, T> {
    /// Limits are checked by the caller.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            entries: LruCache::unbounded(),
            limits,
            bytes: 0,
            last_stamp: 0,
            orphans: HashMap::new(),
            tally: Tally::default(),
        }
    }

    /// Looks up and marks as used last.
    #[inline]
    pub(crate) fn get(&mut self, key: &K) -> Option<&Stamped<T>> {
        match self.entries.get(key) {
            Some(entry) => {
                self.tally.hits += 1;
                Some(&entry.stamped)
            }
            None => {
                self.tally.misses += 1;
                None
            }
        }
    }

    /// Takes a value in as used last, evicting from the other end until it fits; refused where it alone exceeds the
    /// budget. An older value of the key leaves in either case.
    pub(crate) fn put(&mut self, key: K, value: Arc<T>, weight: usize) -> (Stamped<T>, bool, Displaced<T>) {
        let mut displaced = Displaced::none();
        if let Some(old) = self.remove(&key) {
            displaced.push(old);
        }
        let stamped = self.stamp(value, weight);
        let fits = weight <= self.limits.max_bytes;
        if fits {
            self.make_room(weight, &mut displaced);
            self.bytes += weight;
            self.tally.peak_bytes = self.tally.peak_bytes.max(self.bytes);
            self.entries.push(key, Entry { stamped: stamped.clone(), holders: 0 });
        } else {
            self.tally.rejections += 1;
        }
        (stamped, fits, displaced)
    }

    /// Gives a value an identity without keeping it.
    pub(crate) fn stamp(&mut self, value: Arc<T>, weight: usize) -> Stamped<T> {
        self.last_stamp += 1;
        Stamped { value, weight, stamp: self.last_stamp }
    }

    fn make_room(&mut self, weight: usize, displaced: &mut Displaced<T>) {
        while self.bytes > self.limits.max_bytes - weight || self.entries.len() >= self.limits.max_entries {
            let Some((_, entry)) = self.entries.pop_lru() else { return };
            self.tally.evictions += 1;
            displaced.push(self.departed(entry));
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<Arc<T>> {
        let entry = self.entries.pop(key)?;
        Some(self.departed(entry))
    }

    /// Removes one arrival, and not what has taken its place.
    pub(crate) fn remove_stamp(&mut self, key: &K, stamp: u64) -> Option<Arc<T>> {
        self.has(key, stamp).then(|| self.remove(key))?
    }

    pub(crate) fn drain(&mut self) -> Vec<Arc<T>> {
        let mut values = Vec::with_capacity(self.entries.len());
        while let Some((_, entry)) = self.entries.pop_lru() {
            values.push(self.departed(entry));
        }
        values
    }

    fn departed(&mut self, entry: Entry<T>) -> Arc<T> {
        let Entry { stamped, holders } = entry;
        self.bytes -= stamped.weight;
        self.tally.departures += 1;
        if holders > 0 {
            self.orphans.insert(stamped.stamp, Orphan { weight: stamped.weight, holders });
        }
        stamped.value
    }

    /// A handle takes hold of a value. `false` where the value is not here (any more), so only handles keep it.
    pub(crate) fn hold(&mut self, key: &K, stamped: &Stamped<T>) -> bool {
        if let Some(entry) = self.entries.peek_mut(key)
            && entry.stamped.stamp == stamped.stamp
        {
            entry.holders += 1;
            return true;
        }
        let orphan = Orphan { weight: stamped.weight, holders: 0 };
        self.orphans.entry(stamped.stamp).or_insert(orphan).holders += 1;
        false
    }

    /// A handle lets go of a value.
    pub(crate) fn release(&mut self, key: &K, stamp: u64) {
        if let Some(entry) = self.entries.peek_mut(key)
            && entry.stamped.stamp == stamp
        {
            entry.holders -= 1;
        } else if let hashbrown::hash_map::Entry::Occupied(mut orphan) = self.orphans.entry(stamp) {
            orphan.get_mut().holders -= 1;
            if orphan.get().holders == 0 {
                orphan.remove();
            }
        }
    }

    /// Whether this arrival is still here.
    pub(crate) fn has(&self, key: &K, stamp: u64) -> bool {
        self.entries.peek(key).is_some_and(|entry| entry.stamped.stamp == stamp)
    }

    /// Marks as used last without counting a hit.
    pub(crate) fn touch(&mut self, key: &K) {
        self.entries.promote(key);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &Stamped<T>)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.stamped))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that only handles keep. O(such values), which are few.
    pub(crate) fn pinned_bytes(&self) -> usize {
        self.orphans.values().fold(0, |sum, orphan| sum.saturating_add(orphan.weight))
    }
}
