//! Examples whose numbers were computed by hand.

use approx::assert_relative_eq;
use bt_sweep::account::{Account, Filled, Target};
use bt_sweep::bt_dataportal::DataPortal;
use bt_sweep::{Accounting, Commission, Error, Fill, Metric, Stop, TrialView};

use crate::data::{Rows, day, ids, market, rows};

/// Of no use to these strategies.
static SERIES: std::sync::LazyLock<bt_sweep::SeriesCache> =
    std::sync::LazyLock::new(|| bt_sweep::SeriesCache::new(1 << 20).unwrap());

/// What was seen at one moment, after it was valued and before new targets.
#[derive(Debug)]
struct Seen {
    cash: f64,
    equity: f64,
    shares: Vec<f64>,
}

/// What a strategy does at one moment, by number.
type Act<'a> = &'a dyn Fn(usize, &mut Account<'_>) -> bt_sweep::Result<()>;

/// Runs an account over all days and keeps what was seen at each.
fn play(
    assets: &[Rows],
    accounting: &Accounting,
    act: Act<'_>,
) -> (Vec<Seen>, Vec<Filled>, Account<'static>) {
    // Leaked, so that the account can be returned: a few hundred bytes a test.
    let bundle = Box::leak(Box::new(market(assets).bundle()));
    let portal = Box::leak(Box::new(DataPortal::new(bundle)));
    let ids = Box::leak(ids(bundle).into_boxed_slice());
    let stop = Box::leak(Box::new(Stop::default()));
    let view = TrialView::new(portal, ids, 0..portal.calendar().len(), stop, &SERIES).unwrap();
    let mut account = Account::new(&view, accounting).unwrap();
    let (mut seen, mut fills) = (Vec::new(), Vec::new());
    for (number, moment) in view.moments().enumerate() {
        account.advance_with(moment, |filled| fills.push(filled)).unwrap();
        let shares = (0..ids.len()).map(|place| account.shares(place).unwrap()).collect();
        seen.push(Seen { cash: account.cash(), equity: account.equity(), shares });
        act(number, &mut account).unwrap();
    }
    (seen, fills, account)
}

fn dear() -> Accounting {
    Accounting {
        initial_cash: 1000.0,
        commission: Commission { per_share: 0.01, per_value: 0.001, minimum: 0.5 },
        slippage_bps: 100.0,
        ..Accounting::default()
    }
}

fn free() -> Accounting {
    Accounting { initial_cash: 1000.0, ..Accounting::default() }
}

fn five_days() -> Rows {
    rows(&[(10.0, 10.5), (11.0, 11.5), (12.0, 12.5), (13.0, 11.0), (14.0, 14.0)])
}

#[test]
fn a_target_is_filled_at_the_next_open_with_slippage_and_commission() {
    let (seen, fills, account) = play(&[five_days()], &dear(), &|number, account| match number {
        0 => account.set(0, Target::Shares(50.0)),
        1 => account.set(0, Target::Weight(0.0)),
        2 => account.set(0, Target::Weight(-0.5)),
        _ => Ok(()),
    });
    let filled =
        |day_of, shares, price, commission| Filled { place: 0, at: day(day_of), shares, price, commission };
    assert_eq!((seen[0].cash, seen[0].equity), (1000.0, 1000.0));
    // 50 shares at 11 × 1.01, and 50 × 0.01 + 555.5 × 0.001 on top.
    assert_close(&fills[0], &filled(1, 50.0, 11.11, 1.0555));
    assert_relative_eq!(seen[1].cash, 1000.0 - 555.5 - 1.0555, max_relative = 1e-14);
    assert_relative_eq!(seen[1].equity, 443.4445 + 50.0 * 11.5, max_relative = 1e-14);
    assert_close(&fills[1], &filled(2, -50.0, 11.88, 1.094));
    assert_relative_eq!(seen[2].equity, 443.4445 + 594.0 - 1.094, max_relative = 1e-14);
    // Half of 1036.3505, the equity when it was ordered, at the open of 13; sold at 13 × 0.99.
    let short = 518.17525 / 13.0;
    let commission = short * 0.01 + short * 12.87 * 0.001;
    assert!(commission > 0.5);
    assert_close(&fills[2], &filled(3, -short, 12.87, commission));
    assert_relative_eq!(seen[3].cash, 1036.3505 + short * 12.87 - commission, max_relative = 1e-14);
    assert_relative_eq!(seen[3].equity, seen[3].cash - short * 11.0, max_relative = 1e-14);
    assert_relative_eq!(seen[4].equity, seen[3].cash - short * 14.0, max_relative = 1e-14);
    assert_eq!(fills.len(), 3);

    let totals = account.totals();
    assert_eq!(totals.fills, 3);
    assert_relative_eq!(totals.commission, 1.0555 + 1.094 + commission, max_relative = 1e-14);
    assert_relative_eq!(totals.slippage, 50.0 * 0.11 + 50.0 * 0.12 + short * 0.13, max_relative = 1e-12);
    assert_relative_eq!(totals.traded, 555.5 + 594.0 + short * 12.87, max_relative = 1e-14);
    assert_relative_eq!(totals.gains, 50.0 * (12.0 - 11.0) - short * (14.0 - 13.0), max_relative = 1e-12);

    let metrics = account.metrics();
    // One round trip: 594 − 1.094 − 555.5 − 1.0555. The short is open.
    assert_eq!((metrics.get(Metric::Trades), metrics.get(Metric::WinRate)), (1.0, 1.0));
    assert!(metrics.get(Metric::ProfitFactor).is_nan());
    let returns = [0.0, seen[1].equity / 1000.0 - 1.0, seen[2].equity / seen[1].equity - 1.0];
    assert_eq!(account.returns()[..3], returns);
    let exposures =
        [0.0, 575.0 / seen[1].equity, 0.0, short * 11.0 / seen[3].equity, short * 14.0 / seen[4].equity];
    let exposure = exposures.iter().sum::<f64>() / 5.0;
    assert_relative_eq!(metrics.get(Metric::Exposure), exposure, max_relative = 1e-14);
    let mean = seen.iter().map(|seen| seen.equity).sum::<f64>() / 5.0;
    let turnover = totals.traded / mean * 252.0 / 5.0;
    assert_relative_eq!(metrics.get(Metric::Turnover), turnover, max_relative = 1e-14);
}

fn assert_close(found: &Filled, expected: &Filled) {
    assert_eq!((found.place, found.at), (expected.place, expected.at));
    assert_relative_eq!(found.shares, expected.shares, max_relative = 1e-14);
    assert_relative_eq!(found.price, expected.price, max_relative = 1e-14);
    assert_relative_eq!(found.commission, expected.commission, max_relative = 1e-14);
}

#[test]
fn a_target_is_filled_at_the_next_close_where_that_is_asked_for() {
    let accounting = Accounting { fill: Fill::NextClose, ..free() };
    let (seen, fills, _) = play(&[five_days()], &accounting, &|number, account| match number {
        0 => account.set(0, Target::Weight(1.0)),
        _ => Ok(()),
    });
    assert_eq!((fills.len(), fills[0].at, fills[0].price), (1, day(1), 11.5));
    assert_eq!(seen[1].equity, 1000.0);
    assert_relative_eq!(seen[2].equity, 1000.0 / 11.5 * 12.5, max_relative = 1e-14);
}

#[test]
fn the_minimum_commission_is_charged_for_each_fill_and_for_no_order_without_shares() {
    let accounting =
        Accounting { commission: Commission { minimum: 7.0, ..Commission::default() }, ..free() };
    let (_, fills, account) = play(&[five_days()], &accounting, &|number, account| match number {
        0 => account.set(0, Target::Shares(1.0)),
        1 => account.set(0, Target::Shares(0.0)),
        // Nothing is held, so nothing has to be sold.
        2 => account.set(0, Target::Weight(0.0)),
        _ => account.rebalance(0),
    });
    assert_eq!(fills.iter().map(|filled| filled.commission).collect::<Vec<_>>(), [7.0, 7.0]);
    assert_eq!(account.totals().commission, 14.0);
}

#[test]
fn the_target_in_force_is_no_order_unless_a_rebalance_is_asked_for() {
    let (seen, fills, _) = play(&[five_days()], &free(), &|number, account| {
        account.set(0, Target::Weight(0.5))?;
        if number == 2 { account.rebalance(0) } else { Ok(()) }
    });
    let bought = 500.0 / 11.0;
    assert_eq!(fills.iter().map(|filled| filled.at).collect::<Vec<_>>(), [day(1), day(3)]);
    assert_eq!((seen[1].shares[0], seen[2].shares[0]), (bought, bought));
    let equity = 500.0 + bought * 12.5;
    assert_relative_eq!(seen[3].shares[0], equity / 2.0 / 13.0, max_relative = 1e-14);
    assert_eq!(seen[4].shares[0], seen[3].shares[0]);
}

#[test]
fn an_order_waits_while_the_asset_has_no_bar_or_no_price() {
    let nan = f64::NAN;
    let gapped: Rows = vec![(0, 5.0, 5.0), (3, nan, 6.0), (4, 0.0, 6.0), (5, -1.0, 6.0), (6, 8.0, 9.0)];
    let assets = [rows(&[(1.0, 1.0); 8]), gapped];
    let (seen, fills, account) = play(&assets, &free(), &|number, account| match number {
        0 => account.set(1, Target::Weight(0.8)),
        _ => {
            assert_eq!(account.is_waiting(1).unwrap(), number < 6, "on day {number}");
            Ok(())
        }
    });
    assert_eq!(fills.len(), 1);
    assert_eq!((fills[0].at, fills[0].price, fills[0].shares), (day(6), 8.0, 100.0));
    assert_eq!(seen[5].equity, 1000.0);
    assert_eq!(seen[6].equity, 200.0 + 900.0);
    assert_eq!(account.target(1).unwrap(), Target::Weight(0.8));
    // Twice at a price, 0 and −1, at which money buys nothing; the bars without a price are no such waits.
    assert_eq!((account.totals().waits, account.metrics().get(Metric::Waits)), (2, 2.0));
}

#[test]
fn a_holding_that_falls_to_nothing_has_lost_all_of_itself() {
    let asset = rows(&[(10.0, 10.0), (10.0, 10.0), (4.0, 0.0), (0.0, 0.0)]);
    let (seen, _, account) = play(&[asset], &free(), &|number, account| match number {
        0 => account.set(0, Target::Weight(0.25)),
        _ => Ok(()),
    });
    let equities: Vec<_> = seen.iter().map(|seen| seen.equity).collect();
    assert_eq!(equities, [1000.0, 1000.0, 750.0, 750.0]);
    let metric = |metric| account.metrics().get(metric);
    assert_eq!((metric(Metric::TotalReturn), metric(Metric::MaxDrawdown)), (-0.25, 0.25));
    assert_eq!((metric(Metric::OpenTrades), metric(Metric::OpenReturn)), (1.0, -0.25));
}

#[test]
fn all_of_the_equity_in_what_falls_to_nothing_or_below_is_ruin() {
    for (low, owed) in [(0.0, 0.0), (-5.5, 550.0)] {
        let asset = rows(&[(10.0, 10.0), (10.0, 10.0), (9.0, low), (12.0, 12.0)]);
        let (seen, fills, account) = play(&[asset], &free(), &|number, account| match number {
            0 => account.set(0, Target::Weight(1.0)),
            _ => Ok(()),
        });
        assert_eq!((seen[2].equity, seen[3].equity, fills.len()), (0.0, 0.0, 1));
        assert_eq!(account.returns(), [0.0, 0.0, -1.0, 0.0]);
        assert_eq!((account.is_ruined(), account.totals().written_off), (true, owed));
        let metric = |metric| account.metrics().get(metric);
        assert_eq!((metric(Metric::TotalReturn), metric(Metric::MaxDrawdown)), (-1.0, 1.0));
        // What is gone is no open holding: it is the one trade, and lost more than there was.
        assert_eq!(
            (metric(Metric::Trades), metric(Metric::OpenTrades), metric(Metric::OpenReturn)),
            (1.0, 0.0, 0.0)
        );
        assert_eq!(account.trading().loss, 1000.0 + owed);
        // Not −0, which the sum of nothing is.
        assert!(metric(Metric::OpenReturn).is_sign_positive());
    }
}

#[test]
fn whether_a_fall_to_nothing_is_ruin_does_not_depend_on_how_the_purchase_was_rounded() {
    for cents in 1..2000 {
        let price = f64::from(cents) / 100.0;
        let asset = rows(&[(price, price), (price, price), (price, 0.0), (price, price)]);
        let (_, _, account) = play(&[asset], &free(), &|number, account| match number {
            0 => account.set(0, Target::Weight(1.0)),
            _ => Ok(()),
        });
        assert!(account.is_ruined(), "bought at {price}");
        assert_eq!(account.returns(), [0.0, 0.0, -1.0, 0.0]);
        assert!(account.totals().written_off.abs() < 1e-9);
    }
}

#[test]
fn below_0_an_exit_and_shares_are_filled_and_costs_are_those_of_the_magnitude() {
    let asset = rows(&[(10.0, 10.0), (10.0, 10.0), (-2.0, -2.0), (-4.0, -4.0), (-1.0, -1.0)]);
    let (seen, fills, account) = play(&[asset], &dear(), &|number, account| match number {
        0 => account.set(0, Target::Shares(20.0)),
        1 => account.set(0, Target::Weight(0.0)),
        2 => account.set(0, Target::Shares(50.0)),
        _ => account.set(0, Target::Shares(0.0)),
    });
    // 1 % of 2 less than −2 for the seller, 1 % of 4 more than −4 for the buyer.
    let expected = [(20.0, 10.1), (-20.0, -2.02), (50.0, -3.96), (-50.0, -1.01)];
    for (filled, (shares, price)) in fills.iter().zip(expected) {
        assert_eq!(filled.shares, shares);
        assert_relative_eq!(filled.price, price, max_relative = 1e-14);
        let commission = f64::max(0.5, 0.01 * shares.abs() + 0.001 * (shares * price).abs());
        assert_relative_eq!(filled.commission, commission, max_relative = 1e-14);
    }
    assert_eq!(fills.len(), 4);
    let totals = account.totals();
    assert_relative_eq!(
        totals.slippage,
        20.0 * 0.1 + 20.0 * 0.02 + 50.0 * 0.04 + 50.0 * 0.01,
        max_relative = 1e-12
    );
    assert_relative_eq!(totals.traded, 202.0 + 40.4 + 198.0 + 50.5, max_relative = 1e-14);
    // To be rid of 20 shares at −2 costs money; to take 50 at −4 brings it.
    assert_relative_eq!(seen[2].cash - seen[1].cash, -40.4 - 0.5, max_relative = 1e-12);
    assert_relative_eq!(seen[3].cash - seen[2].cash, 198.0 - 0.698, max_relative = 1e-12);
    assert_eq!((account.totals().waits, account.shares(0).unwrap()), (0, 0.0));
}

#[test]
fn a_win_rate_of_1_stands_beside_what_is_still_open() {
    let asset = rows(&[(10.0, 10.0), (10.0, 10.0), (11.0, 11.0), (11.0, 11.0), (11.0, 5.5)]);
    let (_, _, account) = play(&[asset], &free(), &|number, account| match number {
        0 => account.set(0, Target::Shares(10.0)),
        1 => account.set(0, Target::Shares(0.0)),
        2 => account.set(0, Target::Shares(60.0)),
        _ => Ok(()),
    });
    let metric = |metric| account.metrics().get(metric);
    assert_eq!((metric(Metric::Trades), metric(Metric::WinRate)), (1.0, 1.0));
    assert_eq!((metric(Metric::OpenTrades), metric(Metric::OpenReturn)), (1.0, -0.33));
    // 10 of the trade that ended and −330 of the holding.
    assert_relative_eq!(metric(Metric::TotalReturn), 0.01 - 0.33, max_relative = 1e-12);
}

#[test]
fn a_later_target_replaces_an_order_that_waits() {
    let assets = [rows(&[(1.0, 1.0); 5]), vec![(0, 5.0, 5.0), (4, 10.0, 10.0)]];
    let (_, fills, _) = play(&assets, &free(), &|number, account| match number {
        0 => account.set(1, Target::Shares(10.0)),
        1 => account.set(1, Target::Shares(20.0)),
        2 => account.set(1, Target::Weight(0.3)),
        _ => Ok(()),
    });
    assert_eq!(fills.iter().map(|filled| (filled.at, filled.shares)).collect::<Vec<_>>(), [(day(4), 30.0)]);
}

#[test]
fn a_weight_is_money_from_the_moment_it_is_ordered_and_shares_from_the_fill_on() {
    // The other asset doubles while the order waits; the order does not grow with it.
    let assets =
        [rows(&[(1.0, 1.0), (1.0, 1.0), (1.0, 2.0), (2.0, 2.0)]), vec![(0, 5.0, 5.0), (3, 10.0, 10.0)]];
    let (seen, _, _) = play(&assets, &free(), &|number, account| match number {
        0 => account.set(0, Target::Weight(1.0)),
        1 => account.set(1, Target::Weight(0.5)),
        _ => Ok(()),
    });
    assert_eq!(seen[2].equity, 2000.0);
    assert_eq!(seen[3].shares, [1000.0, 50.0]);
    // Bought on credit: seen, not refused.
    assert_eq!(seen[3].cash, -500.0);
    assert_eq!(seen[3].equity, 2000.0);
}

#[test]
fn a_delisted_asset_keeps_the_value_of_its_last_close() {
    let assets = [rows(&[(1.0, 1.0); 6]), rows(&[(4.0, 4.0), (4.0, 5.0), (5.0, 6.0)])];
    let (seen, fills, account) = play(&assets, &free(), &|number, account| match number {
        0 => account.set(1, Target::Shares(100.0)),
        3 => account.set(1, Target::Weight(0.0)),
        _ => Ok(()),
    });
    let equities: Vec<_> = seen.iter().map(|seen| seen.equity).collect();
    assert_eq!(equities, [1000.0, 1100.0, 1200.0, 1200.0, 1200.0, 1200.0]);
    // Nobody buys it any more.
    assert_eq!((fills.len(), account.is_waiting(1).unwrap()), (1, true));
    assert_eq!(account.metrics().get(Metric::Trades), 0.0);
}

#[test]
fn a_close_that_is_missing_leaves_the_last_known_price() {
    let asset = rows(&[(4.0, 4.0), (5.0, f64::NAN), (6.0, 7.0), (7.0, f64::INFINITY), (7.0, f64::NAN)]);
    let (seen, _, _) = play(&[asset], &free(), &|number, account| match number {
        0 => account.set(0, Target::Shares(100.0)),
        _ => Ok(()),
    });
    // On day 1 that is the open that was paid.
    let equities: Vec<_> = seen.iter().map(|seen| seen.equity).collect();
    assert_eq!(equities, [1000.0, 1000.0, 1200.0, 1200.0, 1200.0]);
}

#[test]
fn a_fill_through_zero_ends_one_trip_and_begins_another() {
    let asset = rows(&[(10.0, 10.0), (10.0, 10.0), (12.0, 12.0), (9.0, 9.0), (9.0, 9.0)]);
    let accounting =
        Accounting { commission: Commission { per_share: 0.1, ..Commission::default() }, ..free() };
    let (_, _, account) = play(&[asset], &accounting, &|number, account| match number {
        0 => account.set(0, Target::Shares(10.0)),
        1 => account.set(0, Target::Shares(-30.0)),
        2 => account.set(0, Target::Shares(0.0)),
        _ => Ok(()),
    });
    let trading = account.trading();
    // Long: 10 × 2 − 1 at the start − 1 of the 4 of the turn. Short: 30 × 3 − 3 − 3.
    assert_eq!((trading.trades, trading.wins, trading.loss), (2, 2, 0.0));
    assert_relative_eq!(trading.profit, 18.0 + 84.0, max_relative = 1e-14);
}

#[test]
fn a_trip_that_was_built_up_and_taken_down_in_steps_is_one() {
    let asset = rows(&[(10.0, 10.0), (10.0, 10.0), (8.0, 8.0), (9.0, 9.0), (8.0, 8.0)]);
    let (_, _, account) = play(&[asset], &free(), &|number, account| {
        account.set(0, Target::Shares([10.0, 20.0, 5.0, 0.0, 0.0][number]))
    });
    let trading = account.trading();
    // −100 − 80 + 135 + 40.
    assert_eq!((trading.trades, trading.wins, trading.profit, trading.loss), (1, 0, 0.0, 5.0));
    assert_eq!(account.metrics().get(Metric::WinRate), 0.0);
    assert_eq!(account.metrics().get(Metric::ProfitFactor), 0.0);
}

#[test]
fn an_account_that_lost_everything_has_lost_it_and_does_nothing_more() {
    let bundle = market(&[rows(&[(10.0, 10.0), (10.0, 10.0), (21.0, 21.0), (5.0, 5.0)])]).bundle();
    let (portal, ids, stop) = (DataPortal::new(&bundle), ids(&bundle), Stop::default());
    let view = TrialView::new(&portal, &ids, 0..4, &stop, &SERIES).unwrap();
    let mut account = Account::new(&view, &free()).unwrap();
    for (moment, weight) in view.moments().zip([-1.0, -1.0, 1.0, 0.0]) {
        account.advance(moment).unwrap();
        account.set(0, Target::Weight(weight)).unwrap();
    }
    // 1000 sold short at 10 became a debt of 1100 beside 1000 of cash.
    assert_eq!(account.returns(), [0.0, 0.0, -1.0, 0.0]);
    assert_eq!((account.totals().written_off, account.totals().fills), (100.0, 1));
    assert_eq!((account.equity(), account.cash(), account.shares(0).unwrap()), (0.0, 0.0, 0.0));
    assert!(account.is_ruined() && !account.is_waiting(0).unwrap());
    let metric = |metric| account.metrics().get(metric);
    assert_eq!((metric(Metric::TotalReturn), metric(Metric::AnnualReturn)), (-1.0, -1.0));
    assert_eq!((metric(Metric::MaxDrawdown), metric(Metric::MaxDrawdownBars)), (1.0, 2.0));
    assert_eq!((metric(Metric::Trades), account.trading().loss), (1.0, 1100.0));
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let bundle = market(&[five_days()]).bundle();
    let (portal, ids, stop) = (DataPortal::new(&bundle), ids(&bundle), Stop::default());
    let view = TrialView::new(&portal, &ids, 0..5, &stop, &SERIES).unwrap();
    let mut account = Account::new(&view, &free()).unwrap();
    let message = |result: bt_sweep::Result<()>| result.unwrap_err().to_string();
    let refused = message(account.set(1, Target::Weight(0.5)));
    assert_eq!(
        refused,
        "the place of an asset = 1 is out of range; allowed: a place in 0..1, the assets in order"
    );
    let refused = message(account.set(0, Target::Weight(f64::NAN)));
    assert_eq!(refused, "the target weight of asset 0 = NaN is out of range; allowed: a finite number");
    assert!(account.set(0, Target::Shares(f64::INFINITY)).is_err());
    assert!(account.rebalance(7).is_err());
    assert_eq!((account.target(0).unwrap(), account.is_waiting(0).unwrap()), (Target::Weight(0.0), false));

    let moments: Vec<_> = view.moments().collect();
    account.advance(moments[1]).unwrap();
    for past in [moments[1], moments[0]] {
        assert!(message(account.advance(past)).contains("the order of moments differs"));
    }
    let other = market(&[rows(&[(1.0, 1.0); 9])]).bundle();
    let other = DataPortal::new(&other);
    account.set(0, Target::Weight(1.0)).unwrap();
    assert!(matches!(account.advance(other.moments().next_back().unwrap()), Err(Error::Data(_))));
    let bad = Accounting { initial_cash: f64::NAN, ..free() };
    assert!(Account::new(&view, &bad).is_err());
}
