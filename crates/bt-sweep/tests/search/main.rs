//! Spaces and searches against naive versions, and the promises that searches make.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod grid;
mod hyperband;
mod learning;
mod oracle;
mod random;
mod space;
mod steps;
