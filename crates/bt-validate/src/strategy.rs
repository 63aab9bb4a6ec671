//! The strategy that every arm runs: a 20/50 moving-average crossover, the same code for all of them.
//!
//! Each asset by itself: long when the fast mean exceeds the slow one by the trial's band, out when it falls below
//! the slow one, otherwise as before. The position is taken on the next bar. The result is the sum of the returns held,
//! the number of trades and the maximum drawdown of the cumulative sum, and nothing else: an account would hide what is
//! measured.

use sha2::{Digest, Sha256};

/// Bars of the fast mean.
pub const FAST: usize = 20;
/// Bars of the slow mean.
pub const SLOW: usize = 50;

/// The one parameter in which trials differ: how far, relatively, the fast mean must exceed the slow one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band(pub f64);

impl Band {
    /// Trial number `trial` of `trials`: bands from 0 to 200 basis points in equal steps.
    pub fn of_trial(trial: usize, trials: usize) -> Self {
        Self(0.02 * trial as f64 / trials.saturating_sub(1).max(1) as f64)
    }
}

/// How an arm gives the strategy its data. One value serves one trial.
pub trait Access {
    /// Moments in the calendar.
    fn moments(&self) -> usize;

    /// Assets, in ascending order of names.
    fn assets(&self) -> usize;

    /// Goes to a moment: `known` moments of the calendar have happened.
    fn at(&mut self, known: usize);

    /// The windows of [`FAST`] and [`SLOW`] closes of an asset up to the moment, shorter where it has fewer bars; none
    /// where the asset has no bar at the moment.
    fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])>;
}

/// Is told about every step; what finds the first bar at which two arms differ.
pub trait Observer {
    /// After an asset's bar.
    fn step(&mut self, known: usize, asset: usize, state: &AssetState);
}

/// Watches nothing, and costs nothing.
pub struct Unobserved;

impl Observer for Unobserved {
    #[inline(always)]
    fn step(&mut self, _known: usize, _asset: usize, _state: &AssetState) {}
}

/// One trial: its band, and the part of the calendar that it runs over, as positions (`first` moments have happened when
/// it starts and `last` when it ends). Windows may reach back before the part; trades do not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// The parameter.
    pub band: Band,
    /// Moments that have happened at the first bar, at least 1.
    pub first: usize,
    /// Moments that have happened at the last bar; what exceeds the calendar is cut.
    pub last: usize,
}

/// Runs one trial; `states` is scratch that is reused from trial to trial.
#[inline]
pub fn run_trial<A: Access, O: Observer>(
    access: &mut A,
    trial: Trial,
    states: &mut Vec<AssetState>,
    observer: &mut O,
) -> TrialResult {
    states.clear();
    states.resize(access.assets(), AssetState::default());
    let enter = 1.0 + trial.band.0;
    for known in trial.first.max(1)..=trial.last.min(access.moments()) {
        access.at(known);
        for (asset, state) in states.iter_mut().enumerate() {
            if let Some((fast, slow)) = access.windows(asset) {
                state.step(fast, slow, enter);
                observer.step(known, asset, state);
            }
        }
    }
    TrialResult::of(states)
}

/// One asset in the course of a trial.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct AssetState {
    long: bool,
    trades: u32,
    last_close: f64,
    sum: f64,
    peak: f64,
    drawdown: f64,
}

impl AssetState {
    #[inline]
    pub(crate) fn step(&mut self, fast: &[f64], slow: &[f64], enter: f64) {
        let Some(&close) = slow.last() else { return };
        if self.long {
            self.sum += close / self.last_close - 1.0;
            self.peak = self.peak.max(self.sum);
            self.drawdown = self.drawdown.max(self.peak - self.sum);
        }
        self.last_close = close;
        if let (Ok(fast), Ok(slow)) = (fast.try_into(), slow.try_into()) {
            self.decide(mean::<FAST>(fast), mean::<SLOW>(slow), enter);
        }
    }

    #[inline]
    fn decide(&mut self, fast: f64, slow: f64, enter: f64) {
        if !self.long && fast > slow * enter {
            self.long = true;
            self.trades += 1;
        } else if self.long && fast < slow {
            self.long = false;
        }
    }
}

/// The mean of a window, summed in 8 lanes which are added up in a fixed order: the same bits in every arm.
///
/// The lanes are pairs, and the length is part of the type: so the compiler keeps them in the registers that every CPU
/// of its kind has, and the sums, which belong to no arm, hide as little as they can of what is measured.
#[inline]
pub fn mean<const N: usize>(window: &[f64; N]) -> f64 {
    let mut lanes = [[0.0; 2]; 4];
    let (blocks, rest) = window.as_chunks::<8>();
    for &[a, b, c, d, e, f, g, h] in blocks {
        lanes =
            [plus(lanes[0], [a, b]), plus(lanes[1], [c, d]), plus(lanes[2], [e, f]), plus(lanes[3], [g, h])];
    }
    let (pairs, odd) = rest.as_chunks::<2>();
    let [first, second, third, fourth] = lanes;
    let sums =
        pairs.iter().fold(plus(plus(first, second), plus(third, fourth)), |sums, &pair| plus(sums, pair));
    (sums[0] + sums[1] + odd.iter().sum::<f64>()) / N as f64
}

#[inline(always)]
fn plus([a, b]: [f64; 2], [c, d]: [f64; 2]) -> [f64; 2] {
    [a + c, b + d]
}

/// What a trial gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrialResult {
    /// Sum of the returns held, over all assets.
    pub sum: f64,
    /// Trades entered, over all assets.
    pub trades: u64,
    /// The largest drawdown of any asset's cumulative sum.
    pub drawdown: f64,
}

impl TrialResult {
    pub(crate) fn of(states: &[AssetState]) -> Self {
        Self {
            sum: states.iter().map(|state| state.sum).sum(),
            trades: states.iter().map(|state| u64::from(state.trades)).sum(),
            drawdown: states.iter().fold(0.0, |largest, state| state.drawdown.max(largest)),
        }
    }

    /// The result as bits: two results are the same if and only if these are.
    pub fn bits(&self) -> [u64; 3] {
        [self.sum.to_bits(), self.trades, self.drawdown.to_bits()]
    }
}

/// A digest over the results of all trials, in order.
pub fn digest(results: &[TrialResult]) -> String {
    let mut hasher = Sha256::new();
    results.iter().flat_map(TrialResult::bits).for_each(|word| hasher.update(word.to_le_bytes()));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closes of some assets on one calendar, all listed from its start.
    struct Plain {
        closes: Vec<Vec<f64>>,
        known: usize,
    }

    impl Access for Plain {
        fn moments(&self) -> usize {
            self.closes[0].len()
        }
        fn assets(&self) -> usize {
            self.closes.len()
        }
        fn at(&mut self, known: usize) {
            self.known = known;
        }
        fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])> {
            let known = &self.closes[asset][..self.known];
            let last = |bars: usize| &known[known.len().saturating_sub(bars)..];
            Some((last(FAST), last(SLOW)))
        }
    }

    fn run(closes: Vec<f64>, band: f64) -> TrialResult {
        let trial = Trial { band: Band(band), first: 1, last: usize::MAX };
        run_trial(&mut Plain { closes: vec![closes], known: 0 }, trial, &mut vec![], &mut Unobserved)
    }

    #[test]
    fn a_position_is_taken_on_the_next_bar() {
        // Flat for 60 bars, one jump, flat again: the jump itself is never earned, and nothing is lost after it.
        let closes: Vec<f64> = (0..120).map(|bar| if bar < 60 { 100.0 } else { 110.0 }).collect();
        let result = run(closes, 0.0);
        assert_eq!((result.sum, result.trades, result.drawdown), (0.0, 1, 0.0));
    }

    #[test]
    fn a_trend_is_held_and_its_end_costs_a_drawdown() {
        let up = (0..100).map(|bar| 100.0 + f64::from(bar));
        let down = (0..60).map(|bar| 199.0 - 2.0 * f64::from(bar));
        let result = run(up.chain(down).collect(), 0.0);
        assert_eq!(result.trades, 1);
        assert!(result.sum > 0.0 && result.drawdown > 0.1, "{result:?}");
    }

    #[test]
    fn a_wide_band_trades_less() {
        let wave: Vec<f64> = (0..1000).map(|bar| 100.0 + (f64::from(bar) / 15.0).sin()).collect();
        assert!(run(wave.clone(), 0.0).trades > 5);
        assert_eq!(run(wave, 0.05).trades, 0);
    }

    #[test]
    fn the_mean_is_the_mean_of_all_values() {
        fn check<const N: usize>() {
            let window = std::array::from_fn(|bar| 1.0 + bar as f64);
            assert_eq!(mean::<N>(&window), (N + 1) as f64 / 2.0);
        }
        check::<1>();
        check::<7>();
        check::<8>();
        check::<15>();
        check::<FAST>();
        check::<SLOW>();
    }

    #[test]
    fn every_bit_of_every_result_is_part_of_the_digest() {
        let one = TrialResult { sum: 1.0, trades: 2, drawdown: 0.5 };
        let other = TrialResult { sum: f64::from_bits(1.0_f64.to_bits() + 1), ..one };
        assert_ne!(digest(&[one, one]), digest(&[one, other]));
        assert_ne!(digest(&[one]), digest(&[one, one]));
    }

    #[test]
    fn bands_cover_0_to_200_basis_points() {
        assert_eq!(Band::of_trial(0, 100), Band(0.0));
        assert_eq!(Band::of_trial(99, 100), Band(0.02));
        assert_eq!(Band::of_trial(0, 1), Band(0.0));
    }
}
