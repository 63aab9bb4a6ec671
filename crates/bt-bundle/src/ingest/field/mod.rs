//! How one field of a row is read: a time, a number, an asset's name.

pub(super) mod asset;
pub(super) mod clock;
pub(super) mod day;
pub(super) mod number;
pub(super) mod numeric;
pub(super) mod pattern;
pub(super) mod time;
pub(super) mod zone;

/// Why a field cannot be read; whoever knows its text and place makes a fault of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unread {
    /// It is written in no known way.
    Form,
    /// It is not UTF-8.
    Encoding,
    /// It is a number, whose unit nothing tells.
    Unit,
    /// There is no such day, or time of day.
    NoSuchDay,
    /// It is outside of what a bundle holds.
    Range,
    /// Its day, month and year cannot be told apart.
    DateOrder,
    /// Its zone is not known.
    Zone,
    /// Its zone is called otherwise on that day.
    Abbreviation,
    /// The wall clock shows it twice.
    Twice,
    /// The wall clock skips it.
    Skipped,
    /// It is not there.
    Missing,
    /// It is no finite number.
    NotFinite,
}
