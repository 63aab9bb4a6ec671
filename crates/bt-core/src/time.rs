use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A moment: nanoseconds since 1970-01-01 00:00 UTC.
///
/// On a bar it is the moment at which the bar became *known*, its end. A daily bar of a session that closes at 16:00
/// in New York on 5 January carries 21:00 UTC of that day; where only the date is known, the next midnight.
///
/// ```
/// use bt_core::Timestamp;
/// let close: Timestamp = "2024-01-05T21:00:00Z".parse()?;
/// assert_eq!(close, Timestamp::from_date(2024, 1, 5)?.plus_seconds(21 * 3600));
/// assert_eq!(close.to_string(), "2024-01-05T21:00:00Z");
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(
    feature = "zerocopy",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
#[repr(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before every bar.
    pub const MIN: Self = Self(i64::MIN);
    /// After every bar.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the epoch, UTC.
    #[inline]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch, UTC.
    #[inline]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The midnight, UTC, at which a day of the Gregorian calendar begins.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`] where there is no such day, or none between 1677-09-22 and 2262-04-11.
    pub fn from_date(year: i32, month: u32, day: u32) -> Result<Self> {
        days_from_civil(year, month, day)
            .and_then(|day| at(day, 0))
            .ok_or_else(|| unreadable(&format!("{year:04}-{month:02}-{day:02}")))
    }

    /// This moment, some seconds later (or earlier); stays at [`MIN`](Self::MIN) or [`MAX`](Self::MAX) beyond the range.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(NANOS_PER_SECOND)))
    }

    /// Year, month and day in UTC.
    pub fn date(self) -> (i32, u32, u32) {
        civil_from_days(self.0.div_euclid(SECONDS_PER_DAY * NANOS_PER_SECOND))
    }

    /// The same memory, read as timestamps.
    #[cfg(feature = "zerocopy")]
    #[inline]
    pub fn slice_from_nanos(nanos: &[i64]) -> &[Self] {
        zerocopy::transmute_ref!(nanos)
    }

    /// The same memory, read as nanoseconds.
    #[cfg(feature = "zerocopy")]
    #[inline]
    pub fn slice_as_nanos(timestamps: &[Self]) -> &[i64] {
        zerocopy::transmute_ref!(timestamps)
    }
}

/// So many nanoseconds after a day's midnight. Of the first day only the evening is in range, its midnight is not.
fn at(days: i64, nanos: i64) -> Option<Timestamp> {
    const NANOS_PER_DAY: i128 = (SECONDS_PER_DAY * NANOS_PER_SECOND) as i128;
    i64::try_from(i128::from(days) * NANOS_PER_DAY + i128::from(nanos)).ok().map(Timestamp)
}

fn unreadable(text: &str) -> Error {
    ErrorKind::Unreadable {
        what: "timestamp",
        text: text.chars().take(100).collect(),
        allowed: "YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS[.fraction]Z, between 1677-09-21T00:12:43.145224192Z and \
                  2262-04-11T23:47:16.854775807Z",
    }
    .into()
}

/// Days since 1970-01-01 of a civil date, or `None` where the calendar has no such day. Years are counted from March,
/// so that the leap day is a year's last: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

fn civil_from_days(days: i64) -> (i32, u32, u32) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    (year as i32, month as u32, day as u32)
}

pub(crate) fn days_in_month(year: i32, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads ISO 8601 in UTC: a date, or a date and a time with an optional fraction and an optional `Z`.
    fn from_str(text: &str) -> Result<Self> {
        parse_iso(text).ok_or_else(|| unreadable(text))
    }
}

fn parse_iso(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let day = parse_date(date)?;
    let nanos = time.map_or(Some(0), |time| parse_time(time.strip_suffix('Z').unwrap_or(time)))?;
    at(day, nanos)
}

/// Days since 1970-01-01.
fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let shaped = year.len() == 4 && month.len() == 2 && day.len() == 2;
    let (year, month, day) = (digits(year)?, digits(month)?, digits(day)?);
    if shaped { days_from_civil(year as i32, month as u32, day as u32) } else { None }
}

/// Nanoseconds since midnight of `HH:MM[:SS[.fraction]]`.
fn parse_time(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next().unwrap_or("00"));
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let below = |limit, part: &str| digits(part).filter(|&number| part.len() == 2 && number < limit);
    let (hour, minute, second) = (below(24, hour)?, below(60, minute)?, below(60, second)?);
    if fraction.len() > 9 {
        return None;
    }
    let nanos = digits(fraction)? * 10_i64.pow(9 - fraction.len() as u32);
    Some((hour * 3600 + minute * 60 + second) * NANOS_PER_SECOND + nanos)
}

fn digits(text: &str) -> Option<i64> {
    let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok())?
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let nanos = self.0.rem_euclid(SECONDS_PER_DAY * NANOS_PER_SECOND);
        let (seconds, fraction) = (nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if fraction != 0 {
            write!(f, ".{}", format!("{fraction:09}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How far apart a bundle's bars are.
///
/// ```
/// use bt_core::Frequency;
/// assert_eq!("1d".parse::<Frequency>()?, Frequency::Daily);
/// assert_eq!("5m".parse::<Frequency>()?, Frequency::Minutes(5));
/// assert_eq!(Frequency::Minutes(5).to_string(), "5m");
/// assert_eq!("1mo".parse::<Frequency>()?, Frequency::Monthly);
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Frequency {
    /// One bar a session.
    Daily,
    /// One bar a week.
    Weekly,
    /// One bar a month.
    Monthly,
    /// One bar every so many minutes, 1 to 1439; [`check`](Self::check) refuses others.
    Minutes(u16),
}

impl Frequency {
    /// The texts that [`from_str`](FromStr::from_str) reads.
    pub const ALLOWED: &str = "1m to 1439m, 1d, 1w or 1mo";

    /// Whether bars are shorter than a day.
    pub fn is_intraday(self) -> bool {
        matches!(self, Self::Minutes(_))
    }

    /// The frequency itself, if there can be such bars: for whoever takes one from a user.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`] for 0 minutes, and for a day or more of them.
    pub fn check(self) -> Result<Self> {
        match self {
            Self::Minutes(0 | 1440..) => Err(Error::invalid_option("frequency", self, Self::ALLOWED)),
            _ => Ok(self),
        }
    }
}

impl FromStr for Frequency {
    type Err = Error;

    /// Reads `1m` to `1439m`, `1d`, `1w` or `1mo`.
    fn from_str(text: &str) -> Result<Self> {
        let minutes = text.strip_suffix('m').and_then(digits).filter(|minutes| (1..1440).contains(minutes));
        match (text, minutes) {
            ("1d", _) => Ok(Self::Daily),
            ("1w", _) => Ok(Self::Weekly),
            ("1mo", _) => Ok(Self::Monthly),
            (_, Some(minutes)) => Ok(Self::Minutes(minutes as u16)),
            _ => Err(ErrorKind::Unreadable {
                what: "frequency",
                text: text.chars().take(100).collect(),
                allowed: Self::ALLOWED,
            }
            .into()),
        }
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily => f.write_str("1d"),
            Self::Weekly => f.write_str("1w"),
            Self::Monthly => f.write_str("1mo"),
            Self::Minutes(minutes) => write!(f, "{minutes}m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_survives_the_round_trip() {
        let (first, last) = (-106_751, 106_751);
        for days in first..=last {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), Some(days));
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 4, 31),
            (2024, 1, 0),
            (3000, 1, 1),
        ] {
            assert!(Timestamp::from_date(year, month, day).is_err(), "{year}-{month}-{day}");
        }
    }

    #[test]
    fn text_survives_the_round_trip() {
        for text in ["1969-12-31T23:59:59.999999999Z", "2000-02-29T00:00:00Z", "2024-01-05T21:00:00.5Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        for moment in [Timestamp::MIN, Timestamp::MAX, Timestamp(i64::MIN + 1), Timestamp(0)] {
            assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
        }
        assert_eq!("2024-01-05".parse::<Timestamp>().unwrap().to_string(), "2024-01-05T00:00:00Z");
        assert_eq!("2024-01-05 09:30".parse::<Timestamp>().unwrap().to_string(), "2024-01-05T09:30:00Z");
    }

    #[test]
    fn bars_of_no_minutes_or_of_a_whole_day_of_them_are_refused() {
        for minutes in [0, 1440, u16::MAX] {
            assert!(Frequency::Minutes(minutes).check().is_err(), "{minutes}");
        }
        for frequency in [
            Frequency::Daily,
            Frequency::Weekly,
            Frequency::Monthly,
            Frequency::Minutes(1),
            Frequency::Minutes(1439),
        ] {
            assert_eq!(frequency.check().unwrap().to_string().parse::<Frequency>().unwrap(), frequency);
        }
    }

    #[test]
    fn text_that_is_no_moment_is_refused() {
        for text in [
            "",
            "2024",
            "2024-1-5",
            "2024-01-05T",
            "2024-01-05T24:00:00Z",
            "2024-01-05T10:00:00+02:00",
            "+024-01-05",
            "2024-01-05T10:00:00.1234567890Z",
            "2024-01-05T10:00.5Z",
            "2024-01-05T10.5Z",
            "2024-01-05T10Z",
            "1677-09-21",
            "1677-09-21T00:12:43.145224191Z",
            "2262-04-11T23:47:16.854775808Z",
            "0000-01-01",
            "9999-12-31T23:59:59Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?} was read");
        }
    }
}
