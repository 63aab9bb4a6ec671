//! The reference bundle: ingest, map, publish, verify, collect
#![forbid(unsafe_code)]
