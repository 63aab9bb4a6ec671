use std::fmt;

/// A column of a bundle's bars, by number.
///
/// The first five are the same in every bundle. Extra columns are found by name once
/// ([`Bundle::field`](crate::Bundle::field)) and then used like the others.
///
/// ```
/// use bt_core::Field;
/// assert_eq!(Field::CLOSE.index(), 3);
/// assert_eq!(Field::CLOSE.to_string(), "close");
/// assert_eq!(Field::named("volume"), Some(Field::VOLUME));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field(u16);

impl Field {
    /// First price of the bar.
    pub const OPEN: Self = Self(0);
    /// Highest price of the bar.
    pub const HIGH: Self = Self(1);
    /// Lowest price of the bar.
    pub const LOW: Self = Self(2);
    /// Last price of the bar.
    pub const CLOSE: Self = Self(3);
    /// Units traded in the bar.
    pub const VOLUME: Self = Self(4);

    /// The columns that every bundle has, in order.
    pub const OHLCV: [Self; 5] = [Self::OPEN, Self::HIGH, Self::LOW, Self::CLOSE, Self::VOLUME];
    /// Their names.
    pub const NAMES: [&'static str; 5] = ["open", "high", "low", "close", "volume"];

    /// The extra column number `extra` (0 is the first after volume), or `None` from 65,530 on.
    pub const fn extra(extra: usize) -> Option<Self> {
        if extra < u16::MAX as usize - 5 { Some(Self(extra as u16 + 5)) } else { None }
    }

    /// The column that every bundle has under this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|&known| known == name).map(|at| Self::OHLCV[at])
    }

    /// Open, high, low, close, volume, then so many extra columns: all columns of a bundle, in order.
    pub fn all(extra_columns: usize) -> impl Iterator<Item = Self> {
        Self::OHLCV.into_iter().chain((0..extra_columns).map_while(Self::extra))
    }

    /// The column's number: 0 is open, 4 volume, 5 the first extra one.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.get(self.index()) {
            Some(name) => f.pad(name),
            None => write!(f, "extra column {}", self.index() - 5),
        }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_65530_extra_columns_and_the_largest_number_is_no_field() {
        assert_eq!(Field::all(usize::MAX).count(), 5 + 65_530);
        assert_eq!(Field::extra(65_529).map(Field::index), Some(u16::MAX as usize - 1));
        assert_eq!(Field::extra(65_530), None);
    }
}
