use std::sync::Arc;

use arrow_array::Array;
use bt_core::{BarLabel, Conventions, Frequency, Result, Zone};

use super::{Fault, Place, Stamps};
use crate::table::Shown;
use crate::{Label, Table};

/// How the timestamps of a table are read, settled once for all its batches.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What a timestamp says about its bar.
    pub label: Label,
    /// How far apart the bars are.
    pub frequency: Frequency,
    /// The time zone of the timestamp column, in which days lie; `None` for UTC.
    pub zone: Option<Arc<Zone>>,
}

impl Reading {
    /// As [`Table::settled_label`], with the zone.
    ///
    /// # Errors
    /// As [`Table::settled_label`].
    pub fn of(table: &Table) -> Result<Self> {
        table.frequency.check()?;
        let (mut date, mut time, mut midnights) = (None, None, true);
        let mut zone = ZoneOfColumn::default();
        // Ends and dates are what they are said to be, and so are times within a day.
        let is_asked =
            matches!(table.label, None | Some(Label::Start)) && table.frequency == Frequency::Daily;
        for batch in 0..table.batches.len() {
            let (array, place) = time_column(table, batch)?;
            let stamps = Stamps::new(array).map_err(|fault| place.error(fault))?;
            let shown = stamps.shown();
            date = date.or(shown.date.map(|row| (batch, row)));
            time = time.or(shown.time.map(|row| (batch, row)));
            if let Some(null) = stamps.first_null() {
                return Err(place.error(null));
            }
            zone.note(stamps.zone()).map_err(|fault| place.error(fault))?;
            midnights = midnights && is_asked && stamps.are_midnights(zone.zone());
        }
        let shown = match (date, time) {
            (Some(date), Some(time)) => return Err(mixed(table, date, time)),
            (Some(_), None) => Shown::Dates,
            _ if midnights => Shown::Midnights,
            _ => Shown::Times,
        };
        let label = Label::settle(table.label, table.frequency, shown)?;
        Ok(Self { label, frequency: table.frequency, zone: zone.zone.flatten() })
    }

    /// Which day the bars belong to: see [`Bundle::conventions`](bt_core::Bundle::conventions).
    pub fn conventions(&self) -> Conventions {
        let label = match self.label {
            Label::Start if !self.frequency.is_intraday() => BarLabel::Start,
            _ => BarLabel::End,
        };
        let zone = self.zone.as_ref().map_or(Conventions::UTC.zone, |zone| zone.name().to_owned().into());
        Conventions { zone, label }
    }
}

/// The timestamp column of a batch.
pub(super) fn time_column(table: &Table, batch: usize) -> Result<(&dyn Array, Place<'_>)> {
    let column = table.columns.timestamp.as_str();
    Ok((table.column(batch, column)?, Place { batch, column }))
}

/// The zone that the batches read so far are in.
#[derive(Default)]
struct ZoneOfColumn<'a> {
    name: Option<&'a str>,
    /// `None` within where it is UTC.
    zone: Option<Option<Arc<Zone>>>,
}

impl<'a> ZoneOfColumn<'a> {
    /// Adds a batch whose column names a zone, or none, which is UTC.
    fn note(&mut self, name: Option<&'a str>) -> Result<(), Fault> {
        if self.zone.is_some() && self.name == name {
            return Ok(());
        }
        let zone = match name.map(str::parse::<Zone>).transpose() {
            Ok(zone) => zone.filter(|zone| *zone != Zone::utc()).map(Arc::new),
            Err(error) => return Err(Fault::column(error.to_string())),
        };
        match &self.zone {
            Some(before) if *before != zone => {
                let text = |zone: &Option<Arc<Zone>>| {
                    zone.as_ref().map_or("UTC".to_owned(), |zone| zone.to_string())
                };
                let (found, before) = (text(&zone), text(before));
                Err(Fault::column(format!(
                    "the time zone is {found}, but that of the batches before is {before}"
                )))
            }
            _ => {
                (self.name, self.zone) = (name, Some(zone));
                Ok(())
            }
        }
    }

    fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()?.as_deref()
    }
}

/// The error that a table has dates and times, or that the later of them is no stamp at all.
#[cold]
fn mixed(table: &Table, date: (usize, usize), time: (usize, usize)) -> bt_core::Error {
    let ((batch, row), what, earlier, other) = match date > time {
        true => (date, "a date without a time", time, "a time"),
        false => (time, "a date with a time", date, "none"),
    };
    let (array, place) = match time_column(table, batch) {
        Ok(column) => column,
        Err(error) => return error,
    };
    let stamp =
        Stamps::new(array).and_then(|stamps| stamps.stamp(row).map_err(|reason| Fault::row(row, reason)));
    let but = || format!("{what}, but batch {}, row {} has {other}", earlier.0 + 1, earlier.1 + 1);
    place.error(stamp.err().unwrap_or_else(|| Fault::row(row, but())))
}
