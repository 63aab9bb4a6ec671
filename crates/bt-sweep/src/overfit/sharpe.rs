use statrs::distribution::{ContinuousCDF, Normal};

use crate::moments::CentralMoments;
use crate::{Error, Result};

/// A Sharpe ratio, and what its error depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharpeEstimate {
    /// Per bar: the mean of the returns over their standard deviation. Not annualized.
    pub sharpe: f64,
    /// The number of returns, at least 2.
    pub bars: usize,
    /// Of the returns; 0 where they are symmetric.
    pub skewness: f64,
    /// Of the returns, not in excess: 3 where they are normal.
    pub kurtosis: f64,
}

impl SharpeEstimate {
    /// Of these returns. The standard deviation is the sample's, with n − 1; skewness and kurtosis are the moments' ratios
    /// m₃ / m₂^1.5 and m₄ / m₂². O(returns), two passes.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there are fewer than 2 returns, where one is not finite, and where all are equal.
    pub fn of_returns(returns: &[f64]) -> Result<Self> {
        if returns.len() < 2 {
            return Err(Error::invalid("the number of returns", returns.len(), "at least 2"));
        }
        if let Some(at) = returns.iter().position(|value| !value.is_finite()) {
            return Err(Error::invalid(format!("return {at}"), returns[at], "a finite number"));
        }
        let moments = CentralMoments::of(returns);
        if !moments.varies() {
            let deviation = moments.sample_deviation();
            let allowed = "more than 0: returns that differ";
            return Err(Error::invalid("the standard deviation of the returns", deviation, allowed));
        }
        Ok(Self {
            sharpe: moments.sharpe(),
            bars: returns.len(),
            skewness: moments.skewness(),
            kurtosis: moments.kurtosis(),
        })
    }

    /// The standard error of the ratio, times √(bars − 1): √(1 − γ₃ SR + (γ₄ − 1)/4 SR²).
    fn spread(&self) -> Result<f64> {
        let Self { sharpe, bars, skewness, kurtosis } = *self;
        if bars < 2 {
            return Err(Error::invalid("the number of returns", bars, "at least 2"));
        }
        for (what, value) in [("the Sharpe ratio", sharpe), ("skewness", skewness), ("kurtosis", kurtosis)] {
            finite(what, value)?;
        }
        let square = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe;
        if square > 0.0 {
            return Ok(square.sqrt());
        }
        let moments = format!("skewness {skewness} and kurtosis {kurtosis} at a Sharpe ratio of {sharpe}");
        Err(Error::invalid(
            "the moments of the returns",
            moments,
            "those of a distribution: kurtosis ≥ 1 + skewness²",
        ))
    }
}

fn finite(what: &'static str, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::invalid(what, value, "a finite number")) }
}

/// The probability that the true Sharpe ratio is above a benchmark, both per bar:
/// Φ((SR − SR*) √(T − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²)).
///
/// Source: Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012.
///
/// # Errors
/// [`Error::Invalid`] where there are fewer than 2 bars, where a number is not finite, and where the moments are those of no
/// distribution.
pub fn probabilistic_sharpe(estimate: &SharpeEstimate, benchmark: f64) -> Result<f64> {
    finite("the benchmark", benchmark)?;
    let spread = estimate.spread()?;
    let distance = (estimate.sharpe - benchmark) * (estimate.bars as f64 - 1.0).sqrt();
    Ok(Normal::standard().cdf(distance / spread))
}

/// What [`deflated_sharpe`] gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deflated {
    /// The best Sharpe ratio per bar that so many trials without skill are expected to show.
    pub expected_maximum: f64,
    /// The deflated Sharpe ratio: the probability that the best trial's true ratio is above that.
    pub probability: f64,
}

/// The deflated Sharpe ratio of the best of several trials: its [`probabilistic_sharpe`] against the
/// [`expected_maximum_sharpe`] of the search.
///
/// `trials` are the independent ones: those that were run, or [`effective_trials`] where they resemble each other. `variance` is
/// that of their Sharpe ratios per bar, as of [`sharpe_variance`].
///
/// Source: Bailey and López de Prado, "The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting and
/// Non-Normality", Journal of Portfolio Management 40(5), 2014. Its example:
///
/// ```
/// use bt_sweep::overfit::{SharpeEstimate, deflated_sharpe};
/// // 2.5 a year of 250 days, over five years; 100 trials, whose ratios a year vary by 1/2.
/// let best = SharpeEstimate { sharpe: 2.5 / 250_f64.sqrt(), bars: 1250, skewness: -3.0, kurtosis: 10.0 };
/// let deflated = deflated_sharpe(&best, 100.0, 0.5 / 250.0)?;
/// assert!((deflated.expected_maximum - 0.1132).abs() < 5e-5);
/// assert!((deflated.probability - 0.9004).abs() < 5e-5);
/// # Ok::<(), bt_sweep::Error>(())
/// ```
///
/// # Errors
/// As the two.
pub fn deflated_sharpe(best: &SharpeEstimate, trials: f64, variance: f64) -> Result<Deflated> {
    let expected_maximum = expected_maximum_sharpe(trials, variance)?;
    Ok(Deflated { expected_maximum, probability: probabilistic_sharpe(best, expected_maximum)? })
}

/// The expected largest of so many Sharpe ratios that are drawn from a normal distribution around 0:
/// √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), γ being the constant of Euler and Mascheroni; never below 0, which it is for
/// one trial, where nothing was selected.
///
/// An approximation for many trials, used from 2 on. Source: as [`deflated_sharpe`], equation 1.
///
/// # Errors
/// [`Error::Invalid`] where `trials` is not a finite number of at least 1, or `variance` not one of at least 0.
pub fn expected_maximum_sharpe(trials: f64, variance: f64) -> Result<f64> {
    if !(trials >= 1.0 && trials.is_finite()) {
        return Err(Error::invalid("the number of trials", trials, "a finite number of at least 1"));
    }
    if !(variance >= 0.0 && variance.is_finite()) {
        let what = "the variance of the trials' Sharpe ratios";
        return Err(Error::invalid(what, variance, "a finite number of at least 0"));
    }
    if trials == 1.0 {
        return Ok(0.0);
    }
    const EULER_MASCHERONI: f64 = 0.577_215_664_901_532_9;
    // Φ⁻¹(1 − x) as −Φ⁻¹(x): 1 − x has no digits left for very many trials.
    let upper = |tail: f64| -Normal::standard().inverse_cdf(tail);
    let (typical, far) = (upper(1.0 / trials), upper(1.0 / (trials * std::f64::consts::E)));
    let in_deviations = (1.0 - EULER_MASCHERONI) * typical + EULER_MASCHERONI * far;
    Ok(variance.sqrt() * in_deviations.max(0.0))
}

/// How many independent trials so many are that have this mean correlation of their returns: ρ + (1 − ρ) N.
///
/// Source: as [`deflated_sharpe`], appendix 3.
///
/// # Errors
/// [`Error::Invalid`] where there is no trial, or where the correlation is not between 0 and 1. A negative mean correlation, which
/// can only be a small one, is that of independent trials: pass 0.
pub fn effective_trials(trials: usize, mean_correlation: f64) -> Result<f64> {
    if trials == 0 {
        return Err(Error::invalid("the number of trials", trials, "at least 1"));
    }
    if !(0.0..=1.0).contains(&mean_correlation) {
        return Err(Error::invalid(
            "the mean correlation of the trials",
            mean_correlation,
            "a number from 0 to 1",
        ));
    }
    Ok(mean_correlation + (1.0 - mean_correlation) * trials as f64)
}

/// The sample variance of the trials' Sharpe ratios, with n − 1; none where fewer than two of them are finite. Those that are not
/// are left out: they never had a chance to be the best. O(trials), two passes.
pub fn sharpe_variance(sharpes: &[f64]) -> Option<f64> {
    let finite = || sharpes.iter().filter(|sharpe| sharpe.is_finite());
    let n = finite().count();
    if n < 2 {
        return None;
    }
    let mean = finite().sum::<f64>() / n as f64;
    Some(finite().map(|sharpe| (sharpe - mean) * (sharpe - mean)).sum::<f64>() / (n - 1) as f64)
}
