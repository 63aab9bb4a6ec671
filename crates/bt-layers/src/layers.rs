use std::fmt;
use std::sync::Arc;

use bt_asset_cache::TableSource;
use bt_bundle_pool::{Invalidate, VersionCheck};
use bt_core::{BundleName, BundleSource, BundleVersion, Error, Result, erase};
use bt_dataportal::{HistoryCache, HistoryOptions, Policy};
use bt_optimize_config::OptimizationConfig;

use crate::stack::{Origin, Stacks};
use crate::unread::warn_of_unread;
use crate::{LayersStats, Worker};

/// The data layers, stacked as a configuration says. One for a process; cheap to clone, and every clone is the same.
///
/// | switch | on | off |
/// |---|---|---|
/// | `enable_caching` (Layer 1) | a table is grouped by asset once for each version | every trial extracts the asset list and filters and converts each asset's rows again |
/// | `enable_history_cache` (Layer 2) | frames and ragged panels are kept for all workers; [`Trial::windows`](crate::Trial::windows) are views | nothing is kept; [`Trial::windows`](crate::Trial::windows) makes a frame for each call |
/// | `enable_bundle_pooling` (Layer 3) | open bundles are shared by all workers | every worker opens its own |
///
/// Any combination gives the same bits. Over bundles that are grouped on disk already, Layer 1 has nothing to do.
///
/// # Memory
/// At most `cache_size_gb` of bars on the heap and `cache_size_limit` of windows, and for each of up to
/// `max_bundle_pool_size` names less than 1 KiB. Over tables it is Layer 1 that holds the bars, of up to `lru_maxsize`
/// versions; over bundles, and where Layer 1 is off, the pool. Without Layer 3 every worker may hold as much. Trials
/// that run keep their bundle alive whatever the caches have let go of.
///
/// # What is logged
/// Events of the target `bt_layers`. A warning, once, where the layers are stacked, for each value of the configuration
/// that differs from its default and has no effect on them: the heavy operations, the directory of benchmarks, goal,
/// stop and thresholds of the evaluation, and over bundles `lru_maxsize`. Every worker and every trial is an event of
/// level trace, or debug where `enable_debug_logging` is on.
#[derive(Clone)]
pub struct Layers(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) config: OptimizationConfig,
    pub(crate) options: Options,
    pub(crate) history: Option<Arc<HistoryCache>>,
    pub(crate) stacks: Stacks,
}

/// What a configuration file does not say.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Options {
    /// When the pool asks whether there is a new version. Default: at the start of every trial.
    pub version_check: VersionCheck,
    /// Which windows Layer 2 keeps. Default: those that are dearer to make than to find.
    pub history_policy: Policy,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layers").field("config", &self.0.config).field("stats", &self.stats()).finish()
    }
}

impl Layers {
    /// Stacks the layers over bundles that are grouped already: a store on disk, or your own [`BundleSource`].
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where the configuration is not valid.
    pub fn over_bundles<S>(config: &OptimizationConfig, options: Options, source: S) -> Result<Self>
    where
        S: BundleSource<Bundle: Sized>,
    {
        Self::new(config, options, Origin::Bundles(erase(source)))
    }

    /// Stacks the layers over long tables: your own [`TableSource`].
    ///
    /// # Errors
    /// As [`over_bundles`](Self::over_bundles).
    pub fn over_tables(
        config: &OptimizationConfig,
        options: Options,
        tables: impl TableSource,
    ) -> Result<Self> {
        Self::new(config, options, Origin::Tables(Arc::new(tables)))
    }

    fn new(config: &OptimizationConfig, options: Options, origin: Origin) -> Result<Self> {
        config.validate().map_err(invalid)?;
        let over_tables = matches!(origin, Origin::Tables(_));
        let stacks = Stacks::new(config, options.version_check, origin)?;
        let history = config.enable_history_cache.then(|| history_cache(config, options)).transpose()?;
        warn_of_unread(config, over_tables);
        let shared = Shared { config: config.clone(), options, history, stacks };
        detail!(shared, over_tables, ?options, ?config, "the layers are stacked");
        Ok(Self(Arc::new(shared)))
    }

    /// A worker: one for each thread, made where the thread starts.
    ///
    /// # Errors
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where, without Layer 3, its own stack cannot be made.
    pub fn worker(&self) -> Result<Worker> {
        Ok(Worker::new(Arc::clone(&self.0), self.0.stacks.for_worker()?))
    }

    /// The current version of a bundle, without opening it: what a sweep pins, for
    /// [`Worker::trial_on`](crate::Worker::trial_on).
    ///
    /// # Errors
    /// [`BundleNotFound`](bt_core::ErrorKind::BundleNotFound); whatever the source meets.
    pub fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.0.stacks.version(name)
    }

    /// Forgets the open bundles of one name, or everything, for all workers: the next trial opens anew. What is being
    /// opened right now is not kept. Trials that run keep what they have.
    ///
    /// Windows that Layer 2 keeps go with everything, not with one name: they belong to versions, not to names.
    pub fn invalidate(&self, what: Invalidate<'_>) {
        tracing::info!(target: "bt_layers", ?what, "invalidated");
        self.0.stacks.all().iter().for_each(|stack| stack.invalidate(what));
        if let (Invalidate::All, Some(history)) = (what, &self.0.history) {
            history.clear();
        }
    }

    /// What all layers did, and what they hold. Hits of a running worker are counted from its next trial on, or from
    /// its end.
    pub fn stats(&self) -> LayersStats {
        self.0.stats()
    }

    /// The configuration that they were stacked by.
    pub fn config(&self) -> &OptimizationConfig {
        &self.0.config
    }

    /// What the configuration does not say.
    pub fn options(&self) -> Options {
        self.0.options
    }

    /// Sets counters and gauges of the [`metrics`](::metrics) facade to the current statistics: hits, misses,
    /// evictions, rejections, loads, load time and bytes of each layer. Call it as often as you want points.
    ///
    /// Counters are totals from the start, workers that are gone included, so they never fall. A program with several
    /// `Layers` tells them apart by [`export_metrics_as`](Self::export_metrics_as).
    #[cfg(feature = "metrics")]
    pub fn export_metrics(&self) {
        crate::metrics::export(&self.stats(), None);
    }

    /// [`export_metrics`](Self::export_metrics) with the label `layers` on everything: for programs that have several.
    #[cfg(feature = "metrics")]
    pub fn export_metrics_as(&self, layers: &str) {
        crate::metrics::export(&self.stats(), Some(layers));
    }
}

/// What the configuration says of itself, as an error of the layers.
fn invalid(error: bt_optimize_config::Error) -> Error {
    match error {
        bt_optimize_config::Error::Value { name, value, allowed, .. } => {
            Error::invalid_option(name, value, allowed)
        }
        other => Error::other(other),
    }
}

fn history_cache(config: &OptimizationConfig, options: Options) -> Result<Arc<HistoryCache>> {
    let options = HistoryOptions {
        permanent_windows: config.permanent_windows.clone(),
        tier2_entries: config.tier2_maxsize,
        max_bytes: config.cache_size_limit,
        policy: options.history_policy,
    };
    HistoryCache::new(options).map(Arc::new)
}
