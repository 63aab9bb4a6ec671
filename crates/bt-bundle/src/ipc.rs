//! The subset of the Arrow IPC file format that a bundle consists of.
//!
//! Both sides know the file's layout before they touch a column: the writer computes every offset first, so that
//! columns can be written piece by piece; the reader hands out the places of the columns and reads none of them.

use std::collections::HashMap;
use std::ops::Range;

use bt_core::{Conventions, Frequency, is_format_1};

mod decode;
mod encode;

pub(crate) use decode::{Batch, Kind, Table, dictionary};
pub(crate) use encode::{Dictionary, Plan, plan, text_buffers};

/// The key of the schema's metadata under which a file says its format version.
pub(crate) const FORMAT_KEY: &str = "bt.format";
/// The format versions that this program reads.
pub(crate) const FORMATS: [&str; 2] = ["1", "2"];
/// The same, for people.
const SUPPORTED: &str = "1 and 2";
/// The key of the bars' frequency.
pub(crate) const FREQUENCY_KEY: &str = "bt.frequency";
/// The key of the zone in which days lie.
pub(crate) const ZONE_KEY: &str = "bt.zone";
/// The key of which day a bar belongs to.
pub(crate) const LABEL_KEY: &str = "bt.label";
/// The key of what prices are. There is one basis so far, which is not written.
pub(crate) const BASIS_KEY: &str = "bt.basis";
/// What a file begins and ends with.
const MAGIC: &[u8; 6] = b"ARROW1";
/// Bytes of what a file begins with.
pub(crate) const HEAD: usize = MAGIC.len() + 2;
/// Bytes of what a file ends with: the footer's length and [`MAGIC`].
pub(crate) const TRAILER: usize = 4 + MAGIC.len();
/// What every message begins with, before its length.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Every buffer of a file that we write starts at a multiple of this, from the file's start.
pub(crate) const ALIGNMENT: u64 = 64;

/// The next multiple of [`ALIGNMENT`].
pub(crate) const fn align(offset: u64) -> u64 {
    offset.next_multiple_of(ALIGNMENT)
}

/// The format version of a bundle: the first that can express it, so that older programs read what they can.
pub(crate) fn format(frequency: Frequency, conventions: &Conventions) -> u32 {
    if is_format_1(frequency, conventions) { 1 } else { 2 }
}

/// What the schemas of `bars.arrow` and `index.arrow` say of a bundle.
pub(crate) fn metadata(frequency: Frequency, conventions: &Conventions) -> HashMap<String, String> {
    let format = format(frequency, conventions);
    let mut pairs = vec![(FORMAT_KEY, format.to_string()), (FREQUENCY_KEY, frequency.to_string())];
    if format > 1 {
        let Conventions { zone, label } = conventions;
        pairs.extend([(ZONE_KEY, zone.to_string()), (LABEL_KEY, label.to_string())]);
    }
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Where the footer of a file of `len` bytes lies that begins and ends so, or what is wrong with it.
pub(crate) fn footer_place(head: &[u8], trailer: &[u8], len: usize) -> Result<Range<usize>, String> {
    let length = match trailer.split_first_chunk() {
        Some((length, end)) if head.starts_with(MAGIC) && end == MAGIC => i32::from_le_bytes(*length),
        _ => return Err("it does not begin and end as an Arrow file does".to_owned()),
    };
    let place = || {
        let end = len.checked_sub(TRAILER)?;
        let start = end.checked_sub(usize::try_from(length).ok()?)?;
        (HEAD..end).contains(&start).then_some(start..end)
    };
    place().ok_or_else(|| format!("its footer claims {length} bytes"))
}

/// Reads bytes as numbers, where alignment and length allow.
pub(crate) fn numbers<T: zerocopy::FromBytes + zerocopy::Immutable>(bytes: &[u8]) -> Option<&[T]>
where
    [T]: zerocopy::KnownLayout,
{
    zerocopy::FromBytes::ref_from_bytes(bytes).ok()
}
