//! The traits that the layers compose through.

use std::sync::Arc;

use crate::{
    Adjustment, AssetId, AssetList, Bars, BundleName, BundleVersion, Calendar, Conventions, ErrorKind, Field,
    Frequency, Result, Slab,
};

/// One open, immutable version of a bundle.
///
/// Implement the required methods for your own data; override [`slab`](Self::slab) where all bars lie in one
/// column-major matrix, and every window on it costs what a hand-written slice costs.
///
/// The same call on the same value gives the same answer for as long as the value lives.
pub trait Bundle: Send + Sync + 'static {
    /// What the bundle contains.
    fn version(&self) -> BundleVersion;

    /// Its assets, whose identifiers belong to [`version`](Self::version).
    fn assets(&self) -> &AssetList;

    /// The distinct timestamps of its bars, ascending.
    fn calendar(&self) -> Calendar<'_>;

    /// How far apart its bars are.
    fn frequency(&self) -> Frequency;

    /// One asset's bars, ascending in time.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignAsset`] where the identifier is of another version; whatever the storage meets.
    fn bars(&self, asset: AssetId) -> Result<Bars<'_>>;

    /// Bytes that the bundle holds on the heap; what is mapped from a file does not count.
    fn heap_bytes(&self) -> usize;

    /// All bars in one matrix, where they lie so. Checked by whoever made the bundle ([`Slab::check`]).
    fn slab(&self) -> Option<Slab<'_>> {
        None
    }

    /// In which time zone its days lie, and which day a bar belongs to. UTC and the day of its end by default.
    fn conventions(&self) -> &Conventions {
        const { &Conventions::UTC }
    }

    /// Names of the columns after open, high, low, close and volume, in order.
    fn extra_columns(&self) -> &[String] {
        &[]
    }

    /// One asset's splits and dividends, ascending by ex-date. They are not applied to its bars.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignAsset`] where the identifier is of another version.
    fn adjustments(&self, asset: AssetId) -> Result<&[Adjustment]> {
        self.assets().rank(asset).map(|_| [].as_slice())
    }

    /// Resolves a column's name, once.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownField`] with the columns that there are.
    fn field(&self, name: &str) -> Result<Field> {
        let extra = || self.extra_columns().iter().position(|column| column == name).and_then(Field::extra);
        Field::named(name).or_else(extra).ok_or_else(|| unknown_field(name, self.extra_columns()).into())
    }

    /// Reads all of the bundle and checks it against what it was published as, where it keeps something to check it against.
    ///
    /// Whoever writes its bars into another bundle asks first: what was damaged would pass for sound there.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] with the first asset and column that are damaged.
    fn check_content(&self) -> Result<()> {
        Ok(())
    }
}

#[cold]
fn unknown_field(name: &str, extra: &[String]) -> ErrorKind {
    let allowed = Field::NAMES.iter().map(|&name| name.to_owned()).chain(extra.iter().cloned()).collect();
    ErrorKind::UnknownField { field: name.to_owned(), allowed }
}

/// Where bundles come from: a store on disk, a table, a decorator of another source.
pub trait BundleSource: Send + Sync + 'static {
    /// What it opens. Decorators keep it, so that a concrete bundle stays concrete through all layers.
    type Bundle: Bundle + ?Sized;

    /// The current version of a bundle. Cheap: called on every access where every access checks.
    ///
    /// # Errors
    /// [`ErrorKind::BundleNotFound`]; whatever the storage meets.
    fn version(&self, name: &BundleName) -> Result<BundleVersion>;

    /// Opens the current version. Dear: called once for each version by the layers above. The version is what the
    /// opened bundle says, not what [`version`](Self::version) said before.
    ///
    /// # Errors
    /// [`ErrorKind::BundleNotFound`]; whatever the storage meets.
    fn open(&self, name: &BundleName) -> Result<Arc<Self::Bundle>>;

    /// Opens one version, current or not: what a sweep pins.
    ///
    /// # Errors
    /// [`ErrorKind::VersionNotFound`] where the bundle does not have it (any more), [`ErrorKind::BundleNotFound`] where the
    /// source knows that there is no such bundle at all; whatever the storage meets.
    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<Self::Bundle>>;
}

/// A source of any kind of bundle: what a process-wide pool stands over. Made by [`erase`].
pub type DynSource = dyn BundleSource<Bundle = dyn Bundle>;

impl<S: BundleSource + ?Sized> BundleSource for Arc<S> {
    type Bundle = S::Bundle;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        S::version(self, name)
    }

    fn open(&self, name: &BundleName) -> Result<Arc<Self::Bundle>> {
        S::open(self, name)
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<Self::Bundle>> {
        S::open_version(self, name, version)
    }
}

/// Hides the type of a source's bundles, so that sources of different kinds can stand in one place.
pub fn erase<S: BundleSource<Bundle: Sized>>(source: S) -> Arc<DynSource> {
    Arc::new(Erased(source))
}

struct Erased<S>(S);

impl<S: BundleSource<Bundle: Sized>> BundleSource for Erased<S> {
    type Bundle = dyn Bundle;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.0.version(name)
    }

    fn open(&self, name: &BundleName) -> Result<Arc<dyn Bundle>> {
        Ok(self.0.open(name)?)
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<dyn Bundle>> {
        Ok(self.0.open_version(name, version)?)
    }
}
