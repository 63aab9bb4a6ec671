//! The single-threaded heart: an LRU that counts bytes and knows what handles hold.

use std::num::NonZeroUsize;
use std::sync::Arc;

use hashbrown::hash_map::Entry as Slot;
use hashbrown::{Equivalent, HashMap, HashSet};
use lru::LruCache;
use smallvec::SmallVec;

use crate::Limits;
use crate::hashed::{Asked, Hashed, Known, Lookup};

/// Entries in the order of their last use, within both limits at every return.
///
/// The order is `lru`'s; what to evict is decided here, since it is bytes that count. It calls nothing of the user's but
/// `Eq` of keys, and it hands out what it drops, so that no destructor runs while its owner holds a lock.
pub(crate) struct Shelf<K, T: ?Sized> {
    entries: LruCache<Hashed<K>, Weighed<T>, Known>,
    /// The most entries since the table was last cut down.
    most_entries: usize,
    limits: Limits,
    bytes: usize,
    /// What handles hold, by where it lies, which is its own for as long as they do.
    held: HashMap<usize, Held>,
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

/// A value with what it weighs together with its key.
pub(crate) struct Weighed<T: ?Sized> {
    pub(crate) value: Arc<T>,
    pub(crate) weight: usize,
}

impl<T: ?Sized> Weighed<T> {
    fn address(&self) -> usize {
        Arc::as_ptr(&self.value).cast::<()>().addr()
    }
}

impl<T: ?Sized> Clone for Weighed<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), weight: self.weight }
    }
}

/// What some handles hold, each value once.
struct Held {
    weight: usize,
    handles: usize,
}

/// What left or was not kept, whole as it was, for the owner to drop. Mostly few entries, so mostly no allocation.
pub(crate) type Departed<K, T> = SmallVec<[(Hashed<K>, Weighed<T>); 4]>;

/// A table of so few entries is not worth cutting down.
const FEW_ENTRIES: usize = 16;

/// Bytes of an entry beside what its value and its key's heap take: `lru`'s node, with its two links and in an allocation of
/// its own; the counts of the `Arc`; and the places in `lru`'s table, each two pointers and a byte. The table is 7/8
/// full at most, doubles as it grows, and is cut down once half of its entries have gone.
pub(crate) const fn overhead<K, T: ?Sized>() -> usize {
    let pointer = size_of::<usize>();
    let node = size_of::<(Hashed<K>, Weighed<T>)>() + 2 * pointer;
    let places = (2 * 2 * 8 * (2 * pointer + 1)).div_ceil(7);
    let counts_of_the_arc = 2 * pointer;
    let allocator = 2 * 16;
    node + places + counts_of_the_arc + allocator
}

impl<K: Eq, T: ?Sized> Shelf<K, T> {
    /// Limits are checked by the caller.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            entries: LruCache::unbounded_with_hasher(Known::default()),
            most_entries: 0,
            limits,
            bytes: 0,
            held: HashMap::new(),
            tally: Tally::default(),
        }
    }

    /// Looks up and marks as used last.
    #[inline]
    pub(crate) fn get<Q: Equivalent<K> + ?Sized>(&mut self, asked: Asked<'_, Q>) -> Option<&Weighed<T>> {
        let found = self.entries.get(&asked as &dyn Lookup<K>);
        match found {
            Some(_) => self.tally.hits += 1,
            None => self.tally.misses += 1,
        }
        found
    }

    /// As [`get`](Self::get), but counts no miss.
    #[inline]
    pub(crate) fn get_kept<Q: Equivalent<K> + ?Sized>(&mut self, asked: Asked<'_, Q>) -> Option<&Weighed<T>> {
        let found = self.entries.get(&asked as &dyn Lookup<K>)?;
        self.tally.hits += 1;
        Some(found)
    }

    /// Looks up and leaves no trace.
    #[inline]
    pub(crate) fn peek<Q: Equivalent<K> + ?Sized>(&self, asked: Asked<'_, Q>) -> Option<&Weighed<T>> {
        self.entries.peek(&asked as &dyn Lookup<K>)
    }

    /// Takes a value in as used last, evicting from the other end until it fits. `false` and not kept where it alone
    /// exceeds the budget. An older value of the key leaves in either case.
    #[inline]
    pub(crate) fn put(&mut self, key: Hashed<K>, weighed: Weighed<T>, departed: &mut Departed<K, T>) -> bool {
        let weight = weighed.weight;
        let Some(spare) = self.limits.max_bytes.checked_sub(weight) else {
            self.reject(key, weighed, departed);
            return false;
        };
        // What `lru` gives back is the older value of this very key: one search says whether there is one.
        if let Some(older) = self.entries.push(key, weighed) {
            self.departs(&older.1);
            departed.push(older);
        }
        // The newcomer is not in `bytes` yet, and it stands at the other end: only others can go.
        while self.bytes > spare || self.entries.len() > self.limits.max_entries {
            let Some(oldest) = self.entries.pop_lru() else { break };
            self.tally.evictions += 1;
            self.departs(&oldest.1);
            departed.push(oldest);
        }
        self.bytes += weight;
        self.tally.peak_bytes = self.tally.peak_bytes.max(self.bytes);
        self.most_entries = self.most_entries.max(self.entries.len());
        self.cut_down();
        true
    }

    #[cold]
    fn reject(&mut self, key: Hashed<K>, weighed: Weighed<T>, departed: &mut Departed<K, T>) {
        departed.extend(self.remove(key.ask()));
        self.tally.rejections += 1;
        departed.push((key, weighed));
    }

    pub(crate) fn remove<Q: Equivalent<K> + ?Sized>(
        &mut self,
        asked: Asked<'_, Q>,
    ) -> Option<(Hashed<K>, Weighed<T>)> {
        let removed = self.entries.pop_entry(&asked as &dyn Lookup<K>)?;
        self.cut_down();
        self.departs(&removed.1);
        Some(removed)
    }

    /// Removes this very value, and not what has taken its place.
    pub(crate) fn remove_value<Q: Equivalent<K> + ?Sized>(
        &mut self,
        asked: Asked<'_, Q>,
        value: &Arc<T>,
    ) -> Option<(Hashed<K>, Weighed<T>)> {
        self.has(asked, value).then(|| self.remove(asked))?
    }

    pub(crate) fn drain(&mut self) -> Vec<(Hashed<K>, Weighed<T>)> {
        let mut all = Vec::with_capacity(self.entries.len());
        while let Some(oldest) = self.entries.pop_lru() {
            self.departs(&oldest.1);
            all.push(oldest);
        }
        self.cut_down();
        all
    }

    /// A handle takes hold of a value, be it kept here or not.
    pub(crate) fn hold(&mut self, weighed: &Weighed<T>) {
        let new = Held { weight: weighed.weight, handles: 0 };
        self.held.entry(weighed.address()).or_insert(new).handles += 1;
    }

    /// A handle lets go of a value.
    pub(crate) fn release(&mut self, weighed: &Weighed<T>) {
        if let Slot::Occupied(mut held) = self.held.entry(weighed.address()) {
            held.get_mut().handles -= 1;
            if held.get().handles == 0 {
                held.remove();
            }
        }
    }

    /// Whether this very value is kept under the key.
    pub(crate) fn has<Q: Equivalent<K> + ?Sized>(&self, asked: Asked<'_, Q>, value: &Arc<T>) -> bool {
        self.peek(asked).is_some_and(|found| Arc::ptr_eq(&found.value, value))
    }

    /// Marks as used last without counting a hit.
    pub(crate) fn touch(&mut self, asked: Asked<'_, K>) {
        self.entries.promote(&asked as &dyn Lookup<K>);
    }

    /// From the one used last to the one that goes first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Hashed<K>, &Weighed<T>)> {
        self.entries.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of values that handles hold and that are kept here under no key. O(entries) while handles hold any.
    pub(crate) fn pinned_bytes(&self) -> usize {
        if self.held.is_empty() {
            return 0;
        }
        let kept: HashSet<usize> = self.iter().map(|(_, weighed)| weighed.address()).collect();
        let pinned = self.held.iter().filter(|(address, _)| !kept.contains(*address));
        pinned.fold(0, |sum, (_, held)| sum.saturating_add(held.weight))
    }

    /// Takes an entry that is out of the table out of the books.
    #[inline]
    fn departs(&mut self, weighed: &Weighed<T>) {
        self.bytes -= weighed.weight;
        self.tally.departures += 1;
    }

    /// Gives memory back as entries go: what many small entries needed must not stand beside the budget that a few
    /// large ones fill. `lru` cuts its table down when its capacity changes, of which no other use is made.
    #[inline]
    fn cut_down(&mut self) {
        if self.most_entries > (2 * self.entries.len()).max(FEW_ENTRIES) {
            self.most_entries = self.entries.len();
            let other = if self.entries.cap() == UNBOUNDED { BARELY_BOUNDED } else { UNBOUNDED };
            self.entries.resize(other);
        }
    }
}

/// Capacities that no number of entries reaches.
const UNBOUNDED: NonZeroUsize = NonZeroUsize::MAX;
const BARELY_BOUNDED: NonZeroUsize = NonZeroUsize::new(usize::MAX - 1).expect("not 0");

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 60, max_entries: 8 };

    /// So bad that most keys collide.
    fn hashed(key: u32) -> Hashed<u32> {
        Hashed { hash: u64::from(key % 3) << 60, key }
    }

    /// What leaves when a key comes with a weight, by searching a list, oldest first.
    fn put_naively(naive: &mut Vec<(u32, usize)>, key: u32, weight: usize) -> Vec<u32> {
        let mut departed: Vec<u32> =
            naive.extract_if(.., |entry| entry.0 == key).map(|entry| entry.0).collect();
        if weight > LIMITS.max_bytes {
            departed.push(key);
            return departed;
        }
        naive.push((key, weight));
        while naive.iter().map(|entry| entry.1).sum::<usize>() > LIMITS.max_bytes
            || naive.len() > LIMITS.max_entries
        {
            departed.push(naive.remove(0).0);
        }
        departed
    }

    #[test]
    fn order_bytes_and_what_is_handed_out_are_those_of_a_list_after_every_operation() {
        let (mut shelf, mut naive) = (Shelf::<u32, u32>::new(LIMITS), Vec::<(u32, usize)>::new());
        let mut random = 1u32;
        for _ in 0..if cfg!(miri) { 300 } else { 20_000 } {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (key, operation, weight) =
                (hashed((random >> 8) % 12), (random >> 20) % 16, (random >> 24) as usize % 64);
            let known = naive.iter().position(|entry| entry.0 == key.key);
            match operation {
                0 => assert_eq!(shelf.drain().len(), std::mem::take(&mut naive).len()),
                1..4 => {
                    let removed = known.map(|at| naive.remove(at).0);
                    assert_eq!(shelf.remove(key.ask()).map(|(key, _)| key.key), removed);
                }
                4..8 => {
                    let found = shelf.get(key.ask()).map(|found| *found.value);
                    assert_eq!(found, known.map(|_| key.key * 10));
                    known.into_iter().for_each(|at| naive[at..].rotate_left(1));
                }
                _ => {
                    let (mut departed, naive_departed) =
                        (Departed::new(), put_naively(&mut naive, key.key, weight));
                    let weighed = Weighed { value: Arc::new(key.key * 10), weight };
                    assert_eq!(shelf.put(key, weighed, &mut departed), weight <= LIMITS.max_bytes);
                    assert_eq!(departed.iter().map(|(key, _)| key.key).collect::<Vec<_>>(), naive_departed);
                }
            }
            let oldest_last = shelf.iter().map(|(key, found)| (key.key, found.weight));
            assert!(oldest_last.eq(naive.iter().rev().copied()));
            assert_eq!(shelf.bytes(), naive.iter().map(|entry| entry.1).sum::<usize>());
        }
    }
}
