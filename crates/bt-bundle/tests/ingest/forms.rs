//! Any of the forms in which people write dates, times and numbers is read as the value that was written.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use bt_bundle::{Ingest, IngestOptions, NumberFormat, TimeFormat};
use bt_core::{BundleVersion, Frequency};
use proptest::prelude::*;

use crate::Place;

#[path = "forms_oracle.rs"]
mod oracle;

use oracle::{Day, Decimal, Moment};

/// Stamps and closes of bars, in text.
struct Texts {
    stamps: Vec<String>,
    closes: Vec<String>,
}

fn csv(texts: &Texts, options: &IngestOptions) -> Result<BundleVersion, String> {
    let row = |(stamp, close): (&String, &String)| format!("A,\"{stamp}\",,,,\"{close}\"\n");
    let rows: String = texts.stamps.iter().zip(&texts.closes).map(row).collect();
    let place = Place::new();
    let path = place.write("rows.csv", format!("asset,date,open,high,low,close\n{rows}"));
    let report = place.ingest(Ingest::new(options.clone()).csv(path));
    report.map(|report| report.version).map_err(|error| error.to_string())
}

fn batch(stamps: ArrayRef, closes: ArrayRef) -> RecordBatch {
    let rows = stamps.len();
    let assets: ArrayRef = Arc::new(StringArray::from(vec!["A"; rows]));
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![None; rows]));
    let prices = ["open", "high", "low"].map(|name| (name, Arc::clone(&missing)));
    let first = [("asset", assets), ("date", stamps)];
    RecordBatch::try_from_iter(first.into_iter().chain(prices).chain([("close", closes)])).unwrap()
}

fn texts(values: &[String]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn batches(batch: RecordBatch, options: &IngestOptions) -> Result<BundleVersion, String> {
    let report = Place::new().ingest(Ingest::new(options.clone()).batches([batch]));
    report.map(|report| report.version).map_err(|error| error.to_string())
}

fn parquet(batch: &RecordBatch, options: &IngestOptions) -> Result<BundleVersion, String> {
    let place = Place::new();
    let path = place.path("rows.parquet");
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    let report = place.ingest(Ingest::new(options.clone()).parquet(path));
    report.map(|report| report.version).map_err(|error| error.to_string())
}

/// The version of bars whose stamps and closes have types of their own, and need no reading.
fn expected(stamps: ArrayRef, closes: &[Decimal], frequency: Frequency) -> BundleVersion {
    let closes = Float64Array::from_iter_values(closes.iter().map(Decimal::value));
    let options = IngestOptions { frequency: Some(frequency), ..Default::default() };
    batches(batch(stamps, Arc::new(closes)), &options).unwrap()
}

/// Distinct days with a close each; one of them tells the order of day and month.
fn days() -> impl Strategy<Value = (Vec<Day>, Vec<Decimal>)> {
    let day = (1970..2068_i32, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| Day { year, month, day });
    let telling =
        (1970..2068_i32, 1..13_u32, 13..29_u32).prop_map(|(year, month, day)| Day { year, month, day });
    (prop::collection::btree_set(day, 0..8), telling).prop_flat_map(|(mut days, telling)| {
        days.insert(telling);
        let days: Vec<_> = days.into_iter().collect();
        let closes = prop::collection::vec(decimal(), days.len());
        (Just(days).prop_shuffle(), closes)
    })
}

/// A price of up to nine digits before the point and four behind it.
fn decimal() -> impl Strategy<Value = Decimal> {
    (1..1_000_000_000_i64, 0..5_u32).prop_map(|(units, decimals)| Decimal { units, decimals })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn a_date_and_a_number_in_any_form_are_that_day_and_that_value(
        (days, closes) in days(), form in 0..oracle::DATE_FORMS, number in 0..oracle::NUMBER_FORMS,
    ) {
        let days = if oracle::wants_neighbours(form) { Day::in_a_row(&days) } else { days };
        prop_assume!(!oracle::wants_neighbours(form) || days.len() > 1);
        let stamps: ArrayRef = Arc::new(Date32Array::from_iter_values(days.iter().map(Day::since_1970)));
        let version = expected(stamps, &closes, Frequency::Daily);
        let written = Texts {
            stamps: days.iter().map(|day| day.written(form)).collect(),
            closes: closes.iter().map(|close| close.written(number)).collect(),
        };
        let number_format = oracle::separators(number)
            .map(|(decimal, thousands)| NumberFormat { decimal, thousands: Some(thousands) });
        let time_format = match oracle::is_excel(form) {
            true => TimeFormat::Excel,
            false => TimeFormat::Auto,
        };
        let options = IngestOptions { frequency: Some(Frequency::Daily), number_format, time_format, ..Default::default() };
        let told = format!("{:?} {:?}", written.stamps, written.closes);
        prop_assert_eq!(csv(&written, &options), Ok(version), "CSV: {}", told);
        let batch = batch(texts(&written.stamps), texts(&written.closes));
        prop_assert_eq!(parquet(&batch, &options), Ok(version), "Parquet: {}", told);
        prop_assert_eq!(batches(batch, &options), Ok(version), "batches: {}", told);
    }

    #[test]
    fn a_time_in_any_form_is_that_moment(
        seconds in prop::collection::btree_set(100_000_000..3_000_000_000_i64, 1..8),
        form in 0..oracle::TIME_FORMS, offset in -14 * 4..14 * 4_i64,
    ) {
        let moments: Vec<_> = seconds.iter().map(|&seconds| Moment { seconds: seconds / 60 * 60, offset: offset * 15 }).collect();
        prop_assume!(moments.windows(2).all(|pair| pair[0].seconds < pair[1].seconds));
        // Without a day above 12 nothing tells the order, where a form has one.
        prop_assume!(moments.iter().any(|moment| moment.tells_order(form)));
        // Counts most of which are the digits of dates are read as those dates.
        let others = moments.iter().filter(|moment| moment.shows_another_date(form)).count();
        prop_assume!(2 * others <= moments.len());
        let closes = vec![Decimal { units: 15, decimals: 1 }; moments.len()];
        let millis: Vec<_> = moments.iter().map(|moment| moment.seconds * 1000).collect();
        let frequency = Frequency::Minutes(1);
        let options = IngestOptions { frequency: Some(frequency), zone: Some(bt_core::Zone::utc()), ..Default::default() };
        let written = Texts {
            stamps: moments.iter().map(|moment| moment.written(form)).collect(),
            closes: closes.iter().map(|close| close.written(0)).collect(),
        };
        let version = expected(Arc::new(TimestampMillisecondArray::from(millis)), &closes, frequency);
        prop_assert_eq!(csv(&written, &options), Ok(version), "CSV: {:?}", written.stamps);
        let batch = batch(texts(&written.stamps), texts(&written.closes));
        prop_assert_eq!(parquet(&batch, &options), Ok(version), "Parquet: {:?}", written.stamps);
    }
}
