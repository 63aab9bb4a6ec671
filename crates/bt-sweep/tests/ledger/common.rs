//! Sweeps, records and disks for these tests.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bt_sweep::ledger::{Disk, Header, Ledger};
use bt_sweep::{Block, Names, Objective, Outcome, Params, Result, Status, TrialKey, TrialRecord, Value};
use proptest::collection::vec;
use proptest::prelude::*;

/// A disk that forgets to make anything last, for tests in which nothing crashes.
#[derive(Debug)]
pub(crate) struct Unsynced;

impl Disk for Unsynced {
    fn sync_data(&self, _: &File) -> std::io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn names() -> Names {
    Names::new(["fast", "band", "price"])
}

pub(crate) fn metrics() -> Vec<String> {
    ["sharpe", "total_return"].map(String::from).to_vec()
}

pub(crate) fn header() -> Header {
    Header {
        strategy: "crossover".into(),
        strategy_version: 3,
        settings: "next open, 5 bps".into(),
        search: "grid of fast 5..50:5".into(),
        bundle: "us-equities".into(),
        bundle_version: "0123".into(),
        asset_count: 50,
        assets_digest: "abcd".into(),
        range: "2020-01-01..2024-01-01".into(),
        folds: vec!["0: 2020..2022".into(), "1: 2021..2023".into()],
        ..Header::new(&names(), &metrics(), Objective::maximize("sharpe"))
    }
}

pub(crate) fn create(folder: &Path) -> Ledger {
    Ledger::create_on(Arc::new(Unsynced), folder, &header()).unwrap()
}

pub(crate) fn resume(folder: &Path) -> Result<(Ledger, bt_sweep::ledger::Contents)> {
    Ledger::resume_on(Arc::new(Unsynced), folder, &header())
}

pub(crate) fn key(number: u64) -> TrialKey {
    TrialKey((u128::from(number) << 7 | 5).to_be_bytes())
}

/// The record of a trial that is done, told apart by its number.
pub(crate) fn record(number: u64) -> TrialRecord {
    let values = [Value::Int(number as i64), Value::Float(0.5), Value::from("close")];
    TrialRecord {
        key: key(number),
        number,
        part: 0,
        params: Params::new(&names(), values).unwrap(),
        fidelity: 1.0,
        status: Status::Done,
        outcome: Outcome { metrics: vec![number as f64, f64::NAN], blocks: vec![] },
        worker: 0,
        started_us: number * 10,
        took_us: 7,
    }
}

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        (-20..200i64).prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        "[a-z,\"\n é]{0,6}".prop_map(|text| Value::Text(text.into())),
    ]
}

fn any_block() -> impl Strategy<Value = Block> {
    let number = || any::<u64>().prop_map(f64::from_bits);
    (any::<u32>(), number(), number()).prop_map(|(bars, sum, sum_of_squares)| Block {
        bars,
        sum,
        sum_of_squares,
    })
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        4 => Just(Status::Done),
        1 => "[ -~é\n]{0,20}".prop_map(Status::Failed),
        1 => Just(Status::Deadline),
    ]
}

/// Any record of the sweep, with one of the first `keys` keys.
pub(crate) fn any_record(keys: u64) -> impl Strategy<Value = TrialRecord> {
    let outcome = (vec(any::<u64>().prop_map(f64::from_bits), 2), vec(any_block(), 0..3));
    let numbers = (0..keys, prop_oneof![0..20u64, any::<u64>()], 0..3u32, any::<u32>());
    let times = (any::<u64>(), prop_oneof![0..10_000u64, any::<u64>()]);
    let fidelity = prop_oneof![Just(1.0), 0.01..1.0];
    (numbers, vec(any_value(), 3), fidelity, any_status(), outcome, times).prop_map(
        |((own, number, part, worker), values, fidelity, status, (metrics, blocks), times)| {
            let is_done = status == Status::Done;
            TrialRecord {
                key: key(own),
                number,
                part,
                params: Params::new(&names(), values).unwrap(),
                fidelity,
                status,
                outcome: if is_done { Outcome { metrics, blocks } } else { Outcome::default() },
                worker,
                started_us: times.0,
                took_us: times.1,
            }
        },
    )
}

/// Everything in a record, bit by bit: what `==` says of NaN is of no use here.
pub(crate) fn all_of(record: &TrialRecord) -> String {
    let value = |value: &Value| match value {
        Value::Float(value) => format!("float {:x}", value.to_bits()),
        other => format!("{other:?}"),
    };
    let block = |block: &Block| (block.bars, block.sum.to_bits(), block.sum_of_squares.to_bits());
    format!(
        "{} {} {} {:x} {:?} {:?} {:?} {:?} {} {} {}",
        record.key,
        record.number,
        record.part,
        record.fidelity.to_bits(),
        record.params.values().iter().map(value).collect::<Vec<_>>(),
        record.status,
        record.outcome.metrics.iter().map(|metric| metric.to_bits()).collect::<Vec<_>>(),
        record.outcome.blocks.iter().map(block).collect::<Vec<_>>(),
        record.worker,
        record.started_us,
        record.took_us,
    )
}
