//! A conformance suite is worth what it finds: deliberately wrong implementations, each caught by the promise it breaks.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod bundles;
mod sources;
mod tables;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a suite says of an implementation.
fn verdict(suite: impl FnOnce()) -> String {
    match catch_unwind(AssertUnwindSafe(suite)) {
        Ok(()) => "nothing is wrong".to_owned(),
        Err(panic) => message(&*panic),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap()
}
