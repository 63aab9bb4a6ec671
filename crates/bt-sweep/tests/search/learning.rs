use bt_sweep::search::{Asked, Bohb, Brackets, RandomSearch, Search, Told, Tpe, TpeOptions};
use bt_sweep::{Proposal, Space};
use proptest::prelude::*;

use crate::oracle::{distinct, plain_space, run};

/// A bowl in two dimensions, its bottom at (0.3, 0.7).
fn bowl(trial: &Proposal) -> Option<f64> {
    let (x, y) = (trial.params.float("x").unwrap(), trial.params.float("y").unwrap());
    Some(-(x - 0.3).powi(2) - (y - 0.7).powi(2))
}

fn square() -> Space {
    Space::builder().uniform("x", 0.0, 1.0).uniform("y", 0.0, 1.0).build().unwrap()
}

/// Two windows that are good together, on a landscape with many local peaks.
fn windows(trial: &Proposal) -> Option<f64> {
    let (fast, slow) = (trial.params.float("fast").unwrap(), trial.params.float("slow").unwrap());
    let hill = (fast - 20.0).powi(2) / 100.0 + (slow - 110.0).powi(2) / 900.0;
    Some(-hill + 0.1 * ((fast * 0.9).sin() + (slow * 0.3).sin()))
}

fn crossing() -> Space {
    Space::builder().int("fast", 2, 60, 1).int("slow", 20, 250, 2).less("fast", "slow").build().unwrap()
}

/// A choice, a logarithm and a number; failing for one choice.
fn mixture(trial: &Proposal) -> Option<f64> {
    let (rate, x) = (trial.params.float("rate").unwrap(), trial.params.float("x").unwrap());
    let loss = match trial.params.text("kind").unwrap() {
        "sma" => 0.2,
        "ema" => 0.0,
        "wma" => 0.4,
        _ => return None,
    };
    Some(-(loss + 0.2 * (rate.ln() + 5.0).powi(2) + (x - 0.5).powi(2)))
}

fn mixed() -> Space {
    let space = Space::builder().choice("kind", ["sma", "ema", "wma", "hull"]).log_uniform("rate", 1e-5, 1.0);
    space.uniform("x", 0.0, 1.0).build().unwrap()
}

type Score = fn(&Proposal) -> Option<f64>;
type Case = (fn() -> Space, Score, f64);

/// Spaces, what is looked for in them, and a score that is near to the best.
const CASES: [Case; 3] = [(square, bowl, -0.002), (crossing, windows, 0.0), (mixed, mixture, -0.02)];

/// What is spent, in runs over all of the data, until a run over all of it scores `goal`; everything where none does.
fn spent_until(goal: f64, search: &mut dyn Search, score: Score) -> f64 {
    let mut spent = 0.0;
    while let Asked::Trials(trials) = search.ask().unwrap() {
        for trial in trials {
            spent += trial.fidelity;
            if trial.fidelity == 1.0 && score(&trial).is_some_and(|score| score >= goal) {
                return spent;
            }
            search.tell(Told { number: trial.number, score: score(&trial) }).unwrap();
        }
    }
    spent
}

fn median(spent: impl Fn(u64) -> f64) -> f64 {
    let mut all: Vec<f64> = (0..20).map(spent).collect();
    all.sort_by(f64::total_cmp);
    all[10]
}

fn random_median(space: fn() -> Space, score: Score, goal: f64) -> f64 {
    median(|seed| spent_until(goal, &mut RandomSearch::new(space(), seed, 600).unwrap(), score))
}

#[test]
fn tpe_is_there_long_before_random_search() {
    for (space, score, goal) in CASES {
        let tpe = median(|seed| spent_until(goal, &mut Tpe::new(space(), seed, 600).unwrap(), score));
        let random = random_median(space, score, goal);
        assert!(tpe * 2.0 <= random, "{} to {goal}: {tpe} against {random}", space());
    }
}

#[test]
fn bohb_spends_far_less_data_than_random_search() {
    for (space, score, goal) in CASES {
        let brackets = || Brackets { rounds: 6, ..Brackets::default() };
        let bohb =
            median(|seed| spent_until(goal, &mut Bohb::new(space(), seed, brackets()).unwrap(), score));
        let random = random_median(space, score, goal);
        assert!(bohb * 2.0 <= random, "{} to {goal}: {bohb} against {random}", space());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn tpe_gives_the_same_trials_whenever_it_is_told(
        plain in plain_space(), seed in any::<u64>(), lag in 0_usize..20, batch in 1_u32..10, startup in 1_u32..20,
    ) {
        let (space, expected) = (plain.space(), plain.satisfying().len() as u64);
        prop_assume!(expected > 0);
        let search = || Tpe::with_options(plain.space(), seed, 40, TpeOptions { batch, startup }).unwrap();
        let score = |trial: &Proposal| (!trial.number.is_multiple_of(3)).then_some((trial.number * 7 % 11) as f64);
        let trials = run(&mut search(), 0, score);
        prop_assert_eq!(search().total(), Some(expected.min(40)));
        prop_assert_eq!(trials.len() as u64, expected.min(40));
        prop_assert_eq!(distinct(trials.iter().map(|trial| &trial.params)), trials.len());
        prop_assert!(trials.iter().all(|trial| space.contains(&trial.params) && space.satisfies(&trial.params)));
        prop_assert_eq!(run(&mut search(), lag, score), trials);
    }

    #[test]
    fn learned_points_of_a_continuous_space_are_inside_and_satisfy(
        seed in any::<u64>(), min in -10.0..10.0_f64, width in 0.0..10.0_f64, low in 1e-9..1.0_f64, ratio in 1.0..1e6_f64,
    ) {
        let space = Space::builder().uniform("x", min, min + width).log_uniform("y", low, low * ratio);
        let space = space.stepped("z", min, min + width, 0.7).int("n", 1, 99, 7).int("m", 1, 99, 7).less("n", "m");
        let space = space.build().unwrap();
        let trials = run(&mut Tpe::new(space.clone(), seed, 32).unwrap(), 0, |trial| trial.params.float("x").ok());
        prop_assert_eq!(trials.len(), 32);
        prop_assert!(trials.iter().all(|trial| space.contains(&trial.params) && space.satisfies(&trial.params)));
    }
}

#[test]
fn a_batch_waits_for_the_one_before() {
    let mut search = Tpe::new(square(), 1, 100).unwrap();
    assert!(matches!(search.ask().unwrap(), Asked::Trials(trials) if trials.len() == 16));
    assert_eq!(search.ask().unwrap(), Asked::Wait);
    for number in 0..16 {
        search.tell(Told { number, score: None }).unwrap();
    }
    assert!(matches!(search.ask().unwrap(), Asked::Trials(trials) if trials.len() == 8));
}

#[test]
fn failures_are_where_tpe_looks_least() {
    let half = |trial: &Proposal| bowl(trial).filter(|_| trial.params.float("x").unwrap() < 0.5);
    let trials = run(&mut Tpe::new(square(), 2, 200).unwrap(), 0, half);
    let failed = trials[100..].iter().filter(|trial| half(trial).is_none()).count();
    assert!(failed < 20, "{failed} of the last 100 trials failed");
}

#[test]
fn tpe_goes_on_when_every_trial_fails() {
    assert_eq!(run(&mut Tpe::new(mixed(), 3, 100).unwrap(), 0, |_| None).len(), 100);
}

#[test]
fn constraints_that_nothing_satisfies_are_an_error_of_every_search() {
    let space = || Space::builder().int("n", 1, 9, 1).require("n>9").build().unwrap();
    assert!(Tpe::new(space(), 1, 10).unwrap().ask().is_err());
    assert!(Bohb::new(space(), 1, Brackets::default()).unwrap().ask().is_err());
}

#[test]
fn tpe_without_trials_or_batches_is_refused() {
    assert!(Tpe::new(square(), 1, 0).is_err());
    assert!(Tpe::with_options(square(), 1, 9, TpeOptions { batch: 0, startup: 9 }).is_err());
    assert!(Tpe::with_options(square(), 1, 9, TpeOptions { batch: 8, startup: 0 }).is_err());
}

#[test]
fn tpe_takes_spaces_of_one_point_and_of_a_trillion() {
    let one = Space::builder().fixed("n", 20).build().unwrap();
    assert_eq!(run(&mut Tpe::new(one, 1, 100).unwrap(), 0, |_| None).len(), 1);
    let axes = ["a", "b", "c", "d"].into_iter();
    let many =
        axes.fold(Space::builder(), |builder, name| builder.int(name, 1, 1000, 1)).less("a", "b").build();
    let score = |trial: &Proposal| trial.params.float("a").ok();
    let trials = run(&mut Tpe::new(many.unwrap(), 1, 100).unwrap(), 0, score);
    assert_eq!(distinct(trials.iter().map(|trial| &trial.params)), 100);
}

#[test]
fn a_seed_names_the_same_learned_trials_in_every_release() {
    let trials = run(&mut Tpe::new(mixed(), 42, 25).unwrap(), 0, mixture);
    assert_eq!(trials[24].params.to_string(), "kind=ema rate=0.0029144011149966073 x=0.6452130280223316");
}
