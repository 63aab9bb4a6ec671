use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A length of time or of bars: `2y`, `6m`, `3w`, `30d`, `500b`.
///
/// ```
/// use bt_sweep::folds::Span;
/// assert_eq!("2y".parse::<Span>()?, Span::Months(24));
/// assert_eq!("3w".parse::<Span>()?, Span::Days(21));
/// assert_eq!("500b".parse::<Span>()?, Span::Bars(500));
/// assert_eq!(Span::Months(24).to_string(), "2y");
/// assert!("2q".parse::<Span>().unwrap_err().to_string().contains("6m (months)"));
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// Months of the Gregorian calendar, in the bundle's zone: `6m`; years are twelve of them: `2y`.
    Months(u32),
    /// Days in the bundle's zone: `30d`; weeks are seven of them: `3w`.
    Days(u32),
    /// Moments of the bundle's calendar: `500b`.
    Bars(u32),
}

impl Span {
    /// Whether it counts bars, and not time.
    pub fn is_bars(self) -> bool {
        matches!(self, Self::Bars(_))
    }

    /// The number that it holds: of months, days or bars.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Months(number) | Self::Days(number) | Self::Bars(number) => number,
        }
    }
}

const ALLOWED: &str = "a whole number of at least 1 and a unit, without a space: 2y (years), 6m (months), 3w (weeks), \
                       30d (days) or 500b (bars)";

impl FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::invalid("the length", text.chars().take(100).collect::<String>(), ALLOWED);
        let unit = text.chars().next_back().ok_or_else(refused)?;
        let digits = &text[..text.len() - unit.len_utf8()];
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = digits.parse().ok().filter(|&n| all_digits && n > 0).ok_or_else(refused)?;
        let span = match unit {
            'y' => number.checked_mul(12).map(Self::Months),
            'm' => Some(Self::Months(number)),
            'w' => number.checked_mul(7).map(Self::Days),
            'd' => Some(Self::Days(number)),
            'b' => Some(Self::Bars(number)),
            _ => None,
        };
        span.ok_or_else(refused)
    }
}

impl fmt::Display for Span {
    /// In the largest unit that needs no fraction, as it is read back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Months(months) if months % 12 == 0 => write!(f, "{}y", months / 12),
            Self::Months(months) => write!(f, "{months}m"),
            Self::Days(days) if days % 7 == 0 => write!(f, "{}w", days / 7),
            Self::Days(days) => write!(f, "{days}d"),
            Self::Bars(bars) => write!(f, "{bars}b"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_survive_the_round_trip() {
        for text in ["1y", "6m", "18m", "3w", "30d", "500b", "4294967295b"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("12m".parse::<Span>().unwrap().to_string(), "1y");
        assert_eq!("14d".parse::<Span>().unwrap().to_string(), "2w");
    }

    #[test]
    fn text_that_is_no_length_is_refused_with_what_is_allowed() {
        for text in [
            "",
            "2",
            "y",
            "0y",
            "-1y",
            "+1y",
            "1.5y",
            "2 y",
            "2Y",
            "2é",
            "1y6m",
            "4294967296b",
            "4294967295y",
            "2years",
        ] {
            let message = text.parse::<Span>().unwrap_err().to_string();
            assert!(message.starts_with(&format!("the length = {text} is out of range")), "{message}");
            assert!(message.contains("500b (bars)"), "{message}");
        }
    }
}
