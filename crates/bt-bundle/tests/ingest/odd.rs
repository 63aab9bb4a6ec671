//! Files as they come out of spreadsheets, old systems and broken pipes: bars, or an error that says where and why.

use bt_bundle::{BadRows, IngestOptions, NumberFormat};

use crate::{HEADER, Place, csv, daily, name};

const ROW: &str = "IBM,2024-01-05,10,12,9,11,100";

/// What becomes of a file: the version, or the error without the directory.
fn read(content: &[u8], options: IngestOptions) -> Result<bt_core::BundleVersion, String> {
    let place = Place::new();
    let read = place.csv(content, options).map(|report| report.version);
    match &read {
        Ok(version) => assert_eq!(place.store.verify(&name(), None).unwrap().version, *version),
        Err(_) => assert!(!place.is_published()),
    }
    read.map_err(|error| error.to_string().replace(place.directory.path().to_str().unwrap(), ""))
}

fn plain() -> bt_core::BundleVersion {
    read(format!("{HEADER}\n{ROW}\n").as_bytes(), daily()).unwrap()
}

#[test]
fn forms_that_mean_the_same_give_the_same_version() {
    let latin_1 = |text: &str| text.chars().map(|letter| letter as u8).collect::<Vec<_>>();
    for (form, content) in [
        ("exponents", format!("{HEADER}\nIBM,2024-01-05,1e1,1.2E+1,.9e1,110e-1,1e2\n").into_bytes()),
        ("a delimiter at every end", format!("{HEADER},\n{ROW},\n").into()),
        ("a column twice that nobody wants", format!("{HEADER},Note,Note\n{ROW},a,b\n").into()),
        ("a byte order mark before a quote", format!("\u{feff}\"Ticker\"{}\n{ROW}\n", &HEADER[6..]).into()),
        ("line ends of old systems", format!("{HEADER}\r{ROW}\r").into()),
        ("empty lines before the header", format!("\n\r\n{HEADER}\n{ROW}\n").into()),
        ("a comment before the header", format!("# prices\n{HEADER}\n{ROW}\n").into()),
        ("another character set where it does not matter", latin_1(&format!("{HEADER},Noté\n{ROW},café\n"))),
        (
            "a quoted line end where it does not matter",
            format!("{HEADER},Note\n{ROW},\"a\nb\r\nc\"\n").into(),
        ),
        ("a line of 10 MB", format!("{HEADER},Note\n{ROW},\"{}\"\n", "x\n".repeat(5 << 20)).into()),
    ] {
        assert_eq!(read(&content, daily()), Ok(plain()), "{form}");
    }
    let minus_zero = csv(format!("{HEADER}\nIBM,2024-01-05,-0,0,-0.0,0,-0\n"), daily()).unwrap().version;
    assert_eq!(minus_zero, csv(format!("{HEADER}\nIBM,2024-01-05,0,0,0,0,0\n"), daily()).unwrap().version);
    let thousands = NumberFormat { thousands: Some(','), ..Default::default() };
    let grouped = csv(
        format!("{HEADER}\nIBM,2024-01-05,\"1,234.5\",1300,1200,1250,\"1,000\"\n"),
        IngestOptions { number_format: Some(thousands), ..daily() },
    );
    let ungrouped = csv(format!("{HEADER}\nIBM,2024-01-05,1234.5,1300,1200,1250,1000\n"), daily());
    assert_eq!(grouped.unwrap().version, ungrouped.unwrap().version);
}

#[test]
fn files_that_say_nothing_certain_are_refused_with_the_place_and_the_reason() {
    let utf_16 = format!("{HEADER}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, reason) in [
        (b"\xef\xbb\xbf".to_vec(), "/prices.csv: it is empty"),
        (b"\n\n\r\n".to_vec(), "/prices.csv: it is empty"),
        (HEADER.into(), "/prices.csv: there are no rows"),
        (utf_16, "/prices.csv: no column looks like an asset"),
        (b"\x1f\x8b\x08\0\0\0".to_vec(), "/prices.csv: it is compressed with gzip"),
        (format!("# prices\n{ROW}\n").into(), "/prices.csv: no column looks like"),
        (format!("{HEADER}\n{ROW},9\n").into(), "/prices.csv, line 2: 8 fields where the header has 7"),
        (
            format!("{HEADER}\n{ROW}\n{HEADER}\n").into(),
            "/prices.csv, line 3, column \"Open\": \"Open\" is not a number",
        ),
        (
            format!("{HEADER}\n{ROW}\n\"IBM,2024").into(),
            "/prices.csv, line 3: a quote that opens here is not closed where its field ends",
        ),
        (
            HEADER.replace("Volume", "Close").into(),
            "/prices.csv: columns \"Close\" and \"Close\" could both be the close",
        ),
        (
            [HEADER.as_bytes(), b"\nNestl\xe9,2024-01-05,1,1,1,1,1\n"].concat(),
            "/prices.csv, line 2, column \"Ticker\": \"Nestl\u{fffd}\" is not UTF-8",
        ),
        (
            format!("{HEADER}\n{ROW}\nIBM,01/08/2024,1,1,1,1,1\n").into(),
            "/prices.csv, line 3, column \"Date\": \"01/08/2024\" is 2024-08-01 with the day first",
        ),
        (
            format!("{HEADER}\nIBM, \"2024-01-05\",1,1,1,1,1\n").into(),
            "/prices.csv, line 2, column \"Date\": \" \\\"2024-01-05\\\"\" is not a date or time",
        ),
        (
            format!("{HEADER}\nIBM,2024-01-05 10:00 XYZ,1,1,1,1,1\n").into(),
            "/prices.csv, line 2, column \"Date\": \"2024-01-05 10:00 XYZ\" names the zone \"XYZ\", which is not known",
        ),
        (
            format!("{HEADER}\nIBM,2500-01-01,1,1,1,1,1\n").into(),
            "/prices.csv, line 2, column \"Date\": \"2500-01-01\" is no day or time of the calendar",
        ),
        (
            format!("{HEADER}\nIBM,2024-01-05,1,1,1,1,{}\n", "1".repeat(10 << 20)).into(),
            "/prices.csv, line 2, column \"Volume\": 1111",
        ),
    ] {
        let error = read(&content, daily()).unwrap_err();
        assert!(error.starts_with(reason), "got {error}\nwant {reason}");
        assert!(error.len() < 1000, "an error of {} bytes: {error}", error.len());
    }
}

#[test]
fn times_around_a_change_of_the_clocks_are_read_or_refused_by_line() {
    let new_york = IngestOptions { zone: Some("America/New_York".parse().unwrap()), ..Default::default() };
    let file = |stamp: &str| format!("{HEADER}\nIBM,{stamp},1,1,1,1,1\nIBM,2024-12-09 10:00,1,1,1,1,1\n");
    let first = |stamp: &str| {
        let minutes = IngestOptions { frequency: Some("60m".parse().unwrap()), ..new_york.clone() };
        csv(file(stamp), minutes).map(|report| report.first.unwrap().to_string()).map_err(|e| e.to_string())
    };
    assert!(
        first("2024-03-10 02:30")
            .unwrap_err()
            .contains("line 2, column \"Date\": \"2024-03-10 02:30\" does not exist")
    );
    assert!(
        first("2024-11-03 01:30")
            .unwrap_err()
            .contains("line 2, column \"Date\": \"2024-11-03 01:30\" happens twice")
    );
    // An hour later, since a time is the start of its bar unless the options say otherwise.
    assert_eq!(first("2024-03-10 01:59").unwrap(), "2024-03-10T07:59:00Z");
    assert_eq!(first("2024-03-10 03:00").unwrap(), "2024-03-10T08:00:00Z");
    assert_eq!(first("2024-11-03 01:30-04:00").unwrap(), "2024-11-03T06:30:00Z");
    assert_eq!(first("2024-11-03 01:30-05:00").unwrap(), "2024-11-03T07:30:00Z");
    assert_eq!(first("2024-11-03T06:30:00Z").unwrap(), "2024-11-03T07:30:00Z");
    let day = csv(file("2024-03-10").replace(" 10:00", ""), IngestOptions { zone: new_york.zone, ..daily() })
        .unwrap();
    assert_eq!(day.first.unwrap().to_string(), "2024-03-11T04:00:00Z");
}

#[test]
fn dates_in_two_formats_leave_only_those_that_can_be_read_where_bad_rows_are_skipped() {
    let content = format!("{HEADER}\n{ROW}\nIBM,01/08/2024,1,1,1,1,1\n{HEADER}\nIBM,2024-01-09,1,1,1,1,1\n");
    let options = IngestOptions { on_bad_row: BadRows::Skip, ..daily() };
    let report = csv(content, options).unwrap();
    assert_eq!((report.bars, report.rejected.count), (2, 2));
}

#[test]
fn names_of_assets_are_never_paths() {
    let place = Place::new();
    let rows =
        "../../etc/passwd,2024-01-05,1,1,1,1,1\n/tmp/x,2024-01-05,1,1,1,1,1\n..,2024-01-05,1,1,1,1,1\n";
    assert_eq!(place.csv(format!("{HEADER}\n{rows}"), daily()).unwrap().assets, 3);
    let mut left: Vec<_> =
        std::fs::read_dir(place.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["prices.csv", "store"]);
}
