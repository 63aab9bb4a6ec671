//! `cargo xtask fuzz`: libFuzzer on one target or on all, one after the other.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Error, Result, io_error, output, root};

/// How long each target runs where nobody says.
const SECONDS: u64 = 60;
/// An input that takes longer is a find.
const TIMEOUT: &str = "-timeout=20";
/// So is one that takes more memory, in MiB: files of a few KiB are read within far less.
const MEMORY: &str = "-rss_limit_mb=2048";
const MAX_LENGTH: &str = "-max_len=4096";

/// Runs libFuzzer; says what is missing where it cannot be had.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let known = targets()?;
    let Plan { targets, seconds } = parse(arguments, &known)?;
    if let Err(error) = output(nightly().args(["fuzz", "--version"])) {
        println!("fuzz: skipped: {}", error.to_string().lines().next().unwrap_or_default());
        println!("      rustup toolchain install nightly");
        println!("      cargo install cargo-fuzz");
        return Ok(());
    }
    let mut failures = Vec::new();
    for target in targets {
        if let Err(error) = campaign(&target, seconds) {
            let has_finds = has_files(&root().join("fuzz/artifacts").join(&target));
            failures.push(failure(&target, &error, has_finds));
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Error::Failed(failures.join("\n"))),
    }
}

/// A campaign also fails where its target does not compile or cargo does not start: then there is nothing to mend in
/// what the target tests.
fn failure(target: &str, error: &Error, has_finds: bool) -> String {
    match has_finds {
        true => format!(
            "fuzz {target}: {error}; finds in fuzz/artifacts/{target}: mend the cause and keep each input in \
             fuzz/finds/{target}"
        ),
        false => format!("fuzz {target}: {error}; no finds"),
    }
}

fn has_files(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    targets: Vec<String>,
    seconds: u64,
}

/// `[TARGET] [SECONDS]`: no target has a number for a name.
fn parse(arguments: &[String], known: &[String]) -> Result<Plan> {
    let mut plan = Plan { targets: known.to_vec(), seconds: SECONDS };
    let mut rest = arguments;
    if let Some((target, others)) = rest.split_first().filter(|(first, _)| first.parse::<u64>().is_err()) {
        if !known.contains(target) {
            return Err(Error::Usage(format!("no target {target:?}; there are {}", known.join(", "))));
        }
        (plan.targets, rest) = (vec![target.clone()], others);
    }
    let above_0 = |text: &String| text.parse().ok().filter(|&seconds| seconds > 0);
    match rest {
        [] => return Ok(plan),
        [text] => plan.seconds = above_0(text).ok_or_else(|| misused(rest))?,
        _ => return Err(misused(rest)),
    }
    Ok(plan)
}

fn misused(rest: &[String]) -> Error {
    Error::Usage(format!("fuzz takes [TARGET] [SECONDS], a whole number above 0, got {rest:?}"))
}

/// The names of the files in `fuzz/targets`, ascending.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/targets");
    let entries = std::fs::read_dir(&folder).map_err(io_error("cannot list", &folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Vec<PathBuf> =
        paths.collect::<std::io::Result<_>>().map_err(io_error("cannot list", &folder))?;
    let stems = paths.iter().filter_map(|path| path.file_stem()?.to_str());
    let mut names: Vec<String> = stems.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// New inputs go to the first folder; seeds and finds are read. Without the address sanitizer, which finds what code without
/// `unsafe` cannot have, several times as many inputs are tried.
fn campaign(target: &str, seconds: u64) -> Result<()> {
    let corpus = format!("fuzz/corpus/{target}");
    let inputs = [corpus.clone(), format!("fuzz/seeds/{target}"), format!("fuzz/finds/{target}")];
    let folder = root().join(&corpus);
    std::fs::create_dir_all(&folder).map_err(io_error("cannot create", &folder))?;
    let mut command = nightly();
    command.args(["fuzz", "run", "--fuzz-dir", "fuzz", "--sanitizer", "none", target]);
    command.args(inputs.iter().filter(|folder| root().join(folder).is_dir()));
    command.args(["--", &format!("-max_total_time={seconds}"), TIMEOUT, MEMORY, MAX_LENGTH]);
    shell::run(&mut command)
}

/// Through rustup, since the cargo that runs this program belongs to one toolchain and takes no `+nightly`.
fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).current_dir(root());
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_seconds_may_each_be_left_out() {
        let known = ["csv".to_owned(), "time".to_owned()];
        let plan = |line: &str| {
            parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>(), &known)
                .map(|plan| (plan.targets.join(" "), plan.seconds))
        };
        assert_eq!(plan("").unwrap(), ("csv time".to_owned(), SECONDS));
        assert_eq!(plan("time").unwrap(), ("time".to_owned(), SECONDS));
        assert_eq!(plan("7").unwrap(), ("csv time".to_owned(), 7));
        assert_eq!(plan("csv 300").unwrap(), ("csv".to_owned(), 300));
        for line in ["tmie", "csv x", "csv 0", "csv 1 2"] {
            assert!(matches!(plan(line), Err(Error::Usage(_))), "{line}");
        }
    }

    #[test]
    fn finds_are_spoken_of_only_where_there_are_some_and_the_cause_always() {
        let error = Error::Failed("cargo fuzz run: exit status 101".to_owned());
        let without = failure("csv", &error, false);
        assert_eq!(without, "fuzz csv: cargo fuzz run: exit status 101; no finds");
        let with = failure("csv", &error, true);
        assert!(with.contains("exit status 101; finds in fuzz/artifacts/csv"), "{with}");
        assert!(has_files(&root().join("fuzz/targets")));
        assert!(!has_files(&root().join("fuzz/no such folder")));
    }

    #[test]
    fn the_targets_are_the_files_of_their_folder() {
        let targets = targets().unwrap();
        assert!(targets.contains(&"csv".to_owned()) && targets.is_sorted(), "{targets:?}");
    }
}
