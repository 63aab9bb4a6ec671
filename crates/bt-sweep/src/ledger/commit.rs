//! How records become durable: workers append to buffers, one thread writes and syncs what the buffers of all segments hold.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::disk::{self, Disk};
use super::frame::SegmentHead;
use super::{frame, read, record};
use crate::{Error, Names, Result, TrialRecord};

/// The pause after a group: without it a sweep of short trials would spend a core on syncs.
const PAUSE: Duration = Duration::from_millis(1);

/// What a segment's buffer holds before appending waits for the disk.
const ROOM: usize = 1 << 20;

// A group is what a buffer holds, and the last record of it may begin just below its end.
const _: () = assert!((ROOM + frame::FRAME_HEAD + frame::MAX_PAYLOAD) as u64 <= frame::MAX_GROUP);

/// Where one worker appends its records.
///
/// A record is in memory when [`append`](Self::append) returns, and durable when [`durable`](Self::durable) counts it.
#[derive(Clone, Debug)]
pub struct Segment {
    lane: Arc<Lane>,
    shared: Arc<Shared>,
}

impl Segment {
    /// Appends a record; gives how many this segment has got since it was opened. Waits only where 1 MiB is not written yet.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a record of another sweep (parameters, number of metrics), [`Error::Invalid`] for one above 16 MiB; the ledger
    /// is as it was. [`Error::Io`] naming the file where an earlier group met an error of the disk: then and from then on.
    pub fn append(&self, record: &TrialRecord) -> Result<u64> {
        record::check(record, &self.shared.names, self.shared.metrics)?;
        let mut buffer = self.lane.buffer.lock();
        while buffer.bytes.len() >= ROOM && !self.shared.has_ended.load(Ordering::Acquire) {
            self.shared.hurry();
            self.lane.has_room.wait(&mut buffer);
        }
        self.shared.check()?;
        let begins_group = buffer.bytes.is_empty();
        let pushed = frame::push(&mut buffer.bytes, begins_group, |out| record::encode(record, out));
        pushed.map_err(|length| too_long(record, length))?;
        buffer.appended += 1;
        let appended = buffer.appended;
        drop(buffer);
        self.shared.wake();
        Ok(appended)
    }

    /// How many of the records that this segment has got since it was opened are durable: always the first ones.
    pub fn durable(&self) -> u64 {
        self.lane.durable.load(Ordering::Acquire)
    }
}

#[cold]
fn too_long(record: &TrialRecord, length: usize) -> Error {
    let what = format!("the bytes of the record of trial {}", record.number);
    Error::invalid(what, length, format!("at most {}", frame::MAX_PAYLOAD))
}

/// One segment, between its worker and the thread that writes.
#[derive(Debug)]
struct Lane {
    number: u32,
    path: PathBuf,
    file: File,
    buffer: Mutex<Buffer>,
    has_room: Condvar,
    durable: AtomicU64,
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    appended: u64,
}

#[derive(Debug)]
struct Shared {
    names: Names,
    metrics: usize,
    lanes: Mutex<Vec<Arc<Lane>>>,
    /// The thread that writes.
    writer: OnceLock<Thread>,
    /// It sleeps until somebody wakes it.
    is_idle: AtomicBool,
    /// Somebody waits: no pause.
    is_urgent: AtomicBool,
    is_closing: AtomicBool,
    /// What is appended from now on will not be reported as durable; why is in `ended`.
    has_ended: AtomicBool,
    ended: Mutex<Option<Error>>,
    /// With `ended`: a group was written, or no other will be.
    progress: Condvar,
}

impl Shared {
    /// Tells the writer that there is something to write, unless it will look by itself.
    fn wake(&self) {
        if self.is_idle.load(Ordering::SeqCst) && self.is_idle.swap(false, Ordering::SeqCst) {
            self.unpark();
        }
    }

    /// Tells the writer that somebody waits.
    fn hurry(&self) {
        self.is_urgent.store(true, Ordering::SeqCst);
        self.unpark();
    }

    fn unpark(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    fn lanes(&self) -> Vec<Arc<Lane>> {
        self.lanes.lock().clone()
    }

    fn check(&self) -> Result<()> {
        if self.has_ended.load(Ordering::Acquire) { self.why_ended() } else { Ok(()) }
    }

    #[cold]
    fn why_ended(&self) -> Result<()> {
        self.ended.lock().clone().map_or(Ok(()), Err)
    }

    /// Says that no more is written. The first reason stays.
    fn end(&self, reason: Error) {
        self.ended.lock().get_or_insert(reason);
        self.has_ended.store(true, Ordering::Release);
        self.progress.notify_all();
        for lane in self.lanes() {
            // Under the lock: a worker between its look at the flag and its sleep would miss this.
            let _buffer = lane.buffer.lock();
            lane.has_room.notify_all();
        }
    }
}

/// The thread that writes, and its end.
#[derive(Debug)]
pub(super) struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub(super) fn start(disk: Arc<dyn Disk>, names: Names, metrics: usize) -> Result<Self> {
        let shared = Arc::new(Shared {
            names,
            metrics,
            lanes: Mutex::default(),
            writer: OnceLock::new(),
            is_idle: AtomicBool::new(false),
            is_urgent: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            ended: Mutex::default(),
            progress: Condvar::new(),
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("bt-ledger".to_owned())
            .spawn(move || {
                let end = EndGuard(&of_thread);
                write_until_closed(&of_thread, &*disk);
                drop(end);
            })
            .map_err(|error| Error::io("start the thread that writes the ledger", error))?;
        shared.writer.get_or_init(|| thread.thread().clone());
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Opens a worker's segment, whose file holds whole frames alone; a new one gets its head.
    pub(super) fn open(&self, disk: &dyn Disk, folder: &Path, head: SegmentHead) -> Result<Segment> {
        self.shared.check()?;
        let mut lanes = self.shared.lanes.lock();
        let known = lanes.iter().find(|lane| lane.number == head.number).cloned();
        let lane = match known {
            Some(lane) => lane,
            None => {
                let path = read::segment_path(folder, head.number);
                let file = open_segment(disk, folder, &path, head).map_err(|error| {
                    // Half a head may be there: who appends to it makes damage of it.
                    let error = Error::io(format!("create {}", path.display()), error);
                    self.shared.ended.lock().get_or_insert_with(|| error.clone());
                    self.shared.has_ended.store(true, Ordering::Release);
                    error
                })?;
                let lane = Arc::new(Lane {
                    number: head.number,
                    path,
                    file,
                    buffer: Mutex::default(),
                    has_room: Condvar::new(),
                    durable: AtomicU64::new(0),
                });
                lanes.push(Arc::clone(&lane));
                lane
            }
        };
        Ok(Segment { lane, shared: Arc::clone(&self.shared) })
    }

    pub(super) fn durable(&self) -> u64 {
        self.shared.lanes().iter().map(|lane| lane.durable.load(Ordering::Acquire)).sum()
    }

    pub(super) fn flush(&self) -> Result<()> {
        let lanes = self.shared.lanes();
        let wanted: Vec<u64> = lanes.iter().map(|lane| lane.buffer.lock().appended).collect();
        let is_durable = || {
            lanes.iter().zip(&wanted).all(|(lane, wanted)| lane.durable.load(Ordering::Acquire) >= *wanted)
        };
        let mut ended = self.shared.ended.lock();
        while !is_durable() {
            if let Some(reason) = &*ended {
                return Err(reason.clone());
            }
            self.shared.hurry();
            self.shared.progress.wait(&mut ended);
        }
        Ok(())
    }

    /// Writes what is left, and ends the thread.
    pub(super) fn close(&mut self) -> Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let flushed = self.flush();
        self.shared.is_closing.store(true, Ordering::SeqCst);
        self.shared.unpark();
        drop(thread.join());
        flushed
    }
}

/// Nobody waits for a thread that is gone, whatever ended it.
struct EndGuard<'s>(&'s Shared);

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        let reason = if thread::panicking() { "the thread that writes panicked" } else { "it was closed" };
        self.0.end(Error::io("append to the ledger", io::Error::other(reason)));
    }
}

fn open_segment(disk: &dyn Disk, folder: &Path, path: &Path, head: SegmentHead) -> io::Result<File> {
    let file = disk.open_append(path)?;
    if file.metadata()?.len() == 0 {
        disk::write_all(disk, &file, &head.to_bytes())?;
        // Before the first group, which claims that it is.
        disk.sync_data(&file)?;
        disk.sync_dir(folder)?;
    }
    Ok(file)
}

fn write_until_closed(shared: &Shared, disk: &dyn Disk) {
    let mut spare = Vec::new();
    loop {
        // Before the buffers are taken: they hold whatever came before these were set.
        let is_closing = shared.is_closing.load(Ordering::SeqCst);
        shared.is_urgent.store(false, Ordering::SeqCst);
        match write_group(shared, disk, &mut spare) {
            Err(error) => return shared.end(error),
            Ok(false) if is_closing => return,
            Ok(false) => sleep(shared),
            Ok(true) if is_closing || shared.is_urgent.load(Ordering::SeqCst) => {}
            Ok(true) => thread::park_timeout(PAUSE),
        }
    }
}

/// Writes and syncs what all buffers hold; false where they hold nothing.
fn write_group(shared: &Shared, disk: &dyn Disk, spare: &mut Vec<u8>) -> Result<bool> {
    let mut written = Vec::new();
    for lane in shared.lanes() {
        let mut buffer = lane.buffer.lock();
        if buffer.bytes.is_empty() {
            continue;
        }
        std::mem::swap(&mut buffer.bytes, spare);
        let appended = buffer.appended;
        lane.has_room.notify_all();
        drop(buffer);
        disk::write_all(disk, &lane.file, spare).map_err(|error| lane.failed("write to", error))?;
        spare.clear();
        written.push((lane, appended));
    }
    for (lane, appended) in &written {
        disk.sync_data(&lane.file).map_err(|error| lane.failed("sync", error))?;
        lane.durable.store(*appended, Ordering::Release);
    }
    // Under the lock: who flushes, between its look at the counts and its sleep, would miss this.
    drop(shared.ended.lock());
    shared.progress.notify_all();
    Ok(!written.is_empty())
}

impl Lane {
    fn failed(&self, verb: &str, error: io::Error) -> Error {
        Error::io(format!("{verb} {}", self.path.display()), error)
    }
}

/// Until somebody appends, flushes or closes.
fn sleep(shared: &Shared) {
    shared.is_idle.store(true, Ordering::SeqCst);
    // Who appended before the flag was up has woken nobody.
    if shared.lanes().iter().all(|lane| lane.buffer.lock().bytes.is_empty()) {
        thread::park();
    }
    shared.is_idle.store(false, Ordering::SeqCst);
}
