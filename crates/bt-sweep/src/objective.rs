use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Which of two values of an objective is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The larger one.
    Maximize,
    /// The smaller one.
    Minimize,
}

impl FromStr for Direction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "maximize" => Ok(Self::Maximize),
            "minimize" => Ok(Self::Minimize),
            other => Err(Error::unknown("direction", other, ["maximize", "minimize"])),
        }
    }
}

/// What a sweep looks for: one metric of the backtest, as large or as small as possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// The metric's name, one of [`Backtest::metrics`](crate::Backtest::metrics).
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

impl Objective {
    /// As large as possible.
    pub fn maximize(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), direction: Direction::Maximize }
    }

    /// As small as possible.
    pub fn minimize(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), direction: Direction::Minimize }
    }

    /// The place of the metric among those that a backtest has.
    ///
    /// # Errors
    /// [`Error::Unknown`] with all of them.
    pub fn position(&self, metrics: &[String]) -> Result<usize> {
        let found = metrics.iter().position(|metric| *metric == self.metric);
        found.ok_or_else(|| Error::unknown("metric", &self.metric, metrics.to_vec()))
    }

    /// A metric's value as a score of which more is better; none where it is NaN: such a trial never wins.
    #[inline]
    pub fn score(&self, value: f64) -> Option<f64> {
        let score = match self.direction {
            Direction::Maximize => value,
            Direction::Minimize => -value,
        };
        (!score.is_nan()).then_some(score)
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Maximize => "maximize",
            Direction::Minimize => "minimize",
        };
        write!(f, "{direction} {}", self.metric)
    }
}
