//! The bodies of the fuzz targets. Each takes any bytes and panics where a promise is broken.
//!
//! libFuzzer calls them from `fuzz/`, a workspace of its own; `tests/replay.rs` calls them on every seed and every find.

#![forbid(unsafe_code)]

mod bytes;
mod config;
mod csv;
mod input;
mod ledger;
mod number;
mod place;
mod request;
mod space;
mod store;
mod tables;
mod time;

/// A body: it returns, or it panics because a promise is broken.
pub type Target = fn(&[u8]);

/// All targets by the names of their files in `fuzz/targets`.
pub const TARGETS: [(&str, Target); 12] = [
    ("append", csv::append),
    ("arrow", tables::arrow),
    ("config", config::run),
    ("csv", csv::run),
    ("footer", store::footer),
    ("ledger", ledger::run),
    ("number", number::run),
    ("parquet", tables::parquet),
    ("request", request::run),
    ("space", space::run),
    ("store", store::run),
    ("time", time::run),
];

/// The body of a target.
///
/// # Panics
/// Where there is none of this name.
pub fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no target {name:?}")).1
}

/// Keeps the hook of libFuzzer, which ends the process at every panic, from those that the readers of foreign files are
/// known for, and that become errors.
pub use bt_bundle::silence_guarded_panics;
