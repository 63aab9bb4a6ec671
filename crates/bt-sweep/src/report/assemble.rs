//! From a table of trials to what a report shows of them.

use std::collections::HashSet;

use super::packed::clipped;
use super::{Histogram, NoPbo, Overfitting, Parameter, Pbo, Summarizer, TrialRow, TrialSummary};
use crate::folds::Role;
use crate::moments::spread_of_sums;
use crate::overfit::{SharpeEstimate, deflated_sharpe, overfitting, sharpe_variance};
use crate::results::{Trial, Trials};
use crate::{Block, Metric, Objective, Result, Value};

/// The most trials of which the probability of backtest overfitting is computed: beyond, the time would be felt.
const MOST_COMPARED: usize = 20_000;

/// The most characters of a reason, which may list what each block has.
const MAX_REASON: usize = 400;

/// The trials of a sweep. Of a walk-forward those of the trains, by fold, which have other values than validations and tests of
/// the same parameters.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) where the objective is none of the metrics.
pub fn summarize(trials: &Trials, objective: &Objective) -> Result<TrialSummary> {
    let shown = |trial: &Trial<'_>| trial.role() == Role::Train;
    let points: Vec<Vec<Value>> = trials.iter().filter(shown).map(|trial| trial.values().collect()).collect();
    let names = trials.names().as_slice();
    let parameters = Parameter::observed(names, points.iter().map(Vec::as_slice));
    drop(points);
    let mut summarizer = Summarizer::new(&parameters, trials.metric_names(), objective.clone())?;
    for trial in trials.iter().filter(shown) {
        let (params, status): (Vec<Value>, _) = (trial.values().collect(), trial.status());
        summarizer.add(&TrialRow {
            number: trial.number(),
            fold: trial.fold(),
            params: &params,
            fidelity: trial.fidelity(),
            status: &status,
            metrics: trial.metrics(),
            worker: trial.worker(),
            started_us: trial.started_us(),
            took_us: trial.took_us(),
        })?;
    }
    Ok(summarizer.finish())
}

/// What is left of the best trial when the search for it is taken into account; none where fewer than two trials have per-bar
/// returns. Without the deflated Sharpe ratio where the returns of the best trial do not vary or fewer than two have any that do, and
/// without the metrics `sharpe`, `skewness` and `kurtosis`. Without a probability of overfitting where [`NoPbo`] says why.
///
/// The deflated Sharpe ratio counts every trial as independent of the others, which deflates more where they are alike. Points that ran
/// on less data alone count as well: those that ran on all of it were chosen among them.
pub fn deflate(trials: &Trials, objective: &Objective) -> Option<Overfitting> {
    let fidelity = trials.iter().map(Trial::fidelity).fold(0.0, f64::max);
    let compared: Vec<Trial<'_>> = trials
        .iter()
        .filter(|trial| trial.is_done() && trial.fidelity() == fidelity && !trial.blocks().is_empty())
        .collect();
    if compared.len() < 2 {
        return None;
    }
    let tried = points_tried(trials, fidelity, compared.len());
    let (pbo, no_pbo) = match pbo(&compared) {
        Ok(pbo) => (Some(pbo), None),
        Err(reason) => (None, Some(reason)),
    };
    let mut found = Overfitting { trials: tried as u64, pbo, no_pbo, ..Overfitting::default() };
    if let Some((annual, estimate)) = best_sharpe(trials, objective) {
        let sharpes: Vec<f64> = compared.iter().filter_map(|trial| per_bar_sharpe(trial.blocks())).collect();
        let deflated = sharpe_variance(&sharpes)
            .and_then(|variance| deflated_sharpe(&estimate, tried as f64, variance).ok());
        found.sharpe = Some(annual);
        // Both are per bar: their ratio is what makes one annual.
        found.expected_maximum =
            deflated.map(|deflated| deflated.expected_maximum * (annual / estimate.sharpe));
        found.deflated = deflated.map(|deflated| deflated.probability);
    }
    Some(found)
}

/// The Sharpe ratio of the best trial: annual, and per bar with what its error depends on.
fn best_sharpe(trials: &Trials, objective: &Objective) -> Option<(f64, SharpeEstimate)> {
    let best = trials.best(objective).ok()??;
    let metric = |metric: Metric| {
        let at = trials.metric_names().iter().position(|name| name == metric.name())?;
        best.metrics().get(at).copied()
    };
    let (skewness, kurtosis) = (metric(Metric::Skewness)?, metric(Metric::Kurtosis)?);
    let bars = best.blocks().iter().map(|block| block.bars as usize).sum();
    let estimate = SharpeEstimate { sharpe: per_bar_sharpe(best.blocks())?, bars, skewness, kurtosis };
    Some((metric(Metric::Sharpe)?, estimate))
}

/// The trials that are compared, and the points that ran on less data and not on all of it.
fn points_tried(trials: &Trials, fidelity: f64, compared: usize) -> usize {
    let point = |trial: Trial<'_>| trial.values().map(|value| value.to_string()).collect::<Vec<_>>();
    let (whole, parts): (Vec<_>, Vec<_>) =
        trials.iter().filter(Trial::is_done).partition(|trial| trial.fidelity() == fidelity);
    if parts.is_empty() {
        return compared;
    }
    let whole: HashSet<_> = whole.into_iter().map(point).collect();
    let others: HashSet<_> = parts.into_iter().map(point).filter(|point| !whole.contains(point)).collect();
    compared + others.len()
}

fn pbo(trials: &[Trial<'_>]) -> Result<Pbo, NoPbo> {
    if trials.len() > MOST_COMPARED {
        return Err(NoPbo::TooManyTrials { trials: trials.len() as u64, most: MOST_COMPARED as u64 });
    }
    let blocks: Vec<&[Block]> = trials.iter().map(|trial| trial.blocks()).collect();
    let found =
        overfitting(&blocks).map_err(|error| NoPbo::Blocks(clipped(&error.to_string(), MAX_REASON)))?;
    Ok(Pbo {
        probability: found.probability.ok_or(NoPbo::NoBest)?,
        splits: found.logits.len() as u64,
        logits: Some(Histogram::around_zero(&found.logits)),
    })
}

/// Mean over standard deviation, with n − 1, of the returns; none where they do not vary.
fn per_bar_sharpe(blocks: &[Block]) -> Option<f64> {
    let bars: f64 = blocks.iter().map(|block| f64::from(block.bars)).sum();
    let sum: f64 = blocks.iter().map(|block| block.sum).sum();
    let squares: f64 = blocks.iter().map(|block| block.sum_of_squares).sum();
    let spread = spread_of_sums(bars, sum, squares).filter(|_| bars > 1.0)?;
    Some(sum / bars / (spread / (bars * (bars - 1.0))).sqrt())
}
