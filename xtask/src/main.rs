//! `cargo xtask`: every check, measurement and house rule behind one command.
//!
//! A dispatcher: each command has a module that says which programs it runs and what it makes of their answers.

#![forbid(unsafe_code)]

mod bench;
mod fuzz;
mod miri;
mod outside;
mod peers;
mod python;
mod shell;
mod test;
mod tidy;
mod validate;

use std::process::ExitCode;

use shell::{Error, Result};

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

  test [--keep-going] [--long]
                           every check there is: format, house rules, clippy, docs, all tests, the READMEs' examples;
                           --long tries every case where the tests else try a sample
  validate [ARGUMENTS]     proves what the layers are worth; arguments go to bt-validate
                           (--quick, --only CLAIM, --json PATH); exit status 0 passed, 1 refuted, 2 inconclusive
  ci                       what the continuous integration runs: test, then validate --quick
  bench [FILTER] [--quick] the criterion benches, then the table of ratios with their goals
  bench --peers [--quick]  the vectorised sweep in turns with the same sweep in Python (numba, numpy, polars)
  tidy                     the house rules alone: who may depend on whom, dependency counts, the place of unsafe
  outside                  compiles and runs each named crate's README example in a crate outside the workspace
  miri                     Miri on the crates without input and output, where a nightly toolchain has it
  fuzz [TARGET] [SECONDS]  libFuzzer on one target of fuzz/, or on all of them in turn; 60 seconds each by default; needs
                           a nightly toolchain and cargo-fuzz
";

/// A command line that cannot be understood; apart from 1 and 2, which are verdicts of `validate`.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(if matches!(error, Error::Usage(_)) { EXIT_USAGE } else { 1 })
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    match command.as_str() {
        "test" => test::run(rest),
        "validate" => validate::run(rest).map(ExitCode::from),
        "ci" => ci(rest),
        "bench" => bench::run(rest),
        "tidy" => no_arguments(command, rest).and_then(|()| tidy::run()).map(done),
        "outside" => no_arguments(command, rest).and_then(|()| outside::run()).map(done),
        "miri" => no_arguments(command, rest).and_then(|()| miri::run()).map(done),
        "fuzz" => fuzz::run(rest).map(done),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(Error::Usage(format!("no command {unknown:?}\n\n{USAGE}"))),
    }
}

fn ci(arguments: &[String]) -> Result<ExitCode> {
    no_arguments("ci", arguments)?;
    let tests = test::run(&[])?;
    if tests != ExitCode::SUCCESS {
        return Ok(tests);
    }
    validate::run(&["--quick".to_owned()]).map(|status| ExitCode::from(judged(status)))
}

/// A refuted claim fails the build; an inconclusive one says that the machine was too noisy to tell, and does not.
fn judged(status: u8) -> u8 {
    if status == validate::INCONCLUSIVE {
        println!("ci: no claim refuted, at least one inconclusive on this machine: see report/");
        return 0;
    }
    status
}

fn no_arguments(command: &str, arguments: &[String]) -> Result<()> {
    match arguments.first() {
        None => Ok(()),
        Some(surplus) => Err(Error::Usage(format!("{command} takes no arguments, got {surplus:?}"))),
    }
}

fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_a_usage_error_that_names_it() {
        let error = dispatch(&["vaildate".to_owned()]).unwrap_err();
        assert!(matches!(&error, Error::Usage(text) if text.contains("\"vaildate\"")), "{error}");
    }

    #[test]
    fn an_argument_to_a_command_without_any_is_a_usage_error() {
        let error = dispatch(&["tidy".to_owned(), "--fast".to_owned()]).unwrap_err();
        assert!(matches!(&error, Error::Usage(text) if text.contains("\"--fast\"")), "{error}");
    }

    #[test]
    fn a_refuted_claim_or_a_crash_fails_the_build_and_an_inconclusive_one_does_not() {
        assert_eq!([0, 1, 2, 101].map(judged), [0, 1, 0, 101]);
    }

    #[test]
    fn no_command_at_all_prints_the_help() {
        assert!(dispatch(&[]).is_ok());
        for command in ["test", "validate", "ci", "bench", "tidy", "outside", "miri", "fuzz"] {
            assert!(USAGE.contains(&format!("\n  {command} ")), "{command}");
        }
    }
}
