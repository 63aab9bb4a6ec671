//! The pairs of Layers 1 and 2: an operation with the layer against the operation that it replaces, on the seed set.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context;
use arrow::array::{ArrayRef, AsArray, DictionaryArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt32Type};
use bt_asset_cache::{AssetListCache, AssetListKey, GroupedBars, GroupedCache, GroupedHandle, TableSource};
use bt_core::{AssetId, Bundle, Field};
use bt_dataportal::{DataPortal, Request, Window};

use crate::arms::Layering;
use crate::arms::naive::{self, NaiveWorker};
use crate::claims::id;
use crate::data::Dataset;
use crate::stats::Round;
use crate::task::Setting;
use crate::workloads::Set;

/// One round of every pair, by claim.
pub type Pairs = BTreeMap<String, Round>;

/// Runs the pairs, the sides of each in random order.
///
/// # Errors
/// Where the data cannot be read.
pub fn rounds(setting: &Setting, rounds: usize, seed: u64) -> anyhow::Result<Vec<Pairs>> {
    let bench = Bench::load(&setting.dataset(Set::Seed))?;
    let mut rng = fastrand::Rng::with_seed(seed);
    bench.round(Duration::ZERO, &mut rng)?;
    (0..rounds).map(|_| bench.round(setting.turn(), &mut rng)).collect()
}

/// One side of a pair: seconds for one operation, measured for at least so long.
type Side = fn(&Bench, Duration) -> anyhow::Result<f64>;

/// What the operations read.
struct Bench {
    dataset: Dataset,
    naive: NaiveWorker,
    dictionary: RecordBatch,
    grouped: std::sync::Arc<GroupedBars>,
    names: Vec<String>,
    ids: Vec<AssetId>,
}

impl Bench {
    fn load(dataset: &Dataset) -> anyhow::Result<Self> {
        let naive = NaiveWorker::load(dataset)?;
        let table = dataset.tables().read(&dataset.name)?;
        let grouped = std::sync::Arc::new(GroupedBars::from_table(&table)?);
        let names = grouped.assets().names().map(str::to_owned).collect();
        let ids = grouped.assets().ids().collect();
        let dictionary = with_dictionary(naive.table())?;
        Ok(Self { dataset: dataset.clone(), naive, dictionary, grouped, names, ids })
    }

    fn round(&self, least: Duration, rng: &mut fastrand::Rng) -> anyhow::Result<Pairs> {
        let mut timed = |(row, part, sides): (&str, &str, [Side; 2])| {
            let (mut seconds, first) = ([0.0; 2], usize::from(rng.bool()));
            for side in [first, 1 - first] {
                seconds[side] = sides[side](self, least)?;
            }
            Ok((id::part(row, part), seconds.into()))
        };
        PAIRS.into_iter().map(&mut timed).collect()
    }
}

/// The claims that pairs are measured for.
pub fn claims() -> impl Iterator<Item = String> {
    PAIRS.into_iter().map(|(row, part, _)| id::part(row, part))
}

/// Each claim's row and part, its base and its optimised side.
const PAIRS: [(&str, &str, [Side; 2]); 6] = [
    (id::ASSET_LIST, "", [extracted_list, cached_list]),
    (id::PRE_GROUPING, "", [filtered_asset, viewed_asset]),
    (id::PRE_GROUPING, "by-name", [filtered_asset, viewed_by_name]),
    (id::PRE_GROUPING, "dictionary", [filtered_from_dictionary, viewed_asset]),
    (id::ACCESS, "", [naive_access, layer_1_access]),
    (id::ARRAY, "", [history_as_frame, history_as_array]),
];

/// The table with its asset column as a dictionary.
fn with_dictionary(table: &RecordBatch) -> anyhow::Result<RecordBatch> {
    let keys = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    let schema = table.schema();
    let columns = schema.fields().iter().zip(table.columns()).map(|(field, column)| {
        let column: ArrayRef = if field.name() == "Ticker" { cast(column, &keys)? } else { column.clone() };
        Ok((field.name().clone(), column))
    });
    Ok(RecordBatch::try_from_iter(columns.collect::<anyhow::Result<Vec<_>>>()?)?)
}

/// Seconds for one call, repeated in growing batches for at least so long; the call says whether it did what it should.
fn per_call(least: Duration, mut call: impl FnMut(usize) -> bool) -> anyhow::Result<f64> {
    let (start, mut calls, mut batch, mut all_done) = (Instant::now(), 0, 1, true);
    loop {
        for _ in 0..batch {
            all_done &= call(calls);
            calls += 1;
        }
        let elapsed = start.elapsed();
        if elapsed >= least {
            anyhow::ensure!(all_done, "an operation that is timed failed");
            return Ok(elapsed.as_secs_f64() / calls as f64);
        }
        batch = (batch * 2).min(1 << 16);
    }
}

fn extracted_list(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    let tickers = naive::tickers(bench.naive.table());
    per_call(least, |_| !black_box(naive::asset_list(black_box(tickers))).is_empty())
}

fn cached_list(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    let cache = AssetListCache::default();
    let key = AssetListKey { name: bench.dataset.name.clone(), version: bench.grouped.version() };
    cache.get_or_load(&key, || Ok(std::sync::Arc::new(bench.grouped.assets().clone())))?;
    per_call(least, |_| black_box(cache.get(black_box(&key))).is_some())
}

fn filtered_asset(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    per_call(least, |call| {
        let bars = naive::all_columns(bench.naive.table(), &bench.names[call % bench.names.len()]);
        !black_box(bars).0.is_empty()
    })
}

fn filtered_from_dictionary(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    let keys: &DictionaryArray<UInt32Type> =
        bench.dictionary.column_by_name("Ticker").context("the asset column")?.as_dictionary();
    per_call(least, |call| {
        let rows = naive::rows_of_dictionary(keys, &bench.names[call % bench.names.len()]);
        !black_box(naive::columns_of(&bench.dictionary, rows)).0.is_empty()
    })
}

fn viewed_asset(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    let mut handle = held(bench)?;
    handle.refresh();
    let version = bench.grouped.version();
    let bars = handle.get(&version).context("it was inserted")?;
    per_call(least, |call| black_box(bars.bars(black_box(bench.ids[call % bench.ids.len()]))).is_ok())
}

fn viewed_by_name(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    let handle = held(bench)?;
    let version = bench.grouped.version();
    per_call(least, |call| {
        let name = &bench.names[call % bench.names.len()];
        let bars = handle.get(black_box(&version));
        black_box(bars.and_then(|bars| bars.bars(bars.assets().find(name)?).ok())).is_some()
    })
}

/// A worker's handle that holds the grouped bars.
fn held(bench: &Bench) -> anyhow::Result<GroupedHandle> {
    let cache = GroupedCache::default();
    let mut handle = cache.handle();
    handle.get_or_load(&bench.grouped.version(), || Ok(std::sync::Arc::clone(&bench.grouped)))?;
    Ok(handle)
}

/// Backtests of the original's workflow.
const BACKTESTS: usize = 100;

/// The data access of a whole workflow: load once, and in every backtest the asset list and every asset's closes.
/// Seconds for the workflow; what a backtest takes is measured for at least so long and scaled.
fn naive_access(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    let start = Instant::now();
    let worker = NaiveWorker::load(&bench.dataset)?;
    let loaded = start.elapsed().as_secs_f64();
    let backtest = per_call(least, |_| worker.read_last_closes().is_finite())?;
    Ok(loaded + BACKTESTS as f64 * backtest)
}

fn layer_1_access(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    let start = Instant::now();
    let shared = Layering::LAYER_1.start(&bench.dataset)?;
    let mut worker = shared.worker()?;
    let loaded = start.elapsed().as_secs_f64();
    let backtest = per_call(least, |_| worker.read_last_closes().is_ok_and(f64::is_finite))?;
    Ok(loaded + BACKTESTS as f64 * backtest)
}

fn history_as_array(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    history(bench, least, |window| black_box(window.array()).is_ok())
}

fn history_as_frame(bench: &Bench, least: Duration) -> anyhow::Result<f64> {
    history(bench, least, |window| black_box(window.frame()).is_ok())
}

/// Calls for 20 closes of one asset after the other, at one moment after the other.
fn history(bench: &Bench, least: Duration, take: impl Fn(Window<'_>) -> bool) -> anyhow::Result<f64> {
    let portal = DataPortal::new(&*bench.grouped);
    let (assets, moments) = (bench.ids.len(), portal.calendar().len());
    per_call(least, |call| {
        let request = Request::new(bench.ids[call % assets], &[Field::CLOSE], 20);
        let moment = portal.moments().nth(call / assets % moments);
        moment.and_then(|moment| moment.history(request).ok()).is_some_and(&take)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_a_claim() {
        let registry = crate::claims::Registry::standard();
        assert!(claims().all(|id| registry.get(&id).is_some()));
    }
}
