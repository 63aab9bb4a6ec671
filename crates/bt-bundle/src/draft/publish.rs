use std::borrow::Cow;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use bt_core::{BundleSource, BundleVersion, Error, Result, Span, bundle_version, timestamps_digest};

use super::Draft;
use crate::files::{self, TEMPORARY};
use crate::ipc::Plan;
use crate::{Manifest, MappedBundle, OpenMode, disk, head, index, leaves, manifest, matrix};

/// What [`Draft::publish`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// The version that is current now.
    pub version: BundleVersion,
    /// Whether this version was there already, all of it as it was published, so that nothing new was kept.
    pub unchanged: bool,
    /// Whether this version was there already, but damaged, and was replaced.
    pub repaired: bool,
    /// Number of assets.
    pub assets: usize,
    /// Number of bars of all assets.
    pub rows: u64,
    /// How long the operating system took to make files and directories last.
    pub sync_time: Duration,
}

impl Draft<'_> {
    /// Makes the version last, and then the current one: readers see all of it or nothing, and so does whoever looks after
    /// a crash at any moment.
    ///
    /// Publishing what is there already changes nothing but, where that was another, the current version. Whether it is
    /// there is known once it was read and its digests were compared; a damaged version is replaced. Readers that have the
    /// damaged files open keep them.
    ///
    /// # Errors
    /// [`InvalidInput`](bt_core::ErrorKind::InvalidInput) where assets are missing or the calendar holds moments without a
    /// bar;
    /// [`Io`](bt_core::ErrorKind::Io), after which the old version or the new one is current.
    pub fn publish(mut self) -> Result<Published> {
        self.check_complete()?;
        let version = self.version();
        let mut published = Published {
            version,
            unchanged: false,
            repaired: false,
            assets: self.names.len(),
            rows: self.spans.last().map_or(0, Span::end),
            sync_time: Duration::ZERO,
        };
        let home = self.store.directory(&self.name);
        let target = self.store.version_directory(&self.name, version);
        let present = std::fs::symlink_metadata(&target).is_ok();
        published.unchanged = present && self.is_intact(version, &target);
        published.repaired = present && !published.unchanged;
        if !published.unchanged {
            published.sync_time += self.write_and_move(version, &home, &target, present)?;
        }
        let current = self.store.version(&self.name).ok();
        if current != Some(version) {
            published.sync_time += self.replace_head(version, &home)?;
        }
        if current.is_none() {
            self.store.step("sync", self.store.root(), |root| self.store.disk.sync_dir(root))?;
        }
        Ok(published)
    }

    fn check_complete(&self) -> Result<()> {
        if let Some(missing) = self.names.get(self.leaves.len()) {
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
        let calendar = timestamps_digest(&self.shape.calendar);
        bundle_version(self.shape.frequency, &self.shape.conventions, &extra, &calendar, &assets)
    }

    /// Whether all of a version is as it was published: what bars are read through, and what people and `gc` read.
    fn is_intact(&self, version: BundleVersion, target: &Path) -> bool {
        let opened = MappedBundle::open(target.to_owned(), &self.name, version, OpenMode::Map);
        opened.and_then(|bundle| bundle.verify()).is_ok() && Manifest::read(target).is_ok()
    }

    /// Writes what is left, makes all of it last, and renames it to where readers look.
    fn write_and_move(
        &mut self,
        version: BundleVersion,
        home: &Path,
        target: &Path,
        replace: bool,
    ) -> Result<Duration> {
        self.write_columns()?;
        let disk = &*self.store.disk;
        let index = self.write_index(version)?;
        let leaves = self.write_leaves()?;
        let manifest = self.write_manifest(version)?;
        let start = Instant::now();
        let files = [
            (self.bars.take(), matrix::FILE),
            (Some(index), index::FILE),
            (Some(leaves), leaves::FILE),
            (Some(manifest), manifest::FILE),
        ];
        // Each is closed at its turn: Windows renames no directory with an open file in it.
        for (file, name) in files.into_iter().filter_map(|(file, name)| Some((file?, name))) {
            let path = self.directory.join(name);
            self.store.step("make read-only", &path, |_| disk.set_read_only(&file))?;
            self.store.step("sync", &path, |_| disk.sync_file(&file))?;
        }
        self.store.step("sync", &self.directory, |path| disk.sync_dir(path))?;
        if replace {
            return self.replace(version, home, target).map(|()| start.elapsed());
        }
        self.store.step("publish", &self.directory, |path| disk.rename(path, target))?;
        self.published = true;
        self.store.step("sync", home, |path| disk.sync_dir(path))?;
        Ok(start.elapsed())
    }

    /// Puts the version in the place of a damaged one, and removes that. Where the file system can exchange two directories
    /// one of them has the version's name at every moment.
    fn replace(&mut self, version: BundleVersion, home: &Path, target: &Path) -> Result<()> {
        let (disk, new) = (&*self.store.disk, self.directory.clone());
        let aside = home.join(format!("{}{version}", files::CONDEMNED));
        let damaged = match disk.exchange(&new, target) {
            Ok(()) => new,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.store.step("set aside", target, |target| disk.rename(target, &aside))?;
                self.store.step("publish", &new, |new| disk.rename(new, target))?;
                aside
            }
            Err(error) => return Err(Error::io(format!("replace {}", target.display()), error)),
        };
        self.published = true;
        self.store.step("sync", home, |path| disk.sync_dir(path))?;
        // What is left of it, the next writer removes.
        drop(disk.remove(&damaged));
        Ok(())
    }

    fn write_index(&self, version: BundleVersion) -> Result<File> {
        let adjustments: Vec<_> = (0..self.names.len()).map(|rank| self.adjustments(rank).to_vec()).collect();
        let (plan, buffers) = index::encode(&index::Parts {
            version,
            frequency: self.shape.frequency,
            conventions: &self.shape.conventions,
            names: &self.names,
            spans: &self.spans,
            positions: &self.positions,
            calendar: &self.shape.calendar,
            adjustments: &adjustments,
        });
        self.write_planned(index::FILE, &plan, &buffers)
    }

    fn write_leaves(&self) -> Result<File> {
        let (plan, buffers) =
            leaves::encode(&self.names, &self.shape.extra_columns, &self.leaves, self.shape.format());
        self.write_planned(leaves::FILE, &plan, &buffers)
    }

    fn write_planned(&self, name: &str, plan: &Plan, buffers: &[Cow<'_, [u8]>]) -> Result<File> {
        let parts = plan.offsets.iter().zip(buffers).map(|(&offset, buffer)| (offset, &**buffer));
        let ends = [(0, &*plan.head), (plan.tail_at, &*plan.tail)];
        self.write_file(name, parts.chain(ends))
    }

    fn write_manifest(&self, version: BundleVersion) -> Result<File> {
        let text = self.manifest(version).to_json()?;
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
}
