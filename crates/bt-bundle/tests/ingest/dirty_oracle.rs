//! What ought to be told of rows of text, row by row, as the documentation says it.

use std::collections::BTreeSet;

/// Asset, date, open, high, low, close, volume, as they are written.
pub(super) type Row = [String; 7];

/// Rows by what is told of them, counted from 0; of those that are bars with the column.
#[derive(PartialEq, Debug, Default)]
pub(super) struct Told {
    pub(super) bars: u64,
    pub(super) rejected: BTreeSet<(u64, String)>,
    pub(super) unpriced: BTreeSet<(u64, String)>,
    pub(super) repeated: BTreeSet<(u64, String)>,
    pub(super) outside: BTreeSet<(u64, String)>,
    pub(super) not_above_zero: BTreeSet<(u64, String)>,
    pub(super) missing: BTreeSet<(u64, String)>,
}

const NAMES: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// The numbers of a row, of which a missing one is `None`; or nothing where one is none.
fn numbers(row: &Row) -> Option<[Option<i32>; 5]> {
    let mut numbers = [None; 5];
    for (number, text) in numbers.iter_mut().zip(&row[2..]) {
        *number = match text.as_str() {
            "" | "-" | "NaN" => None,
            text => Some(text.parse().ok()?),
        };
    }
    Some(numbers)
}

fn is_bad(row: &Row, [_, high, low, _, volume]: [Option<i32>; 5]) -> bool {
    row[0].is_empty()
        || row[1] == "soon"
        || high.is_some_and(|high| low.is_some_and(|low| high < low))
        || volume.is_some_and(|volume| volume < 0)
}

pub(super) fn told(rows: &[Row]) -> Told {
    let mut told = Told::default();
    let mut bars: Vec<(&Row, [Option<i32>; 5])> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let here = (at as u64, String::new());
        let Some(values) = numbers(row) else {
            told.rejected.insert(here);
            continue;
        };
        let earlier = bars.iter().find(|(other, _)| other[..2] == row[..2]);
        if values[..4].iter().all(Option::is_none) {
            told.unpriced.insert(here);
        } else if is_bad(row, values) {
            told.rejected.insert(here);
        } else if let Some((_, others)) = earlier {
            let same = *others == values;
            if same {
                told.repeated.insert(here)
            } else {
                told.rejected.insert(here)
            };
        } else {
            bars.push((row, values));
            told.bars += 1;
            note(&mut told, at as u64, values);
        }
    }
    told
}

/// What is odd about a bar.
fn note(told: &mut Told, at: u64, values: [Option<i32>; 5]) {
    let here = |column: usize| (at, NAMES[column].to_owned());
    let [_, high, low, ..] = values;
    let is_outside = |price: i32| high.is_some_and(|high| price > high) || low.is_some_and(|low| price < low);
    told.outside.extend([0, 3].into_iter().find(|&column| values[column].is_some_and(is_outside)).map(here));
    told.not_above_zero
        .extend((0..4).find(|&column| values[column].is_some_and(|price| price <= 0)).map(here));
    told.missing.extend((0..5).filter(|&column| values[column].is_none()).map(here));
}
