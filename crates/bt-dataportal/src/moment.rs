use std::fmt;

use bt_core::ndarray::{ArrayView1, ArrayView2};
use bt_core::{AssetId, Bars, Error, Field, Result, Timestamp};

use crate::DataPortal;

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
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where the identifier is of another version;
    /// [`Corrupt`](bt_core::ErrorKind::Corrupt) where the bundle's slab contradicts itself; without a slab, whatever
    /// [`Bundle::bars`](bt_core::Bundle::bars) meets.
    #[inline]
    pub fn asset(self, asset: AssetId) -> Result<AssetHistory<'a>> {
        let portal = self.portal;
        if asset.version_tag() != portal.version.tag() {
            return self.searched(asset);
        }
        let Some(span) = portal.spans.get(asset.rank()) else { return self.searched(asset) };
        let (first, len) = (span.first as usize, span.known(portal.positions, self.position));
        if first.saturating_add(len) > portal.all.len() {
            return Err(outside(asset));
        }
        let has_bar = span.has_bar(portal.positions, self.position);
        Ok(AssetHistory { portal, all: portal.all, first, len, has_bar })
    }

    /// The last `bar_count` values of one field of one asset; fewer where fewer bars are known, none before its first.
    ///
    /// # Errors
    /// As [`asset`](Self::asset); [`UnknownField`](bt_core::ErrorKind::UnknownField).
    #[inline]
    pub fn window(self, asset: AssetId, field: Field, bar_count: usize) -> Result<&'a [f64]> {
        self.asset(asset)?.window(field, bar_count)
    }

    /// The latest moment of the calendar that has happened; [`Timestamp::MIN`] before the first.
    ///
    /// For a moment of [`DataPortal::moments`] that is the moment itself, for `portal.at(now)` it is at or before `now`.
    #[inline]
    pub fn now(self) -> Timestamp {
        let last = self.position.checked_sub(1);
        last.and_then(|last| self.portal.calendar.get(last)).copied().unwrap_or(Timestamp::MIN)
    }

    /// How many moments of the calendar have happened: 0 before the first bar.
    #[inline]
    pub fn position(self) -> usize {
        self.position
    }

    /// The portal that it belongs to.
    #[inline]
    pub fn portal(self) -> &'a DataPortal<'a> {
        self.portal
    }

    #[cold]
    fn searched(self, asset: AssetId) -> Result<AssetHistory<'a>> {
        let all = self.portal.search(asset)?;
        let known = all.until(self.now());
        let has_bar = known.timestamps().last() == Some(&self.now());
        Ok(AssetHistory { portal: self.portal, all, first: 0, len: known.len(), has_bar })
    }
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment").field("now", &self.now()).field("position", &self.position).finish()
    }
}

#[cold]
fn outside(asset: AssetId) -> Error {
    Error::corrupt("the slab", format!("the bars of {asset} lie outside its matrix"))
}

/// What is known of one asset at one [`Moment`]. Every method is a view and allocates nothing.
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
    #[inline]
    pub fn has_bar(self) -> bool {
        self.has_bar
    }

    /// Number of bars known.
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether no bar is known.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// One field of every bar known, oldest first; `len()` values.
    ///
    /// # Errors
    /// [`UnknownField`](bt_core::ErrorKind::UnknownField) where the bundle has no such extra column.
    #[inline]
    pub fn series(self, field: Field) -> Result<&'a [f64]> {
        self.window(field, self.len)
    }

    /// One field of the last `bar_count` bars, oldest first; fewer where fewer are known.
    ///
    /// # Errors
    /// [`UnknownField`](bt_core::ErrorKind::UnknownField) where the bundle has no such extra column.
    #[inline]
    pub fn window(self, field: Field, bar_count: usize) -> Result<&'a [f64]> {
        let count = bar_count.min(self.len);
        let start = field.index() * self.all.stride() + self.first + (self.len - count);
        match self.all.values().get(start..start + count) {
            Some(values) if self.portal.has_field(field) => Ok(values),
            _ => Err(self.portal.missing(field)),
        }
    }

    /// [`window`](Self::window) as an ndarray view of shape (n).
    ///
    /// # Errors
    /// As [`window`](Self::window).
    #[inline]
    pub fn view(self, field: Field, bar_count: usize) -> Result<ArrayView1<'a, f64>> {
        self.window(field, bar_count).map(ArrayView1::from)
    }

    /// Open, high, low, close and volume of the last `bar_count` bars, shape (n, 5), each column contiguous; fewer rows
    /// where fewer bars are known.
    #[inline]
    pub fn matrix(self, bar_count: usize) -> ArrayView2<'a, f64> {
        self.bars(bar_count).view()
    }

    /// The last `bar_count` bars with their timestamps; fewer where fewer are known.
    #[inline]
    pub fn bars(self, bar_count: usize) -> Bars<'a> {
        let end = self.first + self.len;
        self.all.slice(end - bar_count.min(self.len), end)
    }

    /// When each of the last `bar_count` bars became known, ascending; fewer where fewer are known.
    #[inline]
    pub fn timestamps(self, bar_count: usize) -> &'a [Timestamp] {
        self.bars(bar_count).timestamps()
    }
}

impl fmt::Debug for AssetHistory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssetHistory").field("len", &self.len).field("has_bar", &self.has_bar).finish()
    }
}
