//! Column chunks: where they say that they are, and what their pages declare.

use std::ops::Range;

use parquet::basic::{Compression, Type};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::codec::most_expansion;
use super::damage::{ChunkFault, Damage};
use super::page::{PageHeader, Values, ValuesV2, kind};
use super::thrift::Malformed;
use crate::guard::legible;

/// Characters of a name or path that an error cites.
const NAME: usize = 100;

/// What a file may not exceed.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Where column chunks may lie.
    pub(super) data: Range<u64>,
    /// Bytes of a row group's largest pages, decoded, which are in memory at the same time.
    pub(super) pages: u64,
    /// Rows of a batch.
    pub(super) batch: u64,
}

/// Checks the column chunks that are read, by number of the leaf column, before any of them is decoded.
///
/// # Complexity
/// One small read for each page; the pages themselves are not read.
pub(super) fn check(
    input: &impl ChunkReader,
    metadata: &ParquetMetaData,
    is_read: impl Fn(usize) -> bool,
    limits: &Limits,
) -> Result<(), Damage> {
    for (group, row_group) in metadata.row_groups().iter().enumerate() {
        let mut bytes = 0_u64;
        for (_, chunk) in row_group.columns().iter().enumerate().filter(|(leaf, _)| is_read(*leaf)) {
            let checked = Chunk { input, chunk, limits }.check(row_group);
            let largest = checked.map_err(|fault| fault.at(group, chunk))?;
            bytes = bytes.saturating_add(largest);
        }
        if bytes > limits.pages {
            return Err(Damage::TooLarge { group, bytes, allowed: limits.pages });
        }
    }
    Ok(())
}

/// A fault of a chunk, or of reading it.
enum Fault {
    Chunk(ChunkFault),
    Other(Damage),
}

impl Fault {
    fn at(self, group: usize, chunk: &ColumnChunkMetaData) -> Damage {
        match self {
            Self::Chunk(fault) => {
                Damage::Chunk { group, column: legible(&chunk.column_path().string(), NAME), fault }
            }
            Self::Other(damage) => damage,
        }
    }
}

impl From<ChunkFault> for Fault {
    fn from(fault: ChunkFault) -> Self {
        Self::Chunk(fault)
    }
}

struct Chunk<'a, R> {
    input: &'a R,
    chunk: &'a ColumnChunkMetaData,
    limits: &'a Limits,
}

impl<R: ChunkReader> Chunk<'_, R> {
    /// The bytes of the dictionary and of the largest other page, decoded.
    fn check(&self, group: &RowGroupMetaData) -> Result<u64, Fault> {
        if let Some(path) = self.chunk.file_path().filter(|path| !path.is_empty()) {
            return Err(ChunkFault::Elsewhere(legible(path, NAME)).into());
        }
        self.check_rows(group)?;
        self.check_width(group)?;
        let mut rest = self.range()?;
        let mut pages = Pages::default();
        while !rest.is_empty() {
            let at = rest.start;
            let (header, length) = self.header(&rest)?;
            rest.start += length;
            let page = Page { at, header, chunk: self.chunk, is_first: at == self.start() };
            rest.start += page.check(rest.end - rest.start, &mut pages)?;
        }
        let declared = self.chunk.num_values();
        if u64::try_from(declared) != Ok(pages.values) {
            return Err(ChunkFault::Values { pages: pages.values, declared }.into());
        }
        Ok(pages.dictionary.saturating_add(pages.largest))
    }

    /// A column without lists has a value, or a null, for each row; others have one at least.
    fn check_rows(&self, group: &RowGroupMetaData) -> Result<(), ChunkFault> {
        let (values, rows) = (self.chunk.num_values(), group.num_rows());
        let agree = match self.chunk.column_descr().max_rep_level() {
            0 => values == rows,
            _ => values >= rows,
        };
        if agree && rows >= 0 { Ok(()) } else { Err(ChunkFault::Rows { values, rows }) }
    }

    /// Nulls take room, too, so a batch of fixed-length values is as wide as the schema says.
    fn check_width(&self, group: &RowGroupMetaData) -> Result<(), ChunkFault> {
        let descriptor = self.chunk.column_descr();
        if descriptor.physical_type() != Type::FIXED_LEN_BYTE_ARRAY {
            return Ok(());
        }
        let (width, allowed) = (descriptor.type_length(), self.limits.pages);
        let rows = group.num_rows().unsigned_abs().min(self.limits.batch);
        let bytes = u64::try_from(width).ok().and_then(|width| width.checked_mul(rows));
        match bytes.is_some_and(|bytes| bytes <= allowed) {
            true => Ok(()),
            false => Err(ChunkFault::Width { width, rows, allowed }),
        }
    }

    fn first_byte(&self) -> i64 {
        self.chunk.dictionary_page_offset().unwrap_or(self.chunk.data_page_offset())
    }

    fn start(&self) -> u64 {
        self.first_byte().unsigned_abs()
    }

    /// Where the chunk lies. One without pages lies nowhere, whatever it says.
    fn range(&self) -> Result<Range<u64>, ChunkFault> {
        let (start, length) = (self.first_byte(), self.chunk.compressed_size());
        let data = &self.limits.data;
        let range = match (u64::try_from(start), u64::try_from(length)) {
            (Ok(start), Ok(length)) => start.checked_add(length).map(|end| start..end),
            _ => None,
        };
        let inside =
            |range: &Range<u64>| range.is_empty() || (range.start >= data.start && range.end <= data.end);
        range.filter(inside).ok_or(ChunkFault::Outside { start, length, data: data.clone() })
    }

    /// The header at the beginning of what is left of the chunk, and its length.
    fn header(&self, rest: &Range<u64>) -> Result<(PageHeader, u64), Fault> {
        // Most headers have some 30 bytes; statistics of long texts may make one as long as they are.
        const FIRST_READ: u64 = 256;
        let left = rest.end - rest.start;
        let mut length = FIRST_READ.min(left);
        loop {
            let bytes = self.input.get_bytes(rest.start, length as usize);
            let bytes = bytes.map_err(|error| Fault::Other(error.into()))?;
            match PageHeader::read(&bytes, rest.start) {
                Err(ChunkFault::Header { malformed: Malformed::Ended, .. }) if length < left => {
                    length = (length * 8).min(left);
                }
                read => return Ok(read?),
            }
        }
    }
}

/// What the pages of a chunk add up to.
#[derive(Default)]
struct Pages {
    values: u64,
    /// Bytes of the dictionary.
    dictionary: u64,
    /// Bytes of the largest other page.
    largest: u64,
}

struct Page<'a> {
    /// The byte at which its header begins.
    at: u64,
    header: PageHeader,
    chunk: &'a ColumnChunkMetaData,
    is_first: bool,
}

impl Page<'_> {
    /// The bytes after the header, of which `left` are left in the chunk.
    fn check(&self, left: u64, pages: &mut Pages) -> Result<u64, ChunkFault> {
        let compressed = self.number("compressed size", self.header.compressed, left)?;
        let missing = |what| ChunkFault::Missing { at: self.at, what };
        match self.header.kind {
            kind::DATA => {
                let data = self.header.data.ok_or(missing("DataPageHeader"))?;
                let bytes = self.decoded(compressed, true)?;
                self.count(data.values, bytes, pages)?;
            }
            kind::DATA_V2 => {
                let data = self.header.data_v2.ok_or(missing("DataPageHeaderV2"))?;
                let bytes = self.decoded(compressed, data.is_compressed)?;
                self.check_v2(&data, compressed.min(bytes))?;
                self.count(data.values, bytes, pages)?;
            }
            kind::DICTIONARY if !self.is_first => return Err(ChunkFault::LateDictionary { at: self.at }),
            kind::DICTIONARY => {
                let dictionary = self.header.dictionary.ok_or(missing("DictionaryPageHeader"))?;
                pages.dictionary = self.decoded(compressed, true)?;
                self.check_dictionary(dictionary, pages.dictionary)?;
            }
            // The reader skips it.
            kind::INDEX => {}
            found => return Err(ChunkFault::PageType { at: self.at, found }),
        }
        Ok(compressed)
    }

    /// Bytes of the decoded page.
    fn decoded(&self, compressed: u64, is_compressed: bool) -> Result<u64, ChunkFault> {
        let codec = self.chunk.compression();
        if !is_compressed || codec == Compression::UNCOMPRESSED {
            // It is used as it is, whatever size it declares.
            return Ok(compressed);
        }
        let allowed = most_expansion(codec).map_or(u64::MAX, |factor| compressed.saturating_mul(factor));
        self.number("size", self.header.uncompressed, allowed)
    }

    fn count(&self, values: i64, bytes: u64, pages: &mut Pages) -> Result<(), ChunkFault> {
        let left = self.chunk.num_values().unsigned_abs().saturating_sub(pages.values);
        pages.values += self.number("number of values", values, left)?;
        pages.largest = pages.largest.max(bytes);
        Ok(())
    }

    fn check_v2(&self, data: &ValuesV2, bytes: u64) -> Result<(), ChunkFault> {
        let values = data.values.unsigned_abs();
        self.number("number of nulls", data.nulls, values)?;
        self.number("number of rows", data.rows, values)?;
        let repetition = self.number("length of repetition levels", data.repetition_levels, bytes)?;
        self.number("length of definition levels", data.definition_levels, bytes - repetition)?;
        Ok(())
    }

    /// A dictionary holds its values one after the other, so it has room for only so many.
    fn check_dictionary(&self, dictionary: Values, bytes: u64) -> Result<(), ChunkFault> {
        let descriptor = self.chunk.column_descr();
        let bits = match descriptor.physical_type() {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 32,
            Type::INT64 | Type::DOUBLE => 64,
            Type::INT96 => 96,
            Type::FIXED_LEN_BYTE_ARRAY => 8 * u64::from(descriptor.type_length().unsigned_abs()),
        };
        let allowed = bytes.saturating_mul(8).checked_div(bits).unwrap_or(1);
        self.number("number of dictionary entries", dictionary.values, allowed).map(drop)
    }

    /// A declared number, unless it is negative or more than `allowed`.
    fn number(&self, what: &'static str, value: i64, allowed: u64) -> Result<u64, ChunkFault> {
        let number = u64::try_from(value).ok().filter(|&number| number <= allowed);
        number.ok_or(ChunkFault::Number { at: self.at, what, value, allowed })
    }
}
