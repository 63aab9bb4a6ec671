//! The vectorised sweep: 100 pairs of averages by its rule, by positions, one by one, and as a plain loop writes it.

use bt_benches::{Paired, Rows};
use bt_core::{Bundle, Field};
use bt_dataportal::DataPortal;
use bt_sweep::vectorised::{AssetSeries, Rule, Signals, SmaCrossover, Vectorised};
use bt_sweep::{Backtest, Indicator, Names, Params, Result, SeriesCache, Stop, TrialView};
use bt_testkit::{Market, MemoryBundle};

fn main() {
    let mut criterion = bt_benches::criterion();
    let mut rows = Rows::new("sweep_vector");
    let bundle = Market::common(7, 20, 2520).generate().bundle();
    let (portal, stop, series) = (DataPortal::new(&bundle), Stop::default(), SeriesCache::default());
    let assets: Vec<_> = bundle.assets().ids().collect();
    let view = TrialView::new(&portal, &assets, 0..2520, &stop, &series).expect("a view");
    let (pairs, batch) = grid();
    let (by_rule, by_positions) = (Vectorised::new(SmaCrossover), Vectorised::new(WithoutRule));
    let expected = plain(&bundle, &pairs);
    for found in [sum(&by_rule, &view, &batch), sum(&by_positions, &view, &batch)] {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, expected {expected}");
    }
    let times = Paired::new("sweep/100 pairs × 20 assets × 2520 bars")
        .arm("by rule", || sum(&by_rule, &view, &batch))
        .arm("by rule, one by one", || {
            batch.iter().map(|params| sum(&by_rule, &view, std::slice::from_ref(params))).sum::<f64>()
        })
        .arm("by positions", || sum(&by_positions, &view, &batch))
        .arm("plain loop", || plain(&bundle, &pairs))
        .run(&mut criterion);
    let row = "vectorised sweep, one thread";
    for arm in ["by rule, one by one", "by positions", "plain loop"] {
        rows.shown(row, &format!("{arm} : by rule"), times.ratio(arm, "by rule"), "×");
    }
    let per_bar = times.nanos("by rule") / (100.0 * 20.0 * 2520.0);
    rows.shown(row, "by rule, per trial, asset and bar", per_bar, " ns");
}

fn grid() -> (Vec<(usize, usize)>, Vec<Params>) {
    let pairs = (5..55).step_by(5).flat_map(|fast| (60..160).step_by(10).map(move |slow| (fast, slow)));
    let names = Names::new(["fast", "slow"]);
    let params = |(fast, slow): (usize, usize)| {
        Params::new(&names, [(fast as i64).into(), (slow as i64).into()]).expect("two values")
    };
    (pairs.clone().collect(), pairs.map(params).collect())
}

fn sum<S: Signals>(backtest: &Vectorised<S>, view: &TrialView<'_>, batch: &[Params]) -> f64 {
    let outcomes = backtest.run_batch(view, batch);
    outcomes.into_iter().map(|outcome| outcome.expect("a trial that succeeds").metrics[0]).sum()
}

/// The crossover as a strategy without a rule.
struct WithoutRule;

impl Signals for WithoutRule {
    fn id(&self) -> (String, u32) {
        SmaCrossover.id()
    }

    fn series(&self, params: &Params) -> Result<Vec<(Field, Indicator)>> {
        SmaCrossover.series(params)
    }

    fn positions(&self, params: &Params, asset: &AssetSeries<'_>, out: &mut [f64]) -> Result<()> {
        SmaCrossover.positions(params, asset, out)
    }

    fn rule(&self, _: &Params) -> Result<Rule> {
        Ok(Rule::Positions)
    }
}

/// One cumulative sum for each asset, then every pair bar by bar: what one writes first.
fn plain(bundle: &MemoryBundle, pairs: &[(usize, usize)]) -> f64 {
    let mut total = 0.0;
    for asset in bundle.assets().ids() {
        let close = bundle.bars(asset).expect("an asset of the bundle").field(Field::CLOSE);
        let mut sums = vec![0.0];
        sums.extend(close.iter().scan(0.0, |sum, price| {
            *sum += price;
            Some(*sum)
        }));
        for &(fast, slow) in pairs {
            for bar in slow - 1..close.len() - 1 {
                let mean = |n: usize| (sums[bar + 1] - sums[bar + 1 - n]) / n as f64;
                if mean(fast) > mean(slow) {
                    total += close[bar + 1] / close[bar] - 1.0;
                }
            }
        }
    }
    total
}
