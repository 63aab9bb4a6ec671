//! Workers as threads and as processes: how fast they start, what they hold.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use bt_bundle::{OpenMode, OpenOptions, Store};
use bt_core::BundleSource;
use serde::{Deserialize, Serialize};

use crate::arms::layered::read_all;
use crate::arms::{NaiveWorker, Scratch, Worker};
use crate::data::Dataset;
use crate::proc;
use crate::stats::Round;
use crate::strategy::Unobserved;
use crate::task::{Setting, Task, command, command_of};
use crate::turn::{Arm, Job, Started};
use crate::workloads::{Set, Workload, share};

/// Workers whose starts are compared.
pub const WORKERS: usize = 8;

/// One round of starts, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Starts {
    /// A worker that loads the Parquet file itself, the mean over the workers.
    pub own_seconds: f64,
    /// A pooled worker after the first load, the mean over the workers.
    pub pooled_seconds: f64,
    /// The first load, which the pool cannot save.
    pub first_load_seconds: f64,
}

/// Starts workers in threads, all at once; pooled and each on its own, in random order.
///
/// # Errors
/// Where a worker cannot get its data.
pub fn thread_starts(dataset: &Dataset, rounds: usize, seed: u64) -> anyhow::Result<Vec<Starts>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    thread_round(dataset, true)?;
    (0..rounds).map(|_| thread_round(dataset, rng.bool())).collect()
}

fn thread_round(dataset: &Dataset, own_first: bool) -> anyhow::Result<Starts> {
    let own = || mean_start(|| NaiveWorker::load(dataset).map(|worker| worker.moments()));
    let before = own_first.then(own).transpose()?;
    let (first_load_seconds, pooled_seconds) = pooled_starts(dataset)?;
    let own_seconds = before.map_or_else(own, Ok)?;
    Ok(Starts { own_seconds, pooled_seconds, first_load_seconds })
}

/// The first load, and the mean start of the workers after it.
fn pooled_starts(dataset: &Dataset) -> anyhow::Result<(f64, f64)> {
    let Started::Layers(layers) = Arm::MAPPED.start(dataset)? else { unreachable!("it is made of layers") };
    let begin = Instant::now();
    let first = layers.worker()?;
    let first_load_seconds = begin.elapsed().as_secs_f64();
    let pooled_seconds = mean_start(|| layers.worker().map(|worker| worker.moments()))?;
    drop(first);
    Ok((first_load_seconds, pooled_seconds))
}

/// The mean time from a thread's first instruction to its data being ready, all threads going together.
fn mean_start(ready: impl Fn() -> anyhow::Result<usize> + Sync) -> anyhow::Result<f64> {
    let together = Barrier::new(WORKERS);
    let start = || {
        together.wait();
        let begin = Instant::now();
        let moments = ready()?;
        let took = begin.elapsed();
        std::hint::black_box(moments);
        anyhow::Ok(took)
    };
    let times: Vec<Duration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(start)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic in a worker"))
            .collect::<anyhow::Result<_>>()
    })?;
    Ok(times.iter().sum::<Duration>().as_secs_f64() / WORKERS as f64)
}

/// Peak resident set of this process after an arm has run two trials, in bytes; none where the system does not tell.
///
/// # Errors
/// Whatever the arm meets.
pub fn peak(dataset: &Dataset, arm: Arm) -> anyhow::Result<Option<u64>> {
    let workload = Workload::on(dataset.set);
    arm.start(dataset)?.work(&mut Trials { workload, trials: 0..2 })?;
    Ok(proc::bytes("/proc/self/status", "VmHWM"))
}

struct Trials<'t> {
    workload: &'t Workload,
    trials: Range<usize>,
}

impl Job for Trials<'_> {
    type Output = ();

    fn run<W: Worker>(&mut self, mut make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<()> {
        let mut worker = make()?;
        let (mut scratch, moments) = (Scratch::new(), worker.moments());
        for trial in self.trials.clone() {
            let trial = self.workload.trial(trial, moments);
            std::hint::black_box(worker.trial(trial, &mut scratch, &mut Unobserved)?);
        }
        Ok(())
    }
}

/// Runs a share of a sweep in this process.
///
/// # Errors
/// Whatever the arm meets.
pub fn sweep(dataset: &Dataset, workload: &Workload, arm: Arm, trials: Range<usize>) -> anyhow::Result<()> {
    arm.start(dataset)?.work(&mut Trials { workload, trials })
}

/// Gets the data ready (and reads all of it, if `touch`), says so, and holds it until a line comes.
///
/// # Errors
/// Whatever the arm meets.
pub fn hold(dataset: &Dataset, arm: Arm, touch: bool) -> anyhow::Result<()> {
    arm.start(dataset)?.work(&mut Hold { touch })
}

/// Opens a bundle as a copy for this process alone, reads all of it, says so, and holds it until a line comes.
///
/// # Errors
/// Where the bundle cannot be opened.
pub fn hold_copy(dataset: &Dataset) -> anyhow::Result<()> {
    let copied = OpenOptions { mode: OpenMode::Read, ..OpenOptions::default() };
    let bundle = Store::open(&dataset.store)?.with_options(copied).open(&dataset.name)?;
    std::hint::black_box(read_all(&*bundle)?);
    say_ready()
}

/// Tells the parent, and waits for its line.
fn say_ready() -> anyhow::Result<()> {
    println!("ready");
    std::io::stdout().flush()?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

struct Hold {
    touch: bool,
}

impl Job for Hold {
    type Output = ();

    fn run<W: Worker>(&mut self, mut make: impl FnMut() -> anyhow::Result<W>) -> anyhow::Result<()> {
        let mut worker = make()?;
        if self.touch {
            std::hint::black_box(worker.read_everything()?);
        }
        say_ready()
    }
}

/// A process that holds data until it is let go.
struct Holder {
    child: Child,
    ready_seconds: f64,
}

/// Starts so many holders at once and waits until all are ready.
fn holders(start: impl Fn() -> anyhow::Result<Command>, count: usize) -> anyhow::Result<Vec<Holder>> {
    let start = || {
        let mut process = start()?;
        process.stdin(Stdio::piped()).stdout(Stdio::piped());
        anyhow::Ok((Instant::now(), process.spawn().context("start a worker process")?))
    };
    let started = (0..count).map(|_| start()).collect::<anyhow::Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let wait = |(begin, mut child): (Instant, Child)| {
            let mut line = String::new();
            BufReader::new(child.stdout.take().context("its output is piped")?).read_line(&mut line)?;
            let ready_seconds = begin.elapsed().as_secs_f64();
            anyhow::ensure!(line.trim() == "ready", "a worker process said {line:?} instead of \"ready\"");
            Ok(Holder { child, ready_seconds })
        };
        let waiting: Vec<_> = started.into_iter().map(|one| scope.spawn(move || wait(one))).collect();
        waiting.into_iter().map(|thread| thread.join().expect("no panic while waiting")).collect()
    })
}

fn release(holders: Vec<Holder>) -> anyhow::Result<()> {
    for mut holder in holders {
        drop(holder.child.stdin.take());
        anyhow::ensure!(holder.child.wait()?.success(), "a worker process failed");
    }
    Ok(())
}

/// Starts workers as processes, all at once; each loading the Parquet file itself, and pooled, in random order.
///
/// # Errors
/// Where a process fails.
pub fn process_starts(setting: &Setting, set: Set, rounds: usize, seed: u64) -> anyhow::Result<Vec<Round>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut round = || {
        let (mut seconds, first) = ([0.0; 2], usize::from(rng.bool()));
        for side in [first, 1 - first] {
            seconds[side] = process_start_seconds(setting, set, [Arm::Naive, Arm::MAPPED][side])?;
        }
        anyhow::Ok(Round::from(seconds))
    };
    round()?;
    (0..rounds).map(|_| round()).collect()
}

/// The mean time from starting a process to its data being ready, [`WORKERS`] at once.
fn process_start_seconds(setting: &Setting, set: Set, arm: Arm) -> anyhow::Result<f64> {
    let task = Task::Hold { set: set.name().to_owned(), arm: arm.name(), touch: false };
    let holders = holders(|| command(setting, &task), WORKERS)?;
    let mean = holders.iter().map(|holder| holder.ready_seconds).sum::<f64>() / WORKERS as f64;
    release(holders)?;
    Ok(mean)
}

/// Total proportional set of so many processes that have read all of a set, in bytes; none where the system does not
/// tell. The task is one that says when it is ready.
///
/// # Errors
/// Where a process fails.
pub fn proportional_set(setting: &Setting, task: &Task, count: usize) -> anyhow::Result<Option<u64>> {
    // A copy of the program, so that its code is not shared with this process: of one worker alone, half would be missing.
    let program = setting.folder.join("worker");
    fs::copy(std::env::current_exe().context("find this program")?, &program).context("copy this program")?;
    let holders = holders(|| command_of(&program, setting, task), count)?;
    let pss = |holder: &Holder| proc::bytes(&format!("/proc/{}/smaps_rollup", holder.child.id()), "Pss");
    let total = holders.iter().map(pss).sum();
    release(holders)?;
    Ok(total)
}

/// Seconds for a whole sweep by so many threads, or processes.
///
/// # Errors
/// Whatever a worker meets.
pub fn sweep_by_threads(
    dataset: &Dataset,
    workload: &Workload,
    arm: Arm,
    workers: usize,
) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let started = arm.start(dataset)?;
    thread::scope(|scope| {
        let threads: Vec<_> = shares(workload.trials, workers)
            .map(|trials| scope.spawn(|| started.work(&mut Trials { workload, trials })))
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic in a worker"))
    })?;
    Ok(begin.elapsed().as_secs_f64())
}

/// As [`sweep_by_threads`], the workers being processes.
///
/// # Errors
/// Whatever a worker meets.
pub fn sweep_by_processes(
    setting: &Setting,
    workload: &Workload,
    arm: Arm,
    workers: usize,
) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let start = |trials: Range<usize>| {
        let (id, arm) = (workload.id.to_owned(), arm.name());
        let task = Task::Sweep { workload: id, arm, from: trials.start, to: trials.end };
        command(setting, &task)?.spawn().context("start a worker process")
    };
    let children = shares(workload.trials, workers).map(start).collect::<anyhow::Result<Vec<Child>>>()?;
    for mut child in children {
        anyhow::ensure!(child.wait()?.success(), "a worker process failed");
    }
    Ok(begin.elapsed().as_secs_f64())
}

fn shares(trials: usize, workers: usize) -> impl Iterator<Item = Range<usize>> {
    (0..workers).map(move |worker| share(trials, worker, workers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_every_trial_once() {
        for (trials, workers) in [(100, 8), (3, 16), (400, 1)] {
            let all: Vec<usize> = shares(trials, workers).flatten().collect();
            assert_eq!(all, (0..trials).collect::<Vec<_>>());
        }
    }
}
