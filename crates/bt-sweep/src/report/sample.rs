use serde::Serialize;

use super::axis::Axis;
use super::packed::{Packed, values};
use super::summary::TrialRow;
use crate::Value;

/// One of the trials that parallel coordinates draw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampledTrial {
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
    pub metrics: Packed<f32>,
}

/// The most trials that parallel coordinates draw, beside the best ones.
pub const MAX_SAMPLED: usize = 500;
/// How many numbers a sample may have: trials with many parameters and metrics are sampled more thinly.
const MAX_NUMBERS: usize = 30_000;

/// One of every n trials, where n doubles whenever there are too many. Which one is as good as chance, but the same in each run:
/// every n-th of a grid would miss whole values of a parameter whose count has a divisor with n in common.
#[derive(Debug)]
pub(super) struct Sampler {
    most: usize,
    step: usize,
    seen: usize,
    kept: Vec<SampledTrial>,
}

impl Sampler {
    pub(super) fn new(numbers: usize) -> Self {
        // Even, since whole pairs are halved.
        let most = (MAX_NUMBERS / numbers.max(1)).clamp(2, MAX_SAMPLED) & !1;
        Self { most, step: 1, seen: 0, kept: Vec::new() }
    }

    pub(super) fn add(&mut self, row: &TrialRow<'_>, metrics: &[f64], axes: &[Axis]) {
        if self.seen.is_multiple_of(self.step) && self.kept.len() == self.most {
            let mut at = 0..;
            let step = self.step;
            self.kept.retain(|_| at.next().is_some_and(|at| at % 2 == chosen(at / 2, step) % 2));
            self.step *= 2;
        }
        if self.seen % self.step == chosen(self.seen / self.step, self.step) % self.step {
            self.kept.push(SampledTrial::new(row, metrics, axes));
        }
        self.seen += 1;
    }

    /// The sample, with positions on the folds' axis where there is one.
    pub(super) fn finish(self, axes: &[Axis]) -> Vec<SampledTrial> {
        let mut kept = self.kept;
        kept.iter_mut().for_each(|trial| trial.positions.0.extend(fold_position(axes, trial.fold)));
        kept
    }
}

/// Which of a group is kept, as a number of 32 bits without a pattern: SplitMix64 (Steele et al. 2014).
fn chosen(group: usize, step: usize) -> usize {
    let mut mixed = (group as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(step as u64);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 33) as usize
}

pub(super) fn positions(axes: &[Axis], params: &[Value]) -> Vec<f32> {
    axes.iter().zip(params).map(|(axis, value)| axis.position(value)).collect()
}

pub(super) fn fold_position(axes: &[Axis], fold: u32) -> Option<f32> {
    let axis = axes.last().filter(|axis| axis.fold)?;
    Some(axis.position(&Value::Int(i64::from(fold))))
}

impl SampledTrial {
    fn new(row: &TrialRow<'_>, metrics: &[f64], axes: &[Axis]) -> Self {
        Self {
            number: row.number,
            fold: row.fold,
            params: row.params[..axes.len()].to_vec(),
            positions: Packed(positions(axes, row.params)),
            metrics: Packed(metrics.iter().map(|&value| value as f32).collect()),
        }
    }
}
