//! Where each value came from.

use std::fmt;

use crate::Preset;

/// The place that a value came from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing else said anything.
    Default,
    /// The preset states it.
    Preset(Preset),
    /// A TOML document sets it.
    Toml {
        /// The file's path, or `TOML text`.
        source_name: String,
        /// The line of the key, counted from 1.
        line: usize,
    },
    /// A value that was deserialised, from another format or a larger document, sets it.
    Deserialised,
    /// This environment variable sets it.
    Variable(&'static str),
    /// A closure given to the builder, or a plain assignment.
    Code,
}

/// One value of a configuration and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The key as TOML has it: a field's name, or a path such as `thresholds.grid_search.small.min_sample_size`.
    pub name: String,
    /// The value as TOML or a variable would spell it.
    pub value: String,
    /// The strongest place that set it.
    pub origin: Origin,
    /// The environment variable that would set it.
    pub variable: Option<&'static str>,
}

/// All values of a configuration and where they came from; displayed as a table with one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub(crate) entries: Vec<Explained>,
}

impl Explanation {
    /// All values, in the order of the fields.
    pub fn entries(&self) -> &[Explained] {
        &self.entries
    }

    /// The values that something set: a preset, a document, a variable or code.
    pub fn changed(&self) -> impl Iterator<Item = &Explained> {
        self.entries.iter().filter(|entry| entry.origin != Origin::Default)
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Explained> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&Explained) -> &str| {
            self.entries.iter().map(|entry| text(entry).chars().count()).max().unwrap_or(0)
        };
        let (names, values) = (width(|entry| &entry.name), width(|entry| &entry.value));
        for Explained { name, value, origin, .. } in &self.entries {
            writeln!(f, "{name:names$} = {value:values$}  # {origin}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Preset(preset) => write!(f, "preset {preset}"),
            Origin::Toml { source_name, line } => write!(f, "{source_name}:{line}"),
            Origin::Deserialised => f.write_str("deserialised value"),
            Origin::Variable(variable) => f.write_str(variable),
            Origin::Code => f.write_str("code"),
        }
    }
}
