use std::ops::Range;

use bt_core::{Error, Result, Timestamp};

use super::assets::{Keys, Met, repeated_until};
use super::reading::time_column;
use super::writer::{Columns, Writer};
use super::{Assets, FIRST_STAMP, Fault, LAST_STAMP, Names, Place, Reading, Times};
use crate::Table;

/// Rows below which a pattern is not worth its bookkeeping.
const SMALLEST_PANEL: usize = 16;

/// The assets of a table, and where each of its rows belongs once they are sorted by (asset, time).
#[derive(Clone, Debug)]
pub struct Grouping {
    names: Vec<Box<str>>,
    starts: Vec<usize>,
    panels: Vec<Panel>,
    ranks: Vec<u32>,
    reading: Reading,
}

/// Rows of one batch in which the same assets come in the same order again and again.
///
/// In a table in order of time these are moments at which the same assets have a bar; in one in order of asset, the
/// asset's bars, a sequence of one. Rows that show no order are one long sequence that comes once.
#[derive(Clone, Debug)]
struct Panel {
    batch: usize,
    first: usize,
    /// The sequence, as a range of [`Grouping::ranks`].
    sequence: Range<usize>,
    repeats: usize,
}

impl Panel {
    fn end(&self) -> usize {
        self.first + self.sequence.len() * self.repeats
    }
}

impl Grouping {
    /// Reads the asset column, in O(rows), and what the timestamps [say](Table::settled_label).
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where there is no such column, where its type is none of an
    /// asset, and where a name is null or empty. As [`Table::settled_label`].
    pub fn of(table: &Table) -> Result<Self> {
        let mut names = Names::default();
        let (panels, mut codes) = panels(table, &mut names)?;
        let (names, rank_of) = rank(names.into_vec());
        codes.iter_mut().for_each(|code| *code = rank_of[*code as usize]);
        let mut starts = vec![0; names.len() + 1];
        for panel in &panels {
            codes[panel.sequence.clone()].iter().for_each(|&rank| starts[rank as usize + 1] += panel.repeats);
        }
        (1..starts.len()).for_each(|rank| starts[rank] += starts[rank - 1]);
        Ok(Self { names, starts, panels, ranks: codes, reading: Reading::of(table)? })
    }

    /// The assets' names, ascending bytewise.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Where each asset's rows start in the result, by rank, and the number of rows at the end.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// How the timestamps are read.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The one batch that has the rows in order of assets already, and so of time if that ascends within each asset.
    pub(crate) fn sorted_batch(&self) -> Option<usize> {
        let batch = self.panels.first()?.batch;
        let ordered =
            |panel: &Panel| panel.batch == batch && (panel.repeats == 1 || panel.sequence.len() == 1);
        (self.panels.iter().all(ordered) && self.ranks.is_sorted()).then_some(batch)
    }

    /// Writes the table's rows, sorted by asset and within each asset in the order in which they come in the table.
    ///
    /// `timestamps` has a place for each row; column `c` of `values` starts at `c * stride`. Nanoseconds that are ends
    /// are written as they are, whether in range or not.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) with batch, row and column where something cannot be read.
    ///
    /// # Panics
    /// Where the table is not the one that this grouping is of, or where the rows do not fit.
    pub fn write(
        &self,
        table: &Table,
        timestamps: &mut [i64],
        values: &mut [f64],
        stride: usize,
    ) -> Result<()> {
        let mut next = self.starts.clone();
        let mut writer = Writer { next: &mut next, timestamps, values, stride };
        let mut panels = self.panels.as_slice();
        for batch in 0..table.batches.len() {
            let here = panels.iter().take_while(|panel| panel.batch == batch).count();
            let columns = Columns::of(table, batch, &self.reading)?;
            for panel in &panels[..here] {
                writer.write(&columns, panel.first, &self.ranks[panel.sequence.clone()], panel.repeats)?;
            }
            panels = &panels[here..];
        }
        Ok(())
    }

    /// Sorts each asset's rows by time where they are not. O(rows), and O(n log n) for each asset out of order.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where an asset has two bars at one moment, with both.
    ///
    /// # Panics
    /// Where timestamps or values are not those that [`write`](Self::write) filled.
    pub fn sort_in_time(&self, timestamps: &mut [i64], values: &mut [f64], stride: usize) -> Result<()> {
        for (name, bounds) in self.names.iter().zip(self.starts.windows(2)) {
            sort_in_time(name, timestamps, values, stride, bounds[0]..bounds[1])?;
        }
        Ok(())
    }
}

/// Sorts names; returns them with the rank of each code.
fn rank(names: Vec<Box<str>>) -> (Vec<Box<str>>, Vec<u32>) {
    let mut by_name: Vec<(Box<str>, u32)> = names.into_iter().zip(0..).collect();
    by_name.sort_unstable();
    let mut rank_of = vec![0; by_name.len()];
    by_name.iter().zip(0..).for_each(|(&(_, code), rank)| rank_of[code as usize] = rank);
    (by_name.into_iter().map(|(name, _)| name).collect(), rank_of)
}

/// The table as panels, whose sequences are codes of names.
fn panels(table: &Table, names: &mut Names) -> Result<(Vec<Panel>, Vec<u32>)> {
    let (mut panels, mut codes, mut met) = (Vec::new(), Vec::new(), Met::default());
    for batch in 0..table.batches.len() {
        let (mut keys, place) = keys(table, batch)?;
        let (len, mut first) = (keys.len(), 0);
        while first < len {
            let start = codes.len();
            let end = keys.sequence(first, names, &mut met, &mut codes);
            let end = end.map_err(|fault| place.error(fault))?;
            let sequence = start..codes.len();
            let repeats = (repeated_until(&*keys, end, sequence.len(), len) - first) / sequence.len();
            first = push(&mut panels, &mut codes, Panel { batch, first, sequence, repeats });
        }
    }
    Ok((panels, codes))
}

/// Adds a panel, and returns the row after it. What does not repeat, or too little to be worth its bookkeeping, joins the
/// rows without order before it.
fn push(panels: &mut Vec<Panel>, codes: &mut Vec<u32>, panel: Panel) -> usize {
    let end = panel.end();
    if panel.repeats > 1 && end - panel.first >= SMALLEST_PANEL {
        panels.push(panel);
        return end;
    }
    (1..panel.repeats).for_each(|_| codes.extend_from_within(panel.sequence.clone()));
    match panels.last_mut() {
        Some(last) if last.repeats == 1 && last.batch == panel.batch => last.sequence.end = codes.len(),
        _ => panels.push(Panel { sequence: panel.sequence.start..codes.len(), repeats: 1, ..panel }),
    }
    end
}

/// The names of a table's assets, ascending bytewise: what a backtest extracts that has only the long table. O(rows).
///
/// # Errors
/// As [`Grouping::of`].
pub fn asset_names(table: &Table) -> Result<Vec<Box<str>>> {
    let mut names = distinct_names(table)?.0.into_vec();
    names.sort_unstable();
    Ok(names)
}

/// The names of a table's assets in the order in which they come first, and whether some have white space around them in
/// the table.
pub(crate) fn distinct_names(table: &Table) -> Result<(Names, bool)> {
    let (mut names, mut padded) = (Names::default(), false);
    for batch in 0..table.batches.len() {
        let (mut keys, place) = keys(table, batch)?;
        let mut row = 0;
        while row < keys.len() {
            keys.code(row, &mut names).map_err(|reason| place.error(Fault::row(row, reason)))?;
            row = repeated_until(&*keys, row + 1, 1, keys.len());
        }
        padded |= keys.padded();
    }
    Ok((names, padded))
}

fn keys(table: &Table, batch: usize) -> Result<(Box<dyn Keys + '_>, Place<'_>)> {
    let place = Place { batch, column: &table.columns.asset };
    let array = table.column(batch, place.column)?;
    let keys = Assets::new(array).and_then(Assets::into_keys);
    Ok((keys.map_err(|fault| place.error(fault))?, place))
}

/// The timestamp column of one batch.
pub(crate) fn times<'a>(table: &'a Table, batch: usize, reading: &Reading) -> Result<Times<'a>> {
    let (array, place) = time_column(table, batch)?;
    Times::new(array, reading, place)
}

/// Checks that the stamps of which a calendar was made are in range.
///
/// Those that needed conversion are, and the others are in the calendar themselves: so this is O(1) where all is well.
pub(crate) fn check_range(calendar: &[Timestamp], table: &Table, reading: &Reading) -> Result<()> {
    let range = Timestamp::from_nanos(FIRST_STAMP)..=Timestamp::from_nanos(LAST_STAMP);
    match (calendar.first(), calendar.last()) {
        (Some(first), Some(last)) if !range.contains(first) || !range.contains(last) => {
            (0..table.batches.len()).try_for_each(|batch| times(table, batch, reading)?.check_range())
        }
        _ => Ok(()),
    }
}

/// Sorts one asset's rows by time where they are not.
pub(crate) fn sort_in_time(
    asset: &str,
    timestamps: &mut [i64],
    values: &mut [f64],
    stride: usize,
    rows: Range<usize>,
) -> Result<()> {
    let times = &mut timestamps[rows.clone()];
    if !times.windows(2).all(|pair| pair[0] < pair[1]) {
        let order = time_order(times).map_err(|moment| twice(asset, moment))?;
        permute(times, &order);
        values.chunks_mut(stride).for_each(|column| permute(&mut column[rows.clone()], &order));
    }
    Ok(())
}

/// The order of rows by time, or a moment that repeats.
fn time_order(times: &[i64]) -> Result<Vec<usize>, i64> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_unstable_by_key(|&row| times[row]);
    match order.windows(2).find(|pair| times[pair[0]] == times[pair[1]]) {
        Some(pair) => Err(times[pair[0]]),
        None => Ok(order),
    }
}

fn permute<T: Copy>(values: &mut [T], order: &[usize]) {
    let sorted: Vec<T> = order.iter().map(|&row| values[row]).collect();
    values.copy_from_slice(&sorted);
}

#[cold]
fn twice(name: &str, nanos: i64) -> Error {
    let moment = Timestamp::from_nanos(nanos);
    Error::invalid_input(
        format!("asset {name:?} at {moment}"),
        "there are two bars of this asset at this moment",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray};
    use bt_core::BundleVersion;

    use super::*;
    use crate::Label;

    fn table(names: &[&str]) -> Table {
        let row = |row: usize| row as i64;
        let column = |column: usize| -> Float64Array {
            (0..names.len()).map(|row| Some((row * 10 + column) as f64)).collect()
        };
        let batch = RecordBatch::try_from_iter([
            ("asset", Arc::new(StringArray::from_iter_values(names)) as _),
            ("timestamp", Arc::new((0..names.len()).map(row).collect::<Int64Array>()) as _),
            ("open", Arc::new(column(0)) as _),
            ("high", Arc::new(column(1)) as _),
            ("low", Arc::new(column(2)) as _),
            ("close", Arc::new(column(3)) as _),
            ("volume", Arc::new(column(4)) as _),
        ]);
        let label = Some(Label::End);
        Table { label, ..Table::new(BundleVersion([0; 32]), vec![batch.unwrap()]) }
    }

    /// How the rows are grouped: the panels' sequences, and how often each comes.
    fn shape(names: &[&str]) -> Vec<(usize, usize)> {
        let table = table(names);
        let grouping = Grouping::of(&table).unwrap();
        let rows = names.len();
        let (mut stamps, mut values) = (vec![0; rows], vec![0.0; 5 * rows]);
        grouping.write(&table, &mut stamps, &mut values, rows).unwrap();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|&row| names[row]);
        assert_eq!(stamps, order.iter().map(|&row| row as i64).collect::<Vec<_>>(), "{names:?}");
        let expected = |column| order.iter().map(move |&row| (row * 10 + column) as f64);
        assert_eq!(values, (0..5).flat_map(expected).collect::<Vec<_>>(), "{names:?}");
        grouping.panels.iter().map(|panel| (panel.sequence.len(), panel.repeats)).collect()
    }

    #[test]
    fn rows_are_grouped_by_the_pattern_that_they_show() {
        let runs = [vec!["A"; 20], vec!["B"; 30]].concat();
        assert_eq!(shape(&runs), [(1, 20), (1, 30)]);
        let moments = ["C", "A", "B"].repeat(10);
        assert_eq!(shape(&moments), [(3, 10)]);
        let listed_later = [["C", "A"].repeat(9), ["C", "A", "B"].repeat(7)].concat();
        assert_eq!(shape(&listed_later), [(2, 10), (3, 6), (1, 1)]);
        let no_pattern = ["A", "B", "A", "C", "C", "B", "A", "A", "C"];
        assert_eq!(shape(&no_pattern), [(9, 1)]);
    }

    #[test]
    fn an_asset_out_of_order_is_sorted_with_all_its_columns_and_twins_are_refused() {
        let (mut stamps, mut values) = (vec![3, 1, 2, 9], vec![0.3, 0.1, 0.2, 0.9, 3.0, 1.0, 2.0, 9.0]);
        sort_in_time("A", &mut stamps, &mut values, 4, 0..3).unwrap();
        assert_eq!((stamps, values), (vec![1, 2, 3, 9], vec![0.1, 0.2, 0.3, 0.9, 1.0, 2.0, 3.0, 9.0]));
        let error = sort_in_time("A", &mut [2, 1, 2], &mut [0.0; 3], 3, 0..3).unwrap_err().to_string();
        assert!(error.starts_with("asset \"A\" at 1970-01-01T00:00:00.000000002Z: "), "{error}");
    }
}
