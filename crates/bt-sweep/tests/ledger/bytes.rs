//! The bytes, as the document has them.

use std::fs;

use bt_sweep::ledger;
use bt_sweep::{Block, Error, Outcome, Status};

use crate::common::{all_of, create, key, record, resume};

/// The CRC-32 of the document, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

/// A frame by hand.
fn frame(begins_group: bool, payload: &[u8]) -> Vec<u8> {
    let marker = if begins_group { b"\xb7grp" } else { b"\xb7rec" };
    let head = [&marker[..], &(payload.len() as u32).to_le_bytes()].concat();
    let crc = crc(&[&head, payload].concat());
    [&head, &crc.to_le_bytes()[..], payload].concat()
}

#[test]
fn a_record_lies_in_its_frame_as_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    let mut done = record(300);
    (done.part, done.worker, done.started_us, done.took_us) = (1, 2, 128, 16384);
    done.outcome =
        Outcome { metrics: vec![1.5, -0.0], blocks: vec![Block { bars: 9, sum: 0.25, sum_of_squares: 2.0 }] };
    let mut failed = record(1);
    failed.status = Status::Failed("no é".into());
    failed.outcome = Outcome::default();
    let segment = ledger.segment(12).unwrap();
    segment.append(&done).unwrap();
    ledger.flush().unwrap();
    segment.append(&failed).unwrap();
    ledger.close().unwrap();

    let mut payload = [&key(300).0[..], &1f64.to_le_bytes()].concat();
    payload.extend([0xac, 0x02, 1, 2, 0x80, 0x01, 0x80, 0x80, 0x01, 0]);
    payload.extend([0, 0xd8, 0x04, 1, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 2, 5]);
    payload.extend(b"close");
    payload.extend([1.5f64.to_le_bytes(), (-0.0f64).to_le_bytes()].concat());
    payload.extend([1, 9, 0, 0, 0]);
    payload.extend([0.25f64.to_le_bytes(), 2f64.to_le_bytes()].concat());
    let mut other = [&key(1).0[..], &1f64.to_le_bytes()].concat();
    other.extend([1, 0, 0, 10, 7, 1, 5]);
    other.extend("no é".as_bytes());
    other.extend([0, 2, 1, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 2, 5]);
    other.extend(b"close");
    let bytes = fs::read(folder.path().join("segment-12.ledger")).unwrap();
    assert_eq!(bytes[..16], *b"BTLEDGER\x01\0\0\0\x0c\0\0\0");
    assert_eq!(bytes[32..36], crc(&bytes[..32]).to_le_bytes());
    assert_eq!(bytes[36..], [frame(true, &payload), frame(true, &other)].concat());
}

#[test]
fn a_ledger_that_version_1_wrote_is_read_forever() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ledger/v1");
    let contents = ledger::read(folder).unwrap();
    let mut failed = record(2);
    (failed.status, failed.outcome) = (Status::Failed("no bars".into()), Outcome::default());
    let read: Vec<_> = contents.trials.iter().map(|trial| all_of(&trial.record())).collect();
    assert_eq!(read, [record(0), record(1), failed].map(|record| all_of(&record)));
    assert_eq!(contents.header.search, "grid of fast 5..50:5");
}

#[test]
fn a_segment_of_a_newer_format_is_refused_by_naming_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    ledger.segment(0).unwrap();
    ledger.close().unwrap();
    let path = folder.path().join("segment-0.ledger");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    let crc = crc(&bytes[..32]).to_le_bytes();
    bytes[32..36].copy_from_slice(&crc);
    bytes.extend(b"whatever version 2 has here");
    fs::write(&path, bytes).unwrap();
    let Err(Error::Mismatch { what, found, expected }) = ledger::read(folder.path()) else { panic!() };
    assert!(what.ends_with("segment-0.ledger") && found == "2" && expected.starts_with("1,"));
}

#[test]
fn a_segment_of_another_sweep_or_under_another_name_is_refused() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    create(here.path()).close().unwrap();
    let mut other = crate::common::header();
    other.bundle_version = "4567".into();
    let other = ledger::Ledger::create(there.path(), &other).unwrap();
    other.segment(0).unwrap().append(&record(1)).unwrap();
    other.close().unwrap();
    fs::copy(there.path().join("segment-0.ledger"), here.path().join("segment-0.ledger")).unwrap();
    let error = ledger::read(here.path()).unwrap_err().to_string();
    assert!(error.contains("belongs to another sweep.json"), "{error}");
    fs::rename(there.path().join("segment-0.ledger"), there.path().join("segment-5.ledger")).unwrap();
    let error = ledger::read(there.path()).unwrap_err().to_string();
    assert!(error.contains("the head is that of segment 0"), "{error}");
}

#[test]
fn a_good_frame_without_a_record_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    ledger.segment(0).unwrap();
    ledger.close().unwrap();
    let path = folder.path().join("segment-0.ledger");
    let bytes = [fs::read(&path).unwrap(), frame(true, b"no record")].concat();
    fs::write(&path, bytes).unwrap();
    let error = ledger::read(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("is damaged: byte 36: a frame whose payload is no record"), "{error}");
}

/// After a power loss pages of a group may be missing though later ones are there; none of the group was reported.
#[test]
fn a_hole_in_the_last_group_ends_what_is_read_and_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    ledger.segment(0).unwrap().append(&record(0)).unwrap();
    ledger.close().unwrap();
    let path = folder.path().join("segment-0.ledger");
    let whole = fs::read(&path).unwrap();
    let payload = &whole[36 + 12..];
    let group = [frame(true, payload), vec![0; 64], frame(false, payload)].concat();
    fs::write(&path, [&whole[..], &group].concat()).unwrap();

    let (ledger, contents) = resume(folder.path()).unwrap();
    assert_eq!((contents.trials.len(), contents.duplicates), (1, 1));
    assert_eq!(contents.torn[0].bytes as usize, 64 + 12 + payload.len());
    ledger.segment(0).unwrap().append(&record(1)).unwrap();
    ledger.close().unwrap();
    let contents = ledger::read(folder.path()).unwrap();
    assert_eq!((contents.trials.len(), contents.torn.len()), (2, 0));
}
