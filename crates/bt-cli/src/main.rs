//! `bt`: ingests bars, sweeps over them, and reports.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    // What a damaged file does to its reader is told by the error that names the file.
    bt_bundle::silence_guarded_panics();
    bt_cli::run(std::env::args_os())
}
