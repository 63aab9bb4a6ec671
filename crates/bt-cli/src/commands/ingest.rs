//! `bt ingest`: files become a version of a bundle.

use std::fs;
use std::path::Path;

use bt_bundle::{BadRow, IngestReport, LeftOut, Store};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::inputs;
use crate::arguments::IngestArguments;
use crate::exit::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &IngestArguments, path: &Path, output: Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let ingest = inputs::ingest(&arguments.input).map_err(|failure| inputs::order(failure, name))?;
    let is_new = !path.exists();
    let store = Store::create(path)?;
    match ingest.into_store(&store, &arguments.name) {
        Ok(mut report) => {
            inputs::reword(&mut report, &arguments.input);
            output.report(&json(&report), &report)?;
            inputs::doubt(&report)
                .into_iter()
                .for_each(|doubt| output.note(format_args!("warning: {doubt}")));
            Ok(())
        }
        Err(error) => {
            if is_new {
                // A store that holds nothing is none; one that holds something cannot be removed this way.
                let _ = fs::remove_dir(path.join(name));
                let _ = fs::remove_dir(path);
            }
            Err(inputs::failure(&error, &arguments.input))
        }
    }
}

/// The report as an object.
pub(super) fn json(report: &IngestReport) -> Value {
    let columns: Map<_, _> =
        report.columns.iter().map(|(what, column)| (what.clone(), column.as_str().into())).collect();
    json!({
        "name": report.name.as_str(),
        "version": report.version.to_string(),
        "unchanged": report.unchanged,
        "sources": report.sources,
        "columns": columns,
        "ignored": report.ignored,
        "frequency": report.frequency.to_string(),
        "frequency_inferred": report.frequency_inferred,
        "known": report.known,
        "zone": report.zone,
        "rows_read": report.rows_read,
        "left_out": rows(&report.left_out),
        "outside": rows(&report.outside),
        "missing": rows(&report.missing),
        "assets": report.assets,
        "bars": report.bars,
        "first": report.first.map(|moment| moment.to_string()),
        "last": report.last.map(|moment| moment.to_string()),
        "adjustments": report.adjustments,
        "spilled_bytes": report.spilled_bytes,
        "seconds": report.timings.total().as_secs_f64(),
    })
}

fn rows(rows: &LeftOut) -> impl Serialize + use<> {
    let example = |row: &BadRow| json!({ "source": row.source, "at": row.at, "column": row.column, "reason": row.reason });
    json!({ "count": rows.count, "examples": rows.examples.iter().map(example).collect::<Vec<_>>() })
}
