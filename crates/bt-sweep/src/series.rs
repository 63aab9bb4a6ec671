use std::cell::RefCell;
use std::fmt;
use std::iter::repeat_n;
use std::sync::Arc;

use bt_cache::{Cache, CacheStats, Equivalent, Limits};
use bt_core::{AssetId, BundleVersion, Field};
use bt_dataportal::{DataPortal, Moment, Series};

use crate::Result;
use crate::error::no_place;
use crate::indicator::{Indicator, Sums, column};

/// Indicators that trials share: each is computed once per (bundle version, assets, field, indicator), whoever asks first, and read
/// by all trials and workers.
///
/// Bounded by bytes, the least recently used goes first; any number of threads that ask for the same missing series cause one
/// computation. What a series depends on is in its key: a fold or another version of a bundle has series of its own.
///
/// ```
/// use bt_sweep::SeriesCache;
/// let cache = SeriesCache::default();
/// assert_eq!(cache.stats().max_bytes, SeriesCache::DEFAULT_MAX_BYTES);
/// assert_eq!(SeriesCache::DEFAULT_MAX_BYTES, 256 << 20);
/// ```
pub struct SeriesCache {
    cache: Cache<Key, [f64]>,
}

/// What a series is computed from, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    version: BundleVersion,
    assets: Arc<[AssetId]>,
    field: Field,
    indicator: Indicator,
}

/// The same, of assets that somebody else holds. Its fields are hashed in the order of the key's.
#[derive(Hash)]
struct Asked<'a> {
    version: BundleVersion,
    assets: &'a [AssetId],
    field: Field,
    indicator: Indicator,
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        (self.field, self.indicator, self.version) == (key.field, key.indicator, key.version)
            && *self.assets == *key.assets
    }
}

impl SeriesCache {
    /// 256 MiB: the 20 averages of a 10 × 10 grid over 500 assets with 2,520 bars take 192 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 256 << 20;

    /// An empty cache of at most so many bytes, keys and overhead included.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where the limit is 0.
    pub fn new(max_bytes: usize) -> Result<Self> {
        // Bytes alone bound it: the overhead that is counted for each entry bounds the number.
        let limits = Limits { max_bytes, max_entries: usize::MAX };
        let weigh = |key: &Key, values: &[f64]| size_of_val(&*key.assets) + size_of_val(values);
        Ok(Self { cache: Cache::new(limits, weigh)? })
    }

    /// The indicator over all bars of the assets in the portal's bundle, one asset after the other, one value for each bar:
    /// kept, in O(assets), or computed in O(bars).
    ///
    /// It holds later bars too. A strategy that goes from moment to moment reads it through [`Indicators`].
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) where the lookback is 0; [`Error::Data`](crate::Error::Data) where an asset is
    /// of another version, the bundle has no such field, or its storage fails.
    pub fn get(
        &self,
        portal: &DataPortal<'_>,
        assets: &[AssetId],
        field: Field,
        indicator: Indicator,
    ) -> Result<Arc<[f64]>> {
        indicator.check()?;
        let asked = Asked { version: portal.version(), assets, field: indicator.reads(field), indicator };
        if let Some(kept) = self.cache.get_kept(&asked) {
            return Ok(kept);
        }
        let Asked { version, field, .. } = asked;
        let key = Key { version, assets: assets.into(), field, indicator };
        Ok(self.cache.get_or_load(&key, || computed(portal, assets, field, indicator))?)
    }

    /// The indicator of several assets, to be read at moment after moment. O(assets) where it is kept.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn indicators<'t>(
        &self,
        portal: &'t DataPortal<'t>,
        assets: &[AssetId],
        field: Field,
        indicator: Indicator,
    ) -> Result<Indicators<'t>> {
        let values = self.get(portal, assets, field, indicator)?;
        let mut start = 0;
        let line = |&asset| {
            let line = Line { start, bars: portal.series(asset, indicator.reads(field))? };
            start += portal.bundle().bars(asset)?.len();
            Ok(line)
        };
        let lines = assets.iter().map(line).collect::<Result<_>>()?;
        Ok(Indicators { values, lines })
    }

    /// Takes all series out.
    pub fn clear(&self) {
        self.cache.clear();
    }

    /// Counters and sizes: `loads` is the number of series that were computed, whatever the number of assets in each.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }
}

thread_local! {
    /// Each worker's, since a cache that is full computes series all the time.
    static SUMS: RefCell<Sums> = RefCell::default();
}

/// Written where it will be read. What was collected first and copied then would take its memory three times over.
fn computed(
    portal: &DataPortal<'_>,
    assets: &[AssetId],
    field: Field,
    indicator: Indicator,
) -> bt_core::Result<Arc<[f64]>> {
    // The portal names the columns that there are where this one is not.
    assets.iter().try_for_each(|&asset| portal.series(asset, field).map(|_| ()))?;
    let bars = |&asset| portal.bundle().bars(asset);
    let all = assets.iter().map(bars).collect::<bt_core::Result<Vec<_>>>()?;
    let mut out: Arc<[f64]> = repeat_n(f64::NAN, all.iter().map(|bars| bars.len()).sum()).collect();
    let mut rest = Arc::get_mut(&mut out).expect("nobody else has it yet");
    for bars in all {
        let (place, others) = rest.split_at_mut(bars.len());
        let values = column(bars, field)?;
        SUMS.with_borrow_mut(|sums| {
            sums.clear();
            indicator.write(bars, values, sums, place, 0);
        });
        rest = others;
    }
    Ok(out)
}

impl Default for SeriesCache {
    /// One of [`DEFAULT_MAX_BYTES`](Self::DEFAULT_MAX_BYTES).
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_BYTES).expect("the default limit is not 0")
    }
}

impl fmt::Debug for SeriesCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SeriesCache").field(&self.stats()).finish()
    }
}

/// An indicator of several assets, read at moment after moment: hands out nothing that is not known yet. Assets are named by
/// their place among those that it was asked for.
#[derive(Clone)]
pub struct Indicators<'t> {
    values: Arc<[f64]>,
    lines: Vec<Line<'t>>,
}

/// Where one asset's values begin, and its bars.
#[derive(Clone)]
struct Line<'t> {
    start: usize,
    bars: Series<'t>,
}

impl Indicators<'_> {
    /// The value at the asset's last bar known; none before there are bars enough, and after a missing value. In a gap and after a
    /// delisting that is still the last bar's. O(1); on a bundle without a slab one binary search.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where the moment is of another bundle version;
    /// [`Error::Invalid`](crate::Error::Invalid) where there is no such place.
    #[inline(always)]
    pub fn at(&self, place: usize, moment: Moment<'_>) -> Result<Option<f64>> {
        let line = self.line(place)?;
        Ok(self.value(line.start, line.bars.at(moment)?.len()))
    }

    /// As [`at`](Self::at), but none where the asset has no bar *now*.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn current(&self, place: usize, moment: Moment<'_>) -> Result<Option<f64>> {
        let line = self.line(place)?;
        Ok(self.value(line.start, line.bars.current(moment)?.map_or(0, <[f64]>::len)))
    }

    /// One value for each bar known, oldest first; NaN where there is none. In the time of [`at`](Self::at).
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn known(&self, place: usize, moment: Moment<'_>) -> Result<&[f64]> {
        self.window(place, moment, usize::MAX)
    }

    /// The values at the last `bar_count` bars known, oldest first, NaN where there is none; fewer where fewer bars are known. In
    /// the time of [`at`](Self::at).
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn window(&self, place: usize, moment: Moment<'_>, bar_count: usize) -> Result<&[f64]> {
        let line = self.line(place)?;
        let known = line.bars.at(moment)?.len();
        let end = line.start + known;
        Ok(self.values.get(end - bar_count.min(known)..end).unwrap_or_default())
    }

    /// How many assets there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The asset of a place.
    #[inline]
    pub fn asset(&self, place: usize) -> Option<AssetId> {
        self.lines.get(place).map(|line| line.bars.asset())
    }

    /// The last of so many values from `start` on.
    #[inline(always)]
    fn value(&self, start: usize, known: usize) -> Option<f64> {
        let last = self.values.get(start + known.checked_sub(1)?);
        last.copied().filter(|value| !value.is_nan())
    }

    #[inline(always)]
    fn line(&self, place: usize) -> Result<&Line<'_>> {
        self.lines.get(place).ok_or_else(|| no_place(place, self.lines.len()))
    }
}

impl fmt::Debug for Indicators<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indicators")
            .field("assets", &self.lines.len())
            .field("values", &self.values.len())
            .finish()
    }
}
