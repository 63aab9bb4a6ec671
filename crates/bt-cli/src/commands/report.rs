//! `bt report`: a sweep or walk-forward of a folder once more, as it stands.

use std::path::Path;

use bt_sweep::{Progress, SweepResult, ledger};

use super::request::{Prepared, Request};
use super::store;
use super::sweep::{Outcome, show_stored};
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
    let store = store::open(store)?;
    request.check_version(&store)?;
    let prepared = request.prepare(store, None)?;
    let search = prepared.described()?;
    let Prepared { engine, sweep, walk, .. } = &prepared;
    let outcome = match walk {
        Some(walk) => Outcome::WalkForward(engine.walk_forward_of(sweep, walk, contents.trials)?),
        None => {
            let total = prepared.search()?.total();
            let done = contents.trials.len() as u64;
            Outcome::Sweep(SweepResult {
                version: contents.header.bundle_version.parse()?,
                is_complete: total.is_none_or(|total| done >= total),
                progress: Progress { done, total, ..Progress::default() },
                objective: sweep.objective.clone(),
                trials: contents.trials,
            })
        }
    };
    show_stored(&prepared, &search, &outcome, Some(&arguments.folder), arguments.top, output).map(drop)
}
