use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{Domain, Parameter};
use crate::{Error, Params, Result, Value};

/// What has to hold between the parameters of a point. `fast<slow` is the text form of a comparison.
#[derive(Clone)]
pub enum Constraint {
    /// A comparison.
    Compare {
        /// A parameter's name, or a value.
        left: String,
        /// How the two are compared.
        relation: Relation,
        /// A parameter's name, or a value.
        right: String,
    },
    /// A function, with the name that stands for it in errors and descriptions.
    Check {
        /// What it says, such as `"the slow window is twice the fast one"`.
        name: String,
        /// Whether it holds. Has to give the same answer for the same point.
        holds: Arc<dyn Fn(&Params) -> bool + Send + Sync>,
    },
}

impl Constraint {
    /// A comparison of two parameters, or of one and a value.
    pub fn compare(left: impl Into<String>, relation: Relation, right: impl Into<String>) -> Self {
        Self::Compare { left: left.into(), relation, right: right.into() }
    }

    /// A function with a name.
    pub fn check(name: impl Into<String>, holds: impl Fn(&Params) -> bool + Send + Sync + 'static) -> Self {
        Self::Check { name: name.into(), holds: Arc::new(holds) }
    }
}

/// How two values are compared. Numbers by their size; texts for being equal alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`; `=` will do.
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    GreaterEqual,
    /// `>`
    Greater,
}

impl Relation {
    /// Longer signs first, so that `<=` is not read as `<`.
    const SIGNS: [(&'static str, Self); 7] = [
        ("<=", Self::LessEqual),
        (">=", Self::GreaterEqual),
        ("!=", Self::NotEqual),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::GreaterEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Self::SIGNS.iter().find(|(_, relation)| relation == self);
        f.write_str(sign.expect("each relation has a sign").0)
    }
}

impl FromStr for Constraint {
    type Err = Error;

    /// Reads two words with one of `<`, `<=`, `==`, `!=`, `>=`, `>` between them.
    ///
    /// # Errors
    /// [`Error::Invalid`] with examples.
    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            let allowed = "two names, or a name and a value, with <, <=, ==, !=, >= or > between them, such as fast<slow, band>=0.01, kind!=ema";
            Error::invalid("a constraint", format!("{text:?}"), allowed)
        };
        let at = text.find(['<', '>', '=', '!']).ok_or_else(malformed)?;
        let (left, rest) = text.split_at(at);
        let found =
            Relation::SIGNS.iter().find_map(|&(sign, relation)| Some((relation, rest.strip_prefix(sign)?)));
        let (relation, right) = found.ok_or_else(malformed)?;
        let (left, right) = (left.trim(), right.trim());
        if left.is_empty() || right.is_empty() || right.contains(['<', '>', '=', '!']) {
            return Err(malformed());
        }
        Ok(Self::compare(left, relation, right))
    }
}

impl fmt::Display for Constraint {
    /// A comparison as [`FromStr`] reads it; a function's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare { left, relation, right } => write!(f, "{left}{relation}{right}"),
            Self::Check { name, .. } => f.write_str(name),
        }
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Constraint({self})")
    }
}

/// A constraint whose names are resolved.
#[derive(Clone)]
pub(super) enum Rule {
    Compare { left: Operand, relation: Relation, right: Operand },
    Check(Arc<dyn Fn(&Params) -> bool + Send + Sync>),
}

#[derive(Clone)]
pub(super) enum Operand {
    Axis(usize),
    Value(Value),
}

impl Rule {
    pub(super) fn new(constraint: &Constraint, parameters: &[Parameter]) -> Result<Self> {
        let (left, relation, right) = match constraint {
            Constraint::Check { holds, .. } => return Ok(Self::Check(Arc::clone(holds))),
            Constraint::Compare { left, relation, right } => (left, *relation, right),
        };
        let (left, right) = (operand(left, right, parameters)?, operand(right, left, parameters)?);
        let texts = [&left, &right].map(|operand| operand.is_text(parameters));
        let orders = !matches!(relation, Relation::Equal | Relation::NotEqual);
        if texts[0] != texts[1] || (texts[0] && orders) {
            let allowed = "numbers compared with numbers, texts with texts by == or !=";
            return Err(Error::invalid("constraint", constraint, allowed));
        }
        Ok(Self::Compare { left, relation, right })
    }

    #[inline]
    pub(super) fn holds(&self, params: &Params) -> bool {
        match self {
            Self::Compare { left, relation, right } => {
                relation.holds(order(left.value(params), right.value(params)))
            }
            Self::Check(holds) => holds(params),
        }
    }
}

impl Operand {
    #[inline]
    fn value<'a>(&'a self, params: &'a Params) -> &'a Value {
        match self {
            Self::Axis(at) => &params.values()[*at],
            Self::Value(value) => value,
        }
    }

    fn is_text(&self, parameters: &[Parameter]) -> bool {
        let value = match self {
            Self::Axis(at) => match &parameters[*at].domain {
                Domain::Choice(choices) => &choices[0],
                _ => return false,
            },
            Self::Value(value) => value,
        };
        matches!(value, Value::Text(_))
    }
}

/// What a word stands for: a parameter, else a number, else one of the texts that the parameter on the other side may be.
fn operand(word: &str, other: &str, parameters: &[Parameter]) -> Result<Operand> {
    if let Some(at) = parameters.iter().position(|parameter| parameter.name == word) {
        return Ok(Operand::Axis(at));
    }
    // Two values make no constraint: one of the words was meant to be a name.
    let opposite = parameters.iter().find(|parameter| parameter.name == other);
    let number = || word.parse().map(Value::Int).or_else(|_| word.parse().map(Value::Float)).ok();
    let number = number().filter(|value| !matches!(value, Value::Float(value) if !value.is_finite()));
    match (opposite.map(|parameter| &parameter.domain), number) {
        (Some(Domain::Choice(choices)), _) if choices.contains(&Value::from(word)) => {
            Ok(Operand::Value(Value::from(word)))
        }
        (Some(_), Some(number)) => Ok(Operand::Value(number)),
        (Some(Domain::Choice(choices)), None) if matches!(choices[0], Value::Text(_)) => {
            Err(Error::unknown("choice", word, choices.iter().map(Value::to_string)))
        }
        _ => {
            Err(Error::unknown("parameter", word, parameters.iter().map(|parameter| parameter.name.as_str())))
        }
    }
}

/// Texts against texts, numbers against numbers; a checked constraint has no other pair, and no NaN.
fn order(left: &Value, right: &Value) -> Ordering {
    let number = |value: &Value| match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Text(_) => f64::NAN,
    };
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (left, right) => number(left).partial_cmp(&number(right)).unwrap_or(Ordering::Greater),
    }
}
