//! Indicators over one asset's bars.

mod recursive;
mod runs;
mod sma;
mod window;

use std::fmt;

use bt_core::{Bars, ErrorKind, Field};

use crate::{Error, Result, TrialView};

pub(crate) use runs::runs;
pub(crate) use sma::Sums;

/// A series that is computed from an asset's bars, one value for each bar, NaN until there are bars enough.
///
/// Definitions are those of TA-Lib where it has them. A value at a bar depends on that bar and earlier ones alone, and on the
/// asset's own bars alone: where it has no bar, in a gap of its calendar, nothing is counted.
///
/// # Missing values
/// A value that is not a finite number is missing. There everything ends and starts anew after it, as if the series began
/// with the next value: the indicator is NaN at the missing value and until there are values enough again. So a window that
/// holds a missing value has none, and a mean that remembers everything forgets what was before. The average true range begins anew
/// after a bar without one of its prices, and still measures that bar's close against the next one, if it has a close.
///
/// ```
/// use bt_core::{Bars, Field, Timestamp};
/// use bt_sweep::{Indicator, bt_core};
/// let days: Vec<_> = (1..=4).map(Timestamp::from_nanos).collect();
/// let prices = [1.0, 2.0, 4.0, 9.0].repeat(5);
/// let mean = Indicator::Sma(2).compute(Bars::new(&days, &prices, 4)?, Field::CLOSE)?;
/// assert!(mean[0].is_nan());
/// assert_eq!(mean[1..], [1.5, 3.0, 6.5]);
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Indicator {
    /// The simple return on the bar before: `x[i] / x[i-1] - 1`. As ROCP of TA-Lib over one bar. NaN where the value before is 0 or
    /// below, from which nothing can rise or fall by a share of itself; [`missing_returns`] counts these bars.
    Returns,
    /// Mean of the last `n` values: `(c[i+1] - c[i+1-n]) / n`, `c` being the one cumulative sum of the values from the first on
    /// (from the last missing one on), added up in order.
    ///
    /// That is the definition to the last bit, and not an approximation of another one: a mean added up afresh rounds
    /// differently, and where prices are whole cents two means are often equal, so that the last bit decides which is greater.
    /// Equal to SMA of TA-Lib but for rounding, which is that of the sum: a value that dwarfs the others takes digits from every
    /// later mean.
    Sma(usize),
    /// Exponential mean with `alpha = 2 / (n + 1)`, started from the mean of the first `n` values. EMA of TA-Lib.
    Ema(usize),
    /// Population standard deviation of the last `n` values, their squared distance from the mean divided by `n`. STDDEV of
    /// TA-Lib, without its loss of digits where the deviation is small beside the mean.
    StdDev(usize),
    /// Smallest of the last `n` values; for `n` = 1 the value itself. MIN of TA-Lib.
    Min(usize),
    /// Largest of the last `n` values; for `n` = 1 the value itself. MAX of TA-Lib.
    Max(usize),
    /// Wilder's relative strength index over `n` changes, 0 to 100. RSI of TA-Lib: the first average is the mean of the first
    /// `n` changes, later ones are `(previous · (n - 1) + change) / n`; 0 where there was no change at all.
    Rsi(usize),
    /// Wilder's average true range over `n` bars. ATR of TA-Lib: the first range is that of the second bar, the first average the
    /// mean of the first `n` ranges. Reads high, low and close, whatever the field.
    Atr(usize),
}

impl Indicator {
    /// The values for all of an asset's bars, one for each bar. O(bars), whatever the lookback.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the lookback is 0; [`Error::Data`] where the bars have no such field.
    pub fn compute(self, bars: Bars<'_>, field: Field) -> Result<Vec<f64>> {
        self.check()?;
        Ok(self.over(bars, column(bars, field)?))
    }

    /// Refuses a lookback of 0.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check(self) -> Result<()> {
        match self.lookback() {
            Some(0) => Err(Error::invalid("the lookback of an indicator", self, "a lookback of at least 1")),
            _ => Ok(()),
        }
    }

    /// The `n` of those that have one.
    pub fn lookback(self) -> Option<usize> {
        match self {
            Self::Returns => None,
            Self::Sma(n)
            | Self::Ema(n)
            | Self::StdDev(n)
            | Self::Min(n)
            | Self::Max(n)
            | Self::Rsi(n)
            | Self::Atr(n) => Some(n),
        }
    }

    /// How many bars come before the first value.
    pub fn warm_up(self) -> usize {
        match self {
            Self::Returns => 1,
            Self::Sma(n) | Self::Ema(n) | Self::StdDev(n) | Self::Min(n) | Self::Max(n) => {
                n.saturating_sub(1)
            }
            Self::Rsi(n) | Self::Atr(n) => n,
        }
    }

    /// The field that it is computed from when a strategy asks for `field`: one name for one series.
    pub(crate) fn reads(self, field: Field) -> Field {
        match self {
            Self::Atr(_) => Field::CLOSE,
            _ => field,
        }
    }

    /// The values for a column of the bars. The lookback is not 0.
    pub(crate) fn over(self, bars: Bars<'_>, values: &[f64]) -> Vec<f64> {
        let mut out = vec![f64::NAN; values.len()];
        self.write(bars, values, &mut Sums::default(), &mut out, 0);
        out
    }

    /// Writes the values of `out` from `first` on, and perhaps earlier ones; it has the length of `values`, the column of `bars`. The
    /// lookback is not 0. `sums` is scratch, and holds the cumulative sum of `values` or nothing yet.
    pub(crate) fn write(
        self,
        bars: Bars<'_>,
        values: &[f64],
        sums: &mut Sums,
        out: &mut [f64],
        first: usize,
    ) {
        match self {
            Self::Sma(n) => sums.of(values).means(n, out, first),
            Self::Returns => recursive::returns(values, out),
            Self::Ema(n) => recursive::ema(values, n, out),
            Self::StdDev(n) => window::standard_deviations(values, n, out),
            Self::Min(n) => window::smallest(values, n, out),
            Self::Max(n) => window::largest(values, n, out),
            Self::Rsi(n) => recursive::rsi(values, n, out),
            Self::Atr(n) => recursive::atr(bars, n, out),
        }
    }
}

/// The simple return from one price to the next, NaN where it is missing: where one of the two is not a finite number, the earlier
/// is 0 or below, or their ratio is more than a float holds.
#[inline(always)]
pub(crate) fn simple_return(earlier: f64, later: f64) -> f64 {
    let change = later / earlier - 1.0;
    // Without a branch, so that a loop over prices needs none.
    if (earlier > 0.0) & (earlier < f64::INFINITY) & (change.abs() < f64::INFINITY) {
        change
    } else {
        f64::NAN
    }
}

/// How many returns of a field are missing in a view: scored bars, over all its assets, whose bar before has no value or one of 0
/// or below, or that have no value themselves. An asset's first bar has no return, and none is missing there.
///
/// [`Indicator::Returns`] is NaN at these bars, and a position that is held over one earns nothing there in a
/// [`Vectorised`](crate::vectorised::Vectorised) backtest without accounting. An [`Account`](crate::account::Account) needs no
/// return: it values what is held at the next finite close. O(assets × scored moments).
///
/// # Errors
/// [`Error::Data`] where the bundle has no such field, or its storage fails.
pub fn missing_returns(view: &TrialView<'_>, field: Field) -> Result<u64> {
    let mut missing = 0;
    for values in view.series(field)? {
        for moment in view.moments() {
            if let Some([.., earlier, later]) = values.current(moment)? {
                missing += u64::from(simple_return(*earlier, *later).is_nan());
            }
        }
    }
    Ok(missing)
}

/// Counts up with every change of what a return or an indicator is, so that results of before are told apart. 2: there is no return
/// from a price of 0 or below.
pub(crate) const RULES: u32 = 2;

/// One field of an asset's bars.
pub(crate) fn column(bars: Bars<'_>, field: Field) -> bt_core::Result<&[f64]> {
    let allowed = || Field::NAMES.iter().map(|&name| name.to_owned()).collect();
    let unknown = || ErrorKind::UnknownField { field: field.to_string(), allowed: allowed() }.into();
    bars.get(field).ok_or_else(unknown)
}

impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returns => f.write_str("returns"),
            Self::Sma(n) => write!(f, "sma({n})"),
            Self::Ema(n) => write!(f, "ema({n})"),
            Self::StdDev(n) => write!(f, "stddev({n})"),
            Self::Min(n) => write!(f, "min({n})"),
            Self::Max(n) => write!(f, "max({n})"),
            Self::Rsi(n) => write!(f, "rsi({n})"),
            Self::Atr(n) => write!(f, "atr({n})"),
        }
    }
}
