//! One module a command.

pub(crate) mod append;
pub(crate) mod completions;
mod days;
pub(crate) mod gc;
pub(crate) mod ingest;
mod inputs;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod report;
pub(crate) mod request;
mod results;
mod store;
pub(crate) mod strategies;
pub(crate) mod sweep;
pub(crate) mod verify;
