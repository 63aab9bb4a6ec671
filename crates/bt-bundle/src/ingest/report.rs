use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bt_core::{BarClock, BundleName, BundleVersion, Conventions, Frequency, Timestamp};

use super::fault::Findings;
use super::infer::clock::Rule;
use super::rows::Source;
use super::rows::settle::Settled;
use super::source::Sources;
use super::source::folder::Skipped;
use super::{DateOrder, IngestOptions};

/// What an ingest understood and did. Its `Display` is meant to be read before the bars are trusted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IngestReport {
    /// The bundle.
    pub name: BundleName,
    /// The version that is current now.
    pub version: BundleVersion,
    /// Whether this content was there already.
    pub unchanged: bool,
    /// Whether this content was there already, but damaged, and was replaced.
    pub repaired: bool,
    /// The files, or `record batches`.
    pub sources: Vec<String>,
    /// What each column of the first source was read as: (`close`, `Close`).
    pub columns: Vec<(String, String)>,
    /// Columns of the first source that the bundle does not keep.
    pub ignored: Vec<String>,
    /// How far apart bars are.
    pub frequency: Frequency,
    /// Whether the frequency was inferred from the bars.
    pub frequency_inferred: bool,
    /// When bars become known, in words, with what was assumed.
    pub known: String,
    /// The zone in which days end, and which day a bar belongs to.
    pub conventions: Conventions,
    /// Rows of the input.
    pub rows_read: u64,
    /// Rows that could not become bars, and were left out.
    pub rejected: Findings,
    /// Rows without any price, which are no bars.
    pub unpriced: Findings,
    /// Rows that say the same as an earlier one, which was taken once.
    pub repeated: Findings,
    /// Rows whose open or close is outside low and high; they are kept.
    pub outside: Findings,
    /// Rows with a price of 0 or below; they are kept.
    pub not_above_zero: Findings,
    /// Values that are missing, each with its row and column; they are kept as NaN. Columns that the input lacks are not
    /// counted.
    pub missing: Findings,
    /// What may have been meant otherwise.
    pub notes: Vec<Note>,
    /// What was not read.
    pub skipped: Vec<Skipped>,
    /// Number of assets.
    pub assets: usize,
    /// Number of bars.
    pub bars: u64,
    /// When the first bar became known.
    pub first: Option<Timestamp>,
    /// When the last bar became known.
    pub last: Option<Timestamp>,
    /// Splits and dividends that were stored.
    pub adjustments: usize,
    /// Rows of the file of splits and dividends that could not be stored, and were left out. They are none of `rows_read`.
    pub rejected_adjustments: Findings,
    /// Bytes of rows that went through a temporary file, because they exceeded the memory budget.
    pub spilled_bytes: u64,
    /// Where the time went.
    pub timings: Timings,
}

/// Something that may have been meant otherwise than it was read.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Note {
    /// Lines before the header were passed over.
    LinesBeforeHeader {
        /// The first file that has any.
        source: String,
        /// How many.
        lines: usize,
    },
    /// Prices are whole and so large that they look like fixed point.
    FixedPoint {
        /// The first file in which they do.
        source: String,
        /// The median close of its first rows.
        price: f64,
    },
    /// No price tells, but other numbers do, that one sign in them stands between thousands.
    GroupedPrices {
        /// The first such file.
        source: String,
        /// The first such price.
        text: String,
        /// What it is read as.
        price: f64,
    },
    /// All numbers that are not whole have one full stop before three digits, volumes as well: it may stand between thousands.
    Thousandths {
        /// The first such file.
        source: String,
        /// The first such number.
        text: String,
        /// What it is read as.
        number: f64,
    },
    /// The first dates of a file could be two, and were read in the order of day and month that another file's have.
    OrderOfOthers {
        /// The first such file.
        source: String,
        /// That order.
        order: DateOrder,
    },
    /// Daily bars are stamped with a time of day, which was taken for their start.
    DailyStarts,
    /// No column was taken for the volume, and there are some that may be it.
    NoVolume,
    /// Files whose names differ by a date alone were read as assets of their own.
    FilesByDate {
        /// What their names have in common; nothing where they are dates.
        stem: String,
        /// How many files.
        files: usize,
    },
    /// Files of the same name in several folders were read as one asset.
    SameName {
        /// The asset.
        asset: String,
        /// How many files.
        files: usize,
    },
}

impl Note {
    pub(super) fn of(sources: &Sources<'_>, settled: &Settled, options: &IngestOptions) -> Vec<Self> {
        let mut notes = Vec::new();
        if let Some((source, lines)) = sources.before_header.clone() {
            notes.push(Self::LinesBeforeHeader { source, lines });
        }
        if let Some((source, price)) = sources.fixed_point.clone() {
            notes.push(Self::FixedPoint { source, price });
        }
        if let Some((source, text, price)) = sources.grouped.clone() {
            notes.push(Self::GroupedPrices { source, text, price });
        }
        if let Some((source, text, number)) = sources.thousandths.clone() {
            notes.push(Self::Thousandths { source, text, number });
        }
        if let Some((source, order)) = sources.order_of_others.clone() {
            notes.push(Self::OrderOfOthers { source, order });
        }
        if settled.clock.rule == Rule::NextDay && options.label.is_none() {
            notes.push(Self::DailyStarts);
        }
        if sources.may_have_volume() {
            notes.push(Self::NoVolume);
        }
        let assets: BTreeSet<&str> = settled.assets.iter().map(|asset| asset.name.as_str()).collect();
        let by_file = sources.all().iter().filter(|source| source.names_asset);
        let stems = by_file.filter_map(|source| Path::new(&*source.name).file_stem()?.to_str());
        let stems: Vec<_> = stems.filter(|stem| assets.contains(stem)).collect();
        notes.extend(by_date(stems.iter().copied()));
        notes.extend(same_name(&stems));
        notes
    }
}

/// The name that most files have, if several have it.
fn same_name(stems: &[&str]) -> Option<Note> {
    let (asset, files) = commonest(stems.iter().copied())?;
    (files > 1).then(|| Note::SameName { asset: asset.to_owned(), files })
}

/// The commonest of some names, the last one of several, and how often it occurs.
fn commonest<'a>(names: impl Iterator<Item = &'a str>) -> Option<(&'a str, usize)> {
    let mut counts = BTreeMap::<&str, usize>::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts.into_iter().max_by_key(|&(_, count)| count)
}

/// The commonest of the names that are the same once their dates are left out.
fn by_date<'a>(names: impl Iterator<Item = &'a str>) -> Option<Note> {
    let (stem, files) = commonest(names.filter_map(without_date))?;
    (files > 1).then(|| Note::FilesByDate { stem: stem.to_owned(), files })
}

/// A name up to the date, the month or the year at its end, if it ends with one: `ADABTC-1m-2021-11-27` is `ADABTC-1m`.
fn without_date(name: &str) -> Option<&str> {
    let front = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    let end = &name[front.len()..];
    let digits: String = end.chars().filter(char::is_ascii_digit).collect();
    let number = |at: Range<usize>| digits.get(at).and_then(|digits| digits.parse().ok()).unwrap_or(0_u32);
    let has = |year: u32, month: u32, day: u32| {
        (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
    };
    let is_date = match digits.len() {
        4 => end.starts_with(['-', '_', '.']) && has(number(0..4), 1, 1),
        // Six digits alone are the name of a share.
        6 => end.len() > 6 && has(number(0..4), number(4..6), 1),
        8..=14 => has(number(0..4), number(4..6), number(6..8)),
        _ => false,
    };
    is_date.then_some(front)
}

/// Where the time of an ingest went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timings {
    /// Reading and decoding.
    pub read: Duration,
    /// Finding frequency, calendar and duplicates.
    pub settle: Duration,
    /// Sorting, hashing and writing, without [`sync`](Self::sync).
    pub write: Duration,
    /// What the operating system took to make it last.
    pub sync: Duration,
}

impl Timings {
    /// All of it.
    pub fn total(self) -> Duration {
        self.read + self.settle + self.write + self.sync
    }
}

/// A number of things: `1 bar`, `2 bars`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    match (count, thing.split_once(" or ")) {
        (1, _) => format!("1 {thing}"),
        (_, Some((one, other))) => format!("{count} {one}s and {other}s"),
        _ => format!("{count} {thing}s"),
    }
}

/// The first names, and how many more there are.
pub(super) fn first_names(sources: &[Source]) -> String {
    summary(sources.iter().map(|source| &*source.name), sources.len())
}

/// The same of names that are texts.
pub(super) fn summary<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    const SHOWN: usize = 3;
    let shown = names.take(SHOWN).collect::<Vec<_>>().join(", ");
    match count.saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl fmt::Display for IngestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let became = match (self.unchanged, self.repaired) {
            (true, _) => " (was there already)",
            (_, true) => " (was there, damaged, and is repaired)",
            _ => "",
        };
        writeln!(f, "{} {}{became}", self.name, self.version)?;
        self.understood(f)
    }
}

impl IngestReport {
    /// The days of the first bar and of the last, or where bars are shorter their starts, in the bundle's zone.
    pub fn bar_names(&self) -> Option<[String; 2]> {
        let clock = BarClock::new(self.frequency, &self.conventions).ok()?;
        Some([self.first?, self.last?].map(|known| clock.name(known).to_string()))
    }

    /// All but the bundle's name and version.
    pub(super) fn understood(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = summary(self.sources.iter().map(String::as_str), self.sources.len());
        writeln!(f, "  read       {} from {sources}", counted(self.rows_read, "row"))?;
        let columns: Vec<_> =
            self.columns.iter().map(|(what, column)| format!("{what} = {column:?}")).collect();
        writeln!(f, "  columns    {}", columns.join(", "))?;
        if !self.ignored.is_empty() {
            writeln!(f, "  ignored    {}", self.ignored.join(", "))?;
        }
        let inferred = if self.frequency_inferred { " (inferred)" } else { "" };
        writeln!(f, "  frequency  {}{inferred}", self.frequency)?;
        writeln!(f, "  known      {}", self.known)?;
        self.rows_told(f)?;
        for Skipped { path, reason } in &self.skipped {
            writeln!(f, "  not read   {}, which {reason}", path.display())?;
        }
        let (assets, bars) = (counted(self.assets as u64, "asset"), counted(self.bars, "bar"));
        match self.bar_names() {
            Some([first, last]) => writeln!(f, "  holds      {assets}, {bars}, {first} to {last}")?,
            None => writeln!(f, "  holds      {assets}, {bars}")?,
        }
        if self.adjustments > 0 {
            let adjustments = counted(self.adjustments as u64, "split or dividend");
            writeln!(f, "  adjusted   {adjustments} stored, not applied")?;
        }
        left_out(f, &self.rejected_adjustments, "bad split or dividend")?;
        if self.spilled_bytes > 0 {
            writeln!(f, "  spilled    {} bytes to a temporary file", self.spilled_bytes)?;
        }
        let Timings { read, settle, write, sync } = self.timings;
        write!(f, "  took       read {read:.1?}, settle {settle:.1?}, write {write:.1?}, fsync {sync:.1?}")
    }

    fn rows_told(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        left_out(f, &self.rejected, "bad row")?;
        let lines = [
            ("no bar", &self.unpriced, "row", "left out"),
            ("repeated", &self.repeated, "row", "taken once"),
            ("odd", &self.outside, "row", "kept"),
            ("not above 0", &self.not_above_zero, "row", "kept"),
        ];
        for (what, findings, thing, fate) in lines {
            if let Some(first) = findings.examples.first() {
                let count = counted(findings.count, thing);
                let (place, fault) = (&first.place, first.fault.statement());
                writeln!(f, "  {what:<10} {count}, {fate}, such as {place}: {fault}")?;
            }
        }
        if let Some(first) = self.missing.examples.first() {
            let values = counted(self.missing.count, "value");
            writeln!(
                f,
                "  missing    {values}, kept as NaN, such as {}; a mean or another window begins anew after one",
                first.place
            )?;
        }
        Ok(())
    }
}

fn left_out(f: &mut fmt::Formatter<'_>, findings: &Findings, thing: &str) -> fmt::Result {
    if findings.count == 0 {
        return Ok(());
    }
    writeln!(f, "  left out   {}, such as", counted(findings.count, thing))?;
    let mut examples = findings.examples.iter();
    examples.try_for_each(|one| writeln!(f, "               {}: {}", one.place, one.fault.statement()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_a_date_alone_are_told_from_names_of_assets() {
        let note = |names: &[&str]| match by_date(names.iter().copied()) {
            Some(Note::FilesByDate { stem, files }) => Some((stem, files)),
            _ => None,
        };
        assert_eq!(note(&["ADABTC-1m-2021-11-27", "ADABTC-1m-2021-11-28"]), Some(("ADABTC-1m".into(), 2)));
        assert_eq!(note(&["EURUSD_202101", "EURUSD_202102"]), Some(("EURUSD".into(), 2)));
        assert_eq!(note(&["AAPL", "BTC_2023", "BTC_2024"]), Some(("BTC".into(), 2)));
        assert_eq!(note(&["2024-01-05", "20240108"]), Some((String::new(), 2)));
        for names in [
            &["AAPL", "MSFT"][..],
            &["600000", "600001"],
            &["200012", "200011"],
            &["A1", "A2"],
            &["AAPL-2021"],
            &[],
        ] {
            assert_eq!(note(names), None, "{names:?}");
        }
    }
}
