use std::sync::Arc;

use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampNanosecondArray,
};
use arrow_schema::ArrowError;
use bt_asset_cache::{Label, Table, TableColumns};
use oorandom::Rand64;

use crate::{AssetData, MarketData};

/// How the rows of a long table follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowOrder {
    /// By asset, then time: as a bundle is laid out.
    ByAsset,
    /// By time, then asset: as vendors deliver a day at a time.
    ByTime,
    /// In no order, the same for the same seed.
    Shuffled(u64),
}

/// How bars become a long table.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    /// The order of the rows.
    pub order: RowOrder,
    /// Prices as Decimal128 with 18 digits, this many of them behind the point, and volumes as integers; `None` for f64.
    pub decimal_scale: Option<i8>,
    /// Asset names as a dictionary instead of strings.
    pub dictionary: bool,
    /// The trading day as a date instead of the moment at which the bar was known.
    pub dates: bool,
    /// Rows in a record batch, at least 1.
    pub batch_rows: usize,
    /// The names of the columns.
    pub columns: TableColumns,
}

impl Default for Layout {
    /// By time, f64, strings, moments, one batch, the usual names.
    fn default() -> Self {
        Self {
            order: RowOrder::ByTime,
            decimal_scale: None,
            dictionary: false,
            dates: false,
            batch_rows: usize::MAX,
            columns: TableColumns::default(),
        }
    }
}

impl Layout {
    /// By time, Decimal prices, dates, and the column names of the shipped real data (`Ticker`, `Date`, `Open` …).
    pub fn decimals_and_dates() -> Self {
        let columns = TableColumns {
            asset: "Ticker".into(),
            timestamp: "Date".into(),
            values: ["Open", "High", "Low", "Close", "Volume"].map(String::from),
            extra: vec![],
        };
        Self { decimal_scale: Some(4), dates: true, columns, ..Self::default() }
    }

    fn label(&self) -> Option<Label> {
        Some(if self.dates { Label::Date } else { Label::End })
    }
}

impl MarketData {
    /// The bars as a long table. Its version is the content's.
    ///
    /// # Panics
    /// Where a missing value or a price beyond 14 digits is to become a decimal, or a batch is to have 0 rows.
    pub fn table(&self, layout: &Layout) -> Table {
        let rows = self.ordered_rows(layout.order);
        let batches = rows.chunks(layout.batch_rows.min(rows.len().max(1)));
        Table {
            columns: layout.columns.clone(),
            frequency: self.frequency,
            label: layout.label(),
            ..Table::new(self.version(), batches.map(|rows| self.batch(rows, layout)).collect())
        }
    }

    /// (asset, bar) of every row.
    fn ordered_rows(&self, order: RowOrder) -> Vec<(usize, usize)> {
        let bars =
            |(asset, data): (usize, &AssetData)| (0..data.timestamps.len()).map(move |bar| (asset, bar));
        let mut rows: Vec<_> = self.assets.iter().enumerate().flat_map(bars).collect();
        match order {
            RowOrder::ByAsset => {}
            RowOrder::ByTime => rows.sort_by_key(|&(asset, bar)| (self.assets[asset].timestamps[bar], asset)),
            RowOrder::Shuffled(seed) => shuffle(&mut rows, &mut Rand64::new(u128::from(seed))),
        }
        rows
    }

    fn batch(&self, rows: &[(usize, usize)], layout: &Layout) -> RecordBatch {
        let names = || rows.iter().map(|&(asset, _)| self.assets[asset].name.as_str());
        let assets: ArrayRef = match layout.dictionary {
            true => Arc::new(names().collect::<DictionaryArray<UInt32Type>>()),
            false => Arc::new(StringArray::from_iter_values(names())),
        };
        let mut columns = vec![(layout.columns.asset.clone(), assets)];
        columns.push((layout.columns.timestamp.clone(), self.moments(rows, layout.dates)));
        for (column, name) in layout.columns.values.iter().enumerate() {
            let values = rows.iter().map(|&(asset, bar)| self.assets[asset].columns[column][bar]);
            columns.push((
                name.clone(),
                numbers(values, column == 4, layout.decimal_scale).expect("18 digits do"),
            ));
        }
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    }

    fn moments(&self, rows: &[(usize, usize)], dates: bool) -> ArrayRef {
        const DAY: i64 = 86_400_000_000_000;
        let nanos = rows.iter().map(|&(asset, bar)| self.assets[asset].timestamps[bar].as_nanos());
        match dates {
            // A bar that is known at midnight is the bar of the day that ends then.
            true => Arc::new(Date32Array::from_iter_values(nanos.map(|nanos| (nanos / DAY - 1) as i32))),
            false => Arc::new(TimestampNanosecondArray::from_iter_values(nanos).with_timezone("UTC")),
        }
    }
}

fn numbers(
    values: impl Iterator<Item = f64>,
    is_volume: bool,
    scale: Option<i8>,
) -> Result<ArrayRef, ArrowError> {
    let units = |value: f64, scale: i8| {
        assert!(value.is_finite(), "{value} is not a decimal");
        (value * 10_f64.powi(i32::from(scale))).round() as i128
    };
    Ok(match scale {
        None => Arc::new(Float64Array::from_iter_values(values)),
        Some(_) if is_volume => {
            Arc::new(Int64Array::from_iter_values(values.map(|value| units(value, 0) as i64)))
        }
        Some(scale) => {
            let decimals = Decimal128Array::from_iter_values(values.map(|value| units(value, scale)));
            Arc::new(decimals.with_precision_and_scale(18, scale)?)
        }
    })
}

/// Fisher and Yates.
fn shuffle<T>(items: &mut [T], rng: &mut Rand64) {
    for end in (1..items.len()).rev() {
        items.swap(end, rng.rand_range(0..end as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Market;

    #[test]
    fn every_layout_holds_every_row() {
        let data = Market::staggered(3, 3, 30, 10).generate();
        for order in [RowOrder::ByAsset, RowOrder::ByTime, RowOrder::Shuffled(1)] {
            let layout = Layout { order, batch_rows: 7, dictionary: true, ..Layout::decimals_and_dates() };
            let table = data.table(&layout);
            assert_eq!(table.rows(), data.rows());
            assert!(table.batches.len() > 1 && table.batches.iter().all(|batch| batch.num_rows() <= 7));
        }
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut numbers: Vec<_> = (0..100).collect();
        shuffle(&mut numbers, &mut Rand64::new(1));
        assert!(!numbers.is_sorted());
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }
}
