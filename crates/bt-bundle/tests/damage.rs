//! Whatever bytes a store finds: a typed error, or a bundle that reads without panic; and never much memory.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use bt_bundle::bt_core::{Bundle, BundleSource, BundleVersion, Error, ErrorKind, Field};
use bt_bundle::{MappedBundle, OpenMode, OpenOptions, Store};
use common::{Sample, assert_same, name};

/// A published bundle whose files a test damages.
struct Victim {
    _root: tempfile::TempDir,
    store: Store,
    version: BundleVersion,
    sample: Sample,
    directory: PathBuf,
}

/// What became of an attempt to open.
enum Outcome {
    Refused(Error),
    /// It opened, and all that can be read was read.
    Opened {
        verified: bool,
    },
}

impl Victim {
    fn new(sample: Sample) -> Self {
        let root = common::root();
        let store = Store::create(root.path()).unwrap();
        let version = store.publish(&name("daily"), &sample.open(), "").unwrap().version;
        let directory = root.path().join("daily").join(version.to_string());
        Self { _root: root, store, version, sample, directory }
    }

    fn path(&self, file: &str) -> PathBuf {
        let path = self.directory.join(file);
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        #[allow(
            clippy::permissions_set_readonly_false,
            reason = "it is about to be damaged, and then deleted"
        )]
        permissions.set_readonly(false);
        fs::set_permissions(&path, permissions).unwrap();
        path
    }

    /// Puts these bytes in a file's place and opens, in both modes.
    fn try_with(&self, path: &Path, bytes: &[u8], what: &str) -> Outcome {
        overwrite(path, bytes);
        let mapped = self.try_open(OpenMode::Map, what);
        if bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>() % 8 != 0 {
            // The other mode reads the same bytes in the same way; a sample of the cases shows it.
            return mapped;
        }
        let read = self.try_open(OpenMode::Read, what);
        match (&mapped, &read) {
            (Outcome::Refused(mapped), Outcome::Refused(read)) => {
                assert_eq!(mapped.to_string(), read.to_string())
            }
            (Outcome::Opened { verified: mapped }, Outcome::Opened { verified: read }) => {
                assert_eq!(mapped, read)
            }
            _ => panic!("{what}: the modes disagree"),
        }
        mapped
    }

    fn try_open(&self, mode: OpenMode, what: &str) -> Outcome {
        let store = self.store.clone().with_options(OpenOptions { mode, verify: false });
        let files: u64 =
            fs::read_dir(&self.directory).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        let mut opened = None;
        // Counted for this thread alone, whatever other tests allocate meanwhile.
        let used =
            allocation_counter::measure(|| opened = Some(store.open_version(&name("daily"), self.version)));
        let (opened, used) = (opened.unwrap(), used.bytes_max);
        assert!(used <= 2 * files + 4096, "{what}: {used} bytes for files of {files}");
        match opened {
            Ok(bundle) => self.read_all(&bundle, what),
            Err(error) => {
                assert_typed(&error, what);
                Outcome::Refused(error)
            }
        }
    }

    /// Reads everything; where even the digests fit, it has to be what was published.
    fn read_all(&self, bundle: &MappedBundle, what: &str) -> Outcome {
        let slab = bundle.slab().unwrap();
        let mut sum = 0.0;
        for id in bundle.assets().ids() {
            let bars = bundle.bars(id).unwrap();
            sum += bars.view().sum() + bars.timestamps().len() as f64;
            sum += bundle.adjustments(id).unwrap().len() as f64;
            for position in 0..=bundle.calendar().len() {
                let known = slab.spans[id.rank()].known(slab.positions, position);
                sum += bars.slice(0, known).field(Field::CLOSE).last().copied().unwrap_or(0.0);
            }
        }
        std::hint::black_box(sum);
        match bundle.verify() {
            Ok(_) => {
                assert_same(bundle, &self.sample);
                Outcome::Opened { verified: true }
            }
            Err(error) => {
                assert_typed(&error, what);
                Outcome::Opened { verified: false }
            }
        }
    }
}

/// Writes in place: some file systems wait for the disk when a file is cut and written anew.
fn overwrite(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

fn assert_typed(error: &Error, what: &str) {
    use ErrorKind::{Corrupt, Unreadable, Unsupported, UnsupportedFormat};
    let kind = error.kind();
    let typed =
        matches!(kind, Corrupt { .. } | Unsupported { .. } | UnsupportedFormat { .. } | Unreadable { .. });
    assert!(typed, "{what}: {error:?}");
    assert!(error.to_string().len() < 2000, "{what}: an error of {} bytes", error.to_string().len());
}

fn small() -> Sample {
    let mut sample = Sample::three();
    let ex_date = bt_bundle::bt_core::Timestamp::from_nanos(20);
    let kind = bt_bundle::bt_core::AdjustmentKind::Split { ratio: 2.0 };
    sample.assets.get_mut("BBB").unwrap().adjustments =
        vec![bt_bundle::bt_core::Adjustment { ex_date, kind }];
    sample
}

#[test]
fn every_changed_byte_gives_a_typed_error_or_a_bundle_that_reads_and_verify_finds_it() {
    let victim = Victim::new(small());
    for file in ["bars.arrow", "index.arrow"] {
        let path = victim.path(file);
        let good = fs::read(&path).unwrap();
        let mut unnoticed = 0;
        for at in 0..good.len() {
            for change in [1, 4, 64, 128, 255] {
                let mut bad = good.clone();
                bad[at] ^= change;
                let outcome = victim.try_with(&path, &bad, &format!("{file}: byte {at} ^ {change}"));
                unnoticed += usize::from(matches!(outcome, Outcome::Opened { verified: true }));
            }
        }
        fs::write(&path, &good).unwrap();
        // Padding and parts of the metadata mean nothing; `read_all` saw that what means something was unchanged.
        assert!(unnoticed < good.len() * 5 * 3 / 4, "{unnoticed} of {} changes to {file}", good.len() * 5);
    }
    assert!(matches!(victim.try_open(OpenMode::Map, "restored"), Outcome::Opened { verified: true }));
}

#[test]
fn damaged_digests_never_panic_and_verify_finds_them() {
    let victim = Victim::new(small());
    let path = victim.path("digests.arrow");
    let good = fs::read(&path).unwrap();
    let bad = (0..good.len()).flat_map(|at| [(at, 1), (at, 128), (at, 255)]).map(|(at, change)| {
        let mut bad = good.clone();
        bad[at] ^= change;
        (format!("byte {at} ^ {change}"), bad)
    });
    let cut = (0..good.len()).map(|len| (format!("cut to {len}"), good[..len].to_vec()));
    for (what, bytes) in bad.chain(cut) {
        let outcome = victim.try_with(&path, &bytes, &what);
        let cut_off = bytes.len() < good.len();
        assert!(matches!(outcome, Outcome::Opened { verified } if !(verified && cut_off)), "{what}");
    }
    fs::remove_file(&path).unwrap();
    for error in [
        victim.store.verify(&name("daily"), None).unwrap_err(),
        victim.store.append(&name("daily"), &grown().open(), "").unwrap_err(),
    ] {
        let missing = |reason: &str| reason.contains("digests.arrow is missing");
        assert!(matches!(error.kind(), ErrorKind::Corrupt { reason, .. } if missing(reason)), "{error}");
    }
}

#[test]
fn damaged_manifests_never_panic_and_touch_no_bars() {
    let victim = Victim::new(small());
    let old = victim.version;
    victim.store.publish(&name("daily"), &grown().open(), "").unwrap();
    let path = victim.path("manifest.json");
    let good = fs::read(&path).unwrap();
    let flipped = (0..good.len()).flat_map(|at| [(at, 1), (at, 16), (at, 255)]).map(|(at, change)| {
        let mut bad = good.clone();
        bad[at] ^= change;
        bad
    });
    let cut = (0..good.len()).map(|len| good[..len].to_vec());
    let deep = [b"[".repeat(1 << 20), b"{\"a\":".repeat(1 << 18)];
    for bytes in flipped.chain(cut).chain(deep) {
        overwrite(&path, &bytes);
        let versions = victim.store.versions(&name("daily")).unwrap();
        assert_eq!(versions.len(), 2);
        assert!(versions.iter().any(|(version, _)| *version == old));
    }
    // What is not read is not believed, and in nobody's way: its version may be the newest, so it stays.
    victim.store.verify(&name("daily"), Some(old)).unwrap();
    let collected = victim.store.gc(&name("daily"), 1).unwrap();
    assert_eq!((collected.removed.len(), collected.unknown[0].0), (0, old));
}

#[test]
fn publishing_and_collecting_take_no_memory_for_what_a_manifest_claims() {
    let victim = Victim::new(small());
    let path = victim.path("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let columns = format!("\"columns\": [{}\"volume\"", "\"\",".repeat(1 << 20));
    overwrite(&path, text.replace("\"columns\": [", &columns).as_bytes());
    let used = allocation_counter::measure(|| {
        victim.store.publish(&name("daily"), &grown().open(), "").unwrap();
        victim.store.gc(&name("daily"), 1).unwrap();
    });
    assert!(used.bytes_max < 1 << 20, "{} bytes", used.bytes_max);
}

#[test]
fn verify_takes_no_memory_for_gaps_that_the_index_does_not_have() {
    let mut sample = Sample { assets: Default::default(), ..Sample::three() };
    let asset = |times: Vec<i64>| common::Asset {
        columns: vec![vec![1.0; times.len()]; 5],
        times,
        adjustments: vec![],
    };
    let last = 20_000;
    (0..200).for_each(|at| drop(sample.assets.insert(format!("A{at:03}"), asset(vec![1, 2]))));
    sample.assets.insert("Z".to_owned(), asset((1..=last).collect()));
    let victim = Victim::new(sample);
    let path = victim.path("bars.arrow");
    let mut bytes = fs::read(&path).unwrap();
    // The second bar of every small asset comes last of all: a gap that is as long as the calendar.
    let pair = [1_i64.to_le_bytes(), 2_i64.to_le_bytes()].concat();
    let places: Vec<_> = (0..bytes.len() - 32).step_by(8).filter(|&at| bytes[at..at + 16] == pair).collect();
    assert!(places.len() >= 200);
    places[..200].iter().for_each(|at| bytes[at + 8..at + 16].copy_from_slice(&last.to_le_bytes()));
    overwrite(&path, &bytes);
    let bundle = victim.store.open(&name("daily")).unwrap();
    let mut verified = None;
    let used = allocation_counter::measure(|| verified = Some(bundle.verify()));
    assert_typed(&verified.unwrap().unwrap_err(), "gaps");
    assert!(used.bytes_max < 2 * bytes.len() as u64, "{} bytes", used.bytes_max);
}

#[test]
fn every_changed_byte_and_every_length_of_head_gives_a_typed_error() {
    let victim = Victim::new(small());
    let path = victim.store.root().join("daily/HEAD");
    let good = fs::read(&path).unwrap();
    let flipped =
        (0..good.len()).flat_map(|at| [(at, 1), (at, 3), (at, 32), (at, 128)]).map(|(at, change)| {
            let mut bad = good.clone();
            bad[at] ^= change;
            bad
        });
    let lengths = (0..good.len()).map(|len| good[..len].to_vec());
    let longer = ["\n", "\0", "a", "/../x"].map(|more| [good.as_slice(), more.as_bytes()].concat());
    for bytes in flipped.chain(lengths).chain(longer) {
        fs::write(&path, &bytes).unwrap();
        let error = victim.store.open(&name("daily")).unwrap_err();
        let typed = matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::VersionNotFound { .. });
        assert!(typed, "{error}");
    }
    fs::write(&path, &good).unwrap();
    victim.store.open(&name("daily")).unwrap();
}

/// The small sample with one bar more.
fn grown() -> Sample {
    let mut sample = small();
    let asset = sample.assets.get_mut("AAA").unwrap();
    asset.times.push(50);
    asset.columns.iter_mut().for_each(|column| column.push(1.0));
    sample
}

#[test]
fn every_length_of_a_cut_file_gives_a_typed_error() {
    let victim = Victim::new(small());
    for file in ["bars.arrow", "index.arrow"] {
        let path = victim.path(file);
        let good = fs::read(&path).unwrap();
        for len in 0..good.len() {
            let outcome = victim.try_with(&path, &good[..len], &format!("{file} cut to {len}"));
            assert!(matches!(outcome, Outcome::Refused(_)), "{file} cut to {len} was opened");
        }
        for extra in [1, 8, 64] {
            let longer = [good.as_slice(), &vec![0; extra]].concat();
            let outcome = victim.try_with(&path, &longer, &format!("{file} longer by {extra}"));
            assert!(matches!(outcome, Outcome::Refused(_)), "{file} longer by {extra} was opened");
        }
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn numbers_at_the_limits_in_any_place_never_panic_or_take_memory() {
    let victim = Victim::new(small());
    for file in ["bars.arrow", "index.arrow"] {
        let path = victim.path(file);
        let good = fs::read(&path).unwrap();
        let limits = [0, 1, -1, 64, i64::MIN, i64::MAX, good.len() as i64, 1 << 31, 1 << 40, -(1 << 31)];
        for (at, number) in (0..good.len() - 8).step_by(4).flat_map(|at| limits.map(|number| (at, number))) {
            for width in [4, 8].into_iter().filter(|width| at % width == 0) {
                let mut bad = good.clone();
                bad[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
                victim.try_with(&path, &bad, &format!("{file}: {number} in {width} bytes at {at}"));
            }
        }
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn random_damage_to_a_larger_bundle_never_panics_or_takes_memory() {
    let mut sample = Sample { assets: Default::default(), ..Sample::three() };
    for asset in 0..200 {
        let times: Vec<i64> = (0..20).filter(|time| (time * 7 + asset) % 5 != 0 || asset % 2 == 0).collect();
        let columns = vec![vec![asset as f64; times.len()]; 5];
        sample.assets.insert(format!("A{asset:03}"), common::Asset { times, columns, adjustments: vec![] });
    }
    let victim = Victim::new(sample);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    for file in ["bars.arrow", "index.arrow"] {
        let path = victim.path(file);
        let good = fs::read(&path).unwrap();
        for round in 0..1500 {
            let mut bad = good.clone();
            for _ in 0..1 + next(8) {
                // The head and the footer, where the structure is, are hit more often than the values.
                let from_end = next(3000).min(good.len() - 1);
                let at = [from_end, good.len() - 1 - from_end, next(good.len())][next(3)];
                bad[at] = next(256) as u8;
            }
            victim.try_with(&path, &bad, &format!("{file}, round {round}"));
        }
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn files_of_another_kind_or_of_another_bundle_are_refused() {
    let victim = Victim::new(small());
    let mut other = Sample::three();
    other.assets.remove("CCC");
    let version = victim.store.publish(&name("other"), &other.open(), "").unwrap().version;
    let foreign = victim.store.root().join("other").join(version.to_string());
    for file in ["bars.arrow", "index.arrow"] {
        let path = victim.path(file);
        let good = fs::read(&path).unwrap();
        let mistaken = if file == "bars.arrow" { "index.arrow" } else { "bars.arrow" };
        let replacements: [Vec<u8>; 6] = [
            vec![],
            b"not an Arrow file".to_vec(),
            vec![0; good.len()],
            [b"ARROW1\0\0".as_slice(), &[0xff; 100], b"ARROW1"].concat(),
            fs::read(foreign.join(file)).unwrap(),
            fs::read(foreign.join(mistaken)).unwrap(),
        ];
        for (at, replacement) in replacements.iter().enumerate() {
            let outcome = victim.try_with(&path, replacement, &format!("{file}, replacement {at}"));
            assert!(matches!(outcome, Outcome::Refused(_)), "{file}: replacement {at} was opened");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(victim.try_open(OpenMode::Map, "missing"), Outcome::Refused(_)));
        fs::create_dir(&path).unwrap();
        assert!(matches!(victim.try_open(OpenMode::Map, "a directory"), Outcome::Refused(_)));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &good).unwrap();
    }
}

/// What a store says of a bundle whose file is not what it has to be, in both modes: typed errors, and little memory.
#[cfg(unix)]
fn assert_bounded(victim: &Victim, file: &str, is_told: impl Fn(&ErrorKind) -> bool) {
    let told = |error: &Error, what: &str| assert!(is_told(error.kind()), "{file}, {what}: {error}");
    for mode in [OpenMode::Map, OpenMode::Read] {
        let store = Store::open(victim.store.root()).unwrap();
        let store = store.with_options(OpenOptions { mode, verify: false });
        let used = allocation_counter::measure(|| {
            let verified = store.verify(&name("daily"), None);
            let appended = store.append(&name("daily"), &grown().open(), "");
            store.list().unwrap();
            match file {
                // No bar is read through it.
                "manifest.json" => {
                    let versions = store.versions(&name("daily")).unwrap();
                    let manifest = versions.iter().find(|(version, _)| *version == victim.version).unwrap();
                    assert!(manifest.1.is_none());
                }
                _ => {
                    told(&verified.unwrap_err(), "verify");
                    told(&appended.unwrap_err(), "append");
                }
            }
        });
        assert!(used.bytes_max < 4 << 20, "{file}: {} bytes", used.bytes_max);
    }
    let collected = victim.store.gc(&name("daily"), 2);
    match file {
        "HEAD" => told(&collected.unwrap_err(), "gc"),
        _ => assert!(collected.unwrap().removed.is_empty()),
    }
    // Whatever it was, publishing the content again puts it right.
    let published = victim.store.publish(&name("daily"), &victim.sample.open(), "").unwrap();
    assert_eq!((published.version, published.repaired), (victim.version, file != "HEAD"), "{file}");
    victim.store.verify(&name("daily"), Some(victim.version)).unwrap();
    let manifests = victim.store.versions(&name("daily")).unwrap();
    assert!(manifests.iter().all(|(_, manifest)| manifest.is_some()));
}

#[cfg(unix)]
const FILES: [&str; 5] = ["bars.arrow", "index.arrow", "digests.arrow", "manifest.json", "HEAD"];

#[cfg(unix)]
impl Victim {
    fn any_path(&self, file: &str) -> PathBuf {
        if file == "HEAD" { self.store.root().join("daily/HEAD") } else { self.directory.join(file) }
    }
}

#[cfg(unix)]
#[test]
fn files_with_holes_of_terabytes_give_a_typed_error_and_take_no_memory() {
    for file in FILES {
        // A hole behind the content, nothing but a hole, and a hole between two ends that are right.
        for (content, end) in [(true, false), (false, false), (true, true)] {
            let victim = Victim::new(small());
            let path = victim.any_path(file);
            let good = fs::read(&path).unwrap();
            common::replace(&path, if content { &good } else { b"" });
            let hole = fs::File::options().write(true).open(&path).unwrap();
            if hole.set_len(2 << 40).is_err() {
                println!("skipped: this file system has no files of terabytes");
                return;
            }
            if end {
                std::os::unix::fs::FileExt::write_all_at(&hole, b"ARROW1", (2 << 40) - 6).unwrap();
            }
            assert_bounded(&victim, file, |kind| matches!(kind, ErrorKind::Corrupt { .. }));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_and_devices_in_the_place_of_files_are_refused_and_nobody_waits_for_them() {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    for (kind, device) in [(FileType::Fifo, 0), (FileType::CharacterDevice, makedev(1, 5))] {
        for file in FILES {
            let victim = Victim::new(small());
            let path = victim.any_path(file);
            fs::remove_file(&path).unwrap();
            if mknodat(CWD, &path, kind, Mode::RUSR | Mode::WUSR, device).is_err() {
                println!("skipped: this machine makes no {kind:?}");
                break;
            }
            assert_bounded(&victim, file, |kind| match kind {
                ErrorKind::Unsupported { .. } => true,
                // A device of a file system without devices.
                ErrorKind::Io { source, .. } => source.kind() == std::io::ErrorKind::PermissionDenied,
                _ => false,
            });
        }
    }
}

#[test]
fn a_damaged_text_of_the_metadata_is_damage_and_no_wrong_argument() {
    let victim = Victim::new(small());
    let path = victim.path("index.arrow");
    let good = fs::read(&path).unwrap();
    for (value, text) in [("bt.frequency", "1d".to_owned()), ("bt.version", victim.version.to_string())] {
        // A text of a FlatBuffer comes behind its length.
        let text = [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let places = (0..good.len() - text.len()).filter(|&at| good[at..at + text.len()] == text);
        let mut bytes = good.clone();
        places.for_each(|at| bytes[at + 4] = b'x');
        assert_ne!(bytes, good, "{value}");
        overwrite(&path, &bytes);
        let error = victim.store.open(&name("daily")).unwrap_err();
        let told = matches!(error.kind(), ErrorKind::Corrupt { reason, .. } if reason.contains(value));
        assert!(told, "{error}");
    }
}

#[test]
fn a_bundle_with_names_from_before_the_rule_opens() {
    let victim = Victim::new(small());
    for file in ["bars.arrow", "index.arrow"] {
        let path = victim.path(file);
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(9).position(|window| window == b"AAABBBCCC").unwrap();
        overwrite(&path, &[&bytes[..at], b"A\x1bABBBCCC", &bytes[at + 9..]].concat());
    }
    let bundle = victim.store.open(&name("daily")).unwrap();
    assert_eq!(bundle.assets().names().collect::<Vec<_>>(), ["A\u{1b}A", "BBB", "CCC"]);
    assert_eq!(bundle.asset_ranges().map(|asset| asset.bars).collect::<Vec<_>>(), [4, 2, 2]);
}

#[test]
fn a_format_of_the_future_is_named_in_the_error() {
    let victim = Victim::new(small());
    for file in ["bars.arrow", "index.arrow"] {
        let path = victim.path(file);
        let good = fs::read(&path).unwrap();
        // The value of `bt.format` is the only text of one character.
        let mut future = good.clone();
        let places: Vec<_> =
            (0..good.len() - 6).filter(|&at| good[at..at + 6] == *b"\x01\0\0\x001\0").collect();
        assert!(!places.is_empty());
        places.into_iter().for_each(|at| future[at + 4] = b'7');
        let Outcome::Refused(error) = victim.try_with(&path, &future, file) else {
            panic!("{file} was opened")
        };
        assert!(
            matches!(error.kind(), ErrorKind::UnsupportedFormat { found, .. } if found == "7"),
            "{error}"
        );
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn a_flipped_price_is_found_by_verify_and_by_opening_with_digests_checked() {
    let victim = Victim::new(small());
    let path = victim.path("bars.arrow");
    let mut bytes = fs::read(&path).unwrap();
    let price = victim.sample.assets["CCC"].columns[3][1].to_le_bytes();
    let at = bytes.windows(8).position(|window| window == price).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    victim.store.open(&name("daily")).unwrap();
    let checked = victim.store.clone().with_options(OpenOptions { verify: true, ..Default::default() });
    for error in
        [victim.store.verify(&name("daily"), None).unwrap_err(), checked.open(&name("daily")).unwrap_err()]
    {
        let text = error.to_string();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{text}");
        assert!(text.contains("close") && text.contains("\"CCC\""), "{text}");
    }
}
