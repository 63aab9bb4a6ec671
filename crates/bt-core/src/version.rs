use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::{Digest, Error, ErrorKind, Result};

/// What a bundle *contains*, as a SHA-256: one changed price changes it, the order of assets or files does not.
///
/// See [`bundle_version`](crate::bundle_version) for what is hashed.
///
/// ```
/// use bt_core::BundleVersion;
/// let version = BundleVersion([0xab; 32]);
/// let text = version.to_string();
/// assert_eq!(text, "ab".repeat(32));
/// assert_eq!(text.parse::<BundleVersion>()?, version);
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleVersion(pub Digest);

impl BundleVersion {
    /// The 32 bits that an [`AssetId`](crate::AssetId) carries of its version.
    #[inline]
    pub const fn tag(self) -> u32 {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    /// The version of a bundle that is made from this one by `rule` (a row range, an adjustment date, a resampling).
    ///
    /// It is SHA-256 over a domain, this version and the rule, so the same rule on the same parent names the same data.
    pub fn derived(self, rule: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"bt-derived-v1\0");
        hasher.update(self.0);
        hasher.update(rule);
        Self(hasher.finalize().into())
    }

    /// The version of data whose content is the bytes of a file or a message.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl FromStr for BundleVersion {
    type Err = Error;

    /// Reads exactly 64 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let unreadable = || ErrorKind::Unreadable {
            what: "bundle version",
            text: text.chars().take(100).collect(),
            allowed: "64 lower-case hexadecimal digits",
        };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| unreadable())?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
                return Err(unreadable().into());
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for BundleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for BundleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleVersion({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_lower_case_digits_are_a_version() {
        let good = "0123456789abcdef".repeat(4);
        assert_eq!(good.parse::<BundleVersion>().unwrap().to_string(), good);
        for bad in
            ["", "ab", &good.to_uppercase(), &format!("{good}\n"), &good.replace('0', "g"), &good[1..], "é"]
        {
            assert!(bad.parse::<BundleVersion>().is_err(), "{bad:?} was read");
        }
    }

    #[test]
    fn derived_versions_differ_by_parent_and_by_rule() {
        let (a, b) = (BundleVersion([1; 32]), BundleVersion([2; 32]));
        assert_eq!(a.derived(b"rows 0..10"), a.derived(b"rows 0..10"));
        assert_ne!(a.derived(b"rows 0..10"), a.derived(b"rows 0..11"));
        assert_ne!(a.derived(b"rows 0..10"), b.derived(b"rows 0..10"));
        assert_ne!(a.derived(b""), a);
    }
}
