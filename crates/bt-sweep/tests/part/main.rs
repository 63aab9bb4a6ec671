//! A part of a bundle against a bundle that was rebuilt from the rows inside of it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod oracle;

use std::ops::Range;
use std::sync::Arc;

use bt_sweep::bt_core::{
    Adjustment, AdjustmentKind, AssetId, AssetList, BarLabel, Bars, Bundle, BundleVersion, Calendar,
    Conventions, Field, Frequency, Slab, Timestamp,
};
use bt_sweep::bt_dataportal::DataPortal;
use bt_sweep::bt_layers::bt_asset_cache::GroupedBars;
use bt_sweep::{Part, SeriesCache, Stop, TrialView};
use bt_testkit::{Market, MarketData, MemoryBundle, conformance};
use oracle::{any_market, any_range, bits, rebuilt};
use proptest::prelude::*;

fn memory(data: &MarketData, has_slab: bool) -> Arc<dyn Bundle> {
    let bundle = data.bundle().with_extra("turnover", |rank, bar| (rank * 1000 + bar) as f64);
    Arc::new(if has_slab { bundle } else { bundle.without_slab() })
}

/// Every call of a portal on the part and on the rebuilt bundle.
fn same_answers(part: &Part, rebuilt: &MemoryBundle) -> Result<(), TestCaseError> {
    let (part, naive) = (DataPortal::new(part), DataPortal::new(rebuilt));
    prop_assert_eq!(part.calendar().as_slice(), naive.calendar().as_slice());
    let ids: Vec<_> = part.assets().ids().collect();
    prop_assert_eq!(&ids, &naive.assets().ids().collect::<Vec<_>>());
    let turnover = part.field("turnover").unwrap();
    let fields: Vec<_> = Field::OHLCV.into_iter().chain([turnover]).collect();
    let backwards: Vec<_> = ids.iter().rev().copied().collect();
    let moments =
        std::iter::once(part.at(Timestamp::MIN)).chain(part.moments()).chain([part.at(Timestamp::MAX)]);
    let expected =
        std::iter::once(naive.at(Timestamp::MIN)).chain(naive.moments()).chain([naive.at(Timestamp::MAX)]);
    for (got, expected) in moments.zip(expected) {
        prop_assert_eq!((got.now(), got.position()), (expected.now(), expected.position()));
        for &asset in &ids {
            let (a, b) = (got.asset(asset).unwrap(), expected.asset(asset).unwrap());
            prop_assert_eq!(a.has_bar(), b.has_bar());
            for count in [1, 3, 100] {
                prop_assert_eq!(a.timestamps(count), b.timestamps(count));
                prop_assert_eq!(bits(a.matrix(count).iter()), bits(b.matrix(count).iter()));
                for &field in &fields {
                    let windows = [a.window(field, count).unwrap(), b.window(field, count).unwrap()];
                    prop_assert_eq!(bits(windows[0]), bits(windows[1]));
                }
            }
            for field in [Field::CLOSE, turnover] {
                let series = [part.series(asset, field).unwrap(), naive.series(asset, field).unwrap()];
                prop_assert_eq!(bits(series[0].at(got).unwrap()), bits(series[1].at(expected).unwrap()));
                let current = [series[0].current(got).unwrap(), series[1].current(expected).unwrap()];
                prop_assert_eq!(current[0].map(bits), current[1].map(bits));
            }
        }
        for assets in [&ids, &backwards] {
            let sets = [part.intern(assets).unwrap(), naive.intern(assets).unwrap()];
            for (field, count) in [(Field::CLOSE, 2), (Field::OPEN, 50), (turnover, 4)] {
                let panels = [
                    got.panel(&sets[0], field, count).unwrap(),
                    expected.panel(&sets[1], field, count).unwrap(),
                ];
                prop_assert_eq!(panels[0].shape(), panels[1].shape());
                prop_assert_eq!(bits(panels[0].iter()), bits(panels[1].iter()));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_part_answers_as_a_bundle_of_its_rows_alone(
        (data, range) in any_market().prop_flat_map(|data| { let moments = data.calendar().len(); (Just(data), any_range(moments)) }),
        has_slab: bool,
    ) {
        let part = Part::new(memory(&data, has_slab), range.clone()).unwrap();
        prop_assert_eq!(part.slab().is_some(), has_slab);
        same_answers(&part, &rebuilt(&data, range, part.version()))?;
    }

    #[test]
    fn a_part_of_a_part_answers_as_a_bundle_of_its_rows_alone(
        (data, outer, inner) in any_market()
            .prop_flat_map(|data| { let moments = data.calendar().len(); (Just(data), any_range(moments)) })
            .prop_flat_map(|(data, outer)| { let moments = outer.len(); (Just(data), Just(outer), any_range(moments)) }),
        has_slab: bool,
    ) {
        let middle: Arc<dyn Bundle> = Arc::new(Part::new(memory(&data, has_slab), outer.clone()).unwrap());
        let part = Part::new(middle, inner.clone()).unwrap();
        let range = outer.start + inner.start..outer.start + inner.end;
        same_answers(&part, &rebuilt(&data, range, part.version()))?;
    }

    #[test]
    fn every_part_conforms(
        (data, range) in any_market().prop_flat_map(|data| { let moments = data.calendar().len(); (Just(data), any_range(moments)) }),
    ) {
        for has_slab in [true, false] {
            conformance::bundle(&Part::new(memory(&data, has_slab), range.clone()).unwrap());
        }
    }
}

#[test]
fn parts_of_markets_of_the_testkit_conform_and_hold_their_rows() {
    for market in
        [Market::common(3, 5, 80), Market::staggered(4, 6, 90, 20).with_gaps(0.2).with_missing(0.05)]
    {
        let data = market.generate();
        let moments = data.calendar().len();
        for range in [0..moments, 0..1, moments - 1..moments, 10..60] {
            for has_slab in [true, false] {
                let part = Part::new(memory(&data, has_slab), range.clone()).unwrap();
                conformance::bundle(&part);
                conformance::bundle_holds(&part, &oracle::inside(&data, &range));
            }
        }
    }
}

#[test]
fn the_same_moments_have_the_same_version_and_others_another() {
    let data = Market::common(3, 3, 50).generate();
    let version = |range: Range<usize>| Part::new(memory(&data, true), range).unwrap().version();
    assert_eq!(version(5..20), version(5..20));
    assert_eq!(version(5..20), Part::new(memory(&data, false), 5..20).unwrap().version());
    let all = [version(0..20), version(5..20), version(5..21), version(0..50), data.version()];
    for (at, a) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(a), "{at}");
    }
    let other = data.clone().with_corrected_close(1, 7);
    assert_ne!(version(5..20), Part::new(memory(&other, true), 5..20).unwrap().version());
}

#[test]
fn a_slice_of_the_same_moments_is_the_same_version() {
    let calendar = Market::common(3, 3, 50).generate().calendar();
    let parent = memory(&Market::common(3, 3, 50).generate(), true);
    let slice = GroupedBars::slice_version(parent.version(), calendar[4], calendar[19]);
    assert_eq!(Part::new(parent, 5..20).unwrap().version(), slice);
}

#[test]
fn identifiers_of_the_parent_are_mapped_and_refused_unmapped() {
    let data = Market::common(3, 3, 50).generate();
    let parent = memory(&data, true);
    let part = Part::new(parent.clone(), 5..20).unwrap();
    let of_parent = parent.assets().id("A0001").unwrap();
    let here = part.asset(of_parent).unwrap();
    assert_eq!(part.assets().name(here).unwrap(), "A0001");
    assert!(part.bars(of_parent).is_err());
    assert!(part.asset(here).is_err());
    assert!(parent.bars(here).is_err());
}

#[test]
fn moments_that_are_not_there_are_refused() {
    let parent = memory(&Market::common(3, 2, 30).generate(), true);
    #[allow(clippy::reversed_empty_ranges, reason = "one of the ranges to refuse")]
    for range in [0..0, 5..5, 20..10, 0..31, 30..31, usize::MAX - 1..usize::MAX] {
        let message = Part::new(parent.clone(), range.clone()).unwrap_err().to_string();
        assert_eq!(
            message,
            format!("moments = {range:?} is out of range; allowed: a part of 0..30 that is not empty")
        );
    }
}

#[test]
fn the_memory_of_a_part_is_its_tables_alone() {
    let data = Market::common(3, 50, 2000).generate();
    let parent = memory(&data, true);
    let part = Part::new(parent.clone(), 100..1900).unwrap();
    assert!(part.heap_bytes() < 50 * (32 + 4 + 16), "{}", part.heap_bytes());
    let shared = part.slab().unwrap().all.values().as_ptr();
    assert_eq!(shared, parent.slab().unwrap().all.values().as_ptr());
    let gaps = memory(&Market::common(3, 50, 2000).with_gaps(0.1).generate(), true);
    let part = Part::new(gaps, 100..1900).unwrap();
    assert!(part.heap_bytes() >= part.slab().unwrap().positions.len() * 4 + 50 * 36);
}

#[test]
fn warm_up_is_seen_and_not_scored() {
    let parent = memory(&Market::common(3, 2, 100).generate(), true);
    let (part, scored) = Part::with_warm_up(parent.clone(), 40..60, 15).unwrap();
    assert_eq!((part.moments(), scored.clone()), (25..60, 15..35));
    let portal = DataPortal::new(&part);
    let (stop, assets) = (Stop::default(), part.assets().ids().collect::<Vec<_>>());
    let series = SeriesCache::new(1 << 20).unwrap();
    let view = TrialView::new(&portal, &assets, scored, &stop, &series).unwrap();
    let moments: Vec<_> = view.moments().map(|moment| moment.now()).collect();
    assert_eq!(moments, parent.calendar()[40..60]);
    let (part, scored) = Part::with_warm_up(parent.clone(), 5..60, 15).unwrap();
    assert_eq!((part.moments(), scored), (0..60, 5..60));
    assert!(Part::with_warm_up(parent, 60..60, 15).is_err());
}

#[test]
fn a_part_has_the_conventions_of_the_whole() {
    let conventions = Conventions { zone: "Asia/Tokyo".into(), label: BarLabel::Start };
    let whole = Market::common(3, 2, 100).generate().bundle().with_conventions(conventions.clone());
    assert_eq!(*Part::new(Arc::new(whole), 10..50).unwrap().conventions(), conventions);
}

/// A bundle with adjustments, and what else a test wants to change of it.
struct Adjusted {
    inner: MemoryBundle,
    adjustments: Vec<Adjustment>,
}

impl Bundle for Adjusted {
    fn version(&self) -> BundleVersion {
        self.inner.version()
    }
    fn assets(&self) -> &AssetList {
        self.inner.assets()
    }
    fn calendar(&self) -> Calendar<'_> {
        self.inner.calendar()
    }
    fn frequency(&self) -> Frequency {
        self.inner.frequency()
    }
    fn bars(&self, asset: AssetId) -> bt_sweep::bt_core::Result<Bars<'_>> {
        self.inner.bars(asset)
    }
    fn heap_bytes(&self) -> usize {
        self.inner.heap_bytes()
    }
    fn slab(&self) -> Option<Slab<'_>> {
        self.inner.slab()
    }
    fn adjustments(&self, asset: AssetId) -> bt_sweep::bt_core::Result<&[Adjustment]> {
        let rank = self.assets().rank(asset)?;
        Ok(if rank == 1 { &self.adjustments } else { &[] })
    }
}

#[test]
fn adjustments_from_the_last_moment_on_are_not_known() {
    let data = Market::common(3, 2, 100).generate();
    let calendar = data.calendar();
    let split = |ex_date| Adjustment { ex_date, kind: AdjustmentKind::Split { ratio: 2.0 } };
    // The bar that is known at the midnight with which an ex-date begins is that of the day before.
    let just_before = Timestamp::from_nanos(calendar[49].as_nanos() - 1);
    let adjustments = vec![
        split(calendar[3]),
        split(calendar[20]),
        split(just_before),
        split(calendar[49]),
        split(calendar[50]),
    ];
    let parent: Arc<dyn Bundle> =
        Arc::new(Adjusted { inner: data.bundle(), adjustments: adjustments.clone() });
    let part = Part::new(parent.clone(), 10..50).unwrap();
    conformance::bundle(&part);
    let ids: Vec<_> = part.assets().ids().collect();
    assert_eq!(part.adjustments(ids[1]).unwrap(), &adjustments[..3]);
    assert_eq!(part.adjustments(ids[0]).unwrap(), &[]);
    assert!(part.adjustments(parent.assets().id("A0001").unwrap()).is_err());
    let next = Part::new(parent, 10..51).unwrap();
    assert_eq!(next.adjustments(next.assets().id("A0001").unwrap()).unwrap(), &adjustments[..4]);
}
