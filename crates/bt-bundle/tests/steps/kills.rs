//! A process that is killed, or meets a full disk, at any step of whatever changes a bundle: the bundle opens and verifies,
//! is the old version or the new one, and the next run of the same does what the first was to do.
//!
//! All steps with `BT_LONG_TESTS=1`, else a sample of them.

use std::fs;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bt_bundle::bt_core::{BundleSource, BundleVersion, ErrorKind, Result};
use bt_bundle::{Disk, Ingest, IngestOptions, RealDisk, Store};

use crate::common::{self, name};
use crate::{FORKS, new, old};

/// Something that changes a bundle.
struct Work {
    name: &'static str,
    prepare: fn(&Store) -> Result<()>,
    run: fn(&Store) -> Result<()>,
}

const WORKS: [Work; 5] = [
    Work { name: "publish", prepare: publish_old, run: publish_new },
    Work { name: "append", prepare: publish_old, run: |store| append(store).map(drop) },
    Work { name: "ingest", prepare: |store| ingest(store, 1), run: |store| ingest(store, 2) },
    Work { name: "repair", prepare: damage_new, run: publish_new },
    Work {
        name: "collect",
        prepare: |store| publish_old(store).and_then(|()| publish_new(store)),
        run: collect,
    },
];

fn publish_old(store: &Store) -> Result<()> {
    store.publish(&name("daily"), &old().open(), "").map(drop)
}

fn publish_new(store: &Store) -> Result<()> {
    store.publish(&name("daily"), &new().open(), "").map(drop)
}

fn append(store: &Store) -> Result<bt_bundle::Appended> {
    store.append(&name("daily"), &new().open(), "")
}

fn ingest(store: &Store, close: u32) -> Result<()> {
    let file = store.root().join(format!(".prices-{close}.csv"));
    let rows = (1..=28).flat_map(|day| {
        ["A", "B", "C"].map(|asset| format!("{asset},2024-02-{day:02},1,{close},0.5,{close},10\n"))
    });
    fs::write(&file, format!("Ticker,Date,Open,High,Low,Close,Volume\n{}", rows.collect::<String>()))
        .unwrap();
    Ingest::new(IngestOptions::default()).csv(&file).into_store(store, &name("daily")).map(drop)
}

/// A price of the current version is another one on disk.
fn damage_new(store: &Store) -> Result<()> {
    publish_new(store)?;
    common::flip(
        &bars_of(store, store.version(&name("daily"))?),
        &new().assets["BBB"].columns[3][0].to_le_bytes(),
    );
    Ok(())
}

fn collect(store: &Store) -> Result<()> {
    let collected = store.gc(&name("daily"), 1)?;
    collected.failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
}

fn bars_of(store: &Store, version: BundleVersion) -> PathBuf {
    store.root().join("daily").join(version.to_string()).join("bars.arrow")
}

/// A store before a work, and the versions that may be current after it.
struct Scene {
    root: tempfile::TempDir,
    before: BundleVersion,
    after: BundleVersion,
}

impl Work {
    fn scene(&self) -> Scene {
        let store = |root: &tempfile::TempDir| Store::create(root.path()).unwrap();
        let (root, whole) = (common::root(), common::root());
        (self.prepare)(&store(&root)).unwrap();
        (self.prepare)(&store(&whole)).and_then(|()| (self.run)(&store(&whole))).unwrap();
        let [before, after] = [&root, &whole].map(|root| store(root).version(&name("daily")).unwrap());
        Scene { root, before, after }
    }

    /// What has to be true after the work ended in whatever way, for a process that knows nothing of it.
    fn check(&self, scene: &Scene, done: bool, when: &str) {
        let store = Store::open(scene.root.path()).unwrap();
        let found = store.open(&name("daily")).unwrap_or_else(|error| panic!("{when}: {error}"));
        let version = bt_bundle::bt_core::Bundle::version(&*found);
        assert!(version == scene.after || (version == scene.before && !done), "{when}: {version}");
        // What was damaged before may be so still.
        if done || self.name != "repair" {
            found.verify().unwrap_or_else(|error| panic!("{when}: {error}"));
        }
        for (version, _) in store.versions(&name("daily")).unwrap() {
            match store.open_version(&name("daily"), version).map(|bundle| bundle.verify()) {
                Ok(verified) => assert!(self.name == "repair" || verified.is_ok(), "{when}: {verified:?}"),
                Err(error) => panic!("{when}: {error}"),
            }
        }
        drop(found);
        (self.run)(&store).unwrap_or_else(|error| panic!("{when}, and again: {error}"));
        assert_eq!(store.verify(&name("daily"), None).unwrap().version, scene.after, "{when}");
        let entries = fs::read_dir(scene.root.path().join("daily")).unwrap();
        let mut entries = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left = entries.find(|entry| entry.starts_with(".tmp-") || entry.starts_with(".gc-"));
        assert_eq!(left, None, "{when}");
    }
}

fn is_long() -> bool {
    std::env::var_os("BT_LONG_TESTS").is_some()
}

/// What happens at a step.
#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    /// The process dies.
    Killed,
    /// A write, or a new file or directory, finds no room; half of the write is there. Nor do those that follow.
    Full,
    /// Only this one finds no room.
    FullOnce,
}

/// A disk on which something happens at a step.
#[derive(Debug)]
struct Deadly {
    end: End,
    at: usize,
    steps: AtomicUsize,
    /// Bytes that a write takes at most.
    piece: usize,
}

impl Deadly {
    fn new(end: End, at: usize) -> Arc<Self> {
        let piece = if is_long() { 64 } else { usize::MAX };
        Arc::new(Self { end, at, steps: AtomicUsize::new(0), piece })
    }

    /// Counts a step; whether there is no room at it.
    fn step(&self) -> bool {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        match self.end {
            End::Killed if step == self.at => std::process::abort(),
            End::Killed => false,
            End::Full => step >= self.at,
            End::FullOnce => step == self.at,
        }
    }

    fn room(&self) -> io::Result<()> {
        if self.step() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for Deadly {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.room().and_then(|()| RealDisk.create_dir(path))
    }
    fn create_file(&self, path: &Path) -> io::Result<File> {
        self.room().and_then(|()| RealDisk.create_file(path))
    }
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.room() {
            Ok(()) => RealDisk.write_at(file, &bytes[..bytes.len().min(self.piece)], offset),
            Err(error) => RealDisk.write_at(file, &bytes[..bytes.len() / 2], offset).and(Err(error)),
        }
    }
    fn sync_file(&self, file: &File) -> io::Result<()> {
        self.step();
        RealDisk.sync_file(file)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step();
        RealDisk.sync_dir(path)
    }
    fn set_read_only(&self, file: &File) -> io::Result<()> {
        self.step();
        RealDisk.set_read_only(file)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step();
        RealDisk.rename(from, to)
    }
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.step();
        RealDisk.exchange(one, other)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step();
        RealDisk.remove(path)
    }
}

/// The child of the tests below; alone it does nothing.
#[test]
fn child_that_works_until_it_dies() {
    let Ok(work) = std::env::var("BT_WORK") else { return };
    let root = std::env::var("BT_STORE").unwrap();
    let at = std::env::var("BT_DIE_AT_STEP").unwrap().parse().unwrap();
    let work = WORKS.iter().find(|known| known.name == work).unwrap();
    (work.run)(&Store::open(root).unwrap().with_disk(Deadly::new(End::Killed, at))).unwrap();
}

fn start(work: &Work, scene: &Scene, at: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "steps::kills::child_that_works_until_it_dies"])
        .env("BT_WORK", work.name)
        .env("BT_DIE_AT_STEP", at.to_string())
        .env("BT_STORE", scene.root.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_kill_at_any_step_of_any_work_leaves_a_version_that_verifies_and_a_store_that_goes_on() {
    let _alone = FORKS.write().unwrap();
    for (number, work) in WORKS.iter().enumerate() {
        // Every third step of a work, and others of the next one; of an append, which reads and writes, every one.
        let all = is_long() || work.name == "append";
        let (first, stride) = if all { (0, 1) } else { (number % 3, 3) };
        for at in (first..).step_by(stride) {
            let scene = work.scene();
            let done = start(work, &scene, at).wait().unwrap().success();
            work.check(&scene, done, &format!("{} killed at step {at}", work.name));
            if done {
                assert!(at > 2, "{}: only {at} steps went through the seam", work.name);
                break;
            }
        }
    }
}

#[test]
fn a_disk_that_is_full_at_any_step_of_any_work_leaves_a_version_that_verifies() {
    let _no_forks = FORKS.read().unwrap();
    for work in &WORKS {
        for end in [End::Full, End::FullOnce] {
            for at in 0.. {
                let scene = work.scene();
                let disk = Deadly::new(end, at);
                let store = Store::open(scene.root.path()).unwrap().with_disk(disk.clone());
                let result = (work.run)(&store);
                let when = format!("{}: {end:?} at step {at}", work.name);
                let told = |error: &bt_bundle::bt_core::Error| match error.kind() {
                    ErrorKind::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
                    _ => false,
                };
                assert!(result.as_ref().err().is_none_or(told), "{when}: {result:?}");
                work.check(&scene, result.is_ok(), &when);
                if disk.steps.load(Ordering::Relaxed) <= at {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_kill_at_any_moment_of_any_work_leaves_a_version_that_verifies_and_a_store_that_goes_on() {
    let _alone = FORKS.write().unwrap();
    let kills: u32 = if is_long() { 100 } else { 4 };
    for work in &WORKS {
        let scene = work.scene();
        let begun = Instant::now();
        assert!(start(work, &scene, usize::MAX).wait().unwrap().success(), "{}", work.name);
        let whole = begun.elapsed();
        for kill in 0..kills {
            let scene = work.scene();
            let mut child = start(work, &scene, usize::MAX);
            // The work is the last part of what the child does.
            std::thread::sleep((whole / 2 + whole / 2 * kill / kills).max(Duration::from_micros(1)));
            child.kill().unwrap();
            let done = child.wait().unwrap().success();
            work.check(&scene, done, &format!("{}: kill {kill} of {kills}", work.name));
        }
    }
}
