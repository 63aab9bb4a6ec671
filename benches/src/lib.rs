//! Benches of the data layers, with the rivals in the same run.
//!
//! What the goals speak of are ratios, and a ratio of two numbers measured minutes apart on a busy machine says little.
//! So the arms of a [`Paired`] comparison take turns, sample by sample, and a ratio is the median over rounds of the
//! ratio within a round. Criterion then measures the same arms for its own reports.
//!
//! ```no_run
//! use bt_benches::{Paired, Rows};
//! let mut rows = Rows::new("sums");
//! let mut criterion = bt_benches::criterion();
//! let times = Paired::new("sum of 1000")
//!     .arm("indices", || (0..1000u64).map(std::hint::black_box).sum::<u64>())
//!     .arm("formula", || std::hint::black_box(1000u64) * 999 / 2)
//!     .run(&mut criterion);
//! rows.at_most("sum of 1000", "formula : indices", times.ratio("formula", "indices"), 1.0, "×");
//! ```
#![forbid(unsafe_code)]

pub mod npy;

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::Criterion;
use serde_json::json;

/// Arms that are measured in turn within one run.
pub struct Paired<'a> {
    name: String,
    arms: Vec<Arm<'a>>,
}

struct Arm<'a> {
    name: String,
    /// Runs the operation so many times and says how long that took.
    run: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Paired<'a> {
    /// A comparison without arms.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), arms: Vec::new() }
    }

    /// Adds an operation; what it returns is kept from the optimiser.
    pub fn arm<R>(self, name: &str, mut operation: impl FnMut() -> R + 'a) -> Self {
        self.timed_arm(name, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(operation());
            }
            start.elapsed()
        })
    }

    /// Adds an operation that times its repetitions by itself: one that needs a set-up, or threads.
    pub fn timed_arm(mut self, name: &str, run: impl FnMut(u64) -> Duration + 'a) -> Self {
        self.arms.push(Arm { name: name.to_owned(), run: Box::new(run) });
        self
    }

    /// Measures all arms in turn, prints their medians, and lets criterion measure them once more.
    pub fn run(mut self, criterion: &mut Criterion) -> Times {
        let times = self.measure(rounds_wanted());
        self.criterion(criterion);
        times
    }

    /// Measures all arms in turn for so many rounds, and prints their medians: for operations of a second and more, which
    /// criterion would repeat for minutes.
    pub fn measure(&mut self, rounds: usize) -> Times {
        let sample = sample_time();
        let repetitions: Vec<u64> = self.arms.iter_mut().map(|arm| arm.calibrate(sample)).collect();
        let mut measured = Vec::new();
        for round in 0..rounds {
            let mut nanos = vec![0.0; self.arms.len()];
            for turn in 0..self.arms.len() {
                let at = (round + turn) % self.arms.len();
                let took = (self.arms[at].run)(repetitions[at]);
                nanos[at] = took.as_nanos() as f64 / repetitions[at] as f64;
            }
            measured.push(nanos);
        }
        let times = Times { arms: self.arms.iter().map(|arm| arm.name.clone()).collect(), rounds: measured };
        times.print(&self.name);
        times
    }

    fn criterion(mut self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group(&self.name);
        for arm in &mut self.arms {
            group.bench_function(&arm.name, |bencher| bencher.iter_custom(&mut arm.run));
        }
        group.finish();
    }
}

impl Arm<'_> {
    /// How often the operation runs in one sample. Warms up on the way.
    fn calibrate(&mut self, sample: Duration) -> u64 {
        let mut times = 1;
        loop {
            let took = (self.run)(times);
            if took >= sample {
                return times;
            }
            let factor = sample.as_secs_f64() / took.as_secs_f64().max(1e-9) * 1.1;
            times = (times as f64 * factor.clamp(1.5, 100.0)).ceil() as u64;
        }
    }
}

/// Nanoseconds per operation, for each round and arm.
pub struct Times {
    arms: Vec<String>,
    rounds: Vec<Vec<f64>>,
}

impl Times {
    /// The median time of an arm in nanoseconds.
    ///
    /// # Panics
    /// If there is no such arm.
    pub fn nanos(&self, arm: &str) -> f64 {
        let at = self.position(arm);
        median(self.rounds.iter().map(|round| round[at]))
    }

    /// The median over rounds of one arm's time divided by another's.
    ///
    /// # Panics
    /// If there is no such arm.
    pub fn ratio(&self, arm: &str, base: &str) -> f64 {
        let (at, base) = (self.position(arm), self.position(base));
        median(self.rounds.iter().map(|round| round[at] / round[base]))
    }

    /// As [`ratio`](Self::ratio), to the fastest of several arms.
    ///
    /// # Panics
    /// If there is no such arm, or no base at all.
    pub fn ratio_to_best(&self, arm: &str, bases: &[&str]) -> f64 {
        bases.iter().map(|base| self.ratio(arm, base)).fold(f64::MIN, f64::max)
    }

    fn position(&self, arm: &str) -> usize {
        let found = self.arms.iter().position(|name| name == arm);
        found.unwrap_or_else(|| panic!("no arm {arm:?}; there are {:?}", self.arms))
    }

    fn print(&self, name: &str) {
        eprintln!("{name}");
        for arm in &self.arms {
            eprintln!("    {arm:<44} {:>12.2} ns", self.nanos(arm));
        }
    }
}

/// The rows of a bench in the table that `cargo xtask bench` prints: `target/bt-bench/<name>.json`, a JSON object a
/// line.
pub struct Rows(File);

impl Rows {
    /// Starts the bench's file anew.
    ///
    /// # Panics
    /// If the file cannot be made.
    pub fn new(bench: &str) -> Self {
        let folder = std::env::var_os("BT_BENCH_DIR").map_or_else(default_folder, PathBuf::from);
        let path = folder.join(format!("{bench}.json"));
        let file = fs::create_dir_all(&folder)
            .and_then(|()| OpenOptions::new().write(true).create(true).truncate(true).open(&path));
        Self(file.unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display())))
    }

    /// A row whose goal is to stay at or under a limit.
    pub fn at_most(&mut self, row: &str, case: &str, value: f64, limit: f64, unit: &str) {
        self.write(row, case, value, Some((format!("≤ {limit}{unit}"), value <= limit)), unit);
    }

    /// A row whose goal is to reach a limit or surpass it.
    pub fn at_least(&mut self, row: &str, case: &str, value: f64, limit: f64, unit: &str) {
        self.write(row, case, value, Some((format!("≥ {limit}{unit}"), value >= limit)), unit);
    }

    /// A row that is shown without a goal.
    pub fn shown(&mut self, row: &str, case: &str, value: f64, unit: &str) {
        self.write(row, case, value, None, unit);
    }

    fn write(&mut self, row: &str, case: &str, value: f64, goal: Option<(String, bool)>, unit: &str) {
        let (goal, ok) = goal.unzip();
        eprintln!("{row}: {case}: {value:.3}{unit} {}", goal.as_deref().unwrap_or_default());
        let line = json!({"row": row, "case": case, "value": value, "unit": unit, "goal": goal, "ok": ok});
        writeln!(self.0, "{line}").unwrap_or_else(|error| panic!("cannot write a row: {error}"));
    }
}

/// Criterion with the command line's options, and times that fit operations of nanoseconds.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .configure_from_args()
}

/// Whether only a quick look is asked for: benches then build smaller inputs.
pub fn is_quick() -> bool {
    std::env::var_os("BT_BENCH_QUICK").is_some()
}

/// Whether the command line's filter, if there is one, names this comparison.
pub fn is_wanted(name: &str) -> bool {
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    filters.peek().is_none() || filters.any(|filter| name.contains(&filter))
}

fn default_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bt-bench"))
}

fn sample_time() -> Duration {
    Duration::from_millis(if is_quick() { 1 } else { 3 })
}

fn rounds_wanted() -> usize {
    if is_quick() { 15 } else { 41 }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_values() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), 2.5);
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // The machine slowed down threefold after the first round; the ratio did not change.
        let rounds = vec![vec![1.0, 2.0], vec![3.0, 6.0], vec![3.0, 6.0]];
        let times = Times { arms: vec!["a".into(), "b".into()], rounds };
        assert_eq!((times.ratio("b", "a"), times.nanos("a")), (2.0, 3.0));
        assert_eq!(times.ratio_to_best("b", &["a", "b"]), 2.0);
    }
}
