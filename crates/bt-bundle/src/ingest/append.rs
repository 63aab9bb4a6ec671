use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bt_core::{
    BarClock, BarLabel, Bundle, BundleName, BundleSource, Error, Frequency, Result, Timestamp, Zone,
};

use super::fault::{Finding, FrequencyFault, Place, TimeFault};
use super::infer::clock::Base;
use super::infer::frequency::Gaps;
use super::report::{counted, summary};
use super::wall::{DAY, HOUR, MINUTE, SECOND};
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
        let is_frequency_stated = self.options.frequency.is_some();
        self.options.frequency.get_or_insert(bundle.frequency());
        if self.options.extras == Extras::Numeric {
            self.options.extras = Extras::Only(bundle.extra_columns().to_vec());
        }
        let base = Base::of(&*bundle)?;
        if bundle.conventions().label == BarLabel::Start && !bundle.frequency().is_intraday() {
            self.options.label.get_or_insert(Label::Start);
        }
        let last = bundle.calendar().last().copied();
        let directory = match &self.options.temporary_directory {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        };
        let directory = directory.map_err(|error| Error::io("create a temporary directory", error))?;
        let new = Store::create(directory.path())?.with_disk(Arc::new(Unsynced));
        // A zone that a bundle took from its input holds as if it had been stated; one of offsets is only what they have in
        // common.
        if self.options.zone.is_none() && !base.zone.is_fixed() {
            self.options.zone = Some(base.zone.clone());
        }
        let input = self.publish(&new, name, Some(&base))?;
        let opened = new.open(name)?;
        check_last_day(last, &*opened, &input)?;
        if !is_frequency_stated {
            check_frequency(&*bundle, &*opened, &input)?;
        }
        check_days(&*bundle, &*opened)?;
        drop(bundle);
        let first_names = summary(input.sources.iter().map(String::as_str), input.sources.len());
        let origin = format!("appended from {}", first_names);
        let appended = store.append(name, &*opened, &origin)?;
        Ok(AppendReport { input, appended })
    }
}

/// Nobody said how far apart the new bars are: they are read as those of the bundle, unless an asset's are others beyond doubt, and
/// were not so in the bundle.
fn check_frequency(old: &dyn Bundle, new: &dyn Bundle, input: &IngestReport) -> Result<()> {
    let most = new.frequency();
    // Bars within the day are known when they end: their start is what may be a midnight.
    let length = match most {
        Frequency::Minutes(minutes) if new.conventions().label == BarLabel::Start => {
            i64::from(minutes) * MINUTE
        }
        _ => 0,
    };
    let zone = if most.is_intraday() { Some(new.conventions().zone.parse()?) } else { None };
    for (id, asset) in new.assets().ids().zip(new.assets().names()) {
        let fault = |bundle: &dyn Bundle, id| -> Result<Option<FrequencyFault>> {
            let stamps: Vec<i64> =
                bundle.bars(id)?.timestamps().iter().map(|known| known.as_nanos() - length).collect();
            let mut gaps = Gaps::new(zone.clone());
            gaps.add(asset, &stamps);
            Ok(gaps.check_assets(most).err())
        };
        let found = fault(new, id)?;
        let before = match (&found, old.assets().find(asset)) {
            (Some(_), Some(id)) => fault(old, id)?,
            _ => None,
        };
        if let Some(fault) = found.filter(|found| before.as_ref() != Some(found)) {
            let place = Place::of(input.sources.first().cloned().unwrap_or_default());
            return Err(Finding::new(place, fault).into());
        }
    }
    Ok(())
}

/// A daily bar of the input may be another one of the day of an asset's last bar, known at another moment: session close or
/// zone was stated for one of them alone.
fn check_days(old: &dyn Bundle, new: &dyn Bundle) -> Result<()> {
    if old.frequency() != Frequency::Daily {
        return Ok(());
    }
    let clock = BarClock::of(old)?;
    for (id, asset) in new.assets().ids().zip(new.assets().names()) {
        let Some(before) = old.assets().find(asset) else { continue };
        let (before, bars) = (old.bars(before)?, new.bars(id)?);
        let Some(&last) = before.timestamps().last() else { continue };
        let next = bars.timestamps().iter().copied().find(|&known| known > last);
        let Some(next) = next.filter(|&next| clock.are_of_one_day(last, next)) else { continue };
        let day = clock.day(last);
        return Err(Error::invalid_input(
            "the appended bars",
            format!(
                "the bar of {asset:?} of {day} is known at {next}, and the bundle has one of that day, known at {last}; state \
                 session close, label and zone as for the bundle"
            ),
        ));
    }
    Ok(())
}

/// Where days end with the next one that is stamped, the first of the new bars tells when the last of the old ones ended. That
/// was taken for 24 hours, for want of it; it may be an hour more or less.
fn check_last_day(last: Option<Timestamp>, new: &dyn Bundle, input: &IngestReport) -> Result<()> {
    let (Some(last), Some(&first)) = (last, new.calendar().first()) else { return Ok(()) };
    if new.frequency() != Frequency::Daily || new.conventions().label != BarLabel::End {
        return Ok(());
    }
    // The day of the first new bar begins a day before it ends, clocks set or not.
    let zone: Zone = new.conventions().zone.parse()?;
    let begins = first.plus_seconds(-DAY / SECOND);
    let apart = begins.as_nanos() - last.as_nanos();
    let is_moved = apart != 0 && apart.abs() <= HOUR;
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
