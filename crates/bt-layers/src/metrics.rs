//! The statistics as counters and gauges of the `metrics` facade.

use bt_cache::CacheStats;
use metrics::{counter, gauge};

use crate::LayersStats;

/// Names are `bt_cache_*` with the label `cache`: `grouped`, `history_tier1`, `history_tier2`, `pool`; and
/// `bt_pool_version_*`.
pub(crate) fn export(stats: &LayersStats) {
    if let Some(grouped) = &stats.grouped {
        cache("grouped", grouped);
    }
    if let Some(history) = &stats.history {
        cache("history_tier1", &history.tier1);
        cache("history_tier2", &history.tier2);
    }
    cache("pool", &stats.pool.cache);
    counter!("bt_pool_version_checks_total").absolute(stats.pool.version_checks);
    counter!("bt_pool_version_changes_total").absolute(stats.pool.version_changes);
    counter!("bt_pool_version_check_failures_total").absolute(stats.pool.check_failures);
}

fn cache(name: &'static str, stats: &CacheStats) {
    let counters = [
        ("bt_cache_hits_total", stats.hits),
        ("bt_cache_misses_total", stats.misses),
        ("bt_cache_evictions_total", stats.evictions),
        ("bt_cache_rejections_total", stats.rejections),
        ("bt_cache_loads_total", stats.loads),
        ("bt_cache_load_failures_total", stats.load_failures),
        ("bt_cache_load_nanoseconds_total", u64::try_from(stats.load_time.as_nanos()).unwrap_or(u64::MAX)),
    ];
    for (counter, value) in counters {
        counter!(counter, "cache" => name).absolute(value);
    }
    gauge!("bt_cache_bytes", "cache" => name).set(stats.bytes as f64);
    gauge!("bt_cache_pinned_bytes", "cache" => name).set(stats.pinned_bytes as f64);
    gauge!("bt_cache_entries", "cache" => name).set(stats.entries as f64);
}
