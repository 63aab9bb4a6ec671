//! A hash table whose entries are linked in the order of their last use.

use hashbrown::{Equivalent, HashTable};

/// A map that knows which of its entries was used longest ago. Callers hash keys, once per operation and outside of any
/// lock; the same key must always come with the same hash.
///
/// Nodes lie side by side in one vector and their links in another; both name each other by position, so that the code
/// is safe, an entry costs no allocation of its own, the node of what is evicted is the node of what comes, and a
/// change of order touches eight bytes a neighbour. Each node remembers its hash, so that finding a node to unlink
/// compares positions, not keys.
pub(crate) struct Recency<K, V> {
    positions: HashTable<u32>,
    /// The node at position `p` is `nodes[p - 1]`.
    nodes: Vec<Node<K, V>>,
    /// The links of position `p` are `links[p]`. At [`ENDS`] the circle closes: its `older` is the newest node and its
    /// `newer` the oldest, or itself where there are none.
    links: Vec<Link>,
}

pub(crate) struct Node<K, V> {
    key: K,
    value: V,
    hash: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Link {
    newer: u32,
    older: u32,
}

/// The position of no node.
const ENDS: u32 = 0;

/// So few places that giving them back is not worth the trouble.
const LEAST_CAPACITY: usize = 16;

/// As many entries as positions can name.
pub(crate) const MAX_ENTRIES: usize = u32::MAX as usize;

impl<K: Eq, V> Recency<K, V> {
    pub(crate) fn new() -> Self {
        let alone = Link { newer: ENDS, older: ENDS };
        Self { positions: HashTable::new(), nodes: Vec::new(), links: vec![alone] }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Finds an entry and makes it the newest.
    #[inline]
    pub(crate) fn get<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&V> {
        let at = self.find(hash, key)?;
        if at != self.newest() {
            self.unlink(at);
            self.link_newest(at);
        }
        Some(&self.node(at).value)
    }

    /// Finds an entry and leaves the order alone.
    pub(crate) fn peek<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<&V> {
        let at = self.find(hash, key)?;
        Some(&self.node(at).value)
    }

    /// As [`peek`](Self::peek), to change the entry.
    pub(crate) fn peek_mut<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&mut V> {
        let at = self.find(hash, key)?;
        Some(&mut self.node_mut(at).value)
    }

    #[inline]
    pub(crate) fn remove<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<(K, V)> {
        let at = self.find(hash, key)?;
        Some(self.take(at))
    }

    /// The entry that would go first.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<&V> {
        match self.oldest_position() {
            ENDS => None,
            at => Some(&self.node(at).value),
        }
    }

    #[inline]
    pub(crate) fn pop_oldest(&mut self) -> Option<(K, V)> {
        match self.oldest_position() {
            ENDS => None,
            at => Some(self.take(at)),
        }
    }

    /// Adds an entry as the newest. Its key must not be there, and there must be room ([`MAX_ENTRIES`]).
    #[inline]
    pub(crate) fn push(&mut self, hash: u64, key: K, value: V) {
        debug_assert!(self.peek(hash, &key).is_none() && self.nodes.len() < MAX_ENTRIES);
        self.nodes.push(Node { key, value, hash });
        self.links.push(Link { newer: ENDS, older: ENDS });
        self.enter(self.nodes.len() as u32, hash);
    }

    /// Adds an entry as the newest in the node of the oldest, which it returns. The key must not be there.
    ///
    /// # Panics
    /// If the map is empty.
    #[inline]
    pub(crate) fn replace_oldest(&mut self, hash: u64, key: K, value: V) -> (K, V) {
        debug_assert!(self.peek(hash, &key).is_none());
        let at = self.oldest_position();
        self.leave(at);
        let old = std::mem::replace(self.node_mut(at), Node { key, value, hash });
        self.enter(at, hash);
        (old.key, old.value)
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
        self.positions.find(hash, |&at| key.equivalent(&self.node(at).key)).copied()
    }

    #[inline]
    fn node(&self, at: u32) -> &Node<K, V> {
        &self.nodes[at as usize - 1]
    }

    #[inline]
    fn node_mut(&mut self, at: u32) -> &mut Node<K, V> {
        &mut self.nodes[at as usize - 1]
    }

    #[inline]
    fn newest(&self) -> u32 {
        self.links[ENDS as usize].older
    }

    #[inline]
    fn oldest_position(&self) -> u32 {
        self.links[ENDS as usize].newer
    }

    /// Takes a node out; the last node moves to its position.
    #[inline]
    fn take(&mut self, at: u32) -> (K, V) {
        self.leave(at);
        let last = self.nodes.len() as u32;
        if at != last {
            self.rename(last, at);
        }
        let node = self.nodes.swap_remove(at as usize - 1);
        self.links.swap_remove(at as usize);
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
            self.links.shrink_to(1 + len + len / 2);
            let nodes = &self.nodes;
            self.positions.shrink_to(len, |&at| nodes[at as usize - 1].hash);
        }
    }

    /// Makes everything that names the position `from` name `to`.
    #[inline]
    fn rename(&mut self, from: u32, to: u32) {
        let hash = self.node(from).hash;
        if let Some(position) = self.positions.find_mut(hash, |&at| at == from) {
            *position = to;
        }
        let Link { newer, older } = self.links[from as usize];
        self.links[newer as usize].older = to;
        self.links[older as usize].newer = to;
    }

    /// Makes the node at `at`, whose hash is known, findable and the newest.
    #[inline]
    fn enter(&mut self, at: u32, hash: u64) {
        let nodes = &self.nodes;
        self.positions.insert_unique(hash, at, |&at| nodes[at as usize - 1].hash);
        self.link_newest(at);
    }

    /// The opposite: the node stays where it is and nothing leads to it.
    #[inline]
    fn leave(&mut self, at: u32) {
        let hash = self.node(at).hash;
        if let Ok(position) = self.positions.find_entry(hash, |&other| other == at) {
            position.remove();
        }
        self.unlink(at);
    }

    #[inline]
    fn link_newest(&mut self, at: u32) {
        let older = std::mem::replace(&mut self.links[ENDS as usize].older, at);
        self.links[older as usize].newer = at;
        self.links[at as usize] = Link { newer: ENDS, older };
    }

    #[inline]
    fn unlink(&mut self, at: u32) {
        let Link { newer, older } = self.links[at as usize];
        self.links[newer as usize].older = older;
        self.links[older as usize].newer = newer;
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
            let (mut newer, mut at) = (ENDS, self.newest());
            while at != ENDS {
                let (node, link) = (self.node(at), self.links[at as usize]);
                assert_eq!(link.newer, newer, "the links of one node disagree");
                assert_eq!(node.hash, hash(node.key));
                assert_eq!(self.find(node.hash, &node.key), Some(at));
                keys.push(&node.key);
                (newer, at) = (at, link.older);
            }
            assert_eq!(self.oldest_position(), newer);
            assert_eq!((keys.len(), self.positions.len()), (self.nodes.len(), self.nodes.len()));
            assert_eq!(self.links.len(), self.nodes.len() + 1);
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
