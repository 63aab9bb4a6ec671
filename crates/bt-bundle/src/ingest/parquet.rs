//! Parquet files as an input of an ingest.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bt_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::columns::Layout;
use super::{Batches, IngestOptions, batches};

/// An open file: how its columns are named and used, and the rows of those that are used.
pub(super) struct ParquetFile<'a> {
    pub(super) layout: Layout,
    /// The layout of the batches, which lack the columns that nobody wants.
    pub(super) projected: Layout,
    pub(super) batches: Batches<'a>,
}

impl ParquetFile<'_> {
    /// Opens a file.
    ///
    /// # Errors
    /// Where it cannot be read, is no Parquet file or lacks a column.
    pub(super) fn open(path: &Path, options: &IngestOptions) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(format!("open {}", path.display()), error))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = metadata.map_err(|error| unreadable(path, error))?;
        let layout = batches::layout(&path.display().to_string(), metadata.schema(), options)?;
        let (kept, projected) = layout.projected();
        let metadata = with_dictionary(metadata, layout.asset);
        let content = Arc::clone(metadata.metadata());
        let mask = ProjectionMask::roots(metadata.metadata().file_metadata().schema_descr(), kept);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(mask)
            .with_batch_size(batches::BLOCK)
            .build()
            .map_err(|error| undecodable(path, &content, error))?;
        let path = path.to_owned();
        let batches = reader.map(move |batch| batch.map_err(|error| undecodable(&path, &content, error)));
        let batches = Box::new(batches);
        Ok(Self { layout, projected, batches })
    }
}

impl Layout {
    /// The numbers of the columns that the bundle keeps, ascending, and the layout of an input that has them only.
    fn projected(&self) -> (Vec<usize>, Self) {
        let kept: Vec<usize> = (0..self.names.len()).filter(|at| !self.ignored.contains(at)).collect();
        let place = |at: usize| kept.iter().position(|&other| other == at).unwrap_or_default();
        let layout = Self {
            names: kept.iter().map(|&at| self.names[at].clone()).collect(),
            asset: self.asset.map(place),
            own_asset: None,
            time: place(self.time),
            values: self.values.iter().map(|column| column.map(place)).collect(),
            extras: self.extras.clone(),
            ignored: Vec::new(),
        };
        (kept, layout)
    }
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

/// What rows that cannot be read say: where they are compressed in a way that this build does not know, that, and what it
/// does know.
#[cold]
pub(super) fn undecodable(path: &Path, content: &ParquetMetaData, error: impl std::fmt::Display) -> Error {
    match unknown_codec(content) {
        Some(reason) => unreadable(path, reason),
        None => unreadable(path, error),
    }
}

fn unknown_codec(content: &ParquetMetaData) -> Option<String> {
    let columns = content.row_groups().iter().flat_map(|group| group.columns());
    let unknown = columns.map(|column| column.compression()).find(|&codec| !is_known(codec))?;
    let name = format!("{unknown:?}").to_ascii_lowercase();
    let name = name.split('(').next().unwrap_or_default();
    Some(match unknown {
        Compression::ZSTD(_) => format!(
            "compressed with {name}, which this build does not read: build bt-bundle with its feature `zstd`"
        ),
        _ => format!(
            "compressed with {name}, which is not read; supported: snappy, gzip, lz4, zstd (with the feature `zstd` of \
             bt-bundle) and none"
        ),
    })
}

fn is_known(codec: Compression) -> bool {
    let reads_zstd = cfg!(feature = "zstd");
    let is_zstd = matches!(codec, Compression::ZSTD(_));
    !matches!(codec, Compression::BROTLI(_) | Compression::LZO) && (reads_zstd || !is_zstd)
}

pub(super) fn unreadable(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::invalid_input(path.display().to_string(), error.to_string())
}
