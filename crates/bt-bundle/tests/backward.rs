//! Bundles that earlier versions of the format wrote open forever.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::path::Path;

use bt_bundle::bt_core::{
    Adjustment, AdjustmentKind, BarLabel, Bundle, BundleSource, Conventions, Frequency, Timestamp,
};
use bt_bundle::{OpenOptions, Store};
use common::{Sample, assert_same, name};

const VERSION_OF_2: &str = "080ce442716b4c7536bcd69b6567f66e4528389a1104ddd5847c86a6a4dc5ac3";
const VERSION: &str = "77de555a9539677b40a812eb397f39159066c061c987c064012f3ac1f972e55a";

/// What `backward/v1` was published from.
fn sample() -> Sample {
    let mut sample = Sample::three();
    sample.extra = vec!["adj_close".to_owned()];
    for asset in sample.assets.values_mut() {
        asset.columns.push(asset.columns[3].iter().map(|close| close / 2.0).collect());
        asset.columns[4][0] = f64::NAN;
    }
    let kind = AdjustmentKind::Split { ratio: 2.0 };
    sample.assets.get_mut("BBB").unwrap().adjustments =
        vec![Adjustment { ex_date: Timestamp::from_nanos(5), kind }];
    sample
}

#[test]
fn a_bundle_of_format_1_opens_and_verifies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backward/v1");
    let store = Store::open(root).unwrap().with_options(OpenOptions { verify: true, ..Default::default() });
    let bundle = store.open(&name("daily")).unwrap();
    assert_eq!(bundle.version().to_string(), VERSION);
    assert_same(&*bundle, &sample());
    assert_eq!(store.versions(&name("daily")).unwrap()[0].1.as_ref().unwrap().origin, "format 1");
}

/// What `backward/v2` was published from.
fn weeks_in_tokyo() -> Sample {
    let conventions = Conventions { zone: "Asia/Tokyo".into(), label: BarLabel::Start };
    Sample { frequency: Frequency::Weekly, conventions, ..sample() }
}

#[test]
fn a_bundle_of_format_2_opens_and_verifies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backward/v2");
    let store = Store::open(root).unwrap().with_options(OpenOptions { verify: true, ..Default::default() });
    let bundle = store.open(&name("weekly")).unwrap();
    assert_eq!(bundle.version().to_string(), VERSION_OF_2);
    assert_same(&*bundle, &weeks_in_tokyo());
}

#[test]
fn the_same_data_has_the_same_version_today() {
    let root = common::root();
    let published =
        Store::create(root.path()).unwrap().publish(&name("daily"), &sample().open(), "format 1").unwrap();
    assert_eq!(published.version.to_string(), VERSION);
    let store = Store::open(root.path()).unwrap();
    let published = store.publish(&name("weekly"), &weeks_in_tokyo().open(), "format 2").unwrap();
    assert_eq!(published.version.to_string(), VERSION_OF_2);
}

#[test]
fn what_format_1_can_express_is_written_in_format_1() {
    let root = common::root();
    let store = Store::create(root.path()).unwrap();
    store.publish(&name("daily"), &sample().open(), "").unwrap();
    store.publish(&name("weekly"), &weeks_in_tokyo().open(), "").unwrap();
    let format =
        |bundle| store.versions(&name(bundle)).unwrap()[0].1.as_ref().map(|manifest| manifest.format);
    assert_eq!((format("daily"), format("weekly")), (Some(1), Some(2)));
}
