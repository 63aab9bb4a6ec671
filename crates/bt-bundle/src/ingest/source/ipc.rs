//! Arrow IPC files, which Feather files are, as an input of an ingest.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use bt_core::Result;

use super::encoding::open_regular;
use super::{ArrowFile, Batches, Opening};
use crate::guard::ArrowInput;

/// Opens a file: how its columns are named and used, and the rows of those that are used.
///
/// # Errors
/// Where it cannot be read, is no Arrow IPC file or lacks a column.
pub(super) fn open<'a>(path: &Path, opening: &Opening<'_>) -> Result<ArrowFile<'a>> {
    let input = input(path, opening)?;
    let first_rows = || self::input(path, opening)?.read(None)?.next().transpose();
    let (layout, shape, order, kept) = super::lay_out(path, &input.schema().clone(), opening, first_rows)?;
    let batches = Box::new(input.read(Some(kept))?);
    Ok(ArrowFile { layout, shape, order, batches })
}

/// The rows of one column, by its number in the file.
///
/// # Errors
/// Where the file cannot be read, or is no Arrow IPC file.
pub(super) fn column<'a>(path: &Path, at: usize, opening: &Opening<'_>) -> Result<Batches<'a>> {
    Ok(Box::new(input(path, opening)?.read(Some(vec![at]))?))
}

fn input(path: &Path, opening: &Opening<'_>) -> Result<ArrowInput<BufReader<File>>> {
    ArrowInput::open(path, BufReader::new(open_regular(path)?), opening.options.memory_budget)
}
