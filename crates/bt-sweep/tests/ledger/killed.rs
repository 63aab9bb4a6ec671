//! Processes that are killed at random moments.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use bt_sweep::TrialRecord;
use bt_sweep::ledger::{self, Ledger, Segment};

use crate::common::{header, key, record};

/// Where a child process finds the ledger, and which of the children it is; not set in the test run itself.
const FOLDER: &str = "BT_TEST_LEDGER";
const ROUND: &str = "BT_TEST_ROUND";

const KILLS: u64 = 50;
const WORKERS: u32 = 2;

/// The trial that a child's worker appends at a time.
fn trial(round: u64, worker: u32, at: u64) -> TrialRecord {
    let number = (round * u64::from(WORKERS) + u64::from(worker)) << 32 | at;
    TrialRecord { key: key(number), number, worker, ..record(at) }
}

/// What the children do: go on with the ledger, append from two threads, say what is durable. Nothing in the test run.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let round = std::env::var(ROUND).unwrap().parse().unwrap();
    let (ledger, _) = Ledger::resume(folder, &header()).unwrap();
    let segments: Vec<_> = (0..WORKERS).map(|worker| ledger.segment(worker).unwrap()).collect();
    for (worker, segment) in (0..).zip(segments.clone()) {
        thread::spawn(move || append_forever(&segment, round, worker));
    }
    loop {
        let durable: Vec<_> = segments.iter().map(|segment| segment.durable().to_string()).collect();
        println!("durable {}.", durable.join(" "));
        std::io::stdout().flush().unwrap();
        thread::sleep(Duration::from_micros(200));
    }
}

fn append_forever(segment: &Segment, round: u64, worker: u32) {
    for at in 0.. {
        segment.append(&trial(round, worker, at)).unwrap();
        if at % 8 == 0 {
            thread::sleep(Duration::from_micros(100));
        }
    }
}

fn spawn(folder: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["killed::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a child said last was durable, of each worker. A line that the kill has cut short does not count.
fn last_said(text: &str) -> Vec<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once("durable ")?.1.strip_suffix('.'));
    let last = lines.next_back().unwrap_or_default();
    last.split_whitespace().map(|count| count.parse().unwrap()).collect()
}

/// Runs a child and kills it so many microseconds after something was durable, or after its start.
fn kill_one(folder: &Path, round: u64, delay_us: u64, at_work: bool) -> Vec<u64> {
    let mut child = spawn(folder, round);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while at_work && last_said(&text).iter().sum::<u64>() == 0 {
        assert!(output.read_line(&mut text).unwrap() > 0, "the child ended by itself: {text}");
    }
    thread::sleep(Duration::from_micros(delay_us));
    child.kill().unwrap();
    child.wait().unwrap();
    output.read_to_string(&mut text).unwrap();
    last_said(&text)
}

#[test]
fn nothing_that_was_durable_is_missing_after_a_kill_and_nothing_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    Ledger::create(folder.path(), &header()).unwrap().close().unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut said, mut total) = (Vec::new(), 0);
    for round in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay_us = (random >> 33) % 20_000;
        said.push(kill_one(folder.path(), round, delay_us, round % 5 != 0));
        total += said.last().unwrap().iter().sum::<u64>();
        check(folder.path(), &said);
    }
    assert!(total >= KILLS * 4 / 5, "the children hardly got to append anything: {total}");
}

fn check(folder: &Path, said: &[Vec<u64>]) {
    let contents = ledger::read(folder).unwrap();
    assert_eq!(contents.duplicates, 0);
    let mut found: BTreeMap<(u64, u32), u64> = BTreeMap::new();
    for row in contents.trials.iter() {
        let (round, at) = (row.number() >> 33, row.number() & 0xffff_ffff);
        let next = found.entry((round, row.worker())).or_default();
        // In order and without a gap: what is there of a worker is what it appended first.
        assert_eq!((at, row.metrics()[0]), (*next, *next as f64));
        *next += 1;
    }
    for (round, said) in (0..).zip(said) {
        for (worker, durable) in (0..).zip(said) {
            let there = found.get(&(round, worker)).copied().unwrap_or_default();
            assert!(there >= *durable, "round {round}, worker {worker}: {there} of {durable}");
        }
    }
}
