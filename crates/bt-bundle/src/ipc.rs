//! The subset of the Arrow IPC file format that a bundle consists of.
//!
//! Both sides know the file's layout before they touch a column: the writer computes every offset first, so that
//! columns can be written piece by piece; the reader hands out the places of the columns and reads none of them.

mod decode;
mod encode;

pub(crate) use decode::{Batch, Kind, Table, dictionary};
pub(crate) use encode::{Dictionary, Plan, plan, text_buffers};

/// The key of the schema's metadata under which a file says its format version.
pub(crate) const FORMAT_KEY: &str = "bt.format";
/// The format version that this program writes, and the only one it reads.
pub(crate) const FORMAT: &str = "1";
/// What a file begins and ends with.
const MAGIC: &[u8; 6] = b"ARROW1";
/// What every message begins with, before its length.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Every buffer of a file that we write starts at a multiple of this, from the file's start.
pub(crate) const ALIGNMENT: u64 = 64;

/// The next multiple of [`ALIGNMENT`].
pub(crate) const fn align(offset: u64) -> u64 {
    offset.next_multiple_of(ALIGNMENT)
}

/// Reads bytes as numbers, where alignment and length allow.
pub(crate) fn numbers<T: zerocopy::FromBytes + zerocopy::Immutable>(bytes: &[u8]) -> Option<&[T]>
where
    [T]: zerocopy::KnownLayout,
{
    zerocopy::FromBytes::ref_from_bytes(bytes).ok()
}
