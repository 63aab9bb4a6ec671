//! What the stacked layers promise: limits, statistics, what is logged, and that nobody outside can break them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod hostile;
mod invalidation;
mod log;
mod logging;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod races;
mod totals;
mod windows;

use std::sync::Arc;

use bt_layers::bt_asset_cache::{Table, TableSource};
use bt_layers::bt_core::{BundleName, BundleVersion, Result};
use bt_layers::{Layers, OptimizationConfig, Options, VersionCheck};
use bt_testkit::{FakeSource, FakeTables, Layout, Market, MarketData};

/// Tables that a test still reaches after it has given them to the layers.
#[derive(Clone, Default)]
struct Tables(Arc<FakeTables>);

impl Tables {
    fn publish(&self, name: &BundleName, data: &MarketData) -> BundleVersion {
        self.0.publish(name, data, &Layout::default())
    }
}

impl TableSource for Tables {
    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.0.version(name)
    }

    fn read(&self, name: &BundleName) -> Result<Table> {
        self.0.read(name)
    }
}

fn name(text: &str) -> BundleName {
    BundleName::new(text).unwrap()
}

/// The same bars but for one close.
fn edition(number: usize) -> MarketData {
    Market::common(1, 3, 60).generate().with_corrected_close(number / 60 % 3, number % 60)
}

fn checked(version_check: VersionCheck) -> Options {
    Options { version_check, ..Options::default() }
}

fn over_tables(config: &OptimizationConfig, options: Options) -> (Layers, Tables) {
    let tables = Tables::default();
    (Layers::over_tables(config, options, tables.clone()).unwrap(), tables)
}

fn over_bundles(config: &OptimizationConfig, options: Options) -> (Layers, Arc<FakeSource>) {
    let source = Arc::new(FakeSource::default());
    (Layers::over_bundles(config, options, Arc::clone(&source)).unwrap(), source)
}

/// All eight ways to switch the layers.
fn subsets() -> impl Iterator<Item = OptimizationConfig> {
    (0..8).map(|layers| OptimizationConfig {
        enable_caching: layers & 1 != 0,
        enable_history_cache: layers & 2 != 0,
        enable_bundle_pooling: layers & 4 != 0,
        ..OptimizationConfig::default()
    })
}
