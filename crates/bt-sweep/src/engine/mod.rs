//! Runs sweeps: asks a search for trials, hands them to the workers, tells the search what came out.

mod job;
mod key;
mod pool;
mod report;
mod run;
mod walk;

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use bt_core::{BarClock, Bundle, BundleName, BundleVersion, Timestamp};
use bt_layers::Layers;
use parking_lot::Mutex;

use crate::backtest::check_metric_names;
use crate::ledger::{Header, Ledger};
use crate::results::{Trial, Trials, TrialsBuilder};
use crate::search::Search;
use crate::{
    Backtest, BacktestId, Error, Names, Objective, Params, Result, SeriesCache, Stop, TrialRecord, TrialView,
    Year,
};
use job::{Scope, caught};
use pool::{Pool, Supplies};
use run::{Run, Session};

pub use report::FoldSpans;
pub use walk::{FoldResult, WalkForwardResult};

/// Runs sweeps on the data layers, with one persistent pool of workers for all of them.
///
/// Made once for a program: its threads, their handles on the layers and the series that trials share outlive a sweep.
/// Sweeps of several threads at once share the workers.
pub struct Engine {
    supplies: Supplies,
    pool: Pool,
    workers: usize,
    /// Of the version that was asked for last: it does not change, and counting days would be felt before a short sweep.
    year: Mutex<Option<(BundleVersion, Year)>>,
}

/// How an engine is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Threads that run trials, at least 1. Default: one for each core that the process may use.
    pub workers: usize,
    /// Bytes of the [series](SeriesCache) that trials share, at least 1. Default: [`SeriesCache::DEFAULT_MAX_BYTES`].
    pub series_bytes: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            workers: available_parallelism().map_or(1, NonZeroUsize::get),
            series_bytes: SeriesCache::DEFAULT_MAX_BYTES,
        }
    }
}

/// One sweep: what runs, on which data, and what is looked for.
#[derive(Clone)]
pub struct Sweep {
    /// What runs.
    pub backtest: Arc<dyn Backtest>,
    /// The bundle.
    pub bundle: BundleName,
    /// Its version; the current one where none is given. All trials run on the same.
    pub version: Option<BundleVersion>,
    /// The names of the assets; none for all of them.
    pub assets: Option<Vec<String>>,
    /// Which moments count: from this one on. A moment is when a bar became known; [`BarTime::known`](crate::BarTime::known) has that
    /// of the first bar of a day, on the clock of [`Engine::bar_clock`].
    pub from: Timestamp,
    /// Which moments count: those before this one. The same holds.
    pub until: Timestamp,
    /// What is looked for.
    pub objective: Objective,
    /// The longest that a trial may take, above 0; looked at some 50 times a second. With one, trials run one by one. A trial that
    /// is late is told so by [`TrialView::check`](crate::TrialView::check); one that does not listen loses its thread to a new one
    /// a second later.
    pub deadline: Option<Duration>,
    /// The folder of the ledger that keeps every finished trial; none to keep nothing.
    pub folder: Option<PathBuf>,
    /// Whether the folder's ledger goes on where it ended: what it holds is not run again. Otherwise the folder must hold none.
    /// Needs a folder.
    pub resume: bool,
}

impl Sweep {
    /// A sweep over all assets and all moments of a bundle's current version, without a deadline.
    pub fn new(backtest: impl Backtest, bundle: BundleName, objective: Objective) -> Self {
        Self {
            backtest: Arc::new(backtest),
            bundle,
            version: None,
            assets: None,
            from: Timestamp::MIN,
            until: Timestamp::MAX,
            objective,
            deadline: None,
            folder: None,
            resume: false,
        }
    }
}

/// What a sweep came to.
#[derive(Clone, Debug)]
pub struct SweepResult {
    /// The version that all trials ran on.
    pub version: BundleVersion,
    /// The trials: each point at each fidelity once, whatever the search proposed twice.
    pub trials: Trials,
    /// What was looked for.
    pub objective: Objective,
    /// Whether the search came to its end; false where the sweep was cancelled.
    pub is_complete: bool,
    /// How far it came.
    pub progress: Progress,
}

impl SweepResult {
    /// The trial with the best objective at the largest fidelity; of equals the one with the smallest number. None where no
    /// trial has one.
    pub fn best(&self) -> Option<Trial<'_>> {
        self.trials.best(&self.objective).ok().flatten()
    }
}

/// Hears of a sweep's trials, and may end it.
pub trait Observer {
    /// A trial finished, or its result was known already. In a ledger it is durable some milliseconds later.
    fn finished(&mut self, trial: &TrialRecord, progress: &Progress) {
        let _ = (trial, progress);
    }

    /// Whether the sweep has to end now. Asked some times a second.
    fn is_cancelled(&mut self) -> bool {
        false
    }
}

/// Watches nothing.
impl Observer for () {}

/// How far a sweep is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Trials that came to an end.
    pub done: u64,
    /// Those of them that failed or were late.
    pub failed: u64,
    /// Those of them whose results were known already: from the ledger, or since the same point was proposed before.
    pub known: u64,
    /// Trials in all, where the search knows.
    pub total: Option<u64>,
    /// The best objective so far.
    pub best: Option<f64>,
}

impl Engine {
    /// An engine on these layers.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no worker or no room for series; [`Error::Io`] where a thread cannot be started.
    pub fn new(layers: Layers, options: EngineOptions) -> Result<Self> {
        if options.workers == 0 {
            return Err(Error::invalid("workers", 0, "at least 1"));
        }
        let supplies = Supplies { layers, series: Arc::new(SeriesCache::new(options.series_bytes)?) };
        let pool = Pool::new(supplies.clone(), options.workers)?;
        Ok(Self { supplies, pool, workers: options.workers, year: Mutex::default() })
    }

    /// Runs a sweep to the end of its search, or until it is cancelled.
    ///
    /// Trials that fail, panic or are late are recorded and the others go on.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an objective or asset that there is not; [`Error::Invalid`] where no moment counts; what the search and
    /// the data layers meet.
    pub fn run(
        &self,
        sweep: &Sweep,
        search: &mut dyn Search,
        observer: &mut dyn Observer,
    ) -> Result<SweepResult> {
        let scope = self.scope(sweep)?;
        let header = self.header(sweep, search.names(), search.describe(), &scope)?;
        let session = self.session(sweep, search.names(), header, observer)?;
        searched(session, search, scope)
    }

    /// What a sweep came to, as its trials tell: those of a ledger. None is run: where the search asks for one that is not there,
    /// the sweep was interrupted.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn result_of(&self, sweep: &Sweep, search: &mut dyn Search, trials: Trials) -> Result<SweepResult> {
        let (scope, observer) = (self.scope(sweep)?, &mut ());
        let session = self.session_of(sweep, search.names(), trials, observer)?;
        searched(session, search, scope)
    }

    /// The return of a trial on each moment that counts, and the moments: what its equity curve is made of. None where the
    /// backtest has no such thing.
    ///
    /// # Errors
    /// As [`run`](Self::run); what the backtest says of these parameters.
    pub fn returns(&self, sweep: &Sweep, params: &Params) -> Result<Option<Returns>> {
        let scope = self.scope(sweep)?;
        self.returns_on(sweep, &scope, params)
    }

    fn returns_on(&self, sweep: &Sweep, scope: &Scope, params: &Params) -> Result<Option<Returns>> {
        let (backtest, scope, params) = (Arc::clone(&sweep.backtest), scope.clone(), params.clone());
        let (sender, receiver) = channel();
        // By a worker: the memory of what it reads and makes is there already.
        self.pool.push_task(Box::new(move |desk| {
            let returns =
                || desk?.view(&scope, &Stop::default(), |view| returns(&*backtest, view, &params))?;
            // Whoever asked may have given up.
            let _ = sender.send(caught(returns));
        }));
        receiver.recv().unwrap_or_else(|_| Err(Error::Strategy("the worker ended".to_owned())))
    }

    fn session<'s>(
        &'s self,
        sweep: &'s Sweep,
        names: &Names,
        header: Header,
        observer: &'s mut dyn Observer,
    ) -> Result<Session<'s>> {
        // Before a folder is begun.
        let metric = checked(sweep)?;
        let (ledger, known) = match &sweep.folder {
            None if sweep.resume => {
                return Err(Error::invalid("folder", "none", "the folder of the ledger that is resumed"));
            }
            None => (None, None),
            Some(folder) if sweep.resume => {
                let (ledger, contents) = Ledger::resume(folder, &header)?;
                (Some(Arc::new(ledger)), Some(contents.trials))
            }
            Some(folder) => (Some(Arc::new(Ledger::create(folder, &header)?)), None),
        };
        Ok(Session { ledger, ..self.session_after(sweep, names, metric, known, observer) })
    }

    /// A session in which nothing runs.
    fn session_of<'s>(
        &'s self,
        sweep: &'s Sweep,
        names: &Names,
        trials: Trials,
        observer: &'s mut dyn Observer,
    ) -> Result<Session<'s>> {
        let metric = checked(sweep)?;
        of_this_sweep(sweep, names, &trials)?;
        Ok(Session { is_past: true, ..self.session_after(sweep, names, metric, Some(trials), observer) })
    }

    /// A session that keeps nothing, after what is known.
    fn session_after<'s>(
        &'s self,
        sweep: &'s Sweep,
        names: &Names,
        metric: usize,
        known: Option<Trials>,
        observer: &'s mut dyn Observer,
    ) -> Session<'s> {
        // An interrupted sweep goes on at the time where its last trial ended.
        let before = known.iter().flat_map(Trials::iter).map(Trial::ended_us).max();
        let now = Instant::now();
        let begin = now.checked_sub(Duration::from_micros(before.unwrap_or(0))).unwrap_or(now);
        let (table, progress) = (TrialsBuilder::new(names, &sweep.backtest.metrics()), Progress::default());
        Session {
            engine: self,
            sweep,
            metric,
            observer,
            begin,
            ledger: None,
            known,
            is_past: false,
            table,
            progress,
        }
    }

    fn header(&self, sweep: &Sweep, names: &Names, search: String, scope: &Scope) -> Result<Header> {
        let id = sweep.backtest.id_on(&scope.year);
        let metrics = sweep.backtest.metrics();
        let mut header = Header::new(names, &metrics, sweep.objective.clone());
        (header.strategy, header.strategy_version, header.settings) = (id.name, id.version, id.settings);
        header.search = search;
        header.bundle = scope.bundle.to_string();
        header.bundle_version = scope.version.to_string();
        header.asset_count = scope.asset_count as u64;
        header.assets_digest = scope.assets_digest();
        header.range = format!("{:?}", scope.scored);
        if let Some(deadline) = sweep.deadline {
            header.other.insert("deadline".into(), format!("{deadline:?}"));
        }
        Ok(header)
    }

    /// What the ledger knows a sweep's backtest by, on the sweep's bundle.
    ///
    /// # Errors
    /// As [`bar_clock`](Self::bar_clock).
    pub fn id(&self, sweep: &Sweep) -> Result<BacktestId> {
        Ok(sweep.backtest.id_on(&self.year(sweep)?))
    }

    /// The [`Year`] of a sweep's bundle, of whose bars the sweep may use a part alone. Counted once for a version.
    ///
    /// # Errors
    /// As [`bar_clock`](Self::bar_clock).
    pub fn year(&self, sweep: &Sweep) -> Result<Year> {
        self.on_bundle(sweep, |bundle| self.year_of(bundle))
    }

    /// The clock of a sweep's bundle: from the moment at which a bar became known to its day or start.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no such bundle or version, or its zone is not known here.
    pub fn bar_clock(&self, sweep: &Sweep) -> Result<BarClock> {
        self.on_bundle(sweep, |bundle| Ok(BarClock::of(bundle)?))
    }

    fn on_bundle<T>(&self, sweep: &Sweep, see: impl FnOnce(&dyn Bundle) -> Result<T>) -> Result<T> {
        let version = sweep.version.map_or_else(|| self.supplies.layers.version(&sweep.bundle), Ok)?;
        let mut worker = self.supplies.layers.worker()?;
        see(&**worker.trial_on(&sweep.bundle, version)?.bundle())
    }

    fn year_of(&self, bundle: &dyn Bundle) -> Result<Year> {
        let known = *self.year.lock();
        if let Some((_, year)) = known.filter(|(version, _)| *version == bundle.version()) {
            return Ok(year);
        }
        let year = Year::of(bundle)?;
        *self.year.lock() = Some((bundle.version(), year));
        Ok(year)
    }

    /// How many workers it has.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The layers that it stands on.
    pub fn layers(&self) -> &Layers {
        &self.supplies.layers
    }

    /// The series that its trials share.
    pub fn series(&self) -> &SeriesCache {
        &self.supplies.series
    }

    /// Which data a sweep's trials see.
    fn scope(&self, sweep: &Sweep) -> Result<Scope> {
        self.on_bundle(sweep, |bundle| {
            let scored = scored(bundle, sweep.from, sweep.until)?;
            let ranks = sweep.assets.as_ref().map(|names| ranks(bundle, names)).transpose()?;
            Ok(Scope {
                bundle: sweep.bundle.clone(),
                version: bundle.version(),
                asset_count: ranks.as_ref().map_or(bundle.assets().len(), |ranks| ranks.len()),
                ranks,
                visible: 0..scored.end,
                scored,
                year: self.year_of(bundle)?,
            })
        })
    }
}

/// Refuses what no trial would come to; gives the place of the objective among the metrics.
fn checked(sweep: &Sweep) -> Result<usize> {
    if sweep.deadline.is_some_and(|deadline| deadline.is_zero()) {
        return Err(Error::invalid("deadline", "0", "a time above 0, or none"));
    }
    let metrics = sweep.backtest.metrics();
    check_metric_names(&metrics)?;
    sweep.objective.position(&metrics)
}

/// Refuses trials with other parameters or other metrics: their values would be taken for those of this sweep.
fn of_this_sweep(sweep: &Sweep, names: &Names, trials: &Trials) -> Result<()> {
    let differs = |what: &'static str, found: &[String], expected: &[String]| match found == expected {
        true => Ok(()),
        false => {
            let (found, expected) = (found.join(", "), expected.join(", "));
            Err(Error::Mismatch { what: what.into(), found, expected })
        }
    };
    differs("the names of the trials' parameters", trials.names().as_slice(), names.as_slice())?;
    differs("the names of the trials' metrics", trials.metric_names(), &sweep.backtest.metrics())
}

/// A session's one search, to its end.
fn searched(mut session: Session<'_>, search: &mut dyn Search, scope: Scope) -> Result<SweepResult> {
    let (version, objective) = (scope.version, session.sweep.objective.clone());
    session.progress.total = search.total();
    let found = Run::new(&mut session, search, scope, 0, 1).run()?;
    let (trials, progress) = session.close()?;
    Ok(SweepResult { version, trials, objective, is_complete: found.is_complete, progress })
}

fn returns(backtest: &dyn Backtest, view: &TrialView<'_>, params: &Params) -> Result<Option<Returns>> {
    backtest.check(view, params)?;
    let Some(returns) = backtest.returns(view, params)? else { return Ok(None) };
    let moments = view.portal().calendar().as_slice()[view.scored()].to_vec();
    if returns.len() == moments.len() {
        return Ok(Some(Returns { moments, returns }));
    }
    Err(Error::Mismatch {
        what: "the number of returns of a trial".into(),
        found: returns.len().to_string(),
        expected: moments.len().to_string(),
    })
}

/// The moments of a bundle's calendar with `from` ≤ moment < `until`, by index.
fn scored(bundle: &dyn Bundle, from: Timestamp, until: Timestamp) -> Result<Range<usize>> {
    let calendar = bundle.calendar().as_slice();
    let before = |limit| calendar.partition_point(|&moment| moment < limit);
    let scored = before(from)..before(until);
    match (calendar.first(), calendar.last()) {
        (Some(&first), Some(&last)) if scored.is_empty() => {
            let clock = BarClock::of(bundle)?;
            let [from_bar, until_bar, first, last] =
                [from, until, first, last].map(|known| clock.name(known));
            let range = match (from, until) {
                (_, Timestamp::MAX) => format!("from {from_bar} on"),
                (Timestamp::MIN, _) => format!("before {until_bar}"),
                _ => format!("from {from_bar} until {until_bar}"),
            };
            Err(Error::invalid("range", range, format!("a part with a bar, of {first} to {last}")))
        }
        (None, _) | (_, None) => Err(Error::invalid("bundle", "without a bar", "one with bars")),
        _ => Ok(scored),
    }
}

/// The assets' ranks, ascending and each once.
fn ranks(bundle: &dyn Bundle, names: &[String]) -> Result<Arc<[u32]>> {
    if names.is_empty() {
        return Err(Error::invalid(
            "assets",
            "an empty list",
            "at least one name, or no list for all assets",
        ));
    }
    let rank = |name: &String| Ok(bundle.assets().id(name)?.rank() as u32);
    let mut ranks = names.iter().map(rank).collect::<Result<Vec<_>>>()?;
    ranks.sort_unstable();
    ranks.dedup();
    Ok(ranks.into())
}

/// A trial's returns, bar by bar.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Returns {
    /// The moments that count.
    pub moments: Vec<Timestamp>,
    /// The return on each of them.
    pub returns: Vec<f64>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("workers", &self.workers)
            .field("layers", &self.supplies.layers)
            .finish()
    }
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep")
            .field("backtest", &self.backtest.id())
            .field("bundle", &self.bundle)
            .field("objective", &self.objective)
            .finish_non_exhaustive()
    }
}
