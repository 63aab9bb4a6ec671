//! Keys with their hashes, so that a key is hashed once and outside the lock, however many tables it meets.

use std::borrow::Borrow;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use hashbrown::Equivalent;

/// A key as tables keep it.
#[derive(Clone)]
pub(crate) struct Hashed<K> {
    pub(crate) hash: u64,
    pub(crate) key: K,
}

/// A key, or a borrowed form of one, as tables are asked.
pub(crate) struct Asked<'a, Q: ?Sized> {
    pub(crate) hash: u64,
    pub(crate) key: &'a Q,
}

impl<K> Hashed<K> {
    #[inline]
    pub(crate) fn ask(&self) -> Asked<'_, K> {
        Asked { hash: self.hash, key: &self.key }
    }
}

impl<'a, Q: Hash + ?Sized> Asked<'a, Q> {
    #[inline]
    pub(crate) fn new(hasher: &impl BuildHasher, key: &'a Q) -> Self {
        Self { hash: hasher.hash_one(key), key }
    }
}

impl<K: Clone> Asked<'_, K> {
    pub(crate) fn to_owned(self) -> Hashed<K> {
        Hashed { hash: self.hash, key: self.key.clone() }
    }
}

impl<Q: ?Sized> Clone for Asked<'_, Q> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q: ?Sized> Copy for Asked<'_, Q> {}

/// Hashes what knows its hash.
pub(crate) type Known = BuildHasherDefault<KnownHasher>;

#[derive(Default)]
pub(crate) struct KnownHasher(u64);

impl Hasher for KnownHasher {
    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a known hash is one u64")
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

impl<K> Hash for Hashed<K> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K: Eq> PartialEq for Hashed<K> {
    /// The key to evict is compared with itself, which need not be read for that.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.key == other.key
    }
}

impl<K: Eq> Eq for Hashed<K> {}

impl<Q: ?Sized> Hash for Asked<'_, Q> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K, Q: Equivalent<K> + ?Sized> Equivalent<Hashed<K>> for Asked<'_, Q> {
    #[inline]
    fn equivalent(&self, kept: &Hashed<K>) -> bool {
        self.key.equivalent(&kept.key)
    }
}

/// Kept keys and asked ones seen as one type.
///
/// `lru` looks a key up by a type that the kept key can be borrowed as. A `PoolKey` cannot be borrowed as a pair of
/// references, but both can be seen through this trait.
pub(crate) trait Lookup<K> {
    fn hash(&self) -> u64;
    /// The key, if this is a kept one.
    fn kept(&self) -> Option<&Hashed<K>>;
    fn is(&self, kept: &Hashed<K>) -> bool;
}

impl<K: Eq> Lookup<K> for Hashed<K> {
    #[inline]
    fn hash(&self) -> u64 {
        self.hash
    }

    #[inline]
    fn kept(&self) -> Option<&Hashed<K>> {
        Some(self)
    }

    #[inline]
    fn is(&self, kept: &Hashed<K>) -> bool {
        self == kept
    }
}

impl<K, Q: Equivalent<K> + ?Sized> Lookup<K> for Asked<'_, Q> {
    #[inline]
    fn hash(&self) -> u64 {
        self.hash
    }

    #[inline]
    fn kept(&self) -> Option<&Hashed<K>> {
        None
    }

    #[inline]
    fn is(&self, kept: &Hashed<K>) -> bool {
        self.equivalent(kept)
    }
}

impl<'a, K: Eq + 'a> Borrow<dyn Lookup<K> + 'a> for Hashed<K> {
    #[inline]
    fn borrow(&self) -> &(dyn Lookup<K> + 'a) {
        self
    }
}

impl<K> Hash for dyn Lookup<K> + '_ {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Lookup::hash(self));
    }
}

impl<K> PartialEq for dyn Lookup<K> + '_ {
    /// A table compares what it is asked with what it keeps, so one of the two is kept.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self.kept(), other.kept()) {
            (_, Some(kept)) => self.is(kept),
            (Some(kept), None) => other.is(kept),
            (None, None) => false,
        }
    }
}

impl<K> Eq for dyn Lookup<K> + '_ {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_key_is_found_by_a_borrowed_form_whichever_side_it_stands_on() {
        let kept = Hashed { hash: 7, key: "AAPL".to_owned() };
        let asked = |key| Asked::<str> { hash: 7, key };
        let same = |one: &dyn Lookup<String>, other: &dyn Lookup<String>| one == other;
        for (question, found) in [(asked("AAPL"), true), (asked("IBM"), false)] {
            assert_eq!((same(&question, &kept), same(&kept, &question)), (found, found));
        }
        assert!(same(&kept, &kept) && same(&kept, &kept.clone()));
    }

    #[test]
    fn every_form_of_a_key_hashes_to_what_is_known() {
        let kept = Hashed { hash: 7, key: "AAPL".to_owned() };
        let asked = Asked { hash: 7, key: "AAPL" };
        let known = Known::default();
        assert_eq!((known.hash_one(&kept), known.hash_one(asked)), (7, 7));
        assert_eq!(known.hash_one(&kept as &dyn Lookup<String>), 7);
    }
}
