//! Bars that no strategy was made for, and layers that are there or not.

use bt_layers::{Layers, OptimizationConfig, Options};
use bt_sweep::bt_core::{Frequency, Timestamp};
use bt_sweep::folds::{Kind, WalkForward};
use bt_sweep::report::html;
use bt_sweep::search::{RandomSearch, Search};
use bt_sweep::strategies::{self, StrategyInfo};
use bt_sweep::{Accounting, Engine, EngineOptions, Objective, Space, Sweep};
use bt_testkit::{AssetData, FakeSource, Market, MarketData};

use crate::fake::name;

/// The same bars at the ends of time, most of them at each and none between.
fn at_the_ends_of_time() -> MarketData {
    let mut market = Market::common(13, 2, 60).generate();
    for asset in &mut market.assets {
        let moved = asset.timestamps.iter().zip(0..).map(|(_, at): (_, i64)| match at {
            0..30 => i64::MIN + at,
            _ => i64::MAX - 60 + at,
        });
        asset.timestamps = moved.map(Timestamp::from_nanos).collect();
    }
    market
}

fn odd() -> Vec<(&'static str, MarketData)> {
    let mut without = Market::common(5, 2, 60).generate();
    without.assets.push(AssetData { name: "Z".into(), timestamps: vec![], columns: Default::default() });
    vec![
        ("one bar of one asset", Market::common(1, 1, 1).generate()),
        ("two bars", Market::common(1, 1, 2).generate()),
        ("an asset without a bar", without),
        ("nothing but NaN", Market::common(3, 2, 60).with_missing(1.0).generate()),
        ("the ends of time", at_the_ends_of_time()),
        ("gaps", Market::staggered(11, 3, 60, 20).with_gaps(0.3).with_missing(0.1).generate()),
    ]
}

/// With the layers that the bits of `on` name.
fn engine(market: &MarketData, on: u32, workers: usize) -> Engine {
    let source = FakeSource::default();
    source.publish(&name(), market);
    let config = OptimizationConfig {
        enable_caching: on & 1 != 0,
        enable_history_cache: on & 2 != 0,
        enable_bundle_pooling: on & 4 != 0,
        ..OptimizationConfig::default()
    };
    let layers = Layers::over_bundles(&config, Options::default(), source).unwrap();
    Engine::new(layers, EngineOptions { workers, ..EngineOptions::default() }).unwrap()
}

fn space(info: &StrategyInfo) -> Space {
    let short = match info.name {
        "sma-crossover" => &["fast=1|2|5", "slow=3|8|20"][..],
        "momentum" => &["lookback=1|5|20", "hold=1|5"][..],
        _ => &[],
    };
    info.space(short.iter().map(|text| text.parse().unwrap())).unwrap()
}

#[test]
fn every_strategy_gives_the_same_bytes_with_any_layers_on_any_bars() {
    for (what, market) in odd() {
        let engines: Vec<Engine> = (0..8).map(|on| engine(&market, on, 1 + on as usize % 3)).collect();
        for info in strategies::all() {
            let backtest = strategies::event_driven(info.name, Accounting::default()).unwrap();
            let sweep = Sweep::new(backtest, name(), Objective::maximize("sharpe"));
            let tables = engines.iter().map(|engine| {
                let mut search = RandomSearch::new(space(info), 7, 12).unwrap();
                let result = engine.run(&sweep, &mut search, &mut ()).unwrap();
                let report = engine.report(&sweep, &search.describe(), &result).unwrap();
                assert_eq!(report.facts.assets.len(), market.assets.len());
                result.trials.sorted_table_bytes()
            });
            let tables: Vec<Vec<u8>> = tables.collect();
            assert!(tables.windows(2).all(|pair| pair[0] == pair[1]), "{} on {what}", info.name);
        }
    }
}

/// Assets that each close so on the same days.
fn closing(closes: [&[f64]; 2]) -> MarketData {
    let asset = |(closes, name): (&[f64], &str)| AssetData {
        name: name.into(),
        timestamps: (1..=closes.len() as i64)
            .map(|day| Timestamp::from_nanos(day * 86_400_000_000_000))
            .collect(),
        columns: std::array::from_fn(|_| closes.to_vec()),
    };
    MarketData {
        frequency: Frequency::Daily,
        assets: closes.into_iter().zip(["A", "B"]).map(asset).collect(),
    }
}

#[test]
fn buying_and_holding_takes_every_close_and_ends_where_nothing_is_left() {
    // The second is bought at 4, the first of its closes at which money buys anything.
    let second = [-1.0, 4.0, 4.0, 8.0];
    for (low, equity, missing) in [(-5.0, [1.0, 0.75, 0.25, 2.0], 2), (-15.0, [1.0, 0.75, 0.0, 0.0], 2)] {
        let engine = engine(&closing([&[10.0, 5.0, low, 20.0], &second]), 7, 1);
        let backtest = strategies::event_driven("momentum", Accounting::default()).unwrap();
        let sweep = Sweep::new(backtest, name(), Objective::maximize("total_return"));
        let space = strategies::find("momentum").unwrap();
        let space = space.space(["lookback=1", "hold=1", "top=1"].map(|text| text.parse().unwrap())).unwrap();
        let mut search = RandomSearch::new(space, 7, 1).unwrap();
        let result = engine.run(&sweep, &mut search, &mut ()).unwrap();
        let report = engine.report(&sweep, &search.describe(), &result).unwrap();
        assert_eq!(report.buy_and_hold.unwrap().equity.0, equity);
        assert_eq!(report.facts.missing_returns, missing);
    }
}

#[test]
fn a_walk_forward_over_any_bars_has_its_folds_and_a_report() {
    let walk = WalkForward {
        validate: Some("5b".parse().unwrap()),
        step: "3b".parse().unwrap(),
        ..WalkForward::new(Kind::Expanding, "20b".parse().unwrap(), "9b".parse().unwrap())
    };
    for (what, market) in odd().split_off(2) {
        let engine = engine(&market, 7, 2);
        let info = strategies::find("sma-crossover").unwrap();
        let backtest = strategies::event_driven(info.name, Accounting::default()).unwrap();
        let sweep = Sweep::new(backtest, name(), Objective::maximize("total_return"));
        let mut search = |_: &_| Ok(Box::new(RandomSearch::new(space(info), 7, 6)?) as Box<dyn Search>);
        let result = engine.walk_forward(&sweep, &walk, &mut search, &mut ()).unwrap();
        assert!(result.is_complete && result.folds.len() > 3, "{what}: {}", result.folds.len());
        let moments = &result.out_of_sample.moments;
        assert!(moments.windows(2).all(|pair| pair[0] < pair[1]), "{what}");
        let report = engine.walk_forward_report(&sweep, "random", &result).unwrap();
        let shown = report.walk_forward.as_ref().unwrap();
        let spans = engine.fold_spans(&sweep, &result.folds).unwrap();
        assert!(shown.folds.iter().map(|fold| fold.test).eq(spans.iter().map(|fold| fold.test)), "{what}");
        assert_eq!(shown.folds.len(), result.folds.len(), "{what}");
        assert_eq!(report.facts.range, Some(engine.span(&sweep).unwrap()), "{what}");
        assert!(html(&report).ends_with("</html>\n"), "{what}");
    }
}
