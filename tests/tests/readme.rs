//! The first thing that a reader sees is code that runs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

#[path = "../examples/readme.rs"]
mod example;

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../examples/readme.rs");

#[test]
fn the_example_of_the_readme_is_the_code_that_runs() {
    let shown = README.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(shown, EXAMPLE);
}

#[test]
fn the_example_of_the_readme_runs_from_the_root() {
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    example::main().unwrap();
}
