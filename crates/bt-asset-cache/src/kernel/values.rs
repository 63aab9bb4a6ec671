use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrowPrimitiveType, types as t};
use arrow_schema::DataType;

use super::Fault;
use crate::table::plain_f64;

/// A column of numbers, read as `f64`. Nulls are NaN.
///
/// Decimals are rounded correctly: within 1e-10 of their value, relatively, whatever their size, and absolutely for
/// prices up to 2^20.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    array: &'a dyn Array,
    plain: Option<&'a [f64]>,
}

impl<'a> Values<'a> {
    /// Takes a column.
    ///
    /// # Errors
    /// The column's type, where it is no number.
    pub fn new(array: &'a dyn Array) -> Result<Self, Fault> {
        if write(array, 0..0, &mut []) {
            Ok(Self { array, plain: plain_f64(array) })
        } else {
            let found = array.data_type();
            Err(Fault::column(format!(
                "{found} is not read; allowed: Float64, Float32, integers, Decimal32, Decimal64, Decimal128"
            )))
        }
    }

    /// The column as it lies in memory, where it is `f64` without nulls.
    pub fn as_slice(&self) -> Option<&'a [f64]> {
        self.plain
    }

    /// Some rows, in `scratch` if they have to be converted.
    ///
    /// # Panics
    /// Where the column has no such rows.
    pub fn read<'s>(&self, rows: Range<usize>, scratch: &'s mut Vec<f64>) -> &'s [f64]
    where
        'a: 's,
    {
        if let Some(values) = self.plain {
            return &values[rows];
        }
        scratch.resize(rows.len(), 0.0);
        self.write(rows, scratch);
        scratch
    }

    /// Writes some rows to `out`, which has as many places.
    ///
    /// # Panics
    /// Where the column has no such rows, or `out` another length.
    pub fn write(&self, rows: Range<usize>, out: &mut [f64]) {
        assert_eq!(out.len(), rows.len(), "a place for each row");
        write(self.array, rows.clone(), out);
        if let Some(nulls) = self.array.nulls().filter(|nulls| nulls.null_count() > 0) {
            let null_rows = rows.enumerate().filter(|&(_, row)| nulls.is_null(row));
            null_rows.for_each(|(at, _)| out[at] = f64::NAN);
        }
    }
}

/// Returns whether the column's type is a number.
fn write(array: &dyn Array, rows: Range<usize>, out: &mut [f64]) -> bool {
    match *array.data_type() {
        DataType::Float64 => out.copy_from_slice(&array.as_primitive::<t::Float64Type>().values()[rows]),
        DataType::Float32 => convert::<t::Float32Type>(array, rows, out, f64::from),
        DataType::Int8 => convert::<t::Int8Type>(array, rows, out, f64::from),
        DataType::Int16 => convert::<t::Int16Type>(array, rows, out, f64::from),
        DataType::Int32 => convert::<t::Int32Type>(array, rows, out, f64::from),
        DataType::Int64 => convert::<t::Int64Type>(array, rows, out, |units| units as f64),
        DataType::UInt8 => convert::<t::UInt8Type>(array, rows, out, f64::from),
        DataType::UInt16 => convert::<t::UInt16Type>(array, rows, out, f64::from),
        DataType::UInt32 => convert::<t::UInt32Type>(array, rows, out, f64::from),
        DataType::UInt64 => convert::<t::UInt64Type>(array, rows, out, |units| units as f64),
        DataType::Decimal32(_, scale) => {
            convert::<t::Decimal32Type>(array, rows, out, |units| decimal_to_f64(units.into(), scale));
        }
        DataType::Decimal64(_, scale) => {
            convert::<t::Decimal64Type>(array, rows, out, |units| decimal_to_f64(units.into(), scale));
        }
        DataType::Decimal128(_, scale) => {
            convert::<t::Decimal128Type>(array, rows, out, |units| decimal_to_f64(units, scale));
        }
        _ => return false,
    }
    true
}

fn convert<T: ArrowPrimitiveType>(
    array: &dyn Array,
    rows: Range<usize>,
    out: &mut [f64],
    to_f64: impl Fn(T::Native) -> f64,
) {
    let values = &array.as_primitive::<T>().values()[rows];
    out.iter_mut().zip(values).for_each(|(out, &value)| *out = to_f64(value));
}

/// The `f64` nearest to `units × 10^-scale`.
///
/// ```
/// use bt_asset_cache::kernel::decimal_to_f64;
/// assert_eq!(decimal_to_f64(15_007, 2), 150.07);
/// assert_eq!(decimal_to_f64(-5, -3), -5000.0);
/// ```
#[inline]
pub fn decimal_to_f64(units: i128, scale: i8) -> f64 {
    // Both operands of the division are exact, so that its result is rounded once: 10^22 is the last exact power.
    const EXACT: u128 = 1 << 53;
    match usize::try_from(scale).ok().and_then(|scale| POWERS_OF_TEN.get(scale)) {
        Some(power) if units.unsigned_abs() <= EXACT => units as i64 as f64 / power,
        _ => by_parsing(units, scale),
    }
}

static POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

#[cold]
fn by_parsing(units: i128, scale: i8) -> f64 {
    let text = format!("{units}e{}", -i32::from(scale));
    text.parse().unwrap_or_else(|_| unreachable!("{text} is a number"))
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        BooleanArray, Decimal32Array, Decimal64Array, Decimal128Array, Float32Array, Float64Array,
        Int64Array, UInt8Array, UInt64Array,
    };

    use super::*;

    fn read(array: &dyn Array) -> Vec<f64> {
        let mut scratch = Vec::new();
        Values::new(array).unwrap().read(0..array.len(), &mut scratch).to_vec()
    }

    #[test]
    fn every_kind_of_number_is_read() {
        assert_eq!(read(&Float64Array::from(vec![1.5])), [1.5]);
        assert_eq!(read(&Float32Array::from(vec![1.5])), [1.5]);
        assert_eq!(read(&UInt8Array::from(vec![255])), [255.0]);
        assert_eq!(read(&Int64Array::from(vec![-7])), [-7.0]);
        assert_eq!(read(&UInt64Array::from(vec![u64::MAX])), [18_446_744_073_709_551_616.0]);
        assert_eq!(read(&Decimal32Array::from(vec![1999]).with_precision_and_scale(9, 2).unwrap()), [19.99]);
        assert_eq!(read(&Decimal64Array::from(vec![1999]).with_precision_and_scale(18, 3).unwrap()), [1.999]);
        assert_eq!(read(&Decimal128Array::from(vec![1]).with_precision_and_scale(38, 30).unwrap()), [1e-30]);
    }

    #[test]
    fn nulls_are_not_a_number_also_in_slices() {
        let array = Float64Array::from(vec![Some(1.0), None, Some(3.0), None]);
        assert_eq!(format!("{:?}", read(&array)), "[1.0, NaN, 3.0, NaN]");
        let values = Values::new(&array).unwrap();
        assert!(values.as_slice().is_none());
        assert_eq!(format!("{:?}", values.read(2..4, &mut Vec::new())), "[3.0, NaN]");
        assert_eq!(format!("{:?}", read(&array.slice(1, 2))), "[NaN, 3.0]");
    }

    #[test]
    fn a_column_that_is_no_number_is_refused() {
        let fault = Values::new(&BooleanArray::from(vec![true])).unwrap_err();
        assert!(fault.row.is_none() && fault.reason.starts_with("Boolean is not read"), "{fault:?}");
    }

    #[test]
    fn decimals_are_rounded_as_the_parser_rounds_on_both_sides_of_the_exact_range() {
        let edge = 1_i128 << 53;
        for units in [0, 1, -1, 7, 99, 12_345_678_901_234_567, edge - 1, edge, edge + 1, -edge - 1, i128::MAX]
        {
            for scale in [-40, -5, 0, 1, 2, 8, 22, 23, 38] {
                let expected: f64 = format!("{units}e{}", -i32::from(scale)).parse().unwrap();
                assert_eq!(decimal_to_f64(units, scale).to_bits(), expected.to_bits(), "{units} at {scale}");
            }
        }
    }
}
