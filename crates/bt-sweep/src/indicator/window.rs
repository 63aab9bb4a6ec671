//! Indicators that fold the last `n` values.

use super::runs;

pub(super) fn smallest(values: &[f64], n: usize, out: &mut [f64]) {
    fold(values, n, out, |value| value, |first, second| if second < first { second } else { first }, |it| it);
}

pub(super) fn largest(values: &[f64], n: usize, out: &mut [f64]) {
    fold(values, n, out, |value| value, |first, second| if second > first { second } else { first }, |it| it);
}

pub(super) fn standard_deviations(values: &[f64], n: usize, out: &mut [f64]) {
    let deviation = |moments: Moments| (moments.squares / moments.count).sqrt();
    fold(values, n, out, Moments::of, Moments::join, deviation);
}

/// Mean, and sum of squared distances from it. No digits are lost where the mean is large beside the distances, as they are
/// in a difference of sums of squares. Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance".
#[derive(Clone, Copy)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn of(value: f64) -> Self {
        Self { count: 1.0, mean: value, squares: 0.0 }
    }

    fn join(self, other: Self) -> Self {
        let count = self.count + other.count;
        let (distance, share) = (other.mean - self.mean, other.count / count);
        let squares = self.squares + other.squares + distance * distance * (self.count * share);
        Self { count, mean: self.mean + distance * share, squares }
    }
}

/// Folds every window of `n` values, whatever `n`, in three joins for each value and without taking anything out again: a
/// window is the tail of one block of `n` values, folded from its end, and the head of the next one, folded from its start.
/// (van Herk 1992 for minima.)
fn fold<A: Copy>(
    values: &[f64],
    n: usize,
    out: &mut [f64],
    lift: impl Fn(f64) -> A,
    join: impl Fn(A, A) -> A,
    finish: impl Fn(A) -> f64,
) {
    out.fill(f64::NAN);
    let mut tails: Vec<A> = Vec::new();
    for run in runs(values).filter(|run| run.len() >= n) {
        tails.clear();
        let out = &mut out[run.clone()];
        for (block, out) in values[run].chunks(n).zip(out.chunks_mut(n)) {
            let heads = block.iter().scan(None, |head: &mut Option<A>, &value| {
                *head = Some(head.map_or(lift(value), |head| join(head, lift(value))));
                *head
            });
            for (at, (out, head)) in out.iter_mut().zip(heads).enumerate() {
                match tails.get(at + 1) {
                    Some(&tail) => *out = finish(join(tail, head)),
                    None if at + 1 == n => *out = finish(head),
                    None => {}
                }
            }
            fill_tails(&mut tails, block, &lift, &join);
        }
    }
}

/// What the block folds to from each of its values on.
fn fill_tails<A: Copy>(tails: &mut Vec<A>, block: &[f64], lift: impl Fn(f64) -> A, join: impl Fn(A, A) -> A) {
    tails.clear();
    tails.extend(block.iter().map(|&value| lift(value)));
    for at in (1..tails.len()).rev() {
        tails[at - 1] = join(tails[at - 1], tails[at]);
    }
}
