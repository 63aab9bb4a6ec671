//! Walk-forward: parameters are searched on one part of the data and judged on a later one, again and again.

use std::ops::Range;

use bt_core::BundleVersion;

use crate::engine::job::Scope;
use crate::engine::run::{Candidate, Found, Run, Session};
use crate::engine::{Engine, Observer, Progress, Returns, Sweep};
use crate::folds::{Fold, WalkForward};
use crate::results::{Trial, Trials};
use crate::search::{Points, Search};
use crate::{Error, Names, Params, Result};

/// How many of the best trials of a train are compared on the validation.
const CANDIDATES: usize = 10;

/// What a walk-forward came to.
#[derive(Clone, Debug)]
pub struct WalkForwardResult {
    /// The version that all trials ran on.
    pub version: BundleVersion,
    /// One for each fold that came to its end, in order.
    pub folds: Vec<FoldResult>,
    /// The returns of the chosen parameters on the tests, joined; where tests overlap, the earlier fold's count.
    pub out_of_sample: Returns,
    /// All trials. A fold's train is the part `3 × fold` of the table, its validation the next one, its test the one after.
    pub trials: Trials,
    /// Whether all folds came to their end; false where the sweep was cancelled.
    pub is_complete: bool,
    /// How far it came.
    pub progress: Progress,
}

/// What came out of one fold.
#[derive(Clone, Debug)]
pub struct FoldResult {
    /// Where its parts lie.
    pub fold: Fold,
    /// The parameters with the best objective, on the validation where there is one, else on the train; none where no trial
    /// had an objective.
    pub chosen: Option<Params>,
    /// Their objective on the train; NaN where there is none.
    pub in_sample: f64,
    /// Their objective on the validation; NaN where there is none.
    pub validated: f64,
    /// Their objective on the test; NaN where there is none.
    pub out_of_sample: f64,
}

/// A part of a fold, as trials are numbered in the table.
#[derive(Clone, Copy)]
enum Role {
    Train = 0,
    Validate = 1,
    Test = 2,
}

impl Role {
    /// The number of a fold's part in the table.
    fn part_of(self, fold: &Fold) -> u32 {
        3 * fold.index as u32 + self as u32
    }
}

impl Engine {
    /// Walks forward: for each fold a search on its train, a comparison of its best trials on the validation if there is one,
    /// and one trial of the chosen parameters on the test.
    ///
    /// Folds are parts of the one open bundle: nothing is read twice, and no trial sees a bar outside of its part and the
    /// warm-up before it. `search` makes each fold's search, with the same parameters in each.
    ///
    /// # Errors
    /// As [`Engine::run`]; [`Error::Invalid`] where the data is too short for a fold.
    pub fn walk_forward(
        &self,
        sweep: &Sweep,
        walk: &WalkForward,
        search: &mut dyn FnMut(&Fold) -> Result<Box<dyn Search>>,
        observer: &mut dyn Observer,
    ) -> Result<WalkForwardResult> {
        let scope = self.scope(sweep)?;
        let folds = self.folds(sweep, &scope, walk)?;
        let mut searches = folds.iter().map(&mut *search).collect::<Result<Vec<_>>>()?;
        let names = same_names(&searches)?;
        let described: Vec<String> = searches.iter().map(|search| search.describe()).collect();
        let mut header = self.header(sweep, &names, described.join("; "), &scope)?;
        header.folds = folds.iter().map(|fold| format!("{fold:?}")).collect();
        let mut session = self.session(sweep, &names, header, observer)?;
        session.progress.total = total(&searches, walk);
        let mut ended = Vec::with_capacity(folds.len());
        for (fold, search) in folds.iter().zip(&mut searches) {
            let run = FoldRun { session: &mut session, scope: &scope, fold, names: &names };
            if !run.run(&mut **search)? {
                break;
            }
            ended.push(fold.clone());
        }
        let is_complete = ended.len() == folds.len();
        let (trials, progress) = session.close()?;
        let result = self.walked(sweep, &scope, ended, trials)?;
        Ok(WalkForwardResult { is_complete, progress, ..result })
    }

    /// What a walk-forward came to, as its trials tell: those of a ledger, of which none is run again.
    ///
    /// # Errors
    /// As [`walk_forward`](Self::walk_forward).
    pub fn walk_forward_of(
        &self,
        sweep: &Sweep,
        walk: &WalkForward,
        trials: Trials,
    ) -> Result<WalkForwardResult> {
        let scope = self.scope(sweep)?;
        let metric = sweep.objective.position(trials.metric_names())?;
        let folds = self.folds(sweep, &scope, walk)?;
        let all = folds.len();
        let ended = folds.into_iter().filter(|fold| has_ended(fold, &trials, metric)).collect();
        let result = self.walked(sweep, &scope, ended, trials)?;
        Ok(WalkForwardResult { is_complete: result.folds.len() == all, ..result })
    }

    /// What came out of folds that came to their end.
    fn walked(
        &self,
        sweep: &Sweep,
        scope: &Scope,
        folds: Vec<Fold>,
        trials: Trials,
    ) -> Result<WalkForwardResult> {
        let metric = sweep.objective.position(trials.metric_names())?;
        let folds: Vec<FoldResult> =
            folds.into_iter().map(|fold| FoldResult::of(fold, &trials, metric)).collect();
        let out_of_sample = self.joined(sweep, scope, &folds, &trials)?;
        let progress = Progress { done: trials.len() as u64, ..Progress::default() };
        let version = scope.version;
        Ok(WalkForwardResult { version, folds, out_of_sample, trials, is_complete: true, progress })
    }

    /// The folds of the moments that count, as moments of the bundle.
    fn folds(&self, sweep: &Sweep, scope: &Scope, walk: &WalkForward) -> Result<Vec<Fold>> {
        let mut worker = self.supplies.layers.worker()?;
        let trial = worker.trial_on(&sweep.bundle, scope.version)?;
        let calendar = trial.bundle().calendar();
        let moments = &calendar.as_slice()[scope.scored.clone()];
        let shift = |part: Range<usize>| part.start + scope.scored.start..part.end + scope.scored.start;
        let folds = walk.folds(bt_core::Calendar::from_sorted(moments))?.into_iter().map(|fold| Fold {
            train: shift(fold.train),
            validate: fold.validate.map(shift),
            test: shift(fold.test),
            ..fold
        });
        Ok(folds.collect())
    }

    fn joined(&self, sweep: &Sweep, scope: &Scope, folds: &[FoldResult], trials: &Trials) -> Result<Returns> {
        let mut joined = Returns::default();
        for result in folds {
            // A trial that failed on the test has no curve, and one that never returned would not do so now.
            let mut tested = of_part(trials, &result.fold, Role::Test);
            if !tested.any(|trial| trial.is_done()) {
                continue;
            }
            let Some(params) = &result.chosen else { continue };
            let scope = part(scope, &result.fold, &result.fold.test);
            let Ok(Some(returns)) = self.returns_on(sweep, &scope, params) else { continue };
            let known = joined.moments.last().copied();
            let new = returns
                .moments
                .iter()
                .zip(&returns.returns)
                .filter(|(moment, _)| known.is_none_or(|known| **moment > known));
            for (&moment, &value) in new {
                joined.moments.push(moment);
                joined.returns.push(value);
            }
        }
        Ok(joined)
    }
}

impl FoldResult {
    /// A fold that came to its end, as its trials tell.
    fn of(fold: Fold, trials: &Trials, metric: usize) -> Self {
        let chosen = of_part(trials, &fold, Role::Test).next().map(|trial| trial.params());
        let of_chosen = |role: Role| {
            let mut trials = of_part(trials, &fold, role);
            let chosen = trials.find(|trial| is_full(trial) && Some(trial.params()) == chosen);
            chosen.map_or(f64::NAN, |trial| value(&trial, metric))
        };
        Self {
            in_sample: of_chosen(Role::Train),
            validated: of_chosen(Role::Validate),
            out_of_sample: of_chosen(Role::Test),
            chosen,
            fold,
        }
    }
}

/// Whether a fold came to its end, as far as its trials tell. Nothing is tested where none had an objective on the validation, or
/// none on the train.
fn has_ended(fold: &Fold, trials: &Trials, metric: usize) -> bool {
    let none_has_value = |role: Role| {
        let mut full = of_part(trials, fold, role).filter(is_full).peekable();
        full.peek().is_some() && full.all(|trial| value(&trial, metric).is_nan())
    };
    of_part(trials, fold, Role::Test).next().is_some()
        || none_has_value(Role::Validate)
        || none_has_value(Role::Train)
}

fn of_part<'t>(trials: &'t Trials, fold: &Fold, role: Role) -> impl Iterator<Item = Trial<'t>> {
    let part = role.part_of(fold);
    trials.iter().filter(move |trial| trial.fold() == part)
}

/// Whether a trial ran on all of its part: values on less do not compare.
fn is_full(trial: &Trial<'_>) -> bool {
    trial.fidelity() >= 1.0
}

fn value(trial: &Trial<'_>, metric: usize) -> f64 {
    trial.metrics().get(metric).copied().unwrap_or(f64::NAN)
}

/// One fold under way.
struct FoldRun<'f, 's> {
    session: &'f mut Session<'s>,
    scope: &'f Scope,
    fold: &'f Fold,
    names: &'f Names,
}

impl FoldRun<'_, '_> {
    /// False where it was cancelled.
    fn run(mut self, search: &mut dyn Search) -> Result<bool> {
        let (train, test) = (self.fold.train.clone(), self.fold.test.clone());
        let Some(mut best) = self.best(search, &train, Role::Train)? else { return Ok(false) };
        if let Some(validate) = &self.fold.validate {
            let Some(validated) = self.again(&best, validate, Role::Validate)? else { return Ok(false) };
            best = validated;
        }
        best.truncate(1);
        Ok(self.again(&best, &test, Role::Test)?.is_some())
    }

    /// The best trials of a search on a part; none where it was cancelled.
    fn best(
        &mut self,
        search: &mut dyn Search,
        moments: &Range<usize>,
        role: Role,
    ) -> Result<Option<Vec<Candidate>>> {
        let scope = part(self.scope, self.fold, moments);
        let part = role.part_of(self.fold);
        let Found { is_complete, best } = Run::new(self.session, search, scope, part, CANDIDATES).run()?;
        Ok(is_complete.then_some(best))
    }

    fn again(
        &mut self,
        candidates: &[Candidate],
        moments: &Range<usize>,
        role: Role,
    ) -> Result<Option<Vec<Candidate>>> {
        if candidates.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let points = candidates.iter().map(|candidate| candidate.params.clone());
        let mut points = Points::new(self.names, points)?;
        self.best(&mut points, moments, role)
    }
}

/// The scope of a part of a fold, its warm-up in sight.
fn part(scope: &Scope, fold: &Fold, moments: &Range<usize>) -> Scope {
    Scope { visible: fold.visible(moments), scored: moments.clone(), ..scope.clone() }
}

fn same_names(searches: &[Box<dyn Search>]) -> Result<Names> {
    let Some(first) = searches.first() else { return Err(Error::invalid("folds", 0, "at least 1")) };
    match searches.iter().find(|search| search.names() != first.names()) {
        None => Ok(first.names().clone()),
        Some(other) => Err(Error::Mismatch {
            what: "the parameters of a fold's search".into(),
            found: other.names().as_slice().join(", "),
            expected: first.names().as_slice().join(", "),
        }),
    }
}

/// Trials of all folds, where their searches know.
fn total(searches: &[Box<dyn Search>], walk: &WalkForward) -> Option<u64> {
    let of = |trained: Option<u64>| {
        let trained = trained?;
        let validated = if walk.validate.is_some() { trained.min(CANDIDATES as u64) } else { 0 };
        Some(trained + validated + 1)
    };
    searches.iter().map(|search| of(search.total())).sum()
}
