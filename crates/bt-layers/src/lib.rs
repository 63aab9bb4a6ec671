#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// An event of a single access: of level debug where the configuration asks for details, else trace.
macro_rules! detail {
    ($shared:expr, $($event:tt)+) => {
        if $shared.config.enable_debug_logging {
            tracing::debug!(target: "bt_layers", $($event)+)
        } else {
            tracing::trace!(target: "bt_layers", $($event)+)
        }
    };
}

mod grouped;
mod layers;
#[cfg(feature = "metrics")]
mod metrics;
mod stack;
mod stats;
mod unread;
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
