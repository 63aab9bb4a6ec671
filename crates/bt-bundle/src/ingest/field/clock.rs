//! Times of day as people write them.

use super::Unread;
use super::day::number;
use crate::ingest::wall::{DAY, MINUTE, SECOND};

/// How many digits a time of day has that is written in digits alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum ClockDigits {
    /// `HH`, or one.
    Two,
    /// `HHMM`, or fewer where zeros in front are left out.
    Four,
    /// `HHMMSS`, or fewer.
    Six,
    /// None: they are milliseconds since midnight.
    Millis,
    /// Hours, or minutes, or seconds: nothing tells.
    Unclear,
}

/// Nanoseconds since midnight of `9:30`, `09:30:00`, `09:30:00.123`, `9:30 AM`, `09-AM`, `12 pm`; `24:00` is the next midnight.
pub(in crate::ingest) fn read(text: &[u8]) -> Option<i64> {
    let (text, half) = half(text.trim_ascii());
    let end = text.iter().position(|&byte| byte == b':').unwrap_or(text.len());
    let hour = number(&text[..end]).ok().filter(|_| (1..=2).contains(&end))?;
    let (minute, second) = match text.get(end + 1..) {
        // An hour alone is a time of day where it says which half.
        None => half.map(|_| (0, 0))?,
        Some(rest) => minute_and_second(rest)?,
    };
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(Half::Morning) => hour % 12,
        Some(Half::Afternoon) => hour % 12 + 12,
    };
    let nanos = (hour * 60 + minute) * MINUTE + second;
    (minute < 60 && (hour < 24 || nanos == DAY)).then_some(nanos)
}

/// Nanoseconds since midnight of a time of day in digits alone.
pub(in crate::ingest) fn read_digits(text: &[u8], digits: ClockDigits) -> Result<i64, Unread> {
    let most = match digits {
        ClockDigits::Two => 2,
        ClockDigits::Four => 4,
        ClockDigits::Six => 6,
        ClockDigits::Millis => 8,
        ClockDigits::Unclear => return Err(Unread::Unit),
    };
    if text.is_empty() || text.len() > most {
        return Err(Unread::Form);
    }
    let value = number(text)?;
    if digits == ClockDigits::Millis {
        let nanos = value * 1_000_000;
        return if nanos < DAY { Ok(nanos) } else { Err(Unread::NoSuchDay) };
    }
    let value = match digits {
        ClockDigits::Two => value * 10_000,
        ClockDigits::Four => value * 100,
        _ => value,
    };
    let (hour, minute, second) = (value / 10_000, value / 100 % 100, value % 100);
    match hour < 24 && minute < 60 && second < 60 {
        true => Ok((hour * 60 + minute) * MINUTE + second * SECOND),
        false => Err(Unread::NoSuchDay),
    }
}

/// Nanoseconds since midnight of `HH:MM` or `HH:MM:SS`.
pub(in crate::ingest) fn session(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let is_whole = text.len() == 5 || text.len() == 8;
    let nanos = if is_plain && is_whole { read(text.as_bytes()) } else { None };
    nanos.filter(|&nanos| nanos < DAY)
}

fn minute_and_second(text: &[u8]) -> Option<(i64, i64)> {
    let two = |digits: &[u8]| number(digits).ok().filter(|_| digits.len() == 2);
    match text {
        [a, b] => Some((two(&[*a, *b])?, 0)),
        [a, b, b':', c, d] => Some((two(&[*a, *b])?, below_60(two(&[*c, *d])?)? * SECOND)),
        [a, b, b':', c, d, b'.' | b',' | b':', fraction @ ..] if (1..=9).contains(&fraction.len()) => {
            let nanos = number(fraction).ok()? * 10_i64.pow(9 - fraction.len() as u32);
            Some((two(&[*a, *b])?, below_60(two(&[*c, *d])?)? * SECOND + nanos))
        }
        _ => None,
    }
}

fn below_60(seconds: i64) -> Option<i64> {
    (seconds < 60).then_some(seconds)
}

#[derive(Clone, Copy)]
enum Half {
    Morning,
    Afternoon,
}

/// The text before `AM` or `PM`, and which.
fn half(text: &[u8]) -> (&[u8], Option<Half>) {
    let [front @ .., a, b] = text else { return (text, None) };
    let half = match (a.to_ascii_uppercase(), b.to_ascii_uppercase()) {
        (b'A', b'M') => Half::Morning,
        (b'P', b'M') => Half::Afternoon,
        _ => return (text, None),
    };
    let front = front.trim_ascii_end();
    (front.strip_suffix(b"-").unwrap_or(front), Some(half))
}
