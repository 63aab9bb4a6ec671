use bt_core::{AssetId, Bars, Field, Timestamp};
use hashbrown::HashMap;

use super::asset::{Scratch, known};
use super::{AssetSeries, Rule, Signals};
use crate::kernel::{self, LANES, Lanes, Pair};
use crate::{Error, Indicator, Params, Result, TrialView};

/// What the trials of a batch read, each series once, and how each of them reads it.
pub(super) struct Plan {
    pub(super) columns: Vec<(Field, Indicator)>,
    /// How many bars come before each column's first value.
    pub(super) warm_ups: Vec<usize>,
    /// For each trial the columns that it asked for, in its order.
    trials: Vec<Result<Vec<usize>>>,
    /// The trials whose positions are those of a comparison, in the order that the kernel wants, and which trial each is.
    pairs: Vec<Pair>,
    compared: Vec<usize>,
    /// The other trials.
    free: Vec<usize>,
    /// The first bar of each column that a comparison looks at: none does before its right column has a value.
    firsts: Vec<usize>,
}

impl Plan {
    pub(super) fn new<S: Signals>(signals: &S, batch: &[Params]) -> Self {
        Self::with_rules(signals, batch, |params| signals.rule(params))
    }

    /// Takes no rule.
    pub(super) fn by_positions<S: Signals>(signals: &S, batch: &[Params]) -> Self {
        Self::with_rules(signals, batch, |_| Ok(Rule::Positions))
    }

    fn with_rules<S: Signals>(signals: &S, batch: &[Params], rule: impl Fn(&Params) -> Result<Rule>) -> Self {
        let mut plan = Self {
            columns: Vec::new(),
            warm_ups: Vec::new(),
            trials: Vec::with_capacity(batch.len()),
            pairs: Vec::new(),
            compared: Vec::new(),
            free: Vec::new(),
            firsts: Vec::new(),
        };
        let mut places = HashMap::new();
        let mut compared = Vec::with_capacity(batch.len());
        for (trial, params) in batch.iter().enumerate() {
            let read = plan.columns_of(signals, params, &mut places);
            let pair = read.and_then(|read| Ok((pair(rule(params)?, &read)?, read)));
            plan.trials.push(pair.map(|(pair, read)| {
                match pair {
                    Some(pair) => compared.push((pair, trial)),
                    None => plan.free.push(trial),
                }
                read
            }));
        }
        compared.sort_unstable();
        (plan.pairs, plan.compared) = compared.into_iter().unzip();
        plan.firsts.clone_from(&plan.warm_ups);
        for &Pair { left, right } in &plan.pairs {
            plan.firsts[left] = plan.firsts[left].min(plan.warm_ups[right]);
        }
        plan
    }

    /// The first bar of a column that anybody reads, where returns before `scored` do not count.
    pub(super) fn first_read(&self, column: usize, scored: usize) -> usize {
        // A comparison reads whole lanes, other trials whole columns.
        if self.free.is_empty() { self.firsts[column].max(scored) / LANES * LANES } else { 0 }
    }

    fn columns_of<S: Signals>(
        &mut self,
        signals: &S,
        params: &Params,
        places: &mut HashMap<(Field, Indicator), usize>,
    ) -> Result<Vec<usize>> {
        let mut place = |(field, indicator): (Field, Indicator)| {
            indicator.check()?;
            let column = (indicator.reads(field), indicator);
            Ok(*places.entry(column).or_insert_with(|| {
                self.columns.push(column);
                self.warm_ups.push(indicator.warm_up());
                self.columns.len() - 1
            }))
        };
        signals.series(params)?.into_iter().map(&mut place).collect()
    }

    /// The sum of returns of each trial.
    pub(super) fn run<S: Signals>(
        mut self,
        signals: &S,
        view: &TrialView<'_>,
        batch: &[Params],
    ) -> Result<Vec<Result<f64>>> {
        let mut scratch = Scratch::of_thread();
        let mut totals = vec![0.0; batch.len()];
        let mut lanes = vec![Lanes::default(); self.pairs.len()];
        for &asset in view.assets() {
            view.check()?;
            let bars = scratch.load(view, &self, signals.price(), asset)?;
            lanes.fill(Lanes::default());
            kernel::greater(scratch.compared(&self), &self.pairs, &mut lanes);
            for (&trial, lanes) in self.compared.iter().zip(&lanes) {
                totals[trial] += kernel::total(lanes);
            }
            for &trial in &self.free {
                match self.positions(signals, &batch[trial], trial, &mut scratch, asset, bars) {
                    Ok(()) => totals[trial] += held(&scratch),
                    Err(error) => self.trials[trial] = Err(error),
                }
            }
        }
        scratch.give_back();
        Ok(self.trials.into_iter().zip(totals).map(|(trial, total)| trial.map(|_| total)).collect())
    }

    /// Lets one trial write its positions into the scratch; an error that it met on an asset before is met again.
    fn positions<S: Signals>(
        &self,
        signals: &S,
        params: &Params,
        trial: usize,
        scratch: &mut Scratch,
        asset: AssetId,
        bars: Bars<'_>,
    ) -> Result<()> {
        let wanted = self.trials[trial].as_ref().map_err(Error::clone)?;
        let stride = scratch.stride();
        scratch.positions.clear();
        scratch.positions.resize(bars.len(), 0.0);
        let series = AssetSeries { asset, bars, columns: &scratch.columns, stride, wanted };
        signals.positions(params, &series, &mut scratch.positions)
    }

    /// Computes the positions of the one trial, asset after asset.
    pub(super) fn for_each_asset<S: Signals>(
        &self,
        signals: &S,
        view: &TrialView<'_>,
        params: &Params,
        mut see: impl FnMut(usize, Held<'_>),
    ) -> Result<()> {
        let mut scratch = Scratch::default();
        let calendar = &view.portal().calendar().as_slice()[view.scored()];
        for (place, &asset) in view.assets().iter().enumerate() {
            view.check()?;
            let bars = scratch.load(view, self, signals.price(), asset)?;
            self.positions(signals, params, 0, &mut scratch, asset, bars)?;
            let before = known(view, asset, view.scored().start)?;
            see(place, Held { calendar, times: bars.timestamps(), before, scratch: &scratch });
        }
        Ok(())
    }

    /// The mean return over assets at each scored moment, of the one trial.
    pub(super) fn returns<S: Signals>(
        &self,
        signals: &S,
        view: &TrialView<'_>,
        params: &Params,
    ) -> Result<Vec<f64>> {
        let mut out = vec![0.0; view.scored().len()];
        self.for_each_asset(signals, view, params, |_, held| {
            for (bar, moment) in held.scored().filter(|(bar, _)| *bar > 0) {
                out[moment] += held.earned(bar);
            }
        })?;
        let assets = view.assets().len() as f64;
        out.iter_mut().for_each(|sum| *sum /= assets);
        Ok(out)
    }
}

/// The positions of one trial in one asset.
pub(super) struct Held<'a> {
    /// The scored moments.
    calendar: &'a [Timestamp],
    times: &'a [Timestamp],
    /// Bars known before the first scored moment.
    before: usize,
    scratch: &'a Scratch,
}

impl Held<'_> {
    /// The scored bars, each with its place among the scored moments.
    fn scored(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let mut moment = 0;
        self.times.iter().enumerate().skip(self.before).map(move |(bar, time)| {
            moment += self.calendar[moment..].partition_point(|earlier| earlier < time);
            (bar, moment)
        })
    }

    /// What the position before a bar earns at it.
    fn earned(&self, bar: usize) -> f64 {
        kernel::earned(self.scratch.positions[bar - 1], self.scratch.next_returns[bar - 1])
    }

    /// The position at the first scored moment and at each later bar, with its place among the scored moments.
    pub(super) fn positions(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let begins = self.times.get(self.before) == self.calendar.first();
        let earlier =
            self.before.checked_sub(1).filter(|_| !begins).map(|bar| (0, self.scratch.positions[bar]));
        earlier.into_iter().chain(self.scored().map(|(bar, moment)| (moment, self.scratch.positions[bar])))
    }
}

fn held(scratch: &Scratch) -> f64 {
    let mut lanes = Lanes::default();
    kernel::held(&scratch.positions, &scratch.next_returns, &mut lanes);
    kernel::total(&lanes)
}

/// The columns that a rule compares, given those that the trial reads.
fn pair(rule: Rule, read: &[usize]) -> Result<Option<Pair>> {
    let Rule::Greater { left, right } = rule else { return Ok(None) };
    match (read.get(left), read.get(right)) {
        (Some(&left), Some(&right)) => Ok(Some(Pair { left, right })),
        _ => Err(Error::invalid("a rule", rule, format!("places among the {} series it reads", read.len()))),
    }
}
