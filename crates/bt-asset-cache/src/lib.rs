#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod kernel;

mod cache;
mod filtered;
mod grouped;
mod memory;
mod opened;
mod source;
mod table;

pub use cache::{AssetListCache, AssetListKey, GroupedCache, GroupedHandle};
pub use filtered::{Filtered, FilteredBars};
pub use grouped::GroupedBars;
pub use source::Grouped;
pub use table::{Label, Shown, Table, TableColumns, TableSource, version_as_read};

pub use arrow_array;
pub use arrow_buffer;
pub use arrow_schema;
pub use bt_cache;
pub use bt_core;
pub use ndarray;
