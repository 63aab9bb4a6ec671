//! `bt inspect`: what a bundle holds.

use std::fmt::{self, Display};
use std::path::Path;

use bt_bundle::bt_core::{BundleName, BundleSource, BundleVersion};
use bt_bundle::{Manifest, Store};
use serde_json::{Value, json};

use super::store::{self, short};
use crate::arguments::InspectArguments;
use crate::exit::{Code, Failure};
use crate::output::{Align, Output, Table, bytes, counted, grouped, moment};

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
    let page = Page { current, shown, manifest, versions: &versions, assets: arguments.assets };
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
    assets: bool,
}

impl Page<'_> {
    fn json(&self) -> Value {
        let manifest = self.manifest;
        let mut object = json!({
            "name": manifest.name,
            "version": self.shown.version.to_string(),
            "current": self.shown.version == self.current,
            "published": manifest.published,
            "origin": manifest.origin,
            "parent": manifest.parent,
            "format": manifest.format,
            "frequency": manifest.frequency,
            "columns": manifest.columns,
            "assets": manifest.assets.len(),
            "bars": manifest.rows,
            "moments": manifest.moments,
            "first": manifest.first,
            "last": manifest.last,
            "adjustments": manifest.adjustments,
            "digests": manifest.digests,
            "size_bytes": self.shown.size,
            "versions": self.versions.iter().map(|one| one.json(self.current)).collect::<Vec<_>>(),
        });
        if self.assets {
            object["asset_ranges"] = json!(manifest.assets);
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

    fn asset_ranges(&self) -> Table {
        use Align::{Left, Right};
        let columns = [("ASSET", Left), ("BARS", Right), ("FIRST KNOWN", Left), ("LAST KNOWN", Left)];
        let mut table = Table::new(columns);
        for asset in &self.manifest.assets {
            let (first, last) = (moment(asset.first.as_deref()), moment(asset.last.as_deref()));
            table.row([asset.name.clone(), grouped(asset.bars), first, last]);
        }
        table
    }
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manifest = self.manifest;
        let current = if self.shown.version == self.current { "current" } else { "not current" };
        writeln!(f, "{}", manifest.name)?;
        writeln!(f, "  version    {} ({current})", self.shown.version)?;
        writeln!(f, "  published  {}, {}", manifest.published, manifest.origin)?;
        if let Some(parent) = &manifest.parent {
            writeln!(f, "  made from  {parent} by an append")?;
        }
        writeln!(f, "  frequency  {}", manifest.frequency)?;
        writeln!(f, "  columns    {}", manifest.columns.join(", "))?;
        let (assets, bars) = (counted(manifest.assets.len() as u64, "asset"), counted(manifest.rows, "bar"));
        writeln!(f, "  holds      {assets}, {bars}, at {}", counted(manifest.moments, "moment"))?;
        let (first, last) = (moment(manifest.first.as_deref()), moment(manifest.last.as_deref()));
        writeln!(f, "  known      {first} to {last}")?;
        writeln!(f, "  adjusted   {} splits and dividends stored", grouped(manifest.adjustments))?;
        writeln!(f, "  calendar   digest {}", manifest.digests.calendar)?;
        if let Some(metadata) = &manifest.digests.metadata {
            writeln!(f, "  metadata   digest {metadata}")?;
        }
        writeln!(f, "  on disk    {}, format {}", bytes(self.shown.size), manifest.format)?;
        write!(f, "\n{}", self.versions())?;
        if self.assets { write!(f, "\n\n{}", self.asset_ranges()) } else { Ok(()) }
    }
}
