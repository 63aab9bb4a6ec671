//! Rows as they were read: assets by number, stamps, where each row stood, and its values column by column.

use std::fmt;
use std::sync::Arc;

pub(super) use bt_asset_cache::kernel::Names;
use bt_core::{Error, Field};

use super::clock::Traits;

/// A file, or whatever else rows come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Source {
    pub(super) name: Arc<str>,
    /// What its rows are counted in: `line` or `row`.
    pub(super) unit: &'static str,
}

/// Where a row stood: a source, and a line or row of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct Place(u64);

impl Place {
    const NUMBER_BITS: u32 = 40;

    pub(super) const MAX_SOURCES: usize = 1 << 24;

    #[inline]
    pub(super) fn new(source: usize, number: u64) -> Self {
        Self((source as u64) << Self::NUMBER_BITS | number & ((1 << Self::NUMBER_BITS) - 1))
    }

    pub(super) fn source(self) -> usize {
        (self.0 >> Self::NUMBER_BITS) as usize
    }

    pub(super) fn number(self) -> u64 {
        self.0 & ((1 << Self::NUMBER_BITS) - 1)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// A row that cannot become a bar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadRow {
    /// The file, or `record batches`.
    pub source: String,
    /// `line 17` of a text file (the header is line 1), `row 17` of a table (the first row is row 1).
    pub at: String,
    /// The column as the input names it; `None` where the whole row is meant.
    pub column: Option<String>,
    /// What is wrong, with the value.
    pub reason: String,
}

impl BadRow {
    pub(super) fn new(source: &Source, number: u64, column: Option<&str>, reason: impl Into<String>) -> Self {
        Self {
            source: source.name.to_string(),
            at: format!("{} {number}", source.unit),
            column: column.map(str::to_owned),
            reason: reason.into(),
        }
    }

    /// File, line and column.
    pub(super) fn place(&self) -> String {
        let column = self.column.as_ref().map(|column| format!(", column {column:?}")).unwrap_or_default();
        format!("{}, {}{column}", self.source, self.at)
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.reason)
    }
}

impl From<BadRow> for Error {
    fn from(row: BadRow) -> Self {
        let place = row.place();
        Self::invalid_input(place, row.reason)
    }
}

/// Rows that were left out: how many, and the first of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// The first ten.
    pub examples: Vec<BadRow>,
}

impl LeftOut {
    const EXAMPLES: usize = 10;

    pub(super) fn add(&mut self, row: impl FnOnce() -> BadRow) {
        self.count += 1;
        if self.examples.len() < Self::EXAMPLES {
            self.examples.push(row());
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.count += other.count;
        let room = Self::EXAMPLES - self.examples.len();
        self.examples.extend(other.examples.into_iter().take(room));
    }
}

/// One stretch of input, its rows brought in order of their assets.
#[derive(Debug)]
pub(super) struct Rows {
    /// The assets, by number: in the order in which they were seen first.
    pub(super) assets: Vec<Box<str>>,
    /// The rows of asset `a` are `starts[a]..starts[a + 1]`.
    pub(super) starts: Vec<u32>,
    pub(super) stamps: Vec<i64>,
    pub(super) places: Vec<Place>,
    /// Open, high, low, close, volume, extra columns.
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) traits: Traits,
    /// Rows of the input, left out or not.
    pub(super) read: u64,
    pub(super) left_out: LeftOut,
    pub(super) outside: LeftOut,
    pub(super) missing: LeftOut,
}

impl Rows {
    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let names: usize = self.assets.iter().map(|name| name.len() + 16).sum();
        self.stamps.len() * (16 + 8 * self.columns.len()) + self.starts.len() * 4 + names
    }

    /// Leaves out the rows that are marked; assets may be left without rows.
    pub(super) fn without(mut self, marked: &[bool]) -> Self {
        fn keep<T>(values: &mut Vec<T>, marked: &[bool]) {
            let mut marks = marked.iter();
            values.retain(|_| marks.next() == Some(&false));
        }
        keep(&mut self.stamps, marked);
        keep(&mut self.places, marked);
        self.columns.iter_mut().for_each(|column| keep(column, marked));
        let mut left = 0;
        let moved = |marked: &bool| {
            left += u32::from(!marked);
            left
        };
        let moved: Vec<u32> = std::iter::once(0).chain(marked.iter().map(moved)).collect();
        self.starts.iter_mut().for_each(|start| *start = moved[*start as usize]);
        self
    }
}

/// Rows of one stretch of text, in its order, while they are read.
#[cfg(any(feature = "csv", test))]
#[derive(Debug)]
pub(super) struct RowsBuilder {
    pub(super) names: Names,
    codes: Vec<u32>,
    stamps: Vec<i64>,
    places: Vec<Place>,
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) traits: Traits,
    pub(super) read: u64,
    pub(super) left_out: LeftOut,
    pub(super) outside: LeftOut,
    pub(super) missing: LeftOut,
}

#[cfg(any(feature = "csv", test))]
impl RowsBuilder {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self {
            names: Names::default(),
            codes: Vec::with_capacity(rows),
            stamps: Vec::with_capacity(rows),
            places: Vec::with_capacity(rows),
            columns: (0..columns).map(|_| Vec::with_capacity(rows)).collect(),
            traits: Traits::NONE,
            read: 0,
            left_out: LeftOut::default(),
            outside: LeftOut::default(),
            missing: LeftOut::default(),
        }
    }

    /// Adds a row without its values, which the caller pushes to every column.
    #[inline]
    pub(super) fn push(&mut self, asset: u32, stamp: i64, place: Place) {
        self.codes.push(asset);
        self.stamps.push(stamp);
        self.places.push(place);
    }

    /// Brings the rows in order of their assets and keeps the order within each: a counting sort, O(rows × columns).
    pub(super) fn group(self) -> Rows {
        let starts = starts(&self.codes, self.names.len());
        let (stamps, places, columns) = if self.codes.is_sorted() {
            (self.stamps, self.places, self.columns)
        } else {
            let target = targets(&self.codes, &starts);
            let columns = self.columns.iter().map(|column| scatter(column, &target)).collect();
            (scatter(&self.stamps, &target), scatter(&self.places, &target), columns)
        };
        Rows {
            assets: self.names.into_vec(),
            starts,
            stamps,
            places,
            columns,
            traits: self.traits,
            read: self.read,
            left_out: self.left_out,
            outside: self.outside,
            missing: self.missing,
        }
    }
}

/// The first place of each asset's rows, and one past the last.
pub(super) fn starts(codes: &[u32], assets: usize) -> Vec<u32> {
    let mut starts = vec![0_u32; assets + 1];
    codes.iter().for_each(|&code| starts[code as usize + 1] += 1);
    (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
    starts
}

/// The place of each row once rows are in order of their assets.
pub(super) fn targets(codes: &[u32], starts: &[u32]) -> Vec<u32> {
    let mut next = starts.to_vec();
    let target = |&code: &u32| {
        let slot = &mut next[code as usize];
        *slot += 1;
        *slot - 1
    };
    codes.iter().map(target).collect()
}

pub(super) fn scatter<T: Copy + Default>(values: &[T], target: &[u32]) -> Vec<T> {
    let mut sorted = vec![T::default(); values.len()];
    target.iter().zip(values).for_each(|(&target, &value)| sorted[target as usize] = value);
    sorted
}

/// What is wrong with the values of a row: which of them (0 is the open, 5 the first extra column), and why.
#[derive(PartialEq, Debug)]
pub(super) enum Fault {
    /// The row cannot become a bar.
    Bad(usize, String),
    /// Odd, but kept: vendors' adjusted and rounded prices are like that.
    Outside(usize, String),
}

/// Checks open, high, low, close and volume; NaN is missing, and no fault.
#[inline]
pub(super) fn fault(values: [f64; 5]) -> Option<Fault> {
    let [open, high, low, close, volume] = values;
    // One sum says whether any of them is infinite or missing, and sound rows are told by a few comparisons.
    let finite = (open + high + low + close + volume).is_finite();
    let inside = low <= open && open <= high && low <= close && close <= high;
    if finite && inside && volume >= 0.0 { None } else { find_fault(values) }
}

#[cold]
fn find_fault(values: [f64; 5]) -> Option<Fault> {
    let [open, high, low, close, volume] = values;
    let at = Field::index;
    let outside = |price: f64| price > high || price < low;
    let prices = [(at(Field::OPEN), open), (at(Field::CLOSE), close)];
    match values.iter().position(|value| value.is_infinite()) {
        Some(value) => Some(Fault::Bad(value, format!("{} is not finite", values[value]))),
        None if high < low => Some(Fault::Bad(at(Field::HIGH), format!("{high} is below the low, {low}"))),
        None if volume < 0.0 => Some(Fault::Bad(at(Field::VOLUME), format!("{volume} is below 0"))),
        None => prices.into_iter().find(|&(_, price)| outside(price)).map(|(value, price)| {
            Fault::Outside(value, format!("{price} is outside low and high, {low} to {high}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_and_missing_values_are_none() {
        let nan = f64::NAN;
        for sound in
            [[1.5, 2.0, 1.0, 1.5, 0.0], [nan; 5], [nan, 2.0, 1.0, nan, nan], [-1.0, -1.0, -2.0, -1.5, 1.0]]
        {
            assert_eq!(fault(sound), None, "{sound:?}");
        }
        let bad = |values| match fault(values) {
            Some(Fault::Bad(value, reason)) => format!("{}: {reason}", Field::NAMES[value]),
            other => panic!("{other:?}"),
        };
        assert_eq!(bad([1.0, 1.0, 2.0, 1.0, 0.0]), "high: 1 is below the low, 2");
        assert_eq!(bad([nan, nan, nan, nan, -5.0]), "volume: -5 is below 0");
        assert_eq!(bad([1.0, f64::INFINITY, 1.0, 1.0, 0.0]), "high: inf is not finite");
        assert_eq!(bad([f64::NEG_INFINITY, f64::INFINITY, 1.0, 1.0, 0.0]), "open: -inf is not finite");
        assert!(matches!(fault([3.0, 2.0, 1.0, 1.5, 0.0]), Some(Fault::Outside(0, _))));
        assert!(matches!(fault([1.5, 2.0, 1.0, 0.5, 0.0]), Some(Fault::Outside(3, _))));
    }

    #[test]
    fn rows_are_brought_in_order_of_their_assets_and_keep_their_order_within_each() {
        let mut rows = RowsBuilder::new(1, 0);
        for (at, name) in ["B", "A", "B", "C", "A"].into_iter().enumerate() {
            let asset = rows.names.number(name);
            rows.push(asset, at as i64, Place::new(7, at as u64));
            rows.columns[0].push(at as f64);
        }
        let rows = rows.group();
        assert_eq!(rows.assets.iter().map(|name| &**name).collect::<Vec<_>>(), ["B", "A", "C"]);
        assert_eq!(rows.starts, [0, 2, 4, 5]);
        assert_eq!(rows.stamps, [0, 2, 1, 4, 3]);
        assert_eq!(rows.columns[0], [0.0, 2.0, 1.0, 4.0, 3.0]);
        assert_eq!((rows.places[3].source(), rows.places[3].number()), (7, 4));
    }
}
