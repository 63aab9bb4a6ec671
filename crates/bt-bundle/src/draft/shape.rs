//! What a shape has to fulfil before anything is written.

use bt_core::{Adjustment, AdjustmentKind, AssetList, BundleVersion, Calendar, Error, Field, Result, Zone};

use super::DraftShape;
use crate::{leaves, matrix};

/// Checks what the writing of assets does not.
pub(super) fn check(shape: &DraftShape) -> Result<()> {
    shape.frequency.check()?;
    shape.conventions.zone.parse::<Zone>()?;
    let invalid = |reason: String| Err(Error::invalid_input("the shape of the bundle", reason));
    let names: Vec<_> = shape.assets.iter().map(|(name, _)| name.as_str()).collect();
    AssetList::new(BundleVersion([0; 32]), &names)
        .map_err(|error| Error::invalid_input("the shape of the bundle", error.to_string()))?;
    Calendar::new(&shape.calendar)
        .map_err(|error| Error::invalid_input("the shape of the bundle", error.to_string()))?;
    if names.iter().map(|name| name.len()).sum::<usize>() > i32::MAX as usize
        || names.len() > i32::MAX as usize
    {
        return invalid(format!("{} assets, or their names, exceed 2 GiB", names.len()));
    }
    if shape.calendar.len() > u32::MAX as usize {
        return invalid(format!(
            "its calendar has {} moments; 4,294,967,295 are allowed",
            shape.calendar.len()
        ));
    }
    let rows = shape.assets.iter().try_fold(0_u64, |rows, (_, bars)| rows.checked_add(*bars as u64));
    if rows.is_none_or(|rows| rows >= 1 << 48) {
        return invalid("its assets have more than 2^48 bars".to_owned());
    }
    check_columns(&shape.extra_columns)?;
    shape.adjustments.iter().try_for_each(|(name, list)| check_adjustments(&names, name, list))
}

/// Checks the assets' names, where they are new.
pub(super) fn check_names(shape: &DraftShape) -> Result<()> {
    shape.assets.iter().try_for_each(|(name, _)| AssetList::check_name(name))
}

fn check_columns(extra: &[String]) -> Result<()> {
    let taken = [matrix::ASSET, matrix::TIMESTAMP, leaves::ADJUSTMENTS];
    let reserved = |name: &str| {
        AssetList::check_name(name).is_err() || Field::named(name).is_some() || taken.contains(&name)
    };
    let bad = extra.iter().enumerate().find(|(at, name)| reserved(name) || extra[..*at].contains(name));
    match bad {
        _ if extra.len() > 1000 => Err(Error::invalid_option("extra_columns", extra.len(), "at most 1000")),
        None => Ok(()),
        Some((_, name)) => Err(Error::invalid_option(
            "extra_columns",
            name.chars().take(256).collect::<String>(),
            format!("names that differ from each other and from the others, of {}", AssetList::NAME_RULE),
        )),
    }
}

fn check_adjustments(names: &[&str], name: &str, list: &[Adjustment]) -> Result<()> {
    let invalid =
        |reason: String| Err(Error::invalid_input(format!("adjustments of asset {name:?}"), reason));
    if names.binary_search(&name).is_err() {
        return invalid("the bundle has no such asset".to_owned());
    }
    if !list.is_sorted_by_key(|one| one.ex_date) {
        return invalid("they do not ascend by ex-date".to_owned());
    }
    let value = |one: &Adjustment| match one.kind {
        AdjustmentKind::Split { ratio } => ratio,
        AdjustmentKind::Dividend { amount } => amount,
        _ => f64::NAN,
    };
    match list.iter().find(|one| !(value(one) > 0.0 && value(one).is_finite())) {
        Some(one) => invalid(format!("{one:?}; allowed: splits and dividends above 0")),
        None => Ok(()),
    }
}
