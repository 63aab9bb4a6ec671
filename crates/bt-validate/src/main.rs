//! `bt-validate`: proves the claims of `docs/validation.md`. Run it as `cargo xtask validate`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bt_validate::claims::Registry;
use bt_validate::equivalence::ArmsDiffer;
use bt_validate::prove::{self, Plan};
use bt_validate::report::Mode;
use bt_validate::task;

const USAGE: &str = "\
bt-validate [--quick] [--only CLAIM] [--json PATH] [--arm-fault slow|wrong|same]

  --quick            wide data of 504 bars, 3 turns of 20 ms in a round instead of 5 of 50; the same code and claims;
                     four minutes
  --only CLAIM       one claim, or all whose id begins so: l1, total.vs_careful …
  --json PATH        write report.json there as well
  --arm-fault FAULT  make the arm of all layers slow, wrong or the baseline itself: shows that the proof can fail

Exit status: 0 every claim passes, 1 one is refuted or the arms differ, 2 one is inconclusive, 3 the run failed.
";

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("bt-validate: {error:#}");
            ExitCode::from(if error.is::<ArmsDiffer>() { 1 } else { 3 })
        }
    }
}

fn run() -> anyhow::Result<u8> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(task::CHILD) => child(&arguments[1..]),
        Some("--help" | "-h") => {
            print!("{USAGE}");
            Ok(0)
        }
        _ => prove::prove(&plan(&arguments)?),
    }
}

fn child(arguments: &[String]) -> anyhow::Result<u8> {
    let [setting, task] = arguments else { bail!("a child needs a setting and a task") };
    task::run(&serde_json::from_str(setting)?, &serde_json::from_str(task)?)?;
    Ok(0)
}

fn plan(arguments: &[String]) -> anyhow::Result<Plan> {
    let root = PathBuf::from(std::env::var_os("BT_ROOT").unwrap_or_else(|| ".".into()));
    let mut plan = Plan::new(root);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value\n\n{USAGE}"));
        match argument.as_str() {
            "--quick" => plan.mode = Mode::Quick,
            "--only" => plan.registry = Registry::standard().select(value()?)?,
            "--json" => plan.json = Some(value()?.into()),
            "--arm-fault" => plan.fault = Some(value()?.parse()?),
            other => bail!("unknown argument {other:?}\n\n{USAGE}"),
        }
    }
    Ok(plan)
}
