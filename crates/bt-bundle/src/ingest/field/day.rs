//! Days of the calendar as people write them.

use bt_core::Timestamp;

use super::Unread;

/// Whether the day or the month comes first where both are numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum DayOrder {
    Day,
    Month,
}

/// What a date in numbers says of the order of day and month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum OrderShown {
    /// The first number is no month, or the second is.
    Only(DayOrder),
    /// Both readings are days.
    Either,
}

/// Reads the day that a text begins with: its 00:00 as a reading of the wall clock, in nanoseconds, and the rest.
///
/// `2024-01-05`, `2024/1/5`, `2024.01.05`, `20240105`, `5-Jan-2024`, `05 JAN 24`, `2024-Jan-05`, `Jan 5, 2024`,
/// `Friday, January 5 2024`; and, where the order of day and month is known, `5/1/2024`, `05.01.2024`.
pub(in crate::ingest) fn read(text: &[u8], order: Option<DayOrder>) -> Result<(i64, &[u8]), Unread> {
    let text = without_weekday(text);
    let (first, rest) = token(text).ok_or(Unread::Form)?;
    match first {
        Token::Number(digits) if digits.len() == 8 => compact(digits).map(|day| (day, rest)),
        Token::Number(digits) => three(digits, rest, order),
        Token::Month(month) => {
            let (day, rest) = number_after(rest)?;
            let (year, rest) = number_after(rest.strip_prefix(b",").unwrap_or(rest))?;
            Ok((day_of(year_of(year)?, month, number(day)?)?, rest))
        }
    }
}

/// The order of day and month that a date shows, if its order is a question at all.
pub(in crate::ingest) fn order_shown(text: &[u8]) -> Option<OrderShown> {
    let (Token::Number(first), rest) = token(text)? else { return None };
    let (separator, rest) = separator(rest)?;
    let (Token::Number(second), rest) = token(rest)? else { return None };
    let (Token::Number(year), _) = token(rest.strip_prefix(&[separator])?)? else { return None };
    if first.len() > 2 || second.len() > 2 || !matches!(year.len(), 2 | 4) {
        return None;
    }
    match (number(first).ok()?, number(second).ok()?) {
        (13..=31, 1..=12) => Some(OrderShown::Only(DayOrder::Day)),
        (1..=12, 13..=31) => Some(OrderShown::Only(DayOrder::Month)),
        // The fifth of May is the same in either order, and tells nothing.
        (1..=12, 1..=12) => Some(OrderShown::Either),
        _ => None,
    }
}

/// What some dates show of the order of day and month.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct OrderEvidence {
    pub(in crate::ingest) order: Option<DayOrder>,
    /// Whether a date could be two.
    pub(in crate::ingest) is_unclear: bool,
}

impl OrderEvidence {
    pub(in crate::ingest) fn note(&mut self, text: &[u8]) {
        match order_shown(text.trim_ascii()) {
            Some(OrderShown::Only(order)) => self.order = self.order.or(Some(order)),
            Some(OrderShown::Either) => self.is_unclear = true,
            None => {}
        }
    }

    /// Whether a date could be two, and none tells which.
    pub(in crate::ingest) fn is_open(&self) -> bool {
        self.order.is_none() && self.is_unclear
    }
}

enum Token<'t> {
    Number(&'t [u8]),
    Month(i64),
}

fn token(text: &[u8]) -> Option<(Token<'_>, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 {
        return Some((Token::Number(&text[..digits]), &text[digits..]));
    }
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let month = month(&text[..letters])?;
    Some((Token::Month(month), &text[letters..]))
}

/// Year, month and day in one of their orders, the first of which is read.
fn three<'t>(first: &[u8], rest: &'t [u8], order: Option<DayOrder>) -> Result<(i64, &'t [u8]), Unread> {
    let (separator, rest) = separator(rest).ok_or(Unread::Form)?;
    let (second, rest) = token(rest).ok_or(Unread::Form)?;
    let rest = match separator {
        b' ' => rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start(),
        separator => rest.strip_prefix(&[separator]).ok_or(Unread::Form)?,
    };
    let (Token::Number(third), rest) = token(rest).ok_or(Unread::Form)? else { return Err(Unread::Form) };
    let day = match second {
        Token::Month(month) if first.len() == 4 => day_of(number(first)?, month, number(third)?)?,
        Token::Month(month) => day_of(year_of(third)?, month, number(first)?)?,
        Token::Number(second) if first.len() == 4 && second.len() <= 2 && third.len() <= 2 => {
            day_of(number(first)?, number(second)?, number(third)?)?
        }
        Token::Number(second) if first.len() <= 2 && second.len() <= 2 && separator != b' ' => {
            let (day, month) = match order {
                // The fifth of May is the same in either order.
                None if number(first)? == number(second)? => (first, second),
                None => return Err(Unread::DayOrMonth),
                Some(DayOrder::Day) => (first, second),
                Some(DayOrder::Month) => (second, first),
            };
            day_of(year_of(third)?, number(month)?, number(day)?)?
        }
        Token::Number(_) => return Err(Unread::Form),
    };
    Ok((day, rest))
}

fn separator(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [separator @ (b'-' | b'/' | b'.' | b' '), rest @ ..] => Some((*separator, rest)),
        _ => None,
    }
}

/// A number behind white space.
fn number_after(text: &[u8]) -> Result<(&[u8], &[u8]), Unread> {
    match token(text.strip_prefix(b".").unwrap_or(text).trim_ascii_start()) {
        Some((Token::Number(digits), rest)) => Ok((digits, rest)),
        _ => Err(Unread::Form),
    }
}

/// A year of four digits, or of two, of which 69 to 99 are of the last century.
fn year_of(digits: &[u8]) -> Result<i64, Unread> {
    match (digits.len(), number(digits)?) {
        (4, year) => Ok(year),
        (2, year @ 69..) => Ok(1900 + year),
        (2, year) => Ok(2000 + year),
        _ => Err(Unread::Form),
    }
}

/// `YYYYMMDD`.
pub(super) fn compact(digits: &[u8]) -> Result<i64, Unread> {
    match digits {
        [year @ .., a, b, c, d] if year.len() == 4 => {
            day_of(number(year)?, number(&[*a, *b])?, number(&[*c, *d])?)
        }
        _ => Err(Unread::Form),
    }
}

pub(super) fn day_of(year: i64, month: i64, day: i64) -> Result<i64, Unread> {
    // Numbers of any length come here: one that is cut to 32 bits would be another day.
    let numbers = (year.try_into(), month.try_into(), day.try_into());
    let (Ok(year), Ok(month), Ok(day)) = numbers else { return Err(Unread::NoSuchDay) };
    match Timestamp::from_date(year, month, day) {
        Ok(midnight) => Ok(midnight.as_nanos()),
        Err(_) => Err(Unread::NoSuchDay),
    }
}

/// The number that up to 18 digits write.
#[inline]
pub(in crate::ingest) fn number(digits: &[u8]) -> Result<i64, Unread> {
    let is_number = !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit);
    let value = || digits.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    if is_number { Ok(value()) } else { Err(Unread::Form) }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A month by its name or at least its first three letters.
fn month(word: &[u8]) -> Option<i64> {
    position(&MONTHS, word).map(|at| at as i64 + 1)
}

fn position(names: &[&str], word: &[u8]) -> Option<usize> {
    let begins = |name: &str| {
        let name = name.as_bytes();
        word.len() >= 3 && word.len() <= name.len() && name[..word.len()].eq_ignore_ascii_case(word)
    };
    names.iter().position(|name| begins(name))
}

fn without_weekday(text: &[u8]) -> &[u8] {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    match position(&WEEKDAYS, &text[..letters]) {
        Some(_) => {
            let rest = text[letters..].trim_ascii_start();
            rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start()
        }
        None => text,
    }
}
