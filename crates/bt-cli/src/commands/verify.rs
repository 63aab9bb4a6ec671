//! `bt verify`: reads a whole version and compares its digests.

use std::path::Path;

use serde_json::json;

use super::store;
use crate::arguments::VerifyArguments;
use crate::exit::Failure;
use crate::output::{Output, counted};

pub(crate) fn run(arguments: &VerifyArguments, path: &Path, output: Output) -> Result<(), Failure> {
    let store = store::open(path)?;
    let name = &arguments.name;
    let version =
        arguments.version.as_ref().map(|digits| store::version(&store, name, digits)).transpose()?;
    let verified = store.verify(name, version).map_err(|error| store::repairable(error.into()))?;
    let versions = store.versions(name).unwrap_or_default();
    if !versions.iter().any(|(version, manifest)| *version == verified.version && manifest.is_some()) {
        output.note(format!(
            "the manifest of {name} {}, which no bar is read through, cannot be read",
            verified.version
        ));
    }
    let object = json!({
        "name": name.as_str(),
        "version": verified.version.to_string(),
        "intact": true,
        "assets": verified.assets,
        "bars": verified.rows,
    });
    let (assets, bars) = (counted(verified.assets as u64, "asset"), counted(verified.rows as u64, "bar"));
    output.report(&object, format_args!("{name} {} is intact: {assets}, {bars}", verified.version))
}
