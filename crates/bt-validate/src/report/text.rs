//! The terminal table.

use super::{ClaimResult, Report, phrases};

pub(super) fn render(report: &Report) -> String {
    let mut text = table(header(), &report.claims.iter().map(row).collect::<Vec<_>>());
    if !report.shown.is_empty() {
        text.push_str("\nShown, without a target\n");
        text.push_str(&table(header(), &report.shown.iter().map(row).collect::<Vec<_>>()));
    }
    text.push_str(&format!("\n{}\n", report.summary()));
    if let Some(gate) = &report.gate {
        text.push_str(&format!("Gate: {}.\n", gate.reason));
    }
    for one in report.equivalence.iter().filter(|one| !one.fewer.is_empty()) {
        let (fewer, sweep) = (phrases::fewer(one), one.sweep);
        text.push_str(&format!(
            "Equivalence on {}: of {sweep} trials these arms ran fewer: {fewer}.\n",
            one.workload
        ));
    }
    for note in &report.notes {
        text.push_str(&format!("Note: {note}\n"));
    }
    text
}

fn header() -> [String; 6] {
    let interval = format!("interval ({})", phrases::confidence());
    ["verdict", "claim", "target", "measured", &interval, "original"].map(str::to_owned)
}

fn row(claim: &ClaimResult) -> [String; 6] {
    let indent = if claim.part_of.is_some() { "  " } else { "" };
    [
        phrases::verdict(claim.verdict).to_owned(),
        format!("{indent}{}", claim.id),
        phrases::target(claim),
        phrases::measured(claim),
        phrases::interval(claim),
        phrases::original(claim),
    ]
}

fn table<const N: usize>(header: [String; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        std::iter::once(&header).chain(rows).map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    let rule = widths.map(|width| "─".repeat(width));
    let lines = [&header, &rule].into_iter().chain(rows).map(|row| line(row, &widths));
    lines.collect()
}

fn line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let padded: Vec<String> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    format!("{}\n", padded.join("  ").trim_end())
}
