//! Readers of single fields, for fuzz targets.

use std::cell::Cell;

use super::field::time::{TimeReader, Written};
use super::field::zone::Own;
use super::{IngestOptions, NumberFormat};

thread_local! {
    static ON_ONE_THREAD: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn is_on_one_thread() -> bool {
    ON_ONE_THREAD.get()
}

/// Runs ingests without threads of their own: the same steps in the same order at each run, and a panic on this thread.
pub fn on_one_thread<T>(work: impl FnOnce() -> T) -> T {
    let _reset = Reset(ON_ONE_THREAD.replace(true));
    work()
}

/// Sets back what held before, also after a panic: a test that catches it goes on with other inputs.
struct Reset(bool);

impl Drop for Reset {
    fn drop(&mut self) {
        ON_ONE_THREAD.set(self.0);
    }
}

/// Reads a number that counts units of 10^-`scale`. `None` where it is refused, NaN where the text says that there is none.
pub fn number(format: NumberFormat, text: &[u8], scale: u8) -> Option<f64> {
    format.read_scaled(text, scale).ok()
}

/// What a text says of a time, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// A day, as its 00:00.
    Date(i64),
    /// A reading of the wall clock, as if it were UTC, and the minutes that it says to be ahead of UTC.
    Local(i64, Option<i32>),
    /// A moment.
    Moment(i64),
}

/// Reads a time as it is written, and places it: the moment, or the 00:00 UTC of a date. `None` where either is refused.
pub fn time(options: &IngestOptions, text: &[u8], clock: Option<&[u8]>) -> Option<(Time, i64)> {
    let mut reader = TimeReader::new(options, None);
    let placed = reader.read(text, clock);
    if let Err(why) = placed {
        // The words of a refusal are made of the same bytes.
        let _ = reader.fault(text, why).to_string();
    }
    let placed = placed.ok()?;
    let written = match clock {
        None => match reader.written(text.trim_ascii()).ok()? {
            Written::Date(midnight) => Time::Date(midnight),
            Written::Month(_) => Time::Date(placed.nanos),
            Written::Local(local, Own::Offset(minutes)) => Time::Local(local, Some(minutes)),
            Written::Local(local, _) => Time::Local(local, None),
            Written::Moment(moment) => Time::Moment(moment),
        },
        Some(_) => Time::Local(placed.local, None),
    };
    Some((written, placed.nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_used_again_after_work_on_one_thread_and_after_a_panic_in_it() {
        on_one_thread(|| {
            on_one_thread(|| assert!(is_on_one_thread()));
            assert!(is_on_one_thread());
        });
        assert!(!is_on_one_thread());
        std::panic::catch_unwind(|| on_one_thread(|| panic!("on purpose"))).unwrap_err();
        assert!(!is_on_one_thread());
    }
}
