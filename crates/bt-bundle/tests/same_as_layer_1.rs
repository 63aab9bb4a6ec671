//! One decoder: record batches that are ingested and the same batches grouped by Layer 1 are the same bars, or refused
//! for the same reason.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "common/unsynced.rs"]
mod unsynced;

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Date64Array, DictionaryArray, Float64Array, Int8Array,
    Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
    UInt64Array,
};
use bt_asset_cache::{GroupedBars, Table};
use bt_bundle::{EpochUnit, Ingest, IngestOptions, Label, Store, TimeFormat};
use bt_core::{BundleVersion, Error, Frequency};
use proptest::prelude::*;
use unsynced::Unsynced;

/// What is stated about the batches, to both readers.
#[derive(Clone, Copy, Debug)]
struct Stated {
    label: Option<Label>,
    frequency: Frequency,
}

fn ingested(batches: &[RecordBatch], stated: Stated) -> Result<BundleVersion, Error> {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::create(directory.path()).unwrap().with_disk(Arc::new(Unsynced));
    let integers_are_nanoseconds = batches[0].column(1).data_type() == &arrow_schema::DataType::Int64;
    let options = IngestOptions {
        label: stated.label,
        frequency: Some(stated.frequency),
        time_format: match integers_are_nanoseconds {
            true => TimeFormat::Epoch(EpochUnit::Nanos),
            false => TimeFormat::Iso,
        },
        ..Default::default()
    };
    let ingest = Ingest::new(options).batches(batches.to_vec());
    ingest.into_store(&store, &"test".parse().unwrap()).map(|report| report.version)
}

fn grouped(batches: &[RecordBatch], stated: Stated) -> Result<BundleVersion, Error> {
    let Stated { label, frequency } = stated;
    let table = Table { label, frequency, ..Table::new(BundleVersion([1; 32]), batches.to_vec()) };
    GroupedBars::from_table(&table).map(|bars| bars.content_version())
}

fn batch(assets: ArrayRef, stamps: ArrayRef, price: ArrayRef) -> RecordBatch {
    let prices = ["open", "high", "low", "close", "volume"].map(|name| (name, Arc::clone(&price)));
    RecordBatch::try_from_iter([("asset", assets), ("timestamp", stamps)].into_iter().chain(prices)).unwrap()
}

/// The number of an asset and when it is stamped, in minutes.
type Row = (u8, i64);

#[derive(Clone, Copy, Debug)]
enum Assets {
    Utf8,
    LargeUtf8,
    Utf8View,
    Dictionary,
    LargeDictionary,
    Int8,
    Int32,
    Int64,
    UInt64,
}

impl Assets {
    const ALL: [Self; 9] = [
        Self::Utf8,
        Self::LargeUtf8,
        Self::Utf8View,
        Self::Dictionary,
        Self::LargeDictionary,
        Self::Int8,
        Self::Int32,
        Self::Int64,
        Self::UInt64,
    ];

    fn column(self, rows: &[Row]) -> ArrayRef {
        // Some of the texts are the same name.
        const TEXTS: [&str; 8] =
            ["MSFT", " MSFT", "A", "BRK.B ", "BRK.B", "é", "\tA", "more than twelve bytes"];
        let texts = || rows.iter().map(|row| TEXTS[usize::from(row.0 % 8)]);
        let numbers = || rows.iter().map(|row| row.0);
        match self {
            Self::Utf8 => Arc::new(StringArray::from_iter_values(texts())),
            Self::LargeUtf8 => Arc::new(LargeStringArray::from_iter_values(texts())),
            Self::Utf8View => Arc::new(StringViewArray::from_iter_values(texts())),
            Self::Dictionary => Arc::new(texts().collect::<DictionaryArray<Int32Type>>()),
            Self::LargeDictionary => Arc::new(texts().collect::<DictionaryArray<UInt64Type>>()),
            Self::Int8 => Arc::new(Int8Array::from_iter_values(numbers().map(|number| number as i8))),
            Self::Int32 => {
                Arc::new(Int32Array::from_iter_values(numbers().map(|number| i32::from(number) - 3)))
            }
            Self::Int64 => {
                Arc::new(Int64Array::from_iter_values(numbers().map(|number| i64::MIN + i64::from(number))))
            }
            Self::UInt64 => {
                Arc::new(UInt64Array::from_iter_values(numbers().map(|number| u64::MAX - u64::from(number))))
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Stamps {
    Date32,
    Date64,
    Seconds,
    Millis,
    Micros,
    Nanos,
    SecondsUtc,
    NanosInAZone,
    Int64,
}

impl Stamps {
    const ALL: [Self; 9] = [
        Self::Date32,
        Self::Date64,
        Self::Seconds,
        Self::Millis,
        Self::Micros,
        Self::Nanos,
        Self::SecondsUtc,
        Self::NanosInAZone,
        Self::Int64,
    ];

    fn column(self, rows: &[Row]) -> ArrayRef {
        let scaled = |scale: i64| rows.iter().map(|row| row.1 * 60 * scale).collect::<Vec<_>>();
        match self {
            Self::Date32 => {
                Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| (row.1 / 1440) as i32)))
            }
            Self::Date64 => Arc::new(Date64Array::from(scaled(1_000))),
            Self::Seconds => Arc::new(TimestampSecondArray::from(scaled(1))),
            Self::Millis => Arc::new(TimestampMillisecondArray::from(scaled(1_000))),
            Self::Micros => Arc::new(TimestampMicrosecondArray::from(scaled(1_000_000))),
            Self::Nanos => Arc::new(TimestampNanosecondArray::from(scaled(1_000_000_000))),
            Self::SecondsUtc => Arc::new(TimestampSecondArray::from(scaled(1)).with_timezone("UTC")),
            Self::NanosInAZone => Arc::new(
                TimestampNanosecondArray::from(scaled(1_000_000_000)).with_timezone("America/New_York"),
            ),
            Self::Int64 => Arc::new(Int64Array::from(scaled(1_000_000_000))),
        }
    }
}

fn label() -> impl Strategy<Value = Option<Label>> {
    prop::sample::select(vec![None, Some(Label::End), Some(Label::Start), Some(Label::Date)])
}

/// Rows, at midnights or at any minute.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let minutes = (any::<bool>(), prop::collection::vec((0..8_u8, -40_000..40_000_i64), 1..40));
    minutes.prop_map(|(at_midnight, mut rows)| {
        if at_midnight {
            rows.iter_mut().for_each(|row| row.1 = row.1 / 1440 * 1440);
        }
        rows
    })
}

/// Without rows that may lie in one day with an earlier one: an ingest refuses those of one asset, a table takes its bars as they
/// are. Rows of one minute stay, which both refuse.
fn a_day_apart(mut rows: Vec<(u8, i64)>) -> Vec<(u8, i64)> {
    const LONGEST_DAY: u64 = 25 * 60;
    let mut kept = Vec::<i64>::new();
    rows.retain(|&(_, minute)| {
        let is_kept = !kept.iter().any(|at| (1..=LONGEST_DAY).contains(&at.abs_diff(minute)));
        if is_kept {
            kept.push(minute);
        }
        is_kept
    });
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn batches_that_are_ingested_and_grouped_are_the_same_version_or_both_refused(
        rows in rows(), cut in 1..40_usize, label in label(), minutes in prop::option::weighted(0.2, 1..1440_u16),
        assets in prop::sample::select(Assets::ALL.to_vec()), stamps in prop::sample::select(Stamps::ALL.to_vec()),
    ) {
        let stated = Stated { label, frequency: minutes.map_or(Frequency::Daily, Frequency::Minutes) };
        let rows = if stated.frequency == Frequency::Daily { a_day_apart(rows) } else { rows };
        let mut price = 0.0;
        let batches: Vec<_> = rows
            .chunks(cut)
            .map(|rows| {
                // No two rows are alike: an ingest takes a bar once that is there twice, a table refuses it.
                let prices = Float64Array::from_iter_values(rows.iter().map(|_| { price += 1.0; price }));
                batch(assets.column(rows), stamps.column(rows), Arc::new(prices))
            })
            .collect();
        let (ingested, grouped) = (ingested(&batches, stated), grouped(&batches, stated));
        match (&ingested, &grouped) {
            (Ok(ingested), Ok(grouped)) => prop_assert_eq!(ingested, grouped),
            (Err(_), Err(_)) => (),
            _ => prop_assert!(false, "ingested {ingested:?}, grouped {grouped:?}"),
        }
    }
}

const DAILY: Stated = Stated { label: None, frequency: Frequency::Daily };

fn ones(rows: usize) -> ArrayRef {
    Arc::new(Float64Array::from(vec![1.0; rows]))
}

/// Every encoding of assets under every type of time, so that none is left to chance.
#[test]
fn every_pair_of_types_gives_one_version_ingested_and_grouped() {
    let rows: Vec<Row> = (0..6).flat_map(|day| [0, 2, 3, 5].map(|asset| (asset, day * 1440))).collect();
    let price: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows.len()).map(|row| row as f64)));
    for assets in Assets::ALL {
        for stamps in Stamps::ALL {
            let whole = batch(assets.column(&rows), stamps.column(&rows), Arc::clone(&price));
            // Slices of one batch, which do not begin where its columns do.
            let parts = [whole.slice(0, 5), whole.slice(5, 0), whole.slice(5, 19)];
            for label in [None, Some(Label::End)] {
                let stated = Stated { label, ..DAILY };
                let version = ingested(&parts, stated).unwrap();
                assert_eq!(version, grouped(&parts, stated).unwrap(), "{assets:?}, {stamps:?}, {label:?}");
                assert_eq!(version, grouped(std::slice::from_ref(&whole), stated).unwrap());
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_both_for_the_same_column_and_reason() {
    let text = |texts: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(texts)) };
    let good_asset = || text(vec![Some("A"), Some("B")]);
    let good_stamp = || -> ArrayRef { Arc::new(Date32Array::from(vec![0, 0])) };
    let keys = Int8Array::from(vec![0, 1]);
    let null_value =
        DictionaryArray::<Int8Type>::new(keys.clone(), Arc::new(StringArray::from(vec![Some("A"), None])));
    let empty_value = DictionaryArray::<Int8Type>::new(keys, Arc::new(StringArray::from(vec!["A", " "])));
    let bad_assets: Vec<ArrayRef> = vec![
        text(vec![Some("A"), None]),
        text(vec![Some("A"), Some(" ")]),
        Arc::new(null_value),
        Arc::new(empty_value),
        Arc::new(UInt64Array::from(vec![Some(1), None])),
        Arc::new(StringViewArray::from(vec![Some("A"), Some("")])),
        Arc::new(BooleanArray::from(vec![true, false])),
    ];
    let bad_stamps: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(vec![Some(0), None])),
        Arc::new(Date32Array::from(vec![0, i32::MAX])),
        Arc::new(Date32Array::from(vec![0, 106_750])),
        Arc::new(Date64Array::from(vec![0, i64::MAX])),
        Arc::new(TimestampSecondArray::from(vec![0, i64::MAX])),
        Arc::new(TimestampMillisecondArray::from(vec![Some(0), None])),
        Arc::new(TimestampMicrosecondArray::from(vec![0, i64::MIN])),
        Arc::new(TimestampNanosecondArray::from(vec![0, i64::MIN])),
        Arc::new(TimestampNanosecondArray::from(vec![0, i64::MAX]).with_timezone("UTC")),
        Arc::new(BooleanArray::from(vec![true, false])),
    ];
    let bad = bad_assets.into_iter().map(|assets| batch(assets, good_stamp(), ones(2)));
    let bad = bad.chain(bad_stamps.into_iter().map(|stamps| batch(good_asset(), stamps, ones(2))));
    let bad = bad.chain([batch(good_asset(), good_stamp(), Arc::new(BooleanArray::from(vec![true, false])))]);
    for batch in bad {
        let said = |error: Error| {
            let text = error.to_string();
            let (_, reason) = text.split_once("column ").unwrap();
            // What is allowed may differ: an ingest reads texts as times, too.
            reason.split("; allowed").next().unwrap().to_owned()
        };
        let batches = [batch];
        let (ingested, grouped) =
            (ingested(&batches, DAILY).unwrap_err(), grouped(&batches, DAILY).unwrap_err());
        assert_eq!(said(ingested), said(grouped), "{:?}", batches[0]);
    }
}
