//! The report as one page: charts, each with its table, and nothing loaded from elsewhere.

mod heavy;

use super::chart::{self, Line, Row};
use super::{
    ArmTime, BreakEven, ClaimResult, Curve, Equivalence, HitRate, MemoryUse, Report, Scaling, WorkloadTimes,
    format, phrases,
};
use crate::claims::{Measure, id};
use crate::gate::{Gate, Step};
use crate::stats::Verdict;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(super) fn render(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Validation report" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { main { (body(report)) } }
        }
    };
    page.into_string()
}

fn body(report: &Report) -> Markup {
    html! {
        (head(report))
        (cards(report))
        @if let Some(gate) = &report.gate { (gate_section(gate)) }
        (claims_section(report))
        (heavy::section(report))
        @if !report.workloads.is_empty() {
            h2 { "Time per arm" }
            p.soft { "Geometric mean of a whole sweep with its interval, on a logarithmic axis: equal steps are equal factors." }
            @for workload in &report.workloads { (workload_figure(workload)) }
        }
        @if let Some(break_even) = &report.break_even { (break_even_section(break_even)) }
        @if !report.scaling.is_empty() {
            h2 { "Workers" }
            p.soft { "Time for the same sweep, spread over more workers. Beyond the machine's cores a flat line is the best there is." }
            div.pair { @for scaling in &report.scaling { (scaling_figure(scaling)) } }
        }
        (memory_section(&report.memory))
        (hit_rate_section(&report.hit_rates))
        (equivalence_section(&report.equivalence))
        (reading_section(&report.notes))
    }
}

fn head(report: &Report) -> Markup {
    let host = &report.host;
    let memory = host.memory_bytes.map(|bytes| format!(", {}", format::bytes(bytes as f64)));
    html! {
        header {
            h1 { "What the layers are worth" }
            div.meta {
                span { (phrases::mode(report.mode)) " run of " (report.started) ", " (format::duration(report.elapsed_seconds)) }
                span { (host.cpu) ", " (host.cores) " cores" (memory.unwrap_or_default()) ", " (host.os) "/" (host.arch) }
                span { "revision " code { (report.revision) } }
                span { (report.toolchain) }
            }
            div.banner.(verdict_class(report.verdict())) role="status" { (report.summary()) }
        }
    }
}

/// The claims that a reader who stays for ten seconds should see.
const CARDS: [(&str, &str, &str); 5] = [
    (id::TIME_SAVED, "production", "production sweep, against naive"),
    (id::VS_CAREFUL, "production", "time of hand-written slices"),
    (id::OVERHEAD, "", "data handling per computation"),
    (id::WORKER_INIT, "", "worker start, weakest case"),
    (id::PEAK, "", "peak memory, against naive, weakest case"),
];

fn cards(report: &Report) -> Markup {
    let cards =
        CARDS.iter().filter_map(|(row, part, label)| Some((report.claim(&id::part(row, part))?, *label)));
    html! {
        dl.cards {
            @for (claim, label) in cards.filter(|(claim, _)| claim.measured.is_some()) {
                div.card {
                    dt { (label) }
                    dd.big { (phrases::measured(claim)) }
                    dd.soft { (card_line(claim)) }
                }
            }
        }
    }
}

fn card_line(claim: &ClaimResult) -> String {
    let kind = if claim.measure == Measure::TimeSaved { "time saved" } else { "" };
    let speed_up = claim.speed_up.filter(|_| claim.measure == Measure::TimeSaved);
    let speed_up = speed_up.map(|times| format!("speed-up {}×", format::digits(times)));
    let target = claim.target.map(|_| format!("target {}", phrases::target(claim)));
    let parts = [Some(kind.to_owned()).filter(|kind| !kind.is_empty()), speed_up, target];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn gate_section(gate: &Gate) -> Markup {
    html! {
        h2 { "Are the heavy operations needed?" }
        p { (capitalised(&gate.reason)) "." }
        @if let Some(evaluation) = &gate.evaluation {
            p.soft { (phrases::evaluation()) }
            (steps_table(&evaluation.steps))
            p.soft { "Ended because: " (evaluation.stop) "." }
        }
        @if !gate.ranked.is_empty() {
            table {
                thead { tr { th { "heavy operation" } th { "flag" } th.n { "attacks at most" } } }
                tbody { @for ranked in &gate.ranked { tr {
                    td { (ranked.operation) } td { code { (ranked.operation.flag()) } } td.n { (format::share(ranked.saves_at_most)) }
                } } }
            }
        }
    }
}

fn steps_table(steps: &[Step]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "step" } th.n { "saves" } th { "decision" } th.n { "saved so far" } th { "because" } } }
            tbody { @for step in steps { tr {
                td { (step.name) }
                td.n { (format::share(step.time_saved.estimate)) }
                td { @if step.accepted { "accepted" } @else { "rejected" } }
                td.n { (format::share(step.time_saved_so_far)) }
                td { (step.reason) }
            } } }
        } }
    }
}

fn claims_section(report: &Report) -> Markup {
    let tested = report.claims.iter().filter(|claim| claim.parts.is_empty());
    let rows: Vec<Row> = tested.filter_map(forest_row).collect();
    let own = |claims: &[ClaimResult]| claims.iter().filter(|one| !heavy::is_own(one)).cloned().collect();
    let (claims, shown): (Vec<_>, Vec<_>) = (own(&report.claims), own(&report.shown));
    html! {
        h2 { "Claims" }
        (claims_table(&claims))
        @if !rows.is_empty() {
            figure {
                figcaption { b { "Distance from the target" } "the time taken as a ratio of the time that the target allows; a claim passes if its whole interval is in the shaded part; ◇ is the Python original, where it is near enough" }
                (chart::forest("Intervals of every timed claim, relative to its target", &rows))
            }
        }
        @if !shown.is_empty() {
            h3 { "Shown beside them, without a target" }
            (claims_table(&shown))
        }
    }
}

fn claims_table(claims: &[ClaimResult]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "claim" } th { "verdict" } th.n { "target" } th.n { "measured" } th.n { "interval" } th { "the Python original" }
            } }
            tbody { @for claim in claims { (claim_row(claim)) } }
        } }
        (statistics_table(claims))
    }
}

fn claim_row(claim: &ClaimResult) -> Markup {
    html! {
        tr.part[claim.part_of.is_some()] {
            td.claim {
                code { (claim.id) }
                @if claim.part_of.is_none() { br; span.soft { (claim.description) } }
                @if let Some(weakest) = &claim.weakest_part { br; span.soft { "numbers of its weakest part, " (weakest) } }
                @if let Some(note) = &claim.note { br; span.soft { (note) } }
            }
            td { span.verdict.(verdict_class(claim.verdict)) { (phrases::verdict(claim.verdict)) } }
            td.n { (phrases::target(claim)) }
            td.n { b { (phrases::measured(claim)) } (other_reading(claim)) }
            td.n { (phrases::interval(claim)) }
            td { @if let (Some(original), None) = (&claim.original, &claim.part_of) { span.soft { (original.text) } } }
        }
    }
}

/// Time saved beside a speed-up and the other way round, each with its name.
fn other_reading(claim: &ClaimResult) -> Markup {
    let text = match (claim.measure, claim.time_saved, claim.speed_up) {
        (Measure::TimeSaved, _, Some(times)) => format!("speed-up {}×", format::digits(times)),
        (Measure::SpeedUp, Some(saved), _) => format!("{} time saved", format::share(saved)),
        _ => return html! {},
    };
    html! { br; span.soft { (text) } }
}

fn statistics_table(claims: &[ClaimResult]) -> Markup {
    let timed = || claims.iter().filter(|claim| claim.measure.is_timed() && claim.parts.is_empty());
    html! {
        @if timed().next().is_some() {
            details {
                summary { "Statistics of the timed claims" }
                div.scroll { table {
                    thead { tr {
                        th { "claim" } th.n { "rounds" } th.n { "p" } th.n { "Holm’s p" } th.n { "Welch’s p" } th.n { "median" } th { "means of the processes" }
                    } }
                    tbody { @for claim in timed() { (statistics_row(claim)) } }
                } }
            }
        }
    }
}

fn statistics_row(claim: &ClaimResult) -> Markup {
    let p = |p: Option<f64>| p.map_or(format::NONE.to_owned(), format::probability);
    let means = claim.process_means.iter().map(|mean| format::value(claim.measure, mean.measured));
    html! { tr {
        td { code { (claim.id) } }
        td.n { (claim.n) }
        td.n { (p(claim.p)) }
        td.n { (p(claim.holm_p)) }
        td.n { (p(claim.welch_p)) }
        td.n { (claim.median.map_or(format::NONE.to_owned(), |median| format::value(claim.measure, median))) }
        td { (means.collect::<Vec<_>>().join(", ")) }
    } }
}

fn forest_row(claim: &ClaimResult) -> Option<Row> {
    let (interval, target) = (claim.interval()?, claim.target?);
    let to_target = |value: f64| claim.measure.max_ratio(value) / claim.measure.max_ratio(target);
    let original = claim.original.as_ref().and_then(|original| original.value).map(to_target);
    let to_target = interval.map(to_target);
    Some(Row {
        label: claim.id.clone(),
        text: phrases::measured(claim),
        class: match claim.verdict {
            Some(Verdict::Pass) => "c-pass",
            Some(Verdict::Inconclusive) => "c-inconclusive",
            Some(Verdict::Refuted) => "c-refuted",
            None => "c-shown",
        },
        value: to_target.estimate,
        bounds: Some((to_target.low, to_target.high)),
        reference: original,
    })
}

fn workload_figure(workload: &WorkloadTimes) -> Markup {
    let naive = workload.arms.iter().find(|arm| arm.arm == "naive").map(|arm| arm.seconds.estimate);
    let rows: Vec<Row> = workload.arms.iter().map(|arm| arm_row(arm, naive)).collect();
    html! {
        figure {
            figcaption { b { (workload.id) } (workload.description) }
            (chart::intervals(&format!("Time per arm, {}", workload.id), &rows, format::seconds_tick))
            details {
                summary { "Table" }
                table {
                    thead { tr { th { "arm" } th.n { "time" } th.n { "from" } th.n { "to" } th.n { "median" } th.n { "turns" } th.n { "trials a turn" } th { "" } } }
                    tbody { @for arm in &workload.arms { (arm_table_row(arm)) } }
                }
            }
        }
    }
}

/// The speed-up against naive at the right is the ratio of the two means shown; the claims pair their rounds.
fn arm_row(arm: &ArmTime, naive: Option<f64>) -> Row {
    let scaled = if arm.note.is_some() { " *" } else { "" };
    let speed_up =
        naive.map(|naive| format!(" · speed-up {}×", format::digits(naive / arm.seconds.estimate)));
    Row {
        label: format!("{}{scaled}", arm.arm),
        text: format::seconds(arm.seconds.estimate) + &speed_up.unwrap_or_default(),
        class: arm_class(&arm.arm),
        value: arm.seconds.estimate,
        bounds: Some((arm.seconds.low, arm.seconds.high)),
        reference: None,
    }
}

fn arm_table_row(arm: &ArmTime) -> Markup {
    html! { tr {
        td { (arm.arm) }
        td.n { (format::seconds(arm.seconds.estimate)) }
        td.n { (format::seconds(arm.seconds.low)) }
        td.n { (format::seconds(arm.seconds.high)) }
        td.n { (format::seconds(arm.median_seconds)) }
        td.n { (arm.n) }
        td.n { (arm.trials_run) }
        td { @if let Some(note) = &arm.note { "* " (note) } }
    } }
}

fn break_even_section(break_even: &BreakEven) -> Markup {
    let caption = "time by number of trials, opening or loading included";
    html! {
        h2 { "From how many trials it pays" }
        p { (phrases::ingestion(break_even)) }
        (curves_figure(chart::FULL, &break_even.workload, caption, "trials", &break_even.curves))
    }
}

fn scaling_figure(scaling: &Scaling) -> Markup {
    let kind = phrases::workers(scaling.workers);
    curves_figure(chart::HALF, &scaling.workload, &format!("workers as {kind}"), kind, &scaling.curves)
}

fn curves_figure(width: f64, name: &str, caption: &str, x_name: &str, curves: &[Curve]) -> Markup {
    let lines: Vec<Line> = curves.iter().map(line).collect();
    html! {
        figure {
            figcaption { b { (name) } (caption) }
            (chart::lines(width, &format!("{name}: {caption}"), x_name, &lines, format::seconds_tick))
            details {
                summary { "Table" }
                div.scroll { table {
                    thead { tr { th { (x_name) } @for curve in curves { th.n { (curve.arm) } } } }
                    tbody { @for row in phrases::curve_rows(curves) { tr { @for cell in row { td.n { (cell) } } } } }
                } }
            }
        }
    }
}

fn line(curve: &Curve) -> Line {
    let point = |p: &super::Point| (f64::from(p.x), p.seconds.estimate, p.seconds.low, p.seconds.high);
    Line {
        name: curve.arm.clone(),
        class: arm_class(&curve.arm),
        points: curve.points.iter().map(point).collect(),
    }
}

fn memory_section(memory: &[MemoryUse]) -> Markup {
    if memory.is_empty() {
        return html! {};
    }
    let mut workloads: Vec<&str> = memory.iter().map(|use_| use_.workload.as_str()).collect();
    workloads.dedup();
    html! {
        h2 { "Memory" }
        p.soft { "Each arm in processes of its own: PSS where it was read (shared pages count once), else peak RSS." }
        @for workload in workloads { (memory_figure(workload, memory)) }
    }
}

fn memory_figure(workload: &str, memory: &[MemoryUse]) -> Markup {
    let uses: Vec<&MemoryUse> = memory.iter().filter(|use_| use_.workload == workload).collect();
    let rows: Vec<Row> = uses.iter().filter_map(|use_| memory_row(use_)).collect();
    html! {
        figure {
            figcaption { b { (workload) } "bytes held" }
            (chart::bars(&format!("Memory per arm, {workload}"), &rows, 0.0, format::mebibytes_tick))
            details {
                summary { "Table" }
                table {
                    thead { tr { th { "arm" } th.n { "processes" } th.n { "peak RSS" } th.n { "PSS" } } }
                    tbody { @for use_ in uses { tr {
                        td { (use_.arm) } td.n { (use_.workers) }
                        td.n { (phrases::optional_bytes(use_.peak_rss_bytes)) } td.n { (phrases::optional_bytes(use_.pss_bytes)) }
                    } } }
                }
            }
        }
    }
}

/// The unit of the memory charts, so that their ticks are round.
const MIB: f64 = 1_048_576.0;

fn memory_row(use_: &MemoryUse) -> Option<Row> {
    let bytes = use_.pss_bytes.or(use_.peak_rss_bytes)?;
    let kind = if use_.pss_bytes.is_some() { "PSS" } else { "peak RSS" };
    let workers = if use_.workers > 1 { format!(", {} processes", use_.workers) } else { String::new() };
    Some(Row {
        label: format!("{}{workers}", use_.arm),
        text: format!("{} {kind}", format::bytes(bytes as f64)),
        class: arm_class(&use_.arm),
        value: bytes as f64 / MIB,
        bounds: None,
        reference: None,
    })
}

fn hit_rate_section(hit_rates: &[HitRate]) -> Markup {
    if hit_rates.is_empty() {
        return html! {};
    }
    let rows: Vec<Row> = hit_rates.iter().filter_map(hit_rate_row).collect();
    html! {
        h2 { "Hit rates" }
        figure {
            figcaption { "hits per access; a view needs no cache and does not count as an access" }
            (chart::bars("Hit rates of the caches", &rows, 1.0, format::percent_tick))
            details {
                summary { "Table" }
                div.scroll { table {
                    thead { tr { th { "workload" } th { "cache" } th.n { "hit rate" } th.n { "hits" } th.n { "misses" } th.n { "bytes" } } }
                    tbody { @for h in hit_rates { tr {
                        td { (h.workload) } td { (h.cache) } td.n { (h.rate().map_or(format::NONE.to_owned(), format::share)) }
                        td.n { (format::count(h.hits)) } td.n { (format::count(h.misses)) } td.n { (format::bytes(h.bytes as f64)) }
                    } } }
                } }
            }
        }
        @for h in hit_rates { @if let Some(note) = &h.note { p { b { (h.workload) ", " (h.cache) ": " } (note) } } }
    }
}

fn hit_rate_row(hit_rate: &HitRate) -> Option<Row> {
    let rate = hit_rate.rate()?;
    Some(Row {
        label: format!("{}, {}", hit_rate.workload, hit_rate.cache),
        text: format::share(rate),
        class: "c-all",
        value: rate,
        bounds: None,
        reference: None,
    })
}

fn equivalence_section(equivalence: &[Equivalence]) -> Markup {
    html! {
        @if !equivalence.is_empty() {
            h2 { "The same results, bit by bit" }
            p.soft { (phrases::equivalence(equivalence)) }
            div.scroll { table {
                thead { tr { th { "workload" } th.n { "trials" } th { "arms" } th { "that ran fewer" } th { "digest" } } }
                tbody { @for e in equivalence { tr {
                    td { (e.workload) } td.n { (phrases::compared(e)) } td { (e.arms.join(", ")) } td { (phrases::fewer(e)) } td { code { (e.digest.get(..16).unwrap_or(&e.digest)) "…" } }
                } } }
            } }
        }
    }
}

fn reading_section(notes: &[String]) -> Markup {
    html! {
        h2 { "How to read this" }
        p {
            b { "Time saved" } " is 1 − optimised/base, " b { "speed-up" } " is base/optimised; a target in one is never compared with a number in the other, and layers compose by multiplying their times."
        }
        p {
            (phrases::method()) " Median, Welch’s p against “no difference” and Holm’s adjusted p decide nothing. "
            "Counts are exact and have neither interval nor p."
        }
        @if !notes.is_empty() { ul { @for note in notes { li { (note) } } } }
    }
}

/// The colour of an arm, the same in every chart.
fn arm_class(arm: &str) -> &'static str {
    match arm {
        "naive" => "c-naive",
        "careful" => "c-careful",
        "ideal" => "c-ideal",
        "l1+l2+l3" => "c-all",
        "all+mapped" => "c-mapped",
        _ => "c-layers",
    }
}

fn verdict_class(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Inconclusive) => "inconclusive",
        Some(Verdict::Refuted) => "refuted",
        None => "shown",
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
