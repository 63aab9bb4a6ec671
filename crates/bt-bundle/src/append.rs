//! New bars behind the old ones, without the files that the old ones came from.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use bt_core::{
    Adjustment, AssetDigest, AssetId, AssetList, Bars, Bundle, BundleName, BundleSource, BundleVersion,
    Error, Field, Result, Timestamp,
};

use crate::draft::Draft;
use crate::{DraftShape, MappedBundle, Published, Store};

/// What [`Store::append`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appended {
    /// The new version.
    pub published: Published,
    /// The version that was current before.
    pub previous: BundleVersion,
    /// Bars that were not there before.
    pub new_bars: u64,
    /// Bars that were there already, with the same values.
    pub repeated_bars: u64,
    /// Assets that were taken over with their digests, since they have neither new bars nor new adjustments.
    pub unchanged_assets: usize,
}

impl Store {
    /// Publishes the current version with new bars, and with new assets, behind it.
    ///
    /// A new bar comes after the asset's last one. Bars that are there already may come again if all their values are the
    /// same, so that an append can be repeated; a bar that differs is a correction, which is what ingesting again is for.
    ///
    /// O(bars) to copy and to hash: what is taken over has to be what was published.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](bt_core::ErrorKind::InvalidInput) where a new bar contradicts an old one or comes before
    /// it, or where frequency or columns differ; [`ErrorKind::InvalidAssetName`](bt_core::ErrorKind::InvalidAssetName);
    /// [`ErrorKind::Corrupt`](bt_core::ErrorKind::Corrupt) with the first asset and column of the current version that are
    /// damaged; what opening and publishing meet. The old version stays current.
    pub fn append(&self, name: &BundleName, new: &dyn Bundle, origin: &str) -> Result<Appended> {
        self.version(name)?;
        let lock = self.lock_for_writing(name, "appending to it")?;
        let old = BundleSource::open(self, name)?;
        new.check_content()?;
        let leaves = old.checked_leaves()?;
        let merge = Merge::new(&old, new).map_err(|error| first_damage(&old, &leaves).unwrap_or(error))?;
        if merge.is_empty() {
            old.verify()?;
            return Ok(merge.appended(unchanged(&old)));
        }
        merge.check_new_names()?;
        let mut draft = Draft::begin(self, name, merge.shape(origin), lock, Some(old.version()))?;
        merge.assets.iter().try_for_each(|(name, asset)| asset.write(name, &old, &leaves, &mut draft))?;
        let published = draft.publish()?;
        Ok(merge.appended(published))
    }
}

/// What is damaged in the bars that an append was held against: a changed bit in one of them reads like a correction.
#[cold]
fn first_damage(old: &MappedBundle, leaves: &[AssetDigest]) -> Option<Error> {
    old.verify_assets(leaves).err()
}

fn unchanged(old: &MappedBundle) -> Published {
    Published {
        version: old.version(),
        unchanged: true,
        repaired: false,
        assets: old.assets().len(),
        rows: old.all().all.len() as u64,
        sync_time: std::time::Duration::ZERO,
    }
}

/// Two bundles as one.
struct Merge<'a> {
    old: &'a MappedBundle,
    new: &'a dyn Bundle,
    assets: BTreeMap<&'a str, MergedAsset<'a>>,
}

/// One asset of a merge.
struct MergedAsset<'a> {
    /// Its rank in the old bundle.
    rank: Option<usize>,
    old: Bars<'a>,
    /// Its bars after the last old one.
    new: Bars<'a>,
    repeated: usize,
    adjustments: Vec<Adjustment>,
    adjustments_grew: bool,
}

impl<'a> Merge<'a> {
    fn new(old: &'a MappedBundle, new: &'a dyn Bundle) -> Result<Self> {
        let differ = |what: &str, old: String, new: String| {
            Err(Error::invalid_input(
                "the appended bars",
                format!("their {what}: {new}; the bundle's: {old}"),
            ))
        };
        if old.frequency() != new.frequency() {
            return differ("frequency", old.frequency().to_string(), new.frequency().to_string());
        }
        let (before, after) = (old.conventions(), new.conventions());
        if before.zone != after.zone {
            return differ("time zone", before.zone.to_string(), after.zone.to_string());
        }
        if before.label != after.label {
            return differ("label", before.label.to_string(), after.label.to_string());
        }
        if old.extra_columns() != new.extra_columns() {
            let [old, new] = [old.extra_columns(), new.extra_columns()].map(|columns| format!("{columns:?}"));
            return differ("extra columns", old, new);
        }
        let names: BTreeSet<_> = old.assets().names().chain(new.assets().names()).collect();
        let merged = |name| Ok((name, MergedAsset::new(old, new, name)?));
        Ok(Self { old, new, assets: names.into_iter().map(merged).collect::<Result<_>>()? })
    }

    fn is_empty(&self) -> bool {
        self.assets.values().all(|asset| asset.is_unchanged())
    }

    /// Names that the bundle has already may be older than the rule.
    fn check_new_names(&self) -> Result<()> {
        let mut new = self.assets.iter().filter(|(_, asset)| asset.rank.is_none());
        new.try_for_each(|(name, _)| AssetList::check_name(name))
    }

    fn shape(&self, origin: &str) -> DraftShape {
        let adjustments = |(name, asset): (&&str, &MergedAsset<'_>)| {
            (!asset.adjustments.is_empty()).then(|| ((*name).to_owned(), asset.adjustments.clone()))
        };
        let bars = |(name, asset): (&&str, &MergedAsset<'_>)| {
            ((*name).to_owned(), asset.old.len() + asset.new.len())
        };
        DraftShape {
            frequency: self.old.frequency(),
            conventions: self.old.conventions().clone(),
            extra_columns: self.old.extra_columns().to_vec(),
            assets: self.assets.iter().map(bars).collect(),
            calendar: union(&self.old.calendar(), &self.new.calendar()),
            adjustments: self.assets.iter().filter_map(adjustments).collect(),
            origin: origin.to_owned(),
        }
    }

    fn appended(&self, published: Published) -> Appended {
        Appended {
            published,
            previous: self.old.version(),
            new_bars: self.assets.values().map(|asset| asset.new.len() as u64).sum(),
            repeated_bars: self.assets.values().map(|asset| asset.repeated as u64).sum(),
            unchanged_assets: self.assets.values().filter(|asset| asset.is_unchanged()).count(),
        }
    }
}

impl<'a> MergedAsset<'a> {
    fn new(old: &'a MappedBundle, new: &'a dyn Bundle, name: &str) -> Result<Self> {
        let (old_id, new_id) = (old.assets().find(name), new.assets().find(name));
        let old_bars = old_id.map_or(Ok(Bars::EMPTY), |id| old.bars(id))?;
        let new_bars = new_id.map_or(Ok(Bars::EMPTY), |id| new.bars(id))?;
        let repeated = match old_bars.timestamps().last() {
            Some(&last) => new_bars.until(last),
            None => Bars::EMPTY,
        };
        check_repeated(name, old_bars, repeated, old.columns())?;
        let before = adjustments(old, old_id)?;
        let adjustments = merge_adjustments(before, adjustments(new, new_id)?);
        Ok(Self {
            rank: old_id.map(AssetId::rank),
            old: old_bars,
            new: new_bars.slice(repeated.len(), new_bars.len()),
            repeated: repeated.len(),
            adjustments_grew: adjustments.len() > before.len(),
            adjustments,
        })
    }

    fn is_unchanged(&self) -> bool {
        self.rank.is_some() && self.new.is_empty() && !self.adjustments_grew
    }

    /// Writes the asset: the old bars from a copy that has the digests which they were published with, and the new ones.
    fn write(
        &self,
        name: &str,
        source: &MappedBundle,
        leaves: &[AssetDigest],
        draft: &mut Draft<'_>,
    ) -> Result<()> {
        let Some(rank) = self.rank else { return draft.write_asset(self.new) };
        let (timestamps, values) = self.joined(source.columns());
        let bars = Bars::new(&timestamps, &values, timestamps.len())?;
        source.verify_asset(bars.slice(0, self.old.len()), rank, name, &leaves[rank])?;
        match self.is_unchanged() {
            true => draft.write_digested(bars, leaves[rank].clone()),
            false => draft.write_asset(bars),
        }
    }

    /// Old and new bars in one matrix.
    fn joined(&self, columns: usize) -> (Vec<Timestamp>, Vec<f64>) {
        let timestamps = [self.old.timestamps(), self.new.timestamps()].concat();
        let mut values = Vec::with_capacity(timestamps.len() * columns);
        for field in Field::all(columns - 5) {
            values.extend_from_slice(self.old.field(field));
            values.extend(self.new.get(field).unwrap_or_default());
        }
        (timestamps, values)
    }
}

/// Checks that bars up to the last old one are there already, with the same values.
fn check_repeated(name: &str, old: Bars<'_>, repeated: Bars<'_>, columns: usize) -> Result<()> {
    let mut row = 0;
    for (at, moment) in repeated.timestamps().iter().enumerate() {
        row += old.timestamps()[row..].partition_point(|known| known < moment);
        let differs = |field: &Field| {
            let (old, new) =
                (old.field(*field)[row], repeated.get(*field).map_or(f64::NAN, |column| column[at]));
            old != new && !(old.is_nan() && new.is_nan())
        };
        let reason = match old.timestamps().get(row).map(|known| known.cmp(moment)) {
            Some(Ordering::Equal) => match Field::all(columns - 5).find(differs) {
                None => continue,
                Some(field) => {
                    format!("{field} differs from the bar that is there; to correct it, ingest again")
                }
            },
            _ => "it comes before the asset's last bar, where there is none; to insert it, ingest again"
                .to_owned(),
        };
        return Err(Error::invalid_input(format!("asset {name:?}, bar at {moment}"), reason));
    }
    Ok(())
}

fn adjustments(bundle: &dyn Bundle, asset: Option<AssetId>) -> Result<&[Adjustment]> {
    asset.map_or(Ok(&[]), |asset| bundle.adjustments(asset))
}

/// The old ones and those of the new ones that are not among them, ascending by ex-date.
fn merge_adjustments(old: &[Adjustment], new: &[Adjustment]) -> Vec<Adjustment> {
    let mut all = old.to_vec();
    all.extend(new.iter().filter(|one| !old.contains(one)));
    all.sort_by_key(|one| one.ex_date);
    all
}

fn union(old: &[Timestamp], new: &[Timestamp]) -> Vec<Timestamp> {
    let mut all = [old, new].concat();
    // Two ascending runs: the stable sort merges them in O(n).
    all.sort();
    all.dedup();
    all
}
