//! The account against examples computed by hand, and against a naive one under random orders.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod data;
mod examples;
mod oracle;
mod random;
