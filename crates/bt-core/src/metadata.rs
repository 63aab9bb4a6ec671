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
        let texts = self.symbols.iter().chain(&self.extra_columns);
        let mut message = Vec::with_capacity(256 + texts.map(|text| text.len() + 4).sum::<usize>());
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
            Frequency::Weekly => 1 << 17,
            Frequency::Monthly => 1 << 18,
        }
    }
}

fn push_sorted(message: &mut Vec<u8>, texts: &[String]) {
    message.extend_from_slice(&(texts.len() as u32).to_le_bytes());
    let start = message.len();
    if !push_ascending(message, texts) {
        message.truncate(start);
        // Most comparisons end with the first eight bytes, as one number.
        let mut sorted: Vec<_> = texts.iter().map(|text| (leading(text), text.as_str())).collect();
        sorted.sort_unstable();
        sorted.into_iter().for_each(|(leading, text)| push_short(message, leading, text));
    }
}

/// Appends texts until one is less than the one before; whether none was.
fn push_ascending(message: &mut Vec<u8>, texts: &[String]) -> bool {
    let mut before = (0, "");
    texts.iter().all(|text| {
        let last = std::mem::replace(&mut before, (leading(text), text));
        push_short(message, before.0, text);
        last <= before
    })
}

/// The first eight bytes of a text, as a number that orders as texts do.
fn leading(text: &str) -> u64 {
    let bytes = text.as_bytes();
    if let Some(&eight) = bytes.first_chunk() {
        u64::from_be_bytes(eight)
    } else if let (Some(&first), Some(&last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // Where the two overlap they agree.
        u64::from(u32::from_be_bytes(first)) << 32
            | u64::from(u32::from_be_bytes(last)) << (64 - 8 * bytes.len())
    } else {
        bytes.iter().rev().fold(0, |after, &byte| after >> 8 | u64::from(byte) << 56)
    }
}

fn push(message: &mut Vec<u8>, text: &str) {
    push_short(message, leading(text), text);
}

/// Appends length and text: twelve bytes at once, since symbols are so short that copying each to its length would take
/// longer than hashing it.
fn push_short(message: &mut Vec<u8>, leading: u64, text: &str) {
    let mut start = [0; 12];
    start[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
    start[4..].copy_from_slice(&leading.to_be_bytes());
    message.extend_from_slice(&start);
    match text.as_bytes().get(8..) {
        Some(rest) => message.extend_from_slice(rest),
        None => message.truncate(message.len() - (8 - text.len())),
    }
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

    /// What the digest hashes, written as its definition says.
    fn plainly(metadata: &BundleMetadata) -> Digest {
        let text = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let list = |texts: &[String]| {
            let mut sorted = texts.to_vec();
            sorted.sort();
            let texts: Vec<_> = sorted.iter().map(|one| text(one)).collect();
            [(texts.len() as u32).to_le_bytes().to_vec(), texts.concat()].concat()
        };
        let (start, end) = (metadata.start.as_nanos().to_le_bytes(), metadata.end.as_nanos().to_le_bytes());
        let message = [
            b"bt-metadata-v1\0".to_vec(),
            text(metadata.name.as_str()),
            [start, end].concat(),
            metadata.frequency_number().to_le_bytes().to_vec(),
            list(&metadata.symbols),
            list(&metadata.extra_columns),
        ];
        Sha256::digest(message.concat()).into()
    }

    #[test]
    fn the_short_way_hashes_what_the_definition_says() {
        let texts = [
            "",
            "A",
            "A\0",
            "AB",
            "ABC",
            "ABCD",
            "ABCDE",
            "ABCDEF",
            "ABCDEFG",
            "ABCDEFGH",
            "ABCDEFGHI",
            "ABCDEFGHA",
            "ABCDEFGZ",
            "é",
            "日本語の銘柄",
            "A",
            "a-very-long-name-of-an-asset",
        ];
        for shuffle in 0..texts.len() {
            let mut symbols = texts;
            symbols.rotate_left(shuffle);
            symbols.swap(0, 5);
            let mut one = metadata(&symbols);
            one.extra_columns = vec!["vwap".into(), "adj_close".into()];
            assert_eq!(one.digest(), plainly(&one), "{symbols:?}");
        }
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
