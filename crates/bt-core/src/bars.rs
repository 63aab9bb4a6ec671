use std::fmt;

use crate::ndarray::{ArrayView2, ShapeBuilder};
use crate::{Error, Field, Result, Timestamp};

/// One asset's bars, ascending in time: a view, never a copy.
///
/// Column-major: column `c` of `n` bars lies at `values[c * stride .. c * stride + n]`, so every field is one
/// contiguous slice and all five are one strided matrix.
///
/// ```
/// use bt_core::{Bars, Field, Timestamp};
/// let timestamps = [Timestamp::from_nanos(1), Timestamp::from_nanos(2)];
/// //             open      high      low       close     volume
/// let values = [1.0, 2.0, 1.5, 2.5, 0.5, 1.5, 1.2, 2.2, 100.0, 200.0];
/// let bars = Bars::new(&timestamps, &values, 2)?;
/// assert_eq!(bars.field(Field::CLOSE), [1.2, 2.2]);
/// assert_eq!(bars.view().shape(), [2, 5]);
/// assert_eq!(bars.last(1).field(Field::VOLUME), [200.0]);
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Bars<'a> {
    timestamps: &'a [Timestamp],
    values: &'a [f64],
    stride: usize,
}

impl<'a> Bars<'a> {
    /// No bars.
    pub const EMPTY: Bars<'static> = Bars { timestamps: &[], values: &[], stride: 0 };

    /// Takes `n` timestamps and a column-major matrix whose columns start `stride` values apart. What follows the last
    /// bar of the last column may be left out.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) where `stride < n`, or where five columns do not fit.
    #[inline]
    pub fn new(timestamps: &'a [Timestamp], values: &'a [f64], stride: usize) -> Result<Self> {
        let n = timestamps.len();
        let needed = stride.checked_mul(4).and_then(|columns| columns.checked_add(n));
        match needed {
            Some(needed) if n <= stride && needed <= values.len() => Ok(Self { timestamps, values, stride }),
            _ if n == 0 => Ok(Self::EMPTY),
            _ => Err(mismatch(n, stride, values.len())),
        }
    }

    /// Number of bars.
    #[inline]
    pub fn len(self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is no bar.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.timestamps.is_empty()
    }

    /// When each bar became known, ascending; `len()` of them.
    #[inline]
    pub fn timestamps(self) -> &'a [Timestamp] {
        self.timestamps
    }

    /// One column: `len()` values, contiguous.
    ///
    /// # Panics
    /// Where the bundle has no such extra column; [`get`](Self::get) does not.
    #[inline]
    pub fn field(self, field: Field) -> &'a [f64] {
        let start = field.index() * self.stride;
        &self.values[start..start + self.timestamps.len()]
    }

    /// One column, or `None` where the bundle has no such extra column. Without bars nothing tells which columns there
    /// are: any of them may be `Some` of nothing.
    #[inline]
    pub fn get(self, field: Field) -> Option<&'a [f64]> {
        let start = field.index() * self.stride;
        self.values.get(start..start + self.timestamps.len())
    }

    /// Open, high, low, close and volume as a matrix of shape (`len()`, 5), each column contiguous.
    #[inline]
    pub fn view(self) -> ArrayView2<'a, f64> {
        let shape = (self.timestamps.len(), 5).strides((1, self.stride));
        ArrayView2::from_shape(shape, self.values).unwrap_or_else(|_| no_view())
    }

    /// The bars `start..end`, in O(1).
    ///
    /// # Panics
    /// Where `start > end` or `end > len()`.
    #[inline]
    pub fn slice(self, start: usize, end: usize) -> Self {
        let timestamps = &self.timestamps[start..end];
        // Never out of range, by the constructor's check; said so that no second panic is compiled in.
        let values = self.values.get(start..).unwrap_or_default();
        Self { timestamps, values, stride: self.stride }
    }

    /// The last `bar_count` bars, or all where there are fewer.
    #[inline]
    pub fn last(self, bar_count: usize) -> Self {
        self.slice(self.len().saturating_sub(bar_count), self.len())
    }

    /// The bars known at `now`, by binary search: those with timestamp ≤ `now`.
    pub fn until(self, now: Timestamp) -> Self {
        self.slice(0, self.timestamps.partition_point(|&known| known <= now))
    }

    /// The memory that the bars lie in: the whole matrix, column-major, from the first bar of the first column on.
    ///
    /// Between one column's bars and the next one's there may be other rows: of other assets, and later ones than
    /// [`until`](Self::until) left. Column `c` is `values()[c * stride..][..len]`.
    #[inline]
    pub fn values(self) -> &'a [f64] {
        self.values
    }

    /// The distance between columns, in values.
    #[inline]
    pub fn stride(self) -> usize {
        self.stride
    }
}

/// The bars alone, and not what else lies in their memory.
impl fmt::Debug for Bars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bars = f.debug_struct("Bars");
        bars.field("timestamps", &self.timestamps);
        for (name, field) in Field::NAMES.iter().zip(Field::OHLCV) {
            bars.field(name, &self.field(field));
        }
        bars.finish_non_exhaustive()
    }
}

#[cold]
fn mismatch(n: usize, stride: usize, len: usize) -> Error {
    Error::corrupt(
        "bars",
        format!("{n} bars with {stride} values between columns do not fit into {len} values"),
    )
}

#[cold]
fn no_view() -> ! {
    unreachable!("the constructor checked that five columns fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(n: i64) -> Vec<Timestamp> {
        (0..n).map(Timestamp::from_nanos).collect()
    }

    #[test]
    fn a_matrix_that_is_too_small_is_refused() {
        let (moments, values) = (moments(3), vec![0.0; 15]);
        assert!(Bars::new(&moments, &values, 3).is_ok());
        assert!(Bars::new(&moments, &values[..14], 3).is_err());
        assert!(Bars::new(&moments, &values, 2).is_err());
        assert!(Bars::new(&moments, &values, usize::MAX).is_err());
    }

    #[test]
    fn slices_and_views_agree_with_the_columns() {
        let moments = moments(4);
        let values: Vec<f64> = (0..24).map(f64::from).collect();
        let bars = Bars::new(&moments, &values, 4).unwrap();
        for (start, end) in [(0, 4), (1, 3), (4, 4), (2, 2)] {
            let part = bars.slice(start, end);
            for field in Field::OHLCV {
                let column = &values[field.index() * 4..][start..end];
                assert_eq!(part.field(field), column);
                assert_eq!(part.view().column(field.index()).to_vec(), column);
            }
        }
        assert_eq!(bars.get(Field::extra(0).unwrap()), Some(&values[20..24]));
        assert_eq!(bars.get(Field::extra(1).unwrap()), None);
    }

    #[test]
    fn nothing_is_known_before_the_first_bar() {
        let moments = moments(3);
        let bars = Bars::new(&moments, &[0.0; 15], 3).unwrap();
        assert!(bars.until(Timestamp::from_nanos(-1)).is_empty());
        assert_eq!(bars.until(Timestamp::from_nanos(1)).len(), 2);
        assert_eq!(bars.until(Timestamp::MAX).len(), 3);
    }

    #[test]
    fn what_is_not_known_yet_is_not_printed() {
        let moments = moments(3);
        let values: Vec<f64> = (0..15).map(f64::from).collect();
        let known = Bars::new(&moments, &values, 3).unwrap().until(Timestamp::from_nanos(1));
        let printed = format!("{known:?}");
        assert!(printed.contains("close: [9.0, 10.0]"), "{printed}");
        assert!(!printed.contains("11.0"), "{printed}");
    }

    #[test]
    fn no_bars_have_empty_columns() {
        assert_eq!(Bars::EMPTY.field(Field::VOLUME), []);
        assert_eq!(Bars::EMPTY.view().shape(), [0, 5]);
        assert_eq!(Bars::EMPTY.last(5).len(), 0);
    }
}
