//! `bt list`: the bundles of a store.

use std::path::Path;

use bt_bundle::bt_core::{BundleName, BundleSource, BundleVersion, Result};
use bt_bundle::{Manifest, Store};
use serde_json::{Value, json};

use super::days::Days;
use super::store::{self, short};
use crate::exit::Failure;
use crate::output::{Align, Output, Table, bytes, escaped, grouped};

pub(crate) fn run(path: &Path, output: Output) -> Result<(), Failure> {
    let store = store::open(path)?;
    let bundles: Vec<Bundle> = store.list()?.into_iter().map(|name| Bundle::of(&store, name)).collect();
    let object = json!({
        "store": store.root().display().to_string(),
        "bundles": bundles.iter().map(Bundle::json).collect::<Vec<_>>(),
    });
    if bundles.is_empty() && !output.json {
        output.note(format_args!(
            "the store {} has no bundles; `bt ingest NAME FILES` makes one",
            store.root().display()
        ));
        return Ok(());
    }
    output.show(&object, table(&bundles))
}

/// A bundle with what its current version's manifest says.
struct Bundle {
    name: BundleName,
    current: Result<(BundleVersion, Option<Manifest>)>,
    versions: usize,
    size: u64,
}

impl Bundle {
    fn of(store: &Store, name: BundleName) -> Self {
        let versions = store.versions(&name).unwrap_or_default();
        let size = versions.iter().map(|&(version, _)| store::size(store, &name, version)).sum();
        let count = versions.len();
        let current = store.version(&name).map(|current| {
            let manifest = versions.into_iter().find(|(version, _)| *version == current);
            (current, manifest.and_then(|(_, manifest)| manifest))
        });
        Self { name, current, versions: count, size }
    }

    fn manifest(&self) -> Option<&Manifest> {
        self.current.as_ref().ok()?.1.as_ref()
    }

    fn json(&self) -> Value {
        let mut object = json!({
            "name": self.name.as_str(),
            "version": self.current.as_ref().ok().map(|(version, _)| version.to_string()),
            "versions": self.versions,
            "size_bytes": self.size,
        });
        if let Some(manifest) = self.manifest() {
            let days = Days::of(manifest);
            object["frequency"] = manifest.frequency.as_str().into();
            object["assets"] = manifest.asset_count.into();
            object["bars"] = manifest.rows.into();
            object["first"] = manifest.first.clone().into();
            object["last"] = manifest.last.clone().into();
            object["first_day"] = days.of_bar(manifest.first.as_deref()).into();
            object["last_day"] = days.of_bar(manifest.last.as_deref()).into();
            object["published"] = manifest.published.as_str().into();
        }
        if let Some(damage) = self.damage() {
            object["damage"] = damage.into();
        }
        object
    }

    fn damage(&self) -> Option<String> {
        match &self.current {
            Err(error) => Some(error.to_string()),
            Ok((version, None)) => Some(format!("the manifest of version {version} cannot be read")),
            Ok(_) => None,
        }
    }

    fn row(&self) -> Vec<String> {
        let name = self.name.to_string();
        let size = bytes(self.size);
        let versions = grouped(self.versions as u64);
        let version = self.current.as_ref().map_or("?".to_owned(), |(version, _)| short(version));
        match self.manifest() {
            Some(manifest) => vec![
                name,
                manifest.frequency.clone(),
                grouped(manifest.asset_count),
                grouped(manifest.rows),
                Days::of(manifest).shown(manifest.first.as_deref()),
                Days::of(manifest).shown(manifest.last.as_deref()),
                size,
                versions,
                version,
            ],
            None => {
                let unknown = || "?".to_owned();
                vec![name, unknown(), unknown(), unknown(), unknown(), unknown(), size, versions, version]
            }
        }
    }
}

fn table(bundles: &[Bundle]) -> String {
    use Align::{Left, Right};
    let mut table = Table::new([
        ("NAME", Left),
        ("FREQUENCY", Left),
        ("ASSETS", Right),
        ("BARS", Right),
        ("FIRST", Left),
        ("LAST", Left),
        ("SIZE", Right),
        ("VERSIONS", Right),
        ("CURRENT", Left),
    ]);
    bundles.iter().for_each(|bundle| table.row(bundle.row()));
    let damaged = bundles
        .iter()
        .filter_map(|bundle| Some(format!("\n{}: {}", bundle.name, escaped(&bundle.damage()?))));
    format!("{table}{}", damaged.collect::<String>())
}
