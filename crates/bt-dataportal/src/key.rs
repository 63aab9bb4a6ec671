use std::fmt;
use std::hash::{Hash, Hasher};

use bt_core::{BundleVersion, Digest, Field};

use crate::{Assets, Moment, Request};

/// Everything that a kept window depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// The bundle's version for one asset; the digest of version and assets for a set.
    scope: Digest,
    position: u32,
    bar_count: u32,
    /// The rank of the one asset, or [`SET`].
    asset: u32,
    form: Form,
    fields: [u16; FIELDS],
}

/// In what form a window is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Values,
    Frame,
}

const SET: u32 = u32::MAX;
const FIELDS: usize = 6;
/// No field has this number: [`Field::extra`] ends before it.
const NONE: u16 = u16::MAX;

impl Key {
    #[inline]
    pub(crate) fn new(moment: Moment<'_>, request: &Request<'_>, form: Form) -> Self {
        let (scope, asset) = match request.assets {
            Assets::One(asset) => (moment.portal.version.0, asset.rank() as u32),
            Assets::Set(set) => (*set.digest(), SET),
        };
        let (scope, fields) = match request.fields {
            fields if fields.len() <= FIELDS => (scope, packed(fields)),
            fields => (with_fields(scope, fields), [NONE; FIELDS]),
        };
        let (position, bar_count) = (moment.position as u32, request.bar_count as u32);
        Self { scope, position, bar_count, asset, form, fields }
    }

    fn word(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.scope[at..at + 8]);
        u64::from_le_bytes(bytes)
    }
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
fn with_fields(scope: Digest, fields: &[Field]) -> Digest {
    let numbers = fields.iter().flat_map(|field| (field.index() as u16).to_le_bytes());
    BundleVersion(scope).derived(&[b"fields\0".as_slice(), &numbers.collect::<Vec<_>>()].concat()).0
}

impl Hash for Key {
    /// A digest is as good as random: eight bytes of it do for a hash table.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.word(0) ^ u64::from(self.asset) << 32);
        state.write_u64(u64::from(self.position) << 32 | u64::from(self.bar_count));
        let fields =
            self.fields.iter().fold(self.form as u64, |all, &field| all.rotate_left(11) ^ u64::from(field));
        state.write_u64(fields);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bars at position {} ", self.form, self.bar_count, self.position)?;
        match self.asset {
            SET => write!(f, "of set {:016x}", self.word(0).swap_bytes()),
            asset => write!(f, "of asset {asset}@{:016x}", self.word(0).swap_bytes()),
        }
    }
}
