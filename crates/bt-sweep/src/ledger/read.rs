//! Reading a ledger: every record once, what is torn left out, what is damaged refused.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::disk;
use super::frame::{self, FORMAT, FRAME_HEAD, Front, MAX_GROUP, SEGMENT_HEAD, Search, SegmentHead};
use super::header::{self, Header, Stored};
use super::record;
use crate::results::{Trials, TrialsBuilder};
use crate::{Error, Names, Result};

/// Everything that a ledger holds.
#[derive(Debug)]
pub struct Contents {
    /// What the sweep is.
    pub header: Header,
    /// Each trial that has ended, once.
    pub trials: Trials,
    /// How many records were dropped because their key was there already.
    pub duplicates: u64,
    /// What was left out at the ends of segments.
    pub torn: Vec<TornTail>,
}

/// The end of a segment that a crash has left behind, or that its writer is still writing. None of it was reported as durable, unless
/// its last group was damaged afterwards: that looks the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub path: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
}

/// Reads a ledger, also while a sweep writes to it.
///
/// # Errors
/// [`Error::Io`] where there is none; [`Error::Damaged`] with file and offset where bytes that were durable have changed, in any group
/// of a segment but its last;
/// [`Error::Mismatch`] with both versions where its format is another one.
///
/// # Complexity
/// One pass over the bytes. Takes the memory of [`Trials`], a buffer of 1 to 17 MiB, and for a segment that ends badly at most 32 MiB.
pub fn read(folder: impl AsRef<Path>) -> Result<Contents> {
    let folder = folder.as_ref();
    let stored = header::read(folder)?;
    read_segments(folder, stored)
}

/// Reads what a ledger says of its sweep, and no trial.
///
/// # Errors
/// As [`read`].
pub fn read_header(folder: impl AsRef<Path>) -> Result<Header> {
    header::read(folder.as_ref()).map(|stored| stored.header)
}

pub(crate) fn read_segments(folder: &Path, stored: Stored) -> Result<Contents> {
    let names = Names::new(&stored.header.params);
    let mut trials = TrialsBuilder::new(&names, &stored.header.metrics);
    let (mut duplicates, mut torn) = (0, Vec::new());
    let frame = FRAME_HEAD + record::shortest(names.as_slice().len(), stored.header.metrics.len());
    for (number, path) in segments(folder)? {
        let bytes = Window::open(&path)?;
        // Growing step by step would copy all of the table again and again; a length that only seems to be there must not cost memory.
        trials.reserve(usize::try_from(bytes.left().min(MOST_EXPECTED)).unwrap_or_default() / frame);
        let head = SegmentHead { version: FORMAT, number, mark: stored.mark };
        let mut keep = |payload: &[u8]| match trials.push_encoded(payload) {
            Some(is_new) => {
                duplicates += u64::from(!is_new);
                true
            }
            None => false,
        };
        torn.extend(read_segment(bytes, head, &mut keep)?);
    }
    Ok(Contents { header: stored.header, trials: trials.finish(), duplicates, torn })
}

/// So much of a segment gets its room in the table before it is read.
const MOST_EXPECTED: u64 = 1 << 26;

/// The path of a worker's segment.
pub(crate) fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("segment-{number}.ledger"))
}

/// All segments in ascending order of their numbers.
pub(super) fn segments(folder: &Path) -> Result<Vec<(u32, PathBuf)>> {
    let failed = |error| Error::io(format!("list {}", folder.display()), error);
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let number = path.file_name().and_then(|name| name.to_str()).and_then(number_of);
        segments.extend(number.map(|number| (number, path)));
    }
    segments.sort_unstable();
    Ok(segments)
}

fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".ledger")?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// Hands out the payload of each good frame; `keep` says whether it is a record.
fn read_segment(
    mut bytes: Window<'_>,
    expected: SegmentHead,
    keep: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<Option<TornTail>> {
    bytes.look(SEGMENT_HEAD)?;
    let head = bytes.ahead().first_chunk::<SEGMENT_HEAD>().and_then(SegmentHead::from_bytes);
    if head.is_none() && bytes.left() <= SEGMENT_HEAD as u64 {
        return Ok(bytes.torn());
    }
    check_head(bytes.path, head, expected)?;
    bytes.skip(SEGMENT_HEAD);
    let mut wanted = FRAME_HEAD;
    loop {
        bytes.look(wanted)?;
        match frame::front(bytes.ahead()) {
            Front::Good { payload, .. } => {
                let length = FRAME_HEAD + payload.len();
                if !keep(payload) {
                    return Err(bytes.damaged("a frame whose payload is no record"));
                }
                bytes.skip(length);
                wanted = FRAME_HEAD;
            }
            Front::Short(length) if bytes.left() >= length as u64 => wanted = length,
            Front::Short(_) if bytes.left() == 0 => return Ok(None),
            Front::Short(_) | Front::Bad => return bytes.torn_or_damaged(),
        }
    }
}

fn check_head(path: &Path, head: Option<SegmentHead>, expected: SegmentHead) -> Result<()> {
    let damaged = |reason| Err(Error::Damaged { what: path.display().to_string(), reason });
    let Some(head) = head else { return damaged("byte 0: no head of a segment".to_owned()) };
    header::check_format(path, head.version.into())?;
    if head.number != expected.number {
        return damaged(format!("byte 0: the head is that of segment {}", head.number));
    }
    if head.mark != expected.mark {
        return damaged(format!("byte 0: it belongs to another {} than the one beside it", header::FILE));
    }
    Ok(())
}

/// A file's bytes from a place on, as they were when it was opened.
struct Window<'p> {
    path: &'p Path,
    file: File,
    length: u64,
    /// Where the window begins in the file.
    offset: u64,
    buffer: Vec<u8>,
    /// The part of the buffer that is filled and not yet skipped.
    begin: usize,
    end: usize,
}

const BUFFER: usize = 1 << 20;

impl<'p> Window<'p> {
    fn open(path: &'p Path) -> Result<Self> {
        let file = disk::open_regular(path)?;
        let length =
            file.metadata().map_err(|error| Error::io(format!("open {}", path.display()), error))?.len();
        let buffer = vec![0; BUFFER.min(usize::try_from(length).unwrap_or(BUFFER))];
        Ok(Self { path, file, length, offset: 0, buffer, begin: 0, end: 0 })
    }

    /// How many bytes there are from here to the end of the file.
    fn left(&self) -> u64 {
        self.length - self.offset
    }

    /// What was read from here on.
    #[inline]
    fn ahead(&self) -> &[u8] {
        &self.buffer[self.begin..self.end]
    }

    /// Reads at least so many bytes ahead, or all there are.
    #[inline]
    fn look(&mut self, wanted: usize) -> Result<()> {
        if self.end - self.begin < wanted { self.fill(wanted) } else { Ok(()) }
    }

    #[cold]
    fn fill(&mut self, wanted: usize) -> Result<()> {
        self.buffer.copy_within(self.begin..self.end, 0);
        (self.begin, self.end) = (0, self.end - self.begin);
        let wanted = usize::try_from(self.left()).map_or(wanted, |left| left.min(wanted));
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        // Not beyond the length at the start: what a writer adds meanwhile is for the next reader.
        let room = usize::try_from(self.left()).unwrap_or(usize::MAX).min(self.buffer.len());
        while self.end < wanted {
            match self.file.read(&mut self.buffer[self.end..room]) {
                Ok(0) => {
                    self.length = self.offset + self.end as u64;
                    return Ok(());
                }
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(format!("read {}", self.path.display()), error)),
            }
        }
        Ok(())
    }

    #[inline]
    fn skip(&mut self, bytes: usize) {
        self.begin += bytes;
        self.offset += bytes as u64;
    }

    fn damaged(&self, reason: &str) -> Error {
        let reason = format!("byte {}: {reason}", self.offset);
        Error::Damaged { what: self.path.display().to_string(), reason }
    }

    /// Everything from here on, as a tail.
    fn torn(&self) -> Option<TornTail> {
        let torn = TornTail { path: self.path.to_owned(), offset: self.offset, bytes: self.left() };
        (torn.bytes > 0).then_some(torn)
    }

    /// What a frame that is not good makes of the rest: see *What is read* in the document.
    fn torn_or_damaged(&mut self) -> Result<Option<TornTail>> {
        if self.left() > MAX_GROUP {
            return Err(self.damaged("a frame that is none, before more than a group can have"));
        }
        let failed = |error| Error::io(format!("read {}", self.path.display()), error);
        let mut rest = Vec::new();
        self.file.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        (&self.file).take(self.left()).read_to_end(&mut rest).map_err(failed)?;
        match frame::first_group(&rest) {
            Search::Nothing => Ok(self.torn()),
            Search::At(at) => {
                let at = self.offset + at as u64;
                let reason = format!("a frame that is none, though a good group begins at byte {at}");
                Err(self.damaged(&reason))
            }
            Search::TooMuch => {
                Err(self.damaged("a frame that is none, before more markers of groups than a torn group has"))
            }
        }
    }
}
