//! Parquet files of others: checked, then read by the crate `parquet`.
//!
//! Before a value is decoded, the footer is walked over ([`footer`]) and so are the headers of all pages that will be read
//! ([`chunks`]): offsets and lengths must lie inside the file, counts must agree, sizes stay within what their bytes can
//! give and within a budget. What only a page's content says is checked when the page is decoded ([`pages`]).

mod chunks;
mod codec;
mod damage;
mod delta;
mod footer;
mod format;
mod page;
mod pages;
mod thrift;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bt_core::{Error, Result};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;

use super::{Guarded, caught};
use crate::{FileFault, Finding};
use chunks::Limits;
use damage::Damage;

/// A file whose footer is read.
pub(crate) struct ParquetInput<R> {
    path: PathBuf,
    input: Arc<R>,
    footer: ArrowReaderMetadata,
    limits: Limits,
}

impl<R: ChunkReader + 'static> ParquetInput<R> {
    /// What the pages of a row group may always take, so that a small budget for rows refuses no ordinary file: writers end
    /// a page at 1 MiB, some at 8.
    const LEAST_BUDGET: u64 = 256 << 20;

    /// Reads the footer of `input`, the content of the file at `path`.
    ///
    /// `budget` is how many bytes the largest pages of a row group may take together; less than 256 MiB means that.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) with the path for what is no Parquet file, or a damaged one.
    pub(crate) fn open(path: &Path, input: R, budget: usize) -> Result<Self> {
        let allowed = (budget as u64).max(Self::LEAST_BUDGET);
        let read = || -> Result<_, Damage> {
            let (metadata, data) = footer::read(&input, allowed)?;
            let footer = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())?;
            Ok((footer, Limits { data, pages: allowed, batch: 0 }))
        };
        let read = caught(read).map_err(Damage::from).and_then(|read| read);
        let (footer, limits) = read.map_err(|damage| refused(path, damage))?;
        Ok(Self { path: path.to_owned(), input: Arc::new(input), footer, limits })
    }

    /// The columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    /// Reads columns as these types where the reader can, else leaves all as they are.
    pub(crate) fn with_types(mut self, schema: SchemaRef) -> Self {
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = Arc::clone(self.footer.metadata());
        if let Ok(Ok(footer)) = caught(|| ArrowReaderMetadata::try_new(metadata, options)) {
            self.footer = footer;
        }
        self
    }

    /// Checks the columns of these numbers, `None` for all, and reads them in batches of at most so many rows.
    ///
    /// # Errors
    /// As [`open`](Self::open); the batches fail so, too.
    ///
    /// # Complexity
    /// Some 100 bytes of each page are read beforehand.
    pub(crate) fn read(mut self, columns: Option<Vec<usize>>, rows: usize) -> Result<ParquetBatches> {
        let content = Arc::clone(self.footer.metadata());
        self.limits.batch = rows as u64;
        let reader = caught(|| self.reader(columns, rows)).map_err(Damage::from).and_then(|reader| reader);
        let reader = Guarded::new(reader.map_err(|damage| undecodable(&self.path, &content, damage))?);
        Ok(ParquetBatches { path: self.path, content, reader })
    }

    fn reader(&self, columns: Option<Vec<usize>>, rows: usize) -> Result<ParquetRecordBatchReader, Damage> {
        let metadata = self.footer.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let mask = columns.map_or_else(ProjectionMask::all, |columns| ProjectionMask::roots(schema, columns));
        chunks::check(&*self.input, metadata, |leaf| mask.leaf_included(leaf), &self.limits)?;
        let levels = parquet_to_arrow_field_levels(schema, mask, Some(self.schema().fields()))?;
        let all_rows: u64 = metadata.row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum();
        let rows = usize::try_from(all_rows).unwrap_or(rows).min(rows);
        let groups = pages::CheckedGroups::new(Arc::clone(&self.input), Arc::clone(metadata), &self.limits);
        Ok(ParquetRecordBatchReader::try_new_with_row_groups(&levels, &groups, rows, None)?)
    }
}

/// The rows of a file.
pub(crate) struct ParquetBatches {
    path: PathBuf,
    content: Arc<ParquetMetaData>,
    reader: Guarded<ParquetRecordBatchReader>,
}

impl Iterator for ParquetBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.reader.next()?;
        Some(next.map_err(|damage: Damage| undecodable(&self.path, &self.content, damage)))
    }
}

/// What rows that cannot be read say: where they are compressed in a way that this build does not know, that.
#[cold]
fn undecodable(path: &Path, content: &ParquetMetaData, damage: Damage) -> Error {
    match codec::unknown(content) {
        Some(fault) => Finding::of_file(path, fault).into(),
        None => refused(path, damage),
    }
}

#[cold]
fn refused(path: &Path, damage: Damage) -> Error {
    Finding::of_file(path, FileFault::Damaged { reason: damage.to_string() }).into()
}

#[cfg(test)]
mod tests;
