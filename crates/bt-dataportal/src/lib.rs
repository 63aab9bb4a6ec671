#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod moment;
mod portal;

pub use moment::{AssetHistory, Moment};
pub use portal::{DataPortal, Moments};

pub use bt_core;
pub use bt_core::ndarray;
