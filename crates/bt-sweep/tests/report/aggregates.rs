use bt_sweep::report::{MAX_BINS, MAX_SAMPLED, MAX_TOP, Parameter, Summarizer, TrialSummary};
use bt_sweep::{Direction, Error, Objective, Status, Value};
use proptest::prelude::*;

use crate::oracle::{self, Trial};

const OBJECTIVE: usize = 1;

fn parameters() -> Vec<Parameter> {
    vec![
        Parameter::of_values("fast", [20, 5, 10]),
        Parameter::of_range("stop", 0.0, 40.0, false),
        Parameter::of_values("price", ["open", "close"]),
    ]
}

fn metrics() -> Vec<String> {
    ["return", "sharpe", "trades"].map(String::from).into()
}

fn metric() -> impl Strategy<Value = f64> {
    // Few values, so that ties are frequent, and quarters, so that sums are exact in any order.
    prop_oneof![
        8 => (-8..8_i32).prop_map(|quarters| f64::from(quarters) / 4.0),
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0)],
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        8 => Just(Status::Done),
        1 => (0..3).prop_map(|kind| Status::Failed(format!("kind {kind}"))),
        1 => Just(Status::Deadline),
    ]
}

prop_compose! {
    fn trial()(
        fast in prop_oneof![Just(5_i64), Just(10), Just(20)],
        stop in 0..40_i32,
        price in prop_oneof![Just("open"), Just("close")],
        fold in 0..3_u32,
        fidelity in prop_oneof![4 => Just(1.0), 1 => Just(0.25)],
        status in status(),
        metrics in prop::collection::vec(metric(), 3),
        worker in 0..3_u32,
        started_us in 0..3000_u64,
        took_us in 0..400_u64,
    ) -> Trial {
        // The middle of a cell: where its border lies is for rounding to say.
        let params = vec![Value::Int(fast), Value::Float(f64::from(stop) + 0.5), price.into()];
        Trial { number: 0, fold, params, fidelity, status, metrics, worker, started_us, took_us }
    }
}

fn trials(most: usize) -> impl Strategy<Value = Vec<Trial>> {
    (prop::collection::vec(trial(), 0..most), any::<bool>()).prop_map(|(mut trials, folds)| {
        for (number, trial) in trials.iter_mut().enumerate() {
            trial.number = (number as u64).wrapping_mul(7) % 1009;
            trial.fold = if folds { trial.fold } else { 0 };
        }
        trials
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Maximize), Just(Direction::Minimize)]
}

fn summary<'a>(trials: impl IntoIterator<Item = &'a Trial>, direction: Direction) -> TrialSummary {
    let objective = Objective { metric: "sharpe".into(), direction };
    let mut summarizer = Summarizer::new(&parameters(), &metrics(), objective).unwrap();
    trials.into_iter().for_each(|trial| summarizer.add(&trial.row()).unwrap());
    summarizer.finish()
}

fn same(a: f32, b: f32) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// The plotted trials that lie in a cell of an axis, found by the cell's label.
fn in_cell<'a>(summary: &TrialSummary, trials: &[&'a Trial], axis: usize, cell: usize) -> Vec<&'a Trial> {
    let label = &summary.axes[axis].labels[cell];
    let lies = |trial: &&&Trial| match trial.value(axis) {
        Value::Float(value) => {
            let (low, high) = label.split_once(" – ").unwrap();
            (low.parse().unwrap()..high.parse().unwrap()).contains(&value)
        }
        value => value.to_string() == *label,
    };
    trials.iter().filter(lies).copied().collect()
}

fn check_heatmaps(summary: &TrialSummary, trials: &[&Trial], direction: Direction) {
    let axes = summary.axes.len();
    assert_eq!(summary.heatmaps.len(), axes * (axes - 1) / 2, "one for each pair");
    for map in &summary.heatmaps {
        assert_eq!(map.layers.len(), 3);
        let width = summary.axes[map.x].len();
        assert_eq!(map.trials.0.len(), width * summary.axes[map.y].len());
        for x in 0..width {
            let column = in_cell(summary, trials, map.x, x);
            for y in 0..summary.axes[map.y].len() {
                let (cell, at) = (in_cell(summary, &column, map.y, y), y * width + x);
                assert_eq!(map.trials.0[at] as usize, cell.len());
                let best = oracle::ranked(&cell, OBJECTIVE, direction).first().copied();
                for layer in &map.layers {
                    let expected = best.map_or(f32::NAN, |trial| trial.metrics[layer.metric] as f32);
                    assert!(same(layer.best.0[at], expected), "{} is not {expected}", layer.best.0[at]);
                    assert!(same(layer.mean.0[at], oracle::mean(&cell, layer.metric)));
                }
            }
        }
    }
}

fn check_marginals(summary: &TrialSummary, trials: &[&Trial]) {
    assert_eq!(summary.marginals.len(), 3 * summary.axes.len());
    for marginal in &summary.marginals {
        for cell in 0..summary.axes[marginal.axis].len() {
            let within = in_cell(summary, trials, marginal.axis, cell);
            assert_eq!(marginal.trials.0[cell] as usize, oracle::finite(&within, marginal.metric).len());
            let five = &marginal.five.0[5 * cell..5 * cell + 5];
            let expected = oracle::five(&within, marginal.metric);
            assert!(five.iter().zip(expected).all(|(a, b)| same(*a, b)), "{five:?} is not {expected:?}");
        }
    }
}

fn check_slices(summary: &TrialSummary, trials: &[&Trial], direction: Direction) {
    let slices = summary.slices.as_ref().unwrap();
    let mut undefined: Vec<&Trial> =
        trials.iter().copied().filter(|trial| trial.metrics[OBJECTIVE].is_nan()).collect();
    undefined.sort_by_key(|trial| (trial.fold, trial.number));
    let mut trials = oracle::ranked(trials, OBJECTIVE, direction);
    trials.extend(undefined);
    assert_eq!(slices.metrics[0].metric, OBJECTIVE, "the objective comes first");
    for (axis, cells) in slices.cells.iter().enumerate() {
        assert_eq!(cells.0.len(), trials.len());
        for (trial, cell) in trials.iter().zip(&cells.0) {
            assert_eq!(in_cell(summary, &[trial], axis, usize::from(*cell)).len(), 1);
        }
    }
    for column in &slices.metrics {
        let expected = trials.iter().map(|trial| trial.metrics[column.metric] as f32);
        assert!(column.values.0.iter().zip(expected).all(|(a, b)| same(*a, b)));
    }
}

fn check_counts(summary: &TrialSummary, trials: &[Trial]) {
    let count = |wanted: &dyn Fn(&Trial) -> bool| trials.iter().filter(|trial| wanted(trial)).count() as u64;
    let counts = &summary.counts;
    assert_eq!(counts.total, trials.len() as u64);
    assert_eq!(counts.done, count(&|trial| trial.status == Status::Done));
    assert_eq!(counts.deadline, count(&|trial| trial.status == Status::Deadline));
    assert_eq!(counts.failed, counts.total - counts.done - counts.deadline);
    assert_eq!(counts.plotted, count(&Trial::is_plotted));
    assert_eq!(counts.undefined, count(&|trial| trial.is_plotted() && trial.metrics[OBJECTIVE].is_nan()));
    for rung in &summary.rungs {
        let same = |trial: &Trial| trial.status == Status::Done && trial.fidelity == rung.fidelity;
        assert_eq!(rung.trials, count(&same));
    }
    for failure in &summary.failures {
        let same = |trial: &Trial| trial.status == Status::Failed(failure.message.clone());
        assert_eq!(failure.trials, count(&same));
        let first = trials.iter().filter(|trial| same(trial)).map(|trial| trial.number).min();
        assert_eq!(Some(failure.first), first);
    }
    assert_eq!(summary.failures.iter().map(|failure| failure.trials).sum::<u64>(), counts.failed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn aggregates_are_those_of_a_naive_count(trials in trials(60), direction in direction()) {
        let summary = summary(&trials, direction);
        let plotted: Vec<&Trial> = trials.iter().filter(|trial| trial.is_plotted()).collect();
        let folds = plotted.iter().any(|trial| trial.fold != plotted[0].fold);
        prop_assert_eq!(summary.axes.len(), if folds { 4 } else { 3 });
        check_counts(&summary, &trials);
        check_heatmaps(&summary, &plotted, direction);
        check_marginals(&summary, &plotted);
        check_slices(&summary, &plotted, direction);
    }

    #[test]
    fn the_best_trials_are_listed_in_order(trials in trials(150), direction in direction()) {
        let summary = summary(&trials, direction);
        let plotted: Vec<&Trial> = trials.iter().filter(|trial| trial.is_plotted()).collect();
        let expected: Vec<(u32, u64)> = oracle::ranked(&plotted, OBJECTIVE, direction)
            .into_iter()
            .take(MAX_TOP)
            .map(|trial| (trial.fold, trial.number))
            .collect();
        let listed: Vec<(u32, u64)> = summary.top.iter().map(|trial| (trial.fold, trial.number)).collect();
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn trials_may_come_in_any_order(trials in trials(60), direction in direction()) {
        let (forth, back) = (summary(&trials, direction), summary(trials.iter().rev(), direction));
        prop_assert_eq!(format!("{:?}", forth.heatmaps), format!("{:?}", back.heatmaps));
        prop_assert_eq!(format!("{:?}", forth.marginals), format!("{:?}", back.marginals));
        prop_assert_eq!(format!("{:?}", forth.slices), format!("{:?}", back.slices));
        prop_assert_eq!(format!("{:?}", forth.top), format!("{:?}", back.top));
        prop_assert_eq!(forth.failures, back.failures);
        prop_assert_eq!(forth.time_line, back.time_line);
    }

    #[test]
    fn the_time_line_is_that_of_counted_microseconds(trials in trials(40)) {
        let line = summary(&trials, Direction::Maximize).time_line;
        for lane in &line.lanes {
            let own: Vec<&Trial> = trials.iter().filter(|trial| trial.worker == lane.worker).collect();
            prop_assert_eq!(lane.trials as usize, own.len());
            prop_assert_eq!(lane.busy_us, own.iter().map(|trial| trial.took_us).sum::<u64>());
            prop_assert!(lane.busy.0.len() <= MAX_BINS);
            let expected = oracle::busy(&own, line.width_us, lane.busy.0.len());
            for (share, busy) in lane.busy.0.iter().zip(expected) {
                let exact = busy.min(line.width_us) as f64 / line.width_us as f64;
                prop_assert!((f64::from(*share) / 255.0 - exact).abs() < 1.0 / 500.0);
            }
        }
    }
}

/// A trial like any other.
fn plain() -> Trial {
    Trial {
        number: 0,
        fold: 0,
        params: vec![Value::Int(5), Value::Float(1.0), "open".into()],
        fidelity: 1.0,
        status: Status::Done,
        metrics: vec![0.0; 3],
        worker: 0,
        started_us: 0,
        took_us: 0,
    }
}

#[test]
fn a_sample_of_many_trials_is_spread_over_all_of_them() {
    let trials: Vec<Trial> = (0..10_000).map(|number| Trial { number, ..plain() }).collect();
    let sample = summary(&trials, Direction::Maximize).sample;
    assert!((MAX_SAMPLED / 2..=MAX_SAMPLED).contains(&sample.len()), "{}", sample.len());
    for (group, trial) in (0..).zip(&sample) {
        assert_eq!(trial.number / 32, group, "one of each 32");
    }
    // Every n-th trial of a grid would leave out most values of its last parameter.
    for values in [2, 4, 10, 32] {
        let met: std::collections::BTreeSet<u64> = sample.iter().map(|trial| trial.number % values).collect();
        assert_eq!(met.len() as u64, values, "of {values} values of the last parameter");
    }
}

#[test]
fn a_time_line_reaches_as_far_as_a_clock_does() {
    let trial = |worker, started_us, took_us| Trial {
        status: Status::Deadline,
        metrics: Vec::new(),
        worker,
        started_us,
        took_us,
        ..plain()
    };
    let line = summary(&[trial(0, 0, 10), trial(7, u64::MAX - 5, u64::MAX)], Direction::Maximize).time_line;
    assert_eq!((line.end_us, line.lanes.len()), (u64::MAX, 2));
    assert!(line.lanes.iter().all(|lane| lane.busy.0.len() <= MAX_BINS));
}

#[test]
fn rows_that_do_not_fit_are_refused_and_not_counted() {
    let mut summarizer = Summarizer::new(&parameters(), &metrics(), Objective::maximize("sharpe")).unwrap();
    let good = plain();
    let short = Trial { metrics: vec![0.0; 2], ..good.clone() };
    assert!(matches!(summarizer.add(&short.row()), Err(Error::Mismatch { .. })));
    let few = Trial { params: Vec::new(), ..good.clone() };
    assert!(matches!(summarizer.add(&few.row()), Err(Error::Mismatch { .. })));
    let foreign = Trial { params: vec![Value::Int(6), Value::Float(1.0), "open".into()], ..good.clone() };
    let message = summarizer.add(&foreign.row()).unwrap_err().to_string();
    assert_eq!(message, "parameter fast = 6 is out of range; allowed: one of 5, 10, 20");
    summarizer.add(&good.row()).unwrap();
    assert_eq!(summarizer.finish().counts.total, 1);
}

#[test]
fn an_objective_that_is_no_metric_is_refused() {
    let error = Summarizer::new(&parameters(), &metrics(), Objective::maximize("sharp")).unwrap_err();
    assert!(error.to_string().contains("did you mean sharpe?"));
}
