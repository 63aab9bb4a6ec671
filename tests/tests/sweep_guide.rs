//! What the guide of the sweep engine lists is what there is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bt_sweep::{Accounting, Direction, Metric, search, strategies};

const GUIDE: &str = include_str!("../../docs/sweep.md");
const README: &str = include_str!("../../crates/bt-sweep/README.md");

/// The cells of the guide's table rows whose first cell is one code span, without its ticks.
fn rows() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    GUIDE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        Some((name, cells.collect()))
    })
}

#[test]
fn every_metric_is_in_the_guide_with_the_way_that_is_better() {
    for metric in Metric::ALL {
        let row: Vec<_> = rows().filter(|(name, _)| *name == metric.name()).collect();
        let [(_, cells)] = &row[..] else { panic!("{metric} has {} rows", row.len()) };
        let better = match metric.direction() {
            Direction::Maximize => "larger",
            Direction::Minimize => "smaller",
        };
        assert_eq!(cells[0], better, "{metric}");
    }
}

#[test]
fn the_defaults_that_the_guide_states_are_those_of_the_code() {
    assert_eq!(Accounting::default().blocks, 16);
    assert_eq!(bt_sweep::SeriesCache::DEFAULT_MAX_BYTES, 256 << 20);
    assert_eq!(search::GRID_LIMIT, 10_000_000);
    assert_eq!(search::TpeOptions::default(), search::TpeOptions { batch: 8, startup: 16 });
    for stated in [
        "`Accounting::blocks`, 16 by default",
        "256 MiB by default",
        "10 million points",
        "batches of 8 after 16 random",
    ] {
        assert!(GUIDE.contains(stated), "{stated}");
    }
}

#[test]
fn every_search_and_built_in_strategy_is_named() {
    let searches = ["Grid", "RandomSearch", "Tpe", "SuccessiveHalving", "Hyperband", "Bohb"];
    for name in searches {
        assert!(rows().any(|(first, _)| first == name), "the guide's table has no {name}");
        assert!(README.contains(name), "the crate's README does not name {name}");
    }
    for strategy in strategies::all() {
        assert!(GUIDE.contains(&format!("`{}`", strategy.name)), "{}", strategy.name);
    }
}
