//! The commands that the front pages show run as they stand there.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs the lines of a page's shell blocks that begin with `bt`, in a folder that has the shipped data; tells how many there were.
fn run_commands(page: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join(page)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::copy(root.join("data/stocks.csv"), folder.path().join("data/stocks.csv")).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap_or_default());
    let mut commands = 0;
    for line in lines.filter(|line| line.starts_with("bt ")) {
        let mut bt = Command::new(env!("CARGO_BIN_EXE_bt"));
        let ended = bt.args(line.split_whitespace().skip(1)).current_dir(&folder).output().unwrap();
        assert!(ended.status.success(), "{line}\n{}", String::from_utf8_lossy(&ended.stderr));
        commands += 1;
    }
    commands
}

#[test]
fn the_commands_of_the_workspaces_readme_run() {
    assert_eq!(run_commands("README.md"), 4);
}

#[test]
fn the_walk_through_of_the_commands_readme_runs() {
    assert_eq!(run_commands("crates/bt-cli/README.md"), 9);
}
