//! Backtests that look at whole series instead of moment after moment.
//!
//! A strategy says which series it reads and what position it takes at each bar ([`Signals`]); [`Vectorised`] makes a
//! [`Backtest`] of it that runs many trials over one asset after the other, so that what trials share is computed once and
//! read while it is in the processor's cache.

mod asset;
mod books;
mod crossover;
mod plan;

use std::fmt;

use bt_core::Field;

use crate::backtest::with_own;
use crate::indicator::RULES;
use crate::{
    Accounting, Backtest, BacktestId, Error, Indicator, Metric, Outcome, Params, Result, TrialView, Year,
};

pub use asset::AssetSeries;
pub use crossover::SmaCrossover;
use plan::Plan;

/// A vectorised strategy: a position for each bar, decided when the bar is known and held until the next one.
pub trait Signals: Send + Sync + 'static {
    /// Its name, and a number that counts up with every change that may change a result.
    fn id(&self) -> (String, u32);

    /// What else results depend on: fields such as a level. Part of what the ledger knows the backtest by; empty by default.
    fn settings(&self) -> String {
        String::new()
    }

    /// The series that it reads for these parameters, in the order in which [`AssetSeries::series`] hands them out. The value of
    /// a field itself is [`Indicator::Max`]`(1)`. Trials with the same series share them.
    ///
    /// # Errors
    /// [`Error::Invalid`] for parameters that make no sense; what [`Params`] says of missing ones.
    fn series(&self, params: &Params) -> Result<Vec<(Field, Indicator)>>;

    /// Writes the position decided at each bar: 1 is all of the asset's share, long; negative is short. `out` has one value for
    /// each bar, all 0 before. NaN is no position. The position at bar `i` may depend on bars up to `i` alone.
    ///
    /// # Errors
    /// Its own as [`Error::Strategy`]: the trial has failed.
    fn positions(&self, params: &Params, asset: &AssetSeries<'_>, out: &mut [f64]) -> Result<()>;

    /// A rule that says the same as [`positions`](Self::positions) and that the adapter computes for many trials at once;
    /// [`Vectorised::verify`] compares the two.
    ///
    /// # Errors
    /// As [`series`](Self::series).
    fn rule(&self, params: &Params) -> Result<Rule> {
        let _ = params;
        Ok(Rule::Positions)
    }

    /// The price whose returns positions earn.
    fn price(&self) -> Field {
        Field::CLOSE
    }
}

/// Where positions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// From [`Signals::positions`].
    Positions,
    /// The position is 1 while one series is greater than another, else 0; NaN is never greater and never less. Both are places in
    /// [`Signals::series`].
    Greater {
        /// The series that has to be greater.
        left: usize,
        /// The series that has to be less.
        right: usize,
    },
}

/// The backtest of a vectorised strategy.
///
/// Without accounting its one metric is `sum_of_returns`: over assets and bars, the position decided at a bar times the simple return
/// of the next one. No costs, no cash, nothing compounded. With accounting its metrics are [`Metric::ALL`], those of an account.
///
/// # Definition
/// The return of bar `i` is `x[i] / x[i-1] - 1`, bars being the asset's own: over a gap in its calendar the position is held. A
/// return is earned where its bar is scored; the position before it may come from the warm-up. A fall to 0 is a return of −1, one
/// below 0 of less. A return is missing where one of its prices is missing or the earlier one is 0 or below: whatever the position, it
/// earns nothing there. [`missing_returns`](crate::missing_returns) counts these, the report shows their number.
///
/// Per asset and trial the sum has eight lanes, bar `i` of the asset in lane `i % 8`; assets follow in their order. So the
/// bits of a result depend neither on the CPU nor on the other trials of the batch.
///
/// With accounting a position is a target of an [`Account`](crate::account::Account): with N assets a weight of position / N, set at
/// the bar that decides it where it is another than before, and at the first scored moment that of the asset's last bar. So an
/// [`EventDriven`](crate::EventDriven) strategy that sets the same weights at the same bars has the same fills and the same metrics,
/// to the last bit.
///
/// # Complexity
/// For each asset O(distinct series × bars) for what trials share, then O(bars) for each trial. Scratch: 8 bytes for each
/// distinct series of the batch and bar of the longest asset. With accounting trials run one by one, and each takes what an account
/// takes, and 24 bytes for each change of a position.
///
/// ```
/// use bt_sweep::vectorised::{SmaCrossover, Vectorised};
/// use bt_sweep::{Backtest, Names, Params, SeriesCache, Stop, TrialView, bt_core, bt_dataportal};
/// use bt_core::Bundle;
/// let bundle = bt_testkit::Market::common(7, 3, 300).generate().bundle();
/// let portal = bt_dataportal::DataPortal::new(&bundle);
/// let (assets, stop, series) = (bundle.assets().ids().collect::<Vec<_>>(), Stop::default(), SeriesCache::default());
/// let view = TrialView::new(&portal, &assets, 0..300, &stop, &series)?;
/// let names = Names::new(["fast", "slow"]);
/// let batch = [Params::new(&names, [5.into(), 60.into()])?, Params::new(&names, [10.into(), 60.into()])?];
/// let outcomes = Vectorised::new(SmaCrossover).run_batch(&view, &batch);
/// assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_ok_and(|it| it.metrics[0] != 0.0)));
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vectorised<S> {
    /// The strategy.
    pub signals: S,
    /// How many trials run over an asset before the next one; results do not depend on it.
    pub batch_size: usize,
    /// How positions become fills, costs and cash; none for the sum of returns alone.
    pub accounting: Option<Accounting>,
}

impl<S: Signals> Vectorised<S> {
    /// 50 trials: enough to share series, few enough that two workers have something to do in a grid of 100.
    pub const DEFAULT_BATCH_SIZE: usize = 50;

    /// A backtest with batches of [`DEFAULT_BATCH_SIZE`](Self::DEFAULT_BATCH_SIZE), without accounting.
    pub fn new(signals: S) -> Self {
        Self { signals, batch_size: Self::DEFAULT_BATCH_SIZE, accounting: None }
    }

    /// Checks that [`Signals::rule`] and [`Signals::positions`] give the same bits: for the tests of a strategy.
    ///
    /// # Errors
    /// [`Error::Mismatch`] with both sums; as [`Backtest::run`].
    pub fn verify(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        let batch = std::slice::from_ref(params);
        let [by_rule, by_positions] =
            [Plan::new(&self.signals, batch), Plan::by_positions(&self.signals, batch)];
        let sum = |plan: Plan| plan.run(&self.signals, view, batch)?.pop().unwrap_or(Ok(0.0));
        let (by_rule, by_positions) = (sum(by_rule)?, sum(by_positions)?);
        if by_rule.to_bits() == by_positions.to_bits() {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: format!("the sum of returns by the rule of {}, {params},", self.signals.id().0).into(),
            found: by_rule.to_string(),
            expected: format!("{by_positions} by its positions"),
        })
    }
}

impl<S: Signals> Vectorised<S> {
    fn id_with(&self, describe: impl FnOnce(&Accounting) -> String) -> BacktestId {
        let (name, version) = self.signals.id();
        let price = self.signals.price();
        let settings = match &self.accounting {
            None => format!("vectorised, next return of {price}, rules={RULES}"),
            Some(accounting) => format!("vectorised, next return of {price}, {}", describe(accounting)),
        };
        BacktestId { name, version, settings: with_own(settings, self.signals.settings()) }
    }
}

impl<S: Signals> Backtest for Vectorised<S> {
    fn id(&self) -> BacktestId {
        self.id_with(Accounting::describe)
    }

    fn id_on(&self, year: &Year) -> BacktestId {
        self.id_with(|accounting| accounting.describe_on(year))
    }

    fn metrics(&self) -> Vec<String> {
        if self.accounting.is_some() { Metric::names() } else { vec!["sum_of_returns".to_owned()] }
    }

    fn run(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome> {
        if let Some(accounting) = &self.accounting {
            let account = books::play(&self.signals, view, params, accounting)?;
            return Ok(Outcome { metrics: account.metrics().as_slice().to_vec(), blocks: account.blocks() });
        }
        let outcome = self.run_batch(view, std::slice::from_ref(params)).pop();
        outcome.unwrap_or_else(|| Ok(Outcome::default()))
    }

    fn run_batch(&self, view: &TrialView<'_>, batch: &[Params]) -> Vec<Result<Outcome>> {
        if self.accounting.is_some() {
            return batch.iter().map(|params| self.run(view, params)).collect();
        }
        let outcome = |sum: f64| Outcome { metrics: vec![sum], blocks: Vec::new() };
        match Plan::new(&self.signals, batch).run(&self.signals, view, batch) {
            Ok(sums) => sums.into_iter().map(|sum| sum.map(outcome)).collect(),
            // A series that cannot be had is that of one trial: run alone, each shows whether it was its own.
            Err(_) if batch.len() > 1 && view.check().is_ok() => {
                batch.iter().map(|params| self.run(view, params)).collect()
            }
            Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn batch_size(&self) -> usize {
        if self.accounting.is_some() { 1 } else { self.batch_size.max(1) }
    }

    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        self.accounting.as_ref().map_or(Ok(()), Accounting::check)?;
        let moments = view.scored().end;
        for (_, indicator) in self.signals.series(params)? {
            indicator.check()?;
            if indicator.warm_up() >= moments {
                let allowed = format!("a lookback shorter than the data, {moments} moments");
                return Err(Error::invalid(format!("an indicator of {params}"), indicator, allowed));
            }
        }
        Ok(())
    }

    /// The return of each scored moment: the account's; without one the mean over all assets of position times return, none where an
    /// asset has no bar.
    fn returns(&self, view: &TrialView<'_>, params: &Params) -> Result<Option<Vec<f64>>> {
        if let Some(accounting) = &self.accounting {
            return Ok(Some(books::play(&self.signals, view, params, accounting)?.into_returns()));
        }
        Plan::by_positions(&self.signals, std::slice::from_ref(params))
            .returns(&self.signals, view, params)
            .map(Some)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Positions => f.write_str("positions"),
            Self::Greater { left, right } => write!(f, "series {left} > series {right}"),
        }
    }
}
