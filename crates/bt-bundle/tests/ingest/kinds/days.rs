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

/// Bars of several assets with these stamps: asset and moment of each.
fn bars_of(rows: &[(&str, impl AsRef<str>)], options: IngestOptions) -> Result<Vec<String>, String> {
    let row = |(price, (asset, stamp)): (usize, &(&str, _))| {
        let stamp: &str = AsRef::as_ref(stamp);
        format!("{asset},{stamp},{price},{price},{price},{price}\n")
    };
    let rows: String = (1..).zip(rows).map(row).collect();
    let read = csv(format!("Symbol,Date,Open,High,Low,Close\n{rows}"), options)?;
    Ok(read.bars.iter().map(|bar| bar.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect())
}

/// The midnights of some days of 2024 for each asset, in the zone that stands behind its name.
fn midnights(days: &[&str], of: [(&'static str, &str); 2]) -> Vec<(&'static str, String)> {
    let of_asset = |(asset, zone)| days.iter().map(move |day| (asset, format!("2024-{day} 00:00:00{zone}")));
    of.into_iter().flat_map(of_asset).collect()
}

#[test]
fn days_of_utc_beside_those_of_other_offsets_end_a_day_after_they_begin() {
    let (days, bitcoin) = (["01-02", "01-03"], [("AAPL", "-05:00"), ("BTC", "+00:00")]);
    let known =
        ["AAPL 2024-01-03T05:00:00Z", "AAPL 2024-01-04T05:00:00Z", "BTC 2024-01-03", "BTC 2024-01-04"];
    for options in [AUTO(), label(Label::Date)] {
        assert_eq!(bars_of(&midnights(&days, bitcoin), options).unwrap(), known);
    }
    // Berlin's next midnight comes an hour before London's day is over.
    let known = bars_of(&midnights(&days, [("BER", "+01:00"), ("LON", "+00:00")]), AUTO()).unwrap();
    assert!(known[2..] == ["LON 2024-01-03", "LON 2024-01-04"], "{known:?}");
    // Weeks and months of the one are not over when those of the other are.
    for (days, end) in
        [(["01-01", "01-08", "01-15"], "2024-01-08"), (["01-01", "02-01", "03-01"], "2024-02-01")]
    {
        let known = bars_of(&midnights(&days, bitcoin), label(Label::Start)).unwrap();
        assert_eq!(known[0], format!("AAPL {end}T05:00:00Z"));
        assert_eq!(known[3], format!("BTC {end}T05:00:00Z"));
    }
    // A zone that is named ends other days than UTC.
    let named = midnights(&days, [("AAPL", " America/New_York"), ("BTC", "Z")]);
    let error = bars_of(&named, AUTO()).unwrap_err();
    assert!(error.contains("its times are in America/New_York, those of earlier inputs in UTC"), "{error}");
}

#[test]
fn a_week_or_month_that_begins_on_another_day_than_those_of_most_assets_is_known_when_it_is_over() {
    let mondays = ["2024-01-01", "2024-01-08", "2024-01-15"];
    let of = |asset, stamps: [&'static str; 3]| stamps.map(|stamp| (asset, stamp));
    for (stamps, known) in [
        (["2024-01-07", "2024-01-14", "2024-01-21"], "C 2024-01-14"),
        (["2024-01-06", "2024-01-13", "2024-01-20"], "C 2024-01-13"),
        (["2024-01-03", "2024-01-10", "2024-01-17"], "C 2024-01-10"),
        (["2024-01-02", "2024-01-09", "2024-01-16"], "C 2024-01-09"),
    ] {
        let rows = [of("A", mondays), of("B", mondays), of("C", stamps)].concat();
        let read = bars_of(&rows, label(Label::Start)).unwrap();
        assert_eq!((read[0].as_str(), read[6].as_str()), ("A 2024-01-08", known), "{stamps:?}");
    }
    let (firsts, middles) =
        (["2023-01-01", "2023-02-01", "2023-03-01"], ["2023-01-15", "2023-02-15", "2023-03-15"]);
    let rows = [of("A", firsts), of("B", firsts), of("C", middles)].concat();
    let read = bars_of(&rows, label(Label::Start)).unwrap();
    assert_eq!((read[0].as_str(), read[6].as_str()), ("A 2023-02-01", "C 2023-02-15"));
    let all = append(&["2024-01-01", "2024-01-08"], label(Label::Start), &["2024-01-21"]).unwrap();
    assert_eq!(all[2], "2024-01-28T00:00:00Z");
    let lasts = ["2023-05-31", "2023-06-30", "2023-07-31", "2023-08-31"];
    let all = append(&lasts, label(Label::Start), &["2023-10-31", "2023-11-30"]).unwrap();
    assert_eq!(all[3..], ["2023-10-01T00:00:00Z", "2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z"]);
}

#[test]
fn months_that_begin_with_their_last_days_end_with_the_next_one_east_of_utc_too() {
    let options = IngestOptions { label: Some(Label::Start), ..zone("Asia/Tokyo") };
    for stamps in [
        ["2023-01-31", "2023-02-28", "2023-03-31"],
        ["2023-01-31 00:00", "2023-02-28 00:00", "2023-03-31 00:00"],
    ] {
        let known = ["2023-02-28T15:00:00Z", "2023-03-31T15:00:00Z", "2023-04-30T15:00:00Z"];
        assert_eq!(stamped(&stamps, options.clone()).unwrap().known(), known);
    }
}

#[test]
fn midnights_utc_are_days_of_weeks_in_a_zone_west_of_it_too() {
    let mondays = ["2024-01-01T00:00:00Z", "2024-01-08T00:00:00Z", "2024-01-15T00:00:00Z"];
    let options = IngestOptions { label: Some(Label::Start), ..zone("America/New_York") };
    let known = ["2024-01-08T05:00:00Z", "2024-01-15T05:00:00Z", "2024-01-22T05:00:00Z"];
    assert_eq!(stamped(&mondays, options).unwrap().known(), known);
}

#[test]
fn a_stamp_behind_the_session_close_is_not_known_before_itself() {
    let options = IngestOptions {
        label: Some(Label::Date),
        session_close: Some("17:00".parse().unwrap()),
        frequency: Some(bt_core::Frequency::Daily),
        ..zone("America/New_York")
    };
    let known = stamped(&["2024-03-07 16:00", "2024-03-08 18:00"], options).unwrap();
    assert_eq!(known.known(), ["2024-03-07T22:00:00Z", "2024-03-09T05:00:00Z"]);
}

/// So many stamps, each so many minutes after the one before.
fn every(minutes: i64, first: &str, count: i64) -> Vec<String> {
    let first: bt_core::Timestamp = first.parse().unwrap();
    (0..count).map(|at| first.plus_seconds(at * minutes * 60).to_string()).collect()
}

#[test]
fn bars_that_are_two_to_four_days_apart_are_no_daily_bars() {
    const DAY: i64 = 1440;
    for (minutes, told) in [
        (2 * DAY, "most bars are 2 days apart"),
        (3 * DAY, "most bars are 3 days apart"),
        (4 * DAY, "most bars are 4 days apart"),
        (36 * 60, "the commonest distance of bars is 129600 s"),
    ] {
        for count in [4, 50] {
            let stamps = every(minutes, "2024-01-01T00:00:00Z", count);
            let stamps: Vec<&str> = stamps.iter().map(String::as_str).collect();
            let error = stamped(&stamps, AUTO()).map(|read| read.known().join(" ")).unwrap_err();
            assert!(error.contains(told), "{minutes} {count}: {error}");
        }
    }
}

#[test]
fn an_asset_with_longer_bars_than_most_is_refused_always_or_for_a_while() {
    const DAY: i64 = 1440;
    let (days, minutes) = (every(DAY, "2020-01-01T00:00:00Z", 400), every(1, "2024-01-02T14:30:00Z", 400));
    let holed = |mut stamps: Vec<String>| {
        stamps.remove(stamps.len() / 2);
        stamps
    };
    let china: Vec<String> = (0..6)
        .flat_map(|day| {
            ["09:30", "10:30", "13:00", "14:00"].map(|time| format!("2024-01-{:02}T{time}:00Z", 2 + day))
        })
        .collect();
    let joined = |first: Vec<String>, then: &[String]| [first.as_slice(), then].concat();
    for (most, others, told) in [
        (&days, holed(every(7 * DAY, "2020-01-06T00:00:00Z", 100)), "\"B\" has bars of 1w"),
        (&days, every(3 * DAY, "2020-01-06T00:00:00Z", 33), "the bars of \"B\" are 3 days apart"),
        (&days, every(91 * DAY, "2020-01-06T00:00:00Z", 40), "the bars of \"B\" are 91 days apart"),
        (&days, joined(every(7 * DAY, "2010-01-04T00:00:00Z", 100), &days), "\"B\" has bars of 1w"),
        (&minutes, every(DAY, "2024-01-02T00:00:00Z", 3), "\"B\" has bars of 1d"),
        (&minutes, holed(every(DAY, "2024-01-02T16:00:00Z", 30)), "\"B\" has bars of 1d"),
        (&minutes, joined(every(DAY, "2023-01-02T00:00:00Z", 30), &minutes), "\"B\" has bars of 1d"),
        (&minutes, china, "\"B\" has bars of 60m"),
        (&minutes, every(5, "2024-01-02T14:30:00Z", 20), "\"B\" has bars of 5m"),
    ] {
        let rows = most.iter().map(|stamp| ("A", stamp.as_str()));
        let rows: Vec<_> = rows.chain(others.iter().map(|stamp| ("B", stamp.as_str()))).collect();
        let error = bars_of(&rows, AUTO()).map(|bars| bars.len()).unwrap_err();
        assert!(error.contains(told), "{told}: {error}");
    }
}
