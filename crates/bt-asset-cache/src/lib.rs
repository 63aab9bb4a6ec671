//! Layer 1: cached asset lists and bars grouped by asset, once
#![forbid(unsafe_code)]
