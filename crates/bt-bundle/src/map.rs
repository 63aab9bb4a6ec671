//! The only unsafe code of the workspace: mapping a published file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use bt_core::{Error, Result};
use memmap2::{Mmap, MmapOptions};
use zerocopy::IntoBytes;

use crate::ipc;

/// How a bundle's files become memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OpenMode {
    /// Maps them: opening costs the same whatever the number of rows, and processes share one copy in the page cache.
    ///
    /// For stores whose files nobody truncates or writes in place. This crate never does, and makes them read-only; a
    /// program that does it all the same makes the reader's memory change, or kills it by SIGBUS.
    #[default]
    Map,
    /// Copies them to the heap, once, at open: for network file systems and for storage that others may write to.
    Read,
}

/// The bytes of a file, aligned to at least 8 bytes.
pub(crate) enum Region {
    Mapped(Mmap),
    /// As words, for the alignment, and how many of their bytes are the file's.
    Heap(Vec<u64>, usize),
}

impl Region {
    /// Takes the first `len` bytes of a published file, of which `what` names it in errors.
    pub(crate) fn open(file: &File, len: usize, mode: OpenMode, what: &str) -> Result<Self> {
        let failed = |verb, error| Error::io(format!("{verb} {what}"), error);
        match mode {
            // Nothing can be mapped of an empty file.
            _ if len == 0 => Err(Error::corrupt(what, "it is empty")),
            OpenMode::Map => map(file, len).map(Self::Mapped).map_err(|error| failed("map", error)),
            OpenMode::Read => {
                // Before anything is allocated for what may be a hole of any size.
                check_ends(file, len)
                    .map_err(|error| failed("read", error))?
                    .map_err(|reason| Error::corrupt(what, reason))?;
                let words = read(file, len).map_err(|error| failed("read", error))?;
                Ok(Self::Heap(words, len))
            }
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Heap(words, len) => &words.as_bytes()[..*len],
        }
    }

    /// Bytes on the heap; what is mapped does not count.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Mapped(_) => 0,
            Self::Heap(words, _) => words.capacity() * size_of::<u64>(),
        }
    }
}

fn read(mut file: &File, len: usize) -> std::io::Result<Vec<u64>> {
    let mut words = Vec::new();
    let count = len.div_ceil(size_of::<u64>());
    words.try_reserve_exact(count).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
    words.resize(count, 0);
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut words.as_mut_bytes()[..len])?;
    Ok(words)
}

/// Reads both ends of a file, and says what is wrong with them.
fn check_ends(mut file: &File, len: usize) -> std::io::Result<Result<(), String>> {
    let (mut head, mut trailer) = ([0; ipc::HEAD], [0; ipc::TRAILER]);
    if len >= ipc::HEAD + ipc::TRAILER {
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut head)?;
        file.seek(SeekFrom::Start((len - ipc::TRAILER) as u64))?;
        file.read_exact(&mut trailer)?;
    }
    Ok(ipc::footer_place(&head, &trailer, len).map(drop))
}

/// Opens a file, maps it and unmaps it: the floor under opening a bundle. Gives the file's length. Only for benches, behind
/// the feature `floor`.
///
/// # Errors
/// What the system refuses.
#[cfg(feature = "floor")]
pub fn open_map_unmap(path: &std::path::Path) -> std::io::Result<usize> {
    let file = File::open(path)?;
    let len = usize::try_from(file.metadata()?.len()).map_err(std::io::Error::other)?;
    map(&file, len).map(|map| map.len())
}

#[allow(unsafe_code, reason = "mapping a file is what this module is for")]
fn map(file: &File, len: usize) -> std::io::Result<Mmap> {
    // SAFETY: a mapping is sound while nobody changes the file's bytes or cuts it short. Callers pass files of a published
    // version only: those were written once under another name, synced, made read-only and then renamed into place; no
    // code of this crate opens them for writing again, and removing them unlinks the name and leaves the mapped inode
    // alone. What remains is a program outside that ignores the read-only mode; `OpenMode::Map` documents that duty, and
    // `OpenMode::Read` is for those who cannot rely on it. The bytes are only ever read as integers and floats, of which
    // every bit pattern is valid, so that even bytes which change make wrong numbers and no invalid values.
    unsafe { MmapOptions::new().len(len).map(file) }
}
