//! What a report shows beside trials: the folds of a walk-forward, and how much of the best result is luck.

use std::fmt;

use bt_core::{BarClock, Timestamp};
use serde::{Serialize, Serializer};

use super::curve::Curve;
use super::packed::{Packed, number, optional_number, values};
use crate::Value;

/// A part of the data, by its first and last bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// When the first became known, in nanoseconds since 1970-01-01 UTC.
    pub first_ns: i64,
    /// When the last became known, in nanoseconds since 1970-01-01 UTC.
    pub last_ns: i64,
    /// The day of the first, or of bars within the day its start, on the bundle's wall clock: in nanoseconds since 1970-01-01 there.
    /// What the page shows.
    pub first_day_ns: i64,
    /// The same of the last.
    pub last_day_ns: i64,
}

impl Span {
    /// From the bar that became known first to the one that became known last.
    pub fn of(clock: &BarClock, first: Timestamp, last: Timestamp) -> Self {
        let day = |known| clock.name(known).reading().as_nanos();
        Self {
            first_ns: first.as_nanos(),
            last_ns: last.as_nanos(),
            first_day_ns: day(first),
            last_day_ns: day(last),
        }
    }
}

/// The folds of a walk-forward.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct WalkForward {
    /// One after the other; the page shows the first 200.
    pub folds: Vec<Fold>,
    /// The equity of all test parts, one after the other.
    pub out_of_sample: Option<Curve>,
}

/// One fold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fold {
    /// Its number.
    pub number: u32,
    /// What its trials ran on.
    pub train: Span,
    /// What its parameters were chosen on, where that is a part of its own.
    pub validation: Option<Span>,
    /// What the chosen ones were run on at the end.
    pub test: Span,
    /// The chosen values, one for each parameter; empty where no trial came to a result.
    #[serde(serialize_with = "values")]
    pub params: Vec<Value>,
    /// The objective of the chosen ones where they were chosen: on the validation part where there is one and it has an objective,
    /// else on the train.
    #[serde(serialize_with = "number")]
    pub in_sample: f64,
    /// Their objective on the test part.
    #[serde(serialize_with = "number")]
    pub out_of_sample: f64,
}

/// What is left of the best result when the number of trials is taken into account.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Overfitting {
    /// How many independent trials the deflation counts.
    pub trials: u64,
    /// The Sharpe ratio of the best trial, annual.
    #[serde(serialize_with = "optional_number")]
    pub sharpe: Option<f64>,
    /// The annual Sharpe ratio that the best of so many trials is expected to have without any skill.
    #[serde(serialize_with = "optional_number")]
    pub expected_maximum: Option<f64>,
    /// The deflated Sharpe ratio: the probability that the true Sharpe ratio is above
    /// [`expected_maximum`](Self::expected_maximum) (Bailey & López de Prado, "The Deflated Sharpe Ratio", 2014).
    #[serde(serialize_with = "optional_number")]
    pub deflated: Option<f64>,
    /// The probability of backtest overfitting.
    pub pbo: Option<Pbo>,
    /// Why there is none.
    pub no_pbo: Option<NoPbo>,
}

/// Why there is no probability of backtest overfitting. Written as its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoPbo {
    /// In no split of the data two trials have different Sharpe ratios in sample.
    NoBest,
    /// So many trials would take too long.
    TooManyTrials {
        /// How many there are.
        trials: u64,
        /// How many are allowed.
        most: u64,
    },
    /// The trials' blocks of returns cannot be compared: what is wrong with them.
    Blocks(String),
}

impl fmt::Display for NoPbo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBest => {
                f.write_str("in no split of the data two trials have different Sharpe ratios in sample")
            }
            Self::TooManyTrials { trials, most } => {
                write!(f, "it is computed for up to {most} trials, and there are {trials}")
            }
            Self::Blocks(reason) => f.write_str(reason),
        }
    }
}

impl Serialize for NoPbo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The probability of backtest overfitting by combinatorially symmetric cross-validation (Bailey, Borwein, López de Prado &
/// Zhu, "The Probability of Backtest Overfitting", 2017).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pbo {
    /// The share of splits in which the best in sample is below the median out of sample; being the median counts half.
    #[serde(serialize_with = "number")]
    pub probability: f64,
    /// How many splits there were.
    pub splits: u64,
    /// The logits of the relative ranks out of sample, where they were kept; the mean of them where several are the best.
    pub logits: Option<Histogram>,
}

/// How often values fall into bins of one width.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Where the first bin begins.
    #[serde(serialize_with = "number")]
    pub low: f64,
    /// The width of a bin.
    #[serde(serialize_with = "number")]
    pub width: f64,
    /// The values in each bin.
    pub counts: Packed<u32>,
}

impl Histogram {
    /// The histogram of the finite values in 40 bins, half of them for values at or below zero. O(values).
    ///
    /// ```
    /// use bt_sweep::report::Histogram;
    /// let histogram = Histogram::around_zero(&[-1.0, 0.5, 2.0]);
    /// assert_eq!(histogram.counts.0.iter().sum::<u32>(), 3);
    /// ```
    pub fn around_zero(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        // Without values, or with none that differs from zero, the bins still have a width.
        let reach = finite().fold(0.0, |reach: f64, value| reach.max(value.abs())).clamp(1e-12, 1e300);
        let width = reach / 20.0;
        let mut counts = vec![0_u32; 40];
        for value in finite() {
            let (first, last) = if value > 0.0 { (20.0, 39.0) } else { (0.0, 19.0) };
            counts[((value / width).ceil() + 19.0).clamp(first, last) as usize] += 1;
        }
        Self { low: -reach, width, counts: Packed(counts) }
    }
}
