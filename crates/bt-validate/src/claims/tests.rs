use super::*;
use approx::assert_abs_diff_eq;
use std::collections::BTreeSet;

#[test]
fn every_row_of_the_document_is_a_claim_with_its_target() {
    let document = include_str!("../../../../docs/validation.md");
    let registry = Registry::standard();
    for claim in registry.claims().iter().filter(|claim| !claim.is_shown_only()) {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{}`", claim.id)));
        let row = row.unwrap_or_else(|| panic!("docs/validation.md has no row for {}", claim.id));
        if let Some(limit) = claim.limit {
            let target = crate::report::format::target(claim.measure, limit);
            assert!(row.contains(&target), "{row} does not state {target}");
        }
    }
}

#[test]
fn every_id_of_the_document_is_in_the_registry() {
    let document = include_str!("../../../../docs/validation.md");
    let registry = Registry::standard();
    let prefixes =
        ["| `l1.", "| `l2.", "| `l3.", "| `total.", "| `micro.", "| `workers.", "| `heavy.", "| `sweep."];
    let rows = document.lines().filter(|line| prefixes.iter().any(|prefix| line.starts_with(prefix)));
    for row in rows {
        let id = row.split('`').nth(1).unwrap();
        assert!(registry.get(id).is_some(), "{id} is in docs/validation.md alone");
    }
}

#[test]
fn ids_are_unique() {
    let registry = Registry::standard();
    let ids: BTreeSet<&str> = registry.claims().iter().map(|claim| claim.id.as_str()).collect();
    assert_eq!(ids.len(), registry.claims().len());
}

#[test]
fn a_whole_and_its_parts_know_each_other() {
    let registry = Registry::standard();
    for whole in registry.claims().iter().filter(|claim| claim.is_whole()) {
        for id in &whole.parts {
            let part = registry.get(id).unwrap();
            assert_eq!(part.part_of.as_ref(), Some(&whole.id));
            assert!(part.limit.is_some() && part.measure == whole.measure, "{id}");
        }
    }
}

#[test]
fn a_target_in_one_unit_is_the_same_ratio_in_another() {
    // 83.4 % time saved and a speed-up of 6.02× are one result; "501.6 %" is neither.
    let ratio = Measure::SpeedUp.max_ratio(6.02);
    assert_abs_diff_eq!(Measure::TimeSaved.of_ratio(ratio), 0.8339, epsilon = 1e-4);
    assert_abs_diff_eq!(Measure::TimeSaved.max_ratio(0.9), Measure::SpeedUp.max_ratio(10.0), epsilon = 1e-15);
    assert_eq!(Measure::Overhead.max_ratio(0.2), Measure::TimeRatio.max_ratio(1.2));
}

#[test]
fn reading_a_ratio_undoes_making_it() {
    for measure in
        [Measure::TimeSaved, Measure::SpeedUp, Measure::TimeRatio, Measure::Overhead, Measure::Seconds]
    {
        for limit in [0.05, 0.5, 0.93] {
            assert_abs_diff_eq!(measure.of_ratio(measure.max_ratio(limit)), limit, epsilon = 1e-12);
        }
    }
}

#[test]
fn only_takes_an_id_with_its_parts_or_a_prefix() {
    let registry = Registry::standard();
    let ids = |pattern| -> Vec<String> {
        registry.select(pattern).unwrap().claims().iter().map(|claim| claim.id.clone()).collect()
    };
    assert_eq!(ids("total.time_saved.seed"), ["total.time_saved.seed"]);
    assert_eq!(ids("micro.no_regression").len(), 4);
    assert_eq!(ids("l2.cumulative.time_saved.seed"), ["l2.cumulative.time_saved.seed"]);
    assert_eq!(ids("total.time_saved").len(), 7);
    assert!(ids("l1").len() > 4);
}

#[test]
fn an_unknown_claim_is_an_error_that_lists_the_known_ones() {
    let error = Registry::standard().select("total.tim_saved").unwrap_err().to_string();
    assert!(error.contains("total.tim_saved") && error.contains("total.time_saved.wide"), "{error}");
    assert!(Registry::standard().select("").is_err());
}
