//! Our side of `cargo xtask bench --peers`: the sweep of the Python peers, in turns.
//!
//! ```text
//! sweep_turns DATA_FOLDER SET
//! ```
//!
//! Reads `SET.npy` (rows × 5, by asset) and `SET.lens.npy` (bars of each asset) as `peers/gen_data.py` writes them. Then each line
//! on standard input is a number of sweeps to run, answered by one JSON line: `{"wall": s, "cpu": s, "sum": …}`, seconds of all of
//! them and the sum of returns over all pairs and assets. Each is a sweep of the engine, with two workers.
#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use bt_benches::npy;
use bt_core::{BundleName, Frequency, Timestamp};
use bt_sweep::bt_layers::{Layers, OptimizationConfig, Options};
use bt_sweep::search::Grid;
use bt_sweep::vectorised::{SmaCrossover, Vectorised};
use bt_sweep::{Engine, EngineOptions, Objective, Space, Sweep};
use bt_testkit::{AssetData, FakeSource, MarketData};
use serde_json::json;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, set] = &arguments[..] else {
        return Err(format!("takes a folder and a set, got {arguments:?}"));
    };
    let name: BundleName = set.parse().map_err(|error| format!("{error}"))?;
    let source = FakeSource::default();
    source.publish(&name, &market(&PathBuf::from(folder), set)?);
    let layers = Layers::over_bundles(&OptimizationConfig::default(), Options::default(), source);
    let layers = layers.map_err(|error| error.to_string())?;
    let options = EngineOptions { workers: 2, ..EngineOptions::default() };
    let engine = Engine::new(layers, options).map_err(|error| error.to_string())?;
    let sweep = Sweep::new(Vectorised::new(SmaCrossover), name, Objective::maximize("sum_of_returns"));
    serve(|| sum(&engine, &sweep).map_err(|error| error.to_string()))
}

/// One sweep over 100 pairs of averages, as `PAIRS` of `peers/common.py`: the sum over all of them.
fn sum(engine: &Engine, sweep: &Sweep) -> bt_sweep::Result<f64> {
    let space = Space::builder().int("fast", 5, 50, 5).int("slow", 60, 150, 10).build()?;
    let result = engine.run(sweep, &mut Grid::new(space)?, &mut ())?;
    Ok(result.trials.iter().map(|trial| trial.metrics()[0]).sum())
}

/// Answers every line of standard input.
fn serve(mut sweep: impl FnMut() -> Result<f64, String>) -> Result<(), String> {
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let sweeps: usize = line.trim().parse().map_err(|error| format!("{line:?}: {error}"))?;
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let mut sum = 0.0;
        for _ in 0..sweeps {
            sum = sweep()?;
        }
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let mut out = io::stdout().lock();
        writeln!(out, "{}", json!({"wall": wall, "cpu": cpu, "sum": sum}))
            .map_err(|error| error.to_string())?;
        out.flush().map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn market(folder: &Path, set: &str) -> Result<MarketData, String> {
    let rows = npy::floats(&folder.join(format!("{set}.npy")))?;
    let lens = npy::integers(&folder.join(format!("{set}.lens.npy")))?;
    let longest = lens.iter().copied().max().unwrap_or(0);
    let mut rest = rows.as_slice();
    let asset = |(rank, &len): (usize, &i64)| {
        let bars;
        (bars, rest) = rest.split_at_checked(len as usize * 5).ok_or("fewer rows than bars")?;
        // All end on the same day.
        let days = (longest - len..longest).map(|day| Timestamp::from_nanos(day * 86_400_000_000_000));
        let column = |column: usize| bars.chunks(5).map(|row| row[column]).collect();
        Ok(AssetData {
            name: format!("A{rank:04}"),
            timestamps: days.collect(),
            columns: std::array::from_fn(column),
        })
    };
    let assets = lens.iter().enumerate().map(asset).collect::<Result<_, String>>()?;
    Ok(MarketData { frequency: Frequency::Daily, assets })
}

/// CPU time of all threads of this process.
#[cfg(unix)]
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Unknown: rounds cannot be told apart by it.
#[cfg(not(unix))]
fn cpu_seconds() -> f64 {
    f64::NAN
}
