//! Where the names of the columns stand in a text file, and what the first rows show.

use std::collections::HashSet;
use std::ops::Range;

use bt_core::Field;
use csv::{ByteRecord, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter};

use super::columns::{Layout, Naming, Sample, TimeSeen, TimesShown, is_known, is_utf8, normal};
use super::numbers::{SeparatorsShown, may_be_thousands};
use super::shown::{are_zero, seen, shows};
use super::wide;
use crate::ingest::fault::{self, HeaderFault, excerpt};
use crate::ingest::field::clock::ClockDigits;
use crate::ingest::field::day::OrderEvidence;
use crate::ingest::field::number::is_missing;
use crate::ingest::field::numeric::{NumericEvidence, NumericTimes};
use crate::ingest::field::time::TimeReader;
use crate::ingest::{IngestOptions, NumberFormat};

/// Lines before the header that are passed over: a title, an address, an empty line.
const MOST_BEFORE: usize = 40;
/// More columns than any table of bars has.
const MOST_COLUMNS: usize = 10_000;
/// Rows that are looked at to see which columns hold numbers.
const SAMPLE: usize = 1000;
/// Rows that are looked at to see which columns hold times.
const TIMES: usize = 50;
/// Columns that are looked at to see which one tells rows of one moment apart.
const MOST_APART: usize = 50;

/// The names of the columns of a text file.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct Header {
    pub(in crate::ingest) layout: Layout,
    pub(in crate::ingest) delimiter: u8,
    /// Bytes before the first row.
    pub(in crate::ingest) end: usize,
    /// Lines before the header.
    pub(in crate::ingest) skipped: usize,
    /// The asset that the header names.
    pub(in crate::ingest) asset: Option<String>,
    pub(in crate::ingest) numbers: NumberFormat,
    pub(in crate::ingest) digits: ClockDigits,
    /// What numbers in the column of times are, by the first rows.
    pub(in crate::ingest) numeric_times: NumericTimes,
    /// The median close, where all prices are so large and whole that they look like fixed point.
    pub(in crate::ingest) fixed_point: Option<f64>,
    /// The first price that only other numbers tell to be in groups of thousands, as text and as it is read.
    pub(in crate::ingest) grouped: Option<(String, f64)>,
    /// The first number, as text and as it is read, where all that are not whole have three decimals, volumes as well.
    pub(in crate::ingest) thousandths: Option<(String, f64)>,
    /// What the column of assets says first, where it has to say the same in every row.
    pub(in crate::ingest) own_asset: Vec<u8>,
    /// What the first rows show of the order of dates.
    pub(in crate::ingest) order: OrderEvidence,
}

/// Finds the header in the first bytes of a file, which end with a line unless they are all of it.
pub(in crate::ingest) fn find(
    bytes: &[u8],
    naming: Naming,
    options: &IngestOptions,
    times: &TimeReader,
) -> Result<Header, HeaderFault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(HeaderFault::Empty);
    }
    if let Some(what) = other_format(bytes) {
        return Err(HeaderFault::OtherFormat { what });
    }
    let text = Text { bytes, naming, options, times };
    if let Some(names) = &options.header {
        let delimiter = options.delimiter.unwrap_or_else(|| sniff(bytes));
        return text.header(names.clone(), 0, delimiter, None);
    }
    text.search()
}

/// What is wrong with a header: where it has prices twice, that assets stand side by side, by the names above or below them.
fn or_wide(
    fault: HeaderFault,
    names: &[String],
    above: Option<Vec<String>>,
    rest: &[u8],
    delimiter: u8,
) -> HeaderFault {
    if !matches!(fault, HeaderFault::Ambiguous { .. }) {
        return fault;
    }
    let below = record(rest, delimiter).map(|(names, _)| names);
    wide::repeated(names, [above, below]).unwrap_or(fault)
}

/// What a file is by its first bytes that is no table of text.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    const FIRST_BYTES: [(&[u8], &str); 7] = [
        (b"\x1f\x8b", "compressed with gzip"),
        (b"PK\x03\x04", "a zip archive, or a workbook of Excel"),
        (b"BZh", "compressed with bzip2"),
        (b"\xfd7zXZ", "compressed with xz"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        (b"PAR1", "a Parquet file"),
        (b"ARROW1", "an Arrow file"),
    ];
    let binary = FIRST_BYTES.iter().find(|(first, _)| bytes.starts_with(first)).map(|&(_, what)| what);
    binary.or_else(|| markup(bytes.trim_ascii_start()))
}

/// What a text is by its first characters that is no table.
fn markup(text: &[u8]) -> Option<&'static str> {
    let begins =
        |with: &str| text.get(..with.len()).is_some_and(|first| first.eq_ignore_ascii_case(with.as_bytes()));
    // A title may stand in brackets.
    let behind = text.get(1..).and_then(|rest| rest.trim_ascii_start().first());
    match text.first()? {
        b'<' if ["<!doctype", "<html", "<head", "<body"].iter().any(|with| begins(with)) => Some(fault::PAGE),
        b'<' if begins("<?xml") => Some(fault::XML),
        b'{' if matches!(behind, Some(b'"' | b'}')) => Some(fault::JSON),
        b'[' if matches!(behind, Some(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9')) => Some(fault::JSON),
        _ => None,
    }
}

/// Empty lines in front of others, which the reader of records does not see.
fn empty_lines(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count()
}

/// A text whose header is looked for, and how.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    naming: Naming,
    options: &'a IngestOptions,
    times: &'a TimeReader,
}

impl Text<'_> {
    /// Looks for the header among the first lines.
    fn search(self) -> Result<Header, HeaderFault> {
        let (mut fault, mut start, mut above, mut lines) = (HeaderFault::Empty, 0, None, 0);
        while lines <= MOST_BEFORE
            && let Some(line) = self.bytes.get(start..).filter(|rest| !rest.is_empty())
        {
            let delimiter = self.options.delimiter.unwrap_or_else(|| sniff(line));
            let Some((names, end)) = record(line, delimiter) else { break };
            let is_header = self.is_header(&names);
            if lines == 0 || is_header {
                match self.try_at(&names, start, end, delimiter) {
                    Ok(header) => {
                        let skipped = if lines == 0 { 0 } else { lines + empty_lines(line) };
                        return Ok(Header { skipped, ..header });
                    }
                    Err(fault) if is_header => {
                        return Err(or_wide(fault, &names, above, &line[end..], delimiter));
                    }
                    Err(first) => fault = first,
                }
            }
            start += memchr(b'\n', line).map_or(line.len(), |at| at + 1);
            (above, lines) = (Some(names), lines + 1);
        }
        if let HeaderFault::Missing { lines: looked_at, .. } = &mut fault {
            *looked_at = lines;
        }
        Err(fault)
    }

    /// Whether a line has three known names, or one that is stated.
    fn is_header(self, names: &[String]) -> bool {
        let is_stated = |name: &String| self.options.states(name);
        names.iter().any(is_stated) || names.iter().filter(|name| is_known(name)).count() >= 3
    }

    /// Takes a line for the header: names, where it begins, and its bytes.
    fn try_at(
        self,
        names: &[String],
        start: usize,
        len: usize,
        delimiter: u8,
    ) -> Result<Header, HeaderFault> {
        if names.len() > MOST_COLUMNS {
            return Err(HeaderFault::TooLarge { columns: Some(names.len()), most: MOST_COLUMNS });
        }
        // Some break names into lines; none has the fields of a row in one.
        let swallows = |name: &&String| name.contains(['\n', '\r']) && name.contains(char::from(delimiter));
        if let Some(name) = names.iter().find(swallows) {
            return Err(HeaderFault::OpenQuote { name: name.clone() });
        }
        let end = start + len;
        if let Some((names, len, assets)) = levels(names, &self.bytes[end..], delimiter) {
            if assets.len() > 1 {
                let columns = names.into_iter().skip(1).take(3).collect();
                return Err(HeaderFault::Wide { assets, columns });
            }
            return self.header(names, end + len, delimiter, assets.into_iter().next());
        }
        if start == 0 && are_values(names, self.options, self.times) {
            return Err(HeaderFault::Absent { first: names.to_vec() });
        }
        self.header(names.to_vec(), end, delimiter, None)
    }

    /// What these names are, before rows that begin at `end`.
    fn header(
        self,
        names: Vec<String>,
        end: usize,
        delimiter: u8,
        asset: Option<String>,
    ) -> Result<Header, HeaderFault> {
        let options = self.options;
        let naming = self.naming.or_by_header(asset.as_deref());
        let mut rows = Rows::read(&self.bytes[end..], delimiter, options, self.times);
        let layout = layout(&mut rows, names, naming, options).map_err(|mut fault| {
            if let HeaderFault::Missing { delimiter: separated_by, .. } = &mut fault {
                *separated_by = Some(delimiter.into());
            }
            fault
        })?;
        rows.check_fields(layout.names.len())?;
        let own_asset = layout.own_asset.and_then(|column| rows.first(column)).unwrap_or_default();
        Ok(Header {
            digits: rows.clock_digits(&layout),
            fixed_point: rows.fixed_point(&layout, options),
            grouped: options.number_format.is_none().then(|| rows.grouped(&layout)).flatten(),
            thousandths: options.number_format.is_none().then(|| rows.thousandths(&layout)).flatten(),
            order: rows.order(layout.time),
            numeric_times: rows.numeric_times(layout.time),
            numbers: rows.numbers,
            own_asset,
            layout,
            delimiter,
            end,
            skipped: 0,
            asset,
        })
    }
}

/// Finds the columns, and with them how numbers are written.
fn layout(
    rows: &mut Rows<'_>,
    names: Vec<String>,
    naming: Naming,
    options: &IngestOptions,
) -> Result<Layout, HeaderFault> {
    let names = rows.without_trailing_delimiter(names);
    let not_utf8 = names.iter().find(|name| !is_utf8(name)).cloned();
    let told = |fault| not_utf8.map_or(fault, |name| HeaderFault::NotUtf8 { name });
    let layout = match Layout::find(names.clone(), naming, options, rows) {
        Ok(layout) => layout,
        Err(fault) => return Err(told(fault)),
    };
    if options.number_format.is_some() {
        return Ok(layout);
    }
    rows.numbers = rows.number_format(&layout.values[..Field::OHLCV.len()]);
    Layout::find(names, naming, options, rows)
}

/// The delimiter that a line has most of.
pub(in crate::ingest) fn sniff(bytes: &[u8]) -> u8 {
    let line = &bytes[..memchr(b'\n', bytes).unwrap_or(bytes.len())];
    // Of equally many the first counts, which is the comma.
    let count = |delimiter: &u8| memchr_iter(*delimiter, line).count();
    b"|\t;,".iter().copied().max_by_key(count).unwrap_or(b',')
}

pub(in crate::ingest) fn reader(bytes: &[u8], delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes)
}

/// The fields of the first record, as names, and its bytes.
fn record(bytes: &[u8], delimiter: u8) -> Option<(Vec<String>, usize)> {
    let mut reader = reader(bytes, delimiter);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).ok().filter(|found| *found)?;
    let names = record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let end = usize::try_from(reader.position().byte()).unwrap_or(bytes.len());
    // The reader stops between the two characters of a line's end.
    let is_between = end > 0 && bytes[end - 1] == b'\r' && bytes.get(end) == Some(&b'\n');
    Some((names, end + usize::from(is_between)))
}

/// The header of two levels that yfinance writes, and below it the name of the index; names, bytes and tickers.
fn levels(names: &[String], rest: &[u8], delimiter: u8) -> Option<(Vec<String>, usize, Vec<String>)> {
    let (second, mut end) = record(rest, delimiter)?;
    if second.len() != names.len() {
        return None;
    }
    let (mut names, tickers) = match () {
        () if are_tickers(&second, names) => (names.to_vec(), second),
        () if are_tickers(names, &second) => (second, names.to_vec()),
        () => return None,
    };
    names[0] = "Date".to_owned();
    if let Some((third, more)) = record(&rest[end..], delimiter)
        && is_known(third.first()?)
        && third[1..].iter().all(String::is_empty)
    {
        names[0].clone_from(&third[0]);
        end += more;
    }
    let mut assets: Vec<String> = tickers.into_iter().skip(1).filter(|ticker| !ticker.is_empty()).collect();
    assets.sort_unstable();
    assets.dedup();
    Some((names, end, assets))
}

/// Whether a line names the tickers of columns whose prices another one names.
fn are_tickers(line: &[String], others: &[String]) -> bool {
    let [first, tickers @ ..] = line else { return false };
    let are_one = || {
        tickers.len() > 2
            && tickers.iter().all(|ticker| ticker == &tickers[0] && !ticker.is_empty() && !is_known(ticker))
    };
    let is_ticker = normal(first) == "ticker" && !tickers.iter().any(|ticker| is_known(ticker));
    // A row of values may say the `C` of a flag.
    if others.iter().any(|name| name.starts_with(|c: char| c.is_ascii_digit())) {
        return false;
    }
    let names_known = others.iter().skip(1).filter(|name| is_known(name)).count();
    is_ticker && names_known > 0 || first.is_empty() && are_one() && names_known > 2
}

/// Whether a line holds a time and prices, and no name of a column.
fn are_values(fields: &[String], options: &IngestOptions, times: &TimeReader) -> bool {
    let number = |field: &&String| {
        !field.is_empty()
            && options.number_format.unwrap_or_default().read(field.as_bytes()).is_ok_and(f64::is_finite)
    };
    let is_time =
        |field: &String| shows(times, field.as_bytes()).is_some_and(|shown| shown != TimesShown::Nothing);
    fields.iter().all(|field| !is_known(field))
        && fields.iter().filter(number).count() >= 3
        && fields.iter().any(is_time)
}

/// How numbers are written, by those of which there is no doubt.
fn number_format<'f>(fields: impl Iterator<Item = &'f [u8]>) -> NumberFormat {
    let mut shown = SeparatorsShown::default();
    fields.for_each(|field| shown.note(field));
    shown.format()
}

/// The first rows of a file.
struct Rows<'a> {
    records: Vec<ByteRecord>,
    numbers: NumberFormat,
    times: &'a TimeReader,
}

impl<'a> Rows<'a> {
    fn read(bytes: &[u8], delimiter: u8, options: &IngestOptions, times: &'a TimeReader) -> Self {
        let records: Vec<_> = reader(bytes, delimiter).into_byte_records().flatten().take(SAMPLE).collect();
        let numbers = options.number_format.unwrap_or_else(|| number_format(records.iter().flatten()));
        Self { records, numbers, times }
    }

    fn fields(&self, column: usize) -> impl Iterator<Item = &[u8]> {
        self.records.iter().filter_map(move |record| record.get(column))
    }

    fn first(&self, column: usize) -> Option<Vec<u8>> {
        self.fields(column).next().map(<[u8]>::to_vec)
    }

    fn order(&self, column: usize) -> OrderEvidence {
        let mut evidence = OrderEvidence::default();
        self.fields(column).for_each(|field| evidence.note(field));
        evidence
    }

    /// How many fields all rows have, if they have the same number.
    fn field_count(&self) -> Option<usize> {
        let count = self.records.first()?.len();
        self.records.iter().all(|record| record.len() == count).then_some(count)
    }

    /// The names, but for one without text at the end that no row has a field for.
    fn without_trailing_delimiter(&self, mut names: Vec<String>) -> Vec<String> {
        let is_empty = names.last().is_some_and(String::is_empty);
        let longest = self.records.iter().map(ByteRecord::len).max();
        if is_empty && longest.is_some_and(|longest| longest < names.len()) {
            names.pop();
        }
        names
    }

    /// How numbers are written, by these columns, which are prices and volumes.
    fn number_format(&self, columns: &[Option<usize>]) -> NumberFormat {
        let mut shown = SeparatorsShown::default();
        columns.iter().flatten().flat_map(|&column| self.fields(column)).for_each(|field| shown.note(field));
        if shown.format() == NumberFormat::default() {
            // `1.234.567` in another column may be no number, so only what can be one alone tells there.
            self.records.iter().flatten().for_each(|field| shown.note_certain(field));
        }
        shown.format()
    }

    /// The first number, where all prices and volumes that are not whole have one full stop before three digits, at least two
    /// volumes among them: full stops may stand between thousands.
    fn thousandths(&self, layout: &Layout) -> Option<(String, f64)> {
        let texts = |columns: Range<usize>| {
            layout.values[columns].iter().flatten().flat_map(|&column| self.fields(column)).filter(|text| {
                let text = text.trim_ascii();
                !text.iter().all(u8::is_ascii_digit) && !str::from_utf8(text).is_ok_and(is_missing)
            })
        };
        let volume = Field::VOLUME.index();
        let are_many = texts(volume..volume + 1).nth(1).is_some();
        if self.numbers != NumberFormat::default()
            || !are_many
            || !texts(0..Field::OHLCV.len()).all(may_be_thousands)
        {
            return None;
        }
        let text = texts(0..Field::OHLCV.len()).next()?;
        Some((excerpt(text), self.numbers.read(text).ok()?))
    }

    fn grouped(&self, layout: &Layout) -> Option<(String, f64)> {
        let thousands = self.numbers.thousands?;
        let prices = || layout.values[..4].iter().flatten().flat_map(|&column| self.fields(column));
        let has = |text: &[u8], sign: char| String::from_utf8_lossy(text).contains(sign);
        if prices().any(|text| has(text, self.numbers.decimal)) {
            return None;
        }
        let text = prices().find(|text| has(text, thousands))?;
        Some((excerpt(text), self.numbers.read(text).ok()?))
    }

    /// Whether all rows end with a delimiter that the header lacks.
    fn have_trailing_delimiter(&self, names: usize) -> bool {
        self.records.iter().all(|record| record.len() == names + 1 && record[names].trim_ascii().is_empty())
    }

    /// # Errors
    /// Where all rows, of which there are several, have as many fields, but the header another number of names.
    fn check_fields(&self, expected: usize) -> Result<(), HeaderFault> {
        match self.field_count() {
            Some(found)
                if found != expected && self.records.len() > 1 && !self.have_trailing_delimiter(expected) =>
            {
                Err(HeaderFault::Fields { found, expected })
            }
            _ => Ok(()),
        }
    }

    fn numeric_times(&self, column: usize) -> NumericTimes {
        let mut evidence = NumericEvidence::default();
        self.fields(column).for_each(|field| evidence.note(field));
        evidence.numbers()
    }

    fn clock_digits(&self, layout: &Layout) -> ClockDigits {
        let dated = |column| self.fields(layout.time).zip(self.fields(column));
        layout.clock_digits(layout.clock.into_iter().flat_map(dated))
    }

    /// The median close, where all prices are whole and above a million, and volumes are not as large.
    fn fixed_point(&self, layout: &Layout, options: &IngestOptions) -> Option<f64> {
        const LARGE: f64 = 1e6;
        if options.price_scale.is_some() {
            return None;
        }
        let numbers = |value: usize| -> Option<Vec<f64>> {
            let column = layout.values[value]?;
            let mut numbers: Vec<f64> = self
                .fields(column)
                .filter_map(|field| self.numbers.read(field).ok())
                .filter(|number| number.is_finite())
                .collect();
            numbers.sort_unstable_by(f64::total_cmp);
            (!numbers.is_empty()).then_some(numbers)
        };
        let median = |numbers: &[f64]| numbers[numbers.len() / 2];
        let (closes, volumes) = (numbers(3)?, numbers(4)?);
        let are_whole = closes.iter().chain(&volumes).all(|number| number.fract() == 0.0);
        (are_whole && median(&closes) > LARGE && median(&volumes) < median(&closes)).then(|| median(&closes))
    }
}

impl Sample for Rows<'_> {
    fn is_number(&self, column: usize) -> bool {
        self.fields(column).all(|field| self.numbers.read(field).is_ok())
    }

    fn has_digits(&self, column: usize) -> bool {
        self.fields(column).any(|field| field.trim_ascii_start().first().is_some_and(u8::is_ascii_digit))
    }

    fn tells_apart(&self, keys: &[usize], columns: &[usize]) -> Option<usize> {
        if columns.is_empty() {
            return None;
        }
        let distinct = |column: Option<usize>| {
            let fields = || keys.iter().copied().chain(column);
            let rows =
                self.records.iter().map(|record| fields().map(|at| record.get(at)).collect::<Vec<_>>());
            rows.collect::<HashSet<_>>().len()
        };
        // Rows that are the same to the letter are one.
        let rows = self.records.iter().map(ByteRecord::as_slice).collect::<HashSet<_>>().len();
        if distinct(None) == rows {
            return None;
        }
        columns.iter().copied().take(MOST_APART).find(|&column| distinct(Some(column)) == rows)
    }

    fn is_zero(&self, column: usize) -> bool {
        are_zero(self.fields(column).map(|field| self.numbers.read(field).unwrap_or(f64::NAN)))
    }

    fn times(&self, column: usize) -> TimesShown {
        TimesShown::most(self.fields(column).filter_map(|field| shows(self.times, field)).take(TIMES))
    }

    fn seen(&self, column: usize) -> Vec<Option<TimeSeen>> {
        seen(self.times, |times| {
            let read = |field| times.read(field, None).ok().map(|stamp| TimeSeen::of(&stamp));
            self.fields(column).take(TIMES).map(read).collect()
        })
    }
}
