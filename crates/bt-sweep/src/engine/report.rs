//! What a sweep came to, as a report.

use std::ops::Range;

use bt_core::{BarClock, Field, Timestamp};

use crate::engine::job::Scope;
use crate::engine::{Engine, FoldResult, Progress, Returns, Sweep, SweepResult, WalkForwardResult};
use crate::report::{self, Curve, Facts, ReportData, Span, Unfinished};
use crate::results::{Trial, Trials};
use crate::{Params, Result, Stop, TrialView, missing_returns};

/// How many of the best trials have their equity drawn.
const CURVES: usize = 5;

impl Engine {
    /// The report of a sweep. The best trials run once more, for their curves.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn report(&self, sweep: &Sweep, search: &str, result: &SweepResult) -> Result<ReportData> {
        let sweep = &Sweep { version: Some(result.version), ..sweep.clone() };
        let (scope, clock) = (self.scope(sweep)?, self.bar_clock(sweep)?);
        let mut data = self.report_of_trials(sweep, &scope, search, &result.trials, None)?;
        for trial in result.trials.top(CURVES, &result.objective)? {
            let params = trial.params();
            // What went wrong with a trial is told by its record; here it has no curve.
            let Ok(Some(returns)) = self.returns_on(sweep, &scope, &params) else { continue };
            data.curves.push(curve(params.to_string(), &returns, &clock)?);
        }
        data.overfitting = report::deflate(&result.trials, &result.objective);
        data.unfinished = unfinished(result.is_complete, &result.trials, &result.progress);
        Ok(data)
    }

    /// The report of a walk-forward.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn walk_forward_report(
        &self,
        sweep: &Sweep,
        search: &str,
        result: &WalkForwardResult,
    ) -> Result<ReportData> {
        let sweep = &Sweep { version: Some(result.version), ..sweep.clone() };
        let tested = &result.out_of_sample.moments;
        let (scope, clock) = (self.scope(sweep)?, self.bar_clock(sweep)?);
        let mut data = self.report_of_trials(sweep, &scope, search, &result.trials, Some(tested))?;
        let spans = self.fold_spans(sweep, &result.folds)?;
        let fold = |(result, spans): (&FoldResult, FoldSpans)| report::Fold {
            number: result.fold.index as u32,
            train: spans.train,
            validation: spans.validation,
            test: spans.test,
            params: result.chosen.as_ref().map(Params::values).unwrap_or_default().to_vec(),
            in_sample: if result.validated.is_nan() { result.in_sample } else { result.validated },
            out_of_sample: result.out_of_sample,
        };
        let joined = &result.out_of_sample;
        let out_of_sample = (!joined.moments.is_empty())
            .then(|| curve("out of sample".into(), joined, &clock))
            .transpose()?;
        data.walk_forward = Some(report::WalkForward {
            folds: result.folds.iter().zip(spans).map(fold).collect(),
            out_of_sample,
        });
        data.unfinished = unfinished(result.is_complete, &result.trials, &result.progress);
        Ok(data)
    }

    /// When the moments lie that count in a sweep. Nothing is run.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn span(&self, sweep: &Sweep) -> Result<Span> {
        let (scope, clock) = (self.scope(sweep)?, self.bar_clock(sweep)?);
        self.on_calendar(sweep, |calendar| span(calendar, &scope.scored, &clock))
    }

    /// When the parts of folds lie, one for each fold of a walk-forward over the same data. Nothing is run.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn fold_spans(&self, sweep: &Sweep, folds: &[FoldResult]) -> Result<Vec<FoldSpans>> {
        let clock = self.bar_clock(sweep)?;
        self.on_calendar(sweep, |calendar| {
            let of = |part: &Range<usize>| span(calendar, part, &clock);
            let spans = |result: &FoldResult| FoldSpans {
                train: of(&result.fold.train),
                validation: result.fold.validate.as_ref().map(of),
                test: of(&result.fold.test),
            };
            folds.iter().map(spans).collect()
        })
    }

    /// How many [returns of closes are missing](missing_returns) among the moments that count. Nothing is run; O(bars).
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn missing_returns(&self, sweep: &Sweep) -> Result<u64> {
        let (scope, stop) = (self.scope(sweep)?, Stop::default());
        self.supplies.desk(0)?.view(&scope, &stop, |view| missing_returns(view, Field::CLOSE))?
    }

    fn on_calendar<T>(&self, sweep: &Sweep, see: impl FnOnce(&[Timestamp]) -> T) -> Result<T> {
        let version = sweep.version.map_or_else(|| self.layers().version(&sweep.bundle), Ok)?;
        let mut worker = self.layers().worker()?;
        let trial = worker.trial_on(&sweep.bundle, version)?;
        Ok(see(trial.bundle().calendar().as_slice()))
    }

    /// `tested` are the moments of the tests, in a walk-forward.
    fn report_of_trials(
        &self,
        sweep: &Sweep,
        scope: &Scope,
        search: &str,
        trials: &Trials,
        tested: Option<&[Timestamp]>,
    ) -> Result<ReportData> {
        let summary = report::summarize(trials, &sweep.objective)?;
        let stop = Stop::default();
        let (assets, held, missing_returns) = self.supplies.desk(0)?.view(scope, &stop, |view| {
            let names =
                view.assets().iter().map(|&asset| view.portal().assets().name(asset).map(str::to_owned));
            let names = names.collect::<bt_core::Result<Vec<_>>>()?;
            Ok::<_, crate::Error>((names, buy_and_hold(view)?, missing_returns(view, Field::CLOSE)?))
        })??;
        let (id, clock) = (sweep.backtest.id_on(&scope.year), self.bar_clock(sweep)?);
        let facts = Facts {
            // Whose results do not depend on the bundle's year has another one or none.
            year: if id == sweep.backtest.id() { String::new() } else { scope.year.to_string() },
            strategy: id.name,
            version: id.version,
            settings: id.settings,
            bundle: scope.bundle.to_string(),
            bundle_version: scope.version.to_string(),
            assets,
            range: Some(span(&held.moments, &(0..held.moments.len()), &clock)),
            missing_returns,
            search: search.to_owned(),
            duration_us: trials.iter().map(Trial::ended_us).max(),
            workers: trials.iter().map(|trial| trial.worker().saturating_add(1)).max().unwrap_or(0),
        };
        let mut data = ReportData::new(facts, summary);
        let held = tested.map_or_else(|| held.clone(), |tested| on(&held, tested));
        data.buy_and_hold = Some(curve("buy and hold".into(), &held, &clock)?);
        Ok(data)
    }
}

/// When the parts of a fold lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldSpans {
    /// The train.
    pub train: Span,
    /// The validation, where there is one.
    pub validation: Option<Span>,
    /// The test.
    pub test: Span,
}

/// The first and the last of these moments; a scope and the parts of a fold have at least one.
fn span(calendar: &[Timestamp], part: &Range<usize>, clock: &BarClock) -> Span {
    Span::of(clock, calendar[part.start], calendar[part.end - 1])
}

fn unfinished(is_complete: bool, trials: &Trials, progress: &Progress) -> Option<Unfinished> {
    (!is_complete).then(|| Unfinished { trials: trials.len() as u64, planned: progress.total })
}

/// Equal parts of all assets, bought at each one's first close above 0 that counts and held: what a strategy has to beat. What is
/// not bought yet is cash; each later close that is finite is a value, and what trades no more keeps its last one. Where all of it
/// is worth nothing or less, nothing is left, as in an account.
fn buy_and_hold(view: &TrialView<'_>) -> Result<Returns> {
    let scored = view.scored();
    let mut equity = vec![0.0; scored.len()];
    for &asset in view.assets() {
        let closes = view.portal().series(asset, Field::CLOSE)?;
        let (mut first, mut last) = (f64::NAN, f64::NAN);
        for (value, moment) in equity.iter_mut().zip(view.moments()) {
            let close = closes.current(moment)?.and_then(|known| known.last()).copied();
            if let Some(close) = close.filter(|close| close.is_finite()) {
                first = if first.is_nan() && close > 0.0 { close } else { first };
                last = close;
            }
            *value += if first.is_nan() { 1.0 } else { last / first };
        }
    }
    let moments = view.portal().calendar().as_slice()[scored].to_vec();
    Ok(Returns { moments, returns: returns_of(&equity, view.assets().len() as f64) })
}

/// The returns of an equity that was `start` before; −1 where it falls to 0 or below, and 0 from then on.
fn returns_of(equity: &[f64], start: f64) -> Vec<f64> {
    let mut before = start;
    let mut next = |&now: &f64| {
        let value = if before <= 0.0 { 0.0 } else { now.max(0.0) / before - 1.0 };
        before = if before <= 0.0 { before } else { now };
        value
    };
    equity.iter().map(&mut next).collect()
}

/// The returns from each of these moments to the next. On the first of them it is the return of that moment alone.
fn on(returns: &Returns, moments: &[Timestamp]) -> Returns {
    let (mut found, mut wanted, mut growth) = (Returns::default(), moments.iter().peekable(), 1.0);
    for (moment, value) in returns.moments.iter().zip(&returns.returns) {
        growth = if found.moments.is_empty() { 1.0 + value } else { growth * (1.0 + value) };
        if wanted.next_if_eq(&moment).is_some() {
            found.moments.push(*moment);
            found.returns.push(growth - 1.0);
            growth = 1.0;
        }
    }
    found
}

/// The equity of these returns, from 1 on, by the days and starts of bars.
fn curve(label: String, returns: &Returns, clock: &BarClock) -> Result<Curve> {
    let readings = returns.moments.iter().map(|&known| clock.name(known).reading().as_nanos());
    // A clock that is set back shows an hour twice; on the axis the second stands where the first ended.
    let in_order = readings.scan(i64::MIN, |latest: &mut i64, reading| {
        *latest = reading.max(*latest);
        Some(*latest)
    });
    let nanoseconds: Vec<i64> = in_order.collect();
    let equity = returns.returns.iter().scan(1.0, |equity, value| {
        // Two losses of more than everything are no gain.
        let next = *equity * (1.0 + value);
        *equity = if next <= 0.0 { 0.0 } else { next };
        Some(*equity)
    });
    Curve::new(label, &nanoseconds, &equity.collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_nothing_or_less_has_no_returns_any_more() {
        assert_eq!(returns_of(&[1.0, 3.0, -1.0, 2.0, 0.0], 2.0), [-0.5, 2.0, -1.0, 0.0, 0.0]);
        assert_eq!(returns_of(&[0.0, 1.0], 2.0), [-1.0, 0.0]);
    }

    #[test]
    fn what_is_held_grows_over_the_moments_between_tests_too() {
        let moments: Vec<_> = (1..=6).map(Timestamp::from_nanos).collect();
        let held = Returns { moments: moments.clone(), returns: vec![0.5, 1.0, 1.0, 0.5, 1.0, 0.25] };
        let found = on(&held, &[moments[1], moments[2], moments[5]]);
        assert_eq!(found.moments, [moments[1], moments[2], moments[5]]);
        assert_eq!(found.returns, [1.0, 1.0, 1.5 * 2.0 * 1.25 - 1.0]);
        assert_eq!(on(&held, &[]), Returns::default());
    }
}
