//! One constructor that stacks the data layers as a configuration says
#![forbid(unsafe_code)]
