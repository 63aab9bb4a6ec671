//! A subscriber that remembers the events of the thread that asks for them.
//!
//! One for the whole process: subscribers that come and go while other threads log make `tracing` miss events.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

pub(crate) struct Log;

thread_local! {
    static HEARD: RefCell<Option<Vec<Entry>>> = const { RefCell::new(None) };
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) level: Level,
    /// The message is the field `message`.
    pub(crate) fields: BTreeMap<String, String>,
}

impl Log {
    /// What was logged while this ran, on this thread.
    pub(crate) fn of<R>(run: impl FnOnce() -> R) -> (R, Vec<Entry>) {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| tracing::subscriber::set_global_default(Self).unwrap());
        HEARD.set(Some(Vec::new()));
        let result = run();
        (result, HEARD.take().unwrap())
    }
}

impl Entry {
    pub(crate) fn says(&self, text: &str) -> bool {
        self.fields.get("message").is_some_and(|message| message.contains(text))
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "bt_layers"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let entry = Entry { level: *event.metadata().level(), fields: fields.0 };
        HEARD.with_borrow_mut(|heard| heard.as_mut().map(|heard| heard.push(entry)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
