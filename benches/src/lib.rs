//! Criterion benches of the data layers, with the rivals in the same run.
