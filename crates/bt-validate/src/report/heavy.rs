//! What stands beside the claims about heavy operations and the engine.

use crate::gate::Step;
use serde::{Deserialize, Serialize};

/// What heavy operations and the engine came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heavy {
    /// The pool that lasts through the sequential evaluation, once for each kind of worker.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What searches cost until they were as good as the grid.
    #[serde(default)]
    pub searches: Vec<SearchCost>,
    /// The rounds of two workers against one.
    #[serde(default)]
    pub scaling: Option<ScalingRounds>,
    /// The tables of one sweep, run in different ways.
    #[serde(default)]
    pub tables: Vec<SameTable>,
}

/// What a search costs until it is within 1 % of the grid's best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchCost {
    /// The space.
    pub space: String,
    /// The data.
    pub set: String,
    /// The search.
    pub search: String,
    /// Points of the grid.
    pub points: u64,
    /// How many of them are within 1 % of the best.
    pub points_near_best: u64,
    /// For each seed one minus the bars evaluated as a share of the grid's; 0 where it did not get there.
    pub saved: Vec<f64>,
    /// The median of these.
    pub median_saved: f64,
    /// With how many seeds it got there before it had cost as much as the grid.
    pub reached: usize,
}

/// Which rounds of two workers against one count, and on what they ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingRounds {
    /// Rounds that were run.
    pub measured: usize,
    /// Rounds left out, since the machine gave too few cores.
    pub left_out: usize,
    /// The cores that it had to give.
    pub least_cores: f64,
    /// The cores that it gave, round by round.
    pub cores_given: Vec<f64>,
    /// CPU time per second of one worker and of two: medians over all rounds.
    pub cores_used: Option<[f64; 2]>,
    /// The times of all rounds, left out or not: `[one worker, two workers]`.
    pub seconds: Vec<[f64; 2]>,
}

/// The table that a sweep came to, run in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameTable {
    /// How it was run.
    pub run: String,
    /// Trials in the table.
    pub trials: u64,
    /// The first bytes of the table's SHA-256.
    pub digest: String,
    /// Whether its bytes are those of the reference.
    pub is_same: bool,
}

impl Heavy {
    /// Whether there is nothing beside the claims.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.searches.is_empty() && self.scaling.is_none() && self.tables.is_empty()
    }
}
