//! Trials for these tests.

use bt_sweep::{Names, Outcome, Params, Status, TrialKey, TrialRecord, Value};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) fn names() -> Names {
    Names::new(["fast", "price"])
}

pub(crate) fn metrics() -> Vec<String> {
    ["sharpe", "trades"].map(String::from).to_vec()
}

pub(crate) fn record(number: u64, status: Status, values: [Value; 2], metrics: [f64; 2]) -> TrialRecord {
    let is_done = status == Status::Done;
    TrialRecord {
        key: TrialKey(u128::from(number).to_be_bytes()),
        number,
        part: 0,
        params: Params::new(&names(), values).unwrap(),
        fidelity: 1.0,
        status,
        outcome: if is_done {
            Outcome { metrics: metrics.to_vec(), blocks: vec![] }
        } else {
            Outcome::default()
        },
        worker: 1,
        started_us: 20,
        took_us: 300,
    }
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        6 => Just(Status::Done),
        1 => Just(Status::Failed("a reason, with a comma".into())),
        1 => Just(Status::Deadline),
    ]
}

/// Few different values each, so that there are ties.
pub(crate) fn any_metric() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        (-3..3i32).prop_map(f64::from),
        -1.0..1.0,
    ]
}

/// Records with keys of their own in any order.
pub(crate) fn any_records() -> impl Strategy<Value = Vec<TrialRecord>> {
    let one = (0..6u64, 0..3u32, prop_oneof![Just(1.0), Just(0.5)], any_status(), any_metric(), any_metric());
    vec(one, 0..30).prop_map(|all| {
        let records = all.into_iter().zip(0u128..).map(|((number, part, fidelity, status, a, b), own)| {
            let values = [Value::Int(own as i64), Value::from("close")];
            let key = TrialKey((own * 7919 % 101).to_le_bytes());
            TrialRecord { key, part, fidelity, ..record(number, status, values, [a, b]) }
        });
        records.collect()
    })
}
