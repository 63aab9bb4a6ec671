//! The ledger: how many trials become durable in a second, what one costs its worker, and how soon a long ledger is open.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use bt_benches::{Paired, Rows, is_quick, is_wanted};
use bt_sweep::ledger::{self, Header, Ledger, Segment};
use bt_sweep::{Names, Objective, Outcome, Params, Status, TrialKey, TrialRecord, Value};

const PARAMS: usize = 6;
const METRICS: usize = 18;
const WORKERS: u32 = 2;

fn main() {
    let mut rows = Rows::new("ledger");
    type Bench = fn(&mut Rows);
    let benches: [(&str, Bench); 3] =
        [("ledger/commits", commits), ("ledger/append beside trials", beside_trials), ("ledger/open", open)];
    for (name, bench) in benches {
        if is_wanted(name) {
            bench(&mut rows);
        }
    }
}

fn names() -> Names {
    Names::new((0..PARAMS).map(|param| format!("param{param}")))
}

fn header() -> Header {
    let metrics: Vec<String> = (0..METRICS).map(|metric| format!("metric{metric}")).collect();
    Header::new(&names(), &metrics, Objective::maximize("metric0"))
}

/// Records as a grid search over numbers gives them; a worker has every second one.
fn records(worker: u32, count: u64) -> Vec<TrialRecord> {
    let names = names();
    let record = |at: u64| {
        let number = at * u64::from(WORKERS) + u64::from(worker);
        let values = (0..PARAMS).map(|param| match param {
            0..4 => Value::Int((number >> (4 * param) & 0xff) as i64),
            _ => Value::Float(number as f64 / 128.0),
        });
        let metrics =
            (0..METRICS).map(|metric| (number as f64 + 1.0).sqrt() / (metric as f64 + 0.7)).collect();
        TrialRecord {
            // Keys are digests: any bits, all of them in use.
            key: TrialKey(
                (u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
                    .to_le_bytes(),
            ),
            number,
            part: 0,
            params: Params::new(&names, values).expect("one value for each name"),
            fidelity: 1.0,
            status: Status::Done,
            outcome: Outcome { metrics, blocks: Vec::new() },
            worker,
            started_us: number * 40,
            took_us: 40 + number % 16,
        }
    };
    (0..count).map(record).collect()
}

/// Lets every worker do the same with its segment and its records at once; what each gives.
fn on_workers<R: Send>(
    ledger: &Ledger,
    records: &[Vec<TrialRecord>],
    work: impl Fn(&Segment, &[TrialRecord]) -> R + Sync,
) -> Vec<R> {
    let segments: Vec<Segment> =
        (0..WORKERS).map(|worker| ledger.segment(worker).expect("a segment")).collect();
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = segments
            .iter()
            .zip(records)
            .map(|(segment, records)| scope.spawn(move || work(segment, records)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker")).collect()
    })
}

fn append_all(segment: &Segment, records: &[TrialRecord]) {
    for record in records {
        segment.append(record).expect("appended");
    }
}

/// As fast as workers can, until all of it is durable.
fn commits(rows: &mut Rows) {
    let each = if is_quick() { 20_000 } else { 100_000 };
    let records: Vec<_> = (0..WORKERS).map(|worker| records(worker, each)).collect();
    let total = each * u64::from(WORKERS);
    let times = Paired::new("ledger/commits")
        .timed_arm("group commit", |repetitions| (0..repetitions).map(|_| commit_all(&records)).sum())
        .timed_arm("a sync for each", |repetitions| {
            (0..repetitions).map(|_| commit_each(&records[0][..20])).sum()
        })
        .measure(if is_quick() { 5 } else { 15 });
    let row = "durable commits of trials with 6 parameters and 18 metrics";
    let per_second = |nanos: f64, records: u64| 1e9 * records as f64 / nanos;
    rows.at_least(row, "2 workers at once", per_second(times.nanos("group commit"), total), 10_000.0, " /s");
    rows.shown(row, "1 worker that waits for each", per_second(times.nanos("a sync for each"), 20), " /s");
}

fn commit_all(records: &[Vec<TrialRecord>]) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::create(folder.path(), &header()).expect("a ledger");
    let start = Instant::now();
    on_workers(&ledger, records, append_all);
    ledger.flush().expect("durable");
    let took = start.elapsed();
    assert_eq!(ledger.durable(), records.iter().map(Vec::len).sum::<usize>() as u64);
    took
}

fn commit_each(records: &[TrialRecord]) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::create(folder.path(), &header()).expect("a ledger");
    let segment = ledger.segment(0).expect("a segment");
    let start = Instant::now();
    for record in records {
        segment.append(record).expect("appended");
        ledger.flush().expect("durable");
    }
    start.elapsed()
}

/// What appending takes of a worker's time, where trials take 25 µs of it and where they take none.
fn beside_trials(rows: &mut Rows) {
    let each = if is_quick() { 4_000 } else { 20_000 };
    let records: Vec<_> = (0..WORKERS).map(|worker| records(worker, each)).collect();
    let row = "a worker's time for each append, 2 workers";
    for (case, trial) in
        [("beside trials of 25 µs", Duration::from_micros(25)), ("one after the other", Duration::ZERO)]
    {
        let mut rounds: Vec<f64> = (0..15).map(|_| append_micros(&records, trial)).collect();
        rounds.sort_by(f64::total_cmp);
        rows.at_most(row, case, rounds[rounds.len() / 2], 15.0, " µs");
    }
}

/// The mean over all appends, waking the thread that writes included.
fn append_micros(records: &[Vec<TrialRecord>], trial: Duration) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::create(folder.path(), &header()).expect("a ledger");
    let spent = on_workers(&ledger, records, |segment, records| {
        let mut spent = Duration::ZERO;
        for record in records {
            let start = Instant::now();
            while start.elapsed() < trial {
                black_box(record);
            }
            let start = Instant::now();
            segment.append(record).expect("appended");
            spent += start.elapsed();
        }
        spent
    });
    ledger.close().expect("durable");
    let appends: usize = records.iter().map(Vec::len).sum();
    spent.iter().sum::<Duration>().as_secs_f64() * 1e6 / appends as f64
}

fn open(rows: &mut Rows) {
    let total: u64 = if is_quick() { 100_000 } else { 1_000_000 };
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = Ledger::create(folder.path(), &header()).expect("a ledger");
    for worker in 0..WORKERS {
        append_all(&sweep.segment(worker).expect("a segment"), &records(worker, total / u64::from(WORKERS)));
    }
    sweep.close().expect("durable");
    let contents = ledger::read(folder.path()).expect("a ledger");
    assert_eq!((contents.trials.len() as u64, contents.duplicates), (total, 0));
    let bytes = contents.trials.heap_bytes() as f64 / total as f64;
    drop(contents);
    let times = Paired::new("ledger/open")
        .arm("open", || ledger::read(folder.path()).expect("a ledger").trials.len())
        .arm("bytes alone", || read_bytes(folder.path()))
        .measure(if is_quick() { 5 } else { 9 });
    let row = "a ledger of 1,000,000 trials";
    let seconds = times.nanos("open") / 1e9 * 1e6 / total as f64;
    rows.at_most(row, "open: all records checked, a table of them", seconds, 1.0, " s");
    rows.shown(row, "open : reading the bytes alone", times.ratio("open", "bytes alone"), "×");
    rows.shown(row, "memory of a trial", bytes, " B");
}

fn read_bytes(folder: &Path) -> usize {
    let path = |worker| folder.join(format!("segment-{worker}.ledger"));
    (0..WORKERS).map(|worker| fs::read(path(worker)).expect("a segment").len()).sum()
}
