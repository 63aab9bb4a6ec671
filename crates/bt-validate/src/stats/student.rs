//! Student's t distribution, by the incomplete beta function of `statrs`.

use statrs::function::beta::beta_reg;

/// P(T ≤ t) of Student's t with `df` > 0 degrees of freedom, which need not be whole.
///
/// Small tails keep their relative precision: the upper tail is `t_cdf(-t, df)`, not one minus this.
#[must_use]
pub fn t_cdf(t: f64, df: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 1.0 } else { 0.0 };
    }
    let tail = 0.5 * beta_reg(df / 2.0, 0.5, df / (df + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The t with P(T ≤ t) = `probability`, to the last bits of the distribution function itself.
///
/// Found by halving an interval: it runs a few times per report, and cannot fail to converge.
///
/// # Panics
///
/// If `probability` is not strictly between 0 and 1.
#[must_use]
pub fn t_quantile(probability: f64, df: f64) -> f64 {
    assert!(probability > 0.0 && probability < 1.0, "a probability between 0 and 1, not {probability}");
    if probability > 0.5 {
        return -t_quantile(1.0 - probability, df);
    }
    let mut low = -1.0;
    while t_cdf(low, df) > probability {
        low *= 2.0;
    }
    halve(low, 0.0, |t| t_cdf(t, df) < probability)
}

/// The point of `low..high` where `is_below` turns from true to false.
fn halve(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return high;
        }
        *(if is_below(middle) { &mut low } else { &mut high }) = middle;
    }
}
