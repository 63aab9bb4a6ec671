//! Odd tables: the right answer or an error that names the place and the value, and never a panic.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int8Array, Int32Array,
    Int64Array, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use bt_asset_cache::{FilteredBars, GroupedBars, Label, Table};
use bt_core::{Bundle, BundleVersion, Error, Field};

fn batch(assets: ArrayRef, stamps: ArrayRef, price: ArrayRef) -> RecordBatch {
    let prices = ["open", "high", "low", "close", "volume"].map(|name| (name, Arc::clone(&price)));
    RecordBatch::try_from_iter([("asset", assets), ("timestamp", stamps)].into_iter().chain(prices)).unwrap()
}

fn table(batches: Vec<RecordBatch>) -> Table {
    Table { label: Some(Label::End), ..Table::new(BundleVersion([9; 32]), batches) }
}

fn nanos(count: usize) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(0..count as i64))
}

fn numbers(count: usize) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values((0..count).map(|row| row as f64)))
}

/// Rows of these assets, a nanosecond apart, whose price is the row's number.
fn of_assets(assets: ArrayRef) -> RecordBatch {
    let rows = assets.len();
    batch(assets, nanos(rows), numbers(rows))
}

/// Each asset's closes, the same with and without Layer 1.
fn closes(table: &Table) -> Result<Vec<(String, Vec<f64>)>, Error> {
    let all = |bundle: &dyn Bundle| {
        let closes = |id| Ok::<_, Error>(bundle.bars(id)?.field(Field::CLOSE).to_vec());
        let assets = bundle.assets();
        assets
            .ids()
            .map(|id| Ok((assets.name(id)?.to_owned(), closes(id)?)))
            .collect::<Result<Vec<_>, Error>>()
    };
    let grouped = GroupedBars::from_table(table).and_then(|bars| all(&bars));
    let filtered = FilteredBars::from_table(table.clone()).and_then(|bars| all(&bars));
    assert_eq!(format!("{grouped:?}"), format!("{filtered:?}"), "with and without Layer 1");
    grouped
}

fn refused(batches: Vec<RecordBatch>) -> String {
    closes(&table(batches)).unwrap_err().to_string()
}

fn expected(closes: &[(&str, &[f64])]) -> Vec<(String, Vec<f64>)> {
    closes.iter().map(|(name, closes)| ((*name).to_owned(), closes.to_vec())).collect()
}

#[test]
fn white_space_around_a_name_is_not_part_of_it() {
    let texts = ["AAPL", " AAPL", "IBM\t", "AAPL  ", "\u{a0}IBM"];
    let wanted = expected(&[("AAPL", &[0.0, 1.0, 3.0]), ("IBM", &[2.0, 4.0])]);
    let columns: [ArrayRef; 3] = [
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(StringViewArray::from(texts.to_vec())),
        Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ];
    for column in columns {
        assert_eq!(closes(&table(vec![of_assets(column)])).unwrap(), wanted);
    }
    let blank = refused(vec![of_assets(Arc::new(StringArray::from(vec!["A", " \t"])))]);
    assert_eq!(blank, "batch 1, row 2, column \"asset\": there is no asset");
}

#[test]
fn names_of_any_characters_and_length_are_names() {
    let long = "x".repeat(300);
    let names = ["A", "A\0", "a", "ä", "aaaaaaaaaaaaa", "日本 株", long.as_str(), "../x", "con"];
    let mut wanted: Vec<_> =
        names.iter().zip(0..).map(|(name, row)| ((*name).to_owned(), vec![f64::from(row)])).collect();
    wanted.sort_by(|one, other| one.0.cmp(&other.0));
    let columns: [ArrayRef; 3] = [
        Arc::new(StringArray::from(names.to_vec())),
        Arc::new(StringViewArray::from(names.to_vec())),
        Arc::new(names.into_iter().collect::<DictionaryArray<Int8Type>>()),
    ];
    for column in columns {
        assert_eq!(closes(&table(vec![of_assets(column)])).unwrap(), wanted);
    }
}

/// As numbers they would be one.
#[test]
fn names_that_are_the_same_number_are_different_assets() {
    let texts = of_assets(Arc::new(StringArray::from(vec!["09", "+9", "9", "-0"])));
    let integers =
        batch(Arc::new(Int32Array::from(vec![9, 0])), Arc::new(Int64Array::from(vec![7, 7])), numbers(2));
    let wanted =
        expected(&[("+9", &[1.0]), ("-0", &[3.0]), ("0", &[1.0]), ("09", &[0.0]), ("9", &[2.0, 0.0])]);
    assert_eq!(closes(&table(vec![texts, integers])).unwrap(), wanted);
}

#[test]
fn integers_at_the_ends_of_their_range_are_names() {
    let column = Arc::new(UInt64Array::from(vec![u64::MAX, 0, u64::MAX - 1]));
    let wanted =
        expected(&[("0", &[1.0]), ("18446744073709551614", &[2.0]), ("18446744073709551615", &[0.0])]);
    assert_eq!(closes(&table(vec![of_assets(column)])).unwrap(), wanted);
    let column = Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, -1]));
    let wanted =
        expected(&[("-1", &[2.0]), ("-9223372036854775808", &[0.0]), ("9223372036854775807", &[1.0])]);
    assert_eq!(closes(&table(vec![of_assets(column)])).unwrap(), wanted);
}

#[test]
fn dictionaries_may_repeat_values_and_hold_some_that_nobody_uses() {
    let values =
        || Arc::new(StringArray::from(vec![Some("B"), Some("unused"), Some("A"), Some("B"), None, Some("")]));
    let column = |keys: Vec<Option<i8>>| -> ArrayRef {
        Arc::new(DictionaryArray::<Int8Type>::new(Int8Array::from(keys), values()))
    };
    let assets = column(vec![Some(3), Some(0), Some(2), Some(0)]);
    assert_eq!(
        closes(&table(vec![of_assets(assets)])).unwrap(),
        expected(&[("A", &[2.0]), ("B", &[0.0, 1.0, 3.0])])
    );
    for (key, reason) in
        [(Some(4), "there is no asset"), (None, "there is no asset"), (Some(5), "there is no asset")]
    {
        let bad = refused(vec![of_assets(column(vec![Some(0), key]))]);
        assert_eq!(bad, format!("batch 1, row 2, column \"asset\": {reason}"));
    }
}

#[test]
fn slices_of_batches_are_read_from_where_they_begin() {
    let names = ["x", "B", "A", "B", "A", "x"];
    let columns: [ArrayRef; 4] = [
        Arc::new(StringArray::from(names.to_vec())),
        Arc::new(StringViewArray::from(names.to_vec())),
        Arc::new(names.into_iter().collect::<DictionaryArray<Int32Type>>()),
        Arc::new(StringArray::from(vec![None, Some("B"), Some("A"), Some("B"), Some("A"), None])),
    ];
    for column in columns {
        let whole = of_assets(column);
        let parts = vec![whole.slice(1, 3), whole.slice(2, 0), whole.slice(4, 1)];
        assert_eq!(closes(&table(parts)).unwrap(), expected(&[("A", &[2.0, 4.0]), ("B", &[1.0, 3.0])]));
    }
    let price = Arc::new(Float64Array::from(vec![Some(0.0), None, Some(2.0)]));
    let whole = batch(Arc::new(StringArray::from(vec!["A"; 3])), nanos(3), price);
    let found = closes(&table(vec![whole.slice(1, 2)])).unwrap();
    assert!(found[0].1[0].is_nan() && found[0].1[1] == 2.0);
    let stamps = Arc::new(Int64Array::from(vec![None, Some(1), None]));
    let whole = batch(Arc::new(StringArray::from(vec!["A"; 3])), stamps, numbers(3));
    assert_eq!(closes(&table(vec![whole.slice(1, 1)])).unwrap(), expected(&[("A", &[1.0])]));
    assert_eq!(
        refused(vec![whole.slice(1, 2)]),
        "batch 1, row 2, column \"timestamp\": there is no date or time"
    );
}

#[test]
fn prices_that_are_no_numbers_or_infinite_are_kept_as_they_are() {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE / 2.0, f64::MAX];
    let price = Arc::new(Float64Array::from(values.to_vec()));
    let rows = batch(Arc::new(StringArray::from(vec!["A"; values.len()])), nanos(values.len()), price);
    let found = closes(&table(vec![rows])).unwrap();
    assert!(found[0].1.iter().zip(values).all(|(found, value)| found.to_bits() == value.to_bits()));
}

#[test]
fn batches_may_differ_in_types_in_the_order_of_columns_and_in_columns_that_nobody_reads() {
    let first = of_assets(Arc::new(StringArray::from(vec!["A", "B"])));
    let decimal = Decimal128Array::from(vec![25, 75]).with_precision_and_scale(10, 1).unwrap();
    let second = batch(
        Arc::new(StringViewArray::from(vec!["A", "B"])),
        Arc::new(TimestampSecondArray::from(vec![1, 1])),
        Arc::new(decimal),
    );
    let order: Vec<usize> = (0..second.num_columns()).rev().collect();
    let second = second.project(&order).unwrap();
    let mut columns: Vec<(String, ArrayRef)> = second
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(second.columns().to_vec())
        .collect();
    columns.insert(3, ("note".into(), Arc::new(StringArray::from(vec!["x", "y"]))));
    let second = RecordBatch::try_from_iter(columns).unwrap();
    assert_eq!(
        closes(&table(vec![first.clone(), second.clone()])).unwrap(),
        expected(&[("A", &[0.0, 2.5]), ("B", &[1.0, 7.5])])
    );
    let without = second.project(&[0, 1, 2, 3, 4, 6, 7]).unwrap();
    let missing = refused(vec![first, without]);
    assert!(
        missing.starts_with("batch 2: there is no column \"open\"; the columns are volume, "),
        "{missing}"
    );
}

#[test]
fn a_column_that_is_there_twice_is_refused() {
    let rows = of_assets(Arc::new(StringArray::from(vec!["A"])));
    let twice = rows.project(&[0, 1, 2, 3, 4, 5, 5, 6]).unwrap();
    let error = refused(vec![twice]);
    assert!(
        error.starts_with("batch 1: there is more than one column \"close\"; the columns are asset, "),
        "{error}"
    );
}

#[test]
fn stamps_that_no_moment_can_hold_are_refused_in_every_unit() {
    let least = i64::MIN;
    let cases: [(ArrayRef, &str); 8] = [
        (Arc::new(Int64Array::from(vec![0, least])), "1677-09-21T00:12:43.145224192Z"),
        (Arc::new(TimestampNanosecondArray::from(vec![0, i64::MAX])), "2262-04-11T23:47:16.854775807Z"),
        (Arc::new(TimestampSecondArray::from(vec![0, least])), "-9223372036854775808 units of 1000000000 ns"),
        (Arc::new(TimestampSecondArray::from(vec![0, 9_223_372_037])), "9223372037 units of 1000000000 ns"),
        (
            Arc::new(TimestampMillisecondArray::from(vec![0, i64::MAX])),
            "9223372036854775807 units of 1000000 ns",
        ),
        (Arc::new(TimestampMicrosecondArray::from(vec![0, least])), "-9223372036854775808 units of 1000 ns"),
        (Arc::new(Date32Array::from(vec![0, i32::MAX])), "day 2147483647"),
        (Arc::new(Date32Array::from(vec![0, i32::MIN])), "day -2147483648"),
    ];
    for (stamps, value) in cases {
        let rows = || batch(Arc::new(StringArray::from(vec!["A", "B"])), Arc::clone(&stamps), numbers(2));
        for label in [None, Some(Label::End), Some(Label::Start), Some(Label::Date)] {
            let error = closes(&Table { label, ..table(vec![rows()]) }).unwrap_err().to_string();
            let expected = format!(
                "batch 1, row 2, column \"timestamp\": {value} is not between 1677-09-22 and 2262-04-09"
            );
            assert_eq!(error, expected, "{label:?}");
        }
    }
}

#[test]
fn two_bars_at_one_moment_are_refused_also_where_they_lie_in_two_batches_or_units() {
    let names = || Arc::new(StringArray::from(vec!["A", "B"]));
    let seconds = batch(names(), Arc::new(TimestampSecondArray::from(vec![1, 2])), numbers(2));
    let micros = batch(names(), Arc::new(TimestampMicrosecondArray::from(vec![5, 2_000_000])), numbers(2));
    let error = refused(vec![seconds, micros]);
    assert_eq!(error, "asset \"B\" at 1970-01-01T00:00:02Z: there are two bars of this asset at this moment");
}

#[test]
fn one_row_is_a_bundle_and_so_are_a_hundred_thousand_assets() {
    let one = table(vec![of_assets(Arc::new(StringArray::from(vec!["A"])))]);
    assert_eq!(closes(&one).unwrap(), expected(&[("A", &[0.0])]));
    let assets = if cfg!(miri) { 100 } else { 100_000 };
    let names: Vec<String> = (0..assets).map(|asset| format!("A{asset:06}")).collect();
    let many = table(vec![of_assets(Arc::new(StringArray::from_iter_values(names.iter().rev())))]);
    let grouped = GroupedBars::from_table(&many).unwrap();
    assert!(grouped.assets().names().eq(names.iter().map(String::as_str)));
    let filtered = FilteredBars::from_table(many).unwrap();
    for name in [&names[0], &names[assets / 2], &names[assets - 1]] {
        let close = |bundle: &dyn Bundle| {
            bundle.bars(bundle.assets().id(name).unwrap()).unwrap().field(Field::CLOSE).to_vec()
        };
        assert_eq!(close(&grouped), close(&filtered), "{name}");
    }
}
