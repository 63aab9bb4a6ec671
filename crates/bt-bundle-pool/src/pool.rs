use std::sync::Arc;
use std::time::{Duration, Instant};

use bt_cache::{Cache, Limits};
use bt_core::{Bundle, BundleName, BundleSource, BundleVersion, Error, Result};

use crate::confirmed::Confirmed;
use crate::key::{Current, Pinned, PoolKey};
use crate::stats::Counters;
use crate::{PoolHandle, PoolOptions, PoolStats, VersionCheck};

/// Open bundles by name, shared by all workers: the outermost layer over a source.
///
/// Any number of threads that ask for a bundle which is not open cause one `open`. A check of the version asks the
/// source for the version and nothing else; only a changed version is opened. Who holds the old version keeps it.
///
/// # Memory
/// At most `max_bundles` bundles and `max_bytes` bytes, as [`Bundle::heap_bytes`] tells them when a bundle is opened,
/// with name and overhead; a bundle larger than that is handed out and not kept.
pub struct BundlePool<S: BundleSource> {
    source: S,
    options: PoolOptions,
    cache: Arc<Cache<PoolKey, S::Bundle>>,
    confirmed: Confirmed,
    counters: Counters,
    clock: Clock,
}

/// Time since some fixed moment.
type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

/// What to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalidate<'a> {
    /// Everything of one name, its pinned versions included.
    One(&'a BundleName),
    /// Everything.
    All,
}

impl<S: BundleSource> BundlePool<S> {
    /// An empty pool over a source.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOption`](bt_core::ErrorKind::InvalidOption) where a limit is 0.
    pub fn new(source: S, options: PoolOptions) -> Result<Self> {
        let start = Instant::now();
        Self::with_clock(source, options, move || start.elapsed())
    }

    /// As [`new`](Self::new), with a clock of your own: it tells the time since any fixed moment. Where it goes back,
    /// versions are checked again.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_clock(
        source: S,
        options: PoolOptions,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Result<Self> {
        if options.max_bundles == 0 {
            return Err(Error::invalid_option("max_bundles", 0, "at least 1"));
        }
        let limits = Limits { max_bytes: options.max_bytes, max_entries: options.max_bundles };
        Ok(Self {
            source,
            options,
            cache: Arc::new(Cache::new(limits, weigh)?),
            confirmed: Confirmed::new(options.max_bundles),
            counters: Counters::default(),
            clock: Box::new(clock),
        })
    }

    /// The current version of a bundle, as new as the options ask for.
    ///
    /// # Errors
    /// Those of the source, from checking or opening; nothing old is served in their place.
    /// [`ErrorKind::LoaderPanicked`](bt_core::ErrorKind::LoaderPanicked) where it panicked on another thread.
    ///
    /// # Panics
    /// Where the source panics while this thread opens a bundle.
    #[inline]
    pub fn get(&self, name: &BundleName) -> Result<Arc<S::Bundle>> {
        match self.cache.get_kept(&Current(name)) {
            Some(kept) if self.options.version_check == VersionCheck::Never => Ok(kept),
            Some(kept) => self.check(name, kept),
            None => self.open_current(name),
        }
    }

    /// One version of a bundle: what a sweep pins, so that all its workers read the same bars whatever is published
    /// meanwhile. No check is needed, since a version is its content.
    ///
    /// # Errors
    /// [`ErrorKind::VersionNotFound`](bt_core::ErrorKind::VersionNotFound) and whatever else the source meets;
    /// [`ErrorKind::Corrupt`](bt_core::ErrorKind::Corrupt) where it opens another version than it was asked for.
    pub fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<S::Bundle>> {
        let is_current = |bundle: &Arc<S::Bundle>| bundle.version() == version;
        if self.cache.peek(&Current(name)).as_ref().is_some_and(is_current)
            && let Some(current) = self.cache.get_kept(&Current(name)).filter(is_current)
        {
            return Ok(current);
        }
        self.cache.get_or_load(&Pinned(name, version).into(), || {
            let bundle = self.source.open_version(name, version)?;
            match bundle.version() {
                opened if opened == version => Ok(bundle),
                opened => Err(other_version(name, version, opened)),
            }
        })
    }

    /// Forgets bundles, so that the next access opens them anew; what is being opened right now is not kept. Who holds
    /// them keeps them.
    pub fn force_invalidate(&self, what: Invalidate<'_>) {
        match what {
            Invalidate::One(name) => self.cache.retain_keys(|key| key.name != *name),
            Invalidate::All => self.cache.clear(),
        }
    }

    /// Asks the source now, whatever the options say, and forgets the bundle if it has another version than the one that is
    /// open. `true` if so; `false` where nothing has changed or nothing was open.
    ///
    /// # Errors
    /// Those of the source's `version`.
    pub fn invalidate_if_version_changed(&self, name: &BundleName) -> Result<bool> {
        let Some(kept) = self.cache.peek(&Current(name)) else {
            // It may be opening right now, and as an older version than the source has by the time we return.
            self.cache.remove(&Current(name));
            return Ok(false);
        };
        let same = self.confirm(name, &kept)?;
        if !same {
            self.retire(name, &kept);
        }
        Ok(!same)
    }

    /// Counters and sizes.
    pub fn stats(&self) -> PoolStats {
        self.counters.with(self.cache.stats())
    }

    /// A worker's own reader, which hands out references.
    pub fn handle(self: &Arc<Self>) -> PoolHandle<S> {
        PoolHandle::new(Arc::clone(self), self.cache.handle())
    }

    /// The source that the pool opens from.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The options of the pool.
    pub fn options(&self) -> PoolOptions {
        self.options
    }

    /// Whether this very bundle is kept as the current one of its name.
    pub(crate) fn is_current(&self, name: &BundleName, bundle: &Arc<S::Bundle>) -> bool {
        self.cache.peek(&Current(name)).is_some_and(|kept| Arc::ptr_eq(&kept, bundle))
    }

    /// Finds out whether what is kept is new enough, for a handle that starts a trial; forgets it where it is not, or
    /// where the source does not say.
    pub(crate) fn revalidate(&self, name: &BundleName) {
        let Some(kept) = self.cache.peek(&Current(name)) else { return };
        match self.is_new_enough(name, &kept) {
            Ok(true) => (),
            Ok(false) | Err(_) => self.retire(name, &kept),
        }
    }

    fn check(&self, name: &BundleName, kept: Arc<S::Bundle>) -> Result<Arc<S::Bundle>> {
        if self.is_new_enough(name, &kept)? {
            return Ok(kept);
        }
        self.retire(name, &kept);
        self.open_current(name)
    }

    fn open_current(&self, name: &BundleName) -> Result<Arc<S::Bundle>> {
        loop {
            let mut opened_here = false;
            let bundle = self.cache.get_or_load(&Current(name).into(), || {
                opened_here = true;
                let asked_at = self.now();
                let bundle = self.source.open(name)?;
                self.note(name, bundle.version(), asked_at);
                Ok(bundle)
            })?;
            // Another thread may have started to open it before this access began.
            if opened_here || self.is_new_enough(name, &bundle)? {
                return Ok(bundle);
            }
            self.retire(name, &bundle);
        }
    }

    fn is_new_enough(&self, name: &BundleName, kept: &S::Bundle) -> Result<bool> {
        if self.needs_no_check(name, kept) { Ok(true) } else { self.confirm(name, kept) }
    }

    fn needs_no_check(&self, name: &BundleName, kept: &S::Bundle) -> bool {
        match self.options.version_check {
            VersionCheck::Never => true,
            VersionCheck::EveryAccess => false,
            VersionCheck::Every(interval) => {
                self.confirmed.is_recent(name, kept.version(), self.now(), interval)
            }
        }
    }

    /// Asks the source. This is all that a check costs: it never opens a bundle.
    fn confirm(&self, name: &BundleName, kept: &S::Bundle) -> Result<bool> {
        let asked_at = self.now();
        let same = self.source.version(name).map(|version| version == kept.version());
        self.counters.count(&same);
        if let Ok(true) = same {
            self.note(name, kept.version(), asked_at);
        }
        same
    }

    /// Takes out a bundle that is no longer current, and not the one that another thread has put in its place.
    fn retire(&self, name: &BundleName, old: &Arc<S::Bundle>) {
        self.cache.remove_value(&Current(name), old);
    }

    /// Only an interval needs the time.
    fn now(&self) -> Duration {
        match self.options.version_check {
            VersionCheck::Every(_) => (self.clock)(),
            VersionCheck::EveryAccess | VersionCheck::Never => Duration::ZERO,
        }
    }

    fn note(&self, name: &BundleName, version: BundleVersion, asked_at: Duration) {
        if let VersionCheck::Every(_) = self.options.version_check {
            self.confirmed.note(name, version, asked_at);
        }
    }
}

/// A pool is a source itself: what it says is current is what it would serve.
impl<S: BundleSource> BundleSource for BundlePool<S> {
    type Bundle = S::Bundle;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        match self.cache.peek(&Current(name)) {
            Some(kept) if self.needs_no_check(name, &kept) => Ok(kept.version()),
            _ => self.source.version(name),
        }
    }

    fn open(&self, name: &BundleName) -> Result<Arc<Self::Bundle>> {
        self.get(name)
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<Self::Bundle>> {
        BundlePool::open_version(self, name, version)
    }
}

impl<S: BundleSource> std::fmt::Debug for BundlePool<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("BundlePool");
        text.field("options", &self.options).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

fn weigh<B: Bundle + ?Sized>(key: &PoolKey, bundle: &B) -> usize {
    key.name.as_str().len() + size_of_val(bundle) + bundle.heap_bytes()
}

#[cold]
fn other_version(name: &BundleName, asked: BundleVersion, opened: BundleVersion) -> Error {
    let reason = format!("version {asked} was asked for and the source opened {opened}");
    Error::corrupt(format!("bundle {name}"), reason)
}
