//! Zeroed memory for large results: huge pages where the system has them, since a fresh page costs as much as filling it.

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use memmap2::MmapMut;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Below this the allocator's recycled memory is cheaper than a mapping of its own.
const MAPPED_FROM_BYTES: usize = 8 << 20;

pub(crate) trait Number: ArrowNativeType + FromBytes + IntoBytes + Immutable + KnownLayout {}
impl Number for i64 {}
impl Number for f64 {}

/// A fixed number of values that can be written, and then frozen into a shareable buffer without a copy.
pub(crate) enum Memory<T> {
    Heap(Vec<T>),
    Mapped(MmapMut),
}

impl<T: Number> Memory<T> {
    pub(crate) fn zeroed(len: usize) -> Self {
        let bytes = len * size_of::<T>();
        match huge_pages(bytes) {
            Some(map) => Self::Mapped(map),
            None => Self::Heap(vec![T::default(); len]),
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::Heap(values) => values,
            Self::Mapped(map) => <[T]>::mut_from_bytes(map).unwrap_or_else(|_| not_whole()),
        }
    }

    pub(crate) fn freeze(self) -> ScalarBuffer<T> {
        match self {
            Self::Heap(values) => values.into(),
            Self::Mapped(map) => Buffer::from(bytes::Bytes::from_owner(map)).into(),
        }
    }
}

/// An anonymous mapping, where it pays and where the system gives one.
fn huge_pages(bytes: usize) -> Option<MmapMut> {
    // Miri has no mappings.
    if bytes < MAPPED_FROM_BYTES || cfg!(miri) {
        return None;
    }
    let map = MmapMut::map_anon(bytes).ok()?;
    // A system without huge pages refuses, and then small ones have to do.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(map)
}

#[cold]
fn not_whole() -> ! {
    unreachable!("a mapping is page-aligned and was made for a whole number of values")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_what_is_frozen_on_the_heap_and_mapped() {
        for len in [0, 5, if cfg!(miri) { 64 } else { MAPPED_FROM_BYTES / 8 + 3 }] {
            let mut memory = Memory::<f64>::zeroed(len);
            assert!(memory.as_mut_slice().iter().all(|&value| value == 0.0));
            memory.as_mut_slice().iter_mut().enumerate().for_each(|(at, value)| *value = at as f64);
            let frozen = memory.freeze();
            assert_eq!(frozen.len(), len);
            assert!(frozen.iter().enumerate().all(|(at, &value)| value == at as f64));
        }
    }
}
