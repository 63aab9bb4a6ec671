//! Ledgers: segments and `sweep.json`, with checksums that hold where bytes alone would never get past them.
//!
//! The first byte says what the rest is: bytes behind a segment's head, payloads, edits of a payload, of the header or of a
//! whole segment, or a header.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use bt_sweep::ledger::{self, Contents, Header, Ledger};
use bt_sweep::results::TrialsBuilder;
use bt_sweep::{Block, Error, Names, Objective, Outcome, Params, Status, TrialKey, TrialRecord, Value};
use sha2::{Digest as _, Sha256};

use crate::bytes::Bytes;
use crate::place;

const HEAD: usize = 36;
const FRAME_HEAD: usize = 12;

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut header = SAMPLE.header.clone();
    let mut frames: Vec<u8> = SAMPLE.payloads.iter().flat_map(|payload| frame(payload, true)).collect();
    let mut count = Some(SAMPLE.payloads.len());
    match bytes.byte() % 6 {
        0 => (frames, count) = (bytes.0.to_vec(), None),
        1 => (frames, count) = payloads(&mut bytes),
        2 => {
            let mut payload = bytes.choice(&SAMPLE.payloads);
            bytes.edit(&mut payload);
            frames.extend(frame(&payload, false));
            count = count.map(|count| count + 1);
        }
        3 => bytes.edit(&mut header),
        4 => header = bytes.0.to_vec(),
        _ => {
            bytes.edit(&mut frames);
            count = None;
        }
    }
    let directory = place::directory();
    place::write(directory.path(), "sweep.json", &header);
    place::write(directory.path(), "segment-3.ledger", &[head(&header), frames].concat());
    match ledger::read(directory.path()) {
        Ok(contents) => {
            if let Some(count) = count {
                assert_eq!(contents.torn, []);
                assert_eq!(contents.trials.len() as u64 + contents.duplicates, count as u64);
            }
            holds(&contents);
            resumes(directory.path(), &contents);
        }
        Err(error) => is_told(&error),
    }
}

/// Payloads of up to 255 bytes, each behind its length, as frames.
fn payloads(bytes: &mut Bytes<'_>) -> (Vec<u8>, Option<usize>) {
    let (mut frames, mut count) = (Vec::new(), 0);
    while !bytes.0.is_empty() {
        let length = bytes.byte();
        frames.extend(frame(bytes.take(length.into()), count % 2 == 0));
        count += 1;
    }
    (frames, Some(count))
}

/// What was read can be read out, and makes the same table again.
fn holds(contents: &Contents) {
    let Contents { header, trials, .. } = contents;
    let mut again = TrialsBuilder::new(&Names::new(&header.params), &header.metrics);
    for trial in trials.iter() {
        let record = trial.record();
        assert!(again.push(&record).expect("a record of the table"), "{record:?}");
        assert!(trials.find(&record.key).is_some());
    }
    assert_eq!(again.finish().digest(), trials.digest());
    if let Err(error) = trials.best(&header.objective) {
        is_told(&error);
    }
}

/// Who goes on with the ledger finds the same trials, and leaves a ledger without a torn end.
fn resumes(folder: &Path, contents: &Contents) {
    let (sweep, found) = match Ledger::resume(folder, &contents.header) {
        Ok(resumed) => resumed,
        Err(error) => return is_told(&error),
    };
    assert_eq!(found.trials.digest(), contents.trials.digest());
    sweep.flush().expect("a disk in memory");
    drop(sweep);
    let again = ledger::read(folder).expect("what was just written");
    assert_eq!((again.torn.len(), again.trials.digest()), (0, found.trials.digest()));
}

fn is_told(error: &Error) {
    assert!(error.to_string().len() < 100_000, "{} bytes of error", error.to_string().len());
    let is_typed = matches!(
        error,
        Error::Damaged { .. } | Error::Mismatch { .. } | Error::Invalid { .. } | Error::Unknown { .. }
    );
    assert!(is_typed, "{error:?}");
}

/// A ledger as it is written, in parts.
struct Sample {
    header: Vec<u8>,
    payloads: Vec<Vec<u8>>,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(sample);

/// Three trials: one done, one failed, one too late.
fn sample() -> Sample {
    let directory = place::directory();
    let folder = directory.path().join("sweep");
    let names = Names::new(["fast", "band", "kind"]);
    let header =
        Header::new(&names, &["sharpe".to_owned(), "trades".to_owned()], Objective::maximize("sharpe"));
    let sweep = Ledger::create(&folder, &header).expect("a ledger");
    let segment = sweep.segment(0).expect("a segment");
    let blocks = vec![Block { bars: 20, sum: 0.5, sum_of_squares: 0.25 }];
    let done = Outcome { metrics: vec![0.8, 12.0], blocks };
    let ends = [
        (Status::Done, done),
        (Status::Failed("no price".to_owned()), Outcome::default()),
        (Status::Deadline, Outcome::default()),
    ];
    for (number, (status, outcome)) in (0..).zip(ends) {
        let values = [Value::Int(-20), Value::Float(0.01), Value::from("sma")];
        let record = TrialRecord {
            key: TrialKey([number as u8; 16]),
            number,
            part: 0,
            params: Params::new(&names, values).expect("a value for each name"),
            fidelity: 1.0,
            status,
            outcome,
            worker: 0,
            started_us: 300,
            took_us: 140,
        };
        segment.append(&record).expect("a record of the sweep");
    }
    sweep.flush().expect("a disk");
    let header = fs::read(folder.join("sweep.json")).expect("the header");
    let mut bytes = &fs::read(folder.join("segment-0.ledger")).expect("the segment")[HEAD..];
    let mut payloads = Vec::new();
    while let Some(length) = bytes.get(4..8) {
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        payloads.push(bytes[FRAME_HEAD..FRAME_HEAD + length].to_vec());
        bytes = &bytes[FRAME_HEAD + length..];
    }
    Sample { header, payloads }
}

/// The head of segment 3 of a sweep.
fn head(header: &[u8]) -> Vec<u8> {
    let mark = &Sha256::digest(header)[..16];
    let mut head = [&b"BTLEDGER\x01\0\0\0\x03\0\0\0"[..], mark].concat();
    head.extend(crc32fast::hash(&head).to_le_bytes());
    head
}

fn frame(payload: &[u8], begins_group: bool) -> Vec<u8> {
    let marker: &[u8] = if begins_group { b"\xb7grp" } else { b"\xb7rec" };
    let length = (payload.len() as u32).to_le_bytes();
    let crc = crc32fast::hash(&[marker, &length, payload].concat());
    [marker, &length, &crc.to_le_bytes(), payload].concat()
}
