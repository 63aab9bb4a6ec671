use bt_dataportal::DataPortal;
use bt_dataportal::bt_core::{AssetId, BundleVersion, ErrorKind, Field, Timestamp};

use crate::fake::Fake;

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// Asset 0 from start to end, asset 1 listed at 20 and delisted after 40, asset 2 with a gap at 30, asset 3 without
/// any bar.
fn bundle() -> Fake {
    Fake::listed(&[&[10, 20, 30, 40, 50], &[20, 30, 40], &[10, 20, 40, 50], &[]])
}

fn closes(bundle: &Fake, rank: usize, now: i64, bar_count: usize) -> Vec<f64> {
    DataPortal::new(bundle).at(at(now)).window(bundle.id(rank), Field::CLOSE, bar_count).unwrap().to_vec()
}

/// Every form of the bundle must give the same answer.
fn assert_closes(rank: usize, now: i64, bar_count: usize, expected: &[f64]) {
    let bundle = bundle();
    for bundle in bundle.forms() {
        assert_eq!(closes(&bundle, rank, now, bar_count), expected, "{:?}", bundle.form);
    }
}

fn has_bar(rank: usize, now: i64) -> bool {
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    portal.at(at(now)).asset(bundle.id(rank)).unwrap().has_bar()
}

#[test]
fn before_the_first_bar_there_is_nothing() {
    assert_closes(0, 9, 3, &[]);
    assert_closes(1, 10, 3, &[]);
    assert!(!has_bar(0, 9) && !has_bar(1, 10));
    let bundle = bundle();
    let portal = DataPortal::new(&bundle);
    assert_eq!(portal.at(at(9)).now(), Timestamp::MIN);
}

#[test]
fn at_the_first_bar_a_window_is_one_bar_long() {
    assert_closes(0, 10, 3, &[10.3]);
    assert_closes(1, 20, 3, &[1020.3]);
    assert!(has_bar(0, 10) && has_bar(1, 20));
}

#[test]
fn after_the_last_bar_a_window_ends_at_the_last() {
    assert_closes(0, 1_000_000, 2, &[40.3, 50.3]);
}

#[test]
fn a_window_longer_than_the_data_is_all_of_it() {
    assert_closes(0, 30, 1_000_000, &[10.3, 20.3, 30.3]);
    assert_closes(0, 30, usize::MAX, &[10.3, 20.3, 30.3]);
}

#[test]
fn a_delisted_asset_keeps_its_bars_and_has_none_now() {
    assert_closes(1, 50, 2, &[1030.3, 1040.3]);
    assert!(!has_bar(1, 50) && has_bar(1, 40));
}

#[test]
fn a_window_over_a_gap_holds_the_bars_on_both_sides() {
    assert_closes(2, 30, 2, &[2010.3, 2020.3]);
    assert_closes(2, 40, 2, &[2020.3, 2040.3]);
    assert!(!has_bar(2, 30) && has_bar(2, 40));
}

#[test]
fn an_asset_without_bars_is_empty_and_no_error() {
    assert_closes(3, 50, 2, &[]);
    assert!(!has_bar(3, 50));
}

#[test]
fn a_daily_bar_is_invisible_before_its_close() {
    let day = Timestamp::from_date(2024, 1, 5).unwrap();
    let (yesterday, close) = (day.plus_seconds(-3 * 3600), day.plus_seconds(21 * 3600));
    let bundle = Fake::listed(&[&[yesterday.as_nanos(), close.as_nanos()]]);
    let portal = DataPortal::new(&bundle);
    let seen = |now| portal.at(now).asset(bundle.id(0)).unwrap().timestamps(5).to_vec();
    assert_eq!(seen(close.plus_seconds(-1)), [yesterday]);
    assert_eq!(seen(close), [yesterday, close]);
}

#[test]
fn the_bar_of_the_same_nanosecond_is_known_and_the_next_is_not() {
    assert_closes(0, 29, 1, &[20.3]);
    assert_closes(0, 30, 1, &[30.3]);
    assert_closes(0, 31, 1, &[30.3]);
}

#[test]
fn an_identifier_of_another_version_or_beyond_the_list_is_refused() {
    let bundle = bundle();
    let foreign = AssetId::new(0, BundleVersion([9; 32]));
    let beyond = AssetId::new(4, DataPortal::new(&bundle).version());
    for bundle in bundle.forms() {
        let portal = DataPortal::new(&bundle);
        for asset in [foreign, beyond] {
            let error = portal.at(at(30)).window(asset, Field::CLOSE, 2).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::ForeignAsset { .. }), "{error}");
        }
    }
}

#[test]
fn a_field_that_the_bundle_does_not_have_is_refused() {
    let bundle = bundle();
    let (turnover, stray) = (Field::extra(0).unwrap(), Field::extra(1).unwrap());
    for bundle in bundle.forms() {
        let portal = DataPortal::new(&bundle);
        assert_eq!(portal.field("turnover").unwrap(), turnover);
        for rank in 0..4 {
            let asset = portal.at(at(30)).asset(bundle.id(rank)).unwrap();
            assert!(asset.window(turnover, 2).is_ok());
            let error = asset.window(stray, 2).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::UnknownField { .. }), "{error}");
            assert!(asset.series(stray).is_err() && asset.view(stray, 0).is_err());
        }
    }
}
