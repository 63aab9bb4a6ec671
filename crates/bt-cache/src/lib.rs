#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cache;
mod flight;
mod handle;
mod hashed;
mod shelf;
mod stats;

pub use bt_core;
pub use cache::{Cache, Key, Limits};
pub use handle::Handle;
pub use hashbrown::Equivalent;
pub use stats::CacheStats;
