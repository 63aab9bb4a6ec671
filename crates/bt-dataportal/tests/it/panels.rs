use bt_dataportal::bt_core::ndarray::{ArrayView2, Axis};
use bt_dataportal::bt_core::{ErrorKind, Field, Frequency, Timestamp};
use bt_dataportal::{DataPortal, Request};
use proptest::prelude::*;

use crate::fake::{COLUMNS, Fake, any_bundle, any_now, field};
use crate::oracle::{self, bits};

/// Columns of the answer must be the oracle's for these assets.
fn assert_panel(
    panel: ArrayView2<'_, f64>,
    bundle: &Fake,
    ranks: &[usize],
    column: usize,
    bar_count: usize,
    now: i64,
) {
    assert_eq!(panel.shape(), [bar_count, ranks.len()]);
    for (values, &rank) in panel.columns().into_iter().zip(ranks) {
        assert_eq!(
            bits(values),
            bits(&oracle::aligned(bundle, rank, column, bar_count, now)),
            "asset {rank}"
        );
    }
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn a_panel_is_every_assets_bars_on_the_calendar(
        bundle in any_bundle(),
        now in any_now(),
        bar_count in 1..50usize,
        columns in prop::collection::vec(0..COLUMNS, 1..5),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..7),
        all in any::<bool>(),
    ) {
        let picks: Vec<usize> = picks.iter().map(|pick| pick.index(bundle.rows.len())).collect();
        let ranks = if all { (0..bundle.rows.len()).collect() } else { picks };
        let ids: Vec<_> = ranks.iter().map(|&rank| bundle.id(rank)).collect();
        let fields: Vec<_> = columns.iter().map(|&column| field(column)).collect();
        for bundle in bundle.forms() {
            let portal = DataPortal::new(&bundle);
            let set = portal.intern(&ids).unwrap();
            let moment = portal.at(now);
            let panel = moment.panel(&set, fields[0], bar_count).unwrap();
            assert_panel(panel.view(), &bundle, &ranks, columns[0], bar_count, now.as_nanos());

            let window = moment.history(Request::new(&set, &fields, bar_count)).unwrap();
            let array = window.array().unwrap();
            for (place, &column) in columns.iter().enumerate() {
                assert_panel(array.index_axis(Axis(2), place), &bundle, &ranks, column, bar_count, now.as_nanos());
            }
        }
    }

    #[test]
    fn the_history_of_one_asset_is_its_own_last_bars(
        bundle in any_bundle(),
        now in any_now(),
        bar_count in 1..50usize,
        columns in prop::collection::vec(0..COLUMNS, 1..5),
    ) {
        let fields: Vec<_> = columns.iter().map(|&column| field(column)).collect();
        for bundle in bundle.forms() {
            let portal = DataPortal::new(&bundle);
            for rank in 0..bundle.rows.len() {
                let window = portal.at(now).history(Request::new(bundle.id(rank), &fields, bar_count)).unwrap();
                let array = window.array().unwrap();
                for (place, &column) in columns.iter().enumerate() {
                    let expected = oracle::window(&bundle, rank, column, bar_count, now.as_nanos());
                    prop_assert_eq!(array.shape(), [expected.len(), 1, fields.len()]);
                    prop_assert_eq!(bits(array.index_axis(Axis(2), place)), bits(&expected));
                }
            }
        }
    }
}

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// Whether the panel borrows the bundle's memory.
fn is_view(bundle: &Fake, ranks: &[usize], now: i64, bar_count: usize) -> bool {
    let portal = DataPortal::new(bundle);
    let set = portal.intern(&ranks.iter().map(|&rank| bundle.id(rank)).collect::<Vec<_>>()).unwrap();
    portal.at(at(now)).panel(&set, Field::CLOSE, bar_count).unwrap().is_view()
}

#[test]
fn panels_on_a_common_calendar_are_views() {
    let days: &[i64] = &[10, 20, 30, 40];
    let bundle = Fake::listed(&[days, days, days, days, days]);
    for ranks in [&[0, 1, 2, 3, 4][..], &[0, 2, 4], &[1, 4], &[3]] {
        assert!(is_view(&bundle, ranks, 30, 3), "{ranks:?}");
    }
    for ranks in [&[0, 1, 3][..], &[1, 1], &[2, 1]] {
        assert!(!is_view(&bundle, ranks, 30, 3), "{ranks:?} do not lie at equal distances");
    }
    assert!(!is_view(&bundle, &[0, 1], 30, 4), "the calendar has not begun");
}

#[test]
fn panels_of_late_listings_are_views_once_all_are_listed() {
    let bundle = Fake::listed(&[&[10, 20, 30, 40, 50], &[30, 40, 50]]);
    assert!(is_view(&bundle, &[0, 1], 40, 2));
    assert!(!is_view(&bundle, &[0, 1], 30, 2));
}

#[test]
fn a_panel_has_nan_over_a_gap_before_a_listing_and_before_the_calendar() {
    let bundle = Fake::listed(&[&[10, 20, 30], &[10, 30], &[30]]);
    let portal = DataPortal::new(&bundle);
    let ids: Vec<_> = portal.assets().ids().collect();
    let panel = portal.at(at(30)).panel(&portal.intern(&ids).unwrap(), Field::OPEN, 4).unwrap();
    let nan = f64::NAN;
    let expected = [[nan, nan, nan], [10.0, 1010.0, nan], [20.0, nan, nan], [30.0, 1030.0, 2030.0]];
    assert_eq!(bits(&panel), bits(expected.as_flattened()));
}

#[test]
fn a_request_that_cannot_be_answered_is_refused_before_anything_is_made() {
    let bundle = Fake::listed(&[&[10, 20, 30], &[10, 30]]);
    let other = Fake::listed(&[&[10, 20, 30], &[10, 31]]);
    let portal = DataPortal::new(&bundle);
    let other_portal = DataPortal::new(&other);
    let (set, foreign) =
        (portal.intern(&[bundle.id(1)]).unwrap(), other_portal.intern(&[other.id(1)]).unwrap());
    let moment = portal.at(at(30));
    let close = &[Field::CLOSE];
    let stray = &[Field::extra(1).unwrap()];
    let refused = |request| moment.history(request).unwrap_err();
    let weekly = Request { frequency: Some(Frequency::Minutes(5)), ..Request::new(&set, close, 2) };
    let daily = Request { frequency: Some(Frequency::Daily), ..Request::new(&set, close, 2) };
    assert!(moment.history(daily).is_ok());
    assert!(matches!(refused(weekly).kind(), ErrorKind::UnsupportedFrequency { .. }));
    for none in [0, u32::MAX as usize + 1] {
        assert!(matches!(refused(Request::new(&set, close, none)).kind(), ErrorKind::InvalidOption { .. }));
        assert!(matches!(
            moment.panel(&set, close[0], none).unwrap_err().kind(),
            ErrorKind::InvalidOption { .. }
        ));
    }
    assert!(matches!(refused(Request::new(&set, &[], 2)).kind(), ErrorKind::InvalidOption { .. }));
    assert!(matches!(refused(Request::new(&set, stray, 2)).kind(), ErrorKind::UnknownField { .. }));
    assert!(matches!(moment.panel(&set, stray[0], 2).unwrap_err().kind(), ErrorKind::UnknownField { .. }));
    assert!(matches!(refused(Request::new(&foreign, close, 2)).kind(), ErrorKind::ForeignAsset { .. }));
    assert!(matches!(refused(Request::new(other.id(1), close, 2)).kind(), ErrorKind::ForeignAsset { .. }));
    assert!(matches!(
        moment.panel(&foreign, close[0], 2).unwrap_err().kind(),
        ErrorKind::ForeignAsset { .. }
    ));
    assert!(matches!(portal.intern(&[other.id(0)]).unwrap_err().kind(), ErrorKind::ForeignAsset { .. }));
    assert!(matches!(portal.intern(&[]).unwrap_err().kind(), ErrorKind::InvalidOption { .. }));
}

#[test]
fn a_series_does_not_serve_moments_of_another_version() {
    let (bundle, other) = (Fake::listed(&[&[10, 20, 30]]), Fake::listed(&[&[10, 20]]));
    let (portal, later) = (DataPortal::new(&bundle), DataPortal::new(&other));
    let close = portal.series(bundle.id(0), Field::CLOSE).unwrap();
    assert!(close.at(portal.at(at(20))).is_ok());
    let error = close.at(later.at(at(20))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ForeignAsset { .. }), "{error}");
}

#[test]
fn equal_sets_are_equal_and_others_are_not() {
    let bundle = Fake::listed(&[&[10, 20], &[10, 20]]);
    let other = Fake::listed(&[&[10, 20], &[10, 21]]);
    let (portal, changed) = (DataPortal::new(&bundle), DataPortal::new(&other));
    let set = |ranks: &[usize]| {
        portal.intern(&ranks.iter().map(|&rank| bundle.id(rank)).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(set(&[0, 1]), set(&[0, 1]));
    assert_ne!(set(&[0, 1]), set(&[1, 0]));
    assert_ne!(set(&[0]), set(&[0, 1]));
    assert_ne!(set(&[0]), changed.intern(&[other.id(0)]).unwrap());
}
