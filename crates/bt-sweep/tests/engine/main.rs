//! The engine: order, failures, deadlines, cancellation, workers.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod bars;
mod contracts;
mod dates;
mod fake;
mod faults;
mod hostile;
mod killed;
mod resume;
mod walk;
