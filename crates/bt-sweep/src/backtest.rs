use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bt_core::{AssetId, Field};
use bt_dataportal::{DataPortal, Moments, Series};

use crate::{Error, Indicator, Indicators, Outcome, Params, Result, SeriesCache, Year};

/// Names a backtest for the ledger: results of another name, version or setting are never mistaken for its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BacktestId {
    /// The strategy's name.
    pub name: String,
    /// Counts up with every change that may change a result.
    pub version: u32,
    /// Whatever else a result depends on and parameters do not say: fills, commission, slippage.
    pub settings: String,
}

impl fmt::Display for BacktestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)?;
        if !self.settings.is_empty() {
            write!(f, " ({})", self.settings)?;
        }
        Ok(())
    }
}

/// What a sweep runs, once for each point of a space: the seam that a framework author plugs an engine into.
///
/// One value serves all workers at once. The same data and parameters give the same bits, on any thread.
pub trait Backtest: Send + Sync + 'static {
    /// What the ledger knows it by.
    fn id(&self) -> BacktestId;

    /// What the ledger knows it by on a bundle whose [`Year`] is this. Override it where results depend on [`TrialView::year`].
    fn id_on(&self, year: &Year) -> BacktestId {
        let _ = year;
        self.id()
    }

    /// The names of the values in [`Outcome::metrics`], in their order.
    fn metrics(&self) -> Vec<String>;

    /// Runs one trial.
    ///
    /// # Errors
    /// Its own as [`Error::Strategy`]; whatever the data layers meet. The trial is recorded as failed and the sweep goes on. What
    /// [`TrialView::check`] says has to be passed on.
    fn run(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome>;

    /// Runs several trials on the same data. Override it where trials can share work; each result is what
    /// [`run`](Self::run) gives.
    fn run_batch(&self, view: &TrialView<'_>, batch: &[Params]) -> Vec<Result<Outcome>> {
        batch.iter().map(|params| self.run(view, params)).collect()
    }

    /// How many trials [`run_batch`](Self::run_batch) wants at once. Does not depend on the number of workers.
    fn batch_size(&self) -> usize {
        1
    }

    /// Refuses a trial's parameters before it runs: a window longer than the data, one mean that is not shorter than the other.
    /// The trial is recorded as failed.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what is allowed.
    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        let _ = (view, params);
        Ok(())
    }

    /// The return on each scored bar: what the joined tests of a walk-forward and the curves of the best trials are made of. None where
    /// the backtest has no such thing.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn returns(&self, view: &TrialView<'_>, params: &Params) -> Result<Option<Vec<f64>>> {
        let _ = (view, params);
        Ok(None)
    }
}

impl<B: Backtest + ?Sized> Backtest for Arc<B> {
    fn id(&self) -> BacktestId {
        B::id(self)
    }

    fn id_on(&self, year: &Year) -> BacktestId {
        B::id_on(self, year)
    }

    fn metrics(&self) -> Vec<String> {
        B::metrics(self)
    }

    fn run(&self, view: &TrialView<'_>, params: &Params) -> Result<Outcome> {
        B::run(self, view, params)
    }

    fn run_batch(&self, view: &TrialView<'_>, batch: &[Params]) -> Vec<Result<Outcome>> {
        B::run_batch(self, view, batch)
    }

    fn batch_size(&self) -> usize {
        B::batch_size(self)
    }

    fn check(&self, view: &TrialView<'_>, params: &Params) -> Result<()> {
        B::check(self, view, params)
    }

    fn returns(&self, view: &TrialView<'_>, params: &Params) -> Result<Option<Vec<f64>>> {
        B::returns(self, view, params)
    }
}

/// The settings of an adapter, then those of what it adapts.
pub(crate) fn with_own(settings: String, own: String) -> String {
    if own.is_empty() { settings } else { format!("{settings}, {own}") }
}

/// Without metrics a trial says nothing; with two of a name nobody knows which one is meant.
pub(crate) fn check_metric_names(names: &[String]) -> Result<()> {
    if names.is_empty() {
        let allowed = "at least one name where accounting is off";
        return Err(Error::invalid("the strategy's metrics", "none", allowed));
    }
    match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        None => Ok(()),
        Some((_, twice)) => {
            Err(Error::invalid("the strategy's metrics", twice, "names that no other metric has"))
        }
    }
}

/// What one trial sees: bars up to the end of its part of the data, and which of them count.
///
/// Nothing outside of the part is reachable: in a walk-forward the portal stands on a bundle that holds the fold's bars and its
/// warm-up alone.
pub struct TrialView<'t> {
    portal: &'t DataPortal<'t>,
    assets: &'t [AssetId],
    scored: Range<usize>,
    stop: &'t Stop,
    series: &'t SeriesCache,
    year: Year,
}

impl<'t> TrialView<'t> {
    /// A view of `assets` in which the calendar's moments `scored` (indices into it, the first being 0) count and earlier ones
    /// are warm-up.
    ///
    /// # Errors
    /// [`Error::Invalid`] where `scored` is empty or reaches beyond the calendar, or where there is no asset.
    pub fn new(
        portal: &'t DataPortal<'t>,
        assets: &'t [AssetId],
        scored: Range<usize>,
        stop: &'t Stop,
        series: &'t SeriesCache,
    ) -> Result<Self> {
        let moments = portal.calendar().as_slice().len();
        if scored.is_empty() || scored.end > moments {
            let allowed = format!("a part of 0..{moments} that is not empty");
            return Err(Error::invalid("scored moments", format!("{scored:?}"), allowed));
        }
        if assets.is_empty() {
            return Err(Error::invalid("assets", "none", "at least one"));
        }
        let year = Year::of_frequency(portal.frequency());
        Ok(Self { portal, assets, scored, stop, series, year })
    }

    /// The same view with another [`year`](Self::year).
    pub fn with_year(self, year: Year) -> Self {
        Self { year, ..self }
    }

    /// The bars: of the part and its warm-up, and no others.
    #[inline]
    pub fn portal(&self) -> &'t DataPortal<'t> {
        self.portal
    }

    /// The assets of the sweep, in order of their names.
    #[inline]
    pub fn assets(&self) -> &'t [AssetId] {
        self.assets
    }

    /// The moments that count, as indices into the portal's calendar. Those before them are warm-up.
    #[inline]
    pub fn scored(&self) -> Range<usize> {
        self.scored.clone()
    }

    /// The moments that count, in order.
    pub fn moments(&self) -> Moments<'t> {
        self.portal.moments_in(self.scored())
    }

    /// The bars of a year, for annual figures. The engine gives that of the whole bundle, of which the view may have a part alone; a
    /// view made by hand has [`Year::of_frequency`] until [`with_year`](Self::with_year) says more.
    #[inline]
    pub fn year(&self) -> Year {
        self.year
    }

    /// One field of each of the [`assets`](Self::assets), in their order, to be read at moment after moment. O(assets).
    ///
    /// # Errors
    /// [`Error::Data`] where the bundle has no such field, or its storage fails.
    pub fn series(&self, field: Field) -> Result<Vec<Series<'t>>> {
        Ok(self.assets.iter().map(|&asset| self.portal.series(asset, field)).collect::<Result<_, _>>()?)
    }

    /// An indicator of all [`assets`](Self::assets), computed once for all trials on this data, and read at a moment: nothing later
    /// is reachable. Ask once, before the loop over moments. O(assets) where another trial has asked before.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the lookback is 0; [`Error::Data`] where the bundle has no such field, or its storage fails.
    pub fn indicators(&self, field: Field, indicator: Indicator) -> Result<Indicators<'t>> {
        self.indicators_of(self.assets, field, indicator)
    }

    /// As [`indicators`](Self::indicators), of other assets of the bundle: an index that the others are compared with. Another list
    /// of assets is another series.
    ///
    /// # Errors
    /// As [`indicators`](Self::indicators); [`Error::Data`] where an asset is of another version.
    pub fn indicators_of(
        &self,
        assets: &[AssetId],
        field: Field,
        indicator: Indicator,
    ) -> Result<Indicators<'t>> {
        self.series.indicators(self.portal, assets, field, indicator)
    }

    /// Whether the trial has to end: call it now and then in a loop of your own, and pass its error on. A read of an atomic.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::Deadline`].
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.stop.check()
    }
}

impl fmt::Debug for TrialView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrialView")
            .field("portal", &self.portal)
            .field("assets", &self.assets.len())
            .field("scored", &self.scored)
            .finish()
    }
}

/// Tells running trials to end. Shared by whoever runs them and whoever stops them.
#[derive(Debug, Default)]
pub struct Stop {
    state: AtomicU8,
    deadline: Option<Duration>,
}

const CANCELLED: u8 = 1;
const LATE: u8 = 2;

impl Stop {
    /// One for trials of at most this time; it is up to [`expire`](Self::expire) to be called then.
    pub fn with_deadline(deadline: Option<Duration>) -> Self {
        Self { state: AtomicU8::new(0), deadline }
    }

    /// The sweep was cancelled.
    pub fn cancel(&self) {
        self.state.store(CANCELLED, Ordering::Relaxed);
    }

    /// The trial's time is over.
    pub fn expire(&self) {
        // Who was cancelled stays so: a cancelled trial is run again, a late one is not.
        let _ = self.state.compare_exchange(0, LATE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::Deadline`].
    #[inline]
    pub fn check(&self) -> Result<()> {
        match self.state.load(Ordering::Relaxed) {
            0 => Ok(()),
            state => Err(self.reason(state)),
        }
    }

    #[cold]
    fn reason(&self, state: u8) -> Error {
        match state {
            LATE => Error::Deadline(self.deadline.unwrap_or_default()),
            _ => Error::Cancelled,
        }
    }
}
