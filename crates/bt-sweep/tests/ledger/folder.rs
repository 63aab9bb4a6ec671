//! One folder, one sweep, one writer.

use std::fs;

use bt_sweep::ledger::{self, Header, Ledger};
use bt_sweep::{Error, Objective, Outcome, Status};

use crate::common::{all_of, create, header, metrics, names, record, resume};

#[test]
fn what_was_appended_is_read_after_closing_and_goes_on_after_resuming() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    let (first, second) = (ledger.segment(0).unwrap(), ledger.segment(1).unwrap());
    for number in 0..10 {
        let segment = if number % 3 == 0 { &first } else { &second };
        segment.append(&record(number)).unwrap();
    }
    ledger.flush().unwrap();
    assert_eq!((ledger.durable(), first.durable(), second.durable()), (10, 4, 6));
    ledger.close().unwrap();

    let (ledger, contents) = resume(folder.path()).unwrap();
    assert_eq!((contents.trials.len(), contents.duplicates, contents.torn.len()), (10, 0, 0));
    ledger.segment(7).unwrap().append(&record(10)).unwrap();
    drop(ledger);
    let contents = ledger::read(folder.path()).unwrap();
    assert_eq!(contents.header, header());
    let read: Vec<_> = contents.trials.iter().map(|trial| all_of(&trial.record())).collect();
    assert_eq!(read, (0..11).map(|number| all_of(&record(number))).collect::<Vec<_>>());
}

#[test]
fn a_key_that_was_appended_twice_counts_once_and_the_first_stays() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    let segment = ledger.segment(0).unwrap();
    segment.append(&record(1)).unwrap();
    ledger.close().unwrap();
    let (ledger, _) = resume(folder.path()).unwrap();
    let mut again = record(1);
    again.took_us = 1_000;
    ledger.segment(0).unwrap().append(&again).unwrap();
    ledger.segment(1).unwrap().append(&again).unwrap();
    ledger.close().unwrap();
    let contents = ledger::read(folder.path()).unwrap();
    assert_eq!((contents.trials.len(), contents.duplicates), (1, 2));
    assert_eq!(contents.trials.get(0).unwrap().took_us(), record(1).took_us);
}

#[test]
fn a_second_writer_is_refused_by_naming_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    for refused in [
        Ledger::create(folder.path(), &header()).unwrap_err(),
        Ledger::resume(folder.path(), &header()).unwrap_err(),
    ] {
        let Error::Busy { what, holder } = refused else { panic!("{refused:?}") };
        assert!(what.contains(&folder.path().display().to_string()), "{what}");
        assert!(holder.contains(&format!("process {} on ", std::process::id())), "{holder}");
    }
    // Who only reads needs no lock.
    ledger::read(folder.path()).unwrap();
    ledger.close().unwrap();
    resume(folder.path()).unwrap();
}

#[test]
fn a_folder_with_a_ledger_is_no_place_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path()).close().unwrap();
    let error = Ledger::create(folder.path(), &header()).unwrap_err();
    assert!(error.to_string().contains("sweep.json"), "{error}");
    fs::write(folder.path().join("segment-3.ledger"), "").unwrap();
    fs::remove_file(folder.path().join("sweep.json")).unwrap();
    let error = Ledger::create(folder.path(), &header()).unwrap_err();
    assert!(error.to_string().contains("segment-3.ledger"), "{error}");
}

#[test]
fn a_folder_without_a_ledger_is_neither_read_nor_resumed_nor_touched() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(ledger::read(folder.path()), Err(Error::Io { .. })));
    assert!(matches!(Ledger::resume(folder.path(), &header()), Err(Error::Io { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn another_sweep_does_not_resume_and_the_difference_is_named() {
    type Change = fn(&mut Header);
    let changes: [(&str, Change); 9] = [
        ("strategy_version of", |header| header.strategy_version = 4),
        ("settings of", |header| header.settings = "none".into()),
        ("search of", |header| header.search = "random".into()),
        ("objective.metric of", |header| header.objective = Objective::maximize("total_return")),
        ("bundle_version of", |header| header.bundle_version = "4567".into()),
        ("asset_count of", |header| header.asset_count = 49),
        ("folds[1] of", |header| header.folds[1] = "1: 2021..2024".into()),
        ("params of", |header| header.params.truncate(2)),
        ("other.deadline of", |header| drop(header.other.insert("deadline".into(), "1s".into()))),
    ];
    let folder = tempfile::tempdir().unwrap();
    create(folder.path()).close().unwrap();
    for (named, change) in changes {
        let mut other = header();
        change(&mut other);
        let error = Ledger::resume(folder.path(), &other).unwrap_err();
        assert!(matches!(&error, Error::Mismatch { what, .. } if what.starts_with(named)), "{error}");
    }
    let mut other = header();
    other.bundle_version = "4567".into();
    let error = Ledger::resume(folder.path(), &other).unwrap_err().to_string();
    assert!(error.ends_with("differs: found 0123, expected 4567"), "{error}");
    // The program's version is told and not compared.
    other = header();
    other.program = "9.9.9".into();
    Ledger::resume(folder.path(), &other).unwrap();
}

#[test]
fn a_key_that_this_program_does_not_know_differs() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path()).close().unwrap();
    let path = folder.path().join("sweep.json");
    let text = fs::read_to_string(&path).unwrap().replacen('{', "{\n  \"currency\": \"EUR\",", 1);
    fs::write(&path, text).unwrap();
    let error = Ledger::resume(folder.path(), &header()).unwrap_err().to_string();
    assert!(error.starts_with("currency of the ledger"), "{error}");
    assert!(error.ends_with("found EUR, expected nothing"), "{error}");
}

#[test]
fn a_newer_format_is_refused_by_naming_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path()).close().unwrap();
    let path = folder.path().join("sweep.json");
    let text = fs::read_to_string(&path).unwrap().replace("\"format\": 1", "\"format\": 2");
    fs::write(&path, text).unwrap();
    for error in
        [ledger::read(folder.path()).unwrap_err(), Ledger::resume(folder.path(), &header()).unwrap_err()]
    {
        let Error::Mismatch { what, found, expected } = error else { panic!("{error:?}") };
        assert!(what.starts_with("the format version of"), "{what}");
        assert!(found == "2" && expected.starts_with("1,"), "{found} {expected}");
    }
}

#[test]
fn a_record_of_another_sweep_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    let segment = ledger.segment(0).unwrap();
    let mut short = record(1);
    short.outcome.metrics.pop();
    let mut failed = record(2);
    failed.status = Status::Failed("no bars".into());
    let mut long = record(3);
    long.status = Status::Failed("x".repeat((1 << 24) + 1));
    long.outcome = Outcome::default();
    assert!(matches!(segment.append(&short), Err(Error::Mismatch { .. })));
    assert!(matches!(segment.append(&failed), Err(Error::Mismatch { .. })));
    assert!(matches!(segment.append(&long), Err(Error::Invalid { .. })));
    let other = bt_sweep::Names::new(["slow"]);
    let mut renamed = record(4);
    renamed.params = bt_sweep::Params::new(&other, [1.into()]).unwrap();
    let error = segment.append(&renamed).unwrap_err().to_string();
    assert!(error.contains("found slow, expected fast, band, price"), "{error}");
    segment.append(&record(5)).unwrap();
    ledger.close().unwrap();
    assert_eq!(ledger::read(folder.path()).unwrap().trials.len(), 1);
    assert_eq!((names().as_slice().len(), metrics().len()), (3, 2));
}

#[test]
fn appending_to_a_closed_ledger_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    let segment = ledger.segment(0).unwrap();
    ledger.close().unwrap();
    let error = segment.append(&record(1)).unwrap_err().to_string();
    assert!(error.contains("closed"), "{error}");
}
