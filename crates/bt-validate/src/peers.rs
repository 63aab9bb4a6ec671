//! Whether the baseline is fair: naive's data access against the same in polars, where Python has it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::arms::NaiveWorker;
use crate::data::Dataset;
use crate::stats::median;

/// The data access of one backtest on the same file, in seconds: medians over rounds that were run one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Access {
    /// The naive arm's: asset list, filter, decimals to floats.
    pub naive_seconds: f64,
    /// Polars': asset list and filter; its prices were floats already.
    pub polars_seconds: f64,
}

impl Access {
    /// Whether the baseline is at least as fast as the rival.
    pub fn is_fair(&self) -> bool {
        self.naive_seconds <= self.polars_seconds
    }
}

/// Measures both.
///
/// # Errors
/// With the reason why there is nothing to compare with.
pub fn access(root: &Path, dataset: &Dataset, rounds: usize) -> anyhow::Result<Access> {
    let python = std::env::var_os("BT_PYTHON").context("no Python with polars is at hand")?;
    let script = root.join("benches").join("peers").join("access.py");
    let output = Command::new(python).arg(script).arg(&dataset.parquet).arg(rounds.to_string()).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let polars: Vec<f64> = serde_json::from_slice(&output.stdout).context("read what the script printed")?;
    let worker = NaiveWorker::load(dataset)?;
    let backtests: Vec<f64> = (0..rounds).map(|_| backtest(&worker).as_secs_f64()).collect();
    Ok(Access { naive_seconds: median(&backtests), polars_seconds: median(&polars) })
}

fn backtest(worker: &NaiveWorker) -> Duration {
    let begin = Instant::now();
    std::hint::black_box(worker.read_last_closes());
    begin.elapsed()
}
