//! Rows of Arrow record batches.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, types as t};
use arrow_schema::{DataType, Schema, TimeUnit};
use bt_asset_cache::kernel::{self, Values};
use bt_core::{Error, Field, Result};

use super::columns::Layout;
use super::rows::{BadRow, Fault, Place, Rows, RowsBuilder, Source, fault};
use super::stamp::{EpochUnit, Stamp, TimeFormat};
use super::zone::DAY;
use super::{BadRows, IngestOptions};

/// Rows that one thread decodes at a time.
pub(super) const BLOCK: usize = 64 << 10;

/// How the batches of one source are read.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) source: Source,
    pub(super) number: usize,
    pub(super) layout: Layout,
}

/// Which column of a schema is what.
///
/// # Errors
/// Where a column is missing.
pub(super) fn layout(place: &str, schema: &Schema, options: &IngestOptions) -> Result<Layout> {
    let fields = schema.fields();
    let names = fields.iter().map(|field| field.name().clone()).collect();
    Layout::find(place, names, false, options, |at| is_number(fields[at].data_type()))
}

impl Shape {
    /// # Errors
    /// Where a batch has other columns than the first.
    pub(super) fn check(&self, batch: &RecordBatch, row: u64) -> Result<()> {
        let schema = batch.schema();
        let same = schema.fields().iter().map(|field| field.name()).eq(&self.layout.names);
        if same {
            return Ok(());
        }
        let place = format!("{}, row {row}", self.source.name);
        Err(Error::invalid_input(
            place,
            format!("the columns are no longer {}", self.layout.names.join(", ")),
        ))
    }

    fn column(&self, at: usize, reason: String) -> Error {
        let place = format!("{}, column {:?}", self.source.name, self.layout.names[at]);
        Error::invalid_input(place, reason)
    }
}

fn is_number(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Float64
                | DataType::Float32
                | DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
        )
}

/// Some rows of a source.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) shape: Arc<Shape>,
    /// Number of the first row; the source's first is 1.
    pub(super) first: u64,
    pub(super) batch: RecordBatch,
}

impl Block {
    /// Decodes the rows.
    ///
    /// # Errors
    /// The first bad row, where bad rows fail; a column of a type that is not what the column should hold.
    pub(super) fn decode(self, options: &IngestOptions) -> Result<Rows> {
        let decoder = Decoder::new(&self, options)?;
        let mut rows = RowsBuilder::new(0, self.batch.num_rows());
        let mut kept = Vec::new();
        for row in 0..self.batch.num_rows() {
            match decoder.row(row, &mut rows) {
                Ok(()) => kept.push(row as u32),
                Err((column, reason)) => {
                    let bad = || self.bad(row, column, reason);
                    match options.on_bad_row {
                        BadRows::Fail => return Err(bad().into()),
                        BadRows::Skip => rows.left_out.add(bad),
                    }
                }
            }
        }
        rows.read = self.batch.num_rows() as u64;
        rows.columns = match kept.len() == self.batch.num_rows() {
            true => decoder.values,
            false => decoder
                .values
                .iter()
                .map(|column| kept.iter().map(|&row| column[row as usize]).collect())
                .collect(),
        };
        Ok(rows.group())
    }

    fn bad(&self, row: usize, column: usize, reason: String) -> BadRow {
        let number = self.first + row as u64;
        BadRow::new(&self.shape.source, number, Some(&self.shape.layout.names[column]), reason)
    }
}

struct Decoder<'a> {
    block: &'a Block,
    options: &'a IngestOptions,
    assets: Assets<'a>,
    times: Times<'a>,
    /// Open, high, low, close, volume, extra columns.
    values: Vec<Vec<f64>>,
    extras_are_finite: bool,
}

impl<'a> Decoder<'a> {
    fn new(block: &'a Block, options: &'a IngestOptions) -> Result<Self> {
        let layout = &block.shape.layout;
        let asset = layout.asset.unwrap_or_default();
        let values =
            layout.values.iter().map(|column| numbers(block, *column)).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            block,
            options,
            assets: Assets::new(block, asset)?,
            times: Times::new(block, layout.time)?,
            extras_are_finite: values[5..].iter().flatten().all(|value| !value.is_infinite()),
            values,
        })
    }

    #[inline]
    fn row(&self, row: usize, rows: &mut RowsBuilder) -> Result<(), (usize, String)> {
        let layout = &self.block.shape.layout;
        let (stamp, moment) = self.stamp(row).map_err(|reason| (layout.time, reason))?;
        let ohlcv = [0, 1, 2, 3, 4].map(|value: usize| self.values[value][row]);
        if let Some(fault) = fault(ohlcv) {
            self.fault(fault, row, rows)?;
        }
        if !self.extras_are_finite {
            self.finite_extras(row)?;
        }
        let asset =
            self.assets.number(row, rows).map_err(|reason| (layout.asset.unwrap_or_default(), reason))?;
        let place = Place::new(self.block.shape.number, self.block.first + row as u64);
        rows.traits.note(stamp, moment, place, &self.options.zone);
        rows.push(asset, moment, place);
        Ok(())
    }

    #[inline]
    fn stamp(&self, row: usize) -> Result<(Stamp, i64), String> {
        let stamp = self.times.stamp(row, self.options.time_format)?;
        match stamp.resolve(&self.options.zone) {
            Ok(moment) => Ok((stamp, moment)),
            Err(reason) => Err(format!("{} {reason}", self.times.text(row))),
        }
    }

    #[cold]
    fn fault(&self, fault: Fault, row: usize, rows: &mut RowsBuilder) -> Result<(), (usize, String)> {
        let column = |field: Field| self.block.shape.layout.values[field.index()].unwrap_or_default();
        match fault {
            Fault::Bad(field, reason) => Err((column(field), reason)),
            Fault::Outside(field, reason) => {
                rows.outside.add(|| self.block.bad(row, column(field), reason));
                Ok(())
            }
        }
    }

    #[cold]
    fn finite_extras(&self, row: usize) -> Result<(), (usize, String)> {
        let infinite = (5..self.values.len()).find(|&value| self.values[value][row].is_infinite());
        match infinite {
            None => Ok(()),
            Some(value) => {
                let column = self.block.shape.layout.values[value].unwrap_or_default();
                Err((column, format!("{} is not finite", self.values[value][row])))
            }
        }
    }
}

fn numbers(block: &Block, column: Option<usize>) -> Result<Vec<f64>> {
    let rows = block.batch.num_rows();
    let Some(column) = column else { return Ok(vec![f64::NAN; rows]) };
    let array = block.batch.column(column);
    let place = kernel::Place { batch: 0, column: &block.shape.layout.names[column] };
    let values = Values::new(array, place).map_err(|_| {
        let found = array.data_type();
        let allowed = "Float64, Float32, integers, Decimal32, Decimal64, Decimal128";
        block.shape.column(column, format!("{found} is no number; allowed: {allowed}"))
    })?;
    let mut out = vec![0.0; rows];
    values.write(0..rows, &mut out);
    Ok(out)
}

/// A column of texts.
#[derive(Clone, Copy)]
enum Texts<'a> {
    Utf8(&'a arrow_array::StringArray),
    Large(&'a arrow_array::LargeStringArray),
    View(&'a arrow_array::StringViewArray),
}

impl<'a> Texts<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => Some(Self::Utf8(array.as_string())),
            DataType::LargeUtf8 => Some(Self::Large(array.as_string())),
            DataType::Utf8View => Some(Self::View(array.as_string_view())),
            _ => None,
        }
    }

    #[inline]
    fn get(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

enum Assets<'a> {
    Texts(Texts<'a>),
    /// Row to place in the dictionary; `None` for a null.
    Dictionary(Vec<Option<u32>>, Texts<'a>),
    Integers(Vec<Option<i64>>),
}

impl<'a> Assets<'a> {
    fn new(block: &'a Block, column: usize) -> Result<Self> {
        let array: &'a dyn Array = block.batch.column(column);
        let unusable = || {
            let found = array.data_type();
            block.shape.column(
                column,
                format!("{found} is no asset's name; allowed: text, a dictionary of texts, integers"),
            )
        };
        if let Some(texts) = Texts::of(array) {
            return Ok(Self::Texts(texts));
        }
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            let texts = Texts::of(dictionary.values().as_ref()).ok_or_else(unusable)?;
            let keys = dictionary.normalized_keys();
            let key = |(row, key): (usize, usize)| dictionary.keys().is_valid(row).then_some(key as u32);
            return Ok(Self::Dictionary(keys.into_iter().enumerate().map(key).collect(), texts));
        }
        integers(array).map(Self::Integers).ok_or_else(unusable)
    }

    #[inline]
    fn number(&self, row: usize, rows: &mut RowsBuilder) -> Result<u32, String> {
        match self {
            Self::Texts(texts) => named(texts.get(row), rows),
            Self::Dictionary(keys, texts) => named(keys[row].and_then(|key| texts.get(key as usize)), rows),
            Self::Integers(integers) => {
                named(integers[row].map(|integer| integer.to_string()).as_deref(), rows)
            }
        }
    }
}

#[inline]
fn named(name: Option<&str>, rows: &mut RowsBuilder) -> Result<u32, String> {
    match name.map(str::trim) {
        None => Err("null is no asset's name".to_owned()),
        Some("") => Err("an empty text is no asset's name".to_owned()),
        Some(name) => Ok(rows.asset(name)),
    }
}

/// The integers of a column, `None` for nulls; or `None` where it holds something else.
fn integers(array: &dyn Array) -> Option<Vec<Option<i64>>> {
    Some(match array.data_type() {
        DataType::Int8 => {
            array.as_primitive::<t::Int8Type>().iter().map(|value| value.map(i64::from)).collect()
        }
        DataType::Int16 => {
            array.as_primitive::<t::Int16Type>().iter().map(|value| value.map(i64::from)).collect()
        }
        DataType::Int32 => {
            array.as_primitive::<t::Int32Type>().iter().map(|value| value.map(i64::from)).collect()
        }
        DataType::Int64 => array.as_primitive::<t::Int64Type>().iter().collect(),
        DataType::UInt8 => {
            array.as_primitive::<t::UInt8Type>().iter().map(|value| value.map(i64::from)).collect()
        }
        DataType::UInt16 => {
            array.as_primitive::<t::UInt16Type>().iter().map(|value| value.map(i64::from)).collect()
        }
        DataType::UInt32 => {
            array.as_primitive::<t::UInt32Type>().iter().map(|value| value.map(i64::from)).collect()
        }
        _ => return None,
    })
}

struct Times<'a> {
    array: &'a dyn Array,
    kind: TimeKind<'a>,
    has_nulls: bool,
}

enum TimeKind<'a> {
    Days(&'a [i32]),
    /// Milliseconds of whole days.
    Millis(&'a [i64]),
    /// Nanoseconds in a unit; moments where the column has a zone, else readings of the wall clock.
    Units {
        units: &'a [i64],
        nanos: i64,
        moments: bool,
    },
    Integers(Vec<Option<i64>>),
    Texts(Texts<'a>),
}

impl<'a> Times<'a> {
    fn new(block: &'a Block, column: usize) -> Result<Self> {
        let array: &'a dyn Array = block.batch.column(column);
        let kind = match array.data_type() {
            DataType::Date32 => TimeKind::Days(array.as_primitive::<t::Date32Type>().values()),
            DataType::Date64 => TimeKind::Millis(array.as_primitive::<t::Date64Type>().values()),
            DataType::Timestamp(unit, zone) => {
                let (units, nanos) = units(array, *unit);
                TimeKind::Units { units, nanos, moments: zone.is_some() }
            }
            _ => match (Texts::of(array), integers(array)) {
                (Some(texts), _) => TimeKind::Texts(texts),
                (_, Some(integers)) => TimeKind::Integers(integers),
                _ => {
                    let found = array.data_type();
                    let allowed = "Timestamp, Date32, Date64, text, integers";
                    return Err(block
                        .shape
                        .column(column, format!("{found} is no time; allowed: {allowed}")));
                }
            },
        };
        Ok(Self { array, kind, has_nulls: array.null_count() > 0 })
    }

    #[inline]
    fn stamp(&self, row: usize, format: TimeFormat) -> Result<Stamp, String> {
        if self.has_nulls && self.array.is_null(row) {
            return Err("null is no time".to_owned());
        }
        let out_of_range = || format!("{} is not between 1677-09-22 and 2262-04-11", self.text(row));
        match &self.kind {
            TimeKind::Days(days) => {
                i64::from(days[row]).checked_mul(DAY).map(Stamp::Date).ok_or_else(out_of_range)
            }
            TimeKind::Millis(millis) => {
                let nanos = millis[row].checked_mul(EpochUnit::Millis.nanos()).ok_or_else(out_of_range)?;
                Ok(if nanos.rem_euclid(DAY) == 0 { Stamp::Date(nanos) } else { Stamp::Local(nanos) })
            }
            TimeKind::Units { units, nanos, moments } => {
                let nanos = units[row].checked_mul(*nanos).ok_or_else(out_of_range)?;
                Ok(if *moments { Stamp::Moment(nanos) } else { Stamp::Local(nanos) })
            }
            TimeKind::Integers(integers) => format
                .read_integer(integers[row].unwrap_or_default())
                .map_err(|reason| format!("{} {reason}", self.text(row))),
            TimeKind::Texts(texts) => format
                .read(texts.get(row).unwrap_or_default().as_bytes())
                .map_err(|reason| format!("{} {reason}", self.text(row))),
        }
    }

    /// The value as it stands in the column, for messages.
    #[cold]
    fn text(&self, row: usize) -> String {
        match &self.kind {
            TimeKind::Days(days) => format!("day {}", days[row]),
            TimeKind::Millis(units) | TimeKind::Units { units, .. } => match self.local(row) {
                Some(nanos) => {
                    bt_core::Timestamp::from_nanos(nanos).to_string().trim_end_matches('Z').to_owned()
                }
                None => units[row].to_string(),
            },
            TimeKind::Integers(integers) => integers[row].unwrap_or_default().to_string(),
            TimeKind::Texts(texts) => format!("{:?}", texts.get(row).unwrap_or_default()),
        }
    }

    fn local(&self, row: usize) -> Option<i64> {
        match &self.kind {
            TimeKind::Units { units, nanos, .. } => units[row].checked_mul(*nanos),
            TimeKind::Millis(units) => units[row].checked_mul(EpochUnit::Millis.nanos()),
            _ => None,
        }
    }
}

fn units(array: &dyn Array, unit: TimeUnit) -> (&[i64], i64) {
    match unit {
        TimeUnit::Second => {
            (array.as_primitive::<t::TimestampSecondType>().values(), EpochUnit::Seconds.nanos())
        }
        TimeUnit::Millisecond => {
            (array.as_primitive::<t::TimestampMillisecondType>().values(), EpochUnit::Millis.nanos())
        }
        TimeUnit::Microsecond => {
            (array.as_primitive::<t::TimestampMicrosecondType>().values(), EpochUnit::Micros.nanos())
        }
        TimeUnit::Nanosecond => {
            (array.as_primitive::<t::TimestampNanosecondType>().values(), EpochUnit::Nanos.nanos())
        }
    }
}
