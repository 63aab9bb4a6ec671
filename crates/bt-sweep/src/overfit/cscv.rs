use std::cmp::Ordering;

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::choice::{Choice, Chooser};
use crate::moments::spread_of_sums;
use crate::{Block, Error, Result};

/// What [`overfitting`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Overfitting {
    /// The probability of backtest overfitting: how often the best trial in the sample is below the median trial out of it, 0 to
    /// 1; being the median trial counts half. A search without any skill in it comes out around 0.5. None where no combination
    /// has two trials with different in-sample ratios: nothing is best there.
    pub probability: Option<f64>,
    /// How often the best trial in the sample loses money out of it, 0 to 1.
    pub probability_of_loss: f64,
    /// Slope of the best trial's Sharpe ratio out of the sample on the one in it, by least squares: below 0 where a better
    /// backtest means a worse future. None where the best in-sample ratios are all equal.
    pub degradation: Option<f64>,
    /// For each combination the logit of the best trial's relative rank out of the sample: above 0, it beats the median. Where
    /// several trials are the best, the mean of theirs.
    pub logits: Vec<f64>,
    /// Whether all combinations were looked at, or some that were drawn from them.
    pub is_exact: bool,
}

/// The probability of backtest overfitting, by combinatorially symmetric cross-validation.
///
/// Each trial comes as S blocks of returns, the same bars in each trial's block. Each choice of S/2 of them is the sample once: the
/// trial with the best Sharpe ratio in it is ranked among all trials by its ratio on the other S/2. With 16 blocks these are
/// 12,870 combinations. Ratios are per bar, with the population's standard deviation; returns that do not vary have a ratio of 0: a
/// trial that never trades is neither good nor bad.
///
/// Source: Bailey, Borwein, López de Prado and Zhu, "The Probability of Backtest Overfitting", Journal of Computational Finance
/// 20(4), 2017. The paper has one best trial and counts logits λ ≤ 0. Here ties have no order: equal ratios out of the sample
/// share the mean of their ranks, and each figure is the mean over all trials that are tied for best in the sample, of
/// \[λ < 0\] + ½ \[λ = 0\] for the probability. So no figure depends on the order of the trials, not by a bit, and a trial among its
/// twins counts half. Without ties and with an even number of trials no λ is 0, and both rules give the same number.
///
/// # Complexity
/// O(trials × combinations × S), trials with the same blocks counting as one; O(trials × log ties) more for each combination with
/// a tie. 16 bytes for each block and 56 for each combination. Where combinations × trials exceed 2^27 (from 10,429 different trials
/// on with 16 blocks), so many combinations are drawn, with their complements, that they do not, but at least 256 of them: always
/// the same ones; and never more than 2^20. The standard error of the probability is then at most 1/√combinations.
///
/// # Errors
/// [`Error::Invalid`] where there are fewer than 2 trials, where the blocks are not an even number of 2 to 32, and where one is
/// empty or not finite; [`Error::Mismatch`] where two trials differ in their blocks' bars.
pub fn overfitting<B: AsRef<[Block]>>(trials: &[B]) -> Result<Overfitting> {
    within(trials, EVALUATIONS)
}

fn within<B: AsRef<[Block]>>(trials: &[B], evaluations: usize) -> Result<Overfitting> {
    let sums = Sums::of(trials)?;
    let (halves, is_exact) = halves(sums.blocks(), evaluations / sums.trials());
    let mut scores = [Scores::new(sums.trials()), Scores::new(sums.trials())];
    let mut chooser = Chooser::new(&sums.weights);
    let mut found = Vec::with_capacity(2 * halves.len());
    for half in halves {
        let [one, other] = &mut scores;
        sums.score(half, one);
        sums.score(!half, other);
        // Each half is the sample once: a combination and its complement share the work.
        found.push(chooser.choice(&one.ratios, &other.ratios));
        found.push(chooser.choice(&other.ratios, &one.ratios));
    }
    let mean = |value: fn(&Choice) -> f64| found.iter().map(value).sum::<f64>() / found.len() as f64;
    let is_choice = found.iter().any(|choice| choice.is_choice);
    Ok(Overfitting {
        probability: is_choice.then(|| mean(|choice| choice.below_median)),
        probability_of_loss: mean(|choice| choice.losing),
        degradation: slope(&found),
        logits: found.iter().map(|choice| choice.logit).collect(),
        is_exact,
    })
}

/// More of trials times combinations is not looked at.
const EVALUATIONS: usize = 1 << 27;
const LEAST_COMBINATIONS: usize = 256;
const MOST_COMBINATIONS: usize = 1 << 20;
const MOST_BLOCKS: usize = 32;

/// The trials' returns and squared returns, summed: a row for each block, a column for each trial that differs from the others.
/// Columns are in an order of their own, so that nothing depends on the one in which the trials came.
struct Sums {
    /// How many trials each column stands for.
    weights: Vec<u64>,
    bars: Vec<f64>,
    returns: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn of<B: AsRef<[Block]>>(trials: &[B]) -> Result<Self> {
        let [first, _, ..] = trials else {
            return Err(Error::invalid("the number of trials", trials.len(), "at least 2"));
        };
        let first = first.as_ref();
        if !first.len().is_multiple_of(2) || !(2..=MOST_BLOCKS).contains(&first.len()) {
            let allowed = format!("an even number from 2 to {MOST_BLOCKS}");
            return Err(Error::invalid("the number of blocks", first.len(), allowed));
        }
        for (at, trial) in trials.iter().enumerate() {
            check(at, trial.as_ref(), first)?;
        }
        let (distinct, weights) = distinct(trials.iter().map(AsRef::as_ref).collect());
        let column = |value: fn(&Block) -> f64| {
            let rows = (0..first.len()).flat_map(|block| distinct.iter().map(move |trial| &trial[block]));
            rows.map(value).collect::<Vec<f64>>()
        };
        Ok(Self {
            weights,
            bars: first.iter().map(|block| f64::from(block.bars)).collect(),
            returns: column(|block| block.sum),
            squares: column(|block| block.sum_of_squares),
        })
    }

    fn trials(&self) -> usize {
        self.weights.len()
    }

    fn blocks(&self) -> usize {
        self.bars.len()
    }

    /// Every trial's ratio on the blocks whose bits are set, in order of the blocks.
    fn score(&self, half: u32, scores: &mut Scores) {
        let Scores { returns, squares, ratios } = scores;
        returns.fill(0.0);
        squares.fill(0.0);
        let mut bars = 0.0;
        for block in (0..self.blocks()).filter(|block| half >> block & 1 == 1) {
            let row = block * self.trials()..(block + 1) * self.trials();
            bars += self.bars[block];
            add(returns, &self.returns[row.clone()]);
            add(squares, &self.squares[row]);
        }
        for ((ratio, &sum), &square) in ratios.iter_mut().zip(&*returns).zip(&*squares) {
            *ratio = signed_square(bars, sum, square);
        }
    }
}

/// Each set of blocks once, in an order that depends on nothing else, and how many trials have it.
fn distinct(mut trials: Vec<&[Block]>) -> (Vec<&[Block]>, Vec<u64>) {
    trials.sort_unstable_by(|a, b| order(a, b));
    let mut weights: Vec<u64> = Vec::new();
    let mut distinct: Vec<&[Block]> = Vec::new();
    for trial in trials {
        match (distinct.last(), weights.last_mut()) {
            (Some(last), Some(weight)) if order(last, trial).is_eq() => *weight += 1,
            _ => {
                distinct.push(trial);
                weights.push(1);
            }
        }
    }
    (distinct, weights)
}

/// By the bits of sums; bars are the same in all trials.
fn order(a: &[Block], b: &[Block]) -> Ordering {
    let by_sums = |(a, b): (&Block, &Block)| {
        a.sum.total_cmp(&b.sum).then_with(|| a.sum_of_squares.total_cmp(&b.sum_of_squares))
    };
    a.iter().zip(b).map(by_sums).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn check(at: usize, blocks: &[Block], first: &[Block]) -> Result<()> {
    let bars = |blocks: &[Block]| blocks.iter().map(|block| block.bars).collect::<Vec<_>>();
    if bars(blocks) != bars(first) {
        return Err(Error::Mismatch {
            what: "the number of bars in blocks".into(),
            found: format!("{:?} in trial {at}", bars(blocks)),
            expected: format!("{:?}, as in trial 0", bars(first)),
        });
    }
    let is_bad =
        |block: &&Block| block.bars == 0 || !block.sum.is_finite() || !block.sum_of_squares.is_finite();
    match blocks.iter().find(is_bad) {
        Some(block) => {
            let what = format!("a block of trial {at}");
            Err(Error::invalid(what, format!("{block:?}"), "at least one bar and finite sums"))
        }
        None => Ok(()),
    }
}

fn add(totals: &mut [f64], row: &[f64]) {
    totals.iter_mut().zip(row).for_each(|(total, value)| *total += value);
}

/// The Sharpe ratio squared, with its sign: in the same order as the ratio, and without a root. 0, never −0, where the returns do
/// not vary beyond what the rounding of their sums leaves, and where sums that are those of no returns lead out of numbers.
fn signed_square(bars: f64, sum: f64, squares: f64) -> f64 {
    let square = spread_of_sums(bars, sum, squares).map_or(0.0, |spread| sum * sum.abs() / spread);
    if square.is_finite() { square + 0.0 } else { 0.0 }
}

/// Room for one half's sums and ratios, a value for each trial.
struct Scores {
    returns: Vec<f64>,
    squares: Vec<f64>,
    ratios: Vec<f64>,
}

impl Scores {
    fn new(trials: usize) -> Self {
        Self { returns: vec![0.0; trials], squares: vec![0.0; trials], ratios: vec![0.0; trials] }
    }
}

/// Halves of the blocks as bits, each without its complement, and whether these are all. Not many more than so many combinations.
fn halves(blocks: usize, combinations: usize) -> (Vec<u32>, bool) {
    let all = (1..=blocks / 2).fold(1_u64, |ways, k| ways * (blocks - blocks / 2 + k) as u64 / k as u64) / 2;
    let limit = combinations.clamp(LEAST_COMBINATIONS, MOST_COMBINATIONS) as u64 / 2;
    if all <= limit {
        return (all_halves(blocks), true);
    }
    let mut rng = Pcg64::seed_from_u64(16);
    ((0..limit).map(|_| drawn_half(blocks, &mut rng)).collect(), false)
}

/// Those with the first block, ascending: each half or its complement has it.
fn all_halves(blocks: usize) -> Vec<u32> {
    let choose = blocks / 2 - 1;
    let end = 1_u64 << (blocks - 1);
    let mut halves = Vec::new();
    let mut rest = (1_u64 << choose) - 1;
    while rest < end {
        halves.push(((rest << 1) | 1) as u32);
        if rest == 0 {
            break;
        }
        // The next larger number with as many bits: Gosper, item 175 of HAKMEM.
        let (lowest, ripple) = (rest & rest.wrapping_neg(), rest + (rest & rest.wrapping_neg()));
        let moved_down = ((rest ^ ripple) >> 2) / lowest;
        rest = ripple | moved_down;
    }
    halves
}

/// Any half, each as likely as another.
fn drawn_half(blocks: usize, rng: &mut impl Rng) -> u32 {
    let (mut half, mut wanted) = (0, blocks / 2);
    for block in 0..blocks {
        let left = (blocks - block) as u64;
        if (u64::from(rng.next_u32()) * left) >> 32 < wanted as u64 {
            half |= 1 << block;
            wanted -= 1;
        }
    }
    half
}

/// Of the ratios outside on those inside.
fn slope(choices: &[Choice]) -> Option<f64> {
    let n = choices.len() as f64;
    let mean = |value: fn(&Choice) -> f64| choices.iter().map(value).sum::<f64>() / n;
    let (inside, outside) = (mean(|choice| choice.inside), mean(|choice| choice.outside));
    let off = |choice: &Choice| choice.inside - inside;
    let spread: f64 = choices.iter().map(|choice| off(choice) * off(choice)).sum();
    let common: f64 = choices.iter().map(|choice| off(choice) * (choice.outside - outside)).sum();
    (spread > 1e-24 * n * inside * inside).then(|| common / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_all_there_once_and_without_their_complements() {
        for (blocks, count) in [(2, 1), (4, 3), (6, 10), (16, 6435)] {
            let (halves, is_exact) = halves(blocks, EVALUATIONS / 10_428);
            assert!(is_exact);
            assert_eq!(halves.len(), count);
            assert!(halves.is_sorted_by(|a, b| a < b));
            assert!(halves.iter().all(|half| half.count_ones() as usize == blocks / 2 && half & 1 == 1));
            assert!(halves.iter().all(|half| half >> (blocks - 1) <= 1));
        }
    }

    #[test]
    fn more_halves_than_allowed_are_drawn_and_always_the_same() {
        for (blocks, combinations, count) in [(16, 12_869, 6434), (16, 0, 128), (32, 5000, 2500)] {
            let (drawn, is_exact) = halves(blocks, combinations);
            assert!(!is_exact);
            assert_eq!(drawn.len(), count);
            assert!(drawn.iter().all(|half| half.count_ones() as usize == blocks / 2));
            assert_eq!(halves(blocks, combinations).0, drawn);
        }
        let (drawn, _) = halves(16, 10_000);
        for block in 0..16 {
            let share =
                drawn.iter().filter(|&half| half >> block & 1 == 1).count() as f64 / drawn.len() as f64;
            assert!((share - 0.5).abs() < 0.03, "block {block}: {share}");
        }
    }

    #[test]
    fn a_draw_of_combinations_is_near_to_all_of_them() {
        // A drift that every trial has more of than the one before, and numbers without a pattern.
        let block = |trial: u32, block: u32| {
            let noise = (trial.wrapping_mul(2_654_435_761) ^ block.wrapping_mul(2_246_822_519))
                .wrapping_mul(3_266_489_917);
            let mean = f64::from(noise >> 8) / f64::from(1 << 24) - 0.5 + f64::from(trial) * 0.004;
            Block { bars: 20, sum: mean, sum_of_squares: 20.0 }
        };
        let trials: Vec<Vec<Block>> =
            (0..60).map(|trial| (0..16).map(|at| block(trial, at)).collect()).collect();
        let (all, some) = (overfitting(&trials).unwrap(), within(&trials, 60 * 4000).unwrap());
        assert!(all.is_exact && !some.is_exact);
        assert_eq!(some.logits.len(), 4000);
        let [all, some] = [all, some].map(|found| found.probability.unwrap());
        assert!((0.01..0.99).contains(&all), "{all}");
        assert!((all - some).abs() < 0.03, "{all} and {some}");
    }
}
