//! What is wrong with a Parquet file.

use std::fmt;
use std::ops::Range;

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

use super::thrift::Malformed;
use crate::guard::{Panicked, legible};

/// What is wrong with a file, or with one of its column chunks.
#[derive(Debug)]
pub(super) enum Damage {
    /// Its footer, which begins at this byte, is no footer.
    Footer(u64, Malformed),
    /// It has fewer bytes than any Parquet file.
    Short(u64),
    /// Its footer would begin before the file does, or is larger than allowed.
    FooterLength {
        length: u64,
        most: u64,
    },
    /// Its schema does not fit together.
    Schema(&'static str),
    Encrypted,
    /// A column chunk: number of the row group, column and fault.
    Chunk {
        group: usize,
        column: String,
        fault: ChunkFault,
    },
    /// The pages of a row group that are in memory at the same time need more than is allowed.
    TooLarge {
        group: usize,
        bytes: u64,
        allowed: u64,
    },
    /// What the reader says.
    Reader(String),
    /// The reader panicked.
    Panicked(Panicked),
}

/// What is wrong with a column chunk.
#[derive(Debug)]
pub(super) enum ChunkFault {
    /// It is in another file.
    Elsewhere(String),
    /// It lies outside of where data may be.
    Outside { start: i64, length: i64, data: Range<u64> },
    /// It says that it has another number of values than its row group has rows.
    Rows { values: i64, rows: i64 },
    /// Its pages have another number of values than it says.
    Values { pages: u64, declared: i64 },
    /// The widths of its values are no widths, or too large for a batch of rows.
    Width { width: i32, rows: u64, allowed: u64 },
    /// The header of the page at this byte.
    Header { at: u64, malformed: Malformed },
    /// A number in the header of the page at this byte.
    Number { at: u64, what: &'static str, value: i64, allowed: u64 },
    /// A field that the header of the page at this byte ought to have.
    Missing { at: u64, what: &'static str },
    /// A dictionary page that is not the first page.
    LateDictionary { at: u64 },
    /// A type of page that does not exist.
    PageType { at: u64, found: i64 },
}

impl Damage {
    /// What the reader says, which may cite the file.
    fn reader(said: &str) -> Self {
        Self::Reader(legible(said, 300))
    }
}

impl From<ParquetError> for Damage {
    fn from(error: ParquetError) -> Self {
        Self::reader(&error.to_string())
    }
}

impl From<ArrowError> for Damage {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::ParquetError(said) => Self::reader(&said),
            other => Self::reader(&other.to_string()),
        }
    }
}

impl From<Panicked> for Damage {
    fn from(panicked: Panicked) -> Self {
        Self::Panicked(panicked)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Footer(at, malformed) => {
                write!(f, "damaged: the footer at byte {at} is unreadable: {malformed}")
            }
            Self::Short(file) => write!(f, "no Parquet file: it has {file} bytes"),
            Self::FooterLength { length, most } => {
                write!(f, "damaged: its footer is said to have {length} bytes; allowed: at most {most}")
            }
            Self::Schema(reason) => write!(f, "damaged: its schema {reason}"),
            Self::Encrypted => write!(f, "encrypted, which is not read"),
            Self::Chunk { group, column, fault } => {
                write!(f, "damaged: row group {group}, column {column:?}: {fault}")
            }
            Self::TooLarge { group, bytes, allowed } => write!(
                f,
                "row group {group} needs {bytes} bytes for its largest pages, at most {allowed} are allowed: raise the \
                 memory budget if the file is whole"
            ),
            Self::Reader(said) => f.write_str(said),
            Self::Panicked(panicked) => panicked.fmt(f),
        }
    }
}

impl fmt::Display for ChunkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere(path) => write!(f, "it is in another file, {path:?}"),
            Self::Outside { start, length, data } => {
                write!(
                    f,
                    "it is said to be {length} bytes at {start}; the data are at {} to {}",
                    data.start, data.end
                )
            }
            Self::Rows { values, rows } => write!(f, "it has {values} values for {rows} rows"),
            Self::Values { pages, declared } => {
                write!(f, "its pages have {pages} values, not the {declared} that it declares")
            }
            Self::Width { width, rows, allowed } => {
                write!(f, "values of {width} bytes: {rows} rows of them must fit in {allowed} bytes")
            }
            Self::Header { at, malformed } => {
                write!(f, "the page header at byte {at} is unreadable: {malformed}")
            }
            Self::Number { at, what, value, allowed } => {
                write!(f, "the page at byte {at} declares a {what} of {value}; allowed: 0 to {allowed}")
            }
            Self::Missing { at, what } => write!(f, "the page header at byte {at} has no {what}"),
            Self::LateDictionary { at } => {
                write!(f, "the page at byte {at} is a dictionary after other pages")
            }
            Self::PageType { at, found } => write!(f, "the page at byte {at} has the unknown type {found}"),
        }
    }
}
