#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cache;
mod frame;
mod handle;
mod history;
mod key;
mod moment;
mod panel;
mod portal;
mod series;
mod set;

pub use cache::{HistoryCache, HistoryOptions, HistoryStats, Policy};
pub use frame::FrameSeries;
pub use handle::HistoryHandle;
pub use history::{Assets, Request, Window};
pub use moment::{AssetHistory, Moment};
pub use portal::{DataPortal, Moments};
pub use series::Series;
pub use set::AssetSet;

pub use bt_cache;
pub use bt_core;
pub use bt_core::ndarray;
pub use {arrow_array, arrow_schema};
