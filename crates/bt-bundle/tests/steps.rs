//! Whatever step of a publication, an append or a collection fails or is the last before a crash: the old version is
//! current or the new one, it passes `verify`, and the next writer cleans up.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;
#[cfg(feature = "csv")]
mod steps {
    mod kills;
}

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use bt_bundle::bt_core::{Bundle, BundleSource};
use bt_bundle::{Disk, RealDisk, Store};
use common::{Sample, assert_same, name};

/// What happens at the step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The process is gone: no later step happens either, and what was being written is half there.
    Crash,
    /// Only this step fails.
    Fails(io::ErrorKind),
    /// A write takes half of the bytes, and then the disk is full.
    ShortWrite,
    /// Writes take one byte at a time from here on, which is allowed.
    Trickle,
}

/// A disk on which step number `at` goes wrong.
#[derive(Debug)]
struct Faulty {
    fault: Fault,
    at: usize,
    steps: AtomicUsize,
}

impl Faulty {
    fn step(&self) -> io::Result<bool> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::Crash if step >= self.at => Err(io::Error::other("crashed")),
            Fault::Fails(kind) if step == self.at => Err(kind.into()),
            Fault::ShortWrite if step == self.at + 1 => Err(io::ErrorKind::StorageFull.into()),
            Fault::ShortWrite => Ok(step == self.at),
            Fault::Trickle => Ok(step >= self.at),
            _ => Ok(false),
        }
    }
}

impl Disk for Faulty {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|_| RealDisk.create_dir(path))
    }
    fn create_file(&self, path: &Path) -> io::Result<File> {
        self.step().and_then(|_| RealDisk.create_file(path))
    }
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.step() {
            Ok(false) => RealDisk.write_at(file, bytes, offset),
            Ok(true) if self.fault == Fault::Trickle => RealDisk.write_at(file, &bytes[..1], offset),
            Ok(true) => RealDisk.write_at(file, &bytes[..bytes.len().div_ceil(2)], offset),
            Err(error) => {
                let _ = RealDisk.write_at(file, &bytes[..bytes.len() / 2], offset);
                Err(error)
            }
        }
    }
    fn sync_file(&self, file: &File) -> io::Result<()> {
        self.step().and_then(|_| RealDisk.sync_file(file))
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|_| RealDisk.sync_dir(path))
    }
    fn set_read_only(&self, file: &File) -> io::Result<()> {
        self.step().and_then(|_| RealDisk.set_read_only(file))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step().and_then(|_| RealDisk.rename(from, to))
    }
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.step().and_then(|_| RealDisk.exchange(one, other))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|_| RealDisk.remove(path))
    }
}

/// A child has its parent's files open, and their locks, between its fork and its exec: tests that start processes do so
/// while no other test looks at locks.
static FORKS: RwLock<()> = RwLock::new(());

const FAULTS: [Fault; 5] = [
    Fault::Crash,
    Fault::Fails(io::ErrorKind::Other),
    Fault::Fails(io::ErrorKind::StorageFull),
    Fault::ShortWrite,
    Fault::Trickle,
];

fn old() -> Sample {
    Sample::three()
}

fn new() -> Sample {
    let mut sample = old();
    let asset = sample.assets.get_mut("BBB").unwrap();
    asset.times.push(50);
    asset.columns.iter_mut().for_each(|column| column.push(7.5));
    sample
}

/// Does `change` on a store with the old version, with every fault at every step in turn; then checks.
fn every_fault_at_every_step(first: bool, change: impl Fn(&Store) -> bt_bundle::bt_core::Result<()>) {
    let _no_forks = FORKS.read().unwrap();
    for fault in FAULTS {
        for at in 0.. {
            let root = common::root();
            let store = Store::create(root.path()).unwrap();
            if !first {
                store.publish(&name("daily"), &old().open(), "").unwrap();
            }
            let disk = Arc::new(Faulty { fault, at, steps: AtomicUsize::new(0) });
            let done = change(&store.with_disk(disk.clone())).is_ok();
            check(root.path(), first, done, &format!("{fault:?} at step {at}"));
            if disk.steps.load(Ordering::Relaxed) <= at {
                assert!(done && at > 5, "{fault:?}: only {at} steps went through the seam");
                break;
            }
        }
    }
}

/// After the fault, with a process that knows nothing of it.
fn check(root: &Path, first: bool, done: bool, when: &str) {
    let store = Store::open(root).unwrap();
    match store.open(&name("daily")) {
        Ok(bundle) => {
            let is_new = bundle.bars(bundle.assets().id("BBB").unwrap()).unwrap().len() == 3;
            assert!(is_new || !done, "{when}: reported as done, but the old version is current");
            assert_same(&*bundle, &if is_new { new() } else { old() });
            store.verify(&name("daily"), None).unwrap_or_else(|error| panic!("{when}: {error}"));
        }
        Err(error) => assert!(first && !done, "{when}: {error}"),
    }
    let mut next = new();
    next.assets.get_mut("AAA").unwrap().columns[0][0] = 8.5;
    store.publish(&name("daily"), &next.open(), "").unwrap_or_else(|error| panic!("{when}: {error}"));
    assert_same(&*store.open(&name("daily")).unwrap(), &next);
    store.gc(&name("daily"), 1).unwrap();
    let mut left: Vec<_> = std::fs::read_dir(root.join("daily"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let version = store.version(&name("daily")).unwrap().to_string();
    let mut expected = [".lock".to_owned(), "HEAD".to_owned(), version];
    expected.sort();
    assert_eq!(left, expected, "{when}: leftovers");
}

#[test]
fn publishing_the_first_version_is_all_or_nothing() {
    every_fault_at_every_step(true, |store| store.publish(&name("daily"), &new().open(), "").map(|_| ()));
}

#[test]
fn publishing_a_new_version_is_all_or_nothing() {
    every_fault_at_every_step(false, |store| store.publish(&name("daily"), &new().open(), "").map(|_| ()));
}

#[test]
fn appending_is_all_or_nothing() {
    every_fault_at_every_step(false, |store| store.append(&name("daily"), &new().open(), "").map(|_| ()));
}

#[test]
fn replacing_a_damaged_version_is_all_or_nothing() {
    every_fault_at_every_step(false, |store| {
        let version =
            Store::open(store.root())?.publish(&name("other"), &new().open(), "")?.version.to_string();
        let damaged = store.root().join("daily").join(&version);
        std::fs::create_dir(&damaged).unwrap();
        std::fs::write(damaged.join("bars.arrow"), "damaged").unwrap();
        // Without it nobody would know whether it may be collected.
        let whole = store.root().join("other").join(&version);
        std::fs::copy(whole.join("manifest.json"), damaged.join("manifest.json")).unwrap();
        store.publish(&name("daily"), &new().open(), "").map(|_| ())
    });
}

/// A disk without the step that swaps two directories.
#[derive(Debug)]
struct Plain(Faulty);

impl Disk for Plain {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn exchange(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn a_repair_that_fails_between_its_two_renames_is_done_by_the_next_one() {
    let _no_forks = FORKS.read().unwrap();
    for (fault, at) in [(Fault::Crash, 0), (Fault::Crash, 1), (Fault::Fails(io::ErrorKind::Other), 1)] {
        let root = common::root();
        let store = Store::create(root.path()).unwrap();
        let version = store.publish(&name("daily"), &new().open(), "").unwrap().version;
        common::flip(
            &root.path().join("daily").join(version.to_string()).join("bars.arrow"),
            &new().assets["BBB"].columns[3][0].to_le_bytes(),
        );
        let faulty = Arc::new(Plain(Faulty { fault, at, steps: AtomicUsize::new(0) }));
        store.clone().with_disk(faulty).publish(&name("daily"), &new().open(), "").unwrap_err();
        if at == 1 {
            let error = store.open(&name("daily")).unwrap_err();
            assert!(matches!(error.kind(), bt_bundle::bt_core::ErrorKind::Corrupt { .. }), "{error}");
        }
        let repaired = store.publish(&name("daily"), &new().open(), "").unwrap();
        assert_eq!((repaired.unchanged, repaired.version), (false, version));
        check(root.path(), false, true, &format!("{fault:?} at rename {at}"));
    }
}

#[test]
fn collecting_is_all_or_nothing() {
    let _no_forks = FORKS.read().unwrap();
    for fault in FAULTS {
        for at in 0.. {
            let root = common::root();
            let store = Store::create(root.path()).unwrap();
            let gone = store.publish(&name("daily"), &old().open(), "").unwrap().version;
            store.publish(&name("daily"), &new().open(), "").unwrap();
            let disk = Arc::new(Faulty { fault, at, steps: AtomicUsize::new(0) });
            let collected = store.with_disk(disk.clone()).gc(&name("daily"), 1);
            let store = Store::open(root.path()).unwrap();
            if let Ok(old_bundle) = store.open_version(&name("daily"), gone) {
                assert_same(&*old_bundle, &old());
                assert!(collected.is_err() || collected.unwrap().failed.len() == 1, "{fault:?} at step {at}");
            }
            check(root.path(), false, true, &format!("{fault:?} at step {at}"));
            if disk.steps.load(Ordering::Relaxed) <= at {
                break;
            }
        }
    }
}

/// A disk that writes down what it does.
#[derive(Debug, Default)]
struct Recorder(std::sync::Mutex<Vec<String>>);

impl Recorder {
    fn note(&self, step: &str, path: &Path) {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = if file.len() == 64 { "<version>" } else { file.split('-').next().unwrap() };
        self.0.lock().unwrap().push(format!("{step} {file}"));
    }
}

impl Disk for Recorder {
    fn sync_file(&self, file: &File) -> io::Result<()> {
        assert!(file.metadata()?.len() > 0, "synced before anything was written");
        self.0.lock().unwrap().push("sync file".to_owned());
        RealDisk.sync_file(file)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note("sync", path);
        RealDisk.sync_dir(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename to", to);
        RealDisk.rename(from, to)
    }
}

#[test]
fn everything_is_on_disk_before_a_name_points_to_it() {
    let root = common::root();
    let recorder = Arc::new(Recorder::default());
    let store = Store::create(root.path()).unwrap();
    store.publish(&name("daily"), &old().open(), "").unwrap();
    store.with_disk(recorder.clone()).publish(&name("daily"), &new().open(), "").unwrap();
    let files = ["sync file"; 4];
    let version = ["sync .tmp", "rename to <version>", "sync daily"];
    let head = ["sync file", "rename to HEAD", "sync daily"];
    assert_eq!(*recorder.0.lock().unwrap(), [&files[..], &version, &head].concat());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_version() {
    let _alone = FORKS.write().unwrap();
    let root = common::root();
    let mount = |program: &str, args: &[&str]| {
        std::process::Command::new(program)
            .args(args)
            .arg(root.path())
            .output()
            .is_ok_and(|done| done.status.success())
    };
    if !mount("mount", &["-t", "tmpfs", "-o", "size=128k", "tmpfs"]) {
        println!("skipped: this machine does not allow a tmpfs");
        return;
    }
    let outcome = std::panic::catch_unwind(|| {
        let store = Store::create(root.path()).unwrap();
        store.publish(&name("daily"), &old().open(), "").unwrap();
        let large = bt_testkit::Market::common(1, 10, 1000).generate();
        let error = store.publish(&name("daily"), &large.bundle(), "").unwrap_err();
        assert!(error.to_string().contains("daily"), "{error}");
        let error = store.append(&name("daily"), &large.bundle(), "").unwrap_err();
        assert!(error.to_string().contains("daily"), "{error}");
        check(root.path(), false, false, "disk full");
    });
    assert!(mount("umount", &[]), "the tmpfs stays");
    outcome.unwrap();
}
