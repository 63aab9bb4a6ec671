//! Choices and edits out of the bytes that a fuzzer makes up.

/// What is left of an input. Where it has ended it goes on with zeros, so that short inputs are whole.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// One of several.
    pub(crate) fn choice<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()].clone()
    }

    /// Up to so many bytes.
    pub(crate) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Changes some bytes of a file, four bytes of input for each: a place, what is done there, and with what. Places of
    /// `0x8000` and above count from the end, where files of tables say what they are.
    pub(crate) fn edit(&mut self, file: &mut Vec<u8>) {
        while !self.0.is_empty() && !file.is_empty() {
            let (place, change, value) = (self.u16(), self.byte(), self.byte());
            let length = file.len();
            let at = match place.checked_sub(0x8000) {
                None => usize::from(place) % length,
                Some(back) => length - 1 - usize::from(back) % length,
            };
            match change % 8 {
                0 => file.truncate(at),
                1 => file.insert(at, value),
                2 => drop(file.remove(at)),
                3 => file[at] = file[at].wrapping_add(value),
                4 => file[at] ^= 1 << (value % 8),
                5 => file.resize(length + usize::from(value), value),
                _ => file[at] = value,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_has_ended_goes_on_with_zeros() {
        let mut bytes = Bytes(&[7, 1]);
        assert_eq!((bytes.byte(), bytes.u16(), bytes.byte(), bytes.take(3)), (7, 1, 0, &[][..]));
    }

    #[test]
    fn edits_change_bytes_from_either_end() {
        let edited = |edits: &[u8]| {
            let mut file = b"abcdef".to_vec();
            Bytes(edits).edit(&mut file);
            file
        };
        assert_eq!(edited(&[1, 0, 6, b'x']), b"axcdef");
        assert_eq!(edited(&[0, 0x80, 6, b'x']), b"abcdex");
        assert_eq!(edited(&[2, 0, 0, 0]), b"ab");
        assert_eq!(edited(&[0, 0, 2, 0, 0, 0, 1, b'z']), b"zbcdef");
    }
}
