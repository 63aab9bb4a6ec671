//! Overfitting statistics against published numbers, and against a slow version that works on the returns themselves.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod oracle;

use approx::assert_abs_diff_eq;
use bt_sweep::Block;
use bt_sweep::overfit::{
    SharpeEstimate, deflated_sharpe, effective_trials, expected_maximum_sharpe, overfitting,
    probabilistic_sharpe, sharpe_variance,
};
use oracle::{Returns, blocks, naive_overfitting, noise, probability_of_the_paper};
use proptest::prelude::*;

/// The example of Bailey and López de Prado (2014): 2.5 a year, of 250 days, over five years.
fn example(skewness: f64, kurtosis: f64) -> SharpeEstimate {
    SharpeEstimate { sharpe: 2.5 / 250_f64.sqrt(), bars: 1250, skewness, kurtosis }
}

#[test]
fn the_deflated_ratio_of_the_papers_example_is_the_papers() {
    let deflated = |trials, skewness, kurtosis| {
        deflated_sharpe(&example(skewness, kurtosis), trials, 0.5 / 250.0).unwrap()
    };
    assert_abs_diff_eq!(deflated(100.0, -3.0, 10.0).expected_maximum, 0.1132, epsilon = 5e-5);
    assert_abs_diff_eq!(deflated(100.0, -3.0, 10.0).probability, 0.9004, epsilon = 5e-5);
    // The numbers of trials at which it would pass at 95 %: as it is, and with normal returns.
    assert_abs_diff_eq!(deflated(46.0, -3.0, 10.0).probability, 0.9505, epsilon = 5e-5);
    assert_abs_diff_eq!(deflated(88.0, 0.0, 3.0).probability, 0.9505, epsilon = 5e-5);
}

#[test]
fn the_expected_maximum_is_near_that_of_normal_numbers() {
    // Expected largest of n standard normal numbers: Harter, "Expected values of normal order statistics", 1961.
    for (n, expected) in [(10.0, 1.53875), (100.0, 2.50759), (1000.0, 3.24144)] {
        let got = expected_maximum_sharpe(n, 1.0).unwrap();
        assert!((got / expected - 1.0).abs() < 0.03, "{n}: {got} and {expected}");
    }
    assert_eq!(expected_maximum_sharpe(1.0, 1.0).unwrap(), 0.0);
    assert_eq!(expected_maximum_sharpe(50.0, 0.0).unwrap(), 0.0);
    let huge = expected_maximum_sharpe(1e18, 1.0).unwrap();
    assert!((8.0..10.0).contains(&huge), "{huge}");
}

#[test]
fn without_a_benchmark_half_of_the_probability_lies_above_a_ratio_of_0() {
    let flat = SharpeEstimate { sharpe: 0.0, bars: 100, skewness: 0.0, kurtosis: 3.0 };
    assert_abs_diff_eq!(probabilistic_sharpe(&flat, 0.0).unwrap(), 0.5, epsilon = 1e-15);
    // Φ(1.96) and Φ(-3), from tables.
    let at = |deviations: f64| probabilistic_sharpe(&flat, -deviations / 99_f64.sqrt()).unwrap();
    assert_abs_diff_eq!(at(1.96), 0.975_002_104_851_779_5, epsilon = 1e-11);
    assert_abs_diff_eq!(at(-3.0), 0.001_349_898_031_630_094_5, epsilon = 1e-11);
}

#[test]
fn more_trials_or_more_variance_deflate_more() {
    let probability =
        |trials, variance| deflated_sharpe(&example(-3.0, 10.0), trials, variance).unwrap().probability;
    assert!(probability(10.0, 0.002) > probability(100.0, 0.002));
    assert!(probability(100.0, 0.002) > probability(100.0, 0.004));
    assert_eq!(probability(1.0, 0.004), probabilistic_sharpe(&example(-3.0, 10.0), 0.0).unwrap());
}

#[test]
fn moments_of_returns_are_those_of_their_definition() {
    let estimate = SharpeEstimate::of_returns(&[0.01, -0.02, 0.03, 0.0, 0.08]).unwrap();
    // Computed by hand: mean 0.02, squares off it 0.0058.
    assert_abs_diff_eq!(estimate.sharpe, 0.02 / (0.0058_f64 / 4.0).sqrt(), epsilon = 1e-14);
    let second: f64 = 0.0058 / 5.0;
    let third =
        (-0.01_f64.powi(3) - 0.04_f64.powi(3) + 0.01_f64.powi(3) - 0.02_f64.powi(3) + 0.06_f64.powi(3)) / 5.0;
    let fourth = (0.01_f64.powi(4) * 2.0 + 0.04_f64.powi(4) + 0.02_f64.powi(4) + 0.06_f64.powi(4)) / 5.0;
    assert_abs_diff_eq!(estimate.skewness, third / second.powf(1.5), epsilon = 1e-12);
    assert_abs_diff_eq!(estimate.kurtosis, fourth / second.powi(2), epsilon = 1e-12);
    assert_eq!(estimate.bars, 5);
}

#[test]
fn what_has_no_ratio_is_refused_by_name() {
    let refused = |returns: &[f64]| SharpeEstimate::of_returns(returns).unwrap_err().to_string();
    assert!(refused(&[0.1]).starts_with("the number of returns = 1 is out of range; allowed: at least 2"));
    assert!(refused(&[0.1; 50]).starts_with("the standard deviation of the returns = "));
    assert!(refused(&[0.0; 50]).starts_with("the standard deviation of the returns = 0 "));
    assert!(refused(&[0.1, f64::NAN, 0.2]).starts_with("return 1 = NaN"));
    let estimate = example(0.0, 3.0);
    for (trials, variance) in
        [(0.0, 0.1), (0.5, 0.1), (f64::NAN, 0.1), (f64::INFINITY, 0.1), (9.0, -0.1), (9.0, f64::NAN)]
    {
        assert!(deflated_sharpe(&estimate, trials, variance).is_err(), "{trials} {variance}");
    }
    for bad in [
        SharpeEstimate { bars: 1, ..estimate },
        SharpeEstimate { sharpe: f64::NAN, ..estimate },
        SharpeEstimate { skewness: f64::INFINITY, ..estimate },
        SharpeEstimate { sharpe: 2.0, skewness: 5.0, kurtosis: 1.0, ..estimate },
    ] {
        assert!(probabilistic_sharpe(&bad, 0.0).is_err(), "{bad:?}");
    }
    assert!(probabilistic_sharpe(&estimate, f64::NAN).is_err());
}

#[test]
fn trials_that_resemble_each_other_count_as_fewer() {
    assert_eq!(effective_trials(100, 0.0).unwrap(), 100.0);
    assert_eq!(effective_trials(100, 1.0).unwrap(), 1.0);
    assert_eq!(effective_trials(101, 0.5).unwrap(), 51.0);
    assert!(effective_trials(0, 0.5).is_err());
    assert!(effective_trials(10, -0.1).is_err());
    assert!(effective_trials(10, f64::NAN).is_err());
}

#[test]
fn the_variance_of_trials_leaves_out_those_without_a_ratio() {
    assert_eq!(sharpe_variance(&[1.0, f64::NAN, 3.0, f64::INFINITY]), Some(2.0));
    assert_eq!(sharpe_variance(&[1.0, f64::NAN]), None);
    assert_eq!(sharpe_variance(&[]), None);
}

fn any_returns() -> impl Strategy<Value = Returns> {
    let shape = (2..9usize, prop::sample::select(vec![2, 4, 6]), prop::collection::vec(1..5usize, 6));
    shape.prop_flat_map(|(trials, blocks, bars)| {
        let bars = bars[..blocks].to_vec();
        let total = bars.iter().sum::<usize>();
        let trial = prop_oneof![
            8 => prop::collection::vec(-9..10_i64, total),
            1 => Just(vec![0; total]),
            1 => Just(vec![2; total]),
            1 => prop::collection::vec(0..2_i64, total),
        ];
        (Just(bars), prop::collection::vec(trial, trials)).prop_map(|(bars, trials)| Returns { bars, trials })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn overfitting_is_that_of_the_returns_themselves(returns in any_returns(), twin: bool) {
        let mut returns = returns;
        if twin {
            returns.trials.push(returns.trials[0].clone());
        }
        let got = overfitting(&blocks(&returns)).unwrap();
        let expected = naive_overfitting(&returns);
        prop_assert!(got.is_exact);
        prop_assert_eq!(got.logits.len(), expected.logits.len());
        let sorted = |logits: &[f64]| { let mut logits = logits.to_vec(); logits.sort_by(f64::total_cmp); logits };
        for (a, b) in sorted(&got.logits).iter().zip(sorted(&expected.logits)) {
            prop_assert!((a - b).abs() < 1e-12);
        }
        prop_assert_eq!(got.probability.is_some(), expected.probability.is_some());
        for (a, b) in [
            (got.probability.unwrap_or(0.0), expected.probability.unwrap_or(0.0)),
            (got.probability_of_loss, expected.probability_of_loss),
        ] {
            prop_assert!((a - b).abs() < 1e-12, "{} and {}", a, b);
        }
        match (got.degradation, expected.degradation) {
            (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-6 * (1.0 + b.abs()), "{} and {}", a, b),
            (a, b) => prop_assert_eq!(a, b),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn without_ties_and_of_an_even_number_of_trials_the_probability_is_that_of_the_paper(
        trials in prop::sample::select(vec![2_usize, 4, 6, 8]).prop_flat_map(|trials| {
            prop::collection::vec(prop::collection::vec(-9999..10_000_i64, 24), trials)
        }),
        blocks_of in prop::sample::select(vec![4_usize, 6, 8]),
    ) {
        let returns = Returns { bars: vec![24 / blocks_of; blocks_of], trials };
        let expected = probability_of_the_paper(&returns);
        prop_assume!(expected.is_some());
        prop_assert_eq!(overfitting(&blocks(&returns)).unwrap().probability, expected);
    }

    #[test]
    fn the_order_of_trials_changes_no_bit(returns in any_returns(), copies in 0..4_usize, seed: u64) {
        let mut trials = blocks(&returns);
        // Numbers that sums round, and that differ by the order of adding.
        trials.iter_mut().flatten().for_each(|block| block.sum *= 0.1);
        trials.iter_mut().flatten().for_each(|block| block.sum_of_squares *= 0.01);
        let twins = trials[..copies.min(trials.len())].to_vec();
        trials.extend(twins);
        let mut other = trials.clone();
        let mut state = seed;
        for at in (1..other.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            other.swap(at, (state >> 33) as usize % (at + 1));
        }
        let bits = |trials: &[Vec<Block>]| {
            let found = overfitting(trials).unwrap();
            let figures = [found.probability, Some(found.probability_of_loss), found.degradation];
            let logits: Vec<u64> = found.logits.iter().map(|logit| logit.to_bits()).collect();
            (figures.map(|figure| figure.map(f64::to_bits)), logits)
        };
        prop_assert_eq!(bits(&trials), bits(&other));
    }
}

#[test]
fn a_search_among_noise_is_overfitted_half_of_the_time() {
    let probability = |seed| overfitting(&noise(seed, 40, 16, 30, |_| 0.0)).unwrap().probability.unwrap();
    let mean = (0..30).map(probability).sum::<f64>() / 30.0;
    assert!((0.4..0.6).contains(&mean), "{mean}");
}

#[test]
fn a_trial_that_is_truly_better_is_found_in_every_half() {
    let drift = |trial: usize| if trial == 17 { 0.6 } else { 0.0 };
    let found = overfitting(&noise(1, 40, 16, 50, drift)).unwrap();
    assert_eq!(found.logits.len(), 12_870);
    assert!(found.is_exact);
    assert!(found.probability.unwrap() < 0.001, "{:?}", found.probability);
    assert!(found.probability_of_loss < 0.001, "{}", found.probability_of_loss);
}

#[test]
fn among_equal_trials_none_is_best_and_the_probability_is_undefined() {
    let one = noise(3, 1, 16, 10, |_| 0.0).remove(0);
    let found = overfitting(&vec![one; 15]).unwrap();
    assert_eq!(found.probability, None);
    assert!(found.logits.iter().all(|logit| *logit == 0.0));
    let flat = vec![Block { bars: 5, ..Block::default() }; 4];
    assert_eq!(overfitting(&[flat.clone(), flat]).unwrap().probability, None);
}

#[test]
fn a_best_trial_among_its_twins_counts_half() {
    let rising = |sum: f64| Block { bars: 10, sum, sum_of_squares: 10.0 };
    let twins = [[rising(5.0), rising(5.0)], [rising(5.0), rising(5.0)], [rising(-5.0), rising(5.0)]];
    let found = overfitting(&twins).unwrap();
    // Inside the first block the twins are best, and all three are equal outside. Inside the second all three are: the twins share
    // ranks 2 and 3 outside, and the third has rank 1.
    let logits: Vec<f64> = found.logits.clone();
    assert_eq!(logits[0], 0.0);
    assert_abs_diff_eq!(
        logits[1],
        (2.0 * (2.5_f64 / 1.5).ln() + (1.0_f64 / 3.0).ln()) / 3.0,
        epsilon = 1e-15
    );
    assert_abs_diff_eq!(found.probability.unwrap(), (0.5 + 1.0 / 3.0) / 2.0, epsilon = 1e-15);
}

#[test]
fn sums_that_are_those_of_no_returns_give_the_same_in_any_order() {
    let block = |sum, sum_of_squares| Block { bars: 3, sum, sum_of_squares };
    let trials = [
        vec![block(1e200, 1e300), block(-1e308, 1.0)],
        vec![block(1e308, 1e308), block(1e308, 1e308)],
        vec![block(-1.0, 2.0), block(1.0, 2.0)],
    ];
    let all = [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]].map(|order| {
        let trials = order.map(|at: usize| trials[at].clone());
        format!("{:?}", overfitting(&trials).unwrap())
    });
    assert!(all.iter().all(|found| *found == all[0] && !found.contains("NaN")), "{all:?}");
}

#[test]
fn blocks_that_do_not_fit_are_refused_by_name() {
    let good = noise(3, 3, 4, 10, |_| 0.0);
    let refused = |trials: &[Vec<Block>]| overfitting(trials).unwrap_err().to_string();
    assert_eq!(refused(&good[..1]), "the number of trials = 1 is out of range; allowed: at least 2");
    assert!(refused(&[]).starts_with("the number of trials = 0"));
    let cut = |blocks: usize| good.iter().map(|trial| trial[..blocks].to_vec()).collect::<Vec<_>>();
    for blocks in [0, 1, 3] {
        assert!(
            refused(&cut(blocks)).starts_with(&format!("the number of blocks = {blocks} is out of range"))
        );
    }
    assert!(refused(&noise(3, 2, 34, 2, |_| 0.0)).contains("allowed: an even number from 2 to 32"));
    let with = |change: fn(&mut Vec<Block>)| {
        let mut trials = good.clone();
        change(&mut trials[1]);
        refused(&trials)
    };
    assert!(
        with(|trial| trial[2].bars = 9)
            .contains("found [10, 10, 9, 10] in trial 1, expected [10, 10, 10, 10]")
    );
    assert!(with(|trial| trial.truncate(2)).contains("in trial 1"));
    assert!(with(|trial| trial[2].sum = f64::NAN).starts_with("a block of trial 1 = "));
    assert!(with(|trial| trial[2].sum_of_squares = f64::INFINITY).starts_with("a block of trial 1 = "));
    let empty = vec![vec![Block::default(); 4]; 2];
    assert!(refused(&empty).contains("at least one bar"));
}
