//! The probability of backtest overfitting from the returns themselves: whole numbers, so that ratios are compared exactly.

use std::cmp::Ordering;

use bt_sweep::Block;

/// Each trial's return on each bar, and how many bars each block has.
#[derive(Clone, Debug)]
pub(crate) struct Returns {
    pub(crate) bars: Vec<usize>,
    pub(crate) trials: Vec<Vec<i64>>,
}

pub(crate) struct Naive {
    pub(crate) probability: f64,
    pub(crate) probability_of_loss: f64,
    pub(crate) degradation: Option<f64>,
    pub(crate) logits: Vec<f64>,
}

pub(crate) fn blocks(returns: &Returns) -> Vec<Vec<Block>> {
    let block = |trial: &Vec<i64>, block: usize| {
        let start = returns.bars[..block].iter().sum::<usize>();
        block_of(trial[start..start + returns.bars[block]].iter().map(|&value| value as f64))
    };
    returns.trials.iter().map(|trial| (0..returns.bars.len()).map(|at| block(trial, at)).collect()).collect()
}

fn block_of(returns: impl Iterator<Item = f64>) -> Block {
    returns.fold(Block::default(), |block, value| Block {
        bars: block.bars + 1,
        sum: block.sum + value,
        sum_of_squares: block.sum_of_squares + value * value,
    })
}

/// A Sharpe ratio as sum × |sum| over n Σx² − (Σx)²: in whole numbers, and in the same order. None where nothing varies.
#[derive(Clone, Copy)]
struct Ratio(Option<(i128, i128)>);

impl Ratio {
    fn of(returns: &[i64]) -> Self {
        let (n, sum) = (returns.len() as i128, returns.iter().map(|&x| i128::from(x)).sum::<i128>());
        let spread = n * returns.iter().map(|&x| i128::from(x * x)).sum::<i128>() - sum * sum;
        Self((spread > 0).then_some((sum * sum.abs(), spread)))
    }

    fn compare(self, other: Self) -> Ordering {
        let (a, b) = (self.0.unwrap_or((0, 1)), other.0.unwrap_or((0, 1)));
        (a.0 * b.1).cmp(&(b.0 * a.1))
    }

    fn value(self) -> f64 {
        let (square, spread) = self.0.unwrap_or((0, 1));
        (square as f64).signum() * (square.abs() as f64 / spread as f64).sqrt()
    }
}

pub(crate) fn naive_overfitting(returns: &Returns) -> Naive {
    let count = returns.bars.len();
    let mut chosen = Vec::new();
    for mask in 0..1_u32 << count {
        if mask.count_ones() as usize * 2 != count {
            continue;
        }
        let part = |trial: &Vec<i64>, inside: bool| {
            let block_of_bar = (0..count).flat_map(|block| std::iter::repeat_n(block, returns.bars[block]));
            let kept = block_of_bar.zip(trial).filter(|&(block, _)| (mask >> block & 1 == 1) == inside);
            Ratio::of(&kept.map(|(_, &value)| value).collect::<Vec<_>>())
        };
        let ratios = |inside| returns.trials.iter().map(|trial| part(trial, inside)).collect::<Vec<_>>();
        chosen.push(choice(&ratios(true), &ratios(false)));
    }
    let share = |count: usize| count as f64 / chosen.len() as f64;
    Naive {
        probability: share(chosen.iter().filter(|choice| choice.2 <= 0.0).count()),
        probability_of_loss: share(chosen.iter().filter(|choice| choice.1 < 0.0).count()),
        degradation: slope(&chosen),
        logits: chosen.iter().map(|choice| choice.2).collect(),
    }
}

/// The ratio inside, the ratio outside, and the logit.
fn choice(inside: &[Ratio], outside: &[Ratio]) -> (f64, f64, f64) {
    let is_best = |at: usize| inside.iter().all(|other| inside[at].compare(*other) != Ordering::Less);
    let best = (0..inside.len()).find(|&at| is_best(at)).unwrap();
    let mut order: Vec<usize> = (0..outside.len()).collect();
    order.sort_by(|&a, &b| outside[a].compare(outside[b]));
    // Ranks of equal ratios are averaged.
    let ranks =
        (1..=order.len()).filter(|rank| outside[order[rank - 1]].compare(outside[best]) == Ordering::Equal);
    let ranks: Vec<f64> = ranks.map(|rank| rank as f64).collect();
    let relative = ranks.iter().sum::<f64>() / ranks.len() as f64 / (outside.len() + 1) as f64;
    let logit = if relative == 0.5 { 0.0 } else { (relative / (1.0 - relative)).ln() };
    (inside[best].value(), outside[best].value(), logit)
}

fn slope(chosen: &[(f64, f64, f64)]) -> Option<f64> {
    let n = chosen.len() as f64;
    let x: f64 = chosen.iter().map(|choice| choice.0).sum::<f64>() / n;
    let y: f64 = chosen.iter().map(|choice| choice.1).sum::<f64>() / n;
    let xx: f64 = chosen.iter().map(|choice| (choice.0 - x).powi(2)).sum();
    let xy: f64 = chosen.iter().map(|choice| (choice.0 - x) * (choice.1 - y)).sum();
    (xx > 1e-20).then(|| xy / xx)
}

/// Trials of normal returns around a drift that depends on the trial, in blocks.
pub(crate) fn noise(
    seed: u64,
    trials: usize,
    blocks: usize,
    bars: usize,
    drift: fn(usize) -> f64,
) -> Vec<Vec<Block>> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut uniform = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut normal =
        move || (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    let mut block = |trial: usize| block_of((0..bars).map(|_| drift(trial) + normal()));
    (0..trials).map(|trial| (0..blocks).map(|_| block(trial)).collect()).collect()
}
