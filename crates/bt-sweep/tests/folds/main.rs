//! Folds against a naive version that walks over days and bars one by one, and against what they promise.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod oracle;

use std::ops::Range;
use std::sync::Arc;

use bt_sweep::Part;
use bt_sweep::bt_core::{BarClock, Bundle, Calendar, Conventions, Day, Field, Frequency, Timestamp};
use bt_sweep::bt_dataportal::DataPortal;
use bt_sweep::folds::{Fold, Kind, Span, WalkForward, first_share};
use bt_testkit::{AssetData, Market, MarketData};
use oracle::{DatedBars, ZONES, any_bars, any_walk, at_midnight_and_at_close, naive_folds};
use proptest::prelude::*;

fn folds(walk: &WalkForward, calendar: &[Timestamp]) -> bt_sweep::Result<Vec<Fold>> {
    walk.folds(Calendar::new(calendar).unwrap(), &utc_days())
}

fn folds_of(walk: &WalkForward, bars: &DatedBars) -> bt_sweep::Result<Vec<Fold>> {
    walk.folds(Calendar::new(&bars.calendar).unwrap(), &bars.clock)
}

fn utc_days() -> BarClock {
    BarClock::new(Frequency::Daily, &Conventions::UTC).unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Mondays to Fridays, as days since 1970.
fn weekdays(from: &str, until: &str) -> Vec<i64> {
    let days = i64::from(day(from).days_since_1970())..i64::from(day(until).days_since_1970());
    days.filter(|&day| Day::from_days_since_1970(day as i32).weekday() < 5).collect()
}

fn daily(moments: usize) -> Vec<Timestamp> {
    Market::common(1, 1, moments).generate().calendar()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn folds_are_those_of_a_walk_over_days_and_bars(bars in any_bars(), walk in any_walk()) {
        match (folds_of(&walk, &bars), naive_folds(&walk, &bars.days)) {
            (Ok(got), Ok(expected)) => prop_assert_eq!(got, expected),
            (Err(_), Err(())) => {}
            (got, expected) => prop_assert!(false, "{:?} and not {:?}", got, expected),
        }
    }

    #[test]
    fn bars_known_at_midnight_and_at_the_close_have_the_same_folds_in_every_zone(
        bars in any_bars(),
        walk in any_walk(),
        close in 1..22 * 60_i64,
        zone in prop::sample::select(&ZONES[..]),
    ) {
        let mut days = bars.days;
        days.dedup();
        let [midnight, at_close] = at_midnight_and_at_close(&days, zone, close);
        prop_assert_eq!(folds_of(&walk, &midnight).ok(), folds_of(&walk, &at_close).ok());
    }

    #[test]
    fn parts_are_ordered_disjoint_and_purged(bars in any_bars(), walk in any_walk()) {
        let Ok(folds) = folds_of(&walk, &bars) else { return Ok(()) };
        let calendar = &bars.calendar;
        prop_assert!(!folds.is_empty());
        for (index, fold) in folds.iter().enumerate() {
            prop_assert_eq!(fold.index, index);
            prop_assert!(fold.train.start >= walk.warm_up);
            prop_assert!(fold.test.end <= calendar.len());
            let parts: Vec<_> = fold.parts().cloned().collect();
            prop_assert_eq!(parts.len(), 2 + usize::from(walk.validate.is_some()));
            for pair in parts.windows(2) {
                prop_assert!(pair[0].end + walk.purge <= pair[1].start, "{:?}", fold);
            }
            for part in &parts {
                prop_assert!(!part.is_empty());
                prop_assert_eq!(fold.visible(part), part.start - walk.warm_up..part.end);
            }
            let first = &folds[0];
            if walk.kind == Kind::Expanding {
                prop_assert_eq!(fold.train.start, first.train.start);
            }
            let embargoed = folds[..index].iter().map(|earlier| earlier.test.end..earlier.test.end + walk.embargo);
            prop_assert!(!embargoed.into_iter().any(|range| range.contains(&fold.train.start)));
        }
    }

    #[test]
    fn tests_lie_end_to_end_or_apart(bars in any_bars(), walk in any_walk(), apart in 0..4u32) {
        let step = match walk.test {
            Span::Months(months) => Span::Months(months + apart),
            Span::Days(days) => Span::Days(days + apart),
            Span::Bars(bars) => Span::Bars(bars + apart),
        };
        let Ok(folds) = folds_of(&WalkForward { step, ..walk.clone() }, &bars) else { return Ok(()) };
        for pair in folds.windows(2) {
            prop_assert!(pair[0].test.end <= pair[1].test.start);
            if apart == 0 {
                prop_assert_eq!(pair[0].test.end, pair[1].test.start);
            }
        }
    }

    #[test]
    fn lengths_in_bars_are_exact(
        moments in 1..400usize,
        (train, validate, test, step) in (1..80u32, prop::option::of(1..40u32), 1..60u32, 1..60u32),
        (warm_up, purge) in (0..30usize, 0..10usize),
    ) {
        let walk = WalkForward {
            validate: validate.map(Span::Bars),
            step: Span::Bars(step),
            warm_up,
            purge,
            ..WalkForward::new(Kind::Rolling, Span::Bars(train), Span::Bars(test))
        };
        let needed = warm_up + (train + validate.unwrap_or(0) + test) as usize;
        let has_room = moments >= needed && train as usize > purge && validate.is_none_or(|v| v as usize > purge);
        let folds = folds(&walk, &daily(moments));
        prop_assert_eq!(folds.is_ok(), has_room);
        for fold in folds.iter().flatten() {
            prop_assert_eq!(fold.train.start, warm_up + fold.index * step as usize);
            prop_assert_eq!(fold.train.len(), train as usize - purge);
            prop_assert_eq!(fold.validate.as_ref().map(Range::len), validate.map(|bars| bars as usize - purge));
            prop_assert_eq!(fold.test.len(), test as usize);
        }
        if let Ok(folds) = folds {
            prop_assert_eq!(folds.len(), 1 + (moments - needed) / step as usize);
        }
    }

    #[test]
    fn no_fold_sees_a_bar_outside_of_its_part_and_warm_up(bars in any_bars(), walk in any_walk()) {
        let Ok(folds) = folds_of(&walk, &bars) else { return Ok(()) };
        let parent: Arc<dyn Bundle> = Arc::new(numbered(&bars.calendar).bundle());
        let some = folds.iter().take(3).chain(folds.last());
        for (fold, scored) in some.flat_map(|fold| fold.parts().map(move |part| (fold, part))) {
            let (part, in_part) = Part::with_warm_up(parent.clone(), scored.clone(), walk.warm_up).unwrap();
            let visible = fold.visible(scored);
            prop_assert_eq!(part.moments(), visible.clone());
            prop_assert_eq!(visible.start + in_part.start..visible.start + in_part.end, scored.clone());
            let portal = DataPortal::new(&part);
            let seen = part.assets().ids().flat_map(|asset| {
                let all = portal.at(Timestamp::MAX).window(asset, Field::CLOSE, usize::MAX).unwrap();
                let bars = part.bars(asset).unwrap().field(Field::CLOSE);
                all.iter().chain(bars).map(|&number| number as usize).collect::<Vec<_>>()
            });
            for number in seen {
                prop_assert!(visible.contains(&number), "{} is not in {:?}", number, visible);
            }
        }
    }

    #[test]
    fn larger_shares_hold_smaller_ones(start in 0..100usize, len in 1..1000usize, a in 0.0001..=1.0, b in 0.0001..=1.0) {
        let scored = start..start + len;
        let (small, large) = (first_share(&scored, f64::min(a, b)).unwrap(), first_share(&scored, f64::max(a, b)).unwrap());
        prop_assert_eq!((small.start, large.start), (start, start));
        prop_assert!(!small.is_empty() && small.end <= large.end && large.end <= scored.end);
        prop_assert_eq!(first_share(&scored, 1.0).unwrap(), scored);
    }
}

/// Two assets whose closes are the numbers of their moments: one with a bar at each, one with a bar at every third.
fn numbered(calendar: &[Timestamp]) -> MarketData {
    let asset = |name: &str, every: usize| {
        let moments: Vec<usize> = (0..calendar.len()).step_by(every).collect();
        AssetData {
            name: name.to_owned(),
            timestamps: moments.iter().map(|&moment| calendar[moment]).collect(),
            columns: [0; 5].map(|_| moments.iter().map(|&moment| moment as f64).collect()),
        }
    };
    MarketData { frequency: bt_sweep::bt_core::Frequency::Daily, assets: vec![asset("A", 1), asset("B", 3)] }
}

#[test]
fn two_years_of_training_and_half_a_year_of_test_are_what_the_calendar_says() {
    let days = weekdays("2010-01-04", "2025-01-01");
    let walk = WalkForward {
        validate: Some("6m".parse().unwrap()),
        ..WalkForward::new(Kind::Rolling, "2y".parse().unwrap(), "6m".parse().unwrap())
    };
    for zone in ZONES {
        for bars in at_midnight_and_at_close(&days, zone, 16 * 60) {
            let folds = folds_of(&walk, &bars).unwrap();
            let bar_day =
                |bar: usize| days.get(bar).map(|&day| Day::from_days_since_1970(day as i32).to_string());
            let of = |part: &Range<usize>| [part.start, part.end].map(|bar| bar_day(bar).unwrap_or_default());
            assert_eq!(of(&folds[0].train), ["2010-01-04", "2012-01-04"]);
            assert_eq!(of(folds[0].validate.as_ref().unwrap()), ["2012-01-04", "2012-07-04"]);
            assert_eq!(of(&folds[0].test), ["2012-07-04", "2013-01-04"]);
            assert_eq!(of(&folds[1].train)[0], "2010-07-05", "the 4th was a Sunday");
            // The data ends with 2024, three days before the last test would: it is whole.
            assert_eq!(folds.len(), 25);
            assert_eq!(of(&folds[24].test), ["2024-07-04", ""]);
        }
    }
}

#[test]
fn months_of_bars_within_the_day_end_at_the_midnight_of_the_zone() {
    let first = "2024-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let hours: Vec<_> = (1..=24 * 200).map(|hour| first.plus_seconds(hour * 3600)).collect();
    let walk = WalkForward::new(Kind::Rolling, Span::Months(1), Span::Months(1));
    for (zone, tests) in [
        ("UTC", ["2024-02-01T01:00:00Z", "2024-03-01T01:00:00Z", "2024-04-01T01:00:00Z"]),
        // The first hour is 09:00 on the 1st, and tests begin with the hour from 00:00 to 01:00.
        ("Asia/Tokyo", ["2024-01-31T16:00:00Z", "2024-02-29T16:00:00Z", "2024-03-31T16:00:00Z"]),
        // The first hour is 19:00 on 31 December; clocks are set forward on 10 March.
        ("America/New_York", ["2024-01-31T06:00:00Z", "2024-02-29T06:00:00Z", "2024-03-31T05:00:00Z"]),
    ] {
        let zone = Conventions { zone: zone.into(), ..Conventions::UTC };
        let clock = BarClock::new(Frequency::Minutes(60), &zone).unwrap();
        let folds = walk.folds(Calendar::new(&hours).unwrap(), &clock).unwrap();
        let begins: Vec<_> = folds.iter().map(|fold| hours[fold.test.start].to_string()).collect();
        assert_eq!(begins[..3], tests, "{zone:?}");
    }
}

#[test]
fn the_train_of_expanding_folds_grows_from_one_start() {
    let walk =
        WalkForward { warm_up: 20, ..WalkForward::new(Kind::Expanding, Span::Bars(100), Span::Bars(50)) };
    let trains: Vec<_> = folds(&walk, &daily(270)).unwrap().into_iter().map(|fold| fold.train).collect();
    assert_eq!(trains, [20..120, 20..170, 20..220]);
    assert_eq!("anchored".parse::<Kind>().unwrap(), Kind::Expanding);
    assert!("anchord".parse::<Kind>().unwrap_err().to_string().contains("did you mean anchored?"));
}

#[test]
fn a_train_that_follows_a_test_waits_for_the_embargo() {
    let walk = WalkForward { embargo: 7, ..WalkForward::new(Kind::Rolling, Span::Bars(50), Span::Bars(50)) };
    let trains: Vec<_> = folds(&walk, &daily(250)).unwrap().into_iter().map(|fold| fold.train).collect();
    assert_eq!(trains, [0..50, 50..100, 107..150, 157..200]);
}

#[test]
fn what_leaves_no_fold_is_refused_with_what_is_needed() {
    let refused = |walk: &WalkForward, moments| folds(walk, &daily(moments)).unwrap_err().to_string();
    let rolling = |train: &str, test: &str| WalkForward {
        warm_up: 20,
        ..WalkForward::new(Kind::Rolling, train.parse().unwrap(), test.parse().unwrap())
    };
    let message = refused(&rolling("200b", "100b"), 300);
    assert!(message.contains("the data = 300 moments, of 2023-11-08 to 2024-12-31"), "{message}");
    assert!(
        message.contains("20 bars of warm-up, 200b of training, 100b of test; these are 320 moments"),
        "{message}"
    );
    let message = refused(&rolling("1y", "6m"), 300);
    assert!(message.contains("1y of training, 6m of test; they would reach to 2025-06-"), "{message}");
    assert!(refused(&rolling("1y", "6m"), 0).contains("the data = no moment"));
    let message = refused(&WalkForward { purge: 200, ..rolling("200b", "100b") }, 500);
    assert!(message.contains("the train of fold 0") && message.contains("a purge of 200"), "{message}");
    let message = refused(&WalkForward { embargo: 3, kind: Kind::Expanding, ..rolling("200b", "100b") }, 500);
    assert!(message.contains("embargo = 3 is out of range; allowed: 0 with expanding folds"), "{message}");
    assert!(
        refused(&WalkForward { step: Span::Bars(0), ..rolling("200b", "100b") }, 500).contains("step = 0b")
    );
    let message = refused(&rolling("10d", "1d"), 500);
    assert!(message.contains("the test of fold") && message.contains("1d without a bar"), "{message}");
}

#[test]
fn numbers_as_large_as_they_get_are_refused_and_not_computed() {
    let huge = [Span::Months(u32::MAX), Span::Days(u32::MAX), Span::Bars(u32::MAX)];
    let calendar = daily(500);
    for span in huge {
        assert!(folds(&WalkForward::new(Kind::Rolling, span, Span::Bars(1)), &calendar).is_err());
        assert!(folds(&WalkForward::new(Kind::Rolling, Span::Bars(1), span), &calendar).is_err());
        let far =
            WalkForward { step: span, ..WalkForward::new(Kind::Expanding, Span::Bars(100), Span::Bars(50)) };
        assert_eq!(folds(&far, &calendar).unwrap().len(), 1);
    }
    let walk = WalkForward::new(Kind::Rolling, Span::Bars(100), Span::Bars(50));
    for (warm_up, purge, embargo) in [(usize::MAX, 0, 0), (0, usize::MAX, 0), (0, 0, usize::MAX)] {
        let walk = WalkForward { warm_up, purge, embargo, ..walk.clone() };
        assert!(folds(&walk, &calendar).is_err(), "{walk:?}");
    }
    let edges = [Timestamp::MIN, Timestamp::from_nanos(0), Timestamp::MAX];
    for span in [Span::Months(1), Span::Days(1), Span::Bars(1)] {
        let _ = folds(&WalkForward::new(Kind::Rolling, span, span), &edges);
    }
}

#[test]
fn shares_that_are_none_are_refused() {
    for share in [0.0, -0.5, 1.01, f64::NAN, f64::INFINITY] {
        let message = first_share(&(0..10), share).unwrap_err().to_string();
        assert!(message.contains("allowed: a share of the data above 0 and up to 1"), "{message}");
    }
    assert!(first_share(&(3..3), 0.5).is_err());
    assert_eq!(first_share(&(10..20), 1.0 / 3.0).unwrap(), 10..14);
}
