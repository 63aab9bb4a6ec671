//! The reader of times against an oracle. Four bytes of options, then the text; behind a tab the time of day of another column.

mod oracle;

use bt_bundle::{IngestOptions, Label, TimeFormat, fuzzing};

use crate::bytes::Bytes;
use crate::csv::time_format;
use oracle::Oracle;

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let options = IngestOptions {
        time_format: time_format(bytes.byte()),
        label: bytes.choice(&[None, Some(Label::Date), Some(Label::Start)]),
        ..IngestOptions::default()
    };
    let in_zone = bytes.choice(&[None, Some("America/New_York"), Some("+05:30")]);
    let zone = in_zone.map(|name| name.parse().expect("a zone"));
    let options = IngestOptions { zone, ..options };
    let (text, clock) = match bytes.0.iter().position(|&byte| byte == b'\t') {
        Some(at) => (&bytes.0[..at], Some(&bytes.0[at + 1..])),
        None => (bytes.0, None),
    };
    let read = fuzzing::time(&options, text, clock);
    let text = String::from_utf8_lossy(text);
    if clock.is_some() || in_zone.is_some() {
        return;
    }
    // Where times stand for days, what is kept of a time at an offset is the beginning of its day.
    let is_moment = options.label != Some(Label::Date);
    if let Some(oracle) = Oracle::of(&options, &text).filter(|_| is_moment) {
        assert_eq!(read, oracle.placed(), "{text:?} as {}", options.time_format);
    }
    if let (
        Some((time, _)),
        TimeFormat::Auto
        | TimeFormat::Iso
        | TimeFormat::DayFirst
        | TimeFormat::MonthFirst
        | TimeFormat::YearFirst,
    ) = (read, &options.time_format)
    {
        assert!(oracle::is_written(time, &text), "{text:?} was read as {time:?}");
    }
}
