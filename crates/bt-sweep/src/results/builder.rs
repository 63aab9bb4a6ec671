//! Collects trials into a table.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_table::{Entry, HashTable};

use super::{End, Kind, Row, Trial, Trials};
use crate::ledger::record::{self, Cell, Encoded};
use crate::{Names, Result, TrialKey, TrialRecord};

/// Collects the trials of a sweep as they come, in any order.
#[derive(Debug)]
pub struct TrialsBuilder {
    table: Trials,
    /// Where each text is.
    text_places: HashMap<Arc<str>, u32>,
    /// Reused by each record that is pushed.
    encoded: Vec<u8>,
}

impl TrialsBuilder {
    /// One without trials, of a sweep with these parameters and metrics.
    pub fn new(names: &Names, metrics: &[String]) -> Self {
        let table = Trials {
            names: names.clone(),
            metric_names: metrics.into(),
            rows: Vec::new(),
            kinds: Vec::new(),
            cells: Vec::new(),
            texts: Vec::new(),
            metrics: Vec::new(),
            blocks: Vec::new(),
            order: Vec::new(),
            by_key: HashTable::new(),
            hash: KeyHash::new(),
        };
        Self { table, text_places: HashMap::new(), encoded: Vec::new() }
    }

    /// Adds a trial; false where its key is there already, and the first stays.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for a record of another sweep: other parameters, another number of metrics.
    pub fn push(&mut self, record: &TrialRecord) -> Result<bool> {
        record::check(record, &self.table.names, self.table.metric_names.len())?;
        // By way of the ledger's bytes: a table of what ran and one of what was kept cannot differ.
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        record::encode(record, &mut encoded);
        let is_new = self.push_encoded(&encoded).expect("a record that was just encoded");
        self.encoded = encoded;
        Ok(is_new)
    }

    /// The trial of a key. O(1).
    pub fn find(&self, key: &TrialKey) -> Option<Trial<'_>> {
        self.table.find(key)
    }

    /// How many trials there are.
    pub fn len(&self) -> usize {
        self.table.rows.len()
    }

    /// Whether there is no trial.
    pub fn is_empty(&self) -> bool {
        self.table.rows.is_empty()
    }

    /// Makes room for so many more trials that are done.
    pub(crate) fn reserve(&mut self, trials: usize) {
        let Trials { names, metric_names, rows, kinds, cells, metrics, by_key, hash, .. } = &mut self.table;
        let params = names.as_slice().len();
        rows.reserve(trials);
        kinds.reserve(trials.saturating_mul(params));
        cells.reserve(trials.saturating_mul(params));
        metrics.reserve(trials.saturating_mul(metric_names.len()));
        by_key.reserve(trials, |&row| hash.of(&rows[row as usize].key));
    }

    /// The table of all that was added.
    ///
    /// # Complexity
    /// O(trials × log trials); O(trials) where they came in order, or each worker's in order.
    pub fn finish(mut self) -> Trials {
        let Trials { rows, order, .. } = &mut self.table;
        *order = (0..rows.len() as u32).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&rows[a as usize], &rows[b as usize]);
            (a.part, a.number)
                .cmp(&(b.part, b.number))
                .then_with(|| a.fidelity.total_cmp(&b.fidelity))
                .then_with(|| a.key.cmp(&b.key))
        });
        self.table
    }

    /// Adds a record as a ledger has it; false where its key is there already, none where it is no record. The table is of no use
    /// after that.
    pub(crate) fn push_encoded(&mut self, payload: &[u8]) -> Option<bool> {
        let key = record::key(payload)?;
        let Trials { names, metric_names, rows, kinds, cells, texts, by_key, hash, .. } = &mut self.table;
        let params = names.as_slice().len();
        let same = |&row: &u32| rows[row as usize].key == key;
        let entry = match by_key.entry(hash.of(&key), same, |&row| hash.of(&rows[row as usize].key)) {
            // What is dropped has to be a record all the same.
            Entry::Occupied(_) => {
                return record::decode(payload, params, metric_names.len(), |_| ()).map(|_| false);
            }
            Entry::Vacant(entry) => entry,
        };
        let places = &mut self.text_places;
        let read = record::decode(payload, params, metric_names.len(), |cell| {
            let (kind, bits) = match cell {
                Cell::Int(value) => (Kind::Int, value as u64),
                Cell::Float(value) => (Kind::Float, value.to_bits()),
                Cell::Text(text) => (Kind::Text, intern(texts, places, text).into()),
            };
            kinds.push(kind);
            cells.push(bits);
        })?;
        entry.insert(u32::try_from(rows.len()).expect("fewer than 2^32 trials"));
        self.push_rest(&read);
        Some(true)
    }

    fn push_rest(&mut self, read: &Encoded<'_>) {
        let table = &mut self.table;
        let end = match read.end {
            record::End::Done => End::Done,
            record::End::Failed(text) => End::Failed(intern(&mut table.texts, &mut self.text_places, text)),
            record::End::Deadline => End::Deadline,
        };
        let filled = table.metrics.len() + table.metric_names.len();
        table.metrics.extend(read.metrics());
        table.metrics.resize(filled, f64::NAN);
        let first_block = table.blocks.len();
        table.blocks.extend(read.blocks());
        table.rows.push(Row {
            key: read.key,
            number: read.number,
            fidelity: read.fidelity,
            started_us: read.started_us,
            took_us: read.took_us,
            first_block: first_block as u64,
            blocks: (table.blocks.len() - first_block) as u32,
            part: read.part,
            worker: read.worker,
            end,
        });
    }
}

/// The place of a text among those that there are, or at their end.
fn intern(texts: &mut Vec<Arc<str>>, places: &mut HashMap<Arc<str>, u32>, text: &str) -> u32 {
    if let Some(place) = places.get(text) {
        return *place;
    }
    let (text, place): (Arc<str>, _) = (text.into(), texts.len() as u32);
    texts.push(Arc::clone(&text));
    places.insert(text, place);
    place
}

/// The hash of keys by two numbers that nobody knows beforehand: the keys of a ledger are whatever its author wrote, and with known
/// numbers they could all be made to meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyHash([u64; 2]);

impl KeyHash {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self([0_u64, 1].map(|number| random.hash_one(number)))
    }

    /// Folding the halves keeps keys apart that are no digests, such as small numbers.
    pub(super) fn of(self, key: &TrialKey) -> u64 {
        let (number, [low, high]) = (u128::from_le_bytes(key.0), self.0);
        let product = u128::from(number as u64 ^ low) * u128::from((number >> 64) as u64 ^ high);
        (product as u64) ^ (product >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_cannot_be_chosen_to_meet() {
        // With fixed numbers, a half that equals one of them made every product 0.
        let keys = (0..1000_u64).map(|at| u128::from(0x9e37_79b9_7f4a_7c15_u64) | u128::from(at) << 64);
        let hash = KeyHash::new();
        let hashes: HashSet<u64> = keys.map(|key| hash.of(&TrialKey(key.to_le_bytes()))).collect();
        assert!(hashes.len() > 990, "{}", hashes.len());
    }
}
