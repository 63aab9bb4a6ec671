//! The bars of a year by a list of every day and every week, however long.

use std::collections::BTreeMap;

use bt_core::{BarClock, Timestamp};

pub(super) fn naive_year(calendar: &[Timestamp], clock: &BarClock, minutes: Option<u16>) -> f64 {
    let of_frequency = minutes.map_or(252.0, |minutes| 252.0 * (390.0 / f64::from(minutes)).max(1.0));
    let mut days: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for &known in calendar {
        days.entry(clock.day(known).days_since_1970().into()).or_default().push(known.as_nanos());
    }
    let (Some(&first), Some(&last)) = (days.keys().next(), days.keys().next_back()) else {
        return of_frequency;
    };
    let mut weeks: Vec<Vec<i64>> = Vec::new();
    for day in first..=last {
        let week = ((day - first) / 7) as usize;
        weeks.resize(week + 1, Vec::new());
        if days.contains_key(&day) {
            weeks[week].push((day - first) % 7);
        }
    }
    let last_of_week = (last - first) % 7;
    let before = weeks.len().checked_sub(2).map(|before| &weeks[before]);
    let is_whole = match before {
        None => last_of_week == 6,
        Some(before) => before.iter().all(|&day| day <= last_of_week),
    };
    if !is_whole {
        weeks.pop();
    }
    let counted = 7 * weeks.len() as i64;
    weeks.retain(|week| !week.is_empty());
    if weeks.len() < 8 {
        return of_frequency;
    }
    let days: Vec<Vec<i64>> =
        days.into_iter().filter(|(day, _)| day - first < counted).map(|(_, moments)| moments).collect();
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
    };
    let week = middle(weeks.iter().map(|week| week.len() as f64).collect());
    let bars = middle(days.iter().map(|moments| moments.len() as f64).collect());
    let hours = minutes.map_or(0.0, |minutes| {
        let reach = |moments: &Vec<i64>| {
            (moments[moments.len() - 1] - moments[0]) as f64 / 3.6e12 + f64::from(minutes) / 60.0
        };
        middle(days.iter().map(reach).collect())
    });
    let of_year = match week {
        week if week >= 6.5 => 365.0,
        week if week >= 4.5 && hours > 23.0 - 1e-9 => 260.0,
        _ => 252.0,
    };
    of_year * bars
}
