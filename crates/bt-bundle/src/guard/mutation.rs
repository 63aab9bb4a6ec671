//! Damage to files, as tests do it.

use std::ops::Range;
use std::sync::Once;

use bt_core::{ErrorKind, Result};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::silence_guarded_panics;

/// A file that is whole.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) bytes: Bytes,
    pub(super) footer: Range<usize>,
}

/// What is done to a file.
#[derive(Debug, Clone)]
pub(super) struct Mutation {
    sample: Index,
    edits: Vec<Edit>,
    /// Cut to this length.
    cut: Option<Index>,
}

/// One byte: anywhere, or in the footer, whose length stays.
#[derive(Debug, Clone)]
struct Edit {
    in_footer: bool,
    place: Index,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    Set(u8),
    Flip(u8),
    /// By a small number, as a counter goes wrong.
    Add(u8),
}

impl Mutation {
    pub(super) fn any() -> impl Strategy<Value = Self> {
        let change = prop_oneof![
            any::<u8>().prop_map(Change::Set),
            prop::sample::select(vec![0, 1, 0x7f, 0x80, 0xff]).prop_map(Change::Set),
            (0_u8..8).prop_map(|bit| Change::Flip(1 << bit)),
            prop::sample::select(vec![1, 2, 255, 254]).prop_map(Change::Add),
        ];
        let edit = (prop::bool::weighted(0.25), any::<Index>(), change)
            .prop_map(|(in_footer, place, change)| Edit { in_footer, place, change });
        // One byte is what most damage is, and gets furthest.
        let one = prop::collection::vec(edit.clone(), 1);
        let edits = prop_oneof![one, prop::collection::vec(edit, 1..=8)];
        let cut = prop::option::weighted(0.05, any::<Index>());
        (any::<Index>(), edits, cut).prop_map(|(sample, edits, cut)| Self { sample, edits, cut })
    }

    /// The bytes of one of the samples, damaged.
    pub(super) fn of(&self, samples: &[Sample]) -> Bytes {
        let sample = self.sample.get(samples);
        let mut bytes = sample.bytes.to_vec();
        for edit in &self.edits {
            let range = if edit.in_footer { sample.footer.clone() } else { 0..bytes.len() };
            let byte = &mut bytes[range.start + edit.place.index(range.len())];
            *byte = match edit.change {
                Change::Set(value) => value,
                Change::Flip(bits) => *byte ^ bits,
                Change::Add(step) => byte.wrapping_add(step),
            };
        }
        if let Some(cut) = self.cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.into()
    }
}

/// Reads a damaged file: rows, or an error that names it by its path, in bounded memory.
pub(super) fn survive<T>(path: &str, read: impl FnOnce() -> Result<T>) {
    // The largest pages of a row group, and what is made of them.
    const MOST_BYTES: u64 = 300 << 20;
    quiet();
    let mut outcome = None;
    let used = allocation_counter::measure(|| outcome = Some(read()));
    assert!(used.bytes_max < MOST_BYTES, "{} bytes in use", used.bytes_max);
    if let Some(Err(error)) = outcome {
        let said = error.to_string();
        assert!(matches!(error.kind(), ErrorKind::InvalidInput { .. }), "{said}");
        assert!(said.starts_with(path) && said.len() < 1000, "{said}");
    }
}

/// Panics that are caught are not reported, as a program would have it.
pub(super) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(silence_guarded_panics);
}
