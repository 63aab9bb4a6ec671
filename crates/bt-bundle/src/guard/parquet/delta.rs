//! Lengths in the encoding DELTA_BINARY_PACKED, counted and added up without being kept.
//!
//! [Specification](https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-encoding-delta_binary_packed--5)

/// What a run of lengths comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) count: u64,
    /// The sum of those that are not negative.
    pub(super) sum: u64,
    /// Bytes of the run.
    pub(super) end: usize,
}

/// Why bytes are no lengths.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    TooMany(u64),
    Malformed,
}

/// Adds up the lengths, of which at most `most` are allowed.
///
/// # Complexity
/// Linear in the number of lengths, which may take no bytes at all: equal ones are packed in 0 bits.
pub(super) fn lengths(bytes: &[u8], most: u64) -> Result<Lengths, Unreadable> {
    let mut run = Run { bytes, at: 0 };
    let (block, miniblocks) = (run.varint()?, run.varint()?);
    let count = run.varint()?;
    if count > most {
        return Err(Unreadable::TooMany(count));
    }
    let mut value = zigzag(run.varint()?) as i32;
    let per_miniblock = block.checked_div(miniblocks).filter(|count| count % 8 == 0 && *count > 0);
    let (mut sum, mut left) = (0, count);
    if count > 0 {
        sum += positive(value);
        left -= 1;
    }
    while left > 0 {
        let per_miniblock = per_miniblock.ok_or(Unreadable::Malformed)?;
        let step = zigzag(run.varint()?) as i32;
        for width in run.take(miniblocks)? {
            let packed = left.min(per_miniblock);
            for delta in run.packed(*width, packed, per_miniblock)? {
                value = value.wrapping_add(step).wrapping_add(delta?);
                sum += positive(value);
            }
            left -= packed;
        }
    }
    Ok(Lengths { count, sum, end: run.at.min(bytes.len()) })
}

fn positive(length: i32) -> u64 {
    u64::try_from(length).unwrap_or(0)
}

fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

struct Run<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Run<'a> {
    fn varint(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(Unreadable::Malformed)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unreadable::Malformed)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Unreadable> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = usize::try_from(length).ok().filter(|&length| length <= rest.len());
        let length = length.ok_or(Unreadable::Malformed)?;
        self.at += length;
        Ok(&rest[..length])
    }

    /// The first `count` of a miniblock of `all` values, `width` bits each. Behind the last value a writer may leave out
    /// the rest of the miniblock, and where there is no value the whole of it.
    fn packed(
        &mut self,
        width: u8,
        count: u64,
        all: u64,
    ) -> Result<impl Iterator<Item = Result<i32, Unreadable>> + use<'a>, Unreadable> {
        if width > 32 && count > 0 {
            return Err(Unreadable::Malformed);
        }
        let bytes = self.bytes.get(self.at..).unwrap_or_default();
        if count > 0 {
            let length = usize::try_from(all / 8).ok().and_then(|bytes| bytes.checked_mul(width.into()));
            self.at = self.at.saturating_add(length.ok_or(Unreadable::Malformed)?);
        }
        Ok((0..count).map(move |number| unpack(bytes, width, number)))
    }
}

/// The value of `width` bits with this number; the lowest bits come first.
fn unpack(bytes: &[u8], width: u8, number: u64) -> Result<i32, Unreadable> {
    let first = number.checked_mul(width.into()).ok_or(Unreadable::Malformed)?;
    let last = first + u64::from(width);
    let (from, to) = (first / 8, last.div_ceil(8));
    let bytes = bytes.get(from as usize..to as usize).ok_or(Unreadable::Malformed)?;
    let bits = bytes.iter().rev().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    Ok((bits >> (first % 8) & ((1 << width) - 1)) as u32 as i32)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Encoding;
    use parquet::column::page::Page;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::FileReader;
    use parquet::file::serialized_reader::SerializedFileReader;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn more_lengths_than_values_are_refused_before_they_are_read() {
        // 128 values a block, 4 miniblocks, 2^33 lengths, the first 0; the rest is not there.
        let bytes = [0x80, 0x01, 0x04, 0x80, 0x80, 0x80, 0x80, 0x20, 0x00];
        assert_eq!(lengths(&bytes, 1000), Err(Unreadable::TooMany(1 << 33)));
        assert_eq!(lengths(&bytes, u64::MAX), Err(Unreadable::Malformed));
        assert_eq!(lengths(&[], 10), Err(Unreadable::Malformed));
        assert_eq!(lengths(&[0x80, 0x01, 0x00, 0x02, 0x00], 10), Err(Unreadable::Malformed));
    }

    /// The values of the one page that a writer makes of texts of these lengths.
    fn written(wanted: &[usize]) -> Bytes {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(wanted.iter().map(|&n| "x".repeat(n))));
        let batch = RecordBatch::try_from_iter_with_nullable([("t", texts, false)]).unwrap();
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY)
            .set_data_page_size_limit(usize::MAX)
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let file = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let page = file.get_row_group(0).unwrap().get_column_page_reader(0).unwrap().next().unwrap().unwrap();
        let Page::DataPage { buf, .. } = page else { panic!("{page:?}") };
        buf
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn lengths_add_up_to_the_bytes_that_follow_them(wanted in prop::collection::vec(0_usize..300, 1..400)) {
            let page = written(&wanted);
            let sum: usize = wanted.iter().sum();
            let expected = Lengths { count: wanted.len() as u64, sum: sum as u64, end: page.len() - sum };
            prop_assert_eq!(lengths(&page, wanted.len() as u64), Ok(expected));
            let cut = &page[..page.len() - sum - 1];
            prop_assert!(wanted.len() == 1 || lengths(cut, 400) != lengths(&page, 400));
        }
    }
}
