//! What the fields of a column show of times, in files of text and in columns of text or numbers alike.

use super::columns::{TimeSeen, TimesShown};
use crate::ingest::field::clock::{self, ClockDigits};
use crate::ingest::field::day::DateOrder;
use crate::ingest::field::number::is_missing;
use crate::ingest::field::time::{Shown, TimeReader};

/// What a field shows of times: `None` where it is missing.
pub(in crate::ingest) fn shows(times: &TimeReader, text: &[u8]) -> Option<TimesShown> {
    let text = text.trim_ascii();
    if is_missing(str::from_utf8(text).unwrap_or("?")) {
        return None;
    }
    if is_time_of_day(times, text) {
        return Some(TimesShown::TimesOfDay);
    }
    let read = |order| times.clone().with(Some(order), ClockDigits::Six).read(text, None).ok();
    Some(match DateOrder::ALL.into_iter().find_map(read) {
        None => TimesShown::Nothing,
        Some(stamp) if matches!(stamp.shown, Shown::Date | Shown::Month) => TimesShown::Dates,
        Some(_) => TimesShown::Times,
    })
}

/// Whether numbers, of which there are some, are 0 and no other; what is missing does not count.
pub(in crate::ingest) fn are_zero(numbers: impl Iterator<Item = f64>) -> bool {
    let mut there = numbers.filter(|number| !number.is_nan()).peekable();
    there.peek().is_some() && there.all(|number| number == 0.0)
}

fn is_time_of_day(times: &TimeReader, text: &[u8]) -> bool {
    match text.iter().all(u8::is_ascii_digit) {
        true => text.len() <= 6 && clock::read_digits(text, ClockDigits::Six).is_ok(),
        // Without a colon the year of `2024-01` would be 20:24.
        false => clock::read(text).is_some() || text.contains(&b':') && times.clone().clock(text).is_ok(),
    }
}

/// The times of some rows, by the order of dates in which most of them can be read.
pub(in crate::ingest) fn seen(
    times: &TimeReader,
    read: impl Fn(&mut TimeReader) -> Vec<Option<TimeSeen>>,
) -> Vec<Option<TimeSeen>> {
    let read = |order| read(&mut times.clone().with(Some(order), ClockDigits::Six));
    let count = |seen: &Vec<Option<TimeSeen>>| seen.iter().flatten().count();
    // Of several the last one is the greatest.
    DateOrder::ALL.into_iter().rev().map(read).max_by_key(count).unwrap_or_default()
}
