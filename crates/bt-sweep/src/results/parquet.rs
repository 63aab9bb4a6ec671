//! The table as a Parquet file.

use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::file::properties::WriterProperties;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};

use super::columns::{self, FIRST, LAST, MIDDLE, Type};
use super::{Trial, Trials};
use crate::ledger::disk::replace;
use crate::ledger::record::Cell;
use crate::{Error, Result};

/// Trials in one row group: what is held in memory at once.
const ROWS: usize = 1 << 16;

impl Trials {
    /// Writes the table as a Parquet file, compressed with snappy. The file is there as a whole or not at all.
    ///
    /// Counts and times are Int64, the fidelity and metrics Float64, role, status and message Utf8. A parameter is Int64 where all of its
    /// values are whole numbers, Float64 where all are numbers, Utf8 otherwise. What a trial does not have (its metrics unless it
    /// is done, its message unless it failed) is null; a metric that is not defined is NaN. A parameter that is called like another
    /// column gets the prefix `param.`, a metric `metric.`.
    ///
    /// # Errors
    /// [`Error::Io`] naming the path; [`Error::Invalid`] for a count above 2^63 - 1.
    pub fn write_parquet(&self, path: impl AsRef<Path>) -> Result<()> {
        let types: Vec<Type> =
            (0..self.names.as_slice().len()).map(|param| columns::type_of(self, param)).collect();
        let schema = Arc::new(self.schema(&types));
        self.refuse_large_counts()?;
        replace(path.as_ref(), |file| {
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_max_row_group_row_count(Some(ROWS))
                .build();
            let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?;
            for rows in self.order.chunks(ROWS) {
                let trials: Vec<Trial<'_>> = rows.iter().map(|&row| self.trial(row)).collect();
                let batch = RecordBatch::try_new(Arc::clone(&schema), self.arrays(&trials, &types))
                    .map_err(std::io::Error::other)?;
                writer.write(&batch)?;
            }
            writer.close()?;
            Ok(())
        })
    }

    fn schema(&self, types: &[Type]) -> Schema {
        let names = columns::names(self);
        let [number, fold, role, fidelity] = FIRST;
        let [status, message] = MIDDLE;
        let mut fields = vec![
            Field::new(number, DataType::Int64, false),
            Field::new(fold, DataType::Int64, false),
            Field::new(role, DataType::Utf8, false),
            Field::new(fidelity, DataType::Float64, false),
        ];
        let params = names.params.into_iter().zip(types);
        fields.extend(params.map(|(name, column)| Field::new(name, data_type(*column), false)));
        fields.push(Field::new(status, DataType::Utf8, false));
        fields.push(Field::new(message, DataType::Utf8, true));
        fields.extend(names.metrics.into_iter().map(|name| Field::new(name, DataType::Float64, true)));
        fields.extend(LAST.map(|name| Field::new(name, DataType::Int64, false)));
        Schema::new(fields)
    }

    fn refuse_large_counts(&self) -> Result<()> {
        let largest = i64::MAX as u64;
        for row in &self.rows {
            for (name, value) in
                [("number", row.number), ("started_us", row.started_us), ("took_us", row.took_us)]
            {
                if value > largest {
                    return Err(Error::invalid(
                        format!("{name} of trial {}", row.number),
                        value,
                        format!("at most {largest}, what a Parquet file holds"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn arrays(&self, trials: &[Trial<'_>], types: &[Type]) -> Vec<ArrayRef> {
        let mut arrays = vec![
            ints(trials, |trial| trial.number() as i64),
            ints(trials, |trial| trial.fold().into()),
            Arc::new(StringArray::from_iter_values(trials.iter().map(|trial| trial.role().name()))),
            Arc::new(Float64Array::from_iter_values(trials.iter().map(|trial| trial.fidelity()))),
        ];
        arrays.extend(types.iter().enumerate().map(|(param, column)| param_array(trials, param, *column)));
        arrays.push(Arc::new(StringArray::from_iter_values(trials.iter().map(|trial| trial.status_name()))));
        arrays.push(Arc::new(StringArray::from_iter(trials.iter().map(|trial| trial.message()))));
        arrays.extend((0..self.metric_names.len()).map(|metric| {
            let values = trials.iter().map(|trial| trial.metrics().get(metric).copied());
            Arc::new(Float64Array::from_iter(values)) as ArrayRef
        }));
        arrays.push(ints(trials, |trial| trial.worker().into()));
        arrays.push(ints(trials, |trial| trial.started_us() as i64));
        arrays.push(ints(trials, |trial| trial.took_us() as i64));
        arrays
    }
}

fn data_type(column: Type) -> DataType {
    match column {
        Type::Int => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Text => DataType::Utf8,
    }
}

fn ints(trials: &[Trial<'_>], of: impl Fn(Trial<'_>) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(trials.iter().map(|trial| of(*trial))))
}

fn param_array(trials: &[Trial<'_>], param: usize, column: Type) -> ArrayRef {
    let cells = trials.iter().map(|trial| trial.cell(param));
    match column {
        Type::Int => Arc::new(Int64Array::from_iter_values(cells.map(int))),
        Type::Float => Arc::new(Float64Array::from_iter_values(cells.map(float))),
        Type::Text => {
            Arc::new(StringArray::from_iter_values(cells.map(|cell| columns::text(cell, Type::Text))))
        }
    }
}

fn int(cell: Cell<'_>) -> i64 {
    match cell {
        Cell::Int(value) => value,
        Cell::Float(_) | Cell::Text(_) => unreachable!("a column of whole numbers alone"),
    }
}

fn float(cell: Cell<'_>) -> f64 {
    match cell {
        Cell::Int(value) => value as f64,
        Cell::Float(value) => value,
        Cell::Text(_) => unreachable!("a column of numbers alone"),
    }
}
