//! Three ready-made configurations.

use std::fmt;
use std::str::FromStr;

use crate::nearest::nearest;
use crate::{Error, OptimizationConfig, Result, Threshold, Thresholds};

/// A ready-made configuration, named `default`, `strict` or `lenient` in a TOML file (`preset = "strict"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Preset {
    /// 5 % improvement at 95 % confidence over 10 runs with at most 2 % more memory, less for small grid searches.
    #[default]
    Default,
    /// For decisions about production: 10 % at 99 % over 20 runs with at most 1 % more memory, and smaller caches.
    Strict,
    /// For experiments: 2 % at 90 % over 10 runs with at most 10 % more memory, larger caches, debug logging, and
    /// no early stop.
    Lenient,
}

/// What both other presets state; `thresholds.` stands for all values below it.
const STATED_BY_BOTH: [&str; 5] = [
    "cache_size_gb",
    "lru_maxsize",
    "max_bundle_pool_size",
    "sequential_evaluation_goal_percent",
    "thresholds.",
];
const STATED_BY_LENIENT: [&str; 2] = ["enable_debug_logging", "stop_on_diminishing_returns"];

impl Preset {
    /// All presets.
    pub const ALL: [Preset; 3] = [Preset::Default, Preset::Strict, Preset::Lenient];

    /// The name under which a TOML file asks for it.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Strict => "strict",
            Preset::Lenient => "lenient",
        }
    }

    pub(crate) fn config(self) -> OptimizationConfig {
        match self {
            Preset::Default => OptimizationConfig::default(),
            Preset::Strict => strict(),
            Preset::Lenient => lenient(),
        }
    }

    /// Whether this preset says something about the value, be it the same as the default.
    pub(crate) fn states(self, setting: &str) -> bool {
        let is_among = |stated: &[&str]| stated.iter().any(|&name| setting.starts_with(name));
        match self {
            Preset::Default => false,
            Preset::Strict => is_among(&STATED_BY_BOTH),
            Preset::Lenient => is_among(&STATED_BY_BOTH) || is_among(&STATED_BY_LENIENT),
        }
    }
}

fn strict() -> OptimizationConfig {
    OptimizationConfig {
        cache_size_gb: 1.5,
        lru_maxsize: 64,
        max_bundle_pool_size: 50,
        sequential_evaluation_goal_percent: 50.0,
        thresholds: Thresholds::uniform(Threshold {
            min_improvement_percent: 10.0,
            statistical_confidence: 0.99,
            min_sample_size: 20,
            max_memory_increase_percent: 1.0,
        }),
        ..OptimizationConfig::default()
    }
}

fn lenient() -> OptimizationConfig {
    OptimizationConfig {
        cache_size_gb: 3.0,
        lru_maxsize: 256,
        max_bundle_pool_size: 200,
        sequential_evaluation_goal_percent: 20.0,
        enable_debug_logging: true,
        stop_on_diminishing_returns: false,
        thresholds: Thresholds::uniform(Threshold {
            min_improvement_percent: 2.0,
            statistical_confidence: 0.90,
            min_sample_size: 10,
            max_memory_increase_percent: 10.0,
        }),
        ..OptimizationConfig::default()
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    /// Reads a preset's name as it is written in TOML.
    fn from_str(name: &str) -> Result<Self> {
        let known = Preset::ALL.into_iter().find(|preset| preset.name() == name);
        known.ok_or_else(|| Error::UnknownPreset {
            name: name.to_owned(),
            nearest: nearest(name, Preset::ALL.map(Preset::name)).unwrap_or_default().to_owned(),
            origin: None,
        })
    }
}
