//! The one error type of the engine.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bt_core::nearest_names;

/// Shorthand for a result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong in a sweep, or in one trial of it. Cheap to clone: a trial's error goes into its record and to whoever
/// waits for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The data layers: a bundle that is not there, a foreign asset, a damaged file.
    Data(bt_core::Error),
    /// A value outside of what is allowed.
    Invalid {
        /// What the value is of: a parameter, an option, a file's line.
        what: Cow<'static, str>,
        /// The value as given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A name that nothing has: of a parameter, a metric, a strategy, a column.
    Unknown {
        /// What was named: `"parameter"`, `"metric"` …
        what: &'static str,
        /// The name as given.
        name: String,
        /// All names that there are, in their order.
        allowed: Vec<String>,
    },
    /// Two things that have to belong together and do not: a ledger and a sweep, a batch and its results.
    Mismatch {
        /// What differs.
        what: Cow<'static, str>,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// Only one may do this at a time.
    Busy {
        /// What was asked for.
        what: String,
        /// Who does it at the moment.
        holder: String,
    },
    /// A file that is not what it claims to be.
    Damaged {
        /// The file.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused.
    Io {
        /// What was being done, with the path.
        operation: String,
        /// The system's error.
        source: Arc<std::io::Error>,
    },
    /// A backtest's own error.
    Strategy(String),
    /// A backtest panicked.
    Panicked(String),
    /// A trial did not end within its deadline.
    Deadline(Duration),
    /// The sweep was cancelled.
    Cancelled,
}

impl Error {
    /// `what` has a `value` outside of what is `allowed`.
    pub fn invalid(
        what: impl Into<Cow<'static, str>>,
        value: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Invalid { what: what.into(), value: value.to_string(), allowed: allowed.into() }
    }

    /// There is no `what` of this name; `allowed` are those that there are.
    pub fn unknown(
        what: &'static str,
        name: impl Into<String>,
        allowed: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::Unknown { what, name: name.into(), allowed: allowed.into_iter().map(Into::into).collect() }
    }

    /// Wraps an error of the operating system; `operation` says what was being done to which path.
    pub fn io(operation: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { operation: operation.into(), source: Arc::new(source) }
    }
}

impl From<bt_core::Error> for Error {
    fn from(error: bt_core::Error) -> Self {
        Self::Data(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(error) => fmt::Display::fmt(error, f),
            Self::Invalid { what, value, allowed } => {
                write!(f, "{what} = {value} is out of range; allowed: {allowed}")
            }
            Self::Unknown { what, name, allowed } => write_unknown(f, what, name, allowed),
            Self::Mismatch { what, found, expected } => {
                write!(f, "{what} differs: found {found}, expected {expected}")
            }
            Self::Busy { what, holder } => {
                write!(f, "{what} has to wait: {holder}; try again when it is done")
            }
            Self::Damaged { what, reason } => write!(f, "{what} is damaged: {reason}"),
            Self::Io { operation, source } => write!(f, "{operation}: {source}"),
            Self::Strategy(message) => f.write_str(message),
            Self::Panicked(message) => write!(f, "the backtest panicked: {message}"),
            Self::Deadline(limit) => write!(f, "the trial did not end within its deadline of {limit:?}"),
            Self::Cancelled => f.write_str("the sweep was cancelled"),
        }
    }
}

fn write_unknown(f: &mut fmt::Formatter<'_>, what: &str, name: &str, allowed: &[String]) -> fmt::Result {
    write!(f, "no {what} {name:?}")?;
    let nearest = nearest_names(name, allowed.iter().map(String::as_str));
    if !nearest.is_empty() {
        write!(f, "; did you mean {}?", nearest.join(" or "))?;
    }
    match allowed {
        [] => write!(f, "; there is none"),
        names => write!(f, "; there are {}", names.join(", ")),
    }
}

/// Of an asset named by its place among so many.
#[cold]
pub(crate) fn no_place(place: usize, places: usize) -> Error {
    Error::invalid("the place of an asset", place, format!("a place in 0..{places}, the assets in order"))
}

impl std::error::Error for Error {
    /// The cause behind what the message says; the message holds that of its direct source already.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Data(error) => error.source(),
            Self::Io { source, .. } => source.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_and_with_all() {
        let error = Error::unknown("metric", "sharp", ["sharpe", "sortino"]);
        assert_eq!(error.to_string(), "no metric \"sharp\"; did you mean sharpe?; there are sharpe, sortino");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_what_is_allowed() {
        let error = Error::invalid("parameter fast", 0, "a whole number of at least 1");
        assert_eq!(
            error.to_string(),
            "parameter fast = 0 is out of range; allowed: a whole number of at least 1"
        );
    }
}
