//! What the answers must be, by filtering rows: no index, no search, no view.
use crate::fake::{Fake, Row};

/// The asset's rows with timestamp ≤ `now`.
pub(crate) fn known(bundle: &Fake, rank: usize, now: i64) -> Vec<Row> {
    bundle.rows[rank].iter().copied().filter(|row| row.0 <= now).collect()
}

/// One column of the last `bar_count` rows known.
pub(crate) fn window(bundle: &Fake, rank: usize, column: usize, bar_count: usize, now: i64) -> Vec<f64> {
    let mut values: Vec<f64> =
        known(bundle, rank, now).iter().rev().take(bar_count).map(|row| row.1[column]).collect();
    values.reverse();
    values
}

/// The moments at which any asset has a bar, up to `now`, ascending.
pub(crate) fn calendar(bundle: &Fake, now: i64) -> Vec<i64> {
    let mut moments: Vec<i64> =
        bundle.rows.iter().flatten().map(|row| row.0).filter(|&at| at <= now).collect();
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// The moments of a panel's rows, `None` before the calendar begins.
pub(crate) fn panel_rows(bundle: &Fake, bar_count: usize, now: i64) -> Vec<Option<i64>> {
    let moments = calendar(bundle, now);
    let rows = (0..bar_count).map(|row| (moments.len() + row).checked_sub(bar_count).map(|at| moments[at]));
    rows.collect()
}

/// One column of one asset on the last `bar_count` moments of the calendar.
pub(crate) fn aligned(bundle: &Fake, rank: usize, column: usize, bar_count: usize, now: i64) -> Vec<f64> {
    let value =
        |at: i64| bundle.rows[rank].iter().find(|row| row.0 == at).map_or(f64::NAN, |row| row.1[column]);
    panel_rows(bundle, bar_count, now).into_iter().map(|at| at.map_or(f64::NAN, value)).collect()
}

/// Whether the asset has a bar at the latest moment at which any asset has one.
pub(crate) fn has_bar(bundle: &Fake, rank: usize, now: i64) -> bool {
    let latest = bundle.rows.iter().flatten().map(|row| row.0).filter(|&at| at <= now).max();
    bundle.rows[rank].iter().any(|row| Some(row.0) == latest)
}

/// Bit patterns, since NaN is not equal to itself.
pub(crate) fn bits<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<u64> {
    values.into_iter().map(|value| value.to_bits()).collect()
}
