//! Small markets whose every price a test can name.

use bt_sweep::bt_core::{AssetId, Bundle, Frequency, Timestamp};
use bt_testkit::{AssetData, MarketData, MemoryBundle};

/// One asset's bars: the day of each, its open and its close.
pub(crate) type Rows = Vec<(i64, f64, f64)>;

/// Assets named A, B, C … with these bars.
pub(crate) fn market(assets: &[Rows]) -> MarketData {
    let assets = assets.iter().zip('A'..).map(|(rows, name)| asset(name, rows)).collect();
    MarketData { frequency: Frequency::Daily, assets }
}

fn asset(name: char, rows: &Rows) -> AssetData {
    let column = |value: fn(&(i64, f64, f64)) -> f64| rows.iter().map(value).collect::<Vec<_>>();
    let (opens, closes) = (column(|row| row.1), column(|row| row.2));
    let highs = opens.iter().zip(&closes).map(|(open, close)| open.max(*close)).collect();
    let lows = opens.iter().zip(&closes).map(|(open, close)| open.min(*close)).collect();
    let volumes = vec![1000.0; rows.len()];
    let timestamps = rows.iter().map(|row| day(row.0)).collect();
    AssetData { name: name.to_string(), timestamps, columns: [opens, highs, lows, closes, volumes] }
}

/// The midnight at which a day's bar is known.
pub(crate) fn day(day: i64) -> Timestamp {
    Timestamp::from_nanos(day * 86_400_000_000_000)
}

/// Days from 0 on with these opens and closes.
pub(crate) fn rows(prices: &[(f64, f64)]) -> Rows {
    prices.iter().zip(0..).map(|(&(open, close), day)| (day, open, close)).collect()
}

/// All assets of a bundle.
pub(crate) fn ids(bundle: &MemoryBundle) -> Vec<AssetId> {
    bundle.assets().ids().collect()
}
