//! Pre-grouping a long table, as a multiple of copying the same bytes: in order of asset, in order of time, for each kind
//! of asset column, into memory that is there and into fresh pages.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow_buffer::{Buffer, ScalarBuffer};
use bt_asset_cache::kernel::{Grouping, index};
use bt_asset_cache::{GroupedBars, Label, Table};
use bt_benches::{Paired, Rows, Times, is_quick};
use bt_core::{Bundle as _, BundleVersion, Field, Timestamp};

const ASSETS: usize = 500;
const ROW: &str = "pre-grouping : memcpy of the same bytes";

fn main() {
    let mut rows = Rows::new("grouping");
    let mut criterion = bt_benches::criterion();
    let mut small = Case::new("50 MB", 50_000_000, Limits { coded: 3.5, utf8: 4.5, fresh: 4.0 });
    let times = small.arms().run(&mut criterion);
    small.judge(&times, &mut rows);
    drop(small);
    if !is_quick() {
        let mut large = Case::new("1 GB", 1_000_000_000, Limits { coded: 6.5, utf8: 8.5, fresh: 8.0 });
        let times = large.arms().measure(7);
        large.judge(&times, &mut rows);
    }
}

/// For tables in order of time, as multiples of memcpy.
struct Limits {
    coded: f64,
    utf8: f64,
    fresh: f64,
}

/// Tables of one size, and memory to copy.
struct Case {
    name: &'static str,
    limits: Limits,
    source: Vec<u64>,
    copied: Vec<u64>,
    sorted: Table,
    by_time: [(&'static str, Table); 3],
    with_gaps: Table,
}

impl Case {
    fn new(name: &'static str, bytes: usize, limits: Limits) -> Self {
        let days = bytes / (6 * 8 * ASSETS);
        let rows: Vec<_> = (0..days).flat_map(|day| (0..ASSETS).map(move |asset| (asset, day))).collect();
        let sorted = table((0..ASSETS).flat_map(|asset| (0..days).map(move |day| (asset, day))).collect());
        let gaps =
            table(rows.iter().copied().filter(|(asset, day)| (asset * 7 + day * 13) % 100 != 0).collect());
        let dictionary = table(rows);
        let by_time = ["integer", "dictionary", "Utf8"].map(|kind| (kind, with_assets(&dictionary, kind)));
        check(&sorted, &by_time);
        let words = 6 * ASSETS * days;
        Self {
            name,
            limits,
            source: vec![1; words],
            copied: vec![0; words],
            sorted,
            by_time,
            with_gaps: gaps,
        }
    }

    fn arms(&mut self) -> Paired<'_> {
        let Self { name, source, copied, sorted, by_time, with_gaps, .. } = self;
        let sorted: &Table = sorted;
        let rows = sorted.rows();
        let (mut nanos, mut values) = (vec![0; rows], vec![0.0; 5 * rows]);
        // The arms take turns, so they can share what they write to.
        let into = Rc::new(RefCell::new(move |table: &Table| group_into(table, &mut nanos, &mut values)));
        let without_memory = Table { memory: None, ..sorted.clone() };
        let (copy, gaps) = (Rc::clone(&into), Rc::clone(&into));
        let mut paired = Paired::new(&format!("grouping {name}"))
            .arm("memcpy", move || {
                copied.copy_from_slice(black_box(source));
                copied[0]
            })
            .arm("sorted, view", || GroupedBars::from_table(sorted))
            .arm("sorted, copy", move || copy.borrow_mut()(&without_memory))
            .arm("by time, dictionary, one bar in 100 missing", move || gaps.borrow_mut()(with_gaps));
        for (kind, table) in by_time.iter() {
            let into = Rc::clone(&into);
            paired = paired
                .arm(&format!("by time, {kind}"), move || into.borrow_mut()(table))
                .arm(&format!("by time, {kind}, fresh pages"), move || GroupedBars::from_table(table));
        }
        paired
    }

    fn judge(&self, times: &Times, rows: &mut Rows) {
        let Limits { coded, utf8, fresh } = self.limits;
        let case = |arm: &str| (format!("{}, {arm}", self.name), times.ratio(arm, "memcpy"));
        for (arm, limit) in [
            ("sorted, view", 0.15),
            ("sorted, copy", 1.3),
            ("by time, integer", coded),
            ("by time, dictionary", coded),
            ("by time, Utf8", utf8),
            ("by time, integer, fresh pages", fresh),
            ("by time, dictionary, fresh pages", fresh),
        ] {
            let (case, ratio) = case(arm);
            rows.at_most(ROW, &case, ratio, limit, "×");
        }
        for arm in ["by time, Utf8, fresh pages", "by time, dictionary, one bar in 100 missing"] {
            let (case, ratio) = case(arm);
            rows.shown(ROW, &case, ratio, "×");
        }
    }
}

/// Groups into memory that is there already.
fn group_into(table: &Table, nanos: &mut [i64], values: &mut [f64]) -> usize {
    let rows = table.rows();
    let grouping = Grouping::of(table).expect("assets");
    grouping.write(table, &mut nanos[..rows], &mut values[..5 * rows], rows).expect("rows");
    let index = index(Timestamp::slice_from_nanos(&nanos[..rows]), grouping.starts());
    index.expect("bars").expect("order").calendar.len()
}

/// A table with a dictionary of assets and a row for each (asset, day); the columns lie in one buffer.
fn table(places: Vec<(usize, usize)>) -> Table {
    let rows = places.len();
    let mut words = Vec::with_capacity(6 * rows);
    words.extend(places.iter().map(|&(_, day)| day as u64 * 86_400_000_000_000));
    for field in 0..5 {
        let value = |(asset, day)| (asset * 10 + field) as f64 + day as f64 / 1024.0;
        words.extend(places.iter().map(|&place| f64::to_bits(value(place))));
    }
    let memory = Buffer::from_vec(words);
    let column = |at: usize| memory.slice_with_length(at * rows * 8, rows * 8);
    let keys = places.iter().map(|&(asset, _)| asset as i32).collect::<Int32Array>();
    let names = Arc::new(StringArray::from_iter_values((0..ASSETS).map(|rank| format!("S{rank:04}"))));
    let assets = DictionaryArray::<Int32Type>::new(keys, names);
    let stamps = TimestampNanosecondArray::new(ScalarBuffer::from(column(0)), None);
    let mut columns =
        vec![("asset", Arc::new(assets) as ArrayRef), ("timestamp", Arc::new(stamps) as ArrayRef)];
    for (at, name) in Field::NAMES.into_iter().enumerate() {
        columns.push((name, Arc::new(Float64Array::new(ScalarBuffer::from(column(at + 1)), None)) as _));
    }
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let stated = Some(Label::End);
    Table { memory: Some(memory), label: stated, ..Table::new(BundleVersion([1; 32]), vec![batch]) }
}

/// The same table with another kind of asset column.
fn with_assets(table: &Table, kind: &str) -> Table {
    let batch = &table.batches[0];
    let dictionary =
        batch.column(0).as_any().downcast_ref::<DictionaryArray<Int32Type>>().expect("a dictionary");
    let keys = dictionary.keys().values();
    let assets: ArrayRef = match kind {
        "integer" => Arc::new(keys.iter().map(|key| 10_000 + key).collect::<Int32Array>()),
        "Utf8" => Arc::new(StringArray::from_iter_values(keys.iter().map(|key| format!("S{key:04}")))),
        _ => Arc::clone(batch.column(0)),
    };
    let names = batch.schema();
    let columns = std::iter::once(assets).chain(batch.columns()[1..].iter().cloned());
    let named = names.fields().iter().map(|field| field.name()).zip(columns);
    let batch = RecordBatch::try_from_iter(named).expect("columns of one length");
    Table { batches: vec![batch], ..table.clone() }
}

/// Every arm gives the same bars.
fn check(sorted: &Table, by_time: &[(&'static str, Table)]) {
    let view = GroupedBars::from_table(sorted).expect("a table");
    let bars = |bundle: &GroupedBars, rank: usize| {
        let id = bundle.assets().ids().nth(rank).expect("an asset");
        bundle.bars(id).expect("its bars").view().to_owned()
    };
    for (kind, table) in by_time {
        let grouped = GroupedBars::from_table(table).expect("a table");
        for rank in [0, 1, ASSETS / 2, ASSETS - 1] {
            assert_eq!(bars(&grouped, rank), bars(&view, rank), "{kind}, asset {rank}");
        }
    }
}
