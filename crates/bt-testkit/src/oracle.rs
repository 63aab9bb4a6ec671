//! What the layers must answer, computed from plain vectors in the most obvious way, slowly.

use bt_core::{Field, Timestamp};

use crate::{AssetData, MarketData};

/// The bars of one asset that are known at `now`: how many.
pub fn known(asset: &AssetData, now: Timestamp) -> usize {
    asset.timestamps.iter().filter(|&&bar| bar <= now).count()
}

/// The last `bar_count` values of one field known at `now`; fewer where there are fewer.
pub fn window(asset: &AssetData, field: Field, now: Timestamp, bar_count: usize) -> Vec<f64> {
    let known: Vec<f64> = asset
        .timestamps
        .iter()
        .zip(&asset.columns[field.index()])
        .filter(|&(&bar, _)| bar <= now)
        .map(|(_, &value)| value)
        .collect();
    known[known.len().saturating_sub(bar_count)..].to_vec()
}

/// One field of some assets on the last `bar_count` moments of the calendar up to `now`: a row a moment, a column an
/// asset, NaN where an asset has no bar; the newest moment last, and rows of NaN before the calendar begins.
pub fn panel(
    data: &MarketData,
    assets: &[usize],
    field: Field,
    now: Timestamp,
    bar_count: usize,
) -> Vec<Vec<f64>> {
    let moments: Vec<_> = data.calendar().into_iter().filter(|&moment| moment <= now).collect();
    let row = |moment: Option<&Timestamp>| {
        assets
            .iter()
            .map(|&asset| moment.map_or(f64::NAN, |&at| value_at(&data.assets[asset], field, at)))
            .collect()
    };
    (0..bar_count)
        .map(|back| row((moments.len() + back).checked_sub(bar_count).and_then(|at| moments.get(at))))
        .collect()
}

/// Whether the asset has a bar at the last moment of the calendar up to `now`.
pub fn has_bar(data: &MarketData, asset: usize, now: Timestamp) -> bool {
    let last = data.calendar().into_iter().rfind(|&moment| moment <= now);
    last.is_some_and(|last| data.assets[asset].timestamps.contains(&last))
}

fn value_at(asset: &AssetData, field: Field, moment: Timestamp) -> f64 {
    asset
        .timestamps
        .iter()
        .position(|&bar| bar == moment)
        .map_or(f64::NAN, |bar| asset.columns[field.index()][bar])
}

/// Whether two series are the same bits, every NaN alike.
pub fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Market;

    #[test]
    fn nothing_is_known_before_the_first_bar_and_no_window_is_longer_than_the_data() {
        let data = Market::common(1, 1, 10).generate();
        let asset = &data.assets[0];
        let before = asset.timestamps[0].plus_seconds(-1);
        assert_eq!(window(asset, Field::CLOSE, before, 5), []);
        assert_eq!(window(asset, Field::CLOSE, Timestamp::MAX, 50), asset.columns[3]);
        assert_eq!(window(asset, Field::OPEN, asset.timestamps[4], 2), asset.columns[0][3..5]);
        assert!(!has_bar(&data, 0, before));
    }

    #[test]
    fn panels_have_a_row_a_moment_and_nothing_where_there_is_no_bar() {
        let data = Market::staggered(1, 2, 4, 2).generate();
        let panel = panel(&data, &[0, 1], Field::CLOSE, Timestamp::MAX, 5);
        assert_eq!(
            panel.iter().map(|row| row[0].is_nan()).collect::<Vec<_>>(),
            [true, false, false, false, false]
        );
        assert_eq!(
            panel.iter().map(|row| row[1].is_nan()).collect::<Vec<_>>(),
            [true, true, true, false, false]
        );
        assert_eq!(panel[4][1], data.assets[1].columns[3][1]);
    }
}
