use pulp::{Arch, Simd, WithSimd};

use super::Lanes;

/// Two columns that are compared. In order, those that share their right column lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    /// The column that has to be less.
    pub(crate) right: usize,
    /// The column that has to be greater.
    pub(crate) left: usize,
}

/// For each pair, adds to its lanes the next returns of the bars at which `left > right`.
///
/// Columns lie one after the other, each as long as `next_returns`, a multiple of the lanes. Neighbours that share their right
/// column are computed together.
pub(crate) fn greater(columns: &[f64], next_returns: &[f64], pairs: &[Pair], sums: &mut [Lanes]) {
    Arch::new().dispatch(Greater { columns, next_returns, pairs, sums });
}

struct Greater<'a> {
    columns: &'a [f64],
    next_returns: &'a [f64],
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
        let bars = self.next_returns.len();
        for start in (0..bars).step_by(BLOCK) {
            let block = start..bars.min(start + BLOCK);
            let next = registers::<S, W>(&self.next_returns[block.clone()]);
            let part = |at: usize| registers::<S, W>(&self.columns[at * bars..][block.clone()]);
            let (mut pairs, mut sums) = (self.pairs, &mut *self.sums);
            while let Some(first) = pairs.first() {
                let right = part(first.right);
                let shared = pairs.iter().take(TILE).take_while(|pair| pair.right == first.right).count();
                let tile;
                (tile, sums) = sums.split_at_mut(shared);
                match (&pairs[..shared], tile.first_chunk_mut()) {
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
                pairs = &pairs[shared..];
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
    let bars = next.len();
    let (lefts, right) = (lefts.map(|left| &left[..bars]), &right[..bars]);
    let none = simd.splat_f64s(0.0);
    let mut tile: [[S::f64s; W]; N] = std::array::from_fn(|at| registers::<S, W>(&sums[at])[0]);
    for at in 0..bars {
        let (right, next) = (right[at], next[at]);
        for (sum, left) in tile.iter_mut().zip(&lefts) {
            for lane in 0..W {
                let held = simd.less_than_f64s(right[lane], left[at][lane]);
                sum[lane] = simd.add_f64s(sum[lane], simd.select_f64s(held, next[lane], none));
            }
        }
    }
    for (sum, lanes) in sums.iter_mut().zip(tile) {
        S::as_mut_simd_f64s(sum).0.copy_from_slice(&lanes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::LANES;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn sums_have_the_same_bits_on_this_cpu_as_without_wide_registers_and_as_one_by_one(
            bars in 0..80usize,
            values in prop::collection::vec(prop_oneof![Just(f64::NAN), (0..6u8).prop_map(f64::from)], 6 * 640),
            returns in prop::collection::vec(-0.1..0.1, 640),
            mut pairs in prop::collection::vec((0..6usize, 0..6usize), 0..20),
        ) {
            pairs.sort_unstable();
            let pairs: Vec<_> = pairs.into_iter().map(|(right, left)| Pair { right, left }).collect();
            let bars = bars * LANES;
            let (columns, next_returns) = (&values[..6 * bars], &returns[..bars]);
            let mut wide = vec![Lanes::default(); pairs.len()];
            let (mut narrow, mut naive) = (wide.clone(), wide.clone());
            greater(columns, next_returns, &pairs, &mut wide);
            Greater { columns, next_returns, pairs: &pairs, sums: &mut narrow }.with_simd(pulp::Scalar);
            for (pair, lanes) in pairs.iter().zip(&mut naive) {
                for bar in 0..bars {
                    if columns[pair.left * bars + bar] > columns[pair.right * bars + bar] {
                        lanes[bar % LANES] += next_returns[bar];
                    }
                }
            }
            let bits = |sums: Vec<Lanes>| sums.into_iter().map(|sum| sum.map(f64::to_bits)).collect::<Vec<_>>();
            let (narrow, naive) = (bits(narrow), bits(naive));
            prop_assert_eq!(bits(wide), narrow.clone());
            prop_assert_eq!(narrow, naive);
        }
    }
}
