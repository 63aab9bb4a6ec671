//! Rows as they were read: assets by number, stamps, where each row stood, and its values column by column.

use std::sync::Arc;

pub(super) use bt_asset_cache::kernel::Names;
use bt_core::Field;

use super::IngestOptions;
use super::fault::{Fault, Finding, Findings, NumberFault, Place, RowFault, RowNumber};
use super::infer::summary::StampSummary;

pub(super) mod collect;
pub(super) mod settle;
pub(super) mod write;

/// A file, or whatever else rows come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Source {
    pub(super) name: Arc<str>,
    /// Whether its rows are lines of text.
    pub(super) has_lines: bool,
    /// Whether its name was taken for the asset of its rows.
    pub(super) names_asset: bool,
    /// Whether it has a column of volumes.
    pub(super) has_volume: bool,
    /// The name of a column of times of day that is not read.
    pub(super) unread_clock: Option<Arc<str>>,
    /// The name of a column that is not read, and tells rows of one asset and time apart.
    pub(super) apart: Option<Arc<str>>,
}

impl Source {
    /// A source of which nothing but its name is known.
    pub(super) fn new(name: Arc<str>, has_lines: bool) -> Self {
        Self { name, has_lines, names_asset: false, has_volume: true, unread_clock: None, apart: None }
    }

    /// A row of it.
    pub(super) fn row(&self, number: u64) -> Place {
        let row = if self.has_lines { RowNumber::Line(number) } else { RowNumber::Row(number) };
        Place { source: self.name.to_string(), row: Some(row), column: None }
    }

    /// All of it.
    pub(super) fn whole(&self) -> Place {
        Place::of(&*self.name)
    }
}

/// A row among those of all sources: the source, and a line or row of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct RowId(u64);

impl RowId {
    const NUMBER_BITS: u32 = 40;

    pub(super) const MAX_SOURCES: usize = 1 << 24;

    #[inline]
    pub(super) fn new(source: usize, number: u64) -> Self {
        Self((source as u64) << Self::NUMBER_BITS | number & ((1 << Self::NUMBER_BITS) - 1))
    }

    pub(super) fn place(self, sources: &[Source]) -> Place {
        sources[self.source()].row(self.number())
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

/// What was found in rows, those that are bars and those that are none.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct RowFindings {
    /// Rows that could not become bars.
    pub(super) rejected: Findings,
    /// Rows without a price.
    pub(super) unpriced: Findings,
    /// Rows that say what another one says.
    pub(super) repeated: Findings,
    /// Rows whose open or close is outside low and high; they are bars.
    pub(super) outside: Findings,
    /// Rows with a price of 0 or below; they are bars.
    pub(super) not_above_zero: Findings,
    /// Values that are missing in rows that are bars.
    pub(super) missing: Findings,
}

impl RowFindings {
    pub(super) fn extend(&mut self, later: Self) {
        self.rejected.extend(later.rejected);
        self.unpriced.extend(later.unpriced);
        self.repeated.extend(later.repeated);
        self.outside.extend(later.outside);
        self.not_above_zero.extend(later.not_above_zero);
        self.missing.extend(later.missing);
    }

    /// Notes what is odd about a row that is a bar.
    pub(super) fn note(&mut self, odd: &RowFault, finding: impl FnOnce() -> Finding) {
        match odd {
            RowFault::NotAboveZero { .. } => self.not_above_zero.add(finding),
            _ => self.outside.add(finding),
        }
    }

    /// Takes back what was noted of a row that is no bar after all.
    pub(super) fn take_back(&mut self, place: &Place, values: &[f64], has_column: impl Fn(usize) -> bool) {
        let Ok(odd) = check_all(values) else { return };
        let is_zero = |(_, fault): &&(usize, RowFault)| matches!(fault, RowFault::NotAboveZero { .. });
        let zeros = odd.iter().filter(is_zero).count();
        self.not_above_zero.take_back(place, zeros as u64);
        self.outside.take_back(place, (odd.len() - zeros) as u64);
        let missing =
            values.iter().enumerate().filter(|(at, value)| value.is_nan() && has_column(*at)).count();
        self.missing.take_back(place, missing as u64);
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
    pub(super) ids: Vec<RowId>,
    /// Open, high, low, close, volume, extra columns.
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) summary: StampSummary,
    /// Rows of the input, left out or not.
    pub(super) read: u64,
    pub(super) findings: RowFindings,
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
        keep(&mut self.ids, marked);
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
    ids: Vec<RowId>,
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) summary: StampSummary,
    pub(super) read: u64,
    pub(super) findings: RowFindings,
}

#[cfg(any(feature = "csv", test))]
impl RowsBuilder {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self {
            names: Names::default(),
            codes: Vec::with_capacity(rows),
            stamps: Vec::with_capacity(rows),
            ids: Vec::with_capacity(rows),
            columns: (0..columns).map(|_| Vec::with_capacity(rows)).collect(),
            summary: StampSummary::default(),
            read: 0,
            findings: RowFindings::default(),
        }
    }

    /// Adds a row without its values, which the caller pushes to every column.
    #[inline]
    pub(super) fn push(&mut self, asset: u32, stamp: i64, id: RowId) {
        self.codes.push(asset);
        self.stamps.push(stamp);
        self.ids.push(id);
    }

    /// Brings the rows in order of their assets and keeps the order within each: a counting sort, O(rows × columns).
    pub(super) fn group(self) -> Rows {
        let starts = starts(&self.codes, self.names.len());
        let (stamps, ids, columns) = if self.codes.is_sorted() {
            (self.stamps, self.ids, self.columns)
        } else {
            let target = targets(&self.codes, &starts);
            let columns = self.columns.iter().map(|column| scatter(column, &target)).collect();
            (scatter(&self.stamps, &target), scatter(&self.ids, &target), columns)
        };
        Rows {
            assets: self.names.into_vec(),
            starts,
            stamps,
            ids,
            columns,
            summary: self.summary,
            read: self.read,
            findings: self.findings,
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

/// What the values of a row are: open, high, low, close, volume, then the extra ones; NaN is missing, and no fault.
#[derive(PartialEq, Debug)]
pub(super) enum Checked {
    /// A bar, with nothing to tell.
    Sound,
    /// No bar: there is no price.
    Unpriced,
    /// A bar that is odd, by these of its values: vendors' adjusted and rounded prices are like that.
    Odd(Vec<(usize, RowFault)>),
    /// Not a bar, for this of its values.
    Bad(usize, Fault),
}

/// Checks open, high, low, close and volume.
#[inline]
pub(super) fn check(values: [f64; 5]) -> Checked {
    let [open, high, low, close, volume] = values;
    // One sum says whether any of them is infinite or missing, and sound rows are told by a few comparisons.
    let finite = (open + high + low + close + volume).is_finite();
    let inside = low <= open && open <= high && low <= close && close <= high;
    if finite && inside && volume >= 0.0 && low > 0.0 { Checked::Sound } else { check_closely(&values) }
}

impl Checked {
    /// With what the options say of odd rows.
    #[inline]
    pub(super) fn with(self, options: &IngestOptions) -> Self {
        match self {
            Self::Odd(odd) if options.positive_prices => Self::of_positive_prices(odd),
            other => other,
        }
    }

    fn of_positive_prices(mut odd: Vec<(usize, RowFault)>) -> Self {
        match odd.iter().position(|(_, fault)| matches!(fault, RowFault::NotAboveZero { .. })) {
            None => Self::Odd(odd),
            Some(at) => {
                let (value, fault) = odd.swap_remove(at);
                Self::Bad(value, fault.into())
            }
        }
    }
}

#[cold]
fn check_closely(values: &[f64]) -> Checked {
    if values[..4].iter().all(|price| price.is_nan()) {
        return Checked::Unpriced;
    }
    match check_all(values) {
        Err((value, fault)) => Checked::Bad(value, fault),
        Ok(odd) if odd.is_empty() => Checked::Sound,
        Ok(odd) => Checked::Odd(odd),
    }
}

/// What is odd about values that can be a bar's; the first that cannot is the error.
fn check_all(values: &[f64]) -> Result<Vec<(usize, RowFault)>, (usize, Fault)> {
    let &[open, high, low, close, volume, ..] = values else { return Ok(Vec::new()) };
    let at = Field::index;
    if let Some(value) = values.iter().position(|value| value.is_infinite()) {
        return Err((value, NumberFault::NotFinite { text: values[value].to_string() }.into()));
    }
    if high < low {
        return Err((at(Field::HIGH), RowFault::HighBelowLow { high, low }.into()));
    }
    if volume < 0.0 {
        return Err((at(Field::VOLUME), RowFault::NegativeVolume { volume }.into()));
    }
    let prices = [(at(Field::OPEN), open), (at(Field::CLOSE), close)];
    let outside = prices.into_iter().find(|&(_, price)| price > high || price < low);
    let zero = values[..4].iter().position(|&price| price <= 0.0);
    let outside = outside.map(|(value, price)| (value, RowFault::Outside { price, low, high }));
    let zero = zero.map(|value| (value, RowFault::NotAboveZero { price: values[value] }));
    Ok(outside.into_iter().chain(zero).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_bar_is_told_from_what_is_odd_and_from_no_bar_at_all() {
        let nan = f64::NAN;
        for sound in [[1.5, 2.0, 1.0, 1.5, 0.0], [nan, 2.0, 1.0, nan, nan], [nan, nan, nan, 1.0, nan]] {
            assert_eq!(check(sound), Checked::Sound, "{sound:?}");
        }
        assert_eq!(check([nan; 5]), Checked::Unpriced);
        assert_eq!(check([nan, nan, nan, nan, -5.0]), Checked::Unpriced);
        let bad = |values| match check(values) {
            Checked::Bad(value, fault) => format!("{}: {}", Field::NAMES[value], fault.statement()),
            other => panic!("{other:?}"),
        };
        assert_eq!(bad([1.0, 1.0, 2.0, 1.0, 0.0]), "high: 1 is below the low, 2");
        assert_eq!(bad([1.0, nan, nan, nan, -5.0]), "volume: -5 is below 0");
        assert_eq!(bad([1.0, f64::INFINITY, 1.0, 1.0, 0.0]), "high: inf is not finite");
        assert_eq!(bad([f64::NEG_INFINITY, f64::INFINITY, 1.0, 1.0, 0.0]), "open: -inf is not finite");
        let odd = |values| match check(values) {
            Checked::Odd(odd) => odd.into_iter().map(|(value, _)| value).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(odd([3.0, 2.0, 1.0, 1.5, 0.0]), [0]);
        assert_eq!(odd([1.5, 2.0, 1.0, 0.5, 0.0]), [3]);
        assert_eq!(odd([-1.0, -1.0, -2.0, -1.5, 1.0]), [0]);
        assert_eq!(odd([1.0, 2.0, 0.0, 1.5, 1.0]), [2]);
        assert_eq!(odd([3.0, 2.0, 0.0, 1.5, 1.0]), [0, 2]);
    }

    #[test]
    fn rows_are_brought_in_order_of_their_assets_and_keep_their_order_within_each() {
        let mut rows = RowsBuilder::new(1, 0);
        for (at, name) in ["B", "A", "B", "C", "A"].into_iter().enumerate() {
            let asset = rows.names.number(name);
            rows.push(asset, at as i64, RowId::new(7, at as u64));
            rows.columns[0].push(at as f64);
        }
        let rows = rows.group();
        assert_eq!(rows.assets.iter().map(|name| &**name).collect::<Vec<_>>(), ["B", "A", "C"]);
        assert_eq!(rows.starts, [0, 2, 4, 5]);
        assert_eq!(rows.stamps, [0, 2, 1, 4, 3]);
        assert_eq!(rows.columns[0], [0.0, 2.0, 1.0, 4.0, 3.0]);
        assert_eq!((rows.ids[3].source(), rows.ids[3].number()), (7, 4));
    }
}
