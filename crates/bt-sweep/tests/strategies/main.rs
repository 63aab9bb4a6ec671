//! Built-in strategies against independent ones, and through the engine.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod crossover;
mod data;
mod engine;
mod examples;
mod look_ahead;
mod oracle;
mod positions;
mod recorded;
mod registry;
