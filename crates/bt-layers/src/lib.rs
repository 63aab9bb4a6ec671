#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod layers;
#[cfg(feature = "metrics")]
mod metrics;
mod stack;
mod stats;
mod windows;
mod worker;

pub use bt_asset_cache;
pub use bt_bundle_pool;
pub use bt_bundle_pool::{Invalidate, VersionCheck};
pub use bt_core;
pub use bt_dataportal;
pub use bt_dataportal::{DataPortal, Policy};
pub use bt_optimize_config;
pub use bt_optimize_config::OptimizationConfig;
pub use layers::{Layers, Options};
pub use stats::LayersStats;
pub use windows::{Values, Windows};
pub use worker::{Trial, Worker};
