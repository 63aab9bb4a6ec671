use sha2::{Digest as _, Sha256};

use crate::{BundleName, Digest, Frequency, Timestamp};

/// What a bundle says about itself, without its bars.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleMetadata {
    /// Its name.
    pub name: BundleName,
    /// The assets' names, in any order.
    pub symbols: Vec<String>,
    /// When its first bar became known.
    pub start: Timestamp,
    /// When its last bar became known.
    pub end: Timestamp,
    /// How far apart its bars are.
    pub frequency: Frequency,
    /// Names of columns beyond open, high, low, close and volume.
    pub extra_columns: Vec<String>,
}

impl BundleMetadata {
    /// A digest of the metadata alone, whatever the order of the symbols.
    ///
    /// It answers "is this the same universe and range?", as the Python original's `compute_bundle_hash` does. It does
    /// *not* change when a price is corrected: caches are keyed by [`BundleVersion`](crate::BundleVersion), which does.
    ///
    /// O(n log n) in the number of symbols, O(n) where they are sorted already.
    pub fn digest(&self) -> Digest {
        let mut message =
            Vec::with_capacity(128 + self.symbols.iter().map(|symbol| symbol.len() + 4).sum::<usize>());
        message.extend_from_slice(b"bt-metadata-v1\0");
        push(&mut message, self.name.as_str());
        message.extend_from_slice(&self.start.as_nanos().to_le_bytes());
        message.extend_from_slice(&self.end.as_nanos().to_le_bytes());
        message.extend_from_slice(&self.frequency_number().to_le_bytes());
        push_sorted(&mut message, &self.symbols);
        push_sorted(&mut message, &self.extra_columns);
        Sha256::digest(&message).into()
    }

    /// One number for each frequency that can be built, be it one that makes no sense.
    fn frequency_number(&self) -> u32 {
        match self.frequency {
            Frequency::Daily => 0,
            Frequency::Minutes(minutes) => 1 + u32::from(minutes),
        }
    }
}

fn push_sorted(message: &mut Vec<u8>, texts: &[String]) {
    message.extend_from_slice(&(texts.len() as u32).to_le_bytes());
    if texts.is_sorted() {
        texts.iter().for_each(|text| push(message, text));
    } else {
        let mut sorted: Vec<&str> = texts.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        sorted.into_iter().for_each(|text| push(message, text));
    }
}

fn push(message: &mut Vec<u8>, text: &str) {
    message.extend_from_slice(&(text.len() as u32).to_le_bytes());
    message.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(symbols: &[&str]) -> BundleMetadata {
        BundleMetadata {
            name: BundleName::new("test").unwrap(),
            symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
            start: Timestamp::from_nanos(1),
            end: Timestamp::from_nanos(2),
            frequency: Frequency::Daily,
            extra_columns: vec![],
        }
    }

    #[test]
    fn the_order_of_symbols_does_not_matter() {
        assert_eq!(metadata(&["A", "B", "C"]).digest(), metadata(&["C", "A", "B"]).digest());
    }

    #[test]
    fn every_part_matters() {
        let one = metadata(&["A", "B"]);
        let others = [
            metadata(&["A"]),
            metadata(&["AB"]),
            BundleMetadata { name: BundleName::new("other").unwrap(), ..one.clone() },
            BundleMetadata { start: Timestamp::from_nanos(0), ..one.clone() },
            BundleMetadata { end: Timestamp::from_nanos(3), ..one.clone() },
            BundleMetadata { frequency: Frequency::Minutes(1), ..one.clone() },
            BundleMetadata { frequency: Frequency::Minutes(0), ..one.clone() },
            BundleMetadata { extra_columns: vec!["adj".into()], ..one.clone() },
        ];
        for other in others {
            assert_ne!(one.digest(), other.digest(), "{other:?}");
        }
    }
}
