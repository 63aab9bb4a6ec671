use bt_core::Timestamp;

use crate::folds::Span;

/// A border between two parts: a position in the calendar, and the midnight from which months and days are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'c> {
    calendar: &'c [Timestamp],
    /// The first moment after the border; beyond the calendar's end where it does not reach so far.
    pub(crate) position: usize,
    day: Timestamp,
    months: i64,
    days: i64,
}

impl<'c> Place<'c> {
    /// Before the moment at `position`. Time is counted from the first midnight, UTC, that has no moment before `position`
    /// behind it: of that moment's own day where it is the day's first.
    pub(crate) fn at(calendar: &'c [Timestamp], position: usize) -> Self {
        let place = |day| Self { calendar, position, day, months: 0, days: 0 };
        let Some(&moment) = calendar.get(position) else { return place(Timestamp::MAX) };
        let today = midnight(moment);
        let is_first = calendar.get(position.wrapping_sub(1)).is_none_or(|&before| before < today);
        place(if is_first { today } else { today.plus_seconds(SECONDS_PER_DAY) })
    }

    /// Before the first moment of a whole day.
    pub(crate) fn at_whole_day(calendar: &'c [Timestamp], position: usize) -> Self {
        Self::at(calendar, position).moved(0, 0)
    }

    /// So many lengths later.
    pub(crate) fn after(self, span: Span, times: usize) -> Self {
        let count = i64::from(span.number()).saturating_mul(i64::try_from(times).unwrap_or(i64::MAX));
        match span {
            _ if times == 0 => self,
            Span::Months(_) => self.moved(count, 0),
            Span::Days(_) => self.moved(0, count),
            Span::Bars(_) => Self::at(self.calendar, self.position.saturating_add(count as usize)),
        }
    }

    /// One length earlier; not before the calendar's first moment.
    pub(crate) fn before(self, span: Span) -> Self {
        let count = i64::from(span.number());
        match span {
            Span::Months(_) => self.moved(-count, 0),
            Span::Days(_) => self.moved(0, -count),
            Span::Bars(_) => Self::at(self.calendar, self.position.saturating_sub(count as usize)),
        }
    }

    /// The instant of the border: bars that became known at it or later are behind it.
    pub(crate) fn instant(self) -> Timestamp {
        let seconds = self.days.saturating_mul(SECONDS_PER_DAY);
        add_months(self.day, self.months).plus_seconds(seconds)
    }

    fn moved(self, months: i64, days: i64) -> Self {
        let months = self.months.saturating_add(months);
        let moved = Self { months, days: self.days.saturating_add(days), ..self };
        let instant = moved.instant();
        Self { position: self.calendar.partition_point(|&moment| moment < instant), ..moved }
    }
}

const SECONDS_PER_DAY: i64 = 86_400;

/// The midnight, UTC, with which the day of a moment begins.
pub(crate) fn midnight(moment: Timestamp) -> Timestamp {
    let (year, month, day) = moment.date();
    // The first day of all has no midnight in range.
    Timestamp::from_date(year, month, day).unwrap_or(Timestamp::MIN)
}

/// The midnight after a moment.
pub(crate) fn next_midnight(moment: Timestamp) -> Timestamp {
    midnight(moment.plus_seconds(SECONDS_PER_DAY))
}

/// The same day of the month, so many months later, or the month's last where it has no such day.
fn add_months(day: Timestamp, months: i64) -> Timestamp {
    if months == 0 {
        return day;
    }
    let (year, month, of_month) = day.date();
    let from_zero = (i64::from(year) * 12 + i64::from(month) - 1).saturating_add(months);
    let (year, month) = (from_zero.div_euclid(12), from_zero.rem_euclid(12) as u32 + 1);
    let beyond = if months > 0 { Timestamp::MAX } else { Timestamp::MIN };
    let Ok(year) = i32::try_from(year) else { return beyond };
    let last = of_month.min(28);
    (last..=of_month).rev().find_map(|day| Timestamp::from_date(year, month, day).ok()).unwrap_or(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Timestamp {
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
        assert_eq!(add_months(day("2024-01-31"), i64::MAX), Timestamp::MAX);
        assert_eq!(add_months(day("2024-01-31"), i64::MIN), Timestamp::MIN);
        assert_eq!(add_months(day("2024-01-31"), 12 * 300), Timestamp::MAX);
    }

    #[test]
    fn time_is_counted_from_a_midnight_that_cuts_no_day() {
        let calendar: Vec<Timestamp> =
            ["2024-01-05T10:00:00Z", "2024-01-05T11:00:00Z", "2024-01-06", "2024-01-06T10:00:00Z"]
                .map(day)
                .into();
        let instants = [0, 1, 2, 3].map(|position| Place::at(&calendar, position).instant());
        assert_eq!(instants, ["2024-01-05", "2024-01-06", "2024-01-06", "2024-01-07"].map(day));
        assert_eq!(Place::at(&calendar, 0).after(Span::Days(1), 1).position, 2);
        assert_eq!(Place::at_whole_day(&calendar, 1).position, 2);
        assert_eq!(Place::at(&calendar, 4).instant(), Timestamp::MAX);
    }
}
