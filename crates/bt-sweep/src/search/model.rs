//! Where good points lie: the tree-structured Parzen estimator, over all parameters at once.

use std::f64::consts::PI;

use super::draws::Draws;
use crate::space::{Axis, Scale};
use crate::{Params, Space, Value};

/// A point that was tried, and its score; none where the trial failed.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) coordinates: Box<[f64]>,
    pub(super) score: Option<f64>,
}

/// Two densities over the space, of the good points and of the others. A proposal is the candidate, among some drawn from
/// the first, where the first is the largest multiple of the second (Bergstra et al. 2011, section 4; all parameters in one
/// kernel as in Falkner, Klein and Hutter 2018, section 3.2).
///
/// Each density is the mean of a kernel at each point and of the uniform density, which keeps every point possible. A kernel
/// is a product over the parameters: a normal density cut at the limits, over the parameter or its logarithm scaled to [0,
/// 1]; for choices, the kernel of Aitchison and Aitken (1976).
#[derive(Debug)]
pub(super) struct Model {
    good: Density,
    bad: Density,
}

/// The best tenth of the points is good, at least two and at most 25 of them.
const GOOD_SHARE: f64 = 0.1;
const GOOD_MOST: usize = 25;

/// How many candidates are drawn for one proposal, and how often that many are tried where constraints reject some.
const CANDIDATES: usize = 24;
const ATTEMPTS: usize = 16 * CANDIDATES;

impl Model {
    /// Observations are in the order of their numbers, which decides between equal scores. O(n log n).
    pub(super) fn new(space: &Space, observations: &[Observation]) -> Self {
        let mut ranked: Vec<&Observation> = observations.iter().collect();
        ranked.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        let good = ((ranked.len() as f64 * GOOD_SHARE).ceil() as usize).clamp(2, GOOD_MOST).min(ranked.len());
        let (good, bad) = ranked.split_at(good);
        Self { good: Density::new(space, good), bad: Density::new(space, bad) }
    }

    /// A point that `accepts` takes; none where it takes hardly any. O(candidates × observations × parameters).
    pub(super) fn propose(
        &mut self,
        space: &Space,
        draws: &mut Draws,
        accepts: impl Fn(&Params) -> bool,
    ) -> Option<Params> {
        let candidates = (0..ATTEMPTS).filter_map(|_| {
            let params = self.good.draw(space, draws);
            accepts(&params).then_some(params)
        });
        let mut best: Option<(f64, Params, Box<[f64]>)> = None;
        for params in candidates.take(CANDIDATES) {
            let at = coordinates(space, &params);
            let gain = libm::log(self.good.at(&at)) - libm::log(self.bad.at(&at));
            if best.as_ref().is_none_or(|(most, ..)| gain > *most) {
                best = Some((gain, params, at));
            }
        }
        let (_, params, at) = best?;
        // Until it is told, a proposal counts as bad, so that the next one of the batch goes elsewhere.
        self.bad.push(&at);
        Some(params)
    }
}

fn worth(observation: &Observation) -> f64 {
    observation.score.unwrap_or(f64::NEG_INFINITY)
}

/// The mean of a kernel at each of some points and of the uniform density.
#[derive(Debug)]
struct Density {
    sides: Vec<Side>,
    uniform: f64,
    /// Point by point.
    points: Vec<f64>,
    /// One for each point: what its kernel is multiplied by.
    scales: Vec<f64>,
}

/// One parameter's share in a kernel.
#[derive(Clone, Copy, Debug)]
enum Side {
    /// A normal density of this width.
    Ordered { width: f64 },
    /// How likely the same choice is, and each of the others.
    Choice { same: f64, other: f64, count: usize },
}

/// e to the power of less than this adds nothing to a sum that the uniform density is in.
const NEGLIGIBLE: f64 = -50.0;

impl Density {
    fn new(space: &Space, observations: &[&Observation]) -> Self {
        let sides = space.axes().iter().enumerate();
        let column = |at: usize| observations.iter().map(move |observation| observation.coordinates[at]);
        let sides: Vec<Side> =
            sides.map(|(at, axis)| Side::new(axis, column(at), space.axes().len())).collect();
        let uniform = sides.iter().map(|side| match side {
            Side::Ordered { .. } => 1.0,
            Side::Choice { count, .. } => 1.0 / *count as f64,
        });
        let mut density = Self { uniform: uniform.product(), sides, points: vec![], scales: vec![] };
        observations.iter().for_each(|observation| density.push(&observation.coordinates));
        density
    }

    fn push(&mut self, point: &[f64]) {
        let scale = self.sides.iter().zip(point).map(|(side, &at)| match side {
            Side::Ordered { width } => {
                let inside = normal_below((1.0 - at) / width) - normal_below(-at / width);
                1.0 / (inside * width * (2.0 * PI).sqrt())
            }
            Side::Choice { .. } => 1.0,
        });
        self.scales.push(scale.product());
        self.points.extend_from_slice(point);
    }

    fn at(&self, point: &[f64]) -> f64 {
        let kernels = self.points.chunks_exact(self.sides.len()).zip(&self.scales);
        let sum = kernels.fold(self.uniform, |sum, (center, scale)| sum + scale * self.kernel(center, point));
        sum / (self.scales.len() + 1) as f64
    }

    fn kernel(&self, center: &[f64], point: &[f64]) -> f64 {
        let (mut exponent, mut factor) = (0.0, 1.0);
        for ((side, center), at) in self.sides.iter().zip(center).zip(point) {
            match side {
                Side::Ordered { width } => {
                    let distance = (at - center) / width;
                    exponent -= 0.5 * distance * distance;
                }
                Side::Choice { same, other, .. } => factor *= if at == center { same } else { other },
            }
        }
        if exponent < NEGLIGIBLE { 0.0 } else { factor * libm::exp(exponent) }
    }

    fn draw(&self, space: &Space, draws: &mut Draws) -> Params {
        let kernel = draws.below(self.scales.len() as u128 + 1) as usize;
        let Some(center) = self.points.chunks_exact(self.sides.len()).nth(kernel) else {
            return draws.point(space);
        };
        let sides = self.sides.iter().zip(center).zip(space.axes());
        space.params(sides.map(|((side, &center), axis)| side.draw(center, axis, draws)))
    }
}

impl Side {
    fn new(axis: &Axis, column: impl Iterator<Item = f64> + Clone, dimensions: usize) -> Self {
        let count = column.clone().count().max(1) as f64;
        // The narrowing with the number of points in Scott's rule.
        let narrowing = libm::pow(count, -1.0 / (dimensions as f64 + 4.0));
        if let Axis::Choice(choices) = axis {
            let count = choices.len();
            let others = (count - 1).max(1) as f64;
            let apart = others / count as f64 * narrowing * if count == 1 { 0.0 } else { 1.0 };
            return Self::Choice { same: 1.0 - apart, other: apart / others, count };
        }
        let mean = column.clone().sum::<f64>() / count;
        let variance = column.map(|at| (at - mean) * (at - mean)).sum::<f64>() / count;
        // Few good points that happen to be close are no reason to look nowhere else.
        let least = 1.0 / (1.0 + count).min(100.0);
        Self::Ordered { width: (1.06 * variance.sqrt() * narrowing).clamp(least, 0.5) }
    }

    fn draw(self, center: f64, axis: &Axis, draws: &mut Draws) -> Value {
        match self {
            Self::Ordered { width } => loop {
                let at = center + width * draws.normal();
                if (0.0..=1.0).contains(&at) {
                    return axis.at(at);
                }
            },
            Self::Choice { same, .. } if draws.unit() < same => axis.nth(center as u64),
            Self::Choice { count, .. } => {
                let other = draws.below((count - 1).max(1) as u128);
                axis.nth(if other < center as u64 { other } else { (other + 1).min(count as u64 - 1) })
            }
        }
    }
}

/// How much of the standard normal distribution lies below `x`.
fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// A point as the model sees it: numbers scaled to [0, 1], choices by their number.
pub(super) fn coordinates(space: &Space, params: &Params) -> Box<[f64]> {
    space.axes().iter().zip(params.values()).map(|(axis, value)| axis.coordinate(value)).collect()
}

impl Axis {
    fn coordinate(&self, value: &Value) -> f64 {
        match (self, value) {
            (&Self::Real { min, max, scale }, Value::Float(value)) if max > min => {
                scale.share(min, max, *value)
            }
            (Self::Choice(_), value) => self.position(value).unwrap_or(0) as f64,
            (axis, value) => {
                let steps = axis.position(value).unwrap_or(0) as f64;
                (steps + 0.5) / axis.count().unwrap_or(1) as f64
            }
        }
    }

    /// The value at a coordinate of an ordered axis.
    fn at(&self, coordinate: f64) -> Value {
        match (self, self.count()) {
            (&Self::Real { min, max, scale }, _) => Value::Float(scale.between(min, max, coordinate)),
            (axis, count) => {
                let count = count.unwrap_or(1);
                axis.nth(((coordinate * count as f64) as u128).min(count - 1) as u64)
            }
        }
    }
}

impl Scale {
    /// How far between `min` and `max` a number is; the reverse of [`between`](Self::between).
    fn share(self, min: f64, max: f64, value: f64) -> f64 {
        let share = match self {
            Self::Linear => (value - min) / (max - min),
            Self::Log => {
                let (low, high) = (libm::log(min), libm::log(max));
                (libm::log(value) - low) / (high - low)
            }
        };
        share.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn density(space: &Space, points: &[[f64; 2]]) -> Density {
        let observation = |point: &[f64; 2]| Observation { coordinates: Box::new(*point), score: None };
        let observations: Vec<Observation> = points.iter().map(observation).collect();
        Density::new(space, &observations.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_density_sums_to_one() {
        let space =
            Space::builder().uniform("x", 0.0, 1.0).choice("kind", ["sma", "ema", "wma"]).build().unwrap();
        let mut density = density(&space, &[[0.0, 1.0], [0.3, 1.0], [0.97, 0.0], [0.31, 1.0]]);
        density.push(&[1.0, 2.0]);
        let cells = (0..3000).map(|cell| [(f64::from(cell / 3) + 0.5) / 1000.0, f64::from(cell % 3)]);
        let sum: f64 = cells.map(|cell| density.at(&cell) / 1000.0).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }

    #[test]
    fn draws_are_as_frequent_as_the_density_says() {
        let space = Space::builder().int("n", 0, 9, 1).choice("kind", ["sma", "ema", "wma"]).build().unwrap();
        let density = density(&space, &[[0.05, 1.0], [0.35, 1.0], [0.95, 0.0], [0.35, 1.0]]);
        let (mut draws, mut counts) = (Draws::new(1), [0_u32; 30]);
        for _ in 0..100_000 {
            let index = space.index_of(&density.draw(&space, &mut draws)).unwrap();
            counts[index as usize] += 1;
        }
        for (index, count) in (0..).zip(counts) {
            // The density at the middle of a step stands for all of the step.
            let at = coordinates(&space, &space.point(index).unwrap());
            let expected = density.at(&at) * 10_000.0;
            assert!((f64::from(count) - expected).abs() < 0.1 * expected, "{index}: {count}, {expected}");
        }
    }

    #[test]
    fn coordinates_and_values_are_each_others_reverse() {
        let space =
            Space::builder().int("n", -5, 90, 5).stepped("x", 0.1, 0.9, 0.1).log_uniform("y", 1e-4, 1e-1);
        let space = space.uniform("z", -1.0, 3.0).build().unwrap();
        let mut draws = Draws::new(3);
        for _ in 0..1000 {
            let params = draws.point(&space);
            let at = coordinates(&space, &params);
            let again = space.params(space.axes().iter().zip(&at).map(|(axis, &at)| axis.at(at)));
            assert_eq!(params.values()[..2], again.values()[..2]);
            for name in ["y", "z"] {
                let (value, again) = (params.float(name).unwrap(), again.float(name).unwrap());
                assert!((value - again).abs() <= 1e-12 * value.abs().max(1e-4), "{value}, {again}");
            }
        }
    }
}
