use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bt_core::{BarLabel, Bundle, BundleName, BundleSource, Error, Frequency, Result, Timestamp, Zone};

use super::fault::{Finding, Place, TimeFault};
use super::report::{counted, summary};
use super::{Extras, Ingest, IngestReport};
use crate::{Appended, Disk, Label, Store};

/// What [`Ingest::append_to`] read and did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppendReport {
    /// What the input was understood to be; version, assets and bars are the input's alone.
    pub input: IngestReport,
    /// What became of the bundle.
    pub appended: Appended,
}

impl fmt::Display for AppendReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Appended { published, previous, new_bars, repeated_bars, .. } = &self.appended;
        writeln!(f, "input of the append")?;
        self.input.understood(f)?;
        write!(f, "\n\n{} {previous}", self.input.name)?;
        match published.version == *previous {
            true => writeln!(f, " (as before)")?,
            false => writeln!(f, " \u{2192} {}", published.version)?,
        }
        write!(f, "  appended   {}", counted(*new_bars, "new bar"))?;
        if *repeated_bars > 0 {
            write!(f, ", left out {repeated_bars} that the bundle had already")?;
        }
        let (assets, bars) = (counted(published.assets as u64, "asset"), counted(published.rows, "bar"));
        write!(f, "\n  holds      {assets}, {bars}")
    }
}

impl Ingest<'_> {
    /// Publishes the current version of a bundle with the rows of all inputs behind it; see [`Store::append`].
    ///
    /// The frequency is that of the bundle unless another is stated, which is then an error. So are the extra columns, unless
    /// [`Extras::Only`] states others; columns that the bundle does not have are ignored and reported. The new bars are
    /// grouped in a temporary directory first, so they may be larger than memory too.
    ///
    /// # Errors
    /// What [`into_store`](Self::into_store) and [`Store::append`] refuse. The old version stays current then.
    pub fn append_to(mut self, store: &Store, name: &BundleName) -> Result<AppendReport> {
        let bundle = store.open(name)?;
        self.options.frequency.get_or_insert(bundle.frequency());
        if self.options.extras == Extras::Numeric {
            self.options.extras = Extras::Only(bundle.extra_columns().to_vec());
        }
        let zone: Zone = bundle.conventions().zone.parse()?;
        if bundle.conventions().label == BarLabel::Start && !bundle.frequency().is_intraday() {
            self.options.label.get_or_insert(Label::Start);
        }
        let last = bundle.calendar().last().copied();
        drop(bundle);
        let directory = match &self.options.temporary_directory {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        };
        let directory = directory.map_err(|error| Error::io("create a temporary directory", error))?;
        let new = Store::create(directory.path())?.with_disk(Arc::new(Unsynced));
        // A zone that a bundle took from its input holds as if it had been stated; one of offsets is only what they have in
        // common.
        if self.options.zone.is_none() && !zone.is_fixed() {
            self.options.zone = Some(zone.clone());
        }
        let input = self.publish(&new, name, Some(&zone))?;
        let opened = new.open(name)?;
        check_last_day(last, &*opened, &input)?;
        let first_names = summary(input.sources.iter().map(String::as_str), input.sources.len());
        let origin = format!("appended from {}", first_names);
        let appended = store.append(name, &*opened, &origin)?;
        Ok(AppendReport { input, appended })
    }
}

/// Where days end with the next one that is stamped, the first of the new bars tells when the last of the old ones ended. That
/// was taken for 24 hours, for want of it; it may be an hour more or less.
fn check_last_day(last: Option<Timestamp>, new: &dyn Bundle, input: &IngestReport) -> Result<()> {
    const HOURS: i64 = 3600;
    let (Some(last), Some(&first)) = (last, new.calendar().first()) else { return Ok(()) };
    if new.frequency() != Frequency::Daily || new.conventions().label != BarLabel::End {
        return Ok(());
    }
    // The day of the first new bar begins a day before it ends, clocks set or not.
    let zone: Zone = new.conventions().zone.parse()?;
    let begins = first.plus_seconds(-24 * HOURS);
    let apart = begins.as_nanos() - last.as_nanos();
    let is_moved = apart != 0 && apart.abs() <= HOURS * 1_000_000_000;
    if !is_moved || !zone.is_fixed() {
        return Ok(());
    }
    let place = Place::of(input.sources.first().cloned().unwrap_or_default());
    Err(Finding::new(place, TimeFault::MovedDay { known: last, ends: begins }).into())
}

/// What is gone after the append need not outlive a crash.
#[derive(Debug)]
struct Unsynced;

impl Disk for Unsynced {
    fn sync_file(&self, _: &File) -> std::io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}
