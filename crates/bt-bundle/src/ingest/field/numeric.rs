//! Times written as numbers: dates in digits alone, and counts since 1970.

use super::Unread;
use super::clock::{self, ClockDigits};
use super::day;
use super::time::{Written, wall_clock};
use super::zone::Own;
use crate::ingest::wall::SECOND;
use crate::ingest::{EpochUnit, TimeFormat};

/// What the numbers in a column of times are. One number cannot always tell: 197603301200 is noon of a day in 1976, and
/// milliseconds of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum NumericTimes {
    /// Nobody has looked at the column: each is what it can be, and a date sooner than a count.
    Unknown,
    /// A single one, either a date and an hour or seconds: `2024010516`.
    Unclear,
    /// Dates, with or without a time.
    Dates,
    /// Counts since 1970.
    Counts,
}

/// What some rows show of the numbers in their column of times.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ingest) struct NumericEvidence {
    dates: usize,
    /// How many of the dates have ten digits, as seconds do.
    hours: usize,
    others: usize,
}

impl NumericEvidence {
    pub(in crate::ingest) fn note(&mut self, text: &[u8]) {
        let text = whole(text.trim_ascii());
        if is_date(text) {
            self.dates += 1;
            self.hours += usize::from(text.len() == 10);
        } else if is_digits(text) || is_decimal(text) {
            self.others += 1;
        }
    }

    /// What most are: a date that does not exist is no count, and of two hundred counts one can look like a date.
    pub(in crate::ingest) fn numbers(&self) -> NumericTimes {
        match (self.dates, self.others) {
            (0, 0) => NumericTimes::Unknown,
            (1, 0) if self.hours == 1 => NumericTimes::Unclear,
            (dates, others) if dates > others => NumericTimes::Dates,
            _ => NumericTimes::Counts,
        }
    }
}

/// The digits of a whole number with a point, as data frames write integers of a column that lacks some: `20240105.0`.
pub(super) fn whole(text: &[u8]) -> &[u8] {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match &text[digits..] {
        [b'.', zeros @ ..] if digits > 0 && !zeros.is_empty() && zeros.iter().all(|&byte| byte == b'0') => {
            &text[..digits]
        }
        _ => text,
    }
}

/// Reads digits alone: a date, a date and a time, or a count since 1970 whose size tells the unit.
pub(super) fn digits(text: &[u8], format: &TimeFormat, numbers: NumericTimes) -> Result<Written, Unread> {
    let may_be_date = numbers != NumericTimes::Counts;
    match text.len() {
        10 if numbers == NumericTimes::Unclear => Err(Unread::Unit),
        8 if may_be_date && matches!(format, TimeFormat::Auto | TimeFormat::Iso) => {
            day::compact(text).map(Written::Date)
        }
        _ if !matches!(format, TimeFormat::Auto) => Err(Unread::Unit),
        10 | 12 | 14 | 17 if numbers == NumericTimes::Dates || may_be_date && is_date(text) => {
            date_and_time(text)
        }
        _ if numbers == NumericTimes::Dates => Err(Unread::Unit),
        _ => count(text),
    }
}

/// Whether digits are a date, or begin with a year of our time and go on with a month, a day and a time.
fn is_date(text: &[u8]) -> bool {
    match text.len() {
        8 => day::compact(text).is_ok(),
        10 | 12 | 14 | 17 => matches!(&text[..2], b"19" | b"20") && date_and_time(text).is_ok(),
        _ => false,
    }
}

/// `YYYYMMDDHH`, and on to the minute, the second or the millisecond.
fn date_and_time(text: &[u8]) -> Result<Written, Unread> {
    let (date, time) = text.split_at(8);
    let (time, millis) = time.split_at(time.len().min(6));
    let midnight = day::compact(date)?;
    let time = match time.len() {
        2 => clock::read_digits(time, ClockDigits::Two)?,
        4 => clock::read_digits(time, ClockDigits::Four)?,
        _ => clock::read_digits(time, ClockDigits::Six)?,
    };
    let millis = if millis.is_empty() { 0 } else { day::number(millis)? };
    wall_clock(midnight, time + millis * EpochUnit::Millis.nanos(), Own::Nothing)
}

pub(super) fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Whether a text is a number with a point or an exponent.
pub(super) fn is_decimal(text: &[u8]) -> bool {
    let points = text.iter().filter(|&&byte| byte == b'.').count();
    let mantissa = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let exponent = &text[mantissa..];
    let has_exponent = matches!(exponent, [b'e' | b'E', b'+', digits @ ..] | [b'e' | b'E', digits @ ..]
        if is_digits(digits));
    mantissa > 0 && points <= 1 && (has_exponent || exponent.is_empty() && points == 1)
}

/// Reads a count since 1970, of the unit that its size tells.
pub(super) fn count(text: &[u8]) -> Result<Written, Unread> {
    let (units, scale) = decimal(text)?;
    let whole = (units / 10_i128.pow(scale.min(30))).unsigned_abs();
    epoch(units, scale, unit_of(whole.to_string().len())?)
}

/// The unit of a count by the number of digits before the point: seconds have ten of them from 2001 on. Fewer could be
/// anything.
fn unit_of(digits: usize) -> Result<EpochUnit, Unread> {
    match digits {
        9..=11 => Ok(EpochUnit::Seconds),
        12..=14 => Ok(EpochUnit::Millis),
        15..=17 => Ok(EpochUnit::Micros),
        18..=19 => Ok(EpochUnit::Nanos),
        _ => Err(Unread::Unit),
    }
}

/// So many times 10^-`scale` of a unit since 1970.
pub(super) fn epoch(units: i128, scale: u32, unit: EpochUnit) -> Result<Written, Unread> {
    let nanos = units.checked_mul(i128::from(unit.nanos())).ok_or(Unread::Range)?;
    let nanos = nanos.div_euclid(10_i128.checked_pow(scale).ok_or(Unread::Range)?);
    i64::try_from(nanos).map(Written::Moment).map_err(|_| Unread::Range)
}

/// Units and decimals of a number in text.
pub(super) fn decimal(text: &[u8]) -> Result<(i128, u32), Unread> {
    let text = str::from_utf8(text).map_err(|_| Unread::Form)?;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| Unread::Form)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        // Behind an empty whole part it would be the sign of both.
        return Err(Unread::Form);
    }
    let units: i128 = match format!("{whole}{fraction}") {
        digits if digits.len() <= 30 => digits.parse().map_err(|_| Unread::Form)?,
        _ => return Err(Unread::Range),
    };
    match (fraction.len() as i64).checked_sub(exponent).ok_or(Unread::Range)? {
        scale @ 0..=30 => Ok((units, scale as u32)),
        shift @ -18..0 => Ok((units.checked_mul(10_i128.pow(-shift as u32)).ok_or(Unread::Range)?, 0)),
        _ => Err(Unread::Range),
    }
}

impl EpochUnit {
    pub(in crate::ingest) fn nanos(self) -> i64 {
        match self {
            Self::Seconds => SECOND,
            Self::Millis => 1_000_000,
            Self::Micros => 1000,
            Self::Nanos => 1,
        }
    }
}
