//! `cargo xtask test`: every check there is, cheap ones first, each with its time.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::shell::{self, Error, Result, cargo, not_started};
use crate::{outside, python, tidy};

/// Stops at the first step that fails, or with `--keep-going` runs all; fails if any step did. With `--long` tests that try a
/// sample of all cases try all of them.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let Options { keep_going, long } = parse(arguments)?;
    let mut summary = Summary::default();
    for (index, step) in STEPS.iter().enumerate() {
        let outcome = if keep_going || summary.failed() == 0 {
            perform(step, index + 1, long)
        } else {
            Outcome { step: step.name, result: None, took: Duration::ZERO }
        };
        summary.0.push(outcome);
    }
    print!("{summary}");
    Ok(if summary.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Step {
    name: &'static str,
    run: fn(Length) -> Result<Tests>,
}

/// What a fresh machine compiles is dominated by Arrow and Parquet: checked once for clippy, built once for all tests.
const STEPS: [Step; 8] = [
    Step { name: "format", run: |_| quiet(cargo(["fmt", "--all", "--", "--check"])) },
    Step { name: "house rules", run: |_| tidy::run().map(|()| Tests::default()) },
    Step { name: "clippy", run: |_| quiet(cargo(CLIPPY)) },
    Step { name: "documentation", run: |_| documentation() },
    Step { name: "unit and property tests", run: |long| counted(tests(["--lib", "--bins"], long)) },
    Step { name: "cross-crate and multi-process tests", run: |long| counted(tests(["--test", "*"], long)) },
    Step { name: "documentation tests", run: |long| counted(tests(["--doc"], long)) },
    Step {
        name: "README examples outside the workspace",
        run: |_| outside::run().map(|()| Tests::default()),
    },
];

const CLIPPY: [&str; 7] =
    ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];

fn documentation() -> Result<Tests> {
    let mut command = cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    quiet(command)
}

/// Whether tests that try a sample of all cases try all of them.
type Length = bool;

/// What tells them so.
const LONG: &str = "BT_LONG_TESTS";

fn tests<'a>(which: impl IntoIterator<Item = &'a str>, long: Length) -> Command {
    // One failing crate must not hide what the others say.
    let mut command = cargo(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    command.args(which);
    python::announce(&mut command);
    if long {
        command.env(LONG, "1");
    }
    command
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    keep_going: bool,
    long: Length,
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options::default();
    for argument in arguments {
        match argument.as_str() {
            "--keep-going" => options.keep_going = true,
            "--long" => options.long = true,
            other => {
                return Err(Error::Usage(format!("test takes --keep-going and --long, got {other:?}")));
            }
        }
    }
    Ok(options)
}

fn perform(step: &Step, number: usize, long: Length) -> Outcome {
    let label = format!("[{number}/{}] {}", STEPS.len(), step.name);
    println!("{label} …");
    let start = Instant::now();
    let result = (step.run)(long);
    let took = start.elapsed();
    match &result {
        Ok(_) => println!("{label}: ok in {:.1} s\n", took.as_secs_f64()),
        Err(error) => println!("{label}: FAILED after {:.1} s\n{error}\n", took.as_secs_f64()),
    }
    Outcome { step: step.name, result: Some(result), took }
}

/// How many tests a step ran.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Tests {
    passed: u64,
    failed: u64,
}

struct Outcome {
    step: &'static str,
    /// `None` where an earlier failure kept the step from running.
    result: Option<Result<Tests>>,
    took: Duration,
}

#[derive(Default)]
struct Summary(Vec<Outcome>);

impl Summary {
    fn failed(&self) -> usize {
        self.0.iter().filter(|outcome| matches!(outcome.result, Some(Err(_)))).count()
    }

    fn passed(&self) -> usize {
        self.0.iter().filter(|outcome| matches!(outcome.result, Some(Ok(_)))).count()
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut tests = 0;
        for Outcome { step, result, took } in &self.0 {
            let seconds = took.as_secs_f64();
            match result {
                Some(Ok(Tests { passed: 0, .. })) => writeln!(f, "  ok       {seconds:7.1} s  {step}")?,
                Some(Ok(Tests { passed, .. })) => {
                    writeln!(f, "  ok       {seconds:7.1} s  {step}: {passed} tests")?
                }
                Some(Err(_)) => writeln!(f, "  FAILED   {seconds:7.1} s  {step}")?,
                None => writeln!(f, "  not run            {step}")?,
            }
            tests += result.as_ref().and_then(|result| result.as_ref().ok()).map_or(0, |tests| tests.passed);
        }
        let (passed, failed) = (self.passed(), self.failed());
        let skipped = self.0.len() - passed - failed;
        let minutes = self.0.iter().map(|outcome| outcome.took).sum::<Duration>().as_secs_f64() / 60.0;
        writeln!(
            f,
            "{tests} tests in {minutes:.1} min; steps: {passed} passed, {failed} failed, {skipped} not run"
        )
    }
}

/// A step whose program counts no tests.
fn quiet(mut command: Command) -> Result<Tests> {
    shell::run(&mut command).map(|()| Tests::default())
}

/// Runs a test command, lets its output through, and adds up the result lines of its test programs.
fn counted(mut command: Command) -> Result<Tests> {
    println!("$ {}", shell::line(&command));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(not_started(&command))?;
    let mut tests = Tests::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(std::result::Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tests.add(&line);
        }
    }
    let status = child.wait().map_err(not_started(&command))?;
    if status.success() {
        return Ok(tests);
    }
    let Tests { passed, failed } = tests;
    Err(Error::Failed(format!(
        "{} ended with {status}: {passed} passed, {failed} failed",
        shell::line(&command)
    )))
}

impl Tests {
    /// Adds a line like `test result: ok. 12 passed; 0 failed; …`; any other line is ignored.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        let number_before = |word: &str| -> u64 {
            let text =
                counts.split(';').find_map(|part| part.trim_end().strip_suffix(word)).unwrap_or_default();
            text.rsplit(' ')
                .find(|word| !word.is_empty())
                .and_then(|digits| digits.parse().ok())
                .unwrap_or_default()
        };
        self.passed += number_before("passed");
        self.failed += number_before("failed");
    }
}

#[cfg(test)]
mod tests_of_the_summary {
    use super::*;

    #[test]
    fn result_lines_add_up_and_other_lines_do_not_count() {
        let mut tests = Tests::default();
        tests.add(
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        tests.add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        tests.add("test a_name ... ok");
        assert_eq!(tests, Tests { passed: 15, failed: 2 });
    }

    #[test]
    fn the_summary_tells_passed_failed_and_not_run_apart() {
        let outcome = |step, result| Outcome { step, result, took: Duration::from_secs(30) };
        let summary = Summary(vec![
            outcome("one", Some(Ok(Tests { passed: 7, failed: 0 }))),
            outcome("two", Some(Err(Error::Failed("why".to_owned())))),
            outcome("three", None),
        ]);
        let text = summary.to_string();
        assert!(text.ends_with("7 tests in 1.5 min; steps: 1 passed, 1 failed, 1 not run\n"), "{text}");
        assert!(text.contains("FAILED      30.0 s  two"), "{text}");
    }

    #[test]
    fn a_failing_test_command_is_an_error() {
        assert!(counted(cargo(["no-such-subcommand"])).is_err());
    }

    #[test]
    fn only_a_long_run_tells_the_tests_to_try_all_cases() {
        for long in [false, true] {
            let command = tests(["--lib"], long);
            let told = command.get_envs().find(|(name, _)| *name == LONG).and_then(|(_, value)| value);
            assert_eq!(told.is_some_and(|value| value == "1"), long);
        }
    }

    #[test]
    fn an_unknown_flag_is_a_usage_error() {
        assert!(matches!(parse(&["--fast".to_owned()]), Err(Error::Usage(_))));
        let parse =
            |line: &str| parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>()).unwrap();
        assert_eq!(parse(""), Options::default());
        assert_eq!(parse("--keep-going"), Options { keep_going: true, long: false });
        assert_eq!(parse("--long --keep-going"), Options { keep_going: true, long: true });
    }
}
