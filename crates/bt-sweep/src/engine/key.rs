//! What identifies a trial for good.

use sha2::{Digest, Sha256};

use crate::engine::job::Scope;
use crate::{BacktestId, Params, TrialKey, Value};

/// Everything that a trial's result depends on but its parameters, hashed once for all trials of a job.
#[derive(Clone)]
pub(crate) struct KeyPrefix(Sha256);

impl KeyPrefix {
    pub(crate) fn new(id: &BacktestId, scope: &Scope, part: u32, fidelity: f64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"bt-sweep trial 1\0");
        text(&mut hash, &id.name);
        hash.update(id.version.to_le_bytes());
        text(&mut hash, &id.settings);
        // Parts of two folds may be the same bars; each fold keeps its own trials.
        hash.update(part.to_le_bytes());
        // Two shares of few bars may be the same bars; each is a row of the table.
        hash.update(fidelity.to_bits().to_le_bytes());
        hash.update(scope.version.0);
        let ranks: &[u32] = scope.ranks.as_deref().unwrap_or_default();
        hash.update([u8::from(scope.ranks.is_some())]);
        number(&mut hash, ranks.len());
        ranks.iter().for_each(|rank| hash.update(rank.to_le_bytes()));
        for moment in [scope.visible.start, scope.visible.end, scope.scored.start, scope.scored.end] {
            number(&mut hash, moment);
        }
        Self(hash)
    }

    pub(crate) fn key(&self, params: &Params) -> TrialKey {
        let mut hash = self.0.clone();
        for (name, value) in params.names().as_slice().iter().zip(params.values()) {
            text(&mut hash, name);
            // One bit pattern for each value: the two zeros are equal, and no parameter is NaN.
            let (kind, bits) = match value {
                Value::Int(value) => (b'i', value.to_le_bytes()),
                Value::Float(value) => (b'f', (value + 0.0).to_bits().to_le_bytes()),
                Value::Text(value) => (b't', (value.len() as u64).to_le_bytes()),
            };
            hash.update([kind]);
            hash.update(bits);
            if let Value::Text(value) = value {
                hash.update(value.as_bytes());
            }
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        TrialKey(key)
    }
}

fn text(hash: &mut Sha256, text: &str) {
    number(hash, text.len());
    hash.update(text);
}

fn number(hash: &mut Sha256, number: usize) {
    hash.update((number as u64).to_le_bytes());
}
