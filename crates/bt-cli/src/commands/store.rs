//! The store that a command works on, and the versions in it.

use std::path::Path;

use bt_bundle::Store;
use bt_bundle::bt_core::{BundleName, BundleVersion};

use crate::exit::{Code, Failure};

/// Opens the store of the command line.
pub(super) fn open(path: &Path) -> Result<Store, Failure> {
    Store::open(path).map_err(|error| {
        let failure = Failure::from(error);
        match failure.code {
            Code::NotFound => Failure::new(Code::NotFound, format!("no store at {}", path.display()))
                .with_hint("`bt ingest NAME FILES` makes one; --store DIR or BT_STORE names another"),
            _ => failure,
        }
    })
}

/// Finds a version by its first digits.
pub(super) fn version(store: &Store, name: &BundleName, digits: &str) -> Result<BundleVersion, Failure> {
    let usable = !digits.is_empty() && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !usable || digits.len() > 64 {
        let allowed = "64 hexadecimal digits in lower case, or the first of them";
        return Err(Failure::new(Code::Usage, format!("{digits:?} is not a version; allowed: {allowed}")));
    }
    let versions: Vec<_> = store.versions(name)?.into_iter().map(|(version, _)| version).collect();
    let fits = |version: &&BundleVersion| version.to_string().starts_with(digits);
    let found: Vec<_> = versions.iter().filter(fits).collect();
    let list = |versions: &[&BundleVersion]| {
        let short: Vec<_> = versions.iter().take(5).map(short).collect();
        short.join(", ")
    };
    match found[..] {
        [one] => Ok(*one),
        [] => {
            let all: Vec<_> = versions.iter().collect();
            let message = format!("bundle {name} has no version {digits}; it has {}", list(&all));
            Err(Failure::new(Code::NotFound, message))
        }
        _ => {
            let message =
                format!("{} versions of bundle {name} start with {digits}: {}", found.len(), list(&found));
            Err(Failure::new(Code::Usage, message).with_hint("state more digits"))
        }
    }
}

/// Says what to do about a damaged version.
pub(super) fn repairable(failure: Failure) -> Failure {
    match failure.code {
        Code::Damaged => {
            failure.with_hint("ingest it again from its files, or restore the folder from a backup")
        }
        _ => failure,
    }
}

/// The digits that tell versions apart for people.
pub(super) fn short(version: &impl ToString) -> String {
    version.to_string().chars().take(12).collect()
}

/// Bytes of a version's files; 0 where it cannot be looked at.
pub(super) fn size(store: &Store, name: &BundleName, version: BundleVersion) -> u64 {
    let directory = store.root().join(name.as_str()).join(version.to_string());
    let Ok(files) = std::fs::read_dir(directory) else { return 0 };
    files.filter_map(|file| file.ok()?.metadata().ok()).map(|metadata| metadata.len()).sum()
}
