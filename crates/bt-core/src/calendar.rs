use std::ops::Deref;

use crate::{Error, Result, Timestamp};

/// The distinct moments at which a bundle's bars became known, ascending.
///
/// Dereferences to the slice. Positions count *known* moments: position `k` means that `calendar[..k]` has happened.
///
/// ```
/// use bt_core::{Calendar, Timestamp};
/// let days = [Timestamp::from_date(2024, 1, 5)?, Timestamp::from_date(2024, 1, 8)?];
/// let calendar = Calendar::new(&days)?;
/// assert_eq!(calendar.known_at(Timestamp::from_date(2024, 1, 4)?), 0);
/// assert_eq!(calendar.known_at(Timestamp::from_date(2024, 1, 7)?), 1);
/// assert_eq!(calendar.known_at(Timestamp::from_date(2024, 1, 8)?), 2);
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a>(&'a [Timestamp]);

impl<'a> Calendar<'a> {
    /// Checks that the moments ascend strictly, in O(n).
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) with the first place that does not.
    pub fn new(moments: &'a [Timestamp]) -> Result<Self> {
        match moments.windows(2).position(|pair| pair[0] >= pair[1]) {
            None => Ok(Self(moments)),
            Some(at) => Err(Error::corrupt(
                "calendar",
                format!("moment {} ({}) does not follow {}", at + 1, moments[at + 1], moments[at]),
            )),
        }
    }

    /// Takes moments that are known to ascend strictly, because a checked file or an earlier [`new`](Self::new) says
    /// so. Where they do not, positions are wrong, and nothing worse.
    #[inline]
    pub const fn from_sorted(moments: &'a [Timestamp]) -> Self {
        Self(moments)
    }

    /// How many moments have happened at `now`, in O(log n): those with timestamp ≤ `now`.
    #[inline]
    pub fn known_at(self, now: Timestamp) -> usize {
        self.0.partition_point(|&moment| moment <= now)
    }

    /// The moments, for as long as the bundle lives.
    #[inline]
    pub const fn as_slice(self) -> &'a [Timestamp] {
        self.0
    }
}

impl Deref for Calendar<'_> {
    type Target = [Timestamp];
    #[inline]
    fn deref(&self) -> &[Timestamp] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_repeat_or_go_back_are_refused() {
        let at = |nanos: &[i64]| nanos.iter().map(|&n| Timestamp::from_nanos(n)).collect::<Vec<_>>();
        assert!(Calendar::new(&at(&[1, 2, 3])).is_ok());
        assert!(Calendar::new(&[]).is_ok());
        assert!(Calendar::new(&at(&[1, 1])).is_err());
        assert!(Calendar::new(&at(&[2, 1])).is_err());
    }
}
