use bt_core::Field;
use bt_dataportal::{Moment, Series};

use super::{StrategyInfo, check_window, on_bars, required};
use crate::{Indicator, Indicators, OnBar, Orders, Params, Result, Strategy, TrialView};

pub(super) const INFO: StrategyInfo = StrategyInfo {
    name: "donchian-breakout",
    about: "buys what closes above the highest high of bars before, sells what closes below the lowest low",
    parameters: &[
        required("entry", "bars before, above whose highest high it buys", "20..100:20"),
        required("exit", "bars before, below whose lowest low it sells", "10..50:10"),
    ],
    constraints: &[],
    warm_up: |params| Ok(params.count("entry")?.max(params.count("exit")?)),
    event_driven: |accounting| on_bars(DonchianBreakout, accounting),
    vectorised: None,
};

/// Breakout from a Donchian channel, bar by bar.
///
/// # Rules
/// With N assets, for each asset that has a bar now:
/// - Flat, it enters where the close is above the highest high of the `entry` bars before this one: the target becomes
///   1/N of the equity.
/// - Long, it leaves where the close is below the lowest low of the `exit` bars before this one: the target becomes 0.
///
/// Else the target stays: in a gap, where the close is missing, and where the bars before are too few or a value among
/// them is missing. This bar's own high and low do not count, and a close that equals a level crosses nothing.
///
/// # Parameters
/// `entry` and `exit`, whole numbers, at least 1 and below the number of bars of the data. Either may be the larger.
#[derive(Clone, Copy, Debug, Default)]
pub struct DonchianBreakout;

struct State<'t> {
    closes: Vec<Series<'t>>,
    highest: Indicators<'t>,
    lowest: Indicators<'t>,
    is_long: Vec<bool>,
    share: f64,
}

impl Strategy for DonchianBreakout {
    fn id(&self) -> (String, u32) {
        (INFO.name.to_owned(), 1)
    }

    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        INFO.check_names(params.names())?;
        check_window(view, "parameter entry", params.count("entry")?, 1)?;
        check_window(view, "parameter exit", params.count("exit")?, 1)
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let (entry, exit) = (params.count("entry")?, params.count("exit")?);
        let closes = view.series(Field::CLOSE)?;
        Ok(Box::new(State {
            highest: view.indicators(Field::HIGH, Indicator::Max(entry))?,
            lowest: view.indicators(Field::LOW, Indicator::Min(exit))?,
            is_long: vec![false; closes.len()],
            share: 1.0 / closes.len() as f64,
            closes,
        }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        for (place, closes) in self.closes.iter().enumerate() {
            let Some(&[.., close]) = closes.current(moment)? else { continue };
            if self.crosses(place, moment, close)? {
                let is_long = !self.is_long[place];
                self.is_long[place] = is_long;
                orders.set_weight(place, if is_long { self.share } else { 0.0 })?;
            }
        }
        Ok(())
    }
}

impl State<'_> {
    /// Whether the close is beyond the level that it has to cross next.
    fn crosses(&self, place: usize, moment: Moment<'_>, close: f64) -> Result<bool> {
        let is_long = self.is_long[place];
        let level = if is_long { &self.lowest } else { &self.highest };
        // The level of the bar before is that of the bars before this one.
        let &[before, _] = level.window(place, moment, 2)? else { return Ok(false) };
        Ok(close.is_finite() && if is_long { close < before } else { close > before })
    }
}
