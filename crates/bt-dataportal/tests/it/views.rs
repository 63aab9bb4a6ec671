use bt_dataportal::DataPortal;
use proptest::prelude::*;

use crate::fake::{COLUMNS, any_bundle, any_now, field};
use crate::oracle::{self, bits};

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn a_window_is_the_naive_slice(
        bundle in any_bundle(),
        now in any_now(),
        bar_count in 0..50usize,
        column in 0..COLUMNS,
    ) {
        for bundle in bundle.forms() {
            let portal = DataPortal::new(&bundle);
            let moment = portal.at(now);
            for rank in 0..bundle.rows.len() {
                let expected = oracle::window(&bundle, rank, column, bar_count, now.as_nanos());
                let known = oracle::known(&bundle, rank, now.as_nanos());
                let window = moment.window(bundle.id(rank), field(column), bar_count).unwrap();
                prop_assert_eq!(bits(window), bits(&expected));

                let series = portal.series(bundle.id(rank), field(column)).unwrap();
                prop_assert_eq!(bits(series.window(moment, bar_count).unwrap()), bits(&expected));
                prop_assert_eq!(series.at(moment).unwrap().len(), known.len());
                let trades = oracle::has_bar(&bundle, rank, now.as_nanos());
                prop_assert_eq!(series.current(moment).unwrap().map(<[f64]>::len), trades.then_some(known.len()));

                let asset = moment.asset(bundle.id(rank)).unwrap();
                prop_assert_eq!(asset.has_bar(), oracle::has_bar(&bundle, rank, now.as_nanos()));
                prop_assert_eq!((asset.len(), asset.is_empty()), (known.len(), known.is_empty()));
                prop_assert_eq!(bits(asset.view(field(column), bar_count).unwrap()), bits(&expected));
                prop_assert_eq!(
                    bits(asset.series(field(column)).unwrap()),
                    bits(&oracle::window(&bundle, rank, column, usize::MAX, now.as_nanos()))
                );
                let matrix = asset.matrix(bar_count);
                prop_assert_eq!(matrix.shape(), [expected.len(), 5]);
                for column in 0..5 {
                    let expected = oracle::window(&bundle, rank, column, bar_count, now.as_nanos());
                    prop_assert_eq!(bits(matrix.column(column)), bits(&expected));
                }
                let times: Vec<i64> = asset.timestamps(bar_count).iter().map(|at| at.as_nanos()).collect();
                let all: Vec<i64> = known.iter().map(|row| row.0).collect();
                prop_assert_eq!(&times[..], &all[all.len() - times.len()..]);
                prop_assert_eq!(times.len(), expected.len());
            }
        }
    }

    #[test]
    fn iterated_moments_are_the_moments_found_by_search(bundle in any_bundle(), from in any_now(), until in any_now()) {
        let portal = DataPortal::new(&bundle);
        let calendar = portal.calendar();
        prop_assert_eq!(portal.moments().len(), calendar.len());
        for (moment, &at) in portal.moments().zip(calendar.as_slice()) {
            prop_assert_eq!((moment.now(), moment.position()), (at, portal.at(at).position()));
        }
        let between: Vec<_> = portal.moments_between(from, until).map(|moment| moment.now()).collect();
        let expected: Vec<_> = calendar.iter().copied().filter(|&at| from <= at && at < until).collect();
        prop_assert_eq!(between, expected);
    }
}
