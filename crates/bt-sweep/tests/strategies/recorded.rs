//! Notes the targets of any strategy.

use std::sync::Mutex;

use bt_sweep::account::{Filled, Target};
use bt_sweep::bt_dataportal::Moment;
use bt_sweep::{Accounting, EventDriven, OnBar, Orders, Params, Result, Strategy, TrialView};

/// A row for each scored moment, in it the weight in force of each asset after the strategy was called.
pub(crate) type Weights = Vec<Vec<f64>>;

struct Recorded<S> {
    strategy: S,
    weights: Mutex<Weights>,
}

struct State<'t> {
    inner: Box<dyn OnBar + 't>,
    weights: &'t Mutex<Weights>,
    assets: usize,
}

/// The targets and fills of one trial.
pub(crate) fn record(
    strategy: impl Strategy,
    view: &TrialView<'_>,
    params: &Params,
) -> Result<(Weights, Vec<Filled>)> {
    let recorded = Recorded { strategy, weights: Mutex::default() };
    // Books that no strategy can ruin: the targets are what is looked at.
    let accounting = Some(Accounting::default());
    let backtest = EventDriven { strategy: recorded, accounting };
    let fills = backtest.fills(view, params)?;
    Ok((backtest.strategy.weights.into_inner().unwrap(), fills))
}

impl<S: Strategy> Strategy for Recorded<S> {
    fn id(&self) -> (String, u32) {
        self.strategy.id()
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let inner = self.strategy.start(view, params)?;
        Ok(Box::new(State { inner, weights: &self.weights, assets: view.assets().len() }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        self.inner.on_bar(moment, orders)?;
        let account = orders.account().unwrap();
        let weight = |place| match account.target(place).unwrap() {
            Target::Weight(weight) => weight,
            Target::Shares(shares) => panic!("{shares} shares: these strategies set weights"),
        };
        self.weights.lock().unwrap().push((0..self.assets).map(weight).collect());
        Ok(())
    }
}
