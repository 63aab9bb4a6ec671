//! Disks that are full, slow, or refuse.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bt_sweep::ledger::{self, Disk, Ledger};
use bt_sweep::{Error, Result};

use crate::common::{create, header, record, resume};

/// A disk that refuses one of its calls, and with `room` everything beyond so many bytes.
#[derive(Debug)]
struct Failing {
    calls_left: AtomicUsize,
    room: AtomicUsize,
}

impl Failing {
    fn after_calls(calls: usize) -> Arc<Self> {
        Arc::new(Self { calls_left: AtomicUsize::new(calls), room: AtomicUsize::new(usize::MAX) })
    }

    fn after_bytes(bytes: usize) -> Arc<Self> {
        Arc::new(Self { calls_left: AtomicUsize::new(usize::MAX), room: AtomicUsize::new(bytes) })
    }

    fn call(&self) -> io::Result<()> {
        match self.calls_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::from_raw_os_error(5)),
        }
    }
}

impl Disk for Failing {
    fn open_append(&self, path: &Path) -> io::Result<File> {
        self.call()?;
        ledger::RealDisk.open_append(path)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        self.call()?;
        let room = self.room.load(Ordering::SeqCst);
        match bytes.len().min(room) {
            0 => Err(ErrorKind::StorageFull.into()),
            length => {
                self.room.store(room - length, Ordering::SeqCst);
                ledger::RealDisk.write(file, &bytes[..length])
            }
        }
    }

    fn sync_data(&self, _: &File) -> io::Result<()> {
        self.call()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.call()
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.call()?;
        ledger::RealDisk.truncate(path, length)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        ledger::RealDisk.rename(from, to)
    }
}

/// Appends until something is refused; how many were durable then, and the error.
fn append_until_refused(disk: Arc<dyn Disk>, folder: &Path) -> (u64, Option<Error>) {
    let ledger = match Ledger::create_on(disk, folder, &header()) {
        Ok(ledger) => ledger,
        Err(error) => return (0, Some(error)),
    };
    let appended = append_some(&ledger);
    let durable = ledger.durable();
    if let Err(error) = &appended {
        let segment_error = ledger.segment(0).unwrap_err();
        assert_eq!(segment_error.to_string(), error.to_string(), "from then on");
    }
    (durable, appended.err())
}

fn append_some(ledger: &Ledger) -> Result<()> {
    for number in 0..6 {
        ledger.segment((number % 2) as u32)?.append(&record(number))?;
        ledger.flush()?;
    }
    Ok(())
}

fn holds_what_was_durable(folder: &Path, durable: u64) {
    if !folder.join("sweep.json").exists() {
        assert_eq!(durable, 0);
        return;
    }
    let (ledger, contents) = resume(folder).unwrap();
    for number in 0..durable {
        assert!(contents.trials.find(&record(number).key).is_some(), "{number} of {durable}");
    }
    append_some(&ledger).unwrap();
    ledger.close().unwrap();
    assert_eq!(ledger::read(folder).unwrap().trials.len(), 6);
}

#[test]
fn each_call_of_the_disk_may_fail_and_nothing_durable_is_lost() {
    let mut failed = 0;
    for calls in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let (durable, error) = append_until_refused(Failing::after_calls(calls), folder.path());
        holds_what_was_durable(folder.path(), durable);
        let Some(error) = error else { break };
        assert!(
            matches!(&error, Error::Io { operation, .. } if operation.contains(".ledger") || operation.contains("sweep.json")),
            "{error}"
        );
        failed += 1;
    }
    assert!(failed > 20, "{failed}");
}

#[test]
fn a_disk_that_is_full_after_any_number_of_bytes_loses_nothing_durable() {
    for room in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let (durable, error) = append_until_refused(Failing::after_bytes(room), folder.path());
        holds_what_was_durable(folder.path(), durable);
        let Some(error) = error else { break };
        let Error::Io { operation, source } = &error else { panic!("{error:?}") };
        assert!(operation.contains("segment-"), "{operation}");
        assert_eq!(source.kind(), ErrorKind::StorageFull);
    }
}

#[test]
fn a_tail_that_cannot_be_cut_off_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    ledger.segment(0).unwrap().append(&record(1)).unwrap();
    ledger.close().unwrap();
    let path = folder.path().join("segment-0.ledger");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let error = Ledger::resume_on(Failing::after_calls(0), folder.path(), &header()).unwrap_err().to_string();
    assert!(error.contains("cut off") && error.contains("segment-0.ledger"), "{error}");
}

/// Counts its syncs.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Disk for Counting {
    fn sync_data(&self, _: &File) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn what_a_resumed_ledger_gives_is_durable_whatever_its_last_writer_left() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    append_some(&ledger).unwrap();
    ledger.close().unwrap();
    let disk = Arc::new(Counting::default());
    let (ledger, contents) = Ledger::resume_on(disk.clone(), folder.path(), &header()).unwrap();
    assert_eq!((contents.trials.len(), disk.0.load(Ordering::SeqCst)), (6, 2));
    ledger.close().unwrap();
}

/// Writes a byte or two at a time, and is interrupted now and then.
#[derive(Debug, Default)]
struct Stuttering(AtomicUsize);

impl Disk for Stuttering {
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        match self.0.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Err(ErrorKind::Interrupted.into()),
            length => ledger::RealDisk.write(file, &bytes[..length.min(bytes.len())]),
        }
    }

    fn sync_data(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn short_and_interrupted_writes_are_carried_on() {
    let folder = tempfile::tempdir().unwrap();
    let (durable, error) = append_until_refused(Arc::new(Stuttering::default()), folder.path());
    assert!(error.is_none() && durable == 6, "{error:?}");
    holds_what_was_durable(folder.path(), durable);
}

/// Takes its time, so that workers are faster.
#[derive(Debug)]
struct Slow;

impl Disk for Slow {
    fn sync_data(&self, _: &File) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(20));
        Ok(())
    }
}

#[test]
fn workers_that_are_faster_than_the_disk_wait_for_it_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create_on(Arc::new(Slow), folder.path(), &header()).unwrap();
    const EACH: u64 = 50_000;
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let segment = ledger.segment(worker).unwrap();
            scope.spawn(move || {
                let own = u64::from(worker) * EACH;
                for number in own..own + EACH {
                    segment.append(&record(number)).unwrap();
                }
            });
        }
    });
    ledger.flush().unwrap();
    assert_eq!(ledger.durable(), 2 * EACH);
    ledger.close().unwrap();
    assert_eq!(ledger::read(folder.path()).unwrap().trials.len() as u64, 2 * EACH);
}

/// Panics at the third sync, the first of a group.
#[derive(Debug, Default)]
struct Panicking(AtomicUsize);

impl Disk for Panicking {
    fn sync_data(&self, _: &File) -> io::Result<()> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) < 2, "as the test wants it");
        Ok(())
    }
}

#[test]
fn nobody_waits_for_a_writer_that_panicked() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create_on(Arc::new(Panicking::default()), folder.path(), &header()).unwrap();
    let segment = ledger.segment(0).unwrap();
    segment.append(&record(1)).unwrap();
    for error in [ledger.flush().unwrap_err(), segment.append(&record(2)).unwrap_err()] {
        assert!(error.to_string().contains("the thread that writes panicked"), "{error}");
    }
    assert!(ledger.close().is_err());
}
