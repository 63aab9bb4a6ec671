//! Parquet and Arrow IPC files: any bytes, or a whole file with some of them changed.
//!
//! The first byte says which file, 0 that the rest is one. Then two bytes of options, then the edits, of four bytes each.

mod samples;

use bt_bundle::{AssetName, BadRows, FileFormat, IngestOptions};

use crate::bytes::Bytes;
use crate::csv::time_format;
use crate::input::{Input, ingest};

pub(crate) fn parquet(data: &[u8]) {
    run(data, FileFormat::Parquet, samples::parquet());
}

pub(crate) fn arrow(data: &[u8]) {
    run(data, FileFormat::ArrowIpc, samples::arrow());
}

fn run(data: &[u8], format: FileFormat, samples: &[Vec<u8>]) {
    let mut bytes = Bytes(data);
    let which = usize::from(bytes.byte()) % (samples.len() + 1);
    let on_bad_row = bytes.choice(&[BadRows::Skip, BadRows::Fail]);
    // What a file may make its reader allocate is bounded by this, too.
    let options = IngestOptions {
        on_bad_row,
        time_format: time_format(bytes.byte()),
        memory_budget: 1 << 24,
        ..IngestOptions::default()
    };
    let mut file = Vec::new();
    match which.checked_sub(1) {
        None => file.extend_from_slice(bytes.0),
        Some(sample) => {
            file.extend_from_slice(&samples[sample]);
            bytes.edit(&mut file);
        }
    }
    ingest(&Input { format, asset: AssetName::ByFile, options, bytes: &file });
}
