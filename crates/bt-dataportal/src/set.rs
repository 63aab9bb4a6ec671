use std::fmt;
use std::sync::Arc;

use bt_core::{AssetId, BundleVersion, Error, Result, Span};

use crate::DataPortal;
use crate::key::{self, Scope};

/// Assets in a fixed order, checked and hashed once: the columns of panels. Made by [`DataPortal::intern`].
///
/// A clone is a count of references. Equal sets of equal versions are equal, whichever portal or thread made them, so
/// what is kept for one worker serves all. What is asked of a panel of 50 names costs no hash of 50 names.
#[derive(Clone)]
pub struct AssetSet(Arc<Interned>);

struct Interned {
    version: BundleVersion,
    /// SHA-256 over the version and the identifiers in order.
    scope: Scope,
    assets: Box<[AssetId]>,
    /// Holds for portals of this layout alone.
    layout: u64,
    lattice: Option<Lattice>,
}

/// Rows of several assets at equal distances: while every asset has a bar at every moment of a window, the window of
/// all of them is one strided matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lattice {
    /// The first asset's row minus its position in the calendar; negative where it was listed late.
    offset: i64,
    /// Rows from one asset to the next.
    pub(crate) step: usize,
    /// Every asset has a bar at the calendar's moments `from..until`.
    from: usize,
    until: usize,
}

impl AssetSet {
    pub(crate) fn new(portal: &DataPortal<'_>, assets: &[AssetId]) -> Result<Self> {
        if assets.is_empty() {
            return Err(Error::invalid_option("assets", "an empty set", "at least one asset"));
        }
        let mut rule = b"asset set\0".to_vec();
        for &asset in assets {
            let rank = portal.assets().rank(asset)?;
            rule.extend((rank as u32).to_le_bytes());
        }
        let version = portal.version;
        let spans: Option<Vec<&Span>> = assets.iter().map(|&asset| portal.span(asset)).collect();
        Ok(Self(Arc::new(Interned {
            version,
            scope: key::scope(&version.derived(&rule).0),
            assets: assets.into(),
            layout: portal.layout,
            lattice: spans.and_then(|spans| Lattice::of(&spans)),
        })))
    }

    /// The assets, in the order of a panel's columns.
    #[inline]
    pub fn assets(&self) -> &[AssetId] {
        &self.0.assets
    }

    /// Number of assets; at least 1.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.0.assets.len()
    }

    /// The bundle version that the assets belong to.
    #[inline]
    pub fn version(&self) -> BundleVersion {
        self.0.version
    }

    /// Whether panels of this set are views of the bundle while all its assets are listed: they have no gaps, and their
    /// rows lie at equal distances. It says so of the bundle that the set was made on: another bundle of the same
    /// version, whose memory is laid out otherwise, answers with copies.
    pub fn is_regular(&self) -> bool {
        self.0.lattice.is_some()
    }

    #[inline]
    pub(crate) fn lattice(&self, portal: &DataPortal<'_>) -> Option<&Lattice> {
        self.0.lattice.as_ref().filter(|_| self.0.layout == portal.layout)
    }

    #[inline]
    pub(crate) fn scope(&self) -> &Scope {
        &self.0.scope
    }
}

impl PartialEq for AssetSet {
    fn eq(&self, other: &Self) -> bool {
        self.0.scope == other.0.scope
    }
}

impl Eq for AssetSet {}

impl fmt::Debug for AssetSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.assets()).finish()
    }
}

impl Lattice {
    fn of(spans: &[&Span]) -> Option<Self> {
        let offsets: Vec<i64> =
            spans.iter().map(|span| span.first as i64 - i64::from(span.calendar_first)).collect();
        let mut steps = offsets.windows(2).map(|pair| pair[1] - pair[0]);
        let step = steps.next().unwrap_or(1);
        let from = spans.iter().map(|span| span.calendar_first as usize).max()?;
        let until =
            spans.iter().map(|span| span.calendar_first as usize + span.calendar_len as usize).min()?;
        let regular =
            step > 0 && steps.all(|other| other == step) && !spans.iter().any(|span| span.has_gaps());
        regular.then_some(Self { offset: *offsets.first()?, step: step as usize, from, until })
    }

    /// The first asset's row at the calendar's moment `start`, where all assets have a bar throughout `start..end`.
    #[inline]
    pub(crate) fn row(&self, start: usize, end: usize) -> Option<usize> {
        (self.from <= start && end <= self.until).then_some((start as i64 + self.offset) as usize)
    }
}
