//! The presets as stated, and the README's tables against the code.

use bt_optimize_config::{DatasetSize, Error, OptimizationConfig, Origin, Preset, Threshold, Workflow};

fn threshold(improvement: f64, confidence: f64, runs: usize, memory: f64) -> Threshold {
    Threshold {
        min_improvement_percent: improvement,
        statistical_confidence: confidence,
        min_sample_size: runs,
        max_memory_increase_percent: memory,
    }
}

#[test]
fn every_preset_has_its_thresholds_for_every_pair() {
    let usual = threshold(5.0, 0.95, 10, 2.0);
    for (workflow, size, found) in OptimizationConfig::default().thresholds.iter() {
        let expected = match (workflow, size) {
            (Workflow::GridSearch, DatasetSize::Medium) => threshold(3.0, 0.95, 10, 5.0),
            (Workflow::GridSearch, DatasetSize::Small) => threshold(2.0, 0.90, 10, 10.0),
            _ => usual,
        };
        assert_eq!(*found, expected, "{workflow} {size}");
    }
    let all = |preset| OptimizationConfig::from_preset(preset).thresholds;
    assert_eq!(all(Preset::Strict).iter().count(), 12);
    assert!(all(Preset::Strict).iter().all(|(_, _, found)| *found == threshold(10.0, 0.99, 20, 1.0)));
    assert!(all(Preset::Lenient).iter().all(|(_, _, found)| *found == threshold(2.0, 0.90, 10, 10.0)));
}

#[test]
fn the_pairs_are_told_apart() {
    let mut config = OptimizationConfig::default();
    for (index, workflow) in Workflow::ALL.into_iter().enumerate() {
        for size in DatasetSize::ALL {
            config.thresholds[(workflow, size)].min_sample_size = 100 * (index + 1) + size as usize;
        }
    }
    let found: Vec<_> = config.thresholds.iter().map(|(_, _, threshold)| threshold.min_sample_size).collect();
    assert_eq!(found, [100, 101, 102, 103, 200, 201, 202, 203, 300, 301, 302, 303]);
}

#[test]
fn what_a_preset_changes_comes_from_the_preset_and_the_rest_from_the_default() {
    let default = OptimizationConfig::builder().build().unwrap();
    for preset in Preset::ALL {
        let resolved = OptimizationConfig::builder().preset(preset).build().unwrap();
        assert_eq!(resolved.config, OptimizationConfig::from_preset(preset));
        assert_eq!(resolved.config.validate(), Ok(()));
        for (entry, default) in resolved.explain().entries().iter().zip(default.explain().entries()) {
            assert_eq!(entry.name, default.name);
            let is_stated = entry.origin == Origin::Preset(preset);
            assert!(is_stated || entry == default, "{preset}: {entry:?}");
        }
    }
    let lenient = OptimizationConfig::builder().preset(Preset::Lenient).build().unwrap();
    let same_as_default = "thresholds.grid_search.small.min_improvement_percent";
    assert_eq!(lenient.explain().get(same_as_default).unwrap().origin, Origin::Preset(Preset::Lenient));
    assert_eq!(lenient.explain().get("tier2_maxsize").unwrap().origin, Origin::Default);
}

#[test]
fn each_layer_can_be_alone() {
    for layer in 1..=3 {
        let mut config = OptimizationConfig::from_preset(Preset::Lenient);
        config.enable_bohb_optimizer = true;
        config.only_layer(layer).unwrap();
        let on = [config.enable_caching, config.enable_history_cache, config.enable_bundle_pooling];
        assert_eq!(on, [layer == 1, layer == 2, layer == 3]);
        assert_eq!((1..=3).map(|n| config.has_layer(n)).collect::<Vec<_>>(), on);
        assert!(!config.enable_bohb_optimizer);
        assert_eq!(config.lru_maxsize, 256);
    }
}

#[test]
fn a_refused_layer_changes_nothing() {
    for layer in [0, 4, u8::MAX] {
        let mut config = OptimizationConfig::default();
        assert_eq!(config.only_layer(layer), Err(Error::NoSuchLayer { layer }));
        assert_eq!(config, OptimizationConfig::default());
        assert!(!config.has_layer(layer));
    }
}

#[test]
fn the_explanation_has_a_line_for_every_value() {
    let resolved = OptimizationConfig::builder().vars([("RUSTYBT_ENABLE_RAY", "1")]).build().unwrap();
    let table = resolved.explain().to_string();
    let lines: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 65);
    assert!(lines.contains(&vec!["enable_ray_scheduler", "=", "true", "#", "RUSTYBT_ENABLE_RAY"]), "{table}");
    assert!(lines.contains(&vec!["cache_size_limit", "=", "200MiB", "#", "default"]), "{table}");
}

#[test]
fn the_readme_states_every_key_variable_and_default() {
    let readme = include_str!("../README.md");
    let mut stated = Vec::new();
    for line in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        if let [_, name, variable, default, _, _] = cells[..] {
            let variable = Some(variable).filter(|variable| variable.starts_with("RUSTYBT_"));
            stated.push((name.to_owned(), variable, default.to_owned()));
        }
    }
    let resolved = OptimizationConfig::builder().build().unwrap();
    let entries = resolved.explain().entries().iter();
    let fields = entries.filter(|entry| !entry.name.starts_with("thresholds."));
    let found: Vec<_> =
        fields.map(|entry| (entry.name.clone(), entry.variable, entry.value.clone())).collect();
    assert_eq!(stated, found);
}
