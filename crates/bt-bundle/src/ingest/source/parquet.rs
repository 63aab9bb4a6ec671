//! Parquet files as an input of an ingest.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bt_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::batches::{self, Table};
use super::encoding::open_regular;
use super::{ArrowFile, Opening};
use crate::ingest::fault::{FileFault, Finding, HeaderFault, Place};
use crate::ingest::rows::Source;

/// Opens a file: how its columns are named and used, and the rows of those that are used.
///
/// # Errors
/// Where it cannot be read, is no Parquet file or lacks a column.
pub(super) fn open<'a>(path: &Path, opening: &Opening<'_>) -> Result<ArrowFile<'a>> {
    let file = open_regular(path)?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
    let metadata = metadata.map_err(|error| unreadable(path, error))?;
    let schema = Arc::clone(metadata.schema());
    let source = Source {
        name: path.display().to_string().into(),
        has_lines: false,
        names_asset: false,
        has_volume: true,
    };
    let refused = |fault: HeaderFault| Error::from(Finding::new(source.whole(), fault));
    let asks = Table::new(&schema, None, opening.times).map_err(refused)?.asks_for_rows();
    let first = if asks { first_rows(path, &file, &metadata)? } else { None };
    let table = Table::new(&schema, first.as_ref(), opening.times).map_err(refused)?;
    let layout = table.layout(opening.naming, opening.options).map_err(refused)?;
    let (kept, projected) = layout.projected();
    let names = kept.iter().map(|&at| schema.field(at).name().clone()).collect();
    let (order, shape) =
        (table.order(&layout), table.shape(source.clone(), opening, &layout, (projected, names))?);
    let batches = rows(path, file, with_dictionary(metadata, layout.asset), kept)?;
    Ok(ArrowFile { layout, shape, order, batches })
}

/// The first rows, of which text tells what it is.
fn first_rows(path: &Path, file: &File, metadata: &ArrowReaderMetadata) -> Result<Option<RecordBatch>> {
    let file = file.try_clone().map_err(|error| Error::io(format!("open {}", path.display()), error))?;
    let content = Arc::clone(metadata.metadata());
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
        .with_limit(batches::SAMPLE)
        .with_batch_size(batches::SAMPLE)
        .build()
        .map_err(|error| undecodable(path, &content, error))?;
    let mut batches = reader.map(|batch| batch.map_err(|error| undecodable(path, &content, error)));
    batches.next().transpose()
}

fn rows<'a>(
    path: &Path,
    file: File,
    metadata: ArrowReaderMetadata,
    kept: Vec<usize>,
) -> Result<super::Batches<'a>> {
    let content = Arc::clone(metadata.metadata());
    let mask = ProjectionMask::roots(metadata.metadata().file_metadata().schema_descr(), kept);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
        .with_projection(mask)
        .with_batch_size(batches::BLOCK)
        .build()
        .map_err(|error| undecodable(path, &content, error))?;
    let path = path.to_owned();
    let batches = reader.map(move |batch| batch.map_err(|error| undecodable(&path, &content, error)));
    Ok(Box::new(batches))
}

/// Reads the assets' names as a dictionary, which is how most files hold them: a name is then looked up once for each
/// batch and not once for each row. Where the reader cannot, the names are read as they are.
fn with_dictionary(metadata: ArrowReaderMetadata, asset: Option<usize>) -> ArrowReaderMetadata {
    let Some(schema) = asset.and_then(|asset| dictionary_schema(metadata.schema(), asset)) else {
        return metadata;
    };
    let options = ArrowReaderOptions::new().with_schema(schema);
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).unwrap_or(metadata)
}

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

/// What rows that cannot be read say: where they are compressed in a way that this build does not know, that.
#[cold]
pub(in crate::ingest) fn undecodable(
    path: &Path,
    content: &ParquetMetaData,
    error: impl std::fmt::Display,
) -> Error {
    match unknown_codec(content) {
        Some(fault) => Finding::new(Place::of(path.display().to_string()), fault).into(),
        None => unreadable(path, error),
    }
}

fn unknown_codec(content: &ParquetMetaData) -> Option<FileFault> {
    let columns = content.row_groups().iter().flat_map(|group| group.columns());
    let unknown = columns.map(|column| column.compression()).find(|&codec| !is_known(codec))?;
    let name = format!("{unknown:?}").to_ascii_lowercase();
    let name = name.split('(').next().unwrap_or_default().to_owned();
    let feature = matches!(unknown, Compression::ZSTD(_)).then_some("zstd");
    Some(FileFault::Compression { name, feature })
}

fn is_known(codec: Compression) -> bool {
    let reads_zstd = cfg!(feature = "zstd");
    let is_zstd = matches!(codec, Compression::ZSTD(_));
    !matches!(codec, Compression::BROTLI(_) | Compression::LZO) && (reads_zstd || !is_zstd)
}

pub(in crate::ingest) fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
    let fault = FileFault::Damaged { reason: error.to_string() };
    Finding::new(Place::of(path.display().to_string()), fault).into()
}
