//! What nobody stated: which column is what, how numbers and times are written, when a bar is known.

pub(super) mod clock;
pub(super) mod columns;
pub(super) mod frequency;
#[cfg(feature = "csv")]
pub(super) mod header;
pub(super) mod numbers;
pub(super) mod shown;
pub(super) mod summary;
pub(in crate::ingest) mod wide;
