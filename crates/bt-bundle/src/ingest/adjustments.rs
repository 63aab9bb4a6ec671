//! Splits and dividends from a CSV file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ::csv::{ByteRecord, ReaderBuilder, Trim};
use bt_core::{Adjustment, AdjustmentKind, Error, Result, Timestamp};

use super::columns::normal;
use super::rows::{BadRow, LeftOut, Source};
use super::stamp::Stamp;
use super::wall::{self, DAY};
use super::{BadRows, IngestOptions};

/// By asset, ascending by ex-date.
pub(super) type Adjustments = BTreeMap<String, Vec<Adjustment>>;

/// Reads a file with the columns asset, ex-date, kind and value (or ratio and amount), in any order.
///
/// # Errors
/// Where the file cannot be read or lacks a column; the first bad row, where bad rows fail.
pub(super) fn read(
    path: &Path,
    options: &IngestOptions,
    knows: impl Fn(&str) -> bool,
) -> Result<(Adjustments, LeftOut)> {
    let name: Arc<str> = path.display().to_string().into();
    let source = Source { name, unit: "line" };
    let failed = |error: ::csv::Error| Error::invalid_input(&*source.name, error.to_string());
    let bytes = std::fs::read(path).map_err(|error| Error::io(format!("read {}", source.name), error))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = ReaderBuilder::new()
        .delimiter(options.delimiter.unwrap_or(b','))
        .trim(Trim::All)
        .flexible(true)
        .from_reader(bytes);
    let columns = Columns::find(&source, reader.byte_headers().map_err(failed)?)?;
    let (mut adjustments, mut left_out) = (Adjustments::new(), LeftOut::default());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(failed)? {
        let line = record.position().map_or(0, ::csv::Position::line);
        let added = columns
            .adjustment(&record, options, &knows)
            .and_then(|(asset, adjustment)| add(adjustments.entry(asset).or_default(), adjustment));
        if let Err((column, reason)) = added {
            let bad = || BadRow::new(&source, line, column.as_deref(), reason);
            match options.on_bad_row {
                BadRows::Fail => return Err(bad().into()),
                BadRows::Skip => left_out.add(bad),
            }
        }
    }
    adjustments.retain(|_, list| !list.is_empty());
    adjustments.values_mut().for_each(|list| list.sort_by_key(|one| (one.ex_date, kind(one))));
    Ok((adjustments, left_out))
}

type Bad = (Option<String>, String);

/// Splits go before dividends of the same day, so that the order of rows does not show in the version.
fn kind(adjustment: &Adjustment) -> u8 {
    match adjustment.kind {
        AdjustmentKind::Split { .. } => 0,
        _ => 1,
    }
}

fn add(list: &mut Vec<Adjustment>, new: Adjustment) -> Result<(), Bad> {
    match list.iter().any(|old| (old.ex_date, kind(old)) == (new.ex_date, kind(&new))) {
        true => Err((None, format!("the asset has one of this kind at {} already", new.ex_date))),
        false => {
            list.push(new);
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
    fn find(source: &Source, header: &ByteRecord) -> Result<Self> {
        let names: Vec<_> = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let find = |known: &[&str]| {
            let at = names.iter().position(|name| known.contains(&normal(name).as_str()));
            at.ok_or_else(|| {
                let reason = format!("no column named {}; it has {}", known.join(" or "), names.join(", "));
                Error::invalid_input(&*source.name, reason)
            })
        };
        Ok(Self {
            asset: find(&["asset", "ticker", "symbol"])?,
            ex_date: find(&["ex_date", "exdate", "date"])?,
            kind: find(&["kind", "type", "action"])?,
            values: [find(&["ratio", "value"])?, find(&["amount", "value"])?],
            names,
        })
    }

    fn adjustment(
        &self,
        record: &ByteRecord,
        options: &IngestOptions,
        knows: impl Fn(&str) -> bool,
    ) -> Result<(String, Adjustment), Bad> {
        if record.len() != self.names.len() {
            return Err((None, format!("{} fields where the header has {}", record.len(), self.names.len())));
        }
        let text = |column: usize| String::from_utf8_lossy(&record[column]).into_owned();
        let bad = |column: usize, reason: &str| {
            (Some(self.names[column].clone()), format!("{:?} {reason}", text(column)))
        };
        let asset = text(self.asset);
        if !knows(&asset) {
            return Err(bad(self.asset, "is no asset that has bars"));
        }
        let stamp =
            options.time_format.read(&record[self.ex_date]).map_err(|reason| bad(self.ex_date, reason))?;
        let ex_date = start_of_day(stamp, options).map_err(|reason| bad(self.ex_date, reason))?;
        let is_split = match text(self.kind).to_ascii_lowercase().as_str() {
            "split" => true,
            "dividend" => false,
            _ => return Err(bad(self.kind, "is neither split nor dividend")),
        };
        let column = self.values[usize::from(!is_split)];
        let value = options.number_format.read(&record[column]).map_err(|reason| bad(column, reason))?;
        if value.is_nan() || value <= 0.0 {
            return Err(bad(column, "is not above 0"));
        }
        let kind = match is_split {
            true => AdjustmentKind::Split { ratio: value },
            false => AdjustmentKind::Dividend { amount: value },
        };
        Ok((asset, Adjustment { ex_date, kind }))
    }
}

/// The first moment of the ex-date in the stated zone.
fn start_of_day(stamp: Stamp, options: &IngestOptions) -> Result<Timestamp, &'static str> {
    let day = match stamp {
        Stamp::Date(nanos) | Stamp::Local(nanos) => nanos.div_euclid(DAY),
        Stamp::Moment(moment) => wall::day(options.zone(), moment),
    };
    Ok(Timestamp::from_nanos(wall::start_of_day(options.zone(), day)))
}
