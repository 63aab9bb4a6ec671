//! Folders of sweeps with odd names and odd contents, and what is said on standard error.

use std::fs;

use super::place::{Place, Run};
use super::sweeps::with_bars;

const SWEEP: &str = "sweep sma-crossover us --param fast=5|10 --param slow=50|60";
const WALK: &str = "walk-forward sma-crossover us --param fast=5 --param slow=50|60 --train 4y --test 2y";

fn without_files(mut object: serde_json::Value) -> serde_json::Value {
    object["files"] = serde_json::Value::Null;
    object
}

#[test]
fn a_sweep_that_writes_no_page_tells_what_one_with_a_page_tells() {
    let place = with_bars();
    for (line, folder) in [(SWEEP, "a"), (WALK, "b")] {
        let kept = place.json(&format!("{line} --out {folder}"));
        assert_eq!(kept["files"].as_array().unwrap().len(), 3);
        let told = place.json(line);
        assert_eq!(told["files"].as_array().unwrap().len(), 0);
        assert_eq!(without_files(told), without_files(kept), "{line}");
    }
    let kept = place.done(&format!("{WALK} --out c -q"));
    assert!(kept.starts_with(place.done(&format!("{WALK} -q")).trim_end()), "{kept}");
}

#[test]
fn leftovers_of_killed_sweeps_go_with_the_next_one_and_foreign_files_stay() {
    let place = with_bars();
    place.done(&format!("{SWEEP} --out a"));
    for line in ["report a", "sweep --resume a"] {
        place.write("a/.bt-sweep-AbCdEf.tmp", "half a page").write("a/.tmpAbCdEf", "somebody's");
        place.done(line);
        assert!(!place.path("a/.bt-sweep-AbCdEf.tmp").exists(), "{line}");
        assert!(place.path("a/.tmpAbCdEf").exists(), "{line}");
    }
}

#[test]
fn a_long_message_is_cut_in_its_middle() {
    let place = with_bars();
    let long = "x".repeat(100_000);
    for options in [format!("--metric {long}"), format!("--param {long}"), format!("--seed {long}")] {
        let line = format!("{SWEEP} {options}");
        for json in ["", " --json"] {
            let run = place.run(&format!("{line}{json}"));
            assert_eq!(run.code, 2);
            assert!(run.err.contains("characters left out"), "{}", run.err);
            assert!(run.err.chars().count() < 6000, "{}", run.err.len());
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::UnixDatagram;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_folder_whose_name_is_no_utf_8_is_written_told_resumed_and_reported() {
        let place = with_bars();
        let name = OsStr::from_bytes(b"runs-\xff");
        let run = |line: &str, before: &str| {
            let mut command = place.command(line);
            Run::of(line, &command.arg(before).arg(name).output().unwrap())
        };
        for line in [SWEEP, WALK] {
            let told = run(&format!("{line} --json"), "--out");
            assert_eq!(told.code, 0, "{told:?}");
            let object: serde_json::Value = serde_json::from_str(&told.out).unwrap();
            assert_eq!(object["files"][1], "runs-\u{fffd}/trials.csv");
            let command = line.split_whitespace().next().unwrap();
            for json in [" --json", ""] {
                let again = run(&format!("{command}{json}"), "--resume");
                assert!(again.code == 0 && again.out.contains("runs-\u{fffd}/report.html"), "{again:?}");
            }
            let report = Command::new(env!("CARGO_BIN_EXE_bt"))
                .args(["report", "--json"])
                .arg(name)
                .current_dir(place.path("."))
                .output()
                .unwrap();
            assert_eq!(Run::of("report", &report).code, 0, "{report:?}");
            let taken = run(&format!("{line} --json"), "--out");
            taken.fails(2, &["the folder runs-\u{fffd} holds a sweep already"]);
            fs::remove_dir_all(place.path(".").join(name)).unwrap();
        }
        let store = run("list --json", "--store");
        store.fails(4, &["no store at runs-\u{fffd}"]);
    }

    #[test]
    fn an_error_is_written_at_once() {
        let place = Place::new();
        for line in
            ["sweep sma-crossover us --json", "sweep sma-crossover us", "sweep --nope", "sweep --nope --json"]
        {
            // Each write to such a socket is a message of its own.
            let (read, write) = UnixDatagram::pair().unwrap();
            let mut command = place.command(line);
            let status = command.stderr(Stdio::from(std::os::fd::OwnedFd::from(write))).status().unwrap();
            assert!(!status.success());
            let mut bytes = [0; 10_000];
            let length = read.recv(&mut bytes).unwrap();
            let text = std::str::from_utf8(&bytes[..length]).unwrap();
            assert!(text.ends_with('\n'), "{line}: {text:?}");
            if line.ends_with("--json") {
                let error: serde_json::Value = serde_json::from_str(text).unwrap();
                assert!(
                    error["error"]["hint"].is_string() || error["error"]["message"].is_string(),
                    "{text}"
                );
            } else {
                assert!(text.starts_with("error: "), "{text:?}");
            }
            read.set_nonblocking(true).unwrap();
            drop(command);
            assert!(read.recv(&mut bytes).map_or(true, |more| more == 0), "{line}");
        }
    }

    #[test]
    fn a_pipe_in_a_sweeps_folder_is_damage_and_nobody_waits_for_it() {
        let place = with_bars();
        place.done(&format!("{SWEEP} --out a"));
        for file in ["request.json", "sweep.json", "segment-0.ledger"] {
            let (path, kept) = (place.path(&format!("a/{file}")), place.path("kept"));
            fs::rename(&path, &kept).unwrap();
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            for line in ["report a", "sweep --resume a"] {
                place.run(line).fails(3, &[file, "it is a pipe"]);
            }
            fs::rename(&kept, &path).unwrap();
        }
        place.done("report a");
    }
}
