//! Reads where things lie in an Arrow IPC file, trusting nothing that it reads.
//!
//! Every number is checked against the file's length before it is used, the metadata goes through the FlatBuffers
//! verifier, and what is allocated is proportional to metadata that is really there.

use std::ops::Range;

use arrow_ipc::{Block, Endianness, MetadataVersion, Precision, TimeUnit, Type};
use bt_core::{Error, ErrorKind, Result};
use flatbuffers::VerifierOptions;

use super::{CONTINUATION, TRAILER, footer_place};

/// What the footer of a file says.
pub(crate) struct Table {
    /// The schema's metadata.
    pub(crate) metadata: Vec<(String, String)>,
    /// Its arrays, depth first: a list is followed by its items.
    pub(crate) columns: Vec<Column>,
    /// The columns' names, one behind the other.
    names: String,
    pub(crate) batches: Vec<Batch>,
}

/// One array of the schema.
pub(crate) struct Column {
    name: Range<usize>,
    pub(crate) kind: Kind,
    /// Its place among the buffers of a batch.
    first_buffer: usize,
}

/// The types that bundles are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Float64,
    /// Nanoseconds, UTC.
    Timestamp,
    Int32,
    UInt8,
    UInt32,
    UInt64,
    /// Text with 32-bit offsets.
    Utf8,
    /// Text with 64-bit offsets.
    LargeUtf8,
    /// Fixed-size binary of 32 bytes.
    Digest,
    /// A list with 64-bit offsets.
    LargeList,
    /// Keys of 32 bits, signed or not, into a dictionary of text.
    Dictionary,
    /// Something with a validity and one buffer of values that no column of a bundle has.
    Other,
}

impl Kind {
    fn buffers(self) -> usize {
        if matches!(self, Self::Utf8 | Self::LargeUtf8) { 3 } else { 2 }
    }
}

/// One record batch: where its buffers lie in the file.
pub(crate) struct Batch {
    pub(crate) rows: usize,
    /// Length and nulls of each array, in the order of the columns.
    arrays: Vec<(usize, usize)>,
    buffers: Vec<Range<usize>>,
}

impl Table {
    /// Reads the footer of a whole file. `what` names it in errors.
    pub(crate) fn read(file: &[u8], what: &str) -> Result<Self> {
        read(file).map_err(|problem| problem.of(what))
    }

    /// The value of a key of the schema's metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The number of the column with this name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| self.names[column.name.clone()] == *name)
    }

    /// The name of a column.
    pub(crate) fn name(&self, column: usize) -> &str {
        &self.names[self.columns[column].name.clone()]
    }
}

impl Batch {
    /// The length of an array and the place of its values, or its text's or items' offsets.
    pub(crate) fn values(&self, columns: &[Column], column: usize) -> (usize, Range<usize>) {
        (self.arrays[column].0, self.buffers[columns[column].first_buffer + 1].clone())
    }

    /// The place of a text column's bytes.
    pub(crate) fn text(&self, columns: &[Column], column: usize) -> Range<usize> {
        self.buffers[columns[column].first_buffer + 2].clone()
    }

    pub(crate) fn nulls(&self, column: usize) -> usize {
        self.arrays[column].1
    }
}

enum Problem {
    Damaged(String),
    /// A format version of the future.
    Format(String),
    Unsupported(&'static str),
}

impl From<flatbuffers::InvalidFlatbuffer> for Problem {
    fn from(error: flatbuffers::InvalidFlatbuffer) -> Self {
        // The verifier's trace fills a page; its first line says what is wrong.
        Self::Damaged(error.to_string().lines().next().unwrap_or("its metadata is invalid").to_owned())
    }
}

impl Problem {
    fn of(self, what: &str) -> Error {
        match self {
            Self::Damaged(reason) => Error::corrupt(what, reason),
            Self::Format(found) => {
                ErrorKind::UnsupportedFormat { what: what.to_owned(), found, supported: super::SUPPORTED }
                    .into()
            }
            // A flipped bit makes it, or another program that wrote the file.
            Self::Unsupported(feature) => Error::corrupt(
                what,
                format!(
                    "it has {feature}; a bundle's files are uncompressed, little-endian and without nulls"
                ),
            ),
        }
    }
}

fn damaged<T>(reason: &str) -> Result<T, Problem> {
    Err(Problem::Damaged(reason.to_owned()))
}

/// The offsets and the text of a file's one dictionary.
pub(crate) fn dictionary<'a>(file: &'a [u8], what: &str) -> Result<(&'a [i32], &'a str)> {
    let places = || {
        let footer = footer(file)?;
        let blocks = footer.dictionaries();
        let mut blocks = blocks.iter().flatten();
        let (Some(block), None) = (blocks.next(), blocks.next()) else {
            return damaged("it does not have exactly one dictionary");
        };
        let values = [Column { name: 0..0, kind: Kind::Utf8, first_buffer: 0 }];
        let batch = read_batch(file, block, &values, |message| message.header_as_dictionary_batch()?.data())?;
        let ends = super::numbers(&file[batch.values(&values, 0).1]);
        let text = std::str::from_utf8(&file[batch.text(&values, 0)]).ok();
        ends.zip(text).ok_or_else(|| Problem::Damaged("its dictionary cannot be read".to_owned()))
    };
    places().map_err(|problem| problem.of(what))
}

fn footer(file: &[u8]) -> Result<arrow_ipc::Footer<'_>, Problem> {
    let footer_bytes = footer_bytes(file)?;
    Ok(arrow_ipc::root_as_footer_with_opts(&options(footer_bytes), footer_bytes)?)
}

/// A flatbuffer that unfolds to more than this shares parts in order to grow in memory.
fn options(flatbuffer: &[u8]) -> VerifierOptions {
    VerifierOptions { max_apparent_size: flatbuffer.len().saturating_mul(2), ..Default::default() }
}

fn read(file: &[u8]) -> Result<Table, Problem> {
    let footer = footer(file)?;
    if !matches!(footer.version(), MetadataVersion::V4 | MetadataVersion::V5) {
        return Err(Problem::Unsupported("a metadata version before V4"));
    }
    let Some(schema) = footer.schema() else { return damaged("its footer has no schema") };
    if schema.endianness() != Endianness::Little {
        return Err(Problem::Unsupported("big-endian values"));
    }
    let mut budget = Budget(file.len() / 2);
    let (mut columns, mut names, mut metadata) = (Vec::new(), String::new(), Vec::new());
    for pair in schema.custom_metadata().iter().flatten() {
        let (key, value) = (pair.key().unwrap_or_default(), pair.value().unwrap_or_default());
        budget.take(key.len() + value.len() + size_of::<(String, String)>())?;
        if key == super::FORMAT_KEY && !super::FORMATS.contains(&value) {
            return Err(Problem::Format(value.chars().take(100).collect()));
        }
        metadata.push((key.to_owned(), value.to_owned()));
    }
    for field in schema.fields().iter().flatten() {
        push_column(&mut columns, &mut names, &mut budget, field, 0)?;
    }
    let batches = read_batches(file, footer, &columns)?;
    Ok(Table { metadata, columns, names, batches })
}

/// What may still be allocated for names: parts of a flatbuffer can be shared, and unfold to more than the file.
struct Budget(usize);

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        match self.0.checked_sub(bytes) {
            Some(left) => self.0 = left,
            None => return damaged("its schema unfolds to more than the file holds"),
        }
        Ok(())
    }
}

/// Between the end of the last message and the footer's length.
fn footer_bytes(file: &[u8]) -> Result<&[u8], Problem> {
    let trailer = file.last_chunk::<TRAILER>().map_or(&[][..], |trailer| trailer);
    footer_place(file, trailer, file.len()).map(|place| &file[place]).map_err(Problem::Damaged)
}

fn push_column(
    columns: &mut Vec<Column>,
    names: &mut String,
    budget: &mut Budget,
    field: arrow_ipc::Field<'_>,
    depth: usize,
) -> Result<(), Problem> {
    let first_buffer = columns.last().map_or(0, |last| last.first_buffer + last.kind.buffers());
    let kind = kind(field)?;
    let name = field.name().unwrap_or_default();
    budget.take(name.len() + size_of::<Column>())?;
    names.push_str(name);
    let name = names.len() - name.len()..names.len();
    columns.push(Column { name, kind, first_buffer });
    let children = field.children().filter(|_| field.dictionary().is_none());
    let children = children.iter().flatten();
    if depth == 0 && kind == Kind::LargeList {
        return children.take(1).try_for_each(|child| push_column(columns, names, budget, child, 1));
    }
    if children.count() == 0 { Ok(()) } else { Err(Problem::Unsupported("nested columns")) }
}

fn kind(field: arrow_ipc::Field<'_>) -> Result<Kind, Problem> {
    if let Some(dictionary) = field.dictionary() {
        let keys = dictionary.indexType().map_or(32, |keys| keys.bitWidth());
        return if keys == 32 {
            Ok(Kind::Dictionary)
        } else {
            Err(Problem::Unsupported("keys not of 32 bits"))
        };
    }
    Ok(match field.type_type() {
        Type::FloatingPoint if is_double(field) => Kind::Float64,
        Type::Timestamp if is_utc_nanos(field) => Kind::Timestamp,
        Type::Int => field.type_as_int().map_or(Kind::Other, |int| integer(int.bitWidth(), int.is_signed())),
        Type::FixedSizeBinary if field.type_as_fixed_size_binary().is_some_and(|t| t.byteWidth() == 32) => {
            Kind::Digest
        }
        Type::Utf8 => Kind::Utf8,
        Type::LargeUtf8 => Kind::LargeUtf8,
        Type::LargeList => Kind::LargeList,
        Type::FloatingPoint | Type::Timestamp | Type::Date | Type::Time | Type::Decimal | Type::Bool => {
            Kind::Other
        }
        _ => return Err(Problem::Unsupported("a column of a type that bundles do not have")),
    })
}

fn is_double(field: arrow_ipc::Field<'_>) -> bool {
    field.type_as_floating_point().is_some_and(|float| float.precision() == Precision::DOUBLE)
}

fn is_utc_nanos(field: arrow_ipc::Field<'_>) -> bool {
    let utc = |zone: Option<&str>| matches!(zone, Some("UTC" | "Etc/UTC" | "+00:00" | "Z"));
    field.type_as_timestamp().is_some_and(|time| time.unit() == TimeUnit::NANOSECOND && utc(time.timezone()))
}

fn integer(bits: i32, signed: bool) -> Kind {
    match (bits, signed) {
        (32, true) => Kind::Int32,
        (8, false) => Kind::UInt8,
        (32, false) => Kind::UInt32,
        (64, false) => Kind::UInt64,
        _ => Kind::Other,
    }
}

/// Reads the batches, which must follow each other as buffers must.
fn read_batches(
    file: &[u8],
    footer: arrow_ipc::Footer<'_>,
    columns: &[Column],
) -> Result<Vec<Batch>, Problem> {
    let (mut batches, mut last) = (Vec::new(), 0);
    for block in footer.recordBatches().iter().flatten() {
        if block.offset() < last {
            return damaged("its record batches overlap or are out of order");
        }
        batches.push(read_batch(file, block, columns, |message| message.header_as_record_batch())?);
        last = block.offset() + i64::from(block.metaDataLength()) + block.bodyLength();
    }
    Ok(batches)
}

fn read_batch<'a>(
    file: &'a [u8],
    block: &Block,
    columns: &[Column],
    header: impl FnOnce(arrow_ipc::Message<'a>) -> Option<arrow_ipc::RecordBatch<'a>>,
) -> Result<Batch, Problem> {
    let (message, body) = block_ranges(file, block)?;
    let message = arrow_ipc::root_as_message_with_opts(&options(message), message)?;
    let Some(batch) = header(message) else {
        return damaged("a block of its footer is not what it should be");
    };
    if batch.compression().is_some() {
        return Err(Problem::Unsupported("compressed columns"));
    }
    let Ok(rows) = usize::try_from(batch.length()) else { return damaged("a batch has negative length") };
    let arrays = batch.nodes().iter().flatten().map(array).collect::<Result<Vec<_>, _>>()?;
    let buffers = place_buffers(batch, body)?;
    let expected = columns.last().map_or(0, |last| last.first_buffer + last.kind.buffers());
    if arrays.len() != columns.len() || buffers.len() != expected {
        return damaged("a batch does not have the arrays of the schema");
    }
    Ok(Batch { rows, arrays, buffers })
}

/// The message's flatbuffer, and the range of its body in the file.
fn block_ranges<'a>(file: &'a [u8], block: &Block) -> Result<(&'a [u8], Range<usize>), Problem> {
    let place = || {
        let start = usize::try_from(block.offset()).ok()?;
        let body = start.checked_add(usize::try_from(block.metaDataLength()).ok()?)?;
        let end = body.checked_add(usize::try_from(block.bodyLength()).ok()?)?;
        (end <= file.len()).then(|| (&file[start..body], body..end))
    };
    let Some((framed, body)) = place() else { return damaged("a block lies outside the file") };
    match framed.strip_prefix(&CONTINUATION) {
        Some(message) if message.len() > 4 => Ok((&message[4..], body)),
        _ => damaged("a block does not begin as a message does"),
    }
}

fn array(node: &arrow_ipc::FieldNode) -> Result<(usize, usize), Problem> {
    match (usize::try_from(node.length()), usize::try_from(node.null_count())) {
        (Ok(length), Ok(nulls)) => Ok((length, nulls)),
        _ => damaged("an array has negative length"),
    }
}

/// Places buffers in the file. They must follow each other, so that all that can be read out of a file is no more than
/// the file holds.
fn place_buffers(
    batch: arrow_ipc::RecordBatch<'_>,
    body: Range<usize>,
) -> Result<Vec<Range<usize>>, Problem> {
    let mut last = 0;
    let mut place = |buffer: &arrow_ipc::Buffer| {
        let length = usize::try_from(buffer.length()).ok()?;
        if length == 0 {
            return Some(body.start..body.start);
        }
        let start = usize::try_from(buffer.offset()).ok().filter(|&start| start >= last)?;
        last = start.checked_add(length).filter(|&end| end <= body.len())?;
        Some(body.start + start..body.start + last)
    };
    match batch.buffers().iter().flatten().map(&mut place).collect() {
        Some(places) => Ok(places),
        None => damaged("a buffer lies outside its batch or over another"),
    }
}
