//! Reading the `RUSTYBT_*` variables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use crate::nearest::{nearest, slips};
use crate::{Error, OptimizationConfig, Origin, Result};

const PREFIX: &str = "RUSTYBT_";

/// A variable that is this many letters away from a known one, or fewer, was meant to be that one.
const LARGEST_SLIP: usize = 2;

/// A `RUSTYBT_*` variable that no configuration knows and that is no slip either: the Python original has variables
/// of its own. Display it to the user as a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable {
    /// The variable's name.
    pub name: String,
    /// The known variable that sets the field of this name, else the one whose name is nearest.
    pub nearest: &'static str,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable {} is not used: the nearest known one is {}", self.name, self.nearest)
    }
}

/// What the environment says about the configuration.
#[derive(Default)]
pub(crate) struct Variables {
    /// Values of known variables, by their names in lower case.
    values: BTreeMap<String, String>,
    pub(crate) warnings: Vec<UnknownVariable>,
}

impl Variables {
    /// Sorts our variables out of `vars`; of a variable that is there twice, the later one counts.
    pub(crate) fn read(vars: Vec<(OsString, OsString)>) -> Result<Self> {
        let known = known_variables();
        let (mut ours, mut warnings) = (Vec::new(), Vec::new());
        for (name, value) in vars {
            let name = name.to_string_lossy();
            match known.iter().find(|known| known.variable == name) {
                Some(&Known { variable, .. }) => ours.push((variable.to_owned(), unicode(variable, value)?)),
                None => warnings.extend(check_unknown(&name, &known)?),
            }
        }
        let values = envy::from_iter(ours).map_err(|error| Error::Document {
            source_name: "environment".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { values, warnings })
    }

    /// Writes every value into `config` and tells `note` where each came from.
    pub(crate) fn apply(
        &self,
        config: &mut OptimizationConfig,
        mut note: impl FnMut(&str, Origin),
    ) -> Result<()> {
        for mut setting in config.settings() {
            let Some(variable) = setting.variable else { continue };
            if let Some(text) = self.values.get(&variable.to_lowercase()) {
                setting.read(text, Origin::Variable(variable))?;
                note(&setting.name, Origin::Variable(variable));
            }
        }
        Ok(())
    }
}

/// A variable, and the field that it sets.
struct Known {
    variable: &'static str,
    field: String,
}

fn known_variables() -> Vec<Known> {
    let mut defaults = OptimizationConfig::default();
    let settings = defaults.settings().into_iter();
    settings.filter_map(|setting| Some(Known { variable: setting.variable?, field: setting.name })).collect()
}

fn unicode(variable: &'static str, value: OsString) -> Result<String> {
    value
        .into_string()
        .map_err(|raw| Error::NotUnicode { variable, value: raw.to_string_lossy().into_owned() })
}

/// An error for a slip, a warning for another of our variables, nothing for what is not ours.
fn check_unknown(name: &str, known: &[Known]) -> Result<Option<UnknownVariable>> {
    // Also where the slip is in the prefix or in the case: such a variable would otherwise be silently without effect.
    let upper = name.to_uppercase();
    let has_prefix = name.starts_with(PREFIX);
    let could_be_meant = |variable: &&str| has_prefix || variable.len().abs_diff(upper.len()) <= LARGEST_SLIP;
    let candidates = known.iter().map(|known| known.variable).filter(could_be_meant);
    let Some(nearest) = nearest(&upper, candidates) else { return Ok(None) };
    if slips(&upper, nearest) <= LARGEST_SLIP {
        return Err(Error::UnknownVariable { name: name.to_owned(), nearest: nearest.to_owned() });
    }
    // Who writes `RUSTYBT_ENABLE_DEBUG_LOGGING` has the field's name in mind.
    let of_field = |known: &&Known| name.strip_prefix(PREFIX) == Some(&known.field.to_uppercase());
    let nearest = known.iter().find(of_field).map_or(nearest, |known| known.variable);
    Ok(has_prefix.then(|| UnknownVariable { name: name.to_owned(), nearest }))
}
