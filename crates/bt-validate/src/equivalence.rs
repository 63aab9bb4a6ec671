//! That every arm gives the same bits: checked before any time is reported.

use std::fmt;
use std::time::{Duration, Instant};

use crate::report::Equivalence;
use crate::strategy::{AssetState, Observer, TrialResult, Unobserved, digest};
use crate::turn::{Results, Started};
use crate::workloads::Workload;

/// That the arms gave different results: nothing is reported.
#[derive(Debug)]
pub struct ArmsDiffer(String);

impl fmt::Display for ArmsDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the arms differ, so no time is reported: {}", self.0)
    }
}

impl std::error::Error for ArmsDiffer {}

/// Compares all arms on a workload, each for at most `budget` (and at least two trials).
///
/// A slow arm compares fewer trials, spread over the sweep. What is reported, and digested, are the trials that all
/// arms ran.
///
/// # Errors
/// [`ArmsDiffer`] with the arm, the first trial and the first bar that differ; whatever an arm meets.
pub fn check(
    workload: &Workload,
    arms: &[(String, Started)],
    budget: Duration,
) -> anyhow::Result<Equivalence> {
    let order = spread(workload.trials);
    let (reference_name, reference) = &arms[0];
    let expected = results(reference, workload, &order, budget)?;
    let mut common = expected.len();
    for (name, started) in &arms[1..] {
        let found = results(started, workload, &order[..expected.len()], budget)?;
        let differs = |at: &usize| found[*at].bits() != expected[*at].bits();
        if let Some(at) = (0..found.len()).filter(differs).min_by_key(|&at| order[at]) {
            let place = first_difference(workload, order[at], (reference_name, reference), (name, started))?;
            let trial = order[at];
            let what = format!(
                "workload {}: {name} differs from {reference_name} in trial {trial}{place}",
                workload.id
            );
            return Err(ArmsDiffer(what).into());
        }
        common = common.min(found.len());
    }
    let mut in_order: Vec<(usize, TrialResult)> = order.into_iter().zip(expected).take(common).collect();
    in_order.sort_unstable_by_key(|&(trial, _)| trial);
    let in_order: Vec<TrialResult> = in_order.into_iter().map(|(_, result)| result).collect();
    Ok(Equivalence {
        workload: workload.id.to_owned(),
        arms: arms.iter().map(|(name, _)| name.clone()).collect(),
        trials: common,
        digest: digest(&in_order),
    })
}

fn results(
    started: &Started,
    workload: &Workload,
    trials: &[usize],
    budget: Duration,
) -> anyhow::Result<Vec<TrialResult>> {
    started.work(&mut Results { workload, trials, deadline: Instant::now() + budget, observer: Unobserved })
}

/// All trials of a sweep, so ordered that the first few are spread over it: first and last, then ever finer.
fn spread(trials: usize) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = vec![false; trials];
    let mut step = trials.next_power_of_two();
    let mut push = |trial: usize| {
        if trial < trials && !std::mem::replace(&mut seen[trial], true) {
            order.push(trial);
        }
    };
    push(trials.wrapping_sub(1));
    while step > 0 {
        (0..trials).step_by(step).for_each(&mut push);
        step /= 2;
    }
    order
}

/// Where two arms first differ in a trial, for the message.
fn first_difference(
    workload: &Workload,
    trial: usize,
    (expected_name, expected): (&str, &Started),
    (found_name, found): (&str, &Started),
) -> anyhow::Result<String> {
    let expected = steps(expected, workload, trial)?;
    let found = steps(found, workload, trial)?;
    let at = expected.iter().zip(&found).position(|(a, b)| a != b);
    Ok(match at {
        Some(at) => {
            let (bar, asset, _) = expected[at];
            let (then, now) = (&expected[at], &found[at]);
            format!(", bar {bar}, asset {asset}: {expected_name} has {then:?}, {found_name} {now:?}")
        }
        None if expected.len() != found.len() => {
            let bars = (expected.len(), found.len());
            format!(": {expected_name} saw {} bars, {found_name} {}", bars.0, bars.1)
        }
        None => ", in no bar: its result depends on something else".to_owned(),
    })
}

type Step = (usize, usize, AssetState);

struct Recorder(Vec<Step>);

impl Observer for &mut Recorder {
    fn step(&mut self, known: usize, asset: usize, state: &AssetState) {
        self.0.push((known, asset, *state));
    }
}

fn steps(started: &Started, workload: &Workload, trial: usize) -> anyhow::Result<Vec<Step>> {
    let mut recorder = Recorder(Vec::new());
    let deadline = Instant::now();
    started.work(&mut Results { workload, trials: &[trial], deadline, observer: &mut recorder })?;
    Ok(recorder.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trial_is_compared_once_and_the_first_few_are_spread() {
        for trials in [1, 2, 7, 100, 400] {
            let order = spread(trials);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..trials).collect::<Vec<_>>());
        }
        assert_eq!(spread(100)[..4], [99, 0, 64, 32]);
    }
}
