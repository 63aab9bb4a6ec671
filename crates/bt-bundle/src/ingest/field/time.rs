//! Dates and times in text and numbers: from a field to the moment that it names.

use std::sync::Arc;

use bt_asset_cache::kernel::{FIRST_STAMP, LAST_STAMP};
use bt_core::{Timestamp, WallClock, Zone};

use super::Unread;
use super::clock::{self, ClockDigits};
use super::day::{self, DateOrder, number};
use super::numeric::{self, NumericTimes};
use super::pattern;
use super::zone::{self, Abbreviations, Own};
use crate::Label;
use crate::ingest::fault::{TimeFault, excerpt};
use crate::ingest::wall::{self, DAY, MINUTE};
use crate::ingest::{IngestOptions, TimeFormat};

/// What a field says.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::ingest) enum Written {
    /// A day, as its 00:00, and no time.
    Date(i64),
    /// A month, as the 00:00 of its first day, and neither day nor time.
    Month(i64),
    /// A reading of the wall clock, as if it were UTC, of the zone that it names.
    Local(i64, Own),
    /// A moment.
    Moment(i64),
}

/// A row's time: what is kept of it, and what it shows.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::ingest) struct Stamp {
    /// The moment; of a date the 00:00 UTC of its day. At an offset, where times stand for days, the beginning of the day:
    /// nothing else remembers where that is.
    pub(in crate::ingest) nanos: i64,
    /// What the wall clock showed then, in the zone in which its day lies.
    pub(in crate::ingest) local: i64,
    pub(in crate::ingest) shown: Shown,
}

/// By what a time was placed in a zone.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::ingest) enum Shown {
    /// It is a date.
    Date,
    /// It is a month alone.
    Month,
    /// It names no zone.
    WallClock,
    /// It is a moment, of no zone but UTC.
    Utc,
    /// Minutes ahead of UTC.
    Offset(i32),
    /// A zone's name.
    Zone(Arc<Zone>),
}

/// Zones that are kept: rows seldom name more than one or two.
const MOST_NAMED: usize = 16;

/// Reads the times of one source.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct TimeReader {
    format: TimeFormat,
    order: Option<DateOrder>,
    digits: ClockDigits,
    numbers: NumericTimes,
    /// The zone that the header says times to be in.
    of_column: Own,
    zone: Zone,
    is_zone_stated: bool,
    /// What the zone is called by itself, where it is stated or the bundle's.
    abbreviations: Abbreviations,
    stands_for_day: bool,
    /// Whether a month alone is its first day, as the start of a bar. It is the last one otherwise, when the bar is over.
    month_is_its_first_day: bool,
    /// The zones that were named: each has a table of its own, which takes long to make.
    named: Vec<(Box<[u8]>, Arc<Zone>)>,
}

impl TimeReader {
    /// `bundle` is the zone of the bundle that is appended to, which holds for times that name none.
    pub(in crate::ingest) fn new(options: &IngestOptions, bundle: Option<&Zone>) -> Self {
        let order = match options.time_format {
            TimeFormat::DayFirst => Some(DateOrder::DayFirst),
            TimeFormat::MonthFirst => Some(DateOrder::MonthFirst),
            TimeFormat::YearFirst => Some(DateOrder::YearFirst),
            _ => None,
        };
        let zone = options.zone.as_ref().or(bundle);
        Self {
            format: options.time_format.clone(),
            order,
            digits: ClockDigits::Six,
            numbers: NumericTimes::Unknown,
            of_column: Own::Nothing,
            zone: zone.unwrap_or(wall::utc()).clone(),
            is_zone_stated: options.zone.is_some(),
            abbreviations: zone.map(Abbreviations::of).unwrap_or_default(),
            stands_for_day: options.label == Some(Label::Date),
            month_is_its_first_day: options.label == Some(Label::Start),
            named: Vec::new(),
        }
    }

    /// With what the whole ingest shows of days and months, and the source of times of day in digits.
    pub(in crate::ingest) fn with(self, order: Option<DateOrder>, digits: ClockDigits) -> Self {
        Self { digits, ..self.with_order(order) }
    }

    pub(in crate::ingest) fn with_order(mut self, order: Option<DateOrder>) -> Self {
        self.order = self.order.or(order);
        self
    }

    /// With what the numbers of a source are.
    pub(in crate::ingest) fn with_numbers(self, numbers: NumericTimes) -> Self {
        Self { numbers, ..self }
    }

    /// With the zone that the header of a source says its times to be in, whatever zone is stated.
    pub(in crate::ingest) fn with_zone_of_column(self, of_column: Own) -> Self {
        Self { of_column, ..self }
    }

    /// Whether the order of day and month is a question that nobody has answered.
    pub(in crate::ingest) fn lacks_order(&self) -> bool {
        self.order.is_none() && matches!(self.format, TimeFormat::Auto)
    }

    /// The order of day and month that dates of the ingest have shown.
    pub(in crate::ingest) fn inferred_order(&self) -> Option<DateOrder> {
        self.order.filter(|_| matches!(self.format, TimeFormat::Auto))
    }

    /// Reads a date or time, which may have its time of day in another field.
    #[inline]
    pub(in crate::ingest) fn read(&mut self, text: &[u8], clock: Option<&[u8]>) -> Result<Stamp, Unread> {
        // The commonest of all, cut short.
        if let (TimeFormat::Auto, None, [a, b, c, d, b'-', e, f, b'-', g, h]) = (&self.format, clock, text)
            && let (Ok(year), Ok(month), Ok(day)) =
                (number(&[*a, *b, *c, *d]), number(&[*e, *f]), number(&[*g, *h]))
        {
            return date(day::day_of(year, month, day)?);
        }
        let text = text.trim_ascii();
        let written = match clock {
            None => self.written(text)?,
            Some(clock) => self.joined(text, clock.trim_ascii())?,
        };
        self.stamp(written)
    }

    /// What is wrong with a text that cannot be read.
    #[cold]
    pub(in crate::ingest) fn fault(&self, text: &[u8], why: Unread) -> TimeFault {
        let (bytes, text) = (text, excerpt(text));
        let own = self.own_zone(bytes.trim_ascii());
        let zone = || own.clone().unwrap_or_else(|| self.zone.name().to_owned());
        match why {
            Unread::Missing => TimeFault::Missing,
            Unread::Unit => TimeFault::Number { text },
            Unread::NoSuchDay if let Some((order, of_others)) = self.other_order(bytes) => {
                TimeFault::OtherOrder { text, order, of_others }
            }
            Unread::NoSuchDay => TimeFault::NoSuchDay { text },
            Unread::Range | Unread::NotFinite => TimeFault::OutOfRange { text },
            Unread::DateOrder => {
                let read = |order| match day::read(bytes.trim_ascii(), Some(order)) {
                    Ok((midnight, _)) => {
                        Some((order, Timestamp::from_nanos(midnight).to_string()[..10].to_owned()))
                    }
                    Err(_) => None,
                };
                TimeFault::DateOrder { text, readings: DateOrder::ALL.into_iter().filter_map(read).collect() }
            }
            Unread::Twice => TimeFault::Twice { text, zone: zone() },
            Unread::Skipped => TimeFault::Skipped { text, zone: zone() },
            Unread::Abbreviation => {
                TimeFault::Abbreviation { text, name: zone(), zone: self.zone.name().to_owned() }
            }
            Unread::Zone => TimeFault::Zone { text, zone: zone() },
            Unread::Form | Unread::Encoding => {
                let is_stated = !matches!(self.format, TimeFormat::Auto);
                TimeFault::Unreadable { text, expected: self.format.to_string(), is_stated }
            }
        }
    }

    /// The order in which a text is a day, where it is none in the order of others, which nobody stated.
    fn other_order(&self, text: &[u8]) -> Option<(DateOrder, DateOrder)> {
        let of_others = self.inferred_order()?;
        let is_day = |order: &DateOrder| day::read(text.trim_ascii(), Some(*order)).is_ok();
        Some((DateOrder::ALL.into_iter().find(is_day)?, of_others))
    }

    /// The zone that a text names, as it is written.
    fn own_zone(&self, text: &[u8]) -> Option<String> {
        if let TimeFormat::Pattern(pattern) = &self.format {
            return pattern::zone(pattern, text);
        }
        let (_, rest) = day::read(text, self.order).ok()?;
        let (_, zone) = split_zone(rest.get(1..)?);
        (!zone.is_empty()).then(|| excerpt(zone))
    }

    /// Places what was written in time.
    pub(in crate::ingest) fn stamp(&self, written: Written) -> Result<Stamp, Unread> {
        match written {
            Written::Date(midnight) => date(midnight),
            Written::Month(first) => {
                let day = if self.month_is_its_first_day { first } else { wall::last_of_month(first) };
                Ok(Stamp { shown: Shown::Month, ..date(day)? })
            }
            Written::Moment(moment) => self.moment(moment),
            Written::Local(local, own) => self.local(local, own),
        }
    }

    /// Reads an integer of a column of them.
    pub(in crate::ingest) fn integer(&self, value: i64) -> Result<Written, Unread> {
        match &self.format {
            TimeFormat::Epoch(unit) => numeric::epoch(i128::from(value), 0, *unit),
            TimeFormat::Excel => excel(value as f64),
            TimeFormat::Auto | TimeFormat::Iso if value < 0 => Err(Unread::Unit),
            TimeFormat::Auto | TimeFormat::Iso => {
                numeric::digits(value.to_string().as_bytes(), &self.format, self.numbers)
            }
            TimeFormat::Pattern(pattern) => {
                pattern::read(pattern, value.to_string().as_bytes(), |_| Err(Unread::Zone))
            }
            _ => Err(Unread::Unit),
        }
    }

    pub(in crate::ingest) fn written(&mut self, text: &[u8]) -> Result<Written, Unread> {
        let text = match self.format {
            TimeFormat::Auto | TimeFormat::Iso => numeric::whole(text),
            _ => text,
        };
        match &self.format {
            _ if super::number::is_missing(str::from_utf8(text).unwrap_or("?")) => Err(Unread::Missing),
            TimeFormat::Epoch(unit) => {
                numeric::decimal(text).and_then(|(units, scale)| numeric::epoch(units, scale, *unit))
            }
            TimeFormat::Excel => {
                let serial = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                excel(serial.ok_or(Unread::Form)?)
            }
            TimeFormat::Pattern(pattern) => {
                let pattern = Arc::clone(pattern);
                pattern::read(&pattern, text, |zone| self.own(zone))
            }
            _ if numeric::is_digits(text) => numeric::digits(text, &self.format, self.numbers),
            TimeFormat::Auto if numeric::is_decimal(text) => numeric::count(text),
            _ => self.day_and_time(text),
        }
    }

    /// A date and, in another field, its time of day.
    fn joined(&mut self, text: &[u8], clock: &[u8]) -> Result<Written, Unread> {
        let Written::Date(midnight) = self.written(text)? else { return Err(Unread::Form) };
        let (nanos, own) = self.clock(clock)?;
        wall_clock(midnight, nanos, own)
    }

    /// Reads a time of day in a field of its own: nanoseconds since midnight, and the zone that it names.
    pub(in crate::ingest) fn clock(&mut self, text: &[u8]) -> Result<(i64, Own), Unread> {
        match text {
            [] => Err(Unread::Missing),
            digits if digits.iter().all(u8::is_ascii_digit) => {
                Ok((clock::read_digits(digits, self.digits)?, Own::Nothing))
            }
            text => self.time_of_day(text),
        }
    }

    fn day_and_time(&mut self, text: &[u8]) -> Result<Written, Unread> {
        let order = self.order.filter(|_| !matches!(self.format, TimeFormat::Iso));
        let (midnight, rest) = match day::read(text, order) {
            Err(Unread::Form) => {
                return day::month_alone(text).unwrap_or(Err(Unread::Form)).map(Written::Month);
            }
            read => read?,
        };
        match rest {
            [] => Ok(Written::Date(midnight)),
            [b'T' | b't' | b' ' | b',' | b':', time @ ..] if !time.trim_ascii().is_empty() => {
                let (nanos, own) = self.time_of_day(time.trim_ascii())?;
                wall_clock(midnight, nanos, own)
            }
            _ => Err(Unread::Form),
        }
    }

    /// A time of day with or without a zone.
    fn time_of_day(&mut self, text: &[u8]) -> Result<(i64, Own), Unread> {
        let (clock, zone) = split_zone(text);
        let nanos = match clock.iter().all(u8::is_ascii_digit) {
            // `20110103 090100`
            true if matches!(clock.len(), 4 | 6) => {
                let digits = if clock.len() == 4 { ClockDigits::Four } else { ClockDigits::Six };
                clock::read_digits(clock, digits)?
            }
            _ => clock::read(clock).ok_or(Unread::Form)?,
        };
        Ok((nanos, self.own(zone)?))
    }

    fn own(&mut self, zone: &[u8]) -> Result<Own, Unread> {
        if zone.is_empty() {
            return Ok(Own::Nothing);
        }
        if let Some(minutes) = zone::offset(zone) {
            return Ok(Own::Offset(minutes));
        }
        if let Some(own) = self.abbreviations.find(zone) {
            return Ok(own);
        }
        match zone::split_name(zone) {
            Some((minutes, name)) => Ok(Own::ZoneAt(self.named(name)?, minutes)),
            None => self.named(zone).map(Own::Zone),
        }
    }

    fn named(&mut self, name: &[u8]) -> Result<Arc<Zone>, Unread> {
        if let Some((_, known)) = self.named.iter().find(|(known, _)| **known == *name) {
            return Ok(Arc::clone(known));
        }
        let found = str::from_utf8(name).ok().and_then(|name| name.parse::<Zone>().ok());
        let found = Arc::new(found.ok_or(Unread::Zone)?);
        if self.named.len() == MOST_NAMED {
            self.named.clear();
        }
        self.named.push((name.into(), Arc::clone(&found)));
        Ok(found)
    }

    fn moment(&self, moment: i64) -> Result<Stamp, Unread> {
        let zone = if self.is_zone_stated { &self.zone } else { wall::utc() };
        Self::placed(moment, wall::local(zone, moment), Shown::Utc)
    }

    fn local(&self, local: i64, own: Own) -> Result<Stamp, Unread> {
        let own = if own == Own::Nothing { self.of_column.clone() } else { own };
        let moment = match &own {
            Own::Nothing => on_wall_clock(local, &self.zone, None)?,
            Own::Abbreviated(minutes) => {
                let moment = on_wall_clock(local, &self.zone, Some(*minutes))?;
                // EST in July is another clock than that of New York.
                let is_so = self.zone.offset_minutes(Timestamp::from_nanos(moment)) == *minutes;
                is_so.then_some(moment).ok_or(Unread::Abbreviation)?
            }
            Own::Offset(minutes) => at_offset(local, *minutes)?,
            Own::Zone(zone) => on_wall_clock(local, zone, None)?,
            Own::ZoneAt(zone, minutes) => {
                let moment = at_offset(local, *minutes)?;
                let is_offset = zone.offset_minutes(Timestamp::from_nanos(moment)) == *minutes;
                is_offset.then_some(moment).ok_or(Unread::Zone)?
            }
        };
        match own {
            Own::Nothing | Own::Abbreviated(_) => Self::placed(moment, local, Shown::WallClock),
            Own::Offset(0) => self.moment(moment),
            // A zone that is stated knows better in which day a moment lies.
            own if self.is_zone_stated => Self::placed(moment, wall::local(&self.zone, moment), own.into()),
            Own::Offset(minutes) => {
                in_range(moment)?;
                let time_of_day = if self.stands_for_day { local.rem_euclid(DAY) } else { 0 };
                let (nanos, local) = (moment - time_of_day, local - time_of_day);
                Ok(Stamp { nanos, local, shown: Shown::Offset(minutes) })
            }
            Own::Zone(zone) | Own::ZoneAt(zone, _) => Self::placed(moment, local, Shown::Zone(zone)),
        }
    }

    fn placed(moment: i64, local: i64, shown: Shown) -> Result<Stamp, Unread> {
        in_range(moment)?;
        Ok(Stamp { nanos: moment, local, shown })
    }

    /// A moment of a column that is in a zone.
    pub(in crate::ingest) fn in_zone_of_column(
        &self,
        moment: i64,
        zone: &Arc<Zone>,
    ) -> Result<Stamp, Unread> {
        let days_of = if self.is_zone_stated { &self.zone } else { &**zone };
        Self::placed(moment, wall::local(days_of, moment), Shown::Zone(Arc::clone(zone)))
    }

    /// Whether a day begins with this time, in the zone in which the day lies.
    pub(in crate::ingest) fn is_local_midnight(&self, stamp: &Stamp) -> bool {
        let zone = match &stamp.shown {
            _ if stamp.local.rem_euclid(DAY) == 0 => return true,
            Shown::Date | Shown::Month => return true,
            _ if self.is_zone_stated => &self.zone,
            Shown::WallClock => &self.zone,
            Shown::Zone(zone) => zone,
            Shown::Utc | Shown::Offset(_) => return false,
        };
        wall::is_midnight(zone, stamp.nanos)
    }
}

impl From<Own> for Shown {
    fn from(own: Own) -> Self {
        match own {
            Own::Nothing | Own::Abbreviated(_) => Self::WallClock,
            Own::Offset(minutes) => Self::Offset(minutes),
            Own::Zone(zone) | Own::ZoneAt(zone, _) => Self::Zone(zone),
        }
    }
}

fn date(midnight: i64) -> Result<Stamp, Unread> {
    in_range(midnight)?;
    Ok(Stamp { nanos: midnight, local: midnight, shown: Shown::Date })
}

fn in_range(moment: i64) -> Result<(), Unread> {
    if (FIRST_STAMP..=LAST_STAMP).contains(&moment) { Ok(()) } else { Err(Unread::Range) }
}

fn at_offset(local: i64, minutes: i32) -> Result<i64, Unread> {
    local.checked_sub(i64::from(minutes) * MINUTE).ok_or(Unread::Range)
}

/// The moment at which the wall clock shows a reading. Of two it is the one at which it is so many minutes ahead of UTC, where
/// they are known.
fn on_wall_clock(local: i64, zone: &Zone, minutes: Option<i32>) -> Result<i64, Unread> {
    let told = minutes.and_then(|minutes| at_offset(local, minutes).ok());
    match zone.moments(Timestamp::from_nanos(local)) {
        WallClock::Once(moment) => Ok(moment.as_nanos()),
        WallClock::Twice { earlier, .. } if told == Some(earlier.as_nanos()) => Ok(earlier.as_nanos()),
        WallClock::Twice { later, .. } if told == Some(later.as_nanos()) => Ok(later.as_nanos()),
        // A midnight stands for its day, and every day has a beginning.
        _ if local.rem_euclid(DAY) == 0 => Ok(wall::start_of_day(zone, local.div_euclid(DAY))),
        WallClock::Twice { .. } => Err(Unread::Twice),
        WallClock::Skipped { .. } => Err(Unread::Skipped),
    }
}

/// Days since 1899-12-30, with the time of day as a fraction, as spreadsheets count them.
fn excel(serial: f64) -> Result<Written, Unread> {
    const UNIX_EPOCH: f64 = 25_569.0;
    const MILLIS_OF_A_DAY: f64 = 86_400_000.0;
    if !(61.0..100_000.0).contains(&serial) {
        // Before March 1900 spreadsheets disagree about the day.
        return Err(Unread::Range);
    }
    let millis = ((serial - UNIX_EPOCH) * MILLIS_OF_A_DAY).round() as i64;
    Ok(Written::Local(millis * 1_000_000, Own::Nothing))
}

/// A time of day of a day, the last of which is not whole.
pub(in crate::ingest) fn wall_clock(midnight: i64, time_of_day: i64, own: Own) -> Result<Written, Unread> {
    Ok(Written::Local(midnight.checked_add(time_of_day).ok_or(Unread::Range)?, own))
}

/// The time of day and what stands behind it for a zone.
fn split_zone(text: &[u8]) -> (&[u8], &[u8]) {
    let is_half = |at: usize| {
        matches!(text.get(at..at + 2), Some([b'A' | b'a' | b'P' | b'p', b'M' | b'm']))
            && !text.get(at + 2).is_some_and(u8::is_ascii_alphabetic)
    };
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'+' => break,
            // `09-AM` has no zone.
            b'-' if is_half(at + 1) => at += 3,
            b'-' => break,
            byte if byte.is_ascii_alphabetic() && is_half(at) => at += 2,
            byte if byte.is_ascii_alphabetic() => break,
            _ => at += 1,
        }
    }
    let (clock, zone) = text.split_at(at);
    (clock.trim_ascii(), zone.trim_ascii())
}

#[cfg(test)]
mod tests;
