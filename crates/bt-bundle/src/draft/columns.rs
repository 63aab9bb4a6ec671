use bt_core::Timestamp;
use zerocopy::IntoBytes;

use crate::ipc::Plan;
use crate::matrix;

/// Rows that are pushed before they are written.
const FULL: usize = 32 << 10;

/// Rows of some assets on their way to the file: a file system takes one large write of a column in a fraction of the time
/// that it takes for a small one of each asset.
#[derive(Debug)]
pub(super) struct Columns {
    /// The row that comes first.
    first: u64,
    keys: Vec<u32>,
    nanos: Vec<i64>,
    values: Vec<Vec<f64>>,
}

impl Columns {
    pub(super) fn new(extra_columns: usize) -> Self {
        Self { first: 0, keys: Vec::new(), nanos: Vec::new(), values: vec![Vec::new(); 5 + extra_columns] }
    }

    /// Adds an asset's rows behind those before.
    pub(super) fn push(&mut self, rank: u32, timestamps: &[Timestamp], columns: &[&[f64]]) {
        self.keys.resize(self.keys.len() + timestamps.len(), rank);
        self.nanos.extend_from_slice(Timestamp::slice_as_nanos(timestamps));
        self.values.iter_mut().zip(columns).for_each(|(values, column)| values.extend_from_slice(column));
    }

    pub(super) fn is_full(&self) -> bool {
        self.keys.len() >= FULL
    }

    /// What goes where in the file.
    pub(super) fn parts(&self, plan: &Plan) -> Vec<(u64, &[u8])> {
        let mut parts = vec![
            (matrix::keys_at(plan, self.first), self.keys.as_bytes()),
            (matrix::times_at(plan, self.first), self.nanos.as_bytes()),
        ];
        for (number, values) in self.values.iter().enumerate() {
            parts.push((matrix::values_at(plan, number, self.first), values.as_bytes()));
        }
        parts
    }

    /// Goes on behind the rows that were written.
    pub(super) fn clear(&mut self) {
        self.first += self.keys.len() as u64;
        self.keys.clear();
        self.nanos.clear();
        self.values.iter_mut().for_each(Vec::clear);
    }
}
