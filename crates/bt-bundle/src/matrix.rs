//! `bars.arrow`: all bars of a bundle as one matrix.

use std::ops::Range;

use arrow_schema::{DataType, Field as ArrowField, Schema, TimeUnit};
use bt_core::{Bars, Error, ErrorKind, Field, Result, Timestamp};

use crate::DraftShape;
use crate::ipc::{self, Batch, Kind, Plan, Table};
use crate::map::Region;

/// The file's name.
pub(crate) const FILE: &str = "bars.arrow";
/// The column of asset names.
pub(crate) const ASSET: &str = "asset";
/// The column of times.
pub(crate) const TIMESTAMP: &str = "timestamp";
/// Buffers before those of the prices: validity and keys of the assets, validity and values of the timestamps.
const KEYS: usize = 1;
const TIMES: usize = 3;

/// An open `bars.arrow`.
pub(crate) struct Matrix {
    region: Region,
    place: Place,
    extra_columns: Vec<String>,
}

enum Place {
    /// The columns lie at equal distances in the file: nothing was copied.
    InFile { timestamps: Range<usize>, values: Range<usize>, stride: usize },
    /// They did not, so they were copied once.
    Copied { timestamps: Vec<Timestamp>, values: Vec<f64> },
}

impl Matrix {
    /// Finds the columns, in O(columns) where they lie at equal distances.
    pub(crate) fn open(region: Region, what: &str) -> Result<Self> {
        let table = Table::read(region.bytes(), what)?;
        let columns = Columns::find(&table, what)?;
        let place = match table.batches.as_slice() {
            [batch] => in_file(&table, batch, &columns, region.bytes())
                .map_or_else(|| copy(&table, &columns, region.bytes()), Some),
            _ => copy(&table, &columns, region.bytes()),
        };
        let damaged = || Error::corrupt(what, "a column is shorter than its batch or has nulls");
        let matrix = Self { place: place.ok_or_else(damaged)?, region, extra_columns: columns.extra_names };
        matrix.view().map(|_| ())?;
        Ok(matrix)
    }

    /// All rows.
    pub(crate) fn bars(&self) -> Bars<'_> {
        self.view().expect("`open` checked that the columns fit")
    }

    fn view(&self) -> Result<Bars<'_>> {
        match &self.place {
            Place::Copied { timestamps, values } => Bars::new(timestamps, values, timestamps.len()),
            Place::InFile { timestamps, values, stride } => {
                let bytes = self.region.bytes();
                let nanos = ipc::numbers(&bytes[timestamps.clone()]);
                let values = ipc::numbers(&bytes[values.clone()]);
                let unaligned = || Error::corrupt(FILE, "a column is not aligned to 8 bytes");
                let (nanos, values) = nanos.zip(values).ok_or_else(unaligned)?;
                Bars::new(Timestamp::slice_from_nanos(nanos), values, *stride)
            }
        }
    }

    pub(crate) fn extra_columns(&self) -> &[String] {
        &self.extra_columns
    }

    /// The file's bytes, for whoever checks what `open` does not.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.region.bytes()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let copied = match &self.place {
            Place::InFile { .. } => 0,
            Place::Copied { timestamps, values } => (timestamps.capacity() + values.capacity()) * 8,
        };
        copied + self.region.heap_bytes()
    }
}

/// The numbers of the columns in the schema.
struct Columns {
    timestamp: usize,
    /// Open, high, low, close, volume, then the extra ones.
    values: Vec<usize>,
    extra_names: Vec<String>,
}

impl Columns {
    fn find(table: &Table, what: &str) -> Result<Self> {
        let missing = |name: &str| Error::corrupt(what, format!("it has no column {name:?}"));
        let find = |name| table.position(name).ok_or_else(|| missing(name));
        find(ASSET)?;
        let timestamp = find(TIMESTAMP)?;
        let mut values = Field::NAMES.into_iter().map(find).collect::<Result<Vec<_>>>()?;
        let known = [&values[..], &[timestamp, find(ASSET)?]].concat();
        let extra: Vec<_> = (0..table.columns.len()).filter(|column| !known.contains(column)).collect();
        values.extend(&extra);
        let wrong = |&&column: &&usize| table.columns[column].kind != expected_kind(table.name(column));
        if let Some(&wrong) = values.iter().chain([&timestamp]).find(wrong) {
            return Err(wrong_type(what, table.name(wrong), table.columns[wrong].kind));
        }
        let extra_names = extra.iter().map(|&column| table.name(column).to_owned()).collect();
        Ok(Self { timestamp, values, extra_names })
    }
}

fn expected_kind(name: &str) -> Kind {
    if name == TIMESTAMP { Kind::Timestamp } else { Kind::Float64 }
}

fn wrong_type(what: &str, name: &str, kind: Kind) -> Error {
    let instead = format!("it has to be {:?} (timestamps in nanoseconds, UTC)", expected_kind(name));
    ErrorKind::Unsupported { what: format!("column {name:?} of {what} as {kind:?}"), instead }.into()
}

/// The bytes of a column of 8-byte values without nulls.
fn column(table: &Table, batch: &Batch, column: usize) -> Option<Range<usize>> {
    let (length, bytes) = batch.values(&table.columns, column);
    let needed = batch.rows.checked_mul(8)?;
    let fits = length == batch.rows && batch.nulls(column) == 0 && bytes.len() >= needed;
    fits.then(|| bytes.start..bytes.start + needed)
}

/// The place of the matrix, if its columns lie at equal, aligned distances.
fn in_file(table: &Table, batch: &Batch, columns: &Columns, file: &[u8]) -> Option<Place> {
    let timestamps = column(table, batch, columns.timestamp)?;
    let places: Option<Vec<_>> = columns.values.iter().map(|&number| column(table, batch, number)).collect();
    let places = places?;
    let distance = places[1].start.checked_sub(places[0].start)?;
    let equal = places.windows(2).all(|pair| pair[1].start.checked_sub(pair[0].start) == Some(distance));
    let values = places[0].start..places.last()?.end;
    let aligned = ipc::numbers::<f64>(file.get(values.clone())?).is_some()
        && ipc::numbers::<i64>(file.get(timestamps.clone())?).is_some();
    let fits = equal && aligned && distance % 8 == 0;
    fits.then_some(Place::InFile { timestamps, values, stride: distance / 8 })
}

/// Copies the columns of all batches. Buffers do not overlap, so this is never more than the file holds.
fn copy(table: &Table, columns: &Columns, file: &[u8]) -> Option<Place> {
    let gather = |number: usize| -> Option<Vec<&[u8]>> {
        table.batches.iter().map(|batch| file.get(column(table, batch, number)?)).collect()
    };
    let words = |parts: Vec<&[u8]>| parts.concat();
    let timestamps = words(gather(columns.timestamp)?);
    let timestamps =
        timestamps.as_chunks().0.iter().map(|&word| Timestamp::from_nanos(i64::from_le_bytes(word)));
    let mut values = Vec::new();
    for &number in &columns.values {
        for part in gather(number)? {
            values.extend(part.as_chunks().0.iter().map(|&word| f64::from_le_bytes(word)));
        }
    }
    Some(Place::Copied { timestamps: timestamps.collect(), values })
}

/// Lays out the file of a bundle.
pub(crate) fn plan(shape: &DraftShape, names: &[String], rows: usize) -> Plan {
    let schema = schema(shape);
    let arrays = vec![rows; schema.fields().len()];
    let mut buffers = vec![0, 4 * rows as u64];
    buffers.extend([0, 8 * rows as u64].repeat(arrays.len() - 1));
    ipc::plan(&schema, Some(ipc::Dictionary { values: names }), rows, &arrays, &buffers)
}

fn schema(shape: &DraftShape) -> Schema {
    let keys = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let times = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let mut fields = vec![ArrowField::new(ASSET, keys, false), ArrowField::new(TIMESTAMP, times, false)];
    let names = Field::NAMES.into_iter().chain(shape.extra_columns.iter().map(String::as_str));
    fields.extend(names.map(|name| ArrowField::new(name, DataType::Float64, false)));
    Schema::new_with_metadata(fields, ipc::metadata(shape.frequency, &shape.conventions))
}

/// Where an asset's keys go that starts at this row.
pub(crate) fn keys_at(plan: &Plan, row: u64) -> u64 {
    plan.offsets[KEYS] + 4 * row
}

/// Where an asset's timestamps go that starts at this row.
pub(crate) fn times_at(plan: &Plan, row: u64) -> u64 {
    plan.offsets[TIMES] + 8 * row
}

/// Where an asset's values of a column go that starts at this row.
pub(crate) fn values_at(plan: &Plan, column: usize, row: u64) -> u64 {
    plan.offsets[TIMES + 2 * (column + 1)] + 8 * row
}
