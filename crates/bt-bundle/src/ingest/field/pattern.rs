//! Dates and times as a pattern of `strptime` describes them.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;

use super::time::{Written, wall_clock};
use super::zone::Own;
use super::{Unread, day};
use crate::ingest::wall::SECOND;

/// What a pattern has to be instead, if some of what it parses would be lost, or if it says no date. Such a pattern would
/// give wrong times, or refuse every row.
pub(in crate::ingest) fn correction(pattern: &str) -> Option<&'static str> {
    // No part is the same in another unit, or in the morning.
    let sample = jiff::civil::date(2024, 11, 25).at(16, 30, 15, 500_000_000);
    let Some(parsed) = round_trip(pattern, sample) else {
        return Some("a pattern of strptime, such as %d/%m/%y %H:%M");
    };
    if parsed.timestamp().is_some() {
        return (pattern.matches('%').count() > 1)
            .then_some("%s alone; epoch-s reads seconds with a fraction, too");
    }
    if pattern.contains("%C") {
        return Some("%Y, since %C and %y are not read as one year");
    }
    let is_month = parsed.to_date().is_err() && parsed.hour().is_none();
    let expected = if is_month { sample.date().first_of_month() } else { sample.date() };
    if date(&parsed) != Some(expected) {
        return Some("a pattern of strptime with year and month, such as %d/%m/%y %H:%M or %b-%y");
    }
    correction_of_time(&parsed, sample)
}

fn correction_of_time(parsed: &BrokenDownTime, sample: DateTime) -> Option<&'static str> {
    let has_zone = parsed.offset().is_some() || parsed.iana_time_zone().is_some();
    match parsed.hour() {
        _ if parsed.to_time().is_err() => {
            Some("a pattern with the larger units of a time, too, such as %H:%M:%S")
        }
        None if has_zone || parsed.meridiem().is_some() => {
            Some("a pattern with a time of day, such as %H:%M")
        }
        Some(hour) if hour != sample.hour() => {
            Some("%I with %p, since a time such as 04:30 is in the morning or in the afternoon")
        }
        _ if parsed.offset().is_some() && parsed.iana_time_zone().is_some() => Some("either %z or %Q"),
        _ => None,
    }
}

/// The day, which is the first one of a month alone.
fn date(parsed: &BrokenDownTime) -> Option<Date> {
    let first_of_month = || match (parsed.year(), parsed.month(), parsed.day()) {
        (Some(year), Some(month), None) => Date::new(year, month, 1).ok(),
        _ => None,
    };
    parsed.to_date().ok().or_else(first_of_month)
}

/// What is read of a sample as the pattern writes it.
fn round_trip(pattern: &str, sample: DateTime) -> Option<BrokenDownTime> {
    let sample = sample.to_zoned(TimeZone::UTC).ok()?;
    let text = strtime::format(pattern, &sample).ok()?;
    BrokenDownTime::parse(pattern, text.as_bytes()).ok()
}

/// Reads a text by a pattern without a [`correction`]; `zone` finds the zone of a name.
pub(super) fn read(
    pattern: &str,
    text: &[u8],
    zone: impl FnOnce(&[u8]) -> Result<Own, Unread>,
) -> Result<Written, Unread> {
    let parsed = BrokenDownTime::parse(pattern, text).map_err(|_| Unread::Form)?;
    if let Some(timestamp) = parsed.timestamp() {
        return i64::try_from(timestamp.as_nanosecond()).map(Written::Moment).map_err(|_| Unread::Range);
    }
    let date = date(&parsed).ok_or(Unread::Form)?;
    if parsed.day_of_year().is_some_and(|day| day != date.day_of_year()) {
        // Only one of month and day, and day of the year, makes the date.
        return Err(Unread::Form);
    }
    let midnight = day::day_of(date.year().into(), date.month().into(), date.day().into())?;
    match parsed.hour() {
        None if parsed.to_date().is_err() => return Ok(Written::Month(midnight)),
        None => return Ok(Written::Date(midnight)),
        Some(_) => {}
    }
    let time = parsed.to_time().map_err(|_| Unread::Form)?;
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let own = match (parsed.offset(), parsed.iana_time_zone()) {
        (Some(offset), _) if offset.seconds() % 60 != 0 => return Err(Unread::Zone),
        (Some(offset), _) => Own::Offset(offset.seconds() / 60),
        (None, Some(name)) => zone(name.as_bytes())?,
        (None, None) => Own::Nothing,
    };
    wall_clock(midnight, seconds * SECOND + i64::from(time.subsec_nanosecond()), own)
}

/// The zone or offset that a text names.
#[cold]
pub(super) fn zone(pattern: &str, text: &[u8]) -> Option<String> {
    let parsed = BrokenDownTime::parse(pattern, text).ok()?;
    let offset = || parsed.offset().map(|offset| offset.to_string());
    offset().or_else(|| parsed.iana_time_zone().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_lose_what_they_parse_are_corrected() {
        for (pattern, part) in [
            ("%Y-%m-%d %I:%M", "%I with %p"),
            ("%Y-%m-%d %l:%M", "%I with %p"),
            ("%Y-%m-%d %M", "the larger units"),
            ("%Y-%m-%d %H:%S", "the larger units"),
            ("%Y-%m-%d %z", "a time of day"),
            ("%Y-%m-%d %Q", "a time of day"),
            ("%Y-%m-%d %p", "a time of day"),
            ("%Y-%m-%d %H:%M %z %Q", "either %z or %Q"),
            ("%s%.f", "%s alone"),
            ("%s %z", "%s alone"),
            ("%C%y-%m-%d", "%Y, since"),
            ("%Y", "year and month"),
            ("%H:%M", "year and month"),
            ("%Y-%m %H:%M", "year and month"),
            ("%Y-%m-%d %H:%M %Z", "a pattern of strptime"),
            ("%c", "a pattern of strptime"),
            ("%", "a pattern of strptime"),
            ("%E", "a pattern of strptime"),
            ("no pattern", "year and month"),
            ("", "year and month"),
        ] {
            let said = correction(pattern).unwrap_or_else(|| panic!("{pattern:?} is taken"));
            assert!(said.contains(part), "{pattern:?}: {said}");
        }
    }

    #[test]
    fn patterns_that_say_a_whole_date_or_moment_are_taken() {
        for pattern in [
            "%d/%m/%y %Hh%M",
            "%Y-%m-%d %H:%M:%S%.f %z",
            "%Y-%m-%d %H:%M:%S.%f %:z",
            "%Y-%m-%d %H:%M %Q",
            "%m/%d/%Y %I:%M %p",
            "%p %I:%M %F",
            "%F %T",
            "%D %R",
            "%Y%j",
            "%G-W%V-%u",
            "%Y %U %a",
            "%A, %B %d %Y",
            "%d%m%y",
            "%b-%y",
            "%Y%m",
            "%s",
        ] {
            assert_eq!(correction(pattern), None, "{pattern}");
        }
    }
}
