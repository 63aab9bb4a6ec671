//! That every arm gives the same bits: checked before any time is reported.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::arms::{Scratch, Worker};
use crate::report::Equivalence;
use crate::strategy::{AssetState, Observer, TrialResult, Unobserved, digest};
use crate::turn::{Job, LEAST_TRIALS, Started};
use crate::workloads::Workload;

/// That the arms gave different results: nothing is reported.
#[derive(Debug)]
pub struct ArmsDiffer(String);

impl ArmsDiffer {
    pub(crate) fn new(what: String) -> Self {
        Self(what)
    }
}

impl fmt::Display for ArmsDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the arms differ, so no time is reported: {}", self.0)
    }
}

impl std::error::Error for ArmsDiffer {}

/// Compares all arms with the first on a workload, on all cores: nothing is timed meanwhile.
///
/// Each arm runs all trials, or as many as fit in `budget` (at least two), spread over the sweep. What is digested are
/// the trials that all arms ran.
///
/// # Errors
/// [`ArmsDiffer`] with the arm, the first trial and the first bar that differ; whatever an arm meets.
///
/// # Panics
/// Where no arm is given.
pub fn check(
    workload: &Workload,
    arms: &[(String, Started)],
    budget: Duration,
) -> anyhow::Result<Equivalence> {
    let order = spread(workload.trials);
    let (reference, others) = arms.split_first().expect("there are arms to compare");
    let expected = results(&reference.1, workload, &order, budget)?;
    let mut ran = BTreeMap::from([(reference.0.clone(), expected.len())]);
    for arm in others {
        let found = results(&arm.1, workload, &order[..expected.len()], budget)?;
        let differs = |at: &usize| found[*at].bits() != expected[*at].bits();
        if let Some(at) = (0..found.len()).filter(differs).min_by_key(|&at| order[at]) {
            return Err(difference(workload, order[at], reference, arm)?.into());
        }
        ran.insert(arm.0.clone(), found.len());
    }
    let common = ran.values().copied().min().unwrap_or(0);
    ran.retain(|_, trials| *trials < workload.trials);
    Ok(Equivalence {
        workload: workload.id.to_owned(),
        arms: arms.iter().map(|(name, _)| name.clone()).collect(),
        trials: common,
        sweep: workload.trials,
        fewer: ran,
        digest: digest(&in_order(&order, &expected[..common])),
    })
}

/// The results of trials in this order, by as many workers as there are cores; the first of them where time ends.
fn results(
    started: &Started,
    workload: &Workload,
    trials: &[usize],
    budget: Duration,
) -> anyhow::Result<Vec<TrialResult>> {
    let (taken, deadline) = (AtomicUsize::new(0), Instant::now() + budget);
    let work =
        || started.work(&mut Results { workload, trials, taken: &taken, deadline, observer: Unobserved });
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let shares = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| worker.join().expect("no panic in a worker");
        workers.into_iter().map(join).collect::<anyhow::Result<Vec<_>>>()
    })?;
    let mut results = shares.concat();
    results.sort_unstable_by_key(|&(at, _)| at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

fn in_order(order: &[usize], results: &[TrialResult]) -> Vec<TrialResult> {
    let mut by_trial: Vec<_> = order.iter().zip(results).collect();
    by_trial.sort_unstable_by_key(|(trial, _)| **trial);
    by_trial.into_iter().map(|(_, result)| *result).collect()
}

/// Runs chosen trials and keeps their results, for the check of equivalence. Several workers may share the choice: each
/// takes the next trial that none has taken.
struct Results<'t, O> {
    workload: &'t Workload,
    /// The trials to run.
    trials: &'t [usize],
    /// How many of them are taken.
    taken: &'t AtomicUsize,
    /// When to take no more, after [`LEAST_TRIALS`].
    deadline: Instant,
    /// Watches every step.
    observer: O,
}

impl<O> Results<'_, O> {
    /// The next position in `trials`, while there is time.
    fn take(&self) -> Option<usize> {
        let has_time = self.taken.load(Relaxed) < LEAST_TRIALS || Instant::now() < self.deadline;
        has_time.then(|| self.taken.fetch_add(1, Relaxed)).filter(|&at| at < self.trials.len())
    }
}

impl<O: Observer> Job for Results<'_, O> {
    /// Results by their position in `trials`.
    type Output = Vec<(usize, TrialResult)>;

    fn run<W: Worker>(
        &mut self,
        mut make: impl FnMut() -> anyhow::Result<W>,
    ) -> anyhow::Result<Self::Output> {
        let Some(mut at) = self.take() else { return Ok(Vec::new()) };
        let mut worker = make()?;
        let (mut scratch, moments, mut results) = (Scratch::new(), worker.moments(), Vec::new());
        loop {
            let trial = self.workload.trial(self.trials[at], moments);
            results.push((at, worker.trial(trial, &mut scratch, &mut self.observer)?));
            match self.take() {
                Some(next) => at = next,
                None => return Ok(results),
            }
        }
    }
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

/// What to say about two arms that differ in a trial: where they first do.
fn difference(
    workload: &Workload,
    trial: usize,
    (expected_name, expected): &(String, Started),
    (found_name, found): &(String, Started),
) -> anyhow::Result<ArmsDiffer> {
    let expected = steps(expected, workload, trial)?;
    let found = steps(found, workload, trial)?;
    let place = match expected.iter().zip(&found).find(|(then, now)| then != now) {
        Some((then, now)) => {
            let (bar, asset, _) = then;
            format!(", bar {bar}, asset {asset}: {expected_name} has {then:?}, {found_name} {now:?}")
        }
        None if expected.len() != found.len() => {
            format!(": {expected_name} saw {} bars, {found_name} {}", expected.len(), found.len())
        }
        None => ", in no bar: its result depends on something else".to_owned(),
    };
    let id = workload.id;
    Ok(ArmsDiffer(format!(
        "workload {id}: {found_name} differs from {expected_name} in trial {trial}{place}"
    )))
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
    let (taken, deadline) = (AtomicUsize::new(0), Instant::now());
    started.work(&mut Results {
        workload,
        trials: &[trial],
        taken: &taken,
        deadline,
        observer: &mut recorder,
    })?;
    Ok(recorder.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Dataset};
    use crate::report::Mode;
    use crate::turn::Arm;
    use crate::workloads::Set;

    fn micro(folder: &std::path::Path) -> Vec<(String, Started)> {
        data::prepare(folder, folder, &[Set::Micro], Mode::Quick).expect("a small set is made");
        let dataset = Dataset::at(folder, Set::Micro);
        let start = |arm: Arm| (arm.name(), arm.start(&dataset).expect("the set is there"));
        [Arm::Ideal, Arm::Naive, Arm::LAYERS_1_AND_2, Arm::MAPPED].map(start).into()
    }

    #[test]
    fn with_time_every_trial_is_compared_and_the_digest_is_over_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let (arms, workload) = (micro(folder.path()), Workload::on(Set::Micro));
        let all = check(workload, &arms, Duration::from_secs(600)).expect("the arms agree");
        assert_eq!((all.trials, all.sweep, all.fewer.len()), (25, 25, 0));
        let order: Vec<usize> = (0..25).collect();
        let expected = results(&arms[0].1, workload, &order, Duration::from_secs(600)).expect("it runs");
        assert_eq!(all.digest, digest(&expected));
    }

    #[test]
    fn without_time_the_least_trials_are_compared_and_the_arms_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let arms = micro(folder.path());
        let some = check(Workload::on(Set::Micro), &arms, Duration::ZERO).expect("the arms agree");
        assert!((LEAST_TRIALS..25).contains(&some.trials), "{some:?}");
        assert_eq!(some.fewer.len(), arms.len());
    }

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
