//! Mean and central moments of returns.

/// Over n, the number of bars.
pub(crate) struct CentralMoments {
    bars: f64,
    pub(crate) sum: f64,
    pub(crate) mean: f64,
    second: f64,
    third: f64,
    fourth: f64,
    /// `√(Σ min(r, 0)² / n)`.
    pub(crate) downside: f64,
}

impl CentralMoments {
    /// In two passes: a central moment as a difference of sums of powers would lose all its digits.
    pub(crate) fn of(returns: &[f64]) -> Self {
        let bars = returns.len() as f64;
        let sum: f64 = returns.iter().sum();
        let mean = match returns {
            // The mean of equal numbers is that number, and rounding must not make a deviation of it.
            [first, rest @ ..] if rest.iter().all(|r| r == first) => *first,
            _ => sum / bars,
        };
        let (mut second, mut third, mut fourth, mut downside) = (0.0, 0.0, 0.0, 0.0);
        for &r in returns {
            let (off, below) = (r - mean, r.min(0.0));
            let square = off * off;
            second += square;
            third += square * off;
            fourth += square * square;
            downside += below * below;
        }
        let downside = f64::sqrt(downside / bars);
        Self { bars, sum, mean, second: second / bars, third: third / bars, fourth: fourth / bars, downside }
    }

    /// Of a sample, over n − 1; NaN with fewer than two returns.
    pub(crate) fn sample_deviation(&self) -> f64 {
        match self.bars {
            bars if bars < 2.0 => f64::NAN,
            bars => (self.second * bars / (bars - 1.0)).sqrt(),
        }
    }

    /// The mean over the standard deviation of a sample, not annualised; NaN where returns do not vary.
    pub(crate) fn sharpe(&self) -> f64 {
        self.if_varying(self.mean / self.sample_deviation())
    }

    /// NaN where returns do not vary.
    pub(crate) fn skewness(&self) -> f64 {
        self.if_varying(self.third / (self.second * self.second.sqrt()))
    }

    /// 3 for a normal distribution; NaN where returns do not vary.
    pub(crate) fn kurtosis(&self) -> f64 {
        self.if_varying(self.fourth / (self.second * self.second))
    }

    /// Whether returns differ by more than the rounding of equal ones leaves.
    pub(crate) fn varies(&self) -> bool {
        self.second > 1e-24 * self.mean * self.mean
    }

    fn if_varying(&self, value: f64) -> f64 {
        if self.varies() { value } else { f64::NAN }
    }
}

/// `n Σ r² − (Σ r)²`, which is n² times the variance, from sums alone; none where that is no more than their rounding.
pub(crate) fn spread_of_sums(bars: f64, sum: f64, sum_of_squares: f64) -> Option<f64> {
    let (all, spread) = (bars * sum_of_squares, bars * sum_of_squares - sum * sum);
    (spread > 1e-12 * all).then_some(spread)
}
