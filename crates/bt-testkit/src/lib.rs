#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod conformance;
mod fakes;
mod market;
mod memory;
pub mod oracle;
mod tables;

pub use bt_core;
pub use fakes::{Behaviour, FakeSource, FakeTables, Gate};
pub use market::{AssetData, Market, MarketData};
pub use memory::MemoryBundle;
pub use tables::{Layout, RowOrder};
