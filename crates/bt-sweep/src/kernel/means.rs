use pulp::{Arch, Simd, WithSimd};

/// How large the values under a cumulative sum are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Each value is 0 or between 2^-900 and 2^900 in magnitude, and there are fewer than 2^32.
    Ordinary,
    /// Anything.
    Any,
}

impl Scale {
    /// Of all these values.
    pub(crate) fn of(values: &[f64]) -> Self {
        let fits = values.len() < 1 << 32 && Arch::new().dispatch(AreOrdinary(values));
        if fits { Self::Ordinary } else { Self::Any }
    }
}

struct AreOrdinary<'a>(&'a [f64]);

impl WithSimd for AreOrdinary<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        const SMALLEST: u64 = (1023 - 900) << 52;
        const LARGEST: u64 = (1023 + 900) << 52;
        self.0.iter().fold(true, |all, value| {
            let magnitude = value.to_bits() & !(1 << 63);
            // One comparison for both ends: what is less wraps around.
            all & ((magnitude == 0) | (magnitude.wrapping_sub(SMALLEST) <= LARGEST - SMALLEST))
        })
    }
}

/// `(sums[i + n] - sums[i]) / n` for each `i` that there is, in `out`; `n` is not 0.
///
/// Correctly rounded division, on values of ordinary scale without the division: with `y` the rounded reciprocal of `n`, `q = a y` is
/// within a few units of the last place of `a / n`, the remainder `a - q n` is exact in a fused operation, and `q` plus
/// the remainder times `y` is `a / n` but for 2^-51 units before it is rounded. For a whole `n` below 2^32 the quotient is no nearer than 2^-33 units to a
/// point where rounding changes, so it rounds as the quotient does. Ordinary scale keeps all of it away from underflow:
/// every sum is a multiple of 2^-952. (Markstein 1990, "Computation of elementary functions on the IBM RISC System/6000
/// processor".)
pub(crate) fn means(sums: &[f64], n: usize, scale: Scale, out: &mut [f64]) {
    Arch::new().dispatch(Means { sums, n, scale, out });
}

struct Means<'a> {
    sums: &'a [f64],
    n: usize,
    scale: Scale,
    out: &'a mut [f64],
}

impl WithSimd for Means<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let count = self.n as f64;
        let later = &self.sums[self.n..];
        let differences = later.iter().zip(self.sums).map(|(later, earlier)| later - earlier);
        // Without registers for it a fused operation is a function call.
        if S::F64_LANES > 1 && !cfg!(target_family = "wasm") && self.scale == Scale::Ordinary {
            let inverse = 1.0 / count;
            for (out, difference) in self.out.iter_mut().zip(differences) {
                let quotient = difference * inverse;
                let remainder = (-quotient).mul_add(count, difference);
                *out = remainder.mul_add(inverse, quotient);
            }
        } else {
            for (out, difference) in self.out.iter_mut().zip(differences) {
                *out = difference / count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(values: &[f64], n: usize) -> (Vec<u64>, Vec<u64>) {
        let mut sums = vec![0.0; values.len() + 1];
        let scale = super::super::cumulate(values, &mut sums);
        let mut found = vec![0.0; values.len() + 1 - n];
        let mut plain = found.clone();
        means(&sums, n, scale, &mut found);
        Means { sums: &sums, n, scale, out: &mut plain }.with_simd(pulp::Scalar);
        let mut half = found.clone();
        super::super::on_avx2(Means { sums: &sums, n, scale, out: &mut half });
        assert_eq!(
            half.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
            found.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        );
        let divided = (0..plain.len()).map(|at| ((sums[at + n] - sums[at]) / n as f64).to_bits());
        assert_eq!(
            plain.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
            divided.collect::<Vec<_>>()
        );
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect();
        (bits(found), bits(plain))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn means_have_the_bits_of_a_division_on_this_cpu(
            mantissas in prop::collection::vec(any::<i32>(), 40..80),
            exponent in prop_oneof![Just(0), -30..30, -1040..1000],
            spread in 0..40i32,
            n in 1..40usize,
        ) {
            let value = |(at, &mantissa): (usize, &i32)| {
                f64::from(mantissa) * f64::powi(2.0, exponent - 31 + (at as i32 * 7) % (spread + 1))
            };
            let values: Vec<f64> = mantissas.iter().enumerate().map(value).collect();
            let (found, divided) = both(&values, n);
            prop_assert_eq!(found, divided);
        }

        #[test]
        fn quotients_have_the_bits_of_a_division_for_any_divisor(bits in any::<u64>(), n in 1..u32::MAX) {
            let value = f64::from_bits(bits & 0x800F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000);
            let (count, inverse) = (f64::from(n), 1.0 / f64::from(n));
            let quotient = value * inverse;
            let remainder = (-quotient).mul_add(count, value);
            prop_assert_eq!(remainder.mul_add(inverse, quotient).to_bits(), (value / count).to_bits());
        }
    }

    #[test]
    fn values_near_the_ends_of_what_floats_hold_are_not_ordinary() {
        assert_eq!(Scale::of(&[1.0, 0.0, -0.0, -3e200]), Scale::Ordinary);
        for end in [f64::powi(2.0, 900), f64::powi(2.0, -900)] {
            assert_eq!(Scale::of(&[end, -end]), Scale::Ordinary);
        }
        let beyond =
            [f64::powi(2.0, 901), f64::powi(2.0, -901), f64::MIN_POSITIVE, f64::MAX, f64::NAN, f64::INFINITY];
        for end in beyond {
            assert_eq!(Scale::of(&[1.0, end, 1.0]), Scale::Any);
        }
    }
}
