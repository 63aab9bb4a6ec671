//! The wall clock in nanoseconds, as rows are counted in them.

use std::sync::LazyLock;

use bt_core::{Day, Timestamp, Zone};

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 86_400 * SECOND;

/// The local day, counted from 1970-01-01, that a moment lies in.
pub(super) fn day(zone: &Zone, moment: i64) -> i64 {
    i64::from(zone.day(Timestamp::from_nanos(moment)).days_since_1970())
}

/// The moment at which a day begins.
pub(super) fn start_of_day(zone: &Zone, day: i64) -> i64 {
    zone.start_of_day(Day::from_days_since_1970(day as i32)).as_nanos()
}

/// The 00:00 of the last day of a month, from that of any of its days. The last month of the calendar is not whole.
pub(super) fn last_of_month(midnight: i64) -> i64 {
    let day = Day::from_days_since_1970(midnight.div_euclid(DAY) as i32);
    i64::from(day.next_month().plus(-1).days_since_1970()).saturating_mul(DAY)
}

/// What the wall clock shows, counted as if it were UTC.
pub(super) fn local(zone: &Zone, moment: i64) -> i64 {
    zone.local(Timestamp::from_nanos(moment)).as_nanos()
}

/// The latest moment that a reading of the wall clock can mean.
pub(super) fn latest(zone: &Zone, reading: i64) -> i64 {
    zone.latest(Timestamp::from_nanos(reading)).as_nanos()
}

/// Whether a day begins at this moment.
pub(super) fn is_midnight(zone: &Zone, moment: i64) -> bool {
    zone.is_midnight(Timestamp::from_nanos(moment))
}

/// Coordinated universal time.
pub(super) fn utc() -> &'static Zone {
    static UTC: LazyLock<Zone> = LazyLock::new(Zone::utc);
    &UTC
}
