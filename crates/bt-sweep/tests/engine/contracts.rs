use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bt_sweep::{
    Backtest, BacktestId, Error, Objective, Observer, Outcome, Params, Progress, Status, Sweep, TrialRecord,
    TrialView, bt_core,
};

use crate::fake::{Batches, Function, engine, name, sweep};

#[test]
fn every_trial_is_run_once_and_reported_in_order_on_any_number_of_workers() {
    for workers in [1, 2, 8] {
        let ran = std::sync::Arc::new(Mutex::new(Vec::new()));
        let seen = ran.clone();
        let function = Function::new(move |_, x| {
            seen.lock().unwrap().push(x);
            // Later trials are quicker, so that they come back first.
            thread::sleep(Duration::from_micros(u64::try_from(40 - x).unwrap() * 50));
            Ok(x as f64)
        });
        let mut search = Batches::new([(0..10).collect(), (10..40).collect()]);
        let result = engine(workers).run(&sweep(function), &mut search, &mut ()).unwrap();
        let mut ran = ran.lock().unwrap().clone();
        ran.sort_unstable();
        assert_eq!(ran, (0..40).collect::<Vec<_>>());
        assert!(result.is_complete);
        assert_eq!(
            result.trials.iter().map(|trial| trial.number()).collect::<Vec<_>>(),
            (0..40).collect::<Vec<_>>()
        );
        assert_eq!(
            search.told.iter().map(|told| told.score).collect::<Vec<_>>(),
            (0..40).map(|x| Some(f64::from(x))).collect::<Vec<_>>()
        );
        assert_eq!(result.best().unwrap().number(), 39);
    }
}

#[test]
fn a_batch_gives_each_trial_what_it_gives_alone() {
    let values = |batch| {
        let mut function = Function::new(|view, x| Ok(view.assets().len() as f64 * x as f64));
        function.1 = batch;
        let result =
            engine(2).run(&sweep(function), &mut Batches::new([(0..50).collect()]), &mut ()).unwrap();
        result.trials.iter().map(|trial| trial.metrics()[0]).collect::<Vec<_>>()
    };
    assert_eq!(values(1), values(16));
    assert_eq!(values(1), (0..50).map(|x| f64::from(3 * x)).collect::<Vec<_>>());
}

#[test]
fn an_objective_to_be_minimised_wins_with_the_smallest_value_and_nan_never_wins() {
    let function = Function::new(|_, x| Ok(if x == 2 { f64::NAN } else { x as f64 }));
    let sweep = Sweep { objective: Objective::minimize("value"), ..sweep(function) };
    let mut search = Batches::new([vec![5, 2, 3, 4]]);
    let result = engine(2).run(&sweep, &mut search, &mut ()).unwrap();
    assert_eq!(result.best().unwrap().params().int("x").unwrap(), 3);
    assert_eq!(
        search.told.iter().map(|told| told.score).collect::<Vec<_>>(),
        [Some(-5.0), None, Some(-3.0), Some(-4.0)]
    );
}

#[test]
fn a_point_that_is_proposed_again_is_not_run_again() {
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = runs.clone();
    let function = Function::new(move |_, x| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(x as f64)
    });
    // One again in the batch in which it came first, too.
    let mut search = Batches::new([vec![1, 2, 1], vec![2, 3], vec![1]]);
    let result = engine(2).run(&sweep(function), &mut search, &mut ()).unwrap();
    assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 3);
    let scores = search.told.iter().map(|told| told.score).collect::<Vec<_>>();
    assert_eq!(scores, [1.0, 2.0, 1.0, 2.0, 3.0, 1.0].map(Some));
    // The table has each point once.
    assert_eq!(result.trials.iter().map(|trial| trial.metrics()[0]).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
    assert_eq!((result.progress.done, result.progress.known), (6, 3));
}

#[test]
fn a_point_that_is_proposed_again_and_again_is_one_run_and_one_row_of_table_and_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = runs.clone();
    let function = Function::new(move |_, x| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // The first takes longest: others end before it is their turn.
        thread::sleep(Duration::from_millis(if x == 0 { 20 } else { 0 }));
        Ok(x as f64)
    });
    let sweep = Sweep { folder: Some(folder.path().to_owned()), ..sweep(function) };
    let points = (0..500).map(|number| number * number % 17).collect();
    let result = engine(3).run(&sweep, &mut Batches::new([points]), &mut ()).unwrap();
    let rows = result.trials.len();
    assert_eq!((runs.load(std::sync::atomic::Ordering::Relaxed), rows), (9, 9));
    assert_eq!(result.progress.known, 491);
    let kept = bt_sweep::ledger::read(folder.path()).unwrap();
    assert_eq!(kept.trials.sorted_table_bytes(), result.trials.sorted_table_bytes());
}

#[test]
fn assets_and_range_are_those_that_were_asked_for() {
    let function = Function::new(|view, _| {
        assert_eq!(view.portal().assets().name(view.assets()[0])?, "A0002");
        assert_eq!(view.moments().count(), view.scored().len());
        Ok(view.scored().len() as f64 + 1000.0 * view.assets().len() as f64)
    });
    let engine = engine(2);
    let mut worker = engine.layers().worker().unwrap();
    let trial = worker.trial(&name()).unwrap();
    let calendar = trial.bundle().calendar().as_slice().to_vec();
    let part = Sweep {
        assets: Some(vec!["A0002".into()]),
        from: calendar[10],
        until: calendar[30],
        ..sweep(function)
    };
    let result = engine.run(&part, &mut Batches::new([vec![1]]), &mut ()).unwrap();
    assert_eq!(
        result.trials.get(0).unwrap().metrics(),
        [1020.0],
        "{:?}",
        result.trials.get(0).unwrap().status()
    );
}

#[test]
fn keys_tell_apart_what_a_result_depends_on() {
    let key = |assets: Option<Vec<String>>, x| {
        let sweep = Sweep { assets, ..sweep(Function::new(|_, x| Ok(x as f64))) };
        engine(1).run(&sweep, &mut Batches::new([vec![x]]), &mut ()).unwrap().trials.get(0).unwrap().key()
    };
    assert_eq!(key(None, 1), key(None, 1));
    assert_ne!(key(None, 1), key(None, 2));
    assert_ne!(key(None, 1), key(Some(vec!["A0001".into()]), 1));
}

#[test]
fn what_does_not_exist_is_named() {
    let engine = engine(1);
    let run =
        |sweep: Sweep| engine.run(&sweep, &mut Batches::new([vec![1]]), &mut ()).unwrap_err().to_string();
    let function = || Function::new(|_, x| Ok(x as f64));
    let metric = run(Sweep { objective: Objective::maximize("valeu"), ..sweep(function()) });
    assert!(metric.contains("no metric \"valeu\"; did you mean value?"), "{metric}");
    let asset = run(Sweep { assets: Some(vec!["A0009".into()]), ..sweep(function()) });
    assert!(asset.contains("no asset named \"A0009\""), "{asset}");
    let range = run(Sweep { from: bt_core::Timestamp::MAX, ..sweep(function()) });
    assert!(range.contains("range = "), "{range}");
}

/// Counts, and cancels after so many.
struct CancelAfter(u64);

impl Observer for CancelAfter {
    fn finished(&mut self, _: &TrialRecord, progress: &Progress) {
        assert!(progress.done >= 1);
        self.0 = self.0.saturating_sub(1);
    }

    fn is_cancelled(&mut self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_cancelled_sweep_ends_soon_and_keeps_what_is_done() {
    let function = Function::new(|view, x| {
        for _ in 0..1000 {
            view.check()?;
            thread::sleep(Duration::from_millis(if x < 5 { 0 } else { 5 }));
        }
        Ok(x as f64)
    });
    let result = engine(2)
        .run(&sweep(function), &mut Batches::new([(0..1000).collect()]), &mut CancelAfter(5))
        .unwrap();
    assert!(!result.is_complete);
    assert!((5..20).contains(&result.trials.len()), "{}", result.trials.len());
    assert!(result.trials.iter().all(|trial| trial.status() == Status::Done));
}

/// Notes how many trials its batches have.
struct Parts(Arc<Mutex<Vec<usize>>>, Vec<String>);

impl Backtest for Parts {
    fn id(&self) -> BacktestId {
        BacktestId { name: "parts".into(), version: 1, settings: String::new() }
    }

    fn metrics(&self) -> Vec<String> {
        self.1.clone()
    }

    fn run(&self, _: &TrialView<'_>, _: &Params) -> Result<Outcome, Error> {
        Ok(Outcome { metrics: vec![1.0], blocks: Vec::new() })
    }

    fn run_batch(&self, view: &TrialView<'_>, batch: &[Params]) -> Vec<Result<Outcome, Error>> {
        self.0.lock().unwrap().push(batch.len());
        batch.iter().map(|params| self.run(view, params)).collect()
    }

    fn batch_size(&self) -> usize {
        50
    }
}

fn parts(metrics: &[&str]) -> (Sweep, Arc<Mutex<Vec<usize>>>) {
    let (parts, metrics) = (Arc::default(), metrics.iter().map(|name| (*name).to_owned()).collect());
    let sweep = Sweep::new(Parts(Arc::clone(&parts), metrics), name(), Objective::maximize("value"));
    (sweep, parts)
}

#[test]
fn batches_are_as_few_and_as_even_as_the_workers_allow() {
    for (workers, trials, expected) in [
        (1, 100, vec![50, 50]),
        (2, 100, vec![50, 50]),
        (2, 101, vec![26, 26, 26, 23]),
        (3, 100, vec![34, 34, 32]),
        (8, 5, vec![1; 5]),
    ] {
        let (sweep, parts) = parts(&["value"]);
        engine(workers).run(&sweep, &mut Batches::new([(0..trials).collect()]), &mut ()).unwrap();
        let mut found = parts.lock().unwrap().clone();
        found.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(found, expected, "{trials} trials by {workers} workers");
    }
}

#[test]
fn a_backtest_with_two_metrics_of_a_name_is_refused() {
    let (sweep, parts) = parts(&["value", "value"]);
    let error = engine(1).run(&sweep, &mut Batches::new([vec![1]]), &mut ()).unwrap_err().to_string();
    assert!(error.contains("metrics = value is out of range"), "{error}");
    assert!(parts.lock().unwrap().is_empty());
}
