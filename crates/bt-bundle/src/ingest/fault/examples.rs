//! One fault of each kind, for tests of whoever shows them.

use bt_core::{Frequency, Timestamp};

use super::{
    AdjustmentFault as Adjustment, AssetFault as Asset, Fault, FileFault as File, Finding,
    FrequencyFault as Distance, HeaderFault as Header, NumberFault as Number, OptionConflict as Conflict,
    Place, RowFault as Row, RowNumber, TimeFault as Time,
};
use crate::{Column, DateOrder};

impl Fault {
    /// One of each kind.
    #[doc(hidden)]
    pub fn examples() -> Vec<Self> {
        [headers(), times(), numbers_and_assets(), rows(), others()].concat()
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text(name)).collect()
}

fn earlier() -> Place {
    Place { row: Some(RowNumber::Line(4)), ..Place::of("prices.csv") }
}

fn headers() -> Vec<Fault> {
    let columns = || [text("Close"), text("Settle")];
    let no_such_column = |what| Header::NoSuchColumn { name: text("Settle"), what, found: names(&["Date"]) };
    let missing = |could_be_one_asset, unclaimed: &[&str]| Header::Missing {
        missing: vec![(Column::Close, &["close", "c"])],
        found: names(&["Date", "Open", "Fix"]),
        unclaimed: names(unclaimed),
        delimiter: Some(','),
        lines: 41,
        could_be_one_asset,
    };
    [
        Header::Empty,
        missing(true, &[]),
        missing(false, &["Fix"]),
        Header::Absent { first: names(&["2024-01-05", "1.5"]) },
        Header::Ambiguous { columns: columns(), what: Column::Close },
        Header::Ambiguous { columns: [text("PX_LAST"), text("PX_LAST")], what: Column::Close },
        Header::SameExtra { columns: columns(), name: text("settle") },
        no_such_column(Column::Close),
        no_such_column(Column::Ignored),
        no_such_column(Column::Extra(text("settle"))),
        Header::Wide { assets: names(&["AAPL", "MSFT"]), columns: names(&["AAPL:close"]) },
        Header::Wide { assets: Vec::new(), columns: names(&["Open", "Open"]) },
        Header::TooLarge { columns: Some(100_000), most: 10_000 },
        Header::TooLarge { columns: None, most: 2 << 20 },
        Header::ExtraMissing { name: text("vwap"), first: text("a.csv") },
        Header::ExtraNew { name: text("vwap"), first: text("a.csv") },
        Header::OpenQuote { name: text("Note\n2024-01-05,1,2") },
        Header::OtherFormat { what: "a Parquet file" },
        Header::NotUtf8 { name: text("Er\u{fffd}ffnung") },
        Header::Fields { found: 10, expected: 9 },
        Header::Changed { before: names(&["Date", "Open"]) },
        Header::WrongType { found: text("Boolean"), allowed: "numbers" },
    ]
    .map(Fault::Header)
    .into()
}

fn times() -> Vec<Fault> {
    let zone = || text("America/New_York");
    let unreadable = |is_stated| Time::Unreadable {
        text: text("soon"),
        expected: text("a date or time such as 2024-01-05"),
        is_stated,
    };
    [
        Time::Missing,
        unreadable(true),
        unreadable(false),
        Time::Number { text: text("1234567") },
        Time::NoSuchDay { text: text("2024-02-30") },
        Time::OutOfRange { text: text("9999-01-01") },
        Time::DateOrder {
            text: text("05/01/2024"),
            readings: vec![
                (DateOrder::DayFirst, text("2024-01-05")),
                (DateOrder::MonthFirst, text("2024-05-01")),
            ],
        },
        Time::OtherOrder {
            text: text("02/13/2024"),
            order: DateOrder::MonthFirst,
            of_others: DateOrder::DayFirst,
        },
        Time::Abbreviation { text: text("2024-07-05 09:30 EST"), name: text("EST"), zone: zone() },
        Time::Twice { text: text("2024-11-03 01:30"), zone: zone() },
        Time::Skipped { text: text("2024-03-10 02:30"), zone: zone() },
        Time::Zone { text: text("09:30 XYZ"), zone: text("XYZ") },
        Time::Mixed { has_time: true, other: earlier() },
        Time::Mixed { has_time: false, other: earlier() },
        Time::Zones { first: zone(), other: text("Asia/Tokyo") },
        Time::MovedDay { known: Timestamp::from_nanos(0), ends: Timestamp::from_nanos(3_600_000_000_000) },
    ]
    .map(Fault::Time)
    .into()
}

fn numbers_and_assets() -> Vec<Fault> {
    let unreadable =
        |has_separators, is_price| Number::Unreadable { text: text("1,5"), has_separators, is_price };
    let numbers = [
        unreadable(true, true),
        unreadable(false, true),
        unreadable(false, false),
        Number::DecimalOrThousands { text: text("13,181"), decimal: 13.181, thousands: 13181.0 },
        Number::NotUtf8 { text: text("184,35 \u{fffd}") },
        Number::NotFinite { text: text("inf") },
        Number::Missing,
    ]
    .map(Fault::Number);
    let assets = [
        Asset::Missing,
        Asset::Name { name: text(""), allowed: "1 to 256 bytes" },
        Asset::NotUtf8 { text: text("\u{fffd}") },
        Asset::Several { name: text("MSFT"), first: text("AAPL") },
        Asset::FileName,
    ]
    .map(Fault::Asset);
    numbers.into_iter().chain(assets).collect()
}

fn rows() -> Vec<Fault> {
    let duplicate = |is_named_by_file, clock: Option<&str>, apart: Option<&str>| Row::Duplicate {
        asset: text("IBM"),
        known: Timestamp::from_nanos(0),
        is_of_day: false,
        earlier: Box::new(earlier()),
        is_named_by_file,
        unread_clock: clock.map(text),
        apart: apart.map(text),
    };
    let of_one_day = Row::Duplicate {
        asset: text("IBM"),
        known: Timestamp::from_nanos(0),
        is_of_day: true,
        earlier: Box::new(earlier()),
        is_named_by_file: false,
        unread_clock: None,
        apart: None,
    };
    let first = Number::Unreadable { text: text("1,5"), has_separators: true, is_price: true };
    let first = Finding::new(earlier(), first);
    [
        Row::Fields { found: 1, expected: 6 },
        Row::TooLong { most: 4 << 20 },
        Row::HighBelowLow { high: 1.0, low: 2.0 },
        Row::NegativeVolume { volume: -1.0 },
        Row::Outside { price: 3.0, low: 1.0, high: 2.0 },
        Row::NotAboveZero { price: -37.63 },
        Row::OpenQuote,
        Row::Unpriced,
        Row::Repeated { earlier: earlier() },
        duplicate(true, None, None),
        duplicate(true, Some("TimeBarStart"), None),
        duplicate(true, None, Some("Paper")),
        duplicate(false, None, Some("EXPIRY_DT")),
        duplicate(false, None, None),
        of_one_day,
        Row::None { read: 0, first: None },
        Row::None { read: 7, first: Some(Box::new(first)) },
    ]
    .map(Fault::Row)
    .into()
}

fn others() -> Vec<Fault> {
    let distances = [
        Distance::Unknown,
        Distance::Unusual { nanos: 90_000_000_000 },
        Distance::FarApart { days: 91 },
        Distance::OfAsset { asset: text("IBM"), frequency: Frequency::Weekly, most: Frequency::Daily },
        Distance::Months { frequency: Frequency::Daily },
        Distance::AssetFarApart { asset: text("IBM"), days: 3, most: Frequency::Daily },
        Distance::Starts { frequency: Frequency::Weekly },
        Distance::StartOrEnd { frequency: Frequency::Monthly },
    ]
    .map(Fault::Frequency);
    let compression = |name, feature| File::Compression {
        name: text(name),
        feature,
        supported: "snappy, gzip, lz4 and none",
    };
    let files = [
        File::NotRegular,
        File::EmptyFolder { endings: ".csv" },
        File::Encoding { encoding: "UTF-16LE" },
        File::Damaged { reason: text("no footer") },
        compression("zstd", Some("zstd")),
        compression("lzo", None),
    ]
    .map(Fault::File);
    let adjustments = [
        Adjustment::UnknownAsset { name: text("IBN") },
        Adjustment::Kind { text: text("merger") },
        Adjustment::Value { text: text("-1") },
        Adjustment::Repeated { ex_date: Timestamp::from_nanos(0) },
        Adjustment::Column { known: &["kind", "type"], found: names(&["asset"]) },
    ]
    .map(Fault::Adjustment);
    let conflicts = [
        Conflict::CloseWithinDays { frequency: Frequency::Minutes(5) },
        Conflict::CloseAndEnds,
        Conflict::CloseAndStarts { frequency: Frequency::Weekly },
    ]
    .map(Fault::Options);
    distances.into_iter().chain(files).chain(adjustments).chain(conflicts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a variant, as `Debug` begins with it.
    fn variant(fault: &Fault) -> String {
        let debug = format!("{fault:?}");
        debug.split([' ', '{', ')']).next().unwrap_or_default().to_owned()
    }

    /// How many variants a file of types has in its enums of faults.
    fn variants_in_source() -> usize {
        let source = include_str!("mod.rs");
        let enums = source
            .split("pub enum ")
            .skip(1)
            .filter(|body| !body.starts_with("RowNumber") && !body.starts_with("Fault "));
        let is_variant = |line: &&str| {
            let name = line.trim_start_matches("    ");
            line.starts_with("    ") && name.starts_with(|c: char| c.is_ascii_uppercase())
        };
        enums
            .map(|body| body.split("\n}").next().unwrap_or_default().lines().filter(is_variant).count())
            .sum()
    }

    #[test]
    fn there_is_an_example_of_every_fault() {
        let mut found: Vec<_> = Fault::examples().iter().map(variant).collect();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), variants_in_source(), "{found:#?}");
    }

    #[test]
    fn every_fault_is_said_in_one_sentence_and_in_the_terms_of_the_library() {
        for fault in Fault::examples() {
            let (statement, full) = (fault.statement().to_string(), fault.to_string());
            assert!(!statement.contains('`') && !statement.contains("--"), "{statement}");
            assert!(
                !statement.contains('\n') && !statement.ends_with('.') && !statement.is_empty(),
                "{statement}"
            );
            assert!(full.starts_with(&statement), "{full}");
            assert_eq!(full == statement, fault.advice().is_empty(), "{full}");
        }
    }

    #[test]
    fn an_error_keeps_the_finding_that_it_was_made_of_and_says_its_place_once() {
        for fault in Fault::examples() {
            let finding = Finding::new(earlier().column("Close"), fault.clone());
            let error = bt_core::Error::from(finding.clone());
            assert_eq!(Finding::of(&error), Some(&finding));
            assert_eq!(error.to_string(), format!("prices.csv, line 4, column \"Close\": {fault}"));
        }
    }
}
