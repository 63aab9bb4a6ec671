//! Real numbers in steps, over all sizes of ranges and steps, against whole numbers of 128 bits.

use bt_sweep::{Parameter, Space, Value};
use proptest::prelude::*;

/// Decimals: whole multiples of a power of ten.
#[derive(Clone, Debug)]
struct Steps {
    min: i128,
    max: i128,
    step: i128,
    exponent: i32,
}

impl Steps {
    fn text(&self) -> String {
        let Self { min, max, step, exponent } = self;
        // A point, so that no number is whole.
        format!("{min}.0e{exponent}..{max}.0e{exponent}:{step}.0e{exponent}")
    }

    fn largest(&self) -> i128 {
        self.min.abs().max(self.max.abs())
    }

    fn count(&self) -> i128 {
        (self.max - self.min) / self.step + 1
    }

    fn nth(&self, index: i128) -> f64 {
        format!("{}e{}", self.min + index * self.step, self.exponent).parse().unwrap()
    }
}

fn steps() -> impl Strategy<Value = Steps> {
    let sized = |digits: u32| (1..=digits).prop_flat_map(|digits| 0..10_i128.pow(digits));
    (sized(18), sized(18), any::<bool>(), sized(17), -300..280_i32).prop_map(
        |(from, width, negative, step, exponent)| {
            let min = if negative { -from } else { from };
            Steps { min, max: min + width, step: step + 1, exponent }
        },
    )
}

/// The ends, what is beside them, and some between.
fn places(count: i128, seed: u64) -> Vec<i128> {
    let inner = (0..8).map(|at| i128::from(seed.rotate_left(at * 8)) % count);
    let mut places: Vec<i128> = (0..3).chain(count - 3..count).chain(inner).collect();
    places.retain(|place| (0..count).contains(place));
    places.sort_unstable();
    places.dedup();
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn points_of_any_steps_ascend_within_their_limits_and_are_as_many_as_fit(
        steps in steps(), seed: u64, neighbour: bool,
    ) {
        let Ok(parameter) = format!("x={}", steps.text()).parse::<Parameter>() else {
            // Refused where doubles would not tell the steps apart, and nowhere else.
            let is_fine = steps.step > steps.largest() >> 49 && steps.count() < 1 << 49;
            prop_assert!(!is_fine, "{}", steps.text());
            return Ok(());
        };
        let space = Space::new([parameter], []).unwrap();
        let count = space.cardinality().unwrap() as i128;
        let at = |index: i128| space.point(index as u128).unwrap().float("x").unwrap();
        let (min, max) = (steps.nth(0), format!("{}e{}", steps.max, steps.exponent).parse::<f64>().unwrap());
        // One more or less where the limits, as doubles, are no further from a step than they are rounded.
        let rounding = steps.largest() >> 50;
        let off = (steps.max - steps.min) - (count - 1) * steps.step;
        prop_assert!(-rounding <= off && off < steps.step + rounding.max(1), "{count}, not {}", steps.count());
        if steps.largest().max(steps.step) < 1 << 50 && (-22..=0).contains(&steps.exponent) {
            prop_assert_eq!(count, steps.count());
        }
        let mut places = places(count, seed);
        if neighbour {
            let next: Vec<i128> = places.iter().map(|place| place + 1).filter(|place| *place < count).collect();
            places.extend(next);
            places.sort_unstable();
            places.dedup();
        }
        let mut before = None;
        for place in places {
            let value = at(place);
            prop_assert!((min..=max).contains(&value), "{value:?} in {}", steps.text());
            prop_assert!(before.is_none_or(|before| before < value), "{before:?}, {value:?}");
            let exact = steps.nth(place);
            prop_assert!((value - exact).abs() <= 4.0 * f64::EPSILON * min.abs().max(max.abs()), "{value:?}, {exact:?}");
            let point = space.point(place as u128).unwrap();
            prop_assert!(space.contains(&point));
            prop_assert_eq!(space.index_of(&point), Some(place as u128));
            before = Some(value);
        }
    }
}

#[test]
fn the_last_of_many_long_steps_is_the_last_that_fits() {
    let space = Space::new(["y=0.1..1e15:1.2".parse().unwrap()], []).unwrap();
    assert_eq!(space.cardinality(), Some(833_333_333_333_334));
    let last = space.point(833_333_333_333_333).unwrap();
    assert_eq!(last.values(), [Value::Float(999_999_999_999_999.7)]);
    assert!(space.contains(&last));
    assert_eq!(space.point(833_333_333_333_334), None);
}

#[test]
fn steps_at_the_ends_of_numbers_end() {
    for (text, count) in [
        ("x=1.7e308..1.7976931348623157e308:1e307", 1),
        ("x=-8.9e307..8.9e307:8.9e307", 3),
        ("x=0.0..5e-324:5e-324", 2),
        ("x=2.5..2.5:1.0", 1),
        ("x=0.0..1.0:1e308", 1),
    ] {
        let space = Space::new([text.parse().unwrap()], []).unwrap();
        assert_eq!(space.cardinality(), Some(count), "{text}");
        assert!(space.contains(&space.point(count - 1).unwrap()), "{text}");
    }
    for text in ["x=1e16..1.0000000000000002e16:0.5", "x=1e300..1e300:1.0", "x=0.0..1.0:5e-324"] {
        let refused = text.parse::<Parameter>().unwrap_err().to_string();
        assert!(refused.contains("more than 2^-50 of it, and fewer than 2^50"), "{refused}");
    }
}
