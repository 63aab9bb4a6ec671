//! How the command ends: what scripts may rely on.

use std::fmt;
use std::process::ExitCode;

use bt_bundle::bt_core::{self, ErrorKind};
use serde_json::json;

use crate::output::{Escaped, json_escaped, say, shortened};

/// The exit codes, for `--help` and documentation.
pub const CODES: &str = "\
Exit codes:
  0    success
  1    failure: input that cannot become bars, a sweep whose trials all failed, a refusal of the system
  2    usage: an option or argument that is not allowed
  3    damaged: a file of a store or of a sweep's folder is not what was written
  4    not found: no such store, bundle, version, asset, sweep or file
  5    busy: somebody else is writing; try again
  130  interrupted (Ctrl-C)";

/// Why the process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// All was done. Also where the reader of the output has had enough.
    Success,
    /// Anything that has no code of its own.
    Failure,
    /// An option or an argument is not allowed.
    Usage,
    /// Data is damaged.
    Damaged,
    /// What was named is not there.
    NotFound,
    /// Somebody else is at it.
    Busy,
    /// Somebody asked for the end.
    Interrupted,
}

impl Code {
    /// The number that the process ends with.
    pub fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Damaged => 3,
            Self::NotFound => 4,
            Self::Busy => 5,
            Self::Interrupted => 130,
        }
    }

    /// The name in JSON errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Usage => "usage",
            Self::Damaged => "damaged",
            Self::NotFound => "not-found",
            Self::Busy => "busy",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

/// What a command fails with: a message, perhaps what to do about it, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: Code,
    /// Names the thing, its value and what is allowed; empty where nothing is to be told.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The same with what the user can do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Tells the failure on standard error, as text or as one JSON object, and gives its code. A long message or hint is cut in its
    /// middle.
    pub fn tell(&self, json: bool) -> Code {
        if self.message.is_empty() {
            return self.code;
        }
        match json {
            true => say(&format!("{}\n", json_escaped(&self.json().to_string()))),
            false => say(&format!("{self}\n")),
        }
        self.code
    }

    fn json(&self) -> serde_json::Value {
        let Self { code, message, hint } = self;
        let mut error = json!({ "code": code.number(), "kind": code.name(), "message": shortened(message) });
        if let Some(hint) = hint {
            error["hint"] = shortened(hint).into();
        }
        json!({ "error": error })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
        const GREEN: anstyle::Style = anstyle::AnsiColor::Green.on_default();
        write!(f, "{RED}error:{RED:#} {}", Escaped(shortened(&self.message)))?;
        match &self.hint {
            Some(hint) => write!(f, "\n{GREEN}hint:{GREEN:#} {}", Escaped(shortened(hint))),
            None => Ok(()),
        }
    }
}

impl From<bt_core::Error> for Failure {
    fn from(error: bt_core::Error) -> Self {
        let failure = Self::new(code_of(&error), error.to_string());
        match error.kind() {
            ErrorKind::UnknownAsset { .. } => failure.with_hint("`bt inspect NAME --assets` lists them"),
            _ => failure,
        }
    }
}

fn code_of(error: &bt_core::Error) -> Code {
    match error.kind() {
        ErrorKind::InvalidName { .. } | ErrorKind::Unreadable { .. } | ErrorKind::InvalidOption { .. } => {
            Code::Usage
        }
        ErrorKind::Corrupt { .. } | ErrorKind::UnsupportedFormat { .. } => Code::Damaged,
        ErrorKind::BundleNotFound { .. } | ErrorKind::VersionNotFound { .. } => Code::NotFound,
        ErrorKind::UnknownAsset { .. } | ErrorKind::UnknownField { .. } => Code::NotFound,
        ErrorKind::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Busy { .. } => Code::Busy,
        _ => Code::Failure,
    }
}

impl From<bt_sweep::Error> for Failure {
    fn from(error: bt_sweep::Error) -> Self {
        let code = match error {
            bt_sweep::Error::Data(data) => return data.into(),
            bt_sweep::Error::Invalid { .. } | bt_sweep::Error::Unknown { .. } => Code::Usage,
            bt_sweep::Error::Damaged { .. } => Code::Damaged,
            bt_sweep::Error::Busy { .. } => Code::Busy,
            bt_sweep::Error::Cancelled => Code::Interrupted,
            bt_sweep::Error::Io { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Code::NotFound
            }
            _ => Code::Failure,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Code; 7] = [
        Code::Success,
        Code::Failure,
        Code::Usage,
        Code::Damaged,
        Code::NotFound,
        Code::Busy,
        Code::Interrupted,
    ];

    #[test]
    fn every_exit_code_is_in_the_help_and_in_the_documentation() {
        let documentation = include_str!("../../../docs/cli.md");
        for code in ALL {
            let line = format!("\n  {:<5}{}", code.number(), code.name().split('-').next().unwrap());
            assert!(CODES.contains(&line), "{line:?}");
            let row = format!("| {} | `{}` |", code.number(), code.name());
            assert!(documentation.contains(&row), "{row}");
        }
    }

    #[test]
    fn a_failure_says_the_same_as_text_and_as_json() {
        let failure = Failure::new(Code::NotFound, "no bundle named \"a\"").with_hint("bt list");
        let json = failure.json();
        assert_eq!(json["error"]["message"], failure.message);
        assert_eq!((&json["error"]["code"], &json["error"]["kind"]), (&json!(4), &json!("not-found")));
        assert!(anstream::adapter::strip_str(&failure.to_string()).to_string().ends_with("\nhint: bt list"));
    }
}
