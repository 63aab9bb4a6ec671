use std::fmt;

use crate::{BundleVersion, Error, ErrorKind, Result};

/// An asset of one bundle version: its rank among the version's names, and 32 bits of that version.
///
/// On another version it is an error ([`ErrorKind::ForeignAsset`]), never another asset. To go on with a new version,
/// resolve the name again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetId {
    rank: u32,
    tag: u32,
}

impl AssetId {
    /// The asset with this rank in this version. Whether the rank exists shows when the identifier is used.
    #[inline]
    pub const fn new(rank: u32, version: BundleVersion) -> Self {
        Self { rank, tag: version.tag() }
    }

    /// The rank of the asset's name among all names of the bundle, sorted bytewise.
    #[inline]
    pub const fn rank(self) -> usize {
        self.rank as usize
    }

    /// The first 32 bits of the version that this identifier belongs to.
    #[inline]
    pub const fn version_tag(self) -> u32 {
        self.tag
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asset {}@{:08x}", self.rank, self.tag.swap_bytes())
    }
}

impl fmt::Debug for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The names of a bundle version's assets, sorted bytewise.
///
/// Memory: the names' bytes + 4 bytes a name.
///
/// ```
/// use bt_core::{AssetList, BundleVersion};
/// let assets = AssetList::new(BundleVersion([7; 32]), ["AAPL", "IBM", "MSFT"])?;
/// let ibm = assets.id("IBM")?;
/// assert_eq!(assets.name(ibm)?, "IBM");
/// assert_eq!(assets.id("IMB").unwrap_err().to_string(), "no asset named \"IMB\"; did you mean IBM?");
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AssetList {
    version: BundleVersion,
    names: String,
    ends: Vec<u32>,
}

impl AssetList {
    /// What an asset may be called where it gets its name, for messages and documentation.
    pub const NAME_RULE: &'static str = "1 to 256 bytes of UTF-8 without control characters";

    /// Checks a name before it enters a bundle. Lists take any name, since bundles may be older than the rule.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidAssetName`] with what is wrong.
    ///
    /// ```
    /// use bt_core::AssetList;
    /// assert!(AssetList::check_name("BRK.B").is_ok() && AssetList::check_name("Société Générale").is_ok());
    /// let error = AssetList::check_name("A\tB").unwrap_err().to_string();
    /// assert!(error.starts_with(r#"invalid asset name "A\tB": it holds a control character; allowed: 1 to 256 bytes"#));
    /// ```
    #[inline]
    pub fn check_name(name: &str) -> Result<()> {
        // Those of ASCII by their bytes; those beyond, U+0080 to U+009F, begin with 0xc2.
        let odd = |byte: u8| byte.is_ascii_control() || byte == 0xc2;
        match name.len() {
            1..=MAX_NAME if !name.bytes().any(odd) => Ok(()),
            _ => check_odd_name(name),
        }
    }

    /// Takes names in ascending order, in O(total length).
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] where a name is empty, repeats or is out of order, or where all names together are 4 GiB
    /// or more.
    pub fn new(version: BundleVersion, names: impl IntoIterator<Item: AsRef<str>>) -> Result<Self> {
        let mut list = Self { version, names: String::new(), ends: Vec::new() };
        for name in names {
            list.push(name.as_ref())?;
        }
        Ok(list)
    }

    /// Takes names in ascending order as they lie in a file: one behind the other, with the byte at which each ends.
    ///
    /// As [`new`](Self::new), without a copy of each name by itself. O(total length).
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] as [`new`](Self::new), and where an end lies outside the text or inside a character, or
    /// where text is left.
    ///
    /// ```
    /// use bt_core::{AssetList, BundleVersion};
    /// let version = BundleVersion([7; 32]);
    /// let assets = AssetList::from_text(version, "AAPLIBMMSFT", vec![4, 7, 11])?;
    /// assert_eq!(assets, AssetList::new(version, ["AAPL", "IBM", "MSFT"])?);
    /// assert!(AssetList::from_text(version, "IBMAAPL", vec![3, 7]).is_err());
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    pub fn from_text(version: BundleVersion, names: impl Into<String>, ends: Vec<u32>) -> Result<Self> {
        let list = Self { version, names: names.into(), ends };
        let (mut start, mut before) = (0, "");
        for (rank, &end) in list.ends.iter().enumerate() {
            match list.names.get(start..end as usize) {
                // No name is less than an empty one, so this refuses those too.
                Some(name) if before < name => (start, before) = (end as usize, name),
                name => return Err(misplaced(rank, before, name)),
            }
        }
        match list.names.len() - start {
            0 => Ok(list),
            left => Err(Error::corrupt("asset list", format!("{left} bytes follow the last name"))),
        }
    }

    fn push(&mut self, name: &str) -> Result<()> {
        let before = self.ends.len().checked_sub(1).map_or("", |last| self.at(last));
        if before >= name {
            return Err(misplaced(self.ends.len(), before, Some(name)));
        }
        let end = u32::try_from(self.names.len() + name.len())
            .map_err(|_| Error::corrupt("asset list", "the names exceed 4 GiB"))?;
        self.names.push_str(name);
        self.ends.push(end);
        Ok(())
    }

    /// The version that the identifiers of this list belong to.
    #[inline]
    pub fn version(&self) -> BundleVersion {
        self.version
    }

    /// Number of assets.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no asset.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Finds an asset by name, in O(log n).
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`] with the nearest names.
    pub fn id(&self, name: &str) -> Result<AssetId> {
        self.find(name).ok_or_else(|| self.unknown(name))
    }

    /// Finds an asset by name, in O(log n), or `None`.
    pub fn find(&self, name: &str) -> Option<AssetId> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle).cmp(name) {
                std::cmp::Ordering::Equal => return Some(AssetId::new(middle as u32, self.version)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The name of an asset.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignAsset`] where the identifier is of another version.
    pub fn name(&self, asset: AssetId) -> Result<&str> {
        self.rank(asset).map(|rank| self.at(rank))
    }

    /// The rank of an asset, after the check that it is one of this version.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignAsset`] where the identifier is of another version.
    #[inline]
    pub fn rank(&self, asset: AssetId) -> Result<usize> {
        if asset.version_tag() == self.version.tag() && asset.rank() < self.len() {
            Ok(asset.rank())
        } else {
            Err(self.foreign(asset))
        }
    }

    /// The identifiers, by rank.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = AssetId> + DoubleEndedIterator + Clone + use<> {
        let version = self.version;
        (0..self.ends.len() as u32).map(move |rank| AssetId::new(rank, version))
    }

    /// The names, ascending.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|rank| self.at(rank))
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.names.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    fn at(&self, rank: usize) -> &str {
        let start = rank.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.names[start..self.ends[rank] as usize]
    }

    #[cold]
    fn unknown(&self, name: &str) -> Error {
        let nearest = nearest_names(name, self.names());
        ErrorKind::UnknownAsset { asset: name.to_owned(), nearest }.into()
    }

    #[cold]
    fn foreign(&self, asset: AssetId) -> Error {
        ErrorKind::ForeignAsset { asset, version: self.version, assets: self.len() }.into()
    }
}

/// Bytes of the longest name.
const MAX_NAME: usize = 256;

#[cold]
fn check_odd_name(name: &str) -> Result<()> {
    let reason = match name.len() {
        0 => "it is empty",
        1..=MAX_NAME if name.contains(char::is_control) => "it holds a control character",
        1..=MAX_NAME => return Ok(()),
        _ => "it is longer than 256 bytes",
    };
    Err(ErrorKind::InvalidAssetName { name: name.chars().take(MAX_NAME).collect(), reason }.into())
}

/// Why a name cannot follow the one before, which is empty before the first.
#[cold]
fn misplaced(rank: usize, before: &str, name: Option<&str>) -> Error {
    let reason = match name {
        None => format!("asset name {rank} does not lie in the text, or ends inside a character"),
        Some("") => format!("asset name {rank} is empty"),
        Some(name) if name == before => format!("asset name {name:?} repeats"),
        Some(name) => format!("asset name {name:?} follows {before:?}"),
    };
    Error::corrupt("asset list", reason)
}

impl fmt::Debug for AssetList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Up to three of the names within two edits of `name`, nearest first: what an error suggests. ASCII case is ignored, and
/// names of more than 256 bytes are near to none.
pub fn nearest_names<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut near: Vec<_> = names
        .filter(|other| other.len().abs_diff(name.len()) <= 2 && name.len() <= MAX_NAME)
        .map(|other| (edits(name, other), other))
        .filter(|&(edits, other)| edits <= 2 && edits < other.len().max(name.len()))
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, other)| other.to_owned()).collect()
}

/// Edits (insert, delete, replace, swap of neighbours) between two names, ASCII case ignored.
fn edits(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_ascii_uppercase().into_bytes(), b.to_ascii_uppercase().into_bytes());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(tag: u8) -> AssetList {
        AssetList::new(BundleVersion([tag; 32]), ["AAPL", "GOOG", "IBM"]).unwrap()
    }

    #[test]
    fn an_identifier_of_another_version_is_refused() {
        let goog = list(1).id("GOOG").unwrap();
        let error = list(2).name(goog).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ForeignAsset { .. }), "{error}");
    }

    #[test]
    fn a_rank_that_does_not_exist_is_refused() {
        let list = list(1);
        assert!(list.name(AssetId::new(3, list.version())).is_err());
    }

    #[test]
    fn names_and_identifiers_agree() {
        let list = list(1);
        for (id, name) in list.ids().zip(list.names()) {
            assert_eq!((list.id(name).unwrap(), list.name(id).unwrap()), (id, name));
        }
        assert!(list.find("ZZZ").is_none());
    }

    #[test]
    fn lists_out_of_order_with_twins_or_empty_names_are_refused() {
        for (names, reason) in [
            (["B", "A"], "asset name \"A\" follows \"B\""),
            (["A", "A"], "asset name \"A\" repeats"),
            (["", "A"], "asset name 0 is empty"),
            (["A", ""], "asset name 1 is empty"),
        ] {
            let ends = vec![names[0].len() as u32, (names[0].len() + names[1].len()) as u32];
            let version = BundleVersion([0; 32]);
            for list in [AssetList::new(version, names), AssetList::from_text(version, names.concat(), ends)]
            {
                assert_eq!(list.unwrap_err().to_string(), format!("asset list is damaged: {reason}"));
            }
        }
    }

    #[test]
    fn names_of_1_to_256_bytes_without_control_characters_are_allowed() {
        let (longest, too_long) = ("é".repeat(128), "é".repeat(129));
        for name in ["A", " ", "BRK.B", "ü", "\u{a0}", "円", longest.as_str()] {
            AssetList::check_name(name).unwrap();
        }
        for (name, wrong) in [
            ("", "it is empty"),
            (too_long.as_str(), "it is longer than 256 bytes"),
            ("a\nb", "it holds a control character"),
            ("\u{1b}[2J", "it holds a control character"),
            ("\u{7f}", "it holds a control character"),
            ("\u{9b}2J", "it holds a control character"),
        ] {
            let error = AssetList::check_name(name).unwrap_err();
            let found =
                matches!(error.kind(), ErrorKind::InvalidAssetName { reason, .. } if *reason == wrong);
            assert!(found, "{error}");
        }
        assert!(AssetList::check_name(&"x".repeat(1 << 20)).unwrap_err().to_string().len() < 500);
    }

    #[test]
    fn long_names_are_compared_with_nobody() {
        let (name, other) = ("x".repeat(100_000), "x".repeat(100_001));
        assert!(nearest_names(&name, [other.as_str()].into_iter()).is_empty());
    }

    #[test]
    fn ends_that_are_not_where_names_end_are_refused() {
        let list =
            |text: &str, ends: &[u32]| AssetList::from_text(BundleVersion([0; 32]), text, ends.to_vec());
        for (text, ends) in [("AB", &[1, 3][..]), ("AB", &[2, 1]), ("é", &[1, 2]), ("AB", &[1]), ("A", &[])]
        {
            assert!(list(text, ends).is_err(), "{text:?} with {ends:?}");
        }
        assert!(list("", &[]).unwrap().is_empty());
    }
}
