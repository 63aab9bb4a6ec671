//! From rounds of paired times to a verdict.
//!
//! Everything is said about one number, the ratio `optimised / base` of a round: time saved is one minus it, speed-up
//! its inverse, and "at most r times the time of" is it. A target of any of these kinds is a largest ratio, so one
//! test serves them all: on the logarithms of the rounds' ratios, H0 says that their mean is at the target's
//! logarithm. Logarithms make 2× faster and 2× slower equally far from no difference.
//!
//! The verdict comes from the bound of the confidence interval, never from the estimate, and is looked for at two
//! fixed moments, [`LOOKS`], each at half of [`ALPHA`] so that looking twice does not raise the error.

mod holm;
mod student;
mod ttest;

pub use holm::holm;
pub use student::{t_cdf, t_quantile};
pub use ttest::{TTest, paired_t, welch_t};

use serde::{Deserialize, Serialize};
use std::fmt;

/// The chance, one-sided, that a claim passes although its target is just missed, over both looks together.
pub const ALPHA: f64 = 0.025;
/// The numbers of rounds after which a verdict may be taken; at no other.
pub const LOOKS: [usize; 2] = [10, 30];
/// [`ALPHA`] shared among the [`LOOKS`] (Bonferroni: the looks see the same rounds, so this errs on the safe side).
pub const LOOK_ALPHA: f64 = ALPHA / LOOKS.len() as f64;
/// The two-sided confidence of every interval shown: the pair of one-sided bounds that verdicts are taken from.
pub const CONFIDENCE: f64 = 1.0 - 2.0 * LOOK_ALPHA;

/// Judges rounds against the largest ratio `optimised / base` that the claim allows.
///
/// Looks after 10 and after 30 rounds and takes the first verdict that is decided; rounds beyond the deciding look
/// are not used. With fewer than 10 rounds the interval is shown and the verdict is inconclusive, whatever it is.
///
/// # Errors
///
/// [`StatsError`] if there are fewer than two rounds or a time or the target is not a positive finite number.
///
/// # Example
///
/// ```
/// use bt_validate::stats::{Round, Verdict, judge};
/// let twice_as_fast: Vec<Round> =
///     (0..10).map(|i| Round { base_seconds: 2.0 + 0.01 * f64::from(i), optimised_seconds: 1.0 }).collect();
/// assert_eq!(judge(&twice_as_fast, 0.6)?.verdict, Verdict::Pass);
/// assert_eq!(judge(&twice_as_fast, 0.4)?.verdict, Verdict::Refuted);
/// # Ok::<(), bt_validate::stats::StatsError>(())
/// ```
pub fn judge(rounds: &[Round], max_ratio: f64) -> Result<Judgement, StatsError> {
    let mut last = None;
    for look in LOOKS.into_iter().filter(|look| *look <= rounds.len()) {
        let judgement = judge_once(&rounds[..look], max_ratio)?;
        if judgement.verdict != Verdict::Inconclusive {
            return Ok(judgement);
        }
        last = Some(judgement);
    }
    match last {
        Some(judgement) => Ok(judgement),
        None => Ok(Judgement { verdict: Verdict::Inconclusive, ..judge_once(rounds, max_ratio)? }),
    }
}

/// How many rounds the next look wants, or none when the verdict is settled.
///
/// # Errors
///
/// As [`judge`], once a first look is possible.
pub fn next_look(rounds: &[Round], max_ratio: f64) -> Result<Option<usize>, StatsError> {
    if rounds.len() >= LOOKS[0] && judge(rounds, max_ratio)?.verdict != Verdict::Inconclusive {
        return Ok(None);
    }
    Ok(LOOKS.into_iter().find(|look| *look > rounds.len()))
}

/// What the data say about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval lies on the good side of the target.
    Pass,
    /// The interval holds the target, or there is too little data.
    Inconclusive,
    /// The whole interval lies on the bad side of the target.
    Refuted,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Refuted => "refuted",
        })
    }
}

/// The times of both arms in one round, in seconds; `[base, optimised]` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct Round {
    /// The arm, or limit, that is compared with.
    pub base_seconds: f64,
    /// The arm that the claim is about.
    pub optimised_seconds: f64,
}

impl Round {
    /// `optimised / base`: below one is faster.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.optimised_seconds / self.base_seconds
    }
}

impl From<[f64; 2]> for Round {
    fn from([base_seconds, optimised_seconds]: [f64; 2]) -> Self {
        Round { base_seconds, optimised_seconds }
    }
}

impl From<Round> for [f64; 2] {
    fn from(round: Round) -> Self {
        [round.base_seconds, round.optimised_seconds]
    }
}

/// The outcome of [`judge`]; every ratio is `optimised / base`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// From the bounds alone.
    pub verdict: Verdict,
    /// How many rounds it stands on: those of the look that decided, from the first.
    pub n: usize,
    /// The geometric mean of the rounds' ratios with its bounds.
    pub ratio: Interval,
    /// The median of the rounds' ratios; shown, decides nothing.
    pub median_ratio: f64,
    /// One-sided p against "the ratio is at its target".
    pub p: f64,
    /// Welch's two-sided p against "no difference in mean time"; shown, decides nothing.
    pub welch_p: f64,
}

/// An estimate between two bounds, each bound one-sided at [`LOOK_ALPHA`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// The geometric mean of positive values with its interval; a lone value has no spread and bounds of its own value.
    ///
    /// # Errors
    ///
    /// [`StatsError`] if there is no value or one is not a positive finite number.
    pub fn of_geometric_mean(values: &[f64]) -> Result<Self, StatsError> {
        let logs = logs(values.iter().copied())?;
        match logs[..] {
            [] => Err(StatsError::TooFew { have: 0, need: 1 }),
            [only] => Ok(Interval { estimate: only, low: only, high: only }.map(f64::exp)),
            _ => Ok(paired_t(&logs, 0.0)?.interval(LOOK_ALPHA).map(f64::exp)),
        }
    }

    /// Applies `f` to the three numbers and puts the bounds in order again, for scales that turn around (time saved).
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (f(self.low), f(self.high));
        Interval { estimate: f(self.estimate), low: a.min(b), high: a.max(b) }
    }
}

/// Why there is nothing to judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StatsError {
    /// A time, ratio or target whose logarithm does not exist.
    NotPositive {
        /// Its position among the values given.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Too few values for what was asked.
    TooFew {
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
}

impl fmt::Display for StatsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatsError::NotPositive { index, value } => {
                write!(f, "value {index} is {value}; its logarithm needs a positive finite number")
            }
            StatsError::TooFew { have, need } => write!(f, "{have} values, at least {need} are needed"),
        }
    }
}

impl std::error::Error for StatsError {}

/// The arithmetic mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The unbiased sample variance; NaN below two values.
#[must_use]
pub fn sample_variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    if values.len() < 2 { f64::NAN } else { squares / (values.len() - 1) as f64 }
}

/// The median, the mean of the middle two for an even number; NaN of nothing.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

fn judge_once(rounds: &[Round], max_ratio: f64) -> Result<Judgement, StatsError> {
    let target = logs([max_ratio])?[0];
    let base: Vec<f64> = rounds.iter().map(|r| r.base_seconds).collect();
    let optimised: Vec<f64> = rounds.iter().map(|r| r.optimised_seconds).collect();
    let differences: Vec<f64> = logs(optimised.iter().copied())?
        .into_iter()
        .zip(logs(base.iter().copied())?)
        .map(|(optimised, base)| optimised - base)
        .collect();
    let test = paired_t(&differences, target)?;
    let bounds = test.interval(LOOK_ALPHA);
    Ok(Judgement {
        verdict: verdict_of(bounds, target),
        n: rounds.len(),
        ratio: bounds.map(f64::exp),
        median_ratio: median(&differences).exp(),
        p: test.p_less,
        welch_p: welch_t(&optimised, &base)?.p_two_sided(),
    })
}

/// A bound that touches the target decides nothing: "faster" must not pass on rounds that are all equal.
fn verdict_of(bounds: Interval, target: f64) -> Verdict {
    if bounds.high < target {
        Verdict::Pass
    } else if bounds.low > target {
        Verdict::Refuted
    } else {
        Verdict::Inconclusive
    }
}

fn logs(values: impl IntoIterator<Item = f64>) -> Result<Vec<f64>, StatsError> {
    values
        .into_iter()
        .enumerate()
        .map(|(index, value)| match value.is_finite() && value > 0.0 {
            true => Ok(value.ln()),
            false => Err(StatsError::NotPositive { index, value }),
        })
        .collect()
}

#[cfg(test)]
mod tests;
