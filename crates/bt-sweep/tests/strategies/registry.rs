//! What is said of each strategy is so.

use bt_sweep::strategies::{self, StrategyInfo};
use bt_sweep::{Accounting, Backtest, Metric, Params, Space, Value};
use bt_testkit::Market;

use crate::data::{params, with_view};

fn info(name: &str) -> &'static StrategyInfo {
    strategies::find(name).unwrap()
}

/// What the strategy says of these parameters on so many bars of two assets.
fn check<const N: usize>(name: &str, bars: usize, values: [(&str, Value); N]) -> Result<(), String> {
    let bundle = Market::common(1, 2, bars).generate().bundle();
    let backtest = info(name).event_driven(Accounting::default());
    let check = with_view(&bundle, 0..bars, |view| backtest.check(view, &params(values)));
    check.map_err(|error| error.to_string())
}

fn refused<const N: usize>(name: &str, values: [(&str, Value); N]) -> String {
    check(name, 100, values).unwrap_err()
}

/// The first point of the space to start from.
fn first_point(space: &Space) -> Params {
    (0..).map_while(|at| space.point(at)).find(|point| space.satisfies(point)).unwrap()
}

#[test]
fn every_strategy_is_found_by_its_name_and_takes_its_own_space() {
    let names: Vec<_> = strategies::all().iter().map(|info| info.name).collect();
    assert_eq!(names, ["donchian-breakout", "momentum", "rsi-reversion", "sma-crossover"]);
    let bundle = Market::common(1, 3, 300).generate().bundle();
    for info in strategies::all() {
        let backtest = strategies::event_driven(info.name, Accounting::default()).unwrap();
        assert_eq!(backtest.id().name, info.name);
        let own: &[&str] = if info.name == "momentum" { &["missing_returns"] } else { &[] };
        assert_eq!(backtest.metrics()[..Metric::ALL.len()], Metric::names());
        assert_eq!(backtest.metrics()[Metric::ALL.len()..], *own);
        assert!(!info.about.is_empty() && info.parameters.iter().all(|known| !known.about.is_empty()));
        let space = info.space([]).unwrap();
        assert!(space.cardinality().is_some_and(|points| (10..=200).contains(&points)), "{space}");
        with_view(&bundle, 0..300, |view| {
            for point in (0..).map_while(|at| space.point(at)).filter(|point| space.satisfies(point)) {
                backtest.check(view, &point).unwrap();
            }
        });
    }
}

#[test]
fn a_name_that_is_not_there_is_answered_with_the_nearest_and_with_all() {
    let message = strategies::event_driven("sma-crosover", Accounting::default()).err().unwrap().to_string();
    let expected = "no strategy \"sma-crosover\"; did you mean sma-crossover?; \
                    there are donchian-breakout, momentum, rsi-reversion, sma-crossover";
    assert_eq!(message, expected);
    let message = strategies::vectorised("momentun").err().unwrap().to_string();
    assert!(message.contains("did you mean momentum?"), "{message}");
    let message = strategies::vectorised("momentum").err().unwrap().to_string();
    assert_eq!(message, "no vectorised form of strategy \"momentum\"; there are sma-crossover");
    assert_eq!(strategies::vectorised("sma-crossover").unwrap().metrics(), ["sum_of_returns"]);
    let ruinous = Accounting { initial_cash: 0.0, ..Accounting::default() };
    assert!(strategies::event_driven("momentum", ruinous).is_err());
}

#[test]
fn given_domains_take_the_place_of_those_to_start_from() {
    let space = |given: &[&str]| info("sma-crossover").space(given.iter().map(|text| text.parse().unwrap()));
    assert_eq!(space(&["slow=20|30"]).unwrap().to_string(), "fast=5..50:5 slow=20|30 where fast<slow");
    let message = space(&["fats=5"]).unwrap_err().to_string();
    assert_eq!(message, "no parameter \"fats\"; did you mean fast?; there are fast, slow");
    let message = space(&["fast=5", "fast=6"]).unwrap_err().to_string();
    assert_eq!(
        message,
        "parameter fast = two domains is out of range; allowed: one domain for each parameter of sma-crossover"
    );
}

#[test]
fn parameters_that_are_unknown_or_missing_are_named() {
    let message = refused("sma-crossover", [("fast", 5.into()), ("slwo", 20.into())]);
    assert_eq!(message, "no parameter \"slwo\"; did you mean slow?; there are fast, slow");
    let message = refused("sma-crossover", [("fast", 5.into())]);
    assert_eq!(
        message,
        "parameter slow of sma-crossover = nothing is out of range; allowed: a value or a domain, such as slow=60..150:10"
    );
}

#[test]
fn values_that_make_no_sense_are_named_with_what_is_allowed() {
    let refusals = [
        (
            refused("sma-crossover", [("fast", 20.into()), ("slow", 20.into())]),
            "parameter fast = 20 is out of range; allowed: less than slow = 20",
        ),
        (
            refused("sma-crossover", [("fast", 0.into()), ("slow", 20.into())]),
            "parameter fast = 0 is out of range; allowed: a whole number of at least 1",
        ),
        (
            refused("sma-crossover", [("fast", 5.into()), ("slow", 101.into())]),
            "parameter slow = 101 is out of range; allowed: at most 100, since the data has 100 bars",
        ),
        (
            refused("donchian-breakout", [("entry", 100.into()), ("exit", 5.into())]),
            "parameter entry = 100 is out of range; allowed: at most 99, since the data has 100 bars",
        ),
        (
            refused("donchian-breakout", [("entry", 10.into()), ("exit", 500.into())]),
            "parameter exit = 500 is out of range; allowed: at most 99, since the data has 100 bars",
        ),
        (
            refused("rsi-reversion", [("lookback", 100.into()), ("low", 30.into()), ("high", 70.into())]),
            "parameter lookback = 100 is out of range; allowed: at most 99, since the data has 100 bars",
        ),
        (
            refused("rsi-reversion", [("lookback", 5.into()), ("low", 70.into()), ("high", 70.0.into())]),
            "parameter low = 70 is out of range; allowed: less than high = 70",
        ),
        (
            refused("rsi-reversion", [("lookback", 5.into()), ("low", 30.into()), ("high", f64::NAN.into())]),
            "parameter high = NaN is out of range; allowed: a number from 0 to 100",
        ),
        (
            refused(
                "momentum",
                [("lookback", 90.into()), ("skip", 10.into()), ("hold", 5.into()), ("top", 1.into())],
            ),
            "lookback + skip = 100 is out of range; allowed: at most 99, since the data has 100 bars",
        ),
        (
            refused("momentum", [("lookback", 9.into()), ("hold", 5.into()), ("top", 3.into())]),
            "parameter top = 3 is out of range; allowed: 1 to 2, the number of assets",
        ),
        (
            refused(
                "momentum",
                [("lookback", 9.into()), ("skip", (-1).into()), ("hold", 5.into()), ("top", 1.into())],
            ),
            "parameter skip = -1 is out of range; allowed: a whole number of at least 0",
        ),
    ];
    for (message, expected) in refusals {
        assert_eq!(message, expected);
    }
    let huge = i64::MAX;
    refused(
        "momentum",
        [("lookback", huge.into()), ("skip", huge.into()), ("hold", 5.into()), ("top", 1.into())],
    );
}

#[test]
fn a_skip_that_a_space_does_not_have_is_none() {
    let bundle = Market::common(4, 4, 120).generate().bundle();
    let backtest = info("momentum").event_driven(Accounting::default());
    let run =
        |params: &Params| with_view(&bundle, 0..120, |view| backtest.returns(view, params).unwrap().unwrap());
    let (lookback, hold, top) = (("lookback", 20.into()), ("hold", 10.into()), ("top", 2.into()));
    let without = run(&params([lookback.clone(), hold.clone(), top.clone()]));
    let skip = |bars: i64| params([lookback.clone(), hold.clone(), top.clone(), ("skip", bars.into())]);
    assert_eq!(without, run(&skip(0)));
    assert_ne!(without, run(&skip(5)));
}

#[test]
fn after_the_warm_up_everything_is_known_and_a_bar_less_is_refused() {
    for info in strategies::all() {
        let point = first_point(&info.space([]).unwrap());
        let warm_up = info.warm_up(&point).unwrap();
        let bundle = Market::common(1, 3, warm_up + 1).generate().bundle();
        let backtest = info.event_driven(Accounting::default());
        with_view(&bundle, 0..warm_up + 1, |view| backtest.check(view, &point).unwrap());
        let error = with_view(&bundle, 0..warm_up, |view| backtest.check(view, &point).unwrap_err());
        assert!(error.to_string().contains(&format!("the data has {warm_up} bars")), "{error}");
        assert!(info.warm_up(&params([("x", 1.into())])).is_err());
    }
}

#[test]
fn a_text_in_the_place_of_a_number_is_refused_by_its_parameter() {
    let info = strategies::find("sma-crossover").unwrap();
    let message = info.space(["fast=banana".parse().unwrap()]).unwrap_err().to_string();
    assert!(message.contains("parameter fast = banana"), "{message}");
    assert!(message.contains("such as fast=5..50:5"), "{message}");
}
