//! Splits and dividends from a CSV file.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use ::csv::{ByteRecord, ReaderBuilder, Trim};
use bt_core::{Adjustment, AdjustmentKind, Error, Result, Timestamp, Zone};

use super::fault::{AdjustmentFault, Fault, Finding, Findings, Place, RowFault, RowNumber, excerpt};
use super::field::Unread;
use super::field::numeric::NumericEvidence;
use super::field::time::{TimeReader, Written};
use super::field::zone::Own;
use super::infer::columns::normal;
use super::wall::{self, DAY};
use super::{BadRows, IngestOptions};

/// By asset, ascending by ex-date.
pub(super) type Adjustments = BTreeMap<String, Vec<Adjustment>>;

/// Reads a file with the columns asset, ex-date, kind and value (or ratio and amount), in any order. An ex-date is a day in
/// the bars' own zone.
///
/// # Errors
/// Where the file cannot be read or lacks a column; the first bad row, where bad rows fail.
pub(super) fn read(
    path: &Path,
    options: &IngestOptions,
    zone: &Zone,
    knows: impl Fn(&str) -> bool,
) -> Result<(Adjustments, Findings)> {
    let whole = || Place::of(path.display().to_string());
    let damaged = |error: ::csv::Error| {
        let fault = super::FileFault::Damaged { reason: error.to_string() };
        Error::from(Finding::new(whole(), fault))
    };
    let bytes = std::fs::read(path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = ReaderBuilder::new()
        .delimiter(options.delimiter.unwrap_or(b','))
        .trim(Trim::All)
        .flexible(true)
        .from_reader(bytes);
    let columns = Columns::find(reader.byte_headers().map_err(damaged)?);
    let columns = columns.map_err(|fault| Finding::new(whole(), fault))?;
    let records: Vec<ByteRecord> = reader.into_byte_records().collect::<Result<_, _>>().map_err(damaged)?;
    let mut numbers = NumericEvidence::default();
    records.iter().filter_map(|record| record.get(columns.ex_date)).for_each(|text| numbers.note(text));
    let times = TimeReader::new(options, Some(zone)).with_numbers(numbers.numbers());
    let mut rows = Rows { options, zone, times, columns };
    let (mut adjustments, mut rejected) = (BTreeMap::<String, ByDay>::new(), Findings::default());
    for record in records {
        let line = record.position().map_or(0, ::csv::Position::line);
        let added = rows
            .adjustment(&record, &knows)
            .and_then(|(asset, adjustment)| add(adjustments.entry(asset).or_default(), adjustment));
        if let Err(Bad { column, fault }) = added {
            let place = Place { row: Some(RowNumber::Line(line)), column, ..whole() };
            let finding = Finding::new(place, *fault);
            match options.on_bad_row {
                BadRows::Fail => return Err(finding.into()),
                BadRows::Skip => rejected.add(|| finding),
            }
        }
    }
    let lists = adjustments.into_iter().map(|(asset, by_day)| (asset, by_day.into_values().collect()));
    Ok((lists.collect(), rejected))
}

/// Why a row is no adjustment, and in which column.
struct Bad {
    column: Option<String>,
    fault: Box<Fault>,
}

impl Bad {
    fn row(fault: impl Into<Fault>) -> Self {
        Self { column: None, fault: Box::new(fault.into()) }
    }
}

/// One asset's, of which each day has at most one of a kind.
type ByDay = BTreeMap<(Timestamp, u8), Adjustment>;

/// Splits go before dividends of the same day, so that the order of rows does not show in the version.
fn kind(adjustment: &Adjustment) -> u8 {
    match adjustment.kind {
        AdjustmentKind::Split { .. } => 0,
        _ => 1,
    }
}

fn add(by_day: &mut ByDay, new: Adjustment) -> Result<(), Bad> {
    match by_day.entry((new.ex_date, kind(&new))) {
        Entry::Occupied(_) => Err(Bad::row(AdjustmentFault::Repeated { ex_date: new.ex_date })),
        Entry::Vacant(place) => {
            place.insert(new);
            Ok(())
        }
    }
}

struct Columns {
    names: Vec<String>,
    asset: usize,
    ex_date: usize,
    kind: usize,
    /// Of a split, of a dividend.
    values: [usize; 2],
}

impl Columns {
    fn find(header: &ByteRecord) -> Result<Self, Fault> {
        let names: Vec<_> = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let find = |known: &'static [&'static str]| {
            let at = names.iter().position(|name| known.contains(&normal(name).as_str()));
            at.ok_or_else(|| Fault::from(AdjustmentFault::Column { known, found: names.clone() }))
        };
        Ok(Self {
            asset: find(&["asset", "ticker", "symbol"])?,
            ex_date: find(&["ex_date", "exdate", "date"])?,
            kind: find(&["kind", "type", "action"])?,
            values: [find(&["ratio", "value"])?, find(&["amount", "value"])?],
            names,
        })
    }
}

/// How rows are read.
struct Rows<'a> {
    options: &'a IngestOptions,
    zone: &'a Zone,
    times: TimeReader,
    columns: Columns,
}

impl Rows<'_> {
    fn adjustment(
        &mut self,
        record: &ByteRecord,
        knows: impl Fn(&str) -> bool,
    ) -> Result<(String, Adjustment), Bad> {
        let Columns { names, asset, ex_date, kind, values } = &self.columns;
        if record.len() != names.len() {
            let (found, expected) = (record.len(), names.len());
            return Err(Bad::row(RowFault::Fields { found, expected }));
        }
        let text = |column: usize| excerpt(&record[column]);
        let bad = |column: usize, fault: Fault| Bad {
            column: Some(excerpt(names[column].as_bytes())),
            fault: fault.into(),
        };
        let name = super::field::asset::unquoted(&String::from_utf8_lossy(&record[*asset])).to_owned();
        if !knows(&name) {
            return Err(bad(*asset, AdjustmentFault::UnknownAsset { name: text(*asset) }.into()));
        }
        let is_split = match text(*kind).to_ascii_lowercase().as_str() {
            "split" => true,
            "dividend" => false,
            _ => return Err(bad(*kind, AdjustmentFault::Kind { text: text(*kind) }.into())),
        };
        let column = values[usize::from(!is_split)];
        let value = self.options.number_format.unwrap_or_default().read(&record[column]);
        let unread = |why| super::source::number_fault(&record[column], true, why).into();
        let value = value.map_err(|why| bad(column, unread(why)))?;
        if value.is_nan() || value <= 0.0 {
            return Err(bad(column, AdjustmentFault::Value { text: text(column) }.into()));
        }
        let kind = match is_split {
            true => AdjustmentKind::Split { ratio: value },
            false => AdjustmentKind::Dividend { amount: value },
        };
        let ex_date = start_of_day(&mut self.times, self.zone, &record[*ex_date])
            .map_err(|fault| bad(*ex_date, fault))?;
        Ok((name, Adjustment { ex_date, kind }))
    }
}

/// The first moment of the ex-date.
fn start_of_day(times: &mut TimeReader, zone: &Zone, text: &[u8]) -> Result<Timestamp, Fault> {
    let fault = |times: &TimeReader, why| Fault::from(times.fault(text, why));
    let written = times.written(text.trim_ascii()).map_err(|why| fault(times, why))?;
    let day = match written {
        Written::Date(nanos) | Written::Local(nanos, Own::Nothing | Own::Abbreviated(_)) => {
            nanos.div_euclid(DAY)
        }
        Written::Month(_) => return Err(fault(times, Unread::Form)),
        moment => {
            let stamp = times.stamp(moment).map_err(|why| fault(times, why))?;
            wall::day(zone, stamp.nanos)
        }
    };
    Ok(Timestamp::from_nanos(wall::start_of_day(zone, day)))
}
