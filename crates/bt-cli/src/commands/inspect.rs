//! `bt inspect`: what a bundle holds.

use std::fmt::{self, Display};
use std::path::Path;

use bt_bundle::bt_core::{BundleName, BundleSource, BundleVersion};
use bt_bundle::{AssetRange, Manifest, Store};
use serde_json::{Value, json};

use super::days::Days;
use super::store::{self, short};
use crate::arguments::InspectArguments;
use crate::exit::{Code, Failure};
use crate::output::{Align, Output, Table, bytes, counted, escaped, grouped};

pub(crate) fn run(arguments: &InspectArguments, path: &Path, output: Output) -> Result<(), Failure> {
    let store = store::open(path)?;
    let name = &arguments.name;
    let current = store.version(name)?;
    let version = match &arguments.version {
        Some(digits) => store::version(&store, name, digits)?,
        None => current,
    };
    let versions: Vec<Version> =
        store.versions(name)?.into_iter().map(|version| Version::of(&store, name, version)).collect();
    let shown = versions.iter().find(|one| one.version == version);
    let Some(shown) = shown else {
        return Err(Failure::new(
            Code::Damaged,
            format!("bundle {name} has no version {version}, which is current"),
        ));
    };
    let Some(manifest) = &shown.manifest else {
        let message = format!("the manifest of version {version} of bundle {name} cannot be read");
        return Err(Failure::new(Code::Damaged, message).with_hint(format!(
            "`bt verify {name} --version {}` says whether the bars are intact",
            short(&version)
        )));
    };
    // The manifest of a large version does not list them, and nobody has compared it with the bars.
    let opened = arguments.assets.then(|| store.open_version(name, version)).transpose()?;
    let assets = opened.map(|bundle| bundle.asset_ranges().collect());
    let page = Page { current, shown, manifest, versions: &versions, assets };
    output.show(&page.json(), &page)
}

struct Version {
    version: BundleVersion,
    manifest: Option<Manifest>,
    size: u64,
}

impl Version {
    fn of(store: &Store, name: &BundleName, (version, manifest): (BundleVersion, Option<Manifest>)) -> Self {
        Self { version, manifest, size: store::size(store, name, version) }
    }

    fn json(&self, current: BundleVersion) -> Value {
        let manifest = self.manifest.as_ref();
        json!({
            "version": self.version.to_string(),
            "current": self.version == current,
            "published": manifest.map(|manifest| manifest.published.as_str()),
            "bars": manifest.map(|manifest| manifest.rows),
            "parent": manifest.and_then(|manifest| manifest.parent.as_deref()),
            "origin": manifest.map(|manifest| manifest.origin.as_str()),
            "size_bytes": self.size,
        })
    }
}

/// What is shown of a bundle.
struct Page<'a> {
    current: BundleVersion,
    shown: &'a Version,
    manifest: &'a Manifest,
    versions: &'a [Version],
    assets: Option<Vec<AssetRange>>,
}

impl Page<'_> {
    fn json(&self) -> Value {
        let (manifest, days) = (self.manifest, Days::of(self.manifest));
        let mut object = json!({
            "name": manifest.name,
            "version": self.shown.version.to_string(),
            "current": self.shown.version == self.current,
            "published": manifest.published,
            "origin": manifest.origin,
            "parent": manifest.parent,
            "format": manifest.format,
            "frequency": manifest.frequency,
            "zone": manifest.zone,
            "label": manifest.label,
            "columns": manifest.columns,
            "assets": manifest.asset_count,
            "bars": manifest.rows,
            "moments": manifest.moments,
            "first": manifest.first,
            "last": manifest.last,
            "first_day": days.of_bar(manifest.first.as_deref()),
            "last_day": days.of_bar(manifest.last.as_deref()),
            "adjustments": manifest.adjustments,
            "digests": manifest.digests,
            "size_bytes": self.shown.size,
            "versions": self.versions.iter().map(|one| one.json(self.current)).collect::<Vec<_>>(),
        });
        if let Some(assets) = &self.assets {
            let range = |asset: &AssetRange| {
                json!({
                    "name": asset.name,
                    "bars": asset.bars,
                    "first": asset.first,
                    "last": asset.last,
                    "first_day": days.of_bar(asset.first.as_deref()),
                    "last_day": days.of_bar(asset.last.as_deref()),
                })
            };
            object["asset_ranges"] = assets.iter().map(range).collect();
        }
        object
    }

    fn versions(&self) -> Table {
        use Align::{Left, Right};
        let columns = [
            ("VERSION", Left),
            ("PUBLISHED", Left),
            ("BARS", Right),
            ("SIZE", Right),
            ("", Left),
            ("ORIGIN", Left),
        ];
        let mut table = Table::new(columns);
        for one in self.versions {
            let of = |show: fn(&Manifest) -> String| one.manifest.as_ref().map_or("?".to_owned(), show);
            let current = if one.version == self.current { "current" } else { "" };
            table.row([
                short(&one.version),
                of(|manifest| manifest.published.clone()),
                of(|manifest| grouped(manifest.rows)),
                bytes(one.size),
                current.to_owned(),
                of(|manifest| manifest.origin.clone()),
            ]);
        }
        table
    }

    fn asset_ranges(&self, assets: &[AssetRange]) -> Table {
        use Align::{Left, Right};
        let columns = [("ASSET", Left), ("BARS", Right), ("FIRST", Left), ("LAST", Left)];
        let days = Days::of(self.manifest);
        let mut table = Table::new(columns);
        for asset in assets {
            let (first, last) = (days.shown(asset.first.as_deref()), days.shown(asset.last.as_deref()));
            table.row([asset.name.clone(), grouped(asset.bars), first, last]);
        }
        table
    }
}

impl Page<'_> {
    /// What is known of the version, each with its name.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let manifest = self.manifest;
        let current = if self.shown.version == self.current { "current" } else { "not current" };
        let (assets, bars) = (counted(manifest.asset_count, "asset"), counted(manifest.rows, "bar"));
        let days = Days::of(manifest);
        let (first, last) = (days.shown(manifest.first.as_deref()), days.shown(manifest.last.as_deref()));
        let parent = manifest.parent.as_ref().map(|parent| ("made from", format!("{parent} by an append")));
        let metadata =
            manifest.digests.metadata.as_ref().map(|metadata| ("metadata", format!("digest {metadata}")));
        let mut facts = vec![
            ("version", format!("{} ({current})", self.shown.version)),
            ("published", format!("{}, {}", manifest.published, manifest.origin)),
        ];
        facts.extend(parent);
        facts.extend([
            ("frequency", manifest.frequency.clone()),
            ("columns", manifest.columns.join(", ")),
            ("holds", format!("{assets}, {bars}, at {}", counted(manifest.moments, "moment"))),
            ("bars", format!("{first} to {last}, days of {}", manifest.zone)),
            ("adjusted", format!("{} splits and dividends stored", grouped(manifest.adjustments))),
            ("calendar", format!("digest {}", manifest.digests.calendar)),
        ]);
        facts.extend(metadata);
        facts.push(("on disk", format!("{}, format {}", bytes(self.shown.size), manifest.format)));
        facts
    }
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", escaped(&self.manifest.name))?;
        for (name, fact) in self.facts() {
            writeln!(f, "  {name:<10} {}", escaped(&fact))?;
        }
        write!(f, "\n{}", self.versions())?;
        match &self.assets {
            Some(assets) => write!(f, "\n\n{}", self.asset_ranges(assets)),
            None => Ok(()),
        }
    }
}
