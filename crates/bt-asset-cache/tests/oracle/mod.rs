//! What grouping means, in the plainest words: a map from asset to its bars by moment. And tables in every encoding.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type, UInt64Type};
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int8Array,
    Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampSecondArray, UInt16Array, UInt64Array,
};
use bt_asset_cache::{Label, Table};
use bt_core::{Bundle, BundleVersion};
use proptest::prelude::*;

pub(crate) const DAY: i64 = 86_400;
pub(crate) const CASES: u32 = 1_000;

/// One bar, before anybody decided how to write it down. Values are in cents; `None` is a null.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) asset: u8,
    pub(crate) day: i32,
    pub(crate) cents: [Option<i16>; 5],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Assets {
    Utf8,
    LargeUtf8,
    Utf8View,
    SmallDictionary,
    Dictionary,
    LargeDictionary,
    Int8,
    UInt16,
    Int64,
    SparseUInt64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stamps {
    Nanos,
    Micros,
    Seconds,
    Dates,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Numbers {
    Float64,
    Float32,
    Int32,
    Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sorting {
    ByAsset,
    ByTime,
    None,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    pub(crate) assets: Assets,
    pub(crate) stamps: Stamps,
    pub(crate) numbers: Numbers,
    pub(crate) label: Option<Label>,
}

/// Bars by asset and moment, as bits.
pub(crate) type Naive = BTreeMap<String, BTreeMap<i64, [u64; 5]>>;

pub(crate) fn naive(rows: &[Row], encoding: Encoding) -> Naive {
    let mut naive = Naive::new();
    for row in rows {
        // Every stamp is a date or a midnight, and stands for its day unless it is said to be an end.
        let is_end = encoding.label == Some(Label::End) && encoding.stamps != Stamps::Dates;
        let days = i64::from(row.day) + i64::from(!is_end);
        let asset = naive.entry(name(row.asset, encoding.assets)).or_default();
        asset.insert(days * DAY * 1_000_000_000, row.cents.map(|cents| bits(cents, encoding.numbers)));
    }
    naive
}

pub(crate) fn read(bundle: &dyn Bundle) -> Naive {
    let assets = bundle.assets();
    let bars = |id| {
        let bars = bundle.bars(id).unwrap();
        let row = |row: usize| {
            let values = bars.view().row(row).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            (bars.timestamps()[row].as_nanos(), values.try_into().unwrap())
        };
        (0..bars.len()).map(row).collect()
    };
    assets.ids().map(|id| (assets.name(id).unwrap().to_owned(), bars(id))).collect()
}

fn bits(cents: Option<i16>, numbers: Numbers) -> u64 {
    let Some(cents) = cents else { return f64::NAN.to_bits() };
    let value: f64 = match numbers {
        Numbers::Float64 | Numbers::Decimal => format!("{cents}e-2").parse().unwrap(),
        Numbers::Float32 => f64::from(format!("{cents}e-2").parse::<f32>().unwrap()),
        Numbers::Int32 => f64::from(cents),
    };
    value.to_bits()
}

/// Names of several lengths, whose order is not that of their numbers.
fn name(asset: u8, assets: Assets) -> String {
    match assets {
        Assets::Int8 | Assets::Int64 => (i64::from(asset) - 3).to_string(),
        Assets::UInt16 => (u16::from(asset) * 7).to_string(),
        Assets::SparseUInt64 => sparse(asset).to_string(),
        _ => ["MSFT", "A", "GOOG", "B", "a name of more than twelve bytes", "é", "AA", "BRK.B"]
            [usize::from(asset % 8)]
        .to_owned(),
    }
}

fn sparse(asset: u8) -> u64 {
    u64::from(asset).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The rows as a table, cut into batches of these lengths (and one with the rest).
pub(crate) fn table(rows: &[Row], encoding: Encoding, cuts: &[usize]) -> Table {
    let mut batches = Vec::new();
    let mut rest = rows;
    for &cut in cuts {
        let (batch, after) = rest.split_at(cut.min(rest.len()));
        batches.push(batch_of(batch, encoding));
        rest = after;
    }
    batches.push(batch_of(rest, encoding));
    Table { label: encoding.label, ..Table::new(BundleVersion([7; 32]), batches) }
}

fn batch_of(rows: &[Row], encoding: Encoding) -> RecordBatch {
    let mut columns =
        vec![("asset", assets(rows, encoding.assets)), ("timestamp", stamps(rows, encoding.stamps))];
    for (at, name) in ["open", "high", "low", "close", "volume"].into_iter().enumerate() {
        columns.push((name, numbers(rows.iter().map(|row| row.cents[at]), encoding.numbers)));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

fn assets(rows: &[Row], assets: Assets) -> ArrayRef {
    let names: Vec<String> = rows.iter().map(|row| name(row.asset, assets)).collect();
    let names = names.iter().map(String::as_str);
    let numbers = rows.iter().map(|row| row.asset);
    match assets {
        Assets::Utf8 => Arc::new(names.map(Some).collect::<StringArray>()),
        Assets::LargeUtf8 => Arc::new(names.map(Some).collect::<LargeStringArray>()),
        Assets::Utf8View => Arc::new(names.map(Some).collect::<StringViewArray>()),
        Assets::SmallDictionary => Arc::new(names.collect::<DictionaryArray<Int8Type>>()),
        Assets::Dictionary => Arc::new(names.collect::<DictionaryArray<Int32Type>>()),
        Assets::LargeDictionary => Arc::new(names.collect::<DictionaryArray<UInt64Type>>()),
        Assets::Int8 => Arc::new(numbers.map(|asset| asset as i8 - 3).collect::<Int8Array>()),
        Assets::UInt16 => Arc::new(numbers.map(|asset| u16::from(asset) * 7).collect::<UInt16Array>()),
        Assets::Int64 => Arc::new(numbers.map(|asset| i64::from(asset) - 3).collect::<Int64Array>()),
        Assets::SparseUInt64 => Arc::new(numbers.map(sparse).collect::<UInt64Array>()),
    }
}

fn stamps(rows: &[Row], stamps: Stamps) -> ArrayRef {
    let seconds = rows.iter().map(|row| i64::from(row.day) * DAY);
    match stamps {
        Stamps::Nanos => Arc::new(seconds.map(|seconds| seconds * 1_000_000_000).collect::<Int64Array>()),
        Stamps::Micros => {
            let micros =
                seconds.map(|seconds| seconds * 1_000_000).map(Some).collect::<TimestampMicrosecondArray>();
            Arc::new(micros.with_timezone("UTC"))
        }
        Stamps::Seconds => Arc::new(seconds.map(Some).collect::<TimestampSecondArray>()),
        Stamps::Dates => Arc::new(rows.iter().map(|row| Some(row.day)).collect::<Date32Array>()),
    }
}

fn numbers(cents: impl Iterator<Item = Option<i16>>, numbers: Numbers) -> ArrayRef {
    let float = |cents: Option<i16>| cents.map(|cents| f64::from_bits(bits(Some(cents), Numbers::Float64)));
    match numbers {
        Numbers::Float64 => Arc::new(cents.map(float).collect::<Float64Array>()),
        Numbers::Float32 => Arc::new(
            cents
                .map(|cents| cents.map(|cents| format!("{cents}e-2").parse().unwrap()))
                .collect::<Float32Array>(),
        ),
        Numbers::Int32 => Arc::new(cents.map(|cents| cents.map(i32::from)).collect::<Int32Array>()),
        Numbers::Decimal => {
            let units =
                cents.map(|cents| cents.map(|cents| i128::from(cents) * 100)).collect::<Decimal128Array>();
            Arc::new(units.with_precision_and_scale(18, 4).unwrap())
        }
    }
}

/// Rows without twins, in the order asked for.
pub(crate) fn some_rows(max: usize) -> impl Strategy<Value = (Vec<Row>, Sorting)> {
    let cents = prop::array::uniform5(prop::option::weighted(0.9, any::<i16>()));
    let row = (0..8u8, -6..24i32, cents).prop_map(|(asset, day, cents)| Row { asset, day, cents });
    let sorting = prop_oneof![Just(Sorting::ByAsset), Just(Sorting::ByTime), Just(Sorting::None)];
    (prop::collection::vec(row, 0..max), sorting).prop_map(|(mut rows, sorting)| {
        let mut met = std::collections::HashSet::new();
        rows.retain(|row| met.insert((row.asset, row.day)));
        match sorting {
            Sorting::ByAsset => rows.sort_by_key(|row| (row.asset, row.day)),
            Sorting::ByTime => rows.sort_by_key(|row| row.day),
            Sorting::None => (),
        }
        (rows, sorting)
    })
}

pub(crate) fn some_encoding() -> impl Strategy<Value = Encoding> {
    let assets = prop::sample::select(vec![
        Assets::Utf8,
        Assets::LargeUtf8,
        Assets::Utf8View,
        Assets::SmallDictionary,
        Assets::Dictionary,
        Assets::LargeDictionary,
        Assets::Int8,
        Assets::UInt16,
        Assets::Int64,
        Assets::SparseUInt64,
    ]);
    let stamps = prop::sample::select(vec![Stamps::Nanos, Stamps::Micros, Stamps::Seconds, Stamps::Dates]);
    let numbers =
        prop::sample::select(vec![Numbers::Float64, Numbers::Float32, Numbers::Int32, Numbers::Decimal]);
    let end = Some(Label::End);
    let label = prop::sample::select(vec![None, end, end, Some(Label::Start), Some(Label::Date)]);
    (assets, stamps, numbers, label).prop_map(|(assets, stamps, numbers, label)| Encoding {
        assets,
        stamps,
        numbers,
        label,
    })
}

pub(crate) fn some_cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..60usize, 0..5)
}
