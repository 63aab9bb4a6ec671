//! `HEAD`: which version of a bundle is current.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bt_core::{BundleName, BundleVersion, Error, ErrorKind, Result};

use crate::files;
use crate::known::{Identity, Known};

/// The file's name.
pub(crate) const FILE: &str = "HEAD";

/// The versions that are known to be current, until the file behind one changes.
#[derive(Default)]
pub(crate) struct Heads(Known<BundleName, Head>);

struct Head {
    path: PathBuf,
    version: BundleVersion,
}

impl Heads {
    /// The current version: one `stat` where the file is the one that was read before.
    pub(crate) fn version(&self, root: &Path, name: &BundleName) -> Result<BundleVersion> {
        let stat = |head: &Head| Some(Identity::of(&std::fs::symlink_metadata(&head.path).ok()?));
        match self.0.unchanged(name, stat, |head| head.version) {
            Some(version) => Ok(version),
            None => self.read(root, name),
        }
    }

    #[cold]
    fn read(&self, root: &Path, name: &BundleName) -> Result<BundleVersion> {
        let (now, directory) = (SystemTime::now(), root.join(name.as_str()));
        let path = directory.join(FILE);
        match files::check_directory(&directory).and_then(|()| read(&path)) {
            Ok((version, identity)) => {
                self.0.keep(name.clone(), identity, now, Head { path, version });
                Ok(version)
            }
            Err(error) => {
                self.0.forget(name);
                Err(error)
            }
        }
    }
}

/// Reads a `HEAD` and checks that it is 64 lower-case hexadecimal digits and nothing else, before anything joins it to a
/// path. The identity is that of before it was read.
fn read(path: &Path) -> Result<(BundleVersion, Identity)> {
    let (file, metadata) = files::open_regular(path)?;
    let mut text = Vec::with_capacity(65);
    // One byte more than a version has shows that there is too much.
    let read = (&file).take(65).read_to_end(&mut text);
    read.map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    match std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()) {
        Some(version) => Ok((version, Identity::of(&metadata))),
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
