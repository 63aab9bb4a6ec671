use bt_core::{BarClock, Day, Timestamp};

use crate::folds::Span;

/// The bars of a calendar, with their days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BarDays<'c> {
    pub(crate) moments: &'c [Timestamp],
    pub(crate) clock: &'c BarClock,
}

impl BarDays<'_> {
    /// None behind the last bar.
    fn day(self, position: usize) -> Option<Day> {
        self.moments.get(position).map(|&known| self.clock.day(known))
    }

    /// The first bar of a day or of a later one.
    fn position(self, day: Day) -> usize {
        self.moments.partition_point(|&known| self.clock.day(known) < day)
    }
}

/// A border between two parts: a position in the calendar, and the day from whose beginning months and days are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'c> {
    bars: BarDays<'c>,
    /// The first moment after the border; beyond the calendar's end where it does not reach so far.
    pub(crate) position: usize,
    day: Day,
    months: i64,
    days: i64,
}

impl<'c> Place<'c> {
    /// Before the bar at `position`. Time is counted from the first day that has no bar before `position`: from that bar's own day
    /// where it is the day's first.
    pub(crate) fn at(bars: BarDays<'c>, position: usize) -> Self {
        let place = |day| Self { bars, position, day, months: 0, days: 0 };
        let Some(today) = bars.day(position) else { return place(LAST) };
        let before = position.checked_sub(1).and_then(|before| bars.day(before));
        place(if before == Some(today) { today.plus(1) } else { today })
    }

    /// Before the first bar of a whole day.
    pub(crate) fn at_whole_day(bars: BarDays<'c>, position: usize) -> Self {
        Self::at(bars, position).moved(0, 0)
    }

    /// So many lengths later.
    pub(crate) fn after(self, span: Span, times: usize) -> Self {
        let count = i64::from(span.number()).saturating_mul(i64::try_from(times).unwrap_or(i64::MAX));
        match span {
            _ if times == 0 => self,
            Span::Months(_) => self.moved(count, 0),
            Span::Days(_) => self.moved(0, count),
            Span::Bars(_) => Self::at(self.bars, self.position.saturating_add(count as usize)),
        }
    }

    /// One length earlier; not before the calendar's first moment.
    pub(crate) fn before(self, span: Span) -> Self {
        let count = i64::from(span.number());
        match span {
            Span::Months(_) => self.moved(-count, 0),
            Span::Days(_) => self.moved(0, -count),
            Span::Bars(_) => Self::at(self.bars, self.position.saturating_sub(count as usize)),
        }
    }

    /// The day of the border: its bars and those of later days are behind it.
    pub(crate) fn day(self) -> Day {
        plus_days(add_months(self.day, self.months), self.days)
    }

    fn moved(self, months: i64, days: i64) -> Self {
        let months = self.months.saturating_add(months);
        let moved = Self { months, days: self.days.saturating_add(days), ..self };
        Self { position: self.bars.position(moved.day()), ..moved }
    }
}

/// Beyond every bar, on either side.
const FIRST: Day = Day::from_days_since_1970(i32::MIN);
const LAST: Day = Day::from_days_since_1970(i32::MAX);

fn plus_days(day: Day, days: i64) -> Day {
    let days = i64::from(day.days_since_1970()).saturating_add(days);
    let beyond = if days > 0 { i32::MAX } else { i32::MIN };
    Day::from_days_since_1970(i32::try_from(days).unwrap_or(beyond))
}

/// The same day of the month, so many months later, or the month's last where it has no such day.
fn add_months(day: Day, months: i64) -> Day {
    if months == 0 || day == LAST || day == FIRST {
        return day;
    }
    let (year, month, of_month) = day.date();
    let from_zero = (i64::from(year) * 12 + i64::from(month) - 1).saturating_add(months);
    let (year, month) = (from_zero.div_euclid(12), from_zero.rem_euclid(12) as u32 + 1);
    let beyond = if months > 0 { LAST } else { FIRST };
    let Ok(year) = i32::try_from(year) else { return beyond };
    let last = of_month.min(28);
    let midnight = (last..=of_month).rev().find_map(|day| Timestamp::from_date(year, month, day).ok());
    midnight.map_or(beyond, Day::of)
}

#[cfg(test)]
mod tests {
    use bt_core::{Conventions, Frequency};

    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        for (from, months, to) in [
            ("2024-01-31", 1, "2024-02-29"),
            ("2023-01-31", 1, "2023-02-28"),
            ("2024-01-31", 2, "2024-03-31"),
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-02-29", 48, "2028-02-29"),
            ("2024-12-15", 1, "2025-01-15"),
            ("2024-01-15", -1, "2023-12-15"),
            ("2024-03-31", -1, "2024-02-29"),
            ("1970-01-01", -12 * 200, "1770-01-01"),
        ] {
            assert_eq!(add_months(day(from), months), day(to), "{from} and {months} months");
        }
        assert_eq!(add_months(day("2024-01-31"), i64::MAX), LAST);
        assert_eq!(add_months(day("2024-01-31"), i64::MIN), FIRST);
        assert_eq!(add_months(day("2024-01-31"), 12 * 300), LAST);
        assert_eq!(plus_days(day("2024-01-31"), i64::MAX), LAST);
        assert_eq!(plus_days(day("2024-01-31"), i64::MIN), FIRST);
    }

    #[test]
    fn time_is_counted_from_the_beginning_of_a_day_that_is_not_cut() {
        let tokyo = Conventions { zone: "Asia/Tokyo".into(), ..Conventions::UTC };
        let clock = BarClock::new(Frequency::Minutes(60), &tokyo).unwrap();
        // Hours that begin at 10:00, 11:00, 00:00 and 10:00 in Tokyo.
        let calendar: Vec<Timestamp> =
            ["2024-01-05T02:00:00Z", "2024-01-05T03:00:00Z", "2024-01-05T16:00:00Z", "2024-01-06T02:00:00Z"]
                .map(|text| text.parse().unwrap())
                .into();
        let bars = BarDays { moments: &calendar, clock: &clock };
        let days = [0, 1, 2, 3].map(|position| Place::at(bars, position).day());
        assert_eq!(days, ["2024-01-05", "2024-01-06", "2024-01-06", "2024-01-07"].map(day));
        assert_eq!(Place::at(bars, 0).after(Span::Days(1), 1).position, 2);
        assert_eq!(Place::at_whole_day(bars, 1).position, 2);
        assert_eq!(Place::at(bars, 4).day(), LAST);
    }
}
