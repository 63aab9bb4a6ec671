//! Bars and parameters.

use std::sync::LazyLock;

use bt_sweep::bt_core::{Bundle, Frequency, Timestamp};
use bt_sweep::bt_dataportal::DataPortal;
use bt_sweep::{Names, Params, SeriesCache, Stop, TrialView, Value};
use bt_testkit::{AssetData, MarketData, MemoryBundle};

/// The shipped daily bars of five shares, each known at the midnight after its day.
pub(crate) static REAL: LazyLock<MarketData> = LazyLock::new(|| {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/stocks.csv")).unwrap();
    let mut assets: Vec<AssetData> = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if assets.last().is_none_or(|asset| asset.name != cells[0]) {
            let name = cells[0].to_owned();
            assets.push(AssetData { name, timestamps: Vec::new(), columns: Default::default() });
        }
        let asset = assets.last_mut().unwrap();
        let day: Timestamp = format!("{}T00:00:00Z", cells[1]).parse().unwrap();
        asset.timestamps.push(Timestamp::from_nanos(day.as_nanos() + 86_400_000_000_000));
        for (column, cell) in asset.columns.iter_mut().zip(&cells[2..7]) {
            column.push(cell.parse().unwrap());
        }
    }
    MarketData { frequency: Frequency::Daily, assets }
});

/// Assets A, B, C …, each with these prices, one for each day from 0 on: open, high, low and close alike.
pub(crate) fn priced(prices: &[&[f64]]) -> MarketData {
    let asset = |(prices, name): (&&[f64], char)| AssetData {
        name: name.to_string(),
        timestamps: (0..prices.len() as i64).map(day).collect(),
        columns: std::array::from_fn(|_| prices.to_vec()),
    };
    MarketData { frequency: Frequency::Daily, assets: prices.iter().zip('A'..).map(asset).collect() }
}

/// The midnight at which the bar of a day of [`priced`] is known.
pub(crate) fn day(day: i64) -> Timestamp {
    Timestamp::from_nanos(day * 86_400_000_000_000)
}

/// Calls `see` with a view of all assets.
pub(crate) fn with_view<T>(
    bundle: &MemoryBundle,
    scored: std::ops::Range<usize>,
    see: impl FnOnce(&TrialView<'_>) -> T,
) -> T {
    let (portal, stop, series) = (DataPortal::new(bundle), Stop::default(), SeriesCache::default());
    let assets: Vec<_> = bundle.assets().ids().collect();
    see(&TrialView::new(&portal, &assets, scored, &stop, &series).unwrap())
}

pub(crate) fn params<const N: usize>(values: [(&str, Value); N]) -> Params {
    let names = Names::new(values.iter().map(|(name, _)| *name));
    Params::new(&names, values.map(|(_, value)| value)).unwrap()
}
