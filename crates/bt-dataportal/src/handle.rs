use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use bt_core::ndarray::{ArrayView, ArrayView2, ArrayView3, Axis, Dimension, ShapeBuilder, StrideShape};
use bt_core::{AssetId, Field, Result};

use crate::cache::{self, HistoryCache, Kept, Policy};
use crate::history;
use crate::key::{Form, Key};
use crate::panel::{self, Rows};
use crate::{AssetSet, Moment, Request, Window};

/// One worker's reader of a [`HistoryCache`]: hits on permanent windows touch nothing that another thread writes.
///
/// Every method checks moment, identifiers and fields first, as without a cache; only then it looks for a kept window.
/// What is not worth keeping, it hands out as the moment itself would. Call [`refresh`](Self::refresh) once per trial.
///
/// A hit takes O(1): in tier 1 a look-up in a table of its own, in tier 2 one in the shared table under its lock. A miss
/// takes what making the window takes. An error is never kept. What a method hands out is borrowed from the handle: read
/// it before the next call, or copy it.
pub struct HistoryHandle {
    cache: Arc<HistoryCache>,
    tier1: bt_cache::Handle<Key, Kept>,
    /// The window handed out last, where tier 1 does not hold it.
    last: Option<Arc<Kept>>,
}

/// Permanent panels with fewer values are made anew by [`Policy::Auto`]: without gaps, a hit costs as much (about 45 ns).
const AUTO_TIER1_VALUES: usize = 64;
/// The same for tier 2, which may miss: taking a window in and another out costs about 300 ns, and a window of this size
/// over gaps about 500 to make. So reading in a circle costs at most two thirds as much again, and a hit saves nine tenths.
const AUTO_TIER2_VALUES: usize = 512;

impl HistoryHandle {
    pub(crate) fn new(cache: Arc<HistoryCache>) -> Self {
        let tier1 = cache.tier1.handle();
        Self { cache, tier1, last: None }
    }

    /// [`Moment::window`], kept under [`Policy::Always`] alone: a slice costs less than any lookup.
    ///
    /// # Errors
    /// As [`Moment::window`].
    #[inline]
    pub fn window<'s>(
        &'s mut self,
        moment: Moment<'s>,
        asset: AssetId,
        field: Field,
        bar_count: usize,
    ) -> Result<&'s [f64]> {
        let window = moment.window(asset, field, bar_count)?;
        match self.cache.options().policy {
            Policy::Always if u32::try_from(bar_count).is_ok() => {
                let request = Request::new(asset, std::slice::from_ref(&field), bar_count);
                self.values(moment, &request, true, || Ok(window.to_vec()))
            }
            _ => Ok(window),
        }
    }

    /// [`Moment::panel`], made once where it is no view. Shape (`bar_count`, assets), each column contiguous.
    ///
    /// # Errors
    /// As [`Moment::panel`].
    #[inline]
    pub fn panel<'s>(
        &'s mut self,
        moment: Moment<'s>,
        set: &AssetSet,
        field: Field,
        bar_count: usize,
    ) -> Result<ArrayView2<'s, f64>> {
        history::check_panel(moment, set, field, bar_count)?;
        let fields = [field];
        let request = Request::new(set, &fields, bar_count);
        if self.cache.options().policy != Policy::Always
            && let Some(view) = panel::view(moment.portal, set, &fields, Rows::of(moment, bar_count))
        {
            return Ok(view.index_axis_move(Axis(2), 0));
        }
        let keep = self.keeps(bar_count, bar_count.saturating_mul(set.len()));
        let values = self.values(moment, &request, keep, || Window { moment, request }.values())?;
        Ok(shaped((bar_count, set.len()).f(), values))
    }

    /// [`Window::array`], made once where it is no view. Shape (bars, assets, fields), each column contiguous.
    ///
    /// # Errors
    /// As [`Window::array`].
    pub fn array<'s>(&'s mut self, window: &Window<'s>) -> Result<ArrayView3<'s, f64>> {
        self.checked_array(window.moment, &window.request)
    }

    /// [`Window::frame`], made once unless the policy is [`Policy::Never`].
    ///
    /// # Errors
    /// As [`Window::frame`].
    pub fn frame(&mut self, window: &Window<'_>) -> Result<&RecordBatch> {
        let key = Key::new(window.moment, &window.request, Form::Frame);
        let keep = self.cache.options().policy != Policy::Never;
        let kept = self.kept(&key, window.request.bar_count, keep, || window.frame().map(Kept::Frame))?;
        match kept {
            Kept::Frame(frame) => Ok(frame),
            Kept::Values(_) => unreachable!("a key says in what form its value is kept"),
        }
    }

    /// Starts the next trial: hands over the count of hits, drops what the cache has dropped. Changes no answer, so it
    /// may come at any time. O(1) where nothing left the cache since the last time, else O(windows held).
    pub fn refresh(&mut self) {
        self.tier1.refresh();
        self.last = None;
    }

    /// The cache that it reads.
    pub fn cache(&self) -> &Arc<HistoryCache> {
        &self.cache
    }

    fn checked_array<'s>(
        &'s mut self,
        moment: Moment<'s>,
        request: &Request<'_>,
    ) -> Result<ArrayView3<'s, f64>> {
        if self.cache.options().policy != Policy::Always
            && let Some(view) = history::view(moment, request)?
        {
            return Ok(view);
        }
        let (assets, fields) = (request.columns(), request.fields.len());
        let values = request.bar_count.saturating_mul(assets).saturating_mul(fields);
        let keep = self.keeps(request.bar_count, values);
        let values = self.values(moment, request, keep, || Window { moment, request: *request }.values())?;
        Ok(shaped((values.len() / (assets * fields), assets, fields).f(), values))
    }

    /// Whether a copy of so many values is worth keeping.
    #[inline]
    fn keeps(&self, bar_count: usize, values: usize) -> bool {
        match self.cache.options().policy {
            Policy::Auto if self.cache.is_permanent(bar_count) => values >= AUTO_TIER1_VALUES,
            Policy::Auto => values >= AUTO_TIER2_VALUES,
            Policy::Always => true,
            Policy::Never => false,
        }
    }

    fn values(
        &mut self,
        moment: Moment<'_>,
        request: &Request<'_>,
        keep: bool,
        make: impl Fn() -> Result<Vec<f64>>,
    ) -> Result<&[f64]> {
        let key = Key::new(moment, request, Form::Values);
        match self.kept(&key, request.bar_count, keep, || Ok(Kept::Values(make()?.into())))? {
            Kept::Values(values) => Ok(values),
            Kept::Frame(_) => unreachable!("a key says in what form its value is kept"),
        }
    }

    fn kept(
        &mut self,
        key: &Key,
        bar_count: usize,
        keep: bool,
        make: impl Fn() -> Result<Kept>,
    ) -> Result<&Kept> {
        let make = || make().map(Arc::new);
        if keep && self.cache.is_permanent(bar_count) {
            return self.permanent(key, make);
        }
        let kept = if keep { self.cache.tier2.get_or_load(key, make)? } else { make()? };
        Ok(self.last.insert(kept))
    }

    fn permanent(&mut self, key: &Key, make: impl Fn() -> Result<Arc<Kept>>) -> Result<&Kept> {
        // The reservation outlives the load, so that the room is counted until tier 1 itself counts it.
        let (mut room, mut spare) = (None, None);
        let held = self.tier1.get_or_load(key, || {
            let kept = make()?;
            match self.cache.reserve(cache::weigh(key, &kept)) {
                Ok(reserved) => room = Some(reserved),
                Err(full) => {
                    spare = Some(kept);
                    return Err(full);
                }
            }
            Ok(kept)
        });
        match held {
            Err(error) if cache::is_no_room(&error) => Ok(self.last.insert(spare.map_or_else(make, Ok)?)),
            held => held,
        }
    }
}

/// Values that lie column after column, in their shape.
#[inline]
fn shaped<D: Dimension>(shape: impl Into<StrideShape<D>>, values: &[f64]) -> ArrayView<'_, f64, D> {
    ArrayView::from_shape(shape, values).unwrap_or_else(|_| unreachable!("columns are of one length"))
}

impl fmt::Debug for HistoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryHandle").field("held", &self.tier1.len()).field("cache", &self.cache).finish()
    }
}
