//! Parquet files as an input of an ingest.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bt_core::Result;

use super::batches;
use super::encoding::open_regular;
use super::{ArrowFile, Batches, Opening};
use crate::guard::ParquetInput;

/// Opens a file: how its columns are named and used, and the rows of those that are used.
///
/// # Errors
/// Where it cannot be read, is no Parquet file or lacks a column.
pub(super) fn open<'a>(path: &Path, opening: &Opening<'_>) -> Result<ArrowFile<'a>> {
    let budget = opening.options.memory_budget;
    let mut input = ParquetInput::open(path, open_regular(path)?, budget)?;
    let first_rows = || {
        ParquetInput::open(path, open_regular(path)?, budget)?.read(None, batches::SAMPLE)?.next().transpose()
    };
    let (layout, shape, order, kept) = super::lay_out(path, &input.schema().clone(), opening, first_rows)?;
    if let Some(schema) = layout.asset.and_then(|asset| dictionary_schema(input.schema(), asset)) {
        input = input.with_types(schema);
    }
    let batches = Box::new(input.read(Some(kept), batches::BLOCK)?);
    Ok(ArrowFile { layout, shape, order, batches })
}

/// The rows of one column, by its number in the file.
///
/// # Errors
/// Where the file cannot be read, or is no Parquet file.
pub(super) fn column<'a>(path: &Path, at: usize, opening: &Opening<'_>) -> Result<Batches<'a>> {
    let input = ParquetInput::open(path, open_regular(path)?, opening.options.memory_budget)?;
    Ok(Box::new(input.read(Some(vec![at]), batches::BLOCK)?))
}

/// The schema with the assets' names as a dictionary, which is how most files hold them: a name is then looked up once for
/// each batch and not once for each row. `None` where they are no texts.
fn dictionary_schema(schema: &SchemaRef, asset: usize) -> Option<SchemaRef> {
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let texts = match fields[asset].data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        _ => return None,
    };
    let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(texts));
    fields[asset] = Arc::new(Field::new(fields[asset].name(), kind, fields[asset].is_nullable()));
    Some(Arc::new(Schema::new(fields)))
}
