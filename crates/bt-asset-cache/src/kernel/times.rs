use std::ops::Range;
use std::sync::Arc;

use arrow_array::Array;
use bt_core::{Error, Frequency, Result, Timestamp, Zone};

use super::stamps::{DAY, Raw};
use super::{Fault, Place, Reading, Stamps};
use crate::Label;

/// A timestamp column, read as the moments at which bars became known: nanoseconds since the epoch, UTC.
#[derive(Clone, Debug)]
pub struct Times<'a> {
    stamps: Stamps<'a>,
    known: Known,
    place: Place<'a>,
}

/// How the moment at which a bar became known follows from its stamp. What is a date is known at the next midnight.
#[derive(Clone, PartialEq, Debug)]
enum Known {
    Then,
    Later(i64),
    /// In a zone, or in UTC.
    NextMidnight(Option<Arc<Zone>>),
    /// At the same time of the next day in a zone.
    NextDay(Arc<Zone>),
}

impl<'a> Times<'a> {
    /// Takes a column, and how it is read.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where its type is no timestamp, or where a timestamp is null.
    pub fn new(array: &'a dyn Array, reading: &Reading, place: Place<'a>) -> Result<Self> {
        let stamps = Stamps::new(array).map_err(|fault| place.error(fault))?;
        if let Some(null) = stamps.first_null() {
            return Err(place.error(null));
        }
        let zone = reading.zone.as_ref().map(Arc::clone);
        let known = match (reading.label, reading.frequency, zone) {
            _ if stamps.are_dates() => Known::Later(DAY),
            (Label::Date, _, zone) => Known::NextMidnight(zone),
            (Label::End, ..) => Known::Then,
            (Label::Start, Frequency::Minutes(minutes), _) => {
                Known::Later(i64::from(minutes) * 60_000_000_000)
            }
            (Label::Start, _, None) => Known::Later(DAY),
            (Label::Start, _, Some(zone)) => Known::NextDay(zone),
        };
        Ok(Self { stamps, known, place })
    }

    /// The column as it lies in memory, where it holds what is wanted already: nanoseconds that are ends. Whether they
    /// are in range is for the caller to see.
    pub fn as_slice(&self) -> Option<&'a [i64]> {
        self.stamps.as_nanos().filter(|_| self.known == Known::Then)
    }

    /// Some rows, in `scratch` if they have to be converted.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) for a stamp before 1677-09-22 or after 2262-04-09, but where
    /// nothing has to be converted.
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
    /// As [`read`](Self::read).
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
        let failed = match self.stamps.values() {
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

    #[inline]
    fn moment(&self, raw: i64) -> Option<i64> {
        let stamp = self.stamps.nanos(raw)?;
        // A stamp in range is more than a day from the end of time.
        Some(match &self.known {
            _ if self.stamps.are_mixed() && stamp % DAY == 0 => stamp + DAY,
            Known::Then => stamp,
            Known::Later(nanos) => stamp + nanos,
            Known::NextMidnight(None) => (stamp.div_euclid(DAY) + 1) * DAY,
            Known::NextMidnight(Some(zone)) => zone.end_of_day(Timestamp::from_nanos(stamp)).as_nanos(),
            Known::NextDay(zone) => zone.next_day(Timestamp::from_nanos(stamp)).as_nanos(),
        })
    }

    /// The first row whose stamp is out of range, as an error.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) if there is one.
    pub(super) fn check_range(&self) -> Result<()> {
        let is_out = |&row: &usize| self.stamps.nanos(self.stamps.raw(row)).is_none();
        (0..self.stamps.len()).find(is_out).map_or(Ok(()), |row| Err(self.out_of_range(row)))
    }

    #[cold]
    fn out_of_range(&self, row: usize) -> Error {
        self.place.error(Fault::row(row, self.stamps.out_of_range(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Date32Array, Date64Array, Int64Array, StringArray, TimestampMillisecondArray};

    const PLACE: Place<'_> = Place { batch: 3, column: "when" };

    fn read(array: &dyn Array, label: Label, frequency: Frequency) -> Result<Vec<String>> {
        read_in(array, label, frequency, None)
    }

    fn read_in(
        array: &dyn Array,
        label: Label,
        frequency: Frequency,
        zone: Option<&str>,
    ) -> Result<Vec<String>> {
        let zone = zone.map(|name| Arc::new(name.parse().unwrap()));
        let times = Times::new(array, &Reading { label, frequency, zone }, PLACE)?;
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
        let half_past_nine = TimestampMillisecondArray::from(vec![34_200_000]);
        let known = |label, frequency| read(&half_past_nine, label, frequency).unwrap().remove(0);
        assert_eq!(known(Label::End, Frequency::Minutes(5)), "1970-01-01T09:30:00Z");
        assert_eq!(known(Label::Start, Frequency::Minutes(5)), "1970-01-01T09:35:00Z");
        assert_eq!(known(Label::Start, Frequency::Daily), "1970-01-02T09:30:00Z");
        assert_eq!(known(Label::Date, Frequency::Daily), "1970-01-02T00:00:00Z");
    }

    #[test]
    fn days_end_at_the_midnights_of_the_zone_whatever_the_clocks_do() {
        // 2024-03-09 16:00 in New York, where clocks are set forward in the night to the 10th's 03:00.
        let close = TimestampMillisecondArray::from(vec![1_710_018_000_000]);
        let known =
            |label| read_in(&close, label, Frequency::Daily, Some("America/New_York")).unwrap().remove(0);
        assert_eq!(known(Label::Date), "2024-03-10T05:00:00Z");
        assert_eq!(known(Label::Start), "2024-03-10T20:00:00Z");
        assert_eq!(known(Label::End), "2024-03-09T21:00:00Z");
    }

    #[test]
    fn nanoseconds_that_are_ends_are_not_copied() {
        let nanos = Int64Array::from(vec![1, 2, 3]);
        let times = Times::new(
            &nanos,
            &Reading { label: Label::End, frequency: Frequency::Daily, zone: None },
            PLACE,
        )
        .unwrap();
        assert_eq!(times.as_slice(), Some([1, 2, 3].as_slice()));
    }

    #[test]
    fn nulls_other_types_and_moments_out_of_range_are_refused_by_place() {
        let refused = |array: &dyn Array| read(array, Label::End, Frequency::Daily).unwrap_err().to_string();
        assert_eq!(
            refused(&Int64Array::from(vec![Some(1), None])),
            "batch 4, row 2, column \"when\": there is no date or time"
        );
        assert_eq!(
            refused(&TimestampMillisecondArray::from(vec![0, i64::MAX])),
            format!(
                "batch 4, row 2, column \"when\": {} units of 1000000 ns is not between 1677-09-22 and 2262-04-09",
                i64::MAX
            )
        );
        assert!(
            refused(&StringArray::from(vec!["2024-01-05"])).contains("Utf8 is not read; allowed: Timestamp")
        );
        assert!(read(&Int64Array::from(vec![i64::MAX]), Label::Date, Frequency::Daily).is_err());
    }
}
