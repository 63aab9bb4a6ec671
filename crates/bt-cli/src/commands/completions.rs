//! `bt completions`: scripts for shells.

use clap::CommandFactory;

use crate::arguments::{Arguments, CompletionsArguments};
use crate::exit::Failure;
use crate::output::{self, Output};

/// The script is code for a shell, whatever the output is to be otherwise.
pub(crate) fn run(arguments: &CompletionsArguments, _: Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "bt", &mut script);
    output::print(format_args!("{}", String::from_utf8_lossy(&script)))
}
