//! Reading files of others with libraries that trust what a file says about itself.
//!
//! What a file declares (offsets, lengths, counts) is checked before it is decoded, and a reader that panics nevertheless
//! is stopped at one place, [`caught`].

#[cfg(feature = "ipc")]
mod arrow;
#[cfg(all(test, any(feature = "parquet", feature = "ipc")))]
mod mutation;
#[cfg(feature = "parquet")]
mod parquet;

#[cfg(feature = "ipc")]
pub(crate) use self::arrow::ArrowInput;
#[cfg(feature = "parquet")]
pub(crate) use self::parquet::ParquetInput;

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many calls of [`caught`] are under way.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
}

/// Whether a panic on this thread, at this moment, is caught by this crate and becomes an error that names the file.
///
/// Libraries that decode Parquet or Arrow files may panic at damaged ones. This crate sets no panic hook by itself, so the
/// default hook still reports such a panic. A program that wants to hear of it by the error alone calls
/// [`silence_guarded_panics`], or asks in a hook of its own.
pub fn is_guarded() -> bool {
    // A panic while the thread's locals are being destroyed is not ours to catch.
    CATCHING.try_with(Cell::get).is_ok_and(|depth| depth > 0)
}

/// Sets a panic hook that ignores panics which become errors ([`is_guarded`]) and leaves all others to the hook before it.
///
/// Call it once, when a program starts: each call puts one more hook in front of the others.
///
/// ```
/// bt_bundle::silence_guarded_panics();
/// assert!(!bt_bundle::is_guarded());
/// ```
pub fn silence_guarded_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_guarded() {
            report(panic);
        }
    }));
}

/// Runs a reader of foreign data. If it panics, the error is what the panic said; the reader must not be used again.
///
/// A failed allocation and an exhausted stack cannot be caught: sizes and depths are checked before.
pub(crate) fn caught<T>(read: impl FnOnce() -> T) -> Result<T, Panicked> {
    CATCHING.set(CATCHING.get() + 1);
    // Whatever the reader left half done is dropped by the caller, who gets no value.
    let outcome = catch_unwind(AssertUnwindSafe(read));
    CATCHING.set(CATCHING.get() - 1);
    outcome.map_err(|payload| Panicked(legible(said(&*payload), 120)))
}

/// A reader of foreign data until it fails. Nothing comes after an error.
pub(crate) struct Guarded<R>(Option<R>);

impl<R> Guarded<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self(Some(reader))
    }

    /// What the reader gives next, or how it failed.
    pub(crate) fn next<T, E, D: From<E> + From<Panicked>>(&mut self) -> Option<Result<T, D>>
    where
        R: Iterator<Item = Result<T, E>>,
    {
        let mut reader = self.0.take()?;
        // A reader that panicked ends its life in there.
        match caught(move || reader.next().map(|item| item.map(|item| (item, reader)))) {
            Ok(next) => next.map(|item| {
                let (item, reader) = item?;
                self.0 = Some(reader);
                Ok(item)
            }),
            Err(panicked) => Some(Err(panicked.into())),
        }
    }
}

/// What a reader's panic said.
#[derive(Debug)]
pub(crate) struct Panicked(String);

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "damaged: its reader failed ({})", self.0)
    }
}

fn said(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A text of foreign origin as one line of an error: at most so many characters, none of which controls a terminal.
pub(crate) fn legible(text: &str, characters: usize) -> String {
    let mut line: String = text.chars().take(characters).fold(String::new(), |mut line, character| {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
        line
    });
    if text.chars().nth(characters).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread::ThreadId;

    use super::*;

    #[test]
    fn a_panic_becomes_what_it_said_cut_short() {
        assert_eq!(caught(|| 7).unwrap(), 7);
        let plain = caught(|| panic!("no room")).unwrap_err();
        assert_eq!(plain.to_string(), "damaged: its reader failed (no room)");
        let long = caught(|| panic!("\x1b[31m{}", "é".repeat(500))).unwrap_err();
        assert_eq!(
            long.to_string(),
            format!("damaged: its reader failed (\\u{{1b}}[31m{}…)", "é".repeat(115))
        );
        let silent = caught(|| std::panic::panic_any(7)).unwrap_err();
        assert_eq!(silent.to_string(), "damaged: its reader failed (no message)");
    }

    #[test]
    fn a_hook_hears_of_no_panic_that_becomes_an_error() {
        static HEARD: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            HEARD.lock().unwrap().push(std::thread::current().id());
            report(panic);
        }));
        silence_guarded_panics();
        // Other tests panic on threads of their own.
        let heard = || HEARD.lock().unwrap().iter().filter(|id| **id == std::thread::current().id()).count();
        caught(|| panic!("guarded")).unwrap_err();
        assert_eq!(heard(), 0);
        catch_unwind(|| panic!("not guarded")).unwrap_err();
        assert_eq!(heard(), 1);
    }

    #[test]
    fn a_hook_can_ask_whether_the_panic_is_caught_also_after_one_was() {
        assert!(!is_guarded());
        caught(|| {
            assert!(is_guarded());
            caught(|| panic!("inner")).unwrap_err();
            assert!(is_guarded());
            std::thread::scope(|scope| assert!(!scope.spawn(is_guarded).join().unwrap()));
        })
        .unwrap();
        assert!(!is_guarded());
    }
}
