//! Strategies for tests.

use std::sync::Mutex;

use bt_sweep::account::Target;
use bt_sweep::bt_core::{Field, Timestamp};
use bt_sweep::bt_dataportal::{Moment, Series};
use bt_sweep::{Names, OnBar, Orders, Params, Result, Strategy, TrialView};

/// Sets each target after so many scored bars; notes the moments at which it was called and the closes that it could see.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) targets: Vec<(usize, usize, Target)>,
    pub(crate) called: Mutex<Vec<(Timestamp, Vec<f64>)>>,
}

pub(crate) struct ScriptState<'t> {
    script: &'t Script,
    closes: Vec<Series<'t>>,
    bar: usize,
}

impl Strategy for Script {
    fn id(&self) -> (String, u32) {
        ("script".into(), 3)
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, _: &Params) -> Result<Box<dyn OnBar + 't>> {
        let close = |&asset| view.portal().series(asset, Field::CLOSE);
        let closes = view.assets().iter().map(close).collect::<Result<_, _>>()?;
        Ok(Box::new(ScriptState { script: self, closes, bar: 0 }))
    }
}

impl OnBar for ScriptState<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        let seen = self.closes[0].at(moment)?.to_vec();
        self.script.called.lock().unwrap().push((moment.now(), seen));
        for &(bar, place, target) in &self.script.targets {
            match target {
                _ if bar != self.bar => {}
                Target::Weight(weight) => orders.set_weight(place, weight)?,
                Target::Shares(shares) => orders.set_shares(place, shares)?,
            }
        }
        self.bar += 1;
        Ok(())
    }
}

/// Keeps books of its own: the sum of the first asset's closes.
#[derive(Debug)]
pub(crate) struct OwnBooks {
    pub(crate) names: Vec<String>,
    pub(crate) values: usize,
}

struct OwnState<'t> {
    closes: Series<'t>,
    sum: f64,
    values: usize,
}

impl Strategy for OwnBooks {
    fn id(&self) -> (String, u32) {
        ("own".into(), 1)
    }

    fn metrics(&self) -> Vec<String> {
        self.names.clone()
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let closes = view.portal().series(view.assets()[0], Field::CLOSE)?;
        Ok(Box::new(OwnState { closes, sum: params.float("start")?, values: self.values }))
    }
}

impl OnBar for OwnState<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, _: &mut Orders<'_>) -> Result<()> {
        self.sum += self.closes.current(moment)?.map_or(0.0, |known| known[known.len() - 1]);
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<f64>> {
        Ok(vec![self.sum; self.values])
    }
}

/// Parameters of one value.
pub(crate) fn params(start: f64) -> Params {
    Params::new(&Names::new(["start"]), [start.into()]).unwrap()
}

/// Longs what closed above its bar before, shorts a little of what did not, and rebalances on every fifth bar.
#[derive(Debug)]
pub(crate) struct Momentum;

struct MomentumState<'t> {
    closes: Vec<Series<'t>>,
}

impl Strategy for Momentum {
    fn id(&self) -> (String, u32) {
        ("momentum".into(), 1)
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, _: &Params) -> Result<Box<dyn OnBar + 't>> {
        let close = |&asset| view.portal().series(asset, Field::CLOSE);
        Ok(Box::new(MomentumState { closes: view.assets().iter().map(close).collect::<Result<_, _>>()? }))
    }
}

impl OnBar for MomentumState<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        for (place, closes) in self.closes.iter().enumerate() {
            if let Some([.., before, last]) = closes.current(moment)? {
                orders.set_weight(place, if last > before { 0.3 } else { -0.05 })?;
                if moment.position() % 5 == 0 {
                    orders.rebalance(place)?;
                }
            }
        }
        Ok(())
    }
}
