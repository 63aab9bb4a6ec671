//! The rules of an account, followed in the plainest way: every day looks at every asset and at all of its raw bars.

use std::collections::BTreeMap;

use bt_sweep::account::Target;
use bt_sweep::bt_core::Timestamp;
use bt_sweep::{Accounting, Fill};
use bt_testkit::MarketData;

/// What a strategy does with one asset after a day.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Set(usize, Target),
    Rebalance(usize),
}

/// The books at the end of a day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Day {
    pub(crate) cash: f64,
    pub(crate) equity: f64,
    pub(crate) gross: f64,
    pub(crate) shares: Vec<f64>,
}

/// A purchase or sale: the price before and after slippage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deal {
    pub(crate) asset: usize,
    pub(crate) shares: f64,
    pub(crate) quoted: f64,
    pub(crate) paid: f64,
    pub(crate) commission: f64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    pub(crate) days: Vec<Day>,
    pub(crate) deals: Vec<Deal>,
    /// What each round trip earned, asset by asset.
    pub(crate) trips: Vec<f64>,
    /// What was owed on the day on which nothing was left.
    pub(crate) written_off: Option<f64>,
    /// How often a weight waited at a price at which money buys nothing.
    pub(crate) waits: u64,
    /// What the holdings of the end have earned so far, asset by asset.
    pub(crate) open: Vec<f64>,
    /// Whether a day ended so near to nothing that rounding decides.
    pub(crate) is_close: bool,
}

/// Goes through all days from `first` on; `acts` are what is done after each of them.
pub(crate) fn keep(data: &MarketData, accounting: &Accounting, first: usize, acts: &[Vec<Act>]) -> Books {
    let mut books = Books::default();
    let mut targets = vec![Target::Weight(0.0); data.assets.len()];
    let mut orders: BTreeMap<usize, Target> = BTreeMap::new();
    let mut shares = vec![0.0; data.assets.len()];
    let mut prices = vec![0.0; data.assets.len()];
    let mut cash = accounting.initial_cash;
    let mut lost = Vec::new();
    for (now, acts) in data.calendar().into_iter().skip(first).zip(acts) {
        for asset in orders.keys().copied().collect::<Vec<_>>() {
            let Some(quoted) = fill_price(data, accounting, asset, now) else { continue };
            let wanted = match orders[&asset] {
                Target::Shares(shares) => shares,
                Target::Weight(0.0) => 0.0,
                Target::Weight(money) if quoted > 0.0 => money / quoted,
                Target::Weight(_) => {
                    books.waits += 1;
                    continue;
                }
            };
            orders.remove(&asset);
            let deal = deal(accounting, asset, wanted - shares[asset], quoted);
            if deal.shares != 0.0 {
                prices[asset] = quoted;
                cash = cash - deal.shares * deal.paid - deal.commission;
                shares[asset] = wanted;
                books.deals.push(deal);
            }
        }
        for (asset, price) in prices.iter_mut().enumerate() {
            *price = price_at(data, asset, 3, now).unwrap_or(*price);
        }
        let worth = |asset: usize| if shares[asset] == 0.0 { 0.0 } else { shares[asset] * prices[asset] };
        let values: Vec<f64> = (0..shares.len()).map(worth).collect();
        let equity = cash + values.iter().sum::<f64>();
        books.is_close |= books.written_off.is_none() && equity.abs() < 1e-3;
        let gross = values.iter().map(|value| value.abs()).sum();
        if books.written_off.is_some() || equity <= 0.0 {
            if books.written_off.is_none() {
                books.written_off = Some(-equity);
                lost.extend((0..shares.len()).filter(|&asset| shares[asset] != 0.0).map(|asset| Deal {
                    asset,
                    shares: -shares[asset],
                    quoted: prices[asset],
                    paid: prices[asset],
                    commission: 0.0,
                }));
            }
            (cash, orders) = (0.0, BTreeMap::new());
            shares.fill(0.0);
            books.days.push(Day { shares: shares.clone(), ..Day::default() });
            continue;
        }
        books.days.push(Day { cash, equity, gross, shares: shares.clone() });
        for act in acts {
            let (asset, target) = match *act {
                Act::Set(asset, target) if targets[asset] == target => continue,
                Act::Set(asset, target) => (asset, target),
                Act::Rebalance(asset) => (asset, targets[asset]),
            };
            targets[asset] = target;
            let order = match target {
                Target::Weight(weight) => Target::Weight(weight * equity),
                shares => shares,
            };
            orders.insert(asset, order);
        }
    }
    let deals = [&books.deals[..], &lost].concat();
    books.trips = (0..data.assets.len()).flat_map(|asset| trips(&deals, asset)).collect();
    // Sold at their last price without costs, open holdings are trips as well: those come last.
    books.open = (0..data.assets.len())
        .filter(|&asset| shares[asset] != 0.0)
        .filter_map(|asset| {
            let (quoted, paid) = (prices[asset], prices[asset]);
            let sale = Deal { asset, shares: -shares[asset], quoted, paid, commission: 0.0 };
            trips(&[&deals[..], &[sale]].concat(), asset).pop()
        })
        .collect();
    books
}

fn deal(accounting: &Accounting, asset: usize, shares: f64, quoted: f64) -> Deal {
    let slippage = quoted.abs() * accounting.slippage_bps / 10_000.0;
    let paid = if shares > 0.0 { quoted + slippage } else { quoted - slippage };
    let fee = accounting.commission;
    let asked = fee.per_share * shares.abs() + fee.per_value * (shares * paid).abs();
    let commission = if asked < fee.minimum { fee.minimum } else { asked };
    Deal { asset, shares, quoted, paid, commission }
}

fn fill_price(data: &MarketData, accounting: &Accounting, asset: usize, now: Timestamp) -> Option<f64> {
    match accounting.fill {
        Fill::NextOpen => price_at(data, asset, 0, now),
        Fill::NextClose => price_at(data, asset, 3, now),
    }
}

fn price_at(data: &MarketData, asset: usize, column: usize, now: Timestamp) -> Option<f64> {
    let asset = &data.assets[asset];
    let bar = asset.timestamps.iter().position(|&at| at == now)?;
    Some(asset.columns[column][bar]).filter(|price| price.is_finite())
}

/// What each stretch of holding something on one side earned. A deal through zero is two deals.
fn trips(deals: &[Deal], asset: usize) -> Vec<f64> {
    let mut parts = Vec::new();
    let mut held = 0.0_f64;
    for deal in deals.iter().filter(|deal| deal.asset == asset) {
        let after = held + deal.shares;
        // Sums of shares are rounded; a holding that small is none.
        let after = if after.abs() < 1e-9 * deal.shares.abs() { 0.0 } else { after };
        if held * after < 0.0 {
            let share = held.abs() / deal.shares.abs();
            parts.push((-held, deal.paid, deal.commission * share, true));
            parts.push((after, deal.paid, deal.commission * (1.0 - share), false));
        } else {
            parts.push((deal.shares, deal.paid, deal.commission, after == 0.0));
        }
        held = after;
    }
    let mut earned = Vec::new();
    let mut sum = 0.0;
    for (shares, paid, commission, is_last) in parts {
        sum += -shares * paid - commission;
        if is_last {
            earned.push(sum);
            sum = 0.0;
        }
    }
    earned
}
