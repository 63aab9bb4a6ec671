//! What a worker does with a chunk of trials.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Instant;

use bt_core::{AssetId, Bundle, BundleName, BundleVersion};
use bt_dataportal::DataPortal;
use bt_layers::Worker;
use sha2::{Digest, Sha256};

use crate::engine::key::KeyPrefix;
use crate::folds::first_share;
use crate::ledger::Ledger;
use crate::{
    Backtest, Error, Outcome, Params, Part, Proposal, Result, SeriesCache, Status, Stop, TrialRecord,
    TrialView, Year,
};

/// Trials on one scope of the data, all of one backtest.
pub(crate) struct Job {
    pub(crate) backtest: Arc<dyn Backtest>,
    pub(crate) scope: Scope,
    pub(crate) part: u32,
    /// None where nothing is kept. The sweep alone holds it: a trial that never returns must not keep its folder locked.
    pub(crate) ledger: Option<Weak<Ledger>>,
    /// What each outcome has to bring.
    pub(crate) metrics: usize,
    /// When the sweep began.
    pub(crate) begin: Instant,
    keys: KeyPrefix,
}

/// Trials that ended, and trials that were not begun.
pub(crate) type Ran = (Vec<TrialRecord>, Vec<TrialRecord>);

/// How long a worker goes on with its chunk before it brings back what it has.
const AWAY_US: u64 = 10_000;

/// The part of a bundle that a job's trials run on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scope {
    pub(crate) bundle: BundleName,
    pub(crate) version: BundleVersion,
    /// The assets' ranks, ascending; none for all assets.
    pub(crate) ranks: Option<Arc<[u32]>>,
    pub(crate) asset_count: usize,
    /// The moments of the bundle's calendar that are there at all, warm-up included.
    pub(crate) visible: Range<usize>,
    /// The moments that count, a part of the visible ones.
    pub(crate) scored: Range<usize>,
    /// Of the whole bundle.
    pub(crate) year: Year,
}

impl Scope {
    /// The first share of the scored moments: what a rung of low fidelity runs on.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the share is not in (0, 1].
    pub(crate) fn first_share(&self, fidelity: f64) -> Result<Self> {
        let scored = first_share(&self.scored, fidelity)?;
        Ok(Self { visible: self.visible.start..scored.end, scored, ..self.clone() })
    }

    /// Tells which assets they are: hexadecimal digits.
    pub(crate) fn assets_digest(&self) -> String {
        let mut hash = Sha256::new();
        match &self.ranks {
            None => hash.update(b"all"),
            Some(ranks) => ranks.iter().for_each(|rank| hash.update(rank.to_le_bytes())),
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The moments that count, as indices into the calendar of the bundle that trials see.
    fn scored_in_part(&self) -> Range<usize> {
        self.scored.start - self.visible.start..self.scored.end - self.visible.start
    }

    /// The assets' identifiers on the bundle that trials see.
    fn assets(&self, bundle: &dyn Bundle) -> Vec<AssetId> {
        match &self.ranks {
            None => bundle.assets().ids().collect(),
            Some(ranks) => ranks.iter().map(|&rank| AssetId::new(rank, bundle.version())).collect(),
        }
    }
}

impl Job {
    pub(crate) fn new(
        backtest: Arc<dyn Backtest>,
        scope: Scope,
        part: u32,
        fidelity: f64,
        ledger: Option<&Arc<Ledger>>,
        begin: Instant,
    ) -> Self {
        let keys = KeyPrefix::new(&backtest.id_on(&scope.year), &scope, part, fidelity);
        let (metrics, ledger) = (backtest.metrics().len(), ledger.map(Arc::downgrade));
        Self { backtest, scope, part, ledger, metrics, begin, keys }
    }

    /// A trial's record before it ran.
    pub(crate) fn record(&self, proposal: Proposal) -> TrialRecord {
        TrialRecord {
            key: self.keys.key(&proposal.params),
            number: proposal.number,
            part: self.part,
            params: proposal.params,
            fidelity: proposal.fidelity,
            status: Status::Deadline,
            outcome: Outcome::default(),
            worker: 0,
            started_us: 0,
            took_us: 0,
        }
    }

    /// Runs trials: those that ended, without those that were cancelled, and those that were not begun since the others took
    /// longer than a worker should be away.
    ///
    /// # Errors
    /// Where the data cannot be had at all, which no other trial of the job would survive either.
    pub(crate) fn run(&self, desk: &mut Desk, trials: Vec<TrialRecord>, stop: &Stop) -> Result<Ran> {
        let index = desk.index;
        desk.view(&self.scope, stop, |view| {
            if self.backtest.batch_size() > 1 {
                return (self.run_together(view, index, trials), Vec::new());
            }
            self.run_in_turn(view, index, trials)
        })
    }

    /// Appends trials to the ledger, if there is one.
    ///
    /// # Errors
    /// What the ledger meets.
    pub(crate) fn keep(&self, worker: u32, ended: &[TrialRecord]) -> Result<()> {
        // Gone where the sweep has ended meanwhile.
        let Some(ledger) = self.ledger.as_ref().and_then(Weak::upgrade) else { return Ok(()) };
        let segment = ledger.segment(worker)?;
        ended.iter().try_for_each(|record| segment.append(record).map(|_| ()))
    }

    fn run_in_turn(&self, view: &TrialView<'_>, worker: u32, trials: Vec<TrialRecord>) -> Ran {
        let (begin_us, mut now_us) = (self.elapsed_us(), self.elapsed_us());
        let (mut ended, mut trials) = (Vec::with_capacity(trials.len()), trials.into_iter());
        while now_us - begin_us < AWAY_US || ended.is_empty() {
            let Some(mut trial) = trials.next() else { break };
            let result = self.outcome(view, &trial.params);
            let end_us = self.elapsed_us();
            (trial.worker, trial.started_us, trial.took_us) = (worker, now_us, end_us - now_us);
            now_us = end_us;
            match self.with_result(view, trial, result) {
                Some(trial) => ended.push(trial),
                None => return (ended, Vec::new()),
            }
        }
        (ended, trials.collect())
    }

    /// Trials of a batch share its time in equal parts.
    fn run_together(&self, view: &TrialView<'_>, worker: u32, trials: Vec<TrialRecord>) -> Vec<TrialRecord> {
        let started_us = self.elapsed_us();
        let params: Vec<Params> = trials.iter().map(|trial| trial.params.clone()).collect();
        let results = self.outcomes(view, &params);
        let each = (self.elapsed_us() - started_us) / trials.len().max(1) as u64;
        let ended = trials.into_iter().zip(results).zip(0..).filter_map(|((mut trial, result), at)| {
            (trial.worker, trial.started_us, trial.took_us) = (worker, started_us + at * each, each);
            self.with_result(view, trial, result)
        });
        ended.collect()
    }

    /// One result for each set of parameters; a panic costs only the trial that it happened in.
    fn outcomes(&self, view: &TrialView<'_>, params: &[Params]) -> Vec<Result<Outcome>> {
        let batch = catch_unwind(AssertUnwindSafe(|| self.checked_batch(view, params)));
        // The batch died of one of its trials: run alone, each shows whether it was the one.
        batch.unwrap_or_else(|_| params.iter().map(|params| self.outcome(view, params)).collect())
    }

    /// Runs those as a batch that the backtest does not refuse beforehand.
    fn checked_batch(&self, view: &TrialView<'_>, params: &[Params]) -> Vec<Result<Outcome>> {
        let checks: Vec<Result<()>> = params.iter().map(|params| self.backtest.check(view, params)).collect();
        if checks.iter().all(Result::is_ok) {
            return self.batch(view, params);
        }
        let passed = params.iter().zip(&checks).filter(|(_, check)| check.is_ok());
        let passed: Vec<Params> = passed.map(|(params, _)| params.clone()).collect();
        let mut results = self.batch(view, &passed).into_iter();
        let mut next = |()| results.next().unwrap_or_else(|| Err(miscounted(0, 1)));
        checks.into_iter().map(|check| check.and_then(&mut next)).collect()
    }

    /// As many results as there are sets of parameters, whatever the backtest brings.
    fn batch(&self, view: &TrialView<'_>, params: &[Params]) -> Vec<Result<Outcome>> {
        let results = if params.is_empty() { Vec::new() } else { self.backtest.run_batch(view, params) };
        if results.len() == params.len() {
            return results;
        }
        params.iter().map(|_| Err(miscounted(results.len(), params.len()))).collect()
    }

    fn outcome(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome> {
        let run = || self.backtest.check(view, params).and_then(|()| self.backtest.run(view, params));
        caught(run)
    }

    /// The record of a trial that ended so; none where it was cancelled.
    fn with_result(
        &self,
        view: &TrialView<'_>,
        mut trial: TrialRecord,
        result: Result<Outcome>,
    ) -> Option<TrialRecord> {
        let result = result.and_then(|outcome| self.complete(outcome));
        trial.status = match &result {
            Ok(_) => Status::Done,
            Err(error @ Error::Cancelled) => match view.check() {
                // Of its own accord: nobody would run it again.
                Ok(()) => Status::Failed(error.to_string()),
                Err(error) => Status::of_error(&error)?,
            },
            Err(error) => Status::of_error(error)?,
        };
        trial.outcome = result.unwrap_or_default();
        Some(trial)
    }

    fn complete(&self, outcome: Outcome) -> Result<Outcome> {
        if outcome.metrics.len() == self.metrics {
            return Ok(outcome);
        }
        Err(Error::Mismatch {
            what: "the number of metrics of a trial".into(),
            found: outcome.metrics.len().to_string(),
            expected: self.metrics.to_string(),
        })
    }

    pub(crate) fn elapsed_us(&self) -> u64 {
        self.begin.elapsed().as_micros() as u64
    }
}

fn miscounted(found: usize, expected: usize) -> Error {
    Error::Mismatch {
        what: "the number of results of a batch".into(),
        found: found.to_string(),
        expected: expected.to_string(),
    }
}

/// What a backtest makes of a trial; of its panics an error.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(Error::Panicked(message(&*panic))))
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

/// What a worker's thread keeps between chunks.
pub(crate) struct Desk {
    worker: Worker,
    index: u32,
    series: Arc<SeriesCache>,
    /// The last part of a bundle that was seen, with what it is a part of.
    part: Option<(Arc<dyn Bundle>, Arc<Part>)>,
}

impl Desk {
    pub(crate) fn new(worker: Worker, index: u32, series: Arc<SeriesCache>) -> Self {
        Self { worker, index, series, part: None }
    }

    /// Lends out what a scope's trials see.
    ///
    /// # Errors
    /// Where the data cannot be had.
    pub(crate) fn view<T>(
        &mut self,
        scope: &Scope,
        stop: &Stop,
        see: impl FnOnce(&TrialView<'_>) -> T,
    ) -> Result<T> {
        let bundle = self.bundle(scope)?;
        let portal = DataPortal::new(&*bundle);
        let assets = scope.assets(&*bundle);
        let view = TrialView::new(&portal, &assets, scope.scored_in_part(), stop, &self.series)?;
        Ok(see(&view.with_year(scope.year)))
    }

    fn bundle(&mut self, scope: &Scope) -> Result<Arc<dyn Bundle>> {
        let trial = self.worker.trial_on(&scope.bundle, scope.version)?;
        let whole = trial.bundle();
        if scope.visible == (0..whole.calendar().len()) {
            return Ok(Arc::clone(whole));
        }
        if let Some((of, part)) = &self.part
            && Arc::ptr_eq(of, whole)
            && part.moments() == scope.visible
        {
            return Ok(Arc::clone(part) as _);
        }
        let part = Arc::new(Part::new(Arc::clone(whole), scope.visible.clone())?);
        self.part = Some((Arc::clone(whole), Arc::clone(&part)));
        Ok(part)
    }
}
