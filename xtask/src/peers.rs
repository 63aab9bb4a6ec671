//! `cargo xtask bench --peers`: our vectorised sweep in turns with the same sweep in Python.
//!
//! Both sides stay open and run so many sweeps whenever they are told to, one at a time: ours, theirs, ours, theirs. A ratio
//! is the median over rounds of the ratio within a round. On a shared machine a side may not get the cores that it wants; a
//! round in which either got less than [`CORES`] of CPU time per second is left out, and how many were is said.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::python;
use crate::shell::{self, Error, Result, cargo, io_error, not_started, output, root, target_dir};

/// Builds and generates what is missing, lets each rival take turns with us on each set, and prints the table. Without a Python
/// that can run them it says so and is done. A goal that is missed is no failure; a wrong sum is.
pub(crate) fn run(quick: bool) -> Result<ExitCode> {
    let python = match python::interpreter_with("numba", "numba>=0.60") {
        Ok(python) => python,
        Err(error) => {
            println!("peers: left out, there is no Python for them: {error}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let data = data(&python)?;
    shell::run(&mut cargo(["build", "--release", "--package", "bt-benches", "--bin", "sweep_turns"]))?;
    println!(
        "\nOne sweep: 100 pairs of moving averages over all assets, 2 threads; numba and numpy2d have one."
    );
    for set in SETS {
        for rival in RIVALS {
            let mut ours = Side::start(&mut ours(&data, set))?;
            let mut theirs = Side::start(&mut theirs(&python, &data, rival, set))?;
            println!("{}", compare(&mut ours, &mut theirs, rival, set, quick)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Data of the peers, and what is known of it.
struct Set {
    name: &'static str,
    shape: &'static str,
    /// The sum of returns over all pairs and assets.
    sum: f64,
    /// How many times faster than `numbapar` we mean to be.
    goal: f64,
}

const SETS: [&Set; 3] = [
    &Set { name: "s50", shape: "50 × 252 bars", sum: -38.92819436125, goal: 5.0 },
    &Set { name: "y25", shape: "8 assets, 25 years", sum: 1022.539148358, goal: 8.0 },
    &Set { name: "b500", shape: "500 × 2520 bars", sum: 27694.33761619, goal: 8.0 },
];

struct Rival {
    kind: &'static str,
    /// The cores that it has to get in a round that counts: most of what it can use.
    cores: f64,
    has_goal: bool,
}

const RIVALS: [&Rival; 4] = [
    &Rival { kind: "numbapar", cores: CORES, has_goal: true },
    &Rival { kind: "numba", cores: 0.9, has_goal: false },
    &Rival { kind: "numpy2d", cores: 0.9, has_goal: false },
    // How many cores polars keeps busy is its own affair.
    &Rival { kind: "polars", cores: 0.9, has_goal: false },
];

/// The cores that we have to get in a round that counts, of two.
const CORES: f64 = 1.8;

/// A side runs at least so long in a turn.
const TURN: f64 = 0.06;

/// What a library's threads may still be looking for when their work is done.
const PAUSE: Duration = Duration::from_millis(10);

/// The generated data, made at first use.
fn data(python: &Path) -> Result<PathBuf> {
    let folder = target_dir().join("peers");
    if !SETS.iter().all(|set| folder.join(format!("{}.lens.npy", set.name)).exists()) {
        println!("peers: making data in {}", folder.display());
        std::fs::create_dir_all(&folder).map_err(io_error("cannot make", &folder))?;
        output(&mut script(python, &folder, "gen_data.py"))?;
    }
    Ok(folder)
}

fn script(python: &Path, data: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    // Two threads for everybody, whatever the machine has.
    let threads = [("NUMBA_NUM_THREADS", "2"), ("POLARS_MAX_THREADS", "2"), ("OMP_NUM_THREADS", "2")];
    command.arg(root().join("benches/peers").join(name)).env("PEERS_DATA", data).envs(threads);
    command
}

fn theirs(python: &Path, data: &Path, rival: &Rival, set: &Set) -> Command {
    let mut command = script(python, data, "sweep_turns.py");
    command.args([rival.kind, set.name]);
    command
}

fn ours(data: &Path, set: &Set) -> Command {
    let program = format!("release/sweep_turns{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(target_dir().join(program));
    command.arg(data).arg(set.name);
    command
}

/// A program that runs sweeps when it is told to.
struct Side {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    name: String,
    /// Sweeps in a turn.
    sweeps: usize,
}

/// What a turn took.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Turn {
    /// Seconds of one sweep.
    sweep: f64,
    /// CPU time per second.
    cores: f64,
    sum: f64,
}

impl Turn {
    /// CPU seconds of one sweep.
    fn cpu(&self) -> f64 {
        self.sweep * self.cores
    }

    fn parse(answer: &str, sweeps: usize) -> Option<Self> {
        let object: Value = serde_json::from_str(answer).ok()?;
        let number = |name: &str| object[name].as_f64();
        // No CPU time is told where a system does not count it.
        let cpu = number("cpu").unwrap_or(f64::INFINITY);
        let wall = number("wall")?;
        Some(Self { sweep: wall / sweeps as f64, cores: cpu / wall, sum: number("sum")? })
    }
}

impl Side {
    fn start(command: &mut Command) -> Result<Self> {
        let name = shell::line(command);
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(not_started(command))?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take());
        let answers = answers.ok_or_else(|| Error::Failed(format!("{name} has no output")))?;
        Ok(Self { process, orders, answers: BufReader::new(answers), name, sweeps: 1 })
    }

    fn turn(&mut self) -> Result<Turn> {
        let silent = |side: &str| Error::Failed(format!("{side} ended before it answered"));
        let orders = self.orders.as_mut().ok_or_else(|| silent(&self.name))?;
        writeln!(orders, "{}", self.sweeps).map_err(|_| silent(&self.name))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(|_| silent(&self.name))?;
        let turn = Turn::parse(&answer, self.sweeps);
        turn.ok_or_else(|| Error::Failed(format!("{} answered {answer:?}", self.name)))
    }

    /// Warms up, and finds out how many sweeps fill a turn.
    fn calibrate(&mut self, expected: f64) -> Result<()> {
        for _ in 0..3 {
            let turn = self.turn()?;
            if (turn.sum / expected - 1.0).abs() > 1e-9 {
                let found = format!("{} gives the sum {}, expected {expected}", self.name, turn.sum);
                return Err(Error::Failed(found));
            }
            self.sweeps = (TURN / turn.sweep).ceil().max(1.0) as usize;
        }
        Ok(())
    }
}

impl Drop for Side {
    /// Without orders it ends by itself.
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.process.wait();
    }
}

/// A ratio, and what it stands on.
struct Comparison<'a> {
    rival: &'a Rival,
    set: &'a Set,
    /// Rounds that count: our turn, theirs.
    rounds: Vec<[Turn; 2]>,
    left_out: usize,
    /// Their CPU time by ours, of all rounds: what a busy machine leaves as it is.
    by_cpu: Vec<f64>,
}

fn compare<'a>(
    ours: &mut Side,
    theirs: &mut Side,
    rival: &'a Rival,
    set: &'a Set,
    quick: bool,
) -> Result<Comparison<'a>> {
    let (wanted, most) = if quick { (5, 30) } else { (15, 150) };
    ours.calibrate(set.sum)?;
    theirs.calibrate(set.sum)?;
    let mut comparison = Comparison { rival, set, rounds: Vec::new(), left_out: 0, by_cpu: Vec::new() };
    for _ in 0..most {
        std::thread::sleep(PAUSE);
        let our_turn = ours.turn()?;
        std::thread::sleep(PAUSE);
        let their_turn = theirs.turn()?;
        comparison.by_cpu.push(their_turn.cpu() / our_turn.cpu());
        if our_turn.cores >= CORES && their_turn.cores >= rival.cores {
            comparison.rounds.push([our_turn, their_turn]);
        } else {
            comparison.left_out += 1;
        }
        if comparison.rounds.len() == wanted {
            break;
        }
    }
    Ok(comparison)
}

impl Comparison<'_> {
    fn median(&self, of: impl Fn(&[Turn; 2]) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    fn ratio(&self) -> f64 {
        self.median(|[ours, theirs]| theirs.sweep / ours.sweep)
    }

    fn verdict(&self) -> String {
        match (self.rival.has_goal, self.ratio() >= self.set.goal) {
            (false, _) => String::new(),
            (true, true) => format!("  ≥ {}×  ok", self.set.goal),
            (true, false) => format!("  ≥ {}×  MISSED", self.set.goal),
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rival, set, rounds, left_out, by_cpu } = self;
        let by_cpu = median(by_cpu.clone());
        write!(f, "{:4} ({:18}) {:8}  ", set.name, set.shape, rival.kind)?;
        if rounds.is_empty() {
            return write!(
                f,
                "no ratio: all {left_out} rounds left out, the machine was busy; by CPU time {by_cpu:.1}×"
            );
        }
        let (ours, theirs) = (self.median(|[ours, _]| ours.sweep), self.median(|[_, theirs]| theirs.sweep));
        write!(f, "{:6.1}×  ours {:8.3} ms, theirs {:8.3} ms", self.ratio(), ours * 1e3, theirs * 1e3)?;
        write!(
            f,
            "  ({} rounds, {left_out} left out; by CPU time {by_cpu:.1}×){}",
            rounds.len(),
            self.verdict()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(sweep: f64) -> Turn {
        Turn { sweep, cores: 2.0, sum: 0.0 }
    }

    #[test]
    fn a_turn_is_told_per_sweep_and_in_cores() {
        let answer = r#"{"wall": 2.0, "cpu": 3.0, "sum": 7.5}"#;
        assert_eq!(Turn::parse(answer, 4), Some(Turn { sweep: 0.5, cores: 1.5, sum: 7.5 }));
        assert_eq!(Turn::parse("", 1), None);
        assert_eq!(
            Turn::parse(r#"{"wall": 2.0, "cpu": null, "sum": 1.0}"#, 1).map(|it| it.cores),
            Some(f64::INFINITY)
        );
    }

    #[test]
    fn ratios_are_taken_within_rounds_and_rounds_left_out_are_told() {
        let rounds = vec![[turn(0.1), turn(0.9)], [turn(0.2), turn(1.8)], [turn(0.1), turn(0.5)]];
        let comparison =
            Comparison { rival: RIVALS[0], set: SETS[1], rounds, left_out: 4, by_cpu: vec![8.5] };
        let text = comparison.to_string();
        assert!(text.contains("9.0×") && text.contains("4 left out") && text.ends_with("ok"), "{text}");
        let none = Comparison { rounds: Vec::new(), ..comparison };
        assert!(none.to_string().contains("no ratio: all 4 rounds left out"), "{none}");
    }
}
