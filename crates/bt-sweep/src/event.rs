//! Backtests that are called bar by bar.

use std::sync::Arc;

use bt_dataportal::Moment;

use crate::account::{Account, Accounting, Filled, Target};
use crate::backtest::{check_metric_names, with_own};
use crate::indicator::RULES;
use crate::metrics::Metric;
use crate::{Backtest, BacktestId, Error, Outcome, Params, Result, TrialView, Year};

/// A strategy that decides at each bar: the event-driven way to a [`Backtest`], by [`EventDriven`].
///
/// One value serves all trials; what a trial remembers from bar to bar is in the [`OnBar`] that [`start`](Self::start) makes.
///
/// ```
/// use bt_sweep::bt_core::{Field, Frequency};
/// use bt_sweep::bt_dataportal::{Moment, Series};
/// use bt_sweep::{Accounting, EventDriven, OnBar, Orders, Params, Result, Strategy, TrialView};
///
/// /// Holds what closed higher than some bars before, in equal parts.
/// struct Momentum;
///
/// struct State<'t> {
///     closes: Vec<Series<'t>>,
///     lookback: usize,
/// }
///
/// impl Strategy for Momentum {
///     fn id(&self) -> (String, u32) {
///         ("momentum".into(), 1)
///     }
///
///     fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
///         Ok(Box::new(State { closes: view.series(Field::CLOSE)?, lookback: params.count("lookback")? }))
///     }
/// }
///
/// impl OnBar for State<'_> {
///     fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
///         let part = 1.0 / self.closes.len() as f64;
///         for (place, closes) in self.closes.iter().enumerate() {
///             if let Some([.., last]) = closes.current(moment)? {
///                 let before = closes.window(moment, self.lookback + 1)?[0];
///                 orders.set_weight(place, if *last > before { part } else { 0.0 })?;
///             }
///         }
///         Ok(())
///     }
/// }
///
/// let backtest = EventDriven { strategy: Momentum, accounting: Some(Accounting::default()) };
/// ```
pub trait Strategy: Send + Sync + 'static {
    /// Its name, and a number that counts up with every change that may change a result.
    fn id(&self) -> (String, u32);

    /// What else results depend on: fields such as a benchmark or a level. Part of what the ledger knows the backtest by; empty
    /// by default.
    fn settings(&self) -> String {
        String::new()
    }

    /// The names of the values that [`OnBar::finish`] returns, in their order. None unless it has values of its own.
    fn metrics(&self) -> Vec<String> {
        Vec::new()
    }

    /// Refuses a trial's parameters before it runs.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what is allowed.
    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        let _ = (view, params);
        Ok(())
    }

    /// Begins a trial: resolves series and indicators once, reads the parameters.
    ///
    /// The state may keep what the view hands out and what it finds in `self`. The view reaches up to the end of the part of
    /// the data that the trial runs on: whole columns and indicators can be had here, and it is up to the state to read them
    /// no further than its moment. A series that is asked at a [`Moment`] ends at that bar by itself.
    ///
    /// # Errors
    /// Its own as [`Error::Strategy`]; whatever parameters and data layers say.
    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>>;
}

/// The state of a strategy in one trial.
pub trait OnBar {
    /// Called once at each scored moment, in order. What it orders is filled at later bars.
    ///
    /// # Errors
    /// Its own as [`Error::Strategy`]; whatever orders and data layers say. It ends the trial.
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()>;

    /// Called once after the last moment: one value for each of [`Strategy::metrics`], NaN where one is not defined.
    ///
    /// # Errors
    /// As [`on_bar`](Self::on_bar).
    fn finish(&mut self) -> Result<Vec<f64>> {
        Ok(Vec::new())
    }
}

macro_rules! as_what_it_points_to {
    ($($pointer:ident)*) => {$(
        impl<S: Strategy + ?Sized> Strategy for $pointer<S> {
            fn id(&self) -> (String, u32) {
                S::id(self)
            }

            fn settings(&self) -> String {
                S::settings(self)
            }

            fn metrics(&self) -> Vec<String> {
                S::metrics(self)
            }

            fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
                S::check(self, view, params)
            }

            fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
                S::start(self, view, params)
            }
        }
    )*};
}

as_what_it_points_to!(Box Arc);

/// Where a strategy says what it wants to hold. Assets are named by their place in [`TrialView::assets`].
#[derive(Debug)]
pub struct Orders<'t> {
    account: Option<Account<'t>>,
}

impl<'t> Orders<'t> {
    /// Wants so much of the equity in this asset; negative is short. The target that is in force already is no order.
    /// [`Account`] has the rules.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such place or the weight is NaN or infinite; [`Error::Strategy`] where accounting is
    /// off.
    #[inline]
    pub fn set_weight(&mut self, place: usize, weight: f64) -> Result<()> {
        self.account_mut()?.set(place, Target::Weight(weight))
    }

    /// Wants so many shares of this asset; negative is short. The target that is in force already is no order.
    ///
    /// # Errors
    /// As [`set_weight`](Self::set_weight).
    #[inline]
    pub fn set_shares(&mut self, place: usize, shares: f64) -> Result<()> {
        self.account_mut()?.set(place, Target::Shares(shares))
    }

    /// Orders the target in force once more: what drifted goes back to its weight.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such place; [`Error::Strategy`] where accounting is off.
    pub fn rebalance(&mut self, place: usize) -> Result<()> {
        self.account_mut()?.rebalance(place)
    }

    /// Equity, cash and holdings as of this moment; none where accounting is off.
    #[inline]
    pub fn account(&self) -> Option<&Account<'t>> {
        self.account.as_ref()
    }

    #[inline]
    fn account_mut(&mut self) -> Result<&mut Account<'t>> {
        self.account.as_mut().ok_or_else(accounting_is_off)
    }
}

#[cold]
fn accounting_is_off() -> Error {
    Error::Strategy("accounting is off: a target would never be filled".into())
}

/// Runs a [`Strategy`] as a [`Backtest`].
///
/// With accounting, a trial's metrics are [`Metric::ALL`], then the strategy's own. Without (`None`), they are the strategy's
/// own alone: for whoever brings an engine with books of its own, and needs the loop over moments and nothing else.
///
/// # Complexity
/// On top of the strategy's arithmetic, a moment costs one call, one read of the [stop](crate::Stop), and what
/// [`Account`] takes for assets held or ordered.
#[derive(Clone, Debug)]
pub struct EventDriven<S> {
    /// What decides.
    pub strategy: S,
    /// How its targets are filled; none where it keeps books of its own.
    pub accounting: Option<Accounting>,
}

impl<S: Strategy> EventDriven<S> {
    /// Every fill of one trial, in order: to look at, or to compare with another engine's.
    ///
    /// # Errors
    /// As [`Backtest::run`].
    pub fn fills(&self, view: &TrialView<'_>, params: &Params) -> Result<Vec<Filled>> {
        let mut fills = Vec::new();
        self.play(view, params, |filled| fills.push(filled))?;
        Ok(fills)
    }

    /// Goes through the moments that count; returns the account and the strategy's own values.
    fn play<'t>(
        &'t self,
        view: &TrialView<'t>,
        params: &Params,
        mut filled: impl FnMut(Filled),
    ) -> Result<(Option<Account<'t>>, Vec<f64>)> {
        let account = self.accounting.as_ref().map(|accounting| Account::new(view, accounting));
        let mut orders = Orders { account: account.transpose()? };
        let mut state = self.strategy.start(view, params)?;
        for moment in view.moments() {
            view.check()?;
            if let Some(account) = &mut orders.account {
                account.advance_with(moment, &mut filled)?;
            }
            state.on_bar(moment, &mut orders)?;
        }
        let own = state.finish()?;
        Ok((orders.account, own))
    }
}

impl<S: Strategy> EventDriven<S> {
    fn id_with(&self, describe: impl FnOnce(&Accounting) -> String) -> BacktestId {
        let (name, version) = self.strategy.id();
        let off = || format!("accounting=off rules={RULES}");
        let books = self.accounting.as_ref().map_or_else(off, describe);
        BacktestId { name, version, settings: with_own(books, self.strategy.settings()) }
    }
}

impl<S: Strategy> Backtest for EventDriven<S> {
    fn id(&self) -> BacktestId {
        self.id_with(Accounting::describe)
    }

    fn id_on(&self, year: &Year) -> BacktestId {
        self.id_with(|accounting| accounting.describe_on(year))
    }

    fn metrics(&self) -> Vec<String> {
        let mut names = if self.accounting.is_some() { Metric::names() } else { Vec::new() };
        names.extend(self.strategy.metrics());
        names
    }

    fn run(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome> {
        let (account, own) = self.play(view, params, |_| ())?;
        let expected = self.strategy.metrics();
        if own.len() != expected.len() {
            return Err(other_values(own.len(), &expected));
        }
        let Some(account) = account else { return Ok(Outcome { metrics: own, blocks: Vec::new() }) };
        let mut metrics = account.metrics().as_slice().to_vec();
        metrics.extend(own);
        Ok(Outcome { metrics, blocks: account.blocks() })
    }

    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        self.accounting.as_ref().map_or(Ok(()), Accounting::check)?;
        // Those of the account alone are in order.
        if self.accounting.is_none() || !self.strategy.metrics().is_empty() {
            check_metric_names(&self.metrics())?;
        }
        self.strategy.check(view, params)
    }

    fn returns(&self, view: &TrialView<'_>, params: &Params) -> Result<Option<Vec<f64>>> {
        let (account, _) = self.play(view, params, |_| ())?;
        Ok(account.map(Account::into_returns))
    }
}

#[cold]
fn other_values(found: usize, expected: &[String]) -> Error {
    Error::Mismatch {
        what: "the number of the strategy's values".into(),
        found: found.to_string(),
        expected: format!("{}, one for each of {:?}", expected.len(), expected),
    }
}
