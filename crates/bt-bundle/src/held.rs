//! Files that are held open, because to ask an open file whether it has changed takes a third of the time that it takes to
//! find it by its path.
//!
//! A file that was replaced has no name left, one that was written in place has another time: an open file shows both. It
//! does not show that a directory above it was moved, so it is looked up by its path as well, once a millisecond.

use std::fs::{File, Metadata};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// At most so many are held; a process may have a thousand files open where nobody raised the limit.
const LIMIT: usize = 64;
/// For so long what a look-up by path said of the directories holds.
const LOOK_UP: Duration = Duration::from_millis(1);

/// Whoever holds a file has a share of this.
#[derive(Debug)]
pub(crate) struct HeldFiles {
    shares: Arc<()>,
    start: Instant,
}

/// An open file of a file system on which it shows what became of its name.
#[derive(Debug)]
pub(crate) struct HeldFile {
    file: File,
    _share: Arc<()>,
    start: Instant,
    /// When it is to be looked up by its path, in nanoseconds after `start`.
    due: AtomicU64,
}

impl Default for HeldFiles {
    fn default() -> Self {
        Self { shares: Arc::default(), start: Instant::now() }
    }
}

impl HeldFiles {
    /// Holds a file that was just found by its path, where that is of use.
    pub(crate) fn hold(&self, file: File) -> Option<HeldFile> {
        let room = Arc::strong_count(&self.shares) <= LIMIT;
        if !room || !shows_its_names(&file) {
            return None;
        }
        // Due at once: there is a moment between the look-up and now.
        Some(HeldFile { file, _share: Arc::clone(&self.shares), start: self.start, due: AtomicU64::new(0) })
    }
}

impl HeldFile {
    /// What the system says of the file, whatever has become of its name.
    pub(crate) fn stat(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Whether it is time to look it up by its path; then the caller does, and others need not for a while.
    pub(crate) fn is_due(&self) -> bool {
        let now = self.start.elapsed().as_nanos() as u64;
        let is_due = now >= self.due.load(Ordering::Relaxed);
        if is_due {
            self.due.store(now + LOOK_UP.as_nanos() as u64, Ordering::Relaxed);
        }
        is_due
    }
}

/// Whether the number of names of an open file, and the time of its change, tell at once what became of them. Not so where
/// another machine may rename it, nor where layers lie over each other.
#[cfg(target_os = "linux")]
fn shows_its_names(file: &File) -> bool {
    const EXT: u32 = 0xef53;
    const XFS: u32 = 0x5846_5342;
    const BTRFS: u32 = 0x9123_683e;
    const TMPFS: u32 = 0x0102_1994;
    rustix::fs::fstatfs(file).is_ok_and(|system| matches!(system.f_type as u32, EXT | XFS | BTRFS | TMPFS))
}

#[cfg(not(target_os = "linux"))]
fn shows_its_names(_: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_files_are_held_than_the_limit() {
        let files = HeldFiles::default();
        let file = || tempfile::tempfile().unwrap();
        let held: Vec<_> = (0..LIMIT + 10).filter_map(|_| files.hold(file())).collect();
        assert!(held.len() == LIMIT || held.is_empty(), "{} are held", held.len());
        drop(held);
        assert_eq!(Arc::strong_count(&files.shares), 1);
    }

    #[test]
    fn one_asker_in_a_while_looks_the_file_up() {
        let files = HeldFiles::default();
        let share = Arc::clone(&files.shares);
        let file = tempfile::tempfile().unwrap();
        let held = HeldFile { file, _share: share, start: files.start, due: AtomicU64::new(0) };
        assert!(held.is_due());
        held.due.fetch_add(1 << 40, Ordering::Relaxed);
        assert!(!held.is_due());
        held.due.store(0, Ordering::Relaxed);
        assert!(held.is_due());
    }
}
