//! Assets that stand side by side, which no layout of columns can say.

use std::collections::HashMap;

use bt_core::Field;

use super::columns::{is_known, normal, price_or_volume};
use crate::ingest::fault::HeaderFault;

/// Words that stand before or behind a price and are no asset's name.
const NO_ASSETS: [&str; 12] =
    ["adj", "adjusted", "price", "prev", "pre", "px", "average", "mean", "time", "bid", "ask", "mid"];
/// Assets and columns that an error names.
const SHOWN: usize = 3;

/// Assets whose names are parts of the columns' names, each with the same prices, and their first columns.
pub(super) fn side_by_side(names: &[String]) -> Option<(Vec<String>, Vec<String>)> {
    let mut places = HashMap::new();
    // Of each asset its first column, and a bit for each of open, high, low, close and volume.
    let mut assets: Vec<(String, &String, u8)> = Vec::new();
    for name in names {
        let Some((asset, field)) = asset_and_field(name) else { continue };
        let at = *places.entry(asset.clone()).or_insert(assets.len());
        if at == assets.len() {
            assets.push((asset, name, 0));
        }
        assets[at].2 |= 1 << field;
    }
    let prices = (1 << Field::VOLUME.index()) - 1;
    let count = |fields: u8| assets.iter().filter(|(.., others)| *others == fields).count();
    let fields =
        (1..=u8::MAX >> 3).filter(|fields| fields & prices != 0).max_by_key(|&fields| count(fields))?;
    if count(fields) < 2 {
        return None;
    }
    let alike = assets.into_iter().filter(|(.., others)| *others == fields).take(SHOWN);
    Some(alike.map(|(asset, column, _)| (asset, column.clone())).unzip())
}

/// The asset and the field of a column's name that is made of both: `AAPL:close`, `close_AAPL`, `AAPL Close`.
fn asset_and_field(name: &str) -> Option<(String, usize)> {
    let field = |word: &str| price_or_volume(word).filter(|_| normal(word).len() > 1);
    let separators = |c: char| !c.is_alphanumeric() && c != '.' && c != '^' && c != '=';
    let parts: Vec<&str> = name.split(separators).filter(|part| !part.is_empty()).collect();
    let [one, other] = parts[..] else { return None };
    let (asset, field) = match (field(one), field(other)) {
        (None, Some(field)) => (one, field),
        (Some(field), None) => (other, field),
        _ => return None,
    };
    (!NO_ASSETS.contains(&normal(asset).as_str())).then(|| (asset.to_owned(), field))
}

/// Names that several assets have each, whose own names stand in the line above or below: two prices or more are there twice.
pub(super) fn repeated(names: &[String], lines: [Option<Vec<String>>; 2]) -> Option<HeaderFault> {
    let mut counts = [0; Field::OHLCV.len()];
    names.iter().filter_map(|name| price_or_volume(name)).for_each(|field| counts[field] += 1);
    if counts[..Field::VOLUME.index()].iter().filter(|count| **count > 1).count() < 2 {
        return None;
    }
    let is_price = |name: &&String| price_or_volume(name).is_some();
    let columns = names.iter().filter(is_price).take(SHOWN).cloned().collect();
    let assets = lines.into_iter().flatten().map(assets_of).find(|assets| assets.len() > 1);
    Some(HeaderFault::Wide { assets: assets.unwrap_or_default(), columns })
}

/// The assets that a line names; none where it holds numbers.
fn assets_of(line: Vec<String>) -> Vec<String> {
    if line.iter().any(|field| field.parse::<f64>().is_ok()) {
        return Vec::new();
    }
    let mut assets = Vec::new();
    for name in line.into_iter().filter(|name| !name.is_empty() && !is_known(name)) {
        if !assets.contains(&name) && assets.len() < SHOWN {
            assets.push(name);
        }
    }
    assets
}
