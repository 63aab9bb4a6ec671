//! The environment parser against a table, and against any text.
#![allow(clippy::unwrap_used, reason = "a helper of a test may panic like the test itself")]

use bt_optimize_config::{Error, OptimizationConfig, Origin};
use proptest::prelude::*;

const VARIABLES: [&str; 15] = [
    "RUSTYBT_CACHE_SIZE_GB",
    "RUSTYBT_ENABLE_CACHING",
    "RUSTYBT_LRU_MAXSIZE",
    "RUSTYBT_ENABLE_HISTORY_CACHE",
    "RUSTYBT_PERMANENT_WINDOWS",
    "RUSTYBT_TIER2_MAXSIZE",
    "RUSTYBT_CACHE_SIZE_LIMIT",
    "RUSTYBT_ENABLE_BUNDLE_POOLING",
    "RUSTYBT_MAX_BUNDLE_POOL_SIZE",
    "RUSTYBT_ENABLE_SHARED_BUNDLE",
    "RUSTYBT_ENABLE_PERSISTENT_POOL",
    "RUSTYBT_ENABLE_BOHB",
    "RUSTYBT_ENABLE_RAY",
    "RUSTYBT_DEBUG_OPTIMIZATION",
    "RUSTYBT_BENCHMARK_DIR",
];

/// A change that one variable should make to the defaults.
type Change = fn(&mut OptimizationConfig);

fn with(variable: &str, text: &str) -> Result<OptimizationConfig, Error> {
    OptimizationConfig::from_vars([(variable, text)]).map(|resolved| resolved.config)
}

#[test]
fn every_variable_sets_its_field_and_no_other() {
    let table: [(&str, &str, Change); 23] = [
        ("RUSTYBT_ENABLE_CACHING", "no", |c| c.enable_caching = false),
        ("RUSTYBT_CACHE_SIZE_GB", "0.25", |c| c.cache_size_gb = 0.25),
        ("RUSTYBT_CACHE_SIZE_GB", " 4 ", |c| c.cache_size_gb = 4.0),
        ("RUSTYBT_CACHE_SIZE_GB", "1e2", |c| c.cache_size_gb = 100.0),
        ("RUSTYBT_LRU_MAXSIZE", "1", |c| c.lru_maxsize = 1),
        ("RUSTYBT_LRU_MAXSIZE", "4294967295", |c| c.lru_maxsize = u32::MAX as usize),
        ("RUSTYBT_ENABLE_HISTORY_CACHE", "OFF", |c| c.enable_history_cache = false),
        ("RUSTYBT_PERMANENT_WINDOWS", "5,10 , 30", |c| c.permanent_windows = vec![5, 10, 30]),
        ("RUSTYBT_PERMANENT_WINDOWS", "[7]", |c| c.permanent_windows = vec![7]),
        ("RUSTYBT_PERMANENT_WINDOWS", "[]", |c| c.permanent_windows = vec![]),
        ("RUSTYBT_TIER2_MAXSIZE", "\t12\n", |c| c.tier2_maxsize = 12),
        ("RUSTYBT_CACHE_SIZE_LIMIT", "200MiB", |c| c.cache_size_limit = 209_715_200),
        ("RUSTYBT_CACHE_SIZE_LIMIT", "2GB", |c| c.cache_size_limit = 2_000_000_000),
        ("RUSTYBT_CACHE_SIZE_LIMIT", "4096", |c| c.cache_size_limit = 4096),
        ("RUSTYBT_ENABLE_BUNDLE_POOLING", "0", |c| c.enable_bundle_pooling = false),
        ("RUSTYBT_MAX_BUNDLE_POOL_SIZE", "3", |c| c.max_bundle_pool_size = 3),
        ("RUSTYBT_ENABLE_SHARED_BUNDLE", "Yes", |c| c.enable_shared_bundle_context = true),
        ("RUSTYBT_ENABLE_PERSISTENT_POOL", "on", |c| c.enable_persistent_worker_pool = true),
        ("RUSTYBT_ENABLE_BOHB", "1", |c| c.enable_bohb_optimizer = true),
        ("RUSTYBT_ENABLE_RAY", "tRuE", |c| c.enable_ray_scheduler = true),
        ("RUSTYBT_DEBUG_OPTIMIZATION", "true", |c| c.enable_debug_logging = true),
        ("RUSTYBT_BENCHMARK_DIR", "/var/my reports", |c| c.benchmark_output_dir = "/var/my reports".into()),
        ("RUSTYBT_BENCHMARK_DIR", " ünter", |c| c.benchmark_output_dir = " ünter".into()),
    ];
    for (variable, text, change) in table {
        let mut expected = OptimizationConfig::default();
        change(&mut expected);
        assert_eq!(with(variable, text), Ok(expected), "{variable}={text}");
    }
}

#[test]
fn every_variable_of_the_original_is_known_and_explained() {
    let resolved = OptimizationConfig::builder().build().unwrap();
    let mut explained: Vec<_> =
        resolved.explain().entries().iter().filter_map(|entry| entry.variable).collect();
    let mut known = VARIABLES;
    explained.sort_unstable();
    known.sort_unstable();
    assert_eq!(explained, known);
}

#[test]
fn a_value_that_is_not_allowed_is_refused_by_name() {
    let table = [
        ("RUSTYBT_ENABLE_CACHING", &["", "2", "y", "enabled", "true false", "ja"][..]),
        ("RUSTYBT_DEBUG_OPTIMIZATION", &["", "verbose", "1.0"]),
        (
            "RUSTYBT_CACHE_SIZE_GB",
            &[
                "",
                "0",
                "-0.0",
                "-1",
                "NaN",
                "inf",
                "-inf",
                "1e400",
                "1e-10",
                "1e300",
                "2GB",
                "2,5",
                "8589934592",
            ],
        ),
        (
            "RUSTYBT_LRU_MAXSIZE",
            &["", "0", "-1", "1.5", "128MiB", "4294967296", "99999999999999999999999", "1_000"],
        ),
        ("RUSTYBT_TIER2_MAXSIZE", &["0", "NaN", "0x10"]),
        ("RUSTYBT_MAX_BUNDLE_POOL_SIZE", &["0", "all"]),
        (
            "RUSTYBT_CACHE_SIZE_LIMIT",
            &[
                "",
                "0",
                "0MiB",
                "0.4B",
                "0.0001KiB",
                "-1",
                "1.5",
                "1.GB",
                ".5GB",
                "1..5GB",
                "1 5GB",
                "200 MB/s",
                "9223372036854775808",
                "8388608TiB",
                "99999999999TiB",
                "NaN",
                "inf",
            ],
        ),
        (
            "RUSTYBT_PERMANENT_WINDOWS",
            &["", " ", "0", "20,0", "20,20", "20, 50,020", "20;50", "20,", "[20", "-5", "20.0", "4294967296"],
        ),
        ("RUSTYBT_BENCHMARK_DIR", &["", "  ", "\t", "a\0b"]),
    ];
    for (variable, texts) in table {
        for text in texts {
            let Err(Error::Value { value, origin, allowed, .. }) = with(variable, text) else {
                panic!("{variable}={text:?} was not refused");
            };
            assert_eq!((value.as_str(), origin), (*text, Origin::Variable(variable_of(variable))));
            let message = with(variable, text).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{variable} = {text:?}: allowed is ")), "{message}");
            assert!(message.ends_with(&allowed) && !allowed.is_empty(), "{message}");
        }
    }
}

fn variable_of(name: &str) -> &'static str {
    VARIABLES.into_iter().find(|variable| *variable == name).unwrap()
}

#[test]
fn a_variable_one_slip_away_is_an_error() {
    for (slip, nearest) in [
        ("RUSTYBT_ENABLE_CACHIN", "RUSTYBT_ENABLE_CACHING"),
        ("RUSTYBT_ENABLE_CAHCING", "RUSTYBT_ENABLE_CACHING"),
        ("RUSTYBT_CACHE_SIZE_GIB", "RUSTYBT_CACHE_SIZE_GB"),
        ("RUSTYBT_LRU_MAX_SIZE", "RUSTYBT_LRU_MAXSIZE"),
        ("RUSTY_BT_ENABLE_RAY", "RUSTYBT_ENABLE_RAY"),
        ("RUSYTBT_ENABLE_RAY", "RUSTYBT_ENABLE_RAY"),
        ("rustybt_enable_ray", "RUSTYBT_ENABLE_RAY"),
        ("Rustybt_Bench_Mark_Dir", "RUSTYBT_BENCHMARK_DIR"),
    ] {
        assert_eq!(
            with(slip, "1").unwrap_err(),
            Error::UnknownVariable { name: slip.to_owned(), nearest: nearest.to_owned() }
        );
    }
}

#[test]
fn other_variables_of_the_original_are_warnings_and_foreign_ones_nothing() {
    let resolved = OptimizationConfig::from_vars([
        ("RUSTYBT_LRU_SIZE", "64"),
        ("RUSTYBT_DATA_DIR", "/data"),
        ("RUSTYBT_ENABLE_DEBUG_LOGGING", "1"),
        ("PATH", "/bin"),
        ("ENABLE_CACHING", "maybe"),
        ("MY_RUSTYBT_THING", "x"),
        ("", ""),
    ])
    .unwrap();
    assert_eq!(resolved.config, OptimizationConfig::default());
    let warnings: Vec<_> = resolved.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "variable RUSTYBT_LRU_SIZE is not used: the nearest known one is RUSTYBT_LRU_MAXSIZE",
            "variable RUSTYBT_DATA_DIR is not used: the nearest known one is RUSTYBT_ENABLE_RAY",
            "variable RUSTYBT_ENABLE_DEBUG_LOGGING is not used: the nearest known one is RUSTYBT_DEBUG_OPTIMIZATION",
        ]
    );
}

#[test]
fn of_a_variable_given_twice_the_later_one_counts() {
    let vars = [("RUSTYBT_LRU_MAXSIZE", "5"), ("RUSTYBT_LRU_MAXSIZE", "6")];
    assert_eq!(OptimizationConfig::from_vars(vars).unwrap().config.lru_maxsize, 6);
    let builder = OptimizationConfig::builder().vars([vars[1]]).vars([vars[0]]);
    assert_eq!(builder.build().unwrap().config.lru_maxsize, 5);
}

#[test]
fn the_process_environment_is_read_when_asked_for() {
    let expected = OptimizationConfig::from_vars(std::env::vars_os());
    assert_eq!(OptimizationConfig::from_env(), expected);
    assert_eq!(OptimizationConfig::builder().environment().build(), expected);
}

#[cfg(unix)]
#[test]
fn only_our_variables_must_be_utf8() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
    let foreign = [
        (bytes(b"HOME"), bytes(b"\xff")),
        (bytes(b"\xfe"), bytes(b"1")),
        (bytes(b"RUSTYBT_OTHER_\xff_THING"), bytes(b"\xff")),
    ];
    let resolved = OptimizationConfig::from_vars(foreign).unwrap();
    assert_eq!(resolved.config, OptimizationConfig::default());
    assert_eq!(resolved.warnings.len(), 1);

    for variable in VARIABLES {
        let error =
            OptimizationConfig::from_vars([(bytes(variable.as_bytes()), bytes(b"1\xff"))]).unwrap_err();
        assert_eq!(error, Error::NotUnicode { variable, value: "1\u{fffd}".to_owned() });
        assert_eq!(error.to_string(), format!("{variable} = \"1\u{fffd}\": allowed is text in UTF-8"));
    }
}

/// Each letter in either case.
fn any_case(word: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<bool>(), word.len()).prop_map(move |upper| {
        let cased = |(letter, upper): (char, bool)| if upper { letter.to_ascii_uppercase() } else { letter };
        word.chars().zip(upper).map(cased).collect()
    })
}

fn boolean() -> impl Strategy<Value = (bool, String)> {
    let words = [
        (true, "true"),
        (true, "1"),
        (true, "yes"),
        (true, "on"),
        (false, "false"),
        (false, "0"),
        (false, "no"),
        (false, "off"),
    ];
    proptest::sample::select(words.to_vec()).prop_flat_map(|(value, word)| (Just(value), any_case(word)))
}

fn edit(name: &str, kind: usize, at: usize, letter: char) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = at % (letters.len() - 1);
    match kind % 4 {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letter),
        2 => letters[at] = letter,
        _ => letters.swap(at, at + 1),
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn booleans_are_read_in_any_case_and_between_any_spaces(
        (value, word) in boolean(), before in "[ \t\n]{0,3}", after in "[ \t\n]{0,3}",
    ) {
        let config = with("RUSTYBT_ENABLE_RAY", &format!("{before}{word}{after}")).unwrap();
        prop_assert_eq!(config.enable_ray_scheduler, value);
    }

    #[test]
    fn sizes_are_the_number_times_the_unit(number in 1u64..1_000_000, unit in 0usize..9, space in " {0,2}") {
        let (name, bytes) = [
            ("", 1), ("B", 1), ("kb", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000),
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("gib", 1 << 30), ("TiB", 1u64 << 40),
        ][unit];
        let config = with("RUSTYBT_CACHE_SIZE_LIMIT", &format!("{number}{space}{name}")).unwrap();
        prop_assert_eq!(config.cache_size_limit as u64, number * bytes);
    }

    #[test]
    fn floats_come_back_to_the_last_bit(gb in 1e-9f64..8e9) {
        prop_assert_eq!(with("RUSTYBT_CACHE_SIZE_GB", &gb.to_string()).unwrap().cache_size_gb, gb);
        prop_assert_eq!(with("RUSTYBT_CACHE_SIZE_GB", &format!("{gb:e}")).unwrap().cache_size_gb, gb);
    }

    #[test]
    fn windows_come_back_in_their_order(
        windows in proptest::collection::hash_set(1usize..1_000_000, 1..20),
    ) {
        let windows: Vec<usize> = windows.into_iter().collect();
        let text: Vec<_> = windows.iter().map(ToString::to_string).collect();
        prop_assert_eq!(with("RUSTYBT_PERMANENT_WINDOWS", &text.join(" , ")).unwrap().permanent_windows, windows);
    }

    #[test]
    fn any_text_is_either_a_valid_value_or_an_error_that_names_the_variable(
        variable in proptest::sample::select(VARIABLES.to_vec()),
        text in prop_oneof![any::<String>(), "[-+0-9.eE,_ ]{0,25}", "[0-9.]{1,30} ?[KMGT]?i?B?", "[\\[\\]0-9, ]{0,12}"],
    ) {
        match with(variable, &text) {
            Ok(config) => prop_assert_eq!(config.validate(), Ok(())),
            Err(error) => prop_assert!(error.to_string().starts_with(variable), "{}", error),
        }
    }

    #[test]
    fn one_or_two_slips_in_a_variable_never_go_unnoticed(
        variable in proptest::sample::select(VARIABLES.to_vec()),
        slips in proptest::collection::vec((any::<usize>(), any::<usize>(), "[A-Z_0-9]"), 1..=2),
    ) {
        let slipped = slips.iter().fold(variable.to_owned(), |name, (kind, at, letter)| {
            edit(&name, *kind, *at, letter.chars().next().unwrap())
        });
        prop_assume!(slipped != variable);
        let error = with(&slipped, "1").unwrap_err();
        prop_assert!(matches!(error, Error::UnknownVariable { ref name, .. } if *name == slipped), "{}", error);
    }

    #[test]
    fn no_environment_makes_it_panic(vars in proptest::collection::vec((any::<String>(), any::<String>()), 0..8)) {
        let _ = OptimizationConfig::from_vars(vars);
    }
}
