//! The report as Markdown.

use super::{
    ArmTime, BreakEven, ClaimResult, Curve, Equivalence, HitRate, MemoryUse, Report, SameTable, Scaling,
    WorkloadTimes, format, phrases,
};
use crate::gate::{Gate, Step};

pub(super) fn render(report: &Report) -> String {
    let parts = [
        head(report),
        section("Claims", claims(&report.claims)),
        section("Shown beside them, without a target", claims(&report.shown)),
        report.gate.as_ref().map_or(String::new(), |gate| section("Gate", gate_text(gate))),
        section("Time per arm", report.workloads.iter().map(workload).collect()),
        section("Break-even", report.break_even.as_ref().map_or(String::new(), break_even)),
        section("Workers", report.scaling.iter().map(scaling).collect()),
        section("Heavy operations and the engine", heavy(report)),
        section("Memory", memory(&report.memory)),
        section("Hit rates", hit_rates(&report.hit_rates)),
        section("Equivalence", equivalence(&report.equivalence)),
        section("Notes", report.notes.iter().map(|note| format!("- {note}\n")).collect()),
    ];
    parts.concat()
}

fn head(report: &Report) -> String {
    let host = &report.host;
    format!(
        "# Validation report\n\n**{}**\n\n{} run of {}, {} long · revision {} · {} · {}, {} cores, {}/{}\n\n\
         {} Time saved is 1 − optimised/base, speed-up is base/optimised.\n",
        report.summary(),
        phrases::mode(report.mode),
        report.started,
        format::duration(report.elapsed_seconds),
        report.revision,
        report.toolchain,
        host.cpu,
        host.cores,
        host.os,
        host.arch,
        phrases::method(),
    )
}

fn section(title: &str, body: String) -> String {
    if body.is_empty() { body } else { format!("\n## {title}\n\n{body}") }
}

fn claims(claims: &[ClaimResult]) -> String {
    let header = [
        "verdict",
        "claim",
        "target",
        "measured",
        "interval",
        "median",
        "time saved",
        "speed-up",
        "original",
        "p",
        "Welch p",
        "Holm p",
        "n",
    ];
    table(&header, claims.iter().map(claim_row))
}

fn claim_row(claim: &ClaimResult) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| format::NONE.to_owned());
    let note = claim.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
    vec![
        phrases::verdict(claim.verdict).to_owned(),
        format!("`{}`: {}{note}", claim.id, claim.description),
        phrases::target(claim),
        phrases::measured(claim),
        phrases::interval(claim),
        or_none(claim.median.map(|median| format::value(claim.measure, median))),
        or_none(claim.time_saved.map(format::share)),
        or_none(claim.speed_up.map(|times| format!("{}×", format::digits(times)))),
        claim.original.as_ref().map_or(format::NONE.to_owned(), |original| original.text.clone()),
        or_none(claim.p.map(format::probability)),
        or_none(claim.welch_p.map(format::probability)),
        or_none(claim.holm_p.map(format::probability)),
        claim.n.to_string(),
    ]
}

fn gate_text(gate: &Gate) -> String {
    let steps = gate.evaluation.as_ref().map_or(String::new(), |evaluation| steps(&evaluation.steps));
    let ranked = gate.ranked.iter().map(|ranked| {
        let flag = format!("`{}`", ranked.operation.flag());
        vec![ranked.operation.to_string(), flag, format::share(ranked.saves_at_most)]
    });
    let (reason, evaluation) = (&gate.reason, phrases::evaluation());
    format!(
        "{reason}.\n\n{evaluation}\n\n{steps}\n{}",
        table(&["operation", "flag", "attacks at most"], ranked)
    )
}

fn steps(steps: &[Step]) -> String {
    let row = |step: &Step| {
        let accepted = if step.accepted { "accepted" } else { "rejected" };
        let (saved, so_far) =
            (format::share(step.time_saved.estimate), format::share(step.time_saved_so_far));
        vec![step.name.clone(), saved, accepted.to_owned(), so_far, step.reason.clone()]
    };
    table(&["step", "time saved", "decision", "time saved so far", "because"], steps.iter().map(row))
}

fn heavy(report: &Report) -> String {
    let heavy = &report.heavy;
    let steps = match heavy.steps.is_empty() {
        true => String::new(),
        false => format!("{}\n\n{}\n", phrases::pool_evaluation(), steps(&heavy.steps)),
    };
    let header = [
        "space",
        "data",
        "search",
        "points",
        "within 1 %",
        "median saved",
        "least",
        "most",
        "seeds that got there",
    ];
    let searches = match heavy.searches.is_empty() {
        true => String::new(),
        false => {
            let rows = heavy.searches.iter().map(|search| phrases::search_cells(search).to_vec());
            format!("Bars saved: {}.\n\n{}\n", phrases::bars_saved(), table(&header, rows))
        }
    };
    let scaling = heavy.scaling.as_ref().map_or(String::new(), |rounds| {
        let cells = phrases::round_cells(rounds).into_iter().map(|cells| cells.to_vec());
        let rows = table(&["round", "1 worker", "2 workers", "cores given", ""], cells);
        format!("{}\n\n{rows}\n", phrases::scaling_rounds(rounds))
    });
    let run = |one: &SameTable| {
        let digest = format!("`{}…`", one.digest);
        vec![one.run.clone(), format::count(one.trials), digest, phrases::is_same(one).to_owned()]
    };
    let tables = match heavy.tables.is_empty() {
        true => String::new(),
        false => {
            let rows = table(&["run", "trials", "digest", "bytes"], heavy.tables.iter().map(run));
            format!("{}\n\n{rows}", phrases::tables())
        }
    };
    [steps, searches, scaling, tables].concat()
}

fn workload(workload: &WorkloadTimes) -> String {
    let rows = table(
        &["arm", "time", "interval", "median", "turns", "trials a turn"],
        workload.arms.iter().map(arm_row),
    );
    format!("### {}\n\n{}\n\n{rows}\n", workload.id, workload.description)
}

fn arm_row(arm: &ArmTime) -> Vec<String> {
    let note = arm.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
    vec![
        format!("{}{note}", arm.arm),
        format::seconds(arm.seconds.estimate),
        format!("{} to {}", format::seconds(arm.seconds.low), format::seconds(arm.seconds.high)),
        format::seconds(arm.median_seconds),
        arm.n.to_string(),
        arm.trials_run.to_string(),
    ]
}

fn break_even(break_even: &BreakEven) -> String {
    let ingest = phrases::ingestion(break_even);
    format!(
        "{}: time by number of trials. {ingest}\n\n{}",
        break_even.workload,
        curves("trials", &break_even.curves)
    )
}

fn scaling(scaling: &Scaling) -> String {
    let kind = phrases::workers(scaling.workers);
    format!("### {}, {kind}\n\n{}\n", scaling.workload, curves("workers", &scaling.curves))
}

fn curves(x: &str, curves: &[Curve]) -> String {
    let mut header = vec![x];
    header.extend(curves.iter().map(|curve| curve.arm.as_str()));
    table(&header, phrases::curve_rows(curves).into_iter())
}

fn memory(memory: &[MemoryUse]) -> String {
    let row = |m: &MemoryUse| {
        vec![
            m.workload.clone(),
            m.arm.clone(),
            m.workers.to_string(),
            phrases::optional_bytes(m.peak_rss_bytes),
            phrases::optional_bytes(m.pss_bytes),
        ]
    };
    table(&["workload", "arm", "processes", "peak RSS", "PSS"], memory.iter().map(row))
}

fn hit_rates(hit_rates: &[HitRate]) -> String {
    let row = |h: &HitRate| {
        vec![
            h.workload.clone(),
            h.cache.clone(),
            h.rate().map_or(format::NONE.to_owned(), format::share),
            format::count(h.hits),
            format::count(h.misses),
            format::bytes(h.bytes as f64),
            h.note.clone().unwrap_or_default(),
        ]
    };
    table(&["workload", "cache", "hit rate", "hits", "misses", "bytes", ""], hit_rates.iter().map(row))
}

fn equivalence(equivalence: &[Equivalence]) -> String {
    if equivalence.is_empty() {
        return String::new();
    }
    let row = |e: &Equivalence| {
        vec![
            e.workload.clone(),
            phrases::compared(e),
            e.arms.join(", "),
            phrases::fewer(e),
            format!("`{}`", e.digest),
        ]
    };
    let header = ["workload", "trials", "arms with the same bits", "that ran fewer", "digest"];
    format!("{}\n\n{}", phrases::equivalence(equivalence), table(&header, equivalence.iter().map(row)))
}

/// A table, or nothing where there are no rows.
fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let body: String = rows.map(line).collect();
    if body.is_empty() {
        return body;
    }
    let head = line(header.iter().map(|cell| (*cell).to_owned()).collect());
    format!("{head}|{}\n{body}", "---|".repeat(header.len()))
}
