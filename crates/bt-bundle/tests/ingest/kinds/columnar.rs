//! Parquet, Feather and record batches.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, Time32SecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use bt_bundle::{AssetName, BadRows, Column, FileFormat, Ingest, IngestOptions, Label, list_files};
use bt_core::Frequency;

use super::{Read, batch, parquet, priced, write_parquet, zone};
use crate::Place;

const DAY: i64 = 19_727;
const SECONDS: i64 = DAY * 86_400;
const TWO_MINUTES: [&str; 2] = ["2024-01-05T09:31:00Z", "2024-01-05T09:32:00Z"];
const TWO_DAYS: [&str; 2] = ["2024-01-06", "2024-01-07"];

fn ints(values: [i64; 2]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: [&str; 2]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn floats(values: [f64; 2]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn dates() -> ArrayRef {
    Arc::new(Date32Array::from(vec![DAY as i32, DAY as i32 + 1]))
}

#[test]
fn every_type_of_a_column_of_times_is_read() {
    let (minute, other) = (SECONDS + 34_200, SECONDS + 34_260);
    let scaled = |factor: i64| [minute * factor, other * factor];
    let columns: Vec<(ArrayRef, [&str; 2])> = vec![
        (dates(), TWO_DAYS),
        (texts(["2024-01-05", "2024-01-06"]), TWO_DAYS),
        (texts(["05-Jan-24", "06-Jan-24"]), TWO_DAYS),
        (ints([20_240_105, 20_240_106]), TWO_DAYS),
        (texts(["20240105 093000", "20240105 093100"]), TWO_MINUTES),
        (texts(["2024-01-05T04:30-05:00", "2024-01-05T04:31-05:00"]), TWO_MINUTES),
        (ints(scaled(1)), TWO_MINUTES),
        (ints(scaled(1000)), TWO_MINUTES),
        (ints(scaled(1_000_000_000)), TWO_MINUTES),
        (floats([minute as f64, other as f64]), TWO_MINUTES),
        (floats([minute as f64 * 1e3, other as f64 * 1e3]), TWO_MINUTES),
        (Arc::new(TimestampMillisecondArray::from(scaled(1000).to_vec())), TWO_MINUTES),
        (
            Arc::new(TimestampMicrosecondArray::from(scaled(1_000_000).to_vec()).with_timezone("UTC")),
            TWO_MINUTES,
        ),
    ];
    for (column, known) in columns {
        let kind = column.data_type().clone();
        let read = parquet(&priced(vec![("date", column)]), IngestOptions::default());
        let read = read.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(read.known(), known, "{kind}");
        assert_eq!(
            read.closes().iter().map(|close| &close[close.len() - 1..]).collect::<Vec<_>>(),
            ["1", "2"]
        );
    }
}

#[test]
fn a_date_and_a_time_of_day_in_two_columns_are_joined_whatever_their_types() {
    let nanos = |seconds: i64| seconds * 1_000_000_000;
    let clocks: Vec<ArrayRef> = vec![
        Arc::new(Time64NanosecondArray::from(vec![nanos(34_200), nanos(34_260)])),
        texts(["09:30", "09:31"]),
        texts(["093000", "093100"]),
        texts(["9:30 AM", "9:31 AM"]),
        ints([93_000, 93_100]),
        ints([930, 931]),
    ];
    for clock in clocks {
        for date in [dates(), texts(["2024-01-05", "2024-01-05"]), ints([20_240_105, 20_240_105])] {
            let date = match date.data_type() {
                arrow_schema::DataType::Date32 => Arc::new(Date32Array::from(vec![DAY as i32; 2])),
                _ => date,
            };
            let kinds = format!("{} and {}", date.data_type(), clock.data_type());
            let batch = priced(vec![("Date", date), ("Time", Arc::clone(&clock))]);
            let read = parquet(&batch, IngestOptions::default());
            let read = read.unwrap_or_else(|error| panic!("{kinds}: {error}"));
            assert_eq!(read.known(), TWO_MINUTES, "{kinds}");
        }
    }
}

/// A date and a time of day in columns that are stated.
fn date_and_clock() -> IngestOptions {
    let columns = vec![("Date".to_owned(), Column::Timestamp), ("Clock".to_owned(), Column::Time)];
    IngestOptions { columns, frequency: Some(Frequency::Minutes(1)), ..zone("America/New_York") }
}

#[test]
fn a_time_of_day_outside_its_day_is_a_bad_row_and_never_another_day() {
    let day = || texts(["2024-01-05", "2024-01-05"]);
    let seconds = |values: [i32; 2]| -> ArrayRef { Arc::new(Time32SecondArray::from(values.to_vec())) };
    let nanos = |values: [i64; 2]| -> ArrayRef { Arc::new(Time64NanosecondArray::from(values.to_vec())) };
    for (clock, told) in [
        (seconds([34_200, 90_000]), "90000 s"),
        (seconds([34_200, 86_400]), "86400 s"),
        (seconds([34_200, -1]), "-1 s"),
        (nanos([34_200_000_000_000, i64::MAX]), "9223372036.854776 s"),
        (nanos([34_200_000_000_000, i64::MIN]), "-9223372036.854776 s"),
    ] {
        for date in [day(), Arc::new(Date32Array::from(vec![DAY as i32; 2]))] {
            let rows = priced(vec![("Date", date), ("Clock", Arc::clone(&clock))]);
            let error = parquet(&rows, date_and_clock()).unwrap_err();
            let says = format!("row 2, column \"Date\": \"2024-01-05 {told}\" is no day or time");
            assert!(error.contains(&says), "{error}");
            let skip = IngestOptions { on_bad_row: BadRows::Skip, ..date_and_clock() };
            assert_eq!(parquet(&rows, skip).unwrap().known(), ["2024-01-05T14:31:00Z"]);
        }
    }
}

#[test]
fn a_time_of_day_in_text_is_read_and_told_alike_in_csv_and_parquet() {
    for clock in [
        "09:30",
        "09:30Z",
        "09:30 +01:00",
        "09:30:00 Asia/Tokyo",
        "093000+0100",
        "9:30 AM",
        "0930",
        "",
        "later",
        "25:00",
        "09:30 Nowhere/Land",
    ] {
        let rows = priced(vec![("Date", texts(["2024-01-05"; 2])), ("Clock", texts([clock, "10:30"]))]);
        let csv =
            format!("Date,Clock,open,high,low,close\n2024-01-05,{clock},1,1,1,1\n2024-01-05,10:30,2,2,2,2\n");
        let without_place = |error: String| error.split_once("column").map(|(_, fault)| fault.to_owned());
        let read = |read: Result<Read, String>| read.map(|read| read.bars).map_err(without_place);
        let (csv, parquet) =
            (read(super::csv(csv, date_and_clock())), read(parquet(&rows, date_and_clock())));
        assert_eq!(csv, parquet, "{clock}");
    }
}

#[test]
fn stated_columns_and_an_index_of_text_are_read_by_their_rows() {
    let stated = |name: &str, column| {
        let columns = vec![(name.to_owned(), column)];
        IngestOptions { columns, ..Default::default() }
    };
    let days = parquet(
        &priced(vec![("Tag", texts(["13/01/2024", "14/01/2024"]))]),
        stated("tag", Column::Timestamp),
    );
    assert_eq!(days.unwrap().known(), ["2024-01-14", "2024-01-15"]);
    let counts =
        parquet(&priced(vec![("Tag", ints([20_240_105, 20_240_106]))]), stated("tag", Column::Timestamp));
    assert_eq!(counts.unwrap().known(), TWO_DAYS);
    let index = priced(vec![("__index_level_0__", texts(["2024-01-05", "2024-01-06"]))]);
    assert_eq!(parquet(&index, IngestOptions::default()).unwrap().known(), TWO_DAYS);
    let levels = |one: ArrayRef, other: ArrayRef| {
        let read = priced(vec![("__index_level_0__", one), ("__index_level_1__", other)]);
        parquet(&read, IngestOptions::default()).unwrap().bars
    };
    let (dates_of_two, assets) = (texts(["2024-01-05", "2024-01-05"]), texts(["QZX", "RWV"]));
    let two = ["QZX 2024-01-06 1 1 1 1 NaN", "RWV 2024-01-06 2 2 2 2 NaN"];
    assert_eq!(levels(Arc::clone(&dates_of_two), Arc::clone(&assets)), two);
    assert_eq!(levels(assets, dates_of_two), two);
    let four = priced(vec![("Date", dates()), ("Uhr", ints([930, 1000]))]);
    let clock = IngestOptions { frequency: Some(Frequency::Minutes(1)), ..stated("Uhr", Column::Time) };
    assert_eq!(parquet(&four, clock).unwrap().known(), ["2024-01-05T09:31:00Z", "2024-01-06T10:01:00Z"]);
    let mut comma = vec![("Tag", dates())];
    comma.extend(["Auf", "Hoch", "Tief", "Zu"].map(|name| (name, texts(["1,5", "1.234,5"]))));
    let prices =
        [("Auf", Column::Open), ("Hoch", Column::High), ("Tief", Column::Low), ("Zu", Column::Close)];
    let mut columns = vec![("Tag".to_owned(), Column::Timestamp)];
    columns.extend(prices.map(|(name, column)| (name.to_owned(), column)));
    let read = parquet(&batch(comma), IngestOptions { columns, ..Default::default() }).unwrap();
    assert_eq!(read.closes(), ["2024-01-06 1.5", "2024-01-07 1234.5"]);
}

/// Two columns of text as CSV and as Parquet, whose bars or faults have to be the same.
fn in_both(
    names: [&'static str; 2],
    first: [&str; 2],
    second: [&str; 2],
    options: &IngestOptions,
) -> Result<Read, String> {
    let rows = priced(vec![(names[0], texts(first)), (names[1], texts(second))]);
    let line = |row: usize| {
        let price = row + 1;
        format!("{},{},{price},{price},{price},{price}\n", first[row], second[row])
    };
    let text = format!("{},{},open,high,low,close\n{}{}", names[0], names[1], line(0), line(1));
    let (text, rows) = (super::csv(text, options.clone()), parquet(&rows, options.clone()));
    let fault = |error: &String| {
        error.rsplit("A.csv").next().unwrap_or_default().replace(": ", "").replace("A.parquet", "")
    };
    match (&text, &rows) {
        (Ok(text), Ok(rows)) => assert_eq!(text.bars, rows.bars),
        (Err(text), Err(rows)) => assert_eq!(fault(text), fault(rows)),
        other => panic!("{other:?}"),
    }
    rows
}

#[test]
fn dates_with_the_month_first_and_clocks_with_a_zone_are_told_from_other_columns() {
    let options = IngestOptions { frequency: Some(Frequency::Minutes(1)), ..Default::default() };
    for clock in [["09:30", "09:31"], ["09:30Z", "09:31Z"], ["10:30+01:00", "10:31+01:00"]] {
        let read = in_both(["Date", "Time"], ["01/16/2024", "01/16/2024"], clock, &options).unwrap();
        assert_eq!(read.known(), ["2024-01-16T09:31:00Z", "2024-01-16T09:32:00Z"], "{clock:?}");
    }
}

#[test]
fn columns_of_times_that_differ_are_never_taken_for_one_said_twice() {
    let options = IngestOptions { frequency: Some(Frequency::Minutes(1)), ..Default::default() };
    let [first, other] = [["01/16/2024 09:30", "01/16/2024 09:31"], ["01/17/2024 09:30", "01/17/2024 09:31"]];
    let read = in_both(["date", "timestamp"], first, first, &options).unwrap();
    assert_eq!(read.known(), ["2024-01-16T09:31:00Z", "2024-01-16T09:32:00Z"]);
    let error = in_both(["date", "timestamp"], first, other, &options).unwrap_err();
    assert!(error.contains("columns \"date\" and \"timestamp\" could both be the timestamp"), "{error}");
}

#[test]
fn a_time_without_a_zone_is_read_on_the_clock_of_the_stated_one_and_a_zone_of_the_column_says_its_days() {
    let midnights =
        |offsets: [i64; 2]| [SECONDS + offsets[0], SECONDS + 86_400 + offsets[1]].map(|s| s * 1_000_000_000);
    let column = |offsets: [i64; 2], zone: Option<&str>| -> ArrayRef {
        let column = TimestampNanosecondArray::from(midnights(offsets).to_vec());
        Arc::new(column.with_timezone_opt(zone.map(str::to_owned)))
    };
    let read = |column: ArrayRef, options| parquet(&priced(vec![("timestamp", column)]), options).unwrap();
    let plain = read(column([0, 0], None), zone("Asia/Tokyo"));
    assert_eq!(plain.known(), ["2024-01-05T15:00:00Z", "2024-01-06T15:00:00Z"]);
    let tokyo = read(column([-32_400, -32_400], Some("Asia/Tokyo")), IngestOptions::default());
    assert_eq!(tokyo.known(), ["2024-01-05T15:00:00Z", "2024-01-06T15:00:00Z"]);
    assert_eq!(tokyo.report.conventions.zone, "Asia/Tokyo");
    let stated = IngestOptions { label: Some(Label::Date), ..Default::default() };
    let labelled = read(column([-32_400 + 3600, -32_400 + 3600], Some("Asia/Tokyo")), stated);
    assert_eq!(labelled.known(), tokyo.known());
}

#[test]
fn a_column_of_zeros_is_no_volume_beside_one_of_ticks() {
    let mut columns = vec![("date", dates()), ("tick_volume", ints([10, 20])), ("volume", ints([0, 0]))];
    columns.extend(["open", "high", "low", "close"].map(|name| (name, floats([1.0, 2.0]))));
    let read = parquet(&batch(columns), IngestOptions::default()).unwrap();
    assert_eq!(read.bars, ["A 2024-01-06 1 1 1 1 10", "A 2024-01-07 2 2 2 2 20"]);
}

#[test]
fn numbers_in_text_and_names_of_pandas_are_read() {
    let price = || texts(["$1.5", "1,234.5"]);
    let columns = vec![
        ("__index_level_0__", dates()),
        ("('Open', 'QZX')", price()),
        ("('High', 'QZX')", price()),
        ("('Low', 'QZX')", price()),
        ("('Close', 'QZX')", price()),
        ("('Volume', 'QZX')", texts(["16.43K", "-"])),
    ];
    let read = parquet(&batch(columns), IngestOptions::default()).unwrap();
    assert_eq!(
        read.bars,
        ["QZX 2024-01-06 1.5 1.5 1.5 1.5 16430", "QZX 2024-01-07 1234.5 1234.5 1234.5 1234.5 NaN"]
    );
    let two = batch(vec![("Date", dates()), ("('Close', 'QZX')", price()), ("('Close', 'RWV')", price())]);
    let error = parquet(&two, IngestOptions::default()).unwrap_err();
    assert!(error.contains("it is a wide table") && error.contains("(\"QZX\", \"RWV\")"), "{error}");
}

#[test]
fn a_file_of_one_asset_has_its_name_or_the_one_that_is_stated() {
    let place = Place::new();
    let path = place.path("HLM.parquet");
    write_parquet(&path, &priced(vec![("date", dates())]));
    let read = |asset| {
        Read::of(&place, Ingest::new(IngestOptions::default()).file(&path, FileFormat::Parquet, asset))
    };
    assert!(read(AssetName::ByFile).unwrap().bars[0].starts_with("HLM "));
    assert!(read(AssetName::Stated("MLH".into())).unwrap().bars[0].starts_with("MLH "));
    assert!(read(AssetName::InColumn).unwrap_err().contains("no column looks like an asset"));
    // A column of assets that says the same in every row is no contradiction, another one is.
    write_parquet(&path, &priced(vec![("date", dates()), ("symbol", texts(["X", "X"]))]));
    assert!(read(AssetName::Stated("MLH".into())).unwrap().bars[1].starts_with("MLH "));
    write_parquet(&path, &priced(vec![("date", dates()), ("symbol", texts(["X", "Y"]))]));
    let error = read(AssetName::Stated("MLH".into())).unwrap_err();
    assert!(error.contains("column \"symbol\": \"Y\" is another asset than \"X\""), "{error}");
}

#[test]
fn feather_is_read_compressed_or_not() {
    for compression in [None, Some(CompressionType::LZ4_FRAME)] {
        let place = Place::new();
        let batch = priced(vec![("symbol", texts(["QZX", "RWV"])), ("date", dates())]);
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let file = std::fs::File::create(place.path("many.feather")).unwrap();
        let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let path = place.path("many.feather");
        let ingest =
            Ingest::new(IngestOptions::default()).file(path, FileFormat::ArrowIpc, AssetName::ByFile);
        let read = Read::of(&place, ingest).unwrap();
        assert_eq!(read.bars, ["QZX 2024-01-06 1 1 1 1 NaN", "RWV 2024-01-07 2 2 2 2 NaN"]);
    }
}

#[test]
fn folders_that_are_parts_of_a_table_say_the_asset() {
    let place = Place::new();
    for (folder, year) in [("symbol=QZX/year=2024", 0), ("symbol=BRK%2FB", 1)] {
        std::fs::create_dir_all(place.path(&format!("table/{folder}"))).unwrap();
        let day: ArrayRef = Arc::new(Date32Array::from(vec![DAY as i32 + year]));
        write_parquet(&place.path(&format!("table/{folder}/part.parquet")), &priced(vec![("date", day)]));
    }
    let listing = list_files(&place.path("table"), false).unwrap();
    let read = Read::of(&place, Ingest::new(IngestOptions::default()).listing(listing)).unwrap();
    assert_eq!(read.bars, ["BRK/B 2024-01-07 1 1 1 1 NaN", "QZX 2024-01-06 1 1 1 1 NaN"]);
}

#[test]
fn batches_take_the_same_forms_as_files() {
    let batch = priced(vec![("symbol", texts(["A", "A"])), ("date", texts(["30-Dec-10", "31-Dec-10"]))]);
    let place = Place::new();
    let read = Read::of(&place, Ingest::new(IngestOptions::default()).batches([batch])).unwrap();
    assert_eq!(read.known(), ["2010-12-31", "2011-01-01"]);
}

#[test]
fn of_several_assets_in_a_file_of_one_the_first_is_told_as_the_first_in_every_run() {
    let name = |row: usize| ["X", "Y", "Z"][row / 100_000];
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..300_000).map(name)));
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values(0..300_000));
    let rows = priced(vec![("date", days), ("symbol", names)]);
    let place = Place::new();
    write_parquet(&place.path("A.parquet"), &rows);
    for _ in 0..10 {
        let file = Ingest::new(IngestOptions::default());
        let file = file.file(place.path("A.parquet"), FileFormat::Parquet, AssetName::Stated("A".into()));
        let error = Read::of(&place, file).unwrap_err();
        assert!(error.contains("\"Y\" is another asset than \"X\""), "{error}");
    }
}

#[test]
fn a_reading_that_clocks_skip_is_told_with_the_zone_that_the_row_names() {
    let stamps = texts(["2024-03-10 02:30:00 America/New_York", "2024-03-10 02:31:00 America/New_York"]);
    let error = parquet(&priced(vec![("date", stamps)]), zone("Asia/Tokyo")).unwrap_err();
    assert!(error.contains("does not exist in America/New_York, where"), "{error}");
}

#[test]
fn another_zone_is_told_at_the_row_that_names_it() {
    let rows = |stamps| priced(vec![("symbol", texts(["A", "A"])), ("date", texts(stamps))]);
    let first = rows(["2024-01-05 09:30 America/New_York", "2024-01-05 09:31 America/New_York"]);
    let second = rows(["2024-01-05 14:32", "2024-01-05 23:33 Asia/Tokyo"]);
    let place = Place::new();
    let error = Read::of(&place, Ingest::new(IngestOptions::default()).batches([first, second])).unwrap_err();
    assert!(error.starts_with("record batches, row 4: its times are in Asia/Tokyo"), "{error}");
}

/// The table of a zone takes longer to make than a thousand rows take to read.
#[test]
fn rows_of_two_zones_in_turn_are_read_as_fast_as_those_of_one() {
    let zones = ["America/New_York", "Asia/Tokyo"];
    let first: bt_core::Timestamp = "2024-01-05T09:30:00".parse().unwrap();
    let stamp =
        |row: usize| format!("{} {}", first.plus_seconds(row as i64 * 60), zones[row % 2]).replace('Z', "");
    let stamps: ArrayRef = Arc::new(StringArray::from_iter_values((0..60_000).map(stamp)));
    let options = IngestOptions { frequency: Some(Frequency::Minutes(1)), ..zone("UTC") };
    assert_eq!(parquet(&priced(vec![("date", stamps)]), options).unwrap().report.bars, 60_000);
}

/// A header may have a name of a megabyte, and an error is a line on a terminal.
#[test]
fn an_error_cites_the_beginning_of_a_long_name() {
    let long = |name: &str| format!("{name}{}", "!".repeat(1 << 20));
    let (close, stamp) = (long("close"), long("date"));
    let day = || texts(["2024-01-05", "2024-01-06"]);
    let prices = || ["open", "high", "low"].map(|name| (name, floats([1.0, 2.0])));
    let rows = |columns: Vec<(&str, ArrayRef)>| batch([columns, prices().to_vec()].concat());
    let flag: ArrayRef = Arc::new(arrow_array::BooleanArray::from(vec![true, false]));
    let zoned = TimestampNanosecondArray::from(vec![0, 1]).with_timezone(long("Nowhere"));
    let wide = [long("('close', 'A"), long("('close', 'B")].map(|name| format!("{name}')"));
    let all = [
        rows(vec![("date", day()), ("close", floats([1.0, 2.0])), (&close, floats([1.0, 2.0]))]),
        rows(vec![("date", day()), (&close, texts(["1", "x"]))]),
        rows(vec![(&stamp, texts(["never", "never"])), (&close, floats([1.0, 2.0]))]),
        rows(vec![(&stamp, flag), (&close, floats([1.0, 2.0]))]),
        rows(vec![("date", Arc::new(zoned)), (&close, floats([1.0, 2.0]))]),
        rows(vec![("date", day()), (&long("settled"), floats([1.0, 2.0]))]),
        rows(vec![("date", day()), (&wide[0], floats([1.0, 2.0])), (&wide[1], floats([1.0, 2.0]))]),
        rows(vec![("date", day()), ("close", floats([1.0, 2.0])), (&long("symbol"), texts(["X", "Y"]))]),
    ];
    for rows in all {
        let place = Place::new();
        write_parquet(&place.path("A.parquet"), &rows);
        let file = Ingest::new(IngestOptions::default());
        let file = file.file(place.path("A.parquet"), FileFormat::Parquet, AssetName::Stated("A".into()));
        let error = Read::of(&place, file).unwrap_err();
        assert!(error.len() < 2000, "{} bytes: {}", error.len(), &error[..500]);
        assert!(error.contains('…') || error.contains("another asset"), "{error}");
    }
    let named = |close: &str| {
        let columns = vec![("symbol", day()), ("date", day()), (close, floats([1.0, 2.0]))];
        batch([columns, prices().to_vec()].concat())
    };
    let place = Place::new();
    let changed = Ingest::new(IngestOptions::default()).batches([named(&close), named("last")]);
    let error = Read::of(&place, changed).unwrap_err();
    assert!(error.contains("the columns are no longer") && error.len() < 2000, "{} bytes", error.len());
    let text = format!("date,open,high,low,close,{close}\n2024-01-05,1,1,1,1,1\n");
    let error = super::csv(text, IngestOptions::default()).unwrap_err();
    assert!(error.contains("could both be the close") && error.len() < 2000, "{} bytes", error.len());
}
