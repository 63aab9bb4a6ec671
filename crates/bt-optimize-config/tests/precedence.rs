//! defaults < preset < TOML < environment < code, for every field and every pair of places.
#![allow(clippy::unwrap_used, reason = "a helper of a test may panic like the test itself")]

use bt_optimize_config::{Builder, DatasetSize, OptimizationConfig, Origin, Preset, Workflow};

/// One value of a configuration, two texts for it, and what code does to give it the same two values.
struct Value {
    name: &'static str,
    variable: Option<&'static str>,
    texts: [&'static str; 2],
    assign: [Change; 2],
}

type Change = fn(&mut OptimizationConfig);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Default,
    Preset(Preset),
    Toml,
    Variable,
    Code,
}

const WEAKEST_FIRST: [&[Place]; 5] = [
    &[Place::Default],
    &[Place::Preset(Preset::Strict), Place::Preset(Preset::Lenient)],
    &[Place::Toml],
    &[Place::Variable],
    &[Place::Code],
];

macro_rules! value {
    ($($field:ident).+, $variable:expr, $first:literal => $one:expr, $second:literal => $two:expr) => {
        Value {
            name: stringify!($($field).+),
            variable: $variable,
            texts: [$first, $second],
            assign: [|c| c.$($field).+ = $one, |c| c.$($field).+ = $two],
        }
    };
}

fn values() -> Vec<Value> {
    let mut values = vec![
        value!(enable_caching, Some("RUSTYBT_ENABLE_CACHING"), "off" => false, "on" => true),
        value!(cache_size_gb, Some("RUSTYBT_CACHE_SIZE_GB"), "7" => 7.0, "0.5" => 0.5),
        value!(lru_maxsize, Some("RUSTYBT_LRU_MAXSIZE"), "7" => 7, "8" => 8),
        value!(enable_history_cache, Some("RUSTYBT_ENABLE_HISTORY_CACHE"), "no" => false, "yes" => true),
        value!(permanent_windows, Some("RUSTYBT_PERMANENT_WINDOWS"), "[5]" => vec![5], "6,7" => vec![6, 7]),
        value!(tier2_maxsize, Some("RUSTYBT_TIER2_MAXSIZE"), "7" => 7, "8" => 8),
        value!(cache_size_limit, Some("RUSTYBT_CACHE_SIZE_LIMIT"), "1MiB" => 1 << 20, "9" => 9),
        value!(enable_bundle_pooling, Some("RUSTYBT_ENABLE_BUNDLE_POOLING"), "0" => false, "1" => true),
        value!(max_bundle_pool_size, Some("RUSTYBT_MAX_BUNDLE_POOL_SIZE"), "7" => 7, "8" => 8),
        value!(enable_shared_bundle_context, Some("RUSTYBT_ENABLE_SHARED_BUNDLE"), "1" => true, "0" => false),
        value!(enable_persistent_worker_pool, Some("RUSTYBT_ENABLE_PERSISTENT_POOL"), "1" => true, "0" => false),
        value!(enable_bohb_optimizer, Some("RUSTYBT_ENABLE_BOHB"), "1" => true, "0" => false),
        value!(enable_ray_scheduler, Some("RUSTYBT_ENABLE_RAY"), "1" => true, "0" => false),
        value!(enable_debug_logging, Some("RUSTYBT_DEBUG_OPTIMIZATION"), "1" => true, "0" => false),
        value!(benchmark_output_dir, Some("RUSTYBT_BENCHMARK_DIR"), "a" => "a".into(), "b" => "b".into()),
        value!(sequential_evaluation_goal_percent, None, "7" => 7.0, "8" => 8.0),
        value!(stop_on_diminishing_returns, None, "0" => false, "1" => true),
    ];
    values.extend([
        Value {
            name: "thresholds.grid_search.small.min_sample_size",
            variable: None,
            texts: ["7", "8"],
            assign: [
                |c| small_grid_search(c).min_sample_size = 7,
                |c| small_grid_search(c).min_sample_size = 8,
            ],
        },
        Value {
            name: "thresholds.grid_search.small.statistical_confidence",
            variable: None,
            texts: ["0.5", "0.6"],
            assign: [
                |c| small_grid_search(c).statistical_confidence = 0.5,
                |c| small_grid_search(c).statistical_confidence = 0.6,
            ],
        },
    ]);
    values
}

fn small_grid_search(config: &mut OptimizationConfig) -> &mut bt_optimize_config::Threshold {
    &mut config.thresholds[(Workflow::GridSearch, DatasetSize::Small)]
}

impl Place {
    /// Has this place set the value to its first or second text.
    fn say<'a>(self, builder: Builder<'a>, value: &Value, which: usize) -> Builder<'a> {
        let text = value.texts[which];
        match self {
            Place::Default => builder,
            Place::Preset(preset) => builder.preset(preset),
            Place::Toml => builder.toml_str(format!("{} = '{text}'", value.name)),
            Place::Variable => builder.vars([(value.variable.unwrap(), text)]),
            Place::Code => builder.set(value.assign[which]),
        }
    }

    fn is_origin(self, origin: &Origin) -> bool {
        match (self, origin) {
            (Place::Default, Origin::Default)
            | (Place::Toml, Origin::Toml { line: 1, .. })
            | (Place::Variable, Origin::Variable(_))
            | (Place::Code, Origin::Code) => true,
            // A preset leaves what it does not state to the default.
            (Place::Preset(_), Origin::Default) => true,
            (Place::Preset(preset), Origin::Preset(origin)) => preset == *origin,
            _ => false,
        }
    }
}

fn pairs_weakest_first() -> Vec<(Place, Place)> {
    let mut pairs = Vec::new();
    for (rank, weak) in WEAKEST_FIRST.iter().enumerate() {
        for strong in &WEAKEST_FIRST[rank + 1..] {
            pairs.extend(weak.iter().flat_map(|&weak| strong.iter().map(move |&strong| (weak, strong))));
        }
    }
    pairs
}

/// What the stronger place alone would give.
fn expected(strong: Place, value: &Value, which: usize) -> OptimizationConfig {
    strong.say(OptimizationConfig::builder(), value, which).build().unwrap().config
}

fn check(value: &Value, weak: Place, strong: Place, which: usize) {
    let told_first = weak.say(OptimizationConfig::builder(), value, 1 - which);
    let told_last = strong.say(OptimizationConfig::builder(), value, which);
    let before = weak.say(OptimizationConfig::builder(), value, 1 - which).build().unwrap();
    let either_order = [strong.say(told_first, value, which), weak.say(told_last, value, 1 - which)]
        .map(|b| b.build().unwrap());
    assert_eq!(either_order[0], either_order[1], "the order of calls matters for {}", value.name);

    let got = either_order[0].explain().get(value.name).unwrap();
    let alone = expected(strong, value, which);
    let wanted = OptimizationConfig::builder().set(|c| *c = alone).build().unwrap();
    assert_eq!(
        got.value,
        wanted.explain().get(value.name).unwrap().value,
        "{} {weak:?} {strong:?}",
        value.name
    );

    // Code that leaves a value as it was is not where the value came from.
    let is_unchanged = strong == Place::Code && before.explain().get(value.name).unwrap().value == got.value;
    let origin_place = if is_unchanged { weak } else { strong };
    assert!(origin_place.is_origin(&got.origin), "{}: {:?}, not {origin_place:?}", value.name, got.origin);
}

#[test]
fn the_stronger_of_two_places_wins_for_every_field() {
    for value in values() {
        for (weak, strong) in pairs_weakest_first() {
            let has_no_variable = value.variable.is_none() && [weak, strong].contains(&Place::Variable);
            for which in (0..2).filter(|_| !has_no_variable) {
                check(&value, weak, strong, which);
            }
        }
    }
}

#[test]
fn every_field_outside_the_thresholds_is_among_the_tested() {
    let resolved = OptimizationConfig::builder().build().unwrap();
    let fields = resolved.explain().entries().iter().map(|entry| entry.name.clone());
    let tested: Vec<_> = values().iter().map(|value| value.name).collect();
    for field in fields.filter(|name| !name.starts_with("thresholds.")) {
        assert!(tested.contains(&field.as_str()), "{field}");
    }
}

#[test]
fn of_five_places_the_strongest_wins_and_is_named() {
    let lru = |resolved: bt_optimize_config::Resolved| {
        let origin = resolved.explain().get("lru_maxsize").unwrap().origin.to_string();
        (resolved.config.lru_maxsize, origin)
    };
    let with_preset = || OptimizationConfig::builder().preset(Preset::Lenient);
    let with_toml = || with_preset().toml_str("\n\nlru_maxsize = 3");
    let with_variable = || with_toml().vars([("RUSTYBT_LRU_MAXSIZE", "4")]);
    let with_code = || with_variable().set(|c| c.lru_maxsize = 5);

    assert_eq!(lru(OptimizationConfig::builder().build().unwrap()), (128, "default".to_owned()));
    assert_eq!(lru(with_preset().build().unwrap()), (256, "preset lenient".to_owned()));
    assert_eq!(lru(with_toml().build().unwrap()), (3, "TOML text:3".to_owned()));
    assert_eq!(lru(with_variable().build().unwrap()), (4, "RUSTYBT_LRU_MAXSIZE".to_owned()));
    assert_eq!(lru(with_code().build().unwrap()), (5, "code".to_owned()));
}

#[test]
fn of_two_documents_or_two_closures_the_later_wins() {
    let resolved = OptimizationConfig::builder()
        .toml_str("preset = 'strict'\nlru_maxsize = 3\ntier2_maxsize = 3")
        .toml_str("tier2_maxsize = 4\npreset = 'lenient'")
        .set(|c| c.max_bundle_pool_size = 5)
        .set(|c| c.max_bundle_pool_size += 1)
        .build()
        .unwrap();
    let config = resolved.config;
    assert_eq!((config.lru_maxsize, config.tier2_maxsize, config.max_bundle_pool_size), (3, 4, 6));
    assert_eq!(config.cache_size_gb, 3.0);
}

#[test]
fn a_preset_chosen_in_code_beats_one_chosen_in_toml() {
    let builder = OptimizationConfig::builder().preset(Preset::Default).toml_str("preset = 'strict'");
    let resolved = builder.build().unwrap();
    assert_eq!((resolved.preset, resolved.config), (Preset::Default, OptimizationConfig::default()));
}

#[test]
fn code_is_held_to_the_same_limits() {
    let cases: [(Change, &str); 8] = [
        (|c| c.lru_maxsize = 0, "lru_maxsize = 0: allowed is a whole number from 1 to 4294967295"),
        (|c| c.cache_size_gb = f64::NAN, "cache_size_gb = NaN: allowed is a number of GB"),
        (|c| c.cache_size_gb = -1.0, "cache_size_gb = -1: allowed is a number of GB"),
        (|c| c.cache_size_limit = 0, "cache_size_limit = 0: allowed is from 1 to "),
        (
            |c| c.permanent_windows = vec![20, 0],
            "permanent_windows = [20, 0]: allowed is whole numbers of bars",
        ),
        (|c| c.benchmark_output_dir = "".into(), "benchmark_output_dir = \"\": allowed is a path"),
        (
            |c| c.sequential_evaluation_goal_percent = 100.1,
            "sequential_evaluation_goal_percent = 100.1: allowed is",
        ),
        (
            |c| small_grid_search(c).statistical_confidence = 95.0,
            "thresholds.grid_search.small.statistical_confidence = 95: allowed is a fraction between 0 and 1",
        ),
    ];
    for (change, message) in cases {
        let error = OptimizationConfig::builder().set(change).build().unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        let mut plain = OptimizationConfig::default();
        change(&mut plain);
        assert_eq!(plain.validate(), Err(error.clone()));
        assert_eq!(plain.to_toml(), Err(error));
    }
}

#[test]
fn a_closure_may_fail_and_borrow() {
    let wanted = 3u8;
    let only = |layer: &u8| {
        let layer = *layer;
        OptimizationConfig::builder().try_set(move |c| c.only_layer(layer)).build()
    };
    let config = only(&wanted).unwrap().config;
    assert!(config.enable_bundle_pooling && !config.enable_caching && !config.enable_history_cache);
    assert!(only(&0).is_err() && only(&4).is_err());

    let limit = 7usize;
    let borrowed = OptimizationConfig::builder().set(|c| c.lru_maxsize = limit).build().unwrap();
    assert_eq!(borrowed.config.lru_maxsize, limit);
}
