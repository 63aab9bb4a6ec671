//! Tests that cross crates, and the example of the workspace's README.
#![forbid(unsafe_code)]
