//! Numbers on their way into the page: arrays as base64 of their bytes, single ones as JSON that survives NaN.

use serde::{Serialize, Serializer};

use crate::Value;

/// An array that is written as one base64 string of its little-endian bytes: a third of what decimals take.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Packed<T>(pub Vec<T>);

/// A number with a fixed layout of bytes.
pub trait Plain: Copy {
    /// Appends the number's bytes, the lowest first.
    fn put(self, bytes: &mut Vec<u8>);
}

macro_rules! plain {
    ($($number:ty),*) => {
        $(impl Plain for $number {
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        })*
    };
}

plain!(u8, u32, f32, f64);

impl<T: Plain> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.len() * size_of::<T>());
        self.0.iter().for_each(|number| number.put(&mut bytes));
        serializer.serialize_str(&base64(&bytes))
    }
}

/// How many characters `bytes` take in the page.
pub(super) fn packed_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(packed_len(bytes.len()));
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// A number, or its name in a string where JSON has no number for it.
pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Number(*value).serialize(serializer)
}

pub(super) fn optional_number<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(Number).serialize(serializer)
}

pub(super) fn numbers<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().copied().map(Number))
}

pub(super) fn values<S: Serializer>(values: &[Value], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(Scalar))
}

struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value if value > 0.0 => serializer.serialize_str("Infinity"),
            _ => serializer.serialize_str("-Infinity"),
        }
    }
}

struct Scalar<'a>(&'a Value);

impl Serialize for Scalar<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Beyond 2^53 a script's numbers skip whole ones.
        const EXACT: u64 = 1 << 53;
        match self.0 {
            Value::Int(value) if value.unsigned_abs() <= EXACT => serializer.serialize_i64(*value),
            Value::Int(value) => serializer.collect_str(value),
            Value::Float(value) => Number(*value).serialize(serializer),
            Value::Text(text) => serializer.serialize_str(&clipped(text, MAX_LABEL)),
        }
    }
}

/// The longest name of a parameter or a metric and the longest label of a value, in characters.
pub(super) const MAX_LABEL: usize = 60;

/// At most `most` characters of a text, the last being an ellipsis where some were cut.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let known = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, expected) in known.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), expected);
            assert_eq!(packed_len(length), expected.len());
        }
    }

    #[test]
    fn numbers_that_json_has_not_are_named() {
        let written: Vec<String> = [1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
            .map(|value| serde_json::to_string(&Number(value)).unwrap())
            .into();
        assert_eq!(written, ["1.5", "\"NaN\"", "\"Infinity\"", "\"-Infinity\""]);
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(clipped("äöüß", 3), "äö…");
    }
}
