//! Strategies that are called bar by bar.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../account/data.rs"]
mod data;
mod promises;
mod random;
mod strategies;
