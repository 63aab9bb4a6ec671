//! Trials, one after the other, into what the page shows of them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::axis::{Axis, Parameter};
use super::columns::Columns;
use super::heatmap::{self, Heatmap};
use super::lanes::{Lanes, TimeLine};
use super::marginal::{self, Marginal};
use super::packed::{MAX_LABEL, Packed, clipped, number, values};
use super::sample::{SampledTrial, Sampler};
use super::top::{Top, TopTrial};
use crate::{Error, Objective, Result, Status, Value};

/// One finished trial, as the summary reads it.
#[derive(Clone, Copy, Debug)]
pub struct TrialRow<'a> {
    /// Its number among the search's proposals.
    pub number: u64,
    /// Which part of the data it ran on: the fold's number in a walk-forward, else 0.
    pub fold: u32,
    /// One value for each parameter.
    pub params: &'a [Value],
    /// The share of the data that it ran on.
    pub fidelity: f64,
    /// How it ended.
    pub status: &'a Status,
    /// One value for each metric where the trial is done; else not read.
    pub metrics: &'a [f64],
    /// The worker that ran it.
    pub worker: u32,
    /// When it began, in microseconds since the sweep's start.
    pub started_us: u64,
    /// What it took, in microseconds.
    pub took_us: u64,
}

/// What a report shows of all trials: aggregates of a bounded size, however many trials there are.
#[derive(Clone, Debug, Serialize)]
pub struct TrialSummary {
    /// What the sweep looked for.
    pub objective: Objective,
    /// The names of the metrics, in their order.
    pub metrics: Vec<String>,
    /// The parameters as axes; where the trials are of several folds, the folds are the last one.
    pub axes: Vec<Axis>,
    /// How many trials there are of each kind.
    pub counts: Counts,
    /// The shares of the data that trials ran on, with the number of done trials of each, smallest share first.
    pub rungs: Vec<Rung>,
    /// One for each pair of axes for which there was room.
    pub heatmaps: Vec<Heatmap>,
    /// All plotted trials, where they are few.
    pub slices: Option<Slices>,
    /// One for each axis and metric for which there was room.
    pub marginals: Vec<Marginal>,
    /// Some trials, spread evenly over all that are plotted.
    pub sample: Vec<SampledTrial>,
    /// The best trials, the best one first.
    pub top: Vec<TopTrial>,
    /// What failed trials said, the most frequent first.
    pub failures: Vec<Failure>,
    /// When the workers were busy.
    pub time_line: TimeLine,
    /// What the page does not show, one sentence each.
    pub left_out: Vec<String>,
}

/// Numbers of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// Those with an outcome.
    pub done: u64,
    /// Those that ended with an error.
    pub failed: u64,
    /// Those that did not end within their deadline.
    pub deadline: u64,
    /// Those of the done ones that ran on all data: the plots show these alone.
    pub plotted: u64,
    /// Those of the plotted ones whose objective is NaN.
    pub undefined: u64,
}

/// The done trials of one fidelity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// The share of the data.
    #[serde(serialize_with = "number")]
    pub fidelity: f64,
    /// How many trials ran on it.
    pub trials: u64,
}

/// One message of failed trials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// The message, cut where it is long.
    pub message: String,
    /// How many trials ended with it.
    pub trials: u64,
    /// The number of the first of them.
    pub first: u64,
    /// The parameters of the first of them.
    #[serde(serialize_with = "values")]
    pub params: Vec<Value>,
}

/// All plotted trials in columns, the best one first, from which a page computes slices with parameters fixed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slices {
    /// For each axis the cell of each trial.
    pub cells: Vec<Packed<u8>>,
    /// The metrics for which there was room, the objective first.
    pub metrics: Vec<SliceMetric>,
}

/// One metric of all plotted trials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SliceMetric {
    /// The metric's place among the names.
    pub metric: usize,
    /// Its value in each trial.
    pub values: Packed<f32>,
}

/// How many plotted trials a page carries one by one, for slices with parameters fixed.
pub const MAX_SLICED_TRIALS: usize = 20_000;
/// The most parameters, and the most metrics, that a page shows.
pub const MAX_NAMES: usize = 64;
const MAX_RUNGS: usize = 32;
const MAX_MESSAGES: usize = 1000;
const SHOWN_MESSAGES: usize = 30;
const MAX_MESSAGE: usize = 400;
/// What heat maps may take of the page, in bytes; likewise the next two. Where there are no slices, heat maps have their room.
const HEATMAP_BYTES: usize = 2_300_000;
const SLICE_BYTES: usize = 1_100_000;
const MARGINAL_BYTES: usize = 400_000;

/// Takes in the trials of a sweep in any number and makes a [`TrialSummary`] of them.
///
/// Holds (parameters + 4 × metrics + 24) bytes for each trial that is plotted, and a bounded amount beside.
#[derive(Debug)]
pub struct Summarizer {
    objective: Objective,
    objective_at: usize,
    metrics: Vec<String>,
    axes: Vec<Axis>,
    counts: Counts,
    rungs: BTreeMap<u64, u64>,
    columns: Columns,
    sampler: Sampler,
    top: Top,
    failures: BTreeMap<String, Failure>,
    other_failures: u64,
    lanes: Lanes,
    left_out: Vec<String>,
    cells: Vec<u8>,
    parameters: usize,
    all_metrics: usize,
}

impl Summarizer {
    /// One for trials with these parameters and metrics.
    ///
    /// # Errors
    /// [`Error::Unknown`] where the objective is none of the metrics; [`Error::Invalid`] for a range that is none.
    pub fn new(parameters: &[Parameter], metrics: &[String], objective: Objective) -> Result<Self> {
        let objective_at = objective.position(metrics)?;
        let mut left_out = Vec::new();
        // The objective is always among the metrics shown: it is what everything is ranked by.
        let shown_metrics = metrics.len().min(MAX_NAMES).max(objective_at + 1);
        for (what, all, shown) in
            [("parameters", parameters.len(), MAX_NAMES), ("metrics", metrics.len(), shown_metrics)]
        {
            if all > shown {
                left_out.push(format!("Only the first {shown} of {all} {what} are shown."));
            }
        }
        let axes: Result<Vec<Axis>> = parameters.iter().take(MAX_NAMES).map(Axis::new).collect();
        let axes = axes?;
        Ok(Self {
            columns: Columns::new(axes.len(), shown_metrics),
            sampler: Sampler::new(axes.len() + shown_metrics),
            cells: vec![0; axes.len()],
            metrics: metrics[..shown_metrics].iter().map(|name| clipped(name, MAX_LABEL)).collect(),
            counts: Counts::default(),
            rungs: BTreeMap::new(),
            top: Top::default(),
            failures: BTreeMap::new(),
            other_failures: 0,
            lanes: Lanes::default(),
            parameters: parameters.len(),
            all_metrics: metrics.len(),
            objective,
            objective_at,
            axes,
            left_out,
        })
    }

    /// Takes in one trial.
    ///
    /// O(parameters × log values + metrics).
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the trial has more or fewer values than there are parameters or metrics;
    /// [`Error::Invalid`] for a value that its parameter does not take. The trial is not counted then.
    pub fn add(&mut self, row: &TrialRow<'_>) -> Result<()> {
        expect_len("the number of parameters of a trial", row.params.len(), self.parameters)?;
        if *row.status == Status::Done {
            expect_len("the number of metrics of a trial", row.metrics.len(), self.all_metrics)?;
        }
        for ((cell, axis), value) in self.cells.iter_mut().zip(&self.axes).zip(row.params) {
            *cell = axis.cell(value)?;
        }
        self.counts.total += 1;
        self.lanes.add(row.worker, row.started_us, row.took_us);
        match row.status {
            Status::Done => self.add_done(row),
            Status::Deadline => self.counts.deadline += 1,
            Status::Failed(message) => {
                self.counts.failed += 1;
                self.add_failure(row, message);
            }
        }
        Ok(())
    }

    /// What there is to show.
    ///
    /// O(trials × pairs of parameters × metrics).
    pub fn finish(mut self) -> TrialSummary {
        self.axes.extend(self.columns.fold_axis());
        let by_need = self.metrics_by_need();
        let unused = if self.columns.len() > MAX_SLICED_TRIALS { SLICE_BYTES } else { 0 };
        let room = HEATMAP_BYTES + unused;
        let heatmaps = heatmap::all(&self.columns, &self.axes, &by_need, room, &mut self.left_out);
        let marginals =
            marginal::all(&self.columns, &self.axes, &by_need, MARGINAL_BYTES, &mut self.left_out);
        let slices = self.slices(&by_need);
        let sample = self.sampler.finish(&self.axes);
        if sample.len() < self.columns.len() {
            self.left_out.push(format!(
                "Parallel coordinates draw {} of {} trials, spread evenly, and the best ones.",
                sample.len(),
                self.columns.len()
            ));
        }
        let time_line = self.lanes.finish(&mut self.left_out);
        let failures = shown_failures(self.failures, self.other_failures, &mut self.left_out);
        TrialSummary {
            rungs: shown_rungs(&self.rungs),
            top: self.top.finish(&self.axes),
            objective: Objective { metric: self.metrics[self.objective_at].clone(), ..self.objective },
            metrics: self.metrics,
            axes: self.axes,
            counts: self.counts,
            left_out: self.left_out,
            heatmaps,
            slices,
            marginals,
            sample,
            failures,
            time_line,
        }
    }

    fn add_done(&mut self, row: &TrialRow<'_>) {
        self.counts.done += 1;
        *self.rungs.entry(row.fidelity.to_bits()).or_default() += 1;
        if row.fidelity < 1.0 {
            return;
        }
        let metrics = &row.metrics[..self.metrics.len()];
        let score = self.objective.score(metrics[self.objective_at]);
        self.counts.plotted += 1;
        self.counts.undefined += u64::from(score.is_none());
        self.columns.add(&self.cells, metrics, score, (row.fold, row.number));
        self.sampler.add(row, metrics, &self.axes);
        self.top.add(row, metrics, score, &self.axes);
    }

    fn add_failure(&mut self, row: &TrialRow<'_>, message: &str) {
        let message = clipped(message, MAX_MESSAGE);
        if let Some(failure) = self.failures.get_mut(&message) {
            failure.trials += 1;
            if row.number < failure.first {
                (failure.first, failure.params) = (row.number, row.params[..self.axes.len()].to_vec());
            }
        } else if self.failures.len() < MAX_MESSAGES {
            let params = row.params[..self.axes.len()].to_vec();
            let failure = Failure { message: message.clone(), trials: 1, first: row.number, params };
            self.failures.insert(message, failure);
        } else {
            self.other_failures += 1;
        }
    }

    /// The places of the metrics, the objective's first: what is embedded first where there is no room for all.
    fn metrics_by_need(&self) -> Vec<usize> {
        let others = (0..self.metrics.len()).filter(|&at| at != self.objective_at);
        [self.objective_at].into_iter().chain(others).collect()
    }

    fn slices(&mut self, by_need: &[usize]) -> Option<Slices> {
        let trials = self.columns.len();
        if trials > MAX_SLICED_TRIALS {
            self.left_out.push(format!(
                "Heat maps with other parameters fixed at a value need at most {MAX_SLICED_TRIALS} trials; there are {trials}."
            ));
            return None;
        }
        let room = (SLICE_BYTES * 3 / 4).saturating_sub(self.axes.len() * trials);
        let fitting = room.checked_div(4 * trials).unwrap_or(by_need.len()).min(by_need.len());
        if fitting < by_need.len() {
            self.left_out.push(format!(
                "Heat maps with other parameters fixed have {fitting} of {} metrics.",
                by_need.len()
            ));
        }
        let mut ranked: Vec<usize> = (0..trials).collect();
        ranked.sort_unstable_by(|&a, &b| self.columns.rank(a, b));
        let metric = |&metric: &usize| {
            let values = &self.columns.metrics[metric];
            SliceMetric { metric, values: Packed(ranked.iter().map(|&trial| values[trial]).collect()) }
        };
        let cells = self.columns.cells(&self.axes);
        let sorted = |cells: Vec<u8>| Packed(ranked.iter().map(|&trial| cells[trial]).collect());
        Some(Slices {
            cells: cells.into_iter().map(sorted).collect(),
            metrics: by_need[..fitting].iter().map(metric).collect(),
        })
    }
}

fn expect_len(what: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Mismatch { what: what.into(), found: found.to_string(), expected: expected.to_string() })
}

fn shown_rungs(rungs: &BTreeMap<u64, u64>) -> Vec<Rung> {
    let mut shown: Vec<Rung> =
        rungs.iter().map(|(bits, &trials)| Rung { fidelity: f64::from_bits(*bits), trials }).collect();
    shown.sort_by(|a, b| a.fidelity.total_cmp(&b.fidelity));
    shown.split_off(shown.len().saturating_sub(MAX_RUNGS))
}

fn shown_failures(
    failures: BTreeMap<String, Failure>,
    others: u64,
    left_out: &mut Vec<String>,
) -> Vec<Failure> {
    let mut shown: Vec<Failure> = failures.into_values().collect();
    shown.sort_by(|a, b| b.trials.cmp(&a.trials).then(a.first.cmp(&b.first)));
    let hidden = shown.split_off(shown.len().min(SHOWN_MESSAGES));
    let hidden = others + hidden.iter().map(|failure| failure.trials).sum::<u64>();
    if hidden > 0 {
        left_out.push(format!(
            "{hidden} more trials failed, each with a message that is rarer than those listed."
        ));
    }
    shown
}
