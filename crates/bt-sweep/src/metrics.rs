//! What a trial is judged by: figures of its returns and of its trades.

use std::fmt;
use std::str::FromStr;

use bt_core::Frequency;

use crate::moments::CentralMoments;
use crate::{Block, Direction, Error, Result};

/// A figure of one trial.
///
/// Below, `r` are the returns on the n scored bars, `m` their mean, `p` the number of bars in a year, and the equity after bar
/// i is `(1 + r₁) … (1 + rᵢ)`, starting from 1. The risk-free rate is 0. What is not defined is NaN, which never wins against a
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Metric {
    /// The equity at the end less 1: 0.25 is a gain of 25 %.
    TotalReturn,
    /// The total return as a rate of growth a year (CAGR): `(1 + total)^(p / n) − 1`. −1 where nothing is left.
    AnnualReturn,
    /// Standard deviation of the returns (of a sample: over n − 1) × √p. NaN with fewer than 2 bars.
    Volatility,
    /// `m / s × √p`, where s is the standard deviation of the returns (of a sample). NaN with fewer than 2 bars, and where returns
    /// do not vary beyond rounding. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21 (1994).
    Sharpe,
    /// `m / d × √p`, where `d = √(Σ min(r, 0)² / n)`, over all n bars. NaN where no return is below 0. Sortino and Price,
    /// "Performance Measurement in a Downside Risk Framework", Journal of Investing 3 (1994), with a target of 0.
    Sortino,
    /// The annual return ÷ the maximum drawdown. NaN where there was none. Young, "Calmar Ratio: A Smoother Tool", Futures
    /// (October 1991), over the whole of the trial.
    Calmar,
    /// The largest fall of the equity below an earlier peak, as a share of that peak, 0 to 1. The start counts as a peak. 0
    /// where the equity never fell. Magdon-Ismail and Atiya, "Maximum Drawdown", Risk 17 (2004).
    MaxDrawdown,
    /// How long the maximum drawdown lasted, in bars: from its peak to the first bar at which the equity is as high again, or
    /// to the last bar. The first of several that are equally deep. 0 where the equity never fell.
    MaxDrawdownBars,
    /// Purchases plus sales in a year, as a multiple of the mean equity: `traded ÷ mean equity × p / n`. To sell all and
    /// buy something else once a year is 2. As `pyfolio.txn.get_turnover` with the portfolio's value below the line.
    Turnover,
    /// The mean over all bars of (value held long + value held short) ÷ equity; 0 from a ruin on.
    Exposure,
    /// Round trips: an asset's holding from nothing to nothing, or through 0 to the other side. What is still held at the end
    /// is none, and counts among the [`OpenTrades`](Self::OpenTrades); what was held at a ruin is one.
    Trades,
    /// The share of round trips that earned more than their costs. NaN without a trip.
    WinRate,
    /// What winning trips earned ÷ what the others lost, costs included. NaN where nothing was lost.
    ProfitFactor,
    /// Third standardised moment, `(Σ (r − m)³ / n) / σ³` with σ over n. NaN where returns do not vary.
    Skewness,
    /// Fourth standardised moment, `(Σ (r − m)⁴ / n) / σ⁴` with σ over n: 3 for a normal distribution. NaN where returns do not
    /// vary.
    Kurtosis,
    /// The number of scored bars, n.
    Bars,
    /// Σ r, nothing compounded. What a vectorised backtest without accounting has under this name is a sum over assets as well.
    SumOfReturns,
    /// Holdings that are still open at the end, one for each asset that is held: round trips that [`Trades`](Self::Trades) and
    /// what is derived of them do not count yet. 0 after a ruin.
    OpenTrades,
    /// What the open holdings have earned so far ÷ the initial cash: `Σ (shares × last known price + money got − money paid since the
    /// holding began, costs included) ÷ initial cash`. Up to rounding, the total return less this is what round trips that ended have
    /// earned, plus what a ruin wrote off, ÷ the initial cash. 0 where nothing is open.
    OpenReturn,
    /// Bars at which an order of a weight waited since the price was 0 or below, summed over assets.
    Waits,
}

impl Metric {
    /// All of them, in the order in which a trial keeps them.
    pub const ALL: [Self; 20] = [
        Self::TotalReturn,
        Self::AnnualReturn,
        Self::Volatility,
        Self::Sharpe,
        Self::Sortino,
        Self::Calmar,
        Self::MaxDrawdown,
        Self::MaxDrawdownBars,
        Self::Turnover,
        Self::Exposure,
        Self::Trades,
        Self::WinRate,
        Self::ProfitFactor,
        Self::Skewness,
        Self::Kurtosis,
        Self::Bars,
        Self::SumOfReturns,
        Self::OpenTrades,
        Self::OpenReturn,
        Self::Waits,
    ];

    /// Its name in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TotalReturn => "total_return",
            Self::AnnualReturn => "annual_return",
            Self::Volatility => "volatility",
            Self::Sharpe => "sharpe",
            Self::Sortino => "sortino",
            Self::Calmar => "calmar",
            Self::MaxDrawdown => "max_drawdown",
            Self::MaxDrawdownBars => "max_drawdown_bars",
            Self::Turnover => "turnover",
            Self::Exposure => "exposure",
            Self::Trades => "trades",
            Self::WinRate => "win_rate",
            Self::ProfitFactor => "profit_factor",
            Self::Skewness => "skewness",
            Self::Kurtosis => "kurtosis",
            Self::Bars => "bars",
            Self::SumOfReturns => "sum_of_returns",
            Self::OpenTrades => "open_trades",
            Self::OpenReturn => "open_return",
            Self::Waits => "waits",
        }
    }

    /// Which way is better, where nobody says otherwise. For what is neither good nor bad (bars, trades, exposure), upward.
    pub const fn direction(self) -> Direction {
        match self {
            Self::Volatility
            | Self::MaxDrawdown
            | Self::MaxDrawdownBars
            | Self::Turnover
            | Self::Kurtosis
            | Self::Waits => Direction::Minimize,
            _ => Direction::Maximize,
        }
    }

    /// The names of all, in their order: what [`Backtest::metrics`](crate::Backtest::metrics) returns.
    pub fn names() -> Vec<String> {
        Self::ALL.iter().map(|metric| metric.name().to_owned()).collect()
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|metric| metric.name() == name);
        found.ok_or_else(|| Error::unknown("metric", name, Self::names()))
    }
}

/// What metrics need to know of a trial beside its returns.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Trading {
    /// Purchases plus sales over the whole trial, as a multiple of the mean equity.
    pub turnover: f64,
    /// The mean over all bars of (value held long + value held short) ÷ equity.
    pub exposure: f64,
    /// Round trips that ended.
    pub trades: u64,
    /// Those of them that earned something.
    pub wins: u64,
    /// What they earned.
    pub profit: f64,
    /// What the others lost, as a positive number.
    pub loss: f64,
    /// Holdings that are open at the end.
    pub open_trades: u64,
    /// What they have earned so far, costs included, as a multiple of the initial cash.
    pub open_return: f64,
    /// Bars at which an order of a weight waited since the price was 0 or below.
    pub waits: u64,
}

/// The value of every [`Metric`] for one trial.
///
/// ```
/// use bt_sweep::metrics::{Metric, Metrics, Trading};
/// let metrics = Metrics::new(&[0.0, 0.1, -0.1], &Trading::default(), 252.0);
/// assert!((metrics.get(Metric::TotalReturn) - -0.01).abs() < 1e-15);
/// assert!((metrics.get(Metric::MaxDrawdown) - 0.1).abs() < 1e-15);
/// assert!(metrics.get(Metric::WinRate).is_nan());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics([f64; Metric::ALL.len()]);

impl Metrics {
    /// All metrics of these returns, one for each scored bar, of which `periods_per_year` make a year.
    ///
    /// Sums run from the first bar to the last: the same returns give the same bits. O(bars).
    pub fn new(returns: &[f64], trading: &Trading, periods_per_year: f64) -> Self {
        let bars = returns.len() as f64;
        let moments = CentralMoments::of(returns);
        let curve = Curve::of(returns);
        let total = curve.end - 1.0;
        let annual =
            if curve.end <= 0.0 { -1.0 } else { libm::pow(curve.end, periods_per_year / bars) - 1.0 };
        let root = periods_per_year.sqrt();
        let value = |metric| match metric {
            Metric::TotalReturn => total,
            Metric::AnnualReturn => annual,
            Metric::Volatility => moments.sample_deviation() * root,
            Metric::Sharpe => moments.sharpe() * root,
            Metric::Sortino => ratio(moments.mean, moments.downside) * root,
            Metric::Calmar => ratio(annual, curve.drawdown),
            Metric::MaxDrawdown => curve.drawdown,
            Metric::MaxDrawdownBars => curve.drawdown_bars as f64,
            Metric::Turnover => trading.turnover * periods_per_year / bars,
            Metric::Exposure => trading.exposure,
            Metric::Trades => trading.trades as f64,
            Metric::WinRate => ratio(trading.wins as f64, trading.trades as f64),
            Metric::ProfitFactor => ratio(trading.profit, trading.loss),
            Metric::Skewness => moments.skewness(),
            Metric::Kurtosis => moments.kurtosis(),
            Metric::Bars => bars,
            Metric::SumOfReturns => moments.sum,
            Metric::OpenTrades => trading.open_trades as f64,
            Metric::OpenReturn => trading.open_return,
            Metric::Waits => trading.waits as f64,
        };
        Self(Metric::ALL.map(value))
    }

    /// The value of one.
    #[inline]
    pub fn get(&self, metric: Metric) -> f64 {
        self.0[metric as usize]
    }

    /// The values of all, in the order of [`Metric::ALL`].
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }
}

/// How many bars of this frequency make a year, where nothing but the frequency is known ([`Year`](crate::Year) asks the calendar): 252 days, of 390 minutes where bars are shorter, at least one bar a day; 52
/// weeks; 12 months.
///
/// ```
/// use bt_sweep::{bt_core::Frequency, metrics::periods_per_year};
/// assert_eq!(periods_per_year(Frequency::Daily), 252.0);
/// assert_eq!(periods_per_year(Frequency::Minutes(5)), 252.0 * 78.0);
/// ```
pub fn periods_per_year(frequency: Frequency) -> f64 {
    const DAYS: f64 = 252.0;
    const MINUTES_OF_A_DAY: f64 = 390.0;
    match frequency {
        Frequency::Daily => DAYS,
        Frequency::Weekly => 52.0,
        Frequency::Monthly => 12.0,
        Frequency::Minutes(minutes) => DAYS * (MINUTES_OF_A_DAY / f64::from(minutes.max(1))).max(1.0),
    }
}

/// The returns in so many consecutive blocks, summed: block i of k has the bars from `i n / k` to `(i + 1) n / k`, so lengths
/// differ by one at most. As many blocks as bars where there are fewer bars. O(bars).
pub fn blocks(returns: &[f64], count: usize) -> Vec<Block> {
    let count = count.min(returns.len());
    let edge = |block: usize| block * returns.len() / count;
    (0..count).map(|block| sum_of_block(&returns[edge(block)..edge(block + 1)])).collect()
}

fn sum_of_block(returns: &[f64]) -> Block {
    let sum_of_squares = returns.iter().map(|r| r * r).sum();
    Block { bars: returns.len() as u32, sum: returns.iter().sum(), sum_of_squares }
}

/// `a / b`, which is not defined where b is 0.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// The equity from a start of 1.
struct Curve {
    end: f64,
    drawdown: f64,
    drawdown_bars: usize,
}

impl Curve {
    fn of(returns: &[f64]) -> Self {
        let (mut equity, mut peak, mut peak_at) = (1.0, 1.0, 0);
        let (mut deepest, mut lasted, mut is_deepest) = (0.0, 0..0, false);
        for (&r, bar) in returns.iter().zip(1..) {
            equity *= 1.0 + r;
            if equity <= 0.0 {
                // Two losses of more than everything are no gain.
                equity = 0.0;
            }
            if equity >= peak {
                if is_deepest {
                    lasted.end = bar;
                }
                (peak, peak_at, is_deepest) = (equity, bar, false);
                continue;
            }
            let depth = 1.0 - equity / peak;
            if depth > deepest {
                (deepest, lasted.start, is_deepest) = (depth, peak_at, true);
            }
            if is_deepest {
                lasted.end = bar;
            }
        }
        let drawdown = if equity.is_nan() { f64::NAN } else { deepest };
        Self { end: equity, drawdown, drawdown_bars: lasted.len() }
    }
}
