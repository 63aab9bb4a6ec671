//! Dates and times in text and numbers.

pub(super) use bt_asset_cache::kernel::Stamp;
use bt_asset_cache::kernel::{FIRST_STAMP, LAST_STAMP, OUT_OF_RANGE as RANGE};
use bt_core::{Timestamp, WallClock, Zone};

use super::wall::{self, DAY, MINUTE, SECOND};

/// How times are written.
///
/// Times without an offset are read on the wall clock of the stated zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimeFormat {
    /// `2024-01-05`, `2024/01/05` or `20240105`, then perhaps `T` or a space and `16:00[:00[.123]]`, then perhaps `Z`
    /// or an offset such as `-05:00`.
    #[default]
    Iso,
    /// `1/5/2024` is the fifth of January; a time may follow as in [`Iso`](Self::Iso).
    MonthFirst,
    /// `5/1/2024` is the fifth of January; a time may follow as in [`Iso`](Self::Iso).
    DayFirst,
    /// An integer, counted from 1970-01-01 00:00 UTC.
    Epoch(EpochUnit),
}

/// What a [`TimeFormat::Epoch`] counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EpochUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl EpochUnit {
    pub(super) fn nanos(self) -> i64 {
        match self {
            Self::Seconds => SECOND,
            Self::Millis => 1_000_000,
            Self::Micros => 1000,
            Self::Nanos => 1,
        }
    }
}

/// The moment, for stamps with a time; a date stays the 00:00 UTC of its day.
#[inline]
pub(super) fn resolve(stamp: Stamp, zone: &Zone) -> Result<i64, &'static str> {
    let moment = match stamp {
        Stamp::Date(nanos) | Stamp::Moment(nanos) => nanos,
        Stamp::Local(local) => on_wall_clock(local, zone)?,
    };
    if (FIRST_STAMP..=LAST_STAMP).contains(&moment) { Ok(moment) } else { Err(RANGE) }
}

fn on_wall_clock(local: i64, zone: &Zone) -> Result<i64, &'static str> {
    match zone.moments(Timestamp::from_nanos(local)) {
        WallClock::Once(moment) => Ok(moment.as_nanos()),
        // A midnight stands for its day, and every day has a beginning.
        _ if local.rem_euclid(DAY) == 0 => Ok(wall::start_of_day(zone, local.div_euclid(DAY))),
        WallClock::Twice { .. } => Err(
            "happens twice in the stated zone, where clocks are set back (`IngestOptions::zone`); write times with an offset, or in UTC",
        ),
        WallClock::Skipped { .. } => Err(
            "does not exist in the stated zone, where clocks are set forward over it; is the zone right (`IngestOptions::zone`)?",
        ),
    }
}

impl TimeFormat {
    /// Reads a stamp; `Err` holds the reason.
    #[inline]
    pub(super) fn read(self, text: &[u8]) -> Result<Stamp, &'static str> {
        match (self, text) {
            (Self::Iso, [a, b, c, d, b'-', e, f, b'-', g, h]) => {
                let (year, month, day) = (number(&[*a, *b, *c, *d]), number(&[*e, *f]), number(&[*g, *h]));
                date(year, month, day, self)
            }
            _ => self.read_any(text.trim_ascii()),
        }
    }

    fn read_any(self, text: &[u8]) -> Result<Stamp, &'static str> {
        if let Self::Epoch(unit) = self {
            return epoch(text, unit);
        }
        let end = text.iter().position(|byte| matches!(byte, b'T' | b' ')).unwrap_or(text.len());
        let day = self.read_date(&text[..end])?;
        let time = text[end..].get(1..).unwrap_or_default().trim_ascii();
        match (day, time) {
            (Stamp::Date(_), []) if end == text.len() => Ok(day),
            (Stamp::Date(midnight), time) => {
                read_time(midnight, time).unwrap_or(Err("is not a date and time"))
            }
            _ => Err(self.reason()),
        }
    }

    fn read_date(self, text: &[u8]) -> Result<Stamp, &'static str> {
        if let (Self::Iso, [year @ .., a, b, c, d]) = (self, text)
            && text.len() == 8
            && text.iter().all(u8::is_ascii_digit)
        {
            return date(number(year), number(&[*a, *b]), number(&[*c, *d]), self);
        }
        let mut parts = text.split(|byte| matches!(byte, b'-' | b'/' | b'.'));
        let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(self.reason());
        };
        let (year, month, day) = match self {
            Self::Iso if text.contains(&b'.') => return Err(self.reason()),
            Self::Iso => (a, b, c),
            Self::MonthFirst => (c, a, b),
            Self::DayFirst | Self::Epoch(_) => (c, b, a),
        };
        if year.len() != 4 || month.len() > 2 || day.len() > 2 {
            return Err(self.reason());
        }
        date(number(year), number(month), number(day), self)
    }

    /// Reads an integer column: an epoch where its unit is stated, else a date such as 20240105.
    pub(super) fn read_integer(self, value: i64) -> Result<Stamp, &'static str> {
        match self {
            Self::Epoch(unit) => value.checked_mul(unit.nanos()).map(Stamp::Moment).ok_or(RANGE),
            Self::Iso if (10_000_000..100_000_000).contains(&value) => {
                date(Some(value / 10_000), Some(value / 100 % 100), Some(value % 100), self)
            }
            _ => Err("is a number; state what it counts (`IngestOptions::time_format`: `TimeFormat::Epoch`)"),
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Iso => {
                "is not a date or time such as 2024-01-05 or 2024-01-05T16:00; state the format if it is another \
                 (`IngestOptions::time_format`)"
            }
            Self::MonthFirst => "is not a date or time such as 1/5/2024, month first",
            Self::DayFirst => "is not a date or time such as 5/1/2024, day first",
            Self::Epoch(_) => "is not an integer",
        }
    }
}

fn date(
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    format: TimeFormat,
) -> Result<Stamp, &'static str> {
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(format.reason()) };
    match Timestamp::from_date(year as i32, month as u32, day as u32) {
        Ok(midnight) => Ok(Stamp::Date(midnight.as_nanos())),
        Err(_) => Err("is not a day of the calendar between 1677-09-22 and 2262-04-09"),
    }
}

/// The number that up to 18 digits write.
#[inline]
fn number(digits: &[u8]) -> Option<i64> {
    let fits = !digits.is_empty() && digits.len() <= 18;
    let value = || {
        digits.iter().try_fold(0_i64, |value, digit| {
            digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
        })
    };
    if fits { value() } else { None }
}

fn epoch(text: &[u8], unit: EpochUnit) -> Result<Stamp, &'static str> {
    let text = str::from_utf8(text).unwrap_or_default();
    let count: i64 = text.parse().map_err(|_| "is not an integer, as an epoch is")?;
    count.checked_mul(unit.nanos()).map(Stamp::Moment).ok_or(RANGE)
}

/// `H:MM[:SS[.fraction]]` with or without an offset, on the day that begins at `midnight`. `None` where it is no time.
fn read_time(midnight: i64, text: &[u8]) -> Option<Result<Stamp, &'static str>> {
    let end =
        text.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-' | b' ')).unwrap_or(text.len());
    let (clock, offset) = text.split_at(end);
    let local = midnight.checked_add(time_of_day(clock)?);
    let offset = match offset.trim_ascii() {
        [] => return Some(local.map(Stamp::Local).ok_or(RANGE)),
        [b'Z' | b'z'] | b"UTC" => 0,
        [b'+', offset @ ..] => minutes(offset)?,
        [b'-', offset @ ..] => -minutes(offset)?,
        _ => return None,
    };
    let moment = local.and_then(|local| local.checked_sub(offset * MINUTE));
    Some(moment.map(Stamp::Moment).ok_or(RANGE))
}

/// Nanoseconds since midnight.
pub(super) fn time_of_day(text: &[u8]) -> Option<i64> {
    let mut parts = text.split(|&byte| byte == b':');
    let (hour, minute) = (parts.next()?, two_digits(parts.next()?)?);
    let hour = if hour.len() == 1 { number(hour)? } else { two_digits(hour)? };
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => seconds(text)?,
    };
    let whole = hour < 24 && minute < 60 && second < 60 && parts.next().is_none();
    whole.then_some((hour * 60 + minute) * MINUTE + second * SECOND + fraction)
}

fn seconds(text: &[u8]) -> Option<(i64, i64)> {
    match text {
        [a, b] => Some((two_digits(&[*a, *b])?, 0)),
        [a, b, b'.' | b',', fraction @ ..] if fraction.len() <= 9 => {
            let nanos = number(fraction)? * 10_i64.pow(9 - fraction.len() as u32);
            Some((two_digits(&[*a, *b])?, nanos))
        }
        _ => None,
    }
}

/// Minutes of `HH:MM`, `HHMM` or `HH`.
fn minutes(text: &[u8]) -> Option<i64> {
    let (hours, minutes) = match text {
        [a, b] => (number(&[*a, *b])?, 0),
        [a, b, b':', c, d] | [a, b, c, d] => (number(&[*a, *b])?, number(&[*c, *d])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn two_digits(text: &[u8]) -> Option<i64> {
    if text.len() == 2 { number(text) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_nanos()
    }

    fn read(text: &str) -> Result<Stamp, &'static str> {
        TimeFormat::Iso.read(text.as_bytes())
    }

    #[test]
    fn dates_are_read_as_they_are_commonly_written() {
        let day = Ok(Stamp::Date(nanos("2024-01-05")));
        for text in ["2024-01-05", "20240105", "2024/01/05", " 2024-01-05 ", "2024-1-5"] {
            assert_eq!(read(text), day, "{text:?}");
        }
        for text in ["1/5/2024", "01/05/2024", "01-05-2024", "1.5.2024"] {
            assert_eq!(TimeFormat::MonthFirst.read(text.as_bytes()), day, "{text:?}");
        }
        assert_eq!(TimeFormat::DayFirst.read(b"5.1.2024"), day);
    }

    #[test]
    fn times_are_read_with_and_without_an_offset() {
        let local = nanos("2024-01-05T09:30:00");
        for text in ["2024-01-05 09:30", "2024-01-05T09:30:00", "20240105 9:30", "2024-01-05 09:30:00.000"] {
            assert_eq!(read(text), Ok(Stamp::Local(local)), "{text:?}");
        }
        assert_eq!(TimeFormat::MonthFirst.read(b"1/5/2024 9:30"), Ok(Stamp::Local(local)));
        let moment = nanos("2024-01-05T14:30:00");
        for text in [
            "2024-01-05T14:30Z",
            "2024-01-05 09:30:00-05:00",
            "2024-01-05T09:30:00-0500",
            "2024-01-05T09:30-05",
            "2024-01-05 20:00:00+05:30",
            "2024-01-05 14:30:00 UTC",
        ] {
            assert_eq!(read(text), Ok(Stamp::Moment(moment)), "{text:?}");
        }
    }

    #[test]
    fn text_that_is_no_time_or_could_be_two_dates_is_refused() {
        for text in [
            "",
            "01/05/2024",
            "1.5.2024",
            "2024-02-30",
            "2024-13-01",
            "24-01-05",
            "2024",
            "2024-01-05T",
            "2024-01-05T25:00",
            "2024-01-05 10:60",
            "2024-01-05 10:00:00+25:00",
            "1704412800",
            "yesterday",
            "2024-01-05 10:00 EST",
            "0001-01-01",
            "9999-01-01",
            "2024-01-05T10:00:00.1234567890",
            "2024-01-05-06",
            "12024-01-05",
        ] {
            assert!(read(text).is_err(), "{text:?} was read as {:?}", read(text));
        }
    }

    #[test]
    fn numbers_are_times_where_their_unit_is_stated() {
        let moment = nanos("2024-01-05T00:00:00");
        for (unit, count) in [
            (EpochUnit::Seconds, 1_704_412_800_i64),
            (EpochUnit::Millis, 1_704_412_800_000),
            (EpochUnit::Micros, 1_704_412_800_000_000),
            (EpochUnit::Nanos, 1_704_412_800_000_000_000),
        ] {
            let format = TimeFormat::Epoch(unit);
            assert_eq!(format.read(count.to_string().as_bytes()), Ok(Stamp::Moment(moment)));
            assert_eq!(format.read_integer(count), Ok(Stamp::Moment(moment)));
        }
        assert!(TimeFormat::Epoch(EpochUnit::Seconds).read(b"99999999999999").is_err());
        assert!(TimeFormat::Epoch(EpochUnit::Seconds).read(b"2024-01-05").is_err());
        assert_eq!(TimeFormat::Iso.read_integer(20_240_105), Ok(Stamp::Date(moment)));
        assert!(TimeFormat::Iso.read_integer(1_704_412_800).is_err());
    }

    #[test]
    fn readings_that_the_wall_clock_skips_or_shows_twice_are_refused() {
        let zone: Zone = "America/New_York".parse().unwrap();
        let resolve = |text: &str| resolve(read(text).unwrap(), &zone);
        assert_eq!(resolve("2024-07-05 09:30"), Ok(nanos("2024-07-05T13:30:00")));
        assert!(resolve("2024-03-10 02:30").unwrap_err().contains("does not exist"));
        assert!(resolve("2024-11-03 01:30").unwrap_err().contains("twice"));
        assert_eq!(resolve("2024-11-03 01:30-04:00"), Ok(nanos("2024-11-03T05:30:00")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn every_moment_survives_the_round_trip_through_text_or_is_on_no_day_of_the_calendar(
            nanos in prop_oneof![any::<i64>(), ..-9_223_200_000_000_000_000_i64, 9_223_113_600_000_000_000_i64..],
        ) {
            // The day of the first moments of all began before there were any.
            let is_on_a_day = nanos >= FIRST_STAMP;
            let text = Timestamp::from_nanos(nanos).to_string();
            prop_assert_eq!(read(&text).ok(), is_on_a_day.then_some(Stamp::Moment(nanos)), "{}", text);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in prop::collection::vec(any::<u8>(), 0..40)) {
            for format in [TimeFormat::Iso, TimeFormat::MonthFirst, TimeFormat::DayFirst, TimeFormat::Epoch(EpochUnit::Nanos)] {
                let _ = format.read(&text).map(|stamp| resolve(stamp, &Zone::utc()));
            }
        }
    }
}
