//! Pages between their decompression and their decoding.
//!
//! Some encodings say only in the page's content how much they will give. That is checked here, page by page.

use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

use super::chunks::Limits;
use super::delta;

/// All row groups of a file, with their pages checked.
pub(super) struct CheckedGroups<R> {
    input: Arc<R>,
    metadata: Arc<ParquetMetaData>,
    bounds: Bounds,
}

impl<R> CheckedGroups<R> {
    pub(super) fn new(input: Arc<R>, metadata: Arc<ParquetMetaData>, limits: &Limits) -> Self {
        Self { input, metadata, bounds: Bounds::of(limits) }
    }
}

impl<R: ChunkReader + 'static> RowGroups for CheckedGroups<R> {
    fn num_rows(&self) -> usize {
        self.metadata.row_groups().iter().map(|group| group.num_rows() as usize).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let groups = 0..self.metadata.num_row_groups();
        let (input, metadata) = (Arc::clone(&self.input), Arc::clone(&self.metadata));
        Ok(Box::new(Chunks { input, metadata, column, groups, bounds: self.bounds }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The chunks of a column, one for each row group.
struct Chunks<R> {
    input: Arc<R>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    groups: std::ops::Range<usize>,
    bounds: Bounds,
}

impl<R: ChunkReader + 'static> Chunks<R> {
    fn pages(&self, group: usize) -> Result<Box<dyn PageReader>> {
        let group = self.metadata.row_group(group);
        let chunk = group.column(self.column);
        let rows = usize::try_from(group.num_rows())?;
        let pages = SerializedPageReader::new(Arc::clone(&self.input), chunk, rows, None)?;
        Ok(Box::new(CheckedPages { pages, column: chunk.column_descr_ptr(), bounds: self.bounds }))
    }
}

impl<R: ChunkReader + 'static> Iterator for Chunks<R> {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.groups.next().map(|group| self.pages(group))
    }
}

impl<R: ChunkReader + 'static> PageIterator for Chunks<R> {}

/// The pages of a chunk.
struct CheckedPages<R: ChunkReader> {
    pages: SerializedPageReader<R>,
    column: ColumnDescPtr,
    bounds: Bounds,
}

impl<R: ChunkReader> Iterator for CheckedPages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for CheckedPages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.bounds.check(page, &self.column)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

/// What the values of a page may come to.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Bytes of the texts of a page, or of a batch of rows.
    texts: u64,
    /// Lengths that a page holds.
    lengths: u64,
    /// Rows of a batch.
    rows: u64,
}

impl Bounds {
    /// Texts of 32-bit offsets end at 2 GiB by themselves, those of 64 bits nowhere.
    const LEAST_TEXTS: u64 = 2 << 30;
    const BYTES_OF_A_LENGTH: u64 = 8;

    fn of(limits: &Limits) -> Self {
        Self {
            texts: limits.pages.max(Self::LEAST_TEXTS),
            lengths: limits.pages / Self::BYTES_OF_A_LENGTH,
            rows: limits.batch,
        }
    }

    fn check(&self, page: &Page, column: &ColumnDescriptor) -> Result<()> {
        match page {
            Page::DictionaryPage { buf, num_values, .. } if column.physical_type() == Type::BYTE_ARRAY => {
                self.check_entries(buf, *num_values)
            }
            Page::DataPage { encoding, num_values, .. } | Page::DataPageV2 { encoding, num_values, .. } => {
                self.check_lengths(*encoding, values(page, column)?, *num_values)
            }
            Page::DictionaryPage { .. } => Ok(()),
        }
    }

    /// Each row of a batch may be the longest entry of a dictionary.
    fn check_entries(&self, mut entries: &[u8], count: u32) -> Result<()> {
        let mut longest = 0;
        for _ in 0..count {
            let (length, rest) = entries.split_first_chunk().ok_or_else(|| damaged(SHORT_DICTIONARY))?;
            let length = u32::from_le_bytes(*length);
            entries = rest.get(length as usize..).ok_or_else(|| damaged(SHORT_DICTIONARY))?;
            longest = longest.max(u64::from(length));
        }
        if longest.saturating_mul(self.rows) > self.texts {
            return Err(damaged("a dictionary holds an entry that is too long for a batch of rows"));
        }
        Ok(())
    }

    /// Lengths that stand before the texts are decoded at once, and a text may repeat the one before it.
    fn check_lengths(&self, encoding: Encoding, values: &[u8], count: u32) -> Result<()> {
        let runs = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
            Encoding::DELTA_BYTE_ARRAY => 2,
            _ => return Ok(()),
        };
        let (mut rest, mut sum) = (values, 0);
        for _ in 0..runs {
            let lengths = delta::lengths(rest, u64::from(count).min(self.lengths)).map_err(unreadable)?;
            rest = &rest[lengths.end..];
            sum += lengths.sum;
        }
        if sum > self.texts { Err(damaged("the texts of a page are too long")) } else { Ok(()) }
    }
}

const SHORT_DICTIONARY: &str = "a dictionary holds fewer entries than its page declares";

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(format!("damaged: {what}"))
}

fn unreadable(why: delta::Unreadable) -> ParquetError {
    match why {
        delta::Unreadable::TooMany(count) => {
            damaged(&format!("a page holds {count} lengths, more than values"))
        }
        delta::Unreadable::Malformed => damaged("a page holds unreadable lengths"),
    }
}

/// The bytes of a data page after its levels.
fn values<'a>(page: &'a Page, column: &ColumnDescriptor) -> Result<&'a [u8]> {
    let no_levels = || damaged("the levels of a page are longer than the page");
    match page {
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let levels = [
                (column.max_rep_level(), *rep_level_encoding),
                (column.max_def_level(), *def_level_encoding),
            ];
            let mut rest = buf.as_ref();
            for (most, encoding) in levels.into_iter().filter(|&(most, _)| most > 0) {
                rest = after_levels(rest, most, encoding, *num_values).ok_or_else(no_levels)?;
            }
            Ok(rest)
        }
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
            usize::try_from(levels).ok().and_then(|levels| buf.get(levels..)).ok_or_else(no_levels)
        }
        Page::DictionaryPage { buf, .. } => Ok(buf),
    }
}

fn after_levels(bytes: &[u8], most: i16, encoding: Encoding, count: u32) -> Option<&[u8]> {
    if encoding == Encoding::RLE {
        let (length, rest) = bytes.split_first_chunk()?;
        return rest.get(u32::from_le_bytes(*length) as usize..);
    }
    // Packed in as many bits as the greatest level has; the only other encoding that readers know.
    let bits = u64::from(i16::BITS - most.leading_zeros()) * u64::from(count);
    bytes.get(usize::try_from(bits.div_ceil(8)).ok()?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { texts: 1000, lengths: 100, rows: 10 };

    #[test]
    fn a_dictionary_must_hold_its_entries_and_none_may_be_too_long_for_a_batch() {
        let entry = |length: u32| [length.to_le_bytes().to_vec(), vec![b'x'; length as usize]].concat();
        let two = [entry(100), entry(0)].concat();
        assert!(BOUNDS.check_entries(&two, 2).is_ok());
        assert!(BOUNDS.check_entries(&two, 3).is_err());
        assert!(BOUNDS.check_entries(&two[..two.len() - 1], 2).is_err());
        assert!(BOUNDS.check_entries(&u32::MAX.to_le_bytes(), 1).is_err());
        let long = BOUNDS.check_entries(&entry(101), 1).unwrap_err().to_string();
        assert!(long.contains("an entry that is too long for a batch"), "{long}");
    }

    #[test]
    fn texts_that_repeat_each_other_are_added_up_before_they_are_built() {
        // 128 lengths a block, 1 miniblock, 40 lengths of 50 each: the first is 50 and all steps are 0.
        let run = [0x80, 0x01, 0x01, 0x28, 0x64, 0x00, 0x00];
        let texts = [run.as_slice(), &run].concat();
        let check = |encoding, count| BOUNDS.check_lengths(encoding, &texts, count);
        assert!(check(Encoding::DELTA_BYTE_ARRAY, 40).unwrap_err().to_string().contains("too long"));
        assert!(check(Encoding::DELTA_BYTE_ARRAY, 39).unwrap_err().to_string().contains("40 lengths"));
        assert!(check(Encoding::PLAIN, 40).is_ok());
    }

    #[test]
    fn levels_are_left_out_as_they_are_encoded() {
        #[expect(deprecated, reason = "old files have it")]
        let packed = Encoding::BIT_PACKED;
        let bytes = [2, 0, 0, 0, 7, 7, 9];
        assert_eq!(after_levels(&bytes, 1, Encoding::RLE, 8), Some([9].as_slice()));
        assert_eq!(after_levels(&bytes, 1, packed, 41), Some([9].as_slice()));
        assert_eq!(after_levels(&bytes, 3, packed, 24), Some([9].as_slice()));
        assert_eq!(after_levels(&bytes[..5], 1, Encoding::RLE, 8), None);
        assert_eq!(after_levels(&bytes, 1, packed, u32::MAX), None);
    }
}
