//! Random numbers that a seed names for good.

use rand_core::Rng;
use rand_pcg::Pcg64;

use crate::space::{Axis, Scale};
use crate::{Params, Space, Value};

/// A stream of random numbers, the same for a seed on every machine and in every release.
///
/// The generator is PCG XSL RR 128/64 (O'Neill 2014). Its state is the seed through two rounds of SplitMix64 (Steele, Lea
/// and Flood 2014), high half first, its stream is [`STREAM`]. All conversions are written down here, none is a library's.
#[derive(Clone, Debug)]
pub(super) struct Draws(Pcg64);

const STREAM: u128 = 0x6274_2d73_7765_6570; // "bt-sweep"

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        let high = split_mix(seed.wrapping_add(GOLDEN));
        let low = split_mix(seed.wrapping_add(GOLDEN.wrapping_mul(2)));
        Self(Pcg64::new(u128::from(high) << 64 | u128::from(low), STREAM))
    }

    /// In [0, 1): the upper 53 bits of a draw, times 2^-53.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Below `n`, each as likely as another; `n` is at least 1 and at most 2^64. By multiplication and rejection (Lemire
    /// 2019).
    pub(super) fn below(&mut self, n: u128) -> u64 {
        let Ok(n) = u64::try_from(n) else {
            return self.0.next_u64();
        };
        // 2^64 mod n: draws with a lower half below it would favor some results.
        let unfair = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(n);
            if product as u64 >= unfair {
                return (product >> 64) as u64;
            }
        }
    }

    /// Of the standard normal distribution: the cosine of Box and Muller's (1958) pair.
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * libm::log(radius)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * angle)
    }

    /// A value of an axis.
    fn value(&mut self, axis: &Axis) -> Value {
        match axis {
            &Axis::Real { min, max, scale } => Value::Float(scale.between(min, max, self.unit())),
            discrete => discrete.nth(self.below(discrete.count().unwrap_or(1))),
        }
    }

    /// A point, constraints aside: one draw for each axis, in order.
    pub(super) fn point(&mut self, space: &Space) -> Params {
        space.params(space.axes().iter().map(|axis| self.value(axis)))
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn split_mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Scale {
    /// The number at `share` of the way from `min` to `max`. Logarithms are those of `libm`, the same bits on every machine.
    pub(super) fn between(self, min: f64, max: f64, share: f64) -> f64 {
        let value = match self {
            Self::Linear => min + share * (max - min),
            Self::Log => {
                let (low, high) = (libm::log(min), libm::log(max));
                libm::exp(low + share * (high - low))
            }
        };
        value.clamp(min, max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_the_same_numbers_in_every_release() {
        let mut draws = Draws::new(7);
        let units = [draws.unit(), draws.unit()];
        let ranks = [draws.below(10), draws.below(1 << 40), draws.below(1 << 64)];
        // As a few lines of another language computed them from the description above.
        assert_eq!(units, [0.35478853635099106, 0.7459856074814757]);
        assert_eq!(ranks, [2, 455_066_340_863, 9_172_189_804_001_653_157]);
    }

    #[test]
    fn each_rank_is_as_likely_as_another() {
        let mut draws = Draws::new(1);
        let mut counts = [0_u32; 7];
        (0..70_000).for_each(|_| counts[draws.below(7) as usize] += 1);
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }
}
