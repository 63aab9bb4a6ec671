//! `bt gc`: removes old versions.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use bt_bundle::Collected;
use bt_bundle::bt_core::{BundleVersion, Error};
use serde_json::json;

use super::store::{self, short};
use crate::arguments::GcArguments;
use crate::exit::{Code, Failure};
use crate::output::{Output, bytes, counted, escaped};

pub(crate) fn run(arguments: &GcArguments, path: &Path, output: Output) -> Result<(), Failure> {
    let store = store::open(path)?;
    let name = &arguments.name;
    let versions = store.versions(name)?;
    let sizes: BTreeMap<_, _> =
        versions.iter().map(|&(version, _)| (version, store::size(&store, name, version))).collect();
    let collected = store.gc(name, arguments.keep as usize)?;
    let freed = collected.removed.iter().filter_map(|version| sizes.get(version)).sum();
    let kept = versions.len().saturating_sub(collected.removed.len());
    let texts = |versions: &[BundleVersion]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
    let reasons = |versions: &[(BundleVersion, Error)]| {
        let one = |(version, error): &(BundleVersion, Error)| json!({ "version": version.to_string(), "reason": error.to_string() });
        versions.iter().map(one).collect::<Vec<_>>()
    };
    let object = json!({
        "name": name.as_str(),
        "removed": texts(&collected.removed),
        "open": texts(&collected.leased),
        "unknown": reasons(&collected.unknown),
        "failed": reasons(&collected.failed),
        "kept": kept,
        "freed_bytes": freed,
    });
    output.report(&object, text(name.as_str(), &collected, kept, freed))?;
    match &collected.failed[..] {
        [] => Ok(()),
        [(version, error), ..] => {
            let message = format!("version {} could not be removed: {error}", short(version));
            Err(Failure::new(Code::Failure, message))
        }
    }
}

fn text(name: &str, collected: &Collected, kept: usize, freed: u64) -> String {
    let removed = counted(collected.removed.len() as u64, "version");
    let mut text = format!("{name}: removed {removed}, {} freed; {} kept", bytes(freed), kept);
    for version in &collected.removed {
        let _ = write!(text, "\n  removed  {}", short(version));
    }
    for version in &collected.leased {
        let _ = write!(text, "\n  kept     {}, which somebody has open", short(version));
    }
    for (version, reason) in &collected.unknown {
        let (version, reason) = (short(version), escaped(&reason.to_string()).into_owned());
        let _ = write!(text, "\n  kept     {version}, of unknown age: {reason}");
    }
    text
}
