//! Any bundle that is published is the bundle that is opened.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::path::Path;
use std::sync::Arc;

use bt_bundle::bt_core::{
    Adjustment, AdjustmentKind, AssetDigest, BarLabel, Bundle, BundleName, BundleSource, BundleVersion,
    Conventions, Frequency, Timestamp, adjustments_digest, bundle_version, column_digest, timestamps_digest,
};
use bt_bundle::{Disk, OpenMode, OpenOptions, Store};
use common::{Asset, Sample, assert_same, name};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

/// A disk that does not wait for the platter: these tests survive no power cut.
#[derive(Debug)]
struct Hasty;

impl Disk for Hasty {
    fn sync_file(&self, _: &std::fs::File) -> std::io::Result<()> {
        Ok(())
    }
    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let root = common::root();
    let store = Store::create(root.path()).unwrap().with_disk(Arc::new(Hasty));
    (root, store)
}

/// Any bits, every NaN among them.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![any::<u64>().prop_map(f64::from_bits), Just(-0.0), Just(f64::NAN), -1e3..1e3]
}

fn asset(columns: usize) -> impl Strategy<Value = Asset> {
    let times = btree_set(-20_i64..20, 0..12);
    let bars = times.prop_flat_map(move |times| {
        let column = vec(value(), times.len());
        (Just(times.into_iter().collect()), vec(column, columns))
    });
    let adjustment = (-20_i64..20, 0.01..10.0, any::<bool>()).prop_map(|(date, value, split)| Adjustment {
        ex_date: Timestamp::from_nanos(date),
        kind: if split {
            AdjustmentKind::Split { ratio: value }
        } else {
            AdjustmentKind::Dividend { amount: value }
        },
    });
    (bars, vec(adjustment, 0..3)).prop_map(|((times, columns), mut adjustments)| {
        adjustments.sort_by_key(|one| one.ex_date);
        Asset { times, columns, adjustments }
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    let extra =
        prop_oneof![Just(vec![]), Just(vec!["adj_close".to_owned()]), Just(vec!["é".into(), "b c".into()])];
    (extra, frequency(), conventions()).prop_flat_map(|(extra, frequency, conventions)| {
        let assets = btree_map("[A-Zé^ ]{1,4}", asset(5 + extra.len()), 0..6);
        assets.prop_map(move |assets| Sample {
            assets,
            extra: extra.clone(),
            frequency,
            conventions: conventions.clone(),
        })
    })
}

fn frequency() -> impl Strategy<Value = Frequency> {
    let longer = [Frequency::Daily, Frequency::Weekly, Frequency::Monthly];
    prop_oneof![prop::sample::select(longer.to_vec()), (1_u16..1440).prop_map(Frequency::Minutes)]
}

fn conventions() -> impl Strategy<Value = Conventions> {
    let zone = prop::sample::select(vec!["UTC", "UTC", "Asia/Tokyo", "-05:00"]);
    let label = prop::sample::select(vec![BarLabel::End, BarLabel::Start]);
    (zone, label).prop_map(|(zone, label)| Conventions { zone: zone.into(), label })
}

/// The version by its definition, with the assets in reverse order.
fn naive_version(sample: &Sample) -> BundleVersion {
    let digest = |asset: &Asset| AssetDigest {
        timestamps: timestamps_digest(
            &asset.times.iter().map(|&t| Timestamp::from_nanos(t)).collect::<Vec<_>>(),
        ),
        columns: asset.columns.iter().map(|column| column_digest(column)).collect(),
        adjustments: adjustments_digest(&asset.adjustments),
    };
    let digests: Vec<_> =
        sample.assets.iter().rev().map(|(name, asset)| (name.as_str(), digest(asset))).collect();
    let assets: Vec<_> = digests.iter().map(|(name, digest)| (*name, digest)).collect();
    let extra: Vec<_> = sample.extra.iter().map(String::as_str).collect();
    let calendar = timestamps_digest(sample.open().calendar().as_slice());
    bundle_version(sample.frequency, &sample.conventions, &extra, &calendar, &assets)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_published_is_opened_bit_for_bit_under_the_version_of_its_content(sample in sample()) {
        let (_root, store) = store();
        let published = store.publish(&name("any"), &sample.open(), "").unwrap();
        prop_assert_eq!(published.version, naive_version(&sample));
        for mode in [OpenMode::Map, OpenMode::Read] {
            let options = OpenOptions { mode, verify: true };
            let bundle = store.clone().with_options(options).open(&name("any")).unwrap();
            prop_assert_eq!(bundle.version(), published.version);
            assert_same(&*bundle, &sample);
        }
    }

    #[test]
    fn appending_the_later_bars_gives_the_version_of_the_whole(whole in sample(), cut in -20_i64..20) {
        let part = |keep: &dyn Fn(i64) -> bool| {
            let mut part = whole.clone();
            for asset in part.assets.values_mut() {
                let kept: Vec<_> = asset.times.iter().map(|&time| keep(time)).collect();
                let mut rows = kept.iter().cycle();
                asset.times.retain(|&time| keep(time));
                asset.columns.iter_mut().for_each(|column| column.retain(|_| *rows.next().unwrap()));
            }
            part
        };
        let (_root, store) = store();
        store.publish(&name("any"), &part(&|time| time <= cut).open(), "").unwrap();
        // Two bars come again, as they do when a feed overlaps.
        let appended = store.append(&name("any"), &part(&|time| time > cut - 2).open(), "").unwrap();
        prop_assert_eq!(appended.published.version, naive_version(&whole));
        assert_same(&*store.open(&name("any")).unwrap(), &whole);
        store.verify(&name("any"), None).unwrap();
    }

    #[test]
    fn any_change_of_a_value_changes_the_version(sample in sample(), pick in any::<prop::sample::Index>(), to in value()) {
        let mut changed = sample.clone();
        let mut cells: Vec<_> =
            changed.assets.values_mut().flat_map(|asset| asset.columns.iter_mut().flatten()).collect();
        prop_assume!(!cells.is_empty());
        let at = pick.index(cells.len());
        let same = *cells[at] == to || (cells[at].is_nan() && to.is_nan());
        *cells[at] = to;
        let (_root, store) = store();
        let [before, after] = [&sample, &changed].map(|sample| store.publish(&name("any"), &sample.open(), "").unwrap());
        prop_assert_eq!(before.version == after.version, same);
        prop_assert_eq!(after.unchanged, same);
    }
}

#[test]
fn the_store_keeps_what_every_source_of_bundles_promises() {
    let (_root, store) = store();
    let publish = |name: &BundleName, data: &bt_testkit::MarketData| {
        store.publish(name, &data.bundle(), "").unwrap();
    };
    bt_testkit::conformance::bundle_source(&store, publish);
}

#[test]
fn its_bundles_keep_what_every_bundle_promises() {
    let (_root, store) = store();
    let data = bt_testkit::Market::staggered(11, 20, 300, 40).with_gaps(0.05).with_missing(0.02).generate();
    assert_eq!(store.publish(&name("any"), &data.bundle(), "").unwrap().version, data.version());
    let bundle = store.open(&name("any")).unwrap();
    bt_testkit::conformance::bundle(&*bundle);
    bt_testkit::conformance::bundle_holds(&*bundle, &data);
}
