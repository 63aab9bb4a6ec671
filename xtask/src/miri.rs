//! `cargo xtask miri`: the interpreter that finds undefined behaviour, on the crates that touch no file.

use std::process::Command;

use crate::shell::{self, Result, output, root};

const BY_UNIT_TESTS: [&str; 3] = ["bt-core", "bt-asset-cache", "bt-dataportal"];
/// Miri is a few hundred times slower than the processor.
const CASES: &str = "4";

/// Their threads are worth the minutes that integration tests take.
const BY_ALL_TESTS: [&str; 1] = ["bt-cache"];

/// Runs the tests of the crates under Miri; says that it is skipped where no
/// nightly toolchain has it.
pub(crate) fn run() -> Result<()> {
    if let Err(error) = output(nightly_miri().arg("--version")) {
        println!("miri: skipped: {}", error.to_string().lines().next().unwrap_or_default());
        println!("      rustup toolchain install nightly --component miri,rust-src");
        return Ok(());
    }
    interpret("--lib", &BY_UNIT_TESTS)?;
    interpret("--tests", &BY_ALL_TESTS)
}

fn interpret(targets: &str, crates: &[&str]) -> Result<()> {
    let mut command = nightly_miri();
    command.args(["test", targets]);
    command.args(crates.iter().flat_map(|name| ["--package", name]));
    // Property tests read their number of cases from here and write no file of failures.
    command.env("PROPTEST_CASES", CASES).env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    command.env("MIRIFLAGS", "-Zmiri-disable-isolation");
    shell::run(&mut command)
}

/// Through rustup, since the cargo that runs this program belongs to one toolchain and takes no `+nightly`.
fn nightly_miri() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "miri"]).current_dir(root());
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}
