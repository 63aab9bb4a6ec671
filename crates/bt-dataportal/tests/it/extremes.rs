//! The ends of every range: nothing at all, the first and last moment there can be, the largest numbers.
use std::sync::Arc;

use bt_dataportal::bt_core::{AssetId, Bundle, ErrorKind, Field, Timestamp};
use bt_dataportal::{DataPortal, HistoryCache, HistoryOptions, Policy, Request};

use crate::fake::{Fake, GARBAGE};

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

fn always() -> Arc<HistoryCache> {
    let options = HistoryOptions { policy: Policy::Always, ..HistoryOptions::default() };
    Arc::new(HistoryCache::new(options).unwrap())
}

#[test]
fn a_bundle_without_assets_has_no_moment_and_answers_no_identifier() {
    for bundle in Fake::new(Vec::new()).forms() {
        let portal = DataPortal::new(&bundle);
        assert_eq!(portal.moments().count(), 0);
        assert_eq!(portal.moments_between(Timestamp::MIN, Timestamp::MAX).count(), 0);
        let moment = portal.at(Timestamp::MAX);
        assert_eq!((moment.now(), moment.position()), (Timestamp::MIN, 0));
        let stray = AssetId::new(0, bundle.version());
        assert!(moment.asset(stray).is_err() && portal.series(stray, Field::CLOSE).is_err());
        assert!(matches!(portal.intern(&[]).unwrap_err().kind(), ErrorKind::InvalidOption { .. }));
    }
}

#[test]
fn a_bundle_without_bars_answers_with_nothing() {
    let mut history = always().handle();
    for bundle in Fake::listed(&[&[], &[], &[]]).forms() {
        let portal = DataPortal::new(&bundle);
        let ids: Vec<_> = portal.assets().ids().collect();
        let set = portal.intern(&ids).unwrap();
        for now in [Timestamp::MIN, at(0), Timestamp::MAX] {
            let moment = portal.at(now);
            let asset = moment.asset(ids[1]).unwrap();
            assert!(asset.is_empty() && !asset.has_bar());
            assert_eq!(asset.matrix(9).shape(), [0, 5]);
            assert_eq!(asset.bars(9).view().shape(), [0, 5]);
            assert!(portal.series(ids[1], Field::CLOSE).unwrap().current(moment).unwrap().is_none());
            let panel = moment.panel(&set, Field::CLOSE, 4).unwrap();
            assert!(panel.shape() == [4, 3] && panel.iter().all(|value| value.is_nan()));
            assert!(history.panel(moment, &set, Field::CLOSE, 4).unwrap().iter().all(|value| value.is_nan()));
            let fields = [Field::VOLUME, Field::OPEN];
            let one = moment.history(Request::new(ids[2], &fields, 4)).unwrap();
            assert_eq!(one.array().unwrap().shape(), [0, 1, 2]);
            assert_eq!((one.frame().unwrap().num_rows(), one.bar_count().unwrap()), (0, 0));
            assert_eq!(history.array(&one).unwrap().shape(), [0, 1, 2]);
            let many = moment.history(Request::new(&set, &fields, 4)).unwrap();
            assert_eq!((many.frame().unwrap().num_rows(), many.frame().unwrap().num_columns()), (4, 7));
        }
    }
}

#[test]
fn bars_at_the_first_and_the_last_moment_there_can_be_are_known_then() {
    for bundle in Fake::listed(&[&[i64::MIN, 0, i64::MAX], &[0], &[i64::MAX]]).forms() {
        let portal = DataPortal::new(&bundle);
        let known = |now, rank| portal.at(now).asset(bundle.id(rank)).unwrap().len();
        let trades = |now, rank| portal.at(now).asset(bundle.id(rank)).unwrap().has_bar();
        assert_eq!([0, 1, 2].map(|rank| known(Timestamp::MIN, rank)), [1, 0, 0]);
        assert_eq!([0, 1, 2].map(|rank| trades(Timestamp::MIN, rank)), [true, false, false]);
        assert_eq!([0, 1, 2].map(|rank| known(at(i64::MAX - 1), rank)), [2, 1, 0]);
        assert_eq!([0, 1, 2].map(|rank| known(Timestamp::MAX, rank)), [3, 1, 1]);
        assert_eq!([0, 1, 2].map(|rank| trades(Timestamp::MAX, rank)), [true, false, true]);
        assert_eq!(portal.moments_between(Timestamp::MIN, Timestamp::MAX).count(), 2);
    }
}

#[test]
fn moments_from_a_later_to_an_earlier_moment_are_none() {
    let bundle = Fake::listed(&[&[10, 20, 30]]);
    let portal = DataPortal::new(&bundle);
    for (from, until) in [(30, 10), (31, 30), (20, 20), (i64::MAX, i64::MIN)] {
        let mut moments = portal.moments_between(at(from), at(until));
        assert_eq!((moments.len(), moments.size_hint()), (0, (0, Some(0))));
        assert!(moments.nth(3).is_none() && moments.next_back().is_none() && moments.next().is_none());
    }
    assert!(portal.moments().nth(usize::MAX).is_none());
}

#[test]
fn the_largest_bar_count_is_all_there_is_or_an_error() {
    let mut history = always().handle();
    for bundle in Fake::listed(&[&[10, 20, 30], &[10, 30]]).forms() {
        let portal = DataPortal::new(&bundle);
        let (moment, close) = (portal.at(at(20)), Field::CLOSE);
        let asset = moment.asset(bundle.id(0)).unwrap();
        assert_eq!(asset.window(close, usize::MAX).unwrap(), [10.3, 20.3]);
        assert_eq!(asset.view(close, usize::MAX).unwrap().len(), 2);
        assert_eq!(asset.matrix(usize::MAX).shape(), [2, 5]);
        assert_eq!(asset.bars(usize::MAX).len(), 2);
        assert_eq!(asset.timestamps(usize::MAX).len(), 2);
        let series = portal.series(bundle.id(0), close).unwrap();
        assert_eq!(series.window(moment, usize::MAX).unwrap().len(), 2);
        let frames = portal.frames(bundle.id(0), close).unwrap();
        assert_eq!(frames.window(moment, usize::MAX).unwrap().num_rows(), 2);
        assert_eq!(history.window(moment, bundle.id(0), close, usize::MAX).unwrap().len(), 2);
        let most = moment.history(Request::new(bundle.id(0), &[Field::CLOSE], u32::MAX as usize)).unwrap();
        assert_eq!(history.array(&most).unwrap().len(), 2);
        assert_eq!(history.frame(&most).unwrap().num_rows(), 2);

        let many: Vec<_> = std::iter::repeat_n(bundle.id(0), 1 << 20).collect();
        let set = portal.intern(&many).unwrap();
        for bar_count in [u32::MAX as usize, usize::MAX] {
            for error in [
                moment.panel(&set, close, bar_count).map(drop).unwrap_err(),
                history.panel(moment, &set, close, bar_count).map(drop).unwrap_err(),
                moment
                    .history(Request::new(&set, &[close; 9], bar_count))
                    .and_then(|window| window.array().map(drop).and(window.frame().map(drop)))
                    .unwrap_err(),
            ] {
                assert!(matches!(error.kind(), ErrorKind::InvalidOption { .. }), "{error}");
            }
        }
    }
}

#[test]
fn the_same_asset_and_the_same_field_may_be_asked_for_twice() {
    let mut history = always().handle();
    for bundle in Fake::listed(&[&[10, 20, 30], &[10, 30]]).forms() {
        let portal = DataPortal::new(&bundle);
        let moment = portal.at(at(30));
        let set = portal.intern(&[bundle.id(1), bundle.id(1), bundle.id(0), bundle.id(1)]).unwrap();
        let fields = [Field::CLOSE, Field::CLOSE, Field::OPEN];
        let window = moment.history(Request::new(&set, &fields, 2)).unwrap();
        let array = window.array().unwrap();
        for asset in [0, 1, 3] {
            assert_eq!(
                [array[[1, asset, 0]], array[[1, asset, 1]], array[[1, asset, 2]]],
                [1030.3, 1030.3, 1030.0]
            );
            assert!(array[[0, asset, 0]].is_nan());
        }
        assert_eq!(array[[0, 2, 1]], 20.3);
        assert_eq!(window.frame().unwrap().num_columns(), 1 + 4 * 3);
        assert_eq!(history.array(&window).unwrap()[[1, 3, 1]], 1030.3);
    }
}

#[test]
fn a_request_for_a_field_more_is_another_request_even_for_the_last_field_there_can_be() {
    let last = (0..).map_while(Field::extra).last().unwrap();
    let bundle = Fake::listed(&[&[10, 20], &[20]]).widened(last.index() + 1);
    let portal = DataPortal::new(&bundle);
    let moment = portal.at(at(20));
    let mut history = always().handle();
    for fields in [&[Field::CLOSE][..], &[Field::CLOSE, last], &[last], &[last, last]] {
        let window = moment.history(Request::new(bundle.id(0), fields, 2)).unwrap();
        assert_eq!(history.array(&window).unwrap(), window.array().unwrap());
        assert_eq!(history.frame(&window).unwrap(), &window.frame().unwrap());
    }
}

#[test]
fn what_is_printed_of_an_answer_says_nothing_of_later_bars() {
    for bundle in Fake::listed(&[&[10, 20, 30], &[10, 30]]).forms() {
        let portal = DataPortal::new(&bundle);
        let moment = portal.at(at(20));
        let (asset, close) = (moment.asset(bundle.id(0)).unwrap(), Field::CLOSE);
        let series = portal.series(bundle.id(0), close).unwrap();
        let frames = portal.frames(bundle.id(0), close).unwrap();
        let window = moment.history(Request::new(bundle.id(0), &[Field::CLOSE], 2)).unwrap();
        let printed =
            format!("{asset:?} {:?} {:?} {series:?} {frames:?} {window:?}", asset.bars(2), asset.matrix(2));
        assert!(printed.contains("20.3") && !printed.contains("30.3"), "{printed}");
        assert!(!printed.contains(&GARBAGE.to_string()), "{printed}");
    }
}
