//! Layer 2: history windows as ndarray views or Arrow record batches
#![forbid(unsafe_code)]
