//! A backtest of any behaviour, a search that proposes a list, and an engine on generated bars.

use std::collections::VecDeque;
use std::sync::Arc;

use bt_core::{Bundle, BundleName, BundleSource};
use bt_layers::{Layers, OptimizationConfig, Options};
use bt_sweep::bt_core;
use bt_sweep::search::{Asked, Search, Told};
use bt_sweep::{
    Backtest, BacktestId, Engine, EngineOptions, Names, Objective, Outcome, Params, Proposal, Result, Sweep,
    TrialView,
};
use bt_testkit::{FakeSource, Market};

type Body = dyn Fn(&TrialView<'_>, i64) -> Result<f64> + Send + Sync;

/// Its one metric is what the function makes of the parameter `x`.
#[derive(Clone)]
pub(crate) struct Function(pub(crate) Arc<Body>, pub(crate) usize);

impl Function {
    pub(crate) fn new(body: impl Fn(&TrialView<'_>, i64) -> Result<f64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(body), 1)
    }
}

impl Backtest for Function {
    fn id(&self) -> BacktestId {
        BacktestId { name: "function".into(), version: 1, settings: String::new() }
    }

    fn metrics(&self) -> Vec<String> {
        vec!["value".into()]
    }

    fn run(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome> {
        let value = (self.0)(view, params.int("x")?)?;
        Ok(Outcome { metrics: vec![value], blocks: Vec::new() })
    }

    fn batch_size(&self) -> usize {
        self.1
    }
}

/// Proposes batches, each after the one before was told, and keeps what it was told.
pub(crate) struct Batches {
    names: Names,
    batches: VecDeque<Vec<i64>>,
    next: u64,
    pub(crate) told: Vec<Told>,
}

impl Batches {
    pub(crate) fn new(batches: impl IntoIterator<Item = Vec<i64>>) -> Self {
        let batches = batches.into_iter().collect();
        Self { names: Names::new(["x"]), batches, next: 0, told: Vec::new() }
    }
}

impl Search for Batches {
    fn names(&self) -> &Names {
        &self.names
    }

    fn ask(&mut self) -> Result<Asked> {
        if (self.told.len() as u64) < self.next {
            return Ok(Asked::Wait);
        }
        let Some(batch) = self.batches.pop_front() else { return Ok(Asked::Done) };
        let first = self.next;
        self.next += batch.len() as u64;
        let proposal = |(x, number)| {
            Ok(Proposal { number, params: Params::new(&self.names, [i64::into(x)])?, fidelity: 1.0 })
        };
        batch.into_iter().zip(first..).map(proposal).collect::<Result<_>>().map(Asked::Trials)
    }

    fn tell(&mut self, told: Told) -> Result<()> {
        assert_eq!(told.number, self.told.len() as u64, "results come in order");
        self.told.push(told);
        Ok(())
    }

    fn total(&self) -> Option<u64> {
        None
    }

    fn describe(&self) -> String {
        "batches".into()
    }
}

pub(crate) fn name() -> BundleName {
    "bars".parse().unwrap()
}

pub(crate) fn engine(workers: usize) -> Engine {
    let source = FakeSource::default();
    source.publish(&name(), &Market::common(7, 3, 60).generate());
    engine_on(workers, source)
}

pub(crate) fn engine_on<S: BundleSource<Bundle: Bundle + Sized>>(workers: usize, source: S) -> Engine {
    let layers = Layers::over_bundles(&OptimizationConfig::default(), Options::default(), source).unwrap();
    Engine::new(layers, EngineOptions { workers, ..EngineOptions::default() }).unwrap()
}

pub(crate) fn sweep(backtest: Function) -> Sweep {
    Sweep::new(backtest, name(), Objective::maximize("value"))
}
