use std::fmt;
use std::str::FromStr;

use bt_core::{ErrorKind, Result};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const DAY: i64 = 86_400 * SECOND;

/// A time zone of the IANA database, which is compiled in: the same input gives the same bars on every machine.
///
/// ```
/// use bt_bundle::Zone;
/// let zone: Zone = "America/New_York".parse()?;
/// assert_eq!(zone.name(), "America/New_York");
/// assert!("New York".parse::<Zone>().is_err());
/// assert_eq!(Zone::utc().to_string(), "UTC");
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Zone {
    name: String,
    /// Whether nobody stated it.
    assumed: bool,
    /// When each offset came into force, ascending; the first is the beginning of time.
    from: Vec<i64>,
    /// What to add to UTC, in nanoseconds.
    offset: Vec<i64>,
}

/// What a wall clock's reading means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Local {
    /// One moment.
    Once(i64),
    /// Two: clocks were set back.
    Twice { earlier: i64, later: i64 },
    /// None: clocks were set forward over it, at this moment, from the offset before.
    Skipped { at: i64, before: i64 },
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), assumed: false, from: vec![i64::MIN], offset: vec![0] }
    }

    /// The one that is taken where none is stated.
    pub(super) fn assumed() -> Self {
        Self { assumed: true, ..Self::utc() }
    }

    pub(super) fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Nanoseconds on the wall clock, counted as if it were UTC.
    pub(super) fn local(&self, moment: i64) -> i64 {
        moment.saturating_add(self.offset[self.range(moment)])
    }

    /// The moments at which the wall clock shows `local`.
    pub(super) fn moments(&self, local: i64) -> Local {
        if let [offset] = self.offset[..] {
            return Local::Once(local.saturating_sub(offset));
        }
        // No offset exceeds 26 hours, so the range is near the one that `local` would have as UTC.
        let near = self.range(local);
        let until = self.from.get(near + 1).copied().unwrap_or(i64::MAX);
        if local.saturating_sub(self.from[near]) > 2 * DAY && until.saturating_sub(local) > 2 * DAY {
            return Local::Once(local.saturating_sub(self.offset[near]));
        }
        let ranges = near.saturating_sub(2)..(near + 3).min(self.from.len());
        let mut hits = ranges.clone().filter_map(|range| {
            let moment = local.saturating_sub(self.offset[range]);
            (self.range(moment) == range).then_some(moment)
        });
        match (hits.next(), hits.next()) {
            (Some(earlier), Some(later)) => Local::Twice { earlier, later },
            (Some(moment), None) => Local::Once(moment),
            _ => self.skipped(local, ranges),
        }
    }

    fn skipped(&self, local: i64, ranges: std::ops::Range<usize>) -> Local {
        let over = |&next: &usize| {
            let (at, before) = (self.from[next], self.offset[next - 1]);
            at.saturating_add(before) <= local && local < at.saturating_add(self.offset[next])
        };
        let next = (ranges.start + 1..ranges.end).find(over).unwrap_or(ranges.start + 1);
        Local::Skipped { at: self.from[next], before: self.offset[next - 1] }
    }

    /// The moment at which a day, counted from 1970-01-01, begins. That is not always 00:00.
    pub(super) fn start_of_day(&self, day: i64) -> i64 {
        match self.moments(day.saturating_mul(DAY)) {
            Local::Once(moment)
            | Local::Twice { earlier: moment, .. }
            | Local::Skipped { at: moment, .. } => moment,
        }
    }

    /// Whether a day begins at this moment.
    pub(super) fn is_midnight(&self, moment: i64) -> bool {
        let local = self.local(moment);
        local.rem_euclid(DAY) == 0 || self.start_of_day(local.div_euclid(DAY)) == moment
    }

    /// The latest moment that a reading of the wall clock can mean.
    pub(super) fn latest(&self, local: i64) -> i64 {
        match self.moments(local) {
            Local::Once(moment) | Local::Twice { later: moment, .. } => moment,
            Local::Skipped { before, .. } => local.saturating_sub(before),
        }
    }

    fn range(&self, moment: i64) -> usize {
        self.from.partition_point(|&from| from <= moment).saturating_sub(1)
    }
}

impl FromStr for Zone {
    type Err = bt_core::Error;

    /// Finds an IANA name, whatever its case.
    fn from_str(name: &str) -> Result<Self> {
        if name.eq_ignore_ascii_case("UTC") {
            return Ok(Self::utc());
        }
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| unknown(name))?;
        let (mut from, mut offset) = (vec![i64::MIN], vec![nanos(zone.to_offset(Timestamp::MIN))]);
        for transition in zone.following(Timestamp::MIN) {
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
        Ok(Self { name: zone.iana_name().unwrap_or(name).to_owned(), assumed: false, from, offset })
    }
}

fn nanos(offset: jiff::tz::Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND
}

fn unknown(name: &str) -> bt_core::Error {
    ErrorKind::Unreadable {
        what: "time zone",
        text: name.chars().take(100).collect(),
        allowed: "a name of the IANA database, such as UTC, America/New_York or Asia/Tokyo",
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

    fn nanos_of(text: &str) -> i64 {
        text.parse::<bt_core::Timestamp>().unwrap().as_nanos()
    }

    #[test]
    fn a_reading_that_clocks_skip_or_show_twice_is_told_from_one_that_they_show_once() {
        let zone: Zone = "America/New_York".parse().unwrap();
        let noon = zone.moments(nanos_of("2024-01-05T12:00:00"));
        assert_eq!(noon, Local::Once(nanos_of("2024-01-05T17:00:00")));
        let spring = zone.moments(nanos_of("2024-03-10T02:30:00"));
        assert_eq!(spring, Local::Skipped { at: nanos_of("2024-03-10T07:00:00"), before: -5 * 60 * MINUTE });
        let autumn = zone.moments(nanos_of("2024-11-03T01:30:00"));
        let (earlier, later) = (nanos_of("2024-11-03T05:30:00"), nanos_of("2024-11-03T06:30:00"));
        assert_eq!(autumn, Local::Twice { earlier, later });
    }

    #[test]
    fn a_day_whose_midnight_clocks_skip_begins_when_they_are_set() {
        let zone: Zone = "America/Sao_Paulo".parse().unwrap();
        let day = nanos_of("2018-11-04") / DAY;
        assert_eq!(zone.start_of_day(day), nanos_of("2018-11-04T03:00:00"));
        assert_eq!(zone.start_of_day(day + 1), nanos_of("2018-11-05T02:00:00"));
    }

    #[test]
    fn a_day_that_a_country_left_out_begins_with_the_next_one() {
        let zone: Zone = "Pacific/Apia".parse().unwrap();
        let left_out = nanos_of("2011-12-30") / DAY;
        assert_eq!(zone.start_of_day(left_out), zone.start_of_day(left_out + 1));
    }

    #[test]
    fn names_that_are_no_zone_are_refused_by_name() {
        let error = "Mars/Olympus".parse::<Zone>().unwrap_err().to_string();
        assert!(error.starts_with("\"Mars/Olympus\" is not a time zone"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
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
            let at = Timestamp::from_second(seconds).unwrap();
            let local = zone.local(seconds * SECOND);
            prop_assert_eq!(local, seconds * SECOND + nanos(theirs.to_offset(at)));
            let civil = TimeZone::UTC.to_datetime(at);
            prop_assert_eq!(zone.moments(seconds * SECOND), expected(&theirs, civil, seconds * SECOND, &zone));
        }
    }

    fn expected(theirs: &TimeZone, civil: DateTime, local: i64, ours: &Zone) -> Local {
        match theirs.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => Local::Once(local - nanos(offset)),
            AmbiguousOffset::Fold { before, after } => {
                Local::Twice { earlier: local - nanos(before), later: local - nanos(after) }
            }
            AmbiguousOffset::Gap { before, .. } => {
                let Local::Skipped { at, .. } = ours.moments(local) else { return Local::Once(i64::MIN) };
                Local::Skipped { at, before: nanos(before) }
            }
        }
    }
}
