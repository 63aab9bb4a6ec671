//! The configuration itself: plain public fields, their defaults, and what can be asked of them as a whole.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use crate::text::GIBIBYTE;
use crate::{Builder, Error, Origin, Preset, Resolved, Result, Thresholds};

/// What the data layers may hold, which of them are on, and when an optimisation counts as worth keeping.
///
/// A plain value under the names of the Python original. Fill it in code and call [`validate`](Self::validate), or
/// let [`builder`](Self::builder) merge a preset, TOML files, the environment and code, which validates by itself.
/// It deserialises from any self-describing format as well, with the keys and the errors of the TOML file.
///
/// ```
/// use bt_optimize_config::{OptimizationConfig, Thresholds};
///
/// let config = OptimizationConfig::default();
/// assert!(config.enable_caching);
/// assert_eq!(config.cache_size_gb, 2.0);
/// assert_eq!(config.lru_maxsize, 128);
/// assert!(config.enable_history_cache);
/// assert_eq!(config.permanent_windows, [20, 50, 200]);
/// assert_eq!(config.tier2_maxsize, 256);
/// assert_eq!(config.cache_size_limit, 200 * 1024 * 1024);
/// assert!(config.enable_bundle_pooling);
/// assert_eq!(config.max_bundle_pool_size, 100);
/// assert!(!config.enable_shared_bundle_context);
/// assert!(!config.enable_persistent_worker_pool);
/// assert!(!config.enable_bohb_optimizer);
/// assert!(!config.enable_ray_scheduler);
/// assert!(!config.enable_debug_logging);
/// assert_eq!(config.benchmark_output_dir.to_str(), Some("benchmark-results"));
/// assert_eq!(config.sequential_evaluation_goal_percent, 40.0);
/// assert!(config.stop_on_diminishing_returns);
/// assert_eq!(config.thresholds, Thresholds::default());
/// assert_eq!(config.validate(), Ok(()));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OptimizationConfig {
    /// Layer 1: keep asset lists and grouped bars between trials. Default: on. `RUSTYBT_ENABLE_CACHING`
    pub enable_caching: bool,
    /// Layers 1 and 3 together: memory for bars, in units of 2^30 bytes as in the Python original; at least one byte.
    /// [`cache_size_bytes`](Self::cache_size_bytes) converts. Default: 2. `RUSTYBT_CACHE_SIZE_GB`
    pub cache_size_gb: f64,
    /// Layer 1: how many asset lists are kept, at least 1. Default: 128. `RUSTYBT_LRU_MAXSIZE`
    pub lru_maxsize: usize,
    /// Layer 2: keep history windows that cannot be views. Default: on. `RUSTYBT_ENABLE_HISTORY_CACHE`
    pub enable_history_cache: bool,
    /// Layer 2: the bar counts whose windows stay in tier 1, each at least 1 and named once; may be empty.
    /// Default: 20, 50, 200. `RUSTYBT_PERMANENT_WINDOWS`
    pub permanent_windows: Vec<usize>,
    /// Layer 2: how many other windows tier 2 keeps, at least 1. Default: 256. `RUSTYBT_TIER2_MAXSIZE`
    pub tier2_maxsize: usize,
    /// Layer 2: memory for windows in bytes, at least 1. Default: 200 MiB. `RUSTYBT_CACHE_SIZE_LIMIT`
    pub cache_size_limit: usize,
    /// Layer 3: share open bundles between workers. Default: on. `RUSTYBT_ENABLE_BUNDLE_POOLING`
    pub enable_bundle_pooling: bool,
    /// Layer 3: how many bundles stay open, at least 1. Default: 100. `RUSTYBT_MAX_BUNDLE_POOL_SIZE`
    pub max_bundle_pool_size: usize,
    /// Heavy operation: hand one bundle context to all workers. Default: off. `RUSTYBT_ENABLE_SHARED_BUNDLE`
    pub enable_shared_bundle_context: bool,
    /// Heavy operation: keep workers alive between sweeps. Default: off. `RUSTYBT_ENABLE_PERSISTENT_POOL`
    pub enable_persistent_worker_pool: bool,
    /// Heavy operation: search by BOHB. Default: off. `RUSTYBT_ENABLE_BOHB`
    pub enable_bohb_optimizer: bool,
    /// Heavy operation: distribute trials over machines. Default: off. `RUSTYBT_ENABLE_RAY`
    pub enable_ray_scheduler: bool,
    /// Log what the layers do in detail. Default: off. `RUSTYBT_DEBUG_OPTIMIZATION`
    pub enable_debug_logging: bool,
    /// Where benchmark reports go; UTF-8, not empty. Default: `benchmark-results`. `RUSTYBT_BENCHMARK_DIR`
    pub benchmark_output_dir: PathBuf,
    /// Time saved, in percent above 0 and up to 100, at which the sequential evaluation has reached its goal.
    /// Default: 40.
    pub sequential_evaluation_goal_percent: f64,
    /// End the sequential evaluation when further optimisations stop to pay. Default: on.
    pub stop_on_diminishing_returns: bool,
    /// What an optimisation must achieve to be accepted, per workflow and dataset size.
    pub thresholds: Thresholds,
}

impl Default for OptimizationConfig {
    #[doc(alias = "create_default")]
    fn default() -> Self {
        Self {
            enable_caching: true,
            cache_size_gb: 2.0,
            lru_maxsize: 128,
            enable_history_cache: true,
            permanent_windows: vec![20, 50, 200],
            tier2_maxsize: 256,
            cache_size_limit: 200 * 1024 * 1024,
            enable_bundle_pooling: true,
            max_bundle_pool_size: 100,
            enable_shared_bundle_context: false,
            enable_persistent_worker_pool: false,
            enable_bohb_optimizer: false,
            enable_ray_scheduler: false,
            enable_debug_logging: false,
            benchmark_output_dir: PathBuf::from("benchmark-results"),
            sequential_evaluation_goal_percent: 40.0,
            stop_on_diminishing_returns: true,
            thresholds: Thresholds::default(),
        }
    }
}

impl OptimizationConfig {
    /// Starts a configuration that is merged from several places; see [`Builder`].
    pub fn builder<'a>() -> Builder<'a> {
        Builder::default()
    }

    /// Defaults, then the `RUSTYBT_*` variables of this process: what `create_default` of the Python original does.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::build`].
    #[doc(alias = "create_default")]
    pub fn from_env() -> Result<Resolved> {
        Self::builder().environment().build()
    }

    /// Defaults, then the `RUSTYBT_*` variables among `vars`. Pure: the process environment is not read.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::build`].
    ///
    /// ```
    /// use bt_optimize_config::OptimizationConfig;
    ///
    /// let config = OptimizationConfig::from_vars([("RUSTYBT_CACHE_SIZE_LIMIT", "64MiB"), ("HOME", "/")])?.config;
    /// assert_eq!(config.cache_size_limit, 64 << 20);
    ///
    /// let slip = OptimizationConfig::from_vars([("RUSTYBT_CACHE_SIZE_GP", "4")]).unwrap_err();
    /// assert_eq!(
    ///     slip.to_string(),
    ///     "unknown variable RUSTYBT_CACHE_SIZE_GP: the nearest known one is RUSTYBT_CACHE_SIZE_GB"
    /// );
    /// # Ok::<(), bt_optimize_config::Error>(())
    /// ```
    pub fn from_vars<N: Into<OsString>, V: Into<OsString>>(
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Resolved> {
        Self::builder().vars(vars).build()
    }

    /// Defaults, then the preset that `text` names if it names one, then its keys.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::build`].
    ///
    /// ```
    /// use bt_optimize_config::OptimizationConfig;
    ///
    /// let config = OptimizationConfig::from_toml("preset = 'strict'\nlru_maxsize = 96")?;
    /// assert_eq!((config.cache_size_gb, config.lru_maxsize), (1.5, 96));
    /// # Ok::<(), bt_optimize_config::Error>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self> {
        Ok(Self::builder().toml_str(text).build()?.config)
    }

    /// The values of a preset, without file or environment.
    ///
    /// ```
    /// use bt_optimize_config::{OptimizationConfig, Preset};
    ///
    /// let strict = OptimizationConfig::from_preset(Preset::Strict);
    /// assert_eq!((strict.cache_size_gb, strict.lru_maxsize, strict.max_bundle_pool_size), (1.5, 64, 50));
    /// assert_eq!(strict.sequential_evaluation_goal_percent, 50.0);
    ///
    /// let lenient = OptimizationConfig::from_preset(Preset::Lenient);
    /// assert_eq!((lenient.cache_size_gb, lenient.lru_maxsize, lenient.max_bundle_pool_size), (3.0, 256, 200));
    /// assert_eq!(lenient.sequential_evaluation_goal_percent, 20.0);
    /// assert!(lenient.enable_debug_logging && !lenient.stop_on_diminishing_returns);
    ///
    /// assert_eq!(OptimizationConfig::from_preset(Preset::Default), OptimizationConfig::default());
    /// ```
    #[doc(alias = "create_strict")]
    #[doc(alias = "create_lenient")]
    pub fn from_preset(preset: Preset) -> Self {
        preset.config()
    }

    /// Checks every field: the same rules that files and variables are held to.
    ///
    /// # Errors
    ///
    /// [`Error::Value`] for the first field whose value is not allowed.
    ///
    /// ```
    /// use bt_optimize_config::OptimizationConfig;
    ///
    /// let config = OptimizationConfig { tier2_maxsize: 0, ..OptimizationConfig::default() };
    /// assert_eq!(
    ///     config.validate().unwrap_err().to_string(),
    ///     "tier2_maxsize = 0: allowed is a whole number from 1 to 4294967295"
    /// );
    /// ```
    pub fn validate(&self) -> Result<()> {
        // The settings are one list for reading and writing; a check is rare enough to pay for a copy.
        let mut copy = self.clone();
        match copy.settings().iter().find(|setting| !setting.slot.fits()) {
            None => Ok(()),
            Some(wrong) => Err(wrong.refuse(&wrong.slot.show(), Origin::Code)),
        }
    }

    /// The configuration as a TOML document that reads back as an equal one.
    ///
    /// # Errors
    ///
    /// [`Error::Value`] where [`validate`](Self::validate) refuses a field.
    pub fn to_toml(&self) -> Result<String> {
        self.validate()?;
        toml::to_string(self).map_err(|error| Error::Document {
            source_name: "the configuration as TOML".to_owned(),
            reason: error.to_string(),
        })
    }

    /// [`cache_size_gb`](Self::cache_size_gb) in bytes, rounded down: 2.0 is 2^31. A value that
    /// [`validate`](Self::validate) refuses saturates (NaN and what is below 0 give 0).
    ///
    /// ```
    /// # use bt_optimize_config::OptimizationConfig;
    /// assert_eq!(OptimizationConfig::default().cache_size_bytes(), 2 * 1024 * 1024 * 1024);
    /// ```
    pub fn cache_size_bytes(&self) -> usize {
        (self.cache_size_gb * GIBIBYTE) as usize
    }

    /// Switches all three layers and the four heavy operations off; limits and thresholds stay.
    ///
    /// ```
    /// # use bt_optimize_config::OptimizationConfig;
    /// let mut config = OptimizationConfig::default();
    /// config.disable_all();
    /// assert!((1..=3).all(|layer| !config.has_layer(layer)));
    /// ```
    pub fn disable_all(&mut self) {
        self.enable_caching = false;
        self.enable_history_cache = false;
        self.enable_bundle_pooling = false;
        self.enable_shared_bundle_context = false;
        self.enable_persistent_worker_pool = false;
        self.enable_bohb_optimizer = false;
        self.enable_ray_scheduler = false;
    }

    /// [`disable_all`](Self::disable_all), then layer `layer` on: 1 is caching, 2 the history cache, 3 bundle pooling.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchLayer`] for any other number; the configuration is left as it was.
    ///
    /// ```
    /// # use bt_optimize_config::OptimizationConfig;
    /// let mut config = OptimizationConfig::default();
    /// config.only_layer(2)?;
    /// assert!(config.enable_history_cache && !config.enable_caching && !config.enable_bundle_pooling);
    ///
    /// assert_eq!(
    ///     config.only_layer(4).unwrap_err().to_string(),
    ///     "layer 4: allowed are 1 (caching), 2 (history cache) and 3 (bundle pooling)"
    /// );
    /// # Ok::<(), bt_optimize_config::Error>(())
    /// ```
    pub fn only_layer(&mut self, layer: u8) -> Result<()> {
        if !(1..=3).contains(&layer) {
            return Err(Error::NoSuchLayer { layer });
        }
        self.disable_all();
        self.enable_caching = layer == 1;
        self.enable_history_cache = layer == 2;
        self.enable_bundle_pooling = layer == 3;
        Ok(())
    }

    /// Whether layer `layer` is on: 1 is caching, 2 the history cache, 3 bundle pooling; no other number ever is.
    pub fn has_layer(&self, layer: u8) -> bool {
        match layer {
            1 => self.enable_caching,
            2 => self.enable_history_cache,
            3 => self.enable_bundle_pooling,
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for OptimizationConfig {
    /// Reads any self-describing format by way of TOML, so that every format has the same keys, checks and errors.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        let text = toml::to_string(&table).map_err(serde::de::Error::custom)?;
        let resolved = Builder::default().deserialised(text).build().map_err(serde::de::Error::custom)?;
        Ok(resolved.config)
    }
}
