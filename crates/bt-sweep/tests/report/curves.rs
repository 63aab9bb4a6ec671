use bt_sweep::report::{Curve, Histogram, MAX_POINTS};
use proptest::prelude::*;

use crate::oracle;

/// A walk of the given steps, over and over with growing strides, so that short lists make long curves.
fn walk(steps: &[f64], points: usize) -> Vec<f64> {
    let mut equity = 1.0;
    (0..points)
        .map(|at| {
            equity *= 1.0 + steps[(at * (1 + at / steps.len())) % steps.len()];
            equity
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_thinned_curve_keeps_its_ends_its_extremes_and_its_deepest_drawdown(
        steps in prop::collection::vec(-0.02..0.021_f64, 2..60),
        points in prop_oneof![1..40_usize, 1990..2010_usize, 2010..6000_usize],
    ) {
        let equity = walk(&steps, points);
        let moments: Vec<i64> = (0..points as i64).map(|day| day * 86_400_000_000_000).collect();
        let curve = Curve::new("curve", &moments, &equity).unwrap();
        let kept = &curve.equity.0;
        prop_assert!(kept.len() <= MAX_POINTS && kept.len() >= points.min(MAX_POINTS / 8));
        prop_assert_eq!(curve.points, points);
        let days: Vec<usize> = curve.seconds.0.iter().map(|second| (second / 86_400.0) as usize).collect();
        prop_assert!(days.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(days.iter().zip(kept).all(|(day, value)| *value == equity[*day] as f32));
        prop_assert_eq!((days[0], days[days.len() - 1]), (0, points - 1));
        let extreme = |pick: fn(f64, f64) -> f64| equity.iter().copied().reduce(pick).unwrap() as f32;
        prop_assert!(kept.contains(&extreme(f64::min)) && kept.contains(&extreme(f64::max)));
        let (all, thinned) = (
            oracle::max_drawdown(equity.iter().copied()),
            oracle::max_drawdown(kept.iter().map(|value| f64::from(*value))),
        );
        prop_assert!((all - thinned).abs() < 1e-6, "{} is not {}", thinned, all);
    }

    #[test]
    fn a_histogram_counts_every_finite_value_once_and_splits_at_zero(
        values in prop::collection::vec(prop_oneof![9 => -5.0..5.0_f64, 1 => prop::num::f64::ANY], 0..100),
    ) {
        let histogram = Histogram::around_zero(&values);
        let counts = &histogram.counts.0;
        let finite = values.iter().filter(|value| value.is_finite());
        let below = finite.clone().filter(|value| **value <= 0.0).count() as u32;
        prop_assert_eq!(counts.iter().sum::<u32>(), finite.count() as u32);
        prop_assert_eq!(counts[..counts.len() / 2].iter().sum::<u32>(), below);
        prop_assert!(histogram.width > 0.0 && histogram.low < 0.0);
    }
}
