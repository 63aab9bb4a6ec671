//! Whether a sweep gives the same table on any number of workers, and however often it was interrupted.

use std::path::Path;

use anyhow::Context;
use bt_sweep::search::{Bohb, Brackets, Grid, Search};
use bt_sweep::{
    Accounting, Objective, Observer, Parameter, Progress, Space, Sweep, SweepResult, TrialRecord, strategies,
};
use sha2::{Digest, Sha256};

use super::bohb::BRACKETS;
use super::engine;
use crate::data::Dataset;
use crate::faults::Fault;
use crate::report::SameTable;

/// Numbers of workers that results must not depend on; the first is the reference's.
const WORKERS: [usize; 3] = [1, 2, 8];

/// The pairs that are swept.
const PAIRS: [&str; 2] = ["fast=5..50:5", "slow=60..150:10"];

/// The searches: one that does not learn, and one that does.
const SEARCHES: [&str; 2] = ["grid", "bohb"];

/// Runs a sweep in many ways and compares the tables; the first of each search is the reference.
///
/// # Errors
/// What the engine meets; a sweep that cannot be interrupted.
pub fn tables(
    dataset: &Dataset,
    interruptions: usize,
    seed: u64,
    fault: Option<Fault>,
) -> anyhow::Result<Vec<SameTable>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut tables = Vec::new();
    for search in SEARCHES {
        let reference = whole(dataset, search, WORKERS[0], None)?;
        let bytes = reference.trials.sorted_table_bytes();
        let table = |run: String, result: &SweepResult| {
            let found = result.trials.sorted_table_bytes();
            SameTable {
                run,
                trials: result.trials.len() as u64,
                digest: Sha256::digest(&found).iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
                is_same: found == bytes,
            }
        };
        tables.push(table(format!("{search}, on 1 worker"), &reference));
        for (place, workers) in WORKERS.into_iter().enumerate() {
            if workers != WORKERS[0] {
                let result = whole(dataset, search, workers, fault)?;
                tables.push(table(format!("{search}, on {workers} workers"), &result));
            }
            for _ in 0..interruptions {
                let others = WORKERS[(place + 1 + rng.usize(..WORKERS.len() - 1)) % WORKERS.len()];
                let (at, result) =
                    interrupted(dataset, search, [workers, others], reference.trials.len(), &mut rng)?;
                let run = format!("{search}, on {workers} until trial {at}, resumed on {others}");
                tables.push(table(run, &result));
            }
        }
    }
    Ok(tables)
}

fn whole(
    dataset: &Dataset,
    search: &str,
    workers: usize,
    fault: Option<Fault>,
) -> anyhow::Result<SweepResult> {
    let other = if fault == Some(Fault::Wrong) { ["fast=5..50:5", "slow=60..150:15"] } else { PAIRS };
    let mut search = search_of(search, other)?;
    Ok(engine(dataset, workers)?.run(&sweep(dataset)?, &mut *search, &mut ())?)
}

/// Interrupts a sweep at a random trial and resumes it with other workers: where it was, and the result.
fn interrupted(
    dataset: &Dataset,
    search: &str,
    workers: [usize; 2],
    trials: usize,
    rng: &mut fastrand::Rng,
) -> anyhow::Result<(u64, SweepResult)> {
    // What is under way when it is cancelled may be all that is left: then earlier.
    let mut most = trials as u64 - 1;
    loop {
        let folder = tempfile::tempdir().context("make a folder for a ledger")?;
        let at = rng.u64(1..=most);
        let begun = in_folder(dataset, search, workers[0], folder.path(), Some(at))?;
        if !begun.is_complete {
            return Ok((at, in_folder(dataset, search, workers[1], folder.path(), None)?));
        }
        anyhow::ensure!(at > 1, "a sweep of {trials} trials cannot be interrupted");
        most = at - 1;
    }
}

/// Runs a sweep with a ledger to its end, or until so many trials are finished; then resumes it.
fn in_folder(
    dataset: &Dataset,
    search: &str,
    workers: usize,
    folder: &Path,
    until: Option<u64>,
) -> anyhow::Result<SweepResult> {
    let sweep = Sweep { folder: Some(folder.to_owned()), resume: until.is_none(), ..sweep(dataset)? };
    let mut observer = Until { at: until.unwrap_or(u64::MAX), done: 0 };
    Ok(engine(dataset, workers)?.run(&sweep, &mut *search_of(search, PAIRS)?, &mut observer)?)
}

fn sweep(dataset: &Dataset) -> anyhow::Result<Sweep> {
    let backtest = strategies::event_driven("sma-crossover", Accounting::default())?;
    Ok(super::sweep(dataset, backtest, Objective::maximize("sharpe")))
}

fn search_of(name: &str, domains: [&str; 2]) -> anyhow::Result<Box<dyn Search>> {
    let given = domains.iter().map(|text| text.parse()).collect::<bt_sweep::Result<Vec<Parameter>>>()?;
    let space: Space = strategies::find("sma-crossover")?.space(given)?;
    Ok(match name {
        "grid" => Box::new(Grid::new(space)?),
        _ => Box::new(Bohb::new(space, 1, Brackets { rounds: 2, ..BRACKETS })?),
    })
}

/// Cancels a sweep once so many trials are finished.
struct Until {
    at: u64,
    done: u64,
}

impl Observer for Until {
    fn finished(&mut self, _trial: &TrialRecord, progress: &Progress) {
        self.done = progress.done;
    }

    fn is_cancelled(&mut self) -> bool {
        self.done >= self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::prepare;
    use crate::report::Mode;
    use crate::workloads::Set;

    fn tables_of_micro(fault: Option<Fault>) -> Vec<SameTable> {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        prepare(&data, folder.path(), &[Set::Micro], Mode::Quick).unwrap();
        tables(&Dataset::at(&data, Set::Micro), 1, 7, fault).unwrap()
    }

    #[test]
    fn every_way_to_run_a_sweep_gives_the_same_table() {
        let found = tables_of_micro(None);
        let interrupted = found.iter().filter(|table| table.run.contains("resumed on"));
        assert_eq!((found.len(), interrupted.count()), (12, 6));
        assert!(found.iter().all(|table| table.is_same && table.trials > 0), "{found:?}");
    }

    #[test]
    fn a_run_of_another_space_is_found() {
        let others = tables_of_micro(Some(Fault::Wrong)).into_iter().filter(|table| !table.is_same);
        assert_eq!(others.count(), 4, "two numbers of workers, two searches");
    }
}
