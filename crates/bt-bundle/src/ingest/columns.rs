//! Which column of an input is what.

use bt_core::{Error, Field, Result};

use super::{Column, Extras, IngestOptions};

/// The columns of one input, by number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// The names as the input has them.
    pub(super) names: Vec<String>,
    /// `None` where the file's name says the asset.
    pub(super) asset: Option<usize>,
    /// The column of assets in a file whose name says the asset already.
    pub(super) own_asset: Option<usize>,
    pub(super) time: usize,
    /// Open, high, low, close, volume (which may be absent), then the extra columns in order of their names.
    pub(super) values: Vec<Option<usize>>,
    /// Names of the extra columns, ascending.
    pub(super) extras: Vec<String>,
    /// What the bundle does not keep.
    pub(super) ignored: Vec<usize>,
}

/// What says the asset of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Naming {
    /// A column.
    Column,
    /// A column of a CSV file, which could have been one of a folder.
    CsvColumn,
    /// A column where there is one, else the file's name.
    ColumnOrFileName,
    /// The file's name.
    FileName,
}

/// The columns that an input lacks, and the names that they go by.
#[derive(Default)]
struct Missing(Vec<String>);

impl Missing {
    fn unless(&mut self, found: bool, what: &str, known: &[&str]) {
        if !found {
            self.0.push(format!("{what} (known names: {})", known.join(", ")));
        }
    }

    fn check(&self, place: &str, names: &[String], could_be_of_a_folder: bool) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (missing, names) = (self.0.join(", nor like "), list(names));
        let folder = match could_be_of_a_folder {
            true => "; one asset a file? use `Ingest::csv_folder`",
            false => "",
        };
        let reason = format!(
            "no column looks like {missing}; it has {names}; state which column it is (`IngestOptions::columns`){folder}"
        );
        Err(Error::invalid_input(place, reason))
    }
}

const ASSET: &[&str] = &["asset", "ticker", "symbol", "sid", "instrument", "security", "name", "code"];
const TIMESTAMP: &[&str] = &["timestamp", "date", "datetime", "date_time", "time", "ts", "session", "day"];
const VALUES: [&[&str]; 5] = [
    &["open", "o", "open_price", "px_open"],
    &["high", "h", "high_price", "px_high"],
    &["low", "l", "low_price", "px_low"],
    &["close", "c", "close_price", "px_last", "last"],
    &["volume", "v", "vol", "px_volume"],
];

impl Layout {
    /// Finds the columns of an input with these names; `is_number` says whether a column that nobody knows holds
    /// numbers.
    ///
    /// # Errors
    /// Where a column is missing, two columns could be the same thing, or an option names a column that is not there.
    pub(super) fn find(
        place: &str,
        names: Vec<String>,
        naming: Naming,
        options: &IngestOptions,
        is_number: impl Fn(usize) -> bool,
    ) -> Result<Self> {
        let mut columns = stated(place, &names, options)?;
        let find = |columns: &mut Vec<Option<Column>>, column: Column, known: &[&str]| {
            unique(place, &names, columns, column, known)
        };
        let named = find(&mut columns, Column::Asset, ASSET)?;
        let by_file_name =
            naming == Naming::FileName || naming == Naming::ColumnOrFileName && named.is_none();
        let (asset, own_asset) = if by_file_name { (None, named) } else { (named, None) };
        let time = find(&mut columns, Column::Timestamp, TIMESTAMP)?;
        let mut values = Vec::with_capacity(5);
        for (field, known) in Field::OHLCV.into_iter().zip(VALUES) {
            values.push(find(&mut columns, of_field(field), known)?);
        }
        let mut missing = Missing::default();
        missing.unless(asset.is_some() || by_file_name, "an asset", ASSET);
        missing.unless(time.is_some(), "a timestamp", TIMESTAMP);
        for (at, known) in VALUES.into_iter().enumerate().take(Field::VOLUME.index()) {
            missing.unless(values[at].is_some(), &format!("a column of {} prices", Field::NAMES[at]), known);
        }
        let asset_alone = asset.is_none() && missing.0.len() == 1;
        missing.check(place, &names, asset_alone && naming == Naming::CsvColumn)?;
        let time = time.unwrap_or_default();
        keep_extras(place, &names, &mut columns, options, is_number)?;
        let extras = sorted_extras(place, &names, &columns)?;
        values.extend(extras.iter().map(|&(_, at)| Some(at)));
        let used = |at: &usize| Some(*at) == asset || *at == time || values.contains(&Some(*at));
        let ignored = (0..names.len()).filter(|at| !used(at)).collect();
        let extras = extras.into_iter().map(|(name, _)| name).collect();
        Ok(Self { names, asset, own_asset, time, values, extras, ignored })
    }
}

/// What the options say about each column.
fn stated(place: &str, names: &[String], options: &IngestOptions) -> Result<Vec<Option<Column>>> {
    let mut columns = vec![None; names.len()];
    for (name, column) in &options.columns {
        let at = names.iter().position(|other| other.trim().eq_ignore_ascii_case(name.trim()));
        let at = at.ok_or_else(|| {
            Error::invalid_input(
                place,
                format!(
                    "no column {name:?}, which the options state to be {column:?}; it has {}",
                    list(names)
                ),
            )
        })?;
        columns[at] = Some(match column {
            Column::Extra(name) => Column::Extra(normal(name)),
            column => column.clone(),
        });
    }
    Ok(columns)
}

/// The one column that was stated to be `column`, or that goes by one of its known names.
fn unique(
    place: &str,
    names: &[String],
    columns: &mut [Option<Column>],
    column: Column,
    known: &[&str],
) -> Result<Option<usize>> {
    let is_stated = columns.contains(&Some(column.clone()));
    let fits = |at: &usize| match &columns[*at] {
        Some(stated) => *stated == column,
        None => !is_stated && known.contains(&normal(&names[*at]).as_str()),
    };
    let mut found = (0..names.len()).filter(fits);
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => Err(twins(place, names, one, other, &format!("{column:?}"))),
        (one, _) => {
            drop(found);
            if let Some(one) = one {
                columns[one] = Some(column);
            }
            Ok(one)
        }
    }
}

fn keep_extras(
    place: &str,
    names: &[String],
    columns: &mut [Option<Column>],
    options: &IngestOptions,
    is_number: impl Fn(usize) -> bool,
) -> Result<()> {
    let wanted: Option<Vec<String>> = match &options.extras {
        Extras::Numeric => None,
        Extras::Only(wanted) => Some(wanted.iter().map(|name| normal(name)).collect()),
    };
    for (at, name) in names.iter().enumerate() {
        let name = normal(name);
        let keep = || wanted.as_ref().map_or_else(|| is_number(at), |wanted| wanted.contains(&name));
        if columns[at].is_none() && !name.is_empty() && keep() {
            columns[at] = Some(Column::Extra(name));
        }
    }
    let absent = |name: &&String| {
        !columns.iter().any(|column| matches!(column, Some(Column::Extra(extra)) if extra == *name))
    };
    match wanted.iter().flatten().find(absent) {
        Some(name) => {
            Err(Error::invalid_input(place, format!("no extra column {name:?}; it has {}", list(names))))
        }
        None => Ok(()),
    }
}

/// The extra columns in order of their names.
fn sorted_extras(place: &str, names: &[String], columns: &[Option<Column>]) -> Result<Vec<(String, usize)>> {
    let extra = |(at, column): (usize, &Option<Column>)| match column {
        Some(Column::Extra(name)) => Some((name.clone(), at)),
        _ => None,
    };
    let mut extras: Vec<_> = columns.iter().enumerate().filter_map(extra).collect();
    extras.sort_unstable();
    match extras.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(twin) => Err(twins(place, names, twin[0].1, twin[1].1, &twin[0].0)),
        None => Ok(extras),
    }
}

/// Lower case, with one underscore for whatever is neither letter nor digit: `Adj Close` is `adj_close`.
pub(super) fn normal(name: &str) -> String {
    let spaced: String =
        name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join("_")
}

fn of_field(field: Field) -> Column {
    match field {
        Field::OPEN => Column::Open,
        Field::HIGH => Column::High,
        Field::LOW => Column::Low,
        Field::CLOSE => Column::Close,
        _ => Column::Volume,
    }
}

fn twins(place: &str, names: &[String], one: usize, other: usize, what: &str) -> Error {
    let reason = format!(
        "columns {:?} and {:?} could both be {what}; state which one is (`IngestOptions::columns`)",
        names[one], names[other]
    );
    Error::invalid_input(place, reason)
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &[&str], options: &IngestOptions) -> Result<Layout> {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Layout::find("prices.csv", names, Naming::CsvColumn, options, |_| true)
    }

    #[test]
    fn columns_are_found_by_their_usual_names_in_any_order_and_case() {
        for names in [
            ["Ticker", "Date", "Open", "High", "Low", "Close", "Volume"],
            ["SYMBOL", "datetime", "o", "h", "l", "c", "v"],
            ["<TICKER>", "<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"],
        ] {
            let layout = find(&names, &IngestOptions::default()).unwrap();
            assert_eq!((layout.asset, layout.time), (Some(0), 1));
            assert_eq!(layout.values, [Some(2), Some(3), Some(4), Some(5), Some(6)]);
        }
    }

    #[test]
    fn numbers_that_nobody_knows_become_extra_columns_in_order_of_their_names() {
        let names = ["Date", "Ticker", "Open", "High", "Low", "Close", "Volume", "VWAP", "Adj Close", ""];
        let layout = find(&names, &IngestOptions::default()).unwrap();
        assert_eq!(layout.extras, ["adj_close", "vwap"]);
        assert_eq!(layout.values[5..], [Some(8), Some(7)]);
        assert_eq!(layout.ignored, [9]);
        let none = IngestOptions { extras: Extras::NONE, ..Default::default() };
        assert_eq!(find(&names, &none).unwrap().ignored, [7, 8, 9]);
        let one = IngestOptions { extras: Extras::Only(vec!["Adj Close".into()]), ..Default::default() };
        assert_eq!(find(&names, &one).unwrap().extras, ["adj_close"]);
    }

    #[test]
    fn what_is_stated_goes_before_what_is_known() {
        let columns = vec![("Last".to_owned(), Column::Close), ("close".to_owned(), Column::Ignored)];
        let options = IngestOptions { columns, ..Default::default() };
        let layout =
            find(&["asset", "date", "open", "high", "low", "Close", "last", "volume"], &options).unwrap();
        assert_eq!(layout.values[3], Some(6));
        assert_eq!(layout.ignored, [5]);
    }

    #[test]
    fn columns_that_are_missing_or_could_be_two_things_are_refused_by_name() {
        let refused = |names: &[&str], options: &IngestOptions| find(names, options).unwrap_err().to_string();
        let default = IngestOptions::default();
        let twins = refused(&["asset", "date", "time", "open", "high", "low", "close"], &default);
        assert!(twins.contains("\"date\" and \"time\" could both be Timestamp"), "{twins}");
        let missing = refused(&["asset", "date", "open", "high", "low", "volume"], &default);
        assert!(missing.contains("prices.csv: no column looks like a column of close prices"), "{missing}");
        let extras =
            refused(&["asset", "date", "open", "high", "low", "close", "Adj Close", "adj_close"], &default);
        assert!(extras.contains("could both be adj_close"), "{extras}");
        let columns = vec![("Schluss".to_owned(), Column::Close)];
        let stated = refused(&["asset", "date"], &IngestOptions { columns, ..Default::default() });
        assert!(stated.contains("no column \"Schluss\""), "{stated}");
        let only = IngestOptions { extras: Extras::Only(vec!["vwap".into()]), ..Default::default() };
        let absent = refused(&["asset", "date", "open", "high", "low", "close"], &only);
        assert!(absent.contains("no extra column \"vwap\""), "{absent}");
    }

    #[test]
    fn all_columns_that_are_missing_are_told_at_once_with_the_option_that_states_them() {
        let refused = |names: &[&str]| find(names, &IngestOptions::default()).unwrap_err().to_string();
        let several = refused(&["when", "open", "high", "low", "settle"]);
        for what in ["an asset (", "a timestamp (", "a column of close prices (", "`IngestOptions::columns`"]
        {
            assert!(several.contains(what), "{what}: {several}");
        }
        assert!(!several.contains("csv_folder") && !several.contains("open prices"), "{several}");
        let asset = refused(&["date", "open", "high", "low", "close"]);
        assert!(asset.ends_with("one asset a file? use `Ingest::csv_folder`"), "{asset}");
    }

    #[test]
    fn every_known_name_is_in_the_table_of_the_documentation() {
        let options = include_str!("options.rs");
        for known in [ASSET, TIMESTAMP].iter().chain(&VALUES) {
            let row = format!("| `{}` |", known.join("`, `"));
            assert!(options.contains(&row), "{row}");
        }
    }

    #[test]
    fn a_missing_volume_is_missing_in_every_bar() {
        let layout =
            find(&["asset", "date", "open", "high", "low", "close"], &IngestOptions::default()).unwrap();
        assert_eq!(layout.values[4], None);
    }
}
