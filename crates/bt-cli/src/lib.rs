#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod arguments;
mod commands;
pub mod exit;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod interrupt;
pub mod output;
pub mod progress;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use arguments::{Arguments, Command};
use exit::{Code, Failure};
use output::{Output, say, shortened};

/// Runs the command line, of which the first argument is the program's name, and says how the process shall end.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match Arguments::command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return unparsed(&error, &arguments),
    };
    let parsed = match Arguments::from_arg_matches(&matches) {
        Ok(parsed) => parsed,
        Err(error) => return unparsed(&error, &arguments),
    };
    let output = Output { json: parsed.json, quiet: parsed.quiet };
    if let Some(message) = idle(&matches, &parsed.command) {
        return Failure::new(Code::Usage, message).tell(output.json).into();
    }
    let store = &parsed.store;
    let done = match &parsed.command {
        Command::Ingest(arguments) => commands::ingest::run(arguments, store, output),
        Command::Append(arguments) => commands::append::run(arguments, store, output),
        Command::List => commands::list::run(store, output),
        Command::Inspect(arguments) => commands::inspect::run(arguments, store, output),
        Command::Verify(arguments) => commands::verify::run(arguments, store, output),
        Command::Gc(arguments) => commands::gc::run(arguments, store, output),
        Command::Sweep(arguments) => commands::sweep::run(&arguments.run, None, store, output),
        Command::WalkForward(arguments) => {
            commands::sweep::run(&arguments.run, Some(&arguments.folds), store, output)
        }
        Command::Report(arguments) => commands::report::run(arguments, store, output),
        Command::Strategies => commands::strategies::run(output),
        Command::Completions(arguments) => commands::completions::run(arguments, output),
    };
    match done {
        Ok(()) => Code::Success.into(),
        Err(failure) => failure.tell(output.json).into(),
    }
}

/// What is wrong where an option would do nothing.
fn idle(matches: &ArgMatches, command: &Command) -> Option<String> {
    let plan = match command {
        Command::Sweep(arguments) => &arguments.run.plan,
        Command::WalkForward(arguments) => &arguments.run.plan,
        _ => return None,
    };
    arguments::idle(matches.subcommand()?.1, plan)
}

/// Help and version are no errors; what cannot be parsed is told as `--json` asks, if it does.
fn unparsed(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if wants_json && !help {
        let message = error.render().to_string();
        let message = message.trim().strip_prefix("error: ").unwrap_or(message.trim()).to_owned();
        return Failure::new(Code::Usage, message).tell(true).into();
    }
    if help {
        // That nobody reads the help any more is no error.
        let _ = error.print();
        return Code::Success.into();
    }
    say(&shortened(&error.render().ansi().to_string()));
    Code::Usage.into()
}
