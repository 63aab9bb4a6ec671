#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod document;
mod environment;
mod error;
mod explain;
mod nearest;
mod preset;
mod resolve;
mod setting;
mod text;
mod threshold;

pub use config::OptimizationConfig;
pub use environment::UnknownVariable;
pub use error::{Error, Result};
pub use explain::{Explained, Explanation, Origin};
pub use preset::Preset;
pub use resolve::{Builder, Resolved};
pub use text::size;
pub use threshold::{Acceptance, DatasetSize, Threshold, Thresholds, Workflow};
