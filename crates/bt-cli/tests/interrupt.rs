//! Ctrl-C against a process that listens: this test binary, run again as its own child.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use bt_cli::interrupt::Interrupt;
use bt_cli::output::Output;

const CHILD: &str = "BT_TEST_INTERRUPTED_CHILD";

#[test]
fn the_first_ctrl_c_asks_for_a_clean_stop_and_the_second_ends_with_130() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new(this);
    command.args([
        "--exact",
        "the_first_ctrl_c_asks_for_a_clean_stop_and_the_second_ends_with_130",
        "--nocapture",
    ]);
    let mut child = command.env(CHILD, "1").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    wait_for(&mut lines, "listening");
    interrupt(child.id());
    wait_for(&mut lines, "asked");
    assert!(child.try_wait().unwrap().is_none(), "the first ended the process");
    interrupt(child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Ctrl-C again ends at once"));
}

/// Goes on after the first, as a command does whose last trial takes its time.
fn child() {
    let interrupt = Interrupt::listen(Output::default(), || println!("asked")).unwrap();
    assert!(!interrupt.asked());
    assert!(Interrupt::listen(Output::default(), || {}).is_err(), "two listen");
    println!("listening");
    loop {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait_for(lines: &mut Lines<BufReader<ChildStdout>>, word: &str) {
    assert!(lines.any(|line| line.unwrap().contains(word)), "the child ended before it was {word}");
}

fn interrupt(process: u32) {
    assert!(Command::new("kill").args(["-INT", &process.to_string()]).status().unwrap().success());
}
