//! From a command line, or from the folder of a sweep, to what the engine runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bt_bundle::Store;
use bt_bundle::bt_core::{BarClock, Bundle, BundleName, BundleSource, BundleVersion, Timestamp};
use bt_layers::{Layers, OptimizationConfig, Options};
use bt_sweep::folds::{Fold, WalkForward};
use bt_sweep::ledger::{create_document, read_document};
use bt_sweep::metrics::{Metrics, Trading};
use bt_sweep::search::{Bohb, Brackets, Grid, Hyperband, RandomSearch, Search, SuccessiveHalving, Tpe};
use bt_sweep::{
    Accounting, BarTime, Commission, Constraint, Direction, Domain, Engine, EngineOptions, Fill, Metric,
    Objective, Parameter, Params, Returns, Space, Sweep, Value as Number, Year, strategies,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store;
use crate::arguments::{FillKind, FoldArguments, PlanArguments, RunArguments, SearchKind};
use crate::exit::{Code, Failure};
use crate::output::counted;

/// The file in a sweep's folder that says what was asked for.
const FILE: &str = "request.json";
/// Counts up with every change after which another program would misread the file. 2: `from` and `until` are days of bars.
const FORMAT: u64 = 2;

/// What the engine writes when it begins to keep trials.
const LEDGER: &str = "sweep.json";

/// What was asked for, so that it can be gone on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    format: u64,
    /// The version of the program that wrote it. Told, never compared.
    program: String,
    pub(crate) strategy: String,
    pub(crate) bundle: String,
    /// All digits: what a sweep began on, it ends on.
    pub(crate) bundle_version: String,
    pub(crate) plan: PlanArguments,
    /// Of a walk-forward.
    pub(crate) folds: Option<FoldArguments>,
}

/// A request that can run.
pub(crate) struct Prepared {
    pub(crate) request: Request,
    pub(crate) engine: Engine,
    pub(crate) sweep: Sweep,
    pub(crate) walk: Option<WalkForward>,
    /// Of the bundle: what people call its bars.
    pub(crate) clock: BarClock,
    /// What annual figures are computed with.
    pub(crate) year: Year,
    space: Space,
}

impl Request {
    /// Of a command line. Nothing is written.
    pub(crate) fn new(
        run: &RunArguments,
        folds: Option<&FoldArguments>,
        store: &Store,
    ) -> Result<Self, Failure> {
        let (Some(strategy), Some(bundle)) = (&run.strategy, &run.bundle) else {
            return Err(Failure::new(Code::Usage, "a strategy and a bundle are needed, or --resume DIR"));
        };
        if let (Err(unknown), Ok(_)) = (strategies::find(strategy), strategies::find(bundle.as_str())) {
            let failure = Failure::from(unknown);
            return Err(failure.with_hint("the strategy comes first, then the bundle"));
        }
        strategies::find(strategy)?;
        let version = match &run.plan.version {
            Some(digits) => store::version(store, bundle, digits)?,
            None => store.version(bundle)?,
        };
        let folds = folds.cloned().map(|folds| FoldArguments {
            warm_up: folds.warm_up.or_else(|| longest_warm_up(strategy, &run.plan)),
            ..folds
        });
        Ok(Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            strategy: strategy.clone(),
            bundle: bundle.to_string(),
            bundle_version: version.to_string(),
            plan: run.plan.clone(),
            folds,
        })
    }

    /// Of the folder of a sweep.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let damaged =
            |reason: String| Failure::new(Code::Damaged, format!("{} is damaged: {reason}", path.display()));
        let text = read_document(&path).map_err(|error| match Failure::from(error) {
            Failure { code: Code::NotFound, .. } => absent(folder),
            other => other,
        })?;
        let keys: Value = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        match keys.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            None => return Err(damaged("no whole number \"format\"".to_owned())),
            Some(format) => return Err(foreign(&path, format, &keys["program"])),
        }
        serde_json::from_value(keys).map_err(|error| damaged(error.to_string()))
    }

    /// Into the folder of a new sweep. A folder that holds one already is refused; so is one of which two begin at once.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::new(Code::Failure, format!("write {FILE}: {error}")))?;
        text.push(b'\n');
        fs::create_dir_all(folder).map_err(|error| {
            Failure::new(Code::Failure, format!("create the folder {}: {error}", folder.display()))
        })?;
        if create_document(folder.join(FILE), &text)? { Ok(()) } else { Err(holds_one(folder)) }
    }

    /// Takes back what was written for a sweep that could not begin, so that the folder is free for the next try.
    pub(crate) fn withdraw(folder: &Path) {
        if !folder.join(LEDGER).exists() {
            let _ = fs::remove_file(folder.join(FILE));
            // Refused where the folder has anything else in it.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Whether trials keep no account.
    pub(crate) fn is_vectorised(&self) -> bool {
        self.plan.vectorised
    }

    /// Whether a sweep began to keep trials in the folder.
    pub(crate) fn has_begun(folder: &Path) -> bool {
        folder.join(FILE).exists() && folder.join(LEDGER).exists()
    }

    /// Everything checked that can be checked before a trial runs.
    pub(crate) fn prepare(self, store: Store, workers: Option<u16>) -> Result<Prepared, Failure> {
        let (bundle, version) = self.version()?;
        let backtest = if self.plan.vectorised {
            strategies::vectorised(&self.strategy)?
        } else {
            let accounting = accounting(&self.plan);
            accounting.check()?;
            strategies::event_driven(&self.strategy, accounting)?
        };
        let objective = objective(&self.plan);
        let space = space(&self.strategy, &self.plan)?;
        let range = range(&self.plan)?;
        let mut sweep = Sweep {
            backtest,
            bundle,
            version: Some(version),
            assets: (self.plan.assets != ["all"]).then(|| self.plan.assets.clone()),
            from: Timestamp::MIN,
            until: Timestamp::MAX,
            objective,
            deadline: self.plan.deadline.map(deadline).transpose()?,
            folder: None,
            resume: false,
        };
        let walk = self.folds.as_ref().map(walk).transpose()?;
        let layers = Layers::over_bundles(&OptimizationConfig::default(), Options::default(), store)?;
        let mut options = EngineOptions::default();
        options.workers = workers.map_or(options.workers, usize::from);
        let engine = Engine::new(layers, options)?;
        let clock = engine.bar_clock(&sweep)?;
        (sweep.from, sweep.until) = moments(range, &clock)?;
        let year =
            self.plan.periods_per_year.map_or_else(|| engine.year(&sweep), |bars| Ok(Year::given(bars)))?;
        Ok(Prepared { request: self, engine, sweep, walk, clock, year, space })
    }

    /// As [`prepare`](Self::prepare), of a folder: what it asks for could be when it began, so it is the file that is wrong.
    pub(crate) fn prepare_kept(
        self,
        folder: &Path,
        store: Store,
        workers: Option<u16>,
    ) -> Result<Prepared, Failure> {
        self.prepare(store, workers).map_err(|failure| match failure.code {
            Code::Usage => {
                let path = folder.join(FILE);
                let message =
                    format!("{} is damaged, or of another program: {}", path.display(), failure.message);
                Failure::new(Code::Damaged, message)
            }
            _ => failure,
        })
    }

    fn version(&self) -> Result<(BundleName, BundleVersion), Failure> {
        let damaged = |error: bt_bundle::bt_core::Error| {
            Failure::new(Code::Damaged, format!("{FILE} is damaged: {error}"))
        };
        Ok((self.bundle.parse().map_err(damaged)?, self.bundle_version.parse().map_err(damaged)?))
    }

    /// Refuses where the version that the sweep began on is gone.
    pub(crate) fn check_version(&self, store: &Store) -> Result<(), Failure> {
        let (name, version) = self.version()?;
        if store.versions(&name)?.iter().any(|(known, _)| *known == version) {
            return Ok(());
        }
        let short = store::short(&version);
        let message = format!("bundle {name} has no version {short} any more, on which this sweep began");
        let hint = "`bt report DIR` writes what ran as tables; --out ANOTHER begins a new sweep on the current version";
        Err(Failure::new(Code::NotFound, message).with_hint(hint))
    }

    /// What has changed in the store since the sweep began, for people.
    pub(crate) fn newer(&self, store: &Store) -> Option<String> {
        let name: BundleName = self.bundle.parse().ok()?;
        let current = store.version(&name).ok()?.to_string();
        (current != self.bundle_version).then(|| {
            format!(
                "bundle {name} has a newer version {} by now; this sweep began on {} and stays with it",
                store::short(&current),
                store::short(&self.bundle_version)
            )
        })
    }
}

impl Prepared {
    /// A new search; in a walk-forward each fold has one of its own.
    pub(crate) fn search(&self) -> Result<Box<dyn Search>, bt_sweep::Error> {
        let (space, plan) = (self.space.clone(), &self.request.plan);
        Ok(match plan.search {
            SearchKind::Grid => Box::new(Grid::new(space)?),
            SearchKind::Random => Box::new(RandomSearch::new(space, plan.seed, plan.trials)?),
            SearchKind::Tpe => Box::new(Tpe::new(space, plan.seed, plan.trials)?),
            SearchKind::Halving => {
                let (least, eta) = (plan.min_fidelity, plan.eta);
                Box::new(SuccessiveHalving::new(space, plan.seed, plan.trials, least, eta)?)
            }
            SearchKind::Hyperband => Box::new(Hyperband::new(space, plan.seed, brackets(plan))?),
            SearchKind::Bohb => Box::new(Bohb::new(space, plan.seed, brackets(plan))?),
        })
    }

    pub(crate) fn search_of_fold(&self) -> impl FnMut(&Fold) -> Result<Box<dyn Search>, bt_sweep::Error> {
        |_| self.search()
    }

    /// The search in words. One that has not even a first trial is refused here, before a folder is begun.
    pub(crate) fn described(&self) -> Result<String, Failure> {
        let mut search = self.search()?;
        let words = search.describe();
        search.ask()?;
        Ok(words)
    }

    /// What is said of the warm-up, where there are folds.
    pub(crate) fn warm_up(&self) -> Option<String> {
        let warm_up = self.request.folds.as_ref()?.warm_up;
        Some(match warm_up {
            Some(bars) => format!("each part has {} before it for indicators", counted(bars as u64, "bar")),
            None => "no part has bars before it for indicators; --warm-up gives some".to_owned(),
        })
    }

    /// What is said of splits and dividends that the bundle stores; none where it has none.
    pub(crate) fn not_applied(&self) -> Result<Option<String>, Failure> {
        let stored = self.on_bundle(|bundle| {
            let of_each = bundle.assets().ids().map(|asset| Ok(bundle.adjustments(asset)?.len()));
            of_each.sum::<bt_core::Result<usize>>()
        })??;
        let name = &self.sweep.bundle;
        Ok((stored > 0).then(|| {
            let stored = counted(stored as u64, "adjustment");
            format!("{name} stores {stored} for splits and dividends, which are not applied: prices are taken as they are")
        }))
    }

    /// The year, where there are annual figures.
    pub(crate) fn annual(&self) -> Option<Year> {
        let is_annual = self.walk.is_some() || !self.request.plan.vectorised;
        is_annual.then_some(self.year)
    }

    /// The metrics of joined tests; none where there are no returns.
    pub(crate) fn joined(&self, tests: &Returns) -> Result<Option<Metrics>, Failure> {
        if tests.returns.is_empty() {
            return Ok(None);
        }
        Ok(Some(Metrics::new(&tests.returns, &Trading::default(), self.year.periods)))
    }

    fn on_bundle<T>(&self, see: impl FnOnce(&dyn Bundle) -> T) -> Result<T, Failure> {
        let mut worker = self.engine.layers().worker()?;
        let name = &self.sweep.bundle;
        let trial = match self.sweep.version {
            Some(version) => worker.trial_on(name, version)?,
            None => worker.trial(name)?,
        };
        Ok(see(&**trial.bundle()))
    }

    /// Keeps trials in a folder from now on.
    pub(crate) fn keep(&mut self, folder: PathBuf, resume: bool) {
        self.sweep.folder = Some(folder);
        self.sweep.resume = resume;
    }
}

fn brackets(plan: &PlanArguments) -> Brackets {
    Brackets { min_fidelity: plan.min_fidelity, eta: plan.eta, rounds: plan.rounds }
}

fn accounting(plan: &PlanArguments) -> Accounting {
    Accounting {
        initial_cash: plan.cash,
        fill: match plan.fill {
            FillKind::NextOpen => Fill::NextOpen,
            FillKind::NextClose => Fill::NextClose,
        },
        commission: Commission {
            per_share: plan.commission_per_share,
            per_value: plan.commission_bps / 10_000.0,
            minimum: plan.commission_minimum,
        },
        slippage_bps: plan.slippage_bps,
        periods_per_year: plan.periods_per_year,
        ..Accounting::default()
    }
}

fn objective(plan: &PlanArguments) -> Objective {
    // A vectorised sweep has one metric; who does not say otherwise means that one.
    let metric = if plan.vectorised && plan.metric == "sharpe" { "sum_of_returns" } else { &plan.metric };
    // A drawdown is better small, whoever looks for it; a metric that is not ours is taken as it is.
    let own = metric.parse::<Metric>().map_or(Direction::Maximize, Metric::direction);
    let direction = if plan.minimize { Direction::Minimize } else { own };
    Objective { metric: metric.to_owned(), direction }
}

/// The most bars that any point of the space needs before its first decision: that of one of the corners, since a longer
/// window needs more. None where the space cannot be made, which is told when it is.
fn longest_warm_up(strategy: &str, plan: &PlanArguments) -> Option<usize> {
    let space = space(strategy, plan).ok()?;
    let info = strategies::find(strategy).ok()?;
    let mut corners: Vec<Vec<Number>> = vec![Vec::new()];
    for parameter in space.parameters() {
        let ends = ends(&parameter.domain);
        let with = |corner: &Vec<Number>, end: &Number| [&corner[..], std::slice::from_ref(end)].concat();
        corners = corners.iter().flat_map(|corner| ends.iter().map(|end| with(corner, end))).collect();
        // The built-in strategies have four parameters at most, with two ends each.
        if corners.len() > 4096 {
            return None;
        }
    }
    let need = |values| info.warm_up(&Params::new(space.names(), values).ok()?).ok();
    corners.into_iter().filter_map(need).max()
}

/// The smallest and the largest value of a domain; all choices.
fn ends(domain: &Domain) -> Vec<Number> {
    match domain {
        Domain::Int { min, max, .. } => vec![Number::Int(*min), Number::Int(*max)],
        Domain::Stepped { min, max, .. } | Domain::Uniform { min, max } | Domain::LogUniform { min, max } => {
            vec![Number::Float(*min), Number::Float(*max)]
        }
        Domain::Choice(choices) => choices.to_vec(),
    }
}

/// The strategy's own space, with those parameters replaced and those conditions added that the command line has.
fn space(strategy: &str, plan: &PlanArguments) -> Result<Space, Failure> {
    let given = plan.params.iter().map(|text| text.parse()).collect::<Result<Vec<Parameter>, _>>()?;
    let own = strategies::find(strategy)?.space(given)?;
    let conditions = plan.conditions.iter().map(|text| text.parse::<Constraint>());
    let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
    let constraints = own.constraints().iter().cloned().chain(conditions);
    Ok(Space::new(own.parameters().to_vec(), constraints)?)
}

/// From when to when, as people say it.
fn range(plan: &PlanArguments) -> Result<[Option<BarTime>; 2], Failure> {
    let time = |option, text: &Option<String>| {
        let time = text.as_ref().map(|text| text.parse::<BarTime>()).transpose();
        time.map_err(|error| Failure::new(Code::Usage, format!("{option}: {error}")))
    };
    Ok([time("--from", &plan.from)?, time("--until", &plan.until)?])
}

/// From which moment on and before which one bars of a range become known.
fn moments([from, until]: [Option<BarTime>; 2], clock: &BarClock) -> Result<(Timestamp, Timestamp), Failure> {
    if let (Some(from), Some(until)) = (from, until)
        && from.start(clock) >= until.start(clock)
    {
        let message = format!("--from {from} is not before --until {until}");
        return Err(Failure::new(Code::Usage, message));
    }
    let known = |time: Option<BarTime>, otherwise| time.map_or(otherwise, |time| time.known(clock));
    Ok((known(from, Timestamp::MIN), known(until, Timestamp::MAX)))
}

fn deadline(seconds: f64) -> Result<Duration, Failure> {
    let usable = Some(seconds).filter(|seconds| (1e-3..=1e9).contains(seconds));
    usable.map(Duration::from_secs_f64).ok_or_else(|| {
        let message =
            format!("--deadline = {seconds:?} is out of range; allowed: seconds, from 0.001 to 1000000000");
        Failure::new(Code::Usage, message)
    })
}

fn walk(folds: &FoldArguments) -> Result<WalkForward, Failure> {
    let mut walk = WalkForward::new(folds.kind.parse()?, folds.train.parse()?, folds.test.parse()?);
    walk.validate = folds.validate.as_ref().map(|length| length.parse()).transpose()?;
    if let Some(step) = &folds.step {
        walk.step = step.parse()?;
    }
    (walk.warm_up, walk.purge, walk.embargo) = (folds.warm_up.unwrap_or(0), folds.purge, folds.embargo);
    Ok(walk)
}

/// A folder without a request.
fn absent(folder: &Path) -> Failure {
    let name = folder.display();
    let (message, hint) = match folder.join(LEDGER).exists() {
        true => (
            format!("the ledger in {name} is not one of `bt`: there is no {FILE}"),
            "the library reads it: `bt_sweep::ledger::read`, and `write_csv` of its trials",
        ),
        false => (
            format!("no sweep in {name}: there is no {FILE}"),
            "`bt sweep … --out DIR` keeps a sweep in a folder",
        ),
    };
    Failure::new(Code::NotFound, message).with_hint(hint)
}

/// The folder of another sweep.
pub(crate) fn holds_one(folder: &Path) -> Failure {
    let message = format!("the folder {} holds a sweep already", folder.display());
    let hint = format!("`--resume {}` goes on with it; --out names another folder", folder.display());
    Failure::new(Code::Usage, message).with_hint(hint)
}

/// A request that another version of the program wrote.
fn foreign(path: &Path, format: u64, program: &Value) -> Failure {
    let writer = program.as_str().map_or_else(String::new, |program| format!(", written by bt {program}"));
    let message = format!(
        "{} has format {format}{writer}; this program, bt {}, reads format {FORMAT}",
        path.display(),
        env!("CARGO_PKG_VERSION")
    );
    Failure::new(Code::Damaged, message).with_hint("go on with the program that began the sweep")
}
