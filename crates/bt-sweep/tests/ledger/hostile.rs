//! Folders that somebody made to harm: each is refused with an error that names the file, in bounded time and memory.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use bt_sweep::ledger::{self, Header, Ledger};
use bt_sweep::{Error, Names, Objective};

use crate::common::{create, header, record, resume};

/// A ledger with three trials in segment 0.
fn ledger() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ledger = create(folder.path());
    let segment = ledger.segment(0).unwrap();
    for number in 0..3 {
        segment.append(&record(number)).unwrap();
    }
    ledger.close().unwrap();
    folder
}

/// Whoever reads and whoever goes on is told that this file is damaged, for this reason.
#[track_caller]
fn is_damaged(folder: &Path, file: &str, reason: &str) {
    for refused in [ledger::read(folder).map(drop), resume(folder).map(drop)] {
        says_damaged(refused.unwrap_err(), file, reason);
    }
}

#[track_caller]
fn says_damaged(error: Error, file: &str, reason: &str) {
    let Error::Damaged { what, reason: told } = error else { panic!("{error:?}") };
    assert!(what.ends_with(file), "{what}, not {file}");
    assert!(told.contains(reason), "{told}, not {reason}");
}

fn append(folder: &Path, bytes: &[u8]) {
    let file = File::options().append(true).open(folder.join("segment-0.ledger"));
    file.unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_segment_with_two_terabytes_of_nothing_is_damaged() {
    let folder = ledger();
    let segment = folder.path().join("segment-0.ledger");
    let length = fs::metadata(&segment).unwrap().len();
    File::options().write(true).open(&segment).unwrap().set_len(2 << 40).unwrap();
    is_damaged(folder.path(), "segment-0.ledger", &format!("byte {length}: a frame that is none"));
    let folder = ledger();
    File::create(folder.path().join("segment-7.ledger")).unwrap().set_len(2 << 40).unwrap();
    is_damaged(folder.path(), "segment-7.ledger", "byte 0: no head of a segment");
}

#[test]
fn a_tail_is_torn_up_to_the_length_of_a_group_and_damage_beyond() {
    for (tail, is_torn) in [(1 << 25, true), ((1 << 25) + 1, false)] {
        let folder = ledger();
        append(folder.path(), &vec![0x20; tail]);
        match is_torn {
            true => {
                let contents = ledger::read(folder.path()).unwrap();
                assert_eq!((contents.trials.len(), contents.torn[0].bytes), (3, tail as u64));
            }
            false => is_damaged(folder.path(), "segment-0.ledger", "more than a group can have"),
        }
    }
}

#[test]
fn a_tail_full_of_markers_is_damaged() {
    let folder = ledger();
    // Each claims a payload of 8 MiB, all of which is there.
    append(folder.path(), &b"\xb7grp\0\0\x80\0".repeat(3 << 20));
    is_damaged(folder.path(), "segment-0.ledger", "more markers of groups");
}

#[test]
fn a_header_has_a_length_and_a_number_of_names_that_writer_and_reader_keep() {
    let folder = ledger();
    let path = folder.path().join("sweep.json");
    let names: Vec<String> = (0..200_000).map(|at| format!("m{at}")).collect();
    let long = Header { metrics: names, ..header() };
    fs::write(&path, serde_json::to_vec(&long).unwrap()).unwrap();
    is_damaged(folder.path(), "sweep.json", "it has 200000 metrics, and at most 4096 are allowed");
    File::options().write(true).open(&path).unwrap().set_len(2 << 40).unwrap();
    is_damaged(folder.path(), "sweep.json", "longer than 16777216 bytes");

    let new = tempfile::tempdir().unwrap();
    let refused = |header: &Header| Ledger::create(new.path().join("a"), header).unwrap_err().to_string();
    assert!(
        refused(&long).starts_with("the number of metrics = 200000 is out of range; allowed: at most 4096")
    );
    let params = Names::new((0..5000).map(|at| format!("p{at}")));
    let many = Header::new(&params, &[], Objective::maximize("sharpe"));
    assert!(refused(&many).starts_with("the number of parameters = 5000"));
    let wordy = Header { settings: "x".repeat(1 << 24), ..header() };
    assert!(refused(&wordy).starts_with("the bytes of sweep.json"));
    assert!(!new.path().join("a").exists());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_damage() {
    for file in ["sweep.json", "segment-0.ledger"] {
        let folder = ledger();
        fs::remove_file(folder.path().join(file)).unwrap();
        fs::create_dir(folder.path().join(file)).unwrap();
        is_damaged(folder.path(), file, "it is a folder and no regular file");
    }
}

#[cfg(unix)]
mod pipes {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    fn put_pipe(folder: &Path, file: &str) {
        let path = folder.join(file);
        drop(fs::remove_file(&path));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_is_damage_and_nobody_waits_for_it() {
        for file in ["sweep.json", "segment-0.ledger", "segment-5.ledger"] {
            let folder = ledger();
            put_pipe(folder.path(), file);
            is_damaged(folder.path(), file, "it is a pipe, a socket or a device and no regular file");
        }
        for file in [".lock", "holder.json"] {
            let folder = ledger();
            put_pipe(folder.path(), file);
            assert_eq!(ledger::read(folder.path()).unwrap().trials.len(), 3);
            says_damaged(resume(folder.path()).unwrap_err(), file, "it is a pipe");
            let new = tempfile::tempdir().unwrap();
            put_pipe(new.path(), file);
            says_damaged(Ledger::create(new.path(), &header()).unwrap_err(), file, "it is a pipe");
        }
    }

    #[test]
    fn a_device_without_an_end_is_not_read() {
        for file in ["sweep.json", "segment-0.ledger"] {
            let folder = ledger();
            fs::remove_file(folder.path().join(file)).unwrap();
            symlink("/dev/zero", folder.path().join(file)).unwrap();
            is_damaged(folder.path(), file, "no regular file");
        }
    }

    #[test]
    fn a_second_writer_is_refused_though_the_holder_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let first = create(folder.path());
        fs::remove_file(folder.path().join("holder.json")).unwrap();
        symlink("/dev/null", folder.path().join("holder.json")).unwrap();
        says_damaged(resume(folder.path()).unwrap_err(), "holder.json", "no regular file");
        fs::remove_file(folder.path().join("holder.json")).unwrap();
        assert!(matches!(resume(folder.path()).unwrap_err(), Error::Busy { .. }));
        first.close().unwrap();
    }
}
