//! Rows of CSV files: split into blocks at the ends of lines, each of which a thread decodes by itself.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bt_core::{Error, Field, Result};
use csv::{ByteRecord, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter, memrchr};

use super::columns::{Layout, Naming};
use super::report::counted;
use super::rows::{BadRow, Fault, Place, Rows, RowsBuilder, Source, fault};
use super::stamp::{Stamp, resolve};
use super::{BadRows, IngestOptions};

/// Bytes that one thread decodes at a time.
const BLOCK: usize = 2 << 20;
/// No line is longer than this, quoted line ends included.
const LONGEST_LINE: usize = 64 << 20;
/// Rows that are looked at to see which columns hold numbers.
const SAMPLE: usize = 1000;

/// An open CSV file.
#[derive(Debug)]
pub(super) struct CsvFile {
    pub(super) shape: Arc<Shape>,
    file: File,
    number: usize,
    /// What was read and not given out yet; starts with a line.
    pending: Vec<u8>,
    /// The line that `pending` starts with; the first is 1.
    line: u64,
    at_end: bool,
}

/// How the lines of one file are read.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) source: Source,
    pub(super) layout: Layout,
    pub(super) delimiter: u8,
    /// The asset of all rows, where the file's name says it.
    pub(super) asset: Option<String>,
    /// What the first row has in the column of assets that such a file has of its own.
    own_asset: Vec<u8>,
}

/// Some lines of a file.
#[derive(Debug)]
pub(super) struct Block {
    shape: Arc<Shape>,
    number: usize,
    line: u64,
    bytes: Vec<u8>,
}

impl CsvFile {
    /// Opens a file and reads its header; `number` is the file's among the sources.
    ///
    /// # Errors
    /// Where the file cannot be read, is empty or UTF-16, or lacks a column.
    pub(super) fn open(
        path: &Path,
        number: usize,
        naming: Naming,
        asset: Option<String>,
        options: &IngestOptions,
    ) -> Result<Self> {
        let name: Arc<str> = path.display().to_string().into();
        let file = File::open(path).map_err(|error| Error::io(format!("open {name}"), error))?;
        let source = Source { name, unit: "line" };
        let mut pending = Vec::new();
        let at_end = fill(&file, &source, &mut pending, BLOCK)?;
        drop_byte_order_mark(&source, &mut pending)?;
        let delimiter = options.delimiter.unwrap_or_else(|| sniff(&pending));
        let (names, header) = header(&source, &pending, delimiter, options)?;
        let line = 1 + memchr_iter(b'\n', &pending[..header]).count() as u64;
        pending.drain(..header);
        let numbers = numbers(&pending, delimiter, names.len(), options);
        let place = format!("{} (fields separated by {:?})", source.name, delimiter as char);
        let layout = Layout::find(&place, names, naming, options, |at| numbers[at])?;
        let asset = asset.filter(|_| layout.asset.is_none());
        let own_asset =
            layout.own_asset.map_or(Vec::new(), |column| first_field(&pending, delimiter, column));
        let shape = Arc::new(Shape { source, layout, delimiter, asset, own_asset });
        Ok(Self { shape, file, number, pending, line, at_end })
    }

    /// The next lines, or `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>> {
        loop {
            let end = if self.at_end {
                self.pending.len()
            } else {
                last_line_end(&self.pending, self.shape.delimiter)
            };
            if end > 0 {
                return Ok(Some(self.take(end)));
            }
            if self.at_end {
                return Ok(None);
            }
            if self.pending.len() >= LONGEST_LINE {
                let reason = format!("a line longer than {LONGEST_LINE} bytes; is a quote left open?");
                return Err(BadRow::new(&self.shape.source, self.line, None, reason).into());
            }
            let more = self.pending.len() + BLOCK;
            self.at_end = fill(&self.file, &self.shape.source, &mut self.pending, more)?;
        }
    }

    fn take(&mut self, end: usize) -> Block {
        let mut rest = Vec::with_capacity(BLOCK);
        rest.extend_from_slice(&self.pending[end..]);
        let mut bytes = std::mem::replace(&mut self.pending, rest);
        bytes.truncate(end);
        let line = self.line;
        self.line += memchr_iter(b'\n', &bytes).count() as u64;
        Block { shape: Arc::clone(&self.shape), number: self.number, line, bytes }
    }
}

/// Reads until there are `len` bytes or the file ends; whether it ended.
fn fill(file: &File, source: &Source, bytes: &mut Vec<u8>, len: usize) -> Result<bool> {
    let wanted = len.saturating_sub(bytes.len());
    let read = file.take(wanted as u64).read_to_end(bytes);
    read.map(|read| read < wanted).map_err(|error| Error::io(format!("read {}", source.name), error))
}

fn drop_byte_order_mark(source: &Source, bytes: &mut Vec<u8>) -> Result<()> {
    match bytes[..] {
        [0xef, 0xbb, 0xbf, ..] => {
            bytes.drain(..3);
            Ok(())
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Err(Error::invalid_input(&*source.name, "it is UTF-16; convert it to UTF-8"))
        }
        _ => Ok(()),
    }
}

/// The delimiter that the first line has most of.
fn sniff(bytes: &[u8]) -> u8 {
    let line = &bytes[..memchr(b'\n', bytes).unwrap_or(bytes.len())];
    // Of equally many the first counts, which is the comma.
    let count = |delimiter: &u8| memchr_iter(*delimiter, line).count();
    b"|\t;,".iter().copied().max_by_key(count).unwrap_or(b',')
}

/// The columns' names and the bytes of the header line.
fn header(
    source: &Source,
    bytes: &[u8],
    delimiter: u8,
    options: &IngestOptions,
) -> Result<(Vec<String>, usize)> {
    if let Some(names) = &options.header {
        return Ok((names.clone(), 0));
    }
    let mut reader = reader(bytes, delimiter);
    let mut record = ByteRecord::new();
    let found = reader.read_byte_record(&mut record);
    if !found.map_err(|error| Error::invalid_input(&*source.name, error.to_string()))? {
        return Err(Error::invalid_input(
            &*source.name,
            "it is empty; a header line with the columns' names is needed",
        ));
    }
    let names = record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let end = usize::try_from(reader.position().byte()).unwrap_or(bytes.len());
    // The reader stops between the two characters of a line's end.
    let end = end + usize::from(end > 0 && bytes[end - 1] == b'\r' && bytes.get(end) == Some(&b'\n'));
    Ok((names, end))
}

fn reader(bytes: &[u8], delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes)
}

/// Which columns hold nothing but numbers and empty fields, as far as the first rows show.
fn numbers(bytes: &[u8], delimiter: u8, columns: usize, options: &IngestOptions) -> Vec<bool> {
    let mut numbers = vec![true; columns];
    let sample = match last_line_end(bytes, delimiter) {
        0 => bytes,
        end => &bytes[..end],
    };
    for record in reader(sample, delimiter).into_byte_records().take(SAMPLE).flatten() {
        for (field, is_number) in record.iter().zip(&mut numbers) {
            *is_number &= options.number_format.read(field).is_ok();
        }
    }
    numbers
}

/// The field of the first row that has this column.
fn first_field(bytes: &[u8], delimiter: u8, column: usize) -> Vec<u8> {
    let mut records = reader(bytes, delimiter).into_byte_records().take(SAMPLE).flatten();
    records.find_map(|record| record.get(column).map(<[u8]>::to_vec)).unwrap_or_default()
}

/// One past the last line end that is not inside quotes; 0 where there is none.
fn last_line_end(bytes: &[u8], delimiter: u8) -> usize {
    let (mut end, mut outside_from, mut from) = (0, 0, 0);
    while let Some(quote) = memchr(b'"', &bytes[from..]).map(|at| from + at) {
        let opens = quote == 0 || [delimiter, b'\n', b'\r'].contains(&bytes[quote - 1]);
        if !opens {
            from = quote + 1;
            continue;
        }
        if let Some(line_end) = memrchr(b'\n', &bytes[outside_from..quote]) {
            end = outside_from + line_end + 1;
        }
        match closing_quote(bytes, quote + 1) {
            Some(closing) => (outside_from, from) = (closing + 1, closing + 1),
            None => return end,
        }
    }
    memrchr(b'\n', &bytes[outside_from..]).map_or(end, |line_end| outside_from + line_end + 1)
}

/// The quote that ends a field; two in a row stand for one inside it.
fn closing_quote(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let quote = from + memchr(b'"', bytes.get(from..)?)?;
        match bytes.get(quote + 1) {
            Some(b'"') => from = quote + 2,
            // The byte that tells is not read yet.
            None => return None,
            Some(_) => return Some(quote),
        }
    }
}

impl Block {
    /// Decodes the lines.
    ///
    /// # Errors
    /// The first bad row, where bad rows fail.
    pub(super) fn decode(self, options: &IngestOptions) -> Result<Rows> {
        let columns = self.shape.layout.values.len();
        let rows = RowsBuilder::new(columns, memchr_iter(b'\n', &self.bytes).count() + 1);
        let mut decoder = Decoder { block: &self, options, rows, values: vec![0.0; columns] };
        if is_plain(&self.bytes) {
            decoder.plain_lines()?
        } else {
            decoder.records()?
        }
        Ok(decoder.rows.group())
    }
}

/// Whether every line feed ends a line and every delimiter a field: there are neither quotes nor lone carriage returns.
fn is_plain(bytes: &[u8]) -> bool {
    memchr(b'"', bytes).is_none() && memchr_iter(b'\r', bytes).all(|at| bytes.get(at + 1) == Some(&b'\n'))
}

/// Counts lines up to each record; empty ones, which the reader skips, too.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, record: &ByteRecord) -> u64 {
        let start = record.position().map_or(self.at, |position| position.byte() as usize);
        let empty = self.bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = start + empty;
        self.line += memchr_iter(b'\n', &self.bytes[self.at..start]).count() as u64;
        self.at = start;
        self.line
    }
}

/// One row's fields.
#[derive(Clone, Copy)]
struct Fields<'a> {
    text: &'a [u8],
    ranges: &'a [Range<usize>],
}

impl<'a> Fields<'a> {
    #[inline]
    fn get(self, column: usize) -> &'a [u8] {
        &self.text[self.ranges[column].clone()]
    }
}

impl Layout {
    /// The name of the column that holds value number `value`, as the input has it.
    fn value_name(&self, value: usize) -> &str {
        self.values[value].map_or(Field::NAMES[value.min(4)], |at| &self.names[at])
    }
}

struct Decoder<'a> {
    block: &'a Block,
    options: &'a IngestOptions,
    rows: RowsBuilder,
    values: Vec<f64>,
}

/// What is wrong with a field or a row.
struct Bad {
    column: Option<String>,
    reason: String,
    /// Whether it is the whole file that is wrong, so that leaving out the row would not do.
    is_of_file: bool,
}

impl<'a> Decoder<'a> {
    /// Reads lines that can be cut at every delimiter.
    fn plain_lines(&mut self) -> Result<()> {
        let Block { shape, bytes, line, .. } = self.block;
        let (mut line, mut start, mut ranges) = (*line, 0, Vec::with_capacity(shape.layout.names.len()));
        while start < bytes.len() {
            let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            let text = bytes[start..end].strip_suffix(b"\r").unwrap_or(&bytes[start..end]);
            if !text.is_empty() {
                cut(text, shape.delimiter, &mut ranges);
                self.line(Fields { text, ranges: &ranges }, line)?;
            }
            (start, line) = (end + 1, line + 1);
        }
        Ok(())
    }

    /// Reads lines with quotes.
    fn records(&mut self) -> Result<()> {
        let Block { shape, bytes, line, .. } = self.block;
        let mut lines = Lines { bytes, at: 0, line: *line };
        let (mut reader, mut record, mut ranges) =
            (reader(bytes, shape.delimiter), ByteRecord::new(), Vec::new());
        while reader.read_byte_record(&mut record).map_err(|error| Error::other(error.to_string()))? {
            ranges.clear();
            ranges.extend((0..record.len()).map_while(|field| record.range(field)));
            let line = lines.of(&record);
            self.line(Fields { text: record.as_slice(), ranges: &ranges }, line)?;
        }
        Ok(())
    }

    #[inline]
    fn line(&mut self, fields: Fields<'_>, line: u64) -> Result<()> {
        self.rows.read += 1;
        match self.row(fields, line) {
            Ok(()) => Ok(()),
            Err(bad) => self.left_out(bad, line),
        }
    }

    #[cold]
    fn left_out(&mut self, bad: Bad, line: u64) -> Result<()> {
        let is_of_file = bad.is_of_file;
        let bad = || BadRow::new(&self.block.shape.source, line, bad.column.as_deref(), bad.reason);
        match self.options.on_bad_row {
            BadRows::Skip if !is_of_file => {
                self.rows.left_out.add(bad);
                Ok(())
            }
            _ => Err(bad().into()),
        }
    }

    #[inline]
    fn row(&mut self, fields: Fields<'_>, line: u64) -> Result<(), Bad> {
        let layout = &self.block.shape.layout;
        if fields.ranges.len() != layout.names.len() {
            return Err(wrong_length(fields.ranges.len(), layout.names.len()));
        }
        let (moment, stamp) = self.stamp(fields.get(layout.time))?;
        let mut has_missing = false;
        for (value, column) in self.values.iter_mut().zip(&layout.values) {
            *value = match column {
                None => f64::NAN,
                Some(column) => {
                    let text = fields.get(*column);
                    let number = self.options.number_format.read(text);
                    let number = number.map_err(|reason| Bad::field(&layout.names[*column], text, reason))?;
                    has_missing |= number.is_nan();
                    number
                }
            };
        }
        let [open, high, low, close, volume, ..] = self.values[..] else { return Ok(()) };
        if let Some(fault) = fault([open, high, low, close, volume]) {
            self.fault(fault, line)?;
        }
        let asset = self.asset(fields)?;
        let place = Place::new(self.block.number, line);
        self.rows.traits.note(stamp, moment, place, self.options.zone());
        self.rows.push(asset, moment, place);
        self.rows.columns.iter_mut().zip(&self.values).for_each(|(column, &value)| column.push(value));
        if has_missing {
            self.missing(line);
        }
        Ok(())
    }

    /// Counts the values of a row that the input has a column for, and none in it.
    #[cold]
    fn missing(&mut self, line: u64) {
        let Shape { source, layout, .. } = &*self.block.shape;
        for (column, _) in layout.values.iter().zip(&self.values).filter(|(_, value)| value.is_nan()) {
            let Some(column) = column else { continue };
            self.rows.missing.add(|| BadRow::new(source, line, Some(&layout.names[*column]), "is missing"));
        }
    }

    #[inline]
    fn stamp(&self, text: &[u8]) -> Result<(i64, Stamp), Bad> {
        let stamp = self.options.time_format.read(text);
        let stamp = stamp.and_then(|stamp| Ok((resolve(stamp, self.options.zone())?, stamp)));
        let layout = &self.block.shape.layout;
        stamp.map_err(|reason| Bad::field(&layout.names[layout.time], text, reason))
    }

    #[inline]
    fn asset(&mut self, fields: Fields<'_>) -> Result<u32, Bad> {
        let shape = &self.block.shape;
        if let Some(asset) = &shape.asset {
            match shape.layout.own_asset {
                Some(own) if fields.get(own) != shape.own_asset => {
                    return Err(Bad::many_assets(
                        &shape.layout.names[own],
                        fields.get(own),
                        &shape.own_asset,
                    ));
                }
                _ => return Ok(self.rows.names.number(asset)),
            }
        }
        let column = shape.layout.asset.unwrap_or_default();
        let text = fields.get(column);
        match str::from_utf8(text).map(str::trim) {
            Ok("") => Err(Bad::field(&shape.layout.names[column], text, "is no asset's name")),
            Ok(name) => Ok(self.rows.names.number(name)),
            Err(_) => Err(Bad::field(&shape.layout.names[column], text, "is not UTF-8")),
        }
    }

    #[cold]
    fn fault(&mut self, fault: Fault, line: u64) -> Result<(), Bad> {
        let column = |value: usize| self.block.shape.layout.value_name(value).to_owned();
        match fault {
            Fault::Bad(value, reason) => Err(Bad { column: Some(column(value)), reason, is_of_file: false }),
            Fault::Outside(value, reason) => {
                let column = column(value);
                self.rows.outside.add(|| BadRow::new(&self.block.shape.source, line, Some(&column), reason));
                Ok(())
            }
        }
    }
}

/// Cuts a line at every delimiter.
#[inline]
fn cut(text: &[u8], delimiter: u8, ranges: &mut Vec<Range<usize>>) {
    ranges.clear();
    let mut start = 0;
    // Fields are so short that a search which is made for long texts would not pay.
    for (at, &byte) in text.iter().enumerate() {
        if byte == delimiter {
            ranges.push(start..at);
            start = at + 1;
        }
    }
    ranges.push(start..text.len());
}

impl Bad {
    #[cold]
    fn field(column: &str, text: &[u8], reason: &str) -> Self {
        let text: String = String::from_utf8_lossy(text).chars().take(60).collect();
        Self { column: Some(column.to_owned()), reason: format!("{text:?} {reason}"), is_of_file: false }
    }

    /// The file's name says the asset, and its own column says that there are several.
    #[cold]
    fn many_assets(column: &str, text: &[u8], first: &[u8]) -> Self {
        let first = String::from_utf8_lossy(first);
        let reason = format!(
            "is another asset than {first:?} above, so the file's name cannot be the asset of all its rows; \
             `Ingest::csv` reads long files by their column of assets"
        );
        Self { is_of_file: true, ..Self::field(column, text, &reason) }
    }
}

#[cold]
fn wrong_length(found: usize, expected: usize) -> Bad {
    let reason = format!("{} where the header has {expected}", counted(found as u64, "field"));
    Bad { column: None, reason, is_of_file: false }
}
