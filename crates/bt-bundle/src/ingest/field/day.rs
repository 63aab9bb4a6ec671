//! Days of the calendar as people write them.

use std::fmt;

use bt_core::Timestamp;

use super::Unread;
use crate::ingest::wall::DAY;

/// Which part of a date comes first where all parts are numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DateOrder {
    /// Day, month, year.
    DayFirst,
    /// Month, day, year.
    MonthFirst,
    /// Year, month, day, the year in two digits.
    YearFirst,
}

impl DateOrder {
    pub(in crate::ingest) const ALL: [Self; 3] = [Self::DayFirst, Self::MonthFirst, Self::YearFirst];
}

/// What comes first: `day`, `month` or `year`.
impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DayFirst => "day",
            Self::MonthFirst => "month",
            Self::YearFirst => "year",
        })
    }
}

/// Reads the day that a text begins with: its 00:00 as a reading of the wall clock, in nanoseconds, and the rest.
///
/// `2024-01-05`, `2024/1/5`, `2024.01.05`, `20240105`, `5-Jan-2024`, `05 JAN 24`, `2024-Jan-05`, `05JAN2024`,
/// `Jan 5, 2024`, `Friday, January 5 2024`, `2024年1月5日`; and, where the order is known, `5/1/2024`, `05.01.2024`, `24-01-05`.
pub(in crate::ingest) fn read(text: &[u8], order: Option<DateOrder>) -> Result<(i64, &[u8]), Unread> {
    let text = without_weekday(text);
    let (first, rest) = token(text).ok_or(Unread::Form)?;
    match first {
        Token::Number(digits) if digits.len() == 8 => compact(digits).map(|day| (day, rest)),
        Token::Number(digits) if rest.starts_with("年".as_bytes()) => year_month_day(digits, rest),
        Token::Number(digits) => three(digits, rest, order),
        Token::Month(month) => {
            let (day, rest) = number_after(rest)?;
            let (year, rest) = number_after(rest.strip_prefix(b",").unwrap_or(rest))?;
            Ok((day_of(year_of(year)?, month, number(day)?)?, rest))
        }
    }
}

/// What some dates show of their order.
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct OrderEvidence {
    /// The first order that is the only one in which a date is a day.
    only: Option<DateOrder>,
    /// Whether a date could be two.
    is_unclear: bool,
    /// Whether a date is a day with its day or with its year first, and none with its month first.
    is_day_or_year_first: bool,
    /// The date before, in each order.
    previous: [Option<i64>; 3],
    /// How many dates follow upon the one before as those of bars do, in each order.
    near: [u32; 3],
}

impl OrderEvidence {
    pub(in crate::ingest) fn note(&mut self, text: &[u8]) {
        let Some(date) = Numbers::of(text.trim_ascii()) else { return };
        match DateOrder::ALL.map(|order| date.is_possible(order)) {
            [true, false, false] => self.show(DateOrder::DayFirst),
            [false, true, _] => self.show(DateOrder::MonthFirst),
            [false, false, true] => self.show(DateOrder::YearFirst),
            // The fifth of May is the same in either order, and tells nothing.
            [true, true, _] => self.is_unclear = true,
            [true, false, true] => (self.is_unclear, self.is_day_or_year_first) = (true, true),
            [false, false, false] => {}
        }
        self.note_distances(DateOrder::ALL.map(|order| date.read(order).ok()));
    }

    fn show(&mut self, order: DateOrder) {
        self.only = self.only.or(Some(order));
    }

    fn note_distances(&mut self, date: [Option<i64>; 3]) {
        for (order, date) in date.into_iter().enumerate() {
            let distance = date.zip(self.previous[order]).map(|(date, previous)| date.abs_diff(previous));
            self.near[order] += u32::from(distance.is_some_and(|distance| (1..=MONTH).contains(&distance)));
        }
        self.previous = date;
    }

    /// The order that the dates show.
    ///
    /// A year of two digits may be the first number or the last. Bars are at most a month apart, so the right reading is the
    /// one in which dates follow upon each other: in the other, neighbours are years apart. Day and month cannot be told in
    /// this way, because days that are read as months are near each other, too.
    pub(in crate::ingest) fn order(&self) -> Option<DateOrder> {
        let [day_first, month_first, year_first] = self.near;
        match self.only {
            Some(order) => Some(order),
            None if year_first > 4 * day_first.max(month_first) => Some(DateOrder::YearFirst),
            None if self.is_day_or_year_first && day_first > 4 * year_first => Some(DateOrder::DayFirst),
            None => None,
        }
    }

    /// Whether a date could be two, and none tells which.
    pub(in crate::ingest) fn is_open(&self) -> bool {
        self.order().is_none() && self.is_unclear
    }

    /// Whether the order of any of the dates is a question.
    pub(in crate::ingest) fn is_empty(&self) -> bool {
        self.only.is_none() && !self.is_unclear
    }
}

/// The longest month, in nanoseconds.
const MONTH: u64 = 31 * DAY.unsigned_abs();

/// A date in numbers whose order is a question, because the first one is no year of four digits.
#[derive(Clone, Copy)]
struct Numbers<'t> {
    first: &'t [u8],
    second: &'t [u8],
    third: &'t [u8],
}

impl<'t> Numbers<'t> {
    fn of(text: &'t [u8]) -> Option<Self> {
        let (Token::Number(first), rest) = token(text)? else { return None };
        let (separator, rest) = separator(rest)?;
        let (Token::Number(second), rest) = token(rest)? else { return None };
        let (Token::Number(third), _) = token(rest.strip_prefix(&[separator])?)? else { return None };
        let is_one = first.len() <= 2 && second.len() <= 2 && matches!(third.len(), 2 | 4);
        is_one.then_some(Self { first, second, third })
    }

    /// Reads it in an order: its 00:00, in nanoseconds.
    fn read(self, order: DateOrder) -> Result<i64, Unread> {
        let (year, month, day) = self.parts(order)?;
        day_of(year, month, day)
    }

    /// Whether its numbers are those of a date in an order. The thirty-first of June is one, if a wrong one: it does not show
    /// that its year comes first.
    fn is_possible(self, order: DateOrder) -> bool {
        self.parts(order).is_ok_and(|(_, month, day)| (1..=12).contains(&month) && (1..=31).contains(&day))
    }

    fn parts(self, order: DateOrder) -> Result<(i64, i64, i64), Unread> {
        let (year, month, day) = match order {
            DateOrder::DayFirst => (self.third, self.second, self.first),
            DateOrder::MonthFirst => (self.third, self.first, self.second),
            DateOrder::YearFirst => (self.first, self.second, self.third),
        };
        Ok((year_of(year)?, number(month)?, number(day)?))
    }

    /// Reads it where nobody knows the order, if it is the same in all orders.
    fn read_in_any_order(self) -> Result<i64, Unread> {
        // The fifth of May is, unless its year could be its day.
        match number(self.first)? == number(self.second)? && self.third.len() == 4 {
            true => self.read(DateOrder::DayFirst),
            false => Err(Unread::DateOrder),
        }
    }
}

/// Reads a month without a day, `2024-01` or `Jan 2024`: the 00:00 of its first day. `2024.01` is a number.
pub(in crate::ingest) fn month_alone(text: &[u8]) -> Option<Result<i64, Unread>> {
    let (first, rest) = token(text)?;
    let (_, rest) = separator(rest).filter(|(separator, _)| *separator != b'.')?;
    let (second, _) = token(rest).filter(|(_, rest)| rest.is_empty())?;
    let (year, month) = match (first, second) {
        (Token::Number(year), Token::Number(month)) if month.len() == 2 => (year, number(month).ok()?),
        (Token::Month(month), Token::Number(year)) => (year, month),
        _ => return None,
    };
    (year.len() == 4).then(|| day_of(number(year)?, month, 1))
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

/// `2024年1月5日`, whose year is read.
fn year_month_day<'t>(year: &[u8], rest: &'t [u8]) -> Result<(i64, &'t [u8]), Unread> {
    let part =
        |text: &'t [u8], sign: &str| match token(text.strip_prefix(sign.as_bytes())?.trim_ascii_start())? {
            (Token::Number(digits), rest) => Some((digits, rest)),
            (Token::Month(_), _) => None,
        };
    let (month, rest) = part(rest, "年").ok_or(Unread::Form)?;
    let (day, rest) = part(rest, "月").ok_or(Unread::Form)?;
    let rest = rest.strip_prefix("日".as_bytes()).ok_or(Unread::Form)?;
    Ok((day_of(year_of(year)?, number(month)?, number(day)?)?, rest))
}

/// Year, month and day in one of their orders, the first of which is read.
fn three<'t>(first: &[u8], rest: &'t [u8], order: Option<DateOrder>) -> Result<(i64, &'t [u8]), Unread> {
    let (separator, rest) = separator(rest).unwrap_or((NO_SEPARATOR, rest));
    let (second, rest) = token(rest).ok_or(Unread::Form)?;
    let rest = match separator {
        NO_SEPARATOR => rest,
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
            let date = Numbers { first, second, third };
            match order {
                None => date.read_in_any_order()?,
                Some(order) => date.read(order)?,
            }
        }
        Token::Number(_) => return Err(Unread::Form),
    };
    Ok((day, rest))
}

/// Between the parts of `05JAN2024`.
const NO_SEPARATOR: u8 = 0;

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
