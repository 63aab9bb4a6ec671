use std::fmt;
use std::sync::Arc;

use crate::{Error, Result};

/// One parameter's value in one trial.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number: a lookback, a count.
    Int(i64),
    /// A real number, finite.
    Float(f64),
    /// One of several names.
    Text(Arc<str>),
}

impl fmt::Display for Value {
    /// As it is read back: the shortest decimal that gives the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => fmt::Display::fmt(value, f),
            Self::Float(value) => fmt::Display::fmt(value, f),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

/// The names of a space's parameters, in their order. Shared by all its points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Arc<[String]>);

impl Names {
    /// Names in order. That no two are equal is what a space checks.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The names.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The place of a name. O(parameters).
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|known| known == name)
    }
}

/// One point of a space: the parameters of one trial, read by name and type.
///
/// ```
/// use bt_sweep::{Names, Params};
/// let params = Params::new(&Names::new(["fast", "band", "price"]), [20.into(), 0.01.into(), "close".into()])?;
/// assert_eq!(params.count("fast")?, 20);
/// assert_eq!(params.float("band")?, 0.01);
/// assert_eq!(params.text("price")?, "close");
/// assert_eq!(params.to_string(), "fast=20 band=0.01 price=close");
/// assert!(params.count("fats").unwrap_err().to_string().contains("did you mean fast?"));
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Params(Arc<Point>);

/// All of it is shared: searches, workers and tables hand points to one another, and would contend for the count of the names.
#[derive(Debug, PartialEq)]
struct Point {
    names: Names,
    values: Box<[Value]>,
}

impl Params {
    /// A value for each name, in their order.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where there are more or fewer values than names.
    pub fn new(names: &Names, values: impl IntoIterator<Item = Value>) -> Result<Self> {
        let values: Box<[Value]> = values.into_iter().collect();
        if values.len() != names.0.len() {
            return Err(Error::Mismatch {
                what: "the number of values".into(),
                found: values.len().to_string(),
                expected: format!("{}, one for each of {}", names.0.len(), names.0.join(", ")),
            });
        }
        Ok(Self(Arc::new(Point { names: names.clone(), values })))
    }

    /// The names, in order.
    pub fn names(&self) -> &Names {
        &self.0.names
    }

    /// The values, in the order of the names.
    pub fn values(&self) -> &[Value] {
        &self.0.values
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the names that there are.
    pub fn get(&self, name: &str) -> Result<&Value> {
        let Point { names, values } = &*self.0;
        let at = names.position(name);
        at.map(|at| &values[at]).ok_or_else(|| Error::unknown("parameter", name, names.0.to_vec()))
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Invalid`] where the parameter is of another type.
    pub fn int(&self, name: &str) -> Result<i64> {
        match self.get(name)? {
            Value::Int(value) => Ok(*value),
            other => Err(other_type(name, other, "a whole number")),
        }
    }

    /// A whole number of at least 1: a lookback, a number of assets.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Invalid`] where the parameter is something else.
    pub fn count(&self, name: &str) -> Result<usize> {
        let value = self.int(name)?;
        usize::try_from(value)
            .ok()
            .filter(|&count| count > 0)
            .ok_or_else(|| other_type(name, &Value::Int(value), "a whole number of at least 1"))
    }

    /// A real number; a whole one will do.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Invalid`] where the parameter is a text.
    pub fn float(&self, name: &str) -> Result<f64> {
        match self.get(name)? {
            Value::Float(value) => Ok(*value),
            Value::Int(value) => Ok(*value as f64),
            other => Err(other_type(name, other, "a number")),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Invalid`] where the parameter is a number.
    pub fn text(&self, name: &str) -> Result<&str> {
        match self.get(name)? {
            Value::Text(value) => Ok(value),
            other => Err(other_type(name, other, "a text")),
        }
    }
}

#[cold]
fn other_type(name: &str, value: &Value, allowed: &str) -> Error {
    Error::invalid(format!("parameter {name}"), value, allowed)
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.names().as_slice().iter().zip(self.values()).enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_another_type_is_named_with_its_value() {
        let params = Params::new(&Names::new(["fast"]), [Value::from(-3)]).unwrap();
        let message = params.count("fast").unwrap_err().to_string();
        assert_eq!(message, "parameter fast = -3 is out of range; allowed: a whole number of at least 1");
        assert!(params.text("fast").is_err());
        assert_eq!(params.float("fast").unwrap(), -3.0);
    }

    #[test]
    fn values_without_names_are_refused() {
        assert!(Params::new(&Names::new(["fast"]), []).is_err());
    }
}
