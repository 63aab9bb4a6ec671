use bt_dataportal::arrow_array::RecordBatch;
use bt_dataportal::arrow_array::cast::AsArray;
use bt_dataportal::arrow_array::types::{Float64Type, TimestampNanosecondType};
use bt_dataportal::bt_core::{Field, Timestamp};
use bt_dataportal::{DataPortal, Request};
use proptest::prelude::*;

use crate::fake::{COLUMNS, Fake, any_bundle, any_now, field};
use crate::oracle::{self, bits};

fn values(frame: &RecordBatch, column: usize) -> Vec<u64> {
    bits(frame.column(column).as_primitive::<Float64Type>().values())
}

fn timestamps(frame: &RecordBatch) -> Vec<Option<i64>> {
    frame.column(0).as_primitive::<TimestampNanosecondType>().iter().collect()
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    #[test]
    fn a_frame_holds_what_the_array_holds_and_when(
        bundle in any_bundle(),
        now in any_now(),
        bar_count in 1..50usize,
        columns in prop::collection::vec(0..COLUMNS, 1..4),
    ) {
        let fields: Vec<_> = columns.iter().map(|&column| field(column)).collect();
        let nanos = now.as_nanos();
        for bundle in bundle.forms() {
            let portal = DataPortal::new(&bundle);
            let moment = portal.at(now);
            let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
            let frame = moment.history(Request::new(&set, &fields, bar_count)).unwrap().frame().unwrap();
            prop_assert_eq!(timestamps(&frame), oracle::panel_rows(&bundle, bar_count, nanos));
            for rank in 0..bundle.rows.len() {
                for (place, &column) in columns.iter().enumerate() {
                    let expected = oracle::aligned(&bundle, rank, column, bar_count, nanos);
                    prop_assert_eq!(values(&frame, 1 + rank * columns.len() + place), bits(&expected));
                }
                let one = moment.history(Request::new(bundle.id(rank), &fields, bar_count)).unwrap();
                let one = one.frame().unwrap();
                let known = oracle::known(&bundle, rank, nanos);
                let expected: Vec<_> = known.iter().rev().take(bar_count).rev().map(|row| Some(row.0)).collect();
                prop_assert_eq!(timestamps(&one), expected);
                let first = oracle::window(&bundle, rank, columns[0], bar_count, nanos);
                prop_assert_eq!(values(&one, 1), bits(&first));
                let frames = portal.frames(bundle.id(rank), fields[0]).unwrap();
                prop_assert_eq!(values(&frames.window(moment, bar_count).unwrap(), 0), bits(&first));
            }
        }
    }
}

#[test]
fn columns_are_named_by_asset_and_field() {
    let bundle = Fake::listed(&[&[10, 20], &[20]]);
    let portal = DataPortal::new(&bundle);
    let fields = [Field::CLOSE, portal.field("turnover").unwrap()];
    let moment = portal.at(Timestamp::from_nanos(20));
    let names = |frame: RecordBatch| -> Vec<String> {
        frame.schema().fields().iter().map(|column| column.name().clone()).collect()
    };
    let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
    let many = moment.history(Request::new(&set, &fields, 1)).unwrap().frame().unwrap();
    assert_eq!(names(many), ["timestamp", "A000.close", "A000.turnover", "A001.close", "A001.turnover"]);
    let one = moment.history(Request::new(bundle.id(0), &fields, 1)).unwrap().frame().unwrap();
    assert_eq!(names(one), ["timestamp", "close", "turnover"]);
    let lean = portal.frames(bundle.id(0), fields[1]).unwrap().window(moment, 1).unwrap();
    assert_eq!(names(lean), ["turnover"]);
}
