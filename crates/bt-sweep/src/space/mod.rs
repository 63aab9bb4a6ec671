//! What a sweep varies: parameters with their domains, and what has to hold between them.

mod axis;
mod constraint;
mod domain;

use std::fmt;

pub(crate) use axis::{Axis, Scale};
use constraint::Rule;
pub use constraint::{Constraint, Relation};
pub use domain::{Domain, Parameter};

use crate::{Error, Names, Params, Result, Value};

/// Parameters in order, each with the values that it may take, and constraints between them. Checked when it is made.
///
/// ```
/// use bt_sweep::Space;
/// let space = Space::builder().int("fast", 5, 50, 5).int("slow", 20, 60, 20).less("fast", "slow").build()?;
/// assert_eq!(space.cardinality(), Some(30)); // constraints not counted
/// assert_eq!(space.point(4).unwrap().to_string(), "fast=10 slow=40"); // the last parameter varies fastest
/// assert_eq!(space.to_string(), "fast=5..50:5 slow=20..60:20 where fast<slow");
/// # Ok::<(), bt_sweep::Error>(())
/// ```
///
/// A domain's text form makes a [`Parameter`], a constraint's makes a [`Constraint`]:
///
/// ```
/// use bt_sweep::{Constraint, Parameter, Space};
/// let parameters = ["fast=5..50:5", "band=log:1e-4..1e-1", "kind=sma|ema", "delay=1"];
/// let parameters = parameters.map(|text| text.parse::<Parameter>().unwrap());
/// let space = Space::new(parameters, ["fast>delay".parse::<Constraint>()?])?;
/// assert_eq!(space.cardinality(), None); // band is continuous
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Clone)]
pub struct Space {
    names: Names,
    parameters: Box<[Parameter]>,
    axes: Box<[Axis]>,
    constraints: Box<[Constraint]>,
    rules: Box<[Rule]>,
}

impl Space {
    /// Parameters and what has to hold between them.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no parameters at all, a name that is not one, two parameters of one name, a domain that is
    /// empty or not finite, a constraint that compares what cannot be compared; [`Error::Unknown`] for a constraint on a
    /// parameter that is not there.
    pub fn new(
        parameters: impl IntoIterator<Item = Parameter>,
        constraints: impl IntoIterator<Item = Constraint>,
    ) -> Result<Self> {
        let parameters: Box<[Parameter]> = parameters.into_iter().collect();
        if parameters.is_empty() {
            return Err(Error::invalid("the number of parameters", 0, "at least 1, such as fast=5..50:5"));
        }
        let axes = parameters.iter().map(Axis::new).collect::<Result<Box<[_]>>>()?;
        let names = distinct_names(&parameters)?;
        let constraints: Box<[Constraint]> = constraints.into_iter().collect();
        let rules = constraints.iter().map(|constraint| Rule::new(constraint, &parameters));
        let rules = rules.collect::<Result<_>>()?;
        Ok(Self { names, parameters, axes, constraints, rules })
    }

    /// Begins a space that is built parameter by parameter.
    pub fn builder() -> SpaceBuilder {
        SpaceBuilder::default()
    }

    /// The parameters' names, in order.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// What has to hold between the parameters.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// How many points there are before constraints; none where a parameter is continuous. `u128::MAX` where there are as
    /// many or more. O(parameters).
    pub fn cardinality(&self) -> Option<u128> {
        self.axes.iter().try_fold(1_u128, |points, axis| Some(points.saturating_mul(axis.count()?)))
    }

    /// The point of an index below [`cardinality`](Self::cardinality), whether it satisfies the constraints or not; the last
    /// parameter varies fastest. None for a larger index and in a continuous space. O(parameters).
    pub fn point(&self, index: u128) -> Option<Params> {
        let mut rest = index;
        let mut values = vec![Value::Int(0); self.axes.len()];
        for (axis, value) in self.axes.iter().zip(&mut values).rev() {
            let count = axis.count()?;
            // Almost all spaces fit, and there a division takes a tenth of the time.
            let (above, digit) = match (u64::try_from(rest), u64::try_from(count)) {
                (Ok(rest), Ok(count)) => (u128::from(rest / count), rest % count),
                _ => (rest / count, (rest % count) as u64),
            };
            *value = axis.nth(digit);
            rest = above;
        }
        (rest == 0).then(|| self.params(values))
    }

    /// The index of a point that [`point`](Self::point) gives back; none for what is not in the space and in a continuous
    /// one. O(parameters + choices).
    pub fn index_of(&self, params: &Params) -> Option<u128> {
        if params.names() != &self.names {
            return None;
        }
        self.axes.iter().zip(params.values()).try_fold(0_u128, |index, (axis, value)| {
            let digit = axis.position(value)?;
            index.checked_mul(axis.count()?)?.checked_add(u128::from(digit))
        })
    }

    /// Whether each value is one that its parameter may take; constraints aside. O(parameters + choices).
    pub fn contains(&self, params: &Params) -> bool {
        params.names() == &self.names
            && self.axes.iter().zip(params.values()).all(|(axis, value)| axis.contains(value))
    }

    /// Whether all constraints hold. False for a point with other parameters. O(constraints).
    pub fn satisfies(&self, params: &Params) -> bool {
        params.names() == &self.names && self.rules.iter().all(|rule| rule.holds(params))
    }

    /// The space in one line, as [`Display`](fmt::Display) writes it.
    pub fn describe(&self) -> String {
        self.to_string()
    }

    pub(crate) fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// One value for each axis, in order.
    pub(crate) fn params(&self, values: impl IntoIterator<Item = Value>) -> Params {
        Params::new(&self.names, values).expect("there is one value for each axis")
    }
}

impl fmt::Display for Space {
    /// The parameters in their text form, then the constraints: `fast=5..50:5 slow=60..150:10 where fast<slow`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(f, &self.parameters, " ")?;
        if !self.constraints.is_empty() {
            f.write_str(" where ")?;
        }
        write_joined(f, &self.constraints, " and ")
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Space({self})")
    }
}

/// A space that is being built. Nothing is checked before [`build`](Self::build).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SpaceBuilder {
    parameters: Vec<Parameter>,
    constraints: Vec<Result<Constraint>>,
}

impl SpaceBuilder {
    /// Adds a parameter.
    pub fn parameter(mut self, name: impl Into<String>, domain: Domain) -> Self {
        self.parameters.push(Parameter { name: name.into(), domain });
        self
    }

    /// Whole numbers: `min`, `min + step` … up to `max`.
    pub fn int(self, name: impl Into<String>, min: i64, max: i64, step: i64) -> Self {
        self.parameter(name, Domain::Int { min, max, step })
    }

    /// Real numbers in steps: `min`, `min + step` … up to `max`.
    pub fn stepped(self, name: impl Into<String>, min: f64, max: f64, step: f64) -> Self {
        self.parameter(name, Domain::Stepped { min, max, step })
    }

    /// Any real number from `min` to `max`.
    pub fn uniform(self, name: impl Into<String>, min: f64, max: f64) -> Self {
        self.parameter(name, Domain::Uniform { min, max })
    }

    /// Any real number from `min` to `max`, both above 0, evenly spread in its logarithm.
    pub fn log_uniform(self, name: impl Into<String>, min: f64, max: f64) -> Self {
        self.parameter(name, Domain::LogUniform { min, max })
    }

    /// One of several texts or numbers.
    pub fn choice<V: Into<Value>>(
        self,
        name: impl Into<String>,
        choices: impl IntoIterator<Item = V>,
    ) -> Self {
        self.parameter(name, Domain::Choice(choices.into_iter().map(Into::into).collect()))
    }

    /// Always the same value.
    pub fn fixed(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.choice(name, [value.into()])
    }

    /// One parameter below another, or below a number.
    pub fn less(self, left: impl Into<String>, right: impl Into<String>) -> Self {
        self.constraint(Constraint::compare(left, Relation::Less, right))
    }

    /// One parameter not above another, or not above a number.
    pub fn less_equal(self, left: impl Into<String>, right: impl Into<String>) -> Self {
        self.constraint(Constraint::compare(left, Relation::LessEqual, right))
    }

    /// Two parameters, or one and a value, that differ.
    pub fn not_equal(self, left: impl Into<String>, right: impl Into<String>) -> Self {
        self.constraint(Constraint::compare(left, Relation::NotEqual, right))
    }

    /// What has to hold, as a text: `fast<slow`, `band>=0.01`, `kind!=ema`.
    pub fn require(mut self, constraint: &str) -> Self {
        self.constraints.push(constraint.parse());
        self
    }

    /// What has to hold, as a function. The name stands for it in errors and descriptions: a changed function wants another
    /// name.
    pub fn check(
        self,
        name: impl Into<String>,
        holds: impl Fn(&Params) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.constraint(Constraint::check(name, holds))
    }

    /// What has to hold.
    pub fn constraint(mut self, constraint: Constraint) -> Self {
        self.constraints.push(Ok(constraint));
        self
    }

    /// The space.
    ///
    /// # Errors
    /// As [`Space::new`]; a constraint's text that is not one.
    pub fn build(self) -> Result<Space> {
        Space::new(self.parameters, self.constraints.into_iter().collect::<Result<Vec<_>>>()?)
    }
}

fn distinct_names(parameters: &[Parameter]) -> Result<Names> {
    for (at, parameter) in parameters.iter().enumerate() {
        if parameters[..at].iter().any(|earlier| earlier.name == parameter.name) {
            return Err(Error::invalid(
                "parameter name",
                &parameter.name,
                "a name that no other parameter of the space has",
            ));
        }
    }
    Ok(Names::new(parameters.iter().map(|parameter| parameter.name.as_str())))
}

fn write_joined<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], between: &str) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(at, item)| {
        let between = if at == 0 { "" } else { between };
        write!(f, "{between}{item}")
    })
}
