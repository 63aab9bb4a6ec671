//! `HEAD`: which version of a bundle is current.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bt_core::{BundleName, BundleVersion, Error, ErrorKind, Result};

use crate::files;
use crate::held::{HeldFile, HeldFiles};
use crate::known::{Identity, Known};

/// The file's name.
pub(crate) const FILE: &str = "HEAD";

/// The versions that are known to be current, until the file behind one changes.
#[derive(Default)]
pub(crate) struct Heads {
    known: Known<BundleName, Head>,
    held: HeldFiles,
}

struct Head {
    path: PathBuf,
    version: BundleVersion,
    held: Option<HeldFile>,
}

impl Heads {
    /// The current version: one `stat` where the file is the one that was read before.
    pub(crate) fn version(&self, root: &Path, name: &BundleName) -> Result<BundleVersion> {
        match self.known.unchanged(name, Head::stat, |head| head.version) {
            Some(version) => Ok(version),
            None => self.read(root, name),
        }
    }

    #[cold]
    fn read(&self, root: &Path, name: &BundleName) -> Result<BundleVersion> {
        let (now, directory) = (SystemTime::now(), root.join(name.as_str()));
        let path = directory.join(FILE);
        match files::check_directory(&directory).and_then(|()| read(&path)) {
            Ok((file, identity, version)) => {
                let held = self.held.hold(file);
                self.known.keep(name.clone(), identity, now, Head { path, version, held });
                Ok(version)
            }
            Err(error) => {
                self.known.forget(name);
                Err(error)
            }
        }
    }
}

impl Head {
    fn stat(&self) -> Option<Identity> {
        let metadata = match &self.held {
            Some(held) if !held.is_due() => held.stat(),
            _ => std::fs::symlink_metadata(&self.path),
        };
        Some(Identity::of(&metadata.ok()?))
    }
}

/// Reads a `HEAD` and checks that it is 64 lower-case hexadecimal digits and nothing else, before anything joins it to a
/// path. The identity is that of before it was read.
fn read(path: &Path) -> Result<(File, Identity, BundleVersion)> {
    let (file, metadata) = files::open_regular(path)?;
    let mut text = Vec::with_capacity(65);
    // One byte more than a version has shows that there is too much.
    let read = (&file).take(65).read_to_end(&mut text);
    read.map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    match std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()) {
        Some(version) => Ok((file, Identity::of(&metadata), version)),
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
