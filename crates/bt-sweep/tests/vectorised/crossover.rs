use bt_core::{Bundle, Frequency, Timestamp};
use bt_dataportal::DataPortal;
use bt_sweep::vectorised::{SmaCrossover, Vectorised};
use bt_sweep::{
    Accounting, Backtest, Commission, EventDriven, Fill, Names, Params, SeriesCache, Stop, TrialView,
    bt_core, bt_dataportal, missing_returns, strategies,
};
use bt_testkit::{AssetData, MarketData, MemoryBundle};
use proptest::prelude::*;

use crate::oracle;

const DAY: i64 = 86_400_000_000_000;

/// Few different prices, so that means are often equal; some are 0 or below, some missing; assets have gaps and other first days.
fn market() -> impl Strategy<Value = Vec<Vec<(bool, f64)>>> {
    let price = prop_oneof![
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY)],
        30 => (100..104u32).prop_map(f64::from),
        10 => (1..900u32).prop_map(f64::from),
        2 => (-300..=0i32).prop_map(f64::from),
    ];
    let cents = price.prop_map(|price| price / 100.0);
    let bar = (prop::bool::weighted(0.9), cents);
    prop::collection::vec(prop::collection::vec(bar, 60), 1..4)
}

fn bundle(market: &[Vec<(bool, f64)>]) -> MemoryBundle {
    let asset = |(rank, days): (usize, &Vec<(bool, f64)>)| {
        let bars = days.iter().enumerate().filter(|(_, (traded, _))| *traded);
        let (timestamps, close): (Vec<_>, Vec<_>) =
            bars.map(|(day, (_, price))| (Timestamp::from_nanos(day as i64 * DAY), *price)).unzip();
        AssetData { name: format!("A{rank}"), timestamps, columns: std::array::from_fn(|_| close.clone()) }
    };
    MarketData { frequency: Frequency::Daily, assets: market.iter().enumerate().map(asset).collect() }
        .bundle()
}

fn params(fast: usize, slow: usize) -> Params {
    let names = Names::new(["fast", "slow"]);
    Params::new(&names, [(fast as i64).into(), (slow as i64).into()]).expect("two values")
}

fn sums(backtest: &Vectorised<SmaCrossover>, view: &TrialView<'_>, batch: &[Params]) -> Vec<f64> {
    let outcomes = batch.chunks(backtest.batch_size()).flat_map(|batch| backtest.run_batch(view, batch));
    outcomes.map(|outcome| outcome.expect("a trial that succeeds").metrics[0]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_crossover_is_what_its_definition_says_whatever_the_batch(
        market in market(),
        pairs in prop::collection::vec((1..12usize, 1..20usize), 1..16),
        batch_size in 1..16usize,
        warm_up in 0..50usize,
    ) {
        let bundle = bundle(&market);
        let (portal, stop, series) = (DataPortal::new(&bundle), Stop::default(), SeriesCache::default());
        let assets: Vec<_> = bundle.assets().ids().collect();
        let moments = bundle.calendar().len();
        prop_assume!(warm_up < moments);
        let view = TrialView::new(&portal, &assets, warm_up..moments, &stop, &series)?;
        let batch: Vec<_> = pairs.iter().map(|&(fast, more)| params(fast, fast + more)).collect();
        let whole = sums(&Vectorised::new(SmaCrossover), &view, &batch);
        let split = sums(&Vectorised { batch_size, ..Vectorised::new(SmaCrossover) }, &view, &batch);
        let bits = |sums: &[f64]| sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&whole), bits(&split));
        let before = |times: &[Timestamp]| times.iter().filter(|&&time| time < bundle.calendar()[warm_up]).count();
        let missing = assets.iter().map(|&asset| {
            let bars = bundle.bars(asset).expect("an asset of the bundle");
            oracle::missing(bars.field(bt_core::Field::CLOSE), before(bars.timestamps()))
        });
        prop_assert_eq!(missing_returns(&view, bt_core::Field::CLOSE)?, missing.sum::<u64>());
        for (&(fast, more), (params, sum)) in pairs.iter().zip(batch.iter().zip(whole)) {
            let naive: f64 = assets.iter().map(|&asset| {
                let bars = bundle.bars(asset).expect("an asset of the bundle");
                let closes = bars.field(bt_core::Field::CLOSE);
                oracle::crossover(closes, fast, fast + more, before(bars.timestamps()))
            }).sum();
            prop_assert!((sum - naive).abs() <= 1e-9 * (1.0 + naive.abs()), "{}: {} but {}", params, sum, naive);
            Vectorised::new(SmaCrossover).verify(&view, params)?;
            let returns = Vectorised::new(SmaCrossover).returns(&view, params)?.expect("returns");
            prop_assert_eq!(returns.len(), moments - warm_up);
            let mean = returns.iter().sum::<f64>() * assets.len() as f64;
            prop_assert!((mean - naive).abs() <= 1e-9 * (1.0 + naive.abs()), "{}: {} but {}", params, mean, naive);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn with_accounting_every_metric_has_the_bits_of_the_crossover_bar_by_bar(
        market in market(),
        (fast, more) in (1..12usize, 1..20usize),
        warm_up in 0..50usize,
        at_open in any::<bool>(),
        slippage_bps in prop_oneof![Just(0.0), 0.0..30.0],
        per_value in prop_oneof![Just(0.0), 0.0..0.01],
    ) {
        let bundle = bundle(&market);
        let (portal, stop, series) = (DataPortal::new(&bundle), Stop::default(), SeriesCache::default());
        let assets: Vec<_> = bundle.assets().ids().collect();
        let moments = bundle.calendar().len();
        prop_assume!(warm_up < moments && fast + more <= moments);
        let view = TrialView::new(&portal, &assets, warm_up..moments, &stop, &series)?;
        let accounting = Accounting {
            fill: if at_open { Fill::NextOpen } else { Fill::NextClose },
            slippage_bps,
            commission: Commission { per_value, minimum: 1.0, ..Commission::default() },
            ..Accounting::default()
        };
        let params = params(fast, fast + more);
        let by_bar = EventDriven { strategy: strategies::SmaCrossover, accounting: Some(accounting.clone()) };
        let whole = Vectorised { accounting: Some(accounting), ..Vectorised::new(SmaCrossover) };
        prop_assert_eq!(whole.metrics(), by_bar.metrics());
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let (found, expected) = match (whole.run(&view, &params), by_bar.run(&view, &params)) {
            (Ok(found), Ok(expected)) => (found, expected),
            // Prices so wild may go beyond what a float holds; then both say so.
            (found, expected) => {
                prop_assert_eq!(found.err().map(|error| error.to_string()), expected.err().map(|error| error.to_string()));
                return Ok(());
            }
        };
        prop_assert_eq!(bits(&found.metrics), bits(&expected.metrics));
        prop_assert_eq!(&found.blocks, &expected.blocks);
        let returns = |backtest: &dyn Backtest| backtest.returns(&view, &params).map(|found| bits(&found.expect("returns")));
        prop_assert_eq!(returns(&whole)?, returns(&by_bar)?);
    }
}

#[test]
fn a_fast_mean_that_is_not_shorter_is_refused() {
    let market = vec![vec![(true, 1.0); 60]];
    let bundle = bundle(&market);
    let (portal, stop, series) = (DataPortal::new(&bundle), Stop::default(), SeriesCache::default());
    let assets: Vec<_> = bundle.assets().ids().collect();
    let view = TrialView::new(&portal, &assets, 0..60, &stop, &series).unwrap();
    let backtest = Vectorised::new(SmaCrossover);
    let error = backtest.run(&view, &params(9, 9)).unwrap_err().to_string();
    assert_eq!(error, "parameter fast = 9 is out of range; allowed: less than slow = 9");
    let error = backtest.check(&view, &params(9, 61)).unwrap_err().to_string();
    assert!(error.contains("sma(61)") && error.contains("60 moments"), "{error}");
    backtest.check(&view, &params(9, 60)).unwrap();
    stop.cancel();
    assert!(backtest.run(&view, &params(9, 10)).is_err());
}
