use pulp::{Arch, Simd, WithSimd};

use crate::indicator::simple_return;

/// At each price but the last the simple return to the next one, 0 where that is missing. `out` has at least as many elements; the
/// others stay.
pub(crate) fn next_returns(prices: &[f64], out: &mut [f64]) {
    Arch::new().dispatch(NextReturns { prices, out });
}

struct NextReturns<'a> {
    prices: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for NextReturns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let later = self.prices.iter().skip(1);
        for (out, (price, later)) in self.out.iter_mut().zip(self.prices.iter().zip(later)) {
            let next = simple_return(*price, *later);
            *out = if next.is_nan() { 0.0 } else { next };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn returns_have_the_same_bits_on_this_cpu_as_one_by_one(
            prices in prop::collection::vec(
                prop_oneof![
                    Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY), Just(-f64::INFINITY), Just(1e-310), -1e3..-0.01, 0.01..1e3
                ],
                0..70,
            )
        ) {
            let mut found = vec![7.0; prices.len()];
            next_returns(&prices, &mut found);
            for (at, found) in found.iter().enumerate() {
                let is_missing = |later: f64| {
                    !prices[at].is_finite() || prices[at] <= 0.0 || !(later / prices[at]).is_finite()
                };
                let earned = |&later: &f64| if is_missing(later) { 0.0 } else { later / prices[at] - 1.0 };
                let expected = prices.get(at + 1).map_or(7.0, earned);
                prop_assert_eq!(found.to_bits(), expected.to_bits());
            }
        }
    }
}
