//! The proof of the layers: what is claimed, how it is tested and how it is told.
//!
//! `docs/validation.md` fixes claims, arms, workloads and statistics before anything is measured; this crate is its
//! code. What needs no clock can be tested against known answers:
//!
//! - [`claims`]: the registry of everything that is claimed, with targets.
//! - [`stats`]: from rounds of times to a [`stats::Verdict`].
//! - [`gate`]: whether the heavy operations are needed, and why.
//! - [`report`]: one data model, written as JSON, Markdown, HTML and a terminal table.
//!
//! What is measured:
//!
//! - [`strategy`], [`workloads`], [`arms`]: the same trials, run in different ways on the same bars ([`data`]).
//! - [`equivalence`] before anything else; then [`turn`]s of arms ([`constancy`]: of how many trials), [`pairs`] of
//!   operations and starts of [`workers`], spread over processes ([`task`], [`collect`]).
//! - [`sweeps`]: the engine `bt-sweep`, its pool, its searches, and what the arms' strategy takes in it.
//! - [`prove`]: the whole run, from [`plan`] to report; [`faults`] show that it can fail.
//!
//! # Example
//!
//! Ten rounds in which the optimised arm took a twentieth of the time prove "at least 90 % time saved":
//!
//! ```
//! use bt_validate::claims::Registry;
//! use bt_validate::report::ClaimResult;
//! use bt_validate::stats::{Round, Verdict};
//!
//! let registry = Registry::standard();
//! let claim = registry.get("total.time_saved.production").expect("a claim of the table");
//! let rounds: Vec<Round> =
//!     (0..10).map(|i| Round { base_seconds: 1.0, optimised_seconds: 0.05 + 0.0001 * f64::from(i) }).collect();
//! let result = ClaimResult::timed(claim, &rounds);
//! assert_eq!(result.verdict, Some(Verdict::Pass));
//! ```
#![forbid(unsafe_code)]

pub mod arms;
pub mod claims;
pub mod collect;
pub mod constancy;
pub mod data;
pub mod equivalence;
pub mod faults;
pub mod gate;
pub mod pairs;
pub mod peers;
pub mod plan;
mod proc;
pub mod prove;
pub mod report;
pub mod stats;
pub mod strategy;
pub mod sweeps;
pub mod task;
pub mod turn;
pub mod workers;
pub mod workloads;
