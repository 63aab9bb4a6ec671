use std::fmt;
use std::ops::Range;

use bt_core::{BarClock, Bundle, Day, Frequency, Timestamp};

use crate::metrics::periods_per_year;

/// How many bars make a year, and why: what annual figures are computed with where [`Accounting::periods_per_year`] is none.
///
/// Of bars of a day or less it is `D × B`, as the calendar of the whole bundle says, never that of a fold or part:
///
/// - B is the median number of moments of a day that has any. Days are those of [`BarClock::day`], moments those of all assets.
/// - D is 365 where the median week has bars on 6.5 days or more. It is 260 where that is 4.5 days or more and the median day is
///   covered around the clock: bars within the day, with at least 23 hours from the start of the day's first to the end of its
///   last. Everything else trades on 252 days.
/// - Weeks have seven days and are counted from the first bar's day on. Weeks without a bar do not count, and the last week not
///   where the week before has bars on later days of the week.
///
/// With fewer than [`MIN_WEEKS`](Self::MIN_WEEKS) such weeks it is [`periods_per_year`] of the frequency, which takes the bars for
/// those of shares. A year has 52 weekly and 12 monthly bars.
///
/// ```
/// use bt_sweep::Year;
/// let data = bt_testkit::Market::common(1, 2, 250).generate();
/// let year = Year::of(&data.bundle())?;
/// assert_eq!(year.periods, 252.0);
/// assert_eq!(year.to_string(), "252 bars: 252 days of 1 bar, since the median week has bars on 5 days");
/// # Ok::<(), bt_sweep::bt_core::Error>(())
/// ```
///
/// [`Accounting::periods_per_year`]: crate::Accounting::periods_per_year
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Year {
    /// Bars in a year.
    pub periods: f64,
    /// Why so many.
    pub reason: YearReason,
}

/// Why a [`Year`] has so many bars.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum YearReason {
    /// Somebody said so.
    Given,
    /// The frequency says so: of weeks and months, and where there are too few bars to tell.
    Frequency(Frequency),
    /// The bundle's calendar says so.
    Calendar {
        /// Trading days of a year: 365, 260 or 252.
        days: f64,
        /// Moments of the median day.
        bars: f64,
        /// Days with bars of the median week.
        days_of_week: f64,
        /// Whether the median day is covered around the clock.
        around_the_clock: bool,
    },
}

impl Year {
    /// The fewest weeks from which days and bars are told.
    pub const MIN_WEEKS: usize = 8;

    /// The year of a bundle. O(days × log(moments of a day)).
    ///
    /// # Errors
    /// [`Unreadable`](bt_core::ErrorKind::Unreadable) where the bundle's zone is not known here.
    pub fn of(bundle: &dyn Bundle) -> bt_core::Result<Self> {
        let frequency = bundle.frequency();
        let counted = match frequency {
            Frequency::Weekly | Frequency::Monthly => None,
            _ => Self::counted(bundle.calendar().as_slice(), frequency, &BarClock::of(bundle)?),
        };
        Ok(counted.unwrap_or_else(|| Self::of_frequency(frequency)))
    }

    /// The year of [`periods_per_year`].
    pub fn of_frequency(frequency: Frequency) -> Self {
        Self { periods: periods_per_year(frequency), reason: YearReason::Frequency(frequency) }
    }

    /// A year of so many bars.
    pub fn given(periods: f64) -> Self {
        Self { periods, reason: YearReason::Given }
    }

    /// None where there are too few weeks.
    fn counted(calendar: &[Timestamp], frequency: Frequency, clock: &BarClock) -> Option<Self> {
        const AROUND_THE_CLOCK_NS: f64 = 23.0 * 3600.0 * 1e9;
        let mut days = days(calendar, clock);
        let weeks = days_of_weeks(&mut days);
        if weeks.len() < Self::MIN_WEEKS {
            return None;
        }
        let days_of_week = median(weeks);
        let bars = median(days.iter().map(|(_, moments)| moments.len() as f64).collect());
        let covered = |(_, moments): &(Day, Range<usize>)| {
            let (start, end) = (clock.start(calendar[moments.start]), calendar[moments.end - 1]);
            end.as_nanos() as f64 - start.as_nanos() as f64
        };
        let around_the_clock =
            frequency.is_intraday() && median(days.iter().map(covered).collect()) >= AROUND_THE_CLOCK_NS;
        let days = match days_of_week {
            6.5.. => 365.0,
            4.5.. if around_the_clock => 260.0,
            _ => 252.0,
        };
        let reason = YearReason::Calendar { days, bars, days_of_week, around_the_clock };
        Some(Self { periods: days * bars, reason })
    }
}

/// The days that have moments, and which.
fn days(calendar: &[Timestamp], clock: &BarClock) -> Vec<(Day, Range<usize>)> {
    let (mut days, mut first) = (Vec::new(), 0);
    while let Some(&moment) = calendar.get(first) {
        let day = clock.day(moment);
        let is_same = |at: usize| calendar.get(at).is_some_and(|&moment| clock.day(moment) == day);
        // In steps that double: most days are short against the calendar.
        let mut step = 1;
        while is_same(first + step) {
            step *= 2;
        }
        let (known, end) = (first + step / 2, calendar.len().min(first + step));
        let next = known + calendar[known..end].partition_point(|&moment| clock.day(moment) == day);
        days.push((day, first..next));
        first = next;
    }
    days
}

/// On how many days each week has bars. Days of a last week that is not whole are taken away.
fn days_of_weeks(days: &mut Vec<(Day, Range<usize>)>) -> Vec<f64> {
    let Some(&(first, _)) = days.first() else { return Vec::new() };
    let since = |day: Day| i64::from(day.days_since_1970()) - i64::from(first.days_since_1970());
    let week_of = |(day, _): &(Day, Range<usize>)| since(*day) / 7;
    let mut weeks: Vec<(i64, f64)> = Vec::new();
    for day in days.iter() {
        match weeks.last_mut().filter(|(week, _)| *week == week_of(day)) {
            Some((_, count)) => *count += 1.0,
            None => weeks.push((week_of(day), 1.0)),
        }
    }
    let last_week = weeks.last().map_or(0, |(week, _)| *week);
    let last_day = days.last().map_or(0, |(day, _)| since(*day));
    let goes_on = |day: &(Day, Range<usize>)| week_of(day) == last_week - 1 && since(day.0) + 7 > last_day;
    if days.iter().rev().any(goes_on) || (last_week == 0 && last_day < 6) {
        days.retain(|day| week_of(day) < last_week);
        weeks.pop();
    }
    weeks.into_iter().map(|(_, count)| count).collect()
}

/// The mean of the two in the middle where there is an even number; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        len if len % 2 == 1 => values[len / 2],
        len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bars: {}", self.periods, self.reason)
    }
}

impl fmt::Display for YearReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("as given"),
            Self::Frequency(Frequency::Weekly) => f.write_str("weeks of a year"),
            Self::Frequency(Frequency::Monthly) => f.write_str("months of a year"),
            Self::Frequency(frequency) => write!(
                f,
                "those of shares at {frequency}, since fewer than {} weeks of bars do not tell",
                Year::MIN_WEEKS
            ),
            Self::Calendar { days, bars, days_of_week, around_the_clock } => {
                let plural = if *bars == 1.0 { "" } else { "s" };
                write!(
                    f,
                    "{days} days of {bars} bar{plural}, since the median week has bars on {days_of_week} days"
                )?;
                f.write_str(if *around_the_clock { ", around the clock" } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests {
    use bt_core::{Conventions, Zone};
    use bt_testkit::{AssetData, MarketData};
    use proptest::prelude::*;

    use super::oracle::naive_year;
    use super::*;

    const HOUR: i64 = 60;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    /// Bars of so many minutes that end after `open` and up to `close`, in minutes from the beginning of each day.
    fn sessions(zone: &Zone, days: &[Day], step: u16, hours: impl Fn(Day) -> (i64, i64)) -> Vec<Timestamp> {
        let bars = days.iter().flat_map(|&day| {
            let (open, close) = hours(day);
            let ends =
                (1..).map(move |bar| open + bar * i64::from(step)).take_while(move |&end| end <= close);
            ends.map(move |end| zone.latest(day.midnight().plus_seconds(end * 60)))
        });
        let mut moments: Vec<_> = bars.collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// From a Monday on, those of so many weeks that are let through.
    fn weeks(count: i32, holds: impl Fn(Day) -> bool) -> Vec<Day> {
        (0..7 * count).map(|at| day("2024-01-01").plus(at)).filter(|&day| holds(day)).collect()
    }

    fn weekdays(count: i32) -> Vec<Day> {
        weeks(count, |day| day.weekday() < 5)
    }

    fn year_of(frequency: Frequency, zone: &'static str, calendars: &[Vec<Timestamp>]) -> Year {
        let asset = |(at, calendar): (usize, &Vec<Timestamp>)| AssetData {
            name: format!("A{at}"),
            timestamps: calendar.clone(),
            columns: [0; 5].map(|_| vec![1.0; calendar.len()]),
        };
        let data = MarketData { frequency, assets: calendars.iter().enumerate().map(asset).collect() };
        let conventions = Conventions { zone: zone.into(), ..Conventions::UTC };
        Year::of(&data.bundle().with_conventions(conventions)).unwrap()
    }

    #[test]
    fn shares_have_252_days_of_their_session_whatever_half_days_and_holidays_do() {
        let (minutes, zone) = (Frequency::Minutes(5), "America/New_York");
        let new_york: Zone = zone.parse().unwrap();
        let full = |_| (9 * HOUR + 30, 16 * HOUR);
        let session = sessions(&new_york, &weekdays(20), 5, full);
        assert_eq!(year_of(minutes, zone, std::slice::from_ref(&session)).periods, 252.0 * 78.0);
        // Every second Friday ends at 13:00, and every fourth Monday is a holiday.
        let days =
            weeks(20, |day| day.weekday() < 5 && (day.weekday() > 0 || day.days_since_1970() / 7 % 4 > 0));
        let halves = sessions(&new_york, &days, 5, |day| {
            let is_half = day.weekday() == 4 && day.days_since_1970() / 7 % 2 == 0;
            (9 * HOUR + 30, if is_half { 13 * HOUR } else { 16 * HOUR })
        });
        assert!(halves.len() < session.len());
        assert_eq!(year_of(minutes, zone, &[halves]).periods, 252.0 * 78.0);
        let extended = sessions(&new_york, &weekdays(20), 5, |_| (4 * HOUR, 20 * HOUR));
        assert_eq!(year_of(minutes, zone, &[extended]).periods, 252.0 * 192.0);
    }

    #[test]
    fn what_trades_on_all_days_has_365_of_them() {
        let days = weeks(12, |_| true);
        for zone in ["UTC", "America/New_York", "Asia/Kolkata"] {
            let hours = sessions(&Zone::utc(), &days, 60, |_| (0, 24 * HOUR));
            assert_eq!(year_of(Frequency::Minutes(60), zone, &[hours]).periods, 365.0 * 24.0, "{zone}");
        }
        let midnights = sessions(&Zone::utc(), &days, 1440, |_| (0, 24 * HOUR));
        let year = year_of(Frequency::Daily, "UTC", &[midnights]);
        assert_eq!(year.periods, 365.0);
        assert_eq!(year.to_string(), "365 bars: 365 days of 1 bar, since the median week has bars on 7 days");
    }

    #[test]
    fn what_trades_around_the_clock_on_weekdays_has_260_days() {
        let (hours, new_york) = (Frequency::Minutes(60), "America/New_York".parse::<Zone>().unwrap());
        let whole = sessions(&Zone::utc(), &weekdays(12), 60, |_| (0, 24 * HOUR));
        let year = year_of(hours, "UTC", &[whole]);
        assert_eq!(year.periods, 260.0 * 24.0);
        assert_eq!(
            year.to_string(),
            "6240 bars: 260 days of 24 bars, since the median week has bars on 5 days, around the clock"
        );
        // Currencies, from Sunday 17:00 to Friday 17:00; futures, which stop for the hour from 17:00 on as well.
        let days = weeks(12, |day| day.weekday() != 5);
        let open = |day: Day| match day.weekday() {
            4 => (0, 17 * HOUR),
            6 => (17 * HOUR, 24 * HOUR),
            _ => (0, 24 * HOUR),
        };
        let currencies = sessions(&new_york, &days, 60, open);
        let break_begins =
            |known: &Timestamp| new_york.local(*known).as_nanos().rem_euclid(86_400_000_000_000);
        let is_traded = |known: &Timestamp| break_begins(known) != 18 * 3_600_000_000_000;
        let futures: Vec<_> = currencies.iter().copied().filter(is_traded).collect();
        for zone in ["UTC", "America/New_York"] {
            assert_eq!(
                year_of(hours, zone, std::slice::from_ref(&currencies)).periods,
                260.0 * 24.0,
                "{zone}"
            );
        }
        assert_eq!(year_of(hours, "America/New_York", &[futures]).periods, 260.0 * 23.0);
    }

    #[test]
    fn bars_are_the_moments_of_all_assets_together() {
        let days = weeks(12, |_| true);
        let hours = sessions(&Zone::utc(), &days, 60, |_| (0, 24 * HOUR));
        let every_third = |first: usize| hours.iter().skip(first).step_by(3).copied().collect::<Vec<_>>();
        let sparse = [0, 1, 2].map(every_third);
        assert_eq!(year_of(Frequency::Minutes(60), "UTC", &sparse).periods, 365.0 * 24.0);
        // Two markets that close at two times of the day: a trial has a return at each.
        let closes =
            [15, 21].map(|hour| sessions(&Zone::utc(), &weekdays(12), 1, |_| (hour * HOUR - 1, hour * HOUR)));
        assert_eq!(year_of(Frequency::Daily, "UTC", &closes).periods, 252.0 * 2.0);
    }

    #[test]
    fn too_few_weeks_and_bars_of_weeks_and_months_have_the_year_of_their_frequency() {
        let hours =
            |weeks_of: i32| sessions(&Zone::utc(), &weeks(weeks_of, |_| true), 60, |_| (0, 24 * HOUR));
        assert_eq!(year_of(Frequency::Minutes(60), "UTC", &[hours(8)]).periods, 365.0 * 24.0);
        for calendar in [hours(7), hours(8)[..8 * 168 - 24].to_vec(), Vec::new()] {
            let year = year_of(Frequency::Minutes(60), "UTC", &[calendar]);
            assert_eq!(year.periods, 1638.0);
            assert_eq!(year.reason, YearReason::Frequency(Frequency::Minutes(60)));
        }
        let shares = sessions(&Zone::utc(), &weekdays(8), 1440, |_| (0, 24 * HOUR));
        assert!(matches!(
            year_of(Frequency::Daily, "UTC", std::slice::from_ref(&shares)).reason,
            YearReason::Calendar { days_of_week: 5.0, .. }
        ));
        assert_eq!(year_of(Frequency::Weekly, "UTC", std::slice::from_ref(&shares)).periods, 52.0);
        assert_eq!(year_of(Frequency::Monthly, "UTC", &[shares]).periods, 12.0);
        // Two years without a bar in the middle are no weeks of no days.
        let both: Vec<_> =
            (0..10).chain(110..120).flat_map(|week| (0..5).map(move |at| 7 * week + at)).collect();
        let days: Vec<_> = both.into_iter().map(|at| day("2020-01-06").plus(at)).collect();
        let holed = sessions(&Zone::utc(), &days, 1440, |_| (0, 24 * HOUR));
        assert_eq!(year_of(Frequency::Daily, "UTC", &[holed]).periods, 252.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn a_year_is_what_days_and_weeks_counted_one_by_one_say(
            steps in prop::collection::vec(prop_oneof![
                6 => Just(240_i64), 2 => 1..300_i64, 1 => Just(1440_i64), 1 => 1..9000_i64,
            ], 0..700),
            minutes in prop::sample::select(vec![None, Some(1_u16), Some(240)]),
            zone in prop::sample::select(vec!["UTC", "Asia/Tokyo", "America/New_York"]),
        ) {
            let frequency = minutes.map_or(Frequency::Daily, Frequency::Minutes);
            let mut now = day("2023-12-20").midnight();
            let calendar: Vec<_> = steps
                .iter()
                .map(|step| {
                    now = now.plus_seconds(60 * step);
                    now
                })
                .collect();
            let conventions = Conventions { zone: zone.into(), ..Conventions::UTC };
            let clock = BarClock::new(frequency, &conventions).unwrap();
            let expected = naive_year(&calendar, &clock, minutes);
            prop_assert_eq!(year_of(frequency, zone, &[calendar]).periods, expected);
        }
    }
}
