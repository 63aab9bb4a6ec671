//! The table as bytes that depend on results alone, to compare runs with.

use sha2::{Digest as _, Sha256};

use super::{Trial, Trials};
use crate::ledger::record::Cell;

impl Trials {
    /// The table as bytes, without what differs from run to run: worker, started, took. Two runs with the same results have the same
    /// bytes, whatever the number of workers and however often they were interrupted. Zeros keep their sign; every NaN is the same.
    pub fn sorted_table_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.head_bytes(&mut bytes);
        self.iter().for_each(|trial| row_bytes(trial, &mut bytes));
        bytes
    }

    /// The SHA-256 of [`sorted_table_bytes`](Self::sorted_table_bytes), without holding them all.
    pub fn digest(&self) -> [u8; 32] {
        let (mut hasher, mut bytes) = (Sha256::new(), Vec::new());
        self.head_bytes(&mut bytes);
        for trial in self.iter() {
            row_bytes(trial, &mut bytes);
            hasher.update(&bytes);
            bytes.clear();
        }
        hasher.update(&bytes);
        hasher.finalize().into()
    }

    fn head_bytes(&self, out: &mut Vec<u8>) {
        for names in [self.names.as_slice(), &self.metric_names] {
            push_u64(out, names.len() as u64);
            names.iter().for_each(|name| push_text(out, name));
        }
        push_u64(out, self.len() as u64);
    }
}

fn row_bytes(trial: Trial<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&trial.key().0);
    push_u64(out, trial.part().into());
    push_u64(out, trial.number());
    push_f64(out, trial.fidelity());
    for param in 0..trial.table.names.as_slice().len() {
        push_cell(out, trial.cell(param));
    }
    push_text(out, trial.status_name());
    push_text(out, trial.message().unwrap_or_default());
    trial.metrics().iter().for_each(|metric| push_f64(out, *metric));
    push_u64(out, trial.blocks().len() as u64);
    for block in trial.blocks() {
        push_u64(out, block.bars.into());
        push_f64(out, block.sum);
        push_f64(out, block.sum_of_squares);
    }
}

fn push_cell(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Int(value) => {
            out.push(0);
            push_u64(out, value as u64);
        }
        Cell::Float(value) => {
            out.push(1);
            push_f64(out, value);
        }
        Cell::Text(value) => {
            out.push(2);
            push_text(out, value);
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn push_f64(out: &mut Vec<u8>, value: f64) {
    let value = if value.is_nan() { f64::NAN } else { value };
    push_u64(out, value.to_bits());
}

fn push_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}
