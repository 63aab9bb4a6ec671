use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// How the moments of a bundle's bars relate to days: part of what the bundle means, and of its version.
///
/// ```
/// use bt_core::{BarLabel, Conventions};
/// let tokyo = Conventions { zone: "Asia/Tokyo".into(), ..Conventions::UTC };
/// assert_eq!(tokyo.label, BarLabel::End);
/// assert_ne!(tokyo, Conventions::default());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Conventions {
    /// The time zone in which days begin and end: a name of the IANA database, or a fixed offset such as `+09:00`.
    pub zone: std::borrow::Cow<'static, str>,
    /// Which day a bar belongs to.
    pub label: BarLabel,
}

impl Conventions {
    /// Days of UTC, and bars named by their end: what holds where a bundle says nothing.
    pub const UTC: Self = Self { zone: std::borrow::Cow::Borrowed("UTC"), label: BarLabel::End };
}

impl Default for Conventions {
    fn default() -> Self {
        Self::UTC
    }
}

/// Which day a bar of a day or longer belongs to, as it follows from the moment at which the bar became known.
///
/// A bar within the day begins its minutes before that moment, under either label.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum BarLabel {
    /// The day of its last instant: a bar that is known at midnight belongs to the day that ends there, one that is known at
    /// a session's close to the day of that session, a weekly bar to the last day of its week.
    #[default]
    End,
    /// The day one period earlier on the wall clock, with which the bar began: a daily bar that is known at 09:30 began at
    /// 09:30 of the day before, a monthly bar on the first of its month.
    Start,
}

impl fmt::Display for BarLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "end",
            Self::Start => "start",
        })
    }
}

impl FromStr for BarLabel {
    type Err = Error;

    /// Reads `end` or `start`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "end" => Ok(Self::End),
            "start" => Ok(Self::Start),
            _ => Err(ErrorKind::Unreadable {
                what: "bar label",
                text: text.chars().take(100).collect(),
                allowed: "end or start",
            }
            .into()),
        }
    }
}
