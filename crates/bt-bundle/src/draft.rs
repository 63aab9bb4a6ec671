use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bt_core::{
    Adjustment, AdjustmentKind, AssetDigest, AssetList, Bars, BundleName, BundleVersion, Calendar, Error,
    ErrorKind, Field, Frequency, Result, Slab, Span, Timestamp, adjustments_digest, bundle_version,
    column_digest, timestamps_digest,
};
use zerocopy::IntoBytes;

use crate::disk;
use crate::files::{self, TEMPORARY};
use crate::ipc::Plan;
use crate::store::{Store, is_leftover};
use crate::{Manifest, MappedBundle, OpenMode, head, index, manifest, matrix};

/// What has to be known about a bundle before its bars are written.
#[derive(Clone, Debug)]
pub struct DraftShape {
    /// How far apart the bars are.
    pub frequency: Frequency,
    /// Names of the columns after volume.
    pub extra_columns: Vec<String>,
    /// The assets' names, ascending bytewise, each with its number of bars.
    pub assets: Vec<(String, usize)>,
    /// The distinct timestamps of all bars, ascending.
    pub calendar: Vec<Timestamp>,
    /// Splits and dividends of assets that have any, ascending by ex-date.
    pub adjustments: BTreeMap<String, Vec<Adjustment>>,
    /// Where the data comes from, for people. Not part of the version.
    pub origin: String,
}

/// A version of a bundle that is being written: asset by asset, at offsets that are known beforehand, so that it may be
/// larger than memory.
///
/// Readers see nothing of it before [`publish`](Self::publish). Dropped without, it leaves nothing behind. While it lives
/// no other draft of the same bundle can be made, in any process.
///
/// Memory: what [`DraftShape`] holds, 250 bytes an asset, and 4 bytes for each calendar moment of an asset with gaps.
#[derive(Debug)]
pub struct Draft<'s> {
    store: &'s Store,
    name: BundleName,
    shape: DraftShape,
    names: Vec<String>,
    plan: Plan,
    directory: PathBuf,
    bars: File,
    spans: Vec<Span>,
    positions: Vec<u32>,
    leaves: Vec<AssetDigest>,
    used: Used,
    published: bool,
    _lock: File,
}

/// What [`Draft::publish`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// The version that is current now.
    pub version: BundleVersion,
    /// Whether this version was there already, so that nothing new was kept.
    pub unchanged: bool,
    /// Number of assets.
    pub assets: usize,
    /// Number of bars of all assets.
    pub rows: u64,
    /// How long the operating system took to make files and directories last.
    pub sync_time: Duration,
}

impl Store {
    /// Begins a new version of a bundle. What earlier, interrupted writers left is removed.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] while another draft of this bundle is under way, [`ErrorKind::InvalidName`] where a bundle
    /// exists whose name differs in case only, [`ErrorKind::InvalidInput`] where the shape contradicts itself,
    /// [`ErrorKind::Io`].
    pub fn draft(&self, name: &BundleName, shape: DraftShape) -> Result<Draft<'_>> {
        check_shape(&shape)?;
        let lock = self.lock_for_writing(name, "a new version")?;
        Draft::begin(self, name, shape, lock)
    }

    /// Creates the bundle's directory if need be, takes its lock and removes leftovers.
    pub(crate) fn lock_for_writing(&self, name: &BundleName, what: &str) -> Result<File> {
        self.refuse_twin(name)?;
        let directory = self.directory(name);
        if !directory.exists() {
            self.step("create", &directory, |path| self.disk.create_dir(path))?;
            self.step("sync", self.root(), |path| self.disk.sync_dir(path))?;
        }
        files::check_directory(&directory)?;
        let lock = lock(&directory, name, what)?;
        for entry in files::entries(&directory)?.iter().filter(|entry| is_leftover(entry)) {
            self.step("remove", &directory.join(entry), |path| self.disk.remove(path))?;
        }
        Ok(lock)
    }

    fn refuse_twin(&self, name: &BundleName) -> Result<()> {
        let twin = |entry: &String| entry != name.as_str() && entry.eq_ignore_ascii_case(name.as_str());
        match files::entries(self.root())?.into_iter().find(twin) {
            None => Ok(()),
            Some(_) => Err(ErrorKind::InvalidName {
                name: name.as_str().to_owned(),
                reason: "a bundle exists whose name differs in case only",
            }
            .into()),
        }
    }

    pub(crate) fn step<T>(
        &self,
        verb: &str,
        path: &Path,
        step: impl FnOnce(&Path) -> std::io::Result<T>,
    ) -> Result<T> {
        step(path).map_err(|error| Error::io(format!("{verb} {}", path.display()), error))
    }
}

/// Takes a bundle's lock, which only one writer has at a time. It goes with the file, whatever becomes of the process.
fn lock(directory: &Path, name: &BundleName, what: &str) -> Result<File> {
    let path = directory.join(".lock");
    let failed = |error| Error::io(format!("lock {}", path.display()), error);
    let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(fs4::TryLockError::WouldBlock) => Err(ErrorKind::Busy {
            what: format!("{what} of bundle {name}"),
            holder: format!("another writer or collector has {}", path.display()),
        }
        .into()),
        Err(fs4::TryLockError::Error(error)) => Err(failed(error)),
    }
}

impl<'s> Draft<'s> {
    fn begin(store: &'s Store, name: &BundleName, shape: DraftShape, lock: File) -> Result<Self> {
        let directory = store.directory(name).join(format!("{TEMPORARY}{}", std::process::id()));
        store.step("create", &directory, |path| store.disk.create_dir(path))?;
        let names: Vec<_> = shape.assets.iter().map(|(name, _)| name.clone()).collect();
        let rows = shape.assets.iter().map(|(_, bars)| bars).sum();
        let plan = matrix::plan(shape.frequency, &shape.extra_columns, &names, rows);
        let bars = store.step("create", &directory.join(matrix::FILE), |path| store.disk.create_file(path));
        let bars = bars.inspect_err(|_| drop(store.disk.remove(&directory)))?;
        let draft = Self {
            spans: Vec::with_capacity(names.len()),
            leaves: Vec::with_capacity(names.len()),
            positions: Vec::new(),
            used: Used::new(shape.calendar.len()),
            published: false,
            _lock: lock,
            name: name.clone(),
            store,
            shape,
            names,
            plan,
            directory,
            bars,
        };
        draft.write(&draft.plan.head, 0)?;
        draft.write(&draft.plan.tail, draft.plan.tail_at)?;
        Ok(draft)
    }

    /// Writes the next asset's bars, in the order of the shape: all columns, and their digests.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where all assets are written, where the number of bars is not that of the shape, where a
    /// timestamp is not in the calendar or does not ascend, or where an extra column is missing; [`ErrorKind::Io`].
    pub fn write_asset(&mut self, bars: Bars<'_>) -> Result<()> {
        let columns = self.columns(bars)?;
        let digest = AssetDigest {
            timestamps: timestamps_digest(bars.timestamps()),
            columns: columns.iter().map(|column| column_digest(column)).collect(),
            adjustments: adjustments_digest(self.adjustments(self.spans.len())),
        };
        self.write_digested(bars, digest)
    }

    /// Writes the next asset's bars, whose digests are known.
    pub(crate) fn write_digested(&mut self, bars: Bars<'_>, digest: AssetDigest) -> Result<()> {
        let columns = self.columns(bars)?;
        let rank = self.spans.len();
        let row = self.spans.last().map_or(0, Span::end);
        self.place(bars.timestamps(), row)?;
        self.write(
            (rank as u32).to_le_bytes().repeat(bars.len()).as_slice(),
            matrix::keys_at(&self.plan, row),
        )?;
        let nanos = Timestamp::slice_as_nanos(bars.timestamps());
        self.write(nanos.as_bytes(), matrix::times_at(&self.plan, row))?;
        for (number, column) in columns.iter().enumerate() {
            self.write(column.as_bytes(), matrix::values_at(&self.plan, number, row))?;
        }
        self.leaves.push(digest);
        Ok(())
    }

    /// The next asset's columns, once its length is checked.
    fn columns<'a>(&self, bars: Bars<'a>) -> Result<Vec<&'a [f64]>> {
        let Some((name, expected)) = self.shape.assets.get(self.spans.len()) else {
            return Err(self.invalid("", format!("all {} assets are written", self.names.len())));
        };
        if bars.len() != *expected {
            return Err(self.invalid(name, format!("{} bars were written, {expected} announced", bars.len())));
        }
        let fields =
            Field::OHLCV.into_iter().chain((0..self.shape.extra_columns.len()).map_while(Field::extra));
        let columns: Option<Vec<_>> = fields.map(|field| bars.get(field)).collect();
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

    fn adjustments(&self, rank: usize) -> &[Adjustment] {
        self.names.get(rank).and_then(|name| self.shape.adjustments.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Makes the version last, and then the current one: readers see all of it or nothing, and so does whoever looks after
    /// a crash at any moment.
    ///
    /// Publishing what is there already changes nothing but, where that was another, the current version.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where assets are missing or the calendar holds moments without a bar;
    /// [`ErrorKind::Io`], after which the old version or the new one is current.
    pub fn publish(mut self) -> Result<Published> {
        self.check_complete()?;
        let version = self.version();
        let mut published = Published {
            version,
            unchanged: false,
            assets: self.names.len(),
            rows: self.spans.last().map_or(0, Span::end),
            sync_time: Duration::ZERO,
        };
        let home = self.store.directory(&self.name);
        let target = self.store.version_directory(&self.name, version);
        published.unchanged = MappedBundle::open(&target, &self.name, version, OpenMode::Map).is_ok();
        if !published.unchanged {
            let sync = self.write_and_move(version, &home, &target)?;
            published.sync_time += sync;
        }
        let current = bt_core::BundleSource::version(self.store, &self.name).ok();
        if current != Some(version) {
            published.sync_time += self.replace_head(version, &home)?;
        }
        Ok(published)
    }

    fn check_complete(&self) -> Result<()> {
        if let Some(missing) = self.names.get(self.spans.len()) {
            return Err(self.invalid(missing, "its bars were not written".to_owned()));
        }
        match self.used.first_unused() {
            None => Ok(()),
            Some(moment) => {
                let moment = self.shape.calendar[moment];
                Err(self.invalid("", format!("its calendar holds {moment}, at which no asset has a bar")))
            }
        }
    }

    fn version(&self) -> BundleVersion {
        let extra: Vec<_> = self.shape.extra_columns.iter().map(String::as_str).collect();
        let assets: Vec<_> = self.names.iter().map(String::as_str).zip(&self.leaves).collect();
        bundle_version(self.shape.frequency, &extra, &timestamps_digest(&self.shape.calendar), &assets)
    }

    /// Writes what is left, makes all of it last, and renames it to where readers look.
    fn write_and_move(&mut self, version: BundleVersion, home: &Path, target: &Path) -> Result<Duration> {
        let disk = &*self.store.disk;
        let index = self.write_index(version)?;
        let manifest = self.write_manifest(version)?;
        let start = Instant::now();
        for (file, name) in [(&self.bars, matrix::FILE), (&index, index::FILE), (&manifest, manifest::FILE)] {
            let path = self.directory.join(name);
            self.store.step("make read-only", &path, |_| disk.set_read_only(file))?;
            self.store.step("sync", &path, |_| disk.sync_file(file))?;
        }
        self.store.step("sync", &self.directory, |path| disk.sync_dir(path))?;
        if target.exists() {
            // It does not open, or publish would have kept it.
            let condemned = home.join(format!("{}{version}", files::CONDEMNED));
            self.store.step("replace", target, |target| disk.rename(target, &condemned))?;
        }
        self.store.step("publish", &self.directory, |path| disk.rename(path, target))?;
        self.published = true;
        self.store.step("sync", home, |path| disk.sync_dir(path))?;
        Ok(start.elapsed())
    }

    fn write_index(&self, version: BundleVersion) -> Result<File> {
        let adjustments: Vec<_> = (0..self.names.len()).map(|rank| self.adjustments(rank).to_vec()).collect();
        let (plan, buffers) = index::encode(&index::Parts {
            version,
            frequency: self.shape.frequency,
            names: &self.names,
            spans: &self.spans,
            positions: &self.positions,
            calendar: &self.shape.calendar,
            leaves: &self.leaves,
            adjustments: &adjustments,
        });
        let parts = plan.offsets.iter().zip(&buffers).map(|(&offset, buffer)| (offset, &**buffer));
        let ends = [(0, &*plan.head), (plan.tail_at, &*plan.tail)];
        self.write_file(index::FILE, parts.chain(ends))
    }

    fn write_manifest(&self, version: BundleVersion) -> Result<File> {
        let manifest = self.manifest(version);
        let mut text = serde_json::to_vec_pretty(&manifest).map_err(Error::other)?;
        text.push(b'\n');
        self.write_file(manifest::FILE, [(0, text.as_slice())].into_iter())
    }

    fn write_file<'a>(&self, name: &str, parts: impl Iterator<Item = (u64, &'a [u8])>) -> Result<File> {
        let path = self.directory.join(name);
        let file = self.store.step("create", &path, |path| self.store.disk.create_file(path))?;
        for (offset, bytes) in parts {
            self.store
                .step("write", &path, |_| disk::write_all_at(&*self.store.disk, &file, bytes, offset))?;
        }
        Ok(file)
    }

    /// Points `HEAD` to the version. Whatever happens, `HEAD` holds the old version or the new one.
    fn replace_head(&self, version: BundleVersion, home: &Path) -> Result<Duration> {
        let (store, disk) = (self.store, &*self.store.disk);
        let (new, head) = (home.join(format!("{TEMPORARY}HEAD")), home.join(head::FILE));
        let file = store.step("create", &new, |path| disk.create_file(path))?;
        let replace = || {
            let text = version.to_string();
            store.step("write", &new, |_| disk::write_all_at(disk, &file, text.as_bytes(), 0))?;
            let start = Instant::now();
            store.step("sync", &new, |_| disk.sync_file(&file))?;
            store.step("rename", &new, |new| disk.rename(new, &head))?;
            store.step("sync", home, |home| disk.sync_dir(home))?;
            Ok(start.elapsed())
        };
        replace().inspect_err(|_| drop(disk.remove(&new)))
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let path = self.directory.join(matrix::FILE);
        self.store.step("write", &path, |_| disk::write_all_at(&*self.store.disk, &self.bars, bytes, offset))
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
            // Where this fails too, the next draft removes it.
            drop(self.store.disk.remove(&self.directory));
        }
    }
}

/// Checks what the writing of assets does not.
fn check_shape(shape: &DraftShape) -> Result<()> {
    let invalid = |reason: String| Err(Error::invalid_input("the shape of the bundle", reason));
    let names: Vec<_> = shape.assets.iter().map(|(name, _)| name.as_str()).collect();
    AssetList::new(BundleVersion([0; 32]), &names)
        .map_err(|error| Error::invalid_input("the shape of the bundle", error.to_string()))?;
    Calendar::new(&shape.calendar)
        .map_err(|error| Error::invalid_input("the shape of the bundle", error.to_string()))?;
    if names.iter().map(|name| name.len()).sum::<usize>() > i32::MAX as usize
        || names.len() > i32::MAX as usize
    {
        return invalid(format!("{} assets, or their names, exceed 2 GiB", names.len()));
    }
    if shape.calendar.len() > u32::MAX as usize {
        return invalid(format!(
            "its calendar has {} moments; 4,294,967,295 are allowed",
            shape.calendar.len()
        ));
    }
    check_columns(&shape.extra_columns)?;
    shape.adjustments.iter().try_for_each(|(name, list)| check_adjustments(&names, name, list))
}

fn check_columns(extra: &[String]) -> Result<()> {
    let reserved = |name: &str| {
        name.is_empty() || Field::named(name).is_some() || name == matrix::ASSET || name == matrix::TIMESTAMP
    };
    let bad = extra.iter().enumerate().find(|(at, name)| reserved(name) || extra[..*at].contains(name));
    match bad {
        _ if extra.len() > 1000 => Err(Error::invalid_option("extra_columns", extra.len(), "at most 1000")),
        None => Ok(()),
        Some((_, name)) => Err(Error::invalid_option(
            "extra_columns",
            name,
            "names that differ from each other and from the others",
        )),
    }
}

fn check_adjustments(names: &[&str], name: &str, list: &[Adjustment]) -> Result<()> {
    let invalid =
        |reason: String| Err(Error::invalid_input(format!("adjustments of asset {name:?}"), reason));
    if names.binary_search(&name).is_err() {
        return invalid("the bundle has no such asset".to_owned());
    }
    if !list.is_sorted_by_key(|one| one.ex_date) {
        return invalid("they do not ascend by ex-date".to_owned());
    }
    let value = |one: &Adjustment| match one.kind {
        AdjustmentKind::Split { ratio } => ratio,
        AdjustmentKind::Dividend { amount } => amount,
        _ => f64::NAN,
    };
    match list.iter().find(|one| !(value(one) > 0.0 && value(one).is_finite())) {
        Some(one) => invalid(format!("{one:?}; allowed: splits and dividends above 0")),
        None => Ok(()),
    }
}

/// Which moments of the calendar have a bar. Assets without gaps are noted as ranges, so that they cost O(1).
#[derive(Debug)]
struct Used {
    starts_minus_ends: Vec<i64>,
    single: Vec<bool>,
}

impl Used {
    fn new(moments: usize) -> Self {
        Self { starts_minus_ends: vec![0; moments + 1], single: vec![false; moments] }
    }

    fn mark(&mut self, span: &Span, calendar: &[Timestamp], timestamps: &[Timestamp]) {
        let (start, len) = (span.calendar_first as usize, span.calendar_len as usize);
        if !span.has_gaps() {
            self.starts_minus_ends[start] += 1;
            self.starts_minus_ends[start + len] -= 1;
            return;
        }
        let mut bars = timestamps.iter().peekable();
        for moment in start..start + len {
            if bars.next_if(|&&bar| bar == calendar[moment]).is_some() {
                self.single[moment] = true;
            }
        }
    }

    fn first_unused(&self) -> Option<usize> {
        let mut open = 0;
        self.single.iter().zip(&self.starts_minus_ends).position(|(&single, change)| {
            open += change;
            !single && open == 0
        })
    }
}

impl Draft<'_> {
    fn manifest(&self, version: BundleVersion) -> Manifest {
        let sequence = self.store.versions(&self.name).ok().and_then(|versions| {
            versions
                .iter()
                .filter_map(|(_, manifest)| manifest.as_ref().map(|manifest| manifest.sequence))
                .max()
        });
        let text = |moment: &Timestamp| moment.to_string();
        let calendar = &self.shape.calendar;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Manifest {
            format: 1,
            name: self.name.to_string(),
            version: version.to_string(),
            sequence: sequence.unwrap_or(0) + 1,
            published: Timestamp::from_nanos(0).plus_seconds(now.as_secs() as i64).to_string(),
            origin: self.shape.origin.clone(),
            frequency: self.shape.frequency.to_string(),
            columns: Field::NAMES
                .map(String::from)
                .into_iter()
                .chain(self.shape.extra_columns.clone())
                .collect(),
            rows: self.spans.last().map_or(0, Span::end),
            moments: calendar.len() as u64,
            first: calendar.first().map(text),
            last: calendar.last().map(text),
            adjustments: self.shape.adjustments.values().map(|list| list.len() as u64).sum(),
            assets: self.names.iter().zip(&self.spans).map(|(name, span)| self.range(name, span)).collect(),
            digests: self.digests(),
        }
    }

    fn range(&self, name: &str, span: &Span) -> manifest::AssetRange {
        let first = span.calendar_first as usize;
        let moments = &self.shape.calendar[first..first + span.calendar_len as usize];
        let text = |moment: &Timestamp| moment.to_string();
        manifest::AssetRange {
            name: name.to_owned(),
            bars: span.len.into(),
            first: moments.first().map(text),
            last: moments.last().map(text),
        }
    }

    fn digests(&self) -> manifest::Digests {
        let calendar = &self.shape.calendar;
        let metadata = calendar.first().zip(calendar.last()).map(|(&start, &end)| {
            let metadata = bt_core::BundleMetadata {
                name: self.name.clone(),
                symbols: self.names.clone(),
                start,
                end,
                frequency: self.shape.frequency,
                extra_columns: self.shape.extra_columns.clone(),
            };
            BundleVersion(metadata.digest()).to_string()
        });
        manifest::Digests { calendar: BundleVersion(timestamps_digest(calendar)).to_string(), metadata }
    }
}
