use std::fmt;

use bt_core::{AssetId, ErrorKind, Field, Result, Timestamp};

use crate::{DataPortal, Moment};

/// One field of one asset, resolved once for a whole trial and read at moment after moment.
///
/// The fastest way to a window in a loop: identifier and field were checked when it was made
/// ([`DataPortal::series`]), so a moment only has to cut off what is not known yet. It hands out nothing without a moment.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    values: &'a [f64],
    positions: Positions<'a>,
    mark: u64,
    asset: AssetId,
}

/// How many bars are known at a position of the calendar.
#[derive(Clone, Copy)]
enum Positions<'a> {
    /// A bar at every moment from this one on.
    Straight { first: usize },
    /// One entry for each moment from `first` on; the last one holds for all later moments.
    Table { first: usize, known: &'a [u32] },
    /// A bundle without a slab.
    Search(&'a [Timestamp]),
}

impl<'a> Series<'a> {
    pub(crate) fn new(portal: &'a DataPortal<'a>, asset: AssetId, field: Field) -> Result<Self> {
        let (bars, positions) = match portal.span(asset) {
            Some(span) => {
                let first = span.calendar_first as usize;
                let bars = portal.all.slice(span.first as usize, span.end() as usize);
                (
                    bars,
                    portal
                        .table(span)
                        .map_or(Positions::Straight { first }, |known| Positions::Table { first, known }),
                )
            }
            None => {
                let bars = portal.search(asset)?;
                (bars, Positions::Search(bars.timestamps()))
            }
        };
        let values =
            bars.get(field).filter(|_| portal.has_field(field)).ok_or_else(|| portal.missing(field))?;
        Ok(Self { values, positions, mark: portal.mark, asset })
    }

    /// Every value known at this moment, oldest first. O(1); on a bundle without a slab one binary search.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignAsset`] where the moment is of another bundle version.
    #[inline(always)]
    pub fn at(&self, moment: Moment<'_>) -> Result<&'a [f64]> {
        if self.mark != moment.portal.mark {
            return Err(self.foreign(moment));
        }
        Ok(&self.values[..self.known(moment)])
    }

    /// Every value known at this moment if the asset has a bar *now*: none before its listing, in a gap and after its
    /// delisting. What a strategy reads that acts on bars and not on days.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn current(&self, moment: Moment<'_>) -> Result<Option<&'a [f64]>> {
        if self.mark != moment.portal.mark {
            return Err(self.foreign(moment));
        }
        let known = match self.positions {
            Positions::Straight { first } => moment.position.saturating_sub(first),
            _ => self.known_with_bar(moment),
        };
        Ok(self.values.get(..known).filter(|known| !known.is_empty()))
    }

    /// The last `bar_count` values known at this moment, oldest first; fewer where fewer are known. In the time of
    /// [`at`](Self::at).
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline(always)]
    pub fn window(&self, moment: Moment<'_>, bar_count: usize) -> Result<&'a [f64]> {
        self.at(moment).map(|known| &known[known.len() - bar_count.min(known.len())..])
    }

    /// Every value, known or not.
    pub(crate) fn values(&self) -> &'a [f64] {
        self.values
    }

    /// The asset that it belongs to.
    #[inline]
    pub fn asset(&self) -> AssetId {
        self.asset
    }

    #[inline(always)]
    fn known(&self, moment: Moment<'_>) -> usize {
        let known = match self.positions {
            Positions::Straight { first } => moment.position.saturating_sub(first),
            Positions::Table { first, known } => {
                let moments = moment.position.saturating_sub(first).min(known.len());
                moments.checked_sub(1).map_or(0, |last| known[last] as usize)
            }
            Positions::Search(timestamps) => search(timestamps, moment),
        };
        known.min(self.values.len())
    }

    /// How many bars are known, if the last of them is a bar of this moment; else 0.
    #[inline(never)]
    fn known_with_bar(&self, moment: Moment<'_>) -> usize {
        let known = self.known(moment);
        let has_bar = match self.positions {
            Positions::Straight { first } => known > 0 && moment.position - first == known,
            Positions::Table { first, known } => {
                let at = |position: usize| position.checked_sub(first + 1).and_then(|at| known.get(at));
                at(moment.position).is_some() && at(moment.position) != at(moment.position - 1)
            }
            Positions::Search(timestamps) => known > 0 && timestamps[known - 1] == moment.now(),
        };
        if has_bar { known } else { 0 }
    }

    #[cold]
    fn foreign(&self, moment: Moment<'_>) -> bt_core::Error {
        let portal = moment.portal;
        ErrorKind::ForeignAsset { asset: self.asset, version: portal.version, assets: portal.assets().len() }
            .into()
    }
}

#[inline(never)]
fn search(timestamps: &[Timestamp], moment: Moment<'_>) -> usize {
    let now = moment.now();
    timestamps.partition_point(|&known| known <= now)
}

impl fmt::Debug for Series<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series").field("asset", &self.asset).field("bars", &self.values.len()).finish()
    }
}
