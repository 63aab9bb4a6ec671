//! The texts of parameters and conditions, one a line, and what is built of them.

use bt_sweep::search::{Grid, RandomSearch, Search};
use bt_sweep::{Constraint, Parameter, Space};

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (mut parameters, mut constraints) = (Vec::new(), Vec::new());
    for line in text.lines().take(8) {
        if let Ok(parameter) = line.parse::<Parameter>() {
            let again = parameter.to_string().parse::<Parameter>();
            assert_eq!(again.expect("the text of a parameter"), parameter, "{line:?}");
            parameters.push(parameter);
        }
        if let Ok(constraint) = line.parse::<Constraint>() {
            let again = constraint.to_string().parse::<Constraint>().expect("the text of a condition");
            assert_eq!(again.to_string(), constraint.to_string(), "{line:?}");
            constraints.push(constraint);
        }
    }
    for constraints in [Vec::new(), constraints] {
        if let Ok(space) = Space::new(parameters.clone(), constraints) {
            points(&space);
            // They draw thousands of points where conditions leave none: in few executions only.
            let rarely = if has_corner(&space) { 16 } else { 4096 };
            if crc32fast::hash(data).is_multiple_of(rarely) {
                searches(&space);
            }
        }
    }
}

/// Each point of the corners is in the space, at its index.
fn points(space: &Space) {
    let Some(count) = space.cardinality() else {
        assert!(space.point(0).is_none());
        return;
    };
    assert!(count == u128::MAX || space.point(count).is_none(), "{space}");
    for index in [0, 1, count / 2, count - 1].into_iter().filter(|index| *index < count) {
        let point = space.point(index).unwrap_or_else(|| panic!("point {index} of {count} in {space}"));
        assert!(space.contains(&point), "{point} in {space}");
        assert_eq!(space.index_of(&point), Some(index), "{point} in {space}");
    }
}

/// Whether the first or the last point, or the one between, fulfils the conditions.
fn has_corner(space: &Space) -> bool {
    let Some(count) = space.cardinality() else { return true };
    let corners = [0, count / 2, count.saturating_sub(1)].into_iter().filter_map(|index| space.point(index));
    corners.into_iter().any(|point| space.satisfies(&point))
}

fn searches(space: &Space) {
    let grid = Grid::new(space.clone()).map(|search| Box::new(search) as Box<dyn Search>);
    let random = RandomSearch::new(space.clone(), 7, 3).map(|search| Box::new(search) as Box<dyn Search>);
    for mut search in [grid, random].into_iter().flatten() {
        assert!(!search.describe().is_empty());
        if let Ok(bt_sweep::search::Asked::Trials(proposals)) = search.ask() {
            for proposal in proposals {
                assert!(space.contains(&proposal.params) && space.satisfies(&proposal.params), "{space}");
            }
        }
    }
}
