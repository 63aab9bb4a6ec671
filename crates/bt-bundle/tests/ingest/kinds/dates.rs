//! Dates and times, however they are written.

use bt_bundle::{Column, DateOrder, EpochUnit, IngestOptions, Note, TimeFormat};

use super::{csv, folder, stamped, zone};
use crate::daily;

fn format(format: TimeFormat) -> IngestOptions {
    IngestOptions { time_format: format, ..Default::default() }
}

fn pattern(pattern: &str) -> IngestOptions {
    format(TimeFormat::Pattern(pattern.into()))
}

const AUTO: fn() -> IngestOptions = IngestOptions::default;

#[test]
fn every_form_of_a_date_is_that_day() {
    let forms = [
        ["2010-12-30", "2010-12-31"],
        ["2010.12.30", "2010.12.31"],
        ["2010/12/30", "2010/12/31"],
        ["20101230", "20101231"],
        ["20101230.0", "20101231.0"],
        ["30-Dec-10", "31-Dec-10"],
        ["30-DEC-2010", "31-DEC-2010"],
        ["30 december 2010", "31 december 2010"],
        ["2010-Dec-30", "2010-Dec-31"],
        ["Dec 30, 2010", "Dec 31, 2010"],
        ["Dec. 30, 2010", "Dec. 31, 2010"],
        ["DECEMBER 30 2010", "DECEMBER 31 2010"],
        ["Thursday, December 30 2010", "Friday, December 31 2010"],
        ["Thu, 30 Dec 2010", "Fri, 31 Dec 2010"],
        ["30DEC2010", "31DEC2010"],
        ["30Dec10", "31Dec10"],
        ["2010年12月30日", "2010年12月31日"],
        ["12/30/2010", "12/31/2010"],
        ["30.12.2010", "31.12.2010"],
        ["30/12/10", "31/12/10"],
        ["2010-12-30 00:00:00", "2010-12-31 00:00:00"],
        ["2010-12-30T00:00:00Z", "2010-12-31T00:00:00Z"],
        ["Dec 30, 2010 12:00 AM", "Dec 31, 2010 12:00 AM"],
        ["1293667200", "1293753600"],
        ["1293667200000", "1293753600000"],
        ["1293667200.0", "1293753600.0"],
        ["1.2936672e9", "1.2937536E+09"],
    ];
    for stamps in forms {
        let read = stamped(&stamps, AUTO()).unwrap_or_else(|error| panic!("{stamps:?}: {error}"));
        assert_eq!(read.closes(), ["2010-12-31 1", "2011-01-01 2"], "{stamps:?}");
        assert_eq!(read.report.frequency.to_string(), "1d", "{stamps:?}");
    }
    for (stamps, options) in [
        (["40542", "40543"], format(TimeFormat::Excel)),
        (["30|12|10", "31|12|10"], pattern("%d|%m|%y")),
        (["12/30/10", "12/31/10"], format(TimeFormat::MonthFirst)),
        (["30-12-2010", "31-12-2010"], format(TimeFormat::DayFirst)),
        (["14973.0", "14974.0"], AUTO()),
    ] {
        let read = stamped(&stamps, options);
        match stamps[0] {
            "14973.0" => {
                assert!(read.unwrap_err().contains("14973.0 is a number, and nothing says what it counts"))
            }
            _ => assert_eq!(read.unwrap().closes(), ["2010-12-31 1", "2011-01-01 2"], "{stamps:?}"),
        }
    }
}

#[test]
fn every_form_of_a_time_is_that_minute() {
    let forms = [
        ["2011-01-13 09:01", "2011-01-13 09:02"],
        ["2011-01-13T09:01:00.000Z", "2011-01-13T09:02:00.000Z"],
        ["2011.01.13 09:01:00", "2011.01.13 09:02:00"],
        ["20110113 090100", "20110113 090200"],
        ["20110113 0901", "20110113 0902"],
        ["20110113 09:01:00", "20110113 09:02:00"],
        ["20110113090100", "20110113090200"],
        ["13JAN2011:09:01:00", "13JAN2011:09:02:00"],
        [
            "Thu Jan 13 2011 04:01:00 GMT-0500 (Eastern Standard Time)",
            "Thu Jan 13 2011 04:02:00 GMT-0500 (Eastern Standard Time)",
        ],
        ["2011-01-13T04:01-05:00[America/New_York]", "2011-01-13T04:02-05:00[America/New_York]"],
        ["2011-01-13T09:01Z[UTC]", "2011-01-13T09:02Z[UTC]"],
        ["201101130901", "201101130902"],
        ["Jan 13, 2011 9:01 AM", "Jan 13, 2011 9:02 AM"],
        ["13-JAN-11 09:01:00 am", "13-JAN-11 09:02:00 am"],
        ["1/13/2011 9:01", "1/13/2011 9:02"],
        ["13.01.2011 16:01:00.000 GMT+0700", "13.01.2011 16:02:00.000 GMT+0700"],
        ["2011-01-13 02:31:00-06:30", "2011-01-13 02:32:00-06:30"],
        ["20110113 04:01:00 US/Eastern", "20110113 04:02:00 US/Eastern"],
        ["2011-01-13 18:01 Asia/Tokyo", "2011-01-13 18:02 Asia/Tokyo"],
        ["2011-01-13 09:01 UTC", "2011-01-13 09:02 UTC"],
        ["1294909260", "1294909320"],
        ["1294909260.0", "1294909320.0"],
        ["1.29490926e9", "1.29490932e+09"],
        ["1294909260000", "1294909320000"],
        ["1294909260000000", "1294909320000000"],
        ["1294909260000000000", "1294909320000000000"],
    ];
    for stamps in forms {
        let read = stamped(&stamps, AUTO()).unwrap_or_else(|error| panic!("{stamps:?}: {error}"));
        assert_eq!(read.closes(), ["2011-01-13T09:02:00Z 1", "2011-01-13T09:03:00Z 2"], "{stamps:?}");
    }
    for (stamps, options) in [
        (["13/01/11 09h01", "13/01/11 09h02"], pattern("%d/%m/%y %Hh%M")),
        (["13/01/11 09:01 +0000", "13/01/11 09:02 +0000"], pattern("%d/%m/%y %H:%M %z")),
        (["1294909260", "1294909320"], format(TimeFormat::Epoch(EpochUnit::Seconds))),
        (["40556.37569444", "40556.37638889"], format(TimeFormat::Excel)),
    ] {
        let read = stamped(&stamps, options).unwrap_or_else(|error| panic!("{stamps:?}: {error}"));
        let known: Vec<_> = read.known().into_iter().map(|known| &known[..16]).collect();
        assert_eq!(known, ["2011-01-13T09:02", "2011-01-13T09:03"], "{stamps:?}");
    }
}

#[test]
fn the_last_minute_of_a_day_may_be_stamped_with_its_end() {
    let options = || IngestOptions { label: Some(bt_bundle::Label::End), ..zone("America/New_York") };
    for stamps in [
        ["2024-01-05 23:59", "2024-01-05 24:00", "2024-01-06 00:01"],
        ["01/13/2024 23:59:00", "01/13/2024 24:00:00", "01/14/2024 00:01:00"],
    ] {
        let read = stamped(&stamps, options()).unwrap();
        let times: Vec<_> = read.known().iter().map(|known| known[11..16].to_owned()).collect();
        assert_eq!(times, ["04:59", "05:00", "05:01"], "{stamps:?}");
    }
    let error = stamped(&["20240105 2359", "20240105 2400"], options()).unwrap_err();
    assert!(error.contains("is no day or time of the calendar"), "{error}");
}

#[test]
fn abbreviations_of_the_stated_zone_mean_its_wall_clock() {
    let stamps = ["2024-07-05 09:31 EDT", "2024-07-05 09:32 ET"];
    let read = stamped(&stamps, zone("America/New_York")).unwrap();
    assert_eq!(read.closes(), ["2024-07-05T13:32:00Z 1", "2024-07-05T13:33:00Z 2"]);
    // Either clocks that are never set, or the wall clock under a name that is never changed.
    let summer = ["2024-07-05 09:30 EST", "2024-07-05 09:31 EST"];
    let error = stamped(&summer, zone("America/New_York")).unwrap_err();
    assert!(
        error.contains("says EST, and the clocks of America/New_York are not at EST on that day"),
        "{error}"
    );
    assert_eq!(stamped(&summer, zone("-05:00")).unwrap().known()[0], "2024-07-05T14:31:00Z");
    let time_format = TimeFormat::Pattern("%Y-%m-%d %H:%M EST".into());
    let options = IngestOptions { time_format, ..zone("America/New_York") };
    assert_eq!(stamped(&summer, options).unwrap().known()[0], "2024-07-05T13:31:00Z");
    // The hour that happens twice.
    let stamps = ["2024-11-03 01:59 EDT", "2024-11-03 01:00 EST", "2024-11-03 01:01 EST"];
    let read = stamped(&stamps, zone("America/New_York")).unwrap();
    assert_eq!(read.known(), ["2024-11-03T06:00:00Z", "2024-11-03T06:01:00Z", "2024-11-03T06:02:00Z"]);
    for name in ["EDT", "ET", "CEST", "BST", "JST", "KST", "HKT", "AEST", "IST", "CST"] {
        let error = stamped(&[&format!("2024-07-05 09:30 {name}")], AUTO()).unwrap_err();
        assert!(error.contains("state the zone that is meant (`IngestOptions::zone`)"), "{error}");
    }
}

#[test]
fn digits_that_could_be_a_date_or_a_count_are_what_most_rows_of_the_source_are() {
    let known = |stamps: &[&str]| {
        stamped(stamps, AUTO()).map(|read| read.known().into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    // Milliseconds of 1976, the first of which are the digits of a minute in 1967.
    let counts = known(&["196712220000", "196732500000", "196732560000"]).unwrap();
    assert!(counts.iter().all(|moment| moment.starts_with("1976-03-2")), "{counts:?}");
    // A minute that no day has is no count.
    let dates = ["202402280930", "202402300930", "202402290930"];
    let error = known(&dates).unwrap_err();
    assert!(error.contains("\"202402300930\" is no day or time of the calendar"), "{error}");
    for stamps in [["2024010509", "2024010510"], ["20240105090000000", "20240105100000000"]] {
        assert_eq!(known(&stamps).unwrap(), ["2024-01-05T10:00:00Z", "2024-01-05T11:00:00Z"], "{stamps:?}");
    }
    // Seconds of 2030 and later, of which a single one could be a date and an hour.
    let seconds = known(&["2024010509", "2024013800", "2024017400"]).unwrap();
    assert!(seconds.iter().all(|moment| moment.starts_with("2034-02-20")), "{seconds:?}");
    let error = known(&["2024010509"]).unwrap_err();
    assert!(error.contains("2024010509 is a number, and nothing says what it counts"), "{error}");
}

#[test]
fn twelve_in_the_morning_is_midnight_and_twelve_in_the_afternoon_is_noon() {
    for (stamps, known) in [
        (["2019-10-16 11-PM", "2019-10-17 12-AM"], ["2019-10-17", "2019-10-17T01:00:00Z"]),
        (["2019-10-16 11:00 PM", "2019-10-17 12:00 AM"], ["2019-10-17", "2019-10-17T01:00:00Z"]),
        (["2019-10-16 11 AM", "2019-10-16 12 PM"], ["2019-10-16T12:00:00Z", "2019-10-16T13:00:00Z"]),
    ] {
        assert_eq!(stamped(&stamps, AUTO()).unwrap().known(), known, "{stamps:?}");
    }
    let none = stamped(&["2019-10-16 13 PM", "2019-10-16 0 AM"], AUTO()).unwrap_err();
    assert!(none.contains("\"2019-10-16 13 PM\" is not a date or time"), "{none}");
}

#[test]
fn years_of_two_digits_are_those_from_1969_on() {
    for (year, known) in
        [("69", "1969-01-06"), ("99", "1999-01-06"), ("00", "2000-01-06"), ("68", "2068-01-06")]
    {
        let stamp = format!("05-Jan-{year}");
        assert_eq!(stamped(&[&stamp], AUTO()).unwrap().known(), [known], "{stamp}");
    }
}

#[test]
fn dates_whose_day_could_be_their_month_are_refused_with_both_readings_and_read_once_it_is_stated() {
    let stamps = ["07/01/2020", "08/01/2020", "09/01/2020"];
    let error = stamped(&stamps, AUTO()).unwrap_err();
    assert!(
        error.starts_with(
            "A.csv, line 2, column \"Date\": \"07/01/2020\" is 2020-01-07 with the day first and 2020-07-01 with the \
             month first"
        ),
        "{error}"
    );
    let days = stamped(&stamps, format(TimeFormat::DayFirst)).unwrap();
    assert_eq!(days.known(), ["2020-01-08", "2020-01-09", "2020-01-10"]);
    let months = stamped(&stamps[..1], format(TimeFormat::MonthFirst)).unwrap();
    assert_eq!(months.known(), ["2020-07-02"]);
}

#[test]
fn a_date_that_is_the_same_in_either_order_needs_no_other() {
    assert_eq!(stamped(&["05/05/2024"], AUTO()).unwrap().known(), ["2024-05-06"]);
}

#[test]
fn times_of_a_column_that_says_utc_are_in_utc_whatever_zone_is_stated() {
    let read = |column: &str, options| {
        let rows = "16.01.2024 01:00:00.000,1,1,1,1\n16.01.2024 02:00:00.000,1,1,1,1\n";
        csv(format!("{column},Open,High,Low,Close\n{rows}"), options).map(|read| read.known()[0].to_owned())
    };
    let tokyo = || super::zone("Asia/Tokyo");
    assert_eq!(read("Gmt time", tokyo()).unwrap(), "2024-01-16T02:00:00Z");
    assert_eq!(read("Local time", tokyo()).unwrap(), "2024-01-15T17:00:00Z");
    let stated = |name: &str| IngestOptions { columns: vec![(name.into(), Column::Timestamp)], ..tokyo() };
    for name in ["Time (UTC)", "datetime_utc", "Date (UTC)"] {
        assert_eq!(read(name, tokyo()).unwrap(), "2024-01-16T02:00:00Z", "{name}");
    }
    assert_eq!(read("Kerze (UTC)", stated("Kerze (UTC)")).unwrap(), "2024-01-16T02:00:00Z");
    assert_eq!(read("Datetime (GMT+1)", tokyo()).unwrap(), "2024-01-16T01:00:00Z");
}

#[test]
fn hours_alone_are_times_of_day() {
    let rows: String = (9..17).map(|hour| format!("2024-01-05,{hour},1,1,1,1\n")).collect();
    let read = csv(format!("date,time,open,high,low,close\n{rows}"), AUTO()).unwrap();
    assert_eq!(
        (read.report.frequency.to_string().as_str(), read.known()[0]),
        ("60m", "2024-01-05T10:00:00Z")
    );
}

#[test]
fn digits_that_are_hours_or_minutes_after_midnight_are_refused_until_a_day_is_over() {
    let read = |rows: &[(u32, &str)]| {
        let row = |(day, time): &(u32, &str)| format!("2024-01-{day:02},{time},1,1,1,1\n");
        let rows: String = rows.iter().map(row).collect();
        csv(format!("date,time,open,high,low,close\n{rows}"), AUTO()).map(|read| read.known()[1].to_owned())
    };
    for times in [["0", "1", "2"], ["0", "100", "200"]] {
        let error = read(&times.map(|time| (5, time))).unwrap_err();
        assert!(error.contains("nothing says what it counts"), "{error}");
        // Minutes would not begin the next day so soon.
        let over = [(5, times[0]), (5, times[1]), (5, times[2]), (6, times[0]), (6, times[1])];
        assert_eq!(read(&over).unwrap(), "2024-01-05T02:00:00Z");
    }
    assert_eq!(read(&[(5, "00"), (5, "01"), (5, "02")]).unwrap(), "2024-01-05T02:00:00Z");
    assert_eq!(read(&[(5, "0000"), (5, "0001"), (5, "0002")]).unwrap(), "2024-01-05T00:02:00Z");
    assert_eq!(read(&[(5, "0"), (5, "1"), (5, "30"), (5, "31")]).unwrap(), "2024-01-05T00:02:00Z");
}

#[test]
fn a_later_row_decides_whether_the_day_or_the_month_comes_first() {
    let read = |last: [&str; 2]| stamped(&["02/03/2021", "03/03/2021", last[0], last[1]], daily()).unwrap();
    assert_eq!(read(["15/03/2021", "16/03/2021"]).known()[0], "2021-03-03");
    assert_eq!(read(["02/15/2021", "02/16/2021"]).known()[0], "2021-02-04");
    // Beyond the rows that are looked at first.
    let early: String = (0..2000).map(|row| format!("A{row},02/03/2021,1,1,1,1\n")).collect();
    let long = format!("Symbol,Date,Open,High,Low,Close\n{early}Z,15/03/2021,1,1,1,1\n");
    assert!(csv(long, AUTO()).unwrap().bars.iter().take(2000).all(|bar| bar.contains(" 2021-03-03 ")));
    // Which comes first is told once, and a date that contradicts it is named.
    let error = stamped(&["15/03/2021", "03/16/2021"], AUTO()).unwrap_err();
    assert!(error.contains("line 3") && error.contains("\"03/16/2021\" has the month first"), "{error}");
}

#[test]
fn a_later_file_decides_whether_the_day_or_the_month_comes_first() {
    const HEADER: &str = "Date,Open,High,Low,Close\n";
    let (one, other) = (format!("{HEADER}04/05/2021,1,1,1,1\n"), format!("{HEADER}14/05/2021,2,2,2,2\n"));
    let read = folder(&[("A.csv", &one), ("B.csv", &other)], AUTO(), false).unwrap();
    assert_eq!(read.known(), ["2021-05-05", "2021-05-15"]);
    for files in [[("A.csv", &one), ("B.csv", &other)], [("A.csv", &other), ("B.csv", &one)]] {
        let files = files.map(|(name, text)| (name, text.as_str()));
        let notes = folder(&files, AUTO(), false).unwrap().report.notes;
        assert!(matches!(&notes[..], [Note::OrderOfOthers { order: DateOrder::DayFirst, .. }]), "{notes:?}");
    }
    assert_eq!(folder(&[("A.csv", &other)], AUTO(), false).unwrap().report.notes, []);
    let error = folder(&[("A.csv", &one), ("B.csv", &one)], AUTO(), false).unwrap_err();
    assert!(error.contains("A.csv, line 2") && error.contains("no other date tells which"), "{error}");
}

#[test]
fn years_of_two_digits_are_read_first_or_last_as_the_rows_follow_upon_each_other() {
    let right = ["2024-01-31", "2024-02-01", "2024-02-02"];
    for dates in [
        ["24-01-30", "24-01-31", "24-02-01"],
        ["24/01/30", "24/01/31", "24/02/01"],
        ["30.01.24", "31.01.24", "01.02.24"],
        ["01/30/24", "01/31/24", "02/01/24"],
    ] {
        assert_eq!(stamped(&dates, daily()).unwrap().known(), right, "{dates:?}");
    }
    // One bar alone can be of two days.
    let error = stamped(&["24-01-30"], daily()).unwrap_err();
    assert!(error.contains("2030-01-24 with the day first and 2024-01-30 with the year first"), "{error}");
    let stated = IngestOptions { time_format: TimeFormat::YearFirst, ..daily() };
    assert_eq!(stamped(&["24-01-30"], stated).unwrap().known(), ["2024-01-31"]);
}

#[test]
fn a_date_and_a_time_of_day_in_two_columns_are_joined() {
    let read = |date: &str, times: [&str; 2], delimiter: &str| {
        let row = |time: &str| [date, time, "1", "1", "1", "1"].join(delimiter);
        let header = ["<DATE>", "<TIME>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>"].join(delimiter);
        csv(format!("{header}\n{}\n{}\n", row(times[0]), row(times[1])), AUTO())
    };
    for (date, times) in [
        ("2011-01-13", ["09:01", "09:02"]),
        ("2011.01.13", ["09:01:00", "09:02:00"]),
        ("20110113", ["090100", "090200"]),
        ("20110113", ["90100", "90200"]),
        ("13-Jan-2011", ["0901", "0902"]),
        ("2011/1/13", ["901", "902"]),
        ("01/13/2011", ["9:01 AM", "9:02 AM"]),
    ] {
        for delimiter in [",", "\t", ";"] {
            let read =
                read(date, times, delimiter).unwrap_or_else(|error| panic!("{date} {times:?}: {error}"));
            assert_eq!(read.known(), ["2011-01-13T09:02:00Z", "2011-01-13T09:03:00Z"], "{date} {times:?}");
        }
    }
    // A date whose column nobody knows, beside a time of day that says nothing alone.
    for name in ["<DTYYYYMMDD>", "Handelstag"] {
        let text = format!(
            "{name},<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>\n20110113,090100,1,1,1,1\n20110113,090200,1,1,1,1\n"
        );
        assert_eq!(
            csv(text, AUTO()).unwrap().known(),
            ["2011-01-13T09:02:00Z", "2011-01-13T09:03:00Z"],
            "{name}"
        );
    }
    // Nothing but midnights, as daily exports have them.
    let daily =
        csv("Date,Time,Open,High,Low,Close\n20110113,0,1,1,1,1\n20110114,0,1,1,1,1\n", AUTO()).unwrap();
    assert_eq!(daily.known(), ["2011-01-14", "2011-01-15"]);
    let wrong = read("20110113", ["090100", "096100"], ",").unwrap_err();
    assert!(
        wrong.starts_with("A.csv, line 3, column \"<DATE>\": \"20110113 096100\" is no day or time"),
        "{wrong}"
    );
    // The number of the day says it once more, and is no time.
    let twice = "Date,Year,Day,Open,High,Low,Close\n2011-01-13,2011,13,1,1,1,1\n2011-01-14,2011,14,1,1,1,1\n";
    assert_eq!(csv(twice, AUTO()).unwrap().known(), ["2011-01-14", "2011-01-15"]);
    let columns = vec![("Zeit".to_owned(), Column::Time)];
    let stated = csv(
        "Date,Zeit,Open,High,Low,Close\n2011-01-13,09:01,1,1,1,1\n2011-01-13,09:02,1,1,1,1\n",
        IngestOptions { columns, ..Default::default() },
    );
    assert_eq!(stated.unwrap().known()[0], "2011-01-13T09:02:00Z");
}

#[test]
fn a_metatrader_export_is_read_as_it_is() {
    let read = csv(
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n\
         2023.05.17\t13:05:00\t1.07651\t1.0767\t1.07633\t1.07644\t512\t0\t12\r\n\
         2023.05.17\t13:06:00\t1.07644\t1.0768\t1.07644\t1.07671\t498\t0\t11\r\n",
        AUTO(),
    )
    .unwrap();
    assert_eq!(read.bars[0], "A 2023-05-17T13:06:00Z 1.07651 1.0767 1.07633 1.07644 512");
    let columns: Vec<_> =
        read.report.columns.iter().map(|(what, column)| format!("{what}={column}")).collect();
    assert_eq!(columns[1], "timestamp=<DATE> <TIME>");
    assert_eq!(columns[6..], ["volume=<TICKVOL>", "spread=<SPREAD>", "tickvol=<TICKVOL>"]);
}

#[test]
fn times_whose_zone_nobody_knows_or_that_no_form_fits_are_named() {
    for (stamp, told) in [
        ("2024-01-05 09:30 XYZ/Abc", "names the zone \"XYZ/Abc\", which is not known"),
        ("2024-02-30", "is no day or time of the calendar"),
        ("1234567", "1234567 is a number, and nothing says what it counts"),
        ("Jan 5", "\"Jan 5\" is not a date or time"),
        ("2024-01-05 25:00", "\"2024-01-05 25:00\" is not a date or time"),
    ] {
        let error = stamped(&["2024-01-04", stamp], AUTO()).unwrap_err();
        assert!(error.contains(told) && error.contains("line 3, column \"Date\""), "{stamp}: {error}");
    }
    for (lossy, told) in [("%Y-%m-%d %I:%M", "%I with %p"), ("%s%.f", "%s alone")] {
        let error = stamped(&["2024-01-05"], pattern(lossy)).unwrap_err();
        assert!(error.contains("time_format") && error.contains(told), "{lossy}: {error}");
    }
    let error = stamped(&["2024-01-05"], pattern("no pattern")).unwrap_err();
    assert!(error.contains("time_format") && error.contains("a pattern of strptime"), "{error}");
}

#[test]
fn a_moment_goes_before_wall_clocks_that_may_show_it_whatever_zone_is_stated() {
    let text = |clock: [&str; 2]| {
        let [one, other] = clock;
        format!("unix,date,open,high,low,close\n1704378600,{one},1,1,1,1\n1704378660,{other},2,2,2,2\n")
    };
    let known = ["2024-01-04T14:31:00Z", "2024-01-04T14:32:00Z"];
    for options in [AUTO(), zone("America/New_York"), zone("Asia/Tokyo")] {
        for clock in [["2024-01-04 14:30", "2024-01-04 14:31"], ["2024-01-04 09:30", "2024-01-04 09:31"]] {
            let read = csv(text(clock), options.clone()).unwrap();
            assert_eq!(
                (read.known(), &read.report.ignored[..]),
                (known.to_vec(), &["date".to_owned()][..]),
                "{clock:?}"
            );
        }
    }
    let error = csv(text(["2024-02-04 14:30", "2024-02-04 14:31"]), AUTO()).unwrap_err();
    assert!(error.contains("columns \"unix\" and \"date\" could both be the timestamp"), "{error}");
}
