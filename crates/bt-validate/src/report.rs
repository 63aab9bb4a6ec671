//! What a run found, and its four forms: terminal table, JSON, Markdown, HTML.
//!
//! [`Report`] is plain data; the writers only read it. Times are seconds, sizes bytes, shares fractions of one.

mod chart;
pub mod format;
mod heavy;
mod host;
mod html;
mod markdown;
mod phrases;
mod result;
mod text;

pub use heavy::{Heavy, SameTable, ScalingRounds, SearchCost};
pub use host::Host;
pub use result::{ClaimResult, ProcessMean, Settled, settle};

use crate::gate::Gate;
use crate::stats::{Interval, StatsError, Verdict};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io, path::Path};

/// The version of the JSON's layout; it rises when a key changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Quick or full.
    pub mode: Mode,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// How long the run took.
    pub elapsed_seconds: f64,
    /// The machine.
    pub host: Host,
    /// The revision of the sources, with a mark if they were changed.
    pub revision: String,
    /// The compiler.
    pub toolchain: String,
    /// Every claim with its verdict, in the order of `docs/validation.md`.
    pub claims: Vec<ClaimResult>,
    /// Numbers beside the claims, without target and verdict.
    pub shown: Vec<ClaimResult>,
    /// That all arms gave the same results.
    pub equivalence: Vec<Equivalence>,
    /// Time per arm, workload by workload.
    pub workloads: Vec<WorkloadTimes>,
    /// Time over the number of trials.
    pub break_even: Option<BreakEven>,
    /// Time over the number of workers.
    pub scaling: Vec<Scaling>,
    /// Memory per arm.
    pub memory: Vec<MemoryUse>,
    /// Hit rates of the caches.
    pub hit_rates: Vec<HitRate>,
    /// What heavy operations and the engine came to.
    #[serde(default)]
    pub heavy: Heavy,
    /// Whether the heavy operations are needed.
    pub gate: Option<Gate>,
    /// What a reader has to know.
    pub notes: Vec<String>,
}

impl Report {
    /// The whole as indented JSON.
    ///
    /// # Errors
    ///
    /// If a number is not representable; none of a finished report is.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// A report for a code host or a terminal pager.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::render(self)
    }

    /// A page that needs nothing but itself.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::render(self)
    }

    /// The table of claims for the terminal, with the summary and the gate's reason below.
    #[must_use]
    pub fn to_terminal(&self) -> String {
        text::render(self)
    }

    /// Writes `report.json`, `report.md` and `report.html` into `folder`, making it if it is not there.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.json"), self.to_json()?)?;
        fs::write(folder.join("report.md"), self.to_markdown())?;
        fs::write(folder.join("report.html"), self.to_html())
    }

    /// How many claims have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.claims.iter().filter(|claim| claim.verdict == Some(verdict)).count()
    }

    /// The worst verdict of all; none if nothing was claimed.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.claims.iter().filter_map(|claim| claim.verdict).max()
    }

    /// 0 if every claim passes, 1 if one is refuted, 2 if none is but one is inconclusive.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self.verdict() {
            None | Some(Verdict::Pass) => 0,
            Some(Verdict::Refuted) => 1,
            Some(Verdict::Inconclusive) => 2,
        }
    }

    /// "39 claims: 37 pass, 1 inconclusive, 1 refuted".
    #[must_use]
    pub fn summary(&self) -> String {
        let counts =
            [Verdict::Pass, Verdict::Inconclusive, Verdict::Refuted].map(|verdict| self.count(verdict));
        let [pass, inconclusive, refuted] = counts;
        format!("{} claims: {pass} pass, {inconclusive} inconclusive, {refuted} refuted", self.claims.len())
    }

    /// The claim with this id.
    #[must_use]
    pub fn claim(&self, id: &str) -> Option<&ClaimResult> {
        self.claims.iter().chain(&self.shown).find(|claim| claim.id == id)
    }
}

/// How much was run; code and claims are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A fifth of the wide data and shorter turns, four minutes.
    Quick,
    /// Everything.
    Full,
}

/// That the arms of a workload gave bit-identical results; a run in which they differ has no report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// The workload.
    pub workload: String,
    /// The arms compared.
    pub arms: Vec<String>,
    /// The trials that every arm ran and that were compared.
    pub trials: usize,
    /// The trials of the sweep.
    pub sweep: usize,
    /// The arms that had no time for all of them, and how many each ran, spread over the sweep.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fewer: BTreeMap<String, usize>,
    /// The digest over all results, the same for every arm.
    pub digest: String,
}

/// How long each arm took for a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkloadTimes {
    /// The workload.
    pub id: String,
    /// What it consists of.
    pub description: String,
    /// How many trials a sweep has.
    pub trials: usize,
    /// The arms, the slowest first.
    pub arms: Vec<ArmTime>,
}

/// How long an arm took for a whole sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmTime {
    /// The arm.
    pub arm: String,
    /// Seconds for all trials of the workload, with interval.
    pub seconds: Interval,
    /// The median of the turns.
    pub median_seconds: f64,
    /// How many turns it had.
    pub n: usize,
    /// How many trials a turn ran; fewer than the workload has where the time per trial was shown to be constant.
    pub trials_run: usize,
    /// What a reader has to know, such as why fewer trials were run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ArmTime {
    /// From the times of the arm's turns, each scaled to all trials of the workload.
    ///
    /// # Errors
    ///
    /// [`StatsError`] if there is none or one is not positive.
    pub fn from_turns(
        arm: impl Into<String>,
        trials_run: usize,
        seconds: &[f64],
    ) -> Result<Self, StatsError> {
        Ok(ArmTime {
            arm: arm.into(),
            seconds: Interval::of_geometric_mean(seconds)?,
            median_seconds: crate::stats::median(seconds),
            n: seconds.len(),
            trials_run,
            note: None,
        })
    }
}

/// Time over the number of trials, from one to a full sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    /// The workload.
    pub workload: String,
    /// The arms' curves, x in trials.
    pub curves: Vec<Curve>,
    /// The one-time ingestion that the mapped store needs, not in the curves.
    pub ingest_seconds: Option<f64>,
    /// The number of trials from which ingestion and all layers together take less time than naive.
    pub repaid_at_trials: Option<u32>,
}

impl BreakEven {
    /// Finds where `ingest_seconds` and the curve of `all+mapped` together fall below that of `naive`, on straight
    /// lines between the points measured; nowhere if they do not within them.
    #[must_use]
    pub fn new(workload: impl Into<String>, curves: Vec<Curve>, ingest_seconds: Option<f64>) -> Self {
        let repaid_at_trials = ingest_seconds.and_then(|ingest| repaid_at(&curves, ingest));
        BreakEven { workload: workload.into(), curves, ingest_seconds, repaid_at_trials }
    }
}

fn repaid_at(curves: &[Curve], ingest_seconds: f64) -> Option<u32> {
    let points = |arm| curves.iter().find(|curve| curve.arm == arm).map(|curve| &curve.points);
    let gains: Vec<(f64, f64)> = points("naive")?
        .iter()
        .zip(points("all+mapped")?)
        .map(|(naive, ours)| {
            (f64::from(naive.x), naive.seconds.estimate - ours.seconds.estimate - ingest_seconds)
        })
        .collect();
    let after = gains.iter().position(|(_, gain)| *gain > 0.0)?;
    let (x, gain) = gains[after];
    let Some(before) = after.checked_sub(1) else { return Some(x as u32) };
    let (x_before, gain_before) = gains[before];
    Some((x_before + (x - x_before) * -gain_before / (gain - gain_before)).ceil() as u32)
}

/// Time over the number of workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Whether workers are threads or processes.
    pub workers: WorkerKind,
    /// The workload.
    pub workload: String,
    /// The arms' curves, x in workers, time for the same sweep.
    pub curves: Vec<Curve>,
}

/// What a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerKind {
    /// Threads of one process.
    Threads,
    /// Processes of one thread.
    Processes,
}

/// An arm's times over something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The arm.
    pub arm: String,
    /// Its points, x ascending.
    pub points: Vec<Point>,
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Trials or workers.
    pub x: u32,
    /// Time with interval.
    pub seconds: Interval,
}

/// The memory of an arm, run in processes of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// The workload.
    pub workload: String,
    /// The arm.
    pub arm: String,
    /// How many process workers; 1 is a single process.
    pub workers: usize,
    /// Peak resident set, summed over the workers.
    pub peak_rss_bytes: Option<u64>,
    /// Proportional set, summed over the workers: shared pages count once.
    pub pss_bytes: Option<u64>,
}

/// What a cache made of the accesses to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HitRate {
    /// The workload.
    pub workload: String,
    /// The cache and its policy.
    pub cache: String,
    /// Accesses that found what they asked for.
    pub hits: u64,
    /// Accesses that did not.
    pub misses: u64,
    /// Bytes held at the end.
    pub bytes: u64,
    /// What it means for a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl HitRate {
    /// Hits per access; none without accesses.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let accesses = self.hits + self.misses;
        (accesses > 0).then(|| self.hits as f64 / accesses as f64)
    }
}

#[cfg(test)]
mod tests;
