//! The proof can fail: a wrong arm stops the run, a slow one gets its claims refuted.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use bt_validate::report::Report;
use bt_validate::stats::Verdict;

const CLAIM: &str = "total.time_saved.micro";

fn validate(root: &std::path::Path, claim: &str, fault: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bt-validate"));
    command.env("BT_ROOT", root).env_remove("BT_PYTHON").args(["--quick", "--only", claim]);
    fault.iter().for_each(|fault| {
        command.args(["--arm-fault", fault]);
    });
    command.output().unwrap()
}

fn report(root: &std::path::Path) -> Report {
    let json = std::fs::read_to_string(root.join("report").join("report.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

#[test]
fn an_arm_without_fault_is_reported_with_the_rounds_that_its_verdict_stands_on() {
    let root = tempfile::tempdir().unwrap();
    let output = validate(root.path(), CLAIM, None);
    let (report, said) = (report(root.path()), String::from_utf8_lossy(&output.stderr).into_owned());
    let claim = report.claim(CLAIM).unwrap();
    assert_eq!(output.status.code(), Some(i32::from(report.exit_status())), "{said}");
    assert!(claim.n == claim.rounds.len() && [10, 30].contains(&claim.n), "{claim:?}");
    assert!(claim.process_means.len() >= 3);
    assert_eq!(report.equivalence.len(), 1);
    assert_eq!(report.equivalence[0].arms.len(), 13);
}

#[test]
fn a_wrong_arm_stops_the_run_and_names_the_first_trial_and_bar_that_differ() {
    let root = tempfile::tempdir().unwrap();
    let output = validate(root.path(), CLAIM, Some("wrong"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("all+mapped differs from ideal in trial 0, bar "), "{said}");
    assert!(!root.path().join("report").exists(), "times were reported");
}

#[test]
fn a_slow_arm_gets_its_claim_refuted() {
    let root = tempfile::tempdir().unwrap();
    let output = validate(root.path(), CLAIM, Some("slow"));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(report(root.path()).claim(CLAIM).unwrap().verdict, Some(Verdict::Refuted));
}

/// One of the parts may, by chance: each with one of 40. All of them together may not, and the whole needs all.
#[test]
fn a_copy_of_the_baseline_passes_no_claim_of_difference() {
    let root = tempfile::tempdir().unwrap();
    let whole = "micro.no_regression";
    let output = validate(root.path(), whole, Some("same"));
    let (report, said) = (report(root.path()), String::from_utf8_lossy(&output.stderr).into_owned());
    let claim = report.claim(whole).unwrap();
    assert_ne!(claim.verdict, Some(Verdict::Pass), "{said}");
    assert!(report.claims.iter().filter(|part| !part.rounds.is_empty()).count() >= 3, "{said}");
}

#[test]
fn a_copy_of_the_baseline_has_a_claim_of_much_saved_refuted() {
    let root = tempfile::tempdir().unwrap();
    let output = validate(root.path(), CLAIM, Some("same"));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(report(root.path()).claim(CLAIM).unwrap().verdict, Some(Verdict::Refuted));
}

const POOL: &str = "heavy.persistent_pool.time_saved.threads";

#[test]
fn a_pool_that_does_everything_five_times_has_its_claim_refuted() {
    let root = tempfile::tempdir().unwrap();
    let output = validate(root.path(), POOL, Some("slow"));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report = report(root.path());
    assert_eq!(report.claim(POOL).unwrap().verdict, Some(Verdict::Refuted));
    assert!(!report.heavy.steps[0].accepted);
}

#[test]
fn a_pool_that_is_new_for_each_batch_is_not_accepted() {
    let root = tempfile::tempdir().unwrap();
    let output = validate(root.path(), POOL, Some("same"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(report(root.path()).claim(POOL).unwrap().verdict, Some(Verdict::Pass), "{said}");
}

#[test]
fn worker_processes_with_other_results_stop_the_run() {
    let root = tempfile::tempdir().unwrap();
    let output = validate(root.path(), "heavy.persistent_pool.time_saved.processes", Some("wrong"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("one pool of processes differs from ideal in trial 0"), "{said}");
    assert!(!root.path().join("report").exists(), "times were reported");
}

#[test]
fn unknown_arguments_and_claims_are_refused_by_name() {
    for (arguments, expected) in [
        (["--only", "total.nonsense"], "total.nonsense"),
        (["--arm-fault", "lazy"], "\"lazy\" is not a fault; allowed: slow, wrong, same"),
        (["--fast", "--quick"], "--fast"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_bt-validate")).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
