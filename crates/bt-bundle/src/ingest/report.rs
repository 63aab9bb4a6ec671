use std::fmt;
use std::time::Duration;

use bt_core::{BundleName, BundleVersion, Frequency, Timestamp};

use super::rows::{LeftOut, Source};

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
    /// The IANA name of the zone in which days end and times without an offset are read.
    pub zone: String,
    /// Rows of the input.
    pub rows_read: u64,
    /// Rows that could not become bars.
    pub left_out: LeftOut,
    /// Rows whose open or close is outside low and high; they are kept.
    pub outside: LeftOut,
    /// Values that are missing, each with its row and column; they are kept as NaN. Columns that the input lacks are not
    /// counted.
    pub missing: LeftOut,
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
    /// Bytes of rows that went through a temporary file, because they exceeded the memory budget.
    pub spilled_bytes: u64,
    /// Where the time went.
    pub timings: Timings,
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

fn summary<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    const SHOWN: usize = 3;
    let shown = names.take(SHOWN).collect::<Vec<_>>().join(", ");
    match count.saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl fmt::Display for IngestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unchanged = if self.unchanged { " (was there already)" } else { "" };
        writeln!(f, "{} {}{unchanged}", self.name, self.version)?;
        self.understood(f)
    }
}

impl IngestReport {
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
        self.rows_left_out(f)?;
        let end = |moment: Option<Timestamp>| moment.map_or("-".to_owned(), |moment| moment.to_string());
        let (first, last) = (end(self.first), end(self.last));
        let (assets, bars) = (counted(self.assets as u64, "asset"), counted(self.bars, "bar"));
        writeln!(f, "  holds      {assets}, {bars}, known {first} to {last}")?;
        if self.adjustments > 0 {
            let adjustments = counted(self.adjustments as u64, "split or dividend");
            writeln!(f, "  adjusted   {adjustments} stored, not applied")?;
        }
        if self.spilled_bytes > 0 {
            writeln!(f, "  spilled    {} bytes to a temporary file", self.spilled_bytes)?;
        }
        let Timings { read, settle, write, sync } = self.timings;
        write!(f, "  took       read {read:.1?}, settle {settle:.1?}, write {write:.1?}, fsync {sync:.1?}")
    }

    fn rows_left_out(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.left_out.count > 0 {
            writeln!(f, "  left out   {}, such as", counted(self.left_out.count, "bad row"))?;
            self.left_out.examples.iter().try_for_each(|row| writeln!(f, "               {row}"))?;
        }
        if let Some(example) = self.outside.examples.first() {
            writeln!(f, "  odd        {}, kept, such as {example}", counted(self.outside.count, "row"))?;
        }
        if let Some(first) = self.missing.examples.first() {
            let values = counted(self.missing.count, "value");
            writeln!(
                f,
                "  missing    {values}, kept as NaN, such as {}; a mean or another window begins anew after one",
                first.place()
            )?;
        }
        Ok(())
    }
}
