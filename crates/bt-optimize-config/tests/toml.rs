//! TOML documents: what they may say, how slips are named, and that what is written reads back.
#![allow(clippy::unwrap_used, reason = "a helper of a test may panic like the test itself")]

use std::fs;

use bt_optimize_config::{DatasetSize, Error, OptimizationConfig, Origin, Preset, Threshold, Workflow};
use proptest::prelude::*;
use serde::Deserialize;

fn message(text: &str) -> String {
    OptimizationConfig::from_toml(text).unwrap_err().to_string()
}

#[test]
fn an_error_that_leaves_main_reads_as_its_message() {
    let error = OptimizationConfig::from_toml("cache_size_gb = 0").unwrap_err();
    let boxed: Box<dyn std::error::Error> = error.clone().into();
    assert_eq!(format!("{boxed:?}"), error.to_string());
    assert!(!error.to_string().contains('{'), "{error}");
}

#[test]
fn a_document_may_set_everything() {
    let config = OptimizationConfig::from_toml(
        r#"
        preset = "strict"
        enable_caching = false
        cache_size_gb = 2
        permanent_windows = [5, 1_0]
        tier2_maxsize = 0x10
        cache_size_limit = "2GB"
        benchmark_output_dir = "reports"
        enable_debug_logging = "on"

        [thresholds.walk_forward]
        large = { min_improvement_percent = 7, min_sample_size = 40 }

        [thresholds.grid_search]
        "#,
    )
    .unwrap();
    let mut expected = OptimizationConfig::from_preset(Preset::Strict);
    expected.enable_caching = false;
    expected.cache_size_gb = 2.0;
    expected.permanent_windows = vec![5, 10];
    expected.tier2_maxsize = 16;
    expected.cache_size_limit = 2_000_000_000;
    expected.benchmark_output_dir = "reports".into();
    expected.enable_debug_logging = true;
    let threshold = &mut expected.thresholds[(Workflow::WalkForward, DatasetSize::Large)];
    threshold.min_improvement_percent = 7.0;
    threshold.min_sample_size = 40;
    assert_eq!(config, expected);
}

#[test]
fn a_misspelt_key_is_an_error_with_its_line_and_the_nearest_name() {
    for (text, expected) in [
        (
            "cache_size_gbb = 1",
            "TOML text:1: unknown key cache_size_gbb: the nearest known one is cache_size_gb",
        ),
        (
            "\n# x\nlru_maxszie = 1",
            "TOML text:3: unknown key lru_maxszie: the nearest known one is lru_maxsize",
        ),
        (
            "CACHE_SIZE_GB = 1",
            "TOML text:1: unknown key CACHE_SIZE_GB: the nearest known one is cache_size_gb",
        ),
        (
            "enable_ray = true",
            "TOML text:1: unknown key enable_ray: the nearest known one is enable_ray_scheduler",
        ),
        ("prset = 'strict'", "TOML text:1: unknown key prset: the nearest known one is preset"),
        (
            "[thresholds.grid_search.smal]\nmin_sample_size = 5",
            "TOML text:2: unknown key thresholds.grid_search.smal.min_sample_size: the nearest known one is \
             thresholds.grid_search.small.min_sample_size",
        ),
    ] {
        assert_eq!(message(text), expected);
    }
}

#[test]
fn any_key_with_a_letter_missing_is_traced_to_the_key() {
    let resolved = OptimizationConfig::builder().build().unwrap();
    let names: Vec<_> = resolved.explain().entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names.len(), 17 + 3 * 4 * 4);
    for name in names {
        for at in (0..name.len()).filter(|&at| name.as_bytes()[at] != b'.') {
            let slipped = format!("{}{}", &name[..at], &name[at + 1..]);
            match OptimizationConfig::from_toml(&format!("{slipped} = 1")) {
                Err(Error::UnknownKey { key, nearest, .. }) => {
                    assert_eq!((key, nearest.as_str()), (slipped, name))
                }
                other => panic!("{slipped}: {other:?}"),
            }
        }
    }
}

#[test]
fn nothing_in_a_document_is_skipped() {
    for (text, expected) in [
        ("[extra]", "unknown key extra"),
        ("extra = {}", "unknown key extra"),
        ("cache_size_gb.x = 1", "unknown key cache_size_gb.x"),
        ("thresholds = 5", "thresholds = \"5\": allowed is a table"),
        ("thresholds.grid_search = 5", "thresholds.grid_search = \"5\": allowed is a table"),
        ("thresholds.min_sample_size = 5", "unknown key thresholds.min_sample_size"),
        ("'thresholds.grid_search.small.min_sample_size' = 5", "unknown key \"thresholds."),
        ("lru_maxsize = {}", "lru_maxsize = \"{}\": allowed is a whole number"),
        ("'' = 5", "unknown key \"\":"),
        ("\"lru\\nmaxsize\" = 5", "unknown key \"lru\\nmaxsize\":"),
        ("[preset]", "unknown preset \"{}\": the nearest is"),
    ] {
        let message = message(text);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_or_size_is_an_error_with_its_line() {
    for text in [
        "enable_caching = 2",
        "enable_caching = [true]",
        "cache_size_gb = nan",
        "cache_size_gb = inf",
        "cache_size_gb = 0",
        "cache_size_gb = true",
        "lru_maxsize = 128.0",
        "lru_maxsize = -1",
        "lru_maxsize = 99999999999999999999",
        "tier2_maxsize = 1979-05-27",
        "cache_size_limit = 200.0",
        "permanent_windows = [20, [50]]",
        "permanent_windows = [{ bars = 20 }]",
        "permanent_windows = [20, 20]",
        "permanent_windows = ['']",
        "permanent_windows = ['20, 50', 200]",
        "permanent_windows = ['20']",
        "benchmark_output_dir = 5",
        "benchmark_output_dir = ''",
        "thresholds.grid_search.small.min_improvement_percent = 0",
        "thresholds.grid_search.small.statistical_confidence = 1.0",
        "thresholds.grid_search.small.min_sample_size = 1",
        "thresholds.grid_search.small.max_memory_increase_percent = -0.1",
        "thresholds.grid_search.small.max_memory_increase_percent = inf",
    ] {
        match OptimizationConfig::from_toml(&format!("\r\n\n{text}")) {
            Err(Error::Value { name, origin, .. }) => {
                assert!(text.starts_with(&name));
                assert_eq!(origin, Origin::Toml { source_name: "TOML text".to_owned(), line: 3 });
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn an_unknown_preset_is_an_error_with_the_nearest_one() {
    assert_eq!(
        message("\npreset = 'strikt'"),
        "TOML text:2: unknown preset \"strikt\": the nearest is strict; allowed are default, strict, lenient"
    );
    assert_eq!("lenient".parse(), Ok(Preset::Lenient));
    assert!("Lenient".parse::<Preset>().is_err());
}

#[test]
fn broken_toml_is_an_error_that_says_where() {
    let message = message("lru_maxsize = 1\nlru_maxsize = 2");
    assert!(message.starts_with("TOML text: ") && message.contains("line 2"), "{message}");
}

#[test]
fn a_file_is_named_in_errors_and_explanations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layers.toml");
    fs::write(&path, "\u{feff}# written on Windows\r\ntier2_maxsize = 9\r\n").unwrap();
    let resolved = OptimizationConfig::builder().toml_file(&path).build().unwrap();
    let origin = &resolved.explain().get("tier2_maxsize").unwrap().origin;
    assert_eq!(origin.to_string(), format!("{}:2", path.display()));

    fs::write(&path, b"tier2_maxsize = 9 # \xff").unwrap();
    let error = OptimizationConfig::builder().toml_file(&path).build().unwrap_err();
    assert!(matches!(&error, Error::File { path: named, .. } if *named == path), "{error}");

    let absent = folder.path().join("absent.toml");
    let error = OptimizationConfig::builder().toml_file(&absent).build().unwrap_err();
    assert!(error.to_string().starts_with(&absent.display().to_string()), "{error}");
}

#[test]
fn it_is_a_section_of_the_readers_own_configuration_in_any_format() {
    #[derive(Deserialize)]
    struct Engine {
        name: String,
        layers: OptimizationConfig,
    }
    let json = r#"{ "name": "mine", "layers": { "preset": "lenient", "lru_maxsize": 9,
        "thresholds": { "grid_search": { "small": { "min_sample_size": 33 } } }, "cache_size_limit": "1MiB" } }"#;
    let engine: Engine = serde_json::from_str(json).unwrap();
    assert_eq!(
        (engine.name.as_str(), engine.layers.lru_maxsize, engine.layers.cache_size_gb),
        ("mine", 9, 3.0)
    );
    assert_eq!(engine.layers.thresholds[(Workflow::GridSearch, DatasetSize::Small)].min_sample_size, 33);
    assert_eq!(engine.layers.cache_size_limit, 1 << 20);

    let json = serde_json::to_string(&OptimizationConfig::default()).unwrap();
    assert_eq!(serde_json::from_str::<OptimizationConfig>(&json).unwrap(), OptimizationConfig::default());
}

#[test]
fn what_is_wrong_with_a_section_is_told_by_its_path_and_by_no_line_of_a_text_that_nobody_has_seen() {
    for (json, says) in [
        (
            r#"{ "lru_maxsise": 9 }"#,
            "deserialised value: unknown key lru_maxsise: the nearest known one is lru_maxsize",
        ),
        (
            r#"{ "thresholds": { "grid_search": { "small": { "min_sample_size": 1 } } } }"#,
            "deserialised value: thresholds.grid_search.small.min_sample_size = \"1\": allowed is a whole number",
        ),
        (r#"{ "tier2_maxsize": 0 }"#, "deserialised value: tier2_maxsize = \"0\": allowed is"),
        (r#"{ "preset": "strikt" }"#, "deserialised value: unknown preset \"strikt\": the nearest is strict"),
        (r#"{ "lru_maxsize": 1e3 }"#, "lru_maxsize = \"1000.0\": allowed is a whole number"),
        (r#"{ "cache_size_gb": -1 }"#, "cache_size_gb = \"-1\": allowed is"),
        (r#"{ "permanent_windows": [20, 20] }"#, "permanent_windows = \"[20, 20]\": allowed is"),
        (r#"{ "lru_maxsize": 1, "lru_maxsize": 2 }"#, "lru_maxsize"),
        (r#"{ "lru_maxsize": null }"#, "null"),
        (r#"{ "cache_size_limit": 18446744073709551615 }"#, "too large"),
        ("[]", "map"),
    ] {
        let error = serde_json::from_str::<OptimizationConfig>(json).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
        assert!(!error.contains("value:1"), "{error}");
    }
    #[derive(Debug, Deserialize)]
    struct Engine {
        #[expect(dead_code, reason = "it is the error that counts")]
        layers: OptimizationConfig,
    }
    let error = toml::from_str::<Engine>("# mine\n\n[layers]\nlru_maxsize = 0").unwrap_err().to_string();
    assert!(error.contains("deserialised value: lru_maxsize = \"0\""), "{error}");
    assert!(error.contains("line 3"), "the section's own place: {error}");
}

#[test]
fn lines_are_counted_right_in_a_long_document_and_in_no_time() {
    let lines = 200_000;
    let mut text: String = (1..lines).map(|line| format!("k{line} = 1\n")).collect();
    text.push_str("lru_maxsize = 0\n");
    let first = message(&text);
    assert!(first.starts_with("TOML text:") && first.contains("unknown key k"), "{first}");
    let text = "# a comment\r\n".repeat(lines) + "lru_maxsize = 0\n";
    assert!(message(&text).starts_with("TOML text:200001: lru_maxsize = \"0\""));
    let table = "[thresholds.grid_search.small]\n\nmin_sample_size = 5 # five\nmin_improvement_percent = 0";
    assert!(message(table).starts_with("TOML text:4: thresholds.grid_search.small.min_improvement_percent"));
    let inline =
        "\nthresholds.grid_search = { small = { min_sample_size = 5,\n max_memory_increase_percent = -1 } }";
    assert!(
        message(inline).starts_with("TOML text:3: thresholds.grid_search.small.max_memory"),
        "{}",
        message(inline)
    );
}

#[test]
fn spaces_cases_and_strings_are_read_as_a_variable_would_be() {
    for (text, expected) in [
        ("enable_caching = ' OFF '", "enable_caching = false"),
        ("enable_caching = 0", "enable_caching = false"),
        ("enable_ray_scheduler = 'Yes'", "enable_ray_scheduler = true"),
        ("cache_size_limit = ' 1.5  gib '", "cache_size_limit = 1610612736"),
        ("cache_size_limit = 0x100", "cache_size_limit = 256"),
        ("cache_size_gb = ' 0.5 '", "cache_size_gb = 0.5"),
        ("cache_size_gb = 1", "cache_size_gb = 1.0"),
        ("lru_maxsize = ' 7'", "lru_maxsize = 7"),
        ("lru_maxsize = 1_000", "lru_maxsize = 1000"),
        ("permanent_windows = ' 20 ,50 '", "permanent_windows = [20, 50]"),
        ("permanent_windows = '[]'", "permanent_windows = []"),
        ("permanent_windows = 20", "permanent_windows = [20]"),
    ] {
        assert_eq!(OptimizationConfig::from_toml(text), OptimizationConfig::from_toml(expected), "{text}");
        assert_ne!(OptimizationConfig::from_toml(text), Ok(OptimizationConfig::default()), "{text}");
    }
}

prop_compose! {
    fn threshold()(
        min_improvement_percent in 1e-9f64..=100.0,
        statistical_confidence in 1e-9f64..0.999_999,
        min_sample_size in 2usize..1_000_000,
        max_memory_increase_percent in 0f64..1e12,
    ) -> Threshold {
        Threshold { min_improvement_percent, statistical_confidence, min_sample_size, max_memory_increase_percent }
    }
}

prop_compose! {
    fn config()(
        switches in any::<[bool; 9]>(),
        cache_size_gb in 1e-9f64..8e9,
        counts in proptest::array::uniform3(1usize..=u32::MAX as usize),
        windows in proptest::collection::hash_set(1usize..=u32::MAX as usize, 0..6),
        cache_size_limit in 1usize..=isize::MAX as usize,
        directory in "[^\0]{0,12}x",
        goal in 1e-9f64..=100.0,
        thresholds in proptest::collection::vec(threshold(), 12),
    ) -> OptimizationConfig {
        let mut config = OptimizationConfig {
            enable_caching: switches[0],
            cache_size_gb,
            lru_maxsize: counts[0],
            enable_history_cache: switches[1],
            permanent_windows: windows.into_iter().collect(),
            tier2_maxsize: counts[1],
            cache_size_limit,
            enable_bundle_pooling: switches[2],
            max_bundle_pool_size: counts[2],
            enable_shared_bundle_context: switches[3],
            enable_persistent_worker_pool: switches[4],
            enable_bohb_optimizer: switches[5],
            enable_ray_scheduler: switches[6],
            enable_debug_logging: switches[7],
            benchmark_output_dir: directory.into(),
            sequential_evaluation_goal_percent: goal,
            stop_on_diminishing_returns: switches[8],
            ..OptimizationConfig::default()
        };
        let mut thresholds = thresholds.into_iter();
        for workflow in Workflow::ALL {
            for size in DatasetSize::ALL {
                config.thresholds[(workflow, size)] = thresholds.next().unwrap();
            }
        }
        config
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_reads_back_equal(config in config()) {
        prop_assert_eq!(OptimizationConfig::from_toml(&config.to_toml().unwrap()), Ok(config));
    }

    #[test]
    fn what_is_explained_reads_back_as_the_same_value(config in config()) {
        let wanted = config.clone();
        let resolved = OptimizationConfig::builder().set(|c| *c = config).build().unwrap();
        let entries = resolved.explain().entries().iter();
        let document: String =
            entries.map(|entry| format!("{} = {}\n", entry.name, toml_string(&entry.value))).collect();
        prop_assert_eq!(OptimizationConfig::from_toml(&document), Ok(wanted));
    }

    #[test]
    fn no_document_makes_it_panic(text in any::<String>(), lines in proptest::collection::vec(
        ("(preset|lru_maxsize|cache_size_gb|thresholds|permanent_windows|[a-z.\"]{0,9})", "[-0-9a-z\"'\\[\\]{}=., ]{0,12}"),
        0..4,
    )) {
        let _ = OptimizationConfig::from_toml(&text);
        let lines: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let _ = OptimizationConfig::from_toml(&lines);
    }
}

fn toml_string(text: &str) -> String {
    let escaped = text.chars().map(|c| format!("\\U{:08X}", u32::from(c)));
    format!("\"{}\"", escaped.collect::<String>())
}
