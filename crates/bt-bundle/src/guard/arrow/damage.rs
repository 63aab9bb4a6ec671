//! What is wrong with an Arrow file.

use std::fmt;
use std::ops::Range;

use arrow_schema::ArrowError;

use crate::guard::{Panicked, legible};

/// What is wrong with a file, or with one of its blocks.
#[derive(Debug)]
pub(super) enum Damage {
    /// It has fewer bytes than any Arrow file.
    Short(u64),
    /// It does not begin as one.
    Magic,
    /// Its footer would begin before the file does, or is larger than allowed.
    FooterLength {
        length: u64,
        most: u64,
    },
    Footer(String),
    NoSchema,
    /// A block, dictionaries first.
    Block {
        block: usize,
        fault: BlockFault,
    },
    Read(std::io::Error),
    /// What the reader says.
    Reader(String),
    /// The reader panicked.
    Panicked(Panicked),
}

/// What is wrong with a block.
#[derive(Debug)]
pub(super) enum BlockFault {
    /// It lies outside of where data may be.
    Outside {
        start: i64,
        metadata: i32,
        body: i64,
        data: Range<u64>,
    },
    Metadata(String),
    /// Its metadata describe neither rows nor a dictionary.
    Header,
    /// A number of rows or of nulls that no block has.
    Count(i64),
    /// A buffer lies outside of the block.
    Slice {
        start: i64,
        length: i64,
        body: u64,
    },
    /// A compressed buffer, at this byte of the file, says to give more than it can; `None` where it says nothing.
    Buffer {
        at: u64,
        says: Option<i64>,
        allowed: u64,
    },
    /// Its buffers give more than is allowed.
    TooLarge {
        decoded: u64,
        allowed: u64,
    },
}

impl Damage {
    pub(super) fn footer(fault: &impl fmt::Display) -> Self {
        Self::Footer(legible(&fault.to_string(), 200))
    }
}

impl BlockFault {
    pub(super) fn metadata(fault: &impl fmt::Display) -> Self {
        Self::Metadata(legible(&fault.to_string(), 200))
    }
}

impl From<ArrowError> for Damage {
    fn from(error: ArrowError) -> Self {
        Self::Reader(legible(&error.to_string(), 300))
    }
}

impl From<std::io::Error> for Damage {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
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
            Self::Short(file) => write!(f, "no Arrow file: it has {file} bytes"),
            Self::Magic => write!(f, "no Arrow file: it does not begin with ARROW1"),
            Self::FooterLength { length, most } => {
                write!(f, "damaged: its footer is said to have {length} bytes; allowed: at most {most}")
            }
            Self::Footer(why) => write!(f, "damaged: its footer is unreadable: {why}"),
            Self::NoSchema => write!(f, "damaged: its footer has no schema"),
            Self::Block { block, fault } => write!(f, "damaged: block {block}: {fault}"),
            Self::Read(error) => error.fmt(f),
            Self::Reader(said) => f.write_str(said),
            Self::Panicked(panicked) => panicked.fmt(f),
        }
    }
}

impl fmt::Display for BlockFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside { start, metadata, body, data } => write!(
                f,
                "it is said to be {metadata} and {body} bytes at {start}; the data are at {} to {}",
                data.start, data.end
            ),
            Self::Metadata(why) => write!(f, "its metadata are unreadable: {why}"),
            Self::Header => write!(f, "it holds neither rows nor a dictionary"),
            Self::Count(count) => write!(f, "it declares a count of {count}"),
            Self::Slice { start, length, body } => {
                write!(f, "a buffer of {length} bytes at {start} is said to lie in its {body} bytes")
            }
            Self::Buffer { at, says: Some(says), allowed } => {
                write!(f, "the buffer at byte {at} declares a size of {says}; allowed: 0 to {allowed}")
            }
            Self::Buffer { at, says: None, .. } => {
                write!(f, "the buffer at byte {at} is too short to say its size")
            }
            Self::TooLarge { decoded, allowed } => write!(
                f,
                "its buffers need {decoded} bytes, at most {allowed} are allowed: raise the memory budget if the file is \
                 whole"
            ),
        }
    }
}
