//! Random returns.

use approx::assert_relative_eq;
use bt_sweep::metrics::{Metric, Metrics, Trading, blocks};
use proptest::prelude::*;

use crate::oracle;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn every_metric_is_what_its_definition_says(
        returns in prop::collection::vec(-0.2..0.2_f64, 2..60),
        periods in 1.0..400.0_f64,
    ) {
        let metrics = Metrics::new(&returns, &Trading::default(), periods);
        for metric in Metric::ALL {
            let Some(expected) = oracle::metric(metric, &returns, periods) else { continue };
            let found = metrics.get(metric);
            if expected.is_finite() {
                assert_relative_eq!(found, expected, max_relative = 1e-8, epsilon = 1e-8);
            } else {
                // By 0: the definitions written out give infinity or NaN, the metric is not defined.
                prop_assert!(found.is_nan(), "{metric} is {found}, not {expected}");
            }
        }
    }

    #[test]
    fn blocks_hold_every_return_once(
        returns in prop::collection::vec(-0.2..0.2_f64, 1..200),
        count in 1..40_usize,
    ) {
        let blocks = blocks(&returns, count);
        prop_assert_eq!(blocks.len(), count.min(returns.len()));
        let mut left = returns.as_slice();
        for block in &blocks {
            let (these, rest) = left.split_at(block.bars as usize);
            prop_assert_eq!(block.sum, these.iter().sum::<f64>());
            prop_assert_eq!(block.sum_of_squares, these.iter().map(|r| r * r).sum::<f64>());
            left = rest;
        }
        prop_assert!(left.is_empty());
        let lengths = blocks.iter().map(|block| block.bars);
        prop_assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
    }
}
