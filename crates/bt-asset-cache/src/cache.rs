use std::sync::Arc;

use bt_cache::{Cache, CacheStats, Handle, Limits};
use bt_core::{AssetList, Bundle, BundleName, BundleVersion, Error, Result, Timestamp};

use crate::GroupedBars;

/// Grouped bars by version: an LRU bounded by bytes. What it returns for a version is the bundle with that version.
///
/// # Memory
/// The sum of its bundles' [`heap_bytes`](Bundle::heap_bytes), plus 200 to 300 bytes for each, never more than its
/// limit. The bars that a [slice](GroupedBars::slice) shares are counted once, with the bundle that owns them; that one
/// is kept for as long as a slice of it is, and an access to the slice counts as one to both.
#[derive(Debug, Clone)]
pub struct GroupedCache(Arc<Cache<BundleVersion, GroupedBars>>);

impl GroupedCache {
    /// The default limit: 2 GiB.
    pub const DEFAULT_MAX_BYTES: usize = if usize::BITS > 32 { 2 << 30 } else { 1 << 30 };

    /// An empty cache that keeps up to `max_bytes`.
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) for a limit of 0.
    pub fn new(max_bytes: usize) -> Result<Self> {
        Self::with_limits(Limits { max_bytes, max_entries: usize::MAX })
    }

    /// An empty cache that keeps so many bytes and so many bundles, each with its asset list.
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) for a limit of 0.
    pub fn with_limits(limits: Limits) -> Result<Self> {
        let weigh = |_: &BundleVersion, bars: &GroupedBars| size_of::<GroupedBars>() + bars.heap_bytes();
        Cache::new(limits, weigh).map(|cache| Self(Arc::new(cache)))
    }

    /// The bundle with this version, if it is kept.
    #[inline]
    pub fn get(&self, version: &BundleVersion) -> Option<Arc<GroupedBars>> {
        let found = self.0.get(version)?;
        match found.whole() {
            None => Some(found),
            Some(whole) => {
                self.keep_whole(whole, version);
                Some(found)
            }
        }
    }

    /// The bundle with this version, loaded once, however many threads ask for it.
    ///
    /// # Errors
    /// The loader's own; [`Corrupt`](bt_core::ErrorKind::Corrupt) where the loader gives another version. Nothing is kept
    /// then, and the next access tries again.
    pub fn get_or_load(
        &self,
        version: &BundleVersion,
        load: impl FnOnce() -> Result<Arc<GroupedBars>>,
    ) -> Result<Arc<GroupedBars>> {
        let found = self.0.get_or_load(version, || {
            let loaded = load()?;
            match loaded.version() {
                found if found == *version => Ok(loaded),
                found => Err(Error::corrupt(format!("bundle {version}"), format!("its loader gave {found}"))),
            }
        })?;
        if let Some(whole) = found.whole() {
            self.keep_whole(whole, version);
        }
        Ok(found)
    }

    /// A [slice](GroupedBars::slice) of a bundle, made once. The bundle itself is kept too.
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where `until` is not later than `after`.
    pub fn get_or_slice(
        &self,
        bars: &Arc<GroupedBars>,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Arc<GroupedBars>> {
        let version = GroupedBars::slice_version(bars.version(), after, until);
        let slice = self.0.get_or_load(&version, || bars.slice(after, until).map(Arc::new))?;
        self.keep_whole(bars.whole().unwrap_or(bars), &version);
        Ok(slice)
    }

    /// Keeps a bundle under its version. Returns false, and keeps nothing, where it is larger than the limit.
    pub fn insert(&self, bars: Arc<GroupedBars>) -> bool {
        let version = bars.version();
        let whole = bars.whole().cloned();
        let kept = self.0.insert(version, bars);
        whole.map_or(kept, |whole| kept && self.keep_whole(&whole, &version))
    }

    /// Drops a version and the slices of it; those who hold them go on with them.
    pub fn remove(&self, version: &BundleVersion) -> Option<Arc<GroupedBars>> {
        let removed = self.0.remove(version)?;
        if removed.whole().is_none() {
            self.0.retain(|_, bars| bars.whole().is_none_or(|whole| whole.version() != *version));
        }
        Some(removed)
    }

    /// Drops everything.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Hits, misses, loads and bytes so far.
    pub fn stats(&self) -> CacheStats {
        self.0.stats()
    }

    /// A worker's own reader, whose hits touch nothing that other workers write. Refresh it once per trial.
    pub fn handle(&self) -> GroupedHandle {
        GroupedHandle { held: self.0.handle(), slices: Vec::new(), cache: self.clone() }
    }

    pub(crate) fn keeps(&self, version: &BundleVersion) -> bool {
        self.0.peek(version).is_some()
    }

    /// Makes the owner of a slice's memory the one used last, so that the slice goes before it does. Whether it is kept.
    fn keep_whole(&self, whole: &Arc<GroupedBars>, slice: &BundleVersion) -> bool {
        let version = whole.version();
        let kept = self.0.get(&version).is_some() || self.0.insert(version, Arc::clone(whole));
        if !kept {
            // Memory that is not counted must not be held.
            self.0.remove(slice);
        }
        kept
    }
}

/// One worker's reader of a [`GroupedCache`]: a [`Handle`] that also holds the owners of the slices which it holds.
///
/// So the bars under a slice are counted for as long as a worker reads them, and a refresh counts as an access to slice
/// and owner: what workers read all the time is not what the cache lets go first.
#[derive(Debug)]
pub struct GroupedHandle {
    held: Handle<BundleVersion, GroupedBars>,
    slices: Vec<BundleVersion>,
    cache: GroupedCache,
}

impl GroupedHandle {
    /// What this handle holds under the version; it does not ask the cache. A lookup in a table of its own.
    #[inline]
    pub fn get(&self, version: &BundleVersion) -> Option<&GroupedBars> {
        self.held.get(version)
    }

    /// As [`get`](Self::get), to keep beyond the handle. Costs a count of references.
    pub fn get_arc(&self, version: &BundleVersion) -> Option<Arc<GroupedBars>> {
        self.held.get_arc(version)
    }

    /// What this handle holds, else what the cache keeps, else what the loader makes, which the handle then holds.
    ///
    /// # Errors
    /// As [`GroupedCache::get_or_load`].
    pub fn get_or_load(
        &mut self,
        version: &BundleVersion,
        load: impl FnOnce() -> Result<Arc<GroupedBars>>,
    ) -> Result<&GroupedBars> {
        if self.held.contains(version) {
            return self.held.get_or_load(version, load);
        }
        let bars = self.cache.get_or_load(version, load)?;
        Ok(self.hold(bars))
    }

    /// A slice of a bundle: what this handle holds, else what the cache keeps, else made now; see
    /// [`GroupedCache::get_or_slice`].
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where `until` is not later than `after`.
    pub fn get_or_slice(
        &mut self,
        bars: &Arc<GroupedBars>,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<&GroupedBars> {
        let version = GroupedBars::slice_version(bars.version(), after, until);
        if self.held.contains(&version) {
            return self.held.get_or_load(&version, || bars.slice(after, until).map(Arc::new));
        }
        let slice = self.cache.get_or_slice(bars, after, until)?;
        Ok(self.hold(slice))
    }

    /// Starts the next trial: drops what has left the cache, hands over the count of hits, and marks the slices that are
    /// held and their owners as used. O(slices held) where nothing left the cache.
    pub fn refresh(&mut self) {
        self.held.refresh();
        let Self { held, slices, cache } = self;
        slices.retain(|slice| held.contains(slice) && cache.get(slice).is_some());
    }

    /// Number of bundles held, slices and their owners.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The cache that this handle reads.
    pub fn cache(&self) -> &GroupedCache {
        &self.cache
    }

    fn hold(&mut self, bars: Arc<GroupedBars>) -> &GroupedBars {
        let version = bars.version();
        if let Some(whole) = bars.whole() {
            if !self.held.contains(&whole.version()) {
                self.held.hold(&whole.version(), Arc::clone(whole));
            }
            self.slices.push(version);
        }
        self.held.hold(&version, bars)
    }
}

impl Default for GroupedCache {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_BYTES).unwrap_or_else(|_| unreachable!("the default limit is not 0"))
    }
}

/// What an asset list is kept under.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AssetListKey {
    /// The bundle's name.
    pub name: BundleName,
    /// The bundle's version.
    pub version: BundleVersion,
}

/// Asset lists by name and version of their bundle: an LRU of 128 by default.
///
/// For those whose bundles are dear to open but whose lists are asked for often; an open bundle has its list at hand.
///
/// # Memory
/// The sum of its lists' [`heap_bytes`](AssetList::heap_bytes), plus about 400 bytes for each: never more than
/// [`MAX_BYTES`](Self::MAX_BYTES), and never more lists than its limit.
#[derive(Debug, Clone)]
pub struct AssetListCache(Arc<Cache<AssetListKey, AssetList>>);

impl AssetListCache {
    /// The default number of lists.
    pub const DEFAULT_MAX_ENTRIES: usize = 128;
    /// The bound on the bytes of all lists: 256 MiB, some twenty million names.
    pub const MAX_BYTES: usize = 256 << 20;

    /// An empty cache that keeps up to `max_entries` lists.
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) for a limit of 0.
    pub fn new(max_entries: usize) -> Result<Self> {
        let limits = Limits { max_bytes: Self::MAX_BYTES, max_entries };
        let weigh = |key: &AssetListKey, list: &AssetList| {
            key.name.as_str().len() + size_of::<AssetList>() + list.heap_bytes()
        };
        Cache::new(limits, weigh).map(|cache| Self(Arc::new(cache)))
    }

    /// The list, if it is kept.
    #[inline]
    pub fn get(&self, key: &AssetListKey) -> Option<Arc<AssetList>> {
        self.0.get(key)
    }

    /// The list, extracted once, however many threads ask for it.
    ///
    /// # Errors
    /// The loader's own; [`Corrupt`](bt_core::ErrorKind::Corrupt) where the loader gives a list of another version.
    /// Nothing is kept then, and the next access tries again.
    pub fn get_or_load(
        &self,
        key: &AssetListKey,
        extract: impl FnOnce() -> Result<Arc<AssetList>>,
    ) -> Result<Arc<AssetList>> {
        self.0.get_or_load(key, || {
            let list = extract()?;
            match list.version() {
                found if found == key.version => Ok(list),
                found => Err(Error::corrupt(
                    format!("asset list of {} {}", key.name, key.version),
                    format!("its loader gave one of version {found}"),
                )),
            }
        })
    }

    /// Drops a list; those who hold it go on with it.
    pub fn remove(&self, key: &AssetListKey) -> Option<Arc<AssetList>> {
        self.0.remove(key)
    }

    /// Drops everything.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Hits, misses, loads and bytes so far.
    pub fn stats(&self) -> CacheStats {
        self.0.stats()
    }

    /// A worker's own reader, whose hits touch nothing that other workers write. Refresh it once per trial.
    pub fn handle(&self) -> Handle<AssetListKey, AssetList> {
        self.0.handle()
    }
}

impl Default for AssetListCache {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_ENTRIES).unwrap_or_else(|_| unreachable!("the default limit is not 0"))
    }
}
