//! `bt report`: a sweep or walk-forward of a folder once more, as it stands.

use std::path::Path;

use bt_sweep::{BacktestId, ledger};

use super::request::{Prepared, Request};
use super::sweep::{Outcome, show};
use super::{results, store};
use crate::arguments::ReportArguments;
use crate::exit::{Code, Failure};
use crate::output::Output;

pub(crate) fn run(arguments: &ReportArguments, store: &Path, output: Output) -> Result<(), Failure> {
    let request = Request::read(&arguments.folder)?;
    if !Request::has_begun(&arguments.folder) {
        let message = format!("the sweep of {} has no trial yet", arguments.folder.display());
        let hint = format!("`--resume {}` begins it", arguments.folder.display());
        return Err(Failure::new(Code::NotFound, message).with_hint(hint));
    }
    let contents = ledger::read(&arguments.folder)?;
    // Trials need neither the bars that they ran on nor the strategy; what is said of them does.
    let without = |failure| match ledger::read(&arguments.folder) {
        Ok(contents) => results::only_tables(failure, &arguments.folder, &contents.trials),
        Err(_) => failure,
    };
    let (prepared, search, outcome) =
        outcome_of(&arguments.folder, request, contents, store).map_err(without)?;
    show(&prepared, &search, &outcome, Some(&arguments.folder), arguments.top, output).map(drop)
}

/// What the trials of a ledger come to, on the bars that they ran on.
fn outcome_of(
    folder: &Path,
    request: Request,
    contents: ledger::Contents,
    store: &Path,
) -> Result<(Prepared, String, Outcome), Failure> {
    let store = store::open(store)?;
    request.check_version(&store)?;
    let prepared = request.prepare_kept(folder, store, None)?;
    let search = prepared.described()?;
    let Prepared { engine, sweep, walk, .. } = &prepared;
    check_strategy(&contents.header, &engine.id(sweep)?)?;
    let outcome = match walk {
        Some(walk) => {
            let search = &mut prepared.search_of_fold();
            Outcome::WalkForward(engine.walk_forward_of(sweep, walk, search, contents.trials)?)
        }
        None => Outcome::Sweep(engine.result_of(sweep, &mut *prepared.search()?, contents.trials)?),
    };
    Ok((prepared, search, outcome))
}

/// Refuses trials of another version of the strategy, or of other rules of accounting: its searches and its curves would not be
/// those of the trials.
fn check_strategy(header: &ledger::Header, now: &BacktestId) -> Result<(), Failure> {
    let then = BacktestId {
        name: header.strategy.clone(),
        version: header.strategy_version,
        settings: header.settings.clone(),
    };
    if then == *now {
        return Ok(());
    }
    Err(Failure::new(Code::NotFound, format!("these trials are of {then}; this program has {now}")))
}
