//! Conformance suites, fakes, seeded generators and the naive oracle
#![forbid(unsafe_code)]
