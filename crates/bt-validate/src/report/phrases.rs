//! What the terminal, Markdown and HTML forms say in the same words.

use super::{
    BreakEven, ClaimResult, Curve, Equivalence, Mode, SameTable, ScalingRounds, SearchCost, WorkerKind,
    format,
};
use crate::gate::Rule;
use crate::stats::{ALPHA, CONFIDENCE, LOOK_ALPHA, LOOKS, Verdict};
use crate::workloads::EVALUATION;

/// The verdict with a mark that is told apart without colour.
pub(super) fn verdict(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "✓ pass",
        Some(Verdict::Inconclusive) => "? inconclusive",
        Some(Verdict::Refuted) => "✗ refuted",
        None => "shown",
    }
}

pub(super) fn target(claim: &ClaimResult) -> String {
    claim.target.map_or(format::NONE.to_owned(), |limit| format::target(claim.measure, limit))
}

pub(super) fn measured(claim: &ClaimResult) -> String {
    claim.measured.map_or(format::NONE.to_owned(), |value| format::value(claim.measure, value))
}

pub(super) fn interval(claim: &ClaimResult) -> String {
    let shown = |value| format::value(claim.measure, value);
    match (claim.interval(), claim.measured) {
        (Some(interval), _) => format!("{} to {}", shown(interval.low), shown(interval.high)),
        (None, Some(_)) if !claim.measure.is_timed() => "exact".to_owned(),
        _ => format::NONE.to_owned(),
    }
}

/// The original's figure, which is only given where it is in the same unit.
pub(super) fn original(claim: &ClaimResult) -> String {
    let value = claim.original.as_ref().and_then(|original| original.value);
    value.map_or(format::NONE.to_owned(), |value| format::value(claim.measure, value))
}

/// What an interval is worth, for a table's head: "97.5 %".
pub(super) fn confidence() -> String {
    format::whole_share(CONFIDENCE)
}

/// Where verdicts come from, in three sentences.
pub(super) fn method() -> String {
    let [first, second] = LOOKS;
    format!(
        "An interval is a pair of one-sided bounds from a paired t test on the logarithms of the rounds' ratios, each wrong \
         with a chance of {}, {} as a two-sided interval. A claim passes if the whole interval is on the good side of its \
         target, is refuted if it is on the bad side, and is inconclusive otherwise. Verdicts are looked for after {first} and \
         after {second} rounds, sharing α = {} between them.",
        format::whole_share(LOOK_ALPHA),
        confidence(),
        format::whole_share(ALPHA)
    )
}

/// The trials that all arms ran, and of which sweep: "100" or "12 of 100".
pub(super) fn compared(equivalence: &Equivalence) -> String {
    let (trials, sweep) = (format::count(equivalence.trials as u64), format::count(equivalence.sweep as u64));
    if equivalence.trials == equivalence.sweep { trials } else { format!("{trials} of {sweep}") }
}

/// What the layers were evaluated on.
pub(super) fn evaluation() -> String {
    format!(
        "The layers one after the other, on {}. Each step saves of the time that the steps before it left.",
        EVALUATION.description
    )
}

/// What a pool that lasts was put through.
pub(super) fn pool_evaluation() -> String {
    let least = format::whole_share(Rule::default().accept_at);
    format!(
        "Each kind of worker for itself, by the gate's rule: accepted where the lower bound of the time saved is at least {least}."
    )
}

/// What the chart of searches shows.
pub(super) fn bars_saved() -> &'static str {
    "median over the seeds of one minus the bars evaluated until a result on the whole data is within 1 % of the grid's \
     best, as a share of the full grid's"
}

/// A search's line: space, data, search, points, near the best, median, least, most, seeds.
pub(super) fn search_cells(search: &SearchCost) -> [String; 9] {
    let least = search.saved.iter().copied().fold(f64::INFINITY, f64::min);
    let most = search.saved.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [
        search.space.clone(),
        search.set.clone(),
        search.search.clone(),
        format::count(search.points),
        format::count(search.points_near_best),
        format::share(search.median_saved),
        format::share(least),
        format::share(most),
        format!("{} of {}", search.reached, search.saved.len()),
    ]
}

/// Which rounds of two workers against one count.
pub(super) fn scaling_rounds(rounds: &ScalingRounds) -> String {
    let ScalingRounds { measured, left_out, least_cores, .. } = rounds;
    let used = rounds.cores_used.map_or(String::new(), |[one, two]| {
        let [one, two] = [one, two].map(format::digits);
        format!(
            " One worker used {one} cores, two used {two} (CPU time per second, medians over all rounds)."
        )
    });
    format!(
        "{left_out} of {measured} rounds are left out: threads that never sleep got less than {least_cores} of two cores.{used}"
    )
}

/// A line for each round: number, one worker, two workers, cores given, whether it counts.
pub(super) fn round_cells(rounds: &ScalingRounds) -> Vec<[String; 5]> {
    let given = rounds.seconds.iter().zip(&rounds.cores_given).enumerate();
    let cells = given.map(|(at, ([one, two], cores))| {
        let counts = if *cores >= rounds.least_cores { "" } else { "left out" };
        let (one, two) = (format::seconds(*one), format::seconds(*two));
        [(at + 1).to_string(), one, two, format::digits(*cores), counts.to_owned()]
    });
    cells.collect()
}

/// What was compared of the tables.
pub(super) fn tables() -> &'static str {
    "The bytes of the sorted table, which holds everything but worker, start and time, against those of one worker in one go."
}

pub(super) fn is_same(table: &SameTable) -> &'static str {
    if table.is_same { "the same" } else { "OTHERS" }
}

/// Which arms had no time for all trials: "naive 12, none 14"; nothing where all had.
pub(super) fn fewer(equivalence: &Equivalence) -> String {
    let arm = |(arm, trials): (&String, &usize)| format!("{arm} {trials}");
    equivalence.fewer.iter().map(arm).collect::<Vec<_>>().join(", ")
}

/// What was compared, in a sentence.
pub(super) fn equivalence(all: &[Equivalence]) -> &'static str {
    match all.iter().all(|one| one.fewer.is_empty()) {
        true => {
            "Checked before any time is reported: every trial of every arm gave the same bits; the digest is over all of \
             their results."
        }
        false => {
            "Checked before any time is reported. Arms that had no time for every trial ran some, spread over the sweep; all \
             that an arm ran was compared, and the digest is over the trials that every arm ran."
        }
    }
}

pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Quick => "quick",
        Mode::Full => "full",
    }
}

pub(super) fn workers(kind: WorkerKind) -> &'static str {
    match kind {
        WorkerKind::Threads => "threads",
        WorkerKind::Processes => "processes",
    }
}

pub(super) fn optional_bytes(bytes: Option<u64>) -> String {
    bytes.map_or(format::NONE.to_owned(), |bytes| format::bytes(bytes as f64))
}

/// What the mapped store costs once, and when that is repaid.
pub(super) fn ingestion(break_even: &BreakEven) -> String {
    let Some(ingest) = break_even.ingest_seconds else { return String::new() };
    let repaid = match break_even.repaid_at_trials {
        Some(trials) => format!("is repaid after {trials} trials"),
        None => "is not repaid within the trials measured".to_owned(),
    };
    format!(
        "Ingesting the data once takes {}, is not in the curves, and {repaid}. Where a sweep is longer than a turn, its first \
         trials stand for the others.",
        format::seconds(ingest)
    )
}

/// One row for each x of any curve: x, then each curve's time with its interval.
pub(super) fn curve_rows(curves: &[Curve]) -> Vec<Vec<String>> {
    let mut xs: Vec<u32> = curves.iter().flat_map(|curve| &curve.points).map(|point| point.x).collect();
    xs.sort_unstable();
    xs.dedup();
    let row = |x: u32| [vec![x.to_string()], curves.iter().map(|curve| time_at(curve, x)).collect()].concat();
    xs.into_iter().map(row).collect()
}

fn time_at(curve: &Curve, x: u32) -> String {
    let point = curve.points.iter().find(|point| point.x == x);
    point.map_or(format::NONE.to_owned(), |point| {
        let [time, low, high] =
            [point.seconds.estimate, point.seconds.low, point.seconds.high].map(format::seconds);
        format!("{time} ({low} to {high})")
    })
}
