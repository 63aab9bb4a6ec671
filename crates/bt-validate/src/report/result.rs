//! One claim's outcome: what `report.json` holds for it.

use crate::claims::{Claim, Measure, Original, Registry};
use crate::stats::{Interval, Judgement, Round, Verdict, holm, judge};
use serde::{Deserialize, Serialize};

/// A claim with what was measured; every number can be recomputed from `rounds`.
///
/// `measured`, its bounds, `target`, `median` and `original.value` are in the unit of `measure`: a share for time
/// saved and hit rates, × for speed-ups and ratios, seconds, bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimResult {
    /// The claim's key.
    pub id: String,
    /// What was compared with what.
    pub description: String,
    /// The kind of number.
    pub measure: Measure,
    /// The target; none if the number is only shown.
    pub target: Option<f64>,
    /// The geometric mean over the rounds, or the count.
    pub measured: Option<f64>,
    /// Lower bound, one-sided at half of α.
    pub ci_low: Option<f64>,
    /// Upper bound, one-sided at half of α.
    pub ci_high: Option<f64>,
    /// The median over the rounds; decides nothing.
    pub median: Option<f64>,
    /// `1 − optimised / base`, where two arms were timed.
    pub time_saved: Option<f64>,
    /// `base / optimised`, where two arms were timed.
    pub speed_up: Option<f64>,
    /// One-sided p against "at its target"; none for counts and for what has no target.
    pub p: Option<f64>,
    /// Welch's p against "no difference"; decides nothing.
    pub welch_p: Option<f64>,
    /// `p` adjusted by Holm's method over the timed claims of the report; decides nothing.
    pub holm_p: Option<f64>,
    /// The rounds that the numbers stand on; 1 for a count.
    pub n: usize,
    /// The verdict; none if the number is only shown.
    pub verdict: Option<Verdict>,
    /// The parts that a whole stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The part whose numbers a whole shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakest_part: Option<String>,
    /// The whole that this is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// What the Python original published.
    pub original: Option<Original>,
    /// The rounds, the first `n` of those measured.
    pub rounds: Vec<Round>,
    /// Rounds measured after the look that decided (for another claim's sake), not used here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later_rounds: Vec<Round>,
    /// Each process's own mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub process_means: Vec<ProcessMean>,
    /// What a reader has to know, such as why there is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The geometric means of one process's share of the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessMean {
    /// Which process, counted from 0.
    pub process: usize,
    /// How many rounds it ran.
    pub rounds: usize,
    /// Its mean time of the base, in seconds.
    pub base_seconds: f64,
    /// Its mean time of the optimised arm, in seconds.
    pub optimised_seconds: f64,
    /// The claim's number from these rounds alone.
    pub measured: f64,
}

impl ClaimResult {
    /// Judges a timed claim by its rounds; rounds that allow no judgement make it inconclusive, with a note.
    ///
    /// # Panics
    ///
    /// If the claim is counted, not timed, or is a whole.
    #[must_use]
    pub fn timed(claim: &Claim, rounds: &[Round]) -> Self {
        assert!(claim.measure.is_timed() && !claim.is_whole(), "{} is not a timed claim", claim.id);
        // What is only shown has no target: "no difference" stands in, and verdict and p are dropped.
        let max_ratio = claim.limit.map_or(1.0, |limit| claim.measure.max_ratio(limit));
        match judge(rounds, max_ratio) {
            Ok(judgement) => Self::judged(claim, rounds, &judgement),
            Err(error) => {
                let rounds = rounds.to_vec();
                ClaimResult { n: rounds.len(), rounds, ..Self::unmeasured(claim, error.to_string()) }
            }
        }
    }

    /// Compares a count with its target; what could not be counted is [`unmeasured`](Self::unmeasured).
    ///
    /// # Panics
    ///
    /// If the claim is timed or is a whole, or the count is not finite.
    #[must_use]
    pub fn exact(claim: &Claim, value: f64) -> Self {
        assert!(!claim.measure.is_timed() && !claim.is_whole(), "{} is not a counted claim", claim.id);
        assert!(value.is_finite(), "{} was counted as {value}", claim.id);
        let verdict =
            |limit| if claim.measure.is_met(value, limit) { Verdict::Pass } else { Verdict::Refuted };
        ClaimResult { measured: Some(value), n: 1, verdict: claim.limit.map(verdict), ..Self::blank(claim) }
    }

    /// A claim that could not be measured: inconclusive, because of `note`.
    #[must_use]
    pub fn unmeasured(claim: &Claim, note: impl Into<String>) -> Self {
        ClaimResult { verdict: undecided(claim), note: Some(note.into()), ..Self::blank(claim) }
    }

    /// Adds what a reader has to know.
    #[must_use]
    pub fn with_note(self, note: impl Into<String>) -> Self {
        ClaimResult { note: Some(note.into()), ..self }
    }

    /// Adds the means of the processes, given which process ran each round (later rounds included).
    ///
    /// # Panics
    ///
    /// If `processes` does not hold one entry for each of the result's rounds.
    #[must_use]
    pub fn with_processes(mut self, processes: &[usize]) -> Self {
        assert!(processes.len() >= self.rounds.len(), "a process for each round of {}", self.id);
        let mut ids = processes[..self.rounds.len()].to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.process_means = ids.into_iter().filter_map(|id| self.process_mean(id, processes)).collect();
        self
    }

    /// The interval of the measured value, in its unit; none for counts and what was not measured.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        Some(Interval { estimate: self.measured?, low: self.ci_low?, high: self.ci_high? })
    }

    fn judged(claim: &Claim, rounds: &[Round], judgement: &Judgement) -> Self {
        let shown = judgement.ratio.map(|ratio| claim.measure.of_ratio(ratio));
        let between_arms =
            matches!(claim.measure, Measure::TimeSaved | Measure::SpeedUp | Measure::TimeRatio);
        let read_as = |measure: Measure| between_arms.then(|| measure.of_ratio(judgement.ratio.estimate));
        let (used, later) = rounds.split_at(judgement.n);
        ClaimResult {
            measured: Some(shown.estimate),
            ci_low: Some(shown.low),
            ci_high: Some(shown.high),
            median: Some(claim.measure.of_ratio(judgement.median_ratio)),
            time_saved: read_as(Measure::TimeSaved),
            speed_up: read_as(Measure::SpeedUp),
            p: claim.limit.map(|_| judgement.p),
            // Against a base of one second, by definition, there is no second sample to compare with.
            welch_p: (claim.measure != Measure::Seconds).then_some(judgement.welch_p),
            n: judgement.n,
            verdict: claim.limit.map(|_| judgement.verdict),
            rounds: used.to_vec(),
            later_rounds: later.to_vec(),
            ..Self::blank(claim)
        }
    }

    fn process_mean(&self, process: usize, processes: &[usize]) -> Option<ProcessMean> {
        let own: Vec<Round> = self
            .rounds
            .iter()
            .zip(processes)
            .filter(|(_, id)| **id == process)
            .map(|(round, _)| *round)
            .collect();
        let mean = |of: fn(&Round) -> f64| {
            let values: Vec<f64> = own.iter().map(of).collect();
            Interval::of_geometric_mean(&values).ok().map(|interval| interval.estimate)
        };
        let (base_seconds, optimised_seconds) = (mean(|r| r.base_seconds)?, mean(|r| r.optimised_seconds)?);
        let measured = self.measure.of_ratio(optimised_seconds / base_seconds);
        Some(ProcessMean { process, rounds: own.len(), base_seconds, optimised_seconds, measured })
    }

    fn whole(claim: &Claim, parts: &[&ClaimResult]) -> Option<Self> {
        let weakest = (*parts.iter().max_by(|a, b| a.weakness().total_cmp_by(&b.weakness()))?).clone();
        Some(ClaimResult {
            id: claim.id.clone(),
            description: claim.description.clone(),
            parts: claim.parts.clone(),
            weakest_part: Some(weakest.id),
            part_of: None,
            ..weakest
        })
    }

    fn weakness(&self) -> Weakness {
        let worst =
            if self.measure.higher_is_better() { self.ci_low } else { self.ci_high }.or(self.measured);
        let strain = |target: f64| {
            let (worst, limit) = (self.measure.max_ratio(worst?), self.measure.max_ratio(target));
            let is_share = matches!(self.measure, Measure::HitRate | Measure::BarsSaved);
            Some(if is_share { limit / worst } else { worst / limit })
        };
        let strain = self.target.and_then(strain).unwrap_or(f64::INFINITY);
        Weakness { verdict: self.verdict.unwrap_or(Verdict::Inconclusive), strain }
    }

    fn blank(claim: &Claim) -> Self {
        ClaimResult {
            id: claim.id.clone(),
            description: claim.description.clone(),
            measure: claim.measure,
            target: claim.limit,
            measured: None,
            ci_low: None,
            ci_high: None,
            median: None,
            time_saved: None,
            speed_up: None,
            p: None,
            welch_p: None,
            holm_p: None,
            n: 0,
            verdict: None,
            parts: Vec::new(),
            weakest_part: None,
            part_of: claim.part_of.clone(),
            original: claim.original.clone(),
            rounds: Vec::new(),
            later_rounds: Vec::new(),
            process_means: Vec::new(),
            note: None,
        }
    }
}

/// Orders the results as the registry does, adds the wholes, fills in Holm's p, and says which claims are missing.
///
/// A claim of the registry without a result becomes inconclusive: nothing that was claimed goes silent.
#[must_use]
pub fn settle(registry: &Registry, results: Vec<ClaimResult>) -> Settled {
    let mut measured: Vec<ClaimResult> = registry
        .claims()
        .iter()
        .filter(|claim| !claim.is_whole())
        .map(|claim| match results.iter().find(|result| result.id == claim.id) {
            Some(result) => result.clone(),
            None => ClaimResult::unmeasured(claim, "not measured in this run"),
        })
        .collect();
    adjust(&mut measured);
    let (mut claims, mut shown) = (Vec::new(), Vec::new());
    for claim in registry.claims() {
        let part_of_it = |result: &&ClaimResult| claim.parts.contains(&result.id);
        let result = match claim.is_whole() {
            true => ClaimResult::whole(claim, &measured.iter().filter(part_of_it).collect::<Vec<_>>()),
            false => measured.iter().find(|result| result.id == claim.id).cloned(),
        };
        if claim.is_shown_only() { &mut shown } else { &mut claims }.extend(result);
    }
    Settled { claims, shown }
}

/// The results in the order of the table: what is claimed, and what is only shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// With verdicts.
    pub claims: Vec<ClaimResult>,
    /// Without.
    pub shown: Vec<ClaimResult>,
}

/// Holm's family is every timed claim once: a whole repeats its weakest part and would count it twice.
fn adjust(results: &mut [ClaimResult]) {
    let p_values: Vec<f64> = results.iter().filter_map(|result| result.p).collect();
    let tested = results.iter_mut().filter(|result| result.p.is_some());
    for (result, adjusted) in tested.zip(holm(&p_values)) {
        result.holm_p = Some(adjusted);
    }
}

fn undecided(claim: &Claim) -> Option<Verdict> {
    claim.limit.map(|_| Verdict::Inconclusive)
}

/// How near a part is to failing: by verdict, then by how much of the target the bound of its interval uses up.
struct Weakness {
    verdict: Verdict,
    strain: f64,
}

impl Weakness {
    fn total_cmp_by(&self, other: &Self) -> std::cmp::Ordering {
        self.verdict.cmp(&other.verdict).then_with(|| self.strain.total_cmp(&other.strain))
    }
}
