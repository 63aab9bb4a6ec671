//! The table kernel: decode, sort, group. What [`GroupedBars`](crate::GroupedBars) is made with, and what an ingest
//! that streams larger tables can use piece by piece.
//!
//! - [`Times`] and [`Values`] read a column of any accepted type as nanoseconds and as `f64`, block by block.
//! - [`Grouping`] finds the assets of a table and where each row belongs, then writes all columns in one pass.
//! - [`asset_names`] extracts the asset list alone.
//! - [`index`] finds the calendar and each asset's place in it.
//! - [`first_fault`] finds bars that cannot be: high below low, infinite values.
//!
//! # Complexity
//! O(rows) for tables in order of asset or of time, and O(rows × log bars) for rows in no order. Beyond the result it
//! holds 4 bytes a row where rows show no pattern, and two columns of a block of 128 Ki rows, or of four rows for each asset.

mod assets;
mod faults;
mod group;
mod index;
mod times;
mod values;
mod writer;

pub use faults::first_fault;
pub use group::{Grouping, asset_names};
pub(crate) use group::{sort_in_time, times};
pub use index::{Index, index};
pub use times::Times;
pub use values::{Values, decimal_to_f64};

use bt_core::Error;

/// Where in a table something was found, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Number of the batch, from 0.
    pub batch: usize,
    /// Name of the column.
    pub column: &'a str,
}

impl Place<'_> {
    #[cold]
    pub(crate) fn row(self, row: usize, reason: impl Into<String>) -> Error {
        let Self { batch, column } = self;
        Error::invalid_input(format!("batch {batch}, row {row}, column {column:?}"), reason)
    }

    #[cold]
    pub(crate) fn column(self, reason: impl Into<String>) -> Error {
        let Self { batch, column } = self;
        Error::invalid_input(format!("batch {batch}, column {column:?}"), reason)
    }
}
