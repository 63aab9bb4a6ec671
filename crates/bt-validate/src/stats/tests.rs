use super::*;
use approx::{assert_abs_diff_eq, assert_relative_eq};

/// Student's data on two sleeping drugs, `sleep` in R.
const SLEEP_1: [f64; 10] = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
const SLEEP_2: [f64; 10] = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

#[test]
fn paired_t_gives_what_r_prints_for_the_sleep_data() {
    let differences: Vec<f64> = SLEEP_1.iter().zip(SLEEP_2).map(|(a, b)| a - b).collect();
    let test = paired_t(&differences, 0.0).unwrap();
    assert_abs_diff_eq!(test.t, -4.0621, epsilon = 5e-5);
    assert_eq!(test.df, 9.0);
    assert_abs_diff_eq!(test.p_two_sided(), 0.002_833, epsilon = 5e-7);
    assert_abs_diff_eq!(test.mean, -1.58, epsilon = 1e-12);
    let interval = test.interval(0.025);
    assert_abs_diff_eq!(interval.low, -2.459_885_8, epsilon = 5e-8);
    assert_abs_diff_eq!(interval.high, -0.700_114_2, epsilon = 5e-8);
}

#[test]
fn one_sided_p_values_are_the_halves_of_the_two_sided_one() {
    let differences: Vec<f64> = SLEEP_1.iter().zip(SLEEP_2).map(|(a, b)| a - b).collect();
    let test = paired_t(&differences, 0.0).unwrap();
    assert_abs_diff_eq!(test.p_less, 0.001_416, epsilon = 1e-6);
    assert_abs_diff_eq!(test.p_greater, 1.0 - 0.001_416, epsilon = 1e-6);
    // A null value below the sample turns the sides around.
    assert!(paired_t(&differences, -3.0).unwrap().p_less > 0.99);
}

#[test]
fn welch_gives_what_r_prints_for_the_sleep_data() {
    let test = welch_t(&SLEEP_1, &SLEEP_2).unwrap();
    assert_abs_diff_eq!(test.t, -1.8608, epsilon = 5e-5);
    assert_abs_diff_eq!(test.df, 17.776, epsilon = 5e-4);
    assert_abs_diff_eq!(test.p_two_sided(), 0.079_39, epsilon = 5e-6);
    let interval = test.interval(0.025);
    assert_abs_diff_eq!(interval.low, -3.365_483_2, epsilon = 5e-8);
    assert_abs_diff_eq!(interval.high, 0.205_483_2, epsilon = 5e-8);
}

#[test]
fn t_quantiles_agree_with_printed_tables() {
    // Upper critical values of Student's t, NIST/SEMATECH e-Handbook 1.3.6.7.2; its 318.313 in the first row is a
    // misprint of Cauchy's cot(0.001 π) = 318.309, as other tables have it.
    let table = [
        (1.0, 0.90, 3.078),
        (1.0, 0.975, 12.706),
        (1.0, 0.999, 318.309),
        (2.0, 0.95, 2.920),
        (5.0, 0.99, 3.365),
        (9.0, 0.90, 1.383),
        (9.0, 0.975, 2.262),
        (9.0, 0.99, 2.821),
        (29.0, 0.975, 2.045),
        (29.0, 0.99, 2.462),
        (100.0, 0.975, 1.984),
        (100.0, 0.999, 3.174),
    ];
    for (df, probability, printed) in table {
        assert_abs_diff_eq!(t_quantile(probability, df), printed, epsilon = 6e-4);
        assert_abs_diff_eq!(t_quantile(1.0 - probability, df), -printed, epsilon = 6e-4);
    }
}

#[test]
fn the_distribution_agrees_with_its_closed_forms() {
    for t in [-300.0, -7.5, -1.0, -0.1, 0.0, 0.3, 2.0, 40.0_f64] {
        // One degree of freedom is Cauchy's; two and four have algebraic forms.
        assert_abs_diff_eq!(t_cdf(t, 1.0), 0.5 + t.atan() / std::f64::consts::PI, epsilon = 1e-14);
        assert_abs_diff_eq!(t_cdf(t, 2.0), 0.5 + t / (2.0 * (2.0 + t * t).sqrt()), epsilon = 1e-14);
        let x = t / (1.0 + t * t / 4.0).sqrt();
        assert_abs_diff_eq!(t_cdf(t, 4.0), 0.5 + 3.0 / 8.0 * x * (1.0 - x * x / 12.0), epsilon = 1e-14);
    }
}

#[test]
fn quantile_inverts_the_distribution() {
    for df in [1.0, 2.5, 9.0, 17.776, 29.0, 250.0] {
        for probability in [1e-9, LOOK_ALPHA, 0.2, 0.5, 0.7, 1.0 - LOOK_ALPHA] {
            assert_relative_eq!(t_cdf(t_quantile(probability, df), df), probability, max_relative = 1e-9);
        }
    }
}

#[test]
fn a_far_tail_keeps_its_relative_precision() {
    // For two degrees of freedom P(T ≤ −t) = 1 / (2 + t² + t·√(2 + t²)), free of cancellation.
    let t = 1e6_f64;
    let exact = 1.0 / (2.0 + t * t + t * (2.0 + t * t).sqrt());
    assert_relative_eq!(t_cdf(-t, 2.0), exact, max_relative = 1e-9);
}

#[test]
fn holm_gives_the_textbook_example() {
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (actual, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        assert_abs_diff_eq!(*actual, expected, epsilon = 1e-12);
    }
}

#[test]
fn holm_never_exceeds_one_nor_turns_an_order_around() {
    assert_eq!(holm(&[0.9, 0.8, 0.7]), [1.0, 1.0, 1.0]);
    assert_eq!(holm(&[]), [] as [f64; 0]);
    let adjusted = holm(&[0.001, 0.03, 0.031, 0.5]);
    assert!(adjusted.is_sorted());
}

#[test]
fn median_mean_and_variance_of_known_samples() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    assert!(median(&[]).is_nan());
    assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
    assert_eq!(sample_variance(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 32.0 / 7.0);
    assert!(sample_variance(&[1.0]).is_nan());
}

#[test]
fn a_verdict_comes_from_the_bound_and_not_from_the_estimate() {
    // Half the time on average, but so scattered that the bound lies above the target.
    let scattered = rounds_of(&[0.1, 2.5, 0.1, 2.5, 0.1, 2.5, 0.1, 2.5, 0.1, 2.5]);
    let judgement = judge(&scattered, 0.6).unwrap();
    assert!(judgement.ratio.estimate < 0.6 && judgement.ratio.high > 0.6);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.p > LOOK_ALPHA);
}

#[test]
fn verdict_and_p_value_agree() {
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..2000 {
        let ratio = (0.3 * normal(&mut rng)).exp();
        let rounds = normal_rounds(&mut rng, 10, ratio, 0.3);
        let judgement = judge(&rounds, 1.0).unwrap();
        assert_eq!(judgement.verdict == Verdict::Pass, judgement.p < LOOK_ALPHA);
        assert_eq!(judgement.verdict == Verdict::Refuted, judgement.p > 1.0 - LOOK_ALPHA);
    }
}

#[test]
fn rounds_that_are_all_equal_do_not_prove_a_difference() {
    let equal = rounds_of(&[1.0; 30]);
    let judgement = judge(&equal, 1.0).unwrap();
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!((judgement.p, judgement.welch_p), (0.5, 1.0));
    assert_eq!(judge(&equal, 1.01).unwrap().verdict, Verdict::Pass);
    assert_eq!(judge(&equal, 0.99).unwrap().verdict, Verdict::Refuted);
}

#[test]
fn fewer_rounds_than_the_first_look_decide_nothing() {
    let nine = rounds_of(&[0.01, 0.011, 0.01, 0.011, 0.01, 0.011, 0.01, 0.011, 0.01]);
    let judgement = judge(&nine, 0.5).unwrap();
    assert_eq!((judgement.verdict, judgement.n), (Verdict::Inconclusive, 9));
    assert!(judgement.ratio.high < 0.5, "the interval is shown all the same");
}

#[test]
fn between_the_looks_no_verdict_is_taken() {
    let mut ratios = vec![0.2, 2.0, 0.2, 2.0, 0.2, 2.0, 0.2, 2.0, 0.2, 2.0];
    ratios.extend([0.1; 19]);
    assert_eq!(judge(&rounds_of(&ratios), 0.9).unwrap().n, 10);
    assert_eq!(next_look(&rounds_of(&ratios), 0.9), Ok(Some(30)));
    ratios.push(0.1);
    let judgement = judge(&rounds_of(&ratios), 0.9).unwrap();
    assert_eq!((judgement.n, judgement.verdict), (30, Verdict::Pass));
    assert_eq!(next_look(&rounds_of(&ratios), 0.9), Ok(None));
}

#[test]
fn a_verdict_of_the_first_look_is_not_taken_back() {
    let mut ratios = vec![0.5, 0.51, 0.5, 0.49, 0.5, 0.51, 0.5, 0.49, 0.5, 0.5];
    assert_eq!(next_look(&rounds_of(&ratios[..4]), 0.6), Ok(Some(10)));
    assert_eq!(next_look(&rounds_of(&ratios), 0.6), Ok(None));
    ratios.extend([5.0; 20]);
    let judgement = judge(&rounds_of(&ratios), 0.6).unwrap();
    assert_eq!((judgement.n, judgement.verdict), (10, Verdict::Pass));
}

#[test]
fn a_time_without_a_logarithm_is_an_error_that_names_it() {
    let mut rounds = rounds_of(&[0.5; 10]);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        rounds[3].optimised_seconds = bad;
        let error = judge(&rounds, 0.6).unwrap_err();
        assert!(matches!(error, StatsError::NotPositive { index: 3, .. }), "{error}");
    }
    assert_eq!(judge(&rounds[..1], 0.6).unwrap_err(), StatsError::TooFew { have: 1, need: 2 });
}

#[test]
fn a_true_difference_is_found() {
    let mut rng = fastrand::Rng::with_seed(11);
    let found = (0..500)
        .filter(|_| judge(&normal_rounds(&mut rng, 30, 0.8, 0.1), 0.9).unwrap().verdict == Verdict::Pass)
        .count();
    assert!(found >= 475, "{found} of 500");
}

#[test]
fn a_claim_exactly_at_its_target_passes_no_more_often_than_alpha_over_both_looks() {
    const RUNS: usize = 20_000;
    let mut rng = fastrand::Rng::with_seed(20_240_229);
    let (mut passed, mut refuted) = (0, 0);
    for _ in 0..RUNS {
        match judge(&normal_rounds(&mut rng, 30, 0.1, 0.2), 0.1).unwrap().verdict {
            Verdict::Pass => passed += 1,
            Verdict::Refuted => refuted += 1,
            Verdict::Inconclusive => {}
        }
    }
    // Three standard errors of a share of 20,000; the lower limit shows that the test is not blind.
    let tolerance = 3.0 * (ALPHA * (1.0 - ALPHA) / RUNS as f64).sqrt();
    for share in [passed, refuted].map(|count: usize| count as f64 / RUNS as f64) {
        assert!(share <= ALPHA + tolerance, "{share}");
        assert!(share >= ALPHA / 2.0, "{share}");
    }
}

#[test]
fn noise_that_both_arms_share_cancels_in_the_pairs() {
    let mut rng = fastrand::Rng::with_seed(3);
    let rounds: Vec<Round> = (0..10)
        .map(|_| {
            let machine_speed = normal(&mut rng).exp();
            Round {
                base_seconds: machine_speed,
                optimised_seconds: machine_speed * 0.9 * (0.01 * normal(&mut rng)).exp(),
            }
        })
        .collect();
    let judgement = judge(&rounds, 0.95).unwrap();
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert!(judgement.welch_p > 0.5, "unpaired, the same rounds show nothing");
}

#[test]
fn a_scale_that_turns_around_keeps_its_bounds_in_order() {
    let saved = Interval { estimate: 0.2, low: 0.1, high: 0.4 }.map(|ratio| 1.0 - ratio);
    assert_eq!(saved, Interval { estimate: 0.8, low: 0.6, high: 0.9 });
}

fn rounds_of(ratios: &[f64]) -> Vec<Round> {
    ratios.iter().map(|ratio| Round { base_seconds: 1.0, optimised_seconds: *ratio }).collect()
}

fn normal_rounds(rng: &mut fastrand::Rng, n: usize, ratio: f64, spread: f64) -> Vec<Round> {
    let ratios: Vec<f64> = (0..n).map(|_| ratio * (spread * normal(rng)).exp()).collect();
    rounds_of(&ratios)
}

/// A standard normal number by Box and Muller's transform.
fn normal(rng: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}
