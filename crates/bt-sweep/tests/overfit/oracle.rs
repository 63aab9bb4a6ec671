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
    pub(crate) probability: Option<f64>,
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

/// The ratios of all trials inside and outside, for each choice of half of the blocks.
fn splits(returns: &Returns) -> Vec<[Vec<Ratio>; 2]> {
    let count = returns.bars.len();
    let masks = (0..1_u32 << count).filter(|mask| mask.count_ones() as usize * 2 == count);
    let part = |mask: u32, trial: &Vec<i64>, inside: bool| {
        let block_of_bar = (0..count).flat_map(|block| std::iter::repeat_n(block, returns.bars[block]));
        let kept = block_of_bar.zip(trial).filter(|&(block, _)| (mask >> block & 1 == 1) == inside);
        Ratio::of(&kept.map(|(_, &value)| value).collect::<Vec<_>>())
    };
    masks
        .map(|mask| {
            [true, false].map(|inside| returns.trials.iter().map(|trial| part(mask, trial, inside)).collect())
        })
        .collect()
}

pub(crate) fn naive_overfitting(returns: &Returns) -> Naive {
    let splits = splits(returns);
    let chosen: Vec<Choice> = splits.iter().map(|[inside, outside]| choice(inside, outside)).collect();
    let mean = |value: fn(&Choice) -> f64| chosen.iter().map(value).sum::<f64>() / chosen.len() as f64;
    let differ = |[inside, _]: &[Vec<Ratio>; 2]| inside.iter().any(|ratio| inside[0].compare(*ratio).is_ne());
    Naive {
        probability: splits.iter().any(differ).then(|| mean(|choice| choice.overfitted)),
        probability_of_loss: mean(|choice| choice.losing),
        degradation: slope(&chosen),
        logits: chosen.iter().map(|choice| choice.logit).collect(),
    }
}

/// The paper's own rule: one best trial, and the share of logits at or below 0. None where ratios are equal, of which it says
/// nothing.
pub(crate) fn probability_of_the_paper(returns: &Returns) -> Option<f64> {
    let splits = splits(returns);
    let mut overfitted = 0;
    for [inside, outside] in &splits {
        let mut by_inside: Vec<usize> = (0..inside.len()).collect();
        by_inside.sort_by(|&a, &b| inside[a].compare(inside[b]));
        let mut by_outside: Vec<usize> = (0..outside.len()).collect();
        by_outside.sort_by(|&a, &b| outside[a].compare(outside[b]));
        let is_tied = |order: &[usize], ratios: &[Ratio]| {
            order.windows(2).any(|pair| ratios[pair[0]].compare(ratios[pair[1]]).is_eq())
        };
        if is_tied(&by_inside, inside) || is_tied(&by_outside, outside) {
            return None;
        }
        let best = by_inside[by_inside.len() - 1];
        let rank = by_outside.iter().position(|&trial| trial == best)? + 1;
        let relative = rank as f64 / (outside.len() + 1) as f64;
        overfitted += usize::from((relative / (1.0 - relative)).ln() <= 0.0);
    }
    Some(overfitted as f64 / splits.len() as f64)
}

/// Means over the trials that are best inside.
struct Choice {
    inside: f64,
    outside: f64,
    overfitted: f64,
    losing: f64,
    logit: f64,
}

fn choice(inside: &[Ratio], outside: &[Ratio]) -> Choice {
    let is_best = |at: &usize| inside.iter().all(|other| inside[*at].compare(*other) != Ordering::Less);
    let best: Vec<usize> = (0..inside.len()).filter(is_best).collect();
    let mean = |value: &dyn Fn(usize) -> f64| {
        best.iter().map(|&trial| value(trial)).sum::<f64>() / best.len() as f64
    };
    let logit = |trial: usize| logit(trial, outside);
    Choice {
        inside: inside[best[0]].value(),
        outside: mean(&|trial| outside[trial].value()),
        overfitted: mean(&|trial| match logit(trial) {
            below if below < 0.0 => 1.0,
            0.0 => 0.5,
            _ => 0.0,
        }),
        losing: mean(&|trial| f64::from(outside[trial].value() < 0.0)),
        logit: mean(&logit),
    }
}

fn logit(trial: usize, outside: &[Ratio]) -> f64 {
    let mut order: Vec<usize> = (0..outside.len()).collect();
    order.sort_by(|&a, &b| outside[a].compare(outside[b]));
    // Ranks of equal ratios are averaged.
    let ranks =
        (1..=order.len()).filter(|rank| outside[order[rank - 1]].compare(outside[trial]) == Ordering::Equal);
    let ranks: Vec<f64> = ranks.map(|rank| rank as f64).collect();
    let relative = ranks.iter().sum::<f64>() / ranks.len() as f64 / (outside.len() + 1) as f64;
    if relative == 0.5 { 0.0 } else { (relative / (1.0 - relative)).ln() }
}

fn slope(chosen: &[Choice]) -> Option<f64> {
    let n = chosen.len() as f64;
    let x: f64 = chosen.iter().map(|choice| choice.inside).sum::<f64>() / n;
    let y: f64 = chosen.iter().map(|choice| choice.outside).sum::<f64>() / n;
    let xx: f64 = chosen.iter().map(|choice| (choice.inside - x).powi(2)).sum();
    let xy: f64 = chosen.iter().map(|choice| (choice.inside - x) * (choice.outside - y)).sum();
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
