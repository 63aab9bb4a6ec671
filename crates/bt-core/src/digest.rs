//! A bundle's identity: a Merkle root over digests of its columns.

use sha2::{Digest as _, Sha256};

use crate::{Adjustment, AdjustmentKind, Bars, BundleVersion, Conventions, Field, Frequency, Timestamp};

/// A SHA-256.
pub type Digest = [u8; 32];

/// What one asset adds to a bundle's version. The leaves are kept, so that an append rehashes what it changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssetDigest {
    /// Of the asset's timestamps.
    pub timestamps: Digest,
    /// Of each column: open, high, low, close, volume, then the extra ones.
    pub columns: Vec<Digest>,
    /// Of its splits and dividends.
    pub adjustments: Digest,
}

impl AssetDigest {
    /// The digests of one asset's bars, with open, high, low, close, volume and so many extra columns, and of its splits
    /// and dividends.
    ///
    /// A column that the bars lack counts as empty. O(bars × columns).
    ///
    /// ```
    /// use bt_core::{AssetDigest, Bars, Timestamp, column_digest};
    /// let (known, values) = ([Timestamp::from_nanos(7)], [1.0, 2.0, 0.5, 1.5, 100.0]);
    /// let digest = AssetDigest::of(Bars::new(&known, &values, 1)?, 0, &[]);
    /// assert_eq!(digest.columns[3], column_digest(&[1.5]));
    /// # Ok::<(), bt_core::Error>(())
    /// ```
    pub fn of(bars: Bars<'_>, extra_columns: usize, adjustments: &[Adjustment]) -> Self {
        let column = |field| column_digest(bars.get(field).unwrap_or_default());
        Self {
            timestamps: timestamps_digest(bars.timestamps()),
            columns: Field::all(extra_columns).map(column).collect(),
            adjustments: adjustments_digest(adjustments),
        }
    }
}

/// The version of a bundle with this content.
///
/// SHA-256 over a domain, the frequency, the conventions, the extra columns' names, the calendar, and each asset's name and
/// leaves in ascending order of names: so the order in which assets, rows or files came does not matter, nor does their
/// origin. Bundles that version 1 of the format can express ([`is_format_1`]) have the digest of version 1.
///
/// ```
/// use bt_core::{
///     AssetDigest, Conventions, Frequency, adjustments_digest, bundle_version, column_digest, timestamps_digest,
/// };
/// let asset = |close: f64| AssetDigest {
///     timestamps: timestamps_digest(&[]),
///     columns: vec![column_digest(&[close])],
///     adjustments: adjustments_digest(&[]),
/// };
/// let version = |assets: &[(&str, &AssetDigest)]| {
///     bundle_version(Frequency::Daily, &Conventions::UTC, &[], &[0; 32], assets)
/// };
/// let (a, b, corrected) = (asset(1.0), asset(2.0), asset(2.5));
/// assert_eq!(version(&[("A", &a), ("B", &b)]), version(&[("B", &b), ("A", &a)]));
/// assert_ne!(version(&[("A", &a), ("B", &b)]), version(&[("A", &a), ("B", &corrected)]));
/// ```
pub fn bundle_version(
    frequency: Frequency,
    conventions: &Conventions,
    extra_columns: &[&str],
    calendar: &Digest,
    assets: &[(&str, &AssetDigest)],
) -> BundleVersion {
    let mut sorted: Vec<_> = assets.to_vec();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let mut root = if is_format_1(frequency, conventions) {
        let mut root = Sha256::new_with_prefix(b"bt-bundle-v1\0");
        text(&mut root, &frequency.to_string());
        root
    } else {
        let mut root = Sha256::new_with_prefix(b"bt-bundle-v2\0");
        text(&mut root, &frequency.to_string());
        text(&mut root, &conventions.zone);
        text(&mut root, &conventions.label.to_string());
        text(&mut root, BASIS);
        root
    };
    number(&mut root, extra_columns.len());
    extra_columns.iter().for_each(|name| text(&mut root, name));
    root.update(calendar);
    number(&mut root, sorted.len());
    for (name, asset) in sorted {
        text(&mut root, name);
        root.update(asset.timestamps);
        number(&mut root, asset.columns.len());
        asset.columns.iter().for_each(|column| root.update(column));
        root.update(asset.adjustments);
    }
    BundleVersion(root.finalize().into())
}

/// The basis of all prices so far: as they were paid.
const BASIS: &str = "paid";

/// Whether version 1 of the bundle format can express a bundle: days of UTC, bars of a day or within one.
pub fn is_format_1(frequency: Frequency, conventions: &Conventions) -> bool {
    matches!(frequency, Frequency::Daily | Frequency::Minutes(_)) && *conventions == Conventions::UTC
}

/// The digest of a column: SHA-256 over a domain and the values as little-endian IEEE 754 doubles, every NaN as
/// `0x7ff8000000000000` and −0.0 as 0.0, because they compare and print alike.
pub fn column_digest(values: &[f64]) -> Digest {
    words(b"bt-column-v1\0", values, |value| canonical_bits(*value))
}

/// The digest of timestamps: SHA-256 over a domain and the nanoseconds as little-endian 64-bit integers.
pub fn timestamps_digest(timestamps: &[Timestamp]) -> Digest {
    words(b"bt-times-v1\0", timestamps, |timestamp| timestamp.as_nanos() as u64)
}

/// The digest of an asset's adjustments, in the order given.
pub fn adjustments_digest(adjustments: &[Adjustment]) -> Digest {
    let mut hasher = Sha256::new_with_prefix(b"bt-adjustments-v1\0");
    for adjustment in adjustments {
        let (kind, value) = match adjustment.kind {
            AdjustmentKind::Split { ratio } => (b'S', ratio),
            AdjustmentKind::Dividend { amount } => (b'D', amount),
        };
        hasher.update([kind]);
        hasher.update(adjustment.ex_date.as_nanos().to_le_bytes());
        hasher.update(canonical_bits(value).to_le_bytes());
    }
    hasher.finalize().into()
}

fn canonical_bits(value: f64) -> u64 {
    // Adding 0.0 turns −0.0 into 0.0 and leaves every other number as it is.
    if value.is_nan() { 0x7ff8_0000_0000_0000 } else { (value + 0.0).to_bits() }
}

/// Hashes in blocks, since the hasher is several times faster on long inputs.
fn words<T>(domain: &[u8], values: &[T], bits: impl Fn(&T) -> u64) -> Digest {
    const BLOCK: usize = 512;
    let mut hasher = Sha256::new_with_prefix(domain);
    let mut bytes = [0; BLOCK * 8];
    for block in values.chunks(BLOCK) {
        for (slot, value) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(block) {
            *slot = bits(value).to_le_bytes();
        }
        hasher.update(&bytes[..block.len() * 8]);
    }
    hasher.finalize().into()
}

fn number(hasher: &mut Sha256, number: usize) {
    hasher.update((number as u64).to_le_bytes());
}

fn text(hasher: &mut Sha256, text: &str) {
    number(hasher, text.len());
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BarLabel;

    const UTC: Conventions = Conventions::UTC;

    fn asset(values: &[f64]) -> AssetDigest {
        AssetDigest {
            timestamps: timestamps_digest(&[Timestamp::from_nanos(1)]),
            columns: vec![column_digest(values)],
            adjustments: adjustments_digest(&[]),
        }
    }

    #[test]
    fn values_that_compare_and_print_alike_have_one_digest() {
        let other_nan = f64::from_bits(0xfff0_0000_0000_0001);
        assert!(other_nan.is_nan());
        assert_eq!(column_digest(&[f64::NAN, 0.0]), column_digest(&[other_nan, -0.0]));
        assert_ne!(column_digest(&[1.0]), column_digest(&[1.0 + f64::EPSILON]));
    }

    #[test]
    fn a_corrected_price_changes_the_version() {
        let (a, b, corrected) = (asset(&[1.0, 2.0]), asset(&[3.0]), asset(&[1.0, 2.01]));
        let version =
            |assets: &[(&str, &AssetDigest)]| bundle_version(Frequency::Daily, &UTC, &[], &[0; 32], assets);
        assert_ne!(version(&[("A", &a), ("B", &b)]), version(&[("A", &corrected), ("B", &b)]));
    }

    #[test]
    fn everything_that_data_means_is_part_of_the_version() {
        let a = asset(&[1.0]);
        let version = bundle_version(Frequency::Daily, &UTC, &[], &[0; 32], &[("A", &a)]);
        assert_ne!(version, bundle_version(Frequency::Minutes(1), &UTC, &[], &[0; 32], &[("A", &a)]));
        assert_ne!(version, bundle_version(Frequency::Daily, &UTC, &["adj_close"], &[0; 32], &[("A", &a)]));
        assert_ne!(version, bundle_version(Frequency::Daily, &UTC, &[], &[1; 32], &[("A", &a)]));
        assert_ne!(version, bundle_version(Frequency::Daily, &UTC, &[], &[0; 32], &[("B", &a)]));
        let of = |frequency, conventions: &Conventions| {
            bundle_version(frequency, conventions, &[], &[0; 32], &[("A", &a)])
        };
        let tokyo = Conventions { zone: "Asia/Tokyo".into(), ..UTC };
        let starts = Conventions { label: BarLabel::Start, ..UTC };
        let all = [
            version,
            of(Frequency::Daily, &tokyo),
            of(Frequency::Daily, &starts),
            of(Frequency::Weekly, &UTC),
            of(Frequency::Monthly, &UTC),
        ];
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)), "{all:?}");
        let split = Adjustment { ex_date: Timestamp::MIN, kind: AdjustmentKind::Split { ratio: 2.0 } };
        let adjusted = AssetDigest { adjustments: adjustments_digest(&[split]), ..a.clone() };
        assert_ne!(version, bundle_version(Frequency::Daily, &UTC, &[], &[0; 32], &[("A", &adjusted)]));
    }

    #[test]
    fn names_cannot_run_into_each_other() {
        let a = asset(&[1.0]);
        let version =
            |columns: &[&str]| bundle_version(Frequency::Daily, &UTC, columns, &[0; 32], &[("A", &a)]);
        assert_ne!(version(&["ab", "c"]), version(&["a", "bc"]));
    }

    #[test]
    fn blocks_do_not_show_in_the_digest() {
        let values: Vec<f64> = (0..1500).map(f64::from).collect();
        let mut whole = Sha256::new_with_prefix(b"bt-column-v1\0");
        values.iter().for_each(|value| whole.update(value.to_bits().to_le_bytes()));
        assert_eq!(column_digest(&values), Digest::from(whole.finalize()));
    }
}
