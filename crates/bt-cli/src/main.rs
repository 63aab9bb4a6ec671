//! `bt`: ingests bars, sweeps over them, and reports.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    bt_cli::run(std::env::args_os())
}
