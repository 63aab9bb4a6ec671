use pulp::bytemuck::try_cast;
use pulp::{Arch, Simd, WithSimd};

use super::{LANES, Lanes};

/// Two columns that are compared. In order, those that share their right column lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    /// The column that has to be less.
    pub(crate) right: usize,
    /// The column that has to be greater.
    pub(crate) left: usize,
}

/// What the pairs compare, bar by bar, of one asset.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// One column after the other, each as long as `next_returns`. Fastest where they begin at a line of the cache.
    pub(crate) values: &'a [f64],
    /// How many bars of each column are NaN before its first value, at least: they are not looked at.
    pub(crate) warm_ups: &'a [usize],
    /// The return of the next bar; as many as a multiple of the lanes.
    pub(crate) next_returns: &'a [f64],
    /// Returns before this one are 0: they are not looked at either.
    pub(crate) first: usize,
}

/// For each pair, adds to its lanes the next returns of the bars at which `left > right`.
///
/// Neighbours that share their right column are computed together.
pub(crate) fn greater(columns: Columns<'_>, pairs: &[Pair], sums: &mut [Lanes]) {
    Arch::new().dispatch(Greater { columns, pairs, sums });
}

struct Greater<'a> {
    columns: Columns<'a>,
    pairs: &'a [Pair],
    sums: &'a mut [Lanes],
}

/// Pairs whose partial sums stay in registers, beside what they share: 14 of 16 registers of four numbers.
const TILE: usize = 5;

/// Bars that stay in the nearest cache while all pairs are computed: 20 columns of them take 40 KiB.
const BLOCK: usize = 256;

impl WithSimd for Greater<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F64_LANES {
            8 => self.run::<S, 1>(simd),
            4 => self.run::<S, 2>(simd),
            2 => self.run::<S, 4>(simd),
            _ => self.run::<S, 8>(simd),
        }
    }
}

impl Greater<'_> {
    /// `W` registers hold the lanes.
    #[inline(always)]
    fn run<S: Simd, const W: usize>(self, simd: S) {
        let Columns { values, warm_ups, next_returns, first } = self.columns;
        let bars = next_returns.len();
        for start in (first / LANES * LANES..bars).step_by(BLOCK) {
            let end = bars.min(start + BLOCK);
            let (mut pairs, mut sums) = (self.pairs, &mut *self.sums);
            while let Some(&Pair { right, .. }) = pairs.first() {
                let shared = pairs.iter().take(TILE).take_while(|pair| pair.right == right).count();
                let (together, tile);
                (together, pairs) = pairs.split_at(shared);
                (tile, sums) = sums.split_at_mut(shared);
                // Whole lanes, so that each bar keeps its own.
                let from = start.max(warm_ups[right] / LANES * LANES);
                if from >= end {
                    continue;
                }
                let part = |at: usize| registers::<S, W>(&values[at * bars..][from..end]);
                let (right, next) = (part(right), registers::<S, W>(&next_returns[from..end]));
                match (together, tile.first_chunk_mut()) {
                    ([a, b, c, d, e], Some(tile)) => {
                        let lefts = [a, b, c, d, e].map(|pair| part(pair.left));
                        add::<S, W, TILE>(simd, lefts, right, next, tile);
                    }
                    (few, _) => {
                        for (pair, sum) in few.iter().zip(tile) {
                            add::<S, W, 1>(simd, [part(pair.left)], right, next, std::array::from_mut(sum));
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn registers<S: Simd, const W: usize>(values: &[f64]) -> &[[S::f64s; W]] {
    S::as_simd_f64s(values).0.as_chunks().0
}

#[inline(always)]
fn add<S: Simd, const W: usize, const N: usize>(
    simd: S,
    lefts: [&[[S::f64s; W]]; N],
    right: &[[S::f64s; W]],
    next: &[[S::f64s; W]],
    sums: &mut [Lanes; N],
) {
    let mut tile: [[S::f64s; W]; N] = std::array::from_fn(|at| registers::<S, W>(&sums[at])[0]);
    let mut lefts = lefts.map(|left| left.iter());
    for (right, next) in right.iter().zip(next) {
        for (sum, left) in tile.iter_mut().zip(&mut lefts) {
            let Some(left) = left.next() else { return };
            for lane in 0..W {
                let held = simd.less_than_f64s(right[lane], left[lane]);
                sum[lane] = simd.add_f64s(sum[lane], where_true(simd, held, next[lane]));
            }
        }
    }
    for (sum, lanes) in sums.iter_mut().zip(tile) {
        S::as_mut_simd_f64s(sum).0.copy_from_slice(&lanes);
    }
}

/// The values where the mask is true, else 0.
#[inline(always)]
fn where_true<S: Simd>(simd: S, mask: S::m64s, values: S::f64s) -> S::f64s {
    // A mask as wide as the values is all ones where it is true. A selection would ask for its signs first.
    match try_cast(mask) {
        Ok(mask) => simd.and_f64s(mask, values),
        Err(_) => simd.select_f64s(mask, values, simd.splat_f64s(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn sums_have_the_same_bits_on_this_cpu_as_without_wide_registers_and_as_one_by_one(
            bars in 0..80usize,
            mut values in prop::collection::vec(prop_oneof![Just(f64::NAN), (0..6u8).prop_map(f64::from)], 6 * 640),
            warm_ups in prop::collection::vec(0..600usize, 6),
            mut next_returns in prop::collection::vec(-0.1..0.1, 640),
            first in 0..600usize,
            mut pairs in prop::collection::vec((0..6usize, 0..6usize), 0..20),
        ) {
            pairs.sort_unstable();
            let pairs: Vec<_> = pairs.into_iter().map(|(right, left)| Pair { right, left }).collect();
            let bars = bars * LANES;
            next_returns.truncate(bars);
            next_returns[..first.min(bars)].fill(0.0);
            values.truncate(6 * bars);
            for (column, &warm_up) in values.chunks_mut(bars.max(1)).zip(&warm_ups) {
                column[..warm_up.min(bars)].fill(f64::NAN);
            }
            let columns = Columns { values: &values, warm_ups: &warm_ups, next_returns: &next_returns, first };
            let mut wide = vec![Lanes::default(); pairs.len()];
            let (mut narrow, mut naive) = (wide.clone(), wide.clone());
            greater(columns, &pairs, &mut wide);
            Greater { columns, pairs: &pairs, sums: &mut narrow }.with_simd(pulp::Scalar);
            let mut half = vec![Lanes::default(); pairs.len()];
            if super::super::on_avx2(Greater { columns, pairs: &pairs, sums: &mut half }).is_none() {
                half.clone_from(&wide);
            }
            for (pair, lanes) in pairs.iter().zip(&mut naive) {
                for bar in 0..bars {
                    if values[pair.left * bars + bar] > values[pair.right * bars + bar] {
                        lanes[bar % LANES] += next_returns[bar];
                    }
                }
            }
            let bits = |sums: Vec<Lanes>| sums.into_iter().map(|sum| sum.map(f64::to_bits)).collect::<Vec<_>>();
            let (narrow, naive) = (bits(narrow), bits(naive));
            prop_assert_eq!(bits(half), narrow.clone());
            prop_assert_eq!(bits(wide), narrow.clone());
            prop_assert_eq!(narrow, naive);
        }
    }
}
