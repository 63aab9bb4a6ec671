use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Names, numbered in the order in which they are met first.
///
/// ```
/// use bt_asset_cache::kernel::Names;
/// let mut names = Names::default();
/// let numbers = ["MSFT", "AAPL", "AAPL", "MSFT"].map(|name| names.number(name));
/// assert_eq!(numbers, [0, 1, 1, 0]);
/// assert_eq!((names.find("AAPL"), names.find("IBM")), (Some(1), None));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: Vec<Box<str>>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    last: usize,
}

impl Names {
    /// How many names can be numbered: 2^32 - 1, so that `u32::MAX` is never a number.
    pub const MAX: usize = u32::MAX as usize;

    /// The name's number, which is new if the name is. One comparison where it is the name that was asked for last.
    ///
    /// # Panics
    /// Where there are more than [`MAX`](Self::MAX) names, which take more than 64 GiB.
    #[inline]
    pub fn number(&mut self, name: &str) -> u32 {
        match self.names.get(self.last) {
            Some(last) if **last == *name => self.last as u32,
            _ => self.look_up(name),
        }
    }

    fn look_up(&mut self, name: &str) -> u32 {
        let Self { names, numbers, hasher, last } = self;
        let hash = hasher.hash_one(name);
        let number = match numbers.find(hash, |&number| *names[number as usize] == *name) {
            Some(&number) => number,
            None => {
                assert!(names.len() < Self::MAX, "no more than {} names", Self::MAX);
                let number = names.len() as u32;
                names.push(name.into());
                numbers.insert_unique(hash, number, |&number| hasher.hash_one(&*names[number as usize]));
                number
            }
        };
        *last = number as usize;
        number
    }

    /// The name's number, if it has one.
    pub fn find(&self, name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.numbers.find(hash, |&number| *self.names[number as usize] == *name).copied()
    }

    /// The name with this number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(AsRef::as_ref)
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no name yet.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All names in order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// All names in order of their numbers.
    pub fn into_vec(self) -> Vec<Box<str>> {
        self.names
    }
}
