use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bt_sweep::bt_dataportal::Moment;
use bt_sweep::folds::{Kind, WalkForward};
use bt_sweep::search::{Grid, Search};
use bt_sweep::{
    Accounting, Backtest, BacktestId, Error, EventDriven, FoldResult, Objective, Observer, OnBar, Orders,
    Outcome, Params, Progress, Space, Strategy, Sweep, TrialRecord, TrialView, ledger,
};
use bt_testkit::Market;

use crate::fake::{Function, engine, name, sweep};

type Seen = Arc<Mutex<Vec<(usize, usize)>>>;

/// Its value is larger the nearer `x` is to the number of scored moments; it notes how many moments it saw and scored.
fn noting() -> (Function, Seen) {
    let seen: Seen = Arc::default();
    let note = Arc::clone(&seen);
    let function = Function::new(move |view, x| {
        let calendar = view.portal().calendar().len();
        note.lock().unwrap().push((calendar, view.scored().len()));
        assert_eq!(view.scored().end, calendar, "nothing is seen behind what is scored");
        let asset = view.portal().at(bt_sweep::bt_core::Timestamp::MAX).asset(view.assets()[0])?;
        assert!(asset.len() <= calendar);
        Ok(-((x - view.scored().len() as i64) as f64).abs())
    });
    (function, seen)
}

fn grid() -> Result<Box<dyn Search>, Error> {
    Ok(Box::new(Grid::new(Space::builder().int("x", 1, 30, 1).build()?)?))
}

fn walk() -> WalkForward {
    WalkForward {
        validate: Some("6b".parse().unwrap()),
        warm_up: 5,
        ..WalkForward::new(Kind::Rolling, "20b".parse().unwrap(), "10b".parse().unwrap())
    }
}

#[test]
fn each_fold_searches_its_train_compares_on_its_validation_and_is_judged_on_its_test() {
    let (function, seen) = noting();
    let result = engine(2).walk_forward(&sweep(function), &walk(), &mut |_| grid(), &mut ()).unwrap();
    // 60 moments: 5 of warm-up, 20, 6, then tests of 10.
    assert_eq!(result.folds.len(), 2);
    assert!(result.is_complete);
    let fold = &result.folds[1];
    // Of the ten that are best on 20 moments (15 to 25), 15 is nearest to 6: it is chosen.
    assert_eq!(fold.chosen.as_ref().unwrap().int("x").unwrap(), 15);
    assert_eq!((fold.in_sample, fold.validated, fold.out_of_sample), (-5.0, -9.0, -5.0));
    assert_eq!(fold.fold.test, 41..51);
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    seen.dedup();
    // Part and warm-up, and no moment more.
    assert_eq!(seen, [(11, 6), (15, 10), (25, 20)]);
    let in_part = |part| result.trials.iter().filter(|trial| trial.part() == part).count();
    assert_eq!([0, 1, 2, 3, 4, 5, 6].map(in_part), [30, 10, 1, 30, 10, 1, 0]);
    assert_eq!(result.progress.total, Some(82));
    assert_eq!(result.progress.done, 82);
}

#[test]
fn a_resumed_walk_forward_runs_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let run = |resume| {
        let (function, seen) = noting();
        let sweep = Sweep { folder: Some(folder.path().to_owned()), resume, ..sweep(function) };
        let result = engine(2).walk_forward(&sweep, &walk(), &mut |_| grid(), &mut ()).unwrap();
        let runs = seen.lock().unwrap().len();
        (runs, result.trials.sorted_table_bytes())
    };
    let (first, table) = run(false);
    assert_eq!(first, 82);
    assert_eq!(run(true), (0, table));
}

#[test]
fn data_that_is_too_short_is_refused_before_anything_runs() {
    let (function, seen) = noting();
    let long = WalkForward { warm_up: 50, ..walk() };
    let error = engine(2).walk_forward(&sweep(function), &long, &mut |_| grid(), &mut ()).unwrap_err();
    assert!(error.to_string().contains("60 moments"), "{error}");
    assert!(seen.lock().unwrap().is_empty());
}

/// The `x` that is chosen in each fold and its value on the test, where trials come to `value(scored moments, x)`: of the run
/// and, the same, of its ledger. The train has 20 moments, the validation 6, the test 10.
fn chosen(value: fn(usize, i64) -> Result<f64, Error>) -> Vec<(Option<i64>, f64)> {
    let function = Function::new(move |view, x| value(view.scored().len(), x));
    let folder = tempfile::tempdir().unwrap();
    let sweep = Sweep { folder: Some(folder.path().to_owned()), ..sweep(function) };
    let engine = engine(2);
    let result = engine.walk_forward(&sweep, &walk(), &mut |_| grid(), &mut ()).unwrap();
    let kept = ledger::read(folder.path()).unwrap().trials;
    let of_ledger = engine.walk_forward_of(&sweep, &walk(), &mut |_| grid(), kept).unwrap();
    let [ran, read] = [result, of_ledger].map(|result| {
        assert!(result.is_complete);
        let fold = |fold: &FoldResult| {
            (fold.chosen.as_ref().map(|params| params.int("x").unwrap()), fold.out_of_sample)
        };
        result.folds.iter().map(fold).collect::<Vec<_>>()
    });
    assert_eq!(format!("{ran:?}"), format!("{read:?}"));
    ran
}

#[test]
fn where_no_trial_has_an_objective_on_the_validation_the_best_of_the_train_is_tested() {
    let found = chosen(|moments, x| Ok(if moments == 6 { f64::NAN } else { x as f64 }));
    assert_eq!(found, [(Some(30), 30.0); 2]);
}

#[test]
fn where_all_trials_fail_on_the_validation_the_best_of_the_train_is_tested() {
    let found =
        chosen(|moments, x| if moments == 6 { Err(Error::Strategy("no".into())) } else { Ok(x as f64) });
    assert_eq!(found, [(Some(30), 30.0); 2]);
}

#[test]
fn a_validation_that_tells_nothing_of_any_trial_leaves_the_best_of_the_train() {
    let found = chosen(|moments, x| match (moments, x) {
        (6, 30) => Err(Error::Strategy("no".into())),
        (6, _) => Ok(f64::NAN),
        _ => Ok(x as f64),
    });
    assert_eq!(found, [(Some(30), 30.0); 2]);
}

#[test]
fn where_no_trial_has_an_objective_at_all_the_first_that_came_to_a_result_is_tested() {
    let found = chosen(|moments, x| match (moments, x) {
        (20, 1..3) => Err(Error::Strategy("no".into())),
        (10, _) => Ok(x as f64),
        _ => Ok(f64::NAN),
    });
    assert_eq!(found, [(Some(3), 3.0); 2]);
}

#[test]
fn where_no_trial_of_the_train_comes_to_a_result_nothing_is_tested() {
    let found = chosen(|_, _| Err(Error::Strategy("no".into())));
    assert!(found.iter().all(|(chosen, value)| chosen.is_none() && value.is_nan()));
}

/// Cancels at the first trial.
#[derive(Default)]
struct CancelAtOnce(bool);

impl Observer for CancelAtOnce {
    fn finished(&mut self, _: &TrialRecord, _: &Progress) {
        self.0 = true;
    }

    fn is_cancelled(&mut self) -> bool {
        self.0
    }
}

#[test]
fn a_fold_that_was_cancelled_is_no_result_though_all_its_trials_have_failed_so_far() {
    let function = Function::new(|view, x| {
        if x == 1 {
            return Err(Error::Strategy("no".into()));
        }
        loop {
            view.check()?;
            thread::sleep(Duration::from_millis(1));
        }
    });
    let (folder, engine) = (tempfile::tempdir().unwrap(), engine(1));
    let sweep = Sweep { folder: Some(folder.path().to_owned()), ..sweep(function) };
    let mut cancel = CancelAtOnce::default();
    let result = engine.walk_forward(&sweep, &walk(), &mut |_| grid(), &mut cancel).unwrap();
    let kept = ledger::read(folder.path()).unwrap().trials;
    let of_ledger = engine.walk_forward_of(&sweep, &walk(), &mut |_| grid(), kept).unwrap();
    for result in [result, of_ledger] {
        assert_eq!((result.is_complete, result.folds.len(), result.trials.len()), (false, 0, 1));
    }
}

/// Its returns are all there is, and on ten moments, a test, it panics, hangs or gives too few of them.
struct Moody(&'static str);

impl Backtest for Moody {
    fn id(&self) -> BacktestId {
        BacktestId { name: "moody".into(), version: 1, settings: String::new() }
    }

    fn metrics(&self) -> Vec<String> {
        vec!["value".into()]
    }

    fn run(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome, Error> {
        if view.scored().len() == 10 && self.0 != "gives too few" {
            self.returns(view, params)?;
        }
        Ok(Outcome { metrics: vec![params.float("x")?], blocks: Vec::new() })
    }

    fn returns(&self, view: &TrialView<'_>, _: &Params) -> Result<Option<Vec<f64>>, Error> {
        match self.0 {
            "panics" => panic!("it panics"),
            "gives too few" => Ok(Some(vec![0.0])),
            _ => loop {
                view.check()?;
                thread::sleep(Duration::from_millis(1));
            },
        }
    }
}

#[test]
fn a_test_that_panics_hangs_or_has_too_few_returns_costs_its_curve_alone() {
    for mood in ["panics", "hangs", "gives too few"] {
        let mut sweep = Sweep::new(Moody(mood), name(), Objective::maximize("value"));
        sweep.deadline = Some(Duration::from_millis(300));
        let engine = engine(2);
        let result = engine.walk_forward(&sweep, &walk(), &mut |_| grid(), &mut ()).unwrap();
        assert!(result.is_complete && result.folds.iter().all(|fold| fold.chosen.is_some()));
        assert!(result.out_of_sample.moments.is_empty() && result.folds.iter().all(|fold| !fold.is_joined));
        if mood != "hangs" {
            let params = result.folds[0].chosen.clone().unwrap();
            let error = engine.returns(&sweep, &params).unwrap_err().to_string();
            assert!(error.contains("it panics") || error.contains("number of returns"), "{error}");
        }
    }
}

#[test]
fn warm_up_comes_from_before_the_first_moment_that_counts_where_there_are_bars() {
    let data = Market::common(7, 3, 60).generate();
    let calendar = data.calendar();
    let first_train = |from: usize| {
        let (function, _) = noting();
        let sweep = Sweep { from: calendar[from], ..sweep(function) };
        let result = engine(1).walk_forward(&sweep, &walk(), &mut |_| grid(), &mut ()).unwrap();
        result.folds[0].fold.train.clone()
    };
    // Five bars of warm-up: all of them before the range, some of them, none of them.
    assert_eq!([10, 3, 0].map(first_train), [10..30, 5..25, 5..25]);
}

/// Borrows a thousand times what it has, and counts in shares of it.
struct Reckless;

impl Strategy for Reckless {
    fn id(&self) -> (String, u32) {
        ("reckless".into(), 1)
    }

    fn start<'t>(&'t self, _: &TrialView<'t>, _: &Params) -> Result<Box<dyn OnBar + 't>, Error> {
        Ok(Box::new(Self))
    }
}

impl OnBar for Reckless {
    fn on_bar(&mut self, _: Moment<'_>, orders: &mut Orders<'_>) -> Result<(), Error> {
        let equity = orders.account().map_or(0.0, |account| account.equity());
        orders.set_weight(0, 1e9 / equity)
    }
}

#[test]
fn a_test_that_ruins_the_account_is_among_the_joined_ones_and_ends_them_at_nothing() {
    let backtest = EventDriven { strategy: Reckless, accounting: Some(Accounting::default()) };
    let sweep = Sweep::new(backtest, name(), Objective::maximize("total_return"));
    let result = engine(2).walk_forward(&sweep, &walk(), &mut |_| grid(), &mut ()).unwrap();
    assert!(result.folds.iter().all(|fold| fold.is_joined));
    assert!(result.folds.iter().any(|fold| fold.out_of_sample == -1.0));
    assert_eq!(result.out_of_sample.returns.len(), 20);
    // Two tests of ten moments.
    let mut ruins = 0;
    for test in result.out_of_sample.returns.chunks(10) {
        let ruin = test.iter().position(|&value| value == -1.0);
        ruins += usize::from(ruin.is_some());
        assert!(ruin.is_none_or(|at| test[at + 1..].iter().all(|&value| value == 0.0)), "{test:?}");
    }
    assert!(ruins > 0);
    assert_eq!(result.progress.failed, 0);
}
