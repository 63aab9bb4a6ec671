//! What a ledger means, said naively.

use bt_sweep::TrialRecord;

use crate::common::all_of;

/// What is read of segments that hold these records: the first of each key, sorted.
pub(crate) fn read(segments: &[Vec<TrialRecord>]) -> Vec<String> {
    let mut kept: Vec<&TrialRecord> = Vec::new();
    for record in segments.iter().flatten() {
        if kept.iter().all(|other| other.key != record.key) {
            kept.push(record);
        }
    }
    kept.sort_by(|a, b| {
        let by_place = (a.part, a.number).cmp(&(b.part, b.number));
        by_place.then(a.fidelity.total_cmp(&b.fidelity)).then(a.key.cmp(&b.key))
    });
    kept.into_iter().map(all_of).collect()
}

/// Where each frame of a segment ends, the head first, from the lengths alone.
pub(crate) fn ends(segment: &[u8]) -> Vec<usize> {
    let mut ends = vec![36];
    loop {
        let at = ends[ends.len() - 1];
        let Some(length) = segment.get(at + 4..at + 8) else { return ends };
        ends.push(at + 12 + u32::from_le_bytes(length.try_into().unwrap()) as usize);
    }
}

/// How many records are whole in the first `length` bytes of a segment.
pub(crate) fn whole(segment: &[u8], length: usize) -> usize {
    ends(segment).iter().skip(1).filter(|end| **end <= length).count()
}

/// Whether a group begins after the frame that has the byte `at`.
pub(crate) fn group_follows(segment: &[u8], at: usize) -> bool {
    ends(segment).into_iter().filter(|end| *end > at).any(|end| segment[end..].starts_with(b"\xb7grp"))
}
