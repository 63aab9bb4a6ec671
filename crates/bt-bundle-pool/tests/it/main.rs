//! What a pool promises to those who share it.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails as loudly as a test")]

mod fake;
mod handles;
mod hostile;
mod oracle;
mod policies;
mod sharing;
mod staleness;
