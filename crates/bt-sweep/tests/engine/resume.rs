use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, thread};

use bt_sweep::results::Trials;
use bt_sweep::search::{Brackets, Grid, Hyperband, RandomSearch, Search};
use bt_sweep::{Error, Names, Observer, Progress, Space, Sweep, SweepResult, TrialKey, TrialRecord, ledger};

use crate::fake::{Function, engine, sweep};

fn space() -> Space {
    Space::builder().int("x", 1, 300, 1).build().unwrap()
}

/// A backtest that counts how often it is run.
fn counted() -> (Function, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let function = Function::new(move |_, x| {
        count.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_micros(200));
        if x % 50 == 0 { Err(Error::Strategy(format!("no {x}"))) } else { Ok((x as f64).sqrt()) }
    });
    (function, runs)
}

struct CancelAt(u64);

impl Observer for CancelAt {
    fn finished(&mut self, _: &TrialRecord, progress: &Progress) {
        self.0 = if progress.done >= self.0 { 0 } else { self.0 };
    }

    fn is_cancelled(&mut self) -> bool {
        self.0 == 0
    }
}

fn grid(workers: usize, sweep: &Sweep, observer: &mut dyn Observer) -> SweepResult {
    engine(workers).run(sweep, &mut Grid::new(space()).unwrap(), observer).unwrap()
}

fn kept_in(folder: &Path, resume: bool, function: Function) -> Sweep {
    Sweep { folder: Some(folder.to_owned()), resume, ..sweep(function) }
}

#[test]
fn the_table_is_the_same_bytes_on_any_number_of_workers_interrupted_or_not() {
    let expected = grid(1, &sweep(counted().0), &mut ()).trials.sorted_table_bytes();
    for (workers, cancel_at) in [(2, 1), (8, 100), (1, 299)] {
        let folder = tempfile::tempdir().unwrap();
        let (function, runs) = counted();
        let first = grid(workers, &kept_in(folder.path(), false, function), &mut CancelAt(cancel_at));
        let ran = runs.load(Ordering::Relaxed);
        let (function, runs) = counted();
        let second = grid(workers, &kept_in(folder.path(), true, function), &mut ());
        assert!(second.is_complete);
        assert_eq!(second.trials.sorted_table_bytes(), expected);
        assert_eq!(ran + runs.load(Ordering::Relaxed), 300, "no trial is lost or run twice");
        assert_eq!(second.progress.known as usize, first.trials.len());
        let (function, runs) = counted();
        let third = grid(2, &kept_in(folder.path(), true, function), &mut ());
        assert_eq!(runs.load(Ordering::Relaxed), 0);
        assert_eq!(third.trials.sorted_table_bytes(), expected);
    }
}

#[test]
fn a_folder_with_a_sweep_is_not_begun_again_and_an_empty_one_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let resumed = kept_in(folder.path(), true, counted().0);
    assert!(engine(1).run(&resumed, &mut Grid::new(space()).unwrap(), &mut ()).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    grid(1, &kept_in(folder.path(), false, counted().0), &mut ());
    let again = kept_in(folder.path(), false, counted().0);
    assert!(engine(1).run(&again, &mut Grid::new(space()).unwrap(), &mut ()).is_err());
}

#[test]
fn a_resumed_sweep_with_another_search_is_refused_and_told_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    grid(1, &kept_in(folder.path(), false, counted().0), &mut ());
    let mut random = RandomSearch::new(space(), 7, 10).unwrap();
    let error = engine(1).run(&kept_in(folder.path(), true, counted().0), &mut random, &mut ()).unwrap_err();
    assert!(error.to_string().contains("search"), "{error}");
}

#[test]
fn a_ledger_tells_whether_its_sweep_came_to_its_end_and_nothing_is_run_for_it() {
    // Rungs repeat points: there are fewer trials than proposals.
    let space = || Space::builder().int("x", 1, 11, 1).build().unwrap();
    let brackets = Brackets { min_fidelity: 0.1, eta: 3, rounds: 1 };
    let searches: [&dyn Fn() -> Box<dyn Search>; 2] =
        [&|| Box::new(Hyperband::new(space(), 5, brackets.clone()).unwrap()), &|| {
            Box::new(Grid::new(space()).unwrap())
        }];
    for search in searches {
        let folder = tempfile::tempdir().unwrap();
        let (function, runs) = counted();
        let (engine, first) = (engine(2), kept_in(folder.path(), false, function));
        let told = |runs: usize| {
            let kept = ledger::read(folder.path()).unwrap().trials;
            let result = engine.result_of(&first, &mut *search(), kept).unwrap();
            assert_eq!(runs, result.trials.len(), "none is run");
            result
        };
        let cut = engine.run(&first, &mut *search(), &mut CancelAt(3)).unwrap();
        let of_ledger = told(runs.load(Ordering::Relaxed));
        assert!(!cut.is_complete && !of_ledger.is_complete);
        let second = Sweep { resume: true, ..first.clone() };
        let whole = engine.run(&second, &mut *search(), &mut ()).unwrap();
        let of_ledger = told(runs.load(Ordering::Relaxed));
        assert!(whole.is_complete && of_ledger.is_complete);
        assert_eq!(of_ledger.trials.sorted_table_bytes(), whole.trials.sorted_table_bytes());
        assert_eq!(of_ledger.best().map(|best| best.params()), whole.best().map(|best| best.params()));
    }
}

#[test]
fn a_resumed_sweep_goes_on_at_the_time_where_its_last_trial_ended() {
    let folder = tempfile::tempdir().unwrap();
    let first = grid(1, &kept_in(folder.path(), false, counted().0), &mut CancelAt(100));
    let end =
        |result: &SweepResult| result.trials.iter().map(|trial| trial.started_us() + trial.took_us()).max();
    let second = grid(1, &kept_in(folder.path(), true, counted().0), &mut ());
    let known = first.trials.len();
    let begun =
        second.trials.iter().filter(|trial| trial.number() >= known as u64).map(|trial| trial.started_us());
    assert!(begun.min() >= end(&first), "{:?} and {:?}", second.trials.len(), end(&first));
}

#[test]
fn times_and_workers_at_the_end_of_their_range_are_resumed_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept_in(folder.path(), false, counted().0);
    grid(1, &first, &mut CancelAt(20));
    let header = ledger::read_header(folder.path()).unwrap();
    let (kept, contents) = ledger::Ledger::resume(folder.path(), &header).unwrap();
    let last = contents.trials.get(0).unwrap().record();
    let late = TrialRecord {
        worker: u32::MAX,
        started_us: u64::MAX,
        took_us: u64::MAX,
        key: TrialKey([7; 16]),
        ..last
    };
    kept.segment(0).unwrap().append(&late).unwrap();
    kept.close().unwrap();
    let search = || Grid::new(space()).unwrap();
    let second = grid(1, &kept_in(folder.path(), true, counted().0), &mut ());
    assert!(second.is_complete);
    let (engine, kept) = (engine(1), ledger::read(folder.path()).unwrap().trials);
    let result = engine.result_of(&first, &mut search(), kept).unwrap();
    let facts = engine.report(&first, "grid", &result).unwrap().facts;
    assert_eq!((facts.duration_us, facts.workers), (Some(u64::MAX), u32::MAX));
}

#[test]
fn trials_with_other_parameters_or_metrics_are_none_of_a_sweep() {
    let sweep = sweep(counted().0);
    let refused = |names: &[&str], metrics: &[&str]| {
        let metrics: Vec<String> = metrics.iter().map(|&name| name.into()).collect();
        let trials = Trials::of_records(&Names::new(names.iter().copied()), &metrics, []).unwrap();
        engine(1).result_of(&sweep, &mut Grid::new(space()).unwrap(), trials).map(drop)
    };
    let names: Vec<String> = space().names().as_slice().to_vec();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    refused(&names, &["value"]).unwrap();
    let told = |result: bt_sweep::Result<()>| result.unwrap_err().to_string();
    assert!(
        told(refused(&names, &["other", "value"]))
            .contains("metrics differs: found other, value, expected value")
    );
    assert!(
        told(refused(&["y"], &["value"])).contains("the names of the trials' parameters differs: found y")
    );
}
