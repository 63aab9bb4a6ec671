//! When bars become known: never before their end.

use bt_bundle::{IngestOptions, Label, TimeFormat, Zone};
use bt_core::{Bundle, BundleSource, Frequency, Timestamp};

use crate::{HEADER, Place, csv, name};

/// When the bars with these stamps became known.
fn known(stamps: &[&str], options: IngestOptions) -> Result<Vec<String>, String> {
    let place = Place::new();
    let rows: String = stamps.iter().map(|stamp| format!("IBM,{stamp},1,1,1,1,1\n")).collect();
    place.csv(format!("{HEADER}\n{rows}"), options).map_err(|error| error.to_string())?;
    Ok(place.closes("IBM").into_iter().map(|(known, _)| known).collect())
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn in_zone(name: &str) -> IngestOptions {
    IngestOptions { zone: Some(zone(name)), ..Default::default() }
}

#[test]
fn a_date_is_known_when_its_day_ends_in_utc_unless_a_zone_is_stated() {
    let dates = ["2024-03-08", "2024-03-11"];
    let utc = known(&dates, IngestOptions::default()).unwrap();
    assert_eq!(utc, ["2024-03-09T00:00:00Z", "2024-03-12T00:00:00Z"]);
    // Clocks are set forward on the tenth.
    let new_york = known(&dates, in_zone("America/New_York")).unwrap();
    assert_eq!(new_york, ["2024-03-09T05:00:00Z", "2024-03-12T04:00:00Z"]);
    let tokyo = known(&dates, in_zone("Asia/Tokyo")).unwrap();
    assert_eq!(tokyo, ["2024-03-08T15:00:00Z", "2024-03-11T15:00:00Z"]);
}

#[test]
fn a_date_is_known_at_the_session_close_where_that_is_stated() {
    let options =
        IngestOptions { session_close: Some("16:00".parse().unwrap()), ..in_zone("America/New_York") };
    let closes = known(&["2024-03-08", "2024-03-11"], options).unwrap();
    assert_eq!(closes, ["2024-03-08T21:00:00Z", "2024-03-11T20:00:00Z"]);
}

#[test]
fn a_session_close_that_no_bar_can_wait_for_is_a_contradiction_that_is_said() {
    let refused = |stamps: &[&str], label, frequency| {
        let session_close = Some("16:00".parse().unwrap());
        known(stamps, IngestOptions { session_close, label, frequency, ..Default::default() }).unwrap_err()
    };
    let minutes = ["2024-01-05T14:30:00Z", "2024-01-05T14:35:00Z", "2024-01-05T14:40:00Z"];
    let error = refused(&minutes, None, None);
    assert!(error.ends_with(
        "a session close is stated, but these are 5m bars; only bars of a day or longer wait for it"
    ));
    let days = ["2024-01-05 16:00", "2024-01-08 16:00"];
    let error = refused(&days, Some(Label::End), None);
    assert!(
        error.contains("a session close is stated, but also that the times are the ends of bars"),
        "{error}"
    );
    let weeks = ["2024-01-01", "2024-01-08", "2024-01-15"];
    let error = refused(&weeks, Some(Label::Start), Some(Frequency::Weekly));
    assert!(
        error.contains("the starts of weekly bars, which are known when the next week begins"),
        "{error}"
    );
}

#[test]
fn a_daily_bar_that_is_stamped_with_midnight_stands_for_its_day() {
    for stamp in ["2024-01-05 00:00:00", "2024-01-05T00:00:00-05:00", "2024-01-05T05:00:00Z"] {
        let options = IngestOptions { frequency: Some(Frequency::Daily), ..in_zone("America/New_York") };
        assert_eq!(known(&[stamp], options).unwrap(), ["2024-01-06T05:00:00Z"], "{stamp}");
    }
}

/// As a moment it would be the evening of the fourth in New York, and the bar of the fifth known on that evening.
#[test]
fn midnights_utc_are_dates_whatever_the_zone() {
    for label in [None, Some(Label::Date)] {
        let options = IngestOptions {
            label,
            session_close: Some("16:00".parse().unwrap()),
            ..in_zone("America/New_York")
        };
        let closes = known(&["2024-01-05T00:00:00Z", "2024-01-08T00:00:00Z"], options).unwrap();
        assert_eq!(closes, ["2024-01-05T21:00:00Z", "2024-01-08T21:00:00Z"]);
    }
}

#[test]
fn a_midnight_is_an_end_where_that_is_stated() {
    let options = IngestOptions { label: Some(Label::End), ..Default::default() };
    assert_eq!(known(&["2024-01-05T00:00:00Z"], options).unwrap(), ["2024-01-05T00:00:00Z"]);
}

#[test]
fn an_unlabelled_time_is_a_start() {
    let minutes = ["2024-01-05T14:30:00Z", "2024-01-05T14:35:00Z", "2024-01-05T14:40:00Z"];
    let ends = known(&minutes, IngestOptions::default()).unwrap();
    assert_eq!(ends, ["2024-01-05T14:35:00Z", "2024-01-05T14:40:00Z", "2024-01-05T14:45:00Z"]);
    let stated = IngestOptions { label: Some(Label::End), ..Default::default() };
    assert_eq!(known(&minutes, stated).unwrap()[0], "2024-01-05T14:30:00Z");
    // A daily bar stamped 16:00 could be stamped with either end.
    let days = ["2024-03-08 16:00", "2024-03-11 16:00"];
    let next_day = known(&days, in_zone("America/New_York")).unwrap();
    assert_eq!(next_day, ["2024-03-09T21:00:00Z", "2024-03-12T20:00:00Z"]);
}

#[test]
fn a_session_that_starts_on_the_evening_before_is_known_at_its_own_close() {
    let options = IngestOptions {
        session_close: Some("16:00".parse().unwrap()),
        frequency: Some(Frequency::Daily),
        ..in_zone("America/Chicago")
    };
    assert_eq!(known(&["2024-01-04 17:00"], options).unwrap(), ["2024-01-05T22:00:00Z"]);
}

#[test]
fn a_day_whose_midnight_clocks_skip_still_has_its_bar() {
    let days = ["2018-11-03 00:00:00", "2018-11-04 00:00:00", "2018-11-05 00:00:00"];
    let ends = known(&days, in_zone("America/Sao_Paulo")).unwrap();
    assert_eq!(ends, ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", "2018-11-06T02:00:00Z"]);
}

#[test]
fn the_frequency_is_inferred_from_the_distances_between_bars_whatever_their_order() {
    let frequency = |stamps: &[&str]| {
        let rows: String = stamps.iter().map(|stamp| format!("IBM,{stamp},1,1,1,1,1\n")).collect();
        csv(format!("{HEADER}\n{rows}"), IngestOptions::default()).map(|report| report.frequency.to_string())
    };
    assert_eq!(frequency(&["2024-01-05", "2024-01-08", "2024-01-09"]).unwrap(), "1d");
    assert_eq!(frequency(&["2024-01-05 16:00", "2024-01-09 16:00", "2024-01-08 16:00"]).unwrap(), "1d");
    let hours = ["2024-01-05 11:30", "2024-01-05 09:30", "2024-01-05 10:30", "2024-01-08 09:30"];
    assert_eq!(frequency(&hours).unwrap(), "60m");
    let alone = frequency(&["2024-01-05 09:30"]).unwrap_err().to_string();
    assert!(alone.contains("no asset has two bars near each other"), "{alone}");
    let seconds = frequency(&["2024-01-05 09:30:00", "2024-01-05 09:30:20"]).unwrap_err().to_string();
    assert!(seconds.contains("20 s"), "{seconds}");
}

#[test]
fn weekly_bars_that_could_be_stamped_with_their_first_day_are_refused_unless_stated() {
    let weeks: Vec<String> = (0..12)
        .map(|week| Timestamp::from_nanos(week * 7 * 86_400_000_000_000).to_string()[..10].to_owned())
        .collect();
    let weeks: Vec<&str> = weeks.iter().map(String::as_str).collect();
    // Two bars are enough, and times of the day change nothing.
    let opens: Vec<String> = weeks.iter().map(|week| format!("{week} 09:30")).collect();
    let opens: Vec<&str> = opens.iter().map(String::as_str).collect();
    for weeks in [&weeks[..], &weeks[..2], &opens[..], &opens[..2]] {
        let error = known(weeks, IngestOptions::default()).unwrap_err();
        assert!(error.contains("its weekly bars are stamped with neither"), "{error}");
        assert!(
            error.contains("`IngestOptions::label`") && error.contains("`IngestOptions::frequency`"),
            "{error}"
        );
        let stated = IngestOptions { frequency: Some(Frequency::Daily), ..Default::default() };
        assert_eq!(known(weeks, stated).unwrap().len(), weeks.len());
    }
}

#[test]
fn daily_bars_of_an_asset_that_seldom_trades_are_daily_as_long_as_most_are_near() {
    let days = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-24", "2024-01-25", "2024-03-01"];
    assert_eq!(known(&days, IngestOptions::default()).unwrap().len(), 6);
}

#[test]
fn the_report_says_how_times_were_read_and_whether_anybody_said_so() {
    let said = |stamps: [&str; 2], options| {
        let rows: String = stamps.iter().map(|stamp| format!("IBM,{stamp},1,1,1,1,1\n")).collect();
        csv(format!("{HEADER}\n{rows}"), options).unwrap().known
    };
    let (dates, times) = (["2024-01-05", "2024-01-08"], ["2024-01-05 09:30", "2024-01-05 09:31"]);
    let moments = ["2024-01-05T09:30-05:00", "2024-01-05T09:31-05:00"];
    let unsaid = || IngestOptions::default();
    for (stamps, options, says) in [
        (dates, unsaid(), "; dates are days in UTC; assumed, no zone was stated"),
        (dates, in_zone("Asia/Tokyo"), "; dates are days in Asia/Tokyo"),
        (times, unsaid(), "; times read as UTC; assumed, no zone was stated"),
        (times, in_zone("UTC"), "; times read as UTC"),
        (times, in_zone("America/New_York"), "; times read as America/New_York"),
        (
            moments,
            unsaid(),
            "a bar is known 1 minute later; times read as the moments that they name, days as those of -05:00",
        ),
    ] {
        let known = said(stamps, options);
        assert!(known.ends_with(says), "{known}\nwant {says}");
    }
}

#[test]
fn options_that_contradict_each_other_or_the_input_are_refused() {
    let minutes = Some(Frequency::Minutes(5));
    let date = ["2024-01-05"];
    let time = ["2024-01-05 09:30"];
    for (stamps, options, word) in [
        (date, IngestOptions { frequency: minutes, ..Default::default() }, "frequency"),
        (time, IngestOptions { frequency: minutes, label: Some(Label::Date), ..Default::default() }, "label"),
    ] {
        let error = known(&stamps, options).unwrap_err();
        assert!(error.starts_with(word), "{error}");
    }
}

#[test]
fn a_session_close_is_refused_where_weekly_or_monthly_bars_are_stamped_with_their_ends() {
    let (close, label) = (Some("16:00".parse().unwrap()), Some(Label::End));
    for frequency in [Frequency::Weekly, Frequency::Monthly] {
        let options = || IngestOptions { frequency: Some(frequency), label, ..Default::default() };
        let time = ["2024-01-05 16:00"];
        assert_eq!(known(&time, options()).unwrap(), ["2024-01-05T16:00:00Z"]);
        let error = known(&time, IngestOptions { session_close: close, ..options() }).unwrap_err();
        let told = "a session close is stated, but also that the times are the ends of bars, at which they are known";
        assert!(error.ends_with(told), "{error}");
        let date = known(&["2024-01-05"], IngestOptions { session_close: close, ..options() }).unwrap();
        assert_eq!(date, ["2024-01-05T16:00:00Z"]);
    }
}

#[test]
fn a_bar_of_a_month_without_a_day_is_known_when_the_month_is_over() {
    let right = ["2024-02-01T05:00:00Z", "2024-03-01T05:00:00Z", "2024-04-01T04:00:00Z"];
    let in_new_york = |label| IngestOptions { label, ..in_zone("America/New_York") };
    for stamps in [
        ["2024-01", "2024-02", "2024-03"],
        ["2024/01", "2024/02", "2024/03"],
        ["Jan-2024", "Feb-2024", "Mar-2024"],
        ["January 2024", "February 2024", "March 2024"],
    ] {
        for label in [None, Some(Label::Date), Some(Label::Start), Some(Label::End)] {
            assert_eq!(known(&stamps, in_new_york(label)).unwrap(), right, "{stamps:?} {label:?}");
        }
    }
    for (pattern, stamps) in
        [("%b-%y", ["Jan-24", "Feb-24", "Mar-24"]), ("%Y%m", ["202401", "202402", "202403"])]
    {
        let options = IngestOptions { time_format: TimeFormat::Pattern(pattern.into()), ..in_new_york(None) };
        assert_eq!(known(&stamps, options).unwrap(), right, "{pattern}");
    }
    // One month alone is none of daily bars, whatever is stated.
    for label in [None, Some(Label::Start)] {
        assert_eq!(known(&["2024-02"], in_new_york(label)).unwrap(), ["2024-03-01T05:00:00Z"]);
        let options = IngestOptions { frequency: Some(Frequency::Daily), ..in_new_york(label) };
        let error = known(&["2024-02"], options).unwrap_err();
        assert!(error.contains("months without a day, which bars of 1d cannot have"), "{error}");
    }
    let days: Vec<String> = (1..29).map(|day| format!("2024-02-{day:02}")).collect();
    let mixed: Vec<&str> = days.iter().map(String::as_str).chain(["2024-03", "2024-04"]).collect();
    assert!(known(&mixed, in_new_york(Some(Label::Start))).is_err());
    for stamp in ["2024-13", "Jan 24", "2024.01", "2262-04", "2024-01 16:00"] {
        let options = IngestOptions { frequency: Some(Frequency::Monthly), ..Default::default() };
        assert!(known(&[stamp], options).is_err(), "{stamp}");
    }
}

#[test]
fn the_report_says_when_bars_are_known_and_what_was_assumed() {
    let rows = "IBM,2024-01-05 09:30,1,1,1,1,1\nIBM,2024-01-05 09:35,1,1,1,1,1\n";
    let report = csv(format!("{HEADER}\n{rows}"), in_zone("America/New_York")).unwrap().to_string();
    assert!(report.contains("5m (inferred)"), "{report}");
    assert!(
        report.contains("starts; assumed, since no label was stated; a bar is known 5 minutes later"),
        "{report}"
    );
}

#[test]
fn a_window_at_ten_does_not_hold_the_close_of_the_day() {
    let place = Place::new();
    place
        .csv(
            format!("{HEADER}\nIBM,2024-01-04,1,1,1,1,1\nIBM,2024-01-05,2,2,2,2,2\n"),
            IngestOptions::default(),
        )
        .unwrap();
    let bundle = place.store.open(&name()).unwrap();
    let bars = bundle.bars(bundle.assets().id("IBM").unwrap()).unwrap();
    assert_eq!(bars.until("2024-01-05T10:00:00Z".parse().unwrap()).len(), 1);
    assert_eq!(bars.until("2024-01-05T23:59:59Z".parse().unwrap()).len(), 1);
    assert_eq!(bars.until("2024-01-06".parse().unwrap()).len(), 2);
}
