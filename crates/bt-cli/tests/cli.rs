//! The built command, run as a user or a script runs it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod cli {
    mod breaks;
    mod documented;
    mod ends;
    mod folders;
    mod odd_files;
    mod place;
    mod sources;
    mod stay_of_a_bundle;
    mod sweeps;
}
