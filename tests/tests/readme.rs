//! The first thing that a reader sees is code that runs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../examples/readme.rs");

#[test]
fn the_example_of_the_readme_is_the_code_that_runs() {
    let shown = README.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(shown, EXAMPLE);
}

#[test]
fn the_example_of_the_readme_runs_from_the_root() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let run = ["run", "--quiet", "--package", "bt-tests", "--example", "readme"];
    let output = Command::new(env!("CARGO")).args(run).current_dir(root).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("12,154") || said.contains("12154"), "{said}");
}
