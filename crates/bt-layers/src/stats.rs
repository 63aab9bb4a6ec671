use bt_bundle_pool::PoolStats;
use bt_cache::CacheStats;
use bt_dataportal::HistoryStats;

use crate::layers::Shared;
use crate::stack::Stack;

/// What all layers did and hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct LayersStats {
    /// Layer 1: grouped bars. None over bundles that are grouped already, and where the layer is off.
    pub grouped: Option<CacheStats>,
    /// Layer 2: frames and panels. None where the layer is off.
    pub history: Option<HistoryStats>,
    /// Layer 3: open bundles. Without the layer, each worker's own, added up.
    pub pool: PoolStats,
    /// Stacks that were added up: 1 with Layer 3, else the workers that are alive.
    pub stacks: usize,
}

impl LayersStats {
    /// Bytes that the layers keep, each layer's own count. Bars that Layer 1 keeps are held by the pool as well and
    /// are counted in both.
    pub fn bytes(&self) -> usize {
        let grouped = self.grouped.map_or(0, |stats| stats.bytes);
        grouped + self.history.map_or(0, |stats| stats.bytes()) + self.pool.cache.bytes
    }
}

impl Shared {
    pub(crate) fn stats(&self) -> LayersStats {
        let stacks = self.stacks.all();
        stacks.iter().map(|stack| self.stats_of(stack)).fold(self.without_stacks(), add)
    }

    pub(crate) fn stats_of(&self, stack: &Stack) -> LayersStats {
        let (grouped, pool) = (stack.grouped_stats(), stack.pool_stats());
        LayersStats { grouped, pool, stacks: 1, ..self.without_stacks() }
    }

    fn without_stacks(&self) -> LayersStats {
        let history = self.history.as_ref().map(|history| history.stats());
        LayersStats { history, ..LayersStats::default() }
    }
}

fn add(all: LayersStats, one: LayersStats) -> LayersStats {
    let grouped = match (all.grouped, one.grouped) {
        (Some(all), Some(one)) => Some(add_caches(all, one)),
        (all, one) => all.or(one),
    };
    LayersStats {
        grouped,
        history: all.history,
        pool: add_pools(all.pool, one.pool),
        stacks: all.stacks + one.stacks,
    }
}

fn add_pools(all: PoolStats, one: PoolStats) -> PoolStats {
    PoolStats {
        cache: add_caches(all.cache, one.cache),
        version_checks: all.version_checks + one.version_checks,
        version_changes: all.version_changes + one.version_changes,
        check_failures: all.check_failures + one.check_failures,
    }
}

fn add_caches(all: CacheStats, one: CacheStats) -> CacheStats {
    CacheStats {
        hits: all.hits + one.hits,
        handle_hits: all.handle_hits + one.handle_hits,
        misses: all.misses + one.misses,
        evictions: all.evictions + one.evictions,
        rejections: all.rejections + one.rejections,
        loads: all.loads + one.loads,
        load_failures: all.load_failures + one.load_failures,
        load_time: all.load_time + one.load_time,
        entries: all.entries + one.entries,
        bytes: all.bytes + one.bytes,
        // The peaks may have been at different times; their sum is what could have been held at once.
        peak_bytes: all.peak_bytes + one.peak_bytes,
        pinned_bytes: all.pinned_bytes + one.pinned_bytes,
        max_bytes: all.max_bytes.saturating_add(one.max_bytes),
        max_entries: all.max_entries.saturating_add(one.max_entries),
    }
}
