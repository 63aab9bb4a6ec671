use std::cell::RefCell;
use std::fmt;
use std::iter::repeat_n;
use std::sync::Arc;

use bt_cache::{Cache, CacheStats, Limits};
use bt_core::{AssetId, Bars, BundleVersion, Field};
use bt_dataportal::{DataPortal, Moment, Series};

use crate::Result;
use crate::indicator::{Indicator, Sums, column};

/// Indicators that trials share: each is computed once per (bundle version, asset, field, indicator), whoever asks first, and read
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    version: BundleVersion,
    rank: u32,
    field: Field,
    indicator: Indicator,
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
        Ok(Self { cache: Cache::new(limits, |_, values: &[f64]| size_of_val(values))? })
    }

    /// The indicator over all bars of the asset in the portal's bundle, one value for each bar: kept, or computed in O(bars).
    ///
    /// It holds later bars too. A strategy that goes from moment to moment reads it through [`IndicatorSeries`].
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) where the lookback is 0; [`Error::Data`](crate::Error::Data) where the asset is of another version, the bundle has no
    /// such field, or its storage fails.
    pub fn get(
        &self,
        portal: &DataPortal<'_>,
        asset: AssetId,
        field: Field,
        indicator: Indicator,
    ) -> Result<Arc<[f64]>> {
        indicator.check()?;
        let field = indicator.reads(field);
        let rank = portal.assets().rank(asset)? as u32;
        let key = Key { version: portal.version(), rank, field, indicator };
        if let Some(kept) = self.cache.get_kept(&key) {
            return Ok(kept);
        }
        // The portal names the columns that there are where this one is not.
        portal.series(asset, field)?;
        let load = || {
            let bars = portal.bundle().bars(asset)?;
            Ok(computed(indicator, bars, column(bars, field)?))
        };
        Ok(self.cache.get_or_load(&key, load)?)
    }

    /// The indicator of one asset, to be read at moment after moment.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn series<'t>(
        &self,
        portal: &'t DataPortal<'t>,
        asset: AssetId,
        field: Field,
        indicator: Indicator,
    ) -> Result<IndicatorSeries<'t>> {
        let values = self.get(portal, asset, field, indicator)?;
        let bars = portal.series(asset, indicator.reads(field))?;
        Ok(IndicatorSeries { values, bars })
    }

    /// Takes all series out.
    pub fn clear(&self) {
        self.cache.clear();
    }

    /// Counters and sizes: `loads` is the number of series that were computed.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }
}

thread_local! {
    /// Each worker's, since a cache that is full computes series all the time.
    static SUMS: RefCell<Sums> = RefCell::default();
}

/// Written where it will be read. A series that was collected first and copied then would take its memory three times over, in pieces
/// that an allocator of threads does not easily give back.
fn computed(indicator: Indicator, bars: Bars<'_>, values: &[f64]) -> Arc<[f64]> {
    let mut out: Arc<[f64]> = repeat_n(f64::NAN, values.len()).collect();
    let place = Arc::get_mut(&mut out).expect("nobody else has it yet");
    SUMS.with_borrow_mut(|sums| {
        sums.clear();
        indicator.write(bars, values, sums, place);
    });
    out
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

/// An indicator of one asset, read at moment after moment: hands out nothing that is not known yet.
#[derive(Clone)]
pub struct IndicatorSeries<'t> {
    values: Arc<[f64]>,
    bars: Series<'t>,
}

impl IndicatorSeries<'_> {
    /// The value at the last bar known; none before there are bars enough, and after a missing value. In a gap and after a
    /// delisting that is still the last bar's. O(1); on a bundle without a slab one binary search.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where the moment is of another bundle version.
    #[inline(always)]
    pub fn at(&self, moment: Moment<'_>) -> Result<Option<f64>> {
        Ok(self.known(moment)?.last().copied().filter(|value| !value.is_nan()))
    }

    /// As [`at`](Self::at), but none where the asset has no bar *now*.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn current(&self, moment: Moment<'_>) -> Result<Option<f64>> {
        let known = self.bars.current(moment)?.map_or(0, <[f64]>::len);
        let last = known.checked_sub(1).and_then(|last| self.values.get(last));
        Ok(last.copied().filter(|value| !value.is_nan()))
    }

    /// One value for each bar known, oldest first; NaN where there is none. In the time of [`at`](Self::at).
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn known(&self, moment: Moment<'_>) -> Result<&[f64]> {
        let known = self.bars.at(moment)?.len();
        Ok(self.values.get(..known).unwrap_or(&self.values))
    }

    /// The values at the last `bar_count` bars known, oldest first, NaN where there is none; fewer where fewer bars are known. In
    /// the time of [`at`](Self::at).
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn window(&self, moment: Moment<'_>, bar_count: usize) -> Result<&[f64]> {
        let known = self.known(moment)?;
        Ok(&known[known.len() - bar_count.min(known.len())..])
    }

    /// The asset that it belongs to.
    #[inline]
    pub fn asset(&self) -> AssetId {
        self.bars.asset()
    }
}

impl fmt::Debug for IndicatorSeries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndicatorSeries")
            .field("asset", &self.asset())
            .field("bars", &self.values.len())
            .finish()
    }
}
