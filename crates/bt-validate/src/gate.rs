//! Whether the heavy operations are needed: the go/no-go gate and the sequential evaluation before it.
//!
//! Pure functions of measured intervals. The gate asks one question of `total.time_saved.production`: is what the
//! layers save enough to do without shared contexts, smarter search, schedulers and standing workers? The
//! sequential evaluation tells which layers earned it, one after the other.

use crate::stats::Interval;
use bt_layers::OptimizationConfig;
use bt_layers::bt_optimize_config::{DatasetSize, Workflow};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Decides from the time saved by all layers in production, and says why.
///
/// `remaining` is where the time of the all-layers arm still goes; it ranks the heavy operations by the share that
/// each could remove at most.
///
/// ```
/// use bt_validate::gate::{Decision, Remaining, Rule, decide};
/// use bt_validate::stats::Interval;
/// let saved = Interval { estimate: 0.97, low: 0.96, high: 0.98 };
/// let remaining = Remaining { opening_seconds: 0.01, worker_start_seconds: 0.01, trial_seconds: 0.98 };
/// let gate = decide(&Rule::default(), saved, &remaining);
/// assert_eq!(gate.decision, Decision::Skip);
/// ```
#[must_use]
pub fn decide(rule: &Rule, time_saved: Interval, remaining: &Remaining) -> Gate {
    let decision = if time_saved.low >= rule.aim {
        Decision::Skip
    } else if time_saved.low >= rule.goal {
        Decision::Consider
    } else {
        Decision::Need
    };
    let ranked = if decision == Decision::Skip { Vec::new() } else { remaining.ranked() };
    let reason = reason(rule, decision, time_saved, ranked.first());
    Gate { decision, time_saved, goal: rule.goal, aim: rule.aim, ranked, evaluation: None, reason }
}

/// Takes candidates in their order and keeps those that are worth it, until going on is not.
///
/// `measure` gives the time that a candidate saves, against the arm with everything that the steps so far accepted. It is
/// accepted if the lower bound of its interval reaches `rule.accept_at`. Evaluation stops after two rejections in a row,
/// or when the last two candidates together save less than `rule.least_together`; both only if `rule.stop_early`.
///
/// # Errors
/// Whatever `measure` meets.
pub fn evaluate<E>(
    rule: &Rule,
    candidates: &[&str],
    mut measure: impl FnMut(&[Step], &str) -> Result<Interval, E>,
) -> Result<Evaluation, E> {
    let mut steps: Vec<Step> = Vec::new();
    let mut stop = Stop::AllEvaluated;
    for candidate in candidates {
        let saved = measure(&steps, candidate)?;
        steps.push(step(rule, candidate, saved, time_left(&steps)));
        if let Some(why) = diminishing(rule, &steps) {
            stop = why;
            break;
        }
    }
    let not_evaluated = candidates[steps.len()..].iter().map(|name| (*name).to_owned()).collect();
    Ok(Evaluation { time_saved: 1.0 - time_left(&steps), steps, stop, not_evaluated })
}

/// The time saved at which the Python original skips heavy operations; its configuration has no name for it.
const AIM: f64 = 0.90;

/// What the last two candidates must save together for the evaluation to go on, where it stops on diminishing returns.
const LEAST_TOGETHER: f64 = 0.02;

/// The thresholds of the gate; every one is a share of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The least acceptable time saved (`sequential_evaluation_goal_percent`, 40 %).
    pub goal: f64,
    /// The time saved at which heavy operations are skipped (90 %).
    pub aim: f64,
    /// The lower bound at which a candidate is accepted (`min_improvement_percent` of a grid search in production, 5 %).
    pub accept_at: f64,
    /// What two candidates in a row must save together (2 %).
    pub least_together: f64,
    /// Whether to stop on diminishing returns (`stop_on_diminishing_returns`).
    pub stop_early: bool,
}

impl Rule {
    /// The rule that a configuration asks for.
    #[must_use]
    pub fn of(config: &OptimizationConfig) -> Self {
        let threshold = &config.thresholds[(Workflow::GridSearch, DatasetSize::Production)];
        Rule {
            goal: config.sequential_evaluation_goal_percent / 100.0,
            aim: AIM,
            accept_at: threshold.min_improvement_percent / 100.0,
            least_together: LEAST_TOGETHER,
            stop_early: config.stop_on_diminishing_returns,
        }
    }
}

impl Default for Rule {
    /// That of the default configuration.
    fn default() -> Self {
        Self::of(&OptimizationConfig::default())
    }
}

/// The gate's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// What to do about the heavy operations.
    pub decision: Decision,
    /// The time saved that it was decided from.
    pub time_saved: Interval,
    /// The least acceptable time saved.
    pub goal: f64,
    /// The time saved that makes heavy operations needless.
    pub aim: f64,
    /// The heavy operations, the most promising first; empty when they are skipped.
    pub ranked: Vec<Ranked>,
    /// How the layers fared one after the other.
    pub evaluation: Option<Evaluation>,
    /// The decision in a sentence.
    pub reason: String,
}

/// What to do about the heavy operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The layers reach the aim: not needed for time.
    Skip,
    /// The layers reach the goal but not the aim: worth a look, in the order ranked.
    Consider,
    /// The layers miss the goal: needed.
    Need,
}

/// Where the time of the all-layers arm still goes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remaining {
    /// Opening or loading bundles.
    pub opening_seconds: f64,
    /// Starting workers, without their data.
    pub worker_start_seconds: f64,
    /// Running the trials.
    pub trial_seconds: f64,
}

impl Remaining {
    /// The heavy operations by the share of the time that they could remove at most, the largest first.
    #[must_use]
    pub fn ranked(&self) -> Vec<Ranked> {
        let total =
            (self.opening_seconds + self.worker_start_seconds + self.trial_seconds).max(f64::MIN_POSITIVE);
        let mut ranked: Vec<Ranked> = HeavyOperation::ALL
            .into_iter()
            .map(|operation| Ranked { operation, saves_at_most: self.attacked_by(operation) / total })
            .collect();
        // The sort is stable: equals keep the order of the list.
        ranked.sort_by(|a, b| b.saves_at_most.total_cmp(&a.saves_at_most));
        ranked
    }

    fn attacked_by(&self, operation: HeavyOperation) -> f64 {
        match operation {
            HeavyOperation::SharedBundleContext => self.opening_seconds,
            HeavyOperation::PersistentWorkerPool => self.worker_start_seconds,
            HeavyOperation::Bohb | HeavyOperation::DistributedScheduler => self.trial_seconds,
        }
    }
}

/// A heavy operation and what it can be worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Which.
    pub operation: HeavyOperation,
    /// The share of the all-layers arm's time that it attacks.
    pub saves_at_most: f64,
}

/// What the Python original calls heavy operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeavyOperation {
    /// Workers forked from a process that has the bundle.
    SharedBundleContext,
    /// Fewer trials by Bayesian optimisation with early stopping.
    Bohb,
    /// Trials on several machines.
    DistributedScheduler,
    /// Workers that outlive a sweep.
    PersistentWorkerPool,
}

impl HeavyOperation {
    /// All four, in the original's order.
    pub const ALL: [Self; 4] =
        [Self::SharedBundleContext, Self::Bohb, Self::DistributedScheduler, Self::PersistentWorkerPool];

    /// The flag that switches it on in the configuration.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::SharedBundleContext => "enable_shared_bundle_context",
            Self::Bohb => "enable_bohb_optimizer",
            Self::DistributedScheduler => "enable_ray_scheduler",
            Self::PersistentWorkerPool => "enable_persistent_worker_pool",
        }
    }
}

impl fmt::Display for HeavyOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SharedBundleContext => "shared bundle context",
            Self::Bohb => "BOHB",
            Self::DistributedScheduler => "distributed scheduler",
            Self::PersistentWorkerPool => "persistent worker pool",
        })
    }
}

/// The course of a sequential evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The candidates that were looked at.
    pub steps: Vec<Step>,
    /// Why it ended.
    pub stop: Stop,
    /// What the accepted ones save together: their times multiply.
    pub time_saved: f64,
    /// The candidates that were not looked at any more.
    pub not_evaluated: Vec<String>,
}

/// One candidate of a sequential evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it saves of the time that was left before it.
    pub time_saved: Interval,
    /// Whether it was accepted.
    pub accepted: bool,
    /// What everything accepted so far saves together.
    pub time_saved_so_far: f64,
    /// The decision in words.
    pub reason: String,
}

/// Why a sequential evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// No candidate is left.
    AllEvaluated,
    /// The last two were rejected.
    TwoRejections,
    /// The last two together save too little.
    TooLittleTogether,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stop::AllEvaluated => "every candidate was evaluated",
            Stop::TwoRejections => "two rejections in a row",
            Stop::TooLittleTogether => "the last two together save too little",
        })
    }
}

fn step(rule: &Rule, name: &str, saved: Interval, left_before: f64) -> Step {
    let accepted = saved.low >= rule.accept_at;
    let left = if accepted { left_before * (1.0 - saved.estimate) } else { left_before };
    let comparison = if accepted { "reaches" } else { "is below" };
    let reason = format!("its lower bound, {}, {comparison} {}", percent(saved.low), percent(rule.accept_at));
    Step { name: name.to_owned(), time_saved: saved, accepted, time_saved_so_far: 1.0 - left, reason }
}

fn time_left(steps: &[Step]) -> f64 {
    steps.last().map_or(1.0, |step| 1.0 - step.time_saved_so_far)
}

fn diminishing(rule: &Rule, steps: &[Step]) -> Option<Stop> {
    let [.., before, last] = steps else { return None };
    let together = 1.0 - (1.0 - before.time_saved.estimate) * (1.0 - last.time_saved.estimate);
    if !rule.stop_early {
        None
    } else if !before.accepted && !last.accepted {
        Some(Stop::TwoRejections)
    } else if together < rule.least_together {
        Some(Stop::TooLittleTogether)
    } else {
        None
    }
}

fn reason(rule: &Rule, decision: Decision, saved: Interval, first: Option<&Ranked>) -> String {
    let measured = format!(
        "the layers save {} of the time in production ({} to {})",
        percent(saved.estimate),
        percent(saved.low),
        percent(saved.high)
    );
    let (goal, aim) = (percent(rule.goal), percent(rule.aim));
    let verdict = match decision {
        Decision::Skip => {
            format!("the lower bound reaches the aim of {aim}: heavy operations are not needed for time")
        }
        Decision::Consider => {
            format!(
                "the lower bound reaches the goal of {goal} but not the aim of {aim}: heavy operations are worth a look"
            )
        }
        Decision::Need => format!("the lower bound misses the goal of {goal}: heavy operations are needed"),
    };
    let first = first.map_or(String::new(), |ranked| {
        format!(
            "; first {}, which attacks {} of what is left",
            ranked.operation,
            percent(ranked.saves_at_most)
        )
    });
    format!("{measured}; {verdict}{first}")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{CONFIDENCE, LOOKS};
    use approx::assert_abs_diff_eq;
    use bt_layers::bt_optimize_config::Preset;
    use std::convert::Infallible;

    const REMAINING: Remaining =
        Remaining { opening_seconds: 0.5, worker_start_seconds: 0.3, trial_seconds: 0.2 };

    fn around(estimate: f64) -> Interval {
        Interval { estimate, low: estimate - 0.01, high: estimate + 0.01 }
    }

    const NAMES: [&str; 4] = ["c0", "c1", "c2", "c3"];

    fn evaluated(rule: &Rule, saved: &[f64]) -> Evaluation {
        let measure = |steps: &[Step], _: &str| Ok::<_, Infallible>(around(saved[steps.len()]));
        evaluate(rule, &NAMES[..saved.len()], measure).expect("it cannot fail")
    }

    fn accepted(evaluation: &Evaluation) -> Vec<bool> {
        evaluation.steps.iter().map(|step| step.accepted).collect()
    }

    #[test]
    fn the_rule_is_the_configurations() {
        let usual = Rule::default();
        assert_eq!((usual.goal, usual.accept_at, usual.stop_early), (0.40, 0.05, true));
        let strict = Rule::of(&OptimizationConfig::from_preset(Preset::Strict));
        assert_eq!((strict.goal, strict.accept_at), (0.50, 0.10));
        assert!(!Rule::of(&OptimizationConfig::from_preset(Preset::Lenient)).stop_early);
    }

    #[test]
    fn the_rounds_and_the_confidence_satisfy_the_configurations_threshold() {
        let threshold =
            OptimizationConfig::default().thresholds[(Workflow::GridSearch, DatasetSize::Production)];
        assert!(LOOKS[0] >= threshold.min_sample_size);
        assert!(CONFIDENCE >= threshold.statistical_confidence);
    }

    #[test]
    fn ninety_percent_skips_the_heavy_operations() {
        let gate = decide(&Rule::default(), around(0.95), &REMAINING);
        assert_eq!(gate.decision, Decision::Skip);
        assert!(gate.ranked.is_empty());
        assert!(gate.reason.contains("not needed"), "{}", gate.reason);
    }

    #[test]
    fn an_estimate_above_the_aim_does_not_skip_when_its_bound_is_below() {
        let saved = Interval { estimate: 0.92, low: 0.89, high: 0.95 };
        assert_eq!(decide(&Rule::default(), saved, &REMAINING).decision, Decision::Consider);
    }

    #[test]
    fn a_bound_on_the_aim_reaches_it() {
        let saved = Interval { estimate: 0.92, low: 0.90, high: 0.95 };
        assert_eq!(decide(&Rule::default(), saved, &REMAINING).decision, Decision::Skip);
    }

    #[test]
    fn below_the_goal_heavy_operations_are_needed_and_ranked() {
        let gate = decide(&Rule::default(), around(0.3), &REMAINING);
        assert_eq!(gate.decision, Decision::Need);
        let order: Vec<HeavyOperation> = gate.ranked.iter().map(|ranked| ranked.operation).collect();
        assert_eq!(
            order,
            [
                HeavyOperation::SharedBundleContext,
                HeavyOperation::PersistentWorkerPool,
                HeavyOperation::Bohb,
                HeavyOperation::DistributedScheduler
            ]
        );
        assert!(gate.reason.contains("first shared bundle context, which attacks 50.0 %"), "{}", gate.reason);
    }

    #[test]
    fn ranking_follows_where_the_time_goes() {
        let trials = Remaining { opening_seconds: 0.01, worker_start_seconds: 0.02, trial_seconds: 0.97 };
        let ranked = trials.ranked();
        assert_eq!(ranked[0], Ranked { operation: HeavyOperation::Bohb, saves_at_most: 0.97 });
        assert_eq!(ranked[3].operation, HeavyOperation::SharedBundleContext);
    }

    #[test]
    fn accepted_savings_multiply_and_do_not_add() {
        let evaluation = evaluated(&Rule::default(), &[0.5, 0.5, 0.5]);
        assert_eq!(accepted(&evaluation), [true, true, true]);
        assert_abs_diff_eq!(evaluation.time_saved, 0.875, epsilon = 1e-12);
        assert_eq!(evaluation.stop, Stop::AllEvaluated);
    }

    #[test]
    fn a_candidate_is_accepted_by_its_lower_bound() {
        let evaluation = evaluated(&Rule::default(), &[0.055, 0.061]);
        assert_eq!(accepted(&evaluation), [false, true]);
        // What is rejected saves nothing.
        assert_abs_diff_eq!(evaluation.time_saved, 0.061, epsilon = 1e-12);
    }

    #[test]
    fn a_candidate_is_measured_against_what_was_accepted_before_it() {
        let mut seen = Vec::new();
        let measure = |steps: &[Step], name: &str| {
            seen.push((name.to_owned(), steps.iter().map(|step| step.accepted).collect::<Vec<_>>()));
            Ok::<_, Infallible>(around([0.5, 0.03, 0.5][steps.len()]))
        };
        evaluate(&Rule::default(), &NAMES[..3], measure).expect("it cannot fail");
        let expected: [(&str, &[bool]); 3] = [("c0", &[]), ("c1", &[true]), ("c2", &[true, false])];
        assert_eq!(seen, expected.map(|(name, accepted)| (name.to_owned(), accepted.to_vec())));
    }

    #[test]
    fn a_measurement_that_fails_ends_the_evaluation() {
        assert_eq!(evaluate(&Rule::default(), &NAMES, |_, name| Err(name.to_owned())), Err("c0".to_owned()));
    }

    #[test]
    fn two_rejections_in_a_row_end_it() {
        let evaluation = evaluated(&Rule::default(), &[0.6, 0.03, 0.04, 0.9]);
        assert_eq!(accepted(&evaluation), [true, false, false]);
        assert_eq!(evaluation.stop, Stop::TwoRejections);
        assert_eq!(evaluation.not_evaluated, ["c3"]);
    }

    #[test]
    fn a_rejection_between_acceptances_does_not_end_it() {
        let evaluation = evaluated(&Rule::default(), &[0.03, 0.5, 0.03, 0.5]);
        assert_eq!(accepted(&evaluation), [false, true, false, true]);
        assert_eq!(evaluation.stop, Stop::AllEvaluated);
    }

    #[test]
    fn a_loss_that_eats_the_gain_before_it_ends_it() {
        let evaluation = evaluated(&Rule::default(), &[0.07, -0.08, 0.5]);
        assert_eq!(accepted(&evaluation), [true, false]);
        assert_eq!(evaluation.stop, Stop::TooLittleTogether);
    }

    #[test]
    fn without_early_stopping_all_are_evaluated() {
        let rule = Rule { stop_early: false, ..Rule::default() };
        let evaluation = evaluated(&rule, &[0.01, 0.01, 0.01, 0.5]);
        assert_eq!(accepted(&evaluation), [false, false, false, true]);
        assert!(evaluation.not_evaluated.is_empty());
    }

    #[test]
    fn nothing_to_evaluate_saves_nothing() {
        let evaluation = evaluated(&Rule::default(), &[]);
        assert_eq!((evaluation.time_saved, evaluation.stop), (0.0, Stop::AllEvaluated));
    }
}
