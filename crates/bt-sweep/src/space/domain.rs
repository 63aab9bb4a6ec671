use std::fmt;
use std::str::FromStr;

use crate::{Error, Result, Value};

/// The values that a parameter may take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Whole numbers: `min`, `min + step` … up to `max`, which is among them only where the step divides.
    Int {
        /// The first.
        min: i64,
        /// None is larger.
        max: i64,
        /// At least 1.
        step: i64,
    },
    /// Real numbers in steps: `min`, `min + step` … up to `max`. Value number i is the decimal number `min + i × step`,
    /// correctly rounded: the third of 0.1, 0.2 … is 0.3, not 0.30000000000000004. Where the three have too many digits for
    /// that (more than 22 after the point, more than 15 or 16 in all), it is what floating-point arithmetic makes of `min +
    /// i × step`.
    Stepped {
        /// The first.
        min: f64,
        /// None is larger.
        max: f64,
        /// Above 0.
        step: f64,
    },
    /// Any real number from `min` to `max`, each as likely as another.
    Uniform {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// Any real number from `min` to `max`, its logarithm evenly spread: as many between 0.001 and 0.01 as between 0.01 and
    /// 0.1.
    LogUniform {
        /// The smallest, above 0.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// One of several: all of them texts, all whole numbers or all real ones. Without an order to a search. A single one is
    /// a fixed value.
    Choice(Vec<Value>),
}

impl Domain {
    /// Whether there are as many values as real numbers.
    pub fn is_continuous(&self) -> bool {
        matches!(self, Self::Uniform { .. } | Self::LogUniform { .. })
    }
}

/// The forms that a domain's text has.
const FORMS: &str = "5..50:5 (whole numbers in steps), 5..50 (in steps of 1), 0.1..0.9:0.1 (reals in steps), 0.1..0.9 (any real), \
                     log:1e-4..1e-1 (any real, evenly spread in its logarithm), sma|ema (one of them), 20 (always)";

impl FromStr for Domain {
    type Err = Error;

    /// Reads `5..50:5`, `5..50`, `0.1..0.9:0.1`, `0.1..0.9`, `log:1e-4..1e-1`, `sma|ema` or `20`. Whole numbers without a
    /// point or an exponent make [`Domain::Int`]; choices are numbers where every one of them reads as a number. The limits
    /// are checked with the [`Space`](crate::Space).
    ///
    /// # Errors
    /// [`Error::Invalid`] with the forms that there are.
    fn from_str(text: &str) -> Result<Self> {
        let malformed = || Error::invalid("the domain of a parameter", format!("{text:?}"), FORMS);
        match text.split_once("..") {
            Some((min, rest)) => parse_range(min.trim(), rest.trim()).ok_or_else(malformed),
            None => parse_choices(text).ok_or_else(malformed),
        }
    }
}

fn parse_range(min: &str, rest: &str) -> Option<Domain> {
    if let Some(min) = min.strip_prefix("log:") {
        return Some(Domain::LogUniform { min: min.trim().parse().ok()?, max: rest.parse().ok()? });
    }
    let (max, step) = match rest.split_once(':') {
        Some((max, step)) => (max.trim(), Some(step.trim())),
        None => (rest, None),
    };
    if let (Ok(min), Ok(max), Ok(step)) = (min.parse(), max.parse(), step.unwrap_or("1").parse()) {
        return Some(Domain::Int { min, max, step });
    }
    let (min, max) = (min.parse().ok()?, max.parse().ok()?);
    Some(match step {
        Some(step) => Domain::Stepped { min, max, step: step.parse().ok()? },
        None => Domain::Uniform { min, max },
    })
}

fn parse_choices(text: &str) -> Option<Domain> {
    let words: Vec<&str> = text.split('|').map(str::trim).collect();
    if words.iter().any(|word| word.is_empty()) {
        return None;
    }
    let all =
        |read: fn(&str) -> Option<Value>| words.iter().map(|word| read(word)).collect::<Option<Vec<_>>>();
    let whole = all(|word| word.parse().ok().map(Value::Int));
    let real = || all(|word| finite(word).map(Value::Float));
    whole.or_else(real).or_else(|| all(|word| Some(Value::from(word)))).map(Domain::Choice)
}

fn finite(word: &str) -> Option<f64> {
    word.parse().ok().filter(|value: &f64| value.is_finite())
}

impl fmt::Display for Domain {
    /// The text that [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int { min, max, step: 1 } => write!(f, "{min}..{max}"),
            Self::Int { min, max, step } => write!(f, "{min}..{max}:{step}"),
            // With a point or an exponent, which tells them from whole numbers.
            Self::Stepped { min, max, step } => write!(f, "{min:?}..{max:?}:{step:?}"),
            Self::Uniform { min, max } => write!(f, "{min:?}..{max:?}"),
            Self::LogUniform { min, max } => write!(f, "log:{min:?}..{max:?}"),
            Self::Choice(choices) => choices.iter().enumerate().try_for_each(|(at, choice)| {
                f.write_str(if at == 0 { "" } else { "|" })?;
                match choice {
                    Value::Float(value) => write!(f, "{value:?}"),
                    other => write!(f, "{other}"),
                }
            }),
        }
    }
}

/// A name and the values that it may take. `fast=5..50:5` is its text form.
///
/// ```
/// use bt_sweep::{Domain, Parameter};
/// let fast: Parameter = "fast=5..50:5".parse()?;
/// assert_eq!(fast, Parameter { name: "fast".into(), domain: Domain::Int { min: 5, max: 50, step: 5 } });
/// assert_eq!(fast.to_string(), "fast=5..50:5");
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Letters, digits, `_`, `-` and `.`; it begins with a letter or `_`.
    pub name: String,
    /// The values.
    pub domain: Domain,
}

impl Parameter {
    /// Refuses what no space can hold.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is not one, limits that are not finite or not in order, a step that is not above 0
    /// or too small to count, a logarithm of 0 or less, no choices, two equal ones, choices of different types, a text that
    /// its text form could not hold.
    pub fn check(&self) -> Result<()> {
        if !is_name(&self.name) {
            return Err(Error::invalid(
                "parameter name",
                format!("{:?}", self.name),
                "letters, digits, _, - and ., beginning with a letter or _",
            ));
        }
        let refusal = match &self.domain {
            Domain::Int { min, max, step } => {
                range_refusal(min, max).or((*step < 1).then_some("a step of at least 1"))
            }
            Domain::Stepped { min, max, step } => {
                finite_refusal(*min, *max).or(step_refusal(*min, *max, *step))
            }
            Domain::Uniform { min, max } => finite_refusal(*min, *max),
            Domain::LogUniform { min, max } => finite_refusal(*min, *max)
                .or((*min <= 0.0).then_some("a minimum above 0, as it has a logarithm")),
            Domain::Choice(choices) => choices_refusal(choices),
        };
        refusal.map_or(Ok(()), |allowed| {
            Err(Error::invalid(format!("parameter {}", self.name), &self.domain, allowed))
        })
    }
}

fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    begins && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn range_refusal<T: PartialOrd>(min: &T, max: &T) -> Option<&'static str> {
    (min > max).then_some("a minimum that is not above the maximum")
}

fn finite_refusal(min: f64, max: f64) -> Option<&'static str> {
    let finite = min.is_finite() && max.is_finite() && (max - min).is_finite();
    (!finite).then_some("finite limits and a finite distance between them").or(range_refusal(&min, &max))
}

fn step_refusal(min: f64, max: f64, step: f64) -> Option<&'static str> {
    if !(step.is_finite() && step > 0.0) {
        return Some("a step above 0");
    }
    // Smaller steps would meet the same number again.
    let largest = min.abs().max(max.abs());
    let countable = largest / step < MAX_STEPS && (max - min) / step < MAX_STEPS;
    (!countable).then_some(
        "a step that changes the largest value, by more than 2^-50 of it, and fewer than 2^50 of them",
    )
}

/// 2^50: below it the number of a step is found from its value in spite of rounding.
pub(super) const MAX_STEPS: f64 = 1_125_899_906_842_624.0;

fn choices_refusal(choices: &[Value]) -> Option<&'static str> {
    let Some(first) = choices.first() else {
        return Some("at least one choice, such as sma|ema");
    };
    if choices.iter().any(|choice| std::mem::discriminant(choice) != std::mem::discriminant(first)) {
        return Some("choices of one type: texts, whole numbers or real numbers");
    }
    if choices.iter().any(|choice| matches!(choice, Value::Float(value) if !value.is_finite())) {
        return Some("finite numbers");
    }
    if choices.iter().enumerate().any(|(at, choice)| choices[..at].contains(choice)) {
        return Some("each choice once");
    }
    let texts: Vec<&str> = choices
        .iter()
        .filter_map(|choice| if let Value::Text(text) = choice { Some(&**text) } else { None })
        .collect();
    if texts.iter().any(|text| !is_word(text)) {
        return Some("texts that are not empty, without |, .., control characters, or blanks at either end");
    }
    let all_numbers = !texts.is_empty() && texts.iter().all(|text| finite(text).is_some());
    all_numbers.then_some("numbers as numbers, not as texts")
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.contains("..")
        && !text.contains(|c: char| c == '|' || c.is_control())
}

impl FromStr for Parameter {
    type Err = Error;

    /// Reads `NAME=DOMAIN`, and checks it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what is allowed and an example.
    fn from_str(text: &str) -> Result<Self> {
        let Some((name, domain)) = text.split_once('=') else {
            let allowed = format!("NAME=VALUES, such as fast=5..50:5; values are {FORMS}");
            return Err(Error::invalid("a parameter", format!("{text:?}"), allowed));
        };
        let name = name.trim().to_string();
        let domain = domain.parse().map_err(|_| {
            let allowed = format!("such as {name}=5..50:5; values are {FORMS}");
            Error::invalid(format!("parameter {name}"), format!("{domain:?}"), allowed)
        })?;
        let parameter = Self { name, domain };
        parameter.check()?;
        Ok(parameter)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.domain)
    }
}
