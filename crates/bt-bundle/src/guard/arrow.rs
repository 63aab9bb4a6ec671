//! Arrow IPC files (Feather, version 2) of others: checked, then read by the crate `arrow-ipc`.
//!
//! The footer and the metadata of every block are verified as flatbuffers; then blocks must lie between the file's ends,
//! buffers inside their blocks, and no compressed buffer may declare more than its bytes can give.
//!
//! [Specification](https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format)

mod damage;

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileReader, FileReaderBuilder, read_footer_length};
use arrow_ipc::{Block, Buffer, CompressionType, Message, root_as_footer, root_as_message};
use arrow_schema::{Schema, SchemaRef};
use bt_core::{Error, Result};

use super::{Guarded, caught};
use crate::{FileFault, Finding};
use damage::{BlockFault, Damage};

/// A file that is checked.
pub(crate) struct ArrowInput<R> {
    path: PathBuf,
    input: R,
    schema: SchemaRef,
}

impl<R: Read + Seek> ArrowInput<R> {
    /// What the buffers of a block may always take, decoded.
    const LEAST_BUDGET: u64 = 256 << 20;

    /// Checks `input`, the content of the file at `path`.
    ///
    /// `budget` is how many bytes the compressed buffers of a block may give together; less than 256 MiB means that.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) with the path for what is no Arrow file, or a damaged one.
    ///
    /// # Complexity
    /// Reads the metadata of each block and the first 8 bytes of each compressed buffer.
    pub(crate) fn open(path: &Path, mut input: R, budget: usize) -> Result<Self> {
        let allowed = (budget as u64).max(Self::LEAST_BUDGET);
        let checked = caught(|| Check { input: &mut input, allowed }.file());
        let schema = checked.map_err(Damage::from).and_then(|schema| schema);
        let schema = schema.map_err(|damage| refused(path, &damage))?.into();
        Ok(Self { path: path.to_owned(), input, schema })
    }

    /// The columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads the columns of these numbers, ascending, `None` for all; batches are those of the file.
    ///
    /// # Errors
    /// As [`open`](Self::open); the batches fail so, too.
    pub(crate) fn read(self, columns: Option<Vec<usize>>) -> Result<ArrowBatches<R>> {
        let Self { path, input, .. } = self;
        let builder = FileReaderBuilder::new();
        let builder = match columns {
            Some(columns) => builder.with_projection(columns),
            None => builder,
        };
        let reader = caught(move || builder.build(input)).map_err(Damage::from);
        let reader = reader.and_then(|reader| reader.map_err(Damage::from));
        let reader = Guarded::new(reader.map_err(|damage| refused(&path, &damage))?);
        Ok(ArrowBatches { path, reader })
    }
}

/// The rows of a file.
pub(crate) struct ArrowBatches<R> {
    path: PathBuf,
    reader: Guarded<FileReader<R>>,
}

impl<R: Read + Seek> Iterator for ArrowBatches<R> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.reader.next()?;
        Some(next.map_err(|damage: Damage| refused(&self.path, &damage)))
    }
}

#[cold]
fn refused(path: &Path, damage: &Damage) -> Error {
    Finding::of_file(path, FileFault::Damaged { reason: damage.to_string() }).into()
}

/// `ARROW1` and two bytes before the data; the length of the footer and `ARROW1` behind it.
const HEAD: u64 = 8;
const TAIL: u64 = 10;
const MAGIC: &[u8; 6] = b"ARROW1";

struct Check<'a, R> {
    input: &'a mut R,
    /// Bytes that the buffers of a block may give.
    allowed: u64,
}

impl<R: Read + Seek> Check<'_, R> {
    fn file(&mut self) -> Result<Schema, Damage> {
        let file = self.input.seek(SeekFrom::End(0))?;
        let end = file.checked_sub(TAIL).filter(|&end| end >= HEAD).ok_or(Damage::Short(file))?;
        if !self.bytes(0, HEAD)?.starts_with(MAGIC) {
            return Err(Damage::Magic);
        }
        let mut tail = [0; TAIL as usize];
        tail.copy_from_slice(&self.bytes(end, TAIL)?);
        let length = read_footer_length(tail)? as u64;
        let most = (end - HEAD).min(self.allowed);
        let start = end
            - Some(length).filter(|&length| length <= most).ok_or(Damage::FooterLength { length, most })?;
        let bytes = self.bytes(start, length)?;
        let footer = root_as_footer(&bytes).map_err(|fault| Damage::footer(&fault))?;
        let schema = try_fb_to_schema(footer.schema().ok_or(Damage::NoSchema)?)?;
        let blocks =
            footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
        for (number, block) in blocks.enumerate() {
            self.block(block, &(HEAD..start)).map_err(|fault| fault.at(number))?;
        }
        Ok(schema)
    }

    fn block(&mut self, block: &Block, data: &Range<u64>) -> Result<(), Fault> {
        let (start, metadata, body) = place(block, data)?;
        let bytes = self.bytes(start, metadata)?;
        let message = message(&bytes)?;
        let batch = match (message.header_as_record_batch(), message.header_as_dictionary_batch()) {
            (Some(batch), _) => batch,
            (_, Some(dictionary)) => dictionary.data().ok_or(BlockFault::Header)?,
            _ => return Err(BlockFault::Header.into()),
        };
        let nodes = batch.nodes().into_iter().flatten();
        let counts = nodes.flat_map(|node| [node.length(), node.null_count()]).chain([batch.length()]);
        if let Some(count) = counts.into_iter().find(|count| !(0..=MOST_ROWS).contains(count)) {
            return Err(BlockFault::Count(count).into());
        }
        let expansion = batch.compression().map(|compression| most_expansion(compression.codec()));
        let mut decoded = 0_u64;
        for buffer in batch.buffers().into_iter().flatten() {
            let inside = inside(buffer, body)?;
            let at = start + metadata + inside.start;
            let length = inside.end - inside.start;
            decoded = decoded.saturating_add(match expansion {
                Some(expansion) => self.decoded(at, length, expansion)?,
                None => length,
            });
        }
        // Buffers that are not compressed are those of the block, unless they overlap.
        let allowed = self.allowed.max(body);
        if decoded > allowed { Err(BlockFault::TooLarge { decoded, allowed }.into()) } else { Ok(()) }
    }

    /// What a compressed buffer says to give: 8 bytes before its content, −1 where that is not compressed.
    fn decoded(&mut self, at: u64, length: u64, expansion: u64) -> Result<u64, Fault> {
        const PREFIX: u64 = 8;
        if length == 0 {
            return Ok(0);
        }
        let content = length.checked_sub(PREFIX).ok_or(BlockFault::Buffer { at, says: None, allowed: 0 })?;
        let mut prefix = [0; PREFIX as usize];
        prefix.copy_from_slice(&self.bytes(at, PREFIX)?);
        let says = i64::from_le_bytes(prefix);
        let allowed = content.saturating_mul(expansion);
        match u64::try_from(says) {
            Ok(size) if size <= allowed => Ok(size),
            _ if says == -1 => Ok(content),
            _ => Err(BlockFault::Buffer { at, says: Some(says), allowed }.into()),
        }
    }

    /// Bytes that lie in the file, as was checked.
    fn bytes(&mut self, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.input.seek(SeekFrom::Start(start))?;
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// More rows than any batch has, and few enough that no size of them overflows.
const MOST_ROWS: i64 = 1 << 40;

/// The most bytes that one byte can stand for: see the codecs of Parquet.
fn most_expansion(codec: CompressionType) -> u64 {
    if codec == CompressionType::LZ4_FRAME { 255 } else { 32 << 10 }
}

/// Where a block begins, and how long its metadata and its body are.
fn place(block: &Block, data: &Range<u64>) -> Result<(u64, u64, u64), BlockFault> {
    let (start, metadata, body) = (block.offset(), block.metaDataLength(), block.bodyLength());
    let outside = || BlockFault::Outside { start, metadata, body, data: data.clone() };
    let number = |number: i64| u64::try_from(number).map_err(|_| outside());
    let (from, head, rest) = (number(start)?, number(metadata.into())?, number(body)?);
    let end = from.checked_add(head).and_then(|end| end.checked_add(rest));
    let is_inside = from >= data.start && head >= HEAD && end.is_some_and(|end| end <= data.end);
    if is_inside { Ok((from, head, rest)) } else { Err(outside()) }
}

/// The message behind its length, which older files write without a mark before it.
fn message(bytes: &[u8]) -> Result<Message<'_>, BlockFault> {
    const MARK: [u8; 4] = [0xff; 4];
    let prefix = if bytes.starts_with(&MARK) { 8 } else { 4 };
    root_as_message(bytes.get(prefix..).unwrap_or_default()).map_err(|fault| BlockFault::metadata(&fault))
}

fn inside(buffer: &Buffer, body: u64) -> Result<Range<u64>, BlockFault> {
    let (start, length) = (buffer.offset(), buffer.length());
    let range = u64::try_from(start).ok().zip(u64::try_from(length).ok());
    let range = range.and_then(|(start, length)| Some(start..start.checked_add(length)?));
    range.filter(|range| range.end <= body).ok_or(BlockFault::Slice { start, length, body })
}

/// A fault of a block, or of reading it.
enum Fault {
    Block(BlockFault),
    Other(Damage),
}

impl Fault {
    fn at(self, block: usize) -> Damage {
        match self {
            Self::Block(fault) => Damage::Block { block, fault },
            Self::Other(damage) => damage,
        }
    }
}

impl From<BlockFault> for Fault {
    fn from(fault: BlockFault) -> Self {
        Self::Block(fault)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

#[cfg(test)]
mod tests;
