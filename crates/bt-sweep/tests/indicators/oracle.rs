//! Indicators by their definitions, each value computed afresh from the bars up to its own.

use bt_sweep::Indicator;

/// High, low and close up to and with the bar; what is read of them and how is up to the indicator.
pub(crate) struct Known<'a> {
    pub(crate) high: &'a [f64],
    pub(crate) low: &'a [f64],
    pub(crate) close: &'a [f64],
}

/// The value at the last bar; none where there are not bars enough since the last missing value.
pub(crate) fn last(indicator: Indicator, known: &Known<'_>) -> Option<f64> {
    let run = since_missing(known.close);
    match indicator {
        Indicator::Returns => window(run, 2).filter(|pair| pair[0] > 0.0).map(|pair| pair[1] / pair[0] - 1.0),
        Indicator::Sma(n) => window(run, n).map(|_| {
            let sum = |values: &[f64]| values.iter().fold(0.0, |sum, value| sum + value);
            (sum(run) - sum(&run[..run.len() - n])) / n as f64
        }),
        Indicator::Ema(n) => smoothed(run, n, |mean, value| mean + (value - mean) * 2.0 / (n as f64 + 1.0)),
        Indicator::StdDev(n) => window(run, n).map(deviation),
        Indicator::Min(n) => {
            window(run, n).map(|values| values.iter().copied().fold(f64::INFINITY, f64::min))
        }
        Indicator::Max(n) => {
            window(run, n).map(|values| values.iter().copied().fold(-f64::INFINITY, f64::max))
        }
        Indicator::Rsi(n) => {
            let changes: Vec<f64> = run.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let part = |sign: f64| -> Vec<f64> { changes.iter().map(|it| (sign * it).max(0.0)).collect() };
            let (gain, loss) = (wilder(&part(1.0), n)?, wilder(&part(-1.0), n)?);
            Some(if gain + loss == 0.0 { 0.0 } else { 100.0 * gain / (gain + loss) })
        }
        Indicator::Atr(n) => {
            let ranges: Vec<f64> = (0..known.close.len()).map(|at| true_range(known, at)).collect();
            wilder(since_missing(&ranges), n)
        }
        other => panic!("no oracle for {other}"),
    }
}

fn since_missing(values: &[f64]) -> &[f64] {
    let missing = values.iter().rposition(|value| !value.is_finite());
    &values[missing.map_or(0, |at| at + 1)..]
}

fn window(values: &[f64], n: usize) -> Option<&[f64]> {
    values.len().checked_sub(n).map(|start| &values[start..])
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}

fn smoothed(values: &[f64], n: usize, step: impl Fn(f64, f64) -> f64) -> Option<f64> {
    let first = values.get(..n)?.iter().sum::<f64>() / n as f64;
    Some(values[n..].iter().fold(first, |mean, &value| step(mean, value)))
}

fn wilder(values: &[f64], n: usize) -> Option<f64> {
    smoothed(values, n, |mean, value| (mean * (n as f64 - 1.0) + value) / n as f64)
}

fn true_range(known: &Known<'_>, at: usize) -> f64 {
    let Some(before) = at.checked_sub(1) else { return f64::NAN };
    let (high, low, close) = (known.high[at], known.low[at], known.close[before]);
    let all = [high - low, (high - close).abs(), (low - close).abs()];
    if all.iter().any(|span| span.is_nan()) { f64::NAN } else { all.into_iter().fold(0.0, f64::max) }
}
