//! A folder of its own for each test, and the command run in it.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A file of the shipped data set.
pub(super) fn shipped(file: &str) -> String {
    format!("{}/../../data/{file}", env!("CARGO_MANIFEST_DIR"))
}

pub(super) struct Place(TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// The command in this folder, with no settings from outside.
    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bt"));
        command.args(line.split_whitespace()).current_dir(self.0.path());
        for setting in ["BT_STORE", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(setting);
        }
        command
    }

    pub(super) fn run(&self, line: &str) -> Run {
        Run::of(line, &self.command(line).output().unwrap())
    }

    /// Runs what has to succeed.
    pub(super) fn done(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.code, 0, "bt {line}: {}", run.err);
        run.out
    }

    /// Runs what has to succeed, and reads its one JSON object.
    pub(super) fn json(&self, line: &str) -> Value {
        let text = self.done(&format!("{line} --json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("bt {line}: {error}: {text}"))
    }
}

/// What became of a command.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Run {
    pub(super) fn of(line: &str, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code();
        let code = code.unwrap_or_else(|| panic!("bt {line} was killed: {:?}", output.status));
        Self { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Fails with this code, and tells each of these.
    #[track_caller]
    pub(super) fn fails(&self, code: i32, told: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.out.is_empty(), "{self:?}");
        for told in told {
            assert!(self.err.contains(told), "{told:?} is not in {self:?}");
        }
    }
}
