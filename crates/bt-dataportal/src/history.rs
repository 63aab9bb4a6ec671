use bt_core::ndarray::{ArrayView3, CowArray, Ix3};
use bt_core::{AssetId, Error, ErrorKind, Field, Frequency, Result};

use crate::panel::{self, Rows};
use crate::{AssetSet, Moment};

/// What a history call asks for. Fields are public; [`new`](Self::new) leaves the frequency to the bundle.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// One asset, or the columns of a panel.
    pub assets: Assets<'r>,
    /// The columns, in order; at least one.
    pub fields: &'r [Field],
    /// How many bars back from now, the latest included; 1 to 4,294,967,295.
    pub bar_count: usize,
    /// The frequency of the bars; `None` is the bundle's.
    pub frequency: Option<Frequency>,
}

/// The assets of a [`Request`], which decide the shape of its answer.
#[derive(Clone, Copy, Debug)]
pub enum Assets<'r> {
    /// One asset's own last bars: fewer rows where fewer bars are known.
    One(AssetId),
    /// The calendar's last moments: exactly `bar_count` rows, NaN where an asset has no bar.
    Set(&'r AssetSet),
}

impl From<AssetId> for Assets<'_> {
    fn from(asset: AssetId) -> Self {
        Self::One(asset)
    }
}

impl<'r> From<&'r AssetSet> for Assets<'r> {
    fn from(set: &'r AssetSet) -> Self {
        Self::Set(set)
    }
}

impl<'r> Request<'r> {
    /// `bar_count` bars of these fields of these assets, at the bundle's frequency.
    pub fn new(assets: impl Into<Assets<'r>>, fields: &'r [Field], bar_count: usize) -> Self {
        Self { assets: assets.into(), fields, bar_count, frequency: None }
    }

    #[inline]
    pub(crate) fn check(&self, moment: Moment<'_>) -> Result<()> {
        let portal = moment.portal;
        check_bar_count(self.bar_count)?;
        self.check_fields(moment)?;
        if let Some(asked) = self.frequency {
            check_frequency(asked, portal.frequency())?;
        }
        match self.assets {
            Assets::One(asset) => portal.assets().rank(asset).map(drop),
            Assets::Set(set) => check_set(moment, set),
        }
    }

    #[inline]
    fn check_fields(&self, moment: Moment<'_>) -> Result<()> {
        match self.fields.iter().find(|&&field| !moment.portal.has_field(field)) {
            Some(&field) => Err(moment.portal.missing(field)),
            None if self.fields.is_empty() => {
                Err(Error::invalid_option("fields", "none", "at least one field"))
            }
            None => Ok(()),
        }
    }

    /// Number of assets.
    #[inline]
    pub(crate) fn columns(&self) -> usize {
        match self.assets {
            Assets::One(_) => 1,
            Assets::Set(set) => set.len(),
        }
    }
}

fn check_frequency(asked: Frequency, bundle: Frequency) -> Result<()> {
    if asked == bundle { Ok(()) } else { Err(ErrorKind::UnsupportedFrequency { asked, bundle }.into()) }
}

/// The answer as a view of the bundle, where its values lie at equal distances; shape (bars, assets, fields).
#[inline]
pub(crate) fn view<'a>(moment: Moment<'a>, request: &Request<'_>) -> Result<Option<ArrayView3<'a, f64>>> {
    let &Request { assets, fields, bar_count, .. } = request;
    match assets {
        Assets::One(asset) => Ok(moment.asset(asset)?.columns(fields, bar_count)),
        Assets::Set(set) => Ok(panel::view(moment.portal, set, fields, Rows::of(moment, bar_count))),
    }
}

#[inline]
pub(crate) fn check_panel(moment: Moment<'_>, set: &AssetSet, field: Field, bar_count: usize) -> Result<()> {
    check_bar_count(bar_count)?;
    check_set(moment, set)?;
    if moment.portal.has_field(field) { Ok(()) } else { Err(moment.portal.missing(field)) }
}

#[inline]
fn check_bar_count(bar_count: usize) -> Result<()> {
    match u32::try_from(bar_count) {
        Ok(1..) => Ok(()),
        _ => Err(Error::invalid_option("bar_count", bar_count, "1 to 4294967295")),
    }
}

#[inline]
fn check_set(moment: Moment<'_>, set: &AssetSet) -> Result<()> {
    let portal = moment.portal;
    if set.version() == portal.version {
        return Ok(());
    }
    let (asset, assets) = (set.assets()[0], portal.assets().len());
    Err(ErrorKind::ForeignAsset { asset, version: portal.version, assets }.into())
}

/// The answer to a [`Request`] at a [`Moment`]: checked, and not made yet. Each form pays for itself alone.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    pub(crate) moment: Moment<'a>,
    pub(crate) request: Request<'a>,
}

impl<'a> Window<'a> {
    /// As an ndarray of shape (bars, assets, fields): a view of the bundle where it can be one, else copied.
    ///
    /// It is a view for one asset with fields at equal distances (a single one always is), and for a
    /// [regular](AssetSet::is_regular) set while all its assets are listed. `array.index_axis(Axis(2), f)` is the
    /// (bars × assets) panel of one field.
    ///
    /// # Errors
    /// [`InvalidOption`](ErrorKind::InvalidOption) where a copy would not fit into memory; without a slab, whatever
    /// [`Bundle::bars`](bt_core::Bundle::bars) meets.
    pub fn array(&self) -> Result<CowArray<'a, f64, Ix3>> {
        match view(self.moment, &self.request)? {
            Some(view) => Ok(view.into()),
            None => self.values().map(|values| self.shaped(values)),
        }
    }

    /// Number of rows: as many as asked for a set; for one asset fewer where fewer bars are known.
    ///
    /// # Errors
    /// Without a slab, whatever [`Bundle::bars`](bt_core::Bundle::bars) meets.
    pub fn bar_count(&self) -> Result<usize> {
        match self.request.assets {
            Assets::One(asset) => Ok(self.moment.asset(asset)?.len().min(self.request.bar_count)),
            Assets::Set(_) => Ok(self.request.bar_count),
        }
    }

    /// What was asked.
    pub fn request(&self) -> Request<'a> {
        self.request
    }

    /// When it was asked.
    pub fn moment(&self) -> Moment<'a> {
        self.moment
    }

    pub(crate) fn rows(&self) -> Rows {
        Rows::of(self.moment, self.request.bar_count)
    }

    /// Values that lie column after column, in the shape of the array.
    fn shaped(&self, values: Vec<f64>) -> CowArray<'a, f64, Ix3> {
        let (assets, fields) = (self.request.columns(), self.request.fields.len());
        panel::owned(values, assets, fields)
    }

    /// The values, copied column after column: for each field, for each asset, its bars.
    pub(crate) fn values(&self) -> Result<Vec<f64>> {
        let Request { assets, fields, bar_count, .. } = self.request;
        match assets {
            Assets::Set(set) => panel::gather(self.moment.portal, set.assets(), fields, self.rows()),
            Assets::One(asset) => self.moment.asset(asset)?.copied(fields, bar_count),
        }
    }
}
