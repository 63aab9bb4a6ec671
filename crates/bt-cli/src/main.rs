//! `bt`: ingests bars and keeps their bundles.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    bt_cli::run(std::env::args_os())
}
