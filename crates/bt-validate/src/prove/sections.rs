//! The parts of the report that come from arms' turns.

use std::collections::BTreeMap;

use super::{Run, progress};
use crate::collect::Collected;
use crate::gate::{Candidate, Gate, Remaining, Rule, decide, evaluate};
use crate::report::{ArmTime, BreakEven, ClaimResult, Curve, Point, Scaling, WorkerKind, WorkloadTimes};
use crate::stats::Interval;
use crate::task::RoundOfTurns;
use crate::turn::{Arm, Turn};
use crate::workers;
use crate::workloads::{Set, Workload};

/// The points of the break-even curve, in trials.
const TRIALS: [u32; 8] = [1, 2, 5, 10, 25, 50, 100, 400];

/// The numbers of workers of the scaling curve.
const WORKERS: [u32; 5] = [1, 2, 4, 8, 16];

impl Run<'_> {
    pub(super) fn workload_times(&self) -> anyhow::Result<Vec<WorkloadTimes>> {
        let constancy = |workload: &Workload, arm: &str| {
            self.constancy
                .iter()
                .find(|((id, name), _)| *id == workload.id && name == arm)
                .map(|(_, ratio)| *ratio)
        };
        let times = |(workload, collected): &(&'static Workload, Collected<RoundOfTurns>)| {
            times(workload, &collected.rounds, |arm| constancy(workload, arm))
        };
        self.turns.iter().map(times).collect()
    }

    fn production(&self) -> Option<&[RoundOfTurns]> {
        let found = self.turns.iter().find(|(workload, _)| workload.id == "production");
        found.map(|(_, collected)| collected.rounds.as_slice())
    }

    /// What a sweep costs by its number of trials, from what getting ready and a trial took.
    pub(super) fn break_even(&self) -> Option<BreakEven> {
        let rounds = self.production()?;
        let ingestion = self.ingestions.iter().find(|ingestion| ingestion.set == Set::Production)?;
        let curve = |arm: Arm| {
            let point = |&x: &u32| Some(Point { x, seconds: sweep(rounds, &arm.name(), x as usize)? });
            Some(Curve { arm: arm.name(), points: TRIALS.iter().map(point).collect::<Option<_>>()? })
        };
        let curves =
            [Arm::Naive, Arm::Careful, Arm::MAPPED].into_iter().map(curve).collect::<Option<Vec<_>>>()?;
        Some(BreakEven::new("production", curves, Some(ingestion.elapsed.as_secs_f64())))
    }

    /// The gate, with the layers evaluated one after the other.
    pub(super) fn gate(&self, claims: &[ClaimResult]) -> Option<Gate> {
        let saved = claims.iter().find(|claim| claim.id == "total.time_saved.production")?.interval()?;
        let rounds = self.production()?;
        let workload = Workload::named("production")?;
        let mapped: Vec<&Turn> = rounds.iter().filter_map(|round| round.get(&Arm::MAPPED.name())).collect();
        let mean =
            |of: fn(&Turn) -> f64| mapped.iter().map(|turn| of(turn)).sum::<f64>() / mapped.len() as f64;
        let remaining = Remaining {
            opening_seconds: mean(|turn| turn.ready_seconds),
            worker_start_seconds: THREAD_START_SECONDS,
            trial_seconds: mean(|turn| turn.trial_seconds) * workload.trials as f64,
        };
        let mut gate = decide(&Rule::default(), saved, &remaining);
        gate.evaluation = Some(evaluate(&Rule::default(), &candidates(rounds, workload)));
        Some(gate)
    }

    /// How a production sweep spreads over workers.
    pub(super) fn scale(&mut self) -> anyhow::Result<()> {
        let Some(workload) = Workload::named("production").filter(|_| self.production().is_some()) else {
            return Ok(());
        };
        let dataset = self.setting.dataset(workload.set);
        let repeats = if self.is_quick() { 3 } else { 7 };
        for kind in [WorkerKind::Threads, WorkerKind::Processes] {
            progress(&format!("production: the sweep by 1 to 16 {}", format!("{kind:?}").to_lowercase()));
            let mut points = Vec::new();
            for x in WORKERS {
                let once = || match kind {
                    WorkerKind::Threads => {
                        workers::sweep_by_threads(&dataset, workload, Arm::MAPPED, x as usize)
                    }
                    WorkerKind::Processes => {
                        workers::sweep_by_processes(&self.setting, workload, Arm::MAPPED, x as usize)
                    }
                };
                let seconds = (0..repeats).map(|_| once()).collect::<anyhow::Result<Vec<f64>>>()?;
                points.push(Point { x, seconds: Interval::of_geometric_mean(&seconds)? });
            }
            let curves = vec![Curve { arm: Arm::MAPPED.name(), points }];
            self.scaling.push(Scaling { workers: kind, workload: workload.id.to_owned(), curves });
        }
        Ok(())
    }
}

/// Starting a thread without data, as a rule of thumb; it only ranks the heavy operations.
const THREAD_START_SECONDS: f64 = 3e-5;

/// The layers in their order, each against what stood before it.
fn candidates(rounds: &[RoundOfTurns], workload: &Workload) -> Vec<Candidate> {
    let steps = [("Layer 1", "none", "l1"), ("Layer 2", "l1", "l1+l2"), ("Layer 3", "l1+l2", "l1+l2+l3")];
    let candidate = |(name, before, after): (&str, &str, &str)| {
        let ratio = |round: &RoundOfTurns| {
            let seconds = |arm: &str| round.get(arm).map(|turn| turn.sweep_seconds(workload.trials));
            Some(seconds(after)? / seconds(before)?)
        };
        let ratios: Vec<f64> = rounds.iter().filter_map(ratio).collect();
        let saved = Interval::of_geometric_mean(&ratios).ok()?.map(|ratio| 1.0 - ratio);
        Some(Candidate { name: name.to_owned(), time_saved: saved })
    };
    steps.into_iter().filter_map(candidate).collect()
}

fn sweep(rounds: &[RoundOfTurns], arm: &str, trials: usize) -> Option<Interval> {
    let seconds: Vec<f64> =
        rounds.iter().filter_map(|round| Some(round.get(arm)?.sweep_seconds(trials))).collect();
    Interval::of_geometric_mean(&seconds).ok()
}

fn times(
    workload: &Workload,
    rounds: &[RoundOfTurns],
    constancy: impl Fn(&str) -> Option<f64>,
) -> anyhow::Result<WorkloadTimes> {
    let mut turns: BTreeMap<&str, Vec<&Turn>> = BTreeMap::new();
    for (arm, turn) in rounds.iter().flatten() {
        turns.entry(arm).or_default().push(turn);
    }
    let mut arms = turns
        .into_iter()
        .map(|(arm, turns)| arm_time(workload, arm, &turns, constancy(arm)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    arms.sort_by(|a, b| b.seconds.estimate.total_cmp(&a.seconds.estimate));
    Ok(WorkloadTimes {
        id: workload.id.to_owned(),
        description: workload.description.to_owned(),
        trials: workload.trials,
        arms,
    })
}

fn arm_time(
    workload: &Workload,
    arm: &str,
    turns: &[&Turn],
    constancy: Option<f64>,
) -> anyhow::Result<ArmTime> {
    let seconds: Vec<f64> = turns.iter().map(|turn| turn.sweep_seconds(workload.trials)).collect();
    let trials_run = turns.iter().map(|turn| turn.trials_run).min().unwrap_or(0);
    let time = ArmTime::from_turns(arm, trials_run, &seconds)?;
    let note = |ratio: f64| {
        let constant =
            if (0.8..=1.25).contains(&ratio) { "constant enough to scale" } else { "NOT constant" };
        format!(
            "a turn ran at least {trials_run} of {} trials; time per trial is {constant}: of 12 in a row the second half \
             took {ratio:.2}× the first",
            workload.trials
        )
    };
    Ok(ArmTime { note: constancy.map(note), ..time })
}
