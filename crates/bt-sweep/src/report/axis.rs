//! A parameter as an axis of at most [`MAX_CELLS`] cells.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;

use super::packed::{MAX_LABEL, clipped};
use crate::{Error, Result, Value};

/// The most cells of an axis; a parameter with more values is put into groups of them.
pub const MAX_CELLS: usize = 40;

/// A parameter of the sweep and where its values come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its values.
    pub domain: Domain,
}

/// The values that a parameter takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// These and no others, in any order.
    Values(Vec<Value>),
    /// Numbers from `low` to `high`, both included.
    Range {
        /// The smallest.
        low: f64,
        /// The largest.
        high: f64,
        /// Whether equal steps are equal factors; wants a `low` above zero.
        logarithmic: bool,
        /// Whether all of them are whole, as a cell's label shows them then.
        whole: bool,
    },
}

impl Parameter {
    /// One with these values and no others.
    pub fn of_values(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self { name: name.into(), domain: Domain::Values(values.into_iter().map(Into::into).collect()) }
    }

    /// One with any number from `low` to `high`.
    pub fn of_range(name: impl Into<String>, low: f64, high: f64, logarithmic: bool) -> Self {
        Self { name: name.into(), domain: Domain::Range { low, high, logarithmic, whole: false } }
    }

    /// What the points of trials say of their parameters, where the space is not at hand: the distinct values, or with more than
    /// [`MAX_CELLS`] distinct numbers their range. A point that is shorter than `names` says nothing of the rest.
    ///
    /// O(points × parameters × log distinct) time; holds the distinct values of texts.
    pub fn observed<'a>(names: &[String], points: impl IntoIterator<Item = &'a [Value]>) -> Vec<Self> {
        let mut seen: Vec<Observed> = names.iter().map(|_| Observed::default()).collect();
        for point in points {
            seen.iter_mut().zip(point).for_each(|(seen, value)| seen.add(value));
        }
        let named = names.iter().zip(seen);
        named.map(|(name, seen)| Self { name: name.clone(), domain: seen.domain() }).collect()
    }
}

#[derive(Default)]
struct Observed {
    distinct: BTreeSet<Ordered>,
    /// How many of them are numbers.
    numbers: usize,
    has_fractions: bool,
    /// From when on there are more numbers than cells.
    range: Option<(f64, f64)>,
}

impl Observed {
    fn add(&mut self, value: &Value) {
        self.has_fractions |= !matches!(value, Value::Int(_));
        if let (Some((low, high)), Some(number)) = (&mut self.range, number_of(value)) {
            (*low, *high) = (low.min(number), high.max(number));
            return;
        }
        if !self.distinct.insert(Ordered(value.clone())) {
            return;
        }
        self.numbers += usize::from(number_of(value).is_some());
        if self.distinct.len() > MAX_CELLS && self.numbers == self.distinct.len() {
            let numbers = self.distinct.iter().filter_map(|value| number_of(&value.0));
            self.range = numbers.map(|number| (number, number)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        }
    }

    fn domain(self) -> Domain {
        match self.range {
            Some((low, high)) => Domain::Range { low, high, logarithmic: false, whole: !self.has_fractions },
            None => Domain::Values(self.distinct.into_iter().map(|value| value.0).collect()),
        }
    }
}

/// A value in the order of an axis.
struct Ordered(Value);

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

/// A parameter's cells, in order, and which value falls into which.
#[derive(Clone, Debug, Serialize)]
pub struct Axis {
    /// The parameter's name.
    pub name: String,
    /// A label for each cell, at most [`MAX_CELLS`].
    pub labels: Vec<String>,
    /// Whether a cell holds several values, and its label names the first and the last.
    pub grouped: bool,
    /// Whether the axis is that of the folds of a walk-forward, which is no parameter.
    pub fold: bool,
    #[serde(skip)]
    cells: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    /// Sorted values; `cell_of` the place of each.
    Values { values: Vec<Value>, cell_of: Vec<u8> },
    /// Equal steps between two positions, those of logarithms where the axis is logarithmic.
    Range { low: f64, high: f64, logarithmic: bool, count: usize },
}

impl Axis {
    /// The cells of a parameter.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a range that is none.
    pub fn new(parameter: &Parameter) -> Result<Self> {
        match &parameter.domain {
            Domain::Values(values) => Ok(Self::of_values(&parameter.name, values.clone())),
            Domain::Range { low, high, logarithmic, whole } => {
                Self::of_range(&parameter.name, *low, *high, *logarithmic, *whole)
            }
        }
    }

    /// The folds of a walk-forward as one more axis.
    pub(super) fn of_folds(folds: &[u32]) -> Self {
        let values = folds.iter().map(|&fold| Value::Int(i64::from(fold))).collect();
        Self { fold: true, ..Self::of_values("fold", values) }
    }

    fn of_values(name: &str, mut values: Vec<Value>) -> Self {
        values.sort_by(order);
        values.dedup_by(|a, b| order(a, b) == Ordering::Equal);
        let count = values.len().min(MAX_CELLS);
        let cell_of: Vec<u8> = (0..values.len()).map(|at| (at * count / values.len()) as u8).collect();
        let labels = (0..count).map(|cell| group_label(&values, &cell_of, cell as u8)).collect();
        let grouped = values.len() > count;
        Self {
            name: clipped(name, MAX_LABEL),
            labels,
            grouped,
            fold: false,
            cells: Cells::Values { values, cell_of },
        }
    }

    fn of_range(name: &str, low: f64, high: f64, logarithmic: bool, whole: bool) -> Result<Self> {
        let ordered = low.is_finite() && high.is_finite() && low <= high && (high - low).is_finite();
        if !ordered || (logarithmic && low <= 0.0) {
            let allowed = "two finite numbers in order, above zero where the scale is logarithmic";
            return Err(Error::invalid(
                format!("range of parameter {name}"),
                format!("{low}..{high}"),
                allowed,
            ));
        }
        let count = if low == high { 1 } else { MAX_CELLS };
        let (low, high) = if logarithmic { (low.ln(), high.ln()) } else { (low, high) };
        let cells = Cells::Range { low, high, logarithmic, count };
        let label = |cell: usize| {
            let [from, to] = match whole {
                true => cells.whole(cell).map(|number| number.to_string()),
                false => [cell, cell + 1].map(|at| short(cells.edge(at))),
            };
            if from == to { from } else { format!("{from} – {to}") }
        };
        let labels = (0..count).map(label).collect();
        Ok(Self { name: clipped(name, MAX_LABEL), labels, grouped: count > 1, fold: false, cells })
    }

    /// The cell of a fold, on an axis that was made of folds that include it.
    pub(super) fn cell_of_fold(&self, fold: u32) -> u8 {
        self.cell(&Value::Int(i64::from(fold))).unwrap_or(0)
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The cell that a value falls into.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value that the parameter does not take.
    pub fn cell(&self, value: &Value) -> Result<u8> {
        let found = match &self.cells {
            Cells::Values { values, cell_of } => {
                values.binary_search_by(|known| order(known, value)).ok().map(|at| cell_of[at])
            }
            Cells::Range { .. } => number_of(value).and_then(|number| self.cells.of_number(number)),
        };
        found.ok_or_else(|| Error::invalid(format!("parameter {}", self.name), value, self.allowed()))
    }

    /// Where on the axis a value lies, from 0 to 1; equal steps for values that are few.
    pub(super) fn position(&self, value: &Value) -> f32 {
        let share = match &self.cells {
            Cells::Values { values, .. } => {
                let at = values.partition_point(|known| order(known, value) == Ordering::Less);
                if values.len() > 1 { at as f64 / (values.len() - 1) as f64 } else { 0.5 }
            }
            Cells::Range { .. } => number_of(value).map_or(0.5, |number| self.cells.share(number)),
        };
        share.clamp(0.0, 1.0) as f32
    }

    #[cold]
    fn allowed(&self) -> String {
        match (&self.labels[..], self.grouped) {
            ([], _) => "none".to_owned(),
            ([first, .., last], true) => format!("from the range {first} to {last}"),
            (labels, _) => clipped(&format!("one of {}", labels.join(", ")), 400),
        }
    }
}

/// How far beyond its range, as a share of it, rounding may put a value.
const ROUNDING: f64 = 1e-9;

impl Cells {
    fn share(&self, number: f64) -> f64 {
        match *self {
            Self::Range { low, high, .. } if low == high => 0.5,
            Self::Range { low, high, logarithmic, .. } => {
                (if logarithmic { number.ln() } else { number } - low) / (high - low)
            }
            Self::Values { .. } => f64::NAN,
        }
    }

    /// The cell of a number of the range.
    fn of_number(&self, number: f64) -> Option<u8> {
        let Self::Range { count, .. } = *self else { return None };
        let share = Some(self.share(number)).filter(|share| (-ROUNDING..=1.0 + ROUNDING).contains(share))?;
        Some(((share.max(0.0) * count as f64) as usize).min(count - 1) as u8)
    }

    /// The smallest and the largest whole number of a cell, which has one.
    fn whole(&self, cell: usize) -> [f64; 2] {
        let end = self.edge(cell + 1).round();
        let first_of = |cell: usize| {
            // One further down where rounding has put it into the cell.
            let near = (self.edge(cell).floor() - 1.0).max(self.edge(0));
            let is_there = |number: &f64| self.of_number(*number).is_some_and(|of| usize::from(of) >= cell);
            (0..3).map(|more| near + f64::from(more)).find(is_there)
        };
        let low = first_of(cell).unwrap_or(end);
        let is_last = self.of_number(end).is_some_and(|of| usize::from(of) == cell);
        let high = if is_last { end } else { first_of(cell + 1).map_or(end, |next| next - 1.0) };
        [low, high.max(low)]
    }

    fn edge(&self, at: usize) -> f64 {
        match *self {
            Self::Range { low, high, logarithmic, count } => {
                let position = low + (high - low) * (at as f64 / count as f64);
                if logarithmic { position.exp() } else { position }
            }
            Self::Values { .. } => f64::NAN,
        }
    }
}

/// Four significant digits.
fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.3e}").parse().unwrap_or(number);
    match rounded.abs() {
        0.0 => "0".to_owned(),
        size if (1e-4..1e9).contains(&size) => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
}

fn group_label(values: &[Value], cell_of: &[u8], cell: u8) -> String {
    let first = cell_of.partition_point(|&of| of < cell);
    let last = cell_of.partition_point(|&of| of <= cell) - 1;
    let label = |at: usize| clipped(&values[at].to_string(), MAX_LABEL);
    if first == last { label(first) } else { format!("{} – {}", label(first), label(last)) }
}

pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Text(_) => None,
    }
}

/// Numbers by size, whole or not, then texts.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Text(_), _) => Ordering::Greater,
        (_, Value::Text(_)) => Ordering::Less,
        (a, b) => {
            let ((a, whole_a), (b, whole_b)) = (place(a), place(b));
            a.total_cmp(&b).then(whole_a.cmp(&whole_b))
        }
    }
}

/// A number's place; the second part tells whole numbers apart that are one as a real number.
fn place(value: &Value) -> (f64, i64) {
    match value {
        Value::Int(value) => (*value as f64, *value),
        // Adding zero makes the negative zero positive.
        Value::Float(value) => (*value + 0.0, *value as i64),
        Value::Text(_) => (f64::NAN, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_cell_each_and_a_whole_number_is_the_real_one() {
        let axis = Axis::new(&Parameter::of_values("fast", [30, 10, 20, 10])).unwrap();
        assert_eq!(axis.labels, ["10", "20", "30"]);
        assert!(!axis.grouped);
        assert_eq!(axis.cell(&Value::Float(20.0)).unwrap(), 1);
        assert_eq!(axis.position(&Value::Int(30)), 1.0);
    }

    #[test]
    fn many_values_are_put_into_groups_of_neighbours() {
        let axis = Axis::new(&Parameter::of_values("n", 0..100_i64)).unwrap();
        assert_eq!(axis.len(), MAX_CELLS);
        assert!(axis.grouped);
        assert_eq!((axis.labels[0].as_str(), axis.cell(&Value::Int(99)).unwrap()), ("0 – 2", 39));
    }

    #[test]
    fn a_range_is_cut_into_equal_steps_of_its_scale() {
        let axis = Axis::new(&Parameter::of_range("x", 1.0, 10_000.0, true)).unwrap();
        let cells = [1.0, 100.5, 10_000.0].map(|x| axis.cell(&Value::Float(x)).unwrap());
        assert_eq!(cells, [0, 20, 39]);
        assert_eq!(axis.labels[0], "1 – 1.259");
    }

    #[test]
    fn a_value_that_the_parameter_does_not_take_is_named_with_what_is_allowed() {
        let axis = Axis::new(&Parameter::of_values("fast", [10, 20])).unwrap();
        let message = axis.cell(&Value::Int(15)).unwrap_err().to_string();
        assert_eq!(message, "parameter fast = 15 is out of range; allowed: one of 10, 20");
        let axis = Axis::new(&Parameter::of_range("x", 0.0, 1.0, false)).unwrap();
        assert!(axis.cell(&Value::Float(1.1)).is_err());
        assert!(axis.cell(&Value::Float(f64::NAN)).is_err());
        assert!(axis.cell(&Value::from("a")).is_err());
        assert_eq!(axis.cell(&Value::Float(1.0 + 1e-12)).unwrap(), 39);
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for (low, high, logarithmic) in
            [(1.0, 0.0, false), (f64::NAN, 1.0, false), (0.0, 1.0, true), (0.0, f64::INFINITY, false)]
        {
            assert!(Axis::new(&Parameter::of_range("x", low, high, logarithmic)).is_err());
        }
        assert_eq!(Axis::new(&Parameter::of_range("x", 2.0, 2.0, false)).unwrap().labels, ["2"]);
    }

    #[test]
    fn observed_points_give_values_while_they_are_few_and_a_range_beyond() {
        let points: Vec<[Value; 3]> =
            (0..60).map(|i| [Value::Int(i % 3), Value::Float(i as f64 / 2.0), "a".into()]).collect();
        let names = ["a", "b", "c"].map(String::from);
        let seen = Parameter::observed(&names, points.iter().map(|point| &point[..]));
        assert_eq!(seen[0], Parameter::of_values("a", [0, 1, 2]));
        assert_eq!(seen[1], Parameter::of_range("b", 0.0, 29.5, false));
        assert_eq!(seen[2], Parameter::of_values("c", ["a"]));
    }

    #[test]
    fn the_label_of_a_cell_of_many_whole_numbers_names_the_first_and_the_last_that_fall_into_it() {
        for (low, count, step) in
            [(0, 41, 1), (5, 300, 1), (-7, 1000, 1), (10_000, 40_001, 1), (1, 57, 3), (0, 50, 60_000_000)]
        {
            let values: Vec<Value> = (0..count).map(|at| Value::Int(low + at * step)).collect();
            let points: Vec<&[Value]> = values.chunks(1).collect();
            let axis = Axis::new(&Parameter::observed(&["n".into()], points)[0]).unwrap();
            let mut next = low;
            for (cell, label) in axis.labels.iter().enumerate() {
                let (from, to) = label.split_once(" – ").unwrap_or((label, label));
                let [from, to] = [from, to].map(|number| number.parse::<i64>().unwrap());
                assert_eq!((from, to >= from), (next, true), "{label}");
                assert!(
                    [from, to].iter().all(|&n| usize::from(axis.cell(&Value::Int(n)).unwrap()) == cell),
                    "{label}"
                );
                next = to + 1;
            }
            assert_eq!(next, low + (count - 1) * step + 1);
        }
    }

    #[test]
    fn whole_numbers_that_are_one_as_a_real_number_stay_apart() {
        let big = 1_i64 << 60;
        assert_eq!(Axis::new(&Parameter::of_values("n", [big, big + 1])).unwrap().len(), 2);
    }
}
