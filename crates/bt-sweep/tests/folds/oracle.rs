//! Bars and walks of any shape, and their folds by counting days and bars one at a time.

use std::ops::Range;

use bt_sweep::bt_core::{BarClock, BarLabel, Conventions, Day, Frequency, Timestamp};
use bt_sweep::folds::{Fold, Kind, Span, WalkForward};
use proptest::prelude::*;

const DAY: i64 = 86_400_000_000_000;

/// Bars whose days are known since the bars were made from them.
#[derive(Clone, Debug)]
pub(crate) struct DatedBars {
    pub(crate) calendar: Vec<Timestamp>,
    /// Days since 1970, one for each moment.
    pub(crate) days: Vec<i64>,
    pub(crate) clock: BarClock,
}

/// When bars of a day become known.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// At the midnight that ends the day.
    Midnight,
    /// So many minutes after it began.
    Close(i64),
    /// So many minutes after the next day began: a bar that is named by its start.
    NextDay(i64),
    /// So many times on the day, each some minutes after its start.
    Within { times: i64, minutes: u16 },
}

pub(crate) const ZONES: [&str; 6] =
    ["UTC", "Asia/Tokyo", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "+05:30"];

/// Up to some 300 bars with weekends and holes, known at any time of their day, in any zone.
pub(crate) fn any_bars() -> impl Strategy<Value = DatedBars> {
    let known = prop_oneof![
        Just(Known::Midnight),
        (1..22 * 60_i64).prop_map(Known::Close),
        (0..22 * 60_i64).prop_map(Known::NextDay),
        (1..9_i64, 1..200_u16).prop_map(|(times, minutes)| Known::Within { times, minutes }),
    ];
    let steps = prop::collection::vec(prop_oneof![6 => Just(1), 2 => Just(3), 1 => 1..40_i64], 0..300);
    (-20_000..20_000_i64, steps, known, prop::sample::select(&ZONES[..])).prop_map(
        |(first, steps, known, zone)| {
            let days = steps.iter().scan(first, |day, step| Some(std::mem::replace(day, *day + step)));
            dated(days, known, zone)
        },
    )
}

/// Bars of these days that become known at the midnight of a zone, and the same at the close.
pub(crate) fn at_midnight_and_at_close(days: &[i64], zone: &'static str, close: i64) -> [DatedBars; 2] {
    [Known::Midnight, Known::Close(close)].map(|known| dated(days.iter().copied(), known, zone))
}

fn dated(days: impl Iterator<Item = i64>, known: Known, zone: &'static str) -> DatedBars {
    let (frequency, label, times) = match known {
        Known::Midnight | Known::Close(_) => (Frequency::Daily, BarLabel::End, 1),
        Known::NextDay(_) => (Frequency::Daily, BarLabel::Start, 1),
        Known::Within { times, minutes } => (Frequency::Minutes(minutes), BarLabel::End, times),
    };
    let clock = BarClock::new(frequency, &Conventions { zone: zone.into(), label }).unwrap();
    let begins = |day: i64| clock.zone().start_of_day(Day::from_days_since_1970(day as i32));
    let bars = days.flat_map(|day| (0..times).map(move |time| (day, time)));
    let (days, calendar) = bars
        .map(|(day, time)| {
            let moment = match known {
                Known::Midnight => begins(day + 1),
                Known::Close(minutes) => begins(day).plus_seconds(minutes * 60),
                Known::NextDay(minutes) => begins(day + 1).plus_seconds(minutes * 60),
                Known::Within { times, minutes } => {
                    begins(day).plus_seconds(time * 22 * 3600 / times + i64::from(minutes) * 60)
                }
            };
            (day, moment)
        })
        .unzip();
    DatedBars { calendar, days, clock }
}

fn any_span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (1..6u32).prop_map(Span::Months),
        (1..60u32).prop_map(Span::Days),
        (1..80u32).prop_map(Span::Bars)
    ]
}

pub(crate) fn any_walk() -> impl Strategy<Value = WalkForward> {
    let lengths = (any_span(), prop::option::of(any_span()), any_span(), prop::option::of(any_span()));
    let bars =
        (prop_oneof![Just(0), 0..40usize], prop_oneof![Just(0), 0..6usize], prop_oneof![Just(0), 0..20usize]);
    (any::<bool>(), lengths, bars).prop_map(
        |(rolls, (train, validate, test, step), (warm_up, purge, embargo))| WalkForward {
            kind: if rolls { Kind::Rolling } else { Kind::Expanding },
            train,
            validate,
            test,
            step: step.unwrap_or(test),
            warm_up,
            purge,
            embargo: if rolls { embargo } else { 0 },
        },
    )
}

/// A border: the bar behind it, and the day from which so many months and days are counted.
#[derive(Clone, Copy)]
struct Border {
    bar: i64,
    day: i64,
    months: i64,
    days: i64,
}

/// The day of each bar.
struct Naive<'a>(&'a [i64]);

impl Naive<'_> {
    fn len(&self) -> i64 {
        self.0.len() as i64
    }

    fn day_of(&self, bar: i64) -> i64 {
        self.0[bar as usize]
    }

    fn at_bar(&self, bar: i64) -> Border {
        let bar = bar.clamp(0, i64::from(u32::MAX));
        let day = match bar < self.len() {
            false => i64::MAX / 2,
            true if bar > 0 && self.day_of(bar - 1) == self.day_of(bar) => self.day_of(bar) + 1,
            true => self.day_of(bar),
        };
        Border { bar, day, months: 0, days: 0 }
    }

    fn day(&self, border: Border) -> i64 {
        months_later(border.day, border.months) + border.days
    }

    fn on_day(&self, border: Border) -> Border {
        let day = self.day(border);
        let bar = (0..self.len()).find(|&bar| self.day_of(bar) >= day).unwrap_or(self.len());
        Border { bar, ..border }
    }

    fn moved(&self, from: Border, span: Span, times: i64) -> Border {
        match span {
            _ if times == 0 => from,
            Span::Months(months) => {
                self.on_day(Border { months: from.months + times * i64::from(months), ..from })
            }
            Span::Days(days) => self.on_day(Border { days: from.days + times * i64::from(days), ..from }),
            Span::Bars(bars) => self.at_bar(from.bar + times * i64::from(bars)),
        }
    }
}

/// Month by month, and back from the 31st where the month is shorter.
fn months_later(day: i64, months: i64) -> i64 {
    if day > 100_000 || months == 0 {
        return day;
    }
    let (mut year, mut month, of_month) = Timestamp::from_nanos(day * DAY).date();
    for _ in 0..months.abs() {
        (year, month) = match (months > 0, month) {
            (true, 12) => (year + 1, 1),
            (true, _) => (year, month + 1),
            (false, 1) => (year - 1, 12),
            (false, _) => (year, month - 1),
        };
    }
    let mut of_month = of_month;
    loop {
        if let Ok(date) = Timestamp::from_date(year, month, of_month) {
            return date.as_nanos() / DAY;
        }
        of_month -= 1;
    }
}

pub(crate) fn naive_folds(walk: &WalkForward, days: &[i64]) -> Result<Vec<Fold>, ()> {
    let naive = Naive(days);
    let spans = [Some(walk.train), walk.validate, Some(walk.test), Some(walk.step)];
    let mut origin = naive.at_bar(walk.warm_up as i64);
    if !spans.into_iter().flatten().all(|span| matches!(span, Span::Bars(_))) {
        origin = naive.on_day(origin);
    }
    let mut first = naive.moved(origin, walk.train, 1);
    if let Some(validate) = walk.validate {
        first = naive.moved(first, validate, 1);
    }
    let mut folds: Vec<Fold> = Vec::new();
    loop {
        let anchor = naive.moved(first, walk.step, folds.len() as i64);
        let end = naive.moved(anchor, walk.test, 1);
        if anchor.bar >= naive.len() || !is_whole(&naive, walk.test, anchor, end) {
            return if folds.is_empty() { Err(()) } else { Ok(folds) };
        }
        let before_test = walk.validate.map_or(anchor, |validate| naive.moved(anchor, validate, -1));
        let border = before_test.bar.max(origin.bar);
        let mut start = match walk.kind {
            Kind::Rolling => naive.moved(before_test, walk.train, -1).bar.max(origin.bar),
            Kind::Expanding => origin.bar,
        };
        while folds.iter().any(|fold| {
            let end = fold.test.end as i64;
            (end..end + walk.embargo as i64).contains(&start)
        }) {
            start += 1;
        }
        let purge = walk.purge as i64;
        let fold = Fold {
            index: folds.len(),
            train: range(start, border - purge)?,
            validate: walk.validate.map(|_| range(border, anchor.bar - purge)).transpose()?,
            test: range(anchor.bar, end.bar.min(naive.len()))?,
            warm_up: walk.warm_up,
        };
        folds.push(fold);
    }
}

fn is_whole(naive: &Naive<'_>, test: Span, anchor: Border, end: Border) -> bool {
    match test {
        Span::Bars(_) => end.bar <= naive.len(),
        _ => {
            let (from, until) = (naive.day(anchor), naive.day(end));
            let behind = (from..until).filter(|&day| day > naive.day_of(naive.len() - 1)).count();
            behind * 10 <= (until - from) as usize
        }
    }
}

fn range(start: i64, end: i64) -> Result<Range<usize>, ()> {
    if start < end { Ok(start as usize..end as usize) } else { Err(()) }
}
