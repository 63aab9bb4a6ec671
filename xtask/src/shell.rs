//! Running programs, and the one error type of all commands.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in a command.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line cannot be understood.
    Usage(String),
    /// A file could not be read or written, or a program not be started.
    Io { doing: String, source: io::Error },
    /// A check found something, or a program reported failure.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(text) | Error::Failed(text) => f.write_str(text),
            Error::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for Error {}

/// The error of an operation on a path.
pub(crate) fn io_error(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let doing = format!("{doing} {}", path.display());
    move |source| Error::Io { doing, source }
}

/// The folder of the workspace's manifest.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The cargo that runs this program, in the workspace's folder.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Shows the command line, then runs it with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let status = command.status().map_err(not_started(command))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Failed(format!("{} ended with {status}", line(command))))
    }
}

/// Runs a program quietly and returns its standard output; what it said on standard error becomes the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().map_err(not_started(command))?;
    if status.success() {
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&stderr);
        Err(Error::Failed(format!("{} ended with {status}: {}", line(command), said.trim())))
    }
}

/// The error of a program that could not be started.
pub(crate) fn not_started(command: &Command) -> impl FnOnce(io::Error) -> Error + use<> {
    let doing = format!("cannot start {}", line(command));
    move |source| Error::Io { doing, source }
}

/// The command line as one would type it: the program without its folder.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_becomes_an_error_with_its_command_line() {
        let error = run(&mut cargo(["no-such-subcommand"])).unwrap_err();
        assert!(error.to_string().contains("no-such-subcommand ended with"), "{error}");
    }

    #[test]
    fn what_a_failing_program_said_is_in_the_error() {
        let error = output(&mut cargo(["no-such-subcommand"])).unwrap_err();
        assert!(error.to_string().contains("no such command"), "{error}");
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().contains("cannot start no-such-program"), "{error}");
    }
}
