//! Reports hold what happened, whatever happened, in a page of bounded size that needs nothing else.
#![allow(clippy::unwrap_used, reason = "a helper of a test may panic like the test itself")]

mod aggregates;
mod curves;
mod luck;
mod oracle;
mod page;
