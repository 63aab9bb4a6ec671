//! Indicators whose value comes from the value before.

use bt_core::{Bars, Field};

use super::{runs, simple_return};

pub(super) fn returns(values: &[f64], out: &mut [f64]) {
    let Some((first, rest)) = out.split_first_mut() else { return };
    *first = f64::NAN;
    for (out, pair) in rest.iter_mut().zip(values.windows(2)) {
        *out = simple_return(pair[0], pair[1]);
    }
}

pub(super) fn ema(values: &[f64], n: usize, out: &mut [f64]) {
    let alpha = 2.0 / (n as f64 + 1.0);
    smoothed(values, n, out, |mean, value| (value - mean) * alpha + mean);
}

pub(super) fn atr(bars: Bars<'_>, n: usize, out: &mut [f64]) {
    let count = n as f64;
    smoothed(&true_ranges(bars), n, out, |mean, range| (mean * (count - 1.0) + range) / count);
}

/// The mean of the first `n` values of each run, then one step for each value.
fn smoothed(values: &[f64], n: usize, out: &mut [f64], step: impl Fn(f64, f64) -> f64) {
    out.fill(f64::NAN);
    for run in runs(values).filter(|run| run.len() >= n) {
        let (first, rest) = values[run.clone()].split_at(n);
        let out = &mut out[run.start + n - 1..run.end];
        let mut mean = first.iter().sum::<f64>() / n as f64;
        out[0] = mean;
        for (out, &value) in out[1..].iter_mut().zip(rest) {
            mean = step(mean, value);
            *out = mean;
        }
    }
}

/// The largest of high - low and the distances of both from the close before; NaN at the first bar.
fn true_ranges(bars: Bars<'_>) -> Vec<f64> {
    let (high, low, close) = (bars.field(Field::HIGH), bars.field(Field::LOW), bars.field(Field::CLOSE));
    let range = |at: usize| {
        let before = at.checked_sub(1).map_or(f64::NAN, |at| close[at]);
        let spans = [high[at] - low[at], (before - high[at]).abs(), (before - low[at]).abs()];
        // A maximum that skips NaN would hide a missing price.
        if spans.iter().all(|span| span.is_finite()) {
            spans[0].max(spans[1]).max(spans[2])
        } else {
            f64::NAN
        }
    };
    (0..bars.len()).map(range).collect()
}

pub(super) fn rsi(values: &[f64], n: usize, out: &mut [f64]) {
    out.fill(f64::NAN);
    for run in runs(values).filter(|run| run.len() > n) {
        let prices = &values[run.clone()];
        let changes = prices.windows(2).map(|pair| pair[1] - pair[0]);
        let mut means = Means::of_first(changes.clone().take(n), n as f64);
        let out = &mut out[run.start + n..run.end];
        out[0] = means.index();
        for (out, change) in out[1..].iter_mut().zip(changes.skip(n)) {
            means.add(change);
            *out = means.index();
        }
    }
}

/// Wilder's averages of gains and losses.
struct Means {
    gain: f64,
    loss: f64,
    count: f64,
}

impl Means {
    fn of_first(changes: impl Iterator<Item = f64>, count: f64) -> Self {
        let (mut gain, mut loss) = (0.0, 0.0);
        for change in changes {
            if change < 0.0 {
                loss -= change;
            } else {
                gain += change;
            }
        }
        Self { gain: gain / count, loss: loss / count, count }
    }

    fn add(&mut self, change: f64) {
        let (gain, loss) = if change < 0.0 { (0.0, -change) } else { (change, 0.0) };
        self.gain = (self.gain * (self.count - 1.0) + gain) / self.count;
        self.loss = (self.loss * (self.count - 1.0) + loss) / self.count;
    }

    fn index(&self) -> f64 {
        let both = self.gain + self.loss;
        if both == 0.0 { 0.0 } else { 100.0 * (self.gain / both) }
    }
}
