use std::fmt;

use bt_bundle_pool::PoolStats;
use bt_cache::CacheStats;
use bt_dataportal::HistoryStats;

use crate::layers::Shared;
use crate::stack::Stack;

/// What all layers did and hold.
///
/// What they did counts from the start and never falls, whichever workers are gone; what they hold is of this moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct LayersStats {
    /// Layer 1: grouped bars. None over bundles that are grouped already, and where the layer is off.
    pub grouped: Option<CacheStats>,
    /// Layer 2: frames and panels. None where the layer is off.
    pub history: Option<HistoryStats>,
    /// Layer 3: open bundles; over tables with Layer 1, which holds the bars, only which version is current. Without
    /// the layer, each worker's own, added up.
    pub pool: PoolStats,
    /// Stacks that are alive: 1 with Layer 3, else one a worker.
    pub stacks: usize,
}

impl LayersStats {
    /// Bytes that the layers keep. None are counted twice.
    pub fn bytes(&self) -> usize {
        let grouped = self.grouped.map_or(0, |stats| stats.bytes);
        grouped + self.history.map_or(0, |stats| stats.bytes()) + self.pool.cache.bytes
    }
}

/// A line for each layer that is on.
impl fmt::Display for LayersStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let history = self.history.map(|history| [("tier 1", history.tier1), ("tier 2", history.tier2)]);
        let grouped = self.grouped.map(|grouped| ("grouped bars", grouped));
        let caches =
            grouped.into_iter().chain(history.into_iter().flatten()).chain([("pool", self.pool.cache)]);
        for (name, cache) in caches {
            writeln!(
                f,
                "{name:<12}  {} hits of {} ({:.1} %), {} loads in {:.1?}, {} evictions; {} entries, {:.1} of {:.1} MiB",
                cache.hits,
                cache.hits + cache.misses,
                100.0 * cache.hit_rate(),
                cache.loads,
                cache.load_time,
                cache.evictions,
                cache.entries,
                mebibytes(cache.bytes),
                mebibytes(cache.max_bytes),
            )?;
        }
        Ok(())
    }
}

fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl Shared {
    pub(crate) fn stats(&self) -> LayersStats {
        let (stats, stacks) = self.stacks.stats();
        self.with_history(stats, stacks)
    }

    pub(crate) fn stats_of(&self, stack: &Stack) -> LayersStats {
        self.with_history(stack.stats(), 1)
    }

    fn with_history(&self, StackStats { grouped, pool }: StackStats, stacks: usize) -> LayersStats {
        let history = self.history.as_ref().map(|history| history.stats());
        LayersStats { grouped, history, pool, stacks }
    }
}

/// What one stack, or several, did and hold.
#[derive(Clone, Copy, Default)]
pub(crate) struct StackStats {
    pub(crate) grouped: Option<CacheStats>,
    pub(crate) pool: PoolStats,
}

impl StackStats {
    pub(crate) fn plus(self, other: Self) -> Self {
        let grouped = match (self.grouped, other.grouped) {
            (Some(one), Some(other)) => Some(add_caches(one, other)),
            (one, other) => one.or(other),
        };
        Self { grouped, pool: add_pools(self.pool, other.pool) }
    }

    fn with_caches(self, change: impl Fn(CacheStats) -> CacheStats) -> Self {
        let pool = PoolStats { cache: change(self.pool.cache), ..self.pool };
        Self { grouped: self.grouped.map(change), pool }
    }

    fn peaks(&self) -> [usize; 2] {
        [self.grouped.map_or(0, |grouped| grouped.peak_bytes), self.pool.cache.peak_bytes]
    }
}

/// What stacks did that are gone.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals {
    did: StackStats,
    /// The most that stacks may have held at once: Layer 1, pool.
    peaks: [usize; 2],
}

impl Totals {
    /// Nothing yet, of stacks with or without a Layer 1.
    pub(crate) fn new(has_grouped: bool) -> Self {
        let did = StackStats { grouped: has_grouped.then(CacheStats::default), ..StackStats::default() };
        Self { did, ..Self::default() }
    }

    /// Adds a stack that goes; `all` is what all that are alive hold, itself included.
    pub(crate) fn retire(&mut self, all: StackStats, going: StackStats) {
        self.peaks = self.peaks_with(all);
        self.did = self.did.plus(going.with_caches(what_it_did));
    }

    /// What all stacks did, and what those that are alive hold.
    pub(crate) fn with(&self, alive: StackStats) -> StackStats {
        let [grouped_peak, pool_peak] = self.peaks_with(alive);
        let mut all = self.did.plus(alive);
        all.pool.cache.peak_bytes = pool_peak;
        if let Some(grouped) = &mut all.grouped {
            grouped.peak_bytes = grouped_peak;
        }
        all
    }

    /// The sum of the peaks of those alive only grows until one of them goes, and then it is noted here.
    fn peaks_with(&self, alive: StackStats) -> [usize; 2] {
        let [grouped, pool] = alive.peaks();
        [self.peaks[0].max(grouped), self.peaks[1].max(pool)]
    }
}

/// Counters without what is held.
fn what_it_did(stats: CacheStats) -> CacheStats {
    CacheStats { entries: 0, bytes: 0, peak_bytes: 0, pinned_bytes: 0, max_bytes: 0, max_entries: 0, ..stats }
}

fn add_pools(one: PoolStats, other: PoolStats) -> PoolStats {
    PoolStats {
        cache: add_caches(one.cache, other.cache),
        version_checks: one.version_checks + other.version_checks,
        version_changes: one.version_changes + other.version_changes,
        check_failures: one.check_failures + other.check_failures,
    }
}

fn add_caches(one: CacheStats, other: CacheStats) -> CacheStats {
    CacheStats {
        hits: one.hits + other.hits,
        handle_hits: one.handle_hits + other.handle_hits,
        misses: one.misses + other.misses,
        evictions: one.evictions + other.evictions,
        rejections: one.rejections + other.rejections,
        loads: one.loads + other.loads,
        load_failures: one.load_failures + other.load_failures,
        load_time: one.load_time + other.load_time,
        entries: one.entries + other.entries,
        bytes: one.bytes + other.bytes,
        // The peaks may have been at different times; their sum is what could have been held at once.
        peak_bytes: one.peak_bytes + other.peak_bytes,
        pinned_bytes: one.pinned_bytes + other.pinned_bytes,
        max_bytes: one.max_bytes.saturating_add(other.max_bytes),
        max_entries: one.max_entries.saturating_add(other.max_entries),
    }
}
