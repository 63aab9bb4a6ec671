//! The crossover bar by bar and the one over whole series make the same trades.

use std::sync::{LazyLock, Mutex};

use bt_sweep::bt_core::Field;
use bt_sweep::strategies::SmaCrossover;
use bt_sweep::vectorised::{self, AssetSeries, Signals, Vectorised};
use bt_sweep::{Backtest, Indicator, Params, Result, TrialView};
use bt_testkit::MemoryBundle;
use proptest::prelude::*;

use crate::data::{REAL, params, with_view};
use crate::recorded::{Weights, record};

static BUNDLE: LazyLock<MemoryBundle> = LazyLock::new(|| REAL.bundle());

/// Notes the positions of the vectorised form, asset after asset, one value for each bar.
#[derive(Default)]
struct Positions(Mutex<Weights>);

impl Signals for Positions {
    fn id(&self) -> (String, u32) {
        vectorised::SmaCrossover.id()
    }

    fn series(&self, params: &Params) -> Result<Vec<(Field, Indicator)>> {
        vectorised::SmaCrossover.series(params)
    }

    fn positions(&self, params: &Params, asset: &AssetSeries<'_>, out: &mut [f64]) -> Result<()> {
        vectorised::SmaCrossover.positions(params, asset, out)?;
        self.0.lock().unwrap().push(out.to_vec());
        Ok(())
    }
}

/// The sum of position × return of the next bar over assets and bars, and that of its terms' sizes. Each asset's positions are
/// given for its own bars up to the end of the view.
fn held(view: &TrialView<'_>, positions: &Weights) -> (f64, f64) {
    let (mut sum, mut size) = (0.0, 0.0);
    for (&asset, positions) in view.assets().iter().zip(positions) {
        let bars = view.portal().bundle().bars(asset).unwrap();
        let closes = &bars.field(Field::CLOSE)[..positions.len()];
        for (pair, position) in closes.windows(2).zip(positions) {
            let earned = position * (pair[1] / pair[0] - 1.0);
            (sum, size) = (sum + earned, size + earned.abs());
        }
    }
    (sum, size)
}

/// Each asset's positions of 0 or 1 at its own bars, of the weights at each moment.
fn by_bar(view: &TrialView<'_>, weights: &Weights) -> Weights {
    let calendar = view.portal().calendar();
    let positions = |(place, &asset)| {
        let bars = view.portal().bundle().bars(asset).unwrap().timestamps();
        let moments = view.scored().zip(weights);
        let bars = moments.filter(|(moment, _)| bars.binary_search(&calendar[*moment]).is_ok());
        bars.map(|(_, row): (_, &Vec<f64>)| f64::from(u8::from(row[place] > 0.0))).collect()
    };
    view.assets().iter().enumerate().map(positions).collect()
}

fn compare(fast: usize, slow: usize, end: usize) {
    with_view(&BUNDLE, 0..end, |view| {
        let params = params([("fast", (fast as i64).into()), ("slow", (slow as i64).into())]);
        let (weights, _) = record(SmaCrossover, view, &params).unwrap();
        let on_bars = by_bar(view, &weights);

        let recorder = Vectorised::new(Positions::default());
        recorder.run(view, &params).unwrap();
        assert_eq!(on_bars, *recorder.signals.0.lock().unwrap(), "{params}");

        let sum = Vectorised::new(vectorised::SmaCrossover).run(view, &params).unwrap().metrics[0];
        let (expected, size) = held(view, &on_bars);
        assert!((sum - expected).abs() <= 1e-12 * size, "{params}: {sum} and {expected}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_forms_hold_the_same_at_each_real_bar(
        fast in 1..60_usize,
        more in 1..120_usize,
        end in 200..=3270_usize,
    ) {
        compare(fast, fast + more, end);
    }
}

#[test]
fn both_forms_hold_the_same_where_means_tie() {
    // Short windows of prices in whole cents tie most often.
    for fast in 1..8 {
        for slow in fast + 1..10 {
            compare(fast, slow, 3270);
        }
    }
}
