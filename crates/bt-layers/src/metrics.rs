//! The statistics as counters and gauges of the `metrics` facade.

use bt_cache::CacheStats;
use metrics::{Label, counter, gauge};

use crate::LayersStats;

/// Names are `bt_cache_*` with the label `cache`: `grouped`, `history_tier1`, `history_tier2`, `pool`; and
/// `bt_pool_version_*`, `bt_stacks`. All have the label `layers` where a name is given.
pub(crate) fn export(stats: &LayersStats, layers: Option<&str>) {
    let labels: Vec<_> = layers.map(|layers| Label::new("layers", layers.to_owned())).into_iter().collect();
    if let Some(grouped) = &stats.grouped {
        cache("grouped", grouped, &labels);
    }
    if let Some(history) = &stats.history {
        cache("history_tier1", &history.tier1, &labels);
        cache("history_tier2", &history.tier2, &labels);
    }
    cache("pool", &stats.pool.cache, &labels);
    let counters = [
        ("bt_pool_version_checks_total", stats.pool.version_checks),
        ("bt_pool_version_changes_total", stats.pool.version_changes),
        ("bt_pool_version_check_failures_total", stats.pool.check_failures),
    ];
    for (name, value) in counters {
        counter!(name, labels.clone()).absolute(value);
    }
    gauge!("bt_stacks", labels).set(stats.stacks as f64);
}

fn cache(name: &'static str, stats: &CacheStats, labels: &[Label]) {
    let labels = [labels, &[Label::from_static_parts("cache", name)]].concat();
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
        counter!(counter, labels.clone()).absolute(value);
    }
    let gauges = [
        ("bt_cache_bytes", stats.bytes),
        ("bt_cache_peak_bytes", stats.peak_bytes),
        ("bt_cache_pinned_bytes", stats.pinned_bytes),
        ("bt_cache_max_bytes", stats.max_bytes),
        ("bt_cache_entries", stats.entries),
    ];
    for (gauge, value) in gauges {
        gauge!(gauge, labels.clone()).set(value as f64);
    }
}
