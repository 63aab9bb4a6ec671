use bt_core::{Bundle, Field};
use bt_dataportal::DataPortal;
use bt_sweep::vectorised::{AssetSeries, Rule, Signals, Vectorised};
use bt_sweep::{
    Accounting, Backtest, Error, Indicator, Metric, Names, Params, Result, SeriesCache, Stop, TrialView,
    bt_core, bt_dataportal,
};
use bt_testkit::Market;

/// Short while the close is the lowest of `n`, on an exact share of the position; fails on demand.
#[derive(Clone)]
struct Breakdown {
    rule: Rule,
}

impl Signals for Breakdown {
    fn id(&self) -> (String, u32) {
        ("breakdown".to_owned(), 3)
    }

    fn series(&self, params: &Params) -> Result<Vec<(Field, Indicator)>> {
        Ok(vec![(Field::CLOSE, Indicator::Max(1)), (Field::LOW, Indicator::Min(params.count("n")?))])
    }

    fn positions(&self, params: &Params, asset: &AssetSeries<'_>, out: &mut [f64]) -> Result<()> {
        if params.count("n")? == 13 {
            return Err(Error::Strategy("thirteen".to_owned()));
        }
        assert_eq!((asset.bars().len(), asset.series(0).len()), (out.len(), out.len()));
        for (at, out) in out.iter_mut().enumerate() {
            let (close, lowest) = (asset.series(0)[at], asset.series(1)[at]);
            *out = if lowest.is_nan() { f64::NAN } else { -0.5 * f64::from(u8::from(close > lowest)) };
        }
        Ok(())
    }

    fn rule(&self, _: &Params) -> Result<Rule> {
        Ok(self.rule)
    }
}

fn with_view(test: impl FnOnce(&TrialView<'_>)) {
    let bundle = Market::staggered(5, 4, 150, 90).with_gaps(0.05).with_missing(0.01).generate().bundle();
    let (portal, stop, series) = (DataPortal::new(&bundle), Stop::default(), SeriesCache::default());
    let assets: Vec<_> = bundle.assets().ids().collect();
    test(&TrialView::new(&portal, &assets, 40..140, &stop, &series).expect("a view"));
}

fn lookback(n: i64) -> Params {
    Params::new(&Names::new(["n"]), [n.into()]).expect("one value")
}

#[test]
fn a_trial_that_fails_leaves_the_others_of_its_batch_alone() {
    with_view(|view| {
        let backtest = Vectorised::new(Breakdown { rule: Rule::Positions });
        let outcomes = backtest.run_batch(view, &[lookback(5), lookback(13), lookback(0), lookback(20)]);
        let errors: Vec<_> = outcomes.iter().map(|it| it.as_ref().err().map(ToString::to_string)).collect();
        assert_eq!(errors[1].as_deref(), Some("thirteen"));
        assert!(errors[2].as_deref().is_some_and(|text| text.contains("parameter n = 0")), "{errors:?}");
        let alone = |n| backtest.run(view, &lookback(n)).unwrap();
        assert_eq!(outcomes[0].as_ref().unwrap(), &alone(5));
        assert_eq!(outcomes[3].as_ref().unwrap(), &alone(20));
    });
}

#[test]
fn positions_of_any_size_earn_the_next_scored_return_and_nan_is_none() {
    with_view(|view| {
        let backtest = Vectorised::new(Breakdown { rule: Rule::Positions });
        let sum = backtest.run(view, &lookback(5)).unwrap().metrics[0];
        let returns = backtest.returns(view, &lookback(5)).unwrap().unwrap();
        assert_eq!(returns.len(), 100);
        let mut naive = vec![0.0; 100];
        for &asset in view.assets() {
            let bars = view.portal().bundle().bars(asset).unwrap();
            let (close, low) = (bars.field(Field::CLOSE), bars.field(Field::LOW));
            for bar in 1..bars.len() {
                let scored = view.scored().find(|&at| view.portal().calendar()[at] == bars.timestamps()[bar]);
                let window = bar.checked_sub(5).map(|start| &low[start..bar]);
                let lowest = window.filter(|window| window.iter().all(|low| low.is_finite()));
                let lowest = lowest.map(|window| window.iter().copied().fold(f64::INFINITY, f64::min));
                let next = close[bar] / close[bar - 1] - 1.0;
                if let (Some(scored), Some(lowest)) = (scored, lowest)
                    && close[bar - 1] > lowest
                    && next.is_finite()
                {
                    naive[scored - 40] -= 0.5 * next / 4.0;
                }
            }
        }
        assert!(returns.iter().zip(&naive).all(|(value, naive)| (value - naive).abs() < 1e-15));
        assert!((sum - 4.0 * naive.iter().sum::<f64>()).abs() < 1e-12 && sum != 0.0);
    });
}

#[test]
fn a_rule_that_says_something_else_than_the_positions_is_found() {
    with_view(|view| {
        let wrong = Vectorised::new(Breakdown { rule: Rule::Greater { left: 0, right: 1 } });
        let error = wrong.verify(view, &lookback(5)).unwrap_err().to_string();
        assert!(error.contains("breakdown") && error.contains("n=5"), "{error}");
        let nowhere = Vectorised::new(Breakdown { rule: Rule::Greater { left: 0, right: 2 } });
        let error = nowhere.run(view, &lookback(5)).unwrap_err().to_string();
        assert!(error.contains("series 0 > series 2"), "{error}");
    });
}

#[test]
fn the_ledger_knows_price_and_version() {
    let backtest = Vectorised::new(Breakdown { rule: Rule::Positions });
    assert_eq!(backtest.id().to_string(), "breakdown v3 (vectorised, next return of close, rules=2)");
    assert_eq!(backtest.metrics(), ["sum_of_returns"]);
    assert_eq!(
        (backtest.batch_size(), Vectorised { batch_size: 0, ..backtest.clone() }.batch_size()),
        (50, 1)
    );
}

/// Reads a field of its parameter's number.
struct Reads;

impl Signals for Reads {
    fn id(&self) -> (String, u32) {
        ("reads".to_owned(), 1)
    }

    fn series(&self, params: &Params) -> Result<Vec<(Field, Indicator)>> {
        let field = if params.count("n")? == 13 { Field::extra(0).expect("a field") } else { Field::CLOSE };
        Ok(vec![(field, Indicator::Max(1))])
    }

    fn positions(&self, _: &Params, _: &AssetSeries<'_>, out: &mut [f64]) -> Result<()> {
        out.fill(1.0);
        Ok(())
    }
}

#[test]
fn a_field_that_there_is_not_costs_the_trial_that_asks_for_it_alone() {
    with_view(|view| {
        let backtest = Vectorised::new(Reads);
        let outcomes = backtest.run_batch(view, &[lookback(5), lookback(13), lookback(7)]);
        assert!(outcomes[1].is_err());
        let alone = backtest.run(view, &lookback(5)).unwrap();
        assert_eq!((outcomes[0].as_ref().unwrap(), outcomes[2].as_ref().unwrap()), (&alone, &alone));
    });
}

#[test]
fn the_ledger_tells_accounting_from_none_and_trials_run_one_by_one_with_it() {
    let plain = Vectorised::new(Breakdown { rule: Rule::Positions });
    let whole = Vectorised { accounting: Some(Accounting::default()), ..plain.clone() };
    assert!(whole.id().settings.starts_with("vectorised, next return of close, "), "{}", whole.id());
    assert_eq!((whole.batch_size(), whole.metrics()), (1, Metric::names()));
    let bad = Vectorised {
        accounting: Some(Accounting { slippage_bps: f64::NAN, ..Accounting::default() }),
        ..plain
    };
    with_view(|view| assert!(bad.check(view, &lookback(5)).is_err()));
}
