//! Walk-forward: parameters are searched on one part of the data and judged on a later one, again and again.

use std::collections::HashMap;
use std::ops::Range;

use bt_core::{BarClock, BundleVersion, Calendar};

use crate::engine::job::Scope;
use crate::engine::run::{Candidate, Found, Run, Session};
use crate::engine::{Engine, Observer, Progress, Returns, Sweep};
use crate::folds::{Fold, Role, WalkForward};
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
    /// The returns of the chosen parameters on the tests, joined; where tests overlap, the earlier fold's count. Each test begins
    /// without a holding, and what is held at its end is not sold. [`FoldResult::is_joined`] says which folds are in it.
    pub out_of_sample: Returns,
    /// All trials, those of each fold's train, validation and test.
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
    /// The parameters with the best objective, on the validation where there is one, else on the train. Where no trial has an
    /// objective there, the train's best; where none has one at all, the first that came to a result on all of the train. None
    /// where no trial did.
    pub chosen: Option<Params>,
    /// Their objective on the train; NaN where there is none.
    pub in_sample: f64,
    /// Their objective on the validation; NaN where there is none.
    pub validated: f64,
    /// Their objective on the test; NaN where there is none.
    pub out_of_sample: f64,
    /// Whether its returns on the test are among the [joined ones](WalkForwardResult::out_of_sample): not where nothing was chosen, its
    /// trial failed, or the backtest has none, or fails at them: [`Engine::returns`] says why.
    pub is_joined: bool,
}

impl Engine {
    /// Walks forward: for each fold a search on its train, a comparison of its best trials on the validation if there is one,
    /// and one trial of the chosen parameters on the test.
    ///
    /// Folds are parts of the one open bundle: nothing is read twice, and no trial sees a bar outside of its part and the
    /// warm-up before it. `search` makes each fold's search, with the same parameters in each, all of them before the first trial.
    /// Each chosen trial runs once more for its returns, at the end and without a deadline.
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
        let mut walk = self.prepared(sweep, walk, search)?;
        let described: Vec<String> = walk.searches.iter().map(|search| search.describe()).collect();
        let mut header = self.header(sweep, &walk.names, described.join("; "), &walk.scope)?;
        header.folds = walk.folds.iter().map(|fold| fold.to_string()).collect();
        let mut session = self.session(sweep, &walk.names, header, observer)?;
        let ended = walk.run(&mut session)?;
        let (trials, progress) = session.close()?;
        self.walked(sweep, walk, ended, trials, progress)
    }

    /// What a walk-forward came to, as its trials tell: those of a ledger. None is run but the chosen ones, for their returns: where the
    /// search asks for one that is not there, the walk-forward was interrupted.
    ///
    /// # Errors
    /// As [`walk_forward`](Self::walk_forward).
    pub fn walk_forward_of(
        &self,
        sweep: &Sweep,
        walk: &WalkForward,
        search: &mut dyn FnMut(&Fold) -> Result<Box<dyn Search>>,
        trials: Trials,
    ) -> Result<WalkForwardResult> {
        let (mut walk, observer) = (self.prepared(sweep, walk, search)?, &mut ());
        let mut session = self.session_of(sweep, &walk.names, trials, observer)?;
        let ended = walk.run(&mut session)?;
        let (trials, progress) = session.close()?;
        self.walked(sweep, walk, ended, trials, progress)
    }

    /// Everything that a walk-forward needs before its first trial.
    fn prepared(
        &self,
        sweep: &Sweep,
        walk: &WalkForward,
        search: &mut dyn FnMut(&Fold) -> Result<Box<dyn Search>>,
    ) -> Result<Walk> {
        let scope = self.scope(sweep)?;
        let folds = self.folds(sweep, &scope, walk)?;
        let searches = folds.iter().map(search).collect::<Result<Vec<_>>>()?;
        let names = same_names(&searches)?;
        let total = total(&searches, walk);
        Ok(Walk { scope, folds, searches, names, total })
    }

    /// What came out of the first folds, which came to their end.
    fn walked(
        &self,
        sweep: &Sweep,
        walk: Walk,
        ended: usize,
        trials: Trials,
        progress: Progress,
    ) -> Result<WalkForwardResult> {
        let Walk { scope, mut folds, .. } = walk;
        let is_complete = ended == folds.len();
        folds.truncate(ended);
        let metric = sweep.objective.position(trials.metric_names())?;
        let mut folds = FoldResult::of_each(folds, &trials, metric);
        let out_of_sample = self.joined(sweep, &scope, &mut folds)?;
        Ok(WalkForwardResult { version: scope.version, folds, out_of_sample, trials, is_complete, progress })
    }

    /// The folds of the moments that count, as moments of the bundle. Warm-up comes from before them, as far as there is data.
    fn folds(&self, sweep: &Sweep, scope: &Scope, walk: &WalkForward) -> Result<Vec<Fold>> {
        let mut worker = self.supplies.layers.worker()?;
        let trial = worker.trial_on(&sweep.bundle, scope.version)?;
        let (calendar, clock) = (trial.bundle().calendar(), BarClock::of(&**trial.bundle())?);
        let first = scope.scored.start.saturating_sub(walk.warm_up);
        let moments = &calendar.as_slice()[first..scope.scored.end];
        let shift = |part: Range<usize>| part.start + first..part.end + first;
        let folds = walk.folds(Calendar::from_sorted(moments), &clock)?.into_iter().map(|fold| Fold {
            train: shift(fold.train),
            validate: fold.validate.map(shift),
            test: shift(fold.test),
            ..fold
        });
        Ok(folds.collect())
    }

    /// The returns of what was chosen, test after test, and which folds have any.
    fn joined(&self, sweep: &Sweep, scope: &Scope, folds: &mut [FoldResult]) -> Result<Returns> {
        let mut joined = Returns::default();
        for result in folds.iter_mut().filter(|result| result.is_joined) {
            let Some(params) = &result.chosen else { continue };
            let scope = part(scope, &result.fold, &result.fold.test);
            let returns = match self.returns_on(sweep, &scope, params) {
                Ok(Some(returns)) => returns,
                Err(error @ (Error::Data(_) | Error::Io { .. })) => return Err(error),
                failed_or_none => {
                    if let Err(error) = failed_or_none {
                        tracing::warn!(target: "bt_sweep", fold = result.fold.index, %error, "a test has no returns");
                    }
                    result.is_joined = false;
                    continue;
                }
            };
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

/// A walk-forward before its first trial.
struct Walk {
    scope: Scope,
    folds: Vec<Fold>,
    /// One for each fold.
    searches: Vec<Box<dyn Search>>,
    names: Names,
    total: Option<u64>,
}

impl Walk {
    /// How many folds came to their end, the first of all.
    fn run(&mut self, session: &mut Session<'_>) -> Result<usize> {
        session.progress.total = self.total;
        for (ended, (fold, search)) in self.folds.iter().zip(&mut self.searches).enumerate() {
            let run = FoldRun { session, scope: &self.scope, fold, names: &self.names };
            if !run.run(&mut **search)? {
                return Ok(ended);
            }
        }
        Ok(self.folds.len())
    }
}

impl FoldResult {
    /// Folds that came to their end, as their trials tell. O(trials + folds).
    fn of_each(folds: Vec<Fold>, trials: &Trials, metric: usize) -> Vec<Self> {
        let mut parts: HashMap<u32, Vec<Trial<'_>>> = HashMap::new();
        trials.iter().filter(is_full).for_each(|trial| parts.entry(trial.part()).or_default().push(trial));
        let result = |fold: Fold| {
            let part =
                |role: Role| parts.get(&role.part(fold.index as u32)).map(Vec::as_slice).unwrap_or_default();
            let tested = part(Role::Test).first();
            let chosen = tested.map(|trial| trial.params());
            let of_chosen = |role: Role| {
                let trial = part(role).iter().find(|trial| Some(trial.params()) == chosen);
                trial.map_or(f64::NAN, |trial| value(trial, metric))
            };
            Self {
                in_sample: of_chosen(Role::Train),
                validated: of_chosen(Role::Validation),
                out_of_sample: of_chosen(Role::Test),
                is_joined: tested.is_some_and(Trial::is_done),
                chosen,
                fold,
            }
        };
        folds.into_iter().map(result).collect()
    }
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
            let Some(validated) = self.again(&best, validate, Role::Validation)? else { return Ok(false) };
            // Without an objective it tells nothing.
            if validated.first().is_some_and(|best| !best.score.is_nan()) {
                best = validated;
            }
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
        let part = role.part(self.fold.index as u32);
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
