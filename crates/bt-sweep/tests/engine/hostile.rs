use std::thread;
use std::time::Duration;

use bt_sweep::{Backtest, BacktestId, Error, Objective, Outcome, Params, Status, Sweep, TrialView};

use crate::fake::{Batches, Function, engine, name, sweep};

#[test]
fn one_panic_of_1000_costs_one_trial_alone_or_in_a_batch() {
    for batch in [1, 64] {
        let mut function = Function::new(|_, x| {
            assert!(x != 777, "x is 777");
            Ok(x as f64)
        });
        function.1 = batch;
        let result =
            engine(2).run(&sweep(function), &mut Batches::new([(0..1000).collect()]), &mut ()).unwrap();
        assert_eq!(result.trials.len(), 1000);
        for trial in result.trials.iter() {
            match trial.number() {
                777 => assert_eq!(trial.status(), Status::Failed("the backtest panicked: x is 777".into())),
                number => {
                    assert_eq!((trial.status(), trial.metrics()[0]), (Status::Done, number as f64))
                }
            }
        }
    }
}

#[test]
fn a_panic_without_words_is_recorded_as_one() {
    let function = Function::new(|_, _| std::panic::panic_any(7));
    let result = engine(1).run(&sweep(function), &mut Batches::new([vec![1]]), &mut ()).unwrap();
    let status = result.trials.get(0).unwrap().status();
    assert_eq!(status, Status::Failed("the backtest panicked: no message".into()));
}

/// Gives as many metrics as its parameter says, of which one is right.
struct Miscounting(usize);

impl Backtest for Miscounting {
    fn id(&self) -> BacktestId {
        BacktestId { name: "miscounting".into(), version: 1, settings: String::new() }
    }

    fn metrics(&self) -> Vec<String> {
        vec!["value".into()]
    }

    fn run(&self, _: &TrialView<'_>, params: &Params) -> Result<Outcome, Error> {
        let metrics = usize::try_from(params.int("x")?).unwrap();
        Ok(Outcome { metrics: vec![1.0; metrics], blocks: Vec::new() })
    }

    fn batch_size(&self) -> usize {
        self.0
    }
}

#[test]
fn a_wrong_number_of_metrics_costs_one_trial() {
    for batch in [1, 16] {
        let folder = tempfile::tempdir().unwrap();
        let mut sweep = Sweep::new(Miscounting(batch), name(), Objective::maximize("value"));
        sweep.folder = Some(folder.path().to_owned());
        let result = engine(2).run(&sweep, &mut Batches::new([vec![1, 0, 2, 1, 3]]), &mut ()).unwrap();
        let done = result.trials.iter().filter(|trial| trial.is_done()).count();
        // The two points that are alike are one row.
        assert_eq!((result.progress.done, done, result.trials.len()), (5, 1, 4));
        let status = result.trials.get(1).unwrap().status();
        let Status::Failed(message) = status else { panic!("{status:?}") };
        assert_eq!(message, "the number of metrics of a trial differs: found 0, expected 1");
    }
}

#[test]
fn a_trial_that_calls_itself_cancelled_has_failed_and_the_others_go_on() {
    for batch in [1, 16] {
        let mut function = Function::new(|_, x| if x == 3 { Err(Error::Cancelled) } else { Ok(x as f64) });
        function.1 = batch;
        let result =
            engine(1).run(&sweep(function), &mut Batches::new([(0..50).collect()]), &mut ()).unwrap();
        assert!(result.is_complete);
        assert_eq!(result.trials.len(), 50);
        let status = result.trials.get(3).unwrap().status();
        assert_eq!(status, Status::Failed("the sweep was cancelled".into()));
    }
}

#[test]
fn a_late_trial_that_calls_itself_cancelled_was_late() {
    let function = Function::new(|view, x| {
        if x == 3 {
            while view.check().is_ok() {
                thread::sleep(Duration::from_millis(1));
            }
            return Err(Error::Cancelled);
        }
        Ok(x as f64)
    });
    let sweep = Sweep { deadline: Some(Duration::from_millis(30)), ..sweep(function) };
    let result = engine(2).run(&sweep, &mut Batches::new([(0..8).collect()]), &mut ()).unwrap();
    assert!(result.is_complete);
    let status: Vec<_> = result.trials.iter().map(|trial| trial.status_name()).collect();
    assert_eq!(status.iter().filter(|status| **status == "deadline").count(), 1);
    assert_eq!(status.iter().filter(|status| **status == "done").count(), 7);
}

#[test]
fn a_sweep_of_which_all_trials_fail_ends_without_a_best_one() {
    let function = Function::new(|_, x| Err(Error::Strategy(format!("no {x}"))));
    let result = engine(2).run(&sweep(function), &mut Batches::new([(0..20).collect()]), &mut ()).unwrap();
    assert!(result.is_complete && result.best().is_none());
    assert_eq!(result.trials.get(3).unwrap().status(), Status::Failed("no 3".into()));
}

#[test]
fn a_late_trial_that_listens_is_ended_and_the_others_go_on() {
    let function = Function::new(|view, x| {
        if x != 3 {
            return Ok(x as f64);
        }
        loop {
            view.check()?;
            thread::sleep(Duration::from_millis(1));
        }
    });
    let sweep = Sweep { deadline: Some(Duration::from_millis(200)), ..sweep(function) };
    let result = engine(2).run(&sweep, &mut Batches::new([(0..10).collect()]), &mut ()).unwrap();
    let late: Vec<_> = result.trials.iter().filter(|trial| trial.status() == Status::Deadline).collect();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].number(), 3);
}

#[test]
fn trials_that_never_return_lose_their_threads_and_not_the_sweep() {
    let function = Function::new(|_, x| {
        if ![3, 7, 8].contains(&x) {
            return Ok(x as f64);
        }
        loop {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let sweep = Sweep { deadline: Some(Duration::from_millis(50)), ..sweep(function) };
    let engine = engine(2);
    let result = engine.run(&sweep, &mut Batches::new([(0..12).collect()]), &mut ()).unwrap();
    let late: Vec<_> = result
        .trials
        .iter()
        .filter(|trial| trial.status() == Status::Deadline)
        .map(|trial| trial.number())
        .collect();
    assert_eq!(late, [3, 7, 8]);
    assert_eq!(result.trials.len(), 12);
    // The engine is as good as new.
    let again = engine.run(&sweep, &mut Batches::new([vec![1, 2]]), &mut ()).unwrap();
    assert!(again.trials.iter().all(|trial| trial.status() == Status::Done));
}

#[test]
fn two_sweeps_share_one_engine() {
    let engine = engine(2);
    thread::scope(|scope| {
        for factor in [1, 2] {
            let engine = &engine;
            scope.spawn(move || {
                let function = Function::new(move |_, x| Ok((factor * x) as f64));
                let result =
                    engine.run(&sweep(function), &mut Batches::new([(0..200).collect()]), &mut ()).unwrap();
                assert_eq!(result.trials.get(100).unwrap().metrics(), [(factor * 100) as f64]);
            });
        }
    });
}
