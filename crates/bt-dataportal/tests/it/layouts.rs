//! What one bundle of a version made serves every other of that version, wherever its bars lie.
use std::sync::Arc;

use bt_dataportal::bt_core::{Bundle, ErrorKind, Field, Timestamp};
use bt_dataportal::{DataPortal, HistoryCache, HistoryOptions, Policy, Request};
use proptest::prelude::*;

use crate::fake::{COLUMNS, Fake, Form, any_bundle, any_now, field};
use crate::oracle::{self, bits};

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    #[test]
    fn a_set_serves_every_bundle_of_its_version(
        bundle in any_bundle(),
        now in any_now(),
        bar_count in 1..50usize,
        column in 0..COLUMNS,
        step in 1..3usize,
        maker in 0..4usize,
    ) {
        let forms = bundle.forms();
        let ranks: Vec<_> = (0..bundle.rows.len()).step_by(step).collect();
        let ids: Vec<_> = ranks.iter().map(|&rank| bundle.id(rank)).collect();
        let set = DataPortal::new(&forms[maker]).intern(&ids).unwrap();
        let fields = [field(column), field((column + 2) % COLUMNS)];
        let expected = |column| -> Vec<u64> {
            ranks.iter().flat_map(|&rank| bits(&oracle::aligned(&bundle, rank, column, bar_count, now.as_nanos()))).collect()
        };
        let both = [expected(column), expected((column + 2) % COLUMNS)].concat();
        let cache = Arc::new(HistoryCache::new(HistoryOptions { policy: Policy::Always, ..Default::default() }).unwrap());
        let mut history = cache.handle();
        for reader in &forms {
            let portal = DataPortal::new(reader);
            let moment = portal.at(now);
            let panel = moment.panel(&set, fields[0], bar_count).unwrap();
            prop_assert_eq!(bits(panel.t().iter()), expected(column), "{:?} by a set of {:?}", reader.form, forms[maker].form);
            let window = moment.history(Request::new(&set, &fields, bar_count)).unwrap();
            prop_assert_eq!(bits(window.array().unwrap().t().iter()), both.clone());
            prop_assert_eq!(bits(history.array(&window).unwrap().t().iter()), both.clone());
        }
    }

    #[test]
    fn a_series_serves_the_moments_of_every_bundle_of_its_version(
        bundle in any_bundle(),
        now in any_now(),
        column in 0..COLUMNS,
    ) {
        let forms = bundle.forms();
        for rank in 0..bundle.rows.len() {
            let expected = bits(&oracle::window(&bundle, rank, column, usize::MAX, now.as_nanos()));
            let trades = oracle::has_bar(&bundle, rank, now.as_nanos());
            for maker in &forms {
                let portal = DataPortal::new(maker);
                let series = portal.series(bundle.id(rank), field(column)).unwrap();
                for reader in &forms {
                    let portal = DataPortal::new(reader);
                    prop_assert_eq!(bits(series.at(portal.at(now)).unwrap()), expected.clone());
                    prop_assert_eq!(series.current(portal.at(now)).unwrap().is_some(), trades);
                }
            }
        }
    }
}

#[test]
fn a_view_is_never_taken_where_another_bundle_of_the_version_has_its_rows() {
    let days: &[i64] = &[10, 20, 30, 40];
    let compact = Fake::listed(&[days, days, days]);
    let holed = compact.laid_out(Form::Holes);
    let (ours, theirs) = (DataPortal::new(&compact), DataPortal::new(&holed));
    let set = ours.intern(&[compact.id(0), compact.id(1), compact.id(2)]).unwrap();
    let expected = ours.at(at(30)).panel(&set, Field::CLOSE, 2).unwrap();
    let answer = theirs.at(at(30)).panel(&set, Field::CLOSE, 2).unwrap();
    assert!(set.is_regular() && expected.is_view() && !answer.is_view());
    assert_eq!(answer, expected);
}

#[test]
fn a_moment_of_a_version_with_the_same_first_bytes_is_refused_by_series_and_sets() {
    let old = Fake::listed(&[&[10, 20, 30, 40]]);
    let mut twin = old.version();
    twin.0[31] ^= 1;
    let new = Fake::listed(&[&[10, 20]]).with_version(twin);
    assert_eq!(old.version().tag(), twin.tag());
    let (portal, other) = (DataPortal::new(&old), DataPortal::new(&new));
    let series = portal.series(old.id(0), Field::CLOSE).unwrap();
    let set = portal.intern(&[old.id(0)]).unwrap();
    let moment = other.at(at(20));
    for refused in [
        series.at(moment).map(drop),
        series.current(moment).map(drop),
        series.window(moment, 1).map(drop),
        moment.panel(&set, Field::CLOSE, 1).map(drop),
        moment.history(Request::new(&set, &[Field::CLOSE], 1)).map(drop),
        portal.frames(old.id(0), Field::CLOSE).unwrap().window(moment, 1).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ForeignAsset { .. }), "{error}");
    }
}

#[test]
fn versions_with_the_same_first_bytes_share_nothing_that_is_kept() {
    let old = Fake::listed(&[&[10, 20, 30], &[20]]);
    let mut twin = old.version();
    twin.0[20] ^= 1;
    let new = Fake::listed(&[&[11, 21, 31], &[21]]).with_version(twin);
    let cache = HistoryCache::new(HistoryOptions { policy: Policy::Always, ..Default::default() }).unwrap();
    let cache = Arc::new(cache);
    let mut history = cache.handle();
    for bundle in [&old, &new, &old] {
        let portal = DataPortal::new(bundle);
        let moment = portal.at(at(40));
        let set = portal.intern(&[bundle.id(0), bundle.id(1)]).unwrap();
        let last = bundle.rows[0][2].1[3];
        assert_eq!(history.window(moment, bundle.id(0), Field::CLOSE, 20).unwrap()[2], last);
        assert_eq!(history.panel(moment, &set, Field::CLOSE, 20).unwrap()[[19, 0]], last);
        let window = moment.history(Request::new(&set, &[Field::CLOSE], 20)).unwrap();
        assert_eq!(history.frame(&window).unwrap(), &window.frame().unwrap());
    }
}
