//! What is measured in a process of its own: a task goes in as JSON, its outcome comes back as JSON.
//!
//! Rounds are spread over processes so that an effect which belongs to one process (where its memory happened to lie)
//! shows; memory is measured in processes so that an arm's peak is its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::arms::Layering;
use crate::data::Dataset;
use crate::faults::Fault;
use crate::sweeps::pool::{self, Contest};
use crate::sweeps::scaling;
use crate::turn::{Arm, Turn, turn};
use crate::workloads::{Set, Workload};
use crate::{pairs, workers};

/// Where a child finds the data, and how long a turn lasts at least.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// The folder that [`prepare`](crate::data::prepare) filled.
    pub folder: PathBuf,
    /// Least length of a turn, in milliseconds.
    pub turn_millis: u64,
    /// Turns of an arm in a round, unless it takes longer than so many least turns.
    pub passes: u32,
    /// What the arm of all layers gets wrong on purpose.
    pub fault: Option<Fault>,
}

impl Setting {
    /// Least length of a turn.
    pub fn turn(&self) -> Duration {
        Duration::from_millis(self.turn_millis)
    }

    /// What runs in an arm's name: the arm, with the fault if it is the one that has it.
    pub fn faulty(&self, arm: Arm) -> Arm {
        match (arm, self.fault) {
            (Arm::MAPPED, Some(Fault::Same)) => Arm::Naive,
            (Arm::Layers(layering), fault @ Some(_)) if layering.mapped => {
                Arm::Layers(Layering { fault, ..layering })
            }
            _ => arm,
        }
    }

    /// A data set in the folder.
    pub fn dataset(&self, set: Set) -> Dataset {
        Dataset::at(&self.folder, set)
    }
}

/// What a child does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// Turns of arms on a workload, in random order within each round.
    Rounds {
        /// The workload's id.
        workload: String,
        /// The arms' names.
        arms: Vec<String>,
        /// How many rounds.
        rounds: usize,
        /// Seed of the order.
        seed: u64,
    },
    /// Turns of the pairs of Layers 1 and 2.
    Pairs {
        /// How many rounds.
        rounds: usize,
        /// Seed of the order.
        seed: u64,
    },
    /// Workers' starts in threads, pooled and each on its own.
    ThreadStarts {
        /// The set's name.
        set: String,
        /// How many rounds.
        rounds: usize,
        /// Seed of the order.
        seed: u64,
    },
    /// Workers' starts as processes, pooled and each on its own.
    ProcessStarts {
        /// The set's name.
        set: String,
        /// How many rounds.
        rounds: usize,
        /// Seed of the order.
        seed: u64,
    },
    /// Runs an arm, then tells its peak resident set.
    Peak {
        /// The set's name.
        set: String,
        /// The arm's name.
        arm: String,
    },
    /// Gets data ready, says so, and waits for a line.
    Hold {
        /// The set's name.
        set: String,
        /// The arm's name.
        arm: String,
        /// Whether to read every column before saying so.
        touch: bool,
    },
    /// Opens a bundle as a copy of its own, reads it, says so, and waits for a line.
    HoldCopy {
        /// The set's name.
        set: String,
    },
    /// Rounds of a new pool for each batch against one pool for all.
    Pools {
        /// What is compared.
        contest: Contest,
        /// How many rounds.
        rounds: usize,
        /// Seed of the order.
        seed: u64,
    },
    /// A worker of a pool: runs the trials of each line of its input.
    Serve {
        /// The set's name.
        set: String,
    },
    /// Rounds of an engine with one worker against one with two.
    Scaling {
        /// How many rounds.
        rounds: usize,
        /// Seed of the order.
        seed: u64,
    },
    /// Runs a share of a sweep.
    Sweep {
        /// The workload's id.
        workload: String,
        /// The arm's name.
        arm: String,
        /// The first trial.
        from: usize,
        /// One past the last.
        to: usize,
    },
}

/// One round: each arm's turns in it as one, by name.
pub type RoundOfTurns = BTreeMap<String, Turn>;

/// Runs a task and prints its outcome to standard output.
///
/// # Errors
/// Whatever the task meets.
pub fn run(setting: &Setting, task: &Task) -> anyhow::Result<()> {
    match task {
        Task::Rounds { workload, arms, rounds, seed } => {
            print(&rounds_of(setting, workload, arms, *rounds, *seed)?)
        }
        Task::Pairs { rounds, seed } => print(&pairs::rounds(setting, *rounds, *seed)?),
        Task::ThreadStarts { set, rounds, seed } => {
            print(&workers::thread_starts(&dataset(setting, set)?, *rounds, *seed)?)
        }
        Task::ProcessStarts { set, rounds, seed } => {
            print(&workers::process_starts(setting, set_named(set)?, *rounds, *seed)?)
        }
        Task::Peak { set, arm } => print(&workers::peak(&dataset(setting, set)?, arm_named(setting, arm)?)?),
        Task::Hold { set, arm, touch } => {
            workers::hold(&dataset(setting, set)?, arm_named(setting, arm)?, *touch)
        }
        Task::HoldCopy { set } => workers::hold_copy(&dataset(setting, set)?),
        Task::Pools { contest, rounds, seed } => print(&pool::rounds(setting, *contest, *rounds, *seed)?),
        Task::Serve { set } => pool::serve(setting, set_named(set)?),
        Task::Scaling { rounds, seed } => print(&scaling::rounds(setting, *rounds, *seed)?),
        Task::Sweep { workload, arm, from, to } => {
            let workload = workload_named(workload)?;
            workers::sweep(&setting.dataset(workload.set), workload, arm_named(setting, arm)?, *from..*to)
        }
    }
}

fn print(outcome: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(outcome)?);
    Ok(())
}

fn dataset(setting: &Setting, set: &str) -> anyhow::Result<Dataset> {
    Ok(setting.dataset(set_named(set)?))
}

fn set_named(name: &str) -> anyhow::Result<Set> {
    Set::ALL
        .into_iter()
        .find(|known| known.name() == name)
        .with_context(|| format!("there is no set {name:?}"))
}

fn arm_named(setting: &Setting, name: &str) -> anyhow::Result<Arm> {
    Arm::named(name).map(|arm| setting.faulty(arm)).with_context(|| format!("there is no arm {name:?}"))
}

fn workload_named(id: &str) -> anyhow::Result<&'static Workload> {
    Workload::named(id).with_context(|| format!("there is no workload {id:?}"))
}

fn rounds_of(
    setting: &Setting,
    workload: &str,
    arms: &[String],
    rounds: usize,
    seed: u64,
) -> anyhow::Result<Vec<RoundOfTurns>> {
    let workload = workload_named(workload)?;
    let dataset = setting.dataset(workload.set);
    let named = |name: &String| anyhow::Ok((name.clone(), arm_named(setting, name)?));
    let arms = arms.iter().map(named).collect::<anyhow::Result<Vec<_>>>()?;
    for &(_, arm) in &arms {
        turn(arm, &dataset, workload, Duration::ZERO)?;
    }
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..rounds).map(|_| round(setting, workload, &arms, &mut rng)).collect()
}

/// Passes in which the arms take turns in random order; an arm that has had the round's time sits the rest out.
fn round(
    setting: &Setting,
    workload: &Workload,
    arms: &[(String, Arm)],
    rng: &mut fastrand::Rng,
) -> anyhow::Result<RoundOfTurns> {
    let dataset = setting.dataset(workload.set);
    let time = f64::from(setting.passes) * setting.turn().as_secs_f64();
    let mut turns: Vec<Vec<Turn>> = vec![Vec::new(); arms.len()];
    for _ in 0..setting.passes {
        let took =
            |arm: usize| turns[arm].iter().map(|turn| turn.sweep_seconds(turn.trials_run)).sum::<f64>();
        let mut order: Vec<usize> = (0..arms.len()).filter(|&arm| took(arm) < time).collect();
        rng.shuffle(&mut order);
        for arm in order {
            turns[arm].push(turn(arms[arm].1, &dataset, workload, setting.turn())?);
        }
    }
    Ok(arms.iter().zip(&turns).map(|((name, _), turns)| (name.clone(), Turn::median(turns))).collect())
}

/// This program again, with a task.
///
/// # Errors
/// Where this program's own path is not known.
pub fn command(setting: &Setting, task: &Task) -> anyhow::Result<Command> {
    command_of(&std::env::current_exe().context("find this program")?, setting, task)
}

/// A copy of this program, with a task.
///
/// # Errors
/// Where the task cannot be written down.
pub fn command_of(program: &Path, setting: &Setting, task: &Task) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command.arg(CHILD).arg(serde_json::to_string(setting)?).arg(serde_json::to_string(task)?);
    Ok(command)
}

/// The first argument of a child.
pub const CHILD: &str = "--child";

/// Runs a task in a child and reads its outcome.
///
/// # Errors
/// Where the child cannot be started, fails, or prints something else; with what it said.
pub fn outcome<T: for<'de> Deserialize<'de>>(setting: &Setting, task: &Task) -> anyhow::Result<T> {
    let output = command(setting, task)?.output().context("start a child process")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{task:?} failed ({}): {}", output.status, said.trim());
    serde_json::from_slice(&output.stdout).with_context(|| format!("read the outcome of {task:?}"))
}
