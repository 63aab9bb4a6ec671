//! What a good engineer does without this project, and the floor under everybody.
//!
//! *Careful* reads the columns it needs and groups them once for each worker; from then on it slices by hand. *Ideal* is
//! the same with everything preloaded: no reading, no grouping, no check of time or asset.

use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Date32Type;

use super::naive::{converted, dates, tickers};
use super::{Scratch, Worker, parquet};
use crate::data::Dataset;
use crate::strategy::{Access, FAST, Observer, SLOW, Trial, TrialResult, run_trial};

/// All assets' closes, grouped, on one calendar.
#[derive(Clone)]
pub struct Grouped {
    moments: usize,
    assets: Vec<Asset>,
}

#[derive(Clone)]
struct Asset {
    closes: Vec<f64>,
    /// Moments that have happened before its first bar.
    listed: usize,
    /// For an asset with gaps: bars known at each moment from its first bar on.
    rows: Option<Vec<u32>>,
}

impl Grouped {
    /// Reads and groups.
    ///
    /// # Errors
    /// Where the file cannot be read as bars.
    pub fn load(dataset: &Dataset) -> anyhow::Result<Self> {
        let table = parquet::read(&dataset.parquet, Some(&["Ticker", "Date", "Close"]))?;
        let calendar = parquet::calendar(dates(&table));
        let mut groups: Vec<_> = grouped(&table).into_iter().collect();
        groups.sort_unstable_by_key(|&(name, _)| name);
        let assets = groups.into_iter().map(|(_, rows)| Asset::new(rows, &calendar)).collect();
        Ok(Self { moments: calendar.len(), assets })
    }
}

/// One pass over the rows: consecutive rows of one asset need one look into the map.
fn grouped(table: &RecordBatch) -> HashMap<&str, Vec<(i32, f64)>> {
    let dates = table.column_by_name("Date").expect("it was asked for").as_primitive::<Date32Type>().values();
    let closes = converted(table.column_by_name("Close").expect("it was asked for"));
    let mut groups: HashMap<&str, Vec<(i32, f64)>> = HashMap::new();
    let names = tickers(table);
    for (row, (&date, &close)) in dates.iter().zip(closes.values()).enumerate() {
        groups.entry(names.value(row)).or_default().push((date, close));
    }
    groups
}

impl Asset {
    fn new(mut rows: Vec<(i32, f64)>, calendar: &[i32]) -> Self {
        if !rows.is_sorted_by_key(|&(date, _)| date) {
            rows.sort_unstable_by_key(|&(date, _)| date);
        }
        let listed = calendar.partition_point(|&date| date < rows[0].0);
        let whole = calendar[listed..].iter().eq(rows.iter().map(|(date, _)| date));
        let known = |&date: &i32| rows.partition_point(|&(bar, _)| bar <= date) as u32;
        let table = (!whole).then(|| calendar[listed..].iter().map(known).collect());
        Self { closes: rows.into_iter().map(|(_, close)| close).collect(), listed, rows: table }
    }

    /// The closes known after `known` moments, if the last of them brought one.
    #[inline]
    fn known(&self, known: usize) -> Option<&[f64]> {
        let since = known.checked_sub(self.listed).filter(|&since| since > 0)?;
        match &self.rows {
            None => Some(&self.closes[..since]),
            Some(rows) => {
                let before = if since > 1 { rows[since - 2] } else { 0 };
                (rows[since - 1] > before).then(|| &self.closes[..rows[since - 1] as usize])
            }
        }
    }
}

/// A worker with its own grouped data.
pub struct CarefulWorker(pub Grouped);

impl Worker for CarefulWorker {
    fn moments(&self) -> usize {
        self.0.moments
    }

    fn trial(
        &mut self,
        trial: Trial,
        scratch: &mut Scratch,
        observer: &mut impl Observer,
    ) -> anyhow::Result<TrialResult> {
        Ok(run_trial(&mut Slices { grouped: &self.0, known: 0 }, trial, scratch, observer))
    }

    fn read_everything(&mut self) -> anyhow::Result<f64> {
        Ok(self.0.assets.iter().flat_map(|asset| &asset.closes).sum())
    }
}

struct Slices<'w> {
    grouped: &'w Grouped,
    known: usize,
}

impl Access for Slices<'_> {
    fn moments(&self) -> usize {
        self.grouped.moments
    }

    fn assets(&self) -> usize {
        self.grouped.assets.len()
    }

    #[inline]
    fn at(&mut self, known: usize) {
        self.known = known;
    }

    #[inline]
    fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])> {
        let known = self.grouped.assets[asset].known(self.known)?;
        let last = |bars: usize| &known[known.len().saturating_sub(bars)..];
        Some((last(FAST), last(SLOW)))
    }
}

/// The floor: preloaded, no gaps, raw slices, no check but the slices' own.
#[derive(Clone)]
pub struct IdealWorker {
    moments: usize,
    assets: Vec<(usize, Vec<f64>)>,
}

impl IdealWorker {
    /// Takes data that is grouped already; nothing where an asset has gaps or ends early, for which raw slices do not do.
    pub fn new(grouped: &Grouped) -> Option<Self> {
        let raw = |asset: &Asset| asset.rows.is_none().then(|| (asset.listed, asset.closes.clone()));
        let assets = grouped.assets.iter().map(raw).collect::<Option<_>>()?;
        Some(Self { moments: grouped.moments, assets })
    }
}

impl Worker for IdealWorker {
    fn moments(&self) -> usize {
        self.moments
    }

    fn trial(
        &mut self,
        trial: Trial,
        scratch: &mut Scratch,
        observer: &mut impl Observer,
    ) -> anyhow::Result<TrialResult> {
        Ok(run_trial(&mut RawSlices { worker: self, known: 0 }, trial, scratch, observer))
    }

    fn read_everything(&mut self) -> anyhow::Result<f64> {
        Ok(self.assets.iter().flat_map(|(_, closes)| closes).sum())
    }
}

struct RawSlices<'w> {
    worker: &'w IdealWorker,
    known: usize,
}

impl Access for RawSlices<'_> {
    fn moments(&self) -> usize {
        self.worker.moments
    }

    fn assets(&self) -> usize {
        self.worker.assets.len()
    }

    #[inline]
    fn at(&mut self, known: usize) {
        self.known = known;
    }

    #[inline]
    fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])> {
        let (listed, closes) = &self.worker.assets[asset];
        let end = self.known.saturating_sub(*listed);
        if end == 0 {
            return None;
        }
        Some((&closes[end.saturating_sub(FAST)..end], &closes[end.saturating_sub(SLOW)..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_with_gaps_gives_bars_only_where_it_has_them() {
        let asset = Asset::new(vec![(4, 1.0), (2, 0.5)], &[1, 2, 3, 4, 5]);
        let known: Vec<_> = (0..=5).map(|known| asset.known(known).map(<[f64]>::len)).collect();
        assert_eq!(known, [None, None, Some(1), None, Some(2), None]);
    }
}
