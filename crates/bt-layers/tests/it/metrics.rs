//! Exported counters are totals: they never fall, and workers that are gone are in them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bt_layers::{OptimizationConfig, Options};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::{edition, name, over_tables};

/// Counters and gauges by name and labels.
#[derive(Clone, Default)]
struct Registry(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

impl Registry {
    fn slot(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn counter(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).unwrap_or_else(|| panic!("no {name}")).load(Ordering::Relaxed)
    }

    fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.counter(name))
    }
}

impl Recorder for Registry {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.slot(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.slot(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn counters_go_on_where_workers_that_are_gone_left_them() {
    let config = OptimizationConfig { enable_bundle_pooling: false, ..OptimizationConfig::default() };
    let (layers, tables) = over_tables(&config, Options::default());
    tables.publish(&name("us"), &edition(0));
    let registry = Registry::default();
    for gone in 1..=4 {
        layers.worker().unwrap().trial(&name("us")).unwrap();
        metrics::with_local_recorder(&registry, || layers.export_metrics());
        assert_eq!(registry.counter("bt_cache_loads_total{cache=pool}"), gone);
        assert_eq!(registry.counter("bt_cache_loads_total{cache=grouped}"), gone);
        assert!(registry.counter("bt_cache_load_nanoseconds_total{cache=grouped}") > 0);
        assert_eq!(registry.gauge("bt_cache_bytes{cache=grouped}"), 0.0);
        assert!(registry.gauge("bt_cache_peak_bytes{cache=grouped}") > 0.0);
        assert_eq!(registry.gauge("bt_stacks{}"), 0.0);
    }
}

#[test]
fn several_layers_in_one_program_are_told_apart() {
    let registry = Registry::default();
    for (label, trials) in [("shares", 3), ("futures", 5)] {
        let (layers, tables) = over_tables(&OptimizationConfig::default(), Options::default());
        tables.publish(&name("us"), &edition(0));
        let mut worker = layers.worker().unwrap();
        (0..trials).for_each(|_| drop(worker.trial(&name("us")).unwrap()));
        metrics::with_local_recorder(&registry, || layers.export_metrics_as(label));
    }
    assert_eq!(registry.counter("bt_cache_hits_total{layers=shares,cache=pool}"), 2);
    assert_eq!(registry.counter("bt_cache_hits_total{layers=futures,cache=pool}"), 4);
    assert_eq!(registry.counter("bt_pool_version_checks_total{layers=futures}"), 4);
    assert_eq!(registry.gauge("bt_cache_entries{layers=shares,cache=grouped}"), 1.0);
}
