//! What a sweep came to: tables for people, one object for programs, files in its folder.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use bt_sweep::bt_core::{BarClock, Timestamp};
use bt_sweep::ledger::remove_leftovers;
use bt_sweep::report::{self, Overfitting, ReportData};
use bt_sweep::results::{Trial, Trials};
use bt_sweep::{FoldResult, FoldSpans, Metric, Metrics, Objective, Value, Year};
use serde_json::{Map, Value as Json, json};

use super::request::Request;
use crate::exit::{Code, Failure};
use crate::output::{Align, Table, counted, escaped, grouped, shortened};

/// Metrics that are shown beside the objective, where a backtest has them.
const SHOWN: [&str; 8] = [
    "sharpe",
    "total_return",
    "annual_return",
    "max_drawdown",
    "trades",
    "open_trades",
    "open_return",
    "sum_of_returns",
];

/// Counts that are shown where one of the trials in the table has any.
const SHOWN_IF_ANY: [&str; 2] = ["waits", "missing_returns"];

/// All of it, to be shown.
pub(crate) struct Results<'r> {
    pub(crate) request: &'r Request,
    /// The search in words.
    pub(crate) search: &'r str,
    pub(crate) trials: &'r Trials,
    pub(crate) objective: &'r Objective,
    pub(crate) top: usize,
    pub(crate) is_complete: bool,
    /// Trials in all, where the search knows.
    pub(crate) planned: Option<u64>,
    pub(crate) overfitting: Option<&'r Overfitting>,
    /// Of a walk-forward.
    pub(crate) folds: Option<&'r [FoldResult]>,
    /// When their parts are; as many.
    pub(crate) spans: Vec<FoldSpans>,
    /// Over all tests joined, of a walk-forward: the metrics that returns alone tell.
    pub(crate) out_of_sample: Option<Metrics>,
    /// How many returns of closes are missing.
    pub(crate) missing_returns: u64,
    /// The last moment of the data.
    pub(crate) last: Timestamp,
    /// What people call bars.
    pub(crate) clock: &'r BarClock,
    /// What annual figures are computed with, where there are any.
    pub(crate) year: Option<Year>,
    pub(crate) files: Vec<PathBuf>,
}

/// The files that a sweep writes for people, beside those that it goes on from.
pub(crate) const FILES: [&str; 3] = ["trials.parquet", "trials.csv", "report.html"];

/// Writes tables and page into a sweep's folder; tells their names.
pub(crate) fn write(folder: &Path, trials: &Trials, page: &ReportData) -> Result<Vec<PathBuf>, Failure> {
    let mut files = write_tables(folder, trials)?;
    files.push(folder.join(FILES[2]));
    report::write(page, &files[2])?;
    Ok(files)
}

/// Writes the tables into a sweep's folder; tells their names.
fn write_tables(folder: &Path, trials: &Trials) -> Result<Vec<PathBuf>, Failure> {
    remove_leftovers(folder);
    let [parquet, csv, _] = FILES.map(|name| folder.join(name));
    trials.write_parquet(&parquet)?;
    trials.write_csv(&csv)?;
    Ok(vec![parquet, csv])
}

/// Writes the tables where there can be no page; the failure says why, and that they are there.
pub(crate) fn only_tables(failure: Failure, folder: &Path, trials: &Trials) -> Failure {
    let count = counted(trials.len() as u64, "trial");
    let tables = match write_tables(folder, trials) {
        Ok(files) => {
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            format!("{count} of the sweep are written to {}", files.join(" and "))
        }
        Err(unwritten) => {
            format!("{count} of the sweep could not be written as tables: {}", unwritten.message)
        }
    };
    let hint = failure.hint.iter().cloned().chain([tables]).collect::<Vec<_>>().join("; ");
    failure.with_hint(hint)
}

impl Results<'_> {
    /// What a script shall notice, though each trial that failed is a result: all of them did.
    pub(crate) fn all_failed(&self) -> Option<Failure> {
        let failed = !self.trials.is_empty() && self.trials.iter().all(|trial| !trial.is_done());
        failed.then(|| {
            Failure::new(Code::Failure, "no trial came to a result: all of them failed or were late")
        })
    }

    pub(crate) fn json(&self) -> Json {
        let count = |status: &str| self.trials.iter().filter(|trial| trial.status_name() == status).count();
        let mut object = json!({
            "strategy": self.request.strategy,
            "bundle": self.request.bundle,
            "bundle_version": self.request.bundle_version,
            "search": self.search,
            "complete": self.is_complete,
            "objective": self.objective.to_string(),
            "trials": {
                "total": self.trials.len(),
                "planned": self.planned,
                "done": count("done"),
                "failed": count("failed"),
                "deadline": count("deadline"),
            },
            "first_failure": self.first_failure().map(shortened),
            "missing_returns": self.missing_returns,
            "top": self.best().into_iter().map(|trial| self.trial_json(trial)).collect::<Vec<_>>(),
            // JSON is UTF-8, and paths may be anything.
            "files": self.files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
            "periods_per_year": self.year.map(|year| year.periods),
            "periods_per_year_reason": self.year.map(|year| year.reason.to_string()),
        });
        if let Some(luck) = self.overfitting {
            object["overfitting"] = json!({
                "trials": luck.trials,
                "sharpe": finite(luck.sharpe),
                "expected_maximum_sharpe": finite(luck.expected_maximum),
                "deflated_sharpe": finite(luck.deflated),
                "probability_of_overfitting": finite(luck.pbo.as_ref().map(|pbo| pbo.probability)),
                "probability_of_overfitting_undefined": luck.no_pbo,
            });
        }
        if let Some(folds) = self.folds {
            object["folds"] =
                folds.iter().zip(&self.spans).map(|(fold, span)| self.fold_json(fold, span)).collect();
            let of = |metric: Metric| finite(self.out_of_sample.map(|metrics| metrics.get(metric)));
            object["out_of_sample_return"] = of(Metric::TotalReturn);
            object["out_of_sample_sharpe"] = of(Metric::Sharpe);
            object["out_of_sample_max_drawdown"] = of(Metric::MaxDrawdown);
            object["untested_folds"] = folds.iter().filter(|fold| !fold.is_joined).count().into();
            object["untested_after"] = self.untested_after().map(|moment| moment.to_string()).into();
            object["untested_after_day"] = self.untested_after().map(|known| self.day(known)).into();
        }
        object
    }

    /// The best trials; none of a walk-forward, whose parts do not compare.
    fn best(&self) -> Vec<Trial<'_>> {
        if self.folds.is_some() {
            return Vec::new();
        }
        self.trials.top(self.top, self.objective).unwrap_or_default()
    }

    fn trial_json(&self, trial: Trial<'_>) -> Json {
        let metrics = self.trials.metric_names().iter().zip(trial.metrics());
        let metrics: Map<String, Json> =
            metrics.map(|(name, value)| (name.clone(), finite(Some(*value)))).collect();
        let params = params_json(&trial.params());
        json!({ "number": trial.number(), "fidelity": trial.fidelity(), "params": params, "metrics": metrics })
    }

    /// What an account would have valued at the next close, and a sum of returns leaves out.
    fn missing(&self) -> Option<String> {
        let leaves_out = self.missing_returns > 0 && self.request.is_vectorised();
        leaves_out.then(|| {
            format!(
                "missing returns, at which a position earns nothing: {}; there a close is missing, or the one before is \
                 missing, 0 or below",
                grouped(self.missing_returns)
            )
        })
    }

    fn first_failure(&self) -> Option<&str> {
        self.trials.iter().find_map(Trial::message)
    }

    fn fold_json(&self, fold: &FoldResult, span: &FoldSpans) -> Json {
        json!({
            "fold": fold.fold.index,
            "train_span": moments(span.train),
            "train_days": self.days(span.train),
            "validation_span": span.validation.map(moments),
            "validation_days": span.validation.map(|validation| self.days(validation)),
            "test_span": moments(span.test),
            "test_days": self.days(span.test),
            "params": fold.chosen.as_ref().map(params_json),
            "in_sample": finite(Some(fold.in_sample)),
            "validation": finite(Some(fold.validated)),
            "out_of_sample": finite(Some(fold.out_of_sample)),
        })
    }

    /// What people call the first and the last bar.
    fn days(&self, span: report::Span) -> [String; 2] {
        [span.first_ns, span.last_ns].map(|known| self.day(Timestamp::from_nanos(known)))
    }

    fn day(&self, known: Timestamp) -> String {
        self.clock.name(known).to_string()
    }

    /// What all tests joined come to, and which are not among them.
    fn joined(&self, folds: &[FoldResult]) -> String {
        let tested = folds.iter().filter(|fold| fold.is_joined).count();
        let (Some(metrics), 1..) = (self.out_of_sample, tested) else {
            return "out of sample: no test came to returns".to_owned();
        };
        let tests = match folds.len() {
            all if tested < all => format!(
                "{tested} of {} joined, since the others came to no returns",
                counted(all as u64, "test")
            ),
            _ if self.is_complete => "all tests joined".to_owned(),
            _ => "the tests so far joined".to_owned(),
        };
        let [total, drawdown] =
            [Metric::TotalReturn, Metric::MaxDrawdown].map(|metric| percent(metrics.get(metric)));
        let sharpe = figure(metrics.get(Metric::Sharpe));
        format!(
            "out of sample, over {tests}: return {total}, Sharpe ratio {sharpe}, deepest drawdown {drawdown}"
        )
    }

    /// The end of the last test of a walk-forward, where there are later bars: too few for another fold.
    fn untested_after(&self) -> Option<Timestamp> {
        let last = self.spans.iter().map(|fold| fold.test.last_ns).max().filter(|_| self.is_complete)?;
        (self.last.as_nanos() > last).then(|| Timestamp::from_nanos(last))
    }

    /// The metrics of the table: the objective first.
    fn shown(&self, rows: &[Trial<'_>]) -> Vec<(usize, &str)> {
        let names = self.trials.metric_names();
        let place = |name: &str| names.iter().position(|known| known == name);
        let has_any =
            |name: &&str| place(name).is_some_and(|at| rows.iter().any(|row| row.metrics()[at] > 0.0));
        let counts = SHOWN_IF_ANY.into_iter().filter(has_any);
        let all = std::iter::once(self.objective.metric.as_str()).chain(SHOWN).chain(counts);
        let mut shown: Vec<(usize, &str)> = Vec::new();
        for name in all {
            if let Some(at) = place(name).filter(|at| shown.iter().all(|(known, _)| known != at)) {
                shown.push((at, &names[at]));
            }
        }
        shown
    }

    fn table(&self) -> String {
        let best = self.best();
        let shown = self.shown(&best);
        let mut header = vec![String::from("trial")];
        header.extend(self.trials.names().as_slice().iter().cloned());
        header.extend(shown.iter().map(|(_, name)| (*name).to_owned()));
        let mut table = Table::new(header.into_iter().map(|name| (name, Align::Right)));
        for trial in best {
            let metrics = shown.iter().map(|(at, _)| figure(trial.metrics()[*at]));
            let values = trial.values().map(|value| value.to_string());
            table.row(std::iter::once(trial.number().to_string()).chain(values).chain(metrics));
        }
        table.to_string()
    }

    fn fold_table(&self, folds: &[FoldResult]) -> String {
        let names = folds.iter().find_map(|fold| fold.chosen.as_ref()).map(|params| params.names().clone());
        let names = names.map(|names| names.as_slice().to_vec()).unwrap_or_default();
        let mut header = ["fold", "test from", "to"].map(String::from).to_vec();
        header.extend(names.iter().cloned());
        header.extend(["in sample", "validation", "out of sample"].map(String::from));
        let mut table = Table::new(header.into_iter().map(|name| (name, Align::Right)));
        for (fold, span) in folds.iter().zip(&self.spans) {
            let values: Vec<String> = match &fold.chosen {
                Some(params) => params.values().iter().map(Value::to_string).collect(),
                None => vec!["-".into(); names.len()],
            };
            let objectives = [fold.in_sample, fold.validated, fold.out_of_sample].map(figure);
            let [from, to] = self.days(span.test);
            table.row([fold.fold.index.to_string(), from, to].into_iter().chain(values).chain(objectives));
        }
        table.to_string()
    }
}

impl Display for Results<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.trials.iter().filter(Trial::is_done).count() as u64;
        let other = self.trials.len() as u64 - done;
        write!(f, "{} done", counted(done, "trial"))?;
        if other > 0 {
            write!(f, ", {} failed or late", grouped(other))?;
        }
        match self.planned {
            _ if self.is_complete => {}
            Some(planned) => write!(f, "; the sweep is not complete, of {}", counted(planned, "trial"))?,
            None => write!(f, "; the sweep is not complete")?,
        }
        write!(f, "; {}", self.objective)?;
        match self.folds {
            Some(folds) => write!(f, "\n\n{}", self.fold_table(folds))?,
            None if self.top == 0 => {}
            None if self.best().is_empty() => {
                write!(f, "\n\nno trial has a value of {}", self.objective.metric)?
            }
            None => write!(f, "\n\n{}", self.table())?,
        }
        if let Some(note) = self.missing() {
            write!(f, "\n\n{note}")?;
        }
        if let Some(message) = self.first_failure() {
            write!(f, "\n\nfirst failure: {}", escaped(&shortened(message)))?;
        }
        if let Some(folds) = self.folds.filter(|folds| !folds.is_empty()) {
            write!(f, "\n\n{}", self.joined(folds))?;
        }
        if let Some(moment) = self.untested_after() {
            write!(f, "\nbars after {} are in no test: they are too few for another fold", self.day(moment))?;
        }
        if let Some(luck) = self.overfitting {
            write!(f, "\n\n{}", Luck(luck))?;
            if !self.is_complete {
                write!(f, "\nof the trials so far: which is best is not known before all have run")?;
            }
        }
        if let Some(year) = self.year {
            write!(f, "\n\nannual figures count {} bars a year: {}", year.periods, year.reason)?;
        }
        if !self.files.is_empty() {
            let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
            write!(f, "\n\nwritten: {}", escaped(&files.join(", ")))?;
        }
        Ok(())
    }
}

/// What the best trial is worth after the search for it.
struct Luck<'l>(&'l Overfitting);

impl Display for Luck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [self.raw(), self.deflated(), self.overfitted()];
        f.write_str(&lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
    }
}

impl Luck<'_> {
    fn raw(&self) -> Option<String> {
        let raw = format!("Sharpe ratio of the best trial {}", figure(self.0.sharpe?));
        Some(match self.0.expected_maximum {
            Some(expected) => {
                let trials = counted(self.0.trials, "trial");
                format!("{raw}; the best of {trials} without skill would show {}", figure(expected))
            }
            None => raw,
        })
    }

    fn deflated(&self) -> Option<String> {
        let deflated = percent(self.0.deflated?);
        Some(format!("deflated Sharpe ratio: {deflated} that there is skill"))
    }

    fn overfitted(&self) -> Option<String> {
        match (&self.0.pbo, &self.0.no_pbo) {
            (Some(pbo), _) => {
                let probability = percent(pbo.probability);
                Some(format!("probability of backtest overfitting, by Sharpe ratios: {probability}"))
            }
            (None, Some(reason)) => Some(format!("probability of backtest overfitting: undefined; {reason}")),
            (None, None) => None,
        }
    }
}

/// The first and the last moment.
fn moments(span: report::Span) -> [String; 2] {
    [span.first_ns, span.last_ns].map(|ns| Timestamp::from_nanos(ns).to_string())
}

fn params_json(params: &bt_sweep::Params) -> Json {
    let pairs = params.names().as_slice().iter().zip(params.values());
    let value = |value: &Value| match value {
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Text(value) => json!(&**value),
    };
    Json::Object(pairs.map(|(name, one)| (name.clone(), value(one))).collect())
}

/// JSON has no NaN.
fn finite(value: Option<f64>) -> Json {
    value.filter(|value| value.is_finite()).map_or(Json::Null, Json::from)
}

/// Four digits are what a backtest can honestly claim.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".into(),
        size if (size == 0.0 || size >= 1.0) && value.fract() == 0.0 => format!("{value:.0}"),
        0.0..10.0 => format!("{value:.4}"),
        10.0..1000.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
