//! Arrow IPC files, which Feather files are, as an input of an ingest.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use bt_core::{Error, Result};

use super::batches::Table;
use super::encoding::open_regular;
use super::{ArrowFile, Opening};
use crate::ingest::fault::{FileFault, Finding, HeaderFault, Place};
use crate::ingest::rows::Source;

/// Opens a file: how its columns are named and used, and the rows of those that are used.
///
/// # Errors
/// Where it cannot be read, is no Arrow IPC file or lacks a column.
pub(super) fn open<'a>(path: &Path, opening: &Opening<'_>) -> Result<ArrowFile<'a>> {
    let mut reader = reader(path, None)?;
    let schema = reader.schema();
    let source = Source {
        name: path.display().to_string().into(),
        has_lines: false,
        names_asset: false,
        has_volume: true,
    };
    let refused = |fault: HeaderFault| Error::from(Finding::new(source.whole(), fault));
    let asks = Table::new(&schema, None, opening.times).map_err(refused)?.asks_for_rows();
    let first: Option<RecordBatch> = match asks {
        true => reader.next().transpose().map_err(|error| unreadable(path, error))?,
        false => None,
    };
    let table = Table::new(&schema, first.as_ref(), opening.times).map_err(refused)?;
    let layout = table.layout(opening.naming, opening.options).map_err(refused)?;
    let (kept, projected) = layout.projected();
    let names = kept.iter().map(|&at| schema.field(at).name().clone()).collect();
    let (order, shape) =
        (table.order(&layout), table.shape(source.clone(), opening, &layout, (projected, names))?);
    let rows = self::reader(path, Some(kept))?;
    let path = Arc::<Path>::from(path);
    let batches = rows.map(move |batch| batch.map_err(|error| unreadable(&path, error)));
    Ok(ArrowFile { layout, shape, order, batches: Box::new(batches) })
}

fn reader(path: &Path, kept: Option<Vec<usize>>) -> Result<FileReader<BufReader<std::fs::File>>> {
    let file = BufReader::new(open_regular(path)?);
    FileReader::try_new(file, kept).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
    let fault = FileFault::Damaged { reason: error.to_string() };
    Finding::new(Place::of(path.display().to_string()), fault).into()
}
