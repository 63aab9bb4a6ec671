//! What is said of the luck in the best trial, where there is little to say.

use bt_sweep::report::{NoPbo, ReportData, deflate, html, summarize};
use bt_sweep::results::Trials;
use bt_sweep::{Block, Names, Objective, Outcome, Params, Status, TrialKey, TrialRecord};

const BARS: u32 = 5;

/// Trials with these sums of returns in each of their blocks.
fn trials(sums: &[Vec<f64>]) -> Trials {
    let names = Names::new(["n"]);
    let record = |(number, sums): (u64, &Vec<f64>)| {
        let block =
            |&sum: &f64| Block { bars: BARS, sum, sum_of_squares: if sum == 0.0 { 0.0 } else { 1.0 } };
        TrialRecord {
            key: TrialKey(u128::from(number).to_le_bytes()),
            number,
            part: 0,
            params: Params::new(&names, [(number as i64).into()]).unwrap(),
            fidelity: 1.0,
            status: Status::Done,
            outcome: Outcome { metrics: vec![1.0, 0.0, 3.0], blocks: sums.iter().map(block).collect() },
            worker: 0,
            started_us: 0,
            took_us: 1,
        }
    };
    let records: Vec<TrialRecord> = (0..).zip(sums).map(record).collect();
    Trials::of_records(&names, &["sharpe", "skewness", "kurtosis"].map(String::from), &records).unwrap()
}

#[test]
fn of_equal_trials_the_probability_of_overfitting_is_undefined_and_the_page_says_why() {
    for sums in [vec![0.5, -0.25, 1.0, 0.125], vec![0.0; 4]] {
        let trials = trials(&vec![sums; 15]);
        let luck = deflate(&trials, &Objective::maximize("sharpe")).unwrap();
        assert_eq!((luck.trials, &luck.pbo, &luck.no_pbo), (15, &None, &Some(NoPbo::NoBest)));
        let mut data =
            ReportData::new(Default::default(), summarize(&trials, &Objective::maximize("sharpe")).unwrap());
        data.overfitting = Some(luck);
        assert!(
            html(&data).contains("in no split of the data two trials have different Sharpe ratios in sample")
        );
    }
}

#[test]
fn where_there_is_no_probability_of_overfitting_there_is_a_reason() {
    let luck = |sums: &[Vec<f64>]| deflate(&trials(sums), &Objective::maximize("sharpe"));
    let odd = luck(&[vec![1.0, 2.0, 3.0], vec![3.0, 2.0, 1.0]]).unwrap();
    let Some(NoPbo::Blocks(reason)) = odd.no_pbo else { panic!("{odd:?}") };
    assert!(reason.starts_with("the number of blocks = 3 is out of range"), "{reason}");
    let many = luck(&vec![vec![0.0, 1.0]; 20_001]).unwrap();
    assert_eq!(many.no_pbo, Some(NoPbo::TooManyTrials { trials: 20_001, most: 20_000 }));
    let fine = luck(&[vec![1.0, 2.0], vec![2.0, 1.0]]).unwrap();
    assert_eq!((fine.no_pbo, fine.pbo.map(|pbo| pbo.splits)), (None, Some(2)));
    assert_eq!(luck(&[vec![1.0, 2.0]]), None);
}
