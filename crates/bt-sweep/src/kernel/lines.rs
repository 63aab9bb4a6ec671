use std::ops::{Deref, DerefMut};

use super::LANES;

/// Numbers whose memory begins at a line of the cache, as wide as the widest register: no register is loaded from two lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    values: Vec<f64>,
    start: usize,
    len: usize,
}

impl Lines {
    /// Makes them so many. What they are then is what the memory held before, or 0.
    pub(crate) fn set_len(&mut self, len: usize) {
        if self.values.len() < len + LANES - 1 {
            self.values = vec![0.0; len + LANES - 1];
            // Where the place cannot be told, any is as right as another.
            self.start = self.values.as_ptr().align_offset(size_of::<[f64; LANES]>()).min(LANES - 1);
        }
        self.len = len;
    }

    /// The memory that they hold, used or not.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f64>()
    }
}

impl Deref for Lines {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.values[self.start..][..self.len]
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.values[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_begin_at_a_line_and_are_as_many_as_was_said() {
        let mut lines = Lines::default();
        assert!(lines.is_empty());
        for len in [0, 1, 7, 8, 100, 3, 1000, 999] {
            lines.set_len(len);
            assert_eq!(lines.len(), len);
            assert_eq!(lines.as_ptr() as usize % 64, 0);
            lines.fill(1.0);
        }
    }
}
