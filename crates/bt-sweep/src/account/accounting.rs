use std::fmt;

use crate::{Error, Result, Year};

/// How targets become money: what a fill costs, and how returns are summed up.
///
/// ```
/// use bt_sweep::account::{Accounting, Commission, Fill};
/// let default = Accounting::default();
/// assert_eq!(default.initial_cash, 1_000_000.0);
/// assert_eq!(default.fill, Fill::NextOpen);
/// assert_eq!((default.commission, default.slippage_bps), (Commission::default(), 0.0));
/// assert_eq!((default.periods_per_year, default.blocks), (None, 16));
///
/// let dear = Accounting { slippage_bps: 5.0, fill: Fill::NextClose, ..default };
/// let text = "rules=3 cash=1000000 fill=next_close commission=0/share+0/value>=0 slippage=5bps periods=auto blocks=16";
/// assert_eq!(dear.describe(), text);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Accounting {
    /// Cash at the start, above 0.
    pub initial_cash: f64,
    /// The price at which an order is filled.
    pub fill: Fill,
    /// What a broker takes.
    pub commission: Commission,
    /// How much worse than the bar's price a fill is, in hundredths of a percent of its magnitude: 0 to below 10,000.
    pub slippage_bps: f64,
    /// How many bars make a year, for annual figures. None: what [`TrialView::year`](crate::TrialView::year) says, which in a sweep is
    /// the [`Year`] of the whole bundle.
    pub periods_per_year: Option<f64>,
    /// In how many consecutive blocks of equal length the returns are summed for [`Outcome::blocks`](crate::Outcome::blocks);
    /// 0 for none, at most 1024. The probability of backtest overfitting needs an even number of 2 to 32.
    pub blocks: usize,
}

/// The price at which an order is filled. It is always one of a bar after that at which the target was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Fill {
    /// The open of the asset's next bar.
    #[default]
    NextOpen,
    /// The close of the asset's next bar.
    NextClose,
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NextOpen => "next_open",
            Self::NextClose => "next_close",
        })
    }
}

/// What a broker takes for a fill: `max(minimum, per_share × shares + per_value × |value|)`.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Commission {
    /// Money for each share.
    pub per_share: f64,
    /// A fraction of the value traded, whatever its sign: 0.001 is 0.1 %.
    pub per_value: f64,
    /// The least for a fill, in money.
    pub minimum: f64,
}

impl Commission {
    /// The commission for so many shares, at least 0, at this price.
    #[inline]
    pub fn of(self, shares: f64, price: f64) -> f64 {
        (self.per_share * shares + self.per_value * (shares * price.abs())).max(self.minimum)
    }
}

impl Default for Accounting {
    fn default() -> Self {
        Self {
            initial_cash: 1_000_000.0,
            fill: Fill::default(),
            commission: Commission::default(),
            slippage_bps: 0.0,
            periods_per_year: None,
            blocks: 16,
        }
    }
}

impl Accounting {
    /// Whether all of it makes sense.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first value that does not, and what is allowed.
    pub fn check(&self) -> Result<()> {
        let Commission { per_share, per_value, minimum } = self.commission;
        positive("initial cash", self.initial_cash)?;
        at_least_zero("commission per share", per_share)?;
        at_least_zero("commission per value", per_value)?;
        at_least_zero("minimum commission", minimum)?;
        if !(0.0..10_000.0).contains(&self.slippage_bps) {
            return Err(Error::invalid("slippage in bps", self.slippage_bps, "0 to below 10000"));
        }
        if let Some(periods) = self.periods_per_year {
            positive("periods per year", periods)?;
        }
        if self.blocks > MOST_BLOCKS {
            return Err(Error::invalid("blocks", self.blocks, format!("0 to {MOST_BLOCKS}")));
        }
        Ok(())
    }

    /// All of it in one line, with the number of the rules that an account follows: part of what names a trial. It stays the same from
    /// release to release while those rules do.
    pub fn describe(&self) -> String {
        self.described("auto".to_owned())
    }

    /// As [`describe`](Self::describe), with the bars of a year where they are the bundle's: `periods=auto:252`.
    pub fn describe_on(&self, year: &Year) -> String {
        self.described(format!("auto:{}", year.periods))
    }

    fn described(&self, auto: String) -> String {
        let Self { initial_cash, fill, commission, slippage_bps, periods_per_year, blocks } = self;
        let Commission { per_share, per_value, minimum } = commission;
        let periods = periods_per_year.map_or(auto, |periods| periods.to_string());
        format!(
            "rules={RULES} cash={initial_cash} fill={fill} commission={per_share}/share+{per_value}/value>={minimum} \
             slippage={slippage_bps}bps periods={periods} blocks={blocks}"
        )
    }

    /// The year that annual figures are computed with, on a bundle whose own year is this.
    pub fn year(&self, of_bundle: Year) -> Year {
        self.periods_per_year.map_or(of_bundle, Year::given)
    }
}

const MOST_BLOCKS: usize = 1024;

/// Counts up with every change of what an account does or counts, so that results of before are told apart. 2: ruin is a result.
/// 3: prices of 0 and below are prices; open trades and waits are counted.
const RULES: u32 = 3;

fn positive(what: &'static str, value: f64) -> Result<()> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(Error::invalid(what, value, "a finite number above 0")),
    }
}

fn at_least_zero(what: &'static str, value: f64) -> Result<()> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(Error::invalid(what, value, "a finite number of at least 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_makes_no_sense_is_named_with_what_is_allowed() {
        let default = Accounting::default;
        let commission = Commission::default;
        let refused = [
            (Accounting { initial_cash: 0.0, ..default() }, "initial cash = 0 is out of range"),
            (Accounting { initial_cash: f64::INFINITY, ..default() }, "initial cash = inf"),
            (Accounting { slippage_bps: f64::NAN, ..default() }, "slippage in bps = NaN"),
            (Accounting { slippage_bps: 10_000.0, ..default() }, "allowed: 0 to below 10000"),
            (Accounting { periods_per_year: Some(-1.0), ..default() }, "periods per year = -1"),
            (Accounting { blocks: 1025, ..default() }, "blocks = 1025 is out of range; allowed: 0 to 1024"),
            (
                Accounting { commission: Commission { per_share: -0.01, ..commission() }, ..default() },
                "commission per share = -0.01 is out of range; allowed: a finite number of at least 0",
            ),
            (
                Accounting { commission: Commission { per_value: f64::NAN, ..commission() }, ..default() },
                "commission per value = NaN",
            ),
            (
                Accounting { commission: Commission { minimum: f64::INFINITY, ..commission() }, ..default() },
                "minimum commission = inf",
            ),
        ];
        for (accounting, expected) in refused {
            let message = accounting.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        }
        assert!(Accounting::default().check().is_ok());
    }

    #[test]
    fn settings_that_differ_are_described_differently() {
        let default = Accounting::default;
        let commission = |per_share, per_value, minimum| Commission { per_share, per_value, minimum };
        let all = [
            default(),
            Accounting { initial_cash: 1e5, ..default() },
            Accounting { fill: Fill::NextClose, ..default() },
            Accounting { commission: commission(0.1, 0.0, 0.0), ..default() },
            Accounting { commission: commission(0.0, 0.1, 0.0), ..default() },
            Accounting { commission: commission(0.0, 0.0, 0.1), ..default() },
            Accounting { slippage_bps: 0.5, ..default() },
            Accounting { periods_per_year: Some(252.0), ..default() },
            Accounting { blocks: 8, ..default() },
        ];
        let mut described: Vec<_> = all.iter().map(Accounting::describe).collect();
        assert!(described.iter().all(|line| !line.contains('\n')));
        described.sort();
        described.dedup();
        assert_eq!(described.len(), all.len());
    }
}
