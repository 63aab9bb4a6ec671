//! What the best trials are, said naively.

use bt_sweep::{Direction, Objective, TrialKey, TrialRecord};

/// The records in the order of the table.
pub(crate) fn sorted(records: &[TrialRecord]) -> Vec<TrialRecord> {
    let mut sorted = records.to_vec();
    sorted.sort_by(|a, b| {
        let by_place = a.part.cmp(&b.part).then(a.number.cmp(&b.number));
        by_place.then(a.fidelity.partial_cmp(&b.fidelity).unwrap()).then(a.key.cmp(&b.key))
    });
    sorted
}

/// The keys of the `n` best of the largest fidelity: again and again the first that none surpasses.
pub(crate) fn top(n: usize, records: &[TrialRecord], objective: &Objective) -> Vec<TrialKey> {
    let metric = if objective.metric == "sharpe" { 0 } else { 1 };
    let done = sorted(records).into_iter().filter(|record| !record.outcome.metrics.is_empty());
    let mut left: Vec<TrialRecord> = done.collect();
    let largest = left.iter().map(|record| record.fidelity).fold(0.0, f64::max);
    left.retain(|record| record.fidelity == largest && !record.outcome.metrics[metric].is_nan());
    let mut best = Vec::new();
    while best.len() < n && !left.is_empty() {
        let value = |record: &TrialRecord| record.outcome.metrics[metric];
        let is_surpassed = |record: &TrialRecord| {
            left.iter().any(|other| match objective.direction {
                Direction::Maximize => value(other) > value(record),
                Direction::Minimize => value(other) < value(record),
            })
        };
        let at = left.iter().position(|record| !is_surpassed(record)).unwrap();
        best.push(left.remove(at).key);
    }
    best
}
