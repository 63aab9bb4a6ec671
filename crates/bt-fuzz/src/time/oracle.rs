//! Times that another library reads, and what has to be seen in the text of any time.

use bt_bundle::fuzzing::Time;
use bt_bundle::{EpochUnit, IngestOptions, TimeFormat};
use jiff::civil::DateTime;
use jiff::tz::Offset;

const DAY: i64 = 86_400_000_000_000;

/// 1677-09-22 and the end of 2262-04-09, as the documentation of a bundle has them.
const RANGE: std::ops::RangeInclusive<i128> = -106_751 * DAY as i128..=106_750 * DAY as i128 - 1;

/// What a text says, by another way than the reader's.
pub(super) struct Oracle(Option<(Time, i128)>);

impl Oracle {
    /// `None` for a text of which the oracle knows nothing.
    pub(super) fn of(options: &IngestOptions, text: &str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        match &options.time_format {
            TimeFormat::Auto | TimeFormat::Iso => iso(text),
            TimeFormat::Epoch(unit) => count(text, *unit),
            _ => None,
        }
    }

    /// The same, as far as a bundle holds it.
    pub(super) fn placed(&self) -> Option<(Time, i64)> {
        let (time, moment) = self.0.filter(|(_, moment)| RANGE.contains(moment))?;
        Some((time, i64::try_from(moment).ok()?))
    }
}

/// `2024-01-05`, `2024-01-05T09:30`, `2024-01-05 09:30:00.123456789`, with `Z`, `+05:30` or nothing behind.
fn iso(text: &str) -> Option<Oracle> {
    let digits = text.bytes().take(10).enumerate();
    let mut shape =
        digits.map(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    if text.len() < 10 || !shape.all(|fits| fits) {
        return None;
    }
    let (date, rest) = text.split_at(10);
    let nanos = |of: DateTime| {
        of.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_nanosecond())
    };
    let midnight = date
        .parse::<jiff::civil::Date>()
        .ok()
        .and_then(|date| nanos(date.to_datetime(jiff::civil::Time::MIN)));
    if rest.is_empty() {
        return Some(Oracle(
            midnight.and_then(|moment| Some((Time::Date(i64::try_from(moment).ok()?), moment))),
        ));
    }
    let (clock, offset) = clock_and_offset(rest.strip_prefix(['T', ' '])?)?;
    let Some(midnight) = midnight else { return Some(Oracle(None)) };
    let local = midnight + clock;
    let answer = i64::try_from(local).ok().map(|shown| {
        let moment = local - i128::from(offset.unwrap_or(0)) * 60_000_000_000;
        (Time::Local(shown, offset), moment)
    });
    Some(Oracle(answer))
}

/// Nanoseconds since midnight, and minutes ahead of UTC. `None` for any other form, and for leap seconds, which no bar has.
fn clock_and_offset(text: &str) -> Option<(i128, Option<i32>)> {
    let at = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(at);
    let is_clock = matches!(clock.len(), 5 | 8) || (10..=18).contains(&clock.len());
    let shape = |(at, byte): (usize, u8)| match at {
        2 | 5 => byte == b':',
        8 => byte == b'.',
        _ => byte.is_ascii_digit(),
    };
    if !is_clock || !clock.bytes().enumerate().all(shape) || clock.get(6..8) == Some("60") {
        return None;
    }
    let time: jiff::civil::Time = clock.parse().ok()?;
    let nanos = i128::from(time.hour()) * 3600 + i128::from(time.minute()) * 60 + i128::from(time.second());
    let nanos = nanos * 1_000_000_000 + i128::from(time.subsec_nanosecond());
    let offset = match zone.as_bytes() {
        [] => None,
        b"Z" => Some(0),
        [sign, a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => {
            let (hours, minutes): (i32, i32) = (zone[1..3].parse().ok()?, zone[4..6].parse().ok()?);
            let seconds = (hours * 60 + minutes) * 60;
            let offset = Offset::from_seconds(seconds).ok().filter(|_| hours < 24 && minutes < 60)?;
            Some(if *sign == b'-' { -offset.seconds() / 60 } else { offset.seconds() / 60 })
        }
        _ => return None,
    };
    Some((nanos, offset))
}

/// A count of units since 1970 with a sign and a fraction, towards the past where it lies between two nanoseconds.
fn count(text: &str, unit: EpochUnit) -> Option<Oracle> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let nanos = match unit {
        EpochUnit::Seconds => 1_000_000_000,
        EpochUnit::Millis => 1_000_000,
        EpochUnit::Micros => 1_000,
        EpochUnit::Nanos => 1,
    };
    let scale = 10_i128.pow(fraction.len() as u32);
    let units = whole.parse::<i128>().ok()? * scale + fraction.parse::<i128>().ok()?;
    let moment = (sign * units * nanos).div_euclid(scale);
    Some(Oracle(i64::try_from(moment).ok().map(|shown| (Time::Moment(shown), moment))))
}

/// Whether a day that was read has its year and its day of the month among the numbers of the text. Numbers of eight digits
/// and more that stand alone are days or counts.
pub(super) fn is_written(time: Time, text: &str) -> bool {
    let (Time::Date(nanos) | Time::Local(nanos, _)) = time else { return true };
    let day = nanos.div_euclid(DAY);
    // 24:00 is the midnight behind the day that is written; but `02JAN24:00:00` is that of the second.
    let is_end = nanos.rem_euclid(DAY) == 0 && text.contains("24:00");
    is_written_day(day, text) || is_end && is_written_day(day - 1, text)
}

fn is_written_day(day: i64, text: &str) -> bool {
    let date =
        jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a day of a bundle");
    let numbers: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).collect();
    if numbers.iter().any(|number| matches!(number.len(), 8 | 10 | 12 | 14 | 17)) {
        return true;
    }
    let has = |wanted: i64| numbers.iter().any(|number| number.parse() == Ok(wanted));
    let year = i64::from(date.year());
    // A month alone is its first or its last day.
    let is_of_month = numbers.len() < 3 && matches!(date.day(), 1 | 28..);
    (has(year) || has(year % 100)) && (is_of_month || has(date.day().into()))
}
