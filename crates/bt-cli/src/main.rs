//! `bt`: ingests bars, sweeps over them, and reports.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    report_panics_that_nobody_catches();
    bt_cli::run(std::env::args_os())
}

/// What a damaged file does to its reader is told by the error that names the file.
fn report_panics_that_nobody_catches() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !bt_bundle::is_guarded() {
            report(panic);
        }
    }));
}
