use std::sync::atomic::{AtomicU64, Ordering};

use bt_cache::CacheStats;

/// What a pool did and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Hits, misses, evictions, loads with their time, bytes: of open bundles. A hit whose version turned out to be old
    /// is a hit here, a change below, and a load.
    pub cache: CacheStats,
    /// How often the source was asked for a version.
    pub version_checks: u64,
    /// How often it had another one.
    pub version_changes: u64,
    /// How often it failed to answer.
    pub check_failures: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    checks: AtomicU64,
    changes: AtomicU64,
    failures: AtomicU64,
}

impl Counters {
    /// Counts a check by whether the version was the same, or by its failure.
    pub(crate) fn count<E>(&self, outcome: &Result<bool, E>) {
        self.checks.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(true) => return,
            Ok(false) => &self.changes,
            Err(_) => &self.failures,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn with(&self, cache: CacheStats) -> PoolStats {
        PoolStats {
            cache,
            version_checks: self.checks.load(Ordering::Relaxed),
            version_changes: self.changes.load(Ordering::Relaxed),
            check_failures: self.failures.load(Ordering::Relaxed),
        }
    }
}
