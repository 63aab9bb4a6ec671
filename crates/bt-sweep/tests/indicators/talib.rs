use bt_core::{Bars, Field, Timestamp};
use bt_sweep::{Indicator, bt_core};

/// How it was made stands at its top.
const TABLE: &str = include_str!("talib.csv");

#[test]
fn indicators_are_those_of_ta_lib() {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let number = |cell: &str| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() };
    let rows: Vec<Vec<f64>> = lines.map(|line| line.split(',').map(number).collect()).collect();
    let column = |name: &str| -> Vec<f64> {
        let at = names.iter().position(|known| *known == name).unwrap();
        rows.iter().map(|row| row[at]).collect()
    };
    let days: Vec<_> = (1..=rows.len() as i64).map(Timestamp::from_nanos).collect();
    let values = ["close", "high", "low", "close", "close"].map(column).concat();
    let bars = Bars::new(&days, &values, days.len()).unwrap();
    assert_eq!(names.len(), 3 + INDICATORS.len());
    for indicator in INDICATORS {
        let found = indicator.compute(bars, Field::CLOSE).unwrap();
        for (at, (&value, theirs)) in found.iter().zip(column(&indicator.to_string())).enumerate() {
            // What TA-Lib's difference of mean squares leaves of a deviation of 0 is the root of a rounding error.
            let flat = matches!(indicator, Indicator::StdDev(_)) && value == 0.0;
            let near = (value - theirs).abs() <= if flat { 2e-7 } else { 1e-9 * theirs.abs() };
            assert!(
                near || (value.is_nan() && theirs.is_nan()),
                "{indicator} at {at}: {value}, TA-Lib {theirs}"
            );
        }
    }
}

const INDICATORS: [Indicator; 16] = [
    Indicator::Returns,
    Indicator::Sma(5),
    Indicator::Sma(50),
    Indicator::Ema(2),
    Indicator::Ema(12),
    Indicator::Ema(60),
    Indicator::StdDev(2),
    Indicator::StdDev(20),
    Indicator::Min(2),
    Indicator::Min(30),
    Indicator::Max(2),
    Indicator::Max(30),
    Indicator::Rsi(2),
    Indicator::Rsi(14),
    Indicator::Atr(1),
    Indicator::Atr(14),
];
