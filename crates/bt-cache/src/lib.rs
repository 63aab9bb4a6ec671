//! A byte-bounded, single-flight LRU with statistics, a shared get and a per-worker handle
#![forbid(unsafe_code)]
