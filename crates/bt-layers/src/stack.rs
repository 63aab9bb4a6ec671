//! What lies between a source and a worker: Layer 1 inside, the pool of Layer 3 outside.

use std::sync::{Arc, Weak};

use bt_asset_cache::{Filtered, Grouped, GroupedCache, TableSource};
use bt_bundle_pool::{BundlePool, Invalidate, PoolOptions, PoolStats, VersionCheck};
use bt_cache::CacheStats;
use bt_core::{Bundle, BundleName, BundleVersion, DynSource, Result, erase};
use bt_optimize_config::OptimizationConfig;
use parking_lot::Mutex;

/// Where the bars come from.
pub(crate) enum Origin {
    Bundles(Arc<DynSource>),
    Tables(Arc<dyn TableSource>),
}

/// The stacks of all workers: one for all with Layer 3, one for each without.
pub(crate) struct Stacks {
    origin: Origin,
    recipe: Recipe,
    shared: Option<Arc<Stack>>,
    /// The workers' own, for the statistics; they die with their workers.
    own: Mutex<Vec<Weak<Stack>>>,
}

/// How every stack is made.
#[derive(Clone, Copy)]
struct Recipe {
    layer_1: bool,
    grouped_bytes: usize,
    pool: PoolOptions,
}

impl Stacks {
    pub(crate) fn new(config: &OptimizationConfig, check: VersionCheck, origin: Origin) -> Result<Self> {
        let max_bytes = config.cache_size_bytes();
        let recipe = Recipe {
            layer_1: config.enable_caching,
            grouped_bytes: max_bytes,
            pool: PoolOptions { max_bundles: config.max_bundle_pool_size, max_bytes, check },
        };
        let shared =
            config.enable_bundle_pooling.then(|| Stack::new(&origin, recipe).map(Arc::new)).transpose()?;
        Ok(Self { origin, recipe, shared, own: Mutex::default() })
    }

    pub(crate) fn for_worker(&self) -> Result<Arc<Stack>> {
        if let Some(shared) = &self.shared {
            return Ok(Arc::clone(shared));
        }
        let stack = Arc::new(Stack::new(&self.origin, self.recipe)?);
        let mut own = self.own.lock();
        own.retain(|stack| stack.strong_count() > 0);
        own.push(Arc::downgrade(&stack));
        Ok(stack)
    }

    pub(crate) fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Every stack that is alive.
    pub(crate) fn all(&self) -> Vec<Arc<Stack>> {
        let own = self.own.lock();
        self.shared.iter().cloned().chain(own.iter().filter_map(Weak::upgrade)).collect()
    }
}

/// One pool over one Layer 1: shared by all workers, or a worker's own.
pub(crate) struct Stack {
    pool: Pool,
    grouped: Option<GroupedCache>,
}

enum Pool {
    Bundles(BundlePool<Arc<DynSource>>),
    /// Without Layer 1 the pool keeps tables, and every trial starts anew on one.
    Tables(BundlePool<Filtered<Arc<dyn TableSource>>>),
}

impl Stack {
    fn new(origin: &Origin, recipe: Recipe) -> Result<Self> {
        let bundles = |source| BundlePool::new(source, recipe.pool).map(Pool::Bundles);
        match origin {
            Origin::Bundles(source) => Ok(Self { pool: bundles(Arc::clone(source))?, grouped: None }),
            Origin::Tables(tables) if recipe.layer_1 => {
                let cache = GroupedCache::new(recipe.grouped_bytes)?;
                let source = erase(Grouped::with_cache(Arc::clone(tables), cache.clone()));
                Ok(Self { pool: bundles(source)?, grouped: Some(cache) })
            }
            Origin::Tables(tables) => {
                let pool = BundlePool::new(Filtered(Arc::clone(tables)), recipe.pool)?;
                Ok(Self { pool: Pool::Tables(pool), grouped: None })
            }
        }
    }

    /// The bundle for one trial: the current version as the check policy says, or the one that is pinned.
    pub(crate) fn bundle(&self, name: &BundleName, pinned: Option<BundleVersion>) -> Result<Arc<dyn Bundle>> {
        match (&self.pool, pinned) {
            (Pool::Bundles(pool), None) => pool.get(name),
            (Pool::Bundles(pool), Some(version)) => pool.open_version(name, version),
            (Pool::Tables(pool), None) => Ok(Arc::new(pool.get(name)?.fresh()?)),
            (Pool::Tables(pool), Some(version)) => Ok(Arc::new(pool.open_version(name, version)?.fresh()?)),
        }
    }

    pub(crate) fn invalidate(&self, what: Invalidate<'_>) {
        if let Some(grouped) = &self.grouped {
            grouped.clear();
        }
        match &self.pool {
            Pool::Bundles(pool) => pool.force_invalidate(what),
            Pool::Tables(pool) => pool.force_invalidate(what),
        }
    }

    pub(crate) fn grouped_stats(&self) -> Option<CacheStats> {
        self.grouped.as_ref().map(GroupedCache::stats)
    }

    pub(crate) fn pool_stats(&self) -> PoolStats {
        match &self.pool {
            Pool::Bundles(pool) => pool.stats(),
            Pool::Tables(pool) => pool.stats(),
        }
    }
}
