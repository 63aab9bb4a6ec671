//! What fuzz targets call and nobody else may: it is as private as it was, and changes without notice.

pub use crate::ingest::fuzzing::{Time, number, on_one_thread, time};

use bt_core::Result;

use crate::ipc::Table;

/// Reads the footer of a bundle's Arrow file and goes through all places that it names. Gives how many columns it has.
///
/// # Errors
/// As for a bundle's file.
///
/// # Panics
/// Where a place lies outside of the file.
pub fn arrow_table(file: &[u8]) -> Result<usize> {
    let table = Table::read(file, "the file")?;
    for batch in &table.batches {
        for column in 0..table.columns.len() {
            let (_, values) = batch.values(&table.columns, column);
            assert!(file.get(values.clone()).is_some(), "column {column} lies at {values:?}");
            let _ = (batch.nulls(column), table.name(column).len());
        }
    }
    Ok(table.columns.len())
}
