//! Naive versions: loops over lists of values that are written out.

use std::collections::HashSet;

use bt_sweep::search::{Asked, Search, Told};
use bt_sweep::{Domain, Params, Proposal, Space, Value};
use proptest::prelude::*;

/// A parameter's values one by one. Steps are whole tenths, so that the decimal is known without arithmetic on fractions.
#[derive(Clone, Debug)]
pub(crate) enum Plain {
    /// From, to, step.
    Int(i64, i64, i64),
    /// From, to, step, in tenths.
    Tenths(i64, i64, i64),
    /// So many of the words.
    Words(usize),
}

pub(crate) const WORDS: [&str; 4] = ["sma", "ema", "wma", "hull"];

impl Plain {
    pub(crate) fn domain(&self) -> Domain {
        match *self {
            Self::Int(min, max, step) => Domain::Int { min, max, step },
            Self::Tenths(min, max, step) => {
                Domain::Stepped { min: tenths(min), max: tenths(max), step: tenths(step) }
            }
            Self::Words(count) => Domain::Choice(WORDS[..count].iter().map(|&word| word.into()).collect()),
        }
    }

    pub(crate) fn values(&self) -> Vec<Value> {
        match *self {
            Self::Int(min, max, step) => multiples(min, max, step).map(Value::Int).collect(),
            Self::Tenths(min, max, step) => multiples(min, max, step).map(tenths).map(Value::Float).collect(),
            Self::Words(count) => WORDS[..count].iter().map(|&word| word.into()).collect(),
        }
    }
}

fn multiples(min: i64, max: i64, step: i64) -> impl Iterator<Item = i64> {
    std::iter::successors(Some(min), move |value| Some(value + step)).take_while(move |&value| value <= max)
}

/// Through the decimal text, which no arithmetic touches.
fn tenths(value: i64) -> f64 {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{}", value.abs() / 10, value.abs() % 10).parse().unwrap()
}

pub(crate) fn plain() -> impl Strategy<Value = Plain> {
    let int =
        (-20_i64..20, 0_i64..12, 1_i64..5).prop_map(|(min, more, step)| Plain::Int(min, min + more, step));
    let real =
        (-20_i64..20, 0_i64..12, 1_i64..5).prop_map(|(min, more, step)| Plain::Tenths(min, min + more, step));
    prop_oneof![3 => int, 2 => real, 1 => (1_usize..=4).prop_map(Plain::Words)]
}

/// Parameters a, b, c …, and relations between those that are numbers.
#[derive(Clone, Debug)]
pub(crate) struct PlainSpace {
    pub(crate) axes: Vec<Plain>,
    pub(crate) rules: Vec<(usize, &'static str, usize)>,
}

pub(crate) fn plain_space() -> impl Strategy<Value = PlainSpace> {
    let rule = (0_usize..4, prop_oneof![Just("<"), Just("<="), Just("!=")], 0_usize..4);
    let parts = (prop::collection::vec(plain(), 1..4), prop::collection::vec(rule, 0..3));
    parts.prop_map(|(axes, rules)| {
        let is_number = |at: usize| axes.get(at).is_some_and(|axis| !matches!(axis, Plain::Words(_)));
        let rules = rules
            .into_iter()
            .filter(|&(left, _, right)| left != right && is_number(left) && is_number(right));
        PlainSpace { rules: rules.collect(), axes }
    })
}

pub(crate) fn name(at: usize) -> &'static str {
    ["a", "b", "c", "d"][at]
}

impl PlainSpace {
    pub(crate) fn space(&self) -> Space {
        let axes = self.axes.iter().enumerate();
        let builder =
            axes.fold(Space::builder(), |builder, (at, axis)| builder.parameter(name(at), axis.domain()));
        let rules = self.rules.iter();
        let text =
            |&(left, sign, right): &(usize, &str, usize)| format!("{}{sign}{}", name(left), name(right));
        rules.fold(builder, |builder, rule| builder.require(&text(rule))).build().unwrap()
    }

    /// All points before constraints, the last parameter fastest.
    pub(crate) fn all(&self) -> Vec<Vec<Value>> {
        self.axes.iter().fold(vec![vec![]], |points, axis| {
            let extend = |point: Vec<Value>| {
                let with = move |value| [point.clone(), vec![value]].concat();
                axis.values().into_iter().map(with)
            };
            points.into_iter().flat_map(extend).collect()
        })
    }

    pub(crate) fn satisfying(&self) -> Vec<Vec<Value>> {
        let holds = |point: &Vec<Value>| {
            self.rules.iter().all(|&(left, sign, right)| {
                let (left, right) = (number(&point[left]), number(&point[right]));
                match sign {
                    "<" => left < right,
                    "<=" => left <= right,
                    _ => left != right,
                }
            })
        };
        self.all().into_iter().filter(holds).collect()
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Text(_) => unreachable!("rules are between numbers"),
    }
}

pub(crate) fn values(params: &Params) -> Vec<Value> {
    params.values().to_vec()
}

pub(crate) fn distinct<'a>(points: impl IntoIterator<Item = &'a Params>) -> usize {
    points.into_iter().map(ToString::to_string).collect::<HashSet<_>>().len()
}

/// Runs a search to its end. After every ask, up to `lag` of the trials under way are left untold while the search has more to give.
pub(crate) fn run(
    search: &mut dyn Search,
    lag: usize,
    score: impl Fn(&Proposal) -> Option<f64>,
) -> Vec<Proposal> {
    let mut trials: Vec<Proposal> = vec![];
    let mut told = 0;
    loop {
        let asked = search.ask().unwrap();
        let keep = if let Asked::Trials(_) = asked { lag } else { 0 };
        let waits = asked == Asked::Wait;
        match asked {
            Asked::Trials(more) => trials.extend(more),
            Asked::Wait => assert!(told < trials.len(), "waits for nothing"),
            Asked::Done => break,
        }
        // One at a time where the search waits: it has to go on as soon as it can, whatever the layout.
        let until = if waits { told + 1 } else { trials.len().saturating_sub(keep).max(told) };
        for trial in &trials[told..until] {
            search.tell(Told { number: trial.number, score: score(trial) }).unwrap();
        }
        told = until;
    }
    assert!(trials.iter().enumerate().all(|(at, trial)| trial.number == at as u64));
    trials
}
