//! Text of any encoding as UTF-8.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use bt_core::{Error, ErrorKind, Result};
use encoding_rs::{Decoder, DecoderResult};

use crate::ingest::fault::{FileFault, Finding, Place};

/// An encoding of text, by any of its usual names: `utf-8`, `windows-1252`, `latin1`, `utf-16le`, `shift_jis` …
///
/// ```
/// let encoding: bt_bundle::Encoding = "latin1".parse()?;
/// assert_eq!(encoding.to_string(), "windows-1252");
/// assert!("latin99".parse::<bt_bundle::Encoding>().is_err());
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl FromStr for Encoding {
    type Err = Error;

    /// Finds an encoding by its label in the Encoding Standard of the WHATWG, whatever its case.
    fn from_str(text: &str) -> Result<Self> {
        let found = encoding_rs::Encoding::for_label(text.as_bytes());
        found.map(Self).ok_or_else(|| {
            ErrorKind::Unreadable {
                what: "encoding",
                text: text.chars().take(100).collect(),
                allowed: "a name such as utf-8, windows-1252, latin1, utf-16le, shift_jis or gbk",
            }
            .into()
        })
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0.name().to_ascii_lowercase())
    }
}

/// A text file that is read as UTF-8, without a byte order mark.
pub(super) struct TextFile {
    file: File,
    name: String,
    /// Where the text is not UTF-8 already.
    decoder: Option<Decoder>,
    /// Bytes that were read and not given out yet.
    start: Vec<u8>,
}

impl std::fmt::Debug for TextFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl TextFile {
    /// Opens a file. A byte order mark goes before the encoding that is stated; without either the text is UTF-8.
    ///
    /// # Errors
    /// Where it cannot be opened or is no regular file.
    pub(super) fn open(path: &Path, encoding: Option<Encoding>) -> Result<Self> {
        let name = path.display().to_string();
        let mut file = open_regular(path)?;
        let mut start = Vec::with_capacity(4);
        let read = (&mut file).take(3).read_to_end(&mut start);
        read.map_err(|error| Error::io(format!("read {name}"), error))?;
        let (found, mark) = match encoding_rs::Encoding::for_bom(&start) {
            Some((found, mark)) => (found, mark),
            None => (encoding.map_or(encoding_rs::UTF_8, |encoding| encoding.0), 0),
        };
        start.drain(..mark);
        let decoder = (found != encoding_rs::UTF_8).then(|| found.new_decoder_without_bom_handling());
        Ok(Self { file, name, decoder, start })
    }

    /// Reads until there are `len` bytes of UTF-8 or the file ends; whether it ended.
    ///
    /// # Errors
    /// Where the file cannot be read, or its text is not what its encoding allows.
    pub(super) fn fill(&mut self, bytes: &mut Vec<u8>, len: usize) -> Result<bool> {
        const END_OF_FILE_OF_DOS: u8 = 0x1a;
        let at_end = self.read_until(bytes, len)?;
        while at_end && bytes.last() == Some(&END_OF_FILE_OF_DOS) {
            bytes.pop();
        }
        Ok(at_end)
    }

    fn read_until(&mut self, bytes: &mut Vec<u8>, len: usize) -> Result<bool> {
        match &self.decoder {
            None => {
                bytes.append(&mut self.start);
                let wanted = len.saturating_sub(bytes.len());
                let read = (&mut self.file).take(wanted as u64).read_to_end(bytes);
                read.map(|read| read < wanted).map_err(|error| self.failed(error))
            }
            Some(_) => self.fill_decoded(bytes, len),
        }
    }

    fn fill_decoded(&mut self, bytes: &mut Vec<u8>, len: usize) -> Result<bool> {
        const CHUNK: u64 = 64 << 10;
        while bytes.len() < len {
            let mut raw = std::mem::take(&mut self.start);
            let wanted = CHUNK - raw.len() as u64;
            let read =
                (&mut self.file).take(wanted).read_to_end(&mut raw).map_err(|error| self.failed(error))?;
            let is_last = (read as u64) < wanted;
            self.decode(&raw, is_last, bytes)?;
            if is_last {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn decode(&mut self, mut raw: &[u8], is_last: bool, bytes: &mut Vec<u8>) -> Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let encoding = decoder.encoding().name();
        loop {
            let mut text = String::with_capacity(
                decoder.max_utf8_buffer_length_without_replacement(raw.len()).unwrap_or(raw.len() * 3),
            );
            let (result, read) = decoder.decode_to_string_without_replacement(raw, &mut text, is_last);
            bytes.extend_from_slice(text.as_bytes());
            raw = &raw[read..];
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    return Err(Finding::new(Place::of(&*self.name), FileFault::Encoding { encoding }).into());
                }
            }
        }
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io(format!("read {}", self.name), error)
    }
}

/// Opens a file that is neither a device nor a pipe, which might never end.
///
/// # Errors
/// Where it cannot be opened or is no regular file.
pub(super) fn open_regular(path: &Path) -> Result<File> {
    let failed = |error| Error::io(format!("open {}", path.display()), error);
    // Looked at first: to open a pipe would wait for whoever writes to it.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(Finding::new(Place::of(path.display().to_string()), FileFault::NotRegular).into());
    }
    File::open(path).map_err(failed)
}
