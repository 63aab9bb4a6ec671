//! What the times of an ingest have in common.

use std::sync::Arc;

use bt_asset_cache::Shown as LabelShown;
use bt_core::Zone;

use crate::ingest::field::time::{Shown, Stamp, TimeReader};
use crate::ingest::rows::RowId;
use crate::ingest::wall::DAY;

/// What the stamps read so far have in common.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct StampSummary {
    /// The first that is a date without a time.
    pub(in crate::ingest) date: Option<RowId>,
    /// Whether some dates are months without a day.
    pub(in crate::ingest) has_months: bool,
    /// The first with a time.
    pub(in crate::ingest) time: Option<RowId>,
    /// All with a time are midnights of the zone in which their day lies.
    pub(in crate::ingest) local_midnights: bool,
    /// All with a time are midnights UTC, and name no other zone.
    pub(in crate::ingest) utc_midnights: bool,
    /// Some are readings of the wall clock that name no zone.
    pub(in crate::ingest) on_wall_clock: bool,
    /// Some are moments of no zone but UTC.
    pub(in crate::ingest) in_utc: bool,
    /// The least and the greatest offset that was named, in minutes.
    pub(in crate::ingest) offsets: Option<(i32, i32)>,
    /// The zone that was named, and the first row that names it.
    pub(in crate::ingest) zone: Option<(RowId, Arc<Zone>)>,
    /// The first row that names another.
    pub(in crate::ingest) other_zone: Option<(RowId, Arc<Zone>)>,
}

impl Default for StampSummary {
    fn default() -> Self {
        Self {
            date: None,
            has_months: false,
            time: None,
            local_midnights: true,
            utc_midnights: true,
            on_wall_clock: false,
            in_utc: false,
            offsets: None,
            zone: None,
            other_zone: None,
        }
    }
}

impl StampSummary {
    /// The summary of dates of which this is the first.
    pub(in crate::ingest) fn of_dates(first: Option<RowId>) -> Self {
        Self { date: first, ..Self::default() }
    }

    /// Adds one stamp.
    #[inline]
    pub(in crate::ingest) fn note(&mut self, stamp: &Stamp, row: RowId, reader: &TimeReader) {
        match &stamp.shown {
            Shown::Date | Shown::Month => {
                self.date.get_or_insert(row);
                self.has_months |= stamp.shown == Shown::Month;
                return;
            }
            Shown::WallClock => self.on_wall_clock = true,
            Shown::Utc => self.in_utc = true,
            Shown::Offset(minutes) => {
                let (least, greatest) = self.offsets.unwrap_or((*minutes, *minutes));
                self.offsets = Some((least.min(*minutes), greatest.max(*minutes)));
                self.utc_midnights = false;
            }
            Shown::Zone(zone) => {
                self.note_zone(zone, row);
                self.utc_midnights = false;
            }
        }
        self.time.get_or_insert(row);
        self.utc_midnights = self.utc_midnights && stamp.nanos.rem_euclid(DAY) == 0;
        self.local_midnights = self.local_midnights && reader.is_local_midnight(stamp);
    }

    fn note_zone(&mut self, zone: &Arc<Zone>, row: RowId) {
        match &self.zone {
            None => self.zone = Some((row, Arc::clone(zone))),
            Some((_, known)) if Arc::ptr_eq(known, zone) || known == zone => {}
            Some(_) => {
                self.other_zone.get_or_insert_with(|| (row, Arc::clone(zone)));
            }
        }
    }

    /// Adds what later stamps have in common.
    pub(in crate::ingest) fn extend(&mut self, later: Self) {
        self.date = self.date.or(later.date);
        self.has_months |= later.has_months;
        self.time = self.time.or(later.time);
        self.local_midnights &= later.local_midnights;
        self.utc_midnights &= later.utc_midnights;
        self.on_wall_clock |= later.on_wall_clock;
        self.in_utc |= later.in_utc;
        self.offsets = match (self.offsets, later.offsets) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        later.zone.iter().for_each(|(row, zone)| self.note_zone(zone, *row));
        self.other_zone = self.other_zone.take().or(later.other_zone);
    }

    /// Whether all stamps are dates.
    pub(in crate::ingest) fn are_dates(&self) -> bool {
        self.time.is_none()
    }

    /// What the rules of labels ask for.
    pub(in crate::ingest) fn shown(&self) -> LabelShown {
        match self {
            _ if self.are_dates() => LabelShown::Dates,
            _ if self.local_midnights || self.utc_midnights => LabelShown::Midnights,
            _ => LabelShown::Times,
        }
    }
}
