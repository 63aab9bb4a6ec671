//! `bt append`: later bars make a new version.

use std::path::Path;

use serde_json::json;

use super::{ingest, inputs, store};
use crate::arguments::IngestArguments;
use crate::exit::Failure;
use crate::output::{Escaped, Output};

pub(crate) fn run(arguments: &IngestArguments, path: &Path, output: Output) -> Result<(), Failure> {
    let store = store::open(path)?;
    let name = arguments.name.as_str();
    let (ingest, skipped) = inputs::ingest(arguments)?;
    let mut report = ingest
        .append_to(&store, &arguments.name)
        .map_err(|error| store::repairable(inputs::failure(&error)))?;
    report.input.skipped.extend(skipped);
    let appended = &report.appended;
    let object = json!({
        "name": name,
        "version": appended.published.version.to_string(),
        "previous": appended.previous.to_string(),
        "unchanged": appended.published.version == appended.previous,
        "repaired": appended.published.repaired,
        "new_bars": appended.new_bars,
        "repeated_bars": appended.repeated_bars,
        "assets": appended.published.assets,
        "bars": appended.published.rows,
        "input": ingest::json(&report.input),
    });
    output.report(&object, Escaped(&report))?;
    inputs::warn(&report.input, output);
    Ok(())
}
