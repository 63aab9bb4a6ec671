//! Rows of Arrow record batches.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, types as t};
use arrow_schema::{DataType, Schema, TimeUnit};
use bt_asset_cache::kernel::{self, Values};
use bt_core::{Error, Result};

use super::clock::Traits;
use super::columns::Layout;
use super::rows::{BadRow, Fault, LeftOut, Names, Place, Rows, Source, fault, scatter, starts, targets};
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
    /// Decodes the rows, column by column.
    ///
    /// # Errors
    /// The first bad row, where bad rows fail; a column of a type that is not what the column should hold.
    pub(super) fn decode(self, options: &IngestOptions) -> Result<Rows> {
        let layout = &self.shape.layout;
        let mut names = Names::default();
        let mut bad = Faults { block: &self, rows: Vec::new() };
        let asset = layout.asset.unwrap_or_default();
        let codes = Assets::new(&self, asset)?.numbers(asset, &mut names, &mut bad);
        let times = Times::new(&self, layout.time)?;
        let moments = times.moments(layout.time, options, &mut bad);
        let order = Order::of(&codes, names.len());
        let columns =
            layout.values.iter().map(|column| numbers(&self, *column, &order)).collect::<Result<Vec<_>>>()?;
        let outside = check(&columns, &order, &mut bad);
        let places: Vec<_> =
            (0..moments.len() as u64).map(|row| Place::new(self.shape.number, self.first + row)).collect();
        let (left_out, is_bad) = bad.judge(options)?;
        let traits = times.traits(&moments, &is_bad, &places, options);
        let rows = Rows {
            assets: names.into_list(),
            stamps: order.apply(moments),
            places: order.apply(places),
            starts: order.starts.clone(),
            columns,
            traits,
            read: self.batch.num_rows() as u64,
            left_out,
            outside,
        };
        Ok(if is_bad.is_empty() { rows } else { rows.without(&order.apply(is_bad)) })
    }

    fn bad(&self, row: usize, column: usize, reason: String) -> BadRow {
        let number = self.first + row as u64;
        BadRow::new(&self.shape.source, number, Some(&self.shape.layout.names[column]), reason)
    }
}

/// The bad rows of a block: row, column and reason.
struct Faults<'a> {
    block: &'a Block,
    rows: Vec<(usize, usize, String)>,
}

impl Faults<'_> {
    #[cold]
    fn add(&mut self, row: usize, column: usize, reason: impl Into<String>) {
        self.rows.push((row, column, reason.into()));
    }

    /// What is left out, and which rows are bad (none at all: an empty list).
    fn judge(mut self, options: &IngestOptions) -> Result<(LeftOut, Vec<bool>)> {
        let (mut left_out, mut is_bad) = (LeftOut::default(), Vec::new());
        // Stable: of several faults of a row the first that was found is told.
        self.rows.sort_by_key(|&(row, ..)| row);
        self.rows.dedup_by_key(|&mut (row, ..)| row);
        for (row, column, reason) in self.rows {
            let bad = || self.block.bad(row, column, reason);
            match options.on_bad_row {
                BadRows::Fail => return Err(bad().into()),
                BadRows::Skip => left_out.add(bad),
            }
            is_bad.resize(self.block.batch.num_rows(), false);
            is_bad[row] = true;
        }
        Ok((left_out, is_bad))
    }
}

/// How rows are brought in order of their assets.
struct Order {
    starts: Vec<u32>,
    /// Where each row goes; `None` where all stay.
    targets: Option<Vec<u32>>,
}

impl Order {
    fn of(codes: &[u32], assets: usize) -> Self {
        let starts = starts(codes, assets);
        let targets = (!codes.is_sorted()).then(|| targets(codes, &starts));
        Self { starts, targets }
    }

    fn apply<T: Copy + Default>(&self, values: Vec<T>) -> Vec<T> {
        match &self.targets {
            None => values,
            Some(targets) => scatter(&values, targets),
        }
    }

    /// The row that went to each place.
    #[cold]
    fn rows(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.starts.last().copied().unwrap_or_default()).collect();
        for (row, &target) in self.targets.iter().flatten().enumerate() {
            rows[target as usize] = row as u32;
        }
        rows
    }
}

/// Checks all values; what is odd, and kept.
fn check(columns: &[Vec<f64>], order: &Order, bad: &mut Faults<'_>) -> LeftOut {
    let [opens, highs, lows, closes, volumes, extras @ ..] = columns else { return LeftOut::default() };
    let mut found = Vec::new();
    let prices = opens.iter().zip(highs).zip(lows).zip(closes).zip(volumes);
    for (at, ((((&open, &high), &low), &close), &volume)) in prices.enumerate() {
        found.extend(fault([open, high, low, close, volume]).map(|fault| (at, fault)));
    }
    for (number, values) in extras.iter().enumerate() {
        let infinite = values.iter().enumerate().filter(|(_, value)| value.is_infinite());
        let fault = |value: &f64| Fault::Bad(5 + number, format!("{value} is not finite"));
        found.extend(infinite.map(|(at, value)| (at, fault(value))));
    }
    if found.is_empty() { LeftOut::default() } else { tell(found, &order.rows(), bad) }
}

/// Sorts faults into bad rows and odd ones, of which the latter are returned.
#[cold]
fn tell(found: Vec<(usize, Fault)>, rows: &[u32], bad: &mut Faults<'_>) -> LeftOut {
    let layout = &bad.block.shape.layout;
    let column = |value: usize| layout.values[value].unwrap_or_default();
    let mut odd = Vec::new();
    for (at, fault) in found {
        let row = rows[at] as usize;
        match fault {
            Fault::Bad(value, reason) => bad.add(row, column(value), reason),
            Fault::Outside(value, reason) => odd.push((row, column(value), reason)),
        }
    }
    odd.sort_by_key(|&(row, ..)| row);
    let mut told = LeftOut::default();
    odd.into_iter().for_each(|(row, column, reason)| told.add(|| bad.block.bad(row, column, reason)));
    told
}

/// The numbers of a column, in order of their assets.
fn numbers(block: &Block, column: Option<usize>, order: &Order) -> Result<Vec<f64>> {
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
    match &order.targets {
        None => values.write(0..rows, &mut out),
        Some(targets) => {
            // Some thousand at a time, which stay in the processor's cache until they are scattered.
            const CHUNK: usize = 4096;
            let mut scratch = Vec::new();
            for start in (0..rows).step_by(CHUNK) {
                let end = rows.min(start + CHUNK);
                let read = values.read(start..end, &mut scratch);
                targets[start..end]
                    .iter()
                    .zip(read)
                    .for_each(|(&target, &value)| out[target as usize] = value);
            }
        }
    }
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

    fn len(self) -> usize {
        match self {
            Self::Utf8(array) => array.len(),
            Self::Large(array) => array.len(),
            Self::View(array) => array.len(),
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

    /// The number of each row's asset.
    fn numbers(&self, column: usize, names: &mut Names, bad: &mut Faults<'_>) -> Vec<u32> {
        let count = bad.block.batch.num_rows();
        let mut number = |row: usize, name: Option<&str>| match name.map(str::trim) {
            Some(name) if !name.is_empty() => names.number(name),
            None => {
                bad.add(row, column, "null is no asset's name");
                names.number("")
            }
            Some(_) => {
                bad.add(row, column, "an empty text is no asset's name");
                names.number("")
            }
        };
        match self {
            Self::Texts(texts) => (0..count).map(|row| number(row, texts.get(row))).collect(),
            Self::Integers(integers) => {
                let name = |row: usize| integers[row].map(|integer| integer.to_string());
                (0..count).map(|row| number(row, name(row).as_deref())).collect()
            }
            Self::Dictionary(keys, texts) => {
                let mut known = vec![None; texts.len()];
                let mut of_key = |(row, key): (usize, &Option<u32>)| match key {
                    None => number(row, None),
                    // A name that is bad is bad in every row.
                    Some(key) => match known[*key as usize] {
                        Some(number) => number,
                        None => {
                            let name = texts.get(*key as usize);
                            let number = number(row, name);
                            known[*key as usize] =
                                name.filter(|name| !name.trim().is_empty()).map(|_| number);
                            number
                        }
                    },
                };
                keys.iter().enumerate().map(&mut of_key).collect()
            }
        }
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

    /// The column, where it holds nothing but days that are in range.
    fn plain_days(&self) -> Option<&[i32]> {
        const LAST: i32 = (i64::MAX / DAY) as i32 - 1;
        match self.kind {
            TimeKind::Days(days) if !self.has_nulls => {
                days.iter().all(|day| (-LAST..=LAST).contains(day)).then_some(days)
            }
            _ => None,
        }
    }

    /// The moment of each row; of bad ones any.
    fn moments(&self, column: usize, options: &IngestOptions, bad: &mut Faults<'_>) -> Vec<i64> {
        if let Some(days) = self.plain_days() {
            return days.iter().map(|&days| i64::from(days) * DAY).collect();
        }
        let moment = |row: usize| {
            let stamp = self.stamp(row, options.time_format)?;
            stamp.resolve(&options.zone).map_err(|reason| format!("{} {reason}", self.text(row)))
        };
        let mut of_row = |row: usize| {
            moment(row).unwrap_or_else(|reason| {
                bad.add(row, column, reason);
                0
            })
        };
        (0..self.array.len()).map(&mut of_row).collect()
    }

    /// What the stamps of the rows that are not bad have in common.
    fn traits(&self, moments: &[i64], is_bad: &[bool], places: &[Place], options: &IngestOptions) -> Traits {
        let mut traits = Traits::NONE;
        if self.plain_days().is_some() && is_bad.is_empty() {
            return Traits { date: places.first().copied(), ..traits };
        }
        for (row, (&moment, &place)) in moments.iter().zip(places).enumerate() {
            if is_bad.get(row) == Some(&true) {
                continue;
            }
            if let Ok(stamp) = self.stamp(row, options.time_format) {
                traits.note(stamp, moment, place, &options.zone);
            }
        }
        traits
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
