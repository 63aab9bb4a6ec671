//! The report of a sweep or a walk-forward as one page that needs nothing else: no network, no other file.
//!
//! Trials stream through a [`Summarizer`], which keeps aggregates of a bounded size; [`html`] puts them and what else a
//! [`ReportData`] holds into a page of at most 5 MB, however many trials there are.
//!
//! ```
//! use bt_sweep::report::{Facts, Parameter, ReportData, Summarizer, TrialRow, html};
//! use bt_sweep::{Objective, Status, Value};
//!
//! let parameters = [Parameter::of_values("fast", [5, 10]), Parameter::of_values("slow", [50, 100])];
//! let mut summarizer = Summarizer::new(&parameters, &["sharpe".into()], Objective::maximize("sharpe"))?;
//! for (number, (fast, slow)) in [(5, 50), (5, 100), (10, 50), (10, 100)].into_iter().enumerate() {
//!     summarizer.add(&TrialRow {
//!         number: number as u64,
//!         fold: 0,
//!         params: &[Value::Int(fast), Value::Int(slow)],
//!         fidelity: 1.0,
//!         status: &Status::Done,
//!         metrics: &[(slow / fast) as f64 / 10.0],
//!         worker: 0,
//!         started_us: number as u64 * 50,
//!         took_us: 45,
//!     })?;
//! }
//! let page = html(&ReportData::new(Facts::default(), summarizer.finish()));
//! assert!(page.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), bt_sweep::Error>(())
//! ```

mod assemble;
mod axis;
mod columns;
mod curve;
mod extras;
mod heatmap;
mod lanes;
mod marginal;
mod packed;
mod page;
mod sample;
mod summary;
mod top;

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

pub use assemble::{deflate, summarize};
pub use axis::{Axis, Domain, MAX_CELLS, Parameter};
pub use curve::{Curve, MAX_POINTS};
pub use extras::{Fold, Histogram, NoPbo, Overfitting, Pbo, Span, WalkForward};
pub use heatmap::{Heatmap, Layer};
pub use lanes::{Lane, MAX_BINS, TimeLine};
pub use marginal::Marginal;
pub use packed::{Packed, Plain};
pub use page::{MAX_BYTES, html};
pub use sample::{MAX_SAMPLED, SampledTrial};
pub use summary::{
    Counts, Failure, MAX_NAMES, MAX_SLICED_TRIALS, Rung, SliceMetric, Slices, Summarizer, TrialRow,
    TrialSummary,
};
pub use top::{MAX_TOP, TopTrial};

use crate::Result;
use crate::ledger::disk::replace;

/// Everything that a report shows.
#[derive(Clone, Debug, Serialize)]
pub struct ReportData {
    /// What was run.
    pub facts: Facts,
    /// What came out of the trials.
    pub trials: TrialSummary,
    /// Equity of the best trials; the page draws the first ten.
    pub curves: Vec<Curve>,
    /// Equity of buying the same assets at the start and holding them.
    pub buy_and_hold: Option<Curve>,
    /// The folds, where it was a walk-forward.
    pub walk_forward: Option<WalkForward>,
    /// What is left of the best result when the search for it is taken into account.
    pub overfitting: Option<Overfitting>,
    /// Where the sweep was interrupted: how far it had come. The page says so first.
    pub unfinished: Option<Unfinished>,
}

/// A sweep that did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// Trials that there are.
    pub trials: u64,
    /// Trials that there would have been, where the search knows.
    pub planned: Option<u64>,
}

impl ReportData {
    /// A report of trials alone; its other parts are filled in as far as they are known.
    pub fn new(facts: Facts, trials: TrialSummary) -> Self {
        Self {
            facts,
            trials,
            curves: Vec::new(),
            buy_and_hold: None,
            walk_forward: None,
            overfitting: None,
            unfinished: None,
        }
    }
}

/// What was run, in words.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// The strategy's name.
    pub strategy: String,
    /// The strategy's version.
    pub version: u32,
    /// What else its results depend on; empty where there is nothing.
    pub settings: String,
    /// The bundle's name.
    pub bundle: String,
    /// The bundle's version.
    pub bundle_version: String,
    /// The assets, by name.
    pub assets: Vec<String>,
    /// The bars that were used, from the first to the last.
    pub range: Option<Span>,
    /// How many bars make a year, and why; empty where there are no annual figures.
    pub year: String,
    /// How many [returns of closes are missing](crate::missing_returns).
    pub missing_returns: u64,
    /// The search in one line.
    pub search: String,
    /// What the sweep took, in microseconds.
    pub duration_us: Option<u64>,
    /// How many workers there were.
    pub workers: u32,
}

/// Writes the page to a file, whole or not at all.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) with the path.
pub fn write(data: &ReportData, path: impl AsRef<Path>) -> Result<()> {
    replace(path.as_ref(), |file| file.write_all(html(data).as_bytes()))
}
