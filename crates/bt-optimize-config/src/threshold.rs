//! What an optimisation must achieve to be accepted, per workflow and dataset size.

use std::fmt;
use std::ops::{Index, IndexMut};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::OptimizationConfig;

/// One [`Threshold`] for each pair of [`Workflow`] and [`DatasetSize`]; indexing cannot miss.
///
/// ```
/// use bt_optimize_config::{DatasetSize, Thresholds, Workflow};
///
/// let mut thresholds = Thresholds::default();
/// let usual = thresholds[(Workflow::WalkForward, DatasetSize::Production)];
/// assert_eq!(usual.min_improvement_percent, 5.0);
/// assert_eq!(usual.statistical_confidence, 0.95);
/// assert_eq!(usual.min_sample_size, 10);
/// assert_eq!(usual.max_memory_increase_percent, 2.0);
///
/// let medium = thresholds[(Workflow::GridSearch, DatasetSize::Medium)];
/// assert_eq!((medium.min_improvement_percent, medium.max_memory_increase_percent), (3.0, 5.0));
///
/// let small = thresholds[(Workflow::GridSearch, DatasetSize::Small)];
/// assert_eq!((small.min_improvement_percent, small.max_memory_increase_percent), (2.0, 10.0));
/// assert_eq!((small.statistical_confidence, small.min_sample_size), (0.90, 10));
///
/// thresholds[(Workflow::GridSearch, DatasetSize::Small)].min_sample_size = 30;
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds([[Threshold; 4]; 3]);

/// What an optimisation must achieve to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// The least time saved, in percent of the baseline's time: above 0 and up to 100.
    pub min_improvement_percent: f64,
    /// The confidence with which it must be shown, as a fraction between 0 and 1, both excluded: 95 % is 0.95.
    pub statistical_confidence: f64,
    /// The least number of runs, at least 2.
    pub min_sample_size: usize,
    /// The most additional memory, in percent of the baseline's: 0 (none) or more.
    pub max_memory_increase_percent: f64,
}

/// What an evaluation asks of optimisations, in shares instead of percentages: what a gate computes with.
///
/// Made by [`OptimizationConfig::acceptance`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acceptance {
    /// The least time saved, as a share of the baseline's time: 0.05 is 5 %.
    pub min_time_saved: f64,
    /// The confidence with which it must be shown: 0.95 is 95 %.
    pub confidence: f64,
    /// The least number of runs.
    pub min_sample_size: usize,
    /// The most memory, as a ratio to the baseline's: 1.02 is 2 % more.
    pub max_memory_ratio: f64,
    /// The share of time saved by all optimisations together at which the evaluation has reached its goal.
    pub goal: f64,
    /// Whether to stop when further optimisations cease to pay.
    pub stop_early: bool,
}

impl Acceptance {
    /// Whether an optimisation is accepted that was measured in so many runs: the lower bound of its time saved at this
    /// [`confidence`](Self::confidence), and its memory as a ratio to the baseline's. NaN is not.
    ///
    /// ```
    /// use bt_optimize_config::{DatasetSize, OptimizationConfig, Workflow};
    ///
    /// let acceptance = OptimizationConfig::default().acceptance(Workflow::WalkForward, DatasetSize::Large);
    /// assert!(acceptance.accepts(10, 0.05, 1.02));
    /// assert!(!acceptance.accepts(9, 0.05, 1.02), "too few runs");
    /// assert!(!acceptance.accepts(10, 0.049, 1.02), "too little time saved");
    /// assert!(!acceptance.accepts(10, 0.05, 1.021), "too much memory");
    /// assert_eq!((acceptance.goal, acceptance.stop_early), (0.4, true));
    /// ```
    pub fn accepts(&self, runs: usize, time_saved_low: f64, memory_ratio: f64) -> bool {
        runs >= self.min_sample_size
            && time_saved_low >= self.min_time_saved
            && memory_ratio <= self.max_memory_ratio
    }
}

impl OptimizationConfig {
    /// Threshold, goal and stop of the sequential evaluation for one kind of run, in shares.
    pub fn acceptance(&self, workflow: Workflow, size: DatasetSize) -> Acceptance {
        let threshold = self.thresholds[(workflow, size)];
        Acceptance {
            min_time_saved: threshold.min_improvement_percent / 100.0,
            confidence: threshold.statistical_confidence,
            min_sample_size: threshold.min_sample_size,
            max_memory_ratio: (100.0 + threshold.max_memory_increase_percent) / 100.0,
            goal: self.sequential_evaluation_goal_percent / 100.0,
            stop_early: self.stop_on_diminishing_returns,
        }
    }
}

/// What is being run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Workflow {
    /// Many trials over the same bars.
    GridSearch,
    /// A search on each in-sample window, then a run out of sample.
    WalkForward,
    /// One run.
    SingleBacktest,
}

/// How much data a workflow runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasetSize {
    /// For tests and development.
    Small,
    /// Between development and production.
    Medium,
    /// Larger than medium.
    Large,
    /// What decisions are made on.
    Production,
}

impl Thresholds {
    /// The same threshold for every pair.
    pub const fn uniform(threshold: Threshold) -> Self {
        Self([[threshold; 4]; 3])
    }

    /// All pairs with their threshold, by workflow, then by size.
    pub fn iter(&self) -> impl Iterator<Item = (Workflow, DatasetSize, &Threshold)> {
        pairs().zip(self.0.as_flattened()).map(|((workflow, size), threshold)| (workflow, size, threshold))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Workflow, DatasetSize, &mut Threshold)> {
        pairs()
            .zip(self.0.as_flattened_mut())
            .map(|((workflow, size), threshold)| (workflow, size, threshold))
    }
}

fn pairs() -> impl Iterator<Item = (Workflow, DatasetSize)> {
    Workflow::ALL
        .into_iter()
        .flat_map(|workflow| DatasetSize::ALL.into_iter().map(move |size| (workflow, size)))
}

impl Default for Thresholds {
    fn default() -> Self {
        let usual = Threshold {
            min_improvement_percent: 5.0,
            statistical_confidence: 0.95,
            min_sample_size: 10,
            max_memory_increase_percent: 2.0,
        };
        let mut thresholds = Self::uniform(usual);
        thresholds[(Workflow::GridSearch, DatasetSize::Medium)] =
            Threshold { min_improvement_percent: 3.0, max_memory_increase_percent: 5.0, ..usual };
        thresholds[(Workflow::GridSearch, DatasetSize::Small)] = Threshold {
            min_improvement_percent: 2.0,
            statistical_confidence: 0.90,
            max_memory_increase_percent: 10.0,
            ..usual
        };
        thresholds
    }
}

impl Index<(Workflow, DatasetSize)> for Thresholds {
    type Output = Threshold;

    #[doc(alias = "get_threshold")]
    fn index(&self, (workflow, size): (Workflow, DatasetSize)) -> &Threshold {
        &self.0[workflow as usize][size as usize]
    }
}

impl IndexMut<(Workflow, DatasetSize)> for Thresholds {
    #[doc(alias = "set_threshold")]
    fn index_mut(&mut self, (workflow, size): (Workflow, DatasetSize)) -> &mut Threshold {
        &mut self.0[workflow as usize][size as usize]
    }
}

impl Serialize for Thresholds {
    /// A map by workflow of maps by size: in TOML, tables such as `[thresholds.grid_search.small]`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Workflow::ALL.len()))?;
        for (workflow, by_size) in Workflow::ALL.into_iter().zip(&self.0) {
            map.serialize_entry(workflow.name(), &BySize(by_size))?;
        }
        map.end()
    }
}

struct BySize<'a>(&'a [Threshold; 4]);

impl Serialize for BySize<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(DatasetSize::ALL.into_iter().map(DatasetSize::name).zip(self.0))
    }
}

impl Workflow {
    /// All workflows.
    pub const ALL: [Workflow; 3] = [Workflow::GridSearch, Workflow::WalkForward, Workflow::SingleBacktest];

    /// The name as TOML has it.
    pub const fn name(self) -> &'static str {
        match self {
            Workflow::GridSearch => "grid_search",
            Workflow::WalkForward => "walk_forward",
            Workflow::SingleBacktest => "single_backtest",
        }
    }
}

impl DatasetSize {
    /// All sizes, smallest first.
    pub const ALL: [DatasetSize; 4] =
        [DatasetSize::Small, DatasetSize::Medium, DatasetSize::Large, DatasetSize::Production];

    /// The name as TOML has it.
    pub const fn name(self) -> &'static str {
        match self {
            DatasetSize::Small => "small",
            DatasetSize::Medium => "medium",
            DatasetSize::Large => "large",
            DatasetSize::Production => "production",
        }
    }
}

impl fmt::Display for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for DatasetSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
