//! `HEAD`: which version of a bundle is current.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bt_core::{BundleName, BundleVersion, Error, ErrorKind, Result};
use parking_lot::RwLock;

use crate::files;

/// The file's name.
pub(crate) const FILE: &str = "HEAD";

/// A `HEAD` younger than this is read again at every access: file systems count time in steps of up to 10 ms and give
/// numbers of removed files to new ones, so that two that were published within a step could look the same.
const SETTLED: Duration = Duration::from_millis(100);

/// The versions that are known to be current, until the file behind one changes.
#[derive(Default)]
pub(crate) struct Heads(RwLock<HashMap<BundleName, Head>>);

struct Head {
    path: PathBuf,
    identity: Identity,
    version: BundleVersion,
}

impl Heads {
    /// The current version: one `stat` where the file is the one that was read before.
    pub(crate) fn version(&self, root: &Path, name: &BundleName) -> Result<BundleVersion> {
        match self.known(name) {
            Some(version) => Ok(version),
            None => self.read(root, name),
        }
    }

    fn known(&self, name: &BundleName) -> Option<BundleVersion> {
        let heads = self.0.read();
        let head = heads.get(name)?;
        let metadata = std::fs::symlink_metadata(&head.path).ok()?;
        (Identity::of(&metadata) == head.identity).then_some(head.version)
    }

    #[cold]
    fn read(&self, root: &Path, name: &BundleName) -> Result<BundleVersion> {
        let directory = root.join(name.as_str());
        let path = directory.join(FILE);
        let read = files::check_directory(&directory).and_then(|()| read(&path));
        let (version, metadata) = match read {
            Err(error) => {
                self.0.write().remove(name);
                return Err(error);
            }
            Ok(read) => read,
        };
        if Identity::is_settled(&metadata) {
            let head = Head { path, identity: Identity::of(&metadata), version };
            self.0.write().insert(name.clone(), head);
        }
        Ok(version)
    }
}

/// Reads a `HEAD` and checks that it is 64 lower-case hexadecimal digits and nothing else, before anything joins it to a
/// path.
fn read(path: &Path) -> Result<(BundleVersion, Metadata)> {
    let (file, _) = files::open(path)?;
    let failed = |error| Error::io(format!("read {}", path.display()), error);
    let mut text = Vec::with_capacity(65);
    // One byte more than a version has shows that there is too much.
    (&file).take(65).read_to_end(&mut text).map_err(failed)?;
    let parsed = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
    let metadata = file.metadata().map_err(failed)?;
    match parsed {
        Some(version) => Ok((version, metadata)),
        None => Err(hostile(path, &text)),
    }
}

#[cold]
fn hostile(path: &Path, text: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(text);
    ErrorKind::Corrupt {
        what: path.display().to_string(),
        reason: format!("{shown:?} is not exactly 64 lower-case hexadecimal digits"),
    }
    .into()
}

/// What tells one file from another that replaced it.
#[derive(PartialEq, Eq)]
struct Identity([i128; 5]);

#[cfg(unix)]
impl Identity {
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self([
            metadata.dev().into(),
            metadata.ino().into(),
            metadata.len().into(),
            nanos(metadata.mtime(), metadata.mtime_nsec()),
            nanos(metadata.ctime(), metadata.ctime_nsec()),
        ])
    }

    fn changed_at(metadata: &Metadata) -> Option<SystemTime> {
        use std::os::unix::fs::MetadataExt;
        let seconds = u64::try_from(metadata.ctime()).ok()?;
        let since = Duration::new(seconds, u32::try_from(metadata.ctime_nsec()).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
}

#[cfg(not(unix))]
impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let since = |time: std::io::Result<SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
            since.map_or(-1, |since| since.as_nanos() as i128)
        };
        Self([metadata.len().into(), since(metadata.modified()), since(metadata.created()), 0, 0])
    }

    fn changed_at(metadata: &Metadata) -> Option<SystemTime> {
        metadata.modified().ok()
    }
}

impl Identity {
    /// Whether a later file cannot carry the same times. A clock that went backwards leaves a file unsettled.
    fn is_settled(metadata: &Metadata) -> bool {
        let age =
            Self::changed_at(metadata).and_then(|changed| SystemTime::now().duration_since(changed).ok());
        age.is_some_and(|age| age > SETTLED)
    }
}
