//! Timestamp columns as they are stamped, before anybody says what a stamp means.

use arrow_array::cast::AsArray;
use arrow_array::{Array, types as t};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use bt_core::{Timestamp, Zone};

use super::Fault;
use super::assets::first_null;

pub(super) const DAY: i64 = 86_400_000_000_000;

/// The first moment that a stamp may be: the midnight that begins 1677-09-22, in nanoseconds.
///
/// Databases and data frames write "no time" as the least integer, which would be the day before.
pub const FIRST_STAMP: i64 = -106_751 * DAY;
/// The last: the end of 2262-04-09, so that the end of its bar fits, a day later and in any time zone.
pub const LAST_STAMP: i64 = 106_750 * DAY - 1;
/// Why a stamp is refused that is earlier or later.
pub const OUT_OF_RANGE: &str = "is not between 1677-09-22 and 2262-04-09";

const MISSING: &str = "there is no date or time";

/// What a stamp says, in nanoseconds since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamp {
    /// A day, as its 00:00 UTC, and no time.
    Date(i64),
    /// A reading of the wall clock, as if it were UTC.
    Local(i64),
    /// A moment.
    Moment(i64),
}

impl Stamp {
    /// The nanoseconds, whatever they mean.
    pub fn nanos(self) -> i64 {
        match self {
            Self::Date(nanos) | Self::Local(nanos) | Self::Moment(nanos) => nanos,
        }
    }
}

/// A timestamp column as it is stamped.
///
/// `Date32` holds days, and so does `Date64`, though a stamp of it with a time of day is read as one. A `Timestamp` in a
/// zone is a moment, one without a reading of the wall clock; `Int64` holds moments in nanoseconds.
///
/// ```
/// use bt_asset_cache::arrow_array::{Date32Array, TimestampSecondArray};
/// use bt_asset_cache::kernel::{Stamp, Stamps};
/// let days = Date32Array::from(vec![Some(0), None, Some(i32::MAX)]);
/// let days = Stamps::new(&days).unwrap();
/// assert_eq!(days.stamp(0), Ok(Stamp::Date(0)));
/// assert_eq!(days.stamp(1).unwrap_err(), "there is no date or time");
/// assert!(days.stamp(2).unwrap_err().starts_with("day 2147483647 is not between"));
/// let clock = TimestampSecondArray::from(vec![60]);
/// assert_eq!(Stamps::new(&clock).unwrap().stamp(0), Ok(Stamp::Local(60_000_000_000)));
/// ```
#[derive(Clone, Debug)]
pub struct Stamps<'a> {
    raw: Raw<'a>,
    nanos_per_unit: i64,
    kind: Kind,
    zone: Option<&'a str>,
    nulls: Option<NullBuffer>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    Days(&'a [i32]),
    Units(&'a [i64]),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Dates,
    /// What is a whole day is a date.
    DatesAndTimes,
    Local,
    Moments,
}

/// What the stamps of a column have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The first row that is a date.
    pub(super) date: Option<usize>,
    /// The first row that has a time.
    pub(super) time: Option<usize>,
}

impl<'a> Stamps<'a> {
    /// Takes a column: `Timestamp` of any unit, `Date32`, `Date64`, or `Int64` nanoseconds.
    ///
    /// # Errors
    /// The column's type, where it is another.
    pub fn new(array: &'a dyn Array) -> Result<Self, Fault> {
        let (raw, nanos_per_unit, kind) = match array.data_type() {
            DataType::Date32 => (Raw::Days(array.as_primitive::<t::Date32Type>().values()), DAY, Kind::Dates),
            DataType::Date64 => {
                (Raw::Units(array.as_primitive::<t::Date64Type>().values()), 1_000_000, Kind::DatesAndTimes)
            }
            DataType::Int64 => (Raw::Units(array.as_primitive::<t::Int64Type>().values()), 1, Kind::Moments),
            DataType::Timestamp(unit, zone) => {
                let (units, nanos) = units(array, *unit);
                (Raw::Units(units), nanos, if zone.is_some() { Kind::Moments } else { Kind::Local })
            }
            found => {
                let allowed = "Timestamp, Date32, Date64, Int64 nanoseconds";
                return Err(Fault::column(format!("{found} is not read; allowed: {allowed}")));
            }
        };
        let zone = match array.data_type() {
            DataType::Timestamp(_, zone) => zone.as_deref(),
            _ => None,
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        Ok(Self { raw, nanos_per_unit, kind, zone, nulls })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self.raw {
            Raw::Days(days) => days.len(),
            Raw::Units(units) => units.len(),
        }
    }

    /// The time zone that the column's type names.
    pub fn zone(&self) -> Option<&'a str> {
        self.zone
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What one row says; `Err` holds the reason why it says nothing.
    ///
    /// # Errors
    /// A null, or a stamp before [`FIRST_STAMP`] or after [`LAST_STAMP`].
    ///
    /// # Panics
    /// Where there is no such row.
    #[inline]
    pub fn stamp(&self, row: usize) -> Result<Stamp, String> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Err(MISSING.to_owned());
        }
        let nanos = self.nanos(self.raw(row)).ok_or_else(|| self.out_of_range(row))?;
        Ok(match self.kind {
            Kind::Dates => Stamp::Date(nanos),
            Kind::DatesAndTimes if nanos % DAY == 0 => Stamp::Date(nanos),
            Kind::DatesAndTimes | Kind::Local => Stamp::Local(nanos),
            Kind::Moments => Stamp::Moment(nanos),
        })
    }

    /// The 00:00 UTC of every row's day, where there is nothing but days that can be read.
    pub fn days(&self) -> Option<Vec<i64>> {
        match self.raw {
            Raw::Days(days) if self.nulls.is_none() => {
                let range = (FIRST_STAMP / DAY) as i32..=(LAST_STAMP / DAY) as i32;
                let midnights = days.iter().map(|&day| i64::from(day) * DAY);
                days.iter().all(|day| range.contains(day)).then(|| midnights.collect())
            }
            _ => None,
        }
    }

    /// The value of a row as it lies in the column.
    #[inline]
    pub(super) fn raw(&self, row: usize) -> i64 {
        match self.raw {
            Raw::Days(days) => i64::from(days[row]),
            Raw::Units(units) => units[row],
        }
    }

    /// The nanoseconds of a value, where they are in range.
    #[inline]
    pub(super) fn nanos(&self, raw: i64) -> Option<i64> {
        raw.checked_mul(self.nanos_per_unit).filter(|nanos| (FIRST_STAMP..=LAST_STAMP).contains(nanos))
    }

    pub(super) fn values(&self) -> Raw<'a> {
        self.raw
    }

    /// The column as it lies in memory, where it holds nanoseconds and no dates.
    pub(super) fn as_nanos(&self) -> Option<&'a [i64]> {
        match self.raw {
            Raw::Units(nanos) if self.nanos_per_unit == 1 => Some(nanos),
            _ => None,
        }
    }

    /// Whether there is nothing but dates, whatever the rows hold.
    pub(super) fn are_dates(&self) -> bool {
        self.kind == Kind::Dates
    }

    /// Whether a stamp that is a whole day is a date, and any other a time.
    #[inline]
    pub(super) fn are_mixed(&self) -> bool {
        self.kind == Kind::DatesAndTimes
    }

    /// The first row that is null, and why that is a fault.
    pub(super) fn first_null(&self) -> Option<Fault> {
        first_null(self.nulls.as_ref()).map(|row| Fault::row(row, MISSING))
    }

    /// What the rows have in common; O(1), but for `Date64`.
    pub(super) fn shown(&self) -> Shown {
        let first = (!self.is_empty()).then_some(0);
        match (self.kind, self.raw) {
            (Kind::DatesAndTimes, Raw::Units(units)) => {
                let per_day = DAY / self.nanos_per_unit;
                Shown {
                    date: units.iter().position(|unit| unit % per_day == 0),
                    time: units.iter().position(|unit| unit % per_day != 0),
                }
            }
            (Kind::Dates, _) => Shown { date: first, time: None },
            _ => Shown { date: None, time: first },
        }
    }

    /// Whether all stamps are midnights in a zone, or without one in UTC or on the wall clock; O(rows before the first that
    /// is none). What is out of range is none.
    pub(super) fn are_midnights(&self, zone: Option<&Zone>) -> bool {
        match (self.raw, zone) {
            (Raw::Days(_), _) => true,
            (Raw::Units(units), Some(zone)) => units.iter().all(|&unit| {
                self.nanos(unit).is_some_and(|nanos| zone.is_midnight(Timestamp::from_nanos(nanos)))
            }),
            (Raw::Units(units), None) => {
                let per_day = DAY / self.nanos_per_unit;
                units.iter().all(|unit| unit % per_day == 0)
            }
        }
    }

    #[cold]
    pub(super) fn out_of_range(&self, row: usize) -> String {
        let raw = self.raw(row);
        match self.nanos_per_unit {
            DAY => format!("day {raw} {OUT_OF_RANGE}"),
            _ => match raw.checked_mul(self.nanos_per_unit).map(Timestamp::from_nanos) {
                Some(moment) => format!("{moment} {OUT_OF_RANGE}"),
                None => format!("{raw} units of {} ns {OUT_OF_RANGE}", self.nanos_per_unit),
            },
        }
    }
}

fn units(array: &dyn Array, unit: TimeUnit) -> (&[i64], i64) {
    match unit {
        TimeUnit::Second => (array.as_primitive::<t::TimestampSecondType>().values(), 1_000_000_000),
        TimeUnit::Millisecond => (array.as_primitive::<t::TimestampMillisecondType>().values(), 1_000_000),
        TimeUnit::Microsecond => (array.as_primitive::<t::TimestampMicrosecondType>().values(), 1_000),
        TimeUnit::Nanosecond => (array.as_primitive::<t::TimestampNanosecondType>().values(), 1),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Date32Array, Date64Array, Int64Array, TimestampMicrosecondArray, TimestampSecondArray,
    };

    use super::*;

    #[test]
    fn the_first_and_the_last_stamp_are_what_the_message_says() {
        let text = |nanos| Timestamp::from_nanos(nanos).to_string();
        assert_eq!(text(FIRST_STAMP), "1677-09-22T00:00:00Z");
        assert_eq!(text(LAST_STAMP), "2262-04-09T23:59:59.999999999Z");
        // A day later and 26 hours west of Greenwich is still a moment.
        assert!(LAST_STAMP.checked_add(DAY + DAY / 24 * 26 - DAY).is_some());
    }

    #[test]
    fn days_are_in_range_where_their_stamps_are() {
        let (first, last) = ((FIRST_STAMP / DAY) as i32, (LAST_STAMP / DAY) as i32);
        for (day, is_in_range) in
            [(first - 1, false), (first, true), (0, true), (last, true), (last + 1, false), (i32::MIN, false)]
        {
            let column = Date32Array::from(vec![day]);
            let stamps = Stamps::new(&column).unwrap();
            assert_eq!(stamps.stamp(0).is_ok(), is_in_range, "{day}");
            assert_eq!(stamps.days().is_some(), is_in_range, "{day}");
        }
    }

    #[test]
    fn stamps_that_exceed_the_range_in_nanoseconds_are_refused_with_their_value() {
        let refused = |array: &dyn Array| Stamps::new(array).unwrap().stamp(0).unwrap_err();
        let range = "is not between 1677-09-22 and 2262-04-09";
        assert_eq!(
            refused(&Int64Array::from(vec![i64::MIN])),
            format!("1677-09-21T00:12:43.145224192Z {range}")
        );
        assert_eq!(
            refused(&TimestampSecondArray::from(vec![i64::MAX])),
            format!("{} units of 1000000000 ns {range}", i64::MAX)
        );
        assert_eq!(
            refused(&TimestampMicrosecondArray::from(vec![i64::MIN / 1000])),
            format!("1677-09-21T00:12:43.145225Z {range}")
        );
    }

    #[test]
    fn a_date_with_a_time_of_day_is_a_time() {
        let column = Date64Array::from(vec![86_400_000, 86_400_001]);
        let stamps = Stamps::new(&column).unwrap();
        assert_eq!(stamps.stamp(0), Ok(Stamp::Date(DAY)));
        assert_eq!(stamps.stamp(1), Ok(Stamp::Local(DAY + 1_000_000)));
        assert_eq!((stamps.shown().date, stamps.shown().time), (Some(0), Some(1)));
    }
}
