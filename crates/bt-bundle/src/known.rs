//! What is known of a file's content for as long as `stat` says that the file is the same.
//!
//! One rule for `HEAD` and for tables: **a file whose device, inode, size and times are what they were holds what it
//! held, unless it was changed just before it was read.** File systems count time in steps, and give the number of a
//! removed file to a new one, so that two changes within one step can look alike. What was read so early is not kept,
//! and read again the next time.

use std::borrow::Borrow;
use std::fs::Metadata;
use std::hash::Hash;
use std::time::{Duration, SystemTime};

use hashbrown::HashMap;
use parking_lot::RwLock;

/// At most so many files are known; beyond that all are forgotten, which costs reading them again.
const LIMIT: usize = 1024;

/// The longest step of file systems that count fractions of seconds: the kernel's tick of up to 10 ms, and much for safety.
const FINE_STEP: Duration = Duration::from_millis(100);
/// That of those which do not: FAT counts every other second, HFS+ and ext3 every one.
const COARSE_STEP: Duration = Duration::from_secs(2);

/// What is known of files, by key: `V` is whatever was made of a file's content.
#[derive(Debug)]
pub(crate) struct Known<K, V>(RwLock<HashMap<K, (Identity, V)>>);

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Hash + Eq, V> Known<K, V> {
    /// What `read` takes of what is known, if `stat` finds the file to be the same.
    pub(crate) fn unchanged<Q: Hash + Eq + ?Sized, T>(
        &self,
        key: &Q,
        stat: impl FnOnce(&V) -> Option<Identity>,
        read: impl FnOnce(&V) -> T,
    ) -> Option<T>
    where
        K: Borrow<Q>,
    {
        let files = self.0.read();
        let (identity, value) = files.get(key)?;
        (stat(value)? == *identity).then(|| read(value))
    }

    /// Keeps what was read after `stat` gave this identity at the moment `at`: unless the file was too young.
    pub(crate) fn keep(&self, key: K, identity: Identity, at: SystemTime, value: V) {
        if !identity.is_settled(at) {
            return;
        }
        let mut files = self.0.write();
        if files.len() >= LIMIT && !files.contains_key(&key) {
            files.clear();
        }
        files.insert(key, (identity, value));
    }

    pub(crate) fn forget<Q: Hash + Eq + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.0.write().remove(key);
    }
}

/// What tells a file from one that replaced it, and its content from what is written in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    /// How many names it has: none once another file has taken its only one. 1 where the system does not say.
    links: u64,
    size: u64,
    /// When its content was changed, in nanoseconds since 1970; programs may set it to anything.
    modified: i128,
    /// When anything of it was changed, which the system alone sets. Where there is no such time, that of its creation.
    changed: i128,
}

impl Identity {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            size: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let nanos = |time: std::io::Result<SystemTime>| time.map_or(i128::MAX, since_1970);
        let (modified, changed) = (nanos(metadata.modified()), nanos(metadata.created()));
        Self { device: 0, inode: 0, links: 1, size: metadata.len(), modified, changed }
    }

    /// Whether every change after the moment `at` gives the file another identity. False where a clock went backwards.
    fn is_settled(self, at: SystemTime) -> bool {
        let last = if cfg!(unix) { self.changed } else { self.modified };
        let step = if last % 1_000_000_000 == 0 { COARSE_STEP } else { FINE_STEP };
        since_1970(at).saturating_sub(last) > step.as_nanos() as i128
    }
}

/// Nanoseconds; less than 0 before.
fn since_1970(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i128 = 1_700_000_000_000_000_000;

    fn file(changed: i128) -> Identity {
        Identity { device: 1, inode: 2, links: 1, size: 3, modified: changed, changed }
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(NOW as u64)
    }

    fn at(known: &Known<u32, char>, key: u32, identity: Identity) -> Option<char> {
        known.unchanged(&key, |_| Some(identity), |&value| value)
    }

    #[test]
    fn what_was_read_within_a_step_of_a_change_is_not_kept() {
        const MILLIS: i128 = 1_000_000;
        for (changed, settled) in [
            (NOW - 50 * MILLIS, false),
            (NOW - 150 * MILLIS, true),
            (NOW, false),
            (NOW + 50 * MILLIS, false),
            (i128::MAX, false),
            // Whole seconds: of a file system that counts no fractions.
            (NOW - 1000 * MILLIS, false),
            (NOW - 2000 * MILLIS, false),
            (NOW - 3000 * MILLIS, true),
        ] {
            let known = Known::default();
            known.keep(7, file(changed), now(), 'a');
            assert_eq!(
                at(&known, 7, file(changed)),
                settled.then_some('a'),
                "changed {} ns ago",
                NOW - changed
            );
        }
    }

    #[test]
    fn a_file_that_differs_in_anything_is_another() {
        let (known, one) = (Known::default(), file(1));
        known.keep(7, one, now(), 'a');
        for other in [
            Identity { device: 9, ..one },
            Identity { inode: 9, ..one },
            Identity { links: 0, ..one },
            Identity { size: 9, ..one },
            Identity { modified: 9, ..one },
            Identity { changed: 9, ..one },
        ] {
            assert_eq!(at(&known, 7, other), None);
        }
        assert_eq!(known.unchanged(&7, |_| None, |&value| value), None);
        assert_eq!(at(&known, 7, one), Some('a'));
        known.forget(&7);
        assert_eq!(at(&known, 7, one), None);
    }

    #[test]
    fn no_more_files_are_known_than_the_limit() {
        let known = Known::default();
        for key in 0..5000 {
            known.keep(key, file(1), now(), 'a');
            assert!(known.0.read().len() <= LIMIT);
            assert_eq!(at(&known, key, file(1)), Some('a'));
        }
    }
}
