//! The days that stamps lie in, and when those are over.

use bt_bundle::{Ingest, IngestOptions, Label};
use bt_core::{Bundle, BundleSource};

use super::{Read, csv, stamped, zone};
use crate::{Place, name};

const AUTO: fn() -> IngestOptions = IngestOptions::default;

fn label(label: Label) -> IngestOptions {
    IngestOptions { label: Some(label), ..AUTO() }
}

#[test]
fn a_day_is_that_of_the_stamps_own_offset() {
    let tokyo = ["2022-01-04 00:00:00+09:00", "2022-01-05 00:00:00+09:00"];
    let hours = ["2022-01-04 09:00:00+09:00", "2022-01-05 09:00:00+09:00"];
    for (stamps, options) in [(tokyo, AUTO()), (tokyo, label(Label::Date)), (hours, label(Label::Date))] {
        let read = stamped(&stamps, options).unwrap();
        assert_eq!(read.known(), ["2022-01-04T15:00:00Z", "2022-01-05T15:00:00Z"], "{stamps:?}");
        assert_eq!(read.report.conventions.zone, "+09:00");
        assert_eq!(read.report.bar_names().unwrap(), ["2022-01-04", "2022-01-05"]);
    }
    // A zone that is stated knows better: nine in the morning in Tokyo is the evening before in New York.
    let options = IngestOptions { label: Some(Label::Date), ..zone("America/New_York") };
    assert_eq!(stamped(&hours, options).unwrap().known(), ["2022-01-04T05:00:00Z", "2022-01-05T05:00:00Z"]);
    let options = IngestOptions { label: Some(Label::Date), ..zone("Asia/Tokyo") };
    assert_eq!(stamped(&hours, options).unwrap().known(), ["2022-01-04T15:00:00Z", "2022-01-05T15:00:00Z"]);
}

#[test]
fn days_end_at_the_next_local_midnight_where_clocks_are_set_back_or_forward() {
    let autumn = ["2024-11-02 00:00:00-04:00", "2024-11-03 00:00:00-04:00", "2024-11-04 00:00:00-05:00"];
    let spring = ["2024-03-09 00:00:00-05:00", "2024-03-10 00:00:00-05:00", "2024-03-11 00:00:00-04:00"];
    for options in [AUTO(), label(Label::Date)] {
        let known = stamped(&autumn, options.clone()).unwrap();
        assert_eq!(known.known(), ["2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z", "2024-11-05T05:00:00Z"]);
        let known = stamped(&spring, options).unwrap();
        assert_eq!(known.known(), ["2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z", "2024-03-12T04:00:00Z"]);
    }
    let stated = stamped(&autumn, zone("America/New_York")).unwrap();
    assert_eq!(stated.known(), ["2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z", "2024-11-05T05:00:00Z"]);
}

#[test]
fn two_assets_of_one_day_are_known_at_one_moment() {
    let rows = "A,2024-11-02 00:00:00-04:00,1,1,1,1\nA,2024-11-03 00:00:00-04:00,1,1,1,1\n\
                B,2024-11-03 00:00:00-04:00,1,1,1,1\nA,2024-11-04 00:00:00-05:00,1,1,1,1\n";
    let read = csv(format!("Symbol,Date,Open,High,Low,Close\n{rows}"), AUTO()).unwrap();
    assert_eq!(
        (&read.bars[1][2..22], &read.bars[3][2..22]),
        ("2024-11-04T05:00:00Z", "2024-11-04T05:00:00Z")
    );
}

#[test]
fn zones_that_contradict_each_other_are_refused_until_one_is_stated() {
    let stamps = ["2024-01-04 16:00 US/Eastern", "2024-01-05 16:00 Asia/Tokyo"];
    let error = stamped(&stamps, AUTO()).unwrap_err();
    assert!(
        error
            .starts_with("A.csv, line 3: its times are in Asia/Tokyo, those of earlier inputs in US/Eastern"),
        "{error}"
    );
    assert_eq!(stamped(&stamps, zone("UTC")).unwrap().bars.len(), 2);
}

#[test]
fn weeks_and_months_are_known_when_they_are_over_or_refused() {
    let fridays = ["2024-01-05", "2024-01-12", "2024-01-19"];
    let mondays = ["2024-01-01", "2024-01-08", "2024-01-16"];
    let wednesdays = ["2024-01-03", "2024-01-10", "2024-01-17"];
    // In seconds since 1970, as Kraken's weeks begin.
    let thursdays = ["1704326400", "1704931200", "1705536000"];
    let lasts = ["2024-01-31", "2024-02-29", "2024-03-29"];
    let firsts = ["2024-01-01", "2024-02-01", "2024-03-01"];
    let middles = ["2024-01-15", "2024-02-15", "2024-03-15"];
    for (stamps, frequency, known) in [
        (fridays, "1w", ["2024-01-06", "2024-01-13", "2024-01-20"]),
        (lasts, "1mo", ["2024-02-01", "2024-03-01", "2024-03-30"]),
    ] {
        let read = stamped(&stamps, AUTO()).unwrap();
        assert_eq!((read.report.frequency.to_string().as_str(), read.known()), (frequency, known.to_vec()));
    }
    for (stamps, told, known) in [
        (
            mondays,
            "weekly bars are stamped with the first day of their week",
            ["2024-01-08", "2024-01-15", "2024-01-22"],
        ),
        (wednesdays, "weekly bars are stamped with neither", ["2024-01-10", "2024-01-17", "2024-01-24"]),
        (thursdays, "weekly bars are stamped with neither", ["2024-01-11", "2024-01-18", "2024-01-25"]),
        (
            firsts,
            "monthly bars are stamped with the first day of their month",
            ["2024-02-01", "2024-03-01", "2024-04-01"],
        ),
        (middles, "monthly bars are stamped with neither", ["2024-02-15", "2024-03-15", "2024-04-15"]),
    ] {
        let error = stamped(&stamps, AUTO()).unwrap_err();
        assert!(error.contains(told), "{error}");
        assert_eq!(stamped(&stamps, label(Label::Start)).unwrap().known(), known, "{stamps:?}");
    }
    assert_eq!(stamped(&middles, label(Label::End)).unwrap().known()[0], "2024-01-16");
}

#[test]
fn weeks_and_months_that_begin_at_a_time_of_day_or_on_any_day_are_not_known_before_they_end() {
    let monthly = IngestOptions { frequency: Some(bt_core::Frequency::Monthly), ..label(Label::Start) };
    let weekly = IngestOptions { frequency: Some(bt_core::Frequency::Weekly), ..label(Label::Start) };
    for (options, stamps, known) in [
        // The fourth of each month is no first day of trading.
        (&monthly, ["2024-01-04", "2024-02-04", "2024-03-04"], ["2024-02-04", "2024-03-04", "2024-04-04"]),
        (&monthly, ["2024-01-02", "2024-02-01", "2024-03-01"], ["2024-02-01", "2024-03-01", "2024-04-01"]),
        // Each month begins with the last day of the one before.
        (&monthly, ["2023-01-31", "2023-02-28", "2023-03-31"], ["2023-03-01", "2023-04-01", "2023-05-01"]),
        // Mondays in Tokyo, and in New York with and without an hour of summer.
        (
            &weekly,
            ["2024-01-07T15:00:00Z", "2024-01-14T15:00:00Z", "2024-01-21T15:00:00Z"],
            ["2024-01-14T16:00:00Z", "2024-01-21T16:00:00Z", "2024-01-28T16:00:00Z"],
        ),
        (
            &weekly,
            ["2024-10-28T04:00:00Z", "2024-11-04T05:00:00Z", "2024-11-11T05:00:00Z"],
            ["2024-11-04T05:00:00Z", "2024-11-11T06:00:00Z", "2024-11-18T06:00:00Z"],
        ),
        (
            &monthly,
            ["2024-01-01T05:00:00Z", "2024-02-01T05:00:00Z", "2024-03-01T05:00:00Z"],
            ["2024-02-01T06:00:00Z", "2024-03-01T06:00:00Z", "2024-04-01T06:00:00Z"],
        ),
    ] {
        assert_eq!(stamped(&stamps, options.clone()).unwrap().known(), known, "{stamps:?}");
    }
}

#[test]
fn an_append_to_weeks_and_months_begins_them_as_the_bundle_does() {
    // A Tuesday after a holiday, and the first day of trading in October in Shanghai.
    let all = append(&["2024-07-15", "2024-07-22"], label(Label::Start), &["2024-07-30"]).unwrap();
    assert_eq!(all[2], "2024-08-05T00:00:00Z");
    let months = ["2024-07-01", "2024-08-01", "2024-09-02"];
    let all = append(&months, label(Label::Start), &["2024-10-08"]).unwrap();
    assert_eq!(all[3], "2024-11-01T00:00:00Z");
}

/// Appends bars with these stamps to a bundle of others.
fn append(first: &[&str], options: IngestOptions, more: &[&str]) -> Result<Vec<String>, String> {
    let place = Place::new();
    let write = |file: &str, stamps: &[&str]| {
        let rows: String = stamps.iter().map(|stamp| format!("{stamp},1,1,1,1\n")).collect();
        place.write(file, format!("Date,Open,High,Low,Close\n{rows}"))
    };
    let ingest = |options, path| Ingest::new(options).csv_of_asset(path, "A");
    Read::of(&place, ingest(options, write("first.csv", first)))?;
    let appended = ingest(AUTO(), write("more.csv", more)).append_to(&place.store, &name());
    appended.map_err(|error| error.to_string())?;
    let bundle = place.store.open(&name()).unwrap();
    Ok(bundle.calendar().iter().map(ToString::to_string).collect())
}

#[test]
fn an_append_of_another_bar_of_the_last_day_is_refused() {
    let at_16 = IngestOptions { session_close: Some("16:00".parse().unwrap()), ..zone("America/New_York") };
    let error = append(&["2024-01-05", "2024-01-08"], at_16, &["2024-01-08", "2024-01-09"]).unwrap_err();
    assert!(error.contains("the bar of \"A\" of 2024-01-08 is known at 2024-01-09T05:00:00Z"), "{error}");
    assert!(error.contains("known at 2024-01-08T21:00:00Z"), "{error}");
}

#[test]
fn an_append_of_longer_bars_is_refused_unless_their_frequency_is_stated() {
    let friday = |week: i32| bt_core::Day::from_days_since_1970(19_734 + 7 * week).to_string();
    let fridays: Vec<String> = (0..9).map(friday).collect();
    let fridays: Vec<&str> = fridays.iter().map(String::as_str).collect();
    let error = append(&["2024-01-04", "2024-01-05"], AUTO(), &fridays).unwrap_err();
    assert!(error.contains("\"A\" has bars of 1w, and most bars are of 1d"), "{error}");
    assert_eq!(append(&["2024-01-04", "2024-01-05"], AUTO(), &fridays[..3]).unwrap().len(), 5);
}

#[test]
fn an_append_takes_zone_and_label_of_the_bundle() {
    let (first, more) = (["2024-01-04", "2024-01-05"], ["2024-01-08", "2024-01-09"]);
    let all = append(&first, zone("Asia/Tokyo"), &more).unwrap();
    assert_eq!(all[3], "2024-01-09T15:00:00Z");
    let weeks = (["2024-01-01", "2024-01-08"], ["2024-01-15", "2024-01-22"]);
    let all = append(&weeks.0, label(Label::Start), &weeks.1).unwrap();
    assert_eq!(all[3], "2024-01-29T00:00:00Z");
    let hours = (["2024-01-04 09:30", "2024-01-04 10:30"], ["2024-01-04 11:30", "2024-01-04 12:30"]);
    let all = append(&hours.0, zone("America/New_York"), &hours.1).unwrap();
    assert_eq!(all[3], "2024-01-04T18:30:00Z");
}

#[test]
fn an_append_that_would_move_the_end_of_a_day_names_the_zone() {
    let first = ["2024-11-02 00:00:00-04:00", "2024-11-03 00:00:00-04:00"];
    let error =
        append(&first, AUTO(), &["2024-11-04 00:00:00-05:00", "2024-11-05 00:00:00-05:00"]).unwrap_err();
    assert!(error.contains("the day of the bundle's last bar ends at 2024-11-04T05:00:00Z"), "{error}");
    assert!(error.contains("`IngestOptions::zone`"), "{error}");
    let stated = append(&first, zone("America/New_York"), &["2024-11-04 00:00:00-05:00"]).unwrap();
    assert_eq!(stated[1..], ["2024-11-04T05:00:00Z", "2024-11-05T05:00:00Z"]);
}
