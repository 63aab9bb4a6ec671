use std::sync::Arc;

use bt_core::{Bundle, BundleName, BundleSource, BundleVersion, ErrorKind, Result};

use crate::opened::Opened;
use crate::table::in_table;
use crate::{GroupedBars, GroupedCache, TableSource};

/// Layer 1 over a source of tables: each version is read and grouped once, and kept.
///
/// Put the pool of open bundles over it, and it is asked for each version once; without a pool it serves what it keeps
/// after one look at the table's version.
#[derive(Debug)]
pub struct Grouped<T> {
    tables: T,
    cache: GroupedCache,
    opened: Opened,
}

/// How often a table may change while it is being opened before that is an error.
const ATTEMPTS: usize = 8;

impl<T: TableSource> Grouped<T> {
    /// Groups the tables of a source, and keeps up to 2 GiB of them.
    pub fn new(tables: T) -> Self {
        Self::with_cache(tables, GroupedCache::default())
    }

    /// Groups the tables of a source, and keeps them in this cache, which others may share: versions tell tables apart.
    pub fn with_cache(tables: T, cache: GroupedCache) -> Self {
        Self { tables, cache, opened: Opened::default() }
    }

    /// The source of the tables.
    pub fn tables(&self) -> &T {
        &self.tables
    }

    /// What is kept, and how often that helped.
    pub fn cache(&self) -> &GroupedCache {
        &self.cache
    }

    /// Forgets what was opened under this name and no other: the next opening reads its table anew, and what is being
    /// read right now is not kept. Those who hold its bars go on with them.
    pub fn forget(&self, name: &BundleName) {
        for version in self.opened.versions(name) {
            self.cache.remove(&version);
        }
    }

    /// The bundle with this version, kept or read; what was read instead, where the table has another version now.
    fn fetch(&self, name: &BundleName, version: BundleVersion) -> Fetched {
        let is_kept = |version: &BundleVersion| self.cache.keeps(version);
        let _loading = self.opened.note(name, version, is_kept);
        let mut other = None;
        let fetched = self.cache.get_or_load(&version, || {
            let table = self.tables.read(name)?;
            let bars = GroupedBars::from_table(&table).map_err(|error| in_table(name, error))?;
            let bars = Arc::new(bars);
            if bars.version() == version {
                return Ok(bars);
            }
            let _keeping = self.opened.note(name, bars.version(), is_kept);
            self.cache.insert(Arc::clone(&bars));
            other = Some(bars);
            Err(ErrorKind::VersionNotFound { name: name.clone(), version }.into())
        });
        match (fetched, other) {
            (_, Some(other)) => Fetched::Changed(Some(other)),
            (Ok(bars), None) => Fetched::Bars(bars),
            // Another thread's load met a changed table.
            (Err(error), None) => match error.kind() {
                ErrorKind::VersionNotFound { version: missing, .. } if *missing == version => {
                    Fetched::Changed(None)
                }
                _ => Fetched::Failed(error),
            },
        }
    }
}

enum Fetched {
    Bars(Arc<GroupedBars>),
    Changed(Option<Arc<GroupedBars>>),
    Failed(bt_core::Error),
}

impl<T: TableSource> BundleSource for Grouped<T> {
    type Bundle = GroupedBars;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.tables.version(name)
    }

    fn open(&self, name: &BundleName) -> Result<Arc<GroupedBars>> {
        let mut version = self.tables.version(name)?;
        for _ in 0..ATTEMPTS {
            match self.fetch(name, version) {
                Fetched::Bars(bars) | Fetched::Changed(Some(bars)) => return Ok(bars),
                Fetched::Changed(None) => version = self.tables.version(name)?,
                Fetched::Failed(error) => return Err(error),
            }
        }
        Err(ErrorKind::VersionNotFound { name: name.clone(), version }.into())
    }

    /// A version that was opened under this name and is kept, or a kept slice of it, or the current version: a table's
    /// history is not.
    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<GroupedBars>> {
        let gone = || ErrorKind::VersionNotFound { name: name.clone(), version }.into();
        // Another name's bars are no version of this one's, kept or not.
        let is_ours = |bars: &Arc<GroupedBars>| self.opened.has(name, bars.whole().unwrap_or(bars).version());
        if let Some(bars) = self.cache.get(&version).filter(is_ours) {
            return Ok(bars);
        }
        if self.tables.version(name)? != version {
            return Err(gone());
        }
        match self.fetch(name, version) {
            Fetched::Bars(bars) => Ok(bars),
            Fetched::Changed(_) => Err(gone()),
            Fetched::Failed(error) => Err(error),
        }
    }
}
