#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod confirmed;
mod handle;
mod key;
mod options;
mod pool;
mod process;
mod stats;

pub use bt_cache::CacheStats;
pub use bt_core;
pub use handle::PoolHandle;
pub use options::{PoolOptions, VersionCheck};
pub use pool::{BundlePool, Invalidate};
pub use process::{ProcessPool, process_pool};
pub use stats::PoolStats;
