//! The columns of the exported table: their names and types.

use std::collections::HashSet;

use super::{Kind, Trials};
use crate::ledger::record::Cell;

/// Before the parameters.
pub(super) const FIRST: [&str; 4] = ["number", "fold", "role", "fidelity"];
/// Between parameters and metrics.
pub(super) const MIDDLE: [&str; 2] = ["status", "message"];
/// After the metrics.
pub(super) const LAST: [&str; 3] = ["worker", "started_us", "took_us"];

/// The names of a table's columns, no two of them equal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) params: Vec<String>,
    pub(super) metrics: Vec<String>,
}

/// A parameter that is called like another column gets the prefix `param.`, a metric `metric.`.
pub(super) fn names(table: &Trials) -> Names {
    let mut taken: HashSet<String> =
        [&FIRST[..], &MIDDLE, &LAST].concat().iter().map(|&name| name.into()).collect();
    let mut unlike = |name: &String, prefix: &str| {
        let mut name = name.clone();
        while taken.contains(&name) {
            name = format!("{prefix}.{name}");
        }
        taken.insert(name.clone());
        name
    };
    let params = table.names.as_slice().iter().map(|name| unlike(name, "param")).collect();
    let metrics = table.metric_names.iter().map(|name| unlike(name, "metric")).collect();
    Names { params, metrics }
}

/// What a parameter's column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Whole numbers alone.
    Int,
    /// Numbers, the whole ones among them exactly.
    Float,
    /// Anything.
    Text,
}

/// The narrowest type for all values of a parameter.
pub(super) fn type_of(table: &Trials, param: usize) -> Type {
    let (mut ints_fit, mut all_ints, mut no_text) = (true, true, true);
    let width = table.names.as_slice().len();
    for at in (param..table.cells.len()).step_by(width.max(1)) {
        match table.kinds[at] {
            Kind::Int => ints_fit &= is_exact(table.cells[at] as i64),
            Kind::Float => all_ints = false,
            Kind::Text => no_text = false,
        }
    }
    match (no_text, all_ints, ints_fit) {
        (true, true, _) => Type::Int,
        (true, false, true) => Type::Float,
        _ => Type::Text,
    }
}

fn is_exact(value: i64) -> bool {
    value.unsigned_abs() <= 1 << 53
}

/// A real number as text that gives it back, and that shows it is one: `1.0`.
pub(super) fn float_text(value: f64) -> String {
    format!("{value:?}")
}

/// A parameter's value as text.
pub(super) fn text(cell: Cell<'_>, column: Type) -> String {
    match (cell, column) {
        (Cell::Int(value), Type::Float) => float_text(value as f64),
        (Cell::Int(value), _) => value.to_string(),
        (Cell::Float(value), _) => float_text(value),
        (Cell::Text(value), _) => value.to_owned(),
    }
}
