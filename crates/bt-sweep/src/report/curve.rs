//! Equity over time, thinned out so that no extreme is lost.

use serde::Serialize;

use super::packed::{Packed, clipped};
use crate::{Error, Result};

/// Equity over time, of at most [`MAX_POINTS`] points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// What it is of.
    pub label: String,
    /// Times in seconds since 1970-01-01, in order; the engine gives days and starts of bars on the bundle's wall clock.
    pub seconds: Packed<f64>,
    /// The equity at each moment.
    pub equity: Packed<f32>,
    /// How many points there were before they were thinned out.
    pub points: usize,
}

/// The most points of a curve.
pub const MAX_POINTS: usize = 2000;

impl Curve {
    /// A curve of `equity` at moments in nanoseconds since 1970-01-01 UTC. Of many points the first, the last, the smallest
    /// and the largest of each short stretch stay, and so do both ends of the deepest drawdown. Points that are not finite
    /// are left out. O(points).
    ///
    /// # Errors
    /// [`Error::Mismatch`] where there are more or fewer values than moments; [`Error::Invalid`] where moments are not in
    /// order.
    pub fn new(label: impl Into<String>, nanoseconds: &[i64], equity: &[f64]) -> Result<Self> {
        let label = clipped(&label.into(), 200);
        if nanoseconds.len() != equity.len() {
            return Err(Error::Mismatch {
                what: format!("the number of values of curve {label}").into(),
                found: equity.len().to_string(),
                expected: format!("{}, one for each moment", nanoseconds.len()),
            });
        }
        if let Some(pair) = nanoseconds.windows(2).find(|pair| pair[0] > pair[1]) {
            let what = format!("moment of curve {label}");
            return Err(Error::invalid(what, pair[1], format!("at least the one before, {}", pair[0])));
        }
        let finite: Vec<usize> = (0..equity.len()).filter(|&at| equity[at].is_finite()).collect();
        let kept = kept(&finite, equity);
        let seconds = kept.iter().map(|&at| nanoseconds[at] as f64 / 1e9).collect();
        let equity = kept.iter().map(|&at| equity[at] as f32).collect();
        Ok(Self { label, seconds: Packed(seconds), equity: Packed(equity), points: finite.len() })
    }
}

fn kept(finite: &[usize], equity: &[f64]) -> Vec<usize> {
    if finite.len() <= MAX_POINTS {
        return finite.to_vec();
    }
    // Four of each stretch and two of the drawdown.
    let stretch = finite.len().div_ceil((MAX_POINTS - 2) / 4);
    let mut kept: Vec<usize> = finite
        .chunks(stretch)
        .flat_map(|stretch| corners(stretch, equity))
        .chain(deepest(finite, equity))
        .collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

fn corners(stretch: &[usize], equity: &[f64]) -> [usize; 4] {
    let first = stretch[0];
    let pick = |wins: fn(f64, f64) -> bool| {
        stretch.iter().copied().fold(first, |best, at| if wins(equity[at], equity[best]) { at } else { best })
    };
    [first, pick(|a, b| a < b), pick(|a, b| a > b), stretch[stretch.len() - 1]]
}

/// Peak and trough of the deepest fall, as a share of the peak.
fn deepest(finite: &[usize], equity: &[f64]) -> [usize; 2] {
    let (mut peak, mut found, mut depth) = (finite[0], [finite[0]; 2], 0.0);
    for &at in finite {
        if equity[at] > equity[peak] {
            peak = at;
        }
        let fall = 1.0 - equity[at] / equity[peak];
        if fall > depth {
            (found, depth) = ([peak, at], fall);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_curve_keeps_every_point_that_is_a_number() {
        let curve = Curve::new("a", &[0, 1_000_000_000, 2_000_000_000], &[1.0, f64::NAN, 2.0]).unwrap();
        assert_eq!((curve.seconds.0, curve.equity.0), (vec![0.0, 2.0], vec![1.0, 2.0]));
    }

    #[test]
    fn moments_out_of_order_and_values_without_moments_are_refused() {
        assert!(
            Curve::new("a", &[2, 1], &[1.0, 1.0])
                .unwrap_err()
                .to_string()
                .contains("at least the one before, 2")
        );
        assert!(Curve::new("a", &[1], &[]).is_err());
        assert!(Curve::new("a", &[], &[]).unwrap().equity.0.is_empty());
    }
}
