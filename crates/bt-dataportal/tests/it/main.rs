//! Layer 2 against a naive oracle, on bundles with and without a slab.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
mod cache;
mod edges;
mod extremes;
mod fake;
mod frames;
mod layouts;
mod load;
mod lying;
mod oracle;
mod panels;
mod views;

/// So many cases of a property; few under Miri, which is a few hundred times slower.
fn cases(cases: u32) -> proptest::prelude::ProptestConfig {
    proptest::prelude::ProptestConfig::with_cases(if cfg!(miri) { 3 } else { cases })
}
