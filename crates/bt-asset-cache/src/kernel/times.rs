use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, types as t};
use arrow_schema::{DataType, TimeUnit};
use bt_core::{Frequency, Result};

use super::Place;
use crate::Label;

const DAY: i64 = 86_400_000_000_000;

/// A timestamp column, read as the moments at which bars became known: nanoseconds since the epoch, UTC.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    raw: Raw<'a>,
    nanos_per_unit: i64,
    known: Known,
    place: Place<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Raw<'a> {
    Days(&'a [i32]),
    Units(&'a [i64]),
}

/// How the moment at which a bar became known follows from its stamp.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Known {
    Then,
    NextMidnight,
    Later(i64),
}

impl<'a> Times<'a> {
    /// Takes a column.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where its type is no timestamp, or where a timestamp is null.
    pub fn new(array: &'a dyn Array, label: Label, frequency: Frequency, place: Place<'a>) -> Result<Self> {
        if let Some(row) = first_null(array) {
            return Err(place.row(row, "the timestamp is null"));
        }
        let (raw, nanos_per_unit) = raw(array).ok_or_else(|| {
            let found = array.data_type();
            place.column(format!(
                "{found} is no timestamp; allowed: Timestamp, Date32, Date64, Int64 nanoseconds"
            ))
        })?;
        let is_date = matches!(array.data_type(), DataType::Date32 | DataType::Date64);
        let known = match (label, frequency) {
            (Label::Date, _) => Known::NextMidnight,
            (Label::End, _) if is_date => Known::NextMidnight,
            (Label::End, _) => Known::Then,
            (Label::Start, Frequency::Daily) => Known::Later(DAY),
            (Label::Start, Frequency::Minutes(minutes)) => Known::Later(i64::from(minutes) * 60_000_000_000),
        };
        Ok(Self { raw, nanos_per_unit, known, place })
    }

    /// The column as it lies in memory, where it holds what is wanted already.
    pub fn as_slice(&self) -> Option<&'a [i64]> {
        match self.raw {
            Raw::Units(nanos) if self.nanos_per_unit == 1 && self.known == Known::Then => Some(nanos),
            _ => None,
        }
    }

    /// Some rows, in `scratch` if they have to be converted.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) for a moment before 1677-09-22 or after 2262-04-11.
    ///
    /// # Panics
    /// Where the column has no such rows.
    pub fn read<'s>(&self, rows: Range<usize>, scratch: &'s mut Vec<i64>) -> Result<&'s [i64]>
    where
        'a: 's,
    {
        if let Some(nanos) = self.as_slice() {
            return Ok(&nanos[rows]);
        }
        scratch.resize(rows.len(), 0);
        self.write(rows, scratch)?;
        Ok(scratch)
    }

    /// Writes some rows to `out`, which has as many places.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) for a moment before 1677-09-22 or after 2262-04-11.
    ///
    /// # Panics
    /// Where the column has no such rows, or `out` another length.
    pub fn write(&self, rows: Range<usize>, out: &mut [i64]) -> Result<()> {
        if let Some(nanos) = self.as_slice() {
            out.copy_from_slice(&nanos[rows]);
            return Ok(());
        }
        assert_eq!(out.len(), rows.len(), "a place for each row");
        let first = rows.start;
        let failed = match self.raw {
            Raw::Days(days) => self.convert(days[rows].iter().map(|&days| i64::from(days)), out),
            Raw::Units(units) => self.convert(units[rows].iter().copied(), out),
        };
        failed.map_or(Ok(()), |row| Err(self.out_of_range(first + row)))
    }

    /// Returns the first row that cannot be converted.
    fn convert(&self, raw: impl Iterator<Item = i64>, out: &mut [i64]) -> Option<usize> {
        out.iter_mut().zip(raw).position(|(out, raw)| match self.moment(raw) {
            Some(nanos) => {
                *out = nanos;
                false
            }
            None => true,
        })
    }

    fn moment(&self, raw: i64) -> Option<i64> {
        let stamp = raw.checked_mul(self.nanos_per_unit)?;
        match self.known {
            Known::Then => Some(stamp),
            Known::Later(nanos) => stamp.checked_add(nanos),
            Known::NextMidnight => (stamp.div_euclid(DAY) + 1).checked_mul(DAY),
        }
    }

    #[cold]
    fn out_of_range(&self, row: usize) -> bt_core::Error {
        let raw = match self.raw {
            Raw::Days(days) => i64::from(days[row]),
            Raw::Units(units) => units[row],
        };
        self.place.row(row, format!("{raw} is a moment before 1677-09-22 or after 2262-04-11"))
    }
}

fn raw(array: &dyn Array) -> Option<(Raw<'_>, i64)> {
    let units = |values| Raw::Units(values);
    Some(match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            (units(array.as_primitive::<t::TimestampSecondType>().values()), 1_000_000_000)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            (units(array.as_primitive::<t::TimestampMillisecondType>().values()), 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            (units(array.as_primitive::<t::TimestampMicrosecondType>().values()), 1_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            (units(array.as_primitive::<t::TimestampNanosecondType>().values()), 1)
        }
        DataType::Int64 => (units(array.as_primitive::<t::Int64Type>().values()), 1),
        DataType::Date64 => (units(array.as_primitive::<t::Date64Type>().values()), 1_000_000),
        DataType::Date32 => (Raw::Days(array.as_primitive::<t::Date32Type>().values()), DAY),
        _ => return None,
    })
}

pub(super) fn first_null(array: &dyn Array) -> Option<usize> {
    let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0)?;
    (0..array.len()).find(|&row| nulls.is_null(row))
}

#[cfg(test)]
mod tests {
    use arrow_array::{Date32Array, Date64Array, Int64Array, StringArray, TimestampMillisecondArray};
    use bt_core::Timestamp;

    use super::*;

    const PLACE: Place<'_> = Place { batch: 3, column: "when" };

    fn read(array: &dyn Array, label: Label, frequency: Frequency) -> Result<Vec<String>> {
        let times = Times::new(array, label, frequency, PLACE)?;
        let mut scratch = Vec::new();
        let nanos = times.read(0..array.len(), &mut scratch)?;
        Ok(nanos.iter().map(|&nanos| Timestamp::from_nanos(nanos).to_string()).collect())
    }

    #[test]
    fn a_date_is_known_at_the_next_midnight() {
        let days = Date32Array::from(vec![0, -1, 10]);
        let milliseconds = Date64Array::from(vec![0, -86_400_000, 864_000_000]);
        let expected = ["1970-01-02T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-12T00:00:00Z"];
        for label in [Label::End, Label::Date] {
            assert_eq!(read(&days, label, Frequency::Daily).unwrap(), expected);
            assert_eq!(read(&milliseconds, label, Frequency::Daily).unwrap(), expected);
        }
    }

    #[test]
    fn labels_say_when_a_bar_became_known() {
        let half_past_nine =
            TimestampMillisecondArray::from(vec![34_200_000]).with_timezone("America/New_York");
        let known = |label, frequency| read(&half_past_nine, label, frequency).unwrap().remove(0);
        assert_eq!(known(Label::End, Frequency::Minutes(5)), "1970-01-01T09:30:00Z");
        assert_eq!(known(Label::Start, Frequency::Minutes(5)), "1970-01-01T09:35:00Z");
        assert_eq!(known(Label::Start, Frequency::Daily), "1970-01-02T09:30:00Z");
        assert_eq!(known(Label::Date, Frequency::Daily), "1970-01-02T00:00:00Z");
    }

    #[test]
    fn nanoseconds_that_are_ends_are_not_copied() {
        let nanos = Int64Array::from(vec![1, 2, 3]);
        let times = Times::new(&nanos, Label::End, Frequency::Daily, PLACE).unwrap();
        assert_eq!(times.as_slice(), Some([1, 2, 3].as_slice()));
    }

    #[test]
    fn nulls_other_types_and_moments_out_of_range_are_refused_by_place() {
        let refused = |array: &dyn Array| read(array, Label::End, Frequency::Daily).unwrap_err().to_string();
        assert_eq!(
            refused(&Int64Array::from(vec![Some(1), None])),
            "batch 3, row 1, column \"when\": the timestamp is null"
        );
        assert_eq!(
            refused(&TimestampMillisecondArray::from(vec![0, i64::MAX])),
            format!(
                "batch 3, row 1, column \"when\": {} is a moment before 1677-09-22 or after 2262-04-11",
                i64::MAX
            )
        );
        assert!(refused(&StringArray::from(vec!["2024-01-05"])).contains("Utf8 is no timestamp"));
        assert!(read(&Int64Array::from(vec![i64::MAX]), Label::Date, Frequency::Daily).is_err());
    }
}
