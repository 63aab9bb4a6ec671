use std::sync::Arc;

use bt_dataportal::bt_core::{AssetId, Bundle, ErrorKind, Field, Timestamp};
use bt_dataportal::{DataPortal, HistoryCache, HistoryHandle, HistoryOptions, Moment, Policy, Request};
use proptest::prelude::*;

use crate::fake::{COLUMNS, Fake, any_bundle, any_now, field};
use crate::oracle::{self, bits};

const POLICIES: [Policy; 3] = [Policy::Auto, Policy::Always, Policy::Never];

fn cache(policy: Policy) -> Arc<HistoryCache> {
    with(HistoryOptions { policy, ..HistoryOptions::default() })
}

fn with(options: HistoryOptions) -> Arc<HistoryCache> {
    Arc::new(HistoryCache::new(options).unwrap())
}

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// Every form of the same window, as bits.
fn every_form(
    history: &mut HistoryHandle,
    moment: Moment<'_>,
    ids: &[AssetId],
    fields: &[Field],
    bar_count: usize,
) -> Vec<Vec<u64>> {
    let set = moment.portal().intern(ids).unwrap();
    let many = moment.history(Request::new(&set, fields, bar_count)).unwrap();
    let one = moment.history(Request::new(ids[0], fields, bar_count)).unwrap();
    let mut forms = vec![
        bits(history.window(moment, ids[0], fields[0], bar_count).unwrap()),
        bits(history.panel(moment, &set, fields[0], bar_count).unwrap()),
        bits(history.array(&many).unwrap()),
        bits(history.array(&one).unwrap()),
    ];
    for window in [many, one] {
        let frame = history.frame(&window).unwrap();
        assert_eq!(frame, &window.frame().unwrap_or_else(|error| panic!("{error}")));
        forms.push(vec![frame.num_rows() as u64, frame.num_columns() as u64]);
    }
    forms
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    #[test]
    fn every_policy_gives_the_naive_answer_at_every_access(
        bundle in any_bundle(),
        visits in prop::collection::vec((any_now(), 0..3usize, 0..COLUMNS, any::<prop::sample::Index>()), 1..12),
        tiny in any::<bool>(),
    ) {
        let caches = POLICIES.map(|policy| {
            let limits = HistoryOptions { policy, permanent_windows: vec![5], tier2_entries: 2, ..Default::default() };
            with(if tiny { HistoryOptions { max_bytes: 3000, ..limits } } else { limits })
        });
        let forms = bundle.forms();
        let mut handles = [&caches[0], &caches[1], &caches[2], &caches[1]].map(|cache| cache.handle());
        for (round, (now, length, column, pick)) in visits.iter().chain(&visits).enumerate() {
            let (bar_count, rank) = ([5, 12, 40][*length], pick.index(bundle.rows.len()));
            let mut ids: Vec<_> = bundle.assets().ids().collect();
            ids.rotate_left(rank);
            let bundle = &forms[round % 4];
            let portal = DataPortal::new(bundle);
            let moment = portal.at(*now);
            let fields = [field(*column), Field::VOLUME, Field::OPEN];
            let expected = oracle::window(bundle, rank, *column, bar_count, now.as_nanos());
            let plain = moment.history(Request::new(ids[0], &fields, bar_count)).unwrap();
            let set = portal.intern(&ids).unwrap();
            let many = moment.history(Request::new(&set, &fields, bar_count)).unwrap();
            for handle in &mut handles {
                let forms = every_form(handle, moment, &ids, &fields, bar_count);
                prop_assert_eq!(&forms[0], &bits(&expected));
                prop_assert_eq!(&forms[1], &bits(&moment.panel(&set, fields[0], bar_count).unwrap()));
                prop_assert_eq!(&forms[2], &bits(&many.array().unwrap()));
                prop_assert_eq!(&forms[3], &bits(&plain.array().unwrap()));
                handle.refresh();
            }
            for cache in &caches {
                prop_assert!(cache.stats().bytes() <= cache.options().max_bytes);
            }
        }
    }
}

/// Two assets, one of them with a gap, so that panels are copies; moments 10, 20 … `moments` × 10.
fn ragged(moments: i64) -> Fake {
    let all: Vec<i64> = (1..=moments).map(|moment| moment * 10).collect();
    let gapped: Vec<i64> = all.iter().copied().filter(|at| at % 70 != 20).collect();
    Fake::listed(&[&all, &gapped])
}

/// Reads the panel of both assets at every moment.
fn scan(history: &mut HistoryHandle, bundle: &Fake, bar_count: usize) {
    let portal = DataPortal::new(bundle);
    let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
    for moment in portal.moments() {
        history.panel(moment, &set, Field::CLOSE, bar_count).unwrap();
    }
    history.refresh();
}

#[test]
fn a_window_of_ten_o_clock_never_serves_two_o_clock() {
    let day = Timestamp::from_date(2024, 1, 5).unwrap();
    let hours: Vec<i64> = (9..16).map(|hour| day.plus_seconds(hour * 3600).as_nanos()).collect();
    let bundle = Fake::listed(&[&hours, &hours[1..3]]);
    let portal = DataPortal::new(&bundle);
    let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
    let (ten, two) = (portal.at(day.plus_seconds(36_000)), portal.at(day.plus_seconds(50_400)));
    for policy in POLICIES {
        let mut history = cache(policy).handle();
        for _ in 0..2 {
            for moment in [ten, two, ten] {
                let window = history.window(moment, bundle.id(0), Field::CLOSE, 20).unwrap();
                assert_eq!(bits(window), bits(moment.window(bundle.id(0), Field::CLOSE, 20).unwrap()));
                let panel = history.panel(moment, &set, Field::CLOSE, 20).unwrap();
                assert_eq!(bits(panel), bits(&moment.panel(&set, Field::CLOSE, 20).unwrap()));
            }
        }
    }
}

#[test]
fn a_moment_between_two_bars_is_served_the_earlier_bars_window() {
    let bundle = ragged(50);
    let portal = DataPortal::new(&bundle);
    let mut history = cache(Policy::Always).handle();
    let on = bits(history.window(portal.at(at(200)), bundle.id(0), Field::CLOSE, 20).unwrap());
    let after = bits(history.window(portal.at(at(209)), bundle.id(0), Field::CLOSE, 20).unwrap());
    assert_eq!(on, after);
    history.refresh();
    assert_eq!((history.cache().stats().tier1.hits, history.cache().stats().tier1.misses), (1, 1));
}

#[test]
fn versions_of_one_bundle_never_mix() {
    let (old, new) = (ragged(30), Fake::new(ragged(30).rows.iter().map(|rows| changed(rows)).collect()));
    assert_ne!(old.version(), new.version());
    let mut history = cache(Policy::Always).handle();
    let mut last = |bundle: &Fake| {
        let portal = DataPortal::new(bundle);
        let set = portal.intern(&[bundle.id(0), bundle.id(1)]).unwrap();
        let moment = portal.at(at(300));
        let window = history.window(moment, bundle.id(0), Field::CLOSE, 20).unwrap()[19];
        (window, history.panel(moment, &set, Field::CLOSE, 20).unwrap()[[19, 0]])
    };
    assert_eq!(last(&old), (300.3, 300.3));
    assert_eq!(last(&new), (301.3, 301.3));
    assert_eq!(last(&old), (300.3, 300.3));
}

fn changed(rows: &[(i64, [f64; COLUMNS])]) -> Vec<(i64, [f64; COLUMNS])> {
    rows.iter().map(|&(at, values)| (at, values.map(|value| value + 1.0))).collect()
}

#[test]
fn fields_beyond_what_a_key_holds_are_told_apart() {
    let bundle = ragged(30);
    let portal = DataPortal::new(&bundle);
    let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
    let many = [Field::OPEN, Field::HIGH, Field::LOW, Field::CLOSE, Field::VOLUME, Field::OPEN, Field::HIGH];
    let mut other = many;
    other.swap(5, 6);
    let mut history = cache(Policy::Always).handle();
    for fields in [many, other, many] {
        let window = portal.at(at(250)).history(Request::new(&set, &fields, 20)).unwrap();
        assert_eq!(bits(history.array(&window).unwrap()), bits(&window.array().unwrap()));
    }
    history.refresh();
    let stats = history.cache().stats();
    assert_eq!((stats.tier1.hits, stats.tier1.entries), (1, 2));
}

#[test]
fn auto_keeps_no_slice_and_no_view() {
    let days: Vec<i64> = (1..=40).map(|day| day * 10).collect();
    let bundle = Fake::listed(&[&days, &days, &days, &days]);
    let cache = cache(Policy::Auto);
    let mut history = cache.handle();
    let portal = DataPortal::new(&bundle);
    let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
    for moment in portal.moments().skip(20) {
        history.window(moment, bundle.id(0), Field::CLOSE, 20).unwrap();
        history.panel(moment, &set, Field::CLOSE, 20).unwrap();
    }
    assert_eq!(cache.stats().bytes(), 0);
}

#[test]
fn always_hits_in_every_trial_but_the_first() {
    let cache = cache(Policy::Always);
    let bundle = ragged(100);
    let mut history = cache.handle();
    for _trial in 0..100 {
        let portal = DataPortal::new(&bundle);
        for moment in portal.moments() {
            for rank in 0..2 {
                for bar_count in [20, 50] {
                    history.window(moment, bundle.id(rank), Field::CLOSE, bar_count).unwrap();
                }
            }
        }
        history.refresh();
    }
    let stats = cache.stats();
    assert_eq!((stats.tier1.misses, stats.tier1.entries), (400, 400));
    assert_eq!(stats.hit_rate(), 0.99);
}

#[test]
fn a_scan_over_more_windows_than_tier_two_holds_never_hits() {
    let cache = cache(Policy::Always);
    let bundle = ragged(257);
    let mut history = cache.handle();
    for _ in 0..3 {
        scan(&mut history, &bundle, 33);
    }
    assert_eq!(cache.stats().hit_rate(), 0.0);
    assert_eq!(cache.stats().tier2.entries, 256);
    let fits = ragged(256);
    let cache = self::cache(Policy::Always);
    let mut history = cache.handle();
    for _ in 0..3 {
        scan(&mut history, &fits, 33);
    }
    assert_eq!(cache.stats().tier2.hits, 512);
}

#[test]
fn permanent_windows_stay_when_the_budget_is_full() {
    let options = HistoryOptions { policy: Policy::Always, max_bytes: 40_000, ..HistoryOptions::default() };
    let cache = with(options);
    let bundle = ragged(100);
    let mut history = cache.handle();
    scan(&mut history, &bundle, 50);
    let first = cache.stats();
    assert!(first.tier1.rejections > 0 && first.tier1.entries > 0 && first.bytes() <= 40_000, "{first:?}");
    scan(&mut history, &bundle, 50);
    let second = cache.stats();
    assert_eq!(second.tier1.entries, first.tier1.entries);
    assert_eq!(second.tier1.hits, first.tier1.entries as u64);
    assert_eq!((second.tier1.evictions, second.tier1.load_failures), (0, 0));
}

#[test]
fn threads_share_what_one_of_them_made() {
    let cache = cache(Policy::Always);
    let bundle = ragged(60);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| scan(&mut cache.handle(), &bundle, 20));
        }
    });
    let stats = cache.stats().tier1;
    assert_eq!((stats.loads, stats.entries), (60, 60));
    assert_eq!(stats.hits + stats.misses, 480);
}

#[test]
fn threads_with_no_room_left_all_get_their_windows() {
    let options = HistoryOptions { policy: Policy::Always, max_bytes: 2000, ..HistoryOptions::default() };
    let cache = with(options);
    let bundle = ragged(60);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| scan(&mut cache.handle(), &bundle, 20));
        }
    });
    assert!(cache.stats().bytes() <= 2000);
}

#[test]
fn clear_makes_room_again() {
    let options = HistoryOptions { policy: Policy::Always, max_bytes: 4000, ..HistoryOptions::default() };
    let cache = with(options);
    let bundle = ragged(60);
    let mut history = cache.handle();
    scan(&mut history, &bundle, 20);
    let entries = cache.stats().tier1.entries;
    cache.clear();
    assert_eq!(cache.stats().bytes(), 0);
    history.refresh();
    scan(&mut history, &bundle, 20);
    assert_eq!(cache.stats().tier1.entries, entries);
}

#[test]
fn a_budget_of_one_byte_keeps_nothing_and_answers_all_the_same() {
    let limits =
        HistoryOptions { max_bytes: 1, tier2_entries: 1, policy: Policy::Always, ..Default::default() };
    let cache = with(limits);
    for bar_count in [20, 21] {
        scan(&mut cache.handle(), &ragged(60), bar_count);
    }
    assert_eq!(cache.stats().bytes(), 0);
}

#[test]
fn limits_of_zero_are_refused() {
    let defaults = HistoryOptions::default;
    for options in [
        HistoryOptions { max_bytes: 0, ..defaults() },
        HistoryOptions { tier2_entries: 0, ..defaults() },
        HistoryOptions { permanent_windows: vec![20, 0], ..defaults() },
    ] {
        let error = HistoryCache::new(options).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidOption { .. }), "{error}");
    }
}

#[test]
fn a_kept_window_does_not_excuse_a_foreign_identifier_or_an_unknown_field() {
    let (bundle, other) = (ragged(30), ragged(31));
    let portal = DataPortal::new(&bundle);
    let moment = portal.at(at(300));
    let mut history = cache(Policy::Always).handle();
    history.window(moment, bundle.id(0), Field::CLOSE, 20).unwrap();
    let foreign = history.window(moment, other.id(0), Field::CLOSE, 20).unwrap_err();
    assert!(matches!(foreign.kind(), ErrorKind::ForeignAsset { .. }), "{foreign}");
    let unknown = history.window(moment, bundle.id(0), Field::extra(7).unwrap(), 20).unwrap_err();
    assert!(matches!(unknown.kind(), ErrorKind::UnknownField { .. }), "{unknown}");
}

#[test]
fn auto_keeps_a_copied_panel_from_the_size_on_that_pays() {
    let kept = |bar_count: usize| {
        let cache = cache(Policy::Auto);
        scan(&mut cache.handle(), &ragged(300), bar_count);
        (cache.stats().tier1.entries, cache.stats().tier2.entries)
    };
    // Two assets: 400 values are permanent, 40 cost less than a hit; the others may be evicted.
    assert_eq!((kept(200), kept(20)), ((300, 0), (0, 0)));
    assert_eq!((kept(255), kept(256)), ((0, 0), (0, 256)));
}
