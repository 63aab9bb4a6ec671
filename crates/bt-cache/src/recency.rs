//! A hash table whose entries are linked in the order of their last use.

use hashbrown::{Equivalent, HashTable};

/// A map that knows which of its entries was used longest ago. Callers hash keys, once per operation and outside of any
/// lock; the same key must always come with the same hash.
///
/// Nodes lie side by side in one vector and name each other by position, so that the code is safe, an entry costs no
/// allocation of its own, and the node of what is evicted is the node of what comes. Each node remembers its hash, so
/// that finding a node to unlink compares positions, not keys.
pub(crate) struct Recency<K, V> {
    positions: HashTable<u32>,
    nodes: Vec<Node<K, V>>,
    newest: u32,
    oldest: u32,
}

pub(crate) struct Node<K, V> {
    key: K,
    value: V,
    hash: u64,
    newer: u32,
    older: u32,
}

/// No position: at both ends of the order.
const NONE: u32 = u32::MAX;

/// So few places that giving them back is not worth the trouble.
const LEAST_CAPACITY: usize = 16;

/// As many entries as positions can name.
pub(crate) const MAX_ENTRIES: usize = NONE as usize;

impl<K: Eq, V> Recency<K, V> {
    pub(crate) fn new() -> Self {
        Self { positions: HashTable::new(), nodes: Vec::new(), newest: NONE, oldest: NONE }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Finds an entry and makes it the newest.
    #[inline]
    pub(crate) fn get<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&V> {
        let at = self.find(hash, key)?;
        if at != self.newest {
            self.unlink(at);
            self.link_newest(at);
        }
        Some(&self.nodes[at as usize].value)
    }

    /// Finds an entry and leaves the order alone.
    pub(crate) fn peek<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<&V> {
        let at = self.find(hash, key)?;
        Some(&self.nodes[at as usize].value)
    }

    /// As [`peek`](Self::peek), to change the entry.
    pub(crate) fn peek_mut<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&mut V> {
        let at = self.find(hash, key)?;
        Some(&mut self.nodes[at as usize].value)
    }

    #[inline]
    pub(crate) fn remove<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<(K, V)> {
        let at = self.find(hash, key)?;
        Some(self.take(at))
    }

    /// The entry that would go first.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<&V> {
        self.nodes.get(self.oldest as usize).map(|node| &node.value)
    }

    pub(crate) fn pop_oldest(&mut self) -> Option<(K, V)> {
        (self.oldest != NONE).then(|| self.take(self.oldest))
    }

    /// Adds an entry as the newest. Its key must not be there, and there must be room ([`MAX_ENTRIES`]).
    #[inline]
    pub(crate) fn push(&mut self, hash: u64, key: K, value: V) {
        debug_assert!(self.peek(hash, &key).is_none() && self.nodes.len() < MAX_ENTRIES);
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { key, value, hash, newer: NONE, older: NONE });
        self.enter(at, hash);
    }

    /// Adds an entry as the newest in the node of the oldest, which it returns. The key must not be there.
    ///
    /// # Panics
    /// If the map is empty.
    #[inline]
    pub(crate) fn replace_oldest(&mut self, hash: u64, key: K, value: V) -> (K, V) {
        debug_assert!(self.peek(hash, &key).is_none());
        let at = self.oldest;
        self.leave(at);
        let node = &mut self.nodes[at as usize];
        node.hash = hash;
        let key = std::mem::replace(&mut node.key, key);
        let value = std::mem::replace(&mut node.value, value);
        self.enter(at, hash);
        (key, value)
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.nodes.iter().map(|node| (&node.key, &node.value))
    }

    /// Takes everything out, and the memory with it.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (K, V)> {
        let all = std::mem::replace(self, Self::new());
        all.nodes.into_iter().map(|node| (node.key, node.value))
    }

    #[inline]
    fn find<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<u32> {
        self.positions.find(hash, |&at| key.equivalent(&self.nodes[at as usize].key)).copied()
    }

    /// Takes a node out; the last node moves to its position.
    fn take(&mut self, at: u32) -> (K, V) {
        self.leave(at);
        let last = self.nodes.len() as u32 - 1;
        if at != last {
            self.rename(last, at);
        }
        let node = self.nodes.swap_remove(at as usize);
        self.shrink();
        (node.key, node.value)
    }

    /// Gives memory back as entries go, as doubling takes it when they come: what many small entries needed must not
    /// stand beside the budget that a few large ones fill.
    #[inline]
    fn shrink(&mut self) {
        let len = self.nodes.len();
        if self.nodes.capacity() > (2 * len).max(LEAST_CAPACITY) {
            self.nodes.shrink_to(len + len / 2);
            let nodes = &self.nodes;
            self.positions.shrink_to(len, |&at| nodes[at as usize].hash);
        }
    }

    /// Makes everything that names the position `from` name `to`.
    fn rename(&mut self, from: u32, to: u32) {
        let Node { hash, newer, older, .. } = self.nodes[from as usize];
        if let Some(position) = self.positions.find_mut(hash, |&at| at == from) {
            *position = to;
        }
        *self.older_of(newer) = to;
        *self.newer_of(older) = to;
    }

    /// Makes the node at `at`, whose hash is known, findable and the newest.
    #[inline]
    fn enter(&mut self, at: u32, hash: u64) {
        let nodes = &self.nodes;
        self.positions.insert_unique(hash, at, |&at| nodes[at as usize].hash);
        self.link_newest(at);
    }

    /// The opposite: the node stays where it is and nothing leads to it.
    #[inline]
    fn leave(&mut self, at: u32) {
        if let Ok(position) = self.positions.find_entry(self.nodes[at as usize].hash, |&other| other == at) {
            position.remove();
        }
        self.unlink(at);
    }

    #[inline]
    fn link_newest(&mut self, at: u32) {
        let older = std::mem::replace(&mut self.newest, at);
        *self.newer_of(older) = at;
        let node = &mut self.nodes[at as usize];
        node.newer = NONE;
        node.older = older;
    }

    #[inline]
    fn unlink(&mut self, at: u32) {
        let Node { newer, older, .. } = self.nodes[at as usize];
        *self.older_of(newer) = older;
        *self.newer_of(older) = newer;
    }

    /// Where the node that is older than `at` is named; with no `at`, the newest of all.
    #[inline]
    fn older_of(&mut self, at: u32) -> &mut u32 {
        self.nodes.get_mut(at as usize).map_or(&mut self.newest, |node| &mut node.older)
    }

    /// Where the node that is newer than `at` is named; with no `at`, the oldest of all.
    #[inline]
    fn newer_of(&mut self, at: u32) -> &mut u32 {
        self.nodes.get_mut(at as usize).map_or(&mut self.oldest, |node| &mut node.newer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So bad that most keys collide.
    fn hash(key: u32) -> u64 {
        u64::from(key % 3) << 60
    }

    impl<V> Recency<u32, V> {
        /// Checks that table, links and nodes agree; returns the keys, newest first.
        fn validate(&self) -> Vec<&u32> {
            let mut keys = Vec::new();
            let (mut newer, mut at) = (NONE, self.newest);
            while at != NONE {
                let node = &self.nodes[at as usize];
                assert_eq!(node.newer, newer, "the links of one node disagree");
                assert_eq!(node.hash, hash(node.key));
                assert_eq!(self.find(node.hash, &node.key), Some(at));
                keys.push(&node.key);
                (newer, at) = (at, node.older);
            }
            assert_eq!(self.oldest, newer);
            assert_eq!((keys.len(), self.positions.len()), (self.nodes.len(), self.nodes.len()));
            assert!(
                self.nodes.capacity() <= (2 * keys.len()).max(LEAST_CAPACITY),
                "memory is not given back"
            );
            keys
        }
    }

    #[test]
    fn memory_is_given_back_as_entries_go() {
        let (mut map, most) = (Recency::new(), if cfg!(miri) { 60 } else { 1000 });
        for key in 0..most {
            map.push(hash(key), key, ());
            assert_eq!(map.validate().len(), key as usize + 1);
        }
        for key in (0..most).step_by(2).chain((1..most).step_by(2)) {
            map.remove(hash(key), &key);
            map.validate();
        }
        assert!(map.positions.capacity() <= LEAST_CAPACITY);
    }

    #[test]
    fn links_table_and_nodes_agree_after_every_operation() {
        let (mut map, mut naive) = (Recency::new(), Vec::<u32>::new());
        let mut random = 1u32;
        for _ in 0..if cfg!(miri) { 300 } else { 20_000 } {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (key, operation) = ((random >> 8) % 12, (random >> 20) % 8);
            let known = naive.iter().position(|&other| other == key);
            match (operation, known) {
                (0, _) => assert_eq!(map.pop_oldest().map(|(key, _)| key), naive.pop()),
                (1, _) => assert_eq!(
                    map.remove(hash(key), &key).is_some(),
                    known.map(|at| naive.remove(at)).is_some()
                ),
                (2 | 3, Some(at)) => {
                    assert_eq!(map.get(hash(key), &key), Some(&(key * 10)));
                    naive.remove(at);
                    naive.insert(0, key);
                }
                (4, None) if !naive.is_empty() => {
                    assert_eq!(Some(map.replace_oldest(hash(key), key, key * 10).0), naive.pop());
                    naive.insert(0, key);
                }
                (5.., None) => {
                    map.push(hash(key), key, key * 10);
                    naive.insert(0, key);
                }
                _ => assert_eq!(map.peek(hash(key), &key).copied(), known.map(|_| key * 10)),
            }
            assert_eq!(map.validate(), naive.iter().collect::<Vec<_>>());
            assert_eq!(map.oldest().copied(), naive.last().map(|key| key * 10));
        }
        assert_eq!(map.drain().count(), naive.len());
        assert!(map.validate().is_empty());
    }
}
