use bt_core::{Bars, Field, Timestamp};
use bt_sweep::{Indicator, bt_core};
use proptest::prelude::*;

use crate::oracle::{self, Known};

fn prices() -> impl Strategy<Value = Vec<[f64; 3]>> {
    // Few different prices, so that there are ties and flat stretches; some are missing in one way or another, some are 0 or below.
    let price = |missing, below| {
        prop_oneof![
            missing => prop_oneof![Just(f64::NAN), Just(f64::INFINITY)],
            60 => (1..400u32).prop_map(|cents| f64::from(cents) / 100.0),
            20 => Just(2.0),
            below => (-300..=0i32).prop_map(|cents| f64::from(cents) / 100.0),
        ]
    };
    let bars = |missing, below| {
        let price = || price(missing, below);
        prop::collection::vec([price(), price(), price()], 0..90)
    };
    prop_oneof![bars(0, 0), bars(1, 0), bars(8, 0), bars(1, 8)]
}

fn indicator() -> impl Strategy<Value = Indicator> {
    let lookback =
        || prop_oneof![4 => 1..8usize, 4 => 8..50usize, 1 => Just(1000usize), 1 => Just(usize::MAX)];
    prop_oneof![
        Just(Indicator::Returns),
        lookback().prop_map(Indicator::Sma),
        lookback().prop_map(Indicator::Ema),
        lookback().prop_map(Indicator::StdDev),
        lookback().prop_map(Indicator::Min),
        lookback().prop_map(Indicator::Max),
        lookback().prop_map(Indicator::Rsi),
        lookback().prop_map(Indicator::Atr),
    ]
}

/// How far from the naive value a value may be: definitions of one operation order hold to the last bit.
fn near(indicator: Indicator, value: f64, naive: f64) -> bool {
    match indicator {
        Indicator::Returns | Indicator::Sma(_) | Indicator::Min(_) | Indicator::Max(_) => value == naive,
        // The root of a rounding error of squared prices is what is left of a deviation of 0 in the naive version.
        Indicator::StdDev(_) => (value - naive).abs() <= 1e-12 * naive + 1e-14,
        // Where prices are on both sides of 0, a mean may be near it: then digits are lost beside the prices.
        _ => (value - naive).abs() <= 1e-11 * naive.abs() + 1e-14,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_indicator_is_what_its_definition_says(rows in prices(), indicator in indicator()) {
        let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<_>>();
        let (high, low, close) = (column(0), column(1), column(2));
        let days: Vec<_> = (1..=rows.len() as i64).map(Timestamp::from_nanos).collect();
        let values = [close.clone(), high.clone(), low.clone(), close.clone(), close.clone()].concat();
        let found = indicator.compute(Bars::new(&days, &values, days.len())?, Field::CLOSE)?;
        prop_assert_eq!(found.len(), rows.len());
        for (at, &value) in found.iter().enumerate() {
            let known = Known { high: &high[..=at], low: &low[..=at], close: &close[..=at] };
            match oracle::last(indicator, &known) {
                Some(naive) => prop_assert!(near(indicator, value, naive), "{} at {at}: {value}, naive {naive}", indicator),
                None => prop_assert!(value.is_nan(), "{} at {at}: {value}, naive none", indicator),
            }
        }
    }
}

fn of_close(indicator: Indicator, close: &[f64]) -> Vec<f64> {
    let days: Vec<_> = (1..=close.len() as i64).map(Timestamp::from_nanos).collect();
    let values = close.repeat(5);
    let bars = Bars::new(&days, &values, days.len()).expect("five columns");
    indicator.compute(bars, Field::CLOSE).expect("close and a lookback of at least 1")
}

#[test]
fn a_lookback_of_0_is_refused_by_name() {
    for indicator in [Indicator::Sma(0), Indicator::Min(0), Indicator::Rsi(0), Indicator::Atr(0)] {
        let error = indicator.compute(Bars::EMPTY, Field::CLOSE).unwrap_err().to_string();
        assert!(error.contains(&indicator.to_string()) && error.contains("at least 1"), "{error}");
    }
}

#[test]
fn a_field_that_bars_do_not_have_is_an_error() {
    let days = [Timestamp::from_nanos(1)];
    let bars = Bars::new(&days, &[1.0; 5], 1).unwrap();
    let error = Indicator::Returns.compute(bars, Field::extra(0).unwrap()).unwrap_err();
    assert!(error.to_string().contains("extra column 0"), "{error}");
}

#[test]
fn a_deviation_keeps_its_digits_beside_a_mean_that_is_a_billion_times_as_large() {
    let close: Vec<f64> = (0..300).map(|at| 1e9 + f64::from(at % 3)).collect();
    let deviations = of_close(Indicator::StdDev(3), &close);
    let exact = (2.0f64 / 3.0).sqrt();
    assert!(deviations[2..].iter().all(|value| (value / exact - 1.0).abs() < 1e-7), "{deviations:?}");
    assert!(of_close(Indicator::StdDev(7), &[0.1; 40])[6..].iter().all(|&value| value == 0.0));
}

#[test]
fn windows_count_an_assets_own_bars_and_know_nothing_of_days_without_one() {
    let close: Vec<f64> = (1..=8).map(f64::from).collect();
    let with_gap: Vec<_> = [1, 2, 3, 10, 11, 40, 41, 42].map(Timestamp::from_nanos).to_vec();
    let values = close.repeat(5);
    let gapped = Bars::new(&with_gap, &values, 8).unwrap();
    for indicator in [Indicator::Returns, Indicator::Sma(3), Indicator::Atr(2)] {
        let (found, straight) =
            (indicator.compute(gapped, Field::CLOSE).unwrap(), of_close(indicator, &close));
        assert_eq!(format!("{found:?}"), format!("{straight:?}"));
    }
}

#[test]
fn the_warm_up_is_the_number_of_bars_before_the_first_value() {
    let close: Vec<f64> = (0..40).map(|at| 10.0 + f64::from(at % 7)).collect();
    for n in [1, 2, 9] {
        for indicator in [
            Indicator::Returns,
            Indicator::Sma(n),
            Indicator::Ema(n),
            Indicator::StdDev(n),
            Indicator::Min(n),
            Indicator::Max(n),
            Indicator::Rsi(n),
            Indicator::Atr(n),
        ] {
            let values = of_close(indicator, &close);
            assert_eq!(
                values.iter().take_while(|value| value.is_nan()).count(),
                indicator.warm_up(),
                "{indicator}"
            );
        }
    }
}
