//! `bt sweep`, and what `bt walk-forward` shares with it.

use std::path::{Path, PathBuf};

use bt_sweep::bt_core::Timestamp;
use bt_sweep::report::{self, Overfitting, ReportData};
use bt_sweep::results::Trials;
use bt_sweep::{Observer, SweepResult, TrialRecord, WalkForwardResult};

use super::request::{Prepared, Request, holds_one};
use super::results::{self, Results, figure};
use super::store;
use crate::arguments::{FoldArguments, RunArguments};
use crate::exit::{Code, Failure};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::{Progress, Show};

/// Runs a sweep, or with `folds` a walk-forward.
pub(crate) fn run(
    run: &RunArguments,
    folds: Option<&FoldArguments>,
    store: &Path,
    output: Output,
) -> Result<(), Failure> {
    let store = store::open(store)?;
    let request = match &run.resume {
        Some(folder) => resumed(folder, folds.is_some())?,
        None => Request::new(run, folds, &store)?,
    };
    if let Some(newer) = run.resume.as_ref().and_then(|_| request.newer(&store)) {
        output.note(newer);
    }
    if run.resume.is_some() {
        request.check_version(&store)?;
    }
    let mut prepared = match &run.resume {
        Some(folder) => request.prepare_kept(folder, store, run.workers)?,
        None => request.prepare(store, run.workers)?,
    };
    let search = prepared.described()?;
    if let (None, Some(words)) = (&run.resume, prepared.warm_up()) {
        output.note(words);
    }
    if let (None, Some(words)) = (&run.resume, prepared.not_applied()?) {
        output.note(words);
    }
    let is_taken = run.out.as_deref().is_some_and(Request::has_begun);
    let folder = keep(&mut prepared, run)?;
    let interrupt = Interrupt::listen(output, || ())?;
    let mut watch =
        Watch::new(interrupt, Progress::start(Show::of(output), "trial", None, 0), folds.is_some());
    let outcome = Outcome::of(&prepared, &mut watch);
    watch.progress.finish();
    let outcome = outcome.map_err(|failure| not_begun(failure, run, is_taken))?;
    match show(&prepared, &search, &outcome, folder.as_deref(), run.top, output)? {
        true => Ok(()),
        false => Err(interrupted(folder.as_deref())),
    }
}

/// The request of a folder, if it is one of the command that it is given to.
fn resumed(folder: &Path, walks: bool) -> Result<Request, Failure> {
    let request = Request::read(folder)?;
    if request.folds.is_some() == walks {
        return Ok(request);
    }
    let (is, other) = if walks { ("sweep", "sweep") } else { ("walk-forward", "walk-forward") };
    let message = format!("{} holds a {is}", folder.display());
    Err(Failure::new(Code::Usage, message).with_hint(format!("bt {other} --resume {}", folder.display())))
}

fn keep(prepared: &mut Prepared, run: &RunArguments) -> Result<Option<PathBuf>, Failure> {
    if let Some(folder) = &run.resume {
        // A sweep that ended before its ledger began has nothing to go on with.
        let resume = folder.join("sweep.json").exists();
        prepared.keep(folder.clone(), resume);
        return Ok(Some(folder.clone()));
    }
    let Some(folder) = &run.out else { return Ok(None) };
    // Where another one runs there, the engine says which; else it refuses.
    if !Request::has_begun(folder) {
        check_results(folder)?;
        prepared.request.write(folder)?;
    }
    prepared.keep(folder.clone(), false);
    Ok(Some(folder.clone()))
}

/// # Errors
/// Where a folder without a sweep holds files of the names that a sweep writes: they are somebody's.
fn check_results(folder: &Path) -> Result<(), Failure> {
    let Some(file) = results::FILES.iter().map(|name| folder.join(name)).find(|file| file.exists()) else {
        return Ok(());
    };
    let message = format!("{} is there, and {} holds no sweep", file.display(), folder.display());
    Err(Failure::new(Code::Usage, message)
        .with_hint("--out DIR names a folder that is empty, or not there yet"))
}

/// What became of a sweep that failed: one that could not even begin leaves no folder behind.
fn not_begun(failure: Failure, run: &RunArguments, is_taken: bool) -> Failure {
    match &run.out {
        Some(folder) if is_taken && failure.code == Code::Usage => holds_one(folder),
        Some(folder) if !is_taken && Request::has_begun(folder) && failure.code == Code::Failure => {
            failure.with_hint(format!("what ran is kept; `--resume {}` goes on", folder.display()))
        }
        Some(folder) if !is_taken => {
            Request::withdraw(folder);
            failure
        }
        _ => failure,
    }
}

/// What either command came to.
pub(crate) enum Outcome {
    Sweep(SweepResult),
    WalkForward(WalkForwardResult),
}

impl Outcome {
    fn of(prepared: &Prepared, watch: &mut Watch) -> Result<Self, Failure> {
        let Prepared { engine, sweep, walk, .. } = prepared;
        match walk {
            None => Ok(Self::Sweep(engine.run(sweep, &mut *prepared.search()?, watch)?)),
            Some(walk) => {
                let result = engine.walk_forward(sweep, walk, &mut prepared.search_of_fold(), watch)?;
                Ok(Self::WalkForward(result))
            }
        }
    }
}

impl Outcome {
    fn trials(&self) -> &Trials {
        match self {
            Self::Sweep(result) => &result.trials,
            Self::WalkForward(result) => &result.trials,
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Sweep(result) => result.is_complete,
            Self::WalkForward(result) => result.is_complete,
        }
    }

    /// Trials in all, where the search knows.
    fn planned(&self) -> Option<u64> {
        match self {
            Self::Sweep(result) => result.progress.total,
            Self::WalkForward(result) => result.progress.total,
        }
    }

    /// How much of the best trial is luck. A walk-forward answers that by its tests.
    fn overfitting(&self) -> Option<Overfitting> {
        match self {
            Self::Sweep(result) => report::deflate(&result.trials, &result.objective),
            Self::WalkForward(_) => None,
        }
    }
}

/// A sweep that is not complete was interrupted.
fn interrupted(folder: Option<&Path>) -> Failure {
    let failure = Failure::new(Code::Interrupted, "interrupted before all trials had run");
    match folder {
        Some(folder) => {
            failure.with_hint(format!("`--resume {}` goes on where it stopped", folder.display()))
        }
        None => failure.with_hint("with --out DIR a sweep can go on where it stopped"),
    }
}

/// Writes the folder's files and shows the rest; tells whether the sweep is complete.
pub(crate) fn show(
    prepared: &Prepared,
    search: &str,
    outcome: &Outcome,
    folder: Option<&Path>,
    top: usize,
    output: Output,
) -> Result<bool, Failure> {
    let Prepared { engine, sweep, .. } = prepared;
    let trials = outcome.trials();
    let failed = |error| without_page(error, folder, trials);
    let mut page = folder.map(|_| page(prepared, search, outcome)).transpose().map_err(failed)?;
    if let Some(page) = &mut page {
        page.facts.year = prepared.annual().map_or_else(String::new, |year| year.to_string());
    }
    // What cannot be written is shown all the same, and told after it.
    let written = folder.zip(page.as_ref()).map(|(folder, page)| results::write(folder, trials, page));
    let (files, unwritten) = match written.transpose() {
        Ok(files) => (files.unwrap_or_default(), Ok(())),
        Err(failure) => (Vec::new(), Err(failure)),
    };
    let overfitting = match page {
        Some(page) => page.overfitting,
        None => outcome.overfitting(),
    };
    let (folds, out_of_sample) = match outcome {
        Outcome::Sweep(_) => (None, None),
        Outcome::WalkForward(result) => (Some(&result.folds[..]), prepared.joined(&result.out_of_sample)?),
    };
    let results = Results {
        request: &prepared.request,
        search,
        trials,
        objective: &sweep.objective,
        top,
        is_complete: outcome.is_complete(),
        planned: outcome.planned(),
        overfitting: overfitting.as_ref(),
        folds,
        spans: engine.fold_spans(sweep, folds.unwrap_or_default()).map_err(failed)?,
        out_of_sample,
        missing_returns: engine.missing_returns(sweep).map_err(failed)?,
        last: Timestamp::from_nanos(engine.span(sweep).map_err(failed)?.last_ns),
        clock: &prepared.clock,
        year: prepared.annual(),
        files,
    };
    output.show(&results.json(), &results)?;
    unwritten?;
    match results.all_failed() {
        Some(failure) if results.is_complete => Err(failure),
        _ => Ok(results.is_complete),
    }
}

/// What the page shows. The best trials run once more for it, so nothing else may need it.
fn page(prepared: &Prepared, search: &str, outcome: &Outcome) -> bt_sweep::Result<ReportData> {
    let Prepared { engine, sweep, .. } = prepared;
    // Page and tables take the place of what no trial needs any more.
    engine.series().clear();
    match outcome {
        Outcome::Sweep(result) => engine.report(sweep, search, result),
        Outcome::WalkForward(result) => engine.walk_forward_report(sweep, search, result),
    }
}

/// What was asked for was found right before the first trial: it is no question of usage any more.
fn without_page(error: bt_sweep::Error, folder: Option<&Path>, trials: &Trials) -> Failure {
    let mut failure = Failure::from(error);
    if failure.code == Code::Usage {
        failure.code = Code::Failure;
    }
    match folder {
        Some(folder) => results::only_tables(failure, folder, trials),
        None => failure,
    }
}

/// Shows how far a sweep is, and ends it on Ctrl-C.
struct Watch {
    interrupt: Interrupt,
    progress: Progress,
    best: Option<f64>,
    walks: bool,
}

impl Watch {
    fn new(interrupt: Interrupt, progress: Progress, walks: bool) -> Self {
        Self { interrupt, progress, best: None, walks }
    }
}

impl Observer for Watch {
    fn finished(&mut self, trial: &TrialRecord, so_far: &bt_sweep::Progress) {
        self.progress.at(so_far.done, so_far.known, so_far.total);
        // The parts of a walk-forward do not compare.
        let best = so_far.best.filter(|_| !self.walks && so_far.best != self.best);
        if let Some(best) = best {
            self.best = so_far.best;
            self.progress.best(format!("{} ({})", figure(best), trial.params));
        }
    }

    fn is_cancelled(&mut self) -> bool {
        self.interrupt.asked()
    }
}
