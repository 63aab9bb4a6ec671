//! Loops that decide how fast a vectorised sweep is, compiled for several instruction sets and chosen at run time.
//!
//! The same bits on every CPU: what is added up has [`LANES`] lanes whatever the registers hold, no product and sum are contracted, and
//! the one place that uses fused operations ([`means`]) uses them to get the correctly rounded quotient, which is what a
//! division gives.

mod greater;
mod lines;
mod means;
mod returns;

pub(crate) use greater::{Columns, Pair, greater};
pub(crate) use lines::Lines;
pub(crate) use means::{Scale, means};
pub(crate) use returns::next_returns;

/// With the registers of AVX2, which wider ones would hide from the tests. None where the processor has none.
#[cfg(test)]
fn on_avx2<O: pulp::WithSimd>(op: O) -> Option<O::Output> {
    #[cfg(target_arch = "x86_64")]
    return pulp::x86::V3::try_new().map(|simd| pulp::Simd::vectorize(simd, op));
    #[cfg(not(target_arch = "x86_64"))]
    return Some(op).and(None);
}

/// How many partial sums there are in a sum over bars: bar `i` goes to lane `i % LANES`, lanes are added up by [`total`].
pub(crate) const LANES: usize = 8;

/// Partial sums.
pub(crate) type Lanes = [f64; LANES];

/// The sum of the lanes, by halves.
pub(crate) fn total(lanes: &Lanes) -> f64 {
    let [a, b, c, d, e, f, g, h] = *lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Adds up in order: `sums[0] = 0`, `sums[i + 1] = sums[i] + values[i]`. `sums` has one element more than `values`. Returns how large
/// the values are.
///
/// A sum waits for the one before it, and is kept waiting by nothing else: what the values are like is found out apart.
pub(crate) fn cumulate(values: &[f64], sums: &mut [f64]) -> Scale {
    let Some((first, rest)) = sums.split_first_mut() else { return Scale::Any };
    *first = 0.0;
    let mut sum = 0.0;
    for (out, &value) in rest.iter_mut().zip(values) {
        sum += value;
        *out = sum;
    }
    Scale::of(values)
}

/// Adds what each position earns to the bars' lanes.
pub(crate) fn held(positions: &[f64], next_returns: &[f64], lanes: &mut Lanes) {
    for (positions, returns) in positions.chunks(LANES).zip(next_returns.chunks(LANES)) {
        for ((lane, &position), &next) in lanes.iter_mut().zip(positions).zip(returns) {
            *lane += earned(position, next);
        }
    }
}

/// A position times the return after it. No position, and that is what NaN says, earns 0.
pub(crate) fn earned(position: f64, next_return: f64) -> f64 {
    if position == 0.0 || position.is_nan() { 0.0 } else { position * next_return }
}
