use std::fmt;

use crate::{BarLabel, Bundle, Conventions, Day, Frequency, Result, Timestamp, Zone};

const MINUTE: i64 = 60_000_000_000;

/// From the moment at which a bar became known to the day, or the time of day, that people call it by.
///
/// ```
/// use bt_core::{BarClock, Conventions, Frequency, Timestamp};
/// let new_york = Conventions { zone: "America/New_York".into(), ..Conventions::UTC };
/// let days = BarClock::new(Frequency::Daily, &new_york)?;
/// let known: Timestamp = "2024-01-06T05:00:00Z".parse()?; // midnight in New York
/// assert_eq!(days.day(known).to_string(), "2024-01-05");
/// assert_eq!(days.start(known), "2024-01-05T05:00:00Z".parse()?);
/// assert_eq!(days.name(known).to_string(), "2024-01-05");
///
/// let minutes = BarClock::new(Frequency::Minutes(5), &new_york)?;
/// let known: Timestamp = "2024-01-05T14:35:00Z".parse()?;
/// assert_eq!(minutes.name(known).to_string(), "2024-01-05 09:30");
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BarClock {
    frequency: Frequency,
    label: BarLabel,
    zone: Zone,
}

impl BarClock {
    /// For bars of this frequency, with these conventions.
    ///
    /// # Errors
    /// [`Unreadable`](crate::ErrorKind::Unreadable) where the zone is not known here.
    pub fn new(frequency: Frequency, conventions: &Conventions) -> Result<Self> {
        Ok(Self { frequency, label: conventions.label, zone: conventions.zone.parse()? })
    }

    /// For bars of this frequency, with this label, in this zone.
    pub fn with_zone(frequency: Frequency, label: BarLabel, zone: Zone) -> Self {
        Self { frequency, label, zone }
    }

    /// For a bundle's bars.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(bundle: &dyn Bundle) -> Result<Self> {
        Self::new(bundle.frequency(), bundle.conventions())
    }

    /// The zone in which days begin and end.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// When the bar began that became known at a moment: of bars of a day or longer the beginning of their day. Never
    /// falls while moments rise; at the ends of time it stays there.
    pub fn start(&self, known: Timestamp) -> Timestamp {
        match self.frequency {
            Frequency::Minutes(minutes) => {
                Timestamp::from_nanos(known.as_nanos().saturating_sub(i64::from(minutes) * MINUTE))
            }
            _ => self.zone.start_of_day(self.day(known)),
        }
    }

    /// The local day that the bar belongs to; of a bar within the day the one in which it began.
    pub fn day(&self, known: Timestamp) -> Day {
        if self.frequency.is_intraday() {
            return self.zone.day(self.start(known));
        }
        match self.label {
            BarLabel::End => self.zone.day(Timestamp::from_nanos(known.as_nanos().saturating_sub(1))),
            BarLabel::Start => self.period_before(self.zone.day(known)),
        }
    }

    /// Whether bars that became known at these moments belong to one day, where bars are daily: an asset has one of them at most.
    #[inline]
    pub fn are_of_one_day(&self, one: Timestamp, other: Timestamp) -> bool {
        self.frequency == Frequency::Daily && is_within_a_day(one, other) && self.day(one) == self.day(other)
    }

    fn period_before(&self, day: Day) -> Day {
        match self.frequency {
            // Months begin with their first day; another day of the month may not exist in the one before.
            Frequency::Monthly => day.previous_month(),
            Frequency::Weekly => day.plus(-7),
            _ => day.plus(-1),
        }
    }

    /// What people call the bar: its day, or the wall clock at its start.
    pub fn name(&self, known: Timestamp) -> BarName {
        match self.frequency.is_intraday() {
            true => BarName { reading: self.zone.local(self.start(known)), is_day: false },
            false => BarName { reading: self.day(known).midnight(), is_day: true },
        }
    }
}

/// Whether two moments are so near that they may lie in one day, which has at least 22 hours, clocks set or not.
fn is_within_a_day(one: Timestamp, other: Timestamp) -> bool {
    one.as_nanos().abs_diff(other.as_nanos()) < (22 * 60 * MINUTE).unsigned_abs()
}

/// A bar's day, `2024-01-05`, or where bars are shorter its start on the wall clock, `2024-01-05 09:30`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BarName {
    reading: Timestamp,
    is_day: bool,
}

impl BarName {
    /// The 00:00 of its day, or its start, as a reading of the wall clock.
    pub const fn reading(self) -> Timestamp {
        self.reading
    }
}

impl fmt::Display for BarName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.reading.to_string().replace('T', " ");
        let text = text.trim_end_matches('Z');
        f.pad(match self.is_day {
            true => text.get(..10).unwrap_or(text),
            false => text.strip_suffix(":00").unwrap_or(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(frequency: Frequency, label: BarLabel, zone: &'static str, known: &str) -> String {
        let clock = BarClock::new(frequency, &Conventions { zone: zone.into(), label }).unwrap();
        clock.day(known.parse().unwrap()).to_string()
    }

    #[test]
    fn a_bar_belongs_to_the_day_that_its_label_says() {
        use Frequency::{Daily, Monthly, Weekly};
        for (frequency, label, zone, known, expected) in [
            (Daily, BarLabel::End, "UTC", "2024-01-06T00:00:00Z", "2024-01-05"),
            (Daily, BarLabel::End, "Asia/Tokyo", "2024-01-05T15:00:00Z", "2024-01-05"),
            (Daily, BarLabel::End, "America/New_York", "2024-11-04T05:00:00Z", "2024-11-03"),
            (Daily, BarLabel::End, "America/New_York", "2024-01-05T21:00:00Z", "2024-01-05"),
            (Daily, BarLabel::Start, "America/New_York", "2024-01-06T14:30:00Z", "2024-01-05"),
            (Weekly, BarLabel::End, "UTC", "2024-01-06T00:00:00Z", "2024-01-05"),
            (Weekly, BarLabel::Start, "UTC", "2024-01-08T00:00:00Z", "2024-01-01"),
            (Monthly, BarLabel::Start, "UTC", "2024-01-01T00:00:00Z", "2023-12-01"),
            (Monthly, BarLabel::Start, "Asia/Tokyo", "2024-02-29T15:00:00Z", "2024-02-01"),
            (Monthly, BarLabel::Start, "UTC", "2024-03-31T00:00:00Z", "2024-02-29"),
            (Frequency::Minutes(60), BarLabel::End, "Asia/Tokyo", "2024-01-05T15:30:00Z", "2024-01-05"),
        ] {
            assert_eq!(day(frequency, label, zone, known), expected, "{frequency} {label} {zone} {known}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2000 }))]
        #[test]
        fn later_bars_never_begin_earlier_and_no_bar_begins_after_it_is_known(
            a in any::<i64>(),
            apart in 0..400_000_000_000_000_i64,
            frequency in prop::sample::select(vec![
                Frequency::Daily, Frequency::Weekly, Frequency::Monthly, Frequency::Minutes(1), Frequency::Minutes(1439),
            ]),
            label in prop::sample::select(vec![BarLabel::End, BarLabel::Start]),
            zone in prop::sample::select(vec!["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia", "+05:30"]),
        ) {
            let clock = BarClock::new(frequency, &Conventions { zone: zone.into(), label }).unwrap();
            let (a, b) = (Timestamp::from_nanos(a), Timestamp::from_nanos(a.saturating_add(apart)));
            prop_assert!(clock.start(a) <= clock.start(b));
            // Within the day, clocks that are set back show the same hour twice.
            prop_assert!(frequency.is_intraday() || clock.name(a) <= clock.name(b));
            prop_assert!(clock.start(a) <= a);
        }
    }
}
