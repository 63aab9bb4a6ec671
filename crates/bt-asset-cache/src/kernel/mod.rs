//! The table kernel: decode, sort, group. What [`GroupedBars`](crate::GroupedBars) is made with, and what an ingest
//! that streams larger tables uses piece by piece: one decoder, so that the same rows are the same bars either way.
//!
//! - [`Assets`] numbers the assets of a column of any accepted type by their [`Names`].
//! - [`Reading`] settles what the timestamps of a table say.
//! - [`Stamps`] reads a timestamp column as it is stamped, [`Times`] as the moments at which bars became known,
//!   [`Values`] a column of numbers as `f64`, block by block, and [`Texts`] one of texts.
//! - [`Grouping`] finds the assets of a table and where each row belongs, then writes all columns in one pass.
//! - [`asset_names`] extracts the asset list alone.
//! - [`index`] finds the calendar, which a [`CalendarBuilder`] unites, and each asset's place in it.
//!
//! # Complexity
//! O(rows) for tables in order of asset or of time, and O(rows × log bars) for rows in no order. Beyond the result it
//! holds 4 bytes a row where rows show no pattern, and two columns of a block of 128 Ki rows, or of four rows for each asset.

mod assets;
mod calendar;
mod group;
mod index;
mod names;
mod reading;
mod stamps;
mod texts;
mod times;
mod values;
mod writer;

pub use assets::Assets;
pub use calendar::CalendarBuilder;
pub use group::{Grouping, asset_names};
pub(crate) use group::{check_range, distinct_names, sort_in_time, times};
pub use index::{Index, index};
pub use names::Names;
pub use reading::Reading;
pub use stamps::{FIRST_STAMP, LAST_STAMP, OUT_OF_RANGE, Stamp, Stamps};
pub use texts::Texts;
pub use times::Times;
pub use values::{Values, decimal_to_f64};

use bt_core::Error;

/// What of a column cannot be read, and why. Whoever knows the place makes an error of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The row of the column; `None` where it is the column's type.
    pub row: Option<usize>,
    /// The value, and what is allowed.
    pub reason: String,
}

impl Fault {
    #[cold]
    pub(crate) fn row(row: usize, reason: impl Into<String>) -> Self {
        Self { row: Some(row), reason: reason.into() }
    }

    #[cold]
    pub(crate) fn column(reason: impl Into<String>) -> Self {
        Self { row: None, reason: reason.into() }
    }
}

/// Where in a table something was found, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Number of the batch, from 0.
    pub batch: usize,
    /// Name of the column.
    pub column: &'a str,
}

impl Place<'_> {
    /// The error that a fault at this place is: `batch 1, row 7, column "close": …`, batches and rows counted from 1.
    #[cold]
    pub fn error(self, fault: Fault) -> Error {
        let (batch, column) = (self.batch + 1, self.column);
        let place = match fault.row {
            Some(row) => format!("batch {batch}, row {}, column {column:?}", row + 1),
            None => format!("batch {batch}, column {column:?}"),
        };
        Error::invalid_input(place, fault.reason)
    }
}
