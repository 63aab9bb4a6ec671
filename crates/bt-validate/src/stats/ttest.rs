//! The two t tests: paired (one sample of differences) and Welch's.

use super::{Interval, StatsError, mean, sample_variance, t_cdf, t_quantile};

/// A t test's outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TTest {
    /// The tested mean, or difference of means.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Degrees of freedom; not whole for Welch's test.
    pub df: f64,
    /// The statistic; infinite when the sample has no spread.
    pub t: f64,
    /// p of the alternative "less than the null value".
    pub p_less: f64,
    /// p of the alternative "greater than the null value".
    pub p_greater: f64,
}

impl TTest {
    fn new(mean: f64, null: f64, standard_error: f64, df: f64) -> Self {
        // 0/0 is a sample that lies on its null value without spread: it speaks for neither side.
        let t = if mean == null { 0.0 } else { (mean - null) / standard_error };
        TTest { mean, standard_error, df, t, p_less: t_cdf(t, df), p_greater: t_cdf(-t, df) }
    }

    /// p of the alternative "differs from the null value".
    #[must_use]
    pub fn p_two_sided(&self) -> f64 {
        (2.0 * self.p_less.min(self.p_greater)).min(1.0)
    }

    /// The mean between its two one-sided bounds, each wrong with chance `alpha`.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> Interval {
        let reach = t_quantile(1.0 - alpha, self.df) * self.standard_error;
        Interval { estimate: self.mean, low: self.mean - reach, high: self.mean + reach }
    }
}

/// Tests the mean of paired `differences` against `null_mean`.
///
/// # Errors
///
/// [`StatsError::TooFew`] below two differences.
pub fn paired_t(differences: &[f64], null_mean: f64) -> Result<TTest, StatsError> {
    let n = need_two(differences)?;
    let standard_error = (sample_variance(differences) / n).sqrt();
    Ok(TTest::new(mean(differences), null_mean, standard_error, n - 1.0))
}

/// Tests the mean of `a` minus that of `b` against zero, without taking their variances as equal.
///
/// # Errors
///
/// [`StatsError::TooFew`] below two values in either.
pub fn welch_t(a: &[f64], b: &[f64]) -> Result<TTest, StatsError> {
    let (n_a, n_b) = (need_two(a)?, need_two(b)?);
    let (square_a, square_b) = (sample_variance(a) / n_a, sample_variance(b) / n_b);
    let square = square_a + square_b;
    let welch_df = square.powi(2) / (square_a.powi(2) / (n_a - 1.0) + square_b.powi(2) / (n_b - 1.0));
    // Without any spread the formula is 0/0; any df gives the same answer then.
    let df = if square > 0.0 { welch_df } else { n_a + n_b - 2.0 };
    Ok(TTest::new(mean(a) - mean(b), 0.0, square.sqrt(), df))
}

fn need_two(values: &[f64]) -> Result<f64, StatsError> {
    match values.len() {
        have @ 0..2 => Err(StatsError::TooFew { have, need: 2 }),
        n => Ok(n as f64),
    }
}
