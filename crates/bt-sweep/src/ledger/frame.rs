//! The bytes of a segment around its records: the head, and the frames. See `docs/ledger-format.md`.

/// The version of the format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;

/// The longest record.
pub(crate) const MAX_PAYLOAD: usize = 1 << 24;

/// The longest group.
pub(crate) const MAX_GROUP: u64 = 1 << 25;

/// What may be hashed to find a group: many times what a torn group has.
const MAX_SEARCHED: usize = 1 << 30;

const MAGIC: [u8; 8] = *b"BTLEDGER";
/// A frame that begins a group: everything before it was durable when it was written.
const GROUP: [u8; 4] = *b"\xb7grp";
const RECORD: [u8; 4] = *b"\xb7rec";

const MARKER: usize = 0;
const LENGTH: usize = MARKER + 4;
const CRC: usize = LENGTH + 4;
/// The bytes of a frame before its payload.
pub(crate) const FRAME_HEAD: usize = CRC + 4;

const VERSION: usize = MAGIC.len();
const NUMBER: usize = VERSION + 4;
const MARK: usize = NUMBER + 4;
const HEAD_CRC: usize = MARK + 16;
/// The bytes of a segment before its first frame.
pub(crate) const SEGMENT_HEAD: usize = HEAD_CRC + 4;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) version: u32,
    pub(crate) number: u32,
    /// Of the sweep that it belongs to.
    pub(crate) mark: [u8; 16],
}

impl SegmentHead {
    pub(crate) fn to_bytes(self) -> [u8; SEGMENT_HEAD] {
        let mut bytes = [0; SEGMENT_HEAD];
        bytes[..VERSION].copy_from_slice(&MAGIC);
        bytes[VERSION..NUMBER].copy_from_slice(&self.version.to_le_bytes());
        bytes[NUMBER..MARK].copy_from_slice(&self.number.to_le_bytes());
        bytes[MARK..HEAD_CRC].copy_from_slice(&self.mark);
        let crc = crc32fast::hash(&bytes[..HEAD_CRC]);
        bytes[HEAD_CRC..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// None where the magic or the checksum is another one.
    pub(crate) fn from_bytes(bytes: &[u8; SEGMENT_HEAD]) -> Option<Self> {
        let is_whole =
            bytes[..VERSION] == MAGIC && crc32fast::hash(&bytes[..HEAD_CRC]) == u32_at(bytes, HEAD_CRC);
        is_whole.then(|| {
            let mut mark = [0; 16];
            mark.copy_from_slice(&bytes[MARK..HEAD_CRC]);
            Self { version: u32_at(bytes, VERSION), number: u32_at(bytes, NUMBER), mark }
        })
    }
}

/// Appends a frame around what `payload` writes. Gives the payload's length where that is too long, and leaves `out` as it was.
pub(crate) fn push(
    out: &mut Vec<u8>,
    begins_group: bool,
    payload: impl FnOnce(&mut Vec<u8>),
) -> Result<(), usize> {
    let at = out.len();
    out.extend_from_slice(if begins_group { &GROUP } else { &RECORD });
    out.extend_from_slice(&[0; FRAME_HEAD - LENGTH]);
    payload(out);
    let length = out.len() - at - FRAME_HEAD;
    if length > MAX_PAYLOAD {
        out.truncate(at);
        return Err(length);
    }
    let frame = &mut out[at..];
    frame[LENGTH..CRC].copy_from_slice(&(length as u32).to_le_bytes());
    let crc = checksum(frame);
    frame[CRC..FRAME_HEAD].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// What a stretch of bytes begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Front<'a> {
    /// A good frame.
    Good { payload: &'a [u8], begins_group: bool },
    /// The begin of what may be a frame, once there are as many bytes.
    Short(usize),
    /// Anything else.
    Bad,
}

/// Reads the frame that `bytes` begin with.
#[inline]
pub(crate) fn front(bytes: &[u8]) -> Front<'_> {
    let Some(head) = bytes.first_chunk::<FRAME_HEAD>() else { return Front::Short(FRAME_HEAD) };
    let begins_group = head[..LENGTH] == GROUP;
    let length = u32_at(head, LENGTH) as usize;
    if (!begins_group && head[..LENGTH] != RECORD) || length > MAX_PAYLOAD {
        return Front::Bad;
    }
    match bytes.get(..FRAME_HEAD + length) {
        None => Front::Short(FRAME_HEAD + length),
        Some(frame) if checksum(frame) == u32_at(head, CRC) => {
            Front::Good { payload: &frame[FRAME_HEAD..], begins_group }
        }
        Some(_) => Front::Bad,
    }
}

/// What comes of the search for a good frame that begins a group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// There is none.
    Nothing,
    /// The first one is here.
    At(usize),
    /// So many markers with so long payloads that they were not all looked at.
    TooMuch,
}

/// Looks for the first good frame that begins a group. O(bytes), and at most 1 GiB is hashed.
pub(crate) fn first_group(bytes: &[u8]) -> Search {
    let (mut at, mut hashed) = (0, 0);
    while let Some(found) = bytes[at..].windows(GROUP.len()).position(|four| four == GROUP) {
        at += found;
        hashed += whole_length(&bytes[at..]).unwrap_or(0);
        if hashed > MAX_SEARCHED {
            return Search::TooMuch;
        }
        if let Front::Good { .. } = front(&bytes[at..]) {
            return Search::At(at);
        }
        at += 1;
    }
    Search::Nothing
}

/// The length of the frame that bytes begin with, where all of it is there.
fn whole_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.first_chunk::<FRAME_HEAD>()?;
    let length = FRAME_HEAD + u32_at(head, LENGTH) as usize;
    (length <= bytes.len() && length <= FRAME_HEAD + MAX_PAYLOAD).then_some(length)
}

fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..CRC]);
    hasher.update(&frame[FRAME_HEAD..]);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut bytes = Vec::new();
        push(&mut bytes, true, |out| out.extend_from_slice(b"first")).unwrap();
        let next = bytes.len();
        push(&mut bytes, false, |out| out.extend_from_slice(b"second")).unwrap();
        assert_eq!(front(&bytes), Front::Good { payload: b"first", begins_group: true });
        assert_eq!(front(&bytes[next..]), Front::Good { payload: b"second", begins_group: false });
        assert_eq!(front(&bytes[next..bytes.len() - 1]), Front::Short(bytes.len() - next));
        assert_eq!(first_group(&bytes), Search::At(0));
        assert_eq!(first_group(&bytes[1..]), Search::Nothing);
    }

    #[test]
    fn markers_before_long_payloads_are_given_up_and_a_group_behind_a_few_is_found() {
        let mut markers = Vec::new();
        while markers.len() < MAX_PAYLOAD {
            markers.extend_from_slice(b"\xb7grp\0\0\x80\0");
        }
        markers.extend_from_slice(&vec![0; MAX_PAYLOAD / 2]);
        assert_eq!(first_group(&markers), Search::TooMuch);
        let mut few = markers[..80].to_vec();
        push(&mut few, true, |out| out.push(b'x')).unwrap();
        assert_eq!(first_group(&few), Search::At(80));
    }

    #[test]
    fn a_record_that_is_too_long_leaves_nothing_behind() {
        let mut bytes = b"before".to_vec();
        let too_long = push(&mut bytes, true, |out| out.resize(out.len() + MAX_PAYLOAD + 1, 0));
        assert_eq!((too_long, &*bytes), (Err(MAX_PAYLOAD + 1), &b"before"[..]));
    }

    #[test]
    fn the_layout_is_the_documents() {
        let head = SegmentHead { version: 1, number: 2, mark: [7; 16] };
        let bytes = head.to_bytes();
        assert_eq!((SEGMENT_HEAD, FRAME_HEAD), (36, 12));
        assert_eq!(&bytes[..16], b"BTLEDGER\x01\0\0\0\x02\0\0\0");
        assert_eq!(SegmentHead::from_bytes(&bytes), Some(head));
        let mut frame = Vec::new();
        push(&mut frame, true, |out| out.push(b'x')).unwrap();
        assert_eq!(&frame[..8], b"\xb7grp\x01\0\0\0");
        let crc = crc32fast::hash(b"\xb7grp\x01\0\0\0x");
        assert_eq!(frame[8..12], crc.to_le_bytes());
    }
}
