use bt_core::Field;
use bt_dataportal::{Moment, Series};

use super::{ParameterInfo, StrategyInfo, check_window, on_bars, required};
use crate::indicator::simple_return;
use crate::{Error, OnBar, Orders, Params, Result, Strategy, TrialView};

pub(super) const INFO: StrategyInfo = StrategyInfo {
    name: "momentum",
    about: "holds the assets that rose most over many bars, and ranks them anew every so often",
    parameters: &[
        required("lookback", "bars over which returns are compared", "60..240:60"),
        ParameterInfo {
            name: "skip",
            about: "last bars that are left out of the return",
            domain: "0",
            default: Some(0),
        },
        required("hold", "moments from one ranking to the next", "20..60:20"),
        required("top", "how many assets it holds, at most as many as there are", "1..3"),
    ],
    constraints: &[],
    warm_up: |params| Ok(Rules::read(params)?.history()),
    event_driven: |accounting| on_bars(Momentum, accounting),
    vectorised: None,
};

/// Cross-sectional momentum: the best of many assets, ranked anew every so often.
///
/// # Rules
/// At the first scored moment and every `hold` moments after it, whatever single assets have there:
/// 1. An asset is ranked if it has a bar now and more than `lookback` + `skip` bars are known of it: by the close
///    `skip` bars ago ÷ the close `lookback` bars before that − 1, counted in its own bars. Where one of the two closes
///    is missing, or the earlier is 0 or below, there is no return and it is not ranked.
/// 2. The target of the `top` best becomes 1/`top` of the equity, and is ordered anew even where it is that already:
///    what drifted is rebalanced. Of equal returns the asset whose name comes first is the better. Where fewer are
///    ranked, the rest stays cash.
/// 3. The target of all others becomes 0, those without a bar among them.
///
/// In between nothing is ordered. Leaving out the last bars (`skip`) is usual since short-term returns reverse:
/// Jegadeesh & Titman 1993, "Returns to buying winners and selling losers".
///
/// # Parameters
/// `lookback`, `hold`, `top`: whole numbers of at least 1; `skip`, at least 0, and 0 where the space does not have it.
/// `lookback` + `skip` is below the number of bars of the data, `top` at most the number of assets.
///
/// # Metrics
/// Beside those of the account `missing_returns`: how often an asset of which bars enough are known was not ranked, for want of a
/// return.
///
/// # Complexity
/// Each ranking O(assets log assets), whatever the lookback.
#[derive(Clone, Copy, Debug, Default)]
pub struct Momentum;

#[derive(Clone, Copy)]
struct Rules {
    lookback: usize,
    skip: usize,
    hold: usize,
    top: usize,
}

impl Rules {
    fn read(params: &Params) -> Result<Self> {
        let [lookback, hold, top] = ["lookback", "hold", "top"].map(|name| params.count(name));
        Ok(Self { lookback: lookback?, skip: skip(params)?, hold: hold?, top: top? })
    }

    /// Bars that come before the first one at which an asset is ranked.
    fn history(self) -> usize {
        self.lookback.saturating_add(self.skip)
    }

    /// The return that an asset is ranked by, NaN where it is missing; none before there are bars enough.
    fn strength(self, closes: &[f64]) -> Option<f64> {
        let first = closes.len().checked_sub(self.history())?.checked_sub(1)?;
        Some(simple_return(closes[first], closes[first + self.lookback]))
    }
}

fn skip(params: &Params) -> Result<usize> {
    if params.names().position("skip").is_none() {
        return Ok(0);
    }
    let skip = params.int("skip")?;
    usize::try_from(skip).map_err(|_| Error::invalid("parameter skip", skip, "a whole number of at least 0"))
}

struct State<'t> {
    closes: Vec<Series<'t>>,
    rules: Rules,
    /// Moments until the next ranking.
    wait: usize,
    /// Return and place of those that are ranked.
    ranked: Vec<(f64, usize)>,
    /// How often there was no return to rank by.
    missing: u64,
    weights: Vec<f64>,
}

impl Strategy for Momentum {
    fn id(&self) -> (String, u32) {
        (INFO.name.to_owned(), 1)
    }

    fn metrics(&self) -> Vec<String> {
        vec!["missing_returns".to_owned()]
    }

    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        INFO.check_names(params.names())?;
        let rules = Rules::read(params)?;
        check_window(view, "lookback + skip", rules.history(), 1)?;
        let assets = view.assets().len();
        if rules.top > assets {
            return Err(Error::invalid(
                "parameter top",
                rules.top,
                format!("1 to {assets}, the number of assets"),
            ));
        }
        Ok(())
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let closes = view.series(Field::CLOSE)?;
        let (ranked, weights) = (Vec::with_capacity(closes.len()), vec![0.0; closes.len()]);
        Ok(Box::new(State { closes, rules: Rules::read(params)?, wait: 0, ranked, missing: 0, weights }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        if self.wait > 0 {
            self.wait -= 1;
            return Ok(());
        }
        self.wait = self.rules.hold - 1;
        self.rank(moment)?;
        for (place, &weight) in self.weights.iter().enumerate() {
            orders.set_weight(place, weight)?;
            if weight > 0.0 {
                orders.rebalance(place)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<f64>> {
        Ok(vec![self.missing as f64])
    }
}

impl State<'_> {
    /// Sets the weights to those of now.
    fn rank(&mut self, moment: Moment<'_>) -> Result<()> {
        self.ranked.clear();
        for (place, closes) in self.closes.iter().enumerate() {
            let closes = closes.current(moment)?.unwrap_or_default();
            match self.rules.strength(closes) {
                Some(strength) if strength.is_nan() => self.missing += 1,
                strength => self.ranked.extend(strength.map(|strength| (strength, place))),
            }
        }
        // Places are in order of the names.
        self.ranked.sort_unstable_by(|(one, at), (other, behind)| other.total_cmp(one).then(at.cmp(behind)));
        self.weights.fill(0.0);
        for &(_, place) in self.ranked.iter().take(self.rules.top) {
            self.weights[place] = 1.0 / self.rules.top as f64;
        }
        Ok(())
    }
}
