//! Random orders on random markets.

use approx::assert_relative_eq;
use bt_sweep::account::{Account, Target};
use bt_sweep::bt_dataportal::DataPortal;
use bt_sweep::{Accounting, Commission, Fill, Metric, Stop, TrialView};
use bt_testkit::{MarketData, MemoryBundle};
use proptest::prelude::*;

use crate::data::{Rows, ids, market};
use crate::oracle::{self, Act, Books, Day};

/// Of no use to these strategies.
static SERIES: std::sync::LazyLock<bt_sweep::SeriesCache> =
    std::sync::LazyLock::new(|| bt_sweep::SeriesCache::new(1 << 20).unwrap());

const ASSETS: usize = 3;
const DAYS: usize = 12;

/// Prices around 10, some of them 0 or below, some missing.
fn price() -> impl Strategy<Value = f64> {
    prop_oneof![
        24 => 5.0..20.0,
        2 => prop_oneof![Just(0.0), Just(-0.0), Just(-3.0), -8.0..0.0],
        2 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
    ]
}

/// Bars on most days, from a listing to a delisting.
fn bars() -> impl Strategy<Value = Rows> {
    let day = (prop::bool::weighted(0.85), price(), price());
    (prop::collection::vec(day, DAYS), 0..3_usize, 0..4_usize).prop_map(|(days, listed, delisted)| {
        let lives = |at: usize| at >= listed && at + delisted < DAYS;
        let has_bar = |at: usize, traded: bool| lives(at) && (traded || at == listed);
        let numbered = days.into_iter().enumerate();
        numbered.filter(|(at, day)| has_bar(*at, day.0)).map(|(at, day)| (at as i64, day.1, day.2)).collect()
    })
}

/// The first asset trades on all days, so that the calendar has them all.
fn markets() -> impl Strategy<Value = MarketData> {
    let always = prop::collection::vec((price(), price()), DAYS);
    (always, prop::collection::vec(bars(), ASSETS - 1)).prop_map(|(always, others)| {
        let mut assets = vec![crate::data::rows(&always)];
        assets.extend(others);
        market(&assets)
    })
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        2 => Just(Target::Weight(0.0)),
        4 => (-10..=15_i32).prop_map(|tenths| Target::Weight(f64::from(tenths) / 10.0)),
        1 => Just(Target::Shares(0.0)),
        3 => (-40..=60_i32).prop_map(|shares| Target::Shares(f64::from(shares))),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let act = prop_oneof![
        6 => (0..ASSETS, target()).prop_map(|(asset, target)| Act::Set(asset, target)),
        1 => (0..ASSETS).prop_map(Act::Rebalance),
    ];
    prop::collection::vec(prop::collection::vec(act, 0..3), DAYS)
}

fn accountings() -> impl Strategy<Value = Accounting> {
    let fill = prop_oneof![Just(Fill::NextOpen), Just(Fill::NextClose)];
    let commission = (0.0..0.1_f64, 0.0..0.01_f64, prop_oneof![Just(0.0), 0.0..3.0_f64]);
    (fill, commission, prop_oneof![Just(0.0), 0.0..200.0_f64]).prop_map(|(fill, commission, slippage_bps)| {
        let (per_share, per_value, minimum) = commission;
        Accounting {
            initial_cash: 1000.0,
            fill,
            commission: Commission { per_share, per_value, minimum },
            slippage_bps,
            ..Accounting::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn an_account_keeps_the_books_that_the_naive_one_keeps(
        data in markets(),
        accounting in accountings(),
        first in 0..4_usize,
        acts in acts(),
        with_slab: bool,
    ) {
        let bundle = if with_slab { data.bundle() } else { data.bundle().without_slab() };
        let books = oracle::keep(&data, &accounting, first, &acts);
        prop_assume!(!books.is_close);
        follow(&bundle, &accounting, first, &acts, &books);
    }
}

/// Runs an account in step with the naive one's books.
fn follow(bundle: &MemoryBundle, accounting: &Accounting, first: usize, acts: &[Vec<Act>], books: &Books) {
    let (portal, ids, stop) = (DataPortal::new(bundle), ids(bundle), Stop::default());
    let view = TrialView::new(&portal, &ids, first..DAYS, &stop, &SERIES).unwrap();
    let mut account = Account::new(&view, accounting).unwrap();
    let mut fills = Vec::new();
    for ((moment, acts), day) in view.moments().zip(acts).zip(&books.days) {
        account.advance_with(moment, |filled| fills.push(filled)).unwrap();
        assert_near(account.cash(), day.cash);
        assert_near(account.equity(), day.equity);
        for (place, &shares) in day.shares.iter().enumerate() {
            assert_relative_eq!(account.shares(place).unwrap(), shares, max_relative = 1e-9, epsilon = 1e-9);
        }
        for act in acts {
            match *act {
                Act::Set(place, target) => account.set(place, target).unwrap(),
                Act::Rebalance(place) => account.rebalance(place).unwrap(),
            }
        }
    }
    assert_eq!(fills.len(), books.deals.len());
    assert_conserved(&account, accounting, books);
    assert_same_trading(&account, accounting, books);
}

/// Cash and value change by price moves, commission and slippage alone.
fn assert_conserved(account: &Account<'_>, accounting: &Accounting, books: &Books) {
    let totals = account.totals();
    let kept = accounting.initial_cash + totals.gains - totals.commission - totals.slippage;
    assert_near(account.equity(), kept + totals.written_off);
    assert_eq!(account.is_ruined(), books.written_off.is_some());
    assert_near(totals.written_off, books.written_off.unwrap_or(0.0));
    let sum = |of: fn(&oracle::Deal) -> f64| books.deals.iter().map(of).sum::<f64>();
    assert_near(totals.commission, sum(|deal| deal.commission));
    assert_near(totals.slippage, sum(|deal| (deal.shares * (deal.paid - deal.quoted)).abs()));
    assert_near(totals.traded, sum(|deal| (deal.shares * deal.paid).abs()));
    assert_eq!(totals.waits, books.waits);
}

fn assert_same_trading(account: &Account<'_>, accounting: &Accounting, books: &Books) {
    let trading = account.trading();
    assert_eq!(trading.trades, books.trips.len() as u64);
    // A trip that earned nothing but rounding may count as either.
    let earned: Vec<f64> = books.trips.clone();
    let surely = |sign: f64| earned.iter().filter(|earned| *earned * sign > 1e-6).count() as u64;
    assert!(
        trading.wins >= surely(1.0) && trading.trades - trading.wins >= surely(-1.0),
        "{trading:?} {earned:?}"
    );
    assert_eq!((trading.open_trades, trading.waits), (books.open.len() as u64, books.waits));
    assert_near(trading.open_return * accounting.initial_cash, books.open.iter().sum());
    let ended = trading.profit - trading.loss + account.totals().written_off;
    let total = account.metrics().get(Metric::TotalReturn);
    assert_near(ended / accounting.initial_cash + trading.open_return, total);
    assert_near(trading.profit, earned.iter().filter(|earned| **earned > 0.0).sum());
    assert_near(trading.loss, -earned.iter().filter(|earned| **earned < 0.0).sum::<f64>());
    let days = books.days.len() as f64;
    let mean = books.days.iter().map(|day| day.equity).sum::<f64>() / days;
    assert_near(trading.turnover, account.totals().traded / mean);
    let exposure = |day: &Day| if day.gross == 0.0 { 0.0 } else { day.gross / day.equity };
    assert_near(trading.exposure, books.days.iter().map(exposure).sum::<f64>() / days);
    let equities = [accounting.initial_cash].into_iter().chain(books.days.iter().map(|day| day.equity));
    let equities: Vec<f64> = equities.collect();
    for (returned, pair) in account.returns().iter().zip(equities.windows(2)) {
        let expected = if pair[0] == 0.0 { 0.0 } else { pair[1] / pair[0] - 1.0 };
        assert_relative_eq!(*returned, expected, max_relative = 1e-6, epsilon = 1e-6);
    }
}

/// Equal but for rounding of sums of thousands.
fn assert_near(found: f64, expected: f64) {
    assert_relative_eq!(found, expected, max_relative = 1e-9, epsilon = 1e-6);
}
