//! The single-threaded heart: an LRU that counts bytes and knows which of its entries handles hold.

use std::sync::Arc;

use hashbrown::hash_map::Entry as Slot;
use hashbrown::{Equivalent, HashMap};
use smallvec::SmallVec;

use crate::Limits;
use crate::recency::{Link, MAX_ENTRIES, Node, Recency};

/// Entries in the order of their last use, within both limits at every return.
///
/// It calls nothing of the user's but `Eq` of keys, and it hands out what it drops, so that no destructor
/// runs while its owner holds a lock.
pub(crate) struct Shelf<K, T: ?Sized> {
    entries: Recency<K, Entry<T>>,
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
        Self { value: Arc::clone(&self.value), weight: self.weight, stamp: self.stamp }
    }
}

struct Entry<T: ?Sized> {
    stamped: Stamped<T>,
    holders: u32,
}

/// A value that left the shelf, or never got on it, while handles hold it.
struct Orphan {
    weight: usize,
    holders: u32,
    /// Where the value lies, to know it again when another handle comes with it.
    address: usize,
}

impl Orphan {
    fn new<T: ?Sized>(stamped: &Stamped<T>, holders: u32) -> Self {
        Self { weight: stamped.weight, holders, address: address(&stamped.value) }
    }
}

fn address<T: ?Sized>(value: &Arc<T>) -> usize {
    Arc::as_ptr(value).cast::<()>().addr()
}

/// What left or was not kept, for the owner to drop. Mostly few entries, so mostly no allocation.
pub(crate) type Departed<K, T> = SmallVec<[(K, Arc<T>); 4]>;

/// Bytes of an entry beside what its value and its key's heap take. The vectors of nodes and links and the table of positions
/// (4 bytes and one of control each, at most 7/8 full) are counted at the emptiest that growing by doubling leaves
/// them.
pub(crate) const fn overhead<K, T: ?Sized>() -> usize {
    let node = 2 * (size_of::<Node<K, Entry<T>>>() + size_of::<Link>());
    let position = (2 * 8 * 5usize).div_ceil(7);
    let counts_of_the_arc = 2 * size_of::<usize>();
    let allocator = 16;
    node + position + counts_of_the_arc + allocator
}

impl<K: Eq, T: ?Sized> Shelf<K, T> {
    /// Limits are checked by the caller.
    pub(crate) fn new(limits: Limits) -> Self {
        let limits = Limits { max_entries: limits.max_entries.min(MAX_ENTRIES), ..limits };
        Self {
            entries: Recency::new(),
            limits,
            bytes: 0,
            last_stamp: 0,
            orphans: HashMap::new(),
            tally: Tally::default(),
        }
    }

    /// Looks up and marks as used last.
    #[inline]
    pub(crate) fn get<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&Stamped<T>> {
        let found = self.entries.get(hash, key);
        match found {
            Some(_) => self.tally.hits += 1,
            None => self.tally.misses += 1,
        }
        found.map(|entry| &entry.stamped)
    }

    /// As [`get`](Self::get), but counts no miss.
    #[inline]
    pub(crate) fn get_kept<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&Stamped<T>> {
        let found = self.entries.get(hash, key)?;
        self.tally.hits += 1;
        Some(&found.stamped)
    }

    /// Looks up and leaves no trace.
    pub(crate) fn peek<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<&Stamped<T>> {
        self.entries.peek(hash, key).map(|entry| &entry.stamped)
    }

    /// Takes a value in as used last, evicting from the other end until it fits. `false` and not kept where it alone
    /// exceeds the budget. An older value of the key leaves in either case.
    #[inline]
    pub(crate) fn put(
        &mut self,
        hash: u64,
        key: K,
        stamped: Stamped<T>,
        departed: &mut Departed<K, T>,
    ) -> bool {
        if let Some(old) = self.remove(hash, &key) {
            departed.push(old);
        }
        let weight = stamped.weight;
        let Some(spare) = self.limits.max_bytes.checked_sub(weight) else {
            self.tally.rejections += 1;
            departed.push((key, stamped.value));
            return false;
        };
        while self.bytes > spare.saturating_add(self.weight_of_oldest()) {
            let Some(oldest) = self.entries.pop_oldest() else { break };
            departed.push(self.evicted(oldest));
        }
        // Now it fits once the oldest at most has gone, and can have that one's place.
        let entry = Entry { stamped, holders: 0 };
        if self.bytes > spare || self.entries.len() == self.limits.max_entries {
            let oldest = self.entries.replace_oldest(hash, key, entry);
            departed.push(self.evicted(oldest));
        } else {
            self.entries.push(hash, key, entry);
        }
        self.bytes += weight;
        self.tally.peak_bytes = self.tally.peak_bytes.max(self.bytes);
        true
    }

    /// Gives a value an identity, whether it will be kept or not.
    #[inline]
    pub(crate) fn stamp(&mut self, value: Arc<T>, weight: usize) -> Stamped<T> {
        self.last_stamp += 1;
        Stamped { value, weight, stamp: self.last_stamp }
    }

    #[inline]
    pub(crate) fn remove<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<(K, Arc<T>)> {
        let (key, entry) = self.entries.remove(hash, key)?;
        Some((key, self.departing(entry)))
    }

    /// Removes this very value, and not what has taken its place.
    pub(crate) fn remove_value<Q: Equivalent<K> + ?Sized>(
        &mut self,
        hash: u64,
        key: &Q,
        value: &Arc<T>,
    ) -> Option<(K, Arc<T>)> {
        let found = self.entries.peek(hash, key)?;
        Arc::ptr_eq(&found.stamped.value, value).then(|| self.remove(hash, key))?
    }

    /// Removes one arrival, and not what has taken its place.
    pub(crate) fn remove_stamp(&mut self, hash: u64, key: &K, stamp: u64) -> Option<(K, Arc<T>)> {
        self.has(hash, key, stamp).then(|| self.remove(hash, key))?
    }

    pub(crate) fn drain(&mut self) -> Vec<(K, Arc<T>)> {
        let all: Vec<_> = self.entries.drain().collect();
        all.into_iter().map(|(key, entry)| (key, self.departing(entry))).collect()
    }

    /// The identity of a value that came from here: as it is kept, as handles hold it, or else a new one.
    pub(crate) fn identify(&mut self, hash: u64, key: &K, value: Arc<T>, weight: usize) -> Stamped<T> {
        if let Some(entry) = self.entries.peek(hash, key)
            && Arc::ptr_eq(&entry.stamped.value, &value)
        {
            return entry.stamped.clone();
        }
        let address = address(&value);
        match self.orphans.iter().find(|(_, orphan)| orphan.address == address) {
            Some((&stamp, orphan)) => Stamped { value, weight: orphan.weight, stamp },
            None => self.stamp(value, weight),
        }
    }

    /// A handle takes hold of a value. `false` where the value is not here (any more), so only handles keep it.
    pub(crate) fn hold(&mut self, hash: u64, key: &K, stamped: &Stamped<T>) -> bool {
        if let Some(entry) = self.arrival(hash, key, stamped.stamp) {
            entry.holders += 1;
            return true;
        }
        self.orphans.entry(stamped.stamp).or_insert_with(|| Orphan::new(stamped, 0)).holders += 1;
        false
    }

    /// A handle lets go of a value.
    pub(crate) fn release(&mut self, hash: u64, key: &K, stamp: u64) {
        if let Some(entry) = self.arrival(hash, key, stamp) {
            entry.holders -= 1;
        } else if let Slot::Occupied(mut orphan) = self.orphans.entry(stamp) {
            orphan.get_mut().holders -= 1;
            if orphan.get().holders == 0 {
                orphan.remove();
            }
        }
    }

    /// Whether this arrival is still here.
    pub(crate) fn has(&self, hash: u64, key: &K, stamp: u64) -> bool {
        self.entries.peek(hash, key).is_some_and(|entry| entry.stamped.stamp == stamp)
    }

    /// Marks as used last without counting a hit.
    pub(crate) fn touch(&mut self, hash: u64, key: &K) {
        self.entries.get(hash, key);
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

    fn arrival(&mut self, hash: u64, key: &K, stamp: u64) -> Option<&mut Entry<T>> {
        self.entries.peek_mut(hash, key).filter(|entry| entry.stamped.stamp == stamp)
    }

    #[inline]
    fn weight_of_oldest(&self) -> usize {
        self.entries.oldest().map_or(0, |entry| entry.stamped.weight)
    }

    #[inline]
    fn evicted(&mut self, (key, entry): (K, Entry<T>)) -> (K, Arc<T>) {
        self.tally.evictions += 1;
        (key, self.departing(entry))
    }

    #[inline]
    fn departing(&mut self, entry: Entry<T>) -> Arc<T> {
        let Entry { stamped, holders } = entry;
        self.bytes -= stamped.weight;
        self.tally.departures += 1;
        if holders > 0 {
            self.orphans.insert(stamped.stamp, Orphan::new(&stamped, holders));
        }
        stamped.value
    }
}
