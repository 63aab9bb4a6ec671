//! Layer 2 against a naive oracle, on bundles with and without a slab.
mod edges;
mod fake;
mod oracle;
mod views;
