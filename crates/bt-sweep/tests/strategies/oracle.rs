//! The rules of the strategies as plain loops over raw bars: everything computed afresh from what is known at a bar.

use bt_testkit::{AssetData, MarketData};

use crate::recorded::Weights;

const HIGH: usize = 1;
const LOW: usize = 2;
const CLOSE: usize = 3;

/// What is known of one asset at a moment.
pub(crate) struct Known<'a> {
    highs: &'a [f64],
    lows: &'a [f64],
    closes: &'a [f64],
    has_bar: bool,
    is_long: bool,
}

/// A row for each moment from `first` on, in it 1/N for each asset that is long; NaN where the rule may say either.
pub(crate) fn weights(
    market: &MarketData,
    first: usize,
    rule: impl Fn(&Known<'_>) -> Option<bool>,
) -> Weights {
    let share = 1.0 / market.assets.len() as f64;
    let mut is_long = vec![false; market.assets.len()];
    let mut row = |now| {
        let weight = |(asset, is_long): (&AssetData, &mut bool)| {
            let bars = asset.timestamps.iter().filter(|&bar| bar <= now).count();
            let has_bar = bars > 0 && asset.timestamps[bars - 1] == *now;
            let [highs, lows, closes] = [HIGH, LOW, CLOSE].map(|column| &asset.columns[column][..bars]);
            let said = rule(&Known { highs, lows, closes, has_bar, is_long: *is_long });
            *is_long = said.unwrap_or(*is_long);
            said.map_or(f64::NAN, |is_long| if is_long { share } else { 0.0 })
        };
        market.assets.iter().zip(&mut is_long).map(weight).collect()
    };
    market.calendar()[first..].iter().map(&mut row).collect()
}

/// In whole ten-thousandths of a dollar, so that nothing is rounded; either where the two means are equal.
pub(crate) fn crossover(known: &Known<'_>, fast: usize, slow: usize) -> Option<bool> {
    let Some(start) = known.closes.len().checked_sub(slow) else { return Some(false) };
    let window = &known.closes[start..];
    if window.iter().any(|close| !close.is_finite()) {
        return Some(false);
    }
    let sum = |closes: &[f64]| closes.iter().map(|close| (close * 1e4).round() as i128).sum::<i128>();
    let (short, long) = (sum(&window[slow - fast..]) * slow as i128, sum(window) * fast as i128);
    (short != long).then_some(short > long)
}

pub(crate) fn donchian(known: &Known<'_>, entry: usize, exit: usize) -> Option<bool> {
    let Known { highs, lows, closes, has_bar, is_long } = *known;
    if !has_bar {
        return Some(is_long);
    }
    let now = closes.len() - 1;
    let beyond = |levels: &[f64], bars: usize, sign: f64| {
        bars <= now
            && levels[now - bars..now].iter().all(|level| level.is_finite())
            && levels[now - bars..now].iter().all(|level| sign * closes[now] > sign * level)
    };
    Some(if is_long { !beyond(lows, exit, -1.0) } else { beyond(highs, entry, 1.0) })
}

pub(crate) fn reversion(known: &Known<'_>, lookback: usize, low: f64, high: f64) -> Option<bool> {
    let index = if known.has_bar { relative_strength(known.closes, lookback) } else { None };
    let said = index.map(|index| if known.is_long { index <= high } else { index < low });
    Some(said.unwrap_or(known.is_long))
}

/// Wilder's index at the last close: averages that begin as means of the first changes since the last missing close.
fn relative_strength(closes: &[f64], lookback: usize) -> Option<f64> {
    let missing = closes.iter().rposition(|close| !close.is_finite());
    let closes = &closes[missing.map_or(0, |at| at + 1)..];
    let n = lookback as f64;
    let (mut up, mut down) = (0.0, 0.0);
    for at in 1..closes.len() {
        let change = closes[at] - closes[at - 1];
        let (gain, loss) = (change.max(0.0), (-change).max(0.0));
        if at <= lookback {
            (up, down) = (up + gain, down + loss);
        } else {
            (up, down) = ((up * (n - 1.0) + gain) / n, (down * (n - 1.0) + loss) / n);
        }
        if at == lookback {
            (up, down) = (up / n, down / n);
        }
    }
    let both = up + down;
    (closes.len() > lookback).then_some(if both == 0.0 { 0.0 } else { 100.0 * (up / both) })
}

/// What `momentum` varies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranking {
    pub(crate) lookback: usize,
    pub(crate) skip: usize,
    pub(crate) hold: usize,
    pub(crate) top: usize,
}

/// A row for each moment from `first` on, in it 1/top for each asset that is held.
pub(crate) fn momentum(market: &MarketData, first: usize, ranking: Ranking) -> Weights {
    let Ranking { lookback, skip, hold, top } = ranking;
    let calendar = market.calendar();
    let mut rows: Weights = Vec::new();
    for (moment, now) in calendar[first..].iter().enumerate() {
        if !moment.is_multiple_of(hold) {
            rows.push(rows.last().unwrap().clone());
            continue;
        }
        let strength = |asset: &AssetData| {
            let bar = asset.timestamps.iter().position(|bar| bar == now)?;
            let last = bar.checked_sub(skip)?;
            let before = asset.columns[CLOSE][last.checked_sub(lookback)?];
            let strength = asset.columns[CLOSE][last] / before - 1.0;
            (strength.is_finite() && before > 0.0).then_some(strength)
        };
        let strengths: Vec<_> = market.assets.iter().map(strength).collect();
        // Held is who is beaten by fewer than `top`.
        let beats = |(at, one): (usize, f64), (behind, other): (usize, f64)| {
            one > other || (one == other && at < behind)
        };
        let weight = |(place, mine): (usize, &Option<f64>)| {
            let Some(mine) = *mine else { return 0.0 };
            let others = strengths.iter().enumerate().filter_map(|(at, other)| Some((at, (*other)?)));
            let better = others.filter(|&other| other.0 != place && beats(other, (place, mine))).count();
            if better < top { 1.0 / top as f64 } else { 0.0 }
        };
        rows.push(strengths.iter().enumerate().map(weight).collect());
    }
    rows
}
