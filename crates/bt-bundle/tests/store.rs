//! What a store promises to whoever publishes to it and reads from it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::fs;

use bt_bundle::bt_core::{Adjustment, AdjustmentKind, Bundle, BundleSource, ErrorKind, Field, Timestamp};
use bt_bundle::{DraftShape, OpenMode, OpenOptions, Store};
use common::{Sample, assert_same, name};

fn store() -> (tempfile::TempDir, Store) {
    let root = common::root();
    let store = Store::create(root.path()).unwrap();
    (root, store)
}

fn rich() -> Sample {
    let mut sample = Sample::three();
    sample.extra = vec!["adj_close".to_owned()];
    for asset in sample.assets.values_mut() {
        asset.columns.push(asset.columns[3].iter().map(|close| close / 2.0).collect());
        asset.columns[4][0] = f64::NAN;
    }
    let split = |day, ratio| Adjustment {
        ex_date: Timestamp::from_nanos(day),
        kind: AdjustmentKind::Split { ratio },
    };
    let dividend =
        Adjustment { ex_date: Timestamp::from_nanos(40), kind: AdjustmentKind::Dividend { amount: 0.25 } };
    sample.assets.get_mut("BBB").unwrap().adjustments = vec![split(5, 2.0), dividend];
    sample.assets.get_mut("CCC").unwrap().adjustments = vec![split(7, 0.1)];
    sample
}

#[test]
fn what_is_published_is_read_back_bit_for_bit() {
    let (_root, store) = store();
    for sample in [Sample::three(), rich()] {
        let published = store.publish(&name("daily"), &sample.open(), "a test").unwrap();
        for mode in [OpenMode::Map, OpenMode::Read] {
            let store = store.clone().with_options(OpenOptions { mode, verify: true });
            let bundle = store.open(&name("daily")).unwrap();
            assert_eq!(bundle.version(), published.version);
            assert_same(&*bundle, &sample);
        }
    }
}

#[test]
fn a_bundle_without_assets_or_an_asset_without_bars_is_published_too() {
    let (_root, store) = store();
    let mut sample = Sample::three();
    sample.assets.insert("DDD".to_owned(), common::Asset { columns: vec![vec![]; 5], ..Default::default() });
    store.publish(&name("daily"), &sample.open(), "").unwrap();
    assert_same(&*store.open(&name("daily")).unwrap(), &sample);
    sample.assets.clear();
    store.publish(&name("empty"), &sample.open(), "").unwrap();
    assert_same(&*store.open(&name("empty")).unwrap(), &sample);
    store.verify(&name("empty"), None).unwrap();
}

#[test]
fn equal_content_has_one_version_and_publishing_it_again_changes_nothing() {
    let (root, store) = store();
    let first = store.publish(&name("daily"), &Sample::three().open(), "from here").unwrap();
    let head = fs::metadata(root.path().join("daily/HEAD")).unwrap().modified().unwrap();
    let again = store.publish(&name("daily"), &Sample::three().open(), "from there").unwrap();
    assert!(again.unchanged && again.version == first.version);
    assert_eq!(fs::metadata(root.path().join("daily/HEAD")).unwrap().modified().unwrap(), head);
    assert_eq!(store.versions(&name("daily")).unwrap().len(), 1);
    let entries = fs::read_dir(root.path().join("daily")).unwrap().count();
    assert_eq!(entries, 3, "HEAD, .lock and one version");
}

#[test]
fn a_corrected_price_volume_or_date_changes_the_version_and_readers_of_the_old_one_keep_it() {
    let (_root, store) = store();
    let sample = Sample::three();
    let first = store.publish(&name("daily"), &sample.open(), "").unwrap().version;
    let old = store.open(&name("daily")).unwrap();
    let correct = |correct: &dyn Fn(&mut common::Asset)| {
        let mut corrected = sample.clone();
        correct(corrected.assets.get_mut("CCC").unwrap());
        store.publish(&name("daily"), &corrected.open(), "").unwrap().version
    };
    let versions = [
        first,
        correct(&|asset| asset.columns[3][1] += 0.01),
        correct(&|asset| asset.columns[4][0] += 1.0),
        correct(&|asset| asset.times[0] = 20),
    ];
    for (at, version) in versions.iter().enumerate() {
        assert!(!versions[..at].contains(version));
    }
    assert_eq!(store.version(&name("daily")).unwrap(), versions[3], "the last one published is current");
    assert_same(&*old, &sample);
    assert_same(&*store.open_version(&name("daily"), first).unwrap(), &sample);
}

#[test]
fn an_identifier_of_the_old_version_is_refused_by_the_new_one() {
    let (_root, store) = store();
    let mut sample = Sample::three();
    store.publish(&name("daily"), &sample.open(), "").unwrap();
    let old = store.open(&name("daily")).unwrap();
    sample.assets.get_mut("AAA").unwrap().columns[0][0] = 1.5;
    store.publish(&name("daily"), &sample.open(), "").unwrap();
    let new = store.open(&name("daily")).unwrap();
    let error = new.bars(old.assets().id("AAA").unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ForeignAsset { .. }), "{error}");
}

#[test]
fn a_missing_bundle_or_version_says_so_with_the_nearest_names() {
    let (_root, store) = store();
    let error = store.open(&name("daily")).unwrap_err();
    assert_eq!(error.to_string(), "no bundle named \"daily\"");
    let version = store.publish(&name("daily"), &Sample::three().open(), "").unwrap().version;
    for error in [
        store.open(&name("dialy")).unwrap_err(),
        store.version(&name("dialy")).unwrap_err(),
        store.open_version(&name("dialy"), version).unwrap_err(),
        store.versions(&name("dialy")).unwrap_err(),
        store.gc(&name("dialy"), 1).unwrap_err(),
        store.append(&name("dialy"), &Sample::three().open(), "").unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "no bundle named \"dialy\"; did you mean daily?");
    }
    let other = version.derived(b"other");
    let error = store.open_version(&name("daily"), other).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::VersionNotFound { .. }), "{error}");
    assert_eq!(store.list().unwrap(), [name("daily")], "nothing was created by asking");
}

#[test]
fn a_new_version_is_seen_at_once_however_fast_they_follow() {
    let (_root, store) = store();
    let mut sample = Sample::three();
    for price in 0..50 {
        sample.assets.get_mut("AAA").unwrap().columns[3][0] = f64::from(price);
        let published = store.publish(&name("daily"), &sample.open(), "").unwrap();
        assert_eq!(store.version(&name("daily")).unwrap(), published.version);
        assert_eq!(store.open(&name("daily")).unwrap().version(), published.version);
    }
}

#[test]
fn a_settled_head_is_known_by_its_stat_and_a_replaced_one_is_read() {
    let (root, store) = store();
    let mut sample = Sample::three();
    let first = store.publish(&name("daily"), &sample.open(), "").unwrap().version;
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert_eq!(store.version(&name("daily")).unwrap(), first);
    assert_eq!(store.version(&name("daily")).unwrap(), first);
    sample.assets.get_mut("AAA").unwrap().columns[0][0] = 1.5;
    let other = Store::open(root.path()).unwrap();
    let second = other.publish(&name("daily"), &sample.open(), "").unwrap().version;
    assert_eq!(store.version(&name("daily")).unwrap(), second);
    fs::remove_dir_all(root.path().join("daily")).unwrap();
    let error = store.version(&name("daily")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::BundleNotFound { .. }), "{error}");
}

/// Both kinds of place where files are held open, as far as the machine has them.
fn roots() -> Vec<tempfile::TempDir> {
    vec![common::root(), tempfile::tempdir().unwrap()]
}

/// Until what was read of a `HEAD` is kept.
fn settle(store: &Store) {
    std::thread::sleep(std::time::Duration::from_millis(120));
    // Kept by the first access, and asked through the open file by the third.
    for _ in 0..3 {
        store.version(&name("daily")).unwrap();
    }
}

#[test]
fn whatever_becomes_of_a_settled_head_is_seen_at_the_next_access() {
    for root in roots() {
        let store = Store::create(root.path()).unwrap();
        let other = Store::open(root.path()).unwrap();
        let mut sample = Sample::three();
        let mut publish = |price: f64| {
            sample.assets.get_mut("AAA").unwrap().columns[0][0] = price;
            other.publish(&name("daily"), &sample.open(), "").unwrap().version
        };
        let head = root.path().join("daily/HEAD");
        let first = publish(1.0);
        settle(&store);
        let second = publish(2.0);
        assert_eq!(store.version(&name("daily")).unwrap(), second, "replaced");
        settle(&store);
        fs::write(&head, first.to_string()).unwrap();
        assert_eq!(store.version(&name("daily")).unwrap(), first, "written in place");
        settle(&store);
        fs::hard_link(&head, root.path().join("backup")).unwrap();
        assert_eq!(store.version(&name("daily")).unwrap(), first);
        settle(&store);
        let third = publish(3.0);
        assert_eq!(
            store.version(&name("daily")).unwrap(),
            third,
            "replaced, and its content has another name"
        );
        settle(&store);
        fs::rename(&head, root.path().join("daily/aside")).unwrap();
        assert!(store.version(&name("daily")).is_err(), "renamed");
        fs::rename(root.path().join("daily/aside"), &head).unwrap();
        settle(&store);
        fs::remove_file(&head).unwrap();
        assert!(store.version(&name("daily")).is_err(), "removed");
    }
}

#[test]
fn a_directory_that_was_moved_away_is_seen_within_a_millisecond() {
    for root in roots() {
        let store = Store::create(root.path()).unwrap();
        let mut sample = Sample::three();
        store.publish(&name("daily"), &sample.open(), "").unwrap();
        sample.assets.get_mut("AAA").unwrap().columns[0][0] = 1.5;
        let other = store.publish(&name("other"), &sample.open(), "").unwrap().version;
        settle(&store);
        fs::rename(root.path().join("daily"), root.path().join("aside")).unwrap();
        fs::rename(root.path().join("other"), root.path().join("daily")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(store.version(&name("daily")).unwrap(), other);
    }
}

#[test]
fn a_hostile_head_never_joins_a_path() {
    let (root, store) = store();
    let version = store.publish(&name("daily"), &Sample::three().open(), "").unwrap().version.to_string();
    let head = root.path().join("daily/HEAD");
    let hostile = [
        String::new(),
        "../../etc/passwd".to_owned(),
        format!("{version}\n"),
        version.to_uppercase(),
        format!("{}/", &version[1..]),
        "\0".repeat(64),
        "x".repeat(1 << 20),
    ];
    for text in hostile {
        fs::write(&head, &text).unwrap();
        for error in [store.version(&name("daily")).unwrap_err(), store.open(&name("daily")).unwrap_err()] {
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
            assert!(error.to_string().len() < 1000);
        }
    }
}

#[cfg(unix)]
#[test]
fn links_below_the_root_are_refused() {
    use std::os::unix::fs::symlink;
    let (root, store) = store();
    let version = store.publish(&name("daily"), &Sample::three().open(), "").unwrap().version;
    let daily = root.path().join("daily");
    let files = [
        format!("{version}/bars.arrow"),
        format!("{version}/index.arrow"),
        version.to_string(),
        "HEAD".into(),
    ];
    for file in files {
        let (path, aside) = (daily.join(&file), root.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        symlink(&aside, &path).unwrap();
        let error = store.open(&name("daily")).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{file}: {error}");
        fs::remove_file(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
    }
    symlink(&daily, root.path().join("other")).unwrap();
    let refused = [
        store.open(&name("other")).unwrap_err(),
        store.open_version(&name("other"), version).unwrap_err(),
        store.publish(&name("other"), &Sample::three().open(), "").unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
    }
    store.open(&name("daily")).unwrap();
}

#[test]
fn a_twin_that_differs_in_case_only_is_refused() {
    let (_root, store) = store();
    store.publish(&name("daily"), &Sample::three().open(), "").unwrap();
    let error = store.publish(&name("Daily"), &Sample::three().open(), "").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidName { .. }), "{error}");
}

#[test]
fn a_second_writer_is_told_that_it_has_to_wait() {
    let (root, store) = store();
    let draft = store.draft(&name("daily"), shape(&[("AAA", 1)], &[10])).unwrap();
    let other = Store::open(root.path()).unwrap();
    let error = other.publish(&name("daily"), &Sample::three().open(), "").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Busy { .. }), "{error}");
    other.publish(&name("hourly"), &Sample::three().open(), "").unwrap();
    drop(draft);
    other.publish(&name("daily"), &Sample::three().open(), "").unwrap();
    assert_same(&*store.open(&name("daily")).unwrap(), &Sample::three());
}

#[test]
fn two_writers_at_once_leave_one_of_their_versions() {
    let (root, _store) = store();
    let mut samples = [Sample::three(), Sample::three()];
    samples[1].assets.get_mut("AAA").unwrap().columns[0][0] = 1.5;
    for _ in 0..20 {
        let publish = |sample: &Sample| {
            let result = Store::open(root.path()).unwrap().publish(&name("daily"), &sample.open(), "");
            if let Err(error) = &result {
                assert!(matches!(error.kind(), ErrorKind::Busy { .. }), "{error}");
            }
            result.is_ok()
        };
        let done = std::thread::scope(|scope| {
            let threads = samples.each_ref().map(|sample| scope.spawn(move || publish(sample)));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_ne!(done, [false, false]);
        Store::open(root.path()).unwrap().verify(&name("daily"), None).unwrap();
    }
}

fn shape(assets: &[(&str, usize)], calendar: &[i64]) -> DraftShape {
    DraftShape {
        frequency: "1d".parse().unwrap(),
        conventions: Default::default(),
        extra_columns: vec![],
        assets: assets.iter().map(|&(name, bars)| (name.to_owned(), bars)).collect(),
        calendar: calendar.iter().map(|&nanos| Timestamp::from_nanos(nanos)).collect(),
        adjustments: Default::default(),
        origin: String::new(),
    }
}

#[test]
fn a_draft_that_is_dropped_leaves_nothing_behind() {
    let (root, store) = store();
    drop(store.draft(&name("daily"), shape(&[("AAA", 1)], &[10])).unwrap());
    let left: Vec<_> =
        fs::read_dir(root.path().join("daily")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn a_draft_refuses_what_contradicts_its_shape() {
    let (_root, store) = store();
    let times = [10, 20].map(Timestamp::from_nanos);
    let values = [0.0; 10];
    let bars = |n: usize| bt_bundle::bt_core::Bars::new(&times[..n], &values, 2).unwrap();
    let daily = name("daily");
    let write = |shape: DraftShape, assets: &[usize]| {
        let mut draft = store.draft(&daily, shape)?;
        assets.iter().try_for_each(|&n| draft.write_asset(bars(n)))?;
        draft.publish()
    };
    let extra = DraftShape { extra_columns: vec!["x".to_owned()], ..shape(&[("A", 2)], &[10, 20]) };
    let refused = [
        write(shape(&[("B", 1), ("A", 1)], &[10]), &[1, 1]),
        write(shape(&[("A", 1), ("A", 1)], &[10]), &[1, 1]),
        write(shape(&[("A", 2)], &[20, 10]), &[2]),
        write(shape(&[("A", 2)], &[10, 20]), &[1]),
        write(shape(&[("A", 2)], &[10, 30]), &[2]),
        write(shape(&[("A", 2)], &[10, 20]), &[2, 0]),
        write(shape(&[("A", 2)], &[10, 20]), &[]),
        write(shape(&[("A", 2)], &[10, 15, 20]), &[2]),
        write(extra, &[2]),
    ];
    for (at, refused) in refused.into_iter().enumerate() {
        let error = refused.expect_err(&format!("case {at} was accepted"));
        assert!(matches!(error.kind(), ErrorKind::InvalidInput { .. }), "{error}");
    }
    for columns in [vec!["close"], vec![""], vec!["x", "x"], vec!["asset"]] {
        let extra_columns = columns.iter().map(|&column| column.to_owned()).collect();
        let error = store.draft(&daily, DraftShape { extra_columns, ..shape(&[], &[]) }).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidOption { .. }), "{error}");
    }
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn an_asset_whose_name_breaks_the_rule_is_refused_before_anything_is_written() {
    let (root, store) = store();
    let long = "x".repeat(257);
    for bad in ["", "A\n", "\u{1b}[31mA", "A\u{9b}", long.as_str()] {
        let error = store.draft(&name("daily"), shape(&[("0", 1), (bad, 1)], &[10])).unwrap_err();
        let told = matches!(error.kind(), ErrorKind::InvalidAssetName { name, .. } if bad.starts_with(name));
        assert!(told, "{error}");
        assert!(!error.to_string().contains(char::is_control), "{error}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
    store.publish(&name("daily"), &Sample::three().open(), "").unwrap();
    let mut later = Sample::three();
    later.assets.insert("A\u{7}".to_owned(), later.assets["AAA"].clone());
    let error = store.append(&name("daily"), &later.open(), "").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidAssetName { .. }), "{error}");
    later.assets = [(long[1..].to_owned(), later.assets["AAA"].clone())].into();
    store.append(&name("daily"), &later.open(), "").unwrap();
    store.verify(&name("daily"), None).unwrap();
}

#[test]
fn what_is_damaged_is_repaired_by_publishing_it_again_and_readers_keep_what_they_have_open() {
    let sample = Sample::three();
    let close = sample.assets["CCC"].columns[3][1].to_le_bytes();
    let digest = bt_bundle::bt_core::column_digest(&sample.assets["AAA"].columns[0]);
    for (file, bytes) in [
        ("bars.arrow", Some(&close[..])),
        ("digests.arrow", Some(&digest[..])),
        ("bars.arrow", None),
        ("index.arrow", None),
        ("digests.arrow", None),
        ("manifest.json", None),
    ] {
        let (root, store) = store();
        let version = store.publish(&name("daily"), &sample.open(), "").unwrap().version;
        let path = root.path().join("daily").join(version.to_string()).join(file);
        match bytes {
            Some(bytes) => common::flip(&path, bytes),
            None => fs::remove_file(&path).unwrap(),
        }
        let open = store.open(&name("daily"));
        let seen = |bundle: &bt_bundle::MappedBundle| {
            let bars = bundle.bars(bundle.assets().id("CCC").unwrap()).unwrap();
            bars.field(Field::CLOSE).to_vec()
        };
        let before = open.as_ref().ok().map(|bundle| seen(bundle));
        let published = store.publish(&name("daily"), &sample.open(), "").unwrap();
        assert_eq!(
            (published.version, published.unchanged, published.repaired),
            (version, false, true),
            "{file}"
        );
        store.verify(&name("daily"), None).unwrap();
        assert!(store.versions(&name("daily")).unwrap()[0].1.is_some());
        assert_same(&*store.open(&name("daily")).unwrap(), &sample);
        assert_eq!(open.ok().map(|bundle| seen(&bundle)), before, "{file}");
        assert_eq!(
            fs::read_dir(root.path().join("daily")).unwrap().count(),
            3,
            "HEAD, .lock and one version"
        );
        let again = store.publish(&name("daily"), &sample.open(), "").unwrap();
        assert!(again.unchanged && !again.repaired);
    }
}

#[test]
fn a_damaged_old_version_is_repaired_before_it_becomes_current_again() {
    let (root, store) = store();
    let sample = Sample::three();
    let old = store.publish(&name("daily"), &sample.open(), "").unwrap().version;
    let mut newer = sample.clone();
    newer.assets.get_mut("AAA").unwrap().columns[0][0] = 7.5;
    store.publish(&name("daily"), &newer.open(), "").unwrap();
    let bars = root.path().join("daily").join(old.to_string()).join("bars.arrow");
    common::flip(&bars, &sample.assets["BBB"].columns[2][0].to_le_bytes());
    let published = store.publish(&name("daily"), &sample.open(), "").unwrap();
    assert!(published.repaired && published.version == old);
    assert_eq!(store.verify(&name("daily"), None).unwrap().version, old);
}

#[test]
fn a_large_version_lists_its_assets_in_the_index_alone() {
    let (_root, store) = store();
    for (count, listed) in [(10_000, 10_000), (10_001, 0)] {
        let mut sample = Sample { assets: Default::default(), ..Sample::three() };
        for at in 0..count {
            let asset = common::Asset { times: vec![10], columns: vec![vec![1.0]; 5], adjustments: vec![] };
            sample.assets.insert(format!("A{at:05}"), asset);
        }
        let published = store.publish(&name("daily"), &sample.open(), "").unwrap();
        let manifest = store.versions(&name("daily")).unwrap().swap_remove(0).1.unwrap();
        assert_eq!((manifest.asset_count, manifest.assets.len()), (count, listed));
        let bundle = store.open_version(&name("daily"), published.version).unwrap();
        let last = bundle.asset_ranges().last().unwrap();
        assert_eq!((last.name, last.bars), (format!("A{:05}", count - 1), 1));
        assert_eq!(last.first.as_deref(), Some("1970-01-01T00:00:00.00000001Z"));
        assert!(store.publish(&name("daily"), &sample.open(), "").unwrap().unchanged);
    }
}

#[test]
fn an_origin_of_any_length_is_kept_in_part() {
    let (_root, store) = store();
    let origin = "ü".repeat(1 << 20);
    store.publish(&name("daily"), &Sample::three().open(), &origin).unwrap();
    let manifest = store.versions(&name("daily")).unwrap().swap_remove(0).1.unwrap();
    assert_eq!(manifest.origin, format!("{} … (2097152 bytes)", "ü".repeat(4096)));
}

/// The child of the next test, in which no thread can be started; alone it does nothing.
#[test]
fn child_without_threads() {
    let Ok(root) = std::env::var("BT_WITHOUT_THREADS") else { return };
    let started = std::thread::Builder::new().spawn(|| ());
    assert!(started.is_err(), "a thread of 1 PiB was started");
    let published = Store::create(root).unwrap().publish(&name("daily"), &rich().open(), "").unwrap();
    println!("published {}", published.version);
}

#[cfg(target_os = "linux")]
#[test]
fn a_bundle_is_published_where_no_thread_can_be_had() {
    let (_root, store) = store();
    let version = store.publish(&name("daily"), &rich().open(), "").unwrap().version;
    let root = common::root();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_without_threads", "--nocapture", "--test-threads=1"])
        // No address space has room for such a stack.
        .env("RUST_MIN_STACK", (1_u64 << 50).to_string())
        .env("BT_WITHOUT_THREADS", root.path())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&child.stdout);
    let err = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && out.contains(&format!("published {version}")), "{out}{err}");
    assert_eq!(Store::open(root.path()).unwrap().verify(&name("daily"), None).unwrap().version, version);
}

#[test]
fn adjustments_that_make_no_sense_are_refused() {
    let (_root, store) = store();
    let split =
        |ratio| Adjustment { ex_date: Timestamp::from_nanos(5), kind: AdjustmentKind::Split { ratio } };
    for (asset, list) in [("B", vec![split(2.0)]), ("A", vec![split(0.0)]), ("A", vec![split(f64::NAN)])] {
        let adjustments = [(asset.to_owned(), list)].into();
        let error =
            store.draft(&name("d"), DraftShape { adjustments, ..shape(&[("A", 0)], &[]) }).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidInput { .. }), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn published_files_are_read_only() {
    let (root, store) = store();
    let version = store.publish(&name("daily"), &Sample::three().open(), "").unwrap().version;
    for file in ["bars.arrow", "index.arrow", "digests.arrow", "manifest.json"] {
        let path = root.path().join("daily").join(version.to_string()).join(file);
        assert!(fs::metadata(&path).unwrap().permissions().readonly(), "{file}");
    }
}

#[test]
fn the_manifest_tells_what_the_version_holds() {
    let (_root, store) = store();
    let sample = rich();
    let version = store.publish(&name("daily"), &sample.open(), "a test").unwrap().version;
    let versions = store.versions(&name("daily")).unwrap();
    let manifest = versions[0].1.as_ref().unwrap();
    assert_eq!(
        (manifest.version.as_str(), manifest.origin.as_str()),
        (version.to_string().as_str(), "a test")
    );
    assert_eq!((manifest.rows, manifest.moments, manifest.adjustments), (8, 4, 3));
    assert_eq!(manifest.columns, ["open", "high", "low", "close", "volume", "adj_close"]);
    assert_eq!(manifest.assets[2].last.as_deref(), Some("1970-01-01T00:00:00.00000004Z"));
}

#[test]
fn versions_are_listed_in_the_order_of_their_first_publication_and_old_manifests_are_not_read_for_it() {
    let (root, store) = store();
    let publish = |price: f64| {
        let mut sample = Sample::three();
        sample.assets.get_mut("AAA").unwrap().columns[0][0] = price;
        store.publish(&name("daily"), &sample.open(), "").unwrap().version
    };
    let [one, two, back, three] = [1.0, 2.0, 1.0, 3.0].map(publish);
    assert_eq!(one, back);
    let order = || store.versions(&name("daily")).unwrap().into_iter().map(|(version, _)| version);
    assert_eq!(order().collect::<Vec<_>>(), [three, two, one]);
    // What the manifest of an old version says moves that version, and no new one.
    let path = root.path().join("daily").join(two.to_string()).join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let sequence = store.versions(&name("daily")).unwrap()[1].1.as_ref().unwrap().sequence;
    fs::remove_file(&path).unwrap();
    fs::write(&path, text.replace(&sequence.to_string(), &u64::MAX.to_string())).unwrap();
    let four = publish(4.0);
    assert_eq!(order().collect::<Vec<_>>(), [two, four, three, one]);
}

#[test]
fn a_version_of_a_bundle_that_is_not_there_is_told_from_one_that_it_does_not_have() {
    let (_root, store) = store();
    let version = store.publish(&name("daily"), &Sample::three().open(), "").unwrap().version;
    let absent = store.open_version(&name("dayly"), version).unwrap_err();
    assert!(
        matches!(absent.kind(), ErrorKind::BundleNotFound { nearest, .. } if *nearest == ["daily"]),
        "{absent}"
    );
    let gone = store.open_version(&name("daily"), version.derived(b"other")).unwrap_err();
    assert!(matches!(gone.kind(), ErrorKind::VersionNotFound { .. }), "{gone}");
}

#[test]
fn extra_columns_are_reached_by_name() {
    let (_root, store) = store();
    store.publish(&name("daily"), &rich().open(), "").unwrap();
    let bundle = store.open(&name("daily")).unwrap();
    let field = bundle.field("adj_close").unwrap();
    let bars = bundle.bars(bundle.assets().id("AAA").unwrap()).unwrap();
    assert_eq!(bars.field(field)[1], bars.field(Field::CLOSE)[1] / 2.0);
    assert!(bundle.field("adj_open").is_err());
}

#[test]
fn mapped_bytes_do_not_count_as_heap_and_copied_ones_do() {
    let (root, store) = store();
    store.publish(&name("daily"), &Sample::three().open(), "").unwrap();
    let read = store.clone().with_options(OpenOptions { mode: OpenMode::Read, ..Default::default() });
    let (mapped, read) = (store.open(&name("daily")).unwrap(), read.open(&name("daily")).unwrap());
    let file = root.path().join("daily").join(read.version().to_string()).join("bars.arrow");
    let file = fs::metadata(file).unwrap().len() as usize;
    let copied = read.heap_bytes() - mapped.heap_bytes();
    assert!((file..file + 64).contains(&copied), "{copied} bytes for a file of {file}");
}
