use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZoneDatabase;

use crate::time::days_in_month;
use crate::{ErrorKind, Result, Timestamp};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 86_400 * SECOND;

/// A time zone: one of the IANA database, which is compiled in, so that the same input gives the same bars on every
/// machine; or a fixed offset from UTC.
///
/// A reading of the wall clock is a [`Timestamp`] here, as if it were UTC.
///
/// ```
/// use bt_core::{Timestamp, Zone};
/// let zone: Zone = "America/New_York".parse()?;
/// assert_eq!(zone.name(), "America/New_York");
/// let moment: Timestamp = "2024-01-05T14:30:00Z".parse()?;
/// assert_eq!(zone.local(moment).to_string(), "2024-01-05T09:30:00Z");
/// assert_eq!(zone.day(moment).to_string(), "2024-01-05");
/// assert_eq!("+05:30".parse::<Zone>()?.name(), "+05:30");
/// assert!("New York".parse::<Zone>().is_err());
/// assert_eq!(Zone::utc().to_string(), "UTC");
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Zone {
    name: Cow<'static, str>,
    /// When each offset came into force, ascending; the first is the beginning of time.
    from: Vec<i64>,
    /// What to add to UTC, in nanoseconds.
    offset: Vec<i64>,
}

/// What a reading of the wall clock means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WallClock {
    /// One moment.
    Once(Timestamp),
    /// Two: clocks were set back.
    Twice {
        /// Before they were set back.
        earlier: Timestamp,
        /// After it.
        later: Timestamp,
    },
    /// None: clocks were set forward over it.
    Skipped {
        /// The moment at which they were.
        at: Timestamp,
        /// What the reading would have meant, had they not been.
        otherwise: Timestamp,
    },
}

/// A day of the Gregorian calendar.
///
/// ```
/// use bt_core::Day;
/// let day: Day = "2024-01-05".parse()?;
/// assert_eq!((day.days_since_1970(), day.weekday()), (19_727, 4));
/// assert_eq!(day.plus(27).to_string(), "2024-02-01");
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Day(i32);

impl Day {
    /// The day so many days after 1970-01-01.
    pub const fn from_days_since_1970(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn days_since_1970(self) -> i32 {
        self.0
    }

    /// The day so many days later, or earlier where negative.
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// 0 for Monday to 6 for Sunday.
    pub const fn weekday(self) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.0 as i64 + 3).rem_euclid(7) as u32
    }

    /// Year, month and day of the month.
    pub fn date(self) -> (i32, u32, u32) {
        self.midnight().date()
    }

    /// How many days its month has.
    ///
    /// ```
    /// use bt_core::Day;
    /// let day: Day = "2024-02-10".parse()?;
    /// assert_eq!(day.days_in_month(), 29);
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    pub fn days_in_month(self) -> u32 {
        let (year, month, _) = self.date();
        days_in_month(year, month)
    }

    /// The first day of the next month.
    ///
    /// ```
    /// use bt_core::Day;
    /// let day: Day = "2024-12-31".parse()?;
    /// assert_eq!(day.next_month().to_string(), "2025-01-01");
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    pub fn next_month(self) -> Self {
        let (.., of_month) = self.date();
        self.plus(self.days_in_month() as i32 - of_month as i32 + 1)
    }

    /// The same day of the previous month, or its last where that month is shorter.
    ///
    /// ```
    /// use bt_core::Day;
    /// let day: Day = "2024-03-31".parse()?;
    /// assert_eq!(day.previous_month().to_string(), "2024-02-29");
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    pub fn previous_month(self) -> Self {
        let (.., of_month) = self.date();
        let last = self.plus(-(of_month as i32));
        let (.., length) = last.date();
        last.plus(of_month.min(length) as i32 - length as i32)
    }

    /// Its 00:00, as a reading of the wall clock. Days beyond the range of a [`Timestamp`] end at its bounds.
    pub const fn midnight(self) -> Timestamp {
        Timestamp::from_nanos((self.0 as i64).saturating_mul(DAY))
    }

    /// The day that a reading of the wall clock lies in.
    pub const fn of(reading: Timestamp) -> Self {
        Self(reading.as_nanos().div_euclid(DAY) as i32)
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl FromStr for Day {
    type Err = crate::Error;

    /// Reads `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self> {
        let is_date = text.len() == 10;
        let reading = text.parse::<Timestamp>().ok().filter(|_| is_date);
        reading.map(Self::of).ok_or_else(|| {
            ErrorKind::Unreadable {
                what: "day",
                text: text.chars().take(100).collect(),
                allowed: "YYYY-MM-DD",
            }
            .into()
        })
    }
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: Cow::Borrowed("UTC"), from: vec![i64::MIN], offset: vec![0] }
    }

    /// The zone whose clocks are always so many minutes ahead of UTC, or behind it where negative; `None` for a day or more.
    ///
    /// ```
    /// use bt_core::Zone;
    /// assert_eq!(Zone::fixed(-5 * 60).unwrap().name(), "-05:00");
    /// assert_eq!(Zone::fixed(0).unwrap(), Zone::utc());
    /// ```
    pub fn fixed(minutes: i32) -> Option<Self> {
        match minutes {
            0 => Some(Self::utc()),
            -1439..=1439 => {
                let (sign, size) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
                let name = format!("{sign}{:02}:{:02}", size / 60, size % 60);
                Some(Self {
                    name: name.into(),
                    from: vec![i64::MIN],
                    offset: vec![i64::from(minutes) * MINUTE],
                })
            }
            _ => None,
        }
    }

    /// The IANA name, or the offset.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its clocks are always as far ahead of UTC.
    pub fn is_fixed(&self) -> bool {
        self.offset.len() == 1
    }

    /// What the wall clock shows at a moment.
    #[inline]
    pub fn local(&self, moment: Timestamp) -> Timestamp {
        let nanos = moment.as_nanos();
        Timestamp::from_nanos(nanos.saturating_add(self.offset[self.range(nanos)]))
    }

    /// The local day that a moment lies in.
    #[inline]
    pub fn day(&self, moment: Timestamp) -> Day {
        Day::of(self.local(moment))
    }

    /// Minutes that the wall clock is ahead of UTC at a moment; seconds of old local times are cut off.
    pub fn offset_minutes(&self, moment: Timestamp) -> i32 {
        (self.offset[self.range(moment.as_nanos())] / MINUTE) as i32
    }

    /// The moments at which the wall clock shows a reading.
    #[inline]
    pub fn moments(&self, reading: Timestamp) -> WallClock {
        let local = reading.as_nanos();
        let once = |offset: i64| WallClock::Once(Timestamp::from_nanos(local.saturating_sub(offset)));
        if let [offset] = self.offset[..] {
            return once(offset);
        }
        // No offset exceeds 26 hours, so the range is near the one that `local` would have as UTC.
        let near = self.range(local);
        let until = self.from.get(near + 1).copied().unwrap_or(i64::MAX);
        if local.saturating_sub(self.from[near]) > 2 * DAY && until.saturating_sub(local) > 2 * DAY {
            return once(self.offset[near]);
        }
        self.near_a_change(local, near)
    }

    #[cold]
    fn near_a_change(&self, local: i64, near: usize) -> WallClock {
        let ranges = near.saturating_sub(2)..(near + 3).min(self.from.len());
        let mut hits = ranges.clone().filter_map(|range| {
            let moment = local.saturating_sub(self.offset[range]);
            (self.range(moment) == range).then_some(Timestamp::from_nanos(moment))
        });
        match (hits.next(), hits.next()) {
            (Some(earlier), Some(later)) => WallClock::Twice { earlier, later },
            (Some(moment), None) => WallClock::Once(moment),
            _ => self.skipped(local, ranges),
        }
    }

    fn skipped(&self, local: i64, ranges: std::ops::Range<usize>) -> WallClock {
        let over = |&next: &usize| {
            let (at, before) = (self.from[next], self.offset[next - 1]);
            at.saturating_add(before) <= local && local < at.saturating_add(self.offset[next])
        };
        let next = (ranges.start + 1..ranges.end).find(over).unwrap_or(ranges.start + 1);
        let otherwise = local.saturating_sub(self.offset[next - 1]);
        WallClock::Skipped {
            at: Timestamp::from_nanos(self.from[next]),
            otherwise: Timestamp::from_nanos(otherwise),
        }
    }

    /// The moment at which a day begins. That is not always 00:00.
    pub fn start_of_day(&self, day: Day) -> Timestamp {
        self.earliest(day.midnight())
    }

    /// The moment at which the day ends that a moment lies in: the next one begins then.
    ///
    /// ```
    /// use bt_core::Zone;
    /// let zone: Zone = "America/New_York".parse()?;
    /// let end = zone.end_of_day("2024-01-05T21:00:00Z".parse()?);
    /// assert_eq!(end.to_string(), "2024-01-06T05:00:00Z");
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    pub fn end_of_day(&self, moment: Timestamp) -> Timestamp {
        self.start_of_day(self.day(moment).plus(1))
    }

    /// The moment a day later on the wall clock: where a day begins, the next one's beginning; else the latest moment that
    /// shows the same time.
    pub fn next_day(&self, moment: Timestamp) -> Timestamp {
        match self.is_midnight(moment) {
            true => self.end_of_day(moment),
            false => {
                let reading = self.local(moment).as_nanos().saturating_add(DAY);
                self.latest(Timestamp::from_nanos(reading))
            }
        }
    }

    /// Whether a day begins at this moment.
    pub fn is_midnight(&self, moment: Timestamp) -> bool {
        let local = self.local(moment);
        local.as_nanos().rem_euclid(DAY) == 0 || self.start_of_day(Day::of(local)) == moment
    }

    /// The earliest moment that a reading of the wall clock can mean; where clocks are set forward over it, the moment at which
    /// they are.
    #[inline]
    pub fn earliest(&self, reading: Timestamp) -> Timestamp {
        match self.moments(reading) {
            WallClock::Once(moment)
            | WallClock::Twice { earlier: moment, .. }
            | WallClock::Skipped { at: moment, .. } => moment,
        }
    }

    /// The latest moment that a reading of the wall clock can mean.
    pub fn latest(&self, reading: Timestamp) -> Timestamp {
        match self.moments(reading) {
            WallClock::Once(moment) | WallClock::Twice { later: moment, .. } => moment,
            WallClock::Skipped { otherwise, .. } => otherwise,
        }
    }

    /// The minutes ahead of UTC that an offset such as `+09:00`, `-0530` or `+09` says. `None` where it is none, or a day or
    /// more.
    ///
    /// ```
    /// use bt_core::Zone;
    /// assert_eq!(Zone::read_offset("-05:30"), Some(-330));
    /// assert_eq!(Zone::read_offset("5:30"), None);
    /// ```
    pub fn read_offset(text: &str) -> Option<i32> {
        let (sign, digits) = match text.as_bytes() {
            [b'+', digits @ ..] => (1, digits),
            [b'-', digits @ ..] => (-1, digits),
            _ => return None,
        };
        let two = |a: u8, b: u8| {
            let both = a.is_ascii_digit() && b.is_ascii_digit();
            both.then(|| i32::from(a - b'0') * 10 + i32::from(b - b'0'))
        };
        let (hours, minutes) = match *digits {
            [a, b] => (two(a, b)?, 0),
            [a, b, b':', c, d] | [a, b, c, d] => (two(a, b)?, two(c, d)?),
            _ => return None,
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }

    #[inline]
    fn range(&self, moment: i64) -> usize {
        match self.from.len() {
            1 => 0,
            _ => self.from.partition_point(|&from| from <= moment).saturating_sub(1),
        }
    }
}

impl FromStr for Zone {
    type Err = crate::Error;

    /// Finds an IANA name, whatever its case, or reads a fixed offset: `+09:00`, `-0530`, `+09`.
    fn from_str(name: &str) -> Result<Self> {
        if name.eq_ignore_ascii_case("UTC") || name == "Z" {
            return Ok(Self::utc());
        }
        if let Some(zone) = Self::read_offset(name).and_then(Self::fixed) {
            return Ok(zone);
        }
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| unknown(name))?;
        let first = nanos(zone.to_offset(jiff::Timestamp::MIN));
        let (mut from, mut offset) = (vec![i64::MIN], vec![first]);
        for transition in zone.following(jiff::Timestamp::MIN) {
            let Ok(at) = i64::try_from(transition.timestamp().as_nanosecond()) else {
                match transition.timestamp().as_second() < 0 {
                    // Before 1677: the last of these is what holds at the beginning of our time.
                    true => offset[0] = nanos(transition.offset()),
                    false => break,
                }
                continue;
            };
            from.push(at);
            offset.push(nanos(transition.offset()));
        }
        if offset == [0] {
            // Etc/UTC, GMT, Zulu …: one zone has one name, or equal bars would have two versions.
            return Ok(Self::utc());
        }
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name: name.into(), from, offset })
    }
}

fn nanos(offset: jiff::tz::Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND
}

fn unknown(name: &str) -> crate::Error {
    ErrorKind::Unreadable {
        what: "time zone",
        text: name.chars().take(100).collect(),
        allowed: "a name of the IANA database, such as UTC, America/New_York or Asia/Tokyo, or an offset such as +09:00",
    }
    .into()
}

/// Zones are told apart by their names.
impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;
    use jiff::tz::{AmbiguousOffset, TimeZone};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_stepped_through_as_the_calendar_has_them() {
        // Timestamps end some 106,750 days before and after 1970.
        for days in -106_700..106_700 {
            let day = Day::from_days_since_1970(days);
            let (year, month, of_month) = day.date();
            let next = if month == 12 { (year + 1, 1, 1) } else { (year, month + 1, 1) };
            assert_eq!(day.next_month().date(), next, "{day}");
            let (.., last) = day.next_month().plus(-1).date();
            assert_eq!(day.days_in_month(), last, "{day}");
            let before = day.previous_month();
            let expected = of_month.min(before.days_in_month());
            let (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
            assert_eq!(before.date(), (year, month, expected), "{day}");
        }
    }

    #[test]
    fn the_earliest_moment_of_a_reading_is_the_first_or_that_of_the_jump() {
        let zone: Zone = "America/New_York".parse().unwrap();
        for (reading, moment) in [
            ("2024-01-05T09:30:00Z", "2024-01-05T14:30:00Z"),
            ("2024-11-03T01:30:00Z", "2024-11-03T05:30:00Z"),
            ("2024-03-10T02:30:00Z", "2024-03-10T07:00:00Z"),
        ] {
            assert_eq!(zone.earliest(at(reading)), at(moment), "{reading}");
        }
    }

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_reading_that_clocks_skip_or_show_twice_is_told_from_one_that_they_show_once() {
        let zone: Zone = "America/New_York".parse().unwrap();
        let noon = zone.moments(at("2024-01-05T12:00:00"));
        assert_eq!(noon, WallClock::Once(at("2024-01-05T17:00:00")));
        let spring = zone.moments(at("2024-03-10T02:30:00"));
        let (skipped, otherwise) = (at("2024-03-10T07:00:00"), at("2024-03-10T07:30:00"));
        assert_eq!(spring, WallClock::Skipped { at: skipped, otherwise });
        let autumn = zone.moments(at("2024-11-03T01:30:00"));
        let (earlier, later) = (at("2024-11-03T05:30:00"), at("2024-11-03T06:30:00"));
        assert_eq!(autumn, WallClock::Twice { earlier, later });
    }

    #[test]
    fn a_day_whose_midnight_clocks_skip_begins_when_they_are_set() {
        let zone: Zone = "America/Sao_Paulo".parse().unwrap();
        let day = day("2018-11-04");
        assert_eq!(zone.start_of_day(day), at("2018-11-04T03:00:00"));
        assert_eq!(zone.start_of_day(day.plus(1)), at("2018-11-05T02:00:00"));
    }

    #[test]
    fn a_day_that_a_country_left_out_begins_with_the_next_one() {
        let zone: Zone = "Pacific/Apia".parse().unwrap();
        let left_out = day("2011-12-30");
        assert_eq!(zone.start_of_day(left_out), zone.start_of_day(left_out.plus(1)));
    }

    #[test]
    fn names_that_are_no_zone_are_refused_by_name() {
        for name in ["Mars/Olympus", "+24:00", "+9:00", "09:00", "+0960", "", "+"] {
            let error = name.parse::<Zone>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name:?} is not a time zone")), "{error}");
        }
    }

    #[test]
    fn names_of_one_zone_are_one_name() {
        for name in ["utc", "Z", "Etc/UTC", "GMT", "+00:00", "-0000", "+00"] {
            assert_eq!(name.parse::<Zone>().unwrap().name(), "UTC", "{name}");
        }
        for name in ["+0930", "+09:30"] {
            assert_eq!(name.parse::<Zone>().unwrap().name(), "+09:30");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2000 }))]

        #[test]
        fn an_offset_survives_the_round_trip_and_moves_every_reading(minutes in -1439..1440_i32, seconds in any::<i32>()) {
            let zone = Zone::fixed(minutes).unwrap();
            prop_assert_eq!(zone.name().parse::<Zone>().unwrap(), zone.clone());
            let moment = Timestamp::from_nanos(i64::from(seconds) * SECOND);
            prop_assert_eq!(zone.local(moment), moment.plus_seconds(i64::from(minutes) * 60));
            prop_assert_eq!(zone.moments(zone.local(moment)), WallClock::Once(moment));
            prop_assert_eq!(zone.offset_minutes(moment), minutes);
        }

        #[test]
        fn the_table_of_offsets_agrees_with_the_library_that_it_was_made_from(
            seconds in -5_000_000_000_i64..9_000_000_000,
            name in prop::sample::select(vec![
                "America/New_York", "Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata", "America/Sao_Paulo",
                "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca", "UTC", "Europe/London",
            ]),
        ) {
            let zone: Zone = name.parse().unwrap();
            let theirs = TimeZoneDatabase::bundled().get(name).unwrap();
            let at = jiff::Timestamp::from_second(seconds).unwrap();
            let moment = Timestamp::from_nanos(seconds * SECOND);
            let local = zone.local(moment);
            prop_assert_eq!(local.as_nanos(), seconds * SECOND + nanos(theirs.to_offset(at)));
            let civil = TimeZone::UTC.to_datetime(at);
            prop_assert_eq!(zone.moments(moment), expected(&theirs, civil, seconds * SECOND, &zone));
        }
    }

    fn expected(theirs: &TimeZone, civil: DateTime, local: i64, ours: &Zone) -> WallClock {
        let moment = |offset| Timestamp::from_nanos(local - nanos(offset));
        match theirs.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => WallClock::Once(moment(offset)),
            AmbiguousOffset::Fold { before, after } => {
                WallClock::Twice { earlier: moment(before), later: moment(after) }
            }
            AmbiguousOffset::Gap { before, .. } => {
                let reading = Timestamp::from_nanos(local);
                let WallClock::Skipped { at, .. } = ours.moments(reading) else {
                    return WallClock::Once(Timestamp::MIN);
                };
                WallClock::Skipped { at, otherwise: moment(before) }
            }
        }
    }
}
