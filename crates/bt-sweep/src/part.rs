use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bt_core::{
    Adjustment, AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Conventions, Frequency, Slab,
    Span, Timestamp,
};
use bt_layers::bt_asset_cache::GroupedBars;

use crate::{Error, Result};

/// Some consecutive moments of another bundle, as a bundle: what a trial of a fold sees.
///
/// A view: the bars stay where they are, in the parent's memory. No call on it, and none of a
/// [`DataPortal`](bt_dataportal::DataPortal) over it, gives a bar, a moment or a position outside of its moments. (The memory
/// behind a view is the parent's, as [`Bars::values`] says.) It has all assets of the parent, those without a bar in its moments
/// too, and a version of its own: identifiers of the parent are mapped by [`asset`](Self::asset).
///
/// # Memory
/// The names and 36 bytes for each asset; for assets with gaps in the range 4 bytes for each moment between their first bar there
/// and their last. The parent is shared.
pub struct Part {
    parent: Arc<dyn Bundle>,
    moments: Range<usize>,
    assets: AssetList,
    /// What has become known after this moment and up to that one.
    known: (Timestamp, Timestamp),
    /// Where the parent has a slab.
    index: Option<Index>,
}

struct Index {
    spans: Vec<Span>,
    positions: Vec<u32>,
}

impl Part {
    /// The `moments` of the parent's calendar, as indices into it, and the bars at them.
    ///
    /// O(assets + moments of assets with gaps in the range); each asset with gaps costs a binary search more. Without a slab
    /// O(assets).
    ///
    /// # Errors
    /// [`Error::Invalid`] where `moments` is empty or reaches beyond the calendar, or where the moment before them is
    /// [`Timestamp::MIN`].
    pub fn new(parent: Arc<dyn Bundle>, moments: Range<usize>) -> Result<Self> {
        let known = known_range(parent.calendar(), &moments)?;
        let version = GroupedBars::slice_version(parent.version(), known.0, known.1);
        let assets = AssetList::new(version, parent.assets().names())?;
        let calendar_len = parent.calendar().len();
        // As a portal does it: a slab that contradicts itself is not used.
        let slab = parent
            .slab()
            .filter(|slab| slab.spans.len() == assets.len() && slab.check_slice(calendar_len).is_ok());
        let index = slab.map(|slab| Index::of(slab, &moments));
        Ok(Self { parent, moments, assets, known, index })
    }

    /// The moments `scored` with up to `warm_up` moments before them, as many as the calendar has, and which moments of the part
    /// are the scored ones: what a [`TrialView`](crate::TrialView) is made of.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_warm_up(
        parent: Arc<dyn Bundle>,
        scored: Range<usize>,
        warm_up: usize,
    ) -> Result<(Self, Range<usize>)> {
        let first = scored.start.saturating_sub(warm_up);
        let in_part = scored.start - first..scored.end.saturating_sub(first);
        if scored.is_empty() {
            return Err(Error::invalid("scored moments", format!("{scored:?}"), "at least one"));
        }
        Ok((Self::new(parent, first..scored.end)?, in_part))
    }

    /// The bundle that this is a part of.
    pub fn parent(&self) -> &Arc<dyn Bundle> {
        &self.parent
    }

    /// Its moments, as indices into the parent's calendar. Moment `i` of the part is moment `moments().start + i` of the parent.
    pub fn moments(&self) -> Range<usize> {
        self.moments.clone()
    }

    /// The identifier here of an asset of the parent: the same rank, this version.
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where it is not the parent's.
    pub fn asset(&self, of_parent: AssetId) -> Result<AssetId> {
        let rank = self.parent.assets().rank(of_parent)?;
        Ok(AssetId::new(rank as u32, self.version()))
    }

    fn of_parent(&self, asset: AssetId) -> bt_core::Result<AssetId> {
        let rank = self.assets.rank(asset)?;
        Ok(AssetId::new(rank as u32, self.parent.version()))
    }

    fn search(&self, asset: AssetId) -> bt_core::Result<Bars<'_>> {
        let bars = self.parent.bars(self.of_parent(asset)?)?;
        let known = |now| bars.timestamps().partition_point(|&bar| bar <= now);
        let (after, until) = self.known;
        let first = if self.moments.start == 0 { 0 } else { known(after) };
        Ok(bars.slice(first, known(until).max(first)))
    }
}

/// The moment after which and the one up to which bars belong to the range.
fn known_range(calendar: Calendar<'_>, moments: &Range<usize>) -> Result<(Timestamp, Timestamp)> {
    if moments.is_empty() || moments.end > calendar.len() {
        let allowed = format!("a part of 0..{} that is not empty", calendar.len());
        return Err(Error::invalid("moments", format!("{moments:?}"), allowed));
    }
    let after = match moments.start.checked_sub(1) {
        // It would be taken for the part that begins with the calendar.
        Some(before) if calendar[before] == Timestamp::MIN => {
            let allowed = format!("a moment after {}", Timestamp::MIN);
            return Err(Error::invalid("the moment before the part", calendar[before], allowed));
        }
        Some(before) => calendar[before],
        None => Timestamp::MIN,
    };
    Ok((after, calendar[moments.end - 1]))
}

impl Index {
    fn of(parent: Slab<'_>, moments: &Range<usize>) -> Self {
        let mut index = Self { spans: Vec::with_capacity(parent.spans.len()), positions: Vec::new() };
        for span in parent.spans {
            let cut = index.cut(span, parent.positions, moments);
            index.spans.push(cut);
        }
        index.positions.shrink_to_fit();
        index
    }

    /// What is left of an asset's bars in the range, and its table there where it still has gaps.
    fn cut(&mut self, span: &Span, positions: &[u32], moments: &Range<usize>) -> Span {
        let known = |position| span.known(positions, position);
        let before = known(moments.start);
        let until = known(moments.end).max(before);
        let first = span.first + before as u64;
        if until == before {
            return Span { first, ..Span::default() };
        }
        let start = moments.start + first_where(moments.len(), |at| known(moments.start + at + 1) > before);
        let end = moments.start + first_where(moments.len(), |at| known(moments.start + at + 1) >= until) + 1;
        let cut = Span {
            first,
            positions_first: self.positions.len() as u64,
            len: (until - before) as u32,
            calendar_first: (start - moments.start) as u32,
            calendar_len: end.saturating_sub(start) as u32,
        };
        if cut.has_gaps() {
            let table = (start..end).map(|at| known(at + 1).saturating_sub(before) as u32);
            self.positions.extend(table);
        }
        cut
    }
}

/// The first of `0..len` for which `holds`, which then holds for all later ones; `len` where there is none.
fn first_where(len: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

impl Bundle for Part {
    fn version(&self) -> BundleVersion {
        self.assets.version()
    }

    fn assets(&self) -> &AssetList {
        &self.assets
    }

    fn calendar(&self) -> Calendar<'_> {
        let moments = self.parent.calendar().as_slice().get(self.moments.clone());
        Calendar::from_sorted(moments.unwrap_or_default())
    }

    fn frequency(&self) -> Frequency {
        self.parent.frequency()
    }

    fn conventions(&self) -> &Conventions {
        self.parent.conventions()
    }

    fn bars(&self, asset: AssetId) -> bt_core::Result<Bars<'_>> {
        let rank = self.assets.rank(asset)?;
        match self.slab() {
            Some(slab) => Ok(slab.bars(rank)),
            None => self.search(asset),
        }
    }

    /// Its own tables and names. The bars are held, and counted, by the parent.
    fn heap_bytes(&self) -> usize {
        let tables = self.index.as_ref().map_or(0, |Index { spans, positions }| {
            spans.capacity() * size_of::<Span>() + positions.capacity() * size_of::<u32>()
        });
        self.assets.heap_bytes() + tables
    }

    fn slab(&self) -> Option<Slab<'_>> {
        let Index { spans, positions } = self.index.as_ref()?;
        self.parent.slab().map(|parent| Slab { all: parent.all, spans, positions })
    }

    fn extra_columns(&self) -> &[String] {
        self.parent.extra_columns()
    }

    /// Those with an ex-date before the part's last moment. A bar that becomes known at the very beginning of the ex-date ended before
    /// it: none of the part's bars is of that day.
    fn adjustments(&self, asset: AssetId) -> bt_core::Result<&[Adjustment]> {
        let all = self.parent.adjustments(self.of_parent(asset)?)?;
        Ok(&all[..all.partition_point(|adjustment| adjustment.ex_date < self.known.1)])
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("parent", &self.parent.version())
            .field("moments", &self.moments)
            .field("version", &self.version())
            .field("slab", &self.index.is_some())
            .finish()
    }
}
