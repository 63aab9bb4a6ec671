//! The table of trials: its order, its best, and its export.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod export;
mod oracle;
mod table;
