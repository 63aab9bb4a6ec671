//! The ledger of a sweep: each finished trial, durably, in a folder.
//!
//! Its bytes are described in `docs/ledger-format.md`. One process writes, any number reads. Workers append to segments of their own
//! without waiting for the disk; a thread writes and syncs whatever they have appended as one group, and counts it as durable.
//!
//! ```
//! use bt_sweep::ledger::{self, Header, Ledger};
//! use bt_sweep::{Names, Objective, Outcome, Params, Status, TrialKey, TrialRecord};
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let folder = folder.path().join("first");
//! let names = Names::new(["fast"]);
//! let header = Header::new(&names, &["sharpe".to_owned()], Objective::maximize("sharpe"));
//! let sweep = Ledger::create(&folder, &header)?;
//! let segment = sweep.segment(0)?;
//! segment.append(&TrialRecord {
//!     key: TrialKey([7; 16]),
//!     number: 0,
//!     part: 0,
//!     params: Params::new(&names, [20.into()])?,
//!     fidelity: 1.0,
//!     status: Status::Done,
//!     outcome: Outcome { metrics: vec![0.8], blocks: vec![] },
//!     worker: 0,
//!     started_us: 0,
//!     took_us: 140,
//! })?;
//! sweep.flush()?;
//! assert_eq!(sweep.durable(), 1);
//! let contents = ledger::read(&folder)?;
//! assert_eq!(contents.trials.get(0).expect("a trial").metrics(), [0.8]);
//! # Ok::<(), bt_sweep::Error>(())
//! ```

mod commit;
pub(crate) mod disk;
mod frame;
mod header;
mod lock;
mod read;
pub(crate) mod record;
mod temporary;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Error, Names, Result};

pub use commit::Segment;
pub use disk::{Disk, RealDisk, read_document};
pub use frame::FORMAT;
pub use header::Header;
pub use read::{Contents, TornTail, read, read_header};
pub use temporary::{create_document, remove_leftovers};

use commit::Committer;
use frame::SegmentHead;
use lock::Lock;

/// A ledger that this process writes to.
#[derive(Debug)]
pub struct Ledger {
    // Before the lock: whoever has it next must find everything written.
    committer: Committer,
    folder: PathBuf,
    mark: [u8; 16],
    disk: Arc<dyn Disk>,
    _lock: Lock,
}

impl Ledger {
    /// Begins a ledger in a folder, which is created where it is not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the folder has one already, and for a header that is too long; [`Error::Busy`] with its holder where
    /// another process writes there; [`Error::Damaged`] for a pipe or a device in the place of a file; [`Error::Io`].
    pub fn create(folder: impl AsRef<Path>, header: &Header) -> Result<Self> {
        Self::create_on(Arc::new(RealDisk), folder, header)
    }

    /// As [`create`](Self::create), on a disk of one's own.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_on(disk: Arc<dyn Disk>, folder: impl AsRef<Path>, header: &Header) -> Result<Self> {
        let folder = folder.as_ref();
        header.check()?;
        fs::create_dir_all(folder)
            .map_err(|error| Error::io(format!("create {}", folder.display()), error))?;
        let lock = lock::lock(folder)?;
        refuse_remains(folder)?;
        remove_leftovers(folder);
        let mark = header::write(&*disk, folder, header)?;
        Self::start(disk, folder, mark, lock, header)
    }

    /// Goes on with a ledger: gives what it holds, each trial once and durable, and cuts off what a crash has left half-written.
    ///
    /// # Errors
    /// [`Error::Mismatch`] naming the first key of the header that differs, or both versions of the format; [`Error::Damaged`] with
    /// file and offset; [`Error::Busy`] with its holder where another process writes there; [`Error::Io`], also where there is no ledger.
    ///
    /// # Complexity
    /// One pass over the bytes.
    pub fn resume(folder: impl AsRef<Path>, header: &Header) -> Result<(Self, Contents)> {
        Self::resume_on(Arc::new(RealDisk), folder, header)
    }

    /// As [`resume`](Self::resume), on a disk of one's own.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub fn resume_on(
        disk: Arc<dyn Disk>,
        folder: impl AsRef<Path>,
        header: &Header,
    ) -> Result<(Self, Contents)> {
        let folder = folder.as_ref();
        // Before the lock, which would leave files in a folder that is no ledger.
        header::read(folder)?;
        let lock = lock::lock(folder)?;
        let stored = header::read(folder)?;
        header::compare(folder, &stored, header)?;
        let mark = stored.mark;
        let contents = read::read_segments(folder, stored)?;
        remove_leftovers(folder);
        make_last(&*disk, folder, &contents.torn)?;
        let ledger = Self::start(disk, folder, mark, lock, header)?;
        Ok((ledger, contents))
    }

    fn start(
        disk: Arc<dyn Disk>,
        folder: &Path,
        mark: [u8; 16],
        lock: Lock,
        header: &Header,
    ) -> Result<Self> {
        let names = Names::new(&header.params);
        let committer = Committer::start(Arc::clone(&disk), names, header.metrics.len())?;
        Ok(Self { committer, folder: folder.to_owned(), mark, disk, _lock: lock })
    }

    /// The segment of a worker; the same one where it was asked for before.
    ///
    /// # Errors
    /// [`Error::Io`] where its file cannot be made, or where the ledger met an error of the disk before.
    pub fn segment(&self, worker: u32) -> Result<Segment> {
        let head = SegmentHead { version: FORMAT, number: worker, mark: self.mark };
        self.committer.open(&*self.disk, &self.folder, head)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many of the records that were appended since this was opened are durable, of all segments together.
    pub fn durable(&self) -> u64 {
        self.committer.durable()
    }

    /// Waits until everything that was appended so far is durable.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file where the disk refused; what [`durable`](Self::durable) counts is durable all the same.
    pub fn flush(&self) -> Result<()> {
        self.committer.flush()
    }

    /// Flushes and gives the folder free. Dropping does the same, and keeps the error to itself. Later appends are errors.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn close(mut self) -> Result<()> {
        self.committer.close()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if let Err(error) = self.committer.close() {
            tracing::error!(folder = %self.folder.display(), %error, "the ledger could not be closed");
        }
    }
}

/// Cuts off what is torn, and syncs all segments: the writer before may not have come to it, and the next group claims that it was
/// done.
fn make_last(disk: &dyn Disk, folder: &Path, torn: &[TornTail]) -> Result<()> {
    for torn in torn {
        let cut = disk.truncate(&torn.path, torn.offset);
        cut.map_err(|error| Error::io(format!("cut off {}", torn.path.display()), error))?;
    }
    for (_, path) in read::segments(folder)? {
        let synced = disk.open_append(&path).and_then(|file| disk.sync_data(&file));
        synced.map_err(|error| Error::io(format!("sync {}", path.display()), error))?;
    }
    Ok(())
}

/// Refuses to begin a sweep where there is one.
fn refuse_remains(folder: &Path) -> Result<()> {
    let header = folder.join(header::FILE);
    let segments = read::segments(folder)?.into_iter().map(|(_, path)| path);
    match header.exists().then_some(header).into_iter().chain(segments).next() {
        None => Ok(()),
        Some(path) => Err(Error::invalid(
            "the folder of a new sweep",
            format!(
                "{}, where there is a {}",
                folder.display(),
                path.file_name().unwrap_or_default().display()
            ),
            "a folder without a ledger, or to resume that one",
        )),
    }
}
