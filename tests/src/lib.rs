//! Tests that cross crates, and the example of the workspace's README.
#![forbid(unsafe_code)]

/// The documents whose code runs.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../docs/ingest.md")]
    mod ingest {}
    #[doc = include_str!("../../docs/sweep.md")]
    mod sweep {}
}
