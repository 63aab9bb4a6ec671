use proptest::prelude::*;

use super::*;
use crate::EpochUnit;
use crate::bt_core::Day;
use crate::ingest::field::day::OrderEvidence;

fn nanos(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_nanos()
}

fn reader(format: TimeFormat, zone: Option<&str>) -> TimeReader {
    let zone = zone.map(|zone| zone.parse().unwrap());
    TimeReader::new(&IngestOptions { time_format: format, zone, ..Default::default() }, None)
}

fn auto(text: &str) -> Result<Stamp, Unread> {
    reader(TimeFormat::Auto, None).read(text.as_bytes(), None)
}

/// The moment, and whether it is a date.
fn read(text: &str) -> Result<(i64, bool), Unread> {
    auto(text).map(|stamp| (stamp.nanos, stamp.shown == Shown::Date))
}

#[test]
fn dates_are_read_as_they_are_commonly_written() {
    let day = Ok((nanos("2010-12-31"), true));
    for text in [
        "2010-12-31",
        "20101231",
        "2010/12/31",
        "2010.12.31",
        " 2010-12-31 ",
        "31-Dec-10",
        "31-DEC-2010",
        "31 Dec 2010",
        "31/december/2010",
        "2010-Dec-31",
        "Dec 31, 2010",
        "December 31 2010",
        "Fri, Dec 31, 2010",
        "Friday 31 Dec 2010",
    ] {
        assert_eq!(read(text), day, "{text:?}");
    }
    assert_eq!(read("2024-1-5"), Ok((nanos("2024-01-05"), true)));
    assert_eq!(read("01-Jan-69").unwrap().0, nanos("1969-01-01"));
    assert_eq!(read("01-Jan-68").unwrap().0, nanos("2068-01-01"));
}

#[test]
fn the_order_of_day_and_month_is_read_where_it_is_known_and_never_guessed() {
    for text in ["05/01/2024", "5.1.2024", "05-01-24"] {
        assert_eq!(auto(text), Err(Unread::DateOrder), "{text}");
        let day = reader(TimeFormat::DayFirst, None).read(text.as_bytes(), None).unwrap().nanos;
        let month = reader(TimeFormat::MonthFirst, None).read(text.as_bytes(), None).unwrap().nanos;
        assert_eq!((day, month), (nanos("2024-01-05"), nanos("2024-05-01")), "{text}");
    }
    let year = reader(TimeFormat::YearFirst, None).read(b"05-01-24", None).unwrap().nanos;
    assert_eq!(year, nanos("2005-01-24"));
    assert_eq!(shown(&["13/01/2020"]), (Some(DateOrder::DayFirst), false));
    assert_eq!(shown(&["01/13/2020 09:30"]), (Some(DateOrder::MonthFirst), false));
    assert_eq!(shown(&["05/05/2020"]), (None, true));
    for text in ["2020-01-13", "13-Jan-2020", "20200113", "1577957400", ""] {
        assert_eq!(shown(&[text]), (None, false), "{text}");
    }
}

/// The order that dates show, and whether it is an open question.
fn shown(texts: &[&str]) -> (Option<DateOrder>, bool) {
    let mut evidence = OrderEvidence::default();
    texts.iter().for_each(|text| evidence.note(text.as_bytes()));
    (evidence.order(), evidence.is_open())
}

#[test]
fn years_of_two_digits_come_first_where_dates_follow_upon_each_other_only_so() {
    let (day, month, year) = (DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst);
    for (texts, order) in [
        // Days, newest first, months, a few assets one below the other.
        (&["24-01-30", "24-01-31", "24-02-01"][..], Some(year)),
        (&["30-01-24", "31-01-24", "01-02-24"], Some(day)),
        (&["24/02/01", "24/01/31", "24/01/30"], Some(year)),
        (&["31.01.24", "29.02.24", "31.03.24"], Some(day)),
        (&["24.01.31", "24.02.29", "24.03.31"], Some(year)),
        (&["05-01-24", "05-01-25", "05-01-26"], Some(year)),
        (&["30-01-24", "31-01-24", "30-01-24", "31-01-24", "30-01-24", "31-01-24"], Some(day)),
        // One number alone shows it.
        (&["96-01-05"], Some(year)),
        (&["00-01-05"], Some(year)),
        (&["25-01-96"], Some(day)),
        (&["01-25-24"], Some(month)),
        (&["5-13-24", "30-01-24"], Some(month)),
        // Nothing shows it; a wrong date does not.
        (&["24-01-05"], None),
        (&["24-01-05", "24-01-05"], None),
        (&["31-06-24"], None),
        (&["24-01-05", "20-07-11"], None),
        (&["05/01/24", "06/01/24", "07/01/24"], None),
        (&["01/02/24", "01/03/24", "01/04/24"], None),
    ] {
        assert_eq!(shown(texts), (order, order.is_none()), "{texts:?}");
    }
}

#[test]
fn times_are_read_with_and_without_an_offset() {
    let local = Ok((nanos("2024-01-05T09:30:00"), false));
    for text in [
        "2024-01-05 09:30",
        "2024-01-05T09:30:00",
        "20240105 9:30",
        "20240105 093000",
        "20240105 0930",
        "202401050930",
        "20240105093000",
        "20240105  09:30:00",
        "2024-01-05 09:30:00.000",
        "2024-01-05 9:30 AM",
        "2024-01-05 09:30am",
        "05-Jan-2024 09:30",
        "Jan 5, 2024, 09:30",
    ] {
        assert_eq!(read(text), local, "{text:?}");
    }
    let moment = Ok((nanos("2024-01-05T14:30:00"), false));
    for text in [
        "2024-01-05T14:30Z",
        "2024-01-05 09:30:00-05:00",
        "2024-01-05T09:30:00-0500",
        "2024-01-05T09:30-05",
        "2024-01-05 20:00:00+05:30",
        "2024-01-05 14:30:00 UTC",
        "2024-01-05 09:30:00.000 GMT-0500",
        "2024-01-05 9:30 AM UTC-5",
        "20240105 09:30:00 US/Eastern",
        "2024-01-05 14:30 Etc/UTC",
        "1704465000",
        "1704465000.0",
        "1704465000000",
        "1704465000000000",
        "1704465000000000000",
        "1.704465E+12",
        "1.704465e9",
    ] {
        assert_eq!(read(text), moment, "{text:?}");
    }
}

#[test]
fn twelve_o_clock_is_noon_or_midnight_as_its_half_says() {
    for (text, time) in [
        ("2019-10-17 12-AM", "2019-10-17T00:00:00"),
        ("2019-10-17 09-AM", "2019-10-17T09:00:00"),
        ("2019-10-17 12-PM", "2019-10-17T12:00:00"),
        ("2019-10-16 11-PM", "2019-10-16T23:00:00"),
        ("2019-10-17 12:05 am", "2019-10-17T00:05:00"),
        ("2019-10-17 12:05:01 PM", "2019-10-17T12:05:01"),
    ] {
        assert_eq!(read(text), Ok((nanos(time), false)), "{text}");
    }
    assert!(read("2019-10-17 13-PM").is_err());
}

#[test]
fn numbers_that_no_day_has_are_refused_however_long_they_are() {
    for text in [
        "4294967301-Jan-2024",
        "Jan 4294967301, 2024",
        "2024-Jan-4294967301",
        "Friday, January 4294967301 2024",
    ] {
        assert_eq!(read(text), Err(Unread::NoSuchDay), "{text}");
    }
}

#[test]
fn counts_with_an_exponent_beyond_all_bounds_are_refused() {
    let mut seconds = reader(TimeFormat::Epoch(EpochUnit::Seconds), None);
    for text in ["1e-2147483648", "1e2147483647", "1.5e-9223372036854775808", "1.5e9223372036854775807"] {
        assert_eq!(seconds.read(text.as_bytes(), None), Err(Unread::Range), "{text}");
    }
}

#[test]
fn times_of_the_last_day_that_has_a_beginning_are_refused_in_every_form() {
    let pattern = TimeFormat::Pattern("%Y-%m-%d %H:%M:%S".into());
    assert_eq!(read("2262-04-11 23:59:59"), Err(Unread::Range));
    assert_eq!(reader(pattern, None).read(b"2262-04-11 23:59:59", None), Err(Unread::Range));
    for clock in ["235959", "23:59:59"] {
        let read = reader(TimeFormat::Auto, None).read(b"22620411", Some(clock.as_bytes()));
        assert_eq!(read, Err(Unread::Range), "{clock}");
    }
}

#[test]
fn text_that_is_no_time_is_refused() {
    for text in [
        "",
        "-",
        "null",
        "2024-02-30",
        "2024-13-01",
        "2024",
        "2024-01-05T",
        "2024-01-05T25:00",
        "2024-01-05 10:60",
        "2024-01-05 10:00:00+25:00",
        "12345678",
        "1234567",
        "yesterday",
        "2024-01-05 10:00 XYZ",
        "0001-01-01",
        "9999-01-01",
        "2024-01-05T10:00:00.1234567890",
        "2024-01-05-06",
        "12024-01-05",
        "31-Foo-2010",
        "1.5",
        "-1704465000",
        "1e400",
    ] {
        assert!(read(text).is_err(), "{text:?} was read as {:?}", read(text));
    }
}

#[test]
fn a_date_and_a_time_of_day_in_two_fields_are_joined() {
    let read = |date: &str, clock: &str, digits| {
        let mut reader = reader(TimeFormat::Auto, None).with(None, digits);
        reader.read(date.as_bytes(), Some(clock.as_bytes())).map(|stamp| stamp.nanos)
    };
    let half_past_nine = Ok(nanos("2024-01-05T09:30:00"));
    for (date, clock, digits) in [
        ("2024-01-05", "09:30", ClockDigits::Six),
        ("20240105", "093000", ClockDigits::Six),
        ("20240105", "93000", ClockDigits::Six),
        ("2024.01.05", "9:30:00", ClockDigits::Six),
        ("05-Jan-24", "0930", ClockDigits::Four),
        ("20240105", "930", ClockDigits::Four),
        ("2024-01-05", "9:30 AM", ClockDigits::Four),
    ] {
        assert_eq!(read(date, clock, digits), half_past_nine, "{date} {clock}");
    }
    assert_eq!(read("2024-01-05", "0", ClockDigits::Six), Ok(nanos("2024-01-05")));
    assert_eq!(read("2024-01-05", "", ClockDigits::Six), Err(Unread::Missing));
    assert!(read("2024-01-05", "2400", ClockDigits::Four).is_err());
    assert!(read("2024-01-05 09:30", "09:30", ClockDigits::Four).is_err());
}

#[test]
fn numbers_are_times_where_their_unit_is_stated() {
    let moment = nanos("2024-01-05T00:00:00");
    for (unit, count) in [
        (EpochUnit::Seconds, 1_704_412_800_i64),
        (EpochUnit::Millis, 1_704_412_800_000),
        (EpochUnit::Micros, 1_704_412_800_000_000),
        (EpochUnit::Nanos, 1_704_412_800_000_000_000),
    ] {
        let mut reader = reader(TimeFormat::Epoch(unit), None);
        assert_eq!(reader.read(count.to_string().as_bytes(), None).unwrap().nanos, moment);
        assert_eq!(reader.integer(count), Ok(Written::Moment(moment)));
    }
    let mut seconds = reader(TimeFormat::Epoch(EpochUnit::Seconds), None);
    assert_eq!(seconds.read(b"-86400", None).unwrap().nanos, nanos("1969-12-31"));
    assert_eq!(seconds.read(b"86400.25", None).unwrap().nanos, nanos("1970-01-02T00:00:00.25"));
    assert!(seconds.read(b"99999999999999", None).is_err());
    assert!(seconds.read(b"2024-01-05", None).is_err());
    let mut excel = reader(TimeFormat::Excel, None);
    assert_eq!(excel.read(b"45296", None).unwrap().nanos, moment);
    assert_eq!(excel.read(b"45296.395833333336", None).unwrap().nanos, nanos("2024-01-05T09:30:00"));
    assert!(excel.read(b"60", None).is_err());
    assert_eq!(reader(TimeFormat::Auto, None).integer(20_240_105), Ok(Written::Date(moment)));
    assert_eq!(
        reader(TimeFormat::Pattern("%d%m%Y".into()), None).integer(15_012_024),
        Ok(Written::Date(moment + 10 * DAY))
    );
}

#[test]
fn a_pattern_is_read_as_strptime_reads_it() {
    let read = |pattern: &str, text: &str| {
        reader(TimeFormat::Pattern(pattern.into()), None).read(text.as_bytes(), None).map(|stamp| stamp.nanos)
    };
    assert_eq!(read("%d/%m/%y %Hh%M", "05/02/24 09h30"), Ok(nanos("2024-02-05T09:30:00")));
    assert_eq!(read("%Y%j", "2024036"), Ok(nanos("2024-02-05")));
    assert_eq!(read("%Y-%m-%d %H:%M %z", "2024-02-05 09:30 -0500"), Ok(nanos("2024-02-05T14:30:00")));
    assert_eq!(read("%d/%m/%y", "05-02-24"), Err(Unread::Form));
}

#[test]
fn a_zone_that_a_pattern_reads_places_the_time() {
    let read = |text: &str| {
        let mut reader = reader(TimeFormat::Pattern("%Y-%m-%d %H:%M %Q".into()), Some("America/New_York"));
        reader.read(text.as_bytes(), None).map(|stamp| stamp.nanos)
    };
    assert_eq!(read("2024-01-05 09:30 Asia/Tokyo"), Ok(nanos("2024-01-05T00:30:00")));
    assert_eq!(read("2024-01-05 09:30 UTC"), Ok(nanos("2024-01-05T09:30:00")));
    assert_eq!(read("2024-01-05 09:30 +0900"), Ok(nanos("2024-01-05T00:30:00")));
    assert_eq!(read("2024-01-05 09:30 Asia/Tokio"), Err(Unread::Zone));
    assert_eq!(read("2024-01-05 09:30 -005001"), Err(Unread::Zone));
}

#[test]
fn a_day_of_the_year_that_contradicts_the_month_is_refused() {
    let mut reader = reader(TimeFormat::Pattern("%Y-%m-%d %j".into()), None);
    assert_eq!(reader.read(b"2024-02-05 036", None).unwrap().nanos, nanos("2024-02-05"));
    assert_eq!(reader.read(b"2024-02-05 037", None), Err(Unread::Form));
}

#[test]
fn a_fault_of_a_zone_names_that_zone_alone() {
    let named = |format: TimeFormat, text: &str| {
        let mut reader = reader(format, None);
        let why = reader.read(text.as_bytes(), None).unwrap_err();
        match reader.fault(text.as_bytes(), why) {
            TimeFault::Zone { zone, .. }
            | TimeFault::Twice { zone, .. }
            | TimeFault::Skipped { zone, .. } => zone,
            other => panic!("{text}: {other:?}"),
        }
    };
    for (text, zone) in [
        ("2024-01-04 4 PM PST", "PST"),
        ("2024-01-04 0930 XYZ", "XYZ"),
        ("Jan 4, 2024 09:30 XYZ/Abc", "XYZ/Abc"),
        ("2024-01-04T09:30+25:00", "+25:00"),
        ("2024-11-03 01:30 America/New_York", "America/New_York"),
        ("2024-03-10 02:30 America/New_York", "America/New_York"),
    ] {
        assert_eq!(named(TimeFormat::Auto, text), zone, "{text}");
    }
    let pattern = TimeFormat::Pattern("%Y-%m-%d %H:%M %Q".into());
    assert_eq!(named(pattern.clone(), "2024-01-05 09:30 Asia/Tokio"), "Asia/Tokio");
    assert_eq!(named(pattern, "2024-01-05 09:30 -005001"), "-00:50:01");
}

#[test]
fn a_count_has_one_sign_and_that_in_front() {
    let mut seconds = reader(TimeFormat::Epoch(EpochUnit::Seconds), None);
    for text in [".-5", ".+5", "1.-5", "-.-5", "--5", "+-5", "1.5.5", ".", "-", "+", "-.", "", "1e"] {
        assert!(seconds.read(text.as_bytes(), None).is_err(), "{text:?}");
    }
    for (text, moment) in [
        ("-86400", "1969-12-31T00:00:00"),
        ("-1.5", "1969-12-31T23:59:58.5"),
        ("-.5", "1969-12-31T23:59:59.5"),
        ("+1.5", "1970-01-01T00:00:01.5"),
        (".5", "1970-01-01T00:00:00.5"),
        ("5.", "1970-01-01T00:00:05"),
    ] {
        assert_eq!(seconds.read(text.as_bytes(), None).unwrap().nanos, nanos(moment), "{text}");
    }
}

#[test]
fn readings_that_the_wall_clock_skips_or_shows_twice_are_refused() {
    let read = |text: &str| {
        reader(TimeFormat::Auto, Some("America/New_York"))
            .read(text.as_bytes(), None)
            .map(|stamp| stamp.nanos)
    };
    assert_eq!(read("2024-07-05 09:30"), Ok(nanos("2024-07-05T13:30:00")));
    assert_eq!(read("2024-03-10 02:30"), Err(Unread::Skipped));
    assert_eq!(read("2024-11-03 01:30"), Err(Unread::Twice));
    assert_eq!(read("2024-11-03 01:30-04:00"), Ok(nanos("2024-11-03T05:30:00")));
}

#[test]
fn a_time_at_an_offset_that_stands_for_its_day_is_kept_as_the_beginning_of_that_day() {
    let read = |text: &str, label| {
        let options = IngestOptions { label, ..Default::default() };
        TimeReader::new(&options, None).read(text.as_bytes(), None).map(|stamp| stamp.nanos)
    };
    let tokyo = Ok(nanos("2022-01-03T15:00:00"));
    assert_eq!(read("2022-01-04 00:00:00+09:00", Some(Label::Date)), tokyo);
    assert_eq!(read("2022-01-04 09:00:00+09:00", Some(Label::Date)), tokyo);
    assert_eq!(read("2022-01-04 09:00:00+09:00", None), Ok(nanos("2022-01-04")));
}

/// A day in any of the forms that say one thing alone.
fn forms(day: Day) -> Vec<String> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, of_month) = day.date();
    let name = MONTHS[month as usize - 1];
    vec![
        format!("{year:04}-{month:02}-{of_month:02}"),
        format!("{year:04}.{month:02}.{of_month:02}"),
        format!("{year:04}/{month}/{of_month}"),
        format!("{year:04}{month:02}{of_month:02}"),
        format!("{of_month:02}-{name}-{year:04}"),
        format!("{of_month}-{}-{:02}", name.to_uppercase(), year % 100),
        format!("{name} {of_month:02}, {year:04}"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_form_of_a_day_is_that_day(days in -365_i32..36_000) {
        let day = Day::from_days_since_1970(days);
        for text in forms(day) {
            prop_assert_eq!(read(&text), Ok((day.midnight().as_nanos(), true)), "{}", text);
        }
    }

    #[test]
    fn any_form_of_a_time_is_that_time(days in -365_i32..36_000, minutes in 0..1440_i64, seconds in 0..60_i64) {
        let day = Day::from_days_since_1970(days);
        let time = day.midnight().plus_seconds(minutes * 60 + seconds).as_nanos();
        let (hour, minute) = (minutes / 60, minutes % 60);
        let half = if hour < 12 { "AM" } else { "PM" };
        let clocks = [
            format!(" {hour:02}:{minute:02}:{seconds:02}"),
            format!(" {hour:02}{minute:02}{seconds:02}"),
            format!(" {}:{minute:02}:{seconds:02} {half}", (hour + 11) % 12 + 1),
            format!("  {hour:02}:{minute:02}:{seconds:02}.000 GMT+0000"),
        ];
        for date in forms(day) {
            for clock in &clocks {
                let text = format!("{date}{clock}");
                prop_assert_eq!(read(&text), Ok((time, false)), "{}", text);
            }
        }
    }

    #[test]
    fn every_moment_survives_the_round_trip_through_text_or_is_on_no_day_of_the_calendar(
        nanos in prop_oneof![any::<i64>(), ..-9_223_200_000_000_000_000_i64, 9_223_113_600_000_000_000_i64..],
    ) {
        let is_on_a_day = (FIRST_STAMP..=LAST_STAMP).contains(&nanos);
        let text = Timestamp::from_nanos(nanos).to_string();
        prop_assert_eq!(read(&text).ok(), is_on_a_day.then_some((nanos, false)), "{}", text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "[0-9JanFebMZTGC:/. ,+-]{0,30}".prop_map(String::into_bytes),
        ],
        clock in prop::option::of("[0-9:AMP. ]{0,9}"),
    ) {
        for format in [
            TimeFormat::Auto,
            TimeFormat::Iso,
            TimeFormat::MonthFirst,
            TimeFormat::DayFirst,
            TimeFormat::Epoch(EpochUnit::Nanos),
            TimeFormat::Excel,
            TimeFormat::Pattern("%d/%m/%y %Hh%M".into()),
        ] {
            let _ = reader(format, Some("America/New_York")).read(&text, clock.as_deref().map(str::as_bytes));
        }
    }
}

#[test]
fn dates_without_separators_and_with_signs_for_them_are_read() {
    for text in
        ["02JAN2024", "2JAN24", "02jan2024", "2024JAN02", "2024年1月2日", "2024年01月02日", "24年1月2日"]
    {
        assert_eq!(read(text), Ok((nanos("2024-01-02"), true)), "{text}");
    }
    for text in ["02JAN2024:09:30:00", "2024年1月2日 09:30", "2JAN24 09:30"] {
        assert_eq!(read(text), Ok((nanos("2024-01-02T09:30:00"), false)), "{text}");
    }
    for text in ["02JAN", "JAN022024", "2024年1月", "2024年Jan月2日", "2024年1月2", "31FEB2024", "02JAN 2024"]
    {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn the_end_of_a_day_is_the_next_midnight() {
    for text in ["2024-01-05 24:00", "2024-01-05T24:00:00", "05-Jan-2024 24:00:00.000"] {
        assert_eq!(read(text), Ok((nanos("2024-01-06"), false)), "{text}");
    }
    let in_new_york = reader(TimeFormat::Auto, Some("America/New_York")).read(b"2024-01-05", Some(b"24:00"));
    assert_eq!(in_new_york.unwrap().nanos, nanos("2024-01-06T05:00:00"));
    for text in ["24:01", "24:00:01", "2400", "24", "25:00", "24:00 PM", "24:00:00.001"] {
        assert!(read(&format!("2024-01-05 {text}")).is_err(), "{text}");
    }
    assert_eq!(clock::session("24:00"), None);
}

#[test]
fn times_are_read_as_javascript_and_java_write_them() {
    for (text, moment) in [
        ("Tue Jan 02 2024 09:30:00 GMT-0500 (Eastern Standard Time)", "2024-01-02T14:30:00"),
        ("Tue Jan 02 2024 09:30:00 GMT+0100 (Mitteleuropäische Normalzeit)", "2024-01-02T08:30:00"),
        ("2024-01-02T09:30-05:00[America/New_York]", "2024-01-02T14:30:00"),
        ("2024-01-02T14:30Z[UTC]", "2024-01-02T14:30:00"),
        // The hour that happens twice.
        ("2024-11-03T01:30:00-04:00[America/New_York]", "2024-11-03T05:30:00"),
        ("2024-11-03T01:30:00-05:00[America/New_York]", "2024-11-03T06:30:00"),
    ] {
        assert_eq!(read(text), Ok((nanos(moment), false)), "{text}");
    }
    let shown = auto("2024-01-02T09:30-05:00[America/New_York]").unwrap().shown;
    assert!(matches!(shown, Shown::Zone(zone) if zone.name() == "America/New_York"));
    for text in
        ["2024-01-02T09:30-05:00[Asia/Tokyo]", "2024-01-02T09:30-05:00[", "2024-01-02T09:30-05:00[New York]"]
    {
        assert_eq!(read(text), Err(Unread::Zone), "{text}");
    }
}

#[test]
fn an_abbreviation_of_the_zone_that_holds_means_its_wall_clock() {
    let new_york = || reader(TimeFormat::Auto, Some("America/New_York"));
    for (text, moment) in [
        ("2024-01-05 09:30 EST", "2024-01-05T14:30:00"),
        ("2024-01-05 09:30 ET", "2024-01-05T14:30:00"),
        ("2024-07-05 09:30 EDT", "2024-07-05T13:30:00"),
        ("2024-11-03 01:30 EDT", "2024-11-03T05:30:00"),
        ("2024-11-03 01:30 EST", "2024-11-03T06:30:00"),
    ] {
        assert_eq!(
            new_york().read(text.as_bytes(), None).map(|stamp| stamp.nanos),
            Ok(nanos(moment)),
            "{text}"
        );
    }
    assert_eq!(new_york().read(b"2024-11-03 01:30 ET", None), Err(Unread::Twice));
    assert_eq!(new_york().read(b"2024-07-05 09:30 EST", None), Err(Unread::Abbreviation));
    assert_eq!(new_york().read(b"2024-01-05 09:30 JST", None), Err(Unread::Zone));
    let bundle: Zone = "Asia/Tokyo".parse().unwrap();
    let mut appended = TimeReader::new(&IngestOptions::default(), Some(&bundle));
    let stamp = appended.read(b"2024-01-05 09:30 JST", None).unwrap();
    assert_eq!((stamp.nanos, stamp.shown), (nanos("2024-01-05T00:30:00"), Shown::WallClock));
    // Nobody stated which zone JST, EDT or CST is of.
    assert_eq!(read("2024-01-05 09:30 EST"), Ok((nanos("2024-01-05T14:30:00"), false)));
    for name in ["JST", "EDT", "CST", "ET", "CEST"] {
        assert_eq!(read(&format!("2024-01-05 09:30 {name}")), Err(Unread::Zone), "{name}");
    }
}
