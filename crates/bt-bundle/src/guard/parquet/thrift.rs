//! The compact protocol of Apache Thrift, as far as Parquet needs it: a walk over a structure whose fields are known from a
//! table. The walk builds nothing, follows no length beyond its input and nests no deeper than [`MAX_DEPTH`].
//!
//! [Specification](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md)

use std::fmt;

/// Nesting beyond which a structure is refused. Parquet's own nest 7 deep.
pub(super) const MAX_DEPTH: u32 = 24;

/// A structure by its fields: number and kind, in ascending order of their numbers. Others may be there and are skipped.
#[derive(Debug)]
pub(super) struct Structure {
    pub(super) name: &'static str,
    pub(super) fields: &'static [(i16, Kind)],
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List(&'static Kind),
    Nested(&'static Structure),
}

/// What the walk calls with each structure that begins (number 0, value 0) and each integer or truth value in a field:
/// the structure's name, the field's number and the value.
pub(super) type Visit<'a> = dyn FnMut(&'static str, i16, i64) + 'a;

/// Walks over one structure at the beginning of `bytes`. Returns how many bytes it has.
///
/// # Errors
/// Where the bytes are no such structure.
///
/// # Complexity
/// Linear in the structure's bytes.
pub(super) fn walk(
    bytes: &[u8],
    structure: &'static Structure,
    visit: &mut Visit<'_>,
) -> Result<usize, Malformed> {
    let mut walk = Walk { rest: bytes };
    walk.structure(structure, MAX_DEPTH, visit)?;
    Ok(bytes.len() - walk.rest.len())
}

/// Why bytes are no structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Malformed {
    /// The bytes end before the structure does.
    Ended,
    /// A field, or an element of a list in it, is of another type than the table says, or of none that exists.
    Type { structure: &'static str, field: i64, found: u8 },
    /// A number does not fit in the field.
    Number { structure: &'static str, field: i64 },
    /// Nested deeper than [`MAX_DEPTH`].
    Deep,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => write!(f, "it ends too early, or a length in it is too large"),
            Self::Type { structure, field, found } => {
                write!(f, "field {field} of its {structure} has the type {found}, which is not allowed there")
            }
            Self::Number { structure, field } => {
                write!(f, "field {field} of its {structure} is out of range")
            }
            Self::Deep => write!(f, "it is nested deeper than {MAX_DEPTH}"),
        }
    }
}

/// Types as they are written.
mod wire {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const I8: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCTURE: u8 = 12;
    pub(super) const UUID: u8 = 13;
}

impl Kind {
    fn is_written_as(self, wire: u8) -> bool {
        match self {
            Self::Bool => matches!(wire, wire::TRUE | wire::FALSE),
            Self::I8 => wire == wire::I8,
            Self::I16 => wire == wire::I16,
            Self::I32 => wire == wire::I32,
            Self::I64 => wire == wire::I64,
            Self::Double => wire == wire::DOUBLE,
            Self::Binary => wire == wire::BINARY,
            Self::List(_) => wire == wire::LIST,
            Self::Nested(_) => wire == wire::STRUCTURE,
        }
    }

    /// The integers of this kind.
    fn range(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::I16 => i16::MIN.into()..=i16::MAX.into(),
            Self::I32 => i32::MIN.into()..=i32::MAX.into(),
            _ => i64::MIN..=i64::MAX,
        }
    }
}

struct Walk<'a> {
    rest: &'a [u8],
}

/// Where the walk is, for errors.
#[derive(Clone, Copy)]
struct Place {
    structure: &'static str,
    field: i16,
}

impl Place {
    fn wrong(self, found: u8) -> Malformed {
        Malformed::Type { structure: self.structure, field: self.field.into(), found }
    }

    fn out_of_range(self) -> Malformed {
        Malformed::Number { structure: self.structure, field: self.field.into() }
    }
}

impl Walk<'_> {
    fn structure(
        &mut self,
        structure: &'static Structure,
        depth: u32,
        visit: &mut Visit<'_>,
    ) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed::Deep)?;
        visit(structure.name, 0, 0);
        let mut place = Place { structure: structure.name, field: 0 };
        while let Some(wire) = self.field(&mut place)? {
            let known = structure.fields.iter().find(|(number, _)| *number == place.field);
            match known {
                Some((_, kind)) if kind.is_written_as(wire) => {
                    self.field_value(*kind, wire, place, depth, visit)?
                }
                Some(_) => return Err(place.wrong(wire)),
                None => self.skip(wire, place, depth)?,
            }
        }
        Ok(())
    }

    /// The number (in `place`) and the type of the next field; `None` at the structure's end.
    fn field(&mut self, place: &mut Place) -> Result<Option<u8>, Malformed> {
        let head = self.byte()?;
        let (step, wire) = (head >> 4, head & 0x0f);
        if wire == wire::STOP {
            return Ok(None);
        }
        place.field = match step {
            0 => i16::try_from(self.integer(*place)?).map_err(|_| place.out_of_range())?,
            step => place.field.checked_add(step.into()).ok_or_else(|| place.out_of_range())?,
        };
        Ok(Some(wire))
    }

    /// A field whose truth value is its type, or whose value follows.
    fn field_value(
        &mut self,
        kind: Kind,
        wire: u8,
        place: Place,
        depth: u32,
        visit: &mut Visit<'_>,
    ) -> Result<(), Malformed> {
        match kind {
            Kind::Bool => visit(place.structure, place.field, (wire == wire::TRUE).into()),
            Kind::I8 => visit(place.structure, place.field, i64::from(self.byte()?.cast_signed())),
            Kind::I16 | Kind::I32 | Kind::I64 => {
                let value = self.integer(place)?;
                if !kind.range().contains(&value) {
                    return Err(place.out_of_range());
                }
                visit(place.structure, place.field, value);
            }
            Kind::Double => self.leave_out(8)?,
            Kind::Binary => self.binary(place)?,
            Kind::List(kind) => self.list(kind, place, depth, visit)?,
            Kind::Nested(structure) => self.structure(structure, depth, visit)?,
        }
        Ok(())
    }

    fn list(
        &mut self,
        kind: &Kind,
        place: Place,
        depth: u32,
        visit: &mut Visit<'_>,
    ) -> Result<(), Malformed> {
        let (wire, length) = self.list_head(place)?;
        if length > 0 && !kind.is_written_as(wire) {
            return Err(place.wrong(wire));
        }
        let mut no_visit = |_: &'static str, _: i16, _: i64| ();
        for _ in 0..length {
            match kind {
                Kind::Nested(structure) => self.structure(structure, depth, visit)?,
                _ => self.field_value(*kind, wire, place, depth, &mut no_visit)?,
            }
        }
        Ok(())
    }

    /// The type and number of a list's elements, each of which has a byte at least.
    fn list_head(&mut self, place: Place) -> Result<(u8, usize), Malformed> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.unsigned(place)?,
            length => length.into(),
        };
        Ok((head & 0x0f, self.countable(length)?))
    }

    /// Leaves out a field that the table does not have.
    fn skip(&mut self, wire: u8, place: Place, depth: u32) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed::Deep)?;
        match wire {
            wire::TRUE | wire::FALSE => Ok(()),
            wire::I8 => self.leave_out(1),
            wire::I16 | wire::I32 | wire::I64 => self.unsigned(place).map(drop),
            wire::DOUBLE => self.leave_out(8),
            wire::BINARY => self.binary(place),
            wire::LIST | wire::SET => {
                let (wire, length) = self.list_head(place)?;
                (0..length).try_for_each(|_| self.skip_element(wire, place, depth))
            }
            wire::MAP => self.skip_map(place, depth),
            wire::STRUCTURE => {
                let mut place = Place { field: 0, ..place };
                while let Some(wire) = self.field(&mut place)? {
                    self.skip(wire, place, depth)?;
                }
                Ok(())
            }
            wire::UUID => self.leave_out(16),
            _ => Err(place.wrong(wire)),
        }
    }

    fn skip_map(&mut self, place: Place, depth: u32) -> Result<(), Malformed> {
        let length = self.unsigned(place)?;
        if length == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        for _ in 0..self.countable(length)? {
            self.skip_element(kinds >> 4, place, depth)?;
            self.skip_element(kinds & 0x0f, place, depth)?;
        }
        Ok(())
    }

    /// Truth values in lists are refused: readers disagree on whether they take a byte, and Parquet has none in what is
    /// walked over here.
    fn skip_element(&mut self, wire: u8, place: Place, depth: u32) -> Result<(), Malformed> {
        match wire {
            wire::TRUE | wire::FALSE => Err(place.wrong(wire)),
            _ => self.skip(wire, place, depth),
        }
    }

    fn binary(&mut self, place: Place) -> Result<(), Malformed> {
        let length = self.unsigned(place)?;
        self.leave_out(usize::try_from(length).map_err(|_| Malformed::Ended)?)
    }

    /// A number of elements that the rest can hold.
    fn countable(&self, length: u64) -> Result<usize, Malformed> {
        usize::try_from(length).ok().filter(|&length| length <= self.rest.len()).ok_or(Malformed::Ended)
    }

    fn integer(&mut self, place: Place) -> Result<i64, Malformed> {
        let zigzag = self.unsigned(place)?;
        Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    /// Seven bits a byte, lowest first, at most 64 bits.
    fn unsigned(&mut self, place: Place) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(place.out_of_range())
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (&byte, rest) = self.rest.split_first().ok_or(Malformed::Ended)?;
        self.rest = rest;
        Ok(byte)
    }

    fn leave_out(&mut self, length: usize) -> Result<(), Malformed> {
        self.rest = self.rest.get(length..).ok_or(Malformed::Ended)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INNER: Structure = Structure { name: "Inner", fields: &[(1, Kind::Bool), (2, Kind::I16)] };
    const OUTER: Structure = Structure {
        name: "Outer",
        fields: &[
            (1, Kind::I32),
            (2, Kind::Binary),
            (3, Kind::List(&Kind::Nested(&INNER))),
            (4, Kind::List(&Kind::I64)),
            (40, Kind::I64),
        ],
    };

    /// Structure, field and value.
    type Seen = (&'static str, i16, i64);

    fn walked(bytes: &[u8]) -> Result<(usize, Vec<Seen>), Malformed> {
        let mut seen = Vec::new();
        let length = walk(bytes, &OUTER, &mut |name, field, value| seen.push((name, field, value)))?;
        Ok((length, seen))
    }

    #[test]
    fn fields_are_seen_in_order_and_unknown_ones_are_skipped() {
        let bytes = [
            0x15, 0x03, // 1: i32, −2
            0x18, 0x02, b'a', b'b', // 2: binary
            0x19, 0x1c, 0x11, 0x14, 0x06, 0x00, // 3: [{1: true, 2: 3}]
            0x19, 0x26, 0x02, 0x04, // 4: [1, 2]
            0x1c, 0x18, 0x01, b'x', 0x00, // 5: unknown structure with a binary
            0x06, 0x50, 0x80, 0x01, // 40, by its full number: i64, 64
            0x00, 0xff,
        ];
        let (length, seen) = walked(&bytes).unwrap();
        assert_eq!(length, bytes.len() - 1);
        let inner = [("Inner", 0, 0), ("Inner", 1, 1), ("Inner", 2, 3)];
        let expected =
            [[("Outer", 0, 0), ("Outer", 1, -2)].as_slice(), &inner, &[("Outer", 40, 64)]].concat();
        assert_eq!(seen, expected);
    }

    #[test]
    fn lengths_beyond_the_input_are_refused_before_anything_is_done_with_them() {
        let huge = [0xff, 0xff, 0xff, 0xff, 0x07];
        let binary = [[0x28].as_slice(), &huge].concat();
        let list = [[0x39, 0xfc].as_slice(), &huge].concat();
        let unknown_list = [[0x59, 0xf3].as_slice(), &huge].concat();
        let map = [[0x5b].as_slice(), &huge, &[0x33]].concat();
        for bytes in [binary, list, unknown_list, map, vec![0x15], vec![]] {
            assert_eq!(walked(&bytes), Err(Malformed::Ended), "{bytes:?}");
        }
    }

    #[test]
    fn types_and_numbers_that_do_not_fit_are_refused() {
        let wrong = |field, found| Err(Malformed::Type { structure: "Outer", field, found });
        assert_eq!(walked(&[0x16, 0x02, 0x00]), wrong(1, 6));
        assert_eq!(walked(&[0x39, 0x15, 0x02, 0x00]), wrong(3, 5));
        assert_eq!(walked(&[0x5e]), wrong(5, 14));
        assert_eq!(walked(&[0x59, 0x12, 0x01, 0x00]), wrong(5, 2));
        let out_of_range = Err(Malformed::Number { structure: "Outer", field: 1 });
        assert_eq!(walked(&[0x15, 0x80, 0x80, 0x80, 0x80, 0x10, 0x00]), out_of_range);
        assert_eq!(walked(&[[0x15].as_slice(), &[0xff; 10]].concat()), out_of_range);
        assert!(walked(&[0x15, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]).is_ok());
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert_eq!(walked(&vec![0x5c; 100_000]), Err(Malformed::Deep));
        let lists = [[0x59].as_slice(), &vec![0x19; 100_000]].concat();
        assert_eq!(walked(&lists), Err(Malformed::Deep));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn any_bytes_end_in_a_length_within_them_or_in_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok((length, _)) = walked(&bytes) {
                prop_assert!(length <= bytes.len());
                prop_assert_eq!(walked(&bytes[..length]).map(|(length, _)| length), Ok(length));
                prop_assert_eq!(walked(&bytes[..length - 1]), Err(Malformed::Ended));
            }
        }
    }
}
