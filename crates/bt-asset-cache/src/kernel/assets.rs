//! Which asset each row belongs to, for every type of asset column.

use std::hash::BuildHasher;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowDictionaryKeyType, ArrowPrimitiveType, ByteArrayType, ByteViewType};
use arrow_array::{Array, GenericByteArray, PrimitiveArray, types as t};
use arrow_array::{DictionaryArray, GenericByteViewArray};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::DataType;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Fault, Names, Texts};

/// Rows that are compared at once at most, so that a difference near the start does not cost a look at all the rest.
const LONGEST_STRIDE: usize = 4096;
/// No code yet, and never a code.
const UNKNOWN: u32 = u32::MAX;

const MISSING: &str = "there is no asset";

/// The assets of a column: texts, without the white space around them, or integers, which are named by their decimal
/// text.
///
/// ```
/// use bt_asset_cache::arrow_array::StringArray;
/// use bt_asset_cache::kernel::{Assets, Names};
/// let column = StringArray::from(vec![Some("MSFT"), Some(" AAPL "), None, Some("MSFT")]);
/// let (mut names, mut bad) = (Names::default(), Vec::new());
/// let numbers = Assets::new(&column).unwrap().numbers(&mut names, &mut |fault| bad.push(fault));
/// let name = |row: usize| names.get(numbers[row]).unwrap();
/// assert_eq!((name(0), name(1), name(3)), ("MSFT", "AAPL", "MSFT"));
/// assert_eq!((bad[0].row, bad[0].reason.as_str()), (Some(2), "there is no asset"));
/// ```
pub struct Assets<'a> {
    keys: Box<dyn Keys + 'a>,
    nulls: Option<NullBuffer>,
}

impl<'a> Assets<'a> {
    /// Takes a column: `Utf8`, `LargeUtf8`, `Utf8View`, a dictionary of these, or integers.
    ///
    /// # Errors
    /// The column's type, where it is another.
    pub fn new(array: &'a dyn Array) -> Result<Self, Fault> {
        let keys = match array.data_type() {
            DataType::Dictionary(key, _) => dictionary(array, key),
            _ => strings(array).or_else(|| integers(array)),
        };
        let refused = || {
            let allowed = "Utf8, LargeUtf8, Utf8View, a dictionary of these, integers";
            Fault::column(format!("{} is not read; allowed: {allowed}", array.data_type()))
        };
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(Self { keys: keys.ok_or_else(refused)?, nulls })
    }

    /// The number of each row's asset among `names`, to which new ones are added.
    ///
    /// Rows without a name, those that are null or empty, are told to `bad` and have the number of the empty name.
    pub fn numbers(&mut self, names: &mut Names, bad: &mut dyn FnMut(Fault)) -> Vec<u32> {
        self.keys.numbers(self.nulls.as_ref(), names, bad)
    }

    /// Keys to group by, none of which is null.
    pub(super) fn into_keys(self) -> Result<Box<dyn Keys + 'a>, Fault> {
        match first_null(self.nulls.as_ref()) {
            Some(row) => Err(Fault::row(row, MISSING)),
            None => Ok(self.keys),
        }
    }
}

impl std::fmt::Debug for Assets<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assets").field("rows", &self.keys.len()).field("nulls", &self.nulls).finish()
    }
}

pub(super) fn first_null(nulls: Option<&NullBuffer>) -> Option<usize> {
    let nulls = nulls?;
    (0..nulls.len()).find(|&row| nulls.is_null(row))
}

fn is_padded(text: &str) -> bool {
    text.trim().len() < text.len()
}

/// The number of an asset that a column calls by this text.
fn named(text: &str, names: &mut Names) -> Result<u32, String> {
    match text.trim() {
        "" => Err(MISSING.into()),
        name if names.len() < Names::MAX || names.find(name).is_some() => Ok(names.number(name)),
        name => Err(format!("{name:?} is one asset too many; allowed: {}", Names::MAX)),
    }
}

/// What follows what, so that a table whose assets come in the same order at each moment needs no hashing.
#[derive(Default)]
struct Successors {
    last: usize,
    after: Vec<u32>,
}

impl Successors {
    #[inline]
    fn guess(&self) -> Option<u32> {
        self.after.get(self.last).copied()
    }

    #[inline]
    fn right(&mut self, code: u32) {
        self.last = code as usize;
    }

    fn wrong(&mut self, code: u32) {
        let needed = self.last.max(code as usize) + 1;
        if self.after.len() < needed {
            self.after.resize(needed, 0);
        }
        self.after[self.last] = code;
        self.last = code as usize;
    }
}

/// An asset column of any type. Its methods are compiled for each type, so that only the calls of them are dynamic.
pub(super) trait Keys {
    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether `count` rows from `start` on equal those `period` rows before them.
    fn repeats(&self, start: usize, period: usize, count: usize) -> bool;

    /// The code of one row's asset: its number among the names.
    fn code(&mut self, row: usize, names: &mut Names) -> Result<u32, String>;

    /// Whether a name had white space around it, among the rows whose code was asked for.
    fn padded(&self) -> bool {
        false
    }

    /// Appends the codes of rows from `start` on, up to the first asset that comes again; returns the row after the
    /// last.
    fn sequence(
        &mut self,
        start: usize,
        names: &mut Names,
        met: &mut Met,
        codes: &mut Vec<u32>,
    ) -> Result<usize, Fault> {
        met.next_sequence();
        let end = self.len();
        for row in start..end {
            let code = self.code(row, names).map_err(|reason| Fault::row(row, reason))?;
            if !met.is_new(code) {
                return Ok(row);
            }
            codes.push(code);
        }
        Ok(end)
    }

    /// See [`Assets::numbers`].
    fn numbers(
        &mut self,
        nulls: Option<&NullBuffer>,
        names: &mut Names,
        bad: &mut dyn FnMut(Fault),
    ) -> Vec<u32> {
        let rows = 0..self.len();
        let number = |row: usize| {
            let code = match nulls {
                Some(nulls) if nulls.is_null(row) => Err(MISSING.to_owned()),
                _ => self.code(row, names),
            };
            code.unwrap_or_else(|reason| {
                bad(Fault::row(row, reason));
                names.number("")
            })
        };
        rows.map(number).collect()
    }
}

/// One row past the last whole repetition of the `period` rows before `end`, in a column of `len` rows.
///
/// Strides double while they succeed, and halve when they fail: long repetitions are compared in long pieces.
pub(super) fn repeated_until(keys: &dyn Keys, mut end: usize, period: usize, len: usize) -> usize {
    let mut repeats = 1;
    while repeats > 0 {
        let rows = repeats * period;
        if end + rows <= len && keys.repeats(end, period, rows) {
            end += rows;
            repeats = if rows < LONGEST_STRIDE { repeats * 2 } else { repeats };
        } else {
            repeats /= 2;
        }
    }
    end
}

/// Which assets came already in a sequence of rows.
#[derive(Default)]
pub(super) struct Met {
    sequence: u32,
    last_in: Vec<u32>,
}

impl Met {
    fn next_sequence(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        if self.sequence == 0 {
            self.last_in.clear();
            self.sequence = 1;
        }
    }

    /// Whether it is the first time in this sequence.
    #[inline]
    fn is_new(&mut self, code: u32) -> bool {
        let code = code as usize;
        if code >= self.last_in.len() {
            self.last_in.resize(code + 1, 0);
        }
        std::mem::replace(&mut self.last_in[code], self.sequence) != self.sequence
    }
}

fn strings(array: &dyn Array) -> Option<Box<dyn Keys + '_>> {
    Some(match array.data_type() {
        DataType::Utf8 => Box::new(Strings::new(array.as_string::<i32>())),
        DataType::LargeUtf8 => Box::new(Strings::new(array.as_string::<i64>())),
        DataType::Utf8View => Box::new(Strings::new(array.as_string_view())),
        _ => return None,
    })
}

fn integers(array: &dyn Array) -> Option<Box<dyn Keys + '_>> {
    Some(match array.data_type() {
        DataType::Int8 => Integers::<t::Int8Type>::boxed(array),
        DataType::Int16 => Integers::<t::Int16Type>::boxed(array),
        DataType::Int32 => Integers::<t::Int32Type>::boxed(array),
        DataType::Int64 => Integers::<t::Int64Type>::boxed(array),
        DataType::UInt8 => Integers::<t::UInt8Type>::boxed(array),
        DataType::UInt16 => Integers::<t::UInt16Type>::boxed(array),
        DataType::UInt32 => Integers::<t::UInt32Type>::boxed(array),
        DataType::UInt64 => Integers::<t::UInt64Type>::boxed(array),
        _ => return None,
    })
}

fn dictionary<'a>(array: &'a dyn Array, key: &DataType) -> Option<Box<dyn Keys + 'a>> {
    match key {
        DataType::Int8 => Dictionary::<t::Int8Type>::boxed(array),
        DataType::Int16 => Dictionary::<t::Int16Type>::boxed(array),
        DataType::Int32 => Dictionary::<t::Int32Type>::boxed(array),
        DataType::Int64 => Dictionary::<t::Int64Type>::boxed(array),
        DataType::UInt8 => Dictionary::<t::UInt8Type>::boxed(array),
        DataType::UInt16 => Dictionary::<t::UInt16Type>::boxed(array),
        DataType::UInt32 => Dictionary::<t::UInt32Type>::boxed(array),
        DataType::UInt64 => Dictionary::<t::UInt64Type>::boxed(array),
        _ => None,
    }
}

/// An array of texts of one layout, so that what reads it is compiled for each.
trait TextArray {
    fn len(&self) -> usize;
    fn text(&self, row: usize) -> &str;
    /// As [`Keys::repeats`].
    fn repeats(&self, start: usize, period: usize, count: usize) -> bool;
}

impl<T: ByteArrayType<Native = str>> TextArray for GenericByteArray<T> {
    fn len(&self) -> usize {
        Array::len(self)
    }

    #[inline]
    fn text(&self, row: usize) -> &str {
        self.value(row)
    }

    /// Texts repeat if their lengths do, and their bytes.
    fn repeats(&self, start: usize, period: usize, count: usize) -> bool {
        let offsets = self.value_offsets();
        let (these, those) =
            (&offsets[start..=start + count], &offsets[start - period..=start - period + count]);
        let moved = these[0] - those[0];
        let even = these.iter().zip(those).fold(true, |even, (&this, &that)| even & (this - that == moved));
        let bytes = |ends: &[T::Offset]| ends[0].as_usize()..ends[count].as_usize();
        even && self.value_data()[bytes(these)] == self.value_data()[bytes(those)]
    }
}

impl<T: ByteViewType<Native = str>> TextArray for GenericByteViewArray<T> {
    fn len(&self) -> usize {
        Array::len(self)
    }

    #[inline]
    fn text(&self, row: usize) -> &str {
        self.value(row)
    }

    /// Equal views are equal texts; of long ones, other views may be too.
    fn repeats(&self, start: usize, period: usize, count: usize) -> bool {
        slice_repeats(self.views(), start, period, count)
            || (start..start + count).all(|row| self.value(row) == self.value(row - period))
    }
}

fn slice_repeats<T: PartialEq>(values: &[T], start: usize, period: usize, count: usize) -> bool {
    values[start..start + count] == values[start - period..start - period + count]
}

struct Strings<'a, A> {
    texts: &'a A,
    successors: Successors,
    padded: bool,
}

impl<'a, A: TextArray> Strings<'a, A> {
    fn new(texts: &'a A) -> Self {
        Self { texts, successors: Successors::default(), padded: false }
    }
}

impl<A: TextArray> Keys for Strings<'_, A> {
    fn len(&self) -> usize {
        self.texts.len()
    }

    fn padded(&self) -> bool {
        self.padded
    }

    fn repeats(&self, start: usize, period: usize, count: usize) -> bool {
        self.texts.repeats(start, period, count)
    }

    #[inline]
    fn code(&mut self, row: usize, names: &mut Names) -> Result<u32, String> {
        let text = self.texts.text(row);
        match self.successors.guess() {
            Some(guess) if names.get(guess) == Some(text) => {
                self.successors.right(guess);
                Ok(guess)
            }
            _ => {
                let code = named(text, names)?;
                self.padded |= is_padded(text);
                self.successors.wrong(code);
                Ok(code)
            }
        }
    }
}

struct Dictionary<'a, K: ArrowDictionaryKeyType> {
    keys: &'a PrimitiveArray<K>,
    texts: Texts<'a>,
    codes: Vec<u32>,
    padded: bool,
}

impl<'a, K: ArrowDictionaryKeyType> Dictionary<'a, K> {
    fn boxed(array: &'a dyn Array) -> Option<Box<dyn Keys + 'a>> {
        let dictionary: &DictionaryArray<K> = array.as_dictionary();
        let texts = Texts::new(dictionary.values().as_ref())?;
        let codes = vec![UNKNOWN; texts.len()];
        Some(Box::new(Self { keys: dictionary.keys(), codes, texts, padded: false }))
    }
}

impl<K: ArrowDictionaryKeyType> Keys for Dictionary<'_, K> {
    fn len(&self) -> usize {
        self.keys.len()
    }

    fn padded(&self) -> bool {
        self.padded
    }

    fn repeats(&self, start: usize, period: usize, count: usize) -> bool {
        slice_repeats(self.keys.values(), start, period, count)
    }

    #[inline]
    fn code(&mut self, row: usize, names: &mut Names) -> Result<u32, String> {
        let key = self.keys.values()[row].as_usize();
        match self.codes.get(key) {
            Some(&code) if code != UNKNOWN => Ok(code),
            Some(_) => {
                let text = self.texts.get(key).unwrap_or_default();
                let code = named(text, names)?;
                self.padded |= is_padded(text);
                self.codes[key] = code;
                Ok(code)
            }
            None => Err(format!("key {key} is not in its dictionary of {}", self.texts.len())),
        }
    }
}

/// Integers, looked up in a table where they lie close together, else by guess and hash.
struct Integers<'a, T: ArrowPrimitiveType> {
    values: &'a [T::Native],
    smallest: usize,
    table: Vec<u32>,
    others: HashTable<(usize, u32)>,
    hasher: DefaultHashBuilder,
}

impl<'a, T: ArrowPrimitiveType<Native: Ord + std::fmt::Display>> Integers<'a, T> {
    fn boxed(array: &'a dyn Array) -> Box<dyn Keys + 'a> {
        let values: &[T::Native] = array.as_primitive::<T>().values();
        // Folds, since `min` and `max` of an iterator are not done in vector registers.
        let first = values.first().copied().unwrap_or_default();
        let smallest = values.iter().fold(first, |least, &value| if value < least { value } else { least });
        let largest = values.iter().fold(first, |most, &value| if value > most { value } else { most });
        let (smallest, largest) = (smallest.as_usize(), largest.as_usize());
        let room = (values.len() * 4).max(1024);
        // Negative numbers wrap, and so does their difference: the distance is right for every integer type.
        let range = largest.wrapping_sub(smallest).saturating_add(1).min(room);
        let (table, others) = (vec![UNKNOWN; range], HashTable::new());
        Box::new(Self { values, smallest, table, others, hasher: DefaultHashBuilder::default() })
    }

    #[cold]
    fn meet(&mut self, row: usize, names: &mut Names) -> Result<u32, String> {
        let Self { values, smallest, table, others, hasher } = self;
        let value = values[row];
        let distance = value.as_usize().wrapping_sub(*smallest);
        let code = named(&value.to_string(), names)?;
        match table.get_mut(distance) {
            Some(slot) => *slot = code,
            None => {
                let hash = |&(distance, _): &(usize, u32)| hasher.hash_one(distance);
                others.insert_unique(hasher.hash_one(distance), (distance, code), hash);
            }
        }
        Ok(code)
    }
}

impl<T: ArrowPrimitiveType<Native: Ord + std::fmt::Display>> Keys for Integers<'_, T> {
    fn len(&self) -> usize {
        self.values.len()
    }

    fn repeats(&self, start: usize, period: usize, count: usize) -> bool {
        slice_repeats(self.values, start, period, count)
    }

    #[inline]
    fn code(&mut self, row: usize, names: &mut Names) -> Result<u32, String> {
        let distance = self.values[row].as_usize().wrapping_sub(self.smallest);
        let known = match self.table.get(distance) {
            Some(&code) => (code != UNKNOWN).then_some(code),
            None => {
                let hash = self.hasher.hash_one(distance);
                self.others.find(hash, |&(other, _)| other == distance).map(|&(_, code)| code)
            }
        };
        known.map_or_else(|| self.meet(row, names), Ok)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int16Array, StringArray, StringViewArray, UInt64Array};

    use super::*;

    fn keys(array: &dyn Array) -> Box<dyn Keys + '_> {
        Assets::new(array).unwrap().into_keys().unwrap()
    }

    #[test]
    fn repetitions_are_followed_to_their_last_whole_one() {
        for rows in [1_usize, 2, 3, 7, 64, 301] {
            for period in [1, 2, 5] {
                let mut names: Vec<String> =
                    (0..rows * period).map(|row| format!("{}", row % period)).collect();
                names.extend(["0".to_owned(), "other".to_owned()]);
                let long: Vec<String> =
                    names.iter().map(|name| format!("{name} of more than twelve bytes")).collect();
                let columns: [&dyn Array; 3] = [
                    &StringArray::from_iter_values(&names),
                    &StringViewArray::from_iter_values(&long),
                    &UInt64Array::from_iter_values(names.iter().map(|name| name.parse().unwrap_or(9))),
                ];
                let whole = rows * period + usize::from(period == 1);
                for column in columns {
                    let keys = keys(column);
                    let end = repeated_until(&*keys, period, period, column.len());
                    assert_eq!(end, whole, "{rows} × {period} of {}", column.data_type());
                }
            }
        }
    }

    #[test]
    fn texts_of_other_lengths_with_the_same_bytes_are_other_texts() {
        let texts = StringArray::from(vec!["ab", "c", "a", "bc"]);
        assert!(!keys(&texts).repeats(2, 2, 2));
    }

    #[test]
    fn a_sequence_ends_where_an_asset_comes_again() {
        let column = Int16Array::from(vec![-3, 300, 7, -3, 7, 7]);
        let (mut keys, mut names) = (keys(&column), Names::default());
        let (mut met, mut codes) = (Met::default(), Vec::new());
        let mut ends = Vec::new();
        let mut row = 0;
        while row < column.len() {
            row = keys.sequence(row, &mut names, &mut met, &mut codes).unwrap();
            ends.push(row);
        }
        assert_eq!(ends, [3, 5, 6]);
        assert_eq!(codes, [0, 1, 2, 0, 2, 2]);
        assert_eq!(names.into_vec(), ["-3", "300", "7"].map(Box::from));
    }

    #[test]
    fn the_counter_of_sequences_may_wrap() {
        let mut met = Met { sequence: u32::MAX, last_in: vec![1, 1] };
        met.next_sequence();
        assert!(met.is_new(1) && !met.is_new(1) && met.is_new(0));
    }
}
