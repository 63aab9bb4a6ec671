#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod frame;
mod history;
mod moment;
mod panel;
mod portal;
mod series;
mod set;

pub use frame::FrameSeries;
pub use history::{Assets, Request, Window};
pub use moment::{AssetHistory, Moment};
pub use portal::{DataPortal, Moments};
pub use series::Series;
pub use set::AssetSet;

pub use bt_core;
pub use bt_core::ndarray;
pub use {arrow_array, arrow_schema};
