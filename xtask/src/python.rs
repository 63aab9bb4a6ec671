//! A Python for the tests that open our files with other people's readers.
//!
//! Those tests look for `BT_PYTHON` and say "skipped" without it. A machine that has Python gets a virtual environment
//! under `target/`; a machine that has none loses nothing but those tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Error, Result, io_error, output, target_dir};

const VARIABLE: &str = "BT_PYTHON";
const REQUIREMENTS: [&str; 3] = ["pyarrow>=17", "polars>=1.0", "numpy>=1.26"];
const PIP: [&str; 9] =
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20"];

/// Tells the command where Python is, and the user where it comes from or why it is missing.
pub(crate) fn announce(command: &mut Command) {
    match interpreter() {
        Ok(path) => {
            println!("python: {}", path.display());
            command.env(VARIABLE, path);
        }
        Err(error) => println!("python: skipped: {error}"),
    }
}

/// The interpreter that the user names in `BT_PYTHON`, or the one of our own virtual environment, made at first use.
fn interpreter() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE) {
        let path = PathBuf::from(path);
        return usable(&path).map(|()| path);
    }
    let folder = target_dir().join("python");
    let path = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if usable(&path).is_err() {
        println!("python: making {} with {}", folder.display(), REQUIREMENTS.join(", "));
        make(&folder, &path)?;
    }
    Ok(path)
}

/// As [`interpreter`], with one package more, which `module` comes from. It is installed at first use, but not into an
/// environment that is the user's.
pub(crate) fn interpreter_with(module: &str, package: &str) -> Result<PathBuf> {
    let path = interpreter()?;
    let import = || briefly(Command::new(&path).args(["-c", &format!("import {module}")]));
    if let Err(missing) = import() {
        if std::env::var_os(VARIABLE).is_some() {
            return Err(missing);
        }
        println!("python: installing {package}");
        briefly(Command::new(&path).args(PIP).arg(package))?;
        import()?;
    }
    Ok(path)
}

fn make(folder: &Path, interpreter: &Path) -> Result<()> {
    let python = if cfg!(windows) { "python" } else { "python3" };
    briefly(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))?;
    let installed = briefly(Command::new(interpreter).args(PIP).args(REQUIREMENTS));
    let usable = installed.and_then(|()| usable(interpreter));
    if usable.is_err() {
        // Half an environment would be asked, and fail, on every later run.
        std::fs::remove_dir_all(folder).map_err(io_error("cannot remove", folder))?;
    }
    usable
}

fn usable(interpreter: &Path) -> Result<()> {
    briefly(Command::new(interpreter).args(["-c", "import pyarrow, polars, numpy"]))
}

/// Runs a program quietly; of what it says on failure, the last line tells why.
fn briefly(command: &mut Command) -> Result<()> {
    match output(command) {
        Ok(_) => Ok(()),
        Err(Error::Failed(text)) => Err(Error::Failed(text.lines().last().unwrap_or_default().to_owned())),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_interpreter_is_an_error_that_names_it() {
        let error = usable(Path::new("no-such-python")).unwrap_err();
        assert!(error.to_string().contains("no-such-python"), "{error}");
    }

    #[test]
    fn a_failing_program_is_told_by_its_last_line() {
        let error = briefly(&mut crate::shell::cargo(["no-such-subcommand"])).unwrap_err();
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
