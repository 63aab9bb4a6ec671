use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Params};

/// A trial that a search asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Counts the proposals of one search from 0 on.
    pub number: u64,
    /// The point.
    pub params: Params,
    /// The share of the data to run on, in (0, 1]: 1 unless the search works with rungs.
    pub fidelity: f64,
}

/// What a backtest says of one trial.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Outcome {
    /// One value for each of [`Backtest::metrics`](crate::Backtest::metrics), in their order. NaN where a metric is not defined.
    pub metrics: Vec<f64>,
    /// The returns of the trial in consecutive blocks of equal length, where the backtest keeps them: what the probability of
    /// backtest overfitting is computed from.
    pub blocks: Vec<Block>,
}

/// The per-bar returns of a trial in one block of bars, summed.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Block {
    /// Bars in the block.
    pub bars: u32,
    /// Sum of the returns.
    pub sum: f64,
    /// Sum of the squared returns.
    pub sum_of_squares: f64,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "status", content = "message")]
pub enum Status {
    /// With an outcome.
    Done,
    /// With an error, a panic included; the message.
    Failed(String),
    /// It did not end within its deadline.
    Deadline,
}

impl Status {
    /// How a trial that met this error ended; none where it was cancelled, which is no end. Of a message the first 16,384 bytes are
    /// kept: a record that is too long would end the sweep.
    pub fn of_error(error: &Error) -> Option<Self> {
        match error {
            Error::Cancelled => None,
            Error::Deadline(_) => Some(Self::Deadline),
            other => Some(Self::Failed(cut(other.to_string()))),
        }
    }

    /// `"done"`, `"failed"` or `"deadline"`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Deadline => "deadline",
        }
    }
}

const MAX_MESSAGE: usize = 1 << 14;

fn cut(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        let end = (0..=MAX_MESSAGE).rev().find(|&at| message.is_char_boundary(at));
        message.truncate(end.unwrap_or(0));
        message.push('…');
    }
    message
}

/// What identifies a trial for good: the first 16 bytes of a SHA-256 over the strategy and its version, accounting settings,
/// parameters, bundle version, assets, range with its warm-up, fold and fidelity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TrialKey(pub [u8; 16]);

impl fmt::Display for TrialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TrialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A finished trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRecord {
    /// What identifies it.
    pub key: TrialKey,
    /// Its number among the search's proposals.
    pub number: u64,
    /// Which part of the data it ran on: 0 in a plain sweep; in a walk-forward that of the fold and the [`Role`](crate::folds::Role),
    /// as [`Role::part`](crate::folds::Role::part) counts them.
    pub part: u32,
    /// The point.
    pub params: Params,
    /// The share of the data that it ran on.
    pub fidelity: f64,
    /// How it ended.
    pub status: Status,
    /// What came out; empty unless [`Status::Done`].
    pub outcome: Outcome,
    /// The worker that ran it.
    pub worker: u32,
    /// When it began, in microseconds since the sweep's start.
    pub started_us: u64,
    /// What it took, in microseconds.
    pub took_us: u64,
}
