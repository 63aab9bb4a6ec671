//! The ledger as its users and its disk see it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bytes;
mod common;
mod disk;
mod folder;
mod hostile;
mod killed;
mod oracle;
mod property;
