use bt_sweep::search::{Asked, Grid, Points, Search, Told};
use bt_sweep::{Error, Space};
use proptest::prelude::*;

use crate::oracle::{plain_space, run, values};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_grid_is_every_satisfying_point_once_in_order(plain in plain_space(), lag in 0_usize..50) {
        let expected = plain.satisfying();
        let mut grid = Grid::new(plain.space()).unwrap();
        prop_assert_eq!(grid.total(), Some(expected.len() as u64));
        if expected.is_empty() {
            prop_assert!(grid.ask().unwrap_err().to_string().contains("constraints"));
        } else {
            let trials = run(&mut grid, lag, |_| None);
            prop_assert_eq!(trials.iter().map(|trial| values(&trial.params)).collect::<Vec<_>>(), expected);
            prop_assert!(trials.iter().all(|trial| trial.fidelity == 1.0));
        }
    }
}

fn trillion() -> Space {
    let axes = ["a", "b", "c", "d"].into_iter();
    axes.fold(Space::builder(), |builder, name| builder.int(name, 1, 1000, 1)).build().unwrap()
}

#[test]
fn a_grid_beyond_the_limit_is_refused_with_its_size() {
    let message = Grid::new(trillion()).unwrap_err().to_string();
    assert!(message.contains("1000000000000 points") && message.contains("at most 10000000"), "{message}");
    assert!(message.contains("random search"), "{message}");
    let mut grid = Grid::with_limit(trillion(), u64::MAX).unwrap();
    assert_eq!(grid.total(), Some(1_000_000_000_000));
    assert!(matches!(grid.ask().unwrap(), Asked::Trials(trials) if trials.len() == 1024));
}

#[test]
fn a_continuous_parameter_is_refused_by_name() {
    let space = Space::builder().int("n", 1, 2, 1).uniform("band", 0.0, 1.0).build().unwrap();
    let message = Grid::new(space).unwrap_err().to_string();
    assert!(message.contains("band=0.0..1.0") && message.contains("random search"), "{message}");
}

#[test]
fn a_grid_of_one_point_has_one_trial() {
    let space = Space::builder().fixed("n", 20).fixed("kind", "sma").build().unwrap();
    let trials = run(&mut Grid::new(space).unwrap(), 0, |_| None);
    assert_eq!(trials.iter().map(|trial| trial.params.to_string()).collect::<Vec<_>>(), ["n=20 kind=sma"]);
}

#[test]
fn beyond_a_million_points_constraints_leave_the_total_open() {
    let space = Space::builder().int("a", 1, 2000, 1).int("b", 1, 1000, 1).less("a", "b").build().unwrap();
    assert_eq!(Grid::new(space).unwrap().total(), None);
}

#[test]
fn a_trial_told_out_of_turn_is_refused() {
    let mut grid = Grid::new(Space::builder().int("a", 1, 3, 1).build().unwrap()).unwrap();
    let told = |number| Told { number, score: None };
    assert!(matches!(grid.tell(told(0)), Err(Error::Mismatch { .. })));
    grid.ask().unwrap();
    assert!(grid.tell(told(1)).unwrap_err().to_string().contains("found 1, expected 0"));
    grid.tell(told(0)).unwrap();
    assert!(grid.tell(told(0)).is_err());
}

#[test]
fn given_points_come_in_their_order() {
    let space = Space::builder().int("a", 1, 3000, 1).build().unwrap();
    let points: Vec<_> = (0..3000).rev().map(|at| space.point(at).unwrap()).collect();
    let mut search = Points::new(space.names(), points.clone()).unwrap();
    assert_eq!(search.total(), Some(3000));
    let trials = run(&mut search, 7, |_| None);
    assert_eq!(trials.into_iter().map(|trial| trial.params).collect::<Vec<_>>(), points);
    let shorter = Points::new(space.names(), points[1..].to_vec()).unwrap();
    assert_ne!(search.describe(), shorter.describe());
}

#[test]
fn points_with_other_parameters_are_refused() {
    let (a, b) =
        (Space::builder().fixed("a", 1).build().unwrap(), Space::builder().fixed("b", 1).build().unwrap());
    let error = Points::new(a.names(), [a.point(0).unwrap(), b.point(0).unwrap()]).unwrap_err();
    assert!(error.to_string().contains("point 1"), "{error}");
    assert!(Points::new(a.names(), []).is_err());
}
