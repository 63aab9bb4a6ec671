//! Windows of every kind of bundle, whole and sliced, against the oracle.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bt_asset_cache::{FilteredBars, GroupedBars};
use bt_core::{AssetId, Bundle, Field, Timestamp};
use bt_dataportal::{DataPortal, HistoryCache, HistoryHandle, HistoryOptions, Moment, Policy, Request};
use bt_testkit::{Layout, Market, MarketData, RowOrder, oracle};
use proptest::prelude::*;
use proptest::sample::Index;

/// The bars that became known after one moment and up to another.
fn between(data: &MarketData, after: Timestamp, until: Timestamp) -> MarketData {
    let mut part = data.clone();
    for asset in &mut part.assets {
        let is_in = |at: &Timestamp| after < *at && *at <= until;
        let kept: Vec<bool> = asset.timestamps.iter().map(is_in).collect();
        let mut flags = kept.iter();
        asset.timestamps.retain(|_| *flags.next().unwrap());
        for column in &mut asset.columns {
            let mut flags = kept.iter();
            column.retain(|_| *flags.next().unwrap());
        }
    }
    part
}

/// Assets listed one after the other, some delisted early, with gaps and missing values.
fn any_market() -> impl Strategy<Value = MarketData> {
    let chance = || prop_oneof![Just(0.0), Just(0.3)];
    let shape = (any::<u64>(), 1..5usize, 1..10usize, 0..8usize);
    let delisted = prop::collection::vec(any::<Option<Index>>(), 5);
    (shape, chance(), chance(), delisted).prop_map(
        |((seed, assets, shortest, more), gaps, missing, delisted)| {
            let market = Market::staggered(seed, assets, shortest + more, shortest);
            let mut data = market.with_gaps(gaps).with_missing(missing).generate();
            for (asset, delisted) in data.assets.iter_mut().zip(delisted) {
                let days = asset.timestamps.len();
                // A table has no rows of an asset without bars; slices have such assets.
                let last = delisted.map_or(days, |last| last.index(days) + 1);
                asset.timestamps.truncate(last);
                asset.columns.iter_mut().for_each(|column| column.truncate(last));
            }
            data
        },
    )
}

/// Where a test stands: in between, before the first moment, after the last.
fn any_now(data: &MarketData, at: Index, seconds: i64) -> Timestamp {
    let calendar = data.calendar();
    match at.index(calendar.len() + 2).checked_sub(2) {
        Some(place) => calendar[place].plus_seconds(seconds),
        None if seconds < 0 => Timestamp::MIN,
        None => Timestamp::MAX,
    }
}

fn same(answer: &[f64], expected: &[f64]) {
    assert!(oracle::same_bits(answer, expected), "{answer:?} instead of {expected:?}");
}

/// Everything that a moment answers about these assets, against the oracle.
fn assert_answers(
    moment: Moment<'_>,
    history: &mut HistoryHandle,
    data: &MarketData,
    ranks: &[usize],
    ask: (Timestamp, usize, Field),
) {
    let (now, bar_count, field) = ask;
    let portal = moment.portal();
    let ids: Vec<AssetId> = ranks.iter().map(|&rank| AssetId::new(rank as u32, portal.version())).collect();
    for (&rank, &id) in ranks.iter().zip(&ids) {
        let expected = oracle::window(&data.assets[rank], field, now, bar_count);
        let asset = moment.asset(id).unwrap();
        assert_eq!(asset.len(), oracle::known(&data.assets[rank], now));
        assert_eq!(asset.has_bar(), oracle::has_bar(data, rank, now));
        same(asset.window(field, bar_count).unwrap(), &expected);
        same(&asset.matrix(bar_count).column(field.index()).to_vec(), &expected);
        let series = portal.series(id, field).unwrap();
        same(series.window(moment, bar_count).unwrap(), &expected);
        assert_eq!(series.current(moment).unwrap().is_some(), asset.has_bar());
        same(history.window(moment, id, field, bar_count).unwrap(), &expected);
    }
    let set = portal.intern(&ids).unwrap();
    let expected = oracle::panel(data, ranks, field, now, bar_count).concat();
    let fields = [field, Field::OPEN];
    let window = moment.history(Request::new(&set, &fields, bar_count)).unwrap();
    let rows = |panel: bt_dataportal::ndarray::ArrayView2<'_, f64>| panel.iter().copied().collect::<Vec<_>>();
    same(&rows(moment.panel(&set, field, bar_count).unwrap().view()), &expected);
    same(&rows(history.panel(moment, &set, field, bar_count).unwrap()), &expected);
    let last = bt_dataportal::ndarray::Axis(2);
    same(&rows(window.array().unwrap().index_axis(last, 0)), &expected);
    same(&rows(history.array(&window).unwrap().index_axis(last, 0)), &expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_kind_of_bundle_and_every_slice_of_it_answers_as_the_oracle(
        data in any_market(),
        range in any::<(Index, Index)>(),
        visits in prop::collection::vec((any::<Index>(), -1..2i64, 1..14usize, 0..5usize), 1..5),
        picks in prop::collection::vec(any::<Index>(), 1..6),
        shuffle in any::<u64>(),
    ) {
        let table = || data.table(&Layout { order: RowOrder::Shuffled(shuffle), ..Layout::default() });
        let grouped = Arc::new(GroupedBars::from_table(&table()).unwrap());
        let calendar = data.calendar();
        let edge = |place: Index| match place.index(calendar.len() + 2).checked_sub(2) {
            Some(place) => calendar[place],
            None => Timestamp::MIN,
        };
        let (after, until) = (edge(range.0).min(edge(range.1)), edge(range.0).max(edge(range.1)).plus_seconds(1));
        let part = between(&data, after, until);
        let slice = Arc::new(grouped.slice(after, until).unwrap());
        let whole: [Arc<dyn Bundle>; 4] = [
            Arc::new(data.bundle()),
            Arc::new(data.bundle().without_slab()),
            Arc::new(FilteredBars::from_table(table()).unwrap()),
            grouped,
        ];
        let bundles = whole.into_iter().map(|bundle| (bundle, &data)).chain([(slice as Arc<dyn Bundle>, &part)]);
        let cache = HistoryCache::new(HistoryOptions { policy: Policy::Always, permanent_windows: vec![5], ..Default::default() });
        let mut history = Arc::new(cache.unwrap()).handle();
        let ranks: Vec<_> = picks.iter().map(|pick| pick.index(data.assets.len())).collect();
        for (bundle, data) in bundles {
            let portal = DataPortal::new(&*bundle);
            for &(at, seconds, bar_count, column) in &visits {
                let now = any_now(data, at, seconds);
                let ask = (now, bar_count, Field::OHLCV[column]);
                assert_answers(portal.at(now), &mut history, data, &ranks, ask);
            }
        }
    }
}
