//! What a sweep found: the table of its trials, and its export.

mod builder;
mod columns;
mod csv;
mod digest;
#[cfg(feature = "parquet")]
mod parquet;

use std::fmt;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::folds::Role;
use crate::ledger::record::Cell;
use crate::{Block, Error, Names, Objective, Outcome, Params, Result, Status, TrialKey, TrialRecord, Value};

use builder::KeyHash;
pub use builder::TrialsBuilder;

/// The trials of a sweep as a table, sorted by part, number and fidelity; each key once.
///
/// Columns are `number`, `fold`, `role`, `fidelity`, each parameter, `status`, `message`, each metric, `worker`, `started_us` and
/// `took_us`.
///
/// # Complexity
/// A trial takes 92 bytes, 9 for each parameter, 8 for each metric and 24 for each block. Texts and messages are kept once
/// each.
#[derive(Clone)]
pub struct Trials {
    names: Names,
    metric_names: Arc<[String]>,
    rows: Vec<Row>,
    /// Of each row in turn, one for each parameter: its kind, and its bits or the place of its text.
    kinds: Vec<Kind>,
    cells: Vec<u64>,
    texts: Vec<Arc<str>>,
    /// Of each row in turn, one for each metric; NaN where the trial is not done.
    metrics: Vec<f64>,
    blocks: Vec<Block>,
    /// Rows in the order of the table.
    order: Vec<u32>,
    by_key: HashTable<u32>,
    hash: KeyHash,
}

/// What every trial has, whatever the sweep.
#[derive(Clone, Copy, Debug)]
struct Row {
    key: TrialKey,
    number: u64,
    fidelity: f64,
    started_us: u64,
    took_us: u64,
    first_block: u64,
    blocks: u32,
    part: u32,
    worker: u32,
    end: End,
}

/// How a trial ended; the message as a place among the texts.
#[derive(Clone, Copy, Debug)]
enum End {
    Done,
    Failed(u32),
    Deadline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Text,
}

impl Trials {
    /// A table of records of a sweep with these parameters and metrics; of several with one key the first.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a record of another sweep: other parameters, another number of metrics.
    pub fn of_records<'r>(
        names: &Names,
        metrics: &[String],
        records: impl IntoIterator<Item = &'r TrialRecord>,
    ) -> Result<Self> {
        let mut builder = TrialsBuilder::new(names, metrics);
        for record in records {
            builder.push(record)?;
        }
        Ok(builder.finish())
    }

    /// The parameters' names.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The metrics' names.
    pub fn metric_names(&self) -> &[String] {
        &self.metric_names
    }

    /// How many trials there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no trial.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The trial at a place of the table; none beyond its end. O(1).
    pub fn get(&self, at: usize) -> Option<Trial<'_>> {
        self.order.get(at).map(|&row| self.trial(row))
    }

    /// All trials, in the order of the table.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Trial<'_>> + DoubleEndedIterator {
        self.order.iter().map(|&row| self.trial(row))
    }

    /// The trial of a key. O(1).
    pub fn find(&self, key: &TrialKey) -> Option<Trial<'_>> {
        let found = self.by_key.find(self.hash.of(key), |&row| self.rows[row as usize].key == *key);
        found.map(|&row| self.trial(row))
    }

    /// A metric of all trials, in the order of the table; NaN where a trial is not done.
    ///
    /// # Errors
    /// [`Error::Unknown`] with all metrics.
    pub fn metric(&self, name: &str) -> Result<impl ExactSizeIterator<Item = f64>> {
        let at = self.metric_names.iter().position(|metric| metric == name);
        let at = at.ok_or_else(|| Error::unknown("metric", name, self.metric_names.to_vec()))?;
        Ok(self.iter().map(move |trial| trial.metrics_or_nan()[at]))
    }

    /// The best trial; none where no trial has a score. See [`top`](Self::top).
    ///
    /// # Errors
    /// [`Error::Unknown`] for a metric that there is not.
    pub fn best(&self, objective: &Objective) -> Result<Option<Trial<'_>>> {
        Ok(self.top(1, objective)?.pop())
    }

    /// The `n` best trials, the best first; of equal ones the first of the table first.
    ///
    /// Only trials of the largest fidelity that there is count: what came out on a share of the data does not compare with what came
    /// out on all of it. Of a walk-forward take [`top_where`](Self::top_where), with a fold and a role: its parts do not compare. Trials that are not done, or whose objective is NaN, have no place.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a metric that there is not.
    ///
    /// # Complexity
    /// O(trials + n log n), and 16 bytes for each trial while it runs.
    pub fn top(&self, n: usize, objective: &Objective) -> Result<Vec<Trial<'_>>> {
        let mut fidelity = f64::NEG_INFINITY;
        for trial in self.iter().filter(Trial::is_done) {
            fidelity = fidelity.max(trial.fidelity());
        }
        self.top_where(n, objective, |trial| trial.fidelity() == fidelity)
    }

    /// As [`top`](Self::top), among the trials for which a condition holds, of any fidelity: those of one fold.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a metric that there is not.
    pub fn top_where(
        &self,
        n: usize,
        objective: &Objective,
        mut counts: impl FnMut(Trial<'_>) -> bool,
    ) -> Result<Vec<Trial<'_>>> {
        let metric = objective.position(&self.metric_names)?;
        let scored = self.iter().enumerate().filter(|(_, trial)| counts(*trial));
        let scored = scored.filter_map(|(at, trial)| {
            let value = *trial.metrics().get(metric)?;
            objective.score(value).map(|score| (score, at))
        });
        let mut scored: Vec<(f64, usize)> = scored.collect();
        // Zeros of both signs are one score: the place decides.
        let better =
            |a: &(f64, usize), b: &(f64, usize)| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)).then(a.1.cmp(&b.1));
        if n > 0 && n < scored.len() {
            scored.select_nth_unstable_by(n - 1, better);
        }
        scored.truncate(n);
        scored.sort_unstable_by(better);
        Ok(scored.into_iter().filter_map(|(_, at)| self.get(at)).collect())
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|text| text.len() + size_of::<Arc<str>>() + 16).sum();
        size_of_vec(&self.rows)
            + size_of_vec(&self.kinds)
            + size_of_vec(&self.cells)
            + size_of_vec(&self.metrics)
            + size_of_vec(&self.blocks)
            + size_of_vec(&self.order)
            + self.by_key.allocation_size()
            + texts
    }

    fn trial(&self, row: u32) -> Trial<'_> {
        Trial { table: self, row: row as usize }
    }
}

fn size_of_vec<T>(vec: &Vec<T>) -> usize {
    vec.capacity() * size_of::<T>()
}

impl fmt::Debug for Trials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trials")
            .field("names", &self.names)
            .field("metrics", &self.metric_names)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// One trial of a table.
#[derive(Clone, Copy)]
pub struct Trial<'t> {
    table: &'t Trials,
    row: usize,
}

impl<'t> Trial<'t> {
    /// What identifies it.
    pub fn key(self) -> TrialKey {
        self.data().key
    }

    /// Its number among the search's proposals.
    pub fn number(self) -> u64 {
        self.data().number
    }

    /// The fold that it ran in; 0 in a plain sweep.
    pub fn fold(self) -> u32 {
        Role::of_part(self.part()).0
    }

    /// What the part of the fold is for that it ran on; of a plain sweep all is train.
    pub fn role(self) -> Role {
        Role::of_part(self.part()).1
    }

    /// Which part of the data it ran on, as [`Role::part`] counts them.
    pub fn part(self) -> u32 {
        self.data().part
    }

    /// The share of the data that it ran on.
    pub fn fidelity(self) -> f64 {
        self.data().fidelity
    }

    /// Whether it has an outcome.
    pub fn is_done(&self) -> bool {
        matches!(self.data().end, End::Done)
    }

    /// `"done"`, `"failed"` or `"deadline"`.
    pub fn status_name(self) -> &'static str {
        match self.data().end {
            End::Done => "done",
            End::Failed(_) => "failed",
            End::Deadline => "deadline",
        }
    }

    /// Why it failed.
    pub fn message(self) -> Option<&'t str> {
        match self.data().end {
            End::Failed(text) => Some(&self.table.texts[text as usize]),
            End::Done | End::Deadline => None,
        }
    }

    /// How it ended.
    pub fn status(self) -> Status {
        match self.data().end {
            End::Done => Status::Done,
            End::Failed(text) => Status::Failed(self.table.texts[text as usize].to_string()),
            End::Deadline => Status::Deadline,
        }
    }

    /// The values of its parameters, in the order of the names.
    pub fn values(self) -> impl ExactSizeIterator<Item = Value> + use<'t> {
        let Trials { kinds, cells, texts, .. } = self.table;
        self.span(self.table.names.as_slice().len()).map(move |at| match kinds[at] {
            Kind::Int => Value::Int(cells[at] as i64),
            Kind::Float => Value::Float(f64::from_bits(cells[at])),
            Kind::Text => Value::Text(Arc::clone(&texts[cells[at] as usize])),
        })
    }

    /// Its point.
    pub fn params(self) -> Params {
        Params::new(&self.table.names, self.values()).expect("one value for each name")
    }

    /// Its metrics, in the order of their names; none unless it is done.
    pub fn metrics(self) -> &'t [f64] {
        if self.is_done() { self.metrics_or_nan() } else { &[] }
    }

    /// Its returns in blocks; none where the backtest keeps none.
    pub fn blocks(self) -> &'t [Block] {
        let first = self.data().first_block as usize;
        &self.table.blocks[first..first + self.data().blocks as usize]
    }

    /// The worker that ran it.
    pub fn worker(self) -> u32 {
        self.data().worker
    }

    /// When it began, in microseconds since the sweep's start.
    pub fn started_us(self) -> u64 {
        self.data().started_us
    }

    /// What it took, in microseconds.
    pub fn took_us(self) -> u64 {
        self.data().took_us
    }

    /// When it ended, in microseconds since the sweep's start. A ledger may hold any two numbers.
    pub(crate) fn ended_us(self) -> u64 {
        self.started_us().saturating_add(self.took_us())
    }

    /// The record that it is.
    pub fn record(self) -> TrialRecord {
        TrialRecord {
            key: self.key(),
            number: self.number(),
            part: self.part(),
            params: self.params(),
            fidelity: self.fidelity(),
            status: self.status(),
            outcome: Outcome { metrics: self.metrics().to_vec(), blocks: self.blocks().to_vec() },
            worker: self.worker(),
            started_us: self.started_us(),
            took_us: self.took_us(),
        }
    }

    fn data(&self) -> &'t Row {
        &self.table.rows[self.row]
    }

    fn metrics_or_nan(self) -> &'t [f64] {
        &self.table.metrics[self.span(self.table.metric_names.len())]
    }

    fn cell(self, param: usize) -> Cell<'t> {
        let at = self.row * self.table.names.as_slice().len() + param;
        let bits = self.table.cells[at];
        match self.table.kinds[at] {
            Kind::Int => Cell::Int(bits as i64),
            Kind::Float => Cell::Float(f64::from_bits(bits)),
            Kind::Text => Cell::Text(&self.table.texts[bits as usize]),
        }
    }

    /// Where the row lies in an array that has so many entries for each.
    fn span(self, width: usize) -> std::ops::Range<usize> {
        self.row * width..(self.row + 1) * width
    }
}

impl fmt::Debug for Trial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.record(), f)
    }
}
