use std::fmt;
use std::hash::{Hash, Hasher};

use bt_core::{BundleVersion, Digest, Field};

use crate::{Assets, Moment, Request};

/// Everything that a kept window depends on, in 56 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// The bundle's version for one asset; the digest of version and assets for a set.
    scope: Scope,
    /// The low half; the high one is part of the scope.
    position: u32,
    bar_count: u32,
    /// The rank of the one asset, or [`SET`].
    asset: u32,
    form: Form,
    fields: [u16; FIELDS],
}

/// A digest as words, which compare and hash faster than bytes.
pub(crate) type Scope = [u64; 4];

/// In what form a window is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Values,
    Frame,
}

const SET: u32 = u32::MAX;
const FIELDS: usize = 5;
/// No field has this number: [`Field::extra`] ends before it.
const NONE: u16 = u16::MAX;

impl Key {
    #[inline]
    pub(crate) fn new(moment: Moment<'_>, request: &Request<'_>, form: Form) -> Self {
        let (scope, asset) = match request.assets {
            Assets::One(asset) => (scope(&moment.portal.version.0), asset.rank() as u32),
            Assets::Set(set) => (*set.scope(), SET),
        };
        let (mut scope, fields) = match request.fields {
            fields if fields.len() <= FIELDS => (scope, packed(fields)),
            fields => (with_fields(scope, fields), [NONE; FIELDS]),
        };
        let (position, bar_count) = (moment.position as u32, request.bar_count as u32);
        // A position beyond 32 bits goes on in the digest: what it makes of it is no other digest.
        scope[3] ^= moment.position as u64 >> 32;
        Self { scope, position, bar_count, asset, form, fields }
    }
}

#[inline]
pub(crate) fn scope(digest: &Digest) -> Scope {
    let (words, _) = digest.as_chunks::<8>();
    std::array::from_fn(|word| u64::from_le_bytes(words[word]))
}

#[inline]
fn packed(fields: &[Field]) -> [u16; FIELDS] {
    let mut packed = [NONE; FIELDS];
    for (place, field) in packed.iter_mut().zip(fields) {
        *place = field.index() as u16;
    }
    packed
}

/// Long lists become part of the scope.
#[cold]
fn with_fields(words: Scope, fields: &[Field]) -> Scope {
    let numbers = fields.iter().flat_map(|field| (field.index() as u16).to_le_bytes());
    let rule: Vec<u8> = b"fields\0"
        .iter()
        .copied()
        .chain(words.iter().flat_map(|word| word.to_le_bytes()))
        .chain(numbers)
        .collect();
    scope(&BundleVersion::of_bytes(&rule).0)
}

impl Hash for Key {
    /// A digest is as good as random: eight bytes of it do for a hash table.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e] = self.fields.map(u64::from);
        let moment = u64::from(self.position) << 32 | u64::from(self.bar_count);
        let what = (a | b << 16 | c << 32 | d << 48) ^ u64::from(self.asset);
        state.write_u64(self.scope[0] ^ moment);
        state.write_u64(what ^ (e ^ self.form as u64).rotate_left(56));
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bars at position {} ", self.form, self.bar_count, self.position)?;
        match self.asset {
            SET => write!(f, "of set {:016x}", self.scope[0].swap_bytes()),
            asset => write!(f, "of asset {asset}@{:016x}", self.scope[0].swap_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bt_core::{
        AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Error, Field, Frequency, Result,
    };

    use super::*;
    use crate::DataPortal;

    struct Nothing(AssetList);

    impl Bundle for Nothing {
        fn version(&self) -> BundleVersion {
            self.0.version()
        }
        fn assets(&self) -> &AssetList {
            &self.0
        }
        fn calendar(&self) -> Calendar<'_> {
            Calendar::from_sorted(&[])
        }
        fn frequency(&self) -> Frequency {
            Frequency::Daily
        }
        fn bars(&self, _: AssetId) -> Result<Bars<'_>> {
            Ok(Bars::EMPTY)
        }
        fn heap_bytes(&self) -> usize {
            0
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn positions_that_differ_beyond_32_bits_are_told_apart() -> Result<(), Error> {
        let bundle = Nothing(AssetList::new(BundleVersion([7; 32]), ["A"])?);
        let portal = DataPortal::new(&bundle);
        let key = |position| {
            let request = Request::new(AssetId::new(0, bundle.version()), &[Field::CLOSE], 20);
            Key::new(Moment { portal: &portal, position }, &request, Form::Values)
        };
        let positions = [5, 5 | 1 << 32, 5 | 1 << 40, 6 | 1 << 32];
        for (place, position) in positions.into_iter().enumerate() {
            assert!(positions[..place].iter().all(|&other| key(other) != key(position)), "{position}");
        }
        Ok(())
    }

    #[test]
    fn a_key_is_56_bytes_small() {
        assert_eq!(size_of::<Key>(), 56);
    }
}
