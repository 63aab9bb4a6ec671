use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bt_core::{Bundle, BundleName, BundleSource, Error, Result};

use super::report::counted;
use super::{Extras, Ingest, IngestReport};
use crate::{Appended, Disk, Store};

/// What [`Ingest::append_to`] read and did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppendReport {
    /// What the input was understood to be; version, assets and bars are the input's alone.
    pub input: IngestReport,
    /// What became of the bundle.
    pub appended: Appended,
}

impl fmt::Display for AppendReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Appended { published, previous, new_bars, repeated_bars, .. } = &self.appended;
        writeln!(f, "input of the append")?;
        self.input.understood(f)?;
        write!(f, "\n\n{} {previous}", self.input.name)?;
        match published.version == *previous {
            true => writeln!(f, " (as before)")?,
            false => writeln!(f, " \u{2192} {}", published.version)?,
        }
        write!(f, "  appended   {}", counted(*new_bars, "new bar"))?;
        if *repeated_bars > 0 {
            write!(f, ", left out {repeated_bars} that the bundle had already")?;
        }
        let (assets, bars) = (counted(published.assets as u64, "asset"), counted(published.rows, "bar"));
        write!(f, "\n  holds      {assets}, {bars}")
    }
}

impl Ingest<'_> {
    /// Publishes the current version of a bundle with the rows of all inputs behind it; see [`Store::append`].
    ///
    /// The frequency is that of the bundle unless another is stated, which is then an error. So are the extra columns, unless
    /// [`Extras::Only`] states others; columns that the bundle does not have are ignored and reported. The new bars are
    /// grouped in a temporary directory first, so they may be larger than memory too.
    ///
    /// # Errors
    /// What [`into_store`](Self::into_store) and [`Store::append`] refuse. The old version stays current then.
    pub fn append_to(mut self, store: &Store, name: &BundleName) -> Result<AppendReport> {
        let bundle = store.open(name)?;
        self.options.frequency.get_or_insert(bundle.frequency());
        if self.options.extras == Extras::Numeric {
            self.options.extras = Extras::Only(bundle.extra_columns().to_vec());
        }
        drop(bundle);
        let directory = match &self.options.temporary_directory {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        };
        let directory = directory.map_err(|error| Error::io("create a temporary directory", error))?;
        let new = Store::create(directory.path())?.with_disk(Arc::new(Unsynced));
        let input = self.into_store(&new, name)?;
        let origin = format!("appended from {}", input.sources.join(", "));
        let appended = store.append(name, &*new.open(name)?, &origin)?;
        Ok(AppendReport { input, appended })
    }
}

/// What is gone after the append need not outlive a crash.
#[derive(Debug)]
struct Unsynced;

impl Disk for Unsynced {
    fn sync_file(&self, _: &File) -> std::io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}
