use std::sync::Arc;

use bt_core::Field;
use bt_dataportal::Moment;

use super::{StrategyInfo, check_window, on_bars, required};
use crate::vectorised::{self, Vectorised};
use crate::{Error, Indicator, Indicators, OnBar, Orders, Params, Result, Strategy, TrialView};

pub(super) const INFO: StrategyInfo = StrategyInfo {
    name: "sma-crossover",
    about: "holds each asset while the mean of its last closes is above that of more of them",
    parameters: &[
        required("fast", "closes in the short mean", "5..50:5"),
        required("slow", "closes in the long mean", "60..150:10"),
    ],
    constraints: &["fast<slow"],
    warm_up: |params| Ok(Windows::read(params)?.slow - 1),
    event_driven: |accounting| on_bars(SmaCrossover, accounting),
    vectorised: Some(|| Arc::new(Vectorised::new(vectorised::SmaCrossover))),
};

/// Moving-average crossover, bar by bar.
///
/// # Rules
/// With N assets, at each bar and for each asset: the target is 1/N of the equity where the mean of the asset's last
/// `fast` closes is above the mean of its last `slow` closes, else 0. In a gap of the asset's calendar the target
/// stays.
///
/// Both means are [`Indicator::Sma`], from the series that all trials share, compared as they are: equal means are no
/// position. Where one of them has no value, before `slow` bars and until as many bars after a missing close, there is
/// no position. So at each bar it decides as [`vectorised::SmaCrossover`] does, ties included.
///
/// # Parameters
/// `fast` and `slow`, whole numbers with 1 ≤ fast < slow ≤ bars of the data.
#[derive(Clone, Copy, Debug, Default)]
pub struct SmaCrossover;

struct Windows {
    fast: usize,
    slow: usize,
}

impl Windows {
    fn read(params: &Params) -> Result<Self> {
        let (fast, slow) = (params.count("fast")?, params.count("slow")?);
        if fast >= slow {
            return Err(Error::invalid("parameter fast", fast, format!("less than slow = {slow}")));
        }
        Ok(Self { fast, slow })
    }
}

struct State<'t> {
    fast: Indicators<'t>,
    slow: Indicators<'t>,
    share: f64,
}

impl Strategy for SmaCrossover {
    fn id(&self) -> (String, u32) {
        (INFO.name.to_owned(), 1)
    }

    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        INFO.check_names(params.names())?;
        check_window(view, "parameter slow", Windows::read(params)?.slow, 0)
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let Windows { fast, slow } = Windows::read(params)?;
        let mean = |n| view.indicators(Field::CLOSE, Indicator::Sma(n));
        let share = 1.0 / view.assets().len() as f64;
        Ok(Box::new(State { fast: mean(fast)?, slow: mean(slow)?, share }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        for place in 0..self.fast.len() {
            // In a gap both are still those of the last bar, and so is the target.
            let means = self.fast.at(place, moment)?.zip(self.slow.at(place, moment)?);
            let is_above = means.is_some_and(|(fast, slow)| fast > slow);
            orders.set_weight(place, if is_above { self.share } else { 0.0 })?;
        }
        Ok(())
    }
}
