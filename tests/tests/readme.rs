//! The first thing that a reader sees is code that runs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("readme/example.rs");

mod example {
    include!("readme/example.rs");

    #[test]
    fn the_example_of_the_readme_runs_from_the_root() {
        std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap();
        main().unwrap();
    }
}

#[test]
fn the_example_of_the_readme_is_the_code_that_runs() {
    let shown = README.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(shown, EXAMPLE);
}
