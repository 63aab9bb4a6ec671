//! `sweep.json`: what a sweep is.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::disk::{self, Disk};
use super::frame::FORMAT;
use super::temporary::temporary;
use crate::{Error, Names, Objective, Result};

/// The file's name.
pub(crate) const FILE: &str = "sweep.json";

/// The most parameters, and the most metrics.
const MAX_NAMES: usize = 4096;

/// Told, not compared: what a result depends on is said by the other keys.
const NOT_COMPARED: &str = "program";

/// What a sweep is: everything by which a resumed sweep is known to be the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the ledger's format.
    pub format: u32,
    /// The version of the program that began the sweep. Told, never compared.
    pub program: String,
    /// The strategy's name.
    pub strategy: String,
    /// The strategy's version.
    pub strategy_version: u32,
    /// The strategy's settings: fills, commission, slippage.
    pub settings: String,
    /// What [`Search::describe`](crate::search::Search::describe) says.
    pub search: String,
    /// The parameters' names, in the order of the values in each record.
    pub params: Vec<String>,
    /// The metrics' names, in the order of the values in each record.
    pub metrics: Vec<String>,
    /// What the sweep looks for.
    pub objective: Objective,
    /// The bundle's name.
    pub bundle: String,
    /// The bundle's version: 64 hexadecimal digits.
    pub bundle_version: String,
    /// How many assets there are in the sweep.
    pub asset_count: u64,
    /// A digest of their ranks among the bundle's assets; of all of them the same for any bundle.
    pub assets_digest: String,
    /// The part of the data.
    pub range: String,
    /// One text for each fold; none in a plain sweep.
    pub folds: Vec<String>,
    /// Whatever else results depend on, by name.
    pub other: BTreeMap<String, String>,
}

impl Header {
    /// One of this version of the program with what records need; the rest is empty, to be filled in.
    pub fn new(params: &Names, metrics: &[String], objective: Objective) -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            strategy: String::new(),
            strategy_version: 0,
            settings: String::new(),
            search: String::new(),
            params: params.as_slice().to_vec(),
            metrics: metrics.to_vec(),
            objective,
            bundle: String::new(),
            bundle_version: String::new(),
            asset_count: 0,
            assets_digest: String::new(),
            range: String::new(),
            folds: Vec::new(),
            other: BTreeMap::new(),
        }
    }

    /// Refuses what no reader would read.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some((what, count)) = self.too_many_names() {
            return Err(Error::invalid(
                format!("the number of {what}"),
                count,
                format!("at most {MAX_NAMES}"),
            ));
        }
        let length = self.to_bytes()?.len() as u64;
        if length <= disk::MAX_DOCUMENT {
            return Ok(());
        }
        let allowed = format!("at most {}", disk::MAX_DOCUMENT);
        Err(Error::invalid(format!("the bytes of {FILE}"), length, allowed))
    }

    fn too_many_names(&self) -> Option<(&'static str, usize)> {
        let counts = [("parameters", self.params.len()), ("metrics", self.metrics.len())];
        counts.into_iter().find(|(_, count)| *count > MAX_NAMES)
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        let failed = |error: serde_json::Error| Error::io(format!("write {FILE}"), error.into());
        let mut bytes = serde_json::to_vec_pretty(self).map_err(failed)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn to_json(&self) -> Result<Map<String, Json>> {
        match serde_json::to_value(self) {
            Ok(Json::Object(keys)) => Ok(keys),
            Ok(_) | Err(_) => Err(Error::invalid("the header", format!("{self:?}"), "what JSON can hold")),
        }
    }
}

/// A header as it lies on the disk.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) header: Header,
    /// Which segments belong to it.
    pub(crate) mark: [u8; 16],
    keys: Map<String, Json>,
}

/// Reads the header of a ledger.
pub(crate) fn read(folder: &Path) -> Result<Stored> {
    let path = folder.join(FILE);
    let bytes = disk::read_document(&path)?;
    let damaged = |reason| Error::Damaged { what: path.display().to_string(), reason };
    let keys: Map<String, Json> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(format!("no JSON object: {error}")))?;
    let format = keys.get("format").and_then(Json::as_u64);
    let format = format.ok_or_else(|| damaged("no whole number \"format\"".to_owned()))?;
    check_format(&path, format)?;
    let header = serde_json::from_value(Json::Object(keys.clone()));
    let header: Header = header.map_err(|error| damaged(error.to_string()))?;
    match header.too_many_names() {
        Some((what, count)) => {
            Err(damaged(format!("it has {count} {what}, and at most {MAX_NAMES} are allowed")))
        }
        None => Ok(Stored { header, mark: mark(&bytes), keys }),
    }
}

/// Refuses a format that this version cannot read, naming both.
pub(crate) fn check_format(path: &Path, found: u64) -> Result<()> {
    if found == u64::from(FORMAT) {
        return Ok(());
    }
    Err(Error::Mismatch {
        what: format!("the format version of {}", path.display()).into(),
        found: found.to_string(),
        expected: format!("{FORMAT}, which this version of the program reads"),
    })
}

/// Writes the header of a new ledger; gives its mark. It is there as a whole or not at all.
pub(crate) fn write(on: &dyn Disk, folder: &Path, header: &Header) -> Result<[u8; 16]> {
    let path = folder.join(FILE);
    let failed = |error: std::io::Error| Error::io(format!("write {}", path.display()), error);
    let bytes = header.to_bytes()?;
    let mut file = temporary(folder).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| on.sync_data(file.as_file())).map_err(failed)?;
    // Open until it has its place: it is locked as long.
    let (_open, temporary) = file.into_parts();
    on.rename(&temporary, &path).and_then(|()| on.sync_dir(folder)).map_err(failed)?;
    Ok(mark(&bytes))
}

fn mark(bytes: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut mark = [0; 16];
    mark.copy_from_slice(&digest[..16]);
    mark
}

/// Refuses to go on with a ledger of another sweep, naming the first key that differs.
pub(crate) fn compare(folder: &Path, found: &Stored, expected: &Header) -> Result<()> {
    let expected = expected.to_json()?;
    let added = found.keys.keys().filter(|key| !expected.contains_key(*key));
    for key in ORDER.iter().copied().chain(added.map(String::as_str)).filter(|key| *key != NOT_COMPARED) {
        let (found, expected) = (found.keys.get(key), expected.get(key));
        if found == expected {
            continue;
        }
        let (key, found, expected) = first_inside(key, found, expected);
        return Err(Error::Mismatch {
            what: format!("{key} of the ledger {}", folder.display()).into(),
            found,
            expected,
        });
    }
    Ok(())
}

/// The keys in the order of the struct, so that what is named is the cause rather than a consequence.
const ORDER: [&str; 16] = [
    "format",
    "program",
    "strategy",
    "strategy_version",
    "settings",
    "search",
    "params",
    "metrics",
    "objective",
    "bundle",
    "bundle_version",
    "asset_count",
    "assets_digest",
    "range",
    "folds",
    "other",
];

/// Two values that differ, as texts; of two objects or lists, the first entry that differs.
fn first_inside(key: &str, found: Option<&Json>, expected: Option<&Json>) -> (String, String, String) {
    match (found, expected) {
        (Some(Json::Object(found)), Some(Json::Object(expected))) => {
            let mut keys = expected.keys().chain(found.keys());
            match keys.find(|key| found.get(*key) != expected.get(*key)) {
                Some(inner) => first_inside(&format!("{key}.{inner}"), found.get(inner), expected.get(inner)),
                None => (key.to_owned(), "the same".to_owned(), "the same".to_owned()),
            }
        }
        (Some(Json::Array(found)), Some(Json::Array(expected))) if found.len() == expected.len() => {
            let at = found.iter().zip(expected).position(|(found, expected)| found != expected);
            let at = at.unwrap_or_default();
            first_inside(&format!("{key}[{at}]"), found.get(at), expected.get(at))
        }
        _ => (key.to_owned(), text(found), text(expected)),
    }
}

fn text(value: Option<&Json>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(items)) => items.iter().map(|item| text(Some(item))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_compared_in_the_order_of_the_document() {
        let header = Header::new(&Names::new(["fast"]), &["sharpe".into()], Objective::maximize("sharpe"));
        let keys = header.to_json().unwrap();
        assert_eq!(keys.len(), ORDER.len());
        assert!(ORDER.iter().all(|key| keys.contains_key(*key)));
    }
}
