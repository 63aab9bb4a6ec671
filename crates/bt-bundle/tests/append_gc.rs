//! Appending adds bars and keeps what was there; collecting keeps what is used.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use bt_bundle::Store;
use bt_bundle::bt_core::{Adjustment, AdjustmentKind, Bundle, BundleSource, ErrorKind, Frequency, Timestamp};
use common::{Asset, Sample, assert_same, name};

fn store() -> (tempfile::TempDir, Store) {
    let root = common::root();
    let store = Store::create(root.path()).unwrap();
    store.publish(&name("daily"), &Sample::three().open(), "").unwrap();
    (root, store)
}

fn push(sample: &mut Sample, asset: &str, time: i64, value: f64) {
    let columns = sample.extra.len() + 5;
    let asset = sample.assets.entry(asset.to_owned()).or_default();
    asset.columns.resize(columns, vec![]);
    asset.times.push(time);
    asset.columns.iter_mut().for_each(|column| column.push(value));
}

fn only(bars: &[(&str, i64, f64)]) -> Sample {
    let mut sample = Sample { assets: Default::default(), ..Sample::three() };
    bars.iter().for_each(|&(asset, time, value)| push(&mut sample, asset, time, value));
    sample
}

#[test]
fn what_is_appended_is_there_and_the_version_is_that_of_the_whole() {
    let (_root, store) = store();
    let bars =
        [("AAA", 50, 1.5), ("AAA", 60, f64::NAN), ("CCC", 60, 2.5), ("NEW", 30, 3.5), ("NEW", 60, 4.5)];
    let mut whole = Sample::three();
    bars.iter().for_each(|&(asset, time, value)| push(&mut whole, asset, time, value));
    let appended = store.append(&name("daily"), &only(&bars).open(), "more").unwrap();
    assert_eq!((appended.new_bars, appended.repeated_bars, appended.unchanged_assets), (5, 0, 1));
    assert_same(&*store.open(&name("daily")).unwrap(), &whole);
    store.verify(&name("daily"), None).unwrap();
    let at_once = store.publish(&name("other"), &whole.open(), "").unwrap();
    assert_eq!(at_once.version, appended.published.version);
    let parent = store.versions(&name("daily")).unwrap()[0].1.as_ref().unwrap().parent.clone();
    assert_eq!(parent, Some(store.versions(&name("daily")).unwrap()[1].0.to_string()));
}

/// The content of a file of the one version of a store.
fn file(store: &Store, file: &str) -> std::path::PathBuf {
    let version = store.version(&name("daily")).unwrap().to_string();
    store.root().join("daily").join(version).join(file)
}

fn split(day: i64, ratio: f64) -> Adjustment {
    Adjustment { ex_date: Timestamp::from_nanos(day), kind: AdjustmentKind::Split { ratio } }
}

/// Whatever is appended to the damaged bundle, the error tells of this, and the damaged version stays the only one.
fn assert_refused(store: &Store, told: &[&str]) {
    let before = store.version(&name("daily")).unwrap();
    // Behind the old bars, behind those of one asset, and nothing but what is there already.
    let all = [("AAA", 50, 1.5), ("BBB", 50, 1.5), ("CCC", 50, 1.5)];
    for new in [only(&all), only(&all[..1]), Sample::three()] {
        let error = store.append(&name("daily"), &new.open(), "").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{told:?}: {error}");
        told.iter().for_each(|told| assert!(error.to_string().contains(told), "{told}: {error}"));
        assert_eq!(store.version(&name("daily")).unwrap(), before);
        assert_eq!(store.versions(&name("daily")).unwrap().len(), 1);
    }
    assert!(store.verify(&name("daily"), None).is_err());
}

#[test]
fn an_append_takes_over_no_damaged_column_of_any_asset_and_names_it() {
    let sample = Sample::three();
    let columns = ["open", "high", "low", "close", "volume"];
    for (asset, bars) in &sample.assets {
        for (column, values) in columns.iter().zip(&bars.columns) {
            for value in [values[0], *values.last().unwrap()] {
                let (_root, store) = store();
                common::flip(&file(&store, "bars.arrow"), &value.to_le_bytes());
                assert_refused(&store, &[column, asset]);
            }
        }
    }
}

#[test]
fn an_append_takes_over_no_damaged_timestamps_calendar_adjustments_or_digests() {
    let bytes = |nanos: &[i64]| nanos.iter().flat_map(|nanos| nanos.to_le_bytes()).collect::<Vec<_>>();
    let mut sample = Sample::three();
    sample.assets.get_mut("BBB").unwrap().adjustments = vec![split(5, 3.25)];
    let publish = || {
        let root = common::root();
        let store = Store::create(root.path()).unwrap();
        store.publish(&name("daily"), &sample.open(), "").unwrap();
        (root, store)
    };
    // The first of these bytes is changed: a moment of BBB, of CCC, of the calendar, and the ratio of a split.
    for (damaged, place, told) in [
        ("bars.arrow", bytes(&[30, 40, 10, 40]), &["timestamp", "\"BBB\""][..]),
        ("bars.arrow", bytes(&[10, 40]), &["timestamp", "\"CCC\""]),
        ("index.arrow", bytes(&[10, 20, 30, 40]), &["calendar, frequency, names or digests were changed"]),
        ("index.arrow", 3.25_f64.to_le_bytes().to_vec(), &["adjustments", "\"BBB\""]),
    ] {
        let (_root, store) = publish();
        common::flip(&file(&store, damaged), &place);
        assert_refused(&store, told);
    }
    let (_root, store) = publish();
    let close = bt_bundle::bt_core::column_digest(&sample.assets["CCC"].columns[3]);
    common::flip(&file(&store, "digests.arrow"), &close);
    assert_refused(&store, &["calendar, frequency, names or digests were changed"]);
}

#[test]
fn a_damaged_bundle_is_copied_to_no_other_name() {
    let (_root, store) = store();
    common::flip(&file(&store, "bars.arrow"), &Sample::three().assets["CCC"].columns[4][1].to_le_bytes());
    let damaged = store.open(&name("daily")).unwrap();
    store.publish(&name("other"), &only(&[("AAA", 10, 1.5)]).open(), "").unwrap();
    for error in [
        store.publish(&name("copy"), &*damaged, "").map(drop).unwrap_err(),
        store.append(&name("other"), &*damaged, "").map(drop).unwrap_err(),
    ] {
        let told = error.to_string();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
        assert!(told.contains("volume of asset \"CCC\""), "{told}");
    }
    assert_eq!(store.list().unwrap(), [name("daily"), name("other")]);
}

#[test]
fn an_append_to_what_lacks_a_file_says_that_it_is_damaged_and_which_file_is_missing() {
    for missing in ["bars.arrow", "index.arrow", "digests.arrow"] {
        let (_root, store) = store();
        std::fs::remove_file(file(&store, missing)).unwrap();
        assert_refused(&store, &[&format!("{missing} is missing")]);
    }
}

#[test]
fn appending_again_what_is_there_changes_nothing() {
    let (_root, store) = store();
    let before = store.version(&name("daily")).unwrap();
    let appended = store.append(&name("daily"), &Sample::three().open(), "").unwrap();
    assert!(appended.published.unchanged && appended.published.version == before);
    assert_eq!((appended.new_bars, appended.repeated_bars, appended.unchanged_assets), (0, 8, 3));
}

#[test]
fn bars_that_contradict_the_old_ones_are_refused_by_name_and_moment() {
    let (_root, store) = store();
    let mut corrected = Sample::three();
    corrected.assets.get_mut("CCC").unwrap().columns[4][0] += 1.0;
    let volume = store.append(&name("daily"), &corrected.open(), "").unwrap_err();
    assert!(volume.to_string().contains("\"CCC\"") && volume.to_string().contains("volume"), "{volume}");
    for inserted in [only(&[("CCC", 20, 1.0)]), only(&[("BBB", 10, 1.0)])] {
        let error = store.append(&name("daily"), &inserted.open(), "").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidInput { .. }), "{error}");
    }
    assert_same(&*store.open(&name("daily")).unwrap(), &Sample::three());
}

#[test]
fn bars_of_another_frequency_or_with_other_columns_are_refused() {
    let (_root, store) = store();
    let minutes = Sample { frequency: Frequency::Minutes(5), ..only(&[("AAA", 50, 1.0)]) };
    let mut extra = Sample { extra: vec!["x".to_owned()], ..only(&[]) };
    push(&mut extra, "AAA", 50, 1.0);
    for sample in [minutes, extra] {
        let error = store.append(&name("daily"), &sample.open(), "").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidInput { .. }), "{error}");
    }
}

#[test]
fn an_append_adds_adjustments_and_keeps_the_old_ones() {
    let (_root, store) = store();
    let split = |day| split(day, 2.0);
    for (new, expected) in [(vec![45], vec![45]), (vec![41], vec![41, 45]), (vec![45], vec![41, 45])] {
        let mut sample = only(&[]);
        let adjustments = new.into_iter().map(split).collect();
        sample.assets.insert("AAA".into(), Asset { columns: vec![vec![]; 5], adjustments, times: vec![] });
        store.append(&name("daily"), &sample.open(), "").unwrap();
        let bundle = store.open(&name("daily")).unwrap();
        let found = bundle.adjustments(bundle.assets().id("AAA").unwrap()).unwrap();
        assert_eq!(found, expected.into_iter().map(split).collect::<Vec<_>>());
        store.verify(&name("daily"), None).unwrap();
    }
}

/// Publishes `n` versions that differ in a price.
fn versions(store: &Store, n: usize) -> Vec<bt_bundle::bt_core::BundleVersion> {
    let mut sample = Sample::three();
    let mut publish = |price: usize| {
        sample.assets.get_mut("AAA").unwrap().columns[0][0] = price as f64;
        store.publish(&name("daily"), &sample.open(), "").unwrap().version
    };
    (0..n).map(&mut publish).collect()
}

#[test]
fn the_last_published_and_the_current_version_are_kept() {
    let (_root, store) = store();
    let published = versions(&store, 4);
    let mut sample = Sample::three();
    sample.assets.get_mut("AAA").unwrap().columns[0][0] = 0.0;
    store.publish(&name("daily"), &sample.open(), "back to the first").unwrap();
    let collected = store.gc(&name("daily"), 2).unwrap();
    assert_eq!(collected.removed.len(), 2, "{collected:?}");
    let mut left: Vec<_> =
        store.versions(&name("daily")).unwrap().into_iter().map(|(version, _)| version).collect();
    let mut expected = vec![published[0], published[2], published[3]];
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
    let error = store.open_version(&name("daily"), published[1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::VersionNotFound { .. }), "{error}");
}

#[test]
fn versions_whose_age_is_not_known_are_kept_and_told_of() {
    for manifest in [None, Some("{"), Some("{}"), Some("[1]"), Some("{\"sequence\": -1}"), Some("")] {
        let (_root, store) = store();
        let oldest = store.version(&name("daily")).unwrap();
        let published = versions(&store, 3);
        let path = |at: usize| store.root().join(format!("daily/{}/manifest.json", published[at]));
        std::fs::remove_file(path(1)).unwrap();
        manifest.iter().for_each(|text| std::fs::write(path(1), text).unwrap());
        let collected = store.gc(&name("daily"), 1).unwrap();
        assert_eq!(collected.removed, [published[0], oldest], "{manifest:?}");
        assert_eq!(collected.unknown.len(), 1);
        let (version, reason) = &collected.unknown[0];
        assert_eq!(*version, published[1]);
        assert!(
            matches!(reason.kind(), ErrorKind::Corrupt { what, .. } if what.contains("daily")),
            "{reason}"
        );
        store.verify(&name("daily"), Some(published[1])).unwrap();
        // What is published again is known again, and then the newest.
        let mut sample = Sample::three();
        sample.assets.get_mut("AAA").unwrap().columns[0][0] = 1.0;
        assert!(store.publish(&name("daily"), &sample.open(), "").unwrap().repaired);
        assert_eq!(store.gc(&name("daily"), 1).unwrap().removed, [published[2]]);
    }
}

#[test]
fn nothing_is_collected_while_head_names_a_version_that_is_not_there() {
    let (_root, store) = store();
    versions(&store, 2);
    let head = store.root().join("daily/HEAD");
    std::fs::write(&head, store.version(&name("daily")).unwrap().derived(b"other").to_string()).unwrap();
    let error = store.gc(&name("daily"), 1).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { what, .. } if what.ends_with("HEAD")), "{error}");
    assert_eq!(store.versions(&name("daily")).unwrap().len(), 3);
}

#[test]
fn the_age_of_a_version_is_read_without_the_rest_of_its_manifest() {
    let (_root, store) = store();
    let (oldest, published) = (store.version(&name("daily")).unwrap(), versions(&store, 3));
    let path = |at: usize| store.root().join(format!("daily/{}/manifest.json", published[at]));
    let columns = "\"\",".repeat(1 << 20);
    common::replace(&path(0), format!("{{\"sequence\": {}, \"columns\": [{columns}", u64::MAX).as_bytes());
    common::replace(&path(1), format!("{{\"assets\": [{columns} 1], \"sequence\": 7}}").as_bytes());
    let mut collected = None;
    let used = allocation_counter::measure(|| collected = Some(store.gc(&name("daily"), 1).unwrap()));
    assert!(used.bytes_max < 1 << 20, "{} bytes", used.bytes_max);
    // The first one says that it is the newest, the last one is current, and the second says that it is the oldest.
    assert_eq!(collected.unwrap().removed, [oldest, published[1]]);
}

#[test]
fn a_version_that_somebody_has_open_is_kept_until_it_is_closed() {
    let (root, store) = store();
    let old = store.open(&name("daily")).unwrap();
    versions(&store, 1);
    let other = Store::open(root.path()).unwrap();
    assert_eq!(other.gc(&name("daily"), 1).unwrap().leased, [old.version()]);
    assert_same(&*store.open_version(&name("daily"), old.version()).unwrap(), &Sample::three());
    let version = old.version();
    drop(old);
    assert_eq!(other.gc(&name("daily"), 1).unwrap().removed, [version]);
}

#[test]
fn collecting_waits_for_nobody_and_keeps_at_least_one_version() {
    let (_root, store) = store();
    assert!(matches!(store.gc(&name("daily"), 0).unwrap_err().kind(), ErrorKind::InvalidOption { .. }));
    let shape = bt_bundle::DraftShape {
        frequency: Frequency::Daily,
        conventions: Default::default(),
        extra_columns: vec![],
        assets: vec![],
        calendar: vec![],
        adjustments: Default::default(),
        origin: String::new(),
    };
    let draft = store.draft(&name("daily"), shape).unwrap();
    assert!(matches!(store.gc(&name("daily"), 1).unwrap_err().kind(), ErrorKind::Busy { .. }));
    drop(draft);
    store.gc(&name("daily"), 1).unwrap();
}

#[test]
fn publishers_appenders_and_collectors_at_once_leave_whole_versions_only() {
    let (root, store) = store();
    let may_fail = |result: bt_bundle::bt_core::Result<()>| {
        // An append may find bars of a version that it contradicts.
        if let Err(error) = result {
            let told = matches!(error.kind(), ErrorKind::Busy { .. } | ErrorKind::InvalidInput { .. });
            assert!(told, "{error}");
        }
    };
    let work = |turn: i64| {
        let store = Store::open(root.path()).unwrap();
        for round in 0..30 {
            let appended = only(&[("AAA", 50 + round, turn as f64)]);
            may_fail(match turn {
                0 => store.publish(&name("daily"), &Sample::three().open(), "").map(|_| ()),
                1 | 2 => store.append(&name("daily"), &appended.open(), "").map(|_| ()),
                _ => store.gc(&name("daily"), 1).map(|collected| assert!(collected.failed.is_empty())),
            });
            store.open(&name("daily")).unwrap().verify().unwrap();
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|turn| drop(scope.spawn(move || work(turn)))));
    store.verify(&name("daily"), None).unwrap();
    store.gc(&name("daily"), 1).unwrap();
    // Content that was there already may have been made current again after the version that was published last.
    let (current, left) = (store.version(&name("daily")).unwrap(), store.versions(&name("daily")).unwrap());
    assert!(left.iter().skip(1).all(|(version, _)| *version == current), "{current} and {left:?}");
}

#[test]
fn readers_and_collectors_at_once_see_whole_versions_only() {
    let (root, store) = store();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let store = Store::open(root.path()).unwrap();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    store.open(&name("daily")).unwrap().verify().unwrap();
                }
            });
        }
        for _ in 0..10 {
            versions(&store, 5);
            store.gc(&name("daily"), 1).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
