//! `cargo xtask validate`: builds the release binary of `bt-validate` and runs it.
//!
//! The measured program prints claims; what it cannot know by itself it is told through the environment:
//!
//! | variable | what |
//! |---|---|
//! | `BT_REVISION` | the commit, with `-dirty` where the working tree differs from it; `unknown` outside of git |
//! | `BT_TOOLCHAIN` | what `rustc --version` says |
//! | `BT_ROOT` | the workspace's folder, for `data/` and `report/`; also the working directory |
//! | `BT_PYTHON` | a Python with pyarrow, polars and numpy; not set where there is none |

use std::process::Command;

use crate::python;
use crate::shell::{self, Error, Result, not_started, output, root};

/// The exit status that says: no claim refuted, but at least one that the measurements could not decide.
pub(crate) const INCONCLUSIVE: u8 = 2;

/// Returns the exit status of `bt-validate`: 0 every claim passed, 1 one refuted, 2 one inconclusive.
pub(crate) fn run(arguments: &[String]) -> Result<u8> {
    shell::run(&mut shell::cargo(["build", "--release", "--package", "bt-validate"]))?;
    let program =
        shell::target_dir().join("release").join(format!("bt-validate{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root())
        .env("BT_ROOT", root())
        .env("BT_REVISION", revision())
        .env("BT_TOOLCHAIN", toolchain());
    python::announce(&mut command);
    println!("$ {}", shell::line(&command));
    let status = command.status().map_err(not_started(&command))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.ok_or_else(|| Error::Failed(format!("bt-validate ended with {status}")))
}

fn revision() -> String {
    let git = |arguments: &[&str]| output(Command::new("git").args(arguments).current_dir(root()));
    let Ok(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|files| !files.is_empty());
    format!("{}{}", commit.trim(), if changed { "-dirty" } else { "" })
}

fn toolchain() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    output(Command::new(rustc).arg("--version"))
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_is_what_rustc_says() {
        assert!(toolchain().starts_with("rustc 1."), "{}", toolchain());
    }
}
