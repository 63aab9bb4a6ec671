//! Strategies that are built in, and a list of them: to start from, to compare with, and to try an engine on.
//!
//! Each is a [`Strategy`] of its own, whose documentation states its rules. [`all`] describes them with their
//! parameters; [`event_driven`] and [`vectorised`] make a [`Backtest`] of one by its name.
//!
//! What holds for all of them:
//! - They are long or flat, decide at the close of a bar, and are filled at a later one, as
//!   [`Account`](crate::account::Account) says. What they hold drifts with prices until their target changes.
//! - A window counts the asset's own bars: where it has none, in a gap of its calendar, nothing is counted and nothing
//!   decided.
//! - A window that begins before the first bar has no value, nor has one in which a value that counts is missing; what
//!   has no value starts no position. Bars of a warm-up fill windows; decisions begin with the first scored bar, and
//!   flat.
//!
//! ```
//! use bt_sweep::search::Grid;
//! use bt_sweep::{Accounting, Backtest, strategies};
//! let momentum = strategies::find("momentum")?;
//! let space = momentum.space(["hold=21".parse()?])?;
//! assert_eq!(space.to_string(), "lookback=60..240:60 skip=0 hold=21 top=1..3");
//! let (search, backtest) = (Grid::new(space)?, momentum.event_driven(Accounting::default()));
//! assert_eq!(backtest.id().name, "momentum");
//! assert!(strategies::find("momentun").is_err_and(|error| error.to_string().contains("did you mean momentum?")));
//! # Ok::<(), bt_sweep::Error>(())
//! ```

mod crossover;
mod donchian;
mod momentum;
mod rsi;

use std::fmt;
use std::sync::Arc;

pub use crossover::SmaCrossover;
pub use donchian::DonchianBreakout;
pub use momentum::Momentum;
pub use rsi::RsiReversion;

use crate::{
    Accounting, Backtest, Constraint, Domain, Error, EventDriven, Names, Parameter, Params, Result, Space,
    Strategy, TrialView, Value,
};

/// All built-in strategies, in order of their names.
pub fn all() -> &'static [StrategyInfo] {
    const { &[donchian::INFO, momentum::INFO, rsi::INFO, crossover::INFO] }
}

/// The built-in strategy of this name.
///
/// # Errors
/// [`Error::Unknown`] with the names that there are.
pub fn find(name: &str) -> Result<&'static StrategyInfo> {
    let found = all().iter().find(|info| info.name == name);
    found.ok_or_else(|| Error::unknown("strategy", name, all().iter().map(|info| info.name)))
}

/// The built-in strategy of this name, called bar by bar, with these books.
///
/// # Errors
/// As [`find`]; as [`Accounting::check`].
pub fn event_driven(name: &str, accounting: Accounting) -> Result<Arc<dyn Backtest>> {
    let info = find(name)?;
    accounting.check()?;
    Ok(info.event_driven(accounting))
}

/// The built-in strategy of this name over whole series: [`Vectorised`](crate::vectorised::Vectorised), without
/// accounting.
///
/// # Errors
/// As [`find`]; [`Error::Unknown`] where it has no such form, with the names of those that have.
pub fn vectorised(name: &str) -> Result<Arc<dyn Backtest>> {
    let having = all().iter().filter(|info| info.has_vectorised()).map(|info| info.name);
    find(name)?.vectorised().ok_or_else(|| Error::unknown("vectorised form of strategy", name, having))
}

/// What there is to know of a built-in strategy before it runs.
#[derive(Clone, Copy)]
pub struct StrategyInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Its parameters, in order.
    pub parameters: &'static [ParameterInfo],
    /// What it asks of its parameters, each the text of a [`Constraint`]: a grid leaves out what would be refused.
    pub constraints: &'static [&'static str],
    warm_up: fn(&Params) -> Result<usize>,
    event_driven: fn(Accounting) -> Arc<dyn Backtest>,
    vectorised: Option<fn() -> Arc<dyn Backtest>>,
}

/// A parameter of a built-in strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its name.
    pub name: &'static str,
    /// What it means, in one line.
    pub about: &'static str,
    /// The text of a [`Domain`] to start from: `5..50:5`.
    pub domain: &'static str,
    /// The value where a space does not have the parameter; none where a space must have it.
    pub default: Option<i64>,
}

impl ParameterInfo {
    /// The parameter with the domain to start from.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the domain's text is not one; those of [`all`] are.
    pub fn parameter(&self) -> Result<Parameter> {
        Ok(Parameter { name: self.name.to_owned(), domain: self.domain.parse()? })
    }
}

impl StrategyInfo {
    /// Its parameters and constraints as a space, with these parameters in place of its own of the same name.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a parameter that it does not have; as [`Space::new`].
    pub fn space(&self, given: impl IntoIterator<Item = Parameter>) -> Result<Space> {
        let mut parameters =
            self.parameters.iter().map(ParameterInfo::parameter).collect::<Result<Vec<_>>>()?;
        let mut replaced = vec![false; parameters.len()];
        for parameter in given {
            let at = self.position(&parameter.name)?;
            refuse_texts(&parameter, &self.parameters[at])?;
            if std::mem::replace(&mut replaced[at], true) {
                let allowed = format!("one domain for each parameter of {}", self.name);
                return Err(Error::invalid(format!("parameter {}", parameter.name), "two domains", allowed));
            }
            parameters[at] = parameter;
        }
        let constraints = self.constraints.iter().map(|text| text.parse::<Constraint>());
        Space::new(parameters, constraints.collect::<Result<Vec<_>>>()?)
    }

    /// Whether it can run with parameters of these names: all of them its own, and none missing that has no default.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that it does not have; [`Error::Invalid`] for one that is missing.
    pub fn check_names(&self, names: &Names) -> Result<()> {
        names.as_slice().iter().try_for_each(|name| self.position(name).map(drop))?;
        let is_missing =
            |known: &&ParameterInfo| known.default.is_none() && names.position(known.name).is_none();
        match self.parameters.iter().find(is_missing) {
            None => Ok(()),
            Some(missing) => {
                let allowed = format!("a value or a domain, such as {}={}", missing.name, missing.domain);
                Err(Error::invalid(
                    format!("parameter {} of {}", missing.name, self.name),
                    "nothing",
                    allowed,
                ))
            }
        }
    }

    fn position(&self, name: &str) -> Result<usize> {
        let at = self.parameters.iter().position(|known| known.name == name);
        at.ok_or_else(|| Error::unknown("parameter", name, self.parameters.iter().map(|known| known.name)))
    }

    /// How many bars of an asset come before the first at which all that the strategy reads is known.
    ///
    /// # Errors
    /// What the strategy says of these parameters.
    pub fn warm_up(&self, params: &Params) -> Result<usize> {
        self.check_names(params.names())?;
        (self.warm_up)(params)
    }

    /// It, called bar by bar, with these books.
    pub fn event_driven(&self, accounting: Accounting) -> Arc<dyn Backtest> {
        (self.event_driven)(accounting)
    }

    /// It over whole series; none where there is no such form.
    pub fn vectorised(&self) -> Option<Arc<dyn Backtest>> {
        self.vectorised.map(|make| make())
    }

    /// Whether it has a form over whole series.
    pub fn has_vectorised(&self) -> bool {
        self.vectorised.is_some()
    }
}

impl fmt::Debug for StrategyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrategyInfo")
            .field("name", &self.name)
            .field("parameters", &self.parameters)
            .field("constraints", &self.constraints)
            .field("has_vectorised", &self.has_vectorised())
            .finish_non_exhaustive()
    }
}

/// Parameters of built-in strategies are numbers: a text would be refused by every trial.
fn refuse_texts(given: &Parameter, own: &ParameterInfo) -> Result<()> {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    match &given.domain {
        Domain::Choice(values) if values.iter().any(is_text) => Err(Error::invalid(
            format!("parameter {}", given.name),
            &given.domain,
            format!("numbers, such as {}={}", own.name, own.domain),
        )),
        _ => Ok(()),
    }
}

/// Without a default.
const fn required(name: &'static str, about: &'static str, domain: &'static str) -> ParameterInfo {
    ParameterInfo { name, about, domain, default: None }
}

fn on_bars(strategy: impl Strategy, accounting: Accounting) -> Arc<dyn Backtest> {
    Arc::new(EventDriven { strategy, accounting: Some(accounting) })
}

/// Refuses a window of which not even the last scored bar could have a value. `spare` bars come before it.
fn check_window(view: &TrialView<'_>, what: &'static str, window: usize, spare: usize) -> Result<()> {
    let bars = view.scored().end;
    let most = bars.saturating_sub(spare);
    if window <= most {
        return Ok(());
    }
    let plural = if bars == 1 { "" } else { "s" };
    Err(Error::invalid(what, window, format!("at most {most}, since the data has {bars} bar{plural}")))
}
