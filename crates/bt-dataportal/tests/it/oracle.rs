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

/// Whether the asset has a bar at the latest moment at which any asset has one.
pub(crate) fn has_bar(bundle: &Fake, rank: usize, now: i64) -> bool {
    let latest = bundle.rows.iter().flatten().map(|row| row.0).filter(|&at| at <= now).max();
    bundle.rows[rank].iter().any(|row| Some(row.0) == latest)
}

/// Bit patterns, since NaN is not equal to itself.
pub(crate) fn bits<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<u64> {
    values.into_iter().map(|value| value.to_bits()).collect()
}
