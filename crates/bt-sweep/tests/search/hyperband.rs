use bt_sweep::search::{Asked, Bohb, Brackets, Hyperband, Search, SuccessiveHalving, Told};
use bt_sweep::{Proposal, Space};
use proptest::prelude::*;

use crate::oracle::{distinct, plain_space, run};

fn line() -> Space {
    Space::builder().uniform("x", 0.0, 1.0).build().unwrap()
}

/// A score that depends on point and share, with failures and ties among them.
fn score(trial: &Proposal) -> Option<f64> {
    let text = format!("{} {}", trial.params, trial.fidelity);
    let hash = text.bytes().fold(7_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash % 5 != 0).then_some((hash % 13) as f64)
}

#[test]
fn brackets_are_those_of_the_papers_table() {
    let brackets = Brackets { min_fidelity: 1.0 / 81.0, ..Brackets::default() };
    let rungs = brackets.rungs().unwrap();
    let counts: Vec<Vec<u64>> =
        rungs.iter().map(|bracket| bracket.iter().map(|rung| rung.0).collect()).collect();
    assert_eq!(counts, [vec![81, 27, 9, 3, 1], vec![34, 11, 3, 1], vec![15, 5, 1], vec![8, 2], vec![5]]);
    let of_81 =
        |bracket: &Vec<(u64, f64)>| bracket.iter().map(|rung| (rung.1 * 81.0).round() as u64).collect();
    let shares: Vec<Vec<u64>> = rungs.iter().map(of_81).collect();
    assert_eq!(shares, [vec![1, 3, 9, 27, 81], vec![3, 9, 27, 81], vec![9, 27, 81], vec![27, 81], vec![81]]);
    assert!(rungs.iter().all(|bracket| bracket.last().unwrap().1 == 1.0));
}

#[test]
fn a_share_between_two_powers_means_the_larger() {
    let first = |min_fidelity| Brackets { min_fidelity, ..Brackets::default() }.rungs().unwrap()[0][0].1;
    assert_eq!([first(1.0), first(0.5), first(0.1), first(1.0 / 27.0)], [1.0, 1.0, 1.0 / 9.0, 1.0 / 27.0]);
}

#[test]
fn brackets_that_are_none_are_refused() {
    let refusal = |brackets: Brackets| Hyperband::new(line(), 1, brackets).unwrap_err().to_string();
    let usual = Brackets::default;
    for min_fidelity in [0.0, -1.0, 1.5, f64::NAN, f64::INFINITY] {
        assert!(refusal(Brackets { min_fidelity, ..usual() }).contains("share of the data"));
    }
    assert!(refusal(Brackets { eta: 1, ..usual() }).contains("eta"));
    for rounds in [0, 10_001, u32::MAX] {
        assert!(refusal(Brackets { rounds, ..usual() }).contains("1 to 10000"));
    }
    assert!(SuccessiveHalving::new(line(), 1, 0, 0.1, 3).is_err());
    let message = SuccessiveHalving::new(line(), 1, u64::MAX, 0.1, 3).unwrap_err().to_string();
    assert!(message.contains("18446744073709551615") && message.contains("at most 10000000"), "{message}");
    assert!(SuccessiveHalving::new(line(), 1, 9, 0.1, 0).is_err());
}

/// Checks a run against the rungs that it should have: their sizes, their shares, and that the best of one make up the next.
fn check_rungs(rungs: &[Vec<(u64, f64)>], trials: &[Proposal], available: u64) {
    let mut rest = trials;
    for bracket in rungs {
        let mut going_on: Option<Vec<&Proposal>> = None;
        for &(points, fidelity) in bracket {
            let points = points.min(available) as usize;
            let (rung, after) = rest.split_at(points);
            assert!(rung.iter().all(|trial| trial.fidelity == fidelity));
            if let Some(mut best) = going_on {
                best.truncate(points);
                let params: Vec<_> = best.iter().map(|trial| &trial.params).collect();
                assert_eq!(rung.iter().map(|trial| &trial.params).collect::<Vec<_>>(), params);
            }
            let mut ranked: Vec<&Proposal> = rung.iter().collect();
            ranked.sort_by_key(|trial| (score(trial).map_or(i64::MAX, |score| -score as i64), trial.number));
            (going_on, rest) = (Some(ranked), after);
        }
    }
    assert!(rest.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_best_of_a_rung_go_on(
        plain in plain_space(), seed in any::<u64>(), lag in 0_usize..40, eta in 2_u32..5, parts in 1_u32..30, learns: bool,
    ) {
        let available = plain.satisfying().len() as u64;
        prop_assume!(available > 0);
        let (space, brackets) = (plain.space(), Brackets { min_fidelity: 1.0 / f64::from(parts), eta, rounds: 1 });
        let rungs = brackets.rungs().unwrap();
        let search = || -> Box<dyn Search> {
            match learns {
                true => Box::new(Bohb::new(plain.space(), seed, brackets.clone()).unwrap()),
                false => Box::new(Hyperband::new(plain.space(), seed, brackets.clone()).unwrap()),
            }
        };
        let total = search().total();
        let trials = run(&mut *search(), 0, score);
        prop_assert_eq!(total, Some(trials.len() as u64));
        prop_assert!(trials.iter().all(|trial| space.contains(&trial.params) && space.satisfies(&trial.params)));
        check_rungs(&rungs, &trials, available);
        prop_assert_eq!(run(&mut *search(), lag, score), trials);
    }

    #[test]
    fn halving_goes_from_many_points_to_all_of_the_data(seed in any::<u64>(), points in 1_u64..60, eta in 2_u32..5) {
        let mut search = SuccessiveHalving::new(line(), seed, points, 0.02, eta).unwrap();
        let total = search.total();
        let trials = run(&mut search, 3, score);
        prop_assert_eq!(total, Some(trials.len() as u64));
        prop_assert_eq!(trials.last().unwrap().fidelity, 1.0);
        let first = trials.iter().take_while(|trial| trial.fidelity == trials[0].fidelity);
        let first: Vec<_> = first.map(|trial| &trial.params).collect();
        prop_assert_eq!((first.len(), distinct(first)), (points as usize, points as usize));
    }
}

#[test]
fn a_rung_waits_for_the_one_before() {
    let mut search = SuccessiveHalving::new(line(), 1, 9, 1.0 / 9.0, 3).unwrap();
    assert!(matches!(search.ask().unwrap(), Asked::Trials(trials) if trials.len() == 9));
    for number in 0..9 {
        assert_eq!(search.ask().unwrap(), Asked::Wait);
        search.tell(Told { number, score: Some(number as f64) }).unwrap();
    }
    assert!(matches!(search.ask().unwrap(), Asked::Trials(trials) if trials.len() == 3));
    assert!(search.tell(Told { number: 10, score: None }).is_err());
}

#[test]
fn spaces_of_one_point_and_of_a_trillion_have_brackets() {
    let one = Space::builder().fixed("n", 20).build().unwrap();
    let axes = ["a", "b", "c", "d"].into_iter();
    let many = axes
        .fold(Space::builder(), |builder, name| builder.int(name, 1, 1000, 1))
        .less("a", "b")
        .build()
        .unwrap();
    for learns in [false, true] {
        let count = |space: &Space| match learns {
            true => run(&mut Bohb::new(space.clone(), 1, Brackets::default()).unwrap(), 0, score).len(),
            false => run(&mut Hyperband::new(space.clone(), 1, Brackets::default()).unwrap(), 0, score).len(),
        };
        assert_eq!(count(&one), 4 + 3 + 2 + 1);
        assert_eq!(count(&many), (27 + 9 + 3 + 1) + (12 + 4 + 1) + (6 + 2) + 4);
    }
}

#[test]
fn rounds_go_through_all_brackets_again() {
    let brackets = Brackets { rounds: 3, ..Brackets::default() };
    let once = Hyperband::new(line(), 1, Brackets::default()).unwrap().total().unwrap();
    assert_eq!(Bohb::new(line(), 1, brackets).unwrap().total(), Some(3 * once));
}
