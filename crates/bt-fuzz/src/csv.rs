//! CSV files in every dialect. The first twelve bytes are the options, the rest is the file.

use bt_bundle::bt_core::Frequency;
use bt_bundle::{
    AssetName, BadRows, Column, EpochUnit, Extras, FileFormat, IngestOptions, Label, NumberFormat, TimeFormat,
};

use crate::bytes::Bytes;
use crate::input::{Input, ingest, ingest_and_append};

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let options = options(&mut bytes);
    let asset = asset(&mut bytes);
    ingest(&Input { format: FileFormat::Csv, asset, options, bytes: bytes.0 });
}

/// An ingest, then an append to what it made, in the same dialect. Unit separators stand between its bars, its adjustments
/// and the bars that are appended.
pub(crate) fn append(data: &[u8]) {
    let mut bytes = Bytes(data);
    let options = options(&mut bytes);
    let asset = asset(&mut bytes);
    let mut files = bytes.0.splitn(3, |&byte| byte == 0x1f);
    let mut next = || files.next().unwrap_or_default();
    let first = Input { format: FileFormat::Csv, asset, options, bytes: next() };
    ingest_and_append(&first, next(), next());
}

/// Twelve bytes with the next one; all zero are the defaults.
fn options(bytes: &mut Bytes<'_>) -> IngestOptions {
    let delimiter = bytes.byte();
    IngestOptions {
        delimiter: (delimiter != 0).then_some(delimiter),
        encoding: one_of(
            bytes,
            &["utf-16le", "windows-1252", "shift_jis", "gb18030", "utf-16be", "iso-2022-jp"],
        ),
        header: header(bytes),
        on_bad_row: bytes.choice(&[BadRows::Fail, BadRows::Skip]),
        label: bytes.choice(&[None, Some(Label::Date), Some(Label::Start), Some(Label::End)]),
        zone: one_of(
            bytes,
            &["America/New_York", "Asia/Kolkata", "UTC", "America/Sao_Paulo", "Pacific/Apia", "+05:30"],
        ),
        session_close: one_of(bytes, &["16:00", "00:00", "23:59:59"]),
        frequency: bytes.choice(&[
            None,
            Some(Frequency::Daily),
            Some(Frequency::Minutes(1)),
            Some(Frequency::Weekly),
            Some(Frequency::Monthly),
            Some(Frequency::Minutes(240)),
        ]),
        time_format: time_format(bytes.byte()),
        number_format: number_format(bytes.byte()),
        price_scale: one_of(bytes, &["1e-4", "1e-9", "1e-18", "1e-1"]),
        ..rare(bytes.byte())
    }
}

/// None, or a value by its text.
fn one_of<T: std::str::FromStr>(bytes: &mut Bytes<'_>, texts: &[&str]) -> Option<T> {
    let at = usize::from(bytes.byte()) % (texts.len() + 1);
    texts.get(at.checked_sub(1)?)?.parse().ok()
}

fn header(bytes: &mut Bytes<'_>) -> Option<Vec<String>> {
    let names: &[&str] = match bytes.byte() % 4 {
        1 => &["symbol", "date", "open", "high", "low", "close", "volume"],
        2 => &["date", "time", "open", "high", "low", "close"],
        3 => &["timestamp", "close", "oi"],
        _ => return None,
    };
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

pub(crate) fn time_format(choice: u8) -> TimeFormat {
    match choice % 13 {
        1 => TimeFormat::Iso,
        2 => TimeFormat::DayFirst,
        3 => TimeFormat::MonthFirst,
        4 => TimeFormat::Excel,
        5 => TimeFormat::Epoch(EpochUnit::Seconds),
        6 => TimeFormat::Epoch(EpochUnit::Nanos),
        7 => TimeFormat::Pattern("%d/%m/%y %Hh%M".into()),
        8 => TimeFormat::Pattern("%Y-%m-%d %H:%M:%S%.f %z".into()),
        9 => TimeFormat::Pattern("%s".into()),
        10 => TimeFormat::Epoch(EpochUnit::Millis),
        12 => TimeFormat::YearFirst,
        11 => TimeFormat::Pattern("%Y-%m-%d %H:%M:%S".into()),
        _ => TimeFormat::Auto,
    }
}

pub(crate) fn number_format(choice: u8) -> Option<NumberFormat> {
    match choice % 6 {
        1 => Some(NumberFormat { decimal: ',', thousands: Some('.') }),
        2 => Some(NumberFormat { decimal: '.', thousands: Some(',') }),
        3 => Some(NumberFormat { decimal: ',', thousands: None }),
        4 => Some(NumberFormat { decimal: '.', thousands: Some(' ') }),
        5 => Some(NumberFormat { decimal: ',', thousands: Some('\u{a0}') }),
        _ => None,
    }
}

/// Options that few files need: rows that wait on the disk, columns that are stated, extra columns that are not.
fn rare(choice: u8) -> IngestOptions {
    let columns = |stated: &[(&str, Column)]| {
        stated.iter().map(|(name, column)| ((*name).to_owned(), column.clone())).collect()
    };
    let mut options = IngestOptions::default();
    if choice & 1 != 0 {
        options.memory_budget = 64;
    }
    match choice >> 1 & 3 {
        1 => options.columns = columns(&[("x", Column::Close), ("date", Column::Timestamp)]),
        2 => options.columns = columns(&[("close", Column::Open), ("close", Column::Close)]),
        3 => options.columns = columns(&[("time", Column::Time), ("oi", Column::Extra("oi".to_owned()))]),
        _ => {}
    }
    match choice >> 3 & 3 {
        1 => options.extras = Extras::NONE,
        2 => options.extras = Extras::Only(vec!["Adj Close".to_owned()]),
        _ => {}
    }
    options
}

/// What says the asset of the rows: one byte.
fn asset(bytes: &mut Bytes<'_>) -> AssetName {
    match bytes.byte() % 5 {
        0 => AssetName::ByFile,
        1 => AssetName::InColumn,
        2 => AssetName::FileAlone,
        3 => AssetName::Default("IBM".to_owned()),
        _ => AssetName::Stated("IBM".to_owned()),
    }
}
