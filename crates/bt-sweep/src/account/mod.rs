//! What a strategy's targets become: fills, costs, cash and an equity curve.

mod accounting;

use bt_core::{Field, Timestamp};
use bt_dataportal::{Moment, Series};

use crate::error::no_place;
use crate::metrics::{Metrics, Trading, blocks};
use crate::{Block, Error, Result, TrialView};

pub use accounting::{Accounting, Commission, Fill};

/// The state of one trial's money: cash, holdings, waiting orders, and the equity at each scored bar.
///
/// # What happens when
/// At each moment, in this order: [`advance`](Self::advance) fills the orders that wait, values what is held and notes the
/// equity; then the strategy sets targets. So a target that is set at one bar is filled at a later one, never at its own.
///
/// - **Target.** A share of the equity or a number of shares ([`Target`]), fractions and negative ones included. Setting the
///   target that is in force already is no order: holdings drift with prices. [`rebalance`](Self::rebalance) orders it again.
///   Each asset starts with a target weight of 0. A later target replaces an order that still waits.
/// - **Size.** A weight becomes money when it is ordered: weight × the equity at the close of that moment. It becomes shares
///   at the fill: money ÷ the bar's price before slippage.
/// - **Fill.** At the asset's next bar: its open or its close, as [`Accounting::fill`] says. Where the asset has no bar, or
///   the price is NaN or infinite, the order waits for the bar after. So does a weight other than 0 where the price is 0 or
///   below, at which money buys no number of shares; [`Totals::waits`] counts these. A weight of 0 and a number of shares are
///   filled at any finite price. What still waits at the end is dropped.
/// - **Costs.** Slippage is against the trader: a buy pays price + |price| × slippage, a sale gets price − |price| × slippage.
///   The commission of a fill is `max(minimum, per_share × shares + per_value × |value paid|)`. A fill of no shares costs
///   nothing.
/// - **Cash.** The fills of a moment settle together, so sales pay for purchases. There is no margin check: cash may fall
///   below 0 and bears no interest, and what it bought is seen as exposure above 1. Shorts are allowed and cost no fee.
/// - **Value.** Each holding at the last known price: its last finite close, 0 and below included, or the price of a fill after
///   that. An asset that has no bar, a missing close, or was delisted keeps its value until there is a price again.
/// - **Ruin.** Where the equity is not above 0 (or so little of what it was that rounding left it), nothing is left: what is held is
///   gone at its value, what is owed beyond it is written off, the return of that moment is −1, and of all later ones 0. Targets are
///   not looked at any more.
///
/// At any time `equity = initial cash + gains − commission − slippage + written off` of the [`Totals`], up to rounding.
///
/// # Complexity
/// A moment costs O(assets held or ordered); the others are not touched. Nothing is allocated after the start.
#[derive(Clone, Debug)]
pub struct Account<'t> {
    slots: Box<[Slot<'t>]>,
    /// Places that hold something, or did at the last moment.
    held: Vec<u32>,
    /// Places whose orders wait.
    waiting: Vec<u32>,
    cash: f64,
    value: f64,
    equity: f64,
    totals: Totals,
    closed: Closed,
    sums: Sums,
    returns: Vec<f64>,
    position: usize,
    commission: Commission,
    slippage: f64,
    accounting: Accounting,
    periods_per_year: f64,
}

/// What an asset's holding is to become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// A share of the equity: 1 is all of it, −0.5 half of it sold short.
    Weight(f64),
    /// A number of shares; negative is short.
    Shares(f64),
}

impl Target {
    fn is_finite(self) -> bool {
        match self {
            Self::Weight(value) | Self::Shares(value) => value.is_finite(),
        }
    }
}

/// What an account paid and earned since its start.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Totals {
    /// Fills of more or less than no shares.
    pub fills: u64,
    /// Money that price moves brought, before costs.
    pub gains: f64,
    /// Money paid as commission.
    pub commission: f64,
    /// Money lost to slippage: shares × the distance of the price paid from the bar's.
    pub slippage: f64,
    /// Money bought and sold for: shares × the magnitude of the price paid, purchases plus sales.
    pub traded: f64,
    /// Bars at which an order of a weight waited since the price was 0 or below, summed over assets.
    pub waits: u64,
    /// What was owed beyond all that there was when the account was ruined.
    pub written_off: f64,
}

/// One fill, as [`Account::advance_with`] tells of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filled {
    /// The asset, as its place in [`TrialView::assets`].
    pub place: usize,
    /// When.
    pub at: Timestamp,
    /// Shares bought; sold where negative.
    pub shares: f64,
    /// What was paid or got for one, slippage included.
    pub price: f64,
    /// The commission.
    pub commission: f64,
}

/// One asset's state.
#[derive(Clone, Debug)]
struct Slot<'t> {
    closes: Series<'t>,
    /// Opens or closes.
    fills: Series<'t>,
    shares: f64,
    /// The last known price.
    mark: f64,
    target: Target,
    order: Option<Order>,
    is_listed: bool,
    /// Cash that flowed since the holding was last nothing: what a round trip earned, once it is nothing again.
    flow: f64,
}

/// A target whose weight has become money.
#[derive(Clone, Copy, Debug)]
enum Order {
    Money(f64),
    Shares(f64),
}

impl Order {
    /// How many shares it asks for at this price; none where money buys no number of shares.
    #[inline]
    fn shares(self, price: f64) -> Option<f64> {
        match self {
            Self::Shares(shares) => Some(shares),
            Self::Money(money) if price > 0.0 => Some(money / price),
            // Nothing is nothing at any price.
            Self::Money(money) => (money == 0.0).then_some(money),
        }
    }
}

/// Round trips that ended.
#[derive(Clone, Copy, Debug, Default)]
struct Closed {
    trades: u64,
    wins: u64,
    profit: f64,
    loss: f64,
}

impl Closed {
    fn add(&mut self, earned: f64) {
        self.trades += 1;
        if earned > 0.0 {
            self.wins += 1;
            self.profit += earned;
        } else {
            self.loss -= earned;
        }
    }
}

/// An equity that falls in one bar to this share of itself or less is what rounding left of nothing: shares that were bought for all
/// the money cost as much to a few units of the last of 53 bits.
const NOTHING: f64 = 1.0 / (1_u64 << 48) as f64;

/// Sums over moments.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    equity: f64,
    exposure: f64,
}

impl<'t> Account<'t> {
    /// An account over the view's assets, all of it cash. O(assets + scored moments).
    ///
    /// # Errors
    /// As [`Accounting::check`]; [`Error::Data`] where an asset is of another version.
    pub fn new(view: &TrialView<'t>, accounting: &Accounting) -> Result<Self> {
        accounting.check()?;
        let slot = |&asset| Slot::new(view, asset, accounting.fill);
        let slots: Box<[_]> = view.assets().iter().map(slot).collect::<Result<_>>()?;
        Ok(Self {
            held: Vec::with_capacity(slots.len()),
            waiting: Vec::with_capacity(slots.len()),
            slots,
            cash: accounting.initial_cash,
            value: 0.0,
            equity: accounting.initial_cash,
            totals: Totals::default(),
            closed: Closed::default(),
            sums: Sums::default(),
            returns: Vec::with_capacity(view.scored().len()),
            position: 0,
            commission: accounting.commission,
            slippage: accounting.slippage_bps * 1e-4,
            periods_per_year: accounting.year(view.year()).periods,
            accounting: accounting.clone(),
        })
    }

    /// Goes on to the next moment: fills what waits, values what is held, notes the return.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the moment is not after the last one; [`Error::Data`] where it is of another version;
    /// [`Error::Strategy`] where the equity is beyond what a float holds.
    pub fn advance(&mut self, moment: Moment<'_>) -> Result<()> {
        self.advance_with(moment, |_| ())
    }

    /// As [`advance`](Self::advance), and tells of each fill.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    #[inline]
    pub fn advance_with(&mut self, moment: Moment<'_>, filled: impl FnMut(Filled)) -> Result<()> {
        if moment.position() <= self.position {
            return Err(self.out_of_order(moment));
        }
        self.position = moment.position();
        if self.is_ruined() {
            self.returns.push(0.0);
            return Ok(());
        }
        if !self.waiting.is_empty() {
            self.fill_waiting(moment, filled)?;
        }
        let gross = self.value_holdings(moment)?;
        let equity = self.cash + self.value;
        if !equity.is_finite() {
            return Err(not_a_number(equity, moment));
        }
        if equity <= self.equity * NOTHING {
            self.ruin(equity);
            return Ok(());
        }
        self.returns.push(equity / self.equity - 1.0);
        self.equity = equity;
        self.sums.equity += equity;
        self.sums.exposure += gross / equity;
        Ok(())
    }

    /// Wants the asset at this place of [`TrialView::assets`] to be held so: an order, unless that target is in force.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such place, or the target is NaN or infinite and there is something left.
    #[inline]
    pub fn set(&mut self, place: usize, target: Target) -> Result<()> {
        match self.slots.get(place) {
            Some(slot) if slot.target == target => Ok(()),
            _ => self.order(place, target),
        }
    }

    /// Orders the target in force once more, at the equity of now: what drifted goes back to its weight.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such place.
    pub fn rebalance(&mut self, place: usize) -> Result<()> {
        let target = self.slot(place)?.target;
        self.order(place, target)
    }

    /// The equity at the last moment: cash and the value of what is held.
    #[inline]
    pub fn equity(&self) -> f64 {
        self.equity
    }

    /// Whether nothing is left.
    #[inline]
    pub fn is_ruined(&self) -> bool {
        self.equity == 0.0
    }

    /// Cash at the last moment; below 0 where purchases took more than there was.
    #[inline]
    pub fn cash(&self) -> f64 {
        self.cash
    }

    /// The number of shares held of the asset at this place; negative where it is sold short.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such place.
    #[inline]
    pub fn shares(&self, place: usize) -> Result<f64> {
        self.slot(place).map(|slot| slot.shares)
    }

    /// The target in force of the asset at this place, filled or not.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such place.
    #[inline]
    pub fn target(&self, place: usize) -> Result<Target> {
        self.slot(place).map(|slot| slot.target)
    }

    /// Whether an order of the asset at this place waits for a bar.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such place.
    #[inline]
    pub fn is_waiting(&self, place: usize) -> Result<bool> {
        self.slot(place).map(|slot| slot.order.is_some())
    }

    /// What was paid and earned so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The return on each moment so far, `equity / equity before − 1`. At the first nothing can be held: it is 0.
    pub fn returns(&self) -> &[f64] {
        &self.returns
    }

    /// The same, without a copy.
    pub fn into_returns(self) -> Vec<f64> {
        self.returns
    }

    /// The metrics of the moments so far. O(moments + assets).
    pub fn metrics(&self) -> Metrics {
        Metrics::new(&self.returns, &self.trading(), self.periods_per_year)
    }

    /// The sums of the returns in [`Accounting::blocks`] consecutive blocks. O(moments).
    pub fn blocks(&self) -> Vec<Block> {
        blocks(&self.returns, self.accounting.blocks)
    }

    /// What the metrics need to know beside the returns. O(assets).
    pub fn trading(&self) -> Trading {
        let moments = self.returns.len() as f64;
        let open = || self.slots.iter().filter(|slot| slot.shares != 0.0);
        Trading {
            turnover: if self.totals.fills == 0 {
                0.0
            } else {
                self.totals.traded * moments / self.sums.equity
            },
            exposure: self.sums.exposure / moments,
            trades: self.closed.trades,
            wins: self.closed.wins,
            profit: self.closed.profit,
            loss: self.closed.loss,
            open_trades: open().count() as u64,
            open_return: open().map(Slot::earned).fold(0.0, |sum, earned| sum + earned)
                / self.accounting.initial_cash,
            waits: self.totals.waits,
        }
    }

    #[inline]
    fn slot(&self, place: usize) -> Result<&Slot<'t>> {
        self.slots.get(place).ok_or_else(|| no_place(place, self.slots.len()))
    }

    fn order(&mut self, place: usize, target: Target) -> Result<()> {
        let (slots, is_ruined) = (self.slots.len(), self.is_ruined());
        let slot = self.slots.get_mut(place).ok_or_else(|| no_place(place, slots))?;
        if is_ruined {
            // Whatever it was made of: a share of no equity is not a finite one.
            return Ok(());
        }
        if !target.is_finite() {
            return Err(not_finite(place, target));
        }
        slot.target = target;
        let order = match target {
            Target::Weight(weight) => Order::Money(weight * self.equity),
            Target::Shares(shares) => Order::Shares(shares),
        };
        if slot.order.replace(order).is_none() {
            self.waiting.push(place as u32);
        }
        Ok(())
    }

    fn fill_waiting(&mut self, moment: Moment<'_>, mut filled: impl FnMut(Filled)) -> Result<()> {
        let mut kept = 0;
        for at in 0..self.waiting.len() {
            let place = self.waiting[at];
            let slot = &self.slots[place as usize];
            let price = price_of(&slot.fills, moment)?;
            let wanted = price.and_then(|price| slot.order?.shares(price));
            match (price, wanted) {
                (Some(price), Some(wanted)) => self.fill(place, wanted, price, moment.now(), &mut filled),
                (price, _) => {
                    self.totals.waits += u64::from(price.is_some());
                    self.waiting[kept] = place;
                    kept += 1;
                }
            }
        }
        self.waiting.truncate(kept);
        Ok(())
    }

    fn fill(&mut self, place: u32, wanted: f64, price: f64, at: Timestamp, filled: &mut impl FnMut(Filled)) {
        let slot = &mut self.slots[place as usize];
        slot.order = None;
        let before = slot.shares;
        let shares = wanted - before;
        if shares == 0.0 {
            return;
        }
        // Against the trader: a purchase above 0 and a sale below it are further from 0.
        let paid = price * (1.0 + self.slippage.copysign(shares * price));
        let commission = self.commission.of(shares.abs(), paid);
        self.cash -= shares * paid + commission;
        self.totals.fills += 1;
        self.totals.gains += before * (price - slot.mark);
        self.totals.commission += commission;
        self.totals.slippage += shares * (paid - price);
        self.totals.traded += shares.abs() * paid.abs();
        slot.mark = price;
        slot.shares = wanted;
        slot.trip(before, paid, commission, &mut self.closed);
        if !slot.is_listed {
            slot.is_listed = true;
            self.held.push(place);
        }
        filled(Filled { place: place as usize, at, shares, price: paid, commission });
    }

    /// Brings marks up to date and sums values; returns the sum of their magnitudes.
    #[inline]
    fn value_holdings(&mut self, moment: Moment<'_>) -> Result<f64> {
        let (mut value, mut gross, mut gains, mut kept) = (0.0, 0.0, 0.0, 0);
        for at in 0..self.held.len() {
            let place = self.held[at];
            let slot = &mut self.slots[place as usize];
            if slot.shares == 0.0 {
                slot.is_listed = false;
                continue;
            }
            self.held[kept] = place;
            kept += 1;
            if let Some(close) = price_of(&slot.closes, moment)? {
                gains += slot.shares * (close - slot.mark);
                slot.mark = close;
            }
            let worth = slot.shares * slot.mark;
            value += worth;
            gross += worth.abs();
        }
        self.held.truncate(kept);
        self.value = value;
        self.totals.gains += gains;
        Ok(gross)
    }

    #[cold]
    fn ruin(&mut self, equity: f64) {
        for slot in self.slots.iter_mut() {
            slot.order = None;
            if slot.shares != 0.0 {
                self.closed.add(slot.earned());
                slot.flow = 0.0;
                slot.shares = 0.0;
            }
            slot.is_listed = false;
        }
        self.held.clear();
        self.waiting.clear();
        self.totals.written_off = 0.0 - equity;
        (self.cash, self.value, self.equity) = (0.0, 0.0, 0.0);
        self.returns.push(-1.0);
    }

    #[cold]
    fn out_of_order(&self, moment: Moment<'_>) -> Error {
        Error::Mismatch {
            what: "the order of moments".into(),
            found: format!("moment {} of the calendar", moment.position()),
            expected: format!("one after {}", self.position),
        }
    }
}

impl<'t> Slot<'t> {
    fn new(view: &TrialView<'t>, asset: bt_core::AssetId, fill: Fill) -> Result<Self> {
        let closes = view.portal().series(asset, Field::CLOSE)?;
        let fills = match fill {
            Fill::NextOpen => view.portal().series(asset, Field::OPEN)?,
            Fill::NextClose => closes,
        };
        Ok(Self {
            closes,
            fills,
            shares: 0.0,
            mark: 0.0,
            target: Target::Weight(0.0),
            order: None,
            is_listed: false,
            flow: 0.0,
        })
    }

    /// What the holding has earned since it was last nothing, at its last known price.
    fn earned(&self) -> f64 {
        self.flow + self.shares * self.mark
    }

    /// Notes what a fill means for the round trip: `before` shares became `self.shares`.
    fn trip(&mut self, before: f64, paid: f64, commission: f64, closed: &mut Closed) {
        let shares = self.shares - before;
        if self.shares * before < 0.0 {
            // Through zero: one fill ends a trip and begins another, and both bear the commission by their shares.
            let ending = commission * (before / shares).abs();
            closed.add(self.flow + before * paid - ending);
            self.flow = -self.shares * paid - (commission - ending);
            return;
        }
        self.flow -= shares * paid + commission;
        if self.shares == 0.0 {
            closed.add(std::mem::take(&mut self.flow));
        }
    }
}

/// The price of the bar that an asset has at this moment, if it has one.
#[inline(always)]
fn price_of(series: &Series<'_>, moment: Moment<'_>) -> Result<Option<f64>> {
    let price = series.current(moment)?.and_then(|known| known.last());
    Ok(price.copied().filter(|price| price.is_finite()))
}

#[cold]
fn not_a_number(equity: f64, moment: Moment<'_>) -> Error {
    Error::Strategy(format!("the equity of the account is {equity} at {}", moment.now()))
}

#[cold]
fn not_finite(place: usize, target: Target) -> Error {
    let (what, value) = match target {
        Target::Weight(weight) => ("weight", weight),
        Target::Shares(shares) => ("number of shares", shares),
    };
    Error::invalid(format!("the target {what} of asset {place}"), value, "a finite number")
}
