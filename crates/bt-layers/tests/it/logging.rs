//! Nothing of a configuration is ignored in silence.

use bt_layers::bt_optimize_config::{DatasetSize, Workflow};
use bt_layers::{OptimizationConfig, Options};
use tracing::Level;

use crate::log::{Entry, Log};
use crate::{edition, name, over_bundles, over_tables};

type Change = fn(&mut OptimizationConfig);

/// What no layer does anything with: how to ask for it, and what the warning shows of it.
const UNREAD: [(&str, &str, Change); 9] = [
    ("enable_shared_bundle_context", "true", |config| config.enable_shared_bundle_context = true),
    ("enable_persistent_worker_pool", "true", |config| config.enable_persistent_worker_pool = true),
    ("enable_bohb_optimizer", "true", |config| config.enable_bohb_optimizer = true),
    ("enable_ray_scheduler", "true", |config| config.enable_ray_scheduler = true),
    ("benchmark_output_dir", "elsewhere", |config| config.benchmark_output_dir = "elsewhere".into()),
    ("sequential_evaluation_goal_percent", "55.5", |config| config.sequential_evaluation_goal_percent = 55.5),
    ("stop_on_diminishing_returns", "false", |config| config.stop_on_diminishing_returns = false),
    ("thresholds", "walk_forward.large", |config| {
        config.thresholds[(Workflow::WalkForward, DatasetSize::Large)].min_sample_size = 77;
    }),
    // Over bundles; over tables Layer 1 heeds it.
    ("lru_maxsize", "64", |config| config.lru_maxsize = 64),
];

/// What layers heed.
const READ: [&str; 9] = [
    "enable_caching",
    "cache_size_gb",
    "enable_history_cache",
    "permanent_windows",
    "tier2_maxsize",
    "cache_size_limit",
    "enable_bundle_pooling",
    "max_bundle_pool_size",
    "enable_debug_logging",
];

fn warnings(entries: &[Entry]) -> Vec<(&str, &str)> {
    let warnings = entries.iter().filter(|entry| entry.level == Level::WARN);
    warnings.map(|entry| (entry.fields["field"].as_str(), entry.fields["value"].as_str())).collect()
}

#[test]
fn each_value_without_effect_is_warned_of_once_by_name_and_value() {
    for (field, value, change) in UNREAD {
        let mut config = OptimizationConfig::default();
        change(&mut config);
        let (layers, entries) = Log::of(|| over_bundles(&config, Options::default()).0);
        assert_eq!(warnings(&entries), [(field, value)]);
        let message = &entries.iter().find(|entry| entry.level == Level::WARN).unwrap().fields["message"];
        assert!(message.starts_with("has no effect on the layers: "), "{message}");
        let (_, later) = Log::of(|| layers.worker().map(drop).unwrap());
        assert_eq!(warnings(&later), []);
        let over_tables = Log::of(|| over_tables(&config, Options::default())).1;
        assert_eq!(warnings(&over_tables).len(), usize::from(field != "lru_maxsize"), "{field}");
    }
}

#[test]
fn every_key_is_heeded_or_warned_of() {
    let resolved = OptimizationConfig::builder().build().unwrap();
    for entry in resolved.explain().entries() {
        let field = entry.name.split('.').next().unwrap();
        let is_unread = UNREAD.iter().any(|(unread, ..)| *unread == field);
        assert!(is_unread || READ.contains(&field), "{field} is neither heeded nor warned of");
    }
}

#[test]
fn the_defaults_are_no_reason_to_warn() {
    let config = OptimizationConfig::default();
    assert_eq!(warnings(&Log::of(|| over_bundles(&config, Options::default())).1), []);
    assert_eq!(warnings(&Log::of(|| over_tables(&config, Options::default())).1), []);
}

#[test]
fn debug_logging_raises_what_is_said_of_workers_and_trials() {
    for (enable_debug_logging, level) in [(false, Level::TRACE), (true, Level::DEBUG)] {
        let config = OptimizationConfig { enable_debug_logging, ..OptimizationConfig::default() };
        let ((), entries) = Log::of(|| {
            let (layers, source) = over_bundles(&config, Options::default());
            source.publish(&name("us"), &edition(0));
            let mut worker = layers.worker().unwrap();
            for _trial in 0..3 {
                worker.trial(&name("us")).unwrap();
            }
        });
        let count = |text| entries.iter().filter(|entry| entry.says(text) && entry.level == level).count();
        assert_eq!(count("the layers are stacked"), 1);
        assert_eq!(count("a worker starts"), 1);
        assert_eq!(count("a trial starts"), 3);
        assert_eq!(count("a worker ends"), 1);
        assert_eq!(entries.len(), 6, "{entries:?}");
        let trial = entries.iter().find(|entry| entry.says("a trial starts")).unwrap();
        assert_eq!(trial.fields["bundle"], "us");
        assert_eq!(trial.fields["version"], edition(0).version().to_string());
    }
}

#[test]
fn that_each_worker_holds_its_own_without_layer_3_is_said_once() {
    let config = OptimizationConfig { enable_bundle_pooling: false, ..OptimizationConfig::default() };
    let ((), entries) = Log::of(|| {
        let (layers, _tables) = over_tables(&config, Options::default());
        drop(layers.worker().unwrap());
        let _first = layers.worker().unwrap();
        let _more = [layers.worker().unwrap(), layers.worker().unwrap()];
    });
    let said: Vec<_> = entries.iter().filter(|entry| entry.level == Level::WARN).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].says("every worker may hold as much as cache_size_gb says"));
    assert_eq!(said[0].fields["cache_size_gb"], "2.0");
}
