use bt_core::{
    AssetDigest, Bars, Bundle, BundleName, BundleSource, BundleVersion, Calendar, Error, Field, Result, Slab,
    Span, Timestamp, bundle_version, timestamps_digest,
};

use crate::ipc::{self, Kind, Table};
use crate::{Manifest, MappedBundle, Store, index, matrix};

/// What [`Store::verify`] read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The version whose content it is.
    pub version: BundleVersion,
    /// Number of assets.
    pub assets: usize,
    /// Number of bars of all assets.
    pub rows: usize,
}

impl Store {
    /// Reads a whole version, by default the current one, and checks it: digests of every column against the version, the
    /// asset column against the index, the calendar and the places of the assets in it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](bt_core::ErrorKind::Corrupt) with the first asset and column that do not fit; what
    /// [`open_version`](BundleSource::open_version) meets.
    pub fn verify(&self, name: &BundleName, version: Option<BundleVersion>) -> Result<Verified> {
        let bundle = match version {
            Some(version) => self.open_version(name, version)?,
            None => self.open(name)?,
        };
        bundle.verify()
    }
}

impl MappedBundle {
    /// Reads all of the bundle and checks it, as [`Store::verify`] does.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](bt_core::ErrorKind::Corrupt) with the first asset and column that do not fit.
    pub fn verify(&self) -> Result<Verified> {
        self.verify_keys()?;
        self.verify_calendar()?;
        let leaves = self.leaves()?;
        self.verify_assets(&leaves)?;
        self.verify_leaves(&leaves)?;
        self.verify_manifest()?;
        Ok(Verified { version: self.version(), assets: self.assets().len(), rows: self.all().all.len() })
    }

    /// The digests of each asset, by rank, once it is known that they make up the version, with calendar, frequency and
    /// names.
    pub(crate) fn checked_leaves(&self) -> Result<Vec<AssetDigest>> {
        let leaves = self.leaves()?;
        self.verify_leaves(&leaves).map(|()| leaves)
    }

    /// Checks each asset against the digests that it was published with.
    pub(crate) fn verify_assets(&self, leaves: &[AssetDigest]) -> Result<()> {
        let slab = self.all();
        let mut assets = self.assets().names().enumerate().zip(leaves);
        assets.try_for_each(|((rank, name), stored)| self.verify_asset(slab.bars(rank), rank, name, stored))
    }

    /// Checks what the manifest says of the bars, which people read. One that cannot be read says nothing.
    fn verify_manifest(&self) -> Result<()> {
        let Ok(manifest) = Manifest::read(&self.directory) else { return Ok(()) };
        let calendar = self.calendar();
        let (rows, conventions) = (self.all().all.len() as u64, self.conventions());
        let text = |moment: Option<&Timestamp>| moment.map_or_else(|| "none".to_owned(), ToString::to_string);
        let or_none = |stated: Option<String>| stated.unwrap_or_else(|| "none".to_owned());
        let columns = Field::NAMES.iter().copied().chain(self.extra_columns().iter().map(String::as_str));
        let facts = [
            ("version", manifest.version, self.version().to_string()),
            ("frequency", manifest.frequency, self.frequency().to_string()),
            ("zone", manifest.zone, conventions.zone.to_string()),
            ("label", manifest.label, conventions.label.to_string()),
            ("columns", manifest.columns.join(", "), columns.collect::<Vec<_>>().join(", ")),
            ("rows", manifest.rows.to_string(), rows.to_string()),
            ("moments", manifest.moments.to_string(), calendar.len().to_string()),
            ("first", or_none(manifest.first), text(calendar.first())),
            ("last", or_none(manifest.last), text(calendar.last())),
            ("asset_count", manifest.asset_count.to_string(), self.assets().len().to_string()),
        ];
        match facts.into_iter().find(|(_, stated, found)| stated != found) {
            None => Ok(()),
            Some((what, stated, found)) => Err(Error::corrupt(
                Manifest::path(&self.directory).display().to_string(),
                format!("its {what} is {stated}, and the bundle's is {found}"),
            )),
        }
    }

    fn verify_leaves(&self, leaves: &[AssetDigest]) -> Result<()> {
        let extra: Vec<_> = self.extra_columns().iter().map(String::as_str).collect();
        let assets: Vec<_> = self.assets().names().zip(leaves).collect();
        let calendar = timestamps_digest(&self.calendar());
        let found = bundle_version(self.frequency(), self.conventions(), &extra, &calendar, &assets);
        if found == self.version() {
            return Ok(());
        }
        Err(Error::corrupt(
            format!("bundle version {}", self.version()),
            format!("its content has the digest {found}: calendar, frequency, names or digests were changed"),
        ))
    }

    /// Checks one asset's columns, or a copy of them, against the digests that it was published with.
    pub(crate) fn verify_asset(
        &self,
        bars: Bars<'_>,
        rank: usize,
        name: &str,
        stored: &AssetDigest,
    ) -> Result<()> {
        let wrong = |column: &str| {
            let reason =
                format!("{column} of asset {name:?} does not have the digest that it was published with");
            Err(Error::corrupt(format!("bundle version {}", self.version()), reason))
        };
        let extra_columns = self.extra_columns().len();
        let found = AssetDigest::of(bars, extra_columns, self.index.adjustments(rank));
        let differs =
            |column: &Field| found.columns.get(column.index()) != stored.columns.get(column.index());
        match Field::all(extra_columns).find(differs) {
            _ if found == *stored => Ok(()),
            _ if found.timestamps != stored.timestamps => wrong("timestamp"),
            Some(column) => wrong(&column.to_string()),
            None => wrong("adjustments"),
        }
    }

    /// Checks that the calendar ascends and that index and bars agree about it: one asset after the other, since the tables
    /// of all that a damaged file claims could be larger than any file.
    fn verify_calendar(&self) -> Result<()> {
        let calendar = Calendar::new(self.index.calendar())?;
        let slab = self.all();
        for ((rank, name), stored) in self.assets().names().enumerate().zip(slab.spans) {
            let (spans, positions) = Slab::index(calendar, [slab.bars(rank).timestamps()])
                .map_err(|error| Error::corrupt(matrix::FILE, format!("asset {name:?}: {error}")))?;
            let found = Span { first: stored.first, positions_first: stored.positions_first, ..spans[0] };
            // An asset without gaps has no table, so where it would start means nothing.
            let table = if stored.has_gaps() { stored.calendar_len as usize } else { 0 };
            let table =
                slab.positions.get(stored.positions_first as usize..).and_then(|from| from.get(..table));
            if found != *stored || (found.has_gaps() && table != Some(&positions)) {
                let reason = format!("the place of asset {name:?} in the calendar is not where its bars are");
                return Err(Error::corrupt(index::FILE, reason));
            }
        }
        Ok(())
    }

    /// Checks the column that readers of this crate skip: every key, and the names that the keys stand for.
    fn verify_keys(&self) -> Result<()> {
        let file = self.matrix.bytes();
        let table = Table::read(file, matrix::FILE)?;
        let wrong = |reason: &str| Err(Error::corrupt(matrix::FILE, reason));
        let (Some(column), [batch]) = (table.position(matrix::ASSET), table.batches.as_slice()) else {
            return wrong("it is not one record batch with a column \"asset\"");
        };
        if table.columns[column].kind != Kind::Dictionary {
            return wrong("its asset column is not encoded by a dictionary");
        }
        let keys = ipc::numbers::<u32>(&file[batch.values(&table.columns, column).1]).unwrap_or_default();
        let fits = |(rank, span): (usize, &Span)| {
            let rows = keys.get(span.first as usize..span.end() as usize);
            rows.is_some_and(|rows| rows.iter().all(|&key| key as usize == rank))
        };
        if batch.nulls(column) != 0 || !self.index.spans.iter().enumerate().all(fits) {
            return wrong("its asset column does not say what the index says");
        }
        let (ends, text) = ipc::dictionary(file, matrix::FILE)?;
        let value = |pair: &[i32]| text.get(usize::try_from(pair[0]).ok()?..usize::try_from(pair[1]).ok()?);
        let names = self.assets().names().map(Some);
        if ends.windows(2).map(value).eq(names) {
            Ok(())
        } else {
            wrong("its dictionary does not hold the asset names")
        }
    }
}
