use std::sync::Arc;

use bt_cache::Handle;
use bt_core::{Bundle, BundleName, BundleSource, BundleVersion, Result};
use hashbrown::HashMap;

use crate::key::{Current, Pinned, PoolKey};
use crate::{BundlePool, VersionCheck};

/// One worker's reader of a [`BundlePool`]: references instead of counts, and one version of each bundle from a
/// [`refresh`](Self::refresh) to the next, whatever is published or evicted meanwhile. Refresh it once per trial.
///
/// # Memory
/// What it holds is bounded by the limits of the pool; what the pool has dropped and handles still hold is told as
/// `pinned_bytes`. Beside that it remembers the version of each name that was opened in this trial.
pub struct PoolHandle<S: BundleSource> {
    pool: Arc<BundlePool<S>>,
    held: Handle<PoolKey, S::Bundle>,
    /// What this trial has read, so that it reads the same again should the limits have pushed it out.
    seen: HashMap<BundleName, BundleVersion>,
}

impl<S: BundleSource> PoolHandle<S> {
    pub(crate) fn new(pool: Arc<BundlePool<S>>, held: Handle<PoolKey, S::Bundle>) -> Self {
        Self { pool, held, seen: HashMap::new() }
    }

    /// The bundle that this handle holds under the name.
    ///
    /// # Complexity
    /// One lookup in a hash table of this worker's own; no lock, no atomic, no count of references.
    #[inline]
    pub fn get(&self, name: &BundleName) -> Option<&S::Bundle> {
        self.held.get(&Current(name)).or_else(|| self.pushed_out(name))
    }

    /// The bundle's current version when this trial first asks for it, and that version until the next refresh.
    ///
    /// # Errors
    /// As [`BundlePool::get`].
    ///
    /// # Panics
    /// As [`BundlePool::get`].
    pub fn open(&mut self, name: &BundleName) -> Result<&S::Bundle> {
        match self.seen.get(name) {
            Some(&version) if !self.held.contains(&Current(name)) => return self.open_version(name, version),
            Some(_) => (),
            None => {
                let bundle = self.pool.get(name)?;
                self.seen.insert(name.clone(), bundle.version());
                self.held.hold(&Current(name).into(), bundle);
            }
        }
        Ok(self.held.get(&Current(name)).expect("it is held now"))
    }

    /// One version of a bundle.
    ///
    /// # Errors
    /// As [`BundlePool::open_version`].
    ///
    /// # Panics
    /// As [`BundlePool::open_version`].
    pub fn open_version(&mut self, name: &BundleName, version: BundleVersion) -> Result<&S::Bundle> {
        if !self.holds_version(name, version) {
            let bundle = self.pool.open_version(name, version)?;
            // Held under the key that the pool keeps it under, or else it would look like a value of our own.
            let key = match self.held.contains(&Current(name)) || !self.pool.is_current(name, &bundle) {
                true => Pinned(name, version).into(),
                false => Current(name).into(),
            };
            self.held.hold(&key, bundle);
        }
        let current = self.held.get(&Current(name)).filter(|bundle| bundle.version() == version);
        Ok(current.or_else(|| self.held.get(&Pinned(name, version))).expect("it is held now"))
    }

    /// Starts the next trial: looks for newer versions as the pool's options ask for, and lets go of what is old.
    ///
    /// A bundle whose version the source cannot tell is let go of as well, so that the next [`open`](Self::open) meets
    /// the error if it lasts.
    ///
    /// # Complexity
    /// A check for each held bundle that is due for one; else as [`Handle::refresh`].
    pub fn refresh(&mut self) {
        if self.pool.options().version_check != VersionCheck::Never {
            let current = self.held.keys().filter(|key| key.version.is_none());
            current.for_each(|key| self.pool.revalidate(&key.name));
        }
        self.held.refresh();
        self.seen.retain(|name, _| self.held.contains(&Current(name)));
    }

    /// The pool that this handle reads.
    pub fn pool(&self) -> &Arc<BundlePool<S>> {
        &self.pool
    }

    #[cold]
    fn pushed_out(&self, name: &BundleName) -> Option<&S::Bundle> {
        self.held.get(&Pinned(name, *self.seen.get(name)?))
    }

    fn holds_version(&self, name: &BundleName, version: BundleVersion) -> bool {
        self.held.contains(&Pinned(name, version))
            || self.held.get(&Current(name)).is_some_and(|bundle| bundle.version() == version)
    }
}

impl<S: BundleSource> std::fmt::Debug for PoolHandle<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PoolHandle").field("held", &self.held).finish_non_exhaustive()
    }
}
