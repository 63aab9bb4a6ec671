//! One pool of workers for all batches against a new one for each, as threads and as processes.

use std::io::{BufRead, BufReader, Lines, Write};
use std::ops::Range;
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::banded::{self, Results};
use super::{duel, engine};
use crate::arms::{Scratch, Worker};
use crate::equivalence::ArmsDiffer;
use crate::faults::Fault;
use crate::report::WorkerKind;
use crate::stats::Round;
use crate::strategy::Unobserved;
use crate::task::{Setting, Task, command};
use crate::turn::{Arm, Job};
use crate::workloads::{Set, Workload};

/// Batches, one after the other.
const BATCHES: usize = 5;
/// Trials of each.
const TRIALS: usize = 20;

/// What a pool is compared on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// What a worker is.
    pub kind: WorkerKind,
    /// On production instead of the seed set.
    pub on_production: bool,
    /// How many of them.
    pub workers: usize,
}

impl Contest {
    /// The data.
    pub fn set(self) -> Set {
        if self.on_production { Set::Production } else { Set::Seed }
    }

    /// What its workers are called.
    pub fn name(self) -> &'static str {
        match self.kind {
            WorkerKind::Threads => "threads",
            WorkerKind::Processes => "processes",
        }
    }
}

/// Rounds of a new pool for each batch against one pool for all.
///
/// # Errors
/// Where a worker fails.
pub fn rounds(setting: &Setting, contest: Contest, rounds: usize, seed: u64) -> anyhow::Result<Vec<Round>> {
    let base = || renewed(setting, contest).map(drop);
    let optimised = || match setting.fault {
        Some(Fault::Same) => base(),
        Some(Fault::Slow) => (0..5).try_for_each(|_| persistent(setting, contest).map(drop)),
        _ => persistent(setting, contest).map(drop),
    };
    duel::rounds(setting.passes, setting.turn(), rounds, seed, [&base, &optimised])
}

/// Whether both ways give the bits of the ideal arm.
///
/// # Errors
/// [`ArmsDiffer`]; where a worker fails.
pub fn check(setting: &Setting, contest: Contest) -> anyhow::Result<()> {
    let ideal = Arm::Ideal.start(&setting.dataset(contest.set()))?;
    let expected = ideal.work(&mut Expected)?;
    for (way, found) in
        [("one pool", persistent(setting, contest)?), ("new pools", renewed(setting, contest)?)]
    {
        if let Some((trial, _)) = expected.iter().find(|(trial, bits)| found.get(trial) != Some(bits)) {
            let kind = contest.name();
            let differs = format!("{way} of {kind} differs from ideal in trial {trial}");
            return Err(ArmsDiffer::new(differs).into());
        }
    }
    Ok(())
}

/// The results of raw slices.
struct Expected;

impl Job for Expected {
    type Output = Results;

    fn run<W: Worker>(&mut self, mut make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<Results> {
        let (mut worker, mut scratch) = (make()?, Scratch::new());
        let (moments, workload) = (worker.moments(), Workload { trials: BATCHES * TRIALS, ..*plain() });
        let mut result = |trial| {
            let result = worker.trial(workload.trial(trial, moments), &mut scratch, &mut Unobserved)?;
            Ok((trial, result.bits()))
        };
        (0..workload.trials).map(&mut result).collect()
    }
}

/// A workload over the whole calendar.
fn plain() -> &'static Workload {
    Workload::on(Set::Seed)
}

/// One pool for all batches.
fn persistent(setting: &Setting, contest: Contest) -> anyhow::Result<Results> {
    let mut pool = Pool::start(setting, contest)?;
    // Other bands are another result: what the check before the times must find.
    let shift = usize::from(setting.fault == Some(Fault::Wrong));
    let batches = (0..BATCHES).map(|batch| {
        let Range { start, end } = trials_of(batch);
        let results = pool.run(start + shift..end + shift)?;
        anyhow::Ok(results.into_iter().map(move |(trial, bits)| (trial - shift, bits)))
    });
    let results = batches.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect();
    pool.end()?;
    Ok(results)
}

/// A pool for each batch, which ends before the next begins.
fn renewed(setting: &Setting, contest: Contest) -> anyhow::Result<Results> {
    let mut all = Results::new();
    for batch in 0..BATCHES {
        let mut pool = Pool::start(setting, contest)?;
        all.extend(pool.run(trials_of(batch))?);
        pool.end()?;
    }
    Ok(all)
}

fn trials_of(batch: usize) -> Range<usize> {
    batch * TRIALS..(batch + 1) * TRIALS
}

/// Workers that wait for batches.
enum Pool {
    Threads(Box<bt_sweep::Engine>, Box<bt_sweep::Sweep>),
    Processes(Vec<Process>),
}

struct Process {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Pool {
    fn start(setting: &Setting, contest: Contest) -> anyhow::Result<Self> {
        let dataset = setting.dataset(contest.set());
        if contest.kind == WorkerKind::Threads {
            let sweep = banded::sweep(&dataset);
            return Ok(Self::Threads(Box::new(engine(&dataset, contest.workers)?), Box::new(sweep)));
        }
        let task = Task::Serve { set: contest.set().name().to_owned() };
        (0..contest.workers)
            .map(|_| Process::start(setting, &task))
            .collect::<anyhow::Result<_>>()
            .map(Self::Processes)
    }

    fn run(&mut self, trials: Range<usize>) -> anyhow::Result<Results> {
        match self {
            Self::Threads(engine, sweep) => banded::run(engine, sweep, BATCHES * TRIALS, trials),
            Self::Processes(processes) => {
                let workers = processes.len();
                for (worker, process) in processes.iter_mut().enumerate() {
                    process.ask(&trials.clone().skip(worker).step_by(workers).collect::<Vec<_>>())?;
                }
                let answers = processes.iter_mut().map(Process::answer);
                Ok(answers.collect::<anyhow::Result<Vec<Results>>>()?.into_iter().flatten().collect())
            }
        }
    }

    fn end(self) -> anyhow::Result<()> {
        let Self::Processes(mut processes) = self else { return Ok(()) };
        // All are told before one is waited for.
        processes.iter_mut().for_each(|process| drop(process.child.stdin.take()));
        processes.iter_mut().try_for_each(|process| {
            ensure!(process.child.wait()?.success(), "a worker process failed");
            Ok(())
        })
    }
}

impl Process {
    fn start(setting: &Setting, task: &Task) -> anyhow::Result<Self> {
        let mut command = command(setting, task)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("start a worker process")?;
        let answers = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        Ok(Self { child, answers })
    }

    fn ask(&mut self, trials: &[usize]) -> anyhow::Result<()> {
        let line = serde_json::to_string(trials)? + "\n";
        let input = self.child.stdin.as_mut().context("its input is open")?;
        input.write_all(line.as_bytes()).context("give a worker process its trials")
    }

    fn answer(&mut self) -> anyhow::Result<Results> {
        let line = self.answers.next().context("a worker process ended before it answered")??;
        serde_json::from_str(&line).with_context(|| format!("read a worker's answer {line:?}"))
    }
}

/// A worker process: runs the trials of each line on standard input and answers with a line of results, until there is no
/// more.
///
/// # Errors
/// Where the data cannot be had or a trial fails.
pub fn serve(setting: &Setting, set: Set) -> anyhow::Result<()> {
    let dataset = setting.dataset(set);
    let (engine, sweep) = (engine(&dataset, 1)?, banded::sweep(&dataset));
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let trials: Vec<usize> = serde_json::from_str(&line?)?;
        let results = if trials.is_empty() {
            Results::new()
        } else {
            banded::run(&engine, &sweep, BATCHES * TRIALS, trials)?
        };
        writeln!(output, "{}", serde_json::to_string(&results)?)?;
        output.flush()?;
    }
    Ok(())
}

/// The comparisons that there are, by the part of the claim's id.
pub const CONTESTS: [(&str, Contest); 6] = {
    const SEED: Contest = Contest { kind: WorkerKind::Processes, on_production: false, workers: 8 };
    const THREADS: Contest = Contest { kind: WorkerKind::Threads, ..SEED };
    [
        ("processes", SEED),
        ("threads", THREADS),
        ("processes.production", Contest { on_production: true, ..SEED }),
        ("threads.production", Contest { on_production: true, ..THREADS }),
        ("processes.two-workers", Contest { workers: 2, ..SEED }),
        ("threads.two-workers", Contest { workers: 2, ..THREADS }),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::{Registry, id};

    #[test]
    fn every_contest_is_a_claim_and_every_claim_of_a_pool_a_contest() {
        let registry = Registry::standard();
        let ids = CONTESTS.map(|(part, _)| id::part(id::POOL, part));
        assert!(ids.iter().all(|id| registry.get(id).is_some()));
        let claims =
            registry.claims().iter().filter(|claim| claim.id.starts_with(id::POOL) && !claim.is_whole());
        assert_eq!(claims.count(), CONTESTS.len());
    }

    #[test]
    fn batches_cover_every_trial_once() {
        let all: Vec<usize> = (0..BATCHES).flat_map(trials_of).collect();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }
}
