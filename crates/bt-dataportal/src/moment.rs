use std::fmt;

use bt_core::ndarray::{ArrayView1, ArrayView2, ArrayView3, Axis, CowArray, Ix2, ShapeBuilder};
use bt_core::{AssetId, Bars, Field, Result, Timestamp};

use crate::history::check_panel;
use crate::panel::{self, Rows};
use crate::{AssetSet, DataPortal, Request, Window};

/// What is known at one moment of the calendar: a reference and a position, two words.
///
/// Look-ahead ends here: whatever is reached through a moment ends at the last bar whose timestamp is at or before it.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    pub(crate) portal: &'a DataPortal<'a>,
    pub(crate) position: usize,
}

impl<'a> Moment<'a> {
    /// Settles an asset's range once: what of it is known now. O(1) on a bundle with a slab, else one search.
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where the identifier is of another version; without a slab,
    /// whatever [`Bundle::bars`](bt_core::Bundle::bars) meets.
    #[inline(always)]
    pub fn asset(self, asset: AssetId) -> Result<AssetHistory<'a>> {
        let portal = self.portal;
        match portal.span(asset) {
            Some(span) => Ok(AssetHistory {
                portal,
                all: portal.all,
                first: span.first as usize,
                len: span.known(portal.positions, self.position),
                has_bar: span.has_bar(portal.positions, self.position),
            }),
            None => {
                // Only the bars come back from the cold call: a whole history would be built in memory on both paths.
                let bars = self.search(asset)?;
                let has_bar = bars.timestamps().last() == Some(&self.now());
                Ok(AssetHistory { portal, all: bars, first: 0, len: bars.len(), has_bar })
            }
        }
    }

    /// The last `bar_count` values of one field of one asset, oldest first; fewer where fewer bars are known, none before
    /// its first. A slice of the bundle, made in the time of [`asset`](Self::asset).
    ///
    /// # Errors
    /// As [`asset`](Self::asset); [`UnknownField`](bt_core::ErrorKind::UnknownField).
    #[inline(always)]
    pub fn window(self, asset: AssetId, field: Field, bar_count: usize) -> Result<&'a [f64]> {
        self.asset(asset)?.window(field, bar_count)
    }

    /// One field of many assets on the bundle's calendar, shape (`bar_count`, assets): rows are the calendar's last
    /// moments, the latest at the bottom, NaN where an asset has no bar and where the calendar has not begun.
    ///
    /// A view, O(1), where the set is [regular](AssetSet::is_regular) and all its assets are listed throughout the
    /// window; else copied, O(values), and without a slab one search for each asset more. A
    /// [`HistoryCache`](crate::HistoryCache) keeps such copies. Each column is contiguous.
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where the set is of another version;
    /// [`UnknownField`](bt_core::ErrorKind::UnknownField); [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where
    /// `bar_count` is 0, more than 4,294,967,295 or more than fits into memory; without a slab, whatever
    /// [`Bundle::bars`](bt_core::Bundle::bars) meets.
    #[inline]
    pub fn panel(self, set: &AssetSet, field: Field, bar_count: usize) -> Result<CowArray<'a, f64, Ix2>> {
        check_panel(self, set, field, bar_count)?;
        let rows = Rows::of(self, bar_count);
        match panel::view(self.portal, set, &[field], rows) {
            Some(view) => Ok(view.index_axis_move(Axis(2), 0).into()),
            None => {
                let values = panel::gather(self.portal, set.assets(), &[field], rows)?;
                Ok(panel::owned(values, set.len(), 1).index_axis_move(Axis(2), 0))
            }
        }
    }

    /// The general form: several fields of one asset or of many, as an array or as a frame. O(fields).
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset), [`UnknownField`](bt_core::ErrorKind::UnknownField);
    /// [`UnsupportedFrequency`](bt_core::ErrorKind::UnsupportedFrequency) where another frequency than the bundle's is
    /// asked for; [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where there is no field, or `bar_count` is 0 or
    /// more than 4,294,967,295.
    pub fn history<'r>(self, request: Request<'r>) -> Result<Window<'r>>
    where
        'a: 'r,
    {
        request.check(self)?;
        Ok(Window { moment: self, request })
    }

    /// The latest moment of the calendar that has happened; [`Timestamp::MIN`] before the first.
    ///
    /// For a moment of [`DataPortal::moments`] that is the moment itself, for `portal.at(now)` it is at or before `now`.
    #[inline(always)]
    pub fn now(self) -> Timestamp {
        let last = self.position.checked_sub(1);
        last.and_then(|last| self.portal.calendar.get(last)).copied().unwrap_or(Timestamp::MIN)
    }

    /// How many moments of the calendar have happened: 0 before the first bar.
    #[inline(always)]
    pub fn position(self) -> usize {
        self.position
    }

    /// The portal that it belongs to.
    #[inline(always)]
    pub fn portal(self) -> &'a DataPortal<'a> {
        self.portal
    }

    #[cold]
    fn search(self, asset: AssetId) -> Result<Bars<'a>> {
        self.portal.search(asset).map(|bars| bars.until(self.now()))
    }
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment").field("now", &self.now()).field("position", &self.position).finish()
    }
}

/// What is known of one asset at one [`Moment`]. Every method is a view, takes O(1) and allocates nothing.
///
/// Any `bar_count` will do: 0 gives nothing, more than is known gives all that is.
#[derive(Clone, Copy)]
pub struct AssetHistory<'a> {
    portal: &'a DataPortal<'a>,
    all: Bars<'a>,
    first: usize,
    len: usize,
    has_bar: bool,
}

impl<'a> AssetHistory<'a> {
    /// Whether the asset has a bar *now*. Windows still return its older bars in a gap and after its delisting; before
    /// its listing they are empty.
    #[inline(always)]
    pub fn has_bar(self) -> bool {
        self.has_bar
    }

    /// Number of bars known.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether no bar is known.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// One field of every bar known, oldest first; `len()` values.
    ///
    /// # Errors
    /// [`UnknownField`](bt_core::ErrorKind::UnknownField) where the bundle has no such extra column.
    #[inline(always)]
    pub fn series(self, field: Field) -> Result<&'a [f64]> {
        // Not the window of all bars: cut from the front it takes half the time.
        let start = field.index() * self.all.stride() + self.first;
        let known = self.all.values().get(start..).and_then(|from| from.get(..self.len));
        match known {
            Some(known) if self.portal.has_field(field) => Ok(known),
            _ => Err(self.portal.missing(field)),
        }
    }

    /// One field of the last `bar_count` bars, oldest first; fewer where fewer are known.
    ///
    /// # Errors
    /// [`UnknownField`](bt_core::ErrorKind::UnknownField) where the bundle has no such extra column.
    #[inline(always)]
    pub fn window(self, field: Field, bar_count: usize) -> Result<&'a [f64]> {
        let end = field.index() * self.all.stride() + self.first + self.len;
        // Counted from the end, so that one comparison is left of the bounds checks.
        match self.all.values().get(..end) {
            Some(known) if self.portal.has_field(field) => {
                Ok(&known[end.saturating_sub(bar_count.min(self.len))..])
            }
            _ => Err(self.portal.missing(field)),
        }
    }

    /// [`window`](Self::window) as an ndarray view of shape (n).
    ///
    /// # Errors
    /// As [`window`](Self::window).
    #[inline(always)]
    pub fn view(self, field: Field, bar_count: usize) -> Result<ArrayView1<'a, f64>> {
        self.window(field, bar_count).map(ArrayView1::from)
    }

    /// Open, high, low, close and volume of the last `bar_count` bars, shape (n, 5), each column contiguous; fewer rows
    /// where fewer bars are known.
    #[inline(always)]
    pub fn matrix(self, bar_count: usize) -> ArrayView2<'a, f64> {
        let count = bar_count.min(self.len);
        let start = self.first + (self.len - count);
        // Cut from the whole matrix folded out of one slice: all of it is inlined without link-time optimisation and
        // takes a quarter of the time of a view with strides of its own.
        let (columns, stride) = (Field::OHLCV.len(), self.all.stride());
        let whole = self.all.values().get(..columns * stride).map(ArrayView1::from);
        match whole.map(|whole| whole.into_shape_with_order((columns, stride))) {
            Some(Ok(whole)) => whole.split_at(Axis(1), start).1.split_at(Axis(1), count).0.reversed_axes(),
            _ => self.bars(bar_count).view(),
        }
    }

    /// Fields at equal distances as a view of shape (n, 1, fields).
    pub(crate) fn columns(self, fields: &[Field], bar_count: usize) -> Option<ArrayView3<'a, f64>> {
        let (first, step) = panel::field_steps(fields)?;
        let count = bar_count.min(self.len);
        let start = first * self.all.stride() + self.first + (self.len - count);
        let shape = (count, 1, fields.len()).strides((1, 1, step * self.all.stride()));
        ArrayView3::from_shape(shape, self.all.values().get(start..)?).ok()
    }

    /// The last `bar_count` values of each field, copied one after the other.
    pub(crate) fn copied(self, fields: &[Field], bar_count: usize) -> Result<Vec<f64>> {
        let columns: Result<Vec<_>> = fields.iter().map(|&field| self.window(field, bar_count)).collect();
        Ok(columns?.concat())
    }

    /// The last `bar_count` bars with their timestamps; fewer where fewer are known.
    ///
    /// Read them by column or as a matrix. [`Bars::values`] is the memory that they lie in, later bars included.
    #[inline(always)]
    pub fn bars(self, bar_count: usize) -> Bars<'a> {
        let end = self.first + self.len;
        self.all.slice(end - bar_count.min(self.len), end)
    }

    /// When each of the last `bar_count` bars became known, ascending; fewer where fewer are known.
    #[inline(always)]
    pub fn timestamps(self, bar_count: usize) -> &'a [Timestamp] {
        self.bars(bar_count).timestamps()
    }
}

impl fmt::Debug for AssetHistory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssetHistory").field("len", &self.len).field("has_bar", &self.has_bar).finish()
    }
}
