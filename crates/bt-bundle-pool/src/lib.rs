//! Layer 3: open bundles shared by all workers, with a version check that costs a stat
#![forbid(unsafe_code)]
