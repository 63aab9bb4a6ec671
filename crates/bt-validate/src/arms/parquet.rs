//! Reading the Parquet bundle as a worker without the layers would.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use arrow::array::{Date32Array, RecordBatch, RecordBatchReader};
use arrow::compute::concat_batches;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Reads a file into one record batch: all columns, or those named.
///
/// # Errors
/// Where the file cannot be opened or read.
pub fn read(path: &Path, columns: Option<&[&str]>) -> anyhow::Result<RecordBatch> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let rows = builder.metadata().file_metadata().num_rows() as usize;
    let mask = match columns {
        Some(columns) => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
        None => ProjectionMask::all(),
    };
    let reader = builder.with_batch_size(rows.max(1)).with_projection(mask).build()?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    match <[RecordBatch; 1]>::try_from(batches) {
        Ok([batch]) => Ok(batch),
        Err(batches) => Ok(concat_batches(&schema, &batches)?),
    }
}

/// The distinct dates, ascending: the sessions that a framework would bring from its calendar.
pub fn calendar(dates: &Date32Array) -> Vec<i32> {
    let mut calendar = dates.values().to_vec();
    calendar.sort_unstable();
    calendar.dedup();
    calendar
}
