//! Searches that learn, ended at each trial in turn and resumed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bt_sweep::folds::{Kind, WalkForward};
use bt_sweep::search::{Bohb, Brackets, Hyperband, Search, Tpe};
use bt_sweep::{Error, Objective, Observer, Progress, Space, Sweep, TrialRecord, ledger};

use crate::fake::{Function, engine, sweep};

/// Panics at a trial: what comes after it is lost to the sweep, as if the process had died.
struct DieAt(u64);

impl Observer for DieAt {
    fn finished(&mut self, _: &TrialRecord, progress: &Progress) {
        assert!(progress.done != self.0, "killed");
    }
}

/// Fails, panics, has no value, is infinite, or has one that depends on the moments that it sees.
fn moody() -> Function {
    Function::new(|view, x| match x % 11 {
        0 => Err(Error::Strategy(format!("no {x}"))),
        1 => panic!("{x}"),
        2 => Ok(f64::NAN),
        3 => Ok(f64::NEG_INFINITY),
        4 => Ok(f64::INFINITY),
        _ => Ok(((x - 37) as f64 / view.scored().len() as f64).sin()),
    })
}

fn space() -> Space {
    // Small, so that brackets meet the same points again.
    Space::builder().int("x", 1, 40, 1).build().unwrap()
}

fn searches() -> Vec<Box<dyn Search>> {
    let brackets = || Brackets { min_fidelity: 1.0 / 9.0, eta: 3, rounds: 2 };
    vec![
        Box::new(Bohb::new(space(), 5, brackets()).unwrap()),
        Box::new(Hyperband::new(space(), 5, brackets()).unwrap()),
        Box::new(Tpe::new(space(), 5, 30).unwrap()),
    ]
}

#[test]
fn a_search_that_learns_and_was_killed_at_any_trial_comes_to_the_same_table() {
    let engines = [engine(1), engine(3)];
    for which in 0..searches().len() {
        let of = |folder: Option<&std::path::Path>, resume| Sweep {
            objective: Objective::minimize("value"),
            folder: folder.map(Into::into),
            resume,
            ..sweep(moody())
        };
        let expected = engines[0].run(&of(None, false), &mut *searches().remove(which), &mut ()).unwrap();
        for die_at in 1..=expected.progress.done {
            let (folder, engine) = (tempfile::tempdir().unwrap(), &engines[die_at as usize % 2]);
            let killed = || {
                let first = of(Some(folder.path()), false);
                engine.run(&first, &mut *searches().remove(which), &mut DieAt(die_at))
            };
            assert!(catch_unwind(AssertUnwindSafe(killed)).is_err());
            let second = of(Some(folder.path()), true);
            let result = engine.run(&second, &mut *searches().remove(which), &mut ()).unwrap();
            assert_eq!(result.trials.sorted_table_bytes(), expected.trials.sorted_table_bytes());
            assert_eq!(result.progress.best, expected.progress.best);
            let kept = ledger::read(folder.path()).unwrap().trials;
            assert_eq!(kept.sorted_table_bytes(), expected.trials.sorted_table_bytes());
        }
    }
}

#[test]
fn a_walk_forward_killed_at_any_trial_comes_to_the_same_folds() {
    let engines = [engine(1), engine(3)];
    // Tests overlap, and every fold searches anew.
    let walk = WalkForward {
        validate: Some("9b".parse().unwrap()),
        step: "6b".parse().unwrap(),
        warm_up: 4,
        ..WalkForward::new(Kind::Rolling, "18b".parse().unwrap(), "12b".parse().unwrap())
    };
    let search = |_: &_| {
        let brackets = Brackets { min_fidelity: 1.0 / 3.0, ..Brackets::default() };
        Ok(Box::new(Bohb::new(space(), 5, brackets)?) as Box<dyn Search>)
    };
    let run = |engine: &bt_sweep::Engine, sweep: &Sweep, observer: &mut dyn Observer| {
        engine.walk_forward(sweep, &walk, &mut { search }, observer)
    };
    let expected = run(&engines[0], &sweep(moody()), &mut ()).unwrap();
    assert!(expected.folds.len() >= 3);
    for die_at in 1..=expected.progress.done {
        let (folder, engine) = (tempfile::tempdir().unwrap(), &engines[die_at as usize % 2]);
        let first = Sweep { folder: Some(folder.path().to_owned()), ..sweep(moody()) };
        let killed = || run(engine, &first, &mut DieAt(die_at));
        assert!(catch_unwind(AssertUnwindSafe(killed)).is_err());
        let second = Sweep { resume: true, ..first };
        let result = run(engine, &second, &mut ()).unwrap();
        assert_eq!(result.trials.sorted_table_bytes(), expected.trials.sorted_table_bytes());
        assert_eq!(format!("{:?}", result.folds), format!("{:?}", expected.folds));
        let kept = ledger::read(folder.path()).unwrap().trials;
        let of_ledger = engine.walk_forward_of(&second, &walk, &mut { search }, kept).unwrap();
        assert_eq!(format!("{:?}", of_ledger.folds), format!("{:?}", expected.folds));
        assert!(of_ledger.is_complete);
    }
}
