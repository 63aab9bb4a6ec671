//! The tutorial of the sweep engine is code that runs, and what it says of killed programs holds.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bt_sweep::{Progress, TrialRecord};
use bt_testkit::Market;

include!("tutorial/example.rs");

const PAGE: &str = include_str!("../../docs/tutorial-sweep.md");
const EXAMPLE: &str = include_str!("tutorial/example.rs");

/// Five years of four assets, as the tutorial's framework keeps them.
fn rows() -> Vec<Row> {
    let data = Market::common(3, 4, 5 * 261).generate();
    let mut rows = Vec::new();
    for asset in &data.assets {
        for (at, moment) in asset.timestamps.iter().enumerate() {
            let values = asset.columns.each_ref().map(|column| column[at]);
            rows.push((asset.name.clone(), moment.as_nanos(), values));
        }
    }
    rows
}

/// Cancels once so many trials are done.
struct CancelAt(u64);

impl Observer for CancelAt {
    fn finished(&mut self, _: &TrialRecord, progress: &Progress) {
        self.0 = if progress.done >= self.0 { 0 } else { self.0 };
    }

    fn is_cancelled(&mut self) -> bool {
        self.0 == 0
    }
}

fn walked(folder: &std::path::Path, observer: &mut dyn Observer) -> WalkForwardResult {
    let folder = folder.join("own");
    walk_forward(OwnBars::new(rows()), folder.to_str().unwrap(), observer).unwrap()
}

#[test]
fn a_cancelled_walk_forward_of_the_tutorial_goes_on_and_ends_like_one_that_nobody_disturbed() {
    let [calm, disturbed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let expected = walked(calm.path(), &mut ());
    assert!(expected.is_complete && expected.folds.len() > 3);
    assert!(expected.folds.iter().all(|fold| fold.chosen.is_some() && fold.out_of_sample.is_finite()));

    let first = walked(disturbed.path(), &mut CancelAt(60));
    assert!(!first.is_complete);
    let second = walked(disturbed.path(), &mut ());
    assert!(second.is_complete);
    assert_eq!(second.progress.known, first.trials.len() as u64, "nothing is run twice");
    assert_eq!(second.trials.sorted_table_bytes(), expected.trials.sorted_table_bytes());
    assert_eq!(second.out_of_sample, expected.out_of_sample);
}

/// The blocks of a page that are marked as Rust, joined as they stand in one file.
fn rust_of(page: &str) -> String {
    let blocks = page.split("```rust\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tutorial_shows_the_code_that_runs() {
    assert_eq!(rust_of(PAGE), EXAMPLE);
}

#[test]
fn the_tutorial_takes_less_than_80_lines_of_code() {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let lines = EXAMPLE.lines().filter(is_code).count();
    assert!(lines < 80, "{lines} lines");
}
