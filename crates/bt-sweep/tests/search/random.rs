use bt_sweep::search::{RandomSearch, Search};
use bt_sweep::{Domain, Space};
use proptest::prelude::*;

use crate::oracle::{distinct, plain_space, run};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_small_space_is_drawn_from_without_putting_back(
        plain in plain_space(), seed in any::<u64>(), trials in 1_u64..2000,
    ) {
        let (space, expected) = (plain.space(), plain.satisfying().len() as u64);
        let mut search = RandomSearch::new(space.clone(), seed, trials).unwrap();
        prop_assert_eq!(search.total(), Some(expected.min(trials)));
        if expected == 0 {
            prop_assert!(search.ask().is_err());
        } else {
            let found = run(&mut search, 0, |_| None);
            prop_assert_eq!(found.len() as u64, expected.min(trials));
            prop_assert_eq!(distinct(found.iter().map(|trial| &trial.params)), found.len());
            prop_assert!(found.iter().all(|trial| space.contains(&trial.params) && space.satisfies(&trial.params)));
        }
    }

    #[test]
    fn points_of_a_continuous_space_are_inside_and_satisfy(
        seed in any::<u64>(), min in -10.0..10.0_f64, width in 0.0..10.0_f64, low in 1e-9..1.0_f64, ratio in 1.0..1e6_f64,
    ) {
        let space = Space::builder()
            .uniform("x", min, min + width)
            .log_uniform("y", low, low * ratio)
            .int("n", 1, 100, 3)
            .int("m", 1, 100, 3)
            .less("n", "m")
            .build()
            .unwrap();
        let found = run(&mut RandomSearch::new(space.clone(), seed, 20).unwrap(), 0, |_| None);
        prop_assert_eq!(found.len(), 20);
        prop_assert!(found.iter().all(|trial| space.contains(&trial.params) && space.satisfies(&trial.params)));
    }

    #[test]
    fn a_seed_names_its_trials_whatever_is_told_and_when(plain in plain_space(), seed in any::<u64>(), lag in 0_usize..3000) {
        prop_assume!(!plain.satisfying().is_empty());
        let search = || RandomSearch::new(plain.space(), seed, 50).unwrap();
        let told = run(&mut search(), 0, |_| None);
        prop_assert_eq!(told, run(&mut search(), lag, |trial| Some(trial.number as f64)));
    }
}

#[test]
fn a_space_of_a_trillion_points_is_drawn_from() {
    let axes = ["a", "b", "c", "d"].into_iter();
    let space = axes.fold(Space::builder(), |builder, name| builder.int(name, 1, 1000, 1)).less("a", "b");
    let mut search = RandomSearch::new(space.build().unwrap(), 3, 5000).unwrap();
    assert_eq!(search.total(), Some(5000));
    let found = run(&mut search, 0, |_| None);
    assert_eq!((found.len(), distinct(found.iter().map(|trial| &trial.params))), (5000, 5000));
}

#[test]
fn a_space_of_one_point_gives_it_once() {
    let space = Space::builder().fixed("n", 20).build().unwrap();
    assert_eq!(run(&mut RandomSearch::new(space, 3, 100).unwrap(), 0, |_| None).len(), 1);
}

#[test]
fn a_seed_names_the_same_trials_in_every_release() {
    let space = Space::builder().int("n", 1, 1000, 1).uniform("x", 0.0, 1.0).log_uniform("y", 1e-4, 1e-1);
    let space = space.choice("kind", ["sma", "ema"]).build().unwrap();
    let found = run(&mut RandomSearch::new(space, 42, 2).unwrap(), 0, |_| None);
    let texts: Vec<String> = found.iter().map(|trial| trial.params.to_string()).collect();
    // As a few lines of another language computed them from the description of the generator.
    let expected = [
        "n=117 x=0.2173725234085081 y=0.003658335480969781 kind=sma",
        "n=950 x=0.7682187975400944 y=0.017756324207557923 kind=sma",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn other_seeds_give_other_trials() {
    let space =
        || Space::builder().parameter("n", Domain::Int { min: 0, max: i64::MAX, step: 1 }).build().unwrap();
    let found = |seed| run(&mut RandomSearch::new(space(), seed, 3).unwrap(), 0, |_| None);
    assert!((0..100).all(|seed| found(seed) != found(seed + 1)));
}

#[test]
fn draws_are_spread_over_the_logarithm() {
    let space = Space::builder().log_uniform("y", 1e-4, 1e-1).build().unwrap();
    let found = run(&mut RandomSearch::new(space, 5, 3000).unwrap(), 0, |_| None);
    let below = |limit: f64| found.iter().filter(|trial| trial.params.float("y").unwrap() < limit).count();
    assert!((900..1100).contains(&below(1e-3)) && (1900..2100).contains(&below(1e-2)));
}

#[test]
fn constraints_that_nothing_satisfies_are_an_error_and_no_endless_loop() {
    let space = Space::builder().uniform("x", 0.0, 1.0).require("x>2").build().unwrap();
    let message = RandomSearch::new(space, 1, 10).unwrap().ask().unwrap_err().to_string();
    assert!(message.contains("x>2") && message.contains("1000000 random points"), "{message}");
    let space = Space::builder().int("n", 1, 9, 1).require("n>9").build().unwrap();
    let message = RandomSearch::new(space, 1, 10).unwrap().ask().unwrap_err().to_string();
    assert!(message.contains("one of its 9 points"), "{message}");
    let space = Space::builder().int("n", 1, 9, 1).build().unwrap();
    assert!(RandomSearch::new(space, 1, 0).is_err());
}
