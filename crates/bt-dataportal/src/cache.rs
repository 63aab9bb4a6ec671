use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, RecordBatch};
use bt_cache::{Cache, CacheStats, Limits};
use bt_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;

use crate::HistoryHandle;
use crate::key::Key;

/// What a [`HistoryCache`] keeps, and how much of it.
///
/// ```
/// use bt_dataportal::{HistoryOptions, Policy};
/// let options = HistoryOptions::default();
/// assert_eq!(options.policy, Policy::Auto);
/// assert_eq!(options.permanent_windows, [20, 50, 200]);
/// assert_eq!(options.tier2_entries, 256);
/// assert_eq!(options.max_bytes, 200 << 20);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryOptions {
    /// Bar counts whose windows go to tier 1: never evicted, and refused once their share of the budget is full.
    /// Each at least 1; may be empty.
    pub permanent_windows: Vec<usize>,
    /// Windows of other bar counts that tier 2 keeps, the least recently used leaving first; at least 1.
    pub tier2_entries: usize,
    /// Bytes of both tiers together, keys and overhead included; at least 1. A quarter of it is tier 2's.
    pub max_bytes: usize,
    /// What is worth keeping.
    pub policy: Policy,
}

/// Which windows a [`HistoryCache`] keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Policy {
    /// Those for which a hit costs less than making them: frames; panels that are no views, from 64 values on where
    /// they are permanent and from 512 on where they may be evicted. A slice or a view never is.
    #[default]
    Auto,
    /// All, single slices and views included.
    Always,
    /// None.
    Never,
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self {
            permanent_windows: vec![20, 50, 200],
            tier2_entries: 256,
            max_bytes: 200 << 20,
            policy: Policy::Auto,
        }
    }
}

/// Windows that had to be made, kept for all workers: what cannot be a view is made once.
///
/// One object for a whole sweep. A worker reads it through a [`HistoryHandle`]. A value is found under everything it
/// depends on (bundle version, assets, fields, bar count, moment and form), so nothing ever has to be invalidated.
///
/// # Memory
/// `bytes` of both tiers together never exceed [`HistoryOptions::max_bytes`]. Handles share the values that the tiers
/// keep; each handle has a table of its own, uncounted, of about 100 bytes a place and up to 16 places for 7 windows of
/// tier 1 that it has read, and the one window that it handed out last.
///
/// Permanent means permanent: windows of a bundle version that nobody reads any more stay in tier 1, too. A process that
/// outlives versions makes room with [`clear`](Self::clear), as the workers of `bt-layers` do when they meet a new version.
pub struct HistoryCache {
    pub(crate) tier1: Arc<Cache<Key, Kept>>,
    pub(crate) tier2: Arc<Cache<Key, Kept>>,
    options: HistoryOptions,
    /// Bytes of windows that are being made for tier 1.
    arriving: Mutex<usize>,
    refused: AtomicU64,
}

/// A window that was made.
#[derive(Debug)]
pub(crate) enum Kept {
    /// Column after column.
    Values(Box<[f64]>),
    Frame(RecordBatch),
}

impl HistoryCache {
    /// An empty cache.
    ///
    /// # Errors
    /// [`InvalidOption`](ErrorKind::InvalidOption) where a limit or a permanent window is 0.
    pub fn new(options: HistoryOptions) -> Result<Self> {
        if options.permanent_windows.contains(&0) {
            return Err(Error::invalid_option("permanent_windows", 0, "windows of at least 1 bar"));
        }
        for (option, value) in [("tier2_entries", options.tier2_entries), ("max_bytes", options.max_bytes)] {
            if value == 0 {
                return Err(Error::invalid_option(option, value, "at least 1"));
            }
        }
        // A budget too small to be split holds no entry at all, so a byte too much in a limit is never used.
        let max_bytes2 = (options.max_bytes / 4).max(1);
        let max_bytes1 = (options.max_bytes - options.max_bytes / 4).max(1);
        let tier =
            |max_bytes, max_entries| Cache::new(Limits { max_bytes, max_entries }, weigh).map(Arc::new);
        Ok(Self {
            tier1: tier(max_bytes1, usize::MAX)?,
            tier2: tier(max_bytes2, options.tier2_entries)?,
            options,
            arriving: Mutex::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// A worker's own reader.
    pub fn handle(self: &Arc<Self>) -> HistoryHandle {
        HistoryHandle::new(Arc::clone(self))
    }

    /// What both tiers did and hold. Hits of handles are in it up to their last refresh. O(1), under both locks in turn.
    pub fn stats(&self) -> HistoryStats {
        let refused = self.refused.load(Ordering::Relaxed);
        let tier1 = self.tier1.stats();
        // To tier 1 itself, a window without room is a load that failed.
        let tier1 = CacheStats {
            rejections: tier1.rejections + refused,
            loads: tier1.loads.saturating_sub(refused),
            load_failures: tier1.load_failures.saturating_sub(refused),
            ..tier1
        };
        HistoryStats { tier1, tier2: self.tier2.stats(), max_bytes: self.options.max_bytes }
    }

    /// The options it was made with.
    pub fn options(&self) -> &HistoryOptions {
        &self.options
    }

    /// Drops everything kept; windows that are being made meanwhile are handed out and not kept. Handles drop theirs at
    /// their next refresh. O(windows kept).
    pub fn clear(&self) {
        self.tier1.clear();
        self.tier2.clear();
    }

    #[inline]
    pub(crate) fn is_permanent(&self, bar_count: usize) -> bool {
        self.options.permanent_windows.contains(&bar_count)
    }

    /// Sets room aside in tier 1 for a value of this weight, until the guard is dropped.
    pub(crate) fn reserve(&self, weight: usize) -> Result<Reservation<'_>> {
        let weight = weight.saturating_add(Cache::<Key, Kept>::OVERHEAD);
        let mut arriving = self.arriving.lock();
        let taken = arriving.saturating_add(self.tier1.bytes());
        if taken.saturating_add(weight) > self.tier1.limits().max_bytes {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Error::other(NoRoom));
        }
        *arriving += weight;
        Ok(Reservation { cache: self, weight })
    }
}

impl fmt::Debug for HistoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HistoryCache").field(&self.options).field(&self.stats()).finish()
    }
}

/// Room in tier 1 for a window that is being made. Evicting a permanent window for it would be no answer.
pub(crate) struct Reservation<'c> {
    cache: &'c HistoryCache,
    weight: usize,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        *self.cache.arriving.lock() -= self.weight;
    }
}

/// Tier 1 is full: tells a load that its value must not be kept.
#[derive(Debug)]
struct NoRoom;

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the permanent windows' share of the budget is full")
    }
}

impl std::error::Error for NoRoom {}

pub(crate) fn is_no_room(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Other(source) if source.is::<NoRoom>())
}

/// What both tiers of a [`HistoryCache`] did and hold.
#[derive(Clone, Copy, Debug)]
pub struct HistoryStats {
    /// The permanent windows. `rejections` are windows that found their share of the budget full.
    pub tier1: CacheStats,
    /// All other windows.
    pub tier2: CacheStats,
    /// The limit on [`bytes`](Self::bytes).
    pub max_bytes: usize,
}

impl HistoryStats {
    /// Hits of both tiers per access, from 0 to 1; 0 before the first access.
    pub fn hit_rate(&self) -> f64 {
        let hits = self.tier1.hits + self.tier2.hits;
        match hits + self.tier1.misses + self.tier2.misses {
            0 => 0.0,
            accesses => hits as f64 / accesses as f64,
        }
    }

    /// Bytes kept by both tiers, keys and overhead included.
    pub fn bytes(&self) -> usize {
        self.tier1.bytes + self.tier2.bytes
    }
}

pub(crate) fn weigh(_: &Key, kept: &Kept) -> usize {
    let content = match kept {
        Kept::Values(values) => size_of_val::<[f64]>(values),
        Kept::Frame(frame) => frame_bytes(frame),
    };
    size_of::<Kept>() + ALLOCATION + content
}

/// What the arrays hold, and what the batch, its columns and its schema take around them. All columns of values are parts
/// of one buffer, so it is the parts that are counted.
fn frame_bytes(frame: &RecordBatch) -> usize {
    let validity = |column: &ArrayRef| column.nulls().map_or(0, |nulls| nulls.buffer().capacity());
    let arrays: usize =
        frame.columns().iter().map(|column| column.len() * size_of::<f64>() + validity(column)).sum();
    let names: usize =
        frame.schema_ref().fields().iter().map(|column| column.name().len() + COLUMN_BYTES).sum();
    FRAME_BYTES + arrays + names
}

/// What an allocator adds to a block.
const ALLOCATION: usize = 16;
/// A schema with the counts of its `Arc`, two buffers with theirs.
const FRAME_BYTES: usize = 256;
/// A field of a schema with its `Arc` and its place in the list, an `Arc` of an array and its place.
const COLUMN_BYTES: usize = 256;
