//! Rows of CSV files: split into blocks at the ends of lines, each of which a thread decodes by itself.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bt_core::{Error, Result};
use csv::ByteRecord;
use memchr::{memchr, memchr_iter, memrchr};

use super::Opening;
use super::encoding::TextFile;
use crate::ingest::fault::{AssetFault, Fault, Finding, HeaderFault, NumberFault, RowFault, excerpt};
use crate::ingest::field::asset;
use crate::ingest::field::day::OrderEvidence;
use crate::ingest::field::time::{Stamp, TimeReader};
use crate::ingest::infer::columns::Layout;
use crate::ingest::infer::header::{self, reader};
use crate::ingest::rows::{Checked, RowId, Rows, RowsBuilder, Source, check};
use crate::ingest::{BadRows, IngestOptions, NumberFormat};

/// Bytes that one thread decodes at a time.
const BLOCK: usize = 2 << 20;
/// No line is longer than this, quoted line ends included.
const LONGEST_LINE: usize = 16 << 20;

/// An open CSV file.
#[derive(Debug)]
pub(super) struct CsvFile {
    pub(super) shape: Shape,
    /// What its first rows show of the order of dates.
    pub(super) order: OrderEvidence,
    /// The median close, where prices look like fixed point.
    pub(super) fixed_point: Option<f64>,
    /// The first price that only other numbers tell to be in groups of thousands, and what it is read as.
    pub(super) grouped: Option<(String, f64)>,
    /// The first number, as text and as it is read, where all that are not whole have three decimals, volumes as well.
    pub(super) thousandths: Option<(String, f64)>,
    /// Lines before the header.
    pub(super) lines_before_header: usize,
    shared: Option<Arc<Shape>>,
    text: TextFile,
    number: usize,
    /// What was read and not given out yet; starts with a line.
    pending: Vec<u8>,
    /// The line that `pending` starts with; the first is 1.
    line: u64,
    at_end: bool,
}

/// How the lines of one file are read.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) source: Source,
    pub(super) layout: Layout,
    pub(super) delimiter: u8,
    pub(super) times: TimeReader,
    numbers: NumberFormat,
    /// The asset of all rows, where no column says it.
    pub(super) asset: Option<String>,
    /// What the first row has in the column of assets that such a file has of its own.
    own_asset: Vec<u8>,
}

/// Some lines of a file.
#[derive(Debug)]
pub(in crate::ingest) struct Block {
    shape: Arc<Shape>,
    number: usize,
    line: u64,
    bytes: Vec<u8>,
}

impl CsvFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where the file cannot be read, is empty or lacks a column.
    pub(super) fn open(path: &Path, opening: &Opening<'_>) -> Result<Self> {
        let name: Arc<str> = path.display().to_string().into();
        let mut source = Source::new(name, true);
        let refused = |source: &Source, fault: HeaderFault| Error::from(Finding::new(source.whole(), fault));
        let mut text = TextFile::open(path, opening.options.encoding)?;
        let mut pending = Vec::new();
        let at_end = text.fill(&mut pending, BLOCK)?;
        if !at_end && memchr(b'\n', &pending).is_none() {
            return Err(refused(&source, HeaderFault::TooLarge { columns: None, most: BLOCK }));
        }
        let found = header::find(&pending, opening.naming, opening.options, opening.times);
        let header = found.map_err(|fault| refused(&source, fault))?;
        let line = 1 + memchr_iter(b'\n', &pending[..header.end]).count() as u64;
        pending.drain(..header.end);
        let asset = opening.one_asset(&mut source, &header.layout, header.asset.as_deref())?;
        let times = opening.times.clone().with(None, header.digits).with_numbers(header.numeric_times);
        let times = times.with_zone_of_column(header.layout.zone_of_times());
        let shape = Shape {
            source,
            layout: header.layout,
            delimiter: header.delimiter,
            times,
            numbers: header.numbers,
            asset,
            own_asset: header.own_asset,
        };
        Ok(Self {
            shape,
            order: header.order,
            fixed_point: header.fixed_point,
            grouped: header.grouped,
            thousandths: header.thousandths,
            lines_before_header: header.skipped,
            shared: None,
            text,
            number: opening.number,
            pending,
            line,
            at_end,
        })
    }

    /// Reads on until a date shows the order of dates, for a file whose first rows do not.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) fn search_order(mut self) -> Result<OrderEvidence> {
        let (delimiter, time) = (self.shape.delimiter, self.shape.layout.time);
        let mut evidence = std::mem::take(&mut self.order);
        while evidence.order().is_none()
            && let Some(block) = self.next_block()?
        {
            for record in reader(&block.bytes, delimiter).into_byte_records().flatten() {
                record.get(time).iter().for_each(|text| evidence.note(text));
            }
        }
        Ok(evidence)
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
                let place = self.shape.source.row(self.line);
                return Err(Finding::new(place, RowFault::TooLong { most: LONGEST_LINE }).into());
            }
            let more = self.pending.len() + BLOCK;
            self.at_end = self.text.fill(&mut self.pending, more)?;
        }
    }

    fn take(&mut self, end: usize) -> Block {
        let mut rest = Vec::with_capacity(BLOCK);
        rest.extend_from_slice(&self.pending[end..]);
        let mut bytes = std::mem::replace(&mut self.pending, rest);
        bytes.truncate(end);
        let line = self.line;
        self.line += memchr_iter(b'\n', &bytes).count() as u64;
        let shape = self.shared.get_or_insert_with(|| Arc::new(self.shape.clone()));
        Block { shape: Arc::clone(shape), number: self.number, line, bytes }
    }
}

/// One past the last line end that is not inside quotes; 0 where there is none.
fn last_line_end(bytes: &[u8], delimiter: u8) -> usize {
    let (mut end, mut outside_from, mut from) = (0, 0, 0);
    while let Some(quote) = memchr(b'"', &bytes[from..]).map(|at| from + at) {
        if !opens_field(bytes, quote, delimiter) {
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

fn opens_field(bytes: &[u8], quote: usize, delimiter: u8) -> bool {
    quote == 0 || [delimiter, b'\n', b'\r'].contains(&bytes[quote - 1])
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
        let (times, scale) =
            (self.shape.times.clone(), options.price_scale.map_or(0, |scale| scale.decimals()));
        let (is_plain, values) = (is_plain(&self.bytes), vec![0.0; columns]);
        let mut decoder = Decoder { block: &self, is_plain, options, times, scale, rows, values };
        if is_plain {
            decoder.plain_lines()?
        } else {
            decoder.check_quotes()?;
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

    /// Whether there is one field more than that, which is empty and the last.
    #[cold]
    fn end_with_delimiter(self, columns: usize) -> bool {
        self.ranges.len() == columns + 1
            && self.ranges.last().is_some_and(|range| {
                range.end == self.text.len() && self.text[range.clone()].trim_ascii().is_empty()
            })
    }
}

struct Decoder<'a> {
    block: &'a Block,
    /// Whether lines are cut at every delimiter.
    is_plain: bool,
    options: &'a IngestOptions,
    times: TimeReader,
    /// Decimals of prices in fixed point.
    scale: u8,
    rows: RowsBuilder,
    values: Vec<f64>,
}

/// What is wrong with a row.
struct Bad {
    column: Option<usize>,
    fault: Box<Fault>,
}

impl Bad {
    #[cold]
    fn field(column: usize, fault: impl Into<Fault>) -> Self {
        Self { column: Some(column), fault: Box::new(fault.into()) }
    }
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
                cut(text, shape.delimiter, shape.layout.names.len(), &mut ranges);
                self.line(Fields { text, ranges: &ranges }, line)?;
            }
            (start, line) = (end + 1, line + 1);
        }
        Ok(())
    }

    /// # Errors
    /// Where a quote takes lines into its field that are rows: nothing closes it, or its field goes on behind that.
    fn check_quotes(&self) -> Result<()> {
        let Block { shape, bytes, line, .. } = self.block;
        let mut from = 0;
        while let Some(quote) = memchr(b'"', &bytes[from..]).map(|at| from + at) {
            from = quote + 1;
            if !opens_field(bytes, quote, shape.delimiter) {
                continue;
            }
            // At the end no byte tells that the last quote is not one of two.
            let at_end = || bytes[from..].ends_with(b"\"").then(|| bytes.len() - 1);
            let closing = closing_quote(bytes, from).or_else(at_end);
            let behind = closing.and_then(|closing| bytes.get(closing + 1));
            let ends_field = behind.is_none_or(|byte| [shape.delimiter, b'\n', b'\r'].contains(byte));
            let inside = &bytes[from..closing.unwrap_or(bytes.len())];
            let has_lines = inside.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
            let is_row =
                |line: &[u8]| memchr_iter(shape.delimiter, line).count() + 1 == shape.layout.names.len();
            let has_rows =
                has_lines && inside.split(|byte| matches!(byte, b'\n' | b'\r')).skip(1).any(is_row);
            if closing.is_none() || has_rows || has_lines && !ends_field {
                let line = line + memchr_iter(b'\n', &bytes[..quote]).count() as u64;
                return Err(self.finding(line, None, RowFault::OpenQuote).into());
            }
            from = closing.map_or(bytes.len(), |closing| closing + 1);
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
            Err(bad) => self.reject(bad, line),
        }
    }

    #[cold]
    fn reject(&mut self, bad: Bad, line: u64) -> Result<()> {
        let is_of_source = bad.fault.is_of_source();
        let finding = self.finding(line, bad.column, *bad.fault);
        match self.options.on_bad_row {
            BadRows::Skip if !is_of_source => {
                self.rows.findings.rejected.add(|| finding);
                Ok(())
            }
            _ => Err(finding.into()),
        }
    }

    fn finding(&self, line: u64, column: Option<usize>, fault: impl Into<Fault>) -> Finding {
        let Shape { source, layout, .. } = &*self.block.shape;
        let place = source.row(line);
        match column {
            Some(column) => Finding::new(place.column(&layout.names[column]), fault),
            None => Finding::new(place, fault),
        }
    }

    #[inline]
    fn row(&mut self, fields: Fields<'_>, line: u64) -> Result<(), Bad> {
        let layout = &self.block.shape.layout;
        if fields.ranges.len() != layout.names.len() && !fields.end_with_delimiter(layout.names.len()) {
            let expected = layout.names.len();
            let found = self.count(fields);
            return Err(Bad { column: None, fault: Box::new(RowFault::Fields { found, expected }.into()) });
        }
        let mut has_missing = false;
        for (at, (value, column)) in self.values.iter_mut().zip(&layout.values).enumerate() {
            *value = match column {
                None => f64::NAN,
                Some(column) => {
                    let text = fields.get(*column);
                    let scale = if at < 4 { self.scale } else { 0 };
                    let number = self.block.shape.numbers.read_scaled(text, scale);
                    let number =
                        number.map_err(|why| Bad::field(*column, super::number_fault(text, at < 4, why)))?;
                    has_missing |= number.is_nan();
                    number
                }
            };
        }
        let [open, high, low, close, volume, ..] = self.values[..] else { return Ok(()) };
        let checked = check([open, high, low, close, volume]).with(self.options);
        if checked == Checked::Unpriced {
            self.unpriced(line);
            return Ok(());
        }
        let stamp = self.stamp(fields)?;
        let asset = self.asset(fields)?;
        if checked != Checked::Sound {
            self.tell(checked, line)?;
        }
        let id = RowId::new(self.block.number, line);
        self.rows.summary.note(&stamp, id, &self.times);
        self.rows.push(asset, stamp.nanos, id);
        self.rows.columns.iter_mut().zip(&self.values).for_each(|(column, &value)| column.push(value));
        if has_missing {
            self.missing(line);
        }
        Ok(())
    }

    /// The number of fields of a row that has too many or too few.
    #[cold]
    fn count(&self, fields: Fields<'_>) -> usize {
        match self.is_plain {
            true => 1 + memchr_iter(self.block.shape.delimiter, fields.text).count(),
            false => fields.ranges.len(),
        }
    }

    #[cold]
    fn unpriced(&mut self, line: u64) {
        let finding = self.finding(line, None, RowFault::Unpriced);
        self.rows.findings.unpriced.add(|| finding);
    }

    /// Counts the values of a row that the input has a column for, and none in it.
    #[cold]
    fn missing(&mut self, line: u64) {
        let layout = &self.block.shape.layout;
        for at in (0..self.values.len()).filter(|&at| self.values[at].is_nan()) {
            let Some(column) = layout.values[at] else { continue };
            let finding = self.finding(line, Some(column), NumberFault::Missing);
            self.rows.findings.missing.add(|| finding);
        }
    }

    #[inline]
    fn stamp(&mut self, fields: Fields<'_>) -> Result<Stamp, Bad> {
        let layout = &self.block.shape.layout;
        let (text, clock) = (fields.get(layout.time), layout.clock.map(|column| fields.get(column)));
        self.times.read(text, clock).map_err(|why| {
            let text = match clock {
                Some(clock) => [text, b" ", clock].concat(),
                None => text.to_vec(),
            };
            Bad::field(layout.time, self.times.fault(&text, why))
        })
    }

    #[inline]
    fn asset(&mut self, fields: Fields<'_>) -> Result<u32, Bad> {
        let shape = &self.block.shape;
        if let Some(asset) = &shape.asset {
            return match shape.layout.own_asset {
                Some(own) if fields.get(own) != shape.own_asset => {
                    Err(Bad::field(own, self.several(fields.get(own))))
                }
                _ => Ok(self.rows.names.number(asset)),
            };
        }
        let column = shape.layout.asset.unwrap_or_default();
        let name = asset::read(fields.get(column)).map_err(|fault| Bad::field(column, fault))?;
        Ok(self.rows.names.number(name))
    }

    #[cold]
    fn several(&self, name: &[u8]) -> AssetFault {
        AssetFault::Several { name: excerpt(name), first: excerpt(&self.block.shape.own_asset) }
    }

    /// Notes what is odd about the values of a row that is a bar.
    #[cold]
    fn tell(&mut self, checked: Checked, line: u64) -> Result<(), Bad> {
        let layout = &self.block.shape.layout;
        match checked {
            Checked::Sound | Checked::Unpriced => {}
            Checked::Bad(value, fault) => {
                return Err(Bad { column: layout.values[value], fault: Box::new(fault) });
            }
            Checked::Odd(odd) => {
                for (value, fault) in odd {
                    let finding = self.finding(line, layout.values[value], fault.clone());
                    self.rows.findings.note(&fault, || finding);
                }
            }
        }
        Ok(())
    }
}

/// Cuts a line at its delimiters, of which one more than there should be is enough to see that there are too many.
#[inline]
fn cut(text: &[u8], delimiter: u8, columns: usize, ranges: &mut Vec<Range<usize>>) {
    ranges.clear();
    let mut start = 0;
    // Fields are so short that a search which is made for long texts would not pay.
    for (at, &byte) in text.iter().enumerate() {
        if byte == delimiter {
            ranges.push(start..at);
            start = at + 1;
            if ranges.len() > columns {
                return;
            }
        }
    }
    ranges.push(start..text.len());
}
