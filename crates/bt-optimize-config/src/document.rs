//! Reading a TOML document into flat keys, each with its line.

use std::fs;
use std::path::PathBuf;

use toml::de::{DeInteger, DeTable, DeValue};

use crate::nearest::nearest;
use crate::setting::{Setting, Slot};
use crate::{Error, OptimizationConfig, Origin, Preset, Result};

/// A document that is yet to be read.
pub(crate) enum Source {
    File(PathBuf),
    Text(String),
    Deserialised(String),
}

/// The keys that a document sets.
pub(crate) struct Document {
    place: Place,
    keys: Vec<Key>,
}

/// What errors call a document.
enum Place {
    /// A TOML document: keys have lines.
    Toml(String),
    /// A value of another format, or of a larger document: lines would be those of a text that nobody has seen.
    Deserialised,
}

/// One key of a document, with the tables it is in.
struct Key {
    name: String,
    /// The value as an environment variable would spell it.
    text: String,
    kind: Kind,
    line: usize,
}

#[derive(PartialEq)]
enum Kind {
    Text,
    EmptyTable,
    Other,
}

impl Source {
    pub(crate) fn read(self) -> Result<Document> {
        match self {
            Source::Text(text) => Document::parse(Place::Toml("TOML text".to_owned()), &text),
            Source::Deserialised(text) => Document::parse(Place::Deserialised, &text),
            Source::File(path) => {
                let text = fs::read_to_string(&path)
                    .map_err(|error| Error::File { path: path.clone(), reason: error.to_string() })?;
                Document::parse(Place::Toml(path.display().to_string()), &text)
            }
        }
    }
}

impl Document {
    fn parse(place: Place, text: &str) -> Result<Self> {
        // Windows editors begin a file with a byte-order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let table = DeTable::parse(text).map_err(|error| Error::Document {
            source_name: place.name().to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        let line_ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at).collect();
        let mut keys = Vec::new();
        flatten(table.get_ref(), "", &line_ends, &mut keys);
        Ok(Self { place, keys })
    }

    /// The preset that the document asks for.
    pub(crate) fn preset(&self) -> Result<Option<Preset>> {
        let Some(key) = self.keys.iter().find(|key| key.name == "preset") else { return Ok(None) };
        match key.text.parse() {
            Ok(preset) => Ok(Some(preset)),
            Err(Error::UnknownPreset { name, nearest, .. }) => {
                Err(Error::UnknownPreset { name, nearest, origin: Some(self.origin(key)) })
            }
            Err(other) => Err(other),
        }
    }

    /// Writes every key into `config` and tells `note` where each value came from.
    pub(crate) fn apply(
        &self,
        config: &mut OptimizationConfig,
        mut note: impl FnMut(&str, Origin),
    ) -> Result<()> {
        let mut settings = config.settings();
        for key in self.keys.iter().filter(|key| key.name != "preset") {
            match settings.iter_mut().find(|setting| setting.name == key.name) {
                Some(setting) => self.read(key, setting)?,
                None => self.check_table(key, &settings)?,
            }
            note(&key.name, self.origin(key));
        }
        Ok(())
    }

    fn read(&self, key: &Key, setting: &mut Setting<'_>) -> Result<()> {
        // `benchmark_output_dir = 5` is a slip, though 5 could be a directory.
        let has_wrong_kind = matches!(setting.slot, Slot::Directory(_)) && key.kind != Kind::Text;
        if has_wrong_kind || key.kind == Kind::EmptyTable {
            return Err(setting.refuse(&key.text, self.origin(key)));
        }
        setting.read(&key.text, self.origin(key))
    }

    /// A key that names no value may still be a table of values, as long as it is an empty one.
    fn check_table(&self, key: &Key, settings: &[Setting<'_>]) -> Result<()> {
        let prefix = format!("{}.", key.name);
        let is_table = settings.iter().any(|setting| setting.name.starts_with(&prefix));
        match (is_table, &key.kind) {
            (true, Kind::EmptyTable) => Ok(()),
            (true, _) => Err(Error::Value {
                name: key.name.clone(),
                value: key.text.clone(),
                allowed: "a table, such as [thresholds.grid_search.small]".to_owned(),
                origin: self.origin(key),
            }),
            (false, _) => Err(Error::UnknownKey {
                key: key.name.clone(),
                nearest: nearest_setting(&key.name, settings),
                origin: self.origin(key),
            }),
        }
    }

    fn origin(&self, key: &Key) -> Origin {
        match &self.place {
            Place::Toml(source_name) => Origin::Toml { source_name: source_name.clone(), line: key.line },
            Place::Deserialised => Origin::Deserialised,
        }
    }
}

impl Place {
    fn name(&self) -> &str {
        match self {
            Place::Toml(source_name) => source_name,
            Place::Deserialised => "deserialised value",
        }
    }
}

/// The known key that was probably meant. Who writes `enable_ray` has the variable's name in mind.
fn nearest_setting(key: &str, settings: &[Setting<'_>]) -> String {
    let key = key.to_lowercase();
    let variable = |setting: &Setting<'_>| Some(setting.variable?.strip_prefix("RUSTYBT_")?.to_lowercase());
    if let Some(setting) = settings.iter().find(|setting| variable(setting).as_deref() == Some(&key)) {
        return setting.name.clone();
    }
    let names = settings.iter().map(|setting| setting.name.as_str()).chain(["preset"]);
    nearest(&key, names).unwrap_or_default().to_owned()
}

fn flatten(table: &DeTable<'_>, prefix: &str, line_ends: &[usize], keys: &mut Vec<Key>) {
    for (key, value) in table {
        let name = format!("{prefix}{}", quoted(key.get_ref()));
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => {
                flatten(inner, &format!("{name}."), line_ends, keys)
            }
            value => keys.push(Key {
                name,
                text: spell(value),
                kind: kind(value),
                line: 1 + line_ends.partition_point(|&end| end < key.span().start),
            }),
        }
    }
}

/// A key with a dot inside must not pass for a key of a table, and one that is empty or breaks the line must be seen.
fn quoted(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { format!("{key:?}") }
}

fn kind(value: &DeValue<'_>) -> Kind {
    match value {
        DeValue::String(_) => Kind::Text,
        DeValue::Table(_) => Kind::EmptyTable,
        _ => Kind::Other,
    }
}

/// A value as an environment variable would spell it.
fn spell(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => decimal(number),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Array(values) => {
            let spelled: Vec<_> = values.iter().map(|value| spell_item(value.get_ref())).collect();
            format!("[{}]", spelled.join(", "))
        }
        DeValue::Table(_) => "{}".to_owned(),
    }
}

/// Text in an array keeps its quotes: `['']` is no empty array and `['20, 50']` no array of two numbers.
fn spell_item(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        value => spell(value),
    }
}

fn decimal(number: &DeInteger<'_>) -> String {
    match i128::from_str_radix(number.as_str(), number.radix()) {
        Ok(value) => value.to_string(),
        Err(_) => number.to_string(),
    }
}
