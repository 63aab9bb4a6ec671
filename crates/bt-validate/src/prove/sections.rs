//! The parts of the report that come from arms' turns.

use std::collections::BTreeMap;

use super::{Run, progress, rounds_of};
use crate::arms::Layering;
use crate::claims::id;
use crate::collect::{Collected, collect};
use crate::constancy::{self, is_constant};
use crate::gate::{Evaluation, Gate, Remaining, Rule, Step, decide, evaluate};
use crate::report::{ArmTime, BreakEven, ClaimResult, Curve, Point, Scaling, WorkerKind, WorkloadTimes};
use crate::stats::{Interval, Round, judge};
use crate::task::{RoundOfTurns, Setting};
use crate::turn::{Arm, Turn};
use crate::workers;
use crate::workloads::{BREAK_EVEN, EVALUATION, Set, Workload};

/// The numbers of workers of the scaling curve.
const WORKERS: [u32; 5] = [1, 2, 4, 8, 16];

/// The layers in their order.
const LAYERS: [&str; 3] = ["Layer 1", "Layer 2", "Layer 3"];

/// What the gate is decided from beside the claim.
pub(super) struct Evaluated {
    evaluation: Evaluation,
    remaining: Remaining,
}

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

    fn has_production(&self) -> bool {
        self.turns.iter().any(|(workload, _)| workload.id == "production")
    }

    /// What a sweep costs by its number of trials.
    pub(super) fn break_even(&mut self) -> anyhow::Result<()> {
        let ingestion = self.ingestions.iter().find(|ingestion| ingestion.set == Set::Production);
        let Some(ingestion) = ingestion.filter(|_| self.has_production()) else { return Ok(()) };
        progress("production: from how many trials it pays");
        let arms = [Arm::Naive, Arm::Careful, Arm::MAPPED];
        let setting = Setting { passes: 1, ..self.setting.clone() };
        let mut curves = arms.map(|arm| Curve { arm: arm.name(), points: Vec::new() });
        for workload in &BREAK_EVEN {
            let collected = collect(&setting, rounds_of(workload, &arms), |_| Vec::new())?;
            for curve in &mut curves {
                let seconds = sweeps(workload, &curve.arm, &collected.rounds);
                let seconds = Interval::of_geometric_mean(&seconds)?;
                curve.points.push(Point { x: u32::try_from(workload.trials)?, seconds });
            }
        }
        let ingest = ingestion.elapsed.as_secs_f64();
        self.break_even = Some(BreakEven::new("production", curves.to_vec(), Some(ingest)));
        Ok(())
    }

    /// The layers one after the other on the production sweep over several workers.
    pub(super) fn evaluate_layers(&mut self) -> anyhow::Result<()> {
        if !self.has_production() {
            return Ok(());
        }
        let workload = &EVALUATION;
        progress(&format!("layer after layer: {}", workload.description));
        let turns = rounds_of(workload, &[Arm::MAPPED]);
        let mapped = collect::<RoundOfTurns>(&self.setting, turns, |_| Vec::new())?;
        let evaluation = evaluate(&Rule::default(), &LAYERS, |steps, _| self.saved_by_the_next(steps))?;
        self.evaluated = Some(Evaluated { evaluation, remaining: remaining(workload, &mapped.rounds) });
        Ok(())
    }

    /// What the layer after these steps saves, against the layers that they accepted.
    fn saved_by_the_next(&self, steps: &[Step]) -> anyhow::Result<Interval> {
        let mut layers = [false; 3];
        layers.iter_mut().zip(steps).for_each(|(is_on, step)| *is_on = step.accepted);
        let before = Arm::Layers(Layering::over_parquet(layers));
        layers[steps.len()] = true;
        let after = Arm::Layers(Layering::over_parquet(layers));
        let target = 1.0 - Rule::default().accept_at;
        let pairs = |rounds: &[RoundOfTurns]| between(&EVALUATION, before, after, rounds);
        let turns = rounds_of(&EVALUATION, &[before, after]);
        let collected = collect(&self.setting, turns, |rounds| vec![Some((pairs(rounds), target))])?;
        Ok(judge(&pairs(&collected.rounds), target)?.ratio.map(|ratio| 1.0 - ratio))
    }

    /// The gate, with the layers evaluated one after the other.
    pub(super) fn gate(&self, claims: &[ClaimResult]) -> Option<Gate> {
        let production = id::part(id::TIME_SAVED, "production");
        let saved = claims.iter().find(|claim| claim.id == production)?.interval()?;
        let evaluated = self.evaluated.as_ref()?;
        let mut gate = decide(&Rule::default(), saved, &evaluated.remaining);
        gate.evaluation = Some(evaluated.evaluation.clone());
        Some(gate)
    }

    /// How a production sweep spreads over workers; in a quick run that of all layers alone.
    pub(super) fn scale(&mut self) -> anyhow::Result<()> {
        let Some(workload) = Workload::named("production").filter(|_| self.has_production()) else {
            return Ok(());
        };
        let arms: &[Arm] =
            if self.is_quick() { &[Arm::MAPPED] } else { &[Arm::Naive, Arm::Careful, Arm::MAPPED] };
        for kind in [WorkerKind::Threads, WorkerKind::Processes] {
            progress(&format!("production: the sweep by 1 to 16 {}", format!("{kind:?}").to_lowercase()));
            let curve = |&arm: &Arm| {
                let point = |&x: &u32| self.scaled(workload, arm, kind, x);
                let points = WORKERS.iter().map(point).collect::<anyhow::Result<_>>()?;
                anyhow::Ok(Curve { arm: arm.name(), points })
            };
            let curves = arms.iter().map(curve).collect::<anyhow::Result<_>>()?;
            self.scaling.push(Scaling { workers: kind, workload: workload.id.to_owned(), curves });
        }
        Ok(())
    }

    /// A sweep's time by so many workers, several times over; a slow arm's fewer times.
    fn scaled(&self, workload: &Workload, arm: Arm, kind: WorkerKind, x: u32) -> anyhow::Result<Point> {
        let dataset = self.setting.dataset(workload.set);
        let repeats = if self.is_quick() || arm == Arm::Naive { 3 } else { 7 };
        let once = || match kind {
            WorkerKind::Threads => {
                workers::sweep_by_threads(&dataset, workload, self.setting.faulty(arm), x as usize)
            }
            WorkerKind::Processes => workers::sweep_by_processes(&self.setting, workload, arm, x as usize),
        };
        let seconds = (0..repeats).map(|_| once()).collect::<anyhow::Result<Vec<f64>>>()?;
        Ok(Point { x, seconds: Interval::of_geometric_mean(&seconds)? })
    }
}

/// Where the time of the mapped arm goes, by its median round.
fn remaining(workload: &Workload, rounds: &[RoundOfTurns]) -> Remaining {
    let mapped: Vec<Turn> =
        rounds.iter().filter_map(|round| round.get(&Arm::MAPPED.name())).copied().collect();
    let turn = Turn::median(&mapped);
    Remaining {
        opening_seconds: turn.ready_seconds - turn.start_seconds,
        worker_start_seconds: turn.start_seconds,
        trial_seconds: turn.trial_seconds * workload.trials as f64,
    }
}

fn between(workload: &Workload, base: Arm, optimised: Arm, rounds: &[RoundOfTurns]) -> Vec<Round> {
    let [base, optimised] = [base, optimised].map(|arm| sweeps(workload, &arm.name(), rounds));
    base.into_iter().zip(optimised).map(|(base, optimised)| Round::from([base, optimised])).collect()
}

fn sweeps(workload: &Workload, arm: &str, rounds: &[RoundOfTurns]) -> Vec<f64> {
    let seconds = |round: &RoundOfTurns| Some(round.get(arm)?.sweep_seconds(workload.trials));
    rounds.iter().filter_map(seconds).collect()
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
        let constant = if is_constant(ratio) { "constant enough to scale" } else { "NOT constant" };
        format!(
            "a turn ran at least {trials_run} of {} trials; time per trial is {constant}: a worker's trials {} to {} took \
             {ratio:.2}× those of a fresh one",
            workload.trials,
            constancy::TRIALS + 1,
            2 * constancy::TRIALS
        )
    };
    Ok(ArmTime { note: constancy.map(note), ..time })
}
