use bt_core::Timestamp;

/// The union of many ascending lists of moments: the calendar of assets.
///
/// O(all their moments) where most lists hold few that are new, and one comparison of memory for a list that is the calendar
/// so far. Beside the calendar it holds at most as many moments that are new.
///
/// ```
/// use bt_asset_cache::kernel::CalendarBuilder;
/// use bt_core::Timestamp;
/// let at = |nanos: &[i64]| nanos.iter().copied().map(Timestamp::from_nanos).collect::<Vec<_>>();
/// let mut calendar = CalendarBuilder::default();
/// calendar.add(&at(&[1, 3]));
/// calendar.add(&at(&[1, 2]));
/// assert_eq!(calendar.finish(), at(&[1, 2, 3]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CalendarBuilder {
    moments: Vec<Timestamp>,
    new: Vec<Timestamp>,
}

impl CalendarBuilder {
    /// Adds a list, which ascends strictly.
    pub fn add(&mut self, ascending: &[Timestamp]) {
        // Compared as integers, which is a comparison of memory.
        if Timestamp::slice_as_nanos(&self.moments) == Timestamp::slice_as_nanos(ascending) {
            return;
        }
        let mut rest = self.moments.as_slice();
        for &moment in ascending {
            if rest.first() != Some(&moment) {
                rest = &rest[lower_bound(rest, moment)..];
            }
            match rest.split_first() {
                Some((&first, later)) if first == moment => rest = later,
                _ => self.new.push(moment),
            }
        }
        // Merged before they outgrow the calendar, so that moments which many lists share are not kept for each.
        if self.new.len() > self.moments.len() {
            self.merge();
        }
    }

    fn merge(&mut self) {
        if !self.new.is_empty() {
            self.moments.append(&mut self.new);
            // The stable sort finds ascending runs and merges them.
            self.moments.sort();
            self.moments.dedup();
        }
    }

    /// All moments, ascending.
    pub fn finish(mut self) -> Vec<Timestamp> {
        self.merge();
        self.moments
    }
}

/// How many moments are below `moment`; O(log of that number).
fn lower_bound(ascending: &[Timestamp], moment: Timestamp) -> usize {
    let mut end = 1;
    while end < ascending.len() && ascending[end - 1] < moment {
        end *= 2;
    }
    let (start, end) = (end / 2, end.min(ascending.len()));
    start.min(end) + ascending[start.min(end)..end].partition_point(|&other| other < moment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

        #[test]
        fn a_calendar_is_the_sorted_union_of_all_lists(
            lists in prop::collection::vec(prop::collection::btree_set(0_i64..60, 0..40), 0..8),
        ) {
            let mut calendar = CalendarBuilder::default();
            for list in &lists {
                calendar.add(&list.iter().map(|&nanos| Timestamp::from_nanos(nanos)).collect::<Vec<_>>());
            }
            let union: std::collections::BTreeSet<i64> = lists.into_iter().flatten().collect();
            let expected: Vec<_> = union.into_iter().map(Timestamp::from_nanos).collect();
            prop_assert_eq!(calendar.finish(), expected);
        }
    }
}
