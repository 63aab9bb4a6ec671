//! Tables under Layer 1: it holds the bars, and the pool only which version of each name is current.
//!
//! If the pool held bars as well, two limits would bound the same memory, and a limit of 2 GB would let 4 be used.

use std::sync::{Arc, Weak};

use bt_asset_cache::{Grouped, GroupedBars, GroupedCache, TableSource};
use bt_bundle_pool::{BundlePool, Invalidate, PoolOptions, PoolStats};
use bt_cache::{CacheStats, Limits};
use bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleName, BundleSource, BundleVersion, Calendar, ErrorKind,
    Frequency, Result,
};
use parking_lot::Mutex;

type Tables = Grouped<Arc<dyn TableSource>>;

/// How often a table may change while a trial starts on it before that is an error.
const ATTEMPTS: usize = 8;

/// Layer 1 over tables, and the pool that says which version of a name is current.
pub(crate) struct GroupedTables {
    pool: BundlePool<CurrentVersions>,
    tables: Arc<Tables>,
}

impl GroupedTables {
    pub(crate) fn new(tables: Arc<dyn TableSource>, limits: Limits, pool: PoolOptions) -> Result<Self> {
        let tables = Arc::new(Grouped::with_cache(tables, GroupedCache::with_limits(limits)?));
        Ok(Self { pool: BundlePool::new(CurrentVersions(Arc::clone(&tables)), pool)?, tables })
    }

    /// The current version's bars, as new as the pool's check policy asks for.
    pub(crate) fn current(&self, name: &BundleName) -> Result<Arc<GroupedBars>> {
        let mut gone = None;
        for _ in 0..ATTEMPTS {
            let current = self.pool.get(name)?;
            match self.bars(name, &current) {
                // Layer 1 let go of them, and the table has changed: what is current must be asked anew.
                Err(error) if matches!(error.kind(), ErrorKind::VersionNotFound { .. }) => {
                    self.pool.force_invalidate(Invalidate::One(name));
                    gone = Some(error);
                }
                found => return found,
            }
        }
        Err(gone.expect("there was an attempt"))
    }

    fn bars(&self, name: &BundleName, current: &CurrentVersion) -> Result<Arc<GroupedBars>> {
        let version = current.version();
        let loaded = current.loaded.lock().take();
        // Asked before a trial that holds them is, so that Layer 1 knows what is in use.
        let kept = || self.tables.cache().get(&version);
        match loaded.or_else(kept).or_else(|| current.held.upgrade()) {
            Some(bars) => Ok(bars),
            None => self.tables.open_version(name, version),
        }
    }

    pub(crate) fn pinned(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<GroupedBars>> {
        self.tables.open_version(name, version)
    }

    pub(crate) fn invalidate(&self, what: Invalidate<'_>) {
        match what {
            Invalidate::One(name) => self.tables.forget(name),
            Invalidate::All => self.tables.cache().clear(),
        }
        self.pool.force_invalidate(what);
    }

    pub(crate) fn grouped_stats(&self) -> CacheStats {
        self.tables.cache().stats()
    }

    pub(crate) fn pool_stats(&self) -> PoolStats {
        self.pool.stats()
    }
}

/// The tables as the pool sees them.
struct CurrentVersions(Arc<Tables>);

impl BundleSource for CurrentVersions {
    type Bundle = CurrentVersion;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.0.version(name)
    }

    fn open(&self, name: &BundleName) -> Result<Arc<CurrentVersion>> {
        CurrentVersion::of(self.0.open(name)?)
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<CurrentVersion>> {
        CurrentVersion::of(self.0.open_version(name, version)?)
    }
}

/// Stands in the pool for a table's current version: a bundle without assets, which nobody but the pool sees.
struct CurrentVersion {
    no_assets: AssetList,
    frequency: Frequency,
    /// For the first trial: what was just loaded may be too large for Layer 1 to keep.
    loaded: Mutex<Option<Arc<GroupedBars>>>,
    /// For further trials at the same time, in that case.
    held: Weak<GroupedBars>,
}

impl CurrentVersion {
    fn of(bars: Arc<GroupedBars>) -> Result<Arc<Self>> {
        let no_assets = AssetList::new(bars.version(), [""; 0])?;
        let (frequency, held) = (bars.frequency(), Arc::downgrade(&bars));
        Ok(Arc::new(Self { no_assets, frequency, loaded: Mutex::new(Some(bars)), held }))
    }
}

impl Bundle for CurrentVersion {
    fn version(&self) -> BundleVersion {
        self.no_assets.version()
    }

    fn assets(&self) -> &AssetList {
        &self.no_assets
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar::from_sorted(&[])
    }

    fn frequency(&self) -> Frequency {
        self.frequency
    }

    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        self.no_assets.rank(asset)?;
        Ok(Bars::EMPTY)
    }

    fn heap_bytes(&self) -> usize {
        self.no_assets.heap_bytes()
    }
}
