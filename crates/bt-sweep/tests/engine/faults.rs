//! What is around the trials fails: searches, observers, bundles, disks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleName, BundleSource, BundleVersion, Calendar, Frequency,
};
use bt_sweep::search::{Asked, Hyperband, Search, Told};
use bt_sweep::{
    Error, Names, Objective, Observer, Params, Progress, Proposal, Space, Status, Sweep, TrialRecord,
    bt_core, ledger,
};
use bt_testkit::{Market, MemoryBundle};

use crate::fake::{Batches, Function, engine, engine_on, name, sweep};

/// Answers what it is told to, in order, and the last again and again.
struct Script(Names, Vec<Result<Asked, Error>>);

impl Script {
    fn new(answers: impl IntoIterator<Item = Result<Asked, Error>>) -> Self {
        Self(Names::new(["x"]), answers.into_iter().collect())
    }
}

impl Search for Script {
    fn names(&self) -> &Names {
        &self.0
    }

    fn ask(&mut self) -> Result<Asked, Error> {
        if self.1.len() > 1 { self.1.remove(0) } else { self.1[0].clone() }
    }

    fn tell(&mut self, _: Told) -> Result<(), Error> {
        Ok(())
    }

    fn total(&self) -> Option<u64> {
        None
    }

    fn describe(&self) -> String {
        "script".into()
    }
}

fn proposal(number: u64) -> Proposal {
    let params = Params::new(&Names::new(["x"]), [(number as i64).into()]).unwrap();
    Proposal { number, params, fidelity: 1.0 }
}

fn plain() -> Sweep {
    sweep(Function::new(|_, x| Ok(x as f64)))
}

fn is_as_good_as_new(engine: &bt_sweep::Engine) {
    let result = engine.run(&plain(), &mut Batches::new([(0..20).collect()]), &mut ()).unwrap();
    assert!(result.trials.iter().all(|trial| trial.status() == Status::Done));
}

#[test]
fn an_empty_list_of_proposals_means_to_wait() {
    let trials = |first: u64| Ok(Asked::Trials(vec![proposal(first), proposal(first + 1)]));
    let nothing = || Ok(Asked::Trials(Vec::new()));
    let mut search = Script::new([trials(0), nothing(), trials(2), Ok(Asked::Done)]);
    let result = engine(2).run(&plain(), &mut search, &mut ()).unwrap();
    assert_eq!(result.trials.len(), 4);
    let error = engine(2).run(&plain(), &mut Script::new([nothing()]), &mut ()).unwrap_err();
    assert!(error.to_string().contains("the search waits"), "{error}");
}

#[test]
fn a_search_that_numbers_its_proposals_otherwise_than_from_0_on_is_refused() {
    for numbers in [vec![1], vec![0, 0], vec![0, 2], vec![1, 0]] {
        let proposals = numbers.into_iter().map(proposal).collect();
        let mut search = Script::new([Ok(Asked::Trials(proposals)), Ok(Asked::Done)]);
        let error = engine(2).run(&plain(), &mut search, &mut ()).unwrap_err();
        assert!(error.to_string().contains("the number of the search's next proposal"), "{error}");
    }
}

#[test]
fn a_search_that_fails_ends_the_sweep_and_the_trials_that_hang() {
    let released = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&released);
    let function = Function::new(move |_, x| {
        while !hangs.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(x as f64)
    });
    let engine = engine(1);
    let fails = Err(Error::Strategy("no more".into()));
    let mut search = Script::new([Ok(Asked::Trials(vec![proposal(0)])), fails]);
    let error = engine.run(&sweep(function), &mut search, &mut ()).unwrap_err();
    assert_eq!(error.to_string(), "no more");
    is_as_good_as_new(&engine);
    drop(engine);
    released.store(true, Ordering::Relaxed);
}

/// Panics at the first trial.
struct Panics;

impl Observer for Panics {
    fn finished(&mut self, _: &TrialRecord, _: &Progress) {
        panic!("an observer panics");
    }
}

#[test]
fn an_observer_that_panics_leaves_the_workers_and_the_folder_free() {
    let folder = tempfile::tempdir().unwrap();
    let function = Function::new(|view, x| {
        if x == 0 {
            return Ok(0.0);
        }
        loop {
            view.check()?;
            thread::sleep(Duration::from_millis(1));
        }
    });
    let engine = engine(1);
    let watched = Sweep { folder: Some(folder.path().to_owned()), ..sweep(function) };
    let run = || engine.run(&watched, &mut Batches::new([vec![0, 1, 2]]), &mut Panics);
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    is_as_good_as_new(&engine);
    let resumed = Sweep { folder: watched.folder, resume: true, ..plain() };
    let result = engine.run(&resumed, &mut Batches::new([vec![0, 1, 2]]), &mut ()).unwrap();
    assert_eq!((result.trials.len(), result.progress.known), (3, 1));
}

#[test]
fn a_folder_is_free_once_its_sweep_is_over_though_a_trial_still_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let released = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&released);
    let function = Function::new(move |_, x| {
        while x == 1 && !hangs.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(x as f64)
    });
    let engine = engine(1);
    let first = Sweep {
        folder: Some(folder.path().to_owned()),
        deadline: Some(Duration::from_millis(20)),
        ..sweep(function)
    };
    let search = || Batches::new([vec![0, 1, 2]]);
    let result = engine.run(&first, &mut search(), &mut ()).unwrap();
    assert_eq!(result.trials.get(1).unwrap().status(), Status::Deadline);
    let second = Sweep { resume: true, ..first };
    let again = engine.run(&second, &mut search(), &mut ()).unwrap();
    assert_eq!(again.trials.sorted_table_bytes(), result.trials.sorted_table_bytes());
    released.store(true, Ordering::Relaxed);
}

#[test]
fn a_sweep_can_be_resumed_at_once_again_and_again() {
    let (folder, engine) = (tempfile::tempdir().unwrap(), engine(4));
    for round in 0..100 {
        let sweep = Sweep { folder: Some(folder.path().to_owned()), resume: round > 0, ..plain() };
        let mut search = Batches::new([(0..=round).collect()]);
        assert_eq!(engine.run(&sweep, &mut search, &mut ()).unwrap().trials.len(), round as usize + 1);
    }
}

/// Cancels at once.
struct Cancelled(Arc<AtomicBool>);

impl Observer for Cancelled {
    fn is_cancelled(&mut self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn a_cancelled_sweep_does_not_wait_for_the_trials_of_another_one() {
    let (engine, released) = (engine(1), Arc::new(AtomicBool::new(false)));
    let begun = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        let (gate, begins) = (Arc::clone(&released), Arc::clone(&begun));
        let slow = sweep(Function::new(move |_, x| {
            begins.store(true, Ordering::Relaxed);
            while !gate.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            Ok(x as f64)
        }));
        let engine = &engine;
        let other = scope.spawn(move || engine.run(&slow, &mut Batches::new([vec![1]]), &mut ()).unwrap());
        while !begun.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let mut at_once = Cancelled(Arc::new(AtomicBool::new(true)));
        let result = engine.run(&plain(), &mut Batches::new([vec![1, 2]]), &mut at_once).unwrap();
        assert!(!result.is_complete && result.trials.is_empty());
        released.store(true, Ordering::Relaxed);
        assert_eq!(other.join().unwrap().trials.len(), 1);
    });
    is_as_good_as_new(&engine);
}

#[test]
fn a_slow_trial_that_listens_keeps_its_thread_when_the_sweep_is_cancelled() {
    let cancel = Arc::new(AtomicBool::new(false));
    let threads = Arc::new(Mutex::new(Vec::new()));
    let (cancels, seen) = (Arc::clone(&cancel), Arc::clone(&threads));
    let slow = sweep(Function::new(move |view, _| {
        seen.lock().unwrap().push(thread::current().id());
        // Longer than a trial that was told to end may go on.
        for _ in 0..60 {
            thread::sleep(Duration::from_millis(20));
        }
        cancels.store(true, Ordering::Relaxed);
        loop {
            view.check()?;
            thread::sleep(Duration::from_millis(20));
        }
    }));
    let engine = engine(1);
    engine.run(&slow, &mut Batches::new([vec![1]]), &mut Cancelled(cancel)).unwrap();
    let seen = Arc::clone(&threads);
    let quick = sweep(Function::new(move |_, x| {
        seen.lock().unwrap().push(thread::current().id());
        Ok(x as f64)
    }));
    engine.run(&quick, &mut Batches::new([vec![1]]), &mut ()).unwrap();
    let threads = threads.lock().unwrap();
    assert_eq!(threads[0], threads[1]);
}

/// Good for whoever opens it, and not for the workers.
struct Panicking(MemoryBundle);

impl Bundle for Panicking {
    fn version(&self) -> BundleVersion {
        self.0.version()
    }

    fn assets(&self) -> &AssetList {
        self.0.assets()
    }

    fn calendar(&self) -> Calendar<'_> {
        let thread = thread::current();
        assert!(!thread.name().is_some_and(|name| name.starts_with("bt-worker")), "a bundle panics");
        self.0.calendar()
    }

    fn frequency(&self) -> Frequency {
        self.0.frequency()
    }

    fn bars(&self, asset: AssetId) -> bt_core::Result<Bars<'_>> {
        self.0.bars(asset)
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

struct PanickingSource(Arc<Panicking>);

impl BundleSource for PanickingSource {
    type Bundle = Panicking;

    fn version(&self, _: &BundleName) -> bt_core::Result<BundleVersion> {
        Ok(self.0.version())
    }

    fn open(&self, _: &BundleName) -> bt_core::Result<Arc<Panicking>> {
        Ok(Arc::clone(&self.0))
    }

    fn open_version(&self, _: &BundleName, _: BundleVersion) -> bt_core::Result<Arc<Panicking>> {
        Ok(Arc::clone(&self.0))
    }
}

#[test]
fn a_bundle_that_panics_ends_the_sweep_and_no_worker() {
    let bundle = Panicking(Market::common(7, 3, 60).generate().bundle());
    let engine = engine_on(2, PanickingSource(Arc::new(bundle)));
    for _ in 0..3 {
        let error =
            engine.run(&plain(), &mut Batches::new([(0..20).collect()]), &mut ()).unwrap_err().to_string();
        assert!(error.contains("a bundle panics"), "{error}");
    }
}

#[test]
fn a_message_that_no_record_could_hold_is_cut_and_the_sweep_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let function = Function::new(|_, x| match x {
        3 => Err(Error::Strategy("é".repeat(20 << 20))),
        4 => panic!("{}", "p".repeat(20 << 20)),
        _ => Ok(x as f64),
    });
    let sweep = Sweep { folder: Some(folder.path().to_owned()), ..sweep(function) };
    let result = engine(2).run(&sweep, &mut Batches::new([(0..8).collect()]), &mut ()).unwrap();
    let messages: Vec<&str> = result.trials.iter().filter_map(|trial| trial.message()).collect();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0], "é".repeat(8192) + "…");
    assert!(messages[1].starts_with("the backtest panicked: ppp") && messages[1].ends_with("p…"));
    assert_eq!(ledger::read(folder.path()).unwrap().trials.len(), 8);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_ends_the_sweep_with_its_error_and_keeps_what_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("segment-1.ledger");
    let function = Function::new(move |_, x| {
        if x == 50 && !full.exists() {
            std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        }
        // The other worker comes only then, and finds no room.
        while thread::current().name() == Some("bt-worker-1") && !full.exists() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(100));
        Ok(x as f64)
    });
    let sweep = Sweep { folder: Some(folder.path().to_owned()), ..sweep(function) };
    let engine = engine(2);
    let error = engine.run(&sweep, &mut Batches::new([(0..2_000).collect()]), &mut ()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("segment-1"), "{error}");
    std::fs::remove_file(folder.path().join("segment-1.ledger")).unwrap();
    let kept = ledger::read(folder.path()).unwrap().trials;
    assert!(kept.len() >= 20, "{}", kept.len());
    let resumed = Sweep { folder: sweep.folder, resume: true, ..plain() };
    let result = engine.run(&resumed, &mut Batches::new([(0..2_000).collect()]), &mut ()).unwrap();
    assert_eq!((result.trials.len(), result.progress.known), (2_000, kept.len() as u64));
}

#[test]
fn two_engines_do_not_write_into_one_folder() {
    let (folder, engines) = (tempfile::tempdir().unwrap(), [engine(1), engine(1)]);
    let held = Sweep { folder: Some(folder.path().to_owned()), ..plain() };
    let met = Arc::new(Mutex::new(None));
    let inner = Arc::clone(&met);
    let [first, second] = engines;
    let (other, second) = (Sweep { resume: true, ..held.clone() }, Mutex::new(second));
    let function = Function::new(move |_, x| {
        let refused = second.lock().unwrap().run(&other, &mut Batches::new([vec![1]]), &mut ());
        *inner.lock().unwrap() = refused.err();
        Ok(x as f64)
    });
    let outer = Sweep { folder: held.folder, ..sweep(function) };
    first.run(&outer, &mut Batches::new([vec![1]]), &mut ()).unwrap();
    assert!(matches!(met.lock().unwrap().take(), Some(Error::Busy { .. })));
}

#[test]
fn what_a_sweep_cannot_do_is_refused_before_it_begins() {
    let run =
        |sweep: Sweep| engine(1).run(&sweep, &mut Batches::new([vec![1]]), &mut ()).unwrap_err().to_string();
    let nowhere = run(Sweep { resume: true, ..plain() });
    assert!(nowhere.contains("folder = none"), "{nowhere}");
    let no_time = run(Sweep { deadline: Some(Duration::ZERO), ..plain() });
    assert!(no_time.contains("deadline = 0"), "{no_time}");
    let folder = tempfile::tempdir().unwrap();
    let kept = Some(folder.path().join("kept"));
    run(Sweep { deadline: Some(Duration::ZERO), folder: kept.clone(), ..plain() });
    run(Sweep { objective: Objective::maximize("nothing"), folder: kept.clone(), ..plain() });
    assert!(kept.is_some_and(|folder| !folder.exists()), "a folder was begun");
}

#[test]
fn shares_that_are_the_same_bars_are_told_apart_and_the_best_is_on_all_of_them() {
    let engine = engine(2);
    let mut worker = engine.layers().worker().unwrap();
    let calendar = worker.trial(&name()).unwrap().bundle().calendar().as_slice().to_vec();
    let one = Sweep { from: calendar[30], until: calendar[31], ..plain() };
    let space = Space::builder().int("x", 1, 1000, 1).build().unwrap();
    let mut search = Hyperband::new(space, 3, Default::default()).unwrap();
    let total = search.total();
    let result = engine.run(&one, &mut search, &mut ()).unwrap();
    assert_eq!(Some(result.progress.done), total);
    let largest = |full: bool| {
        let trials = result.trials.iter().filter(|trial| !full || trial.fidelity() == 1.0);
        trials.map(|trial| trial.metrics()[0]).fold(f64::NAN, f64::max)
    };
    assert_eq!(result.best().unwrap().metrics(), [largest(true)]);
    assert_eq!(largest(true), largest(false), "the best point of each bracket goes on to all of the data");
}
