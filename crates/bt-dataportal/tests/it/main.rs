//! Layer 2 against a naive oracle, on bundles with and without a slab.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
mod cache;
mod edges;
mod extremes;
mod fake;
mod frames;
mod layouts;
mod load;
mod lying;
mod oracle;
mod panels;
mod views;
