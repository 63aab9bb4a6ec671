use std::time::Duration;

/// What a cache did and holds, as of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Accesses answered with a kept value, those of handles included (from their last refresh on).
    pub hits: u64,
    /// The part of `hits` that handles answered by themselves.
    pub handle_hits: u64,
    /// Accesses that found nothing kept; those that waited for another thread's load count as well.
    pub misses: u64,
    /// Entries that left because room was needed.
    pub evictions: u64,
    /// Values that were larger than the whole budget, so handed out and not kept.
    pub rejections: u64,
    /// Loaders that ran, whatever their outcome.
    pub loads: u64,
    /// Loaders that returned an error or panicked.
    pub load_failures: u64,
    /// Time spent in loaders, summed over threads.
    pub load_time: Duration,
    /// Entries kept now.
    pub entries: usize,
    /// Bytes kept now: the sum over entries of what `weigh` says and [`Cache::OVERHEAD`](crate::Cache::OVERHEAD).
    pub bytes: usize,
    /// The largest that `bytes` has ever been; never above `max_bytes`.
    pub peak_bytes: usize,
    /// Bytes that the cache no longer keeps and that handles still hold, each value once.
    pub pinned_bytes: usize,
    /// The limit on `bytes`.
    pub max_bytes: usize,
    /// The limit on `entries`.
    pub max_entries: usize,
}

impl CacheStats {
    /// Hits per access, from 0 to 1; 0 before the first access.
    pub fn hit_rate(&self) -> f64 {
        match self.hits + self.misses {
            0 => 0.0,
            accesses => self.hits as f64 / accesses as f64,
        }
    }
}
