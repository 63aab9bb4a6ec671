use serde::Serialize;

use super::axis::Axis;
use super::packed::{Packed, numbers, values};
use super::sample::{fold_position, positions};
use super::summary::TrialRow;
use crate::Value;

/// One of the best trials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopTrial {
    /// Its number.
    pub number: u64,
    /// Its fold.
    pub fold: u32,
    /// Its values.
    #[serde(serialize_with = "values")]
    pub params: Vec<Value>,
    /// Where its values lie on their axes, from 0 to 1.
    pub positions: Packed<f32>,
    /// Its metrics.
    #[serde(serialize_with = "numbers")]
    pub metrics: Vec<f64>,
    /// What it took, in microseconds.
    pub took_us: u64,
}

/// The most trials that the table lists.
pub const MAX_TOP: usize = 50;

/// The best trials so far, the best one first.
#[derive(Debug, Default)]
pub(super) struct Top(Vec<(f64, TopTrial)>);

impl Top {
    /// Takes in a trial with its score; of equal ones the earlier fold and the smaller number is the better.
    pub(super) fn add(&mut self, row: &TrialRow<'_>, metrics: &[f64], score: Option<f64>, axes: &[Axis]) {
        let Some(score) = score else { return };
        let better = |other: &(f64, TopTrial)| {
            other.0 > score || (other.0 == score && (other.1.fold, other.1.number) < (row.fold, row.number))
        };
        let place = self.0.partition_point(better);
        if place == MAX_TOP {
            return;
        }
        let trial = TopTrial {
            number: row.number,
            fold: row.fold,
            params: row.params[..axes.len()].to_vec(),
            positions: Packed(positions(axes, row.params)),
            metrics: metrics.to_vec(),
            took_us: row.took_us,
        };
        self.0.insert(place, (score, trial));
        self.0.truncate(MAX_TOP);
    }

    /// The best ones, with positions on the folds' axis where there is one.
    pub(super) fn finish(self, axes: &[Axis]) -> Vec<TopTrial> {
        let mut best: Vec<TopTrial> = self.0.into_iter().map(|(_, trial)| trial).collect();
        best.iter_mut().for_each(|trial| trial.positions.0.extend(fold_position(axes, trial.fold)));
        best
    }
}
