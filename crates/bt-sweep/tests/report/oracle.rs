//! What a report shows, computed the slow and obvious way.

use bt_sweep::report::TrialRow;
use bt_sweep::{Direction, Status, Value};

/// A trial that owns what a row borrows.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) number: u64,
    pub(crate) fold: u32,
    pub(crate) params: Vec<Value>,
    pub(crate) fidelity: f64,
    pub(crate) status: Status,
    pub(crate) metrics: Vec<f64>,
    pub(crate) worker: u32,
    pub(crate) started_us: u64,
    pub(crate) took_us: u64,
}

impl Trial {
    pub(crate) fn row(&self) -> TrialRow<'_> {
        TrialRow {
            number: self.number,
            fold: self.fold,
            params: &self.params,
            fidelity: self.fidelity,
            status: &self.status,
            metrics: &self.metrics,
            worker: self.worker,
            started_us: self.started_us,
            took_us: self.took_us,
        }
    }

    /// The value on an axis, the folds' axis after those of the parameters.
    pub(crate) fn value(&self, axis: usize) -> Value {
        self.params.get(axis).cloned().unwrap_or(Value::Int(i64::from(self.fold)))
    }

    pub(crate) fn is_plotted(&self) -> bool {
        self.status == Status::Done && self.fidelity >= 1.0
    }
}

/// The plotted trials with an objective, the best one first.
pub(crate) fn ranked<'a>(trials: &[&'a Trial], objective: usize, direction: Direction) -> Vec<&'a Trial> {
    let mut ranked: Vec<&Trial> =
        trials.iter().copied().filter(|trial| !trial.metrics[objective].is_nan()).collect();
    ranked.sort_by(|a, b| {
        let (x, y) = (a.metrics[objective], b.metrics[objective]);
        let by_score = match direction {
            Direction::Maximize => y.partial_cmp(&x),
            Direction::Minimize => x.partial_cmp(&y),
        };
        by_score.unwrap().then((a.fold, a.number).cmp(&(b.fold, b.number)))
    });
    ranked
}

/// The mean of the finite values; NaN of none.
pub(crate) fn mean(trials: &[&Trial], metric: usize) -> f32 {
    let finite: Vec<f64> = finite(trials, metric);
    (finite.iter().sum::<f64>() / finite.len() as f64) as f32
}

/// Smallest, quartiles, largest of the finite values.
pub(crate) fn five(trials: &[&Trial], metric: usize) -> [f32; 5] {
    let mut finite = finite(trials, metric);
    finite.sort_by(f64::total_cmp);
    [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| {
        let place = (share * finite.len().saturating_sub(1) as f64 + 0.5).floor() as usize;
        finite.get(place).map_or(f32::NAN, |value| *value as f32)
    })
}

pub(crate) fn finite(trials: &[&Trial], metric: usize) -> Vec<f64> {
    trials.iter().map(|trial| trial.metrics[metric]).filter(|value| value.is_finite()).collect()
}

/// The busy time of a worker in each bin of `width`, by counting single microseconds.
pub(crate) fn busy(trials: &[&Trial], width: u64, bins: usize) -> Vec<u64> {
    let mut busy = vec![0; bins];
    for microsecond in trials.iter().flat_map(|trial| trial.started_us..trial.started_us + trial.took_us) {
        busy[(microsecond / width) as usize] += 1;
    }
    busy
}

/// The deepest fall from a peak, as a share of the peak.
pub(crate) fn max_drawdown(equity: impl Iterator<Item = f64>) -> f64 {
    let (mut peak, mut deepest) = (f64::MIN, 0.0_f64);
    for value in equity {
        peak = peak.max(value);
        deepest = deepest.max(1.0 - value / peak);
    }
    deepest
}
