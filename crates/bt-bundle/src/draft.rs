use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use crate::files::TEMPORARY;
use crate::ipc::{self, Plan};
use crate::lock::Lock;
use crate::{Store, disk, matrix};
use bt_core::{
    Adjustment, AssetDigest, Bars, BundleName, BundleVersion, Calendar, Conventions, Error, Field, Frequency,
    Result, Slab, Span, Timestamp,
};

mod columns;
mod describe;
mod publish;
mod shape;
mod used;

use columns::Columns;
pub use publish::Published;
use used::Used;

/// What has to be known about a bundle before its bars are written.
#[derive(Clone, Debug)]
pub struct DraftShape {
    /// How far apart the bars are.
    pub frequency: Frequency,
    /// In which zone days lie, and which day a bar belongs to.
    pub conventions: Conventions,
    /// Names of the columns after volume.
    pub extra_columns: Vec<String>,
    /// The assets' names, ascending bytewise, as [`check_name`](bt_core::AssetList::check_name) allows them, each with its
    /// number of bars.
    pub assets: Vec<(String, usize)>,
    /// The distinct timestamps of all bars, ascending.
    pub calendar: Vec<Timestamp>,
    /// Splits and dividends of assets that have any, ascending by ex-date.
    pub adjustments: BTreeMap<String, Vec<Adjustment>>,
    /// Where the data comes from, for people. Not part of the version. The manifest keeps its first 4,096 characters.
    pub origin: String,
}

impl DraftShape {
    /// The version of the format that it is written in.
    pub(crate) fn format(&self) -> u32 {
        ipc::format(self.frequency, &self.conventions)
    }
}

/// A version of a bundle that is being written: asset by asset, at offsets that are known beforehand, so that it may be
/// larger than memory.
///
/// Readers see nothing of it before [`publish`](Self::publish). Dropped without, it leaves nothing behind. While it lives
/// no other draft of the same bundle can be made, in any process.
///
/// Memory: what [`DraftShape`] holds, 250 bytes an asset, 4 bytes for each calendar moment of an asset with gaps, and 256
/// KiB a column.
#[derive(Debug)]
pub struct Draft<'s> {
    store: &'s Store,
    name: BundleName,
    shape: DraftShape,
    names: Vec<String>,
    plan: Plan,
    directory: PathBuf,
    /// Open until all is written.
    bars: Option<File>,
    columns: Columns,
    spans: Vec<Span>,
    positions: Vec<u32>,
    leaves: Vec<AssetDigest>,
    used: Used,
    /// The version that this one continues.
    parent: Option<BundleVersion>,
    published: bool,
    _lock: Lock,
}

impl Store {
    /// Begins a new version of a bundle. What earlier, interrupted writers left is removed.
    ///
    /// # Errors
    /// [`Busy`](bt_core::ErrorKind::Busy) while another draft of this bundle is under way,
    /// [`InvalidName`](bt_core::ErrorKind::InvalidName) where a bundle exists whose name differs in case only,
    /// [`InvalidAssetName`](bt_core::ErrorKind::InvalidAssetName),
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where the shape contradicts itself,
    /// [`Io`](bt_core::ErrorKind::Io).
    pub fn draft(&self, name: &BundleName, shape: DraftShape) -> Result<Draft<'_>> {
        shape::check_names(&shape)?;
        let lock = self.lock_for_writing(name, "a new version")?;
        Draft::begin(self, name, shape, lock, None)
    }
}

impl<'s> Draft<'s> {
    /// Begins a version, `parent` with bars appended if there is one, under the bundle's lock.
    pub(crate) fn begin(
        store: &'s Store,
        name: &BundleName,
        shape: DraftShape,
        lock: Lock,
        parent: Option<BundleVersion>,
    ) -> Result<Self> {
        shape::check(&shape)?;
        let directory = store.directory(name).join(format!("{TEMPORARY}{}", std::process::id()));
        store.step("create", &directory, |path| store.disk.create_dir(path))?;
        let names: Vec<_> = shape.assets.iter().map(|(name, _)| name.clone()).collect();
        let rows = shape.assets.iter().map(|(_, bars)| bars).sum();
        let plan = matrix::plan(&shape, &names, rows);
        let bars = store.step("create", &directory.join(matrix::FILE), |path| store.disk.create_file(path));
        let bars = bars.inspect_err(|_| drop(store.disk.remove(&directory)))?;
        let draft = Self {
            columns: Columns::new(shape.extra_columns.len()),
            spans: Vec::with_capacity(names.len()),
            leaves: Vec::with_capacity(names.len()),
            positions: Vec::new(),
            used: Used::new(shape.calendar.len()),
            published: false,
            _lock: lock,
            parent,
            name: name.clone(),
            store,
            shape,
            names,
            plan,
            directory,
            bars: Some(bars),
        };
        draft.write(&draft.plan.head, 0)?;
        draft.write(&draft.plan.tail, draft.plan.tail_at)?;
        Ok(draft)
    }

    /// Writes the next asset's bars, in the order of the shape: all columns, and their digests.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where all assets are written, where the number of bars is not
    /// that of the shape, where a timestamp is not in the calendar or does not ascend, or where an extra column is
    /// missing; [`Io`](bt_core::ErrorKind::Io).
    pub fn write_asset(&mut self, bars: Bars<'_>) -> Result<()> {
        let adjustments = self.adjustments(self.spans.len());
        let digest = AssetDigest::of(bars, self.shape.extra_columns.len(), adjustments);
        self.write_digested(bars, digest)
    }

    /// Writes the next asset's bars, whose digests are known.
    pub(crate) fn write_digested(&mut self, bars: Bars<'_>, digest: AssetDigest) -> Result<()> {
        self.write_bars(bars)?;
        self.leaves.push(digest);
        Ok(())
    }

    /// Writes the next asset's bars, whose digests come later.
    pub(crate) fn write_bars(&mut self, bars: Bars<'_>) -> Result<()> {
        let columns = self.columns_of(bars)?;
        let (rank, row) = (self.spans.len() as u32, self.spans.last().map_or(0, Span::end));
        self.place(bars.timestamps(), row)?;
        self.columns.push(rank, bars.timestamps(), &columns);
        if self.columns.is_full() { self.write_columns() } else { Ok(()) }
    }

    /// Writes the rows that were pushed and not written yet.
    fn write_columns(&mut self) -> Result<()> {
        let parts = self.columns.parts(&self.plan);
        parts.into_iter().try_for_each(|(offset, bytes)| self.write(bytes, offset))?;
        self.columns.clear();
        Ok(())
    }

    /// Adds digests that came later than their bars.
    pub(crate) fn add_digests(&mut self, digests: Vec<AssetDigest>) {
        self.leaves.extend(digests);
    }

    /// The next asset's columns, once its length is checked.
    fn columns_of<'a>(&self, bars: Bars<'a>) -> Result<Vec<&'a [f64]>> {
        let Some((name, expected)) = self.shape.assets.get(self.spans.len()) else {
            return Err(self.invalid("", format!("all {} assets are written", self.names.len())));
        };
        if bars.len() != *expected {
            return Err(self.invalid(name, format!("{} bars were written, {expected} announced", bars.len())));
        }
        let columns: Option<Vec<_>> =
            Field::all(self.shape.extra_columns.len()).map(|field| bars.get(field)).collect();
        columns.ok_or_else(|| self.invalid(name, format!("it lacks one of {:?}", self.shape.extra_columns)))
    }

    /// Finds the asset's place in the matrix and in the calendar.
    fn place(&mut self, timestamps: &[Timestamp], row: u64) -> Result<()> {
        let name = &self.names[self.spans.len()];
        let calendar = Calendar::from_sorted(&self.shape.calendar);
        let (spans, positions) =
            Slab::index(calendar, [timestamps]).map_err(|error| self.invalid(name, error.to_string()))?;
        let span = Span { first: row, positions_first: self.positions.len() as u64, ..spans[0] };
        self.used.mark(&span, &self.shape.calendar, timestamps);
        self.positions.extend(positions);
        self.spans.push(span);
        Ok(())
    }

    /// How many columns there are after volume.
    pub(crate) fn extra_columns(&self) -> usize {
        self.shape.extra_columns.len()
    }

    fn adjustments(&self, rank: usize) -> &[Adjustment] {
        self.names.get(rank).and_then(|name| self.shape.adjustments.get(name)).map_or(&[], Vec::as_slice)
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let path = self.directory.join(matrix::FILE);
        let file = self.bars.as_ref().ok_or(std::io::ErrorKind::NotFound);
        self.store.step("write", &path, |_| disk::write_all_at(&*self.store.disk, file?, bytes, offset))
    }

    fn invalid(&self, asset: &str, reason: String) -> Error {
        let place = match asset {
            "" => format!("bundle {}", self.name),
            asset => format!("bundle {}, asset {asset:?}", self.name),
        };
        Error::invalid_input(place, reason)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.published {
            self.bars = None;
            // Where this fails too, the next draft removes it.
            drop(self.store.disk.remove(&self.directory));
        }
    }
}
