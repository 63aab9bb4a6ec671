use bt_core::Field;
use bt_dataportal::Moment;

use super::{StrategyInfo, check_window, on_bars, required};
use crate::{Error, Indicator, Indicators, OnBar, Orders, Params, Result, Strategy, TrialView};

pub(super) const INFO: StrategyInfo = StrategyInfo {
    name: "rsi-reversion",
    about: "buys what fell much by its relative strength index, sells it once that is high again",
    parameters: &[
        required("lookback", "changes in the index's averages", "2..14:4"),
        required("low", "the index, 0 to 100, below which it buys", "20..40:5"),
        required("high", "the index, 0 to 100, above which it sells", "50..80:10"),
    ],
    constraints: &["low<high"],
    warm_up: |params| Ok(Levels::read(params)?.lookback),
    event_driven: |accounting| on_bars(RsiReversion, accounting),
    vectorised: None,
};

/// Mean reversion by the relative strength index, bar by bar.
///
/// # Rules
/// With N assets, for each asset that has a bar now:
/// - Flat, it enters where the index of its closes is below `low`: the target becomes 1/N of the equity.
/// - Long, it leaves where the index is above `high`: the target becomes 0.
///
/// Else the target stays: in a gap, and where the index has no value, before `lookback` + 1 bars and until as many bars
/// after a missing close. An index that equals a level crosses nothing. The index is [`Indicator::Rsi`], Wilder's: it
/// remembers all bars since the first (or the last missing close), so that with another warm-up it is a little
/// different.
///
/// # Parameters
/// `lookback`, a whole number, at least 1 and below the number of bars of the data; `low` and `high`, numbers with 0 ≤
/// low < high ≤ 100.
#[derive(Clone, Copy, Debug, Default)]
pub struct RsiReversion;

#[derive(Clone, Copy)]
struct Levels {
    lookback: usize,
    low: f64,
    high: f64,
}

impl Levels {
    fn read(params: &Params) -> Result<Self> {
        let (lookback, low, high) =
            (params.count("lookback")?, level(params, "low")?, level(params, "high")?);
        if low >= high {
            return Err(Error::invalid("parameter low", low, format!("less than high = {high}")));
        }
        Ok(Self { lookback, low, high })
    }
}

fn level(params: &Params, name: &'static str) -> Result<f64> {
    let level = params.float(name)?;
    if (0.0..=100.0).contains(&level) {
        return Ok(level);
    }
    Err(Error::invalid(format!("parameter {name}"), level, "a number from 0 to 100"))
}

struct State<'t> {
    indices: Indicators<'t>,
    is_long: Vec<bool>,
    levels: Levels,
    share: f64,
}

impl Strategy for RsiReversion {
    fn id(&self) -> (String, u32) {
        (INFO.name.to_owned(), 1)
    }

    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        INFO.check_names(params.names())?;
        check_window(view, "parameter lookback", Levels::read(params)?.lookback, 1)
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let levels = Levels::read(params)?;
        let indices = view.indicators(Field::CLOSE, Indicator::Rsi(levels.lookback))?;
        let assets = view.assets().len();
        Ok(Box::new(State { indices, is_long: vec![false; assets], levels, share: 1.0 / assets as f64 }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        let Levels { low, high, .. } = self.levels;
        for (place, is_long) in self.is_long.iter_mut().enumerate() {
            let Some(index) = self.indices.current(place, moment)? else { continue };
            if if *is_long { index > high } else { index < low } {
                *is_long = !*is_long;
                orders.set_weight(place, if *is_long { self.share } else { 0.0 })?;
            }
        }
        Ok(())
    }
}
