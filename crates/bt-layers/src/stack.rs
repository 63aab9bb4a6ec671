//! What lies between a source and a worker: Layer 1 inside, the pool of Layer 3 outside.

use std::sync::Arc;

use bt_asset_cache::{Filtered, TableSource};
use bt_bundle_pool::{BundlePool, Invalidate, PoolOptions, VersionCheck};
use bt_cache::Limits;
use bt_core::{Bundle, BundleName, BundleVersion, DynSource, Result};
use bt_optimize_config::OptimizationConfig;
use parking_lot::Mutex;

use crate::grouped::GroupedTables;
use crate::stats::{StackStats, Totals};

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
    own: Mutex<Own>,
}

/// The workers' own stacks.
struct Own {
    alive: Vec<Arc<Stack>>,
    /// What those did whose workers are gone.
    gone: Totals,
    was_warned: bool,
}

/// How every stack is made.
#[derive(Clone, Copy)]
struct Recipe {
    layer_1: bool,
    grouped: Limits,
    pool: PoolOptions,
}

impl Stacks {
    pub(crate) fn new(
        config: &OptimizationConfig,
        version_check: VersionCheck,
        origin: Origin,
    ) -> Result<Self> {
        let max_bytes = config.cache_size_bytes();
        let recipe = Recipe {
            layer_1: config.enable_caching,
            grouped: Limits { max_bytes, max_entries: config.lru_maxsize },
            pool: PoolOptions { max_bundles: config.max_bundle_pool_size, max_bytes, version_check },
        };
        let shared =
            config.enable_bundle_pooling.then(|| Stack::new(&origin, recipe).map(Arc::new)).transpose()?;
        let has_grouped = recipe.layer_1 && matches!(origin, Origin::Tables(_));
        let own = Own { alive: Vec::new(), gone: Totals::new(has_grouped), was_warned: false };
        Ok(Self { origin, recipe, shared, own: Mutex::new(own) })
    }

    /// The current version, asked of where the bars come from: nothing is opened.
    pub(crate) fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        match &self.origin {
            Origin::Bundles(source) => source.version(name),
            Origin::Tables(tables) => tables.version(name),
        }
    }

    pub(crate) fn for_worker(&self) -> Result<Arc<Stack>> {
        if let Some(shared) = &self.shared {
            return Ok(Arc::clone(shared));
        }
        let stack = Arc::new(Stack::new(&self.origin, self.recipe)?);
        let mut own = self.own.lock();
        own.alive.push(Arc::clone(&stack));
        let is_news = own.alive.len() > 1 && !std::mem::replace(&mut own.was_warned, true);
        // Whoever listens may ask for the statistics.
        drop(own);
        if is_news {
            tracing::warn!(
                target: "bt_layers",
                cache_size_gb = self.recipe.pool.max_bytes as f64 / f64::from(1 << 30),
                "enable_bundle_pooling is off: every worker may hold as much as cache_size_gb says"
            );
        }
        Ok(stack)
    }

    /// Takes leave of a worker that had a stack of its own: what that did stays in the totals.
    pub(crate) fn retire(&self, stack: &Arc<Stack>) {
        let mut own = self.own.lock();
        let Some(at) = own.alive.iter().position(|alive| Arc::ptr_eq(alive, stack)) else { return };
        let held = sum(&own.alive);
        own.gone.retire(held, stack.stats());
        let retired = own.alive.swap_remove(at);
        // Its bars are freed by whoever holds it last, and not under the lock.
        drop(own);
        drop(retired);
    }

    pub(crate) fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Every stack that is alive.
    pub(crate) fn all(&self) -> Vec<Arc<Stack>> {
        self.shared.iter().chain(&self.own.lock().alive).cloned().collect()
    }

    /// What all stacks did, and what those hold that are alive; how many these are.
    pub(crate) fn stats(&self) -> (StackStats, usize) {
        match &self.shared {
            Some(shared) => (shared.stats(), 1),
            None => {
                let own = self.own.lock();
                (own.gone.with(sum(&own.alive)), own.alive.len())
            }
        }
    }
}

fn sum(stacks: &[Arc<Stack>]) -> StackStats {
    stacks.iter().map(|stack| stack.stats()).reduce(StackStats::plus).unwrap_or_default()
}

/// One pool over one Layer 1: shared by all workers, or a worker's own.
pub(crate) enum Stack {
    Bundles(BundlePool<Arc<DynSource>>),
    Grouped(GroupedTables),
    /// Without Layer 1 the pool keeps tables, and every trial starts anew on one.
    Filtered(BundlePool<Filtered<Arc<dyn TableSource>>>),
}

impl Stack {
    fn new(origin: &Origin, recipe: Recipe) -> Result<Self> {
        Ok(match origin {
            Origin::Bundles(source) => Self::Bundles(BundlePool::new(Arc::clone(source), recipe.pool)?),
            Origin::Tables(tables) if recipe.layer_1 => {
                Self::Grouped(GroupedTables::new(Arc::clone(tables), recipe.grouped, recipe.pool)?)
            }
            Origin::Tables(tables) => {
                Self::Filtered(BundlePool::new(Filtered(Arc::clone(tables)), recipe.pool)?)
            }
        })
    }

    /// The bundle for one trial: the current version as the check policy says, or the one that is pinned.
    pub(crate) fn bundle(&self, name: &BundleName, pinned: Option<BundleVersion>) -> Result<Arc<dyn Bundle>> {
        match (self, pinned) {
            (Self::Bundles(pool), None) => pool.get(name),
            (Self::Bundles(pool), Some(version)) => pool.open_version(name, version),
            (Self::Grouped(tables), None) => Ok(tables.current(name)?),
            (Self::Grouped(tables), Some(version)) => Ok(tables.pinned(name, version)?),
            (Self::Filtered(pool), None) => Ok(Arc::new(pool.get(name)?.fresh()?)),
            (Self::Filtered(pool), Some(version)) => Ok(Arc::new(pool.open_version(name, version)?.fresh()?)),
        }
    }

    pub(crate) fn invalidate(&self, what: Invalidate<'_>) {
        match self {
            Self::Bundles(pool) => pool.force_invalidate(what),
            Self::Grouped(tables) => tables.invalidate(what),
            Self::Filtered(pool) => pool.force_invalidate(what),
        }
    }

    pub(crate) fn stats(&self) -> StackStats {
        match self {
            Self::Bundles(pool) => StackStats { grouped: None, pool: pool.stats() },
            Self::Grouped(tables) => {
                StackStats { grouped: Some(tables.grouped_stats()), pool: tables.pool_stats() }
            }
            Self::Filtered(pool) => StackStats { grouped: None, pool: pool.stats() },
        }
    }
}
