//! Merging defaults, preset, TOML, environment and code into one configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::document::{Document, Source};
use crate::environment::{UnknownVariable, Variables};
use crate::{Explained, Explanation, OptimizationConfig, Origin, Preset, Result};

/// Merges a configuration: defaults < preset < TOML documents < environment < code.
///
/// The strength of a place does not depend on the order of the calls. Within one place the later call wins.
///
/// ```
/// use bt_optimize_config::{OptimizationConfig, Origin, Preset};
///
/// let resolved = OptimizationConfig::builder()
///     .preset(Preset::Strict)
///     .toml_str("lru_maxsize = 96\ntier2_maxsize = 512")
///     .vars([("RUSTYBT_TIER2_MAXSIZE", "1024")])
///     .set(|config| config.enable_ray_scheduler = true)
///     .build()?;
///
/// assert_eq!(resolved.config.cache_size_gb, 1.5);
/// assert_eq!(resolved.config.lru_maxsize, 96);
/// assert_eq!(resolved.config.tier2_maxsize, 1024);
///
/// let origin = |name| resolved.explain().get(name).map(|value| value.origin.to_string());
/// assert_eq!(origin("tier2_maxsize").as_deref(), Some("RUSTYBT_TIER2_MAXSIZE"));
/// assert_eq!(origin("lru_maxsize").as_deref(), Some("TOML text:1"));
/// assert_eq!(origin("cache_size_gb").as_deref(), Some("preset strict"));
/// assert_eq!(origin("enable_ray_scheduler").as_deref(), Some("code"));
/// assert_eq!(origin("enable_caching").as_deref(), Some("default"));
/// # Ok::<(), bt_optimize_config::Error>(())
/// ```
#[derive(Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<'a> {
    preset: Option<Preset>,
    sources: Vec<Source>,
    vars: Vec<(OsString, OsString)>,
    changes: Vec<Change<'a>>,
}

type Change<'a> = Box<dyn FnOnce(&mut OptimizationConfig) -> Result<()> + 'a>;

/// A configuration whose values have all been checked, and the story of how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The configuration.
    pub config: OptimizationConfig,
    /// The preset that it started from.
    pub preset: Preset,
    /// `RUSTYBT_*` variables that had no effect. Nothing is printed: show them to your user.
    pub warnings: Vec<UnknownVariable>,
    explanation: Explanation,
}

impl Resolved {
    /// For each value, where it came from. Later changes to [`config`](Self::config) do not show.
    pub fn explain(&self) -> &Explanation {
        &self.explanation
    }
}

impl<'a> Builder<'a> {
    /// Starts from this preset, whatever preset a TOML document asks for.
    pub fn preset(mut self, preset: Preset) -> Self {
        self.preset = Some(preset);
        self
    }

    /// Adds a TOML document. Its key `preset` chooses a preset, unless the code does.
    pub fn toml_str(mut self, text: impl Into<String>) -> Self {
        self.sources.push(Source::Text(text.into()));
        self
    }

    /// Adds a TOML file, which [`build`](Self::build) reads; it must exist. Of several, later ones are stronger.
    pub fn toml_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.sources.push(Source::File(path.into()));
        self
    }

    pub(crate) fn deserialised(mut self, text: String) -> Self {
        self.sources.push(Source::Deserialised(text));
        self
    }

    /// Adds the `RUSTYBT_*` variables that this process has now.
    pub fn environment(self) -> Self {
        self.vars(std::env::vars_os())
    }

    /// Adds the `RUSTYBT_*` variables among `vars`; other variables are left alone.
    pub fn vars<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.vars.extend(vars.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Has the last word: `change` sees the values of all other places.
    ///
    /// [`Origin::Code`] goes to the values that it changes; one set to what it was keeps its origin.
    pub fn set(self, change: impl FnOnce(&mut OptimizationConfig) + 'a) -> Self {
        self.try_set(|config| {
            change(config);
            Ok(())
        })
    }

    /// [`set`](Self::set) for what can fail, such as [`OptimizationConfig::only_layer`].
    ///
    /// ```
    /// # use bt_optimize_config::OptimizationConfig;
    /// let resolved = OptimizationConfig::builder().try_set(|config| config.only_layer(1)).build()?;
    /// assert!(resolved.config.has_layer(1) && !resolved.config.has_layer(2));
    /// # Ok::<(), bt_optimize_config::Error>(())
    /// ```
    pub fn try_set(mut self, change: impl FnOnce(&mut OptimizationConfig) -> Result<()> + 'a) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Merges everything.
    ///
    /// # Errors
    ///
    /// For a file that cannot be read, a document that is not TOML, an unknown key or preset, a variable that is a slip
    /// away from a known one or not UTF-8, and any value that is not allowed: [`Error`](crate::Error) names the place,
    /// the value and what is allowed. The first one found, weakest place first.
    pub fn build(self) -> Result<Resolved> {
        let documents = self.sources.into_iter().map(Source::read).collect::<Result<Vec<_>>>()?;
        let preset = choose_preset(self.preset, &documents)?;
        let mut draft = Draft { preset, config: preset.config(), origins: BTreeMap::new() };
        let Draft { config, origins, .. } = &mut draft;
        let mut note = |name: &str, origin| {
            origins.insert(name.to_owned(), origin);
        };
        for document in &documents {
            document.apply(config, &mut note)?;
        }
        let variables = Variables::read(self.vars)?;
        variables.apply(config, &mut note)?;
        draft.change(self.changes)?;
        Ok(draft.finish(variables.warnings))
    }
}

/// The code's choice, else that of the last document that makes one. Every document's choice is checked.
fn choose_preset(chosen: Option<Preset>, documents: &[Document]) -> Result<Preset> {
    let mut asked = None;
    for document in documents {
        asked = document.preset()?.or(asked);
    }
    Ok(chosen.or(asked).unwrap_or_default())
}

/// A configuration that is being merged.
struct Draft {
    preset: Preset,
    config: OptimizationConfig,
    /// Where values came from that neither the default nor the preset decided.
    origins: BTreeMap<String, Origin>,
}

impl Draft {
    fn change(&mut self, changes: Vec<Change<'_>>) -> Result<()> {
        let before: Vec<_> = self.config.settings().iter().map(|setting| setting.slot.show()).collect();
        for change in changes {
            change(&mut self.config)?;
        }
        for (setting, before) in self.config.settings().iter().zip(before) {
            if setting.slot.show() != before {
                self.origins.insert(setting.name.clone(), Origin::Code);
            }
        }
        self.config.validate()
    }

    fn finish(mut self, warnings: Vec<UnknownVariable>) -> Resolved {
        let explain = |setting: &crate::setting::Setting<'_>| Explained {
            name: setting.name.clone(),
            value: setting.slot.show(),
            origin: self
                .origins
                .get(&setting.name)
                .cloned()
                .unwrap_or_else(|| from(self.preset, &setting.name)),
            variable: setting.variable,
        };
        let entries = self.config.settings().iter().map(explain).collect();
        Resolved { config: self.config, preset: self.preset, warnings, explanation: Explanation { entries } }
    }
}

fn from(preset: Preset, name: &str) -> Origin {
    if preset.states(name) { Origin::Preset(preset) } else { Origin::Default }
}
