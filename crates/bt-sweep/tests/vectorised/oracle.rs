//! Means of closes, positions and returns, each computed afresh from the closes up to its bar.

/// The sum of the returns of bars from `first_scored` on that follow a bar whose fast mean is above its slow one.
pub(crate) fn crossover(close: &[f64], fast: usize, slow: usize, first_scored: usize) -> f64 {
    let earned = |bar: usize| {
        let known = since_missing(&close[..bar]);
        let above = known.len() >= slow && mean(known, fast) > mean(known, slow);
        match (close[bar - 1], close[bar]) {
            (before, now) if above && before.is_finite() && before > 0.0 && now.is_finite() => {
                now / before - 1.0
            }
            _ => 0.0,
        }
    };
    (first_scored.max(1)..close.len()).map(earned).sum()
}

/// How many bars from `first_scored` on have no return though there is a bar before.
pub(crate) fn missing(close: &[f64], first_scored: usize) -> u64 {
    let is_price = |value: f64| !value.is_nan() && value.abs() != f64::INFINITY;
    let bars = first_scored.max(1)..close.len();
    bars.filter(|&bar| !(is_price(close[bar]) && is_price(close[bar - 1]) && close[bar - 1] > 0.0)).count()
        as u64
}

/// By differences of the sums of all values since the last missing one, as the definition has it: ties decide.
fn mean(known: &[f64], n: usize) -> f64 {
    let sum = |values: &[f64]| values.iter().fold(0.0, |sum, value| sum + value);
    (sum(known) - sum(&known[..known.len() - n])) / n as f64
}

fn since_missing(values: &[f64]) -> &[f64] {
    let missing = values.iter().rposition(|value| !value.is_finite());
    &values[missing.map_or(0, |at| at + 1)..]
}
