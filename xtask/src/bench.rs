//! `cargo xtask bench`: the criterion benches, then one table of ratios with their goals.
//!
//! Criterion measures; a bench divides the numbers that belong together and appends one JSON object per line to a file
//! `<name>.json` of its own in the folder that `BT_BENCH_DIR` names (`target/bt-bench`):
//!
//! ```json
//! {"row": "window of one asset", "case": "one field as &[f64]", "value": 1.4, "goal": "≤ 2.5×", "ok": true}
//! ```
//!
//! `row` groups lines of the table, `value` is a number in the unit of its goal (`unit` says which where there is no goal;
//! a ratio by default), `goal` and `ok` are null where a number is shown without a goal. `BT_BENCH_QUICK` is set
//! under `--quick`, for benches that build large inputs.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::peers;
use crate::shell::{self, Error, Result, cargo, io_error, target_dir};

/// Runs the benches whose name contains the filter, prints the table and names the misses. A miss is no failure: on a
/// shared machine it is a reason to look, so the exit status tells only whether the benches ran.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    if options.peers {
        return peers::run(options.quick);
    }
    let folder = target_dir().join("bt-bench");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(io_error("cannot remove", &folder))?;
    }
    std::fs::create_dir_all(&folder).map_err(io_error("cannot make", &folder))?;
    // By target, since the library's own test harness would not know criterion's flags.
    let mut command = cargo(["bench", "--package", "bt-benches", "--bench", "*", "--"]);
    command.env("BT_BENCH_DIR", &folder).args(&options.filter);
    if options.quick {
        command.arg("--quick").env("BT_BENCH_QUICK", "1");
    }
    shell::run(&mut command)?;
    print!("{}", Table(read(&folder)?));
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, PartialEq, Eq, Default)]
struct Options {
    filter: Option<String>,
    quick: bool,
    peers: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Options> {
        let mut options = Options::default();
        for argument in arguments {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--peers" => options.peers = true,
                flag if flag.starts_with('-') => {
                    return Err(Error::Usage(format!(
                        "bench takes [FILTER] [--quick] or --peers [--quick], got {flag:?}"
                    )));
                }
                filter if options.filter.is_none() => options.filter = Some(filter.to_owned()),
                second => {
                    return Err(Error::Usage(format!("bench takes one filter, got another: {second:?}")));
                }
            }
        }
        match options {
            Options { peers: true, filter: Some(filter), .. } => {
                Err(Error::Usage(format!("bench --peers takes no filter, got {filter:?}")))
            }
            options => Ok(options),
        }
    }
}

/// One line of the table.
#[derive(Debug, PartialEq)]
struct Line {
    row: String,
    case: String,
    value: f64,
    unit: String,
    goal: Option<String>,
    ok: Option<bool>,
}

impl Line {
    fn parse(text: &str) -> std::result::Result<Line, String> {
        let object: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let string = |name: &str| object[name].as_str().map(str::to_owned);
        let goal = string("goal");
        let ok = object["ok"].as_bool();
        if goal.is_some() != ok.is_some() {
            return Err("a line with a goal says whether it is met, and only such a line".to_owned());
        }
        Ok(Line {
            row: string("row").ok_or("no string \"row\"")?,
            case: string("case").ok_or("no string \"case\"")?,
            value: object["value"].as_f64().ok_or("no number \"value\"")?,
            unit: string("unit").or_else(|| goal.as_deref().map(unit_of)).unwrap_or_else(|| "×".to_owned()),
            goal,
            ok,
        })
    }

    fn verdict(&self) -> &'static str {
        match self.ok {
            Some(true) => "ok",
            Some(false) => "MISSED",
            None => "",
        }
    }
}

/// What follows the last digit of a goal: `≤ 40 ns` is in ` ns`.
fn unit_of(goal: &str) -> String {
    goal.rsplit(|letter: char| letter.is_ascii_digit()).next().unwrap_or_default().to_owned()
}

/// All lines of all files, in the order of the files' names.
fn read(folder: &Path) -> Result<Vec<Line>> {
    let entries = std::fs::read_dir(folder).map_err(io_error("cannot list", folder))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(io_error("cannot read", &file))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = |why| Error::Failed(format!("{}:{}: {why}", file.display(), number + 1));
            lines.push(Line::parse(line).map_err(place)?);
        }
    }
    Ok(lines)
}

struct Table(Vec<Line>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Table(lines) = self;
        let width =
            |cell: fn(&Line) -> &str| lines.iter().map(|line| cell(line).chars().count()).max().unwrap_or(0);
        let (case, goal) = (width(|line| &line.case), width(|line| line.goal.as_deref().unwrap_or_default()));
        let mut row = "";
        for line in lines {
            if line.row != row {
                row = &line.row;
                writeln!(f, "\n{row}")?;
            }
            let value = format!("{}{}", significant(line.value), line.unit);
            let wanted = line.goal.as_deref().unwrap_or_default();
            writeln!(f, "  {:case$}  {value:>12}  {wanted:>goal$}  {}", line.case, line.verdict())?;
        }
        let count = |ok| lines.iter().filter(|line| line.ok == Some(ok)).count();
        writeln!(f, "\n{} goals met, {} missed", count(true), count(false))?;
        for line in lines.iter().filter(|line| line.ok == Some(false)) {
            let (value, wanted) = (significant(line.value), line.goal.as_deref().unwrap_or_default());
            writeln!(f, "  missed: {}, {}: {value}{}, goal {wanted}", line.row, line.case, line.unit)?;
        }
        Ok(())
    }
}

/// Three digits are what a bench on a shared machine can honestly claim.
fn significant(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::parse(text).unwrap()
    }

    #[test]
    fn a_line_takes_its_unit_from_its_goal() {
        let text = r#"{"row":"matrix","case":"warm","value":31.0,"goal":"≤ 40 ns","ok":true}"#;
        assert_eq!(line(text).unit, " ns");
    }

    #[test]
    fn a_line_without_a_goal_is_a_ratio_unless_it_says_otherwise() {
        assert_eq!(line(r#"{"row":"a","case":"b","value":1.5}"#).unit, "×");
        assert_eq!(line(r#"{"row":"a","case":"b","value":1.5,"unit":" ms"}"#).unit, " ms");
    }

    #[test]
    fn a_goal_without_a_verdict_and_a_missing_value_are_refused() {
        assert!(Line::parse(r#"{"row":"a","case":"b","value":1.5,"goal":"≤ 2×"}"#).is_err());
        assert_eq!(Line::parse(r#"{"row":"a","case":"b"}"#), Err("no number \"value\"".to_owned()));
    }

    #[test]
    fn the_table_names_every_miss() {
        let met = line(r#"{"row":"window","case":"slice","value":1.2345,"goal":"≤ 2.5×","ok":true}"#);
        let missed = line(r#"{"row":"window","case":"view","value":12.34,"goal":"≤ 3×","ok":false}"#);
        let text = Table(vec![met, missed]).to_string();
        assert!(text.contains("1 goals met, 1 missed\n  missed: window, view: 12.3×, goal ≤ 3×\n"), "{text}");
        assert_eq!(text.matches("\nwindow\n").count(), 1, "{text}");
    }

    #[test]
    fn lines_are_read_from_all_files_in_order_of_their_names() {
        let folder = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("b.json"), "{\"row\":\"b\",\"case\":\"1\",\"value\":1}\n\n").unwrap();
        std::fs::write(folder.join("a.json"), "{\"row\":\"a\",\"case\":\"1\",\"value\":1}\n").unwrap();
        std::fs::write(folder.join("notes.txt"), "not a line").unwrap();
        let rows: Vec<_> = read(&folder).unwrap().into_iter().map(|line| line.row).collect();
        std::fs::write(folder.join("a.json"), "nonsense").unwrap();
        let error = read(&folder).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(rows, ["a", "b"]);
        assert!(error.contains("a.json:1: "), "{error}");
    }

    #[test]
    fn two_filters_are_a_usage_error() {
        let parse = |arguments: &[&str]| {
            Options::parse(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&["window", "--quick"]).unwrap().filter.as_deref(), Some("window"));
        assert!(matches!(parse(&["window", "ingest"]), Err(Error::Usage(_))));
        assert!(matches!(parse(&["--slow"]), Err(Error::Usage(_))));
        assert!(parse(&["--peers", "--quick"]).unwrap().peers);
        assert!(matches!(parse(&["window", "--peers"]), Err(Error::Usage(_))));
    }
}
