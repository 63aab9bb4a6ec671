//! Tables that cannot be read, are read without a copy, or are larger than what is sorted at once.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, UInt64Array,
};
use arrow_buffer::{Buffer, ScalarBuffer};
use bt_asset_cache::{FilteredBars, GroupedBars, Label, Table, TableColumns};
use bt_core::{Bundle, BundleVersion, Field, Frequency, Timestamp};

const COLUMNS: [&str; 5] = ["open", "high", "low", "close", "volume"];

fn table_of(batches: Vec<RecordBatch>) -> Table {
    Table { label: Some(Label::End), ..Table::new(BundleVersion([9; 32]), batches) }
}

fn batch(assets: ArrayRef, stamps: ArrayRef, value: impl Fn(usize, usize) -> f64) -> RecordBatch {
    let rows = assets.len();
    let mut columns = vec![("asset", assets), ("timestamp", stamps)];
    for (column, name) in COLUMNS.into_iter().enumerate() {
        let values: Float64Array = (0..rows).map(|row| Some(value(column, row))).collect();
        columns.push((name, Arc::new(values)));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

fn text(names: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(names.to_vec()))
}

fn nanos(nanos: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(nanos.to_vec()))
}

fn refused(table: Table) -> String {
    let error = GroupedBars::from_table(&table).unwrap_err().to_string();
    let filtered = FilteredBars::from_table(table);
    let first_fault =
        filtered.and_then(|bars| bars.assets().ids().try_for_each(|id| bars.bars(id).map(|_| ())));
    assert_eq!(first_fault.unwrap_err().to_string(), error, "with and without grouping");
    error
}

#[test]
fn what_cannot_be_read_is_named_by_batch_row_and_column() {
    let good = || batch(text(&["A", "B"]), nanos(&[1, 1]), |_, _| 1.0);
    let second = |bad| refused(table_of(vec![good(), bad]));

    let null_asset: ArrayRef = Arc::new(StringArray::from(vec![Some("A"), None]));
    assert_eq!(
        second(batch(null_asset, nanos(&[2, 2]), |_, _| 1.0)),
        "batch 2, row 2, column \"asset\": there is no asset"
    );
    let keys = Int32Array::from(vec![0, 1]);
    let null_name =
        DictionaryArray::<Int32Type>::new(keys, Arc::new(StringArray::from(vec![Some("A"), None])));
    assert_eq!(
        second(batch(Arc::new(null_name), nanos(&[2, 2]), |_, _| 1.0)),
        "batch 2, row 2, column \"asset\": there is no asset"
    );
    assert_eq!(
        second(batch(text(&["", "B"]), nanos(&[2, 2]), |_, _| 1.0)),
        "batch 2, row 1, column \"asset\": there is no asset"
    );
    let null_stamp: ArrayRef = Arc::new(Int64Array::from(vec![Some(2), None]));
    assert_eq!(
        second(batch(text(&["A", "B"]), null_stamp, |_, _| 1.0)),
        "batch 2, row 2, column \"timestamp\": there is no date or time"
    );
    let no_asset: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    assert!(
        second(batch(no_asset, nanos(&[2, 2]), |_, _| 1.0))
            .starts_with("batch 2, column \"asset\": Boolean is not read; allowed: Utf8, ")
    );
}

#[test]
fn a_column_that_is_not_there_or_no_number_is_named() {
    let rows = batch(text(&["A"]), nanos(&[1]), |_, _| 1.0);
    let columns = TableColumns { extra: vec!["adj_close".into()], ..TableColumns::default() };
    assert_eq!(
        refused(Table { columns, ..table_of(vec![rows.clone()]) }),
        "batch 1: there is no column \"adj_close\"; the columns are asset, timestamp, open, high, low, close, volume; \
         state which one is which in `Table::columns`"
    );
    let columns = TableColumns { extra: vec!["asset".into()], ..TableColumns::default() };
    let error = refused(Table { columns, ..table_of(vec![rows]) });
    assert!(error.starts_with("batch 1, column \"asset\": Utf8 is not read; allowed: Float64"), "{error}");
}

#[test]
fn tables_without_rows_or_batches_are_bundles_without_assets() {
    for batches in [vec![], vec![batch(text(&[]), nanos(&[]), |_, _| 1.0); 2]] {
        let grouped = GroupedBars::from_table(&table_of(batches.clone())).unwrap();
        assert!(grouped.assets().is_empty() && grouped.calendar().is_empty());
        assert_eq!(grouped.slab().unwrap().all.len(), 0);
        let grouped = Arc::new(grouped);
        assert!(grouped.slice(Timestamp::MIN, Timestamp::MAX).unwrap().calendar().is_empty());
        assert!(FilteredBars::from_table(table_of(batches)).unwrap().assets().is_empty());
    }
}

#[test]
fn batches_may_encode_their_assets_differently_and_numbers_are_sorted_as_text() {
    let dictionary: DictionaryArray<Int32Type> = ["9", "10"].into_iter().collect();
    let batches = vec![
        batch(text(&["9", "10"]), nanos(&[1, 1]), |_, row| row as f64),
        batch(Arc::new(dictionary), nanos(&[2, 2]), |_, row| row as f64),
        batch(Arc::new(UInt64Array::from(vec![9, 10])), nanos(&[3, 3]), |_, row| row as f64),
        batch(Arc::new(LargeStringArray::from(vec!["9", "huge"])), nanos(&[4, 4]), |_, row| row as f64),
    ];
    let table = table_of(batches);
    for bundle in
        [&GroupedBars::from_table(&table).unwrap() as &dyn Bundle, &FilteredBars::from_table(table).unwrap()]
    {
        assert_eq!(bundle.assets().names().collect::<Vec<_>>(), ["10", "9", "huge"]);
        let close = |name| bundle.bars(bundle.assets().id(name).unwrap()).unwrap().field(Field::CLOSE);
        assert_eq!((close("10"), close("9"), close("huge")), (&[1.0; 3][..], &[0.0; 4][..], &[1.0][..]));
    }
}

#[test]
fn extra_columns_are_reached_by_name() {
    let rows = batch(text(&["B", "A"]), nanos(&[1, 1]), |column, row| (column * 10 + row) as f64);
    let columns = TableColumns { extra: vec!["high".into(), "open".into()], ..TableColumns::default() };
    let table = Table { columns, frequency: Frequency::Minutes(5), ..table_of(vec![rows]) };
    for bundle in
        [&GroupedBars::from_table(&table).unwrap() as &dyn Bundle, &FilteredBars::from_table(table).unwrap()]
    {
        assert_eq!(bundle.frequency(), Frequency::Minutes(5));
        assert_eq!(bundle.extra_columns(), ["high", "open"]);
        let bars = bundle.bars(bundle.assets().id("A").unwrap()).unwrap();
        assert_eq!(bars.field(Field::extra(1).unwrap()), [1.0]);
        assert_eq!(bars.get(Field::extra(2).unwrap()), None);
    }
}

#[test]
fn bars_of_a_start_label_are_known_at_their_end() {
    let rows = batch(text(&["A"]), nanos(&[0]), |_, _| 1.0);
    let table = Table { label: Some(Label::Start), frequency: Frequency::Minutes(5), ..table_of(vec![rows]) };
    let grouped = GroupedBars::from_table(&table).unwrap();
    assert_eq!(grouped.calendar().as_slice(), [Timestamp::from_nanos(300_000_000_000)]);
}

/// Six columns in one buffer, `gap` values apart, in this order of columns.
fn in_one_buffer(names: &[&str], stamps: &[i64], gap: usize, order: [usize; 6]) -> Table {
    let rows = names.len();
    let stride = rows + gap;
    let mut words = vec![0_u64; 6 * stride];
    for (row, &stamp) in stamps.iter().enumerate() {
        words[order[0] * stride + row] = stamp as u64;
        (1..6)
            .for_each(|column| words[order[column] * stride + row] = ((column * 100 + row) as f64).to_bits());
    }
    let memory = Buffer::from_vec(words);
    let column = |at: usize| memory.slice_with_length(order[at] * stride * 8, rows * 8);
    let stamps = Int64Array::new(ScalarBuffer::from(column(0)), None);
    let mut columns = vec![("asset", text(names)), ("timestamp", Arc::new(stamps) as ArrayRef)];
    for (at, name) in COLUMNS.into_iter().enumerate() {
        columns.push((name, Arc::new(Float64Array::new(ScalarBuffer::from(column(at + 1)), None))));
    }
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Table { memory: Some(memory), ..table_of(vec![batch]) }
}

/// Whether the grouped bars are the table's memory, and that they are the same bars as without that.
fn is_a_view(table: &Table) -> bool {
    let grouped = GroupedBars::from_table(table).unwrap();
    let copied = GroupedBars::from_table(&Table { memory: None, ..table.clone() }).unwrap();
    for (one, other) in grouped.assets().ids().zip(copied.assets().ids()) {
        let (one, other) = (grouped.bars(one).unwrap(), copied.bars(other).unwrap());
        assert_eq!((one.timestamps(), one.view()), (other.timestamps(), other.view()));
    }
    let memory = table.memory.as_ref().unwrap().as_ptr_range();
    memory.contains(&grouped.slab().unwrap().all.values().as_ptr().cast())
}

#[test]
fn a_sorted_matrix_is_not_copied_and_everything_else_is() {
    let (names, stamps, order) = (["A", "A", "A", "B", "B"], [1, 2, 3, 2, 3], [0, 1, 2, 3, 4, 5]);
    assert!(is_a_view(&in_one_buffer(&names, &stamps, 0, order)));
    assert!(is_a_view(&in_one_buffer(&names, &stamps, 3, order)));
    assert!(is_a_view(&in_one_buffer(&names, &stamps, 0, [5, 0, 1, 2, 3, 4])));

    assert!(!is_a_view(&in_one_buffer(&names, &[1, 3, 2, 2, 3], 0, order)), "times go back");
    assert!(!is_a_view(&in_one_buffer(&["B", "B", "B", "A", "A"], &stamps, 0, order)), "assets go back");
    assert!(!is_a_view(&in_one_buffer(&["A", "B", "A", "A", "B"], &[1, 2, 2, 3, 3], 0, order)), "assets mix");
    assert!(!is_a_view(&in_one_buffer(&names, &stamps, 0, [0, 5, 4, 3, 2, 1])), "columns descend");
    assert!(!is_a_view(&in_one_buffer(&names, &stamps, 0, [0, 1, 2, 3, 5, 4])), "distances differ");
    let converted = in_one_buffer(&names, &stamps, 0, order);
    assert!(!is_a_view(&Table {
        label: Some(Label::Date),
        ..in_one_buffer(&names, &[DAY, 2 * DAY, 3 * DAY, 0, DAY], 0, order)
    }));
    let elsewhere = Some(Buffer::from_vec(vec![0_u64; 64]));
    assert!(!is_a_view(&Table { memory: elsewhere, ..converted }));
}

const DAY: i64 = 86_400_000_000_000;

#[test]
fn a_view_keeps_the_memory_and_a_slice_counts_only_what_is_its_own() {
    let table = in_one_buffer(&["A", "A", "B", "B"], &[1, 2, 1, 2], 0, [0, 1, 2, 3, 4, 5]);
    let whole = Arc::new(GroupedBars::from_table(&table).unwrap());
    drop(table);
    assert!(whole.heap_bytes() >= 6 * 4 * 8);
    let slice = whole.slice(Timestamp::from_nanos(1), Timestamp::from_nanos(2)).unwrap();
    assert!(slice.heap_bytes() < whole.heap_bytes() - 6 * 4 * 8 + 1);
    slice.slab().unwrap().check_slice(slice.calendar().len()).unwrap();
    let close = |name| slice.bars(slice.assets().id(name).unwrap()).unwrap().field(Field::CLOSE);
    assert_eq!((close("A"), close("B")), (&[401.0][..], &[403.0][..]));
}

#[test]
fn ranges_that_are_none_are_refused_and_others_have_versions_of_their_own() {
    let at = Timestamp::from_nanos;
    let table = in_one_buffer(&["A", "A"], &[1, 2], 0, [0, 1, 2, 3, 4, 5]);
    let whole = Arc::new(GroupedBars::from_table(&table).unwrap());
    assert!(whole.slice(at(2), at(2)).is_err() && whole.slice(at(2), at(1)).is_err());
    let version = |after, until| whole.slice(at(after), at(until)).unwrap().version();
    assert_eq!(version(0, 1), version(0, 1));
    assert_ne!(version(0, 1), version(0, 2));
    assert_ne!(version(0, 2), version(1, 2));
    assert_ne!(version(0, 2), whole.version());
}

/// A market of so many assets with every `missing`th bar missing, in order of time, cut into batches of uneven size.
fn ragged(assets: usize, days: usize, missing: usize) -> (Table, BTreeMap<String, Vec<(i64, f64)>>) {
    let (mut rows, mut naive) = (Vec::new(), BTreeMap::<String, Vec<(i64, f64)>>::new());
    for day in 0..days {
        for asset in (0..assets).filter(|asset| (asset * 31 + day * 17) % missing != 0) {
            let (name, value) = (format!("{asset}"), (asset * days + day) as f64);
            naive.entry(name.clone()).or_default().push((day as i64, value));
            rows.push((name, day as i64, value));
        }
    }
    let batches = rows.chunks(rows.len() / 2 + 13).map(|rows| {
        let names: Vec<&str> = rows.iter().map(|(name, ..)| name.as_str()).collect();
        let days: Vec<i64> = rows.iter().map(|(_, day, _)| *day).collect();
        batch(text(&names), nanos(&days), |column, row| rows[row].2 + column as f64 / 8.0)
    });
    (table_of(batches.collect()), naive)
}

#[test]
fn tables_larger_than_a_block_are_grouped_with_and_without_a_pattern() {
    let days = if cfg!(miri) { 20 } else { 2_500 };
    for (assets, missing) in [(80, usize::MAX), (80, 101), (77, 2), (3, 1_000)] {
        let (table, naive) = ragged(assets, days, missing);
        let grouped = GroupedBars::from_table(&table).unwrap();
        assert_eq!(grouped.assets().len(), naive.len());
        for (id, (name, expected)) in grouped.assets().ids().zip(&naive) {
            let bars = grouped.bars(id).unwrap();
            assert_eq!(grouped.assets().name(id).unwrap(), name);
            let stamps: Vec<i64> = bars.timestamps().iter().map(|stamp| stamp.as_nanos()).collect();
            assert_eq!(
                stamps,
                expected.iter().map(|(day, _)| *day).collect::<Vec<_>>(),
                "{name} of {assets}"
            );
            for (column, field) in Field::OHLCV.into_iter().enumerate() {
                let values: Vec<f64> =
                    expected.iter().map(|(_, value)| value + column as f64 / 8.0).collect();
                assert_eq!(bars.field(field), values, "{field} of {name} of {assets}");
            }
        }
    }
}

#[test]
fn more_assets_than_rows_in_a_block_are_grouped() {
    let (assets, days) = if cfg!(miri) { (40, 3) } else { (70_000, 3) };
    let names: Vec<u64> = (0..days).flat_map(|_| (0..assets).map(|asset| asset + 1_000_000)).collect();
    let stamps: Vec<i64> = (0..days as i64).flat_map(|day| (0..assets).map(move |_| day)).collect();
    let rows = batch(Arc::new(UInt64Array::from(names)), nanos(&stamps), |_, row| row as f64);
    let grouped = GroupedBars::from_table(&table_of(vec![rows])).unwrap();
    for (asset, id) in (0..assets).zip(grouped.assets().ids()) {
        let expected: Vec<f64> = (0..days).map(|day| (day * assets + asset) as f64).collect();
        assert_eq!(grouped.bars(id).unwrap().field(Field::CLOSE), expected);
    }
}
