//! `bt ingest`: files become a version of a bundle.

use std::fs;
use std::path::Path;

use bt_bundle::{Finding, Findings, IngestReport, Skipped, Store};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::inputs;
use crate::arguments::IngestArguments;
use crate::exit::Failure;
use crate::output::{Escaped, Output};

pub(crate) fn run(arguments: &IngestArguments, path: &Path, output: Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let (ingest, skipped) = inputs::ingest(arguments)?;
    let is_new = !path.exists();
    let store = Store::create(path)?;
    match ingest.into_store(&store, &arguments.name) {
        Ok(mut report) => {
            report.skipped.extend(skipped);
            output.report(&json(&report), Escaped(&report))?;
            inputs::warn(&report, output);
            Ok(())
        }
        Err(error) => {
            if is_new {
                // A store that holds nothing is none; one that holds something cannot be removed this way.
                let _ = fs::remove_dir(path.join(name));
                let _ = fs::remove_dir(path);
            }
            Err(inputs::failure(&error))
        }
    }
}

/// The report as an object.
pub(super) fn json(report: &IngestReport) -> Value {
    let columns: Map<_, _> =
        report.columns.iter().map(|(what, column)| (what.clone(), column.as_str().into())).collect();
    let bars = report.bar_names();
    json!({
        "name": report.name.as_str(),
        "version": report.version.to_string(),
        "unchanged": report.unchanged,
        "repaired": report.repaired,
        "sources": report.sources,
        "columns": columns,
        "ignored": report.ignored,
        "frequency": report.frequency.to_string(),
        "frequency_inferred": report.frequency_inferred,
        "known": report.known,
        "zone": report.conventions.zone,
        "label": report.conventions.label.to_string(),
        "rows_read": report.rows_read,
        "left_out": rows(&report.rejected),
        "unpriced": rows(&report.unpriced),
        "repeated": rows(&report.repeated),
        "not_above_zero": rows(&report.not_above_zero),
        "outside": rows(&report.outside),
        "missing": rows(&report.missing),
        "assets": report.assets,
        "bars": report.bars,
        "first": report.first.map(|moment| moment.to_string()),
        "last": report.last.map(|moment| moment.to_string()),
        "first_day": bars.as_ref().map(|[first, _]| first),
        "last_day": bars.as_ref().map(|[_, last]| last),
        "skipped": report.skipped.iter().map(skipped).collect::<Vec<_>>(),
        "warnings": inputs::warnings(report),
        "adjustments": report.adjustments,
        "left_out_adjustments": rows(&report.rejected_adjustments),
        "spilled_bytes": report.spilled_bytes,
        "seconds": report.timings.total().as_secs_f64(),
    })
}

fn rows(rows: &Findings) -> impl Serialize + use<> {
    let example = |Finding { place, fault }: &Finding| {
        json!({
            "source": place.source,
            "at": place.row.map(|row| row.to_string()),
            "column": place.column,
            "reason": fault.statement().to_string(),
        })
    };
    json!({ "count": rows.count, "examples": rows.examples.iter().map(example).collect::<Vec<_>>() })
}

fn skipped(skipped: &Skipped) -> Value {
    json!({ "path": skipped.path.display().to_string(), "reason": skipped.reason.to_string() })
}
