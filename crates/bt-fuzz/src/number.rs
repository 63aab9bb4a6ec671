//! The reader of numbers against an oracle. Two bytes of options, then the text.

mod oracle;

use bt_bundle::fuzzing;

use crate::bytes::Bytes;
use crate::csv::number_format;

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let format = number_format(bytes.byte()).unwrap_or_default();
    let scale = bytes.byte() % 19;
    let text = bytes.0;
    let read = fuzzing::number(format, text, scale);
    let shown = || format!("{:?} of {format:?} in 1e-{scale}: {read:?}", String::from_utf8_lossy(text));
    match (oracle::read(format, text, scale), read) {
        (oracle::Number::Value(value), Some(read)) => {
            assert_eq!(value.to_bits(), read.to_bits(), "{}", shown())
        }
        (oracle::Number::About(value), Some(read)) => {
            assert!((value - read).abs() <= value.abs() * 1e-14 + f64::MIN_POSITIVE, "{}: {value}", shown());
        }
        (oracle::Number::Missing, Some(read)) => assert!(read.is_nan(), "{}", shown()),
        (oracle::Number::Refused, None) => {}
        // Beyond the largest double on the way, if not in the end.
        (oracle::Number::About(value), None) => assert!(value.abs() > 1e280, "{}: {value}", shown()),
        (expected, _) => panic!("{}, and not {expected:?}", shown()),
    }
}
