//! What can be wrong with a configuration.

use std::fmt;
use std::path::PathBuf;

use crate::{Origin, Preset};

/// Shorthand for a result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a configuration. Displayed, it names the place, the value and what is allowed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A value that is not allowed: not of its kind, a limit of 0, NaN, too large …
    Value {
        /// The key as TOML has it.
        name: String,
        /// The value as given.
        value: String,
        /// What would be allowed.
        allowed: String,
        /// Where the value stands.
        origin: Origin,
    },
    /// A document has a key that means nothing.
    UnknownKey {
        /// The key, with the tables that it is in.
        key: String,
        /// The known key that looks most like it.
        nearest: String,
        /// Where the key stands.
        origin: Origin,
    },
    /// There is no such preset.
    UnknownPreset {
        /// The name as given.
        name: String,
        /// The preset whose name looks most like it.
        nearest: String,
        /// Where it stands, if in a document.
        origin: Option<Origin>,
    },
    /// A variable is one slip away from a known one.
    UnknownVariable {
        /// The variable's name.
        name: String,
        /// The known variable.
        nearest: String,
    },
    /// The value of a known variable is not UTF-8.
    NotUnicode {
        /// The variable.
        variable: &'static str,
        /// The value, with U+FFFD in place of what cannot be read.
        value: String,
    },
    /// There are three layers.
    NoSuchLayer {
        /// The number asked for.
        layer: u8,
    },
    /// A file cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// A document that is not TOML.
    Document {
        /// The file's path, or `TOML text`.
        source_name: String,
        /// What the parser says, with line and column.
        reason: String,
    },
}

impl std::error::Error for Error {}

impl fmt::Debug for Error {
    /// The message, for whoever returns the error from `main`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Value { name, value, allowed, origin } => {
                write_value(f, name, value, origin)?;
                write!(f, ": allowed is {allowed}")
            }
            Error::UnknownKey { key, nearest, origin } => {
                write!(f, "{origin}: unknown key {key}: the nearest known one is {nearest}")
            }
            Error::UnknownPreset { name, nearest, origin } => {
                if let Some(origin) = origin {
                    write!(f, "{origin}: ")?;
                }
                let allowed = Preset::ALL.map(Preset::name).join(", ");
                write!(f, "unknown preset {name:?}: the nearest is {nearest}; allowed are {allowed}")
            }
            Error::UnknownVariable { name, nearest } => {
                write!(f, "unknown variable {name}: the nearest known one is {nearest}")
            }
            Error::NotUnicode { variable, value } => {
                write!(f, "{variable} = {value:?}: allowed is text in UTF-8")
            }
            Error::NoSuchLayer { layer } => {
                write!(f, "layer {layer}: allowed are 1 (caching), 2 (history cache) and 3 (bundle pooling)")
            }
            Error::File { path, reason } => write!(f, "{}: cannot be read: {reason}", path.display()),
            Error::Document { source_name, reason } => write!(f, "{source_name}: {reason}"),
        }
    }
}

/// The place, the name by which it knows the value, and the value.
fn write_value(f: &mut fmt::Formatter<'_>, name: &str, value: &str, origin: &Origin) -> fmt::Result {
    match origin {
        Origin::Variable(variable) => write!(f, "{variable} = {value:?}"),
        Origin::Toml { .. } | Origin::Deserialised => write!(f, "{origin}: {name} = {value:?}"),
        _ if value.trim().is_empty() => write!(f, "{name} = {value:?}"),
        Origin::Default | Origin::Preset(_) | Origin::Code => write!(f, "{name} = {value}"),
    }
}
