use std::fmt;
use std::hash::{Hash, Hasher};

use bt_cache::Equivalent;
use bt_core::{BundleName, BundleVersion};

/// What the pool keeps a bundle under: the current version of a name, or one version of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PoolKey {
    pub(crate) name: BundleName,
    pub(crate) version: Option<BundleVersion>,
}

/// [`PoolKey`] of a name's current version, borrowed: asking with it clones no name.
#[derive(Clone, Copy)]
pub(crate) struct Current<'a>(pub(crate) &'a BundleName);

/// [`PoolKey`] of one version of a name, borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Pinned<'a>(pub(crate) &'a BundleName, pub(crate) BundleVersion);

impl From<Current<'_>> for PoolKey {
    fn from(Current(name): Current<'_>) -> Self {
        Self { name: name.clone(), version: None }
    }
}

impl From<Pinned<'_>> for PoolKey {
    fn from(Pinned(name, version): Pinned<'_>) -> Self {
        Self { name: name.clone(), version: Some(version) }
    }
}

impl Equivalent<PoolKey> for Current<'_> {
    #[inline]
    fn equivalent(&self, key: &PoolKey) -> bool {
        key.version.is_none() && key.name == *self.0
    }
}

impl Equivalent<PoolKey> for Pinned<'_> {
    #[inline]
    fn equivalent(&self, key: &PoolKey) -> bool {
        key.version == Some(self.1) && key.name == *self.0
    }
}

// The borrowed forms must hash as the owned one does, so all three go through one function.
#[inline]
fn hash(name: &BundleName, version: Option<&BundleVersion>, state: &mut impl Hasher) {
    name.hash(state);
    if let Some(version) = version {
        // A content digest: any bytes of it are as good as a hash of all.
        state.write_u32(version.tag());
    }
}

impl Hash for PoolKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.name, self.version.as_ref(), state);
    }
}

impl Hash for Current<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.0, None, state);
    }
}

impl Hash for Pinned<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.0, Some(&self.1), state);
    }
}

impl fmt::Debug for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bundle {}", self.name)?;
        self.version.map_or(Ok(()), |version| write!(f, " at version {version}"))
    }
}
