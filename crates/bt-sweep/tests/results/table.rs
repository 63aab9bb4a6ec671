//! The table in memory.

use bt_sweep::results::{Trials, TrialsBuilder};
use bt_sweep::{Error, Objective, Status, TrialKey, Value};
use proptest::prelude::*;

use crate::common::{any_records, metrics, names, record};
use crate::oracle;

fn close(number: u64, sharpe: f64) -> bt_sweep::TrialRecord {
    record(number, Status::Done, [Value::Int(number as i64), "close".into()], [sharpe, 4.0])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_best_trials_are_those_that_none_surpasses(records in any_records(), n in 0..8usize, minimize: bool) {
        let table = Trials::of_records(&names(), &metrics(), &records).unwrap();
        for metric in metrics() {
            let objective =
                if minimize { Objective::minimize(metric) } else { Objective::maximize(metric) };
            let top = table.top(n, &objective).unwrap();
            let keys: Vec<TrialKey> = top.iter().map(|trial| trial.key()).collect();
            prop_assert_eq!(keys, oracle::top(n, &records, &objective));
            let best = table.best(&objective).unwrap().map(|trial| trial.key());
            prop_assert_eq!(best, oracle::top(1, &records, &objective).first().copied());
        }
    }

    #[test]
    fn the_order_does_not_depend_on_the_order_in_which_trials_ended(
        records in any_records(),
        turned_by in 0..30usize,
        workers in 1..9u32,
    ) {
        let table = Trials::of_records(&names(), &metrics(), &records).unwrap();
        let keys: Vec<_> = table.iter().map(|trial| trial.key()).collect();
        let sorted = oracle::sorted(&records);
        prop_assert_eq!(keys, sorted.iter().map(|record| record.key).collect::<Vec<_>>());

        let mut others = records.clone();
        others.rotate_left(turned_by % records.len().max(1));
        for (record, at) in others.iter_mut().zip(0..) {
            (record.worker, record.started_us, record.took_us) = (at % workers, 7 * u64::from(at), 1);
        }
        let other = Trials::of_records(&names(), &metrics(), &others).unwrap();
        prop_assert_eq!(table.sorted_table_bytes(), other.sorted_table_bytes());
        prop_assert_eq!(table.digest(), other.digest());
    }
}

#[test]
fn each_result_changes_the_digest_and_no_timing_does() {
    let records = [close(0, 1.0), close(1, 2.0)];
    let digest = |change: fn(&mut bt_sweep::TrialRecord)| {
        let mut records = records.clone();
        change(&mut records[1]);
        Trials::of_records(&names(), &metrics(), &records).unwrap().digest()
    };
    let unchanged = digest(|_| ());
    let changes: [fn(&mut bt_sweep::TrialRecord); 8] = [
        |record| record.key.0[0] ^= 1,
        |record| record.number = 2,
        |record| record.part = 1,
        |record| record.fidelity = 0.5,
        |record| record.outcome.metrics[1] = f64::from_bits(4f64.to_bits() + 1),
        |record| record.outcome.blocks.push(bt_sweep::Block::default()),
        |record| record.params = bt_sweep::Params::new(&names(), [1.0.into(), "close".into()]).unwrap(),
        |record| {
            record.status = Status::Deadline;
            record.outcome = bt_sweep::Outcome::default();
        },
    ];
    for change in changes {
        assert_ne!(digest(change), unchanged);
    }
    assert_eq!(digest(|record| (record.worker, record.started_us, record.took_us) = (9, 9, 9)), unchanged);
}

#[test]
fn a_row_gives_back_its_record() {
    let records =
        [close(3, 0.5), record(5, Status::Failed("why".into()), [2.5.into(), "open".into()], [0.0; 2])];
    let table = Trials::of_records(&names(), &metrics(), &records).unwrap();
    let rows: Vec<_> = table.iter().map(|trial| trial.record()).collect();
    assert_eq!(rows, records);
    let failed = table.get(1).unwrap();
    assert_eq!((failed.status_name(), failed.message(), failed.metrics()), ("failed", Some("why"), &[][..]));
    assert!(table.metric("sharpe").unwrap().nth(1).unwrap().is_nan());
    assert!(table.get(2).is_none() && table.find(&TrialKey([9; 16])).is_none());
}

#[test]
fn the_first_of_two_trials_with_one_key_stays() {
    let mut builder = TrialsBuilder::new(&names(), &metrics());
    assert!(builder.push(&close(1, 1.0)).unwrap());
    assert!(!builder.push(&close(1, 2.0)).unwrap());
    assert_eq!(builder.len(), 1);
    assert_eq!(builder.finish().get(0).unwrap().metrics()[0], 1.0);
}

#[test]
fn all_trials_failing_leaves_no_best_and_an_unknown_metric_is_named() {
    let failed = record(0, Status::Deadline, [1.into(), "close".into()], [0.0; 2]);
    let table = Trials::of_records(&names(), &metrics(), [&failed, &close(1, f64::NAN)]).unwrap();
    assert!(table.best(&Objective::maximize("sharpe")).unwrap().is_none());
    let error = table.best(&Objective::maximize("sharp")).unwrap_err();
    assert!(error.to_string().contains("did you mean sharpe?"), "{error}");
    assert!(table.metric("sharp").is_err());
}

#[test]
fn the_best_of_one_fold_can_be_asked_for() {
    let mut second = close(1, 1.0);
    second.part = 1;
    let table = Trials::of_records(&names(), &metrics(), [&close(0, 2.0), &second]).unwrap();
    let best = table.top_where(1, &Objective::maximize("sharpe"), |trial| trial.part() == 1).unwrap();
    assert_eq!((best.len(), best[0].number()), (1, 1));
}

#[test]
fn a_record_of_another_sweep_is_refused() {
    let other = bt_sweep::Names::new(["slow"]);
    let error = Trials::of_records(&other, &metrics(), [&close(0, 1.0)]).unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

/// Six parameters, 18 metrics: 92 + 6 × 9 + 18 × 8 bytes, and what vectors keep free at their ends.
#[test]
fn ten_thousand_trials_are_small() {
    let names = bt_sweep::Names::new(["a", "b", "c", "d", "e", "f"]);
    let metrics: Vec<String> = (0..18).map(|metric| format!("m{metric}")).collect();
    let mut builder = TrialsBuilder::new(&names, &metrics);
    for number in 0..10_000 {
        let mut trial = close(number, 1.0);
        trial.params = bt_sweep::Params::new(&names, (0..6).map(Value::Int)).unwrap();
        trial.outcome.metrics = vec![1.0; 18];
        builder.push(&trial).unwrap();
    }
    let table = builder.finish();
    assert!(
        table.heap_bytes() >= 10_000 * 290 && table.heap_bytes() < 10_000 * 600,
        "{}",
        table.heap_bytes()
    );
}
