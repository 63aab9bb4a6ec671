//! Rows of Arrow record batches.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch, downcast_integer_array};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, Schema};
use bt_asset_cache::kernel::{Assets, OUT_OF_RANGE, Stamps, Texts, Values};
use bt_core::{Error, Field, Result, Timestamp};

use super::clock::Traits;
use super::columns::{Layout, Naming};
use super::rows::{BadRow, Fault, LeftOut, Names, Place, Rows, Source, fault, scatter, starts, targets};
use super::stamp::{Stamp, TimeFormat, resolve};
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
    Layout::find(place, names, Naming::Column, options, |at| is_number(fields[at].data_type()))
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
        let assets = Assets::new(self.batch.column(asset));
        let mut assets = assets.map_err(|fault| self.shape.column(asset, fault.reason))?;
        let codes = assets.numbers(&mut names, &mut |fault| {
            bad.add(fault.row.unwrap_or_default(), asset, fault.reason);
        });
        let times = Times::new(&self, layout.time)?;
        let moments = times.moments(layout.time, options, &mut bad);
        let order = Order::of(&codes, names.len());
        let columns =
            layout.values.iter().map(|column| numbers(&self, *column, &order)).collect::<Result<Vec<_>>>()?;
        let Checked { outside, missing } = check(&columns, &order, &mut bad);
        let places: Vec<_> =
            (0..moments.len() as u64).map(|row| Place::new(self.shape.number, self.first + row)).collect();
        let (left_out, is_bad) = bad.judge(options)?;
        let missing = self.missing(missing, &is_bad);
        let traits = times.traits(&moments, &is_bad, &places, options);
        let rows = Rows {
            assets: names.into_vec(),
            stamps: order.apply(moments),
            places: order.apply(places),
            starts: order.starts.clone(),
            columns,
            traits,
            read: self.batch.num_rows() as u64,
            left_out,
            outside,
            missing,
        };
        Ok(if is_bad.is_empty() { rows } else { rows.without(&order.apply(is_bad)) })
    }

    /// Counts the missing values (row, number) of rows that are not bad.
    fn missing(&self, mut missing: Vec<(u32, usize)>, is_bad: &[bool]) -> LeftOut {
        let mut counted = LeftOut::default();
        missing.sort_unstable();
        for (row, value) in missing {
            let row = row as usize;
            if let (Some(column), false) = (self.shape.layout.values[value], is_bad.get(row) == Some(&true)) {
                counted.add(|| self.bad(row, column, "is missing".to_owned()));
            }
        }
        counted
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

/// What is odd, and kept.
#[derive(Default)]
struct Checked {
    outside: LeftOut,
    /// Missing values: row, and number of the value.
    missing: Vec<(u32, usize)>,
}

/// Checks all values.
fn check(columns: &[Vec<f64>], order: &Order, bad: &mut Faults<'_>) -> Checked {
    let [opens, highs, lows, closes, volumes, extras @ ..] = columns else { return Checked::default() };
    let absent = |value: usize| bad.block.shape.layout.values[value].is_none();
    let volume_is_absent = absent(Field::VOLUME.index());
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let prices = opens.iter().zip(highs).zip(lows).zip(closes).zip(volumes);
    for (at, ((((&open, &high), &low), &close), &volume)) in prices.enumerate() {
        found.extend(fault([open, high, low, close, volume]).map(|fault| (at, fault)));
        // The sum by which the faults are found, too: missing where one of them is, or where infinite ones cancel out.
        if (open + high + low + close + volume).is_nan() {
            let known_volume = if volume_is_absent { 0.0 } else { volume };
            note_missing(at, &[open, high, low, close, known_volume], 0, &mut missing);
        }
    }
    for (number, values) in (5..).zip(extras) {
        for (at, value) in values.iter().enumerate().filter(|(_, value)| !value.is_finite()) {
            match value.is_nan() {
                true => note_missing(at, &[*value], number, &mut missing),
                false => found.push((at, Fault::Bad(number, format!("{value} is not finite")))),
            }
        }
    }
    if found.is_empty() && missing.is_empty() {
        return Checked::default();
    }
    let rows = order.rows();
    missing.iter_mut().for_each(|(at, _)| *at = rows[*at as usize]);
    Checked { outside: tell(found, &rows, bad), missing }
}

#[cold]
fn note_missing(at: usize, values: &[f64], first: usize, missing: &mut Vec<(u32, usize)>) {
    let nans = values.iter().zip(first..).filter(|(value, _)| value.is_nan());
    missing.extend(nans.map(|(_, number)| (at as u32, number)));
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
    let values = Values::new(array).map_err(|fault| block.shape.column(column, fault.reason))?;
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

struct Times<'a> {
    array: &'a dyn Array,
    kind: TimeKind<'a>,
}

enum TimeKind<'a> {
    Stamps(Stamps<'a>),
    /// What the format says; `None` for nulls, and for what no format counts so far.
    Integers(Vec<Option<i64>>),
    Texts(Texts<'a>),
}

impl<'a> Times<'a> {
    fn new(block: &'a Block, column: usize) -> Result<Self> {
        let array: &'a dyn Array = block.batch.column(column);
        let kind = match (Texts::new(array), integers(array)) {
            (Some(texts), _) => TimeKind::Texts(texts),
            (_, Some(integers)) => TimeKind::Integers(integers),
            _ => TimeKind::Stamps(Stamps::new(array).map_err(|_| {
                let found = array.data_type();
                let allowed = "Timestamp, Date32, Date64, text, integers";
                block.shape.column(column, format!("{found} is no time; allowed: {allowed}"))
            })?),
        };
        Ok(Self { array, kind })
    }

    /// The moment of each row; of bad ones any.
    fn moments(&self, column: usize, options: &IngestOptions, bad: &mut Faults<'_>) -> Vec<i64> {
        if let TimeKind::Stamps(stamps) = &self.kind
            && let Some(days) = stamps.days()
        {
            return days;
        }
        let moment = |row: usize| {
            let stamp = self.stamp(row, options.time_format)?;
            resolve(stamp, options.zone()).map_err(|reason| format!("{} {reason}", self.text(row)))
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
        if is_bad.is_empty() && *self.array.data_type() == DataType::Date32 {
            return Traits { date: places.first().copied(), ..traits };
        }
        for (row, (&moment, &place)) in moments.iter().zip(places).enumerate() {
            if is_bad.get(row) == Some(&true) {
                continue;
            }
            if let Ok(stamp) = self.stamp(row, options.time_format) {
                traits.note(stamp, moment, place, options.zone());
            }
        }
        traits
    }

    #[inline]
    fn stamp(&self, row: usize, format: TimeFormat) -> Result<Stamp, String> {
        match &self.kind {
            TimeKind::Stamps(stamps) => stamps.stamp(row),
            _ if self.array.is_null(row) => Err("null is no time".to_owned()),
            TimeKind::Integers(integers) => match integers[row] {
                Some(integer) => format.read_integer(integer),
                None => Err(OUT_OF_RANGE),
            }
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
            TimeKind::Stamps(stamps) => stamps.stamp(row).map_or_else(
                |reason| reason,
                |stamp| Timestamp::from_nanos(stamp.nanos()).to_string().trim_end_matches('Z').to_owned(),
            ),
            TimeKind::Integers(integers) => match integers[row] {
                Some(integer) => integer.to_string(),
                None => format!("a number above {}", i64::MAX),
            },
            TimeKind::Texts(texts) => format!("{:?}", texts.get(row).unwrap_or_default()),
        }
    }
}

/// The integers of a column, `None` for nulls and for what exceeds 63 bits; or `None` where it holds something else.
fn integers(array: &dyn Array) -> Option<Vec<Option<i64>>> {
    downcast_integer_array!(
        array => Some(array.iter().map(|value| value.and_then(ArrowNativeType::to_i64)).collect()),
        _ => None
    )
}
