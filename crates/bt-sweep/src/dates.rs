use std::fmt;
use std::str::FromStr;

use bt_core::{BarClock, Day, Timestamp};

use crate::Error;

/// When a range of bars begins or ends, as people say it: by the day or the start of a bar, and not by when it became known.
///
/// ```
/// use bt_sweep::BarTime;
/// use bt_sweep::bt_core::{BarClock, Conventions, Frequency, Timestamp};
/// let new_york = Conventions { zone: "America/New_York".into(), ..Conventions::UTC };
/// let clock = BarClock::new(Frequency::Minutes(5), &new_york)?;
/// let starts = |text: &str| Ok::<_, bt_sweep::Error>(text.parse::<BarTime>()?.start(&clock).to_string());
/// assert_eq!(starts("2024-01-05")?, "2024-01-05T05:00:00Z");
/// assert_eq!(starts("2024-01-05 09:30")?, "2024-01-05T14:30:00Z");
/// assert_eq!(starts("2024-01-05T09:30:00Z")?, "2024-01-05T09:30:00Z");
/// // The bar of 09:30 is known five minutes later: where `Sweep::from` begins with it.
/// let from = "2024-01-05 09:30".parse::<BarTime>()?.known(&clock);
/// assert_eq!(from, "2024-01-05T14:35:00Z".parse::<Timestamp>()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BarTime {
    /// The beginning of a day in the bundle's zone.
    Day(Day),
    /// A reading of the wall clock in the bundle's zone. Of two moments that show it the earlier is meant; where clocks are set
    /// forward over it, the moment at which they are.
    Local(Timestamp),
    /// A moment, in whatever zone.
    Moment(Timestamp),
}

impl BarTime {
    /// The moment that it names.
    pub fn start(self, clock: &BarClock) -> Timestamp {
        match self {
            Self::Day(day) => clock.zone().start_of_day(day),
            Self::Moment(moment) => moment,
            Self::Local(reading) => clock.zone().earliest(reading),
        }
    }

    /// The first moment at which a bar that begins at this time or later can become known: as [`Sweep::from`](crate::Sweep::from) it
    /// makes that bar the first that counts, as [`Sweep::until`](crate::Sweep::until) the first that is not seen. Of bars of a
    /// day or longer the beginning of their day counts. [`Timestamp::MAX`] where there can be none.
    ///
    /// O(1): 64 questions to the clock.
    pub fn known(self, clock: &BarClock) -> Timestamp {
        let start = self.start(clock);
        // Later bars never begin earlier.
        let (mut low, mut high) = (i128::from(i64::MIN), i128::from(i64::MAX));
        while low < high {
            let middle = (low + high).div_euclid(2);
            match clock.start(Timestamp::from_nanos(middle as i64)) >= start {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        Timestamp::from_nanos(low as i64)
    }
}

impl FromStr for BarTime {
    type Err = Error;

    /// Reads ISO 8601: a date, `2024-01-05`; a date and a time of the bundle's zone, `2024-01-05T09:30`; or with a `Z` one of UTC.
    fn from_str(text: &str) -> Result<Self, Error> {
        let read: Timestamp = text.parse()?;
        Ok(match text {
            _ if text.len() == "2024-01-05".len() => Self::Day(Day::of(read)),
            _ if text.ends_with('Z') => Self::Moment(read),
            _ => Self::Local(read),
        })
    }
}

impl fmt::Display for BarTime {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Moment(moment) => write!(f, "{moment}"),
            Self::Local(reading) => f.write_str(reading.to_string().trim_end_matches('Z')),
        }
    }
}

#[cfg(test)]
mod tests {
    use bt_core::{BarLabel, Conventions, Frequency};
    use proptest::prelude::*;

    use super::*;

    fn clock(frequency: Frequency, label: BarLabel, zone: &'static str) -> BarClock {
        BarClock::new(frequency, &Conventions { zone: zone.into(), label }).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_begins_with_the_bar_of_the_day_however_late_that_bar_is_known() {
        use BarLabel::{End, Start};
        use Frequency::{Daily, Minutes, Weekly};
        for (frequency, label, zone, from, first, before) in [
            (Daily, End, "UTC", "2004-01-02", "2004-01-03T00:00:00Z", "2004-01-02T00:00:00Z"),
            (Daily, End, "UTC", "2004-01-02", "2004-01-02T21:00:00Z", "2004-01-01T21:00:00Z"),
            (Daily, End, "Asia/Tokyo", "2022-03-07", "2022-03-07T15:00:00Z", "2022-03-06T15:00:00Z"),
            (Daily, End, "America/New_York", "2024-11-03", "2024-11-04T05:00:00Z", "2024-11-03T04:00:00Z"),
            (
                Daily,
                End,
                "America/New_York",
                "2024-11-03T00:00",
                "2024-11-04T05:00:00Z",
                "2024-11-03T04:00:00Z",
            ),
            (
                Daily,
                End,
                "America/New_York",
                "2024-11-03T04:00:00Z",
                "2024-11-04T05:00:00Z",
                "2024-11-03T04:00:00Z",
            ),
            (
                Daily,
                End,
                "America/New_York",
                "2024-11-02T23:00:00Z",
                "2024-11-04T05:00:00Z",
                "2024-11-03T04:00:00Z",
            ),
            (Daily, Start, "UTC", "2004-01-02", "2004-01-03T09:30:00Z", "2004-01-02T09:30:00Z"),
            (Weekly, End, "UTC", "2004-01-03", "2004-01-10T00:00:00Z", "2004-01-03T00:00:00Z"),
            (Weekly, End, "UTC", "2004-01-02", "2004-01-03T00:00:00Z", "2003-12-27T00:00:00Z"),
            (Minutes(60), End, "Asia/Tokyo", "2022-03-07", "2022-03-06T16:00:00Z", "2022-03-06T15:00:00Z"),
            (
                Minutes(5),
                End,
                "America/New_York",
                "2024-01-05 09:30",
                "2024-01-05T14:35:00Z",
                "2024-01-05T14:30:00Z",
            ),
        ] {
            let known = from.parse::<BarTime>().unwrap().known(&clock(frequency, label, zone));
            assert!(at(before) < known && known <= at(first), "{from} of {frequency} in {zone}: {known}");
        }
    }

    #[test]
    fn a_time_that_clocks_show_twice_or_never_has_one_start() {
        let clock = clock(Frequency::Minutes(1), BarLabel::End, "America/New_York");
        let start = |text: &str| text.parse::<BarTime>().unwrap().start(&clock);
        assert_eq!(start("2024-11-03T01:30"), at("2024-11-03T05:30:00Z"));
        assert_eq!(start("2024-03-10T02:30"), at("2024-03-10T07:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused_and_what_is_one_is_shown_as_it_was_read() {
        for text in ["2024-01-05", "2024-01-05T09:30:00", "2024-01-05T14:30:00Z"] {
            assert_eq!(text.parse::<BarTime>().unwrap().to_string(), text);
        }
        for text in ["", "2010", "2024-13-01", "2024-01-05T", "2024-01-05T09:30+01:00"] {
            let message = text.parse::<BarTime>().unwrap_err().to_string();
            assert!(message.contains("YYYY-MM-DD"), "{message}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn bars_from_that_moment_on_begin_in_the_range_and_no_earlier_one_does(
            start in any::<i64>(),
            frequency in prop::sample::select(vec![
                Frequency::Daily, Frequency::Weekly, Frequency::Monthly, Frequency::Minutes(1), Frequency::Minutes(1439),
            ]),
            label in prop::sample::select(vec![BarLabel::End, BarLabel::Start]),
            zone in prop::sample::select(vec!["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia", "-03:30"]),
        ) {
            let clock = clock(frequency, label, zone);
            let start = Timestamp::from_nanos(start);
            let known = BarTime::Moment(start).known(&clock);
            let before = Timestamp::from_nanos(known.as_nanos().saturating_sub(1));
            prop_assert!(clock.start(known) >= start || known == Timestamp::MAX);
            prop_assert!(clock.start(before) < start || known == Timestamp::MIN);
        }
    }
}
