//! All rows of an ingest, asset by asset: in memory up to a budget, beyond it in a temporary file.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::RangeInclusive;

use bt_core::{Error, Result, Timestamp};
use zerocopy::IntoBytes;

use super::{Names, RowFindings, RowId, Rows};
use crate::ingest::IngestOptions;
use crate::ingest::infer::summary::StampSummary;

/// Rows as they came, found by asset.
#[derive(Default, Debug)]
pub(in crate::ingest) struct Collected {
    names: Names,
    /// Where each asset's rows lie, in the order in which they came.
    segments: Vec<Vec<Segment>>,
    resident: Vec<Rows>,
    resident_bytes: usize,
    spill: Option<Spill>,
    columns: usize,
    pub(in crate::ingest) summary: StampSummary,
    /// The earliest stamp and the latest.
    pub(in crate::ingest) stamps: Option<RangeInclusive<i64>>,
    pub(in crate::ingest) read: u64,
    pub(in crate::ingest) findings: RowFindings,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    home: Home,
    rows: u32,
}

#[derive(Clone, Copy, Debug)]
enum Home {
    /// From this row of this number of the resident stretches.
    Memory { stretch: u32, first: u32 },
    /// At this byte of the temporary file.
    File { at: u64 },
}

/// A temporary file without a name: it goes with the process, whatever becomes of it.
#[derive(Debug)]
struct Spill {
    file: File,
    len: u64,
}

/// One asset's rows, in the order in which they came.
#[derive(Debug, Default)]
pub(in crate::ingest) struct AssetRows {
    pub(in crate::ingest) stamps: Vec<i64>,
    pub(in crate::ingest) ids: Vec<RowId>,
    /// Column-major: `stamps.len()` values of each column.
    pub(in crate::ingest) values: Vec<f64>,
    /// When the bars that were made of the rows became known, ascending.
    pub(in crate::ingest) known: Vec<Timestamp>,
    /// Their values, column-major: `known.len()` of each column.
    pub(in crate::ingest) sorted: Vec<f64>,
}

/// What of an asset's rows is wanted beside their stamps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum Want {
    Stamps,
    Values,
    /// Values, and where each row stood.
    All,
}

impl Want {
    fn ids(self) -> bool {
        self == Self::All
    }

    fn values(self) -> bool {
        matches!(self, Self::Values | Self::All)
    }
}

impl Collected {
    /// Adds what was read next.
    ///
    /// # Errors
    /// Where the temporary file cannot be written.
    pub(in crate::ingest) fn add(&mut self, mut rows: Rows, options: &IngestOptions) -> Result<()> {
        self.columns = rows.columns.len();
        self.summary.extend(std::mem::take(&mut rows.summary));
        let (first, last) = (rows.stamps.iter().min(), rows.stamps.iter().max());
        if let (Some(&first), Some(&last)) = (first, last) {
            let (start, end) = self.stamps.take().map_or((first, last), RangeInclusive::into_inner);
            self.stamps = Some(first.min(start)..=last.max(end));
        }
        self.read += rows.read;
        self.findings.extend(std::mem::take(&mut rows.findings));
        let stretch = self.resident.len() as u32;
        let stretches = rows.assets.iter().zip(rows.starts.windows(2));
        for (name, range) in stretches.filter(|(_, range)| range[0] < range[1]) {
            let number = self.number(name);
            let home = Home::Memory { stretch, first: range[0] };
            self.segments[number].push(Segment { home, rows: range[1] - range[0] });
        }
        self.resident_bytes += rows.bytes() + rows.assets.len() * size_of::<Segment>();
        self.resident.push(rows);
        if self.resident_bytes > options.memory_budget { self.spill(options) } else { Ok(()) }
    }

    fn number(&mut self, name: &str) -> usize {
        let number = self.names.number(name) as usize;
        if number == self.segments.len() {
            self.segments.push(Vec::new());
        }
        number
    }

    /// The assets in order of their names, bytewise: name and number.
    pub(in crate::ingest) fn by_name(&self) -> Vec<(&str, usize)> {
        let mut assets: Vec<_> = self.names.iter().zip(0..).collect();
        assets.sort_unstable();
        assets
    }

    /// Gathers one asset's rows.
    ///
    /// # Errors
    /// Where the temporary file cannot be read.
    pub(in crate::ingest) fn gather(&self, asset: usize, want: Want, into: &mut AssetRows) -> Result<()> {
        let segments = &self.segments[asset];
        let rows = segments.iter().map(|segment| segment.rows as usize).sum();
        into.clear(rows, if want.values() { self.columns } else { 0 });
        let mut at = 0;
        for segment in segments {
            match segment.home {
                Home::Memory { stretch, first } => {
                    self.resident[stretch as usize].copy(
                        first as usize,
                        segment.rows as usize,
                        at,
                        want,
                        into,
                    );
                }
                Home::File { at: offset } => self.read_back(offset, segment.rows as usize, at, want, into)?,
            }
            at += segment.rows as usize;
        }
        Ok(())
    }

    /// Writes all resident rows to the temporary file, asset by asset, and forgets them.
    fn spill(&mut self, options: &IngestOptions) -> Result<()> {
        let mut spill = match self.spill.take() {
            Some(spill) => spill,
            None => Spill::new(options)?,
        };
        // Positioned reads move the cursor on some platforms.
        (&spill.file).seek(SeekFrom::Start(spill.len)).map_err(written)?;
        let mut out = BufWriter::with_capacity(1 << 20, &spill.file);
        let mut rows = AssetRows::default();
        for asset in 0..self.names.len() {
            let spilled = self.segments[asset].iter().take_while(|segment| segment.is_spilled()).count();
            let resident = self.segments[asset].split_off(spilled);
            let before = std::mem::replace(&mut self.segments[asset], resident);
            let gathered = self.gather(asset, Want::All, &mut rows);
            self.segments[asset] = before;
            gathered?;
            if !rows.stamps.is_empty() {
                let home = Home::File { at: spill.len };
                self.segments[asset].push(Segment { home, rows: rows.stamps.len() as u32 });
                spill.len += rows.write(&mut out).map_err(written)?;
            }
        }
        out.flush().map_err(written)?;
        drop(out);
        self.spill = Some(spill);
        self.resident.clear();
        self.resident_bytes = 0;
        Ok(())
    }

    /// Reads `count` rows at a byte of the temporary file into place `at` of the asset's rows.
    fn read_back(
        &self,
        offset: u64,
        count: usize,
        at: usize,
        want: Want,
        into: &mut AssetRows,
    ) -> Result<()> {
        let Some(Spill { file, .. }) = &self.spill else {
            return Err(Error::corrupt("temporary file", "it is gone"));
        };
        let failed = |error| Error::io("read the temporary file", error);
        let column_at = |column: usize| offset + 8 * (column * count) as u64;
        read_exact_at(file, into.stamps[at..at + count].as_mut_bytes(), offset).map_err(failed)?;
        if want.ids() {
            let mut bits = vec![0_u64; count];
            read_exact_at(file, bits.as_mut_bytes(), column_at(1)).map_err(failed)?;
            into.ids.extend(bits.into_iter().map(RowId::from_bits));
        }
        let stride = into.stamps.len();
        for column in 0..if want.values() { self.columns } else { 0 } {
            let values = &mut into.values[column * stride + at..][..count];
            read_exact_at(file, values.as_mut_bytes(), column_at(2 + column)).map_err(failed)?;
        }
        Ok(())
    }

    /// Whether rows went through the temporary file.
    pub(in crate::ingest) fn spilled_bytes(&self) -> u64 {
        self.spill.as_ref().map_or(0, |spill| spill.len)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => (bytes, offset) = (&mut bytes[read..], offset + read as u64),
        }
    }
    Ok(())
}

fn written(error: std::io::Error) -> Error {
    Error::io("write the temporary file; options: memory_budget, temporary_directory", error)
}

impl Segment {
    fn is_spilled(&self) -> bool {
        matches!(self.home, Home::File { .. })
    }
}

impl Spill {
    fn new(options: &IngestOptions) -> Result<Self> {
        let file = match &options.temporary_directory {
            Some(directory) => tempfile::tempfile_in(directory),
            None => tempfile::tempfile(),
        };
        Ok(Self { file: file.map_err(|error| Error::io("create a temporary file", error))?, len: 0 })
    }
}

impl Rows {
    fn copy(&self, first: usize, count: usize, at: usize, want: Want, into: &mut AssetRows) {
        let range = first..first + count;
        into.stamps[at..at + count].copy_from_slice(&self.stamps[range.clone()]);
        if want.ids() {
            into.ids.extend_from_slice(&self.ids[range.clone()]);
        }
        if want.values() {
            let stride = into.stamps.len();
            for (number, column) in self.columns.iter().enumerate() {
                into.values[number * stride + at..][..count].copy_from_slice(&column[range.clone()]);
            }
        }
    }
}

impl AssetRows {
    fn clear(&mut self, rows: usize, columns: usize) {
        self.stamps.clear();
        self.stamps.resize(rows, 0);
        self.ids.clear();
        self.values.clear();
        self.values.resize(rows * columns, 0.0);
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<u64> {
        out.write_all(self.stamps.as_bytes())?;
        for id in &self.ids {
            out.write_all(&id.bits().to_ne_bytes())?;
        }
        out.write_all(self.values.as_bytes())?;
        Ok(8 * (self.stamps.len() + self.ids.len() + self.values.len()) as u64)
    }
}
