//! The section about heavy operations and the engine.

use super::{claims_table, steps_table};
use crate::claims::id;
use crate::report::chart::{self, Row};
use crate::report::{ClaimResult, Report, SameTable, ScalingRounds, SearchCost, format, phrases};
use maud::{Markup, html};

/// Whether a claim is shown in this section.
pub(super) fn is_own(claim: &ClaimResult) -> bool {
    [id::HEAVY, id::SWEEP].iter().any(|prefix| claim.id.starts_with(prefix))
}

pub(super) fn section(report: &Report) -> Markup {
    let own = |claims: &[ClaimResult]| -> Vec<ClaimResult> {
        claims.iter().filter(|claim| is_own(claim)).cloned().collect()
    };
    let (claims, shown, heavy) = (own(&report.claims), own(&report.shown), &report.heavy);
    html! {
        @if !claims.is_empty() || !shown.is_empty() || !heavy.is_empty() {
            h2 { "Heavy operations and the engine" }
            @if !claims.is_empty() { (claims_table(&claims)) }
            @if !shown.is_empty() {
                h3 { "Shown beside them, without a target" }
                (claims_table(&shown))
            }
            @if !heavy.steps.is_empty() {
                h3 { "One pool, through the sequential evaluation" }
                p.soft { (phrases::pool_evaluation()) }
                (steps_table(&heavy.steps))
            }
            @if !heavy.searches.is_empty() { (searches(&heavy.searches)) }
            @if let Some(rounds) = &heavy.scaling {
                h3 { "Two workers against one" }
                p { (phrases::scaling_rounds(rounds)) }
                (rounds_table(rounds))
            }
            @if !heavy.tables.is_empty() { (tables(&heavy.tables)) }
        }
    }
}

fn searches(searches: &[SearchCost]) -> Markup {
    let rows: Vec<Row> = searches.iter().map(search_row).collect();
    html! {
        h3 { "Bars until as good as the grid" }
        figure {
            figcaption { b { "Bars saved" } (phrases::bars_saved()) }
            (chart::bars("Bars saved against the full grid", &rows, 1.0, format::percent_tick))
            details {
                summary { "Table" }
                div.scroll { table {
                    thead { tr {
                        th { "space" } th { "data" } th { "search" } th.n { "points" } th.n { "within 1 %" }
                        th.n { "median saved" } th.n { "least" } th.n { "most" } th.n { "seeds that got there" }
                    } }
                    tbody { @for one in searches { tr { @for cell in phrases::search_cells(one) { td.n { (cell) } } } } }
                } }
            }
        }
    }
}

fn search_row(search: &SearchCost) -> Row {
    Row {
        label: format!("{}, {}, {}", search.space, search.set, search.search),
        text: format::share(search.median_saved),
        class: if search.search == "BOHB" { "c-all" } else { "c-naive" },
        value: search.median_saved,
        bounds: None,
        reference: None,
    }
}

fn rounds_table(rounds: &ScalingRounds) -> Markup {
    html! {
        details {
            summary { "All rounds" }
            div.scroll { table {
                thead { tr { th.n { "round" } th.n { "1 worker" } th.n { "2 workers" } th.n { "cores given" } th { "" } } }
                tbody { @for cells in phrases::round_cells(rounds) { tr { @for cell in cells { td.n { (cell) } } } } }
            } }
        }
    }
}

fn tables(tables: &[SameTable]) -> Markup {
    html! {
        h3 { "One sweep, run in different ways" }
        p.soft { (phrases::tables()) }
        div.scroll { table {
            thead { tr { th { "run" } th.n { "trials" } th { "digest" } th { "bytes" } } }
            tbody { @for table in tables { tr {
                td { (table.run) } td.n { (format::count(table.trials)) } td { code { (table.digest) "…" } }
                td { (phrases::is_same(table)) }
            } } }
        } }
    }
}
