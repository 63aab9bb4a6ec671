use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

use bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Error, Field, Frequency, Result, Slab, Span,
    Timestamp,
};

use crate::{AssetSet, FrameSeries, Moment, Series, key};

/// A reader over one open bundle: asks the bundle once for what every window needs, then hands out views.
///
/// Made once per trial, in O(assets), about two nanoseconds for each, and without an allocation. It borrows the bundle
/// and is never the owner of bars; what it hands out lives as long as the portal is borrowed.
///
/// Where the bundle has a [slab](Bundle::slab), a window is arithmetic and a slice. Where it has none, every access
/// asks for the asset's bars and finds the position by binary search; the answers are the same.
#[derive(Clone)]
pub struct DataPortal<'b> {
    pub(crate) bundle: &'b dyn Bundle,
    pub(crate) calendar: &'b [Timestamp],
    pub(crate) all: Bars<'b>,
    pub(crate) spans: &'b [Span],
    pub(crate) positions: &'b [u32],
    pub(crate) columns: usize,
    /// The identifier of rank 0 as a number: the version's tag, then the rank.
    first_asset: u64,
    pub(crate) version: BundleVersion,
    /// The whole version in 64 bits, to know a moment of another one by a single comparison.
    pub(crate) mark: u64,
    /// Where the assets' rows lie: bundles of one version may lay the same bars out differently.
    pub(crate) layout: u64,
}

impl<'b> DataPortal<'b> {
    /// Reads the bundle's slab, calendar and version once. O(assets), about two nanoseconds for each.
    ///
    /// A slab that contradicts itself ([`Slab::check_slice`]) is not used: the bundle is read as one without a slab.
    pub fn new(bundle: &'b dyn Bundle) -> Self {
        let calendar = bundle.calendar().as_slice();
        let fits = |slab: &Slab<'_>| {
            slab.spans.len() == bundle.assets().len() && slab.check_slice(calendar.len()).is_ok()
        };
        let none = Slab { all: Bars::EMPTY, spans: &[], positions: &[] };
        let Slab { all, spans, positions } = bundle.slab().filter(fits).unwrap_or(none);
        let version = bundle.version();
        Self {
            bundle,
            calendar,
            all,
            spans,
            positions,
            columns: Field::OHLCV.len() + bundle.extra_columns().len(),
            first_asset: u64::from(version.tag()) << 32,
            mark: folded(key::scope(&version.0)),
            layout: folded(spans.iter().map(|span| span.first)),
            version,
        }
    }

    /// Fixes the moment: from here on nothing later than `now` can be read. O(log calendar).
    ///
    /// Before the first bar every window of the moment is empty; after the last they end at the last bar.
    #[inline]
    pub fn at(&self, now: Timestamp) -> Moment<'_> {
        Moment { portal: self, position: self.calendar().known_at(now) }
    }

    /// Every moment of the calendar, first to last, without a search.
    #[inline]
    pub fn moments(&self) -> Moments<'_> {
        Moments { portal: self, positions: 1..self.calendar.len() + 1 }
    }

    /// The moments of the calendar with `from` ≤ moment < `until`. Two searches, then none.
    pub fn moments_between(&self, from: Timestamp, until: Timestamp) -> Moments<'_> {
        let before = |limit| self.calendar.partition_point(|&moment| moment < limit);
        Moments { portal: self, positions: before(from) + 1..before(until) + 1 }
    }

    /// The moments of a part of the calendar, by their places in it; what lies beyond its end is left out. O(1).
    #[inline]
    pub fn moments_in(&self, places: Range<usize>) -> Moments<'_> {
        let end = places.end.min(self.calendar.len());
        Moments { portal: self, positions: places.start.min(end) + 1..end + 1 }
    }

    /// Resolves one field of one asset for a whole trial: what a loop over all moments reads fastest. O(1); without a slab,
    /// what [`Bundle::bars`] takes.
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where the identifier is of another version;
    /// [`UnknownField`](bt_core::ErrorKind::UnknownField); without a slab, whatever [`Bundle::bars`] meets.
    pub fn series(&self, asset: AssetId, field: Field) -> Result<Series<'_>> {
        Series::new(self, asset, field)
    }

    /// One field of one asset as frames: what [`series`](Self::series) is compared with. O(bars), one copy.
    ///
    /// # Errors
    /// As [`series`](Self::series).
    pub fn frames(&self, asset: AssetId, field: Field) -> Result<FrameSeries<'_>> {
        FrameSeries::new(self, asset, field)
    }

    /// Checks and hashes assets once, as the columns of panels. O(assets).
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where an identifier is of another version;
    /// [`InvalidOption`](bt_core::ErrorKind::InvalidOption) where there is none.
    pub fn intern(&self, assets: &[AssetId]) -> Result<AssetSet> {
        AssetSet::new(self, assets)
    }

    /// The bundle that it reads.
    #[inline]
    pub fn bundle(&self) -> &'b dyn Bundle {
        self.bundle
    }

    /// The bundle's content version.
    #[inline]
    pub fn version(&self) -> BundleVersion {
        self.version
    }

    /// The bundle's assets, where names become identifiers.
    #[inline]
    pub fn assets(&self) -> &'b AssetList {
        self.bundle.assets()
    }

    /// The bundle's calendar.
    #[inline]
    pub fn calendar(&self) -> Calendar<'b> {
        Calendar::from_sorted(self.calendar)
    }

    /// How far apart the bundle's bars are.
    pub fn frequency(&self) -> Frequency {
        self.bundle.frequency()
    }

    /// Resolves a column's name, once. O(columns).
    ///
    /// # Errors
    /// [`UnknownField`](bt_core::ErrorKind::UnknownField) with the columns that there are.
    pub fn field(&self, name: &str) -> Result<Field> {
        self.bundle.field(name)
    }

    /// Whether the bundle has this column. Costs nothing for a constant field.
    #[inline]
    pub(crate) fn has_field(&self, field: Field) -> bool {
        field.index() < Field::OHLCV.len() || field.index() < self.columns
    }

    /// Where the asset lies in the slab; `None` where there is no slab or no such asset.
    #[inline]
    pub(crate) fn span(&self, asset: AssetId) -> Option<&'b Span> {
        // Version and rank in one comparison: of another version, the difference is 2^32 or more.
        let number = u64::from(asset.version_tag()) << 32 | asset.rank() as u64;
        let rank = usize::try_from(number.wrapping_sub(self.first_asset)).ok()?;
        self.spans.get(rank)
    }

    /// How many bars are known at each moment from the asset's first to its last; `None` where it has no gaps.
    pub(crate) fn table(&self, span: &Span) -> Option<&'b [u32]> {
        let table = || self.positions.get(span.positions_first as usize..)?.get(..span.calendar_len as usize);
        span.has_gaps().then(table).flatten()
    }

    /// One field of all rows of the slab, and of what lies behind it: rows of assets start at their spans.
    pub(crate) fn column(&self, field: Field) -> Result<&'b [f64]> {
        let column = self.all.values().get(field.index() * self.all.stride()..);
        column.filter(|_| self.has_field(field)).ok_or_else(|| self.missing(field))
    }

    /// All bars of an asset of a bundle without a slab.
    #[cold]
    pub(crate) fn search(&self, asset: AssetId) -> Result<Bars<'b>> {
        self.assets().rank(asset)?;
        self.bundle.bars(asset)
    }

    /// Why an asset's bars have no values of this field.
    #[cold]
    pub(crate) fn missing(&self, field: Field) -> Error {
        if self.has_field(field) {
            return Error::corrupt("the bundle", format!("it names {field}, which its bars do not hold"));
        }
        let extra = self.bundle.extra_columns().iter().map(String::as_str);
        let allowed = Field::NAMES.into_iter().chain(extra).map(str::to_owned).collect();
        bt_core::ErrorKind::UnknownField { field: field.to_string(), allowed }.into()
    }
}

/// Numbers in order as one, which is another for other numbers.
fn folded(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0, |folded, number| (folded ^ number).wrapping_mul(ODD).rotate_left(32))
}

/// 2^64 divided by the golden ratio: its bits are spread evenly.
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

impl fmt::Debug for DataPortal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataPortal")
            .field("version", &self.version)
            .field("assets", &self.assets().len())
            .field("moments", &self.calendar.len())
            .field("slab", &!self.spans.is_empty())
            .finish()
    }
}

/// The moments of a calendar, in order. Made by [`DataPortal::moments`] and [`DataPortal::moments_between`].
#[derive(Clone, Debug)]
pub struct Moments<'a> {
    portal: &'a DataPortal<'a>,
    positions: Range<usize>,
}

impl<'a> Moments<'a> {
    #[inline]
    fn moment(&self, position: usize) -> Moment<'a> {
        Moment { portal: self.portal, position }
    }
}

impl<'a> Iterator for Moments<'a> {
    type Item = Moment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Moment<'a>> {
        self.positions.next().map(|position| self.moment(position))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.positions.size_hint()
    }

    /// Skips `n` moments in O(1).
    #[inline]
    fn nth(&mut self, n: usize) -> Option<Moment<'a>> {
        self.positions.nth(n).map(|position| self.moment(position))
    }
}

impl DoubleEndedIterator for Moments<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.positions.next_back().map(|position| self.moment(position))
    }
}

impl ExactSizeIterator for Moments<'_> {}
impl FusedIterator for Moments<'_> {}
