use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, ErrorKind, Result};

/// The checked name of a bundle: safe as a file name on every platform.
///
/// ```
/// use bt_core::BundleName;
/// let name: BundleName = "us-equities.daily".parse()?;
/// assert_eq!(name.as_str(), "us-equities.daily");
/// assert!("../x".parse::<BundleName>().is_err());
/// assert!("con".parse::<BundleName>().is_err());
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleName(Arc<str>);

impl BundleName {
    /// The rule, for messages and documentation.
    pub const RULE: &'static str =
        "[A-Za-z0-9][A-Za-z0-9._-]{0,127}, no device name such as con or nul, no trailing dot";

    /// Checks a name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] with the rule it breaks.
    pub fn new(name: &str) -> Result<Self> {
        match broken_rule(name) {
            None => Ok(Self(name.into())),
            Some(reason) => Err(ErrorKind::InvalidName { name: name.to_owned(), reason }.into()),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    match () {
        () if name.len() > 128 => Some("it is longer than 128 bytes"),
        () if !first => Some("it does not start with a letter or digit"),
        () if !name.bytes().all(allowed) => Some("it holds a character outside the set"),
        () if name.ends_with('.') => Some("it ends with a dot"),
        () if is_device(name) => Some("it is a device name on Windows"),
        () => None,
    }
}

/// Windows reserves these whatever the extension: `con.csv` is the console.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|n| n.len() == 1 && n != "0" && n.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

impl FromStr for BundleName {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<&str> for BundleName {
    type Error = Error;
    fn try_from(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl AsRef<str> for BundleName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for BundleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for BundleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_root_or_confuse_a_platform_are_refused() {
        let long = "x".repeat(300);
        let bad = [
            "", "../x", "a/b", "a\\b", "con", "CON", "nul.csv", "com1", "LPT9.x", "a.", ".hidden", "-x",
            "a\0b", "a b", "é", &long,
        ];
        for name in bad {
            assert!(BundleName::new(name).is_err(), "{name:?} was accepted");
        }
    }

    #[test]
    fn ordinary_names_are_accepted() {
        for name in ["a", "us-equities", "A.b_c-9", "com0", "com10", "console", &"x".repeat(128)] {
            assert_eq!(BundleName::new(name).unwrap().as_str(), name);
        }
    }
}
