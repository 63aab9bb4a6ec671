//! Bundles of any shape, and what a part of them must be: a bundle made from nothing but the rows inside.

use std::ops::Range;

use bt_sweep::bt_core::{BundleVersion, Frequency, Timestamp};
use bt_testkit::{AssetData, MarketData, MemoryBundle};
use proptest::prelude::*;

/// Up to five assets, each with bars at some of up to forty moments, some of their values missing. Some have no bar at all.
pub(crate) fn any_market() -> impl Strategy<Value = MarketData> {
    let has_bar = prop_oneof![
        Just(vec![true; 40]),
        prop::collection::vec(prop::bool::weighted(0.8), 40),
        prop::collection::vec(prop::bool::weighted(0.1), 40),
    ];
    let asset = (has_bar, 0..40usize, 0..41usize, prop::collection::vec(0..50u32, 200));
    (prop::collection::vec(asset, 1..6), 1..41usize)
        .prop_map(|(assets, moments)| {
            let asset = |(rank, (has_bar, listed, delisted, numbers)): (
                usize,
                (Vec<bool>, usize, usize, Vec<u32>),
            )| {
                let moments: Vec<_> =
                    (listed..delisted.min(moments)).filter(|&moment| has_bar[moment]).collect();
                let value = |column: usize, moment: usize| match numbers[column * 40 + moment] {
                    0 => f64::NAN,
                    number => f64::from(number) + (column * 100) as f64,
                };
                AssetData {
                    name: format!("A{rank}"),
                    timestamps: moments
                        .iter()
                        .map(|&moment| Timestamp::from_nanos(moment as i64 * 7 - 50))
                        .collect(),
                    columns: [0, 1, 2, 3, 4]
                        .map(|column| moments.iter().map(|&moment| value(column, moment)).collect()),
                }
            };
            MarketData {
                frequency: Frequency::Daily,
                assets: assets.into_iter().enumerate().map(asset).collect(),
            }
        })
        .prop_filter("a bundle without a bar has no part", |data| data.rows() > 0)
}

/// Some of so many moments.
pub(crate) fn any_range(moments: usize) -> impl Strategy<Value = Range<usize>> {
    (0..moments)
        .prop_flat_map(move |start| (Just(start), start + 1..=moments))
        .prop_map(|(start, end)| start..end)
}

/// The rows at these moments of the calendar.
pub(crate) fn inside(data: &MarketData, range: &Range<usize>) -> MarketData {
    let calendar = &data.calendar()[range.clone()];
    let asset = |asset: &AssetData| {
        let kept: Vec<_> =
            (0..asset.timestamps.len()).filter(|&bar| calendar.contains(&asset.timestamps[bar])).collect();
        AssetData {
            name: asset.name.clone(),
            timestamps: kept.iter().map(|&bar| asset.timestamps[bar]).collect(),
            columns: asset.columns.clone().map(|column| kept.iter().map(|&bar| column[bar]).collect()),
        }
    };
    MarketData { frequency: data.frequency, assets: data.assets.iter().map(asset).collect() }
}

/// A bundle made from those rows; its column `turnover` says which row of the whole data each one was.
pub(crate) fn rebuilt(data: &MarketData, range: Range<usize>, version: BundleVersion) -> MemoryBundle {
    let inside = inside(data, &range);
    let rows: Vec<Vec<usize>> = (inside.assets.iter().zip(&data.assets))
        .map(|(part, whole)| {
            let row = |bar| whole.timestamps.iter().position(|at| at == bar).unwrap();
            part.timestamps.iter().map(row).collect()
        })
        .collect();
    MemoryBundle::with_version(&inside, version)
        .with_extra("turnover", move |rank, bar| (rank * 1000 + rows[rank][bar]) as f64)
}

pub(crate) fn bits<'v>(values: impl IntoIterator<Item = &'v f64>) -> Vec<u64> {
    values.into_iter().map(|value| if value.is_nan() { u64::MAX } else { value.to_bits() }).collect()
}
