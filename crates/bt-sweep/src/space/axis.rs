use super::domain::MAX_STEPS;
use super::{Domain, Parameter};
use crate::{Result, Value};

/// A checked domain, prepared for counting.
#[derive(Clone, Debug)]
pub(crate) enum Axis {
    Int { min: i64, step: i64, count: u128 },
    Stepped { min: f64, max: f64, step: f64, count: u64, decimal: Option<Decimal> },
    Real { min: f64, max: f64, scale: Scale },
    Choice(Box<[Value]>),
}

/// How a continuous axis is spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    Linear,
    Log,
}

impl Axis {
    pub(super) fn new(parameter: &Parameter) -> Result<Self> {
        parameter.check()?;
        Ok(match &parameter.domain {
            &Domain::Int { min, max, step } => {
                let steps = (i128::from(max) - i128::from(min)) / i128::from(step);
                Self::Int { min, step, count: steps.unsigned_abs() + 1 }
            }
            &Domain::Stepped { min, max, step } => {
                let decimal = Decimal::new(min, max, step);
                let steps = decimal.as_ref().map_or_else(|| steps(min, max, step), |decimal| decimal.steps);
                Self::Stepped { min, max, step, count: steps + 1, decimal }
            }
            &Domain::Uniform { min, max } => Self::Real { min, max, scale: Scale::Linear },
            &Domain::LogUniform { min, max } => Self::Real { min, max, scale: Scale::Log },
            Domain::Choice(choices) => Self::Choice(choices.clone().into()),
        })
    }

    /// How many values there are, at least 1; none where it is continuous.
    pub(crate) fn count(&self) -> Option<u128> {
        match self {
            Self::Int { count, .. } => Some(*count),
            Self::Stepped { count, .. } => Some(u128::from(*count)),
            Self::Real { .. } => None,
            Self::Choice(choices) => Some(choices.len() as u128),
        }
    }

    /// Value number `index`, which is below the count; on a continuous axis, 0 for its minimum.
    pub(crate) fn nth(&self, index: u64) -> Value {
        match self {
            Self::Int { min, step, .. } => {
                Value::Int((i128::from(*min) + i128::from(index) * i128::from(*step)) as i64)
            }
            Self::Stepped { min, max, step, decimal, .. } => Value::Float(match decimal {
                Some(decimal) => decimal.nth(index),
                None => stepped(*min, *step, index).min(*max),
            }),
            Self::Real { min, .. } => Value::Float(*min),
            Self::Choice(choices) => choices[index as usize].clone(),
        }
    }

    /// The number of a value; none where the axis does not have it or is continuous.
    pub(crate) fn position(&self, value: &Value) -> Option<u64> {
        let index = match (self, value) {
            (Self::Int { min, step, .. }, Value::Int(value)) => {
                u64::try_from((i128::from(*value) - i128::from(*min)) / i128::from(*step)).ok()?
            }
            (Self::Stepped { min, step, count, .. }, Value::Float(value)) => {
                let index = ((value - min) / step).round();
                if !(0.0..=MAX_STEPS).contains(&index) {
                    return None;
                }
                let near = (index as u64).saturating_sub(1)..(index as u64).saturating_add(2).min(*count);
                // Rounding may have led to the step beside it.
                return near.into_iter().find(|&index| self.nth(index) == Value::Float(*value));
            }
            (Self::Choice(choices), value) => choices.iter().position(|choice| choice == value)? as u64,
            _ => return None,
        };
        (u128::from(index) < self.count()? && self.nth(index) == *value).then_some(index)
    }

    pub(crate) fn contains(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Real { min, max, .. }, Value::Float(value)) => min <= value && value <= max,
            _ => self.position(value).is_some(),
        }
    }
}

/// How many steps lead from `min` to no further than `max`. One that ends above it by no more than the three numbers' rounding ends
/// there.
fn steps(min: f64, max: f64, step: f64) -> u64 {
    let rounding = min.abs().max(max.abs()) * f64::EPSILON;
    let fits = |steps: u64| stepped(min, step, steps) - max <= rounding;
    // The quotient's own rounding is less than a step.
    let mut steps = ((max - min) / step).round() as u64 + 1;
    while steps > 0 && !fits(steps) {
        steps -= 1;
    }
    steps
}

fn stepped(min: f64, step: f64, index: u64) -> f64 {
    min + index as f64 * step
}

/// 2^53: up to here every whole number is a floating-point number.
const MAX_EXACT: u64 = 9_007_199_254_740_992;

/// Steps as whole multiples of a power of ten, which one correctly rounded division turns into the nearest number to the
/// decimal.
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    first: i64,
    step: i64,
    unit: f64,
    steps: u64,
}

impl Decimal {
    /// None where a power of ten or a multiple of it would not be exact.
    fn new(min: f64, max: f64, step: f64) -> Option<Self> {
        let texts = [min, max, step].map(|value| value.to_string());
        let digits =
            texts.iter().map(|text| text.split_once('.').map_or(0, |(_, digits)| digits.len())).max()?;
        if digits > 22 {
            return None;
        }
        let scaled = |text: &str| -> Option<i64> {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let number: i64 = format!("{whole}{fraction:0<digits$}").parse().ok()?;
            (number.unsigned_abs() <= MAX_EXACT).then_some(number)
        };
        let (first, last, step) = (scaled(&texts[0])?, scaled(&texts[1])?, scaled(&texts[2])?);
        let unit = (0..digits).fold(1.0, |unit, _| unit * 10.0);
        Some(Self { first, step, unit, steps: ((last - first) / step) as u64 })
    }

    fn nth(&self, index: u64) -> f64 {
        // Not beyond the last, which is below 2^53: no overflow.
        (self.first + index as i64 * self.step) as f64 / self.unit
    }
}
