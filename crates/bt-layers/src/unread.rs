//! What a configuration asks for and the layers do not do. Said once, where they are stacked: nothing is ignored in
//! silence.

use std::fmt::Display;

use bt_optimize_config::OptimizationConfig;

const NOTHING: &str = "nothing in these crates does it";
const EVALUATION: &str = "it is read by whoever evaluates optimisations, see OptimizationConfig::acceptance";
const REPORTS: &str = "it is read by whoever writes benchmark reports";
const ASSET_LISTS: &str =
    "open bundles hold their asset lists; max_bundle_pool_size bounds how many are open";

/// Warns of every value that differs from its default and has no effect on layers over bundles or over tables.
pub(crate) fn warn_of_unread(config: &OptimizationConfig, over_tables: bool) {
    let usual = OptimizationConfig::default();
    let flags = [
        ("enable_shared_bundle_context", config.enable_shared_bundle_context),
        ("enable_persistent_worker_pool", config.enable_persistent_worker_pool),
        ("enable_bohb_optimizer", config.enable_bohb_optimizer),
        ("enable_ray_scheduler", config.enable_ray_scheduler),
    ];
    for (field, is_on) in flags {
        warn_unless(!is_on, field, is_on, NOTHING);
    }
    let OptimizationConfig {
        lru_maxsize,
        benchmark_output_dir,
        sequential_evaluation_goal_percent: goal,
        stop_on_diminishing_returns: stop,
        thresholds,
        ..
    } = config;
    warn_unless(over_tables || *lru_maxsize == usual.lru_maxsize, "lru_maxsize", lru_maxsize, ASSET_LISTS);
    let is_usual = *benchmark_output_dir == usual.benchmark_output_dir;
    warn_unless(is_usual, "benchmark_output_dir", benchmark_output_dir.display(), REPORTS);
    let is_usual = *goal == usual.sequential_evaluation_goal_percent;
    warn_unless(is_usual, "sequential_evaluation_goal_percent", goal, EVALUATION);
    let is_usual = *stop == usual.stop_on_diminishing_returns;
    warn_unless(is_usual, "stop_on_diminishing_returns", stop, EVALUATION);
    let changed = thresholds.iter().zip(usual.thresholds.iter()).filter(|(ours, usual)| ours != usual);
    let changed: Vec<_> = changed.map(|((workflow, size, _), _)| format!("{workflow}.{size}")).collect();
    warn_unless(changed.is_empty(), "thresholds", changed.join(", "), EVALUATION);
}

fn warn_unless(is_usual: bool, field: &str, value: impl Display, because: &str) {
    if !is_usual {
        tracing::warn!(target: "bt_layers", field, %value, "has no effect on the layers: {because}");
    }
}
