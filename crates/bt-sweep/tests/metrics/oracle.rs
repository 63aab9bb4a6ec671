//! The definitions, written out without regard for time.

use bt_sweep::metrics::Metric;

/// The value of a metric of returns; none for a metric of trades.
pub(crate) fn metric(metric: Metric, r: &[f64], p: f64) -> Option<f64> {
    let n = r.len() as f64;
    let mean = r.iter().sum::<f64>() / n;
    let central = |power: i32| r.iter().map(|r| (r - mean).powi(power)).sum::<f64>() / n;
    let sample = (central(2) * n / (n - 1.0)).sqrt();
    let equity: Vec<f64> = (0..=r.len()).map(|bars| r[..bars].iter().map(|r| 1.0 + r).product()).collect();
    let total = equity[r.len()] - 1.0;
    let annual = (1.0 + total).powf(p / n) - 1.0;
    let losses: f64 = r.iter().filter(|r| **r < 0.0).map(|r| r * r).sum();
    let (drawdown, bars) = drawdown(&equity);
    Some(match metric {
        Metric::TotalReturn => total,
        Metric::AnnualReturn => annual,
        Metric::Volatility => sample * p.sqrt(),
        Metric::Sharpe => mean * p / (sample * p.sqrt()),
        Metric::Sortino => mean * p / ((losses / n).sqrt() * p.sqrt()),
        Metric::Calmar => annual / drawdown,
        Metric::MaxDrawdown => drawdown,
        Metric::MaxDrawdownBars => bars as f64,
        Metric::Skewness => central(3) / central(2).sqrt().powi(3),
        Metric::Kurtosis => central(4) / central(2).powi(2),
        Metric::Bars => n,
        Metric::SumOfReturns => r.iter().rev().sum(),
        _ => return None,
    })
}

/// The deepest fall between any two points, and how many points later the first of them is reached again.
fn drawdown(equity: &[f64]) -> (f64, usize) {
    let (mut deepest, mut lasted) = (0.0, 0);
    for peak in 0..equity.len() {
        for low in peak + 1..equity.len() {
            let depth = 1.0 - equity[low] / equity[peak];
            if depth > deepest {
                let recovered = (low..equity.len()).find(|&later| equity[later] >= equity[peak]);
                (deepest, lasted) = (depth, recovered.unwrap_or(equity.len() - 1) - peak);
            }
        }
    }
    (deepest, lasted)
}
