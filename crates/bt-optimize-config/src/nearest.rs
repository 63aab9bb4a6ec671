//! Finding the name that was probably meant.

/// The candidate with the fewest slips from `name`, the first of those that are equally near.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| slips(name, candidate))
}

/// No name is this long; what lies behind makes a longer text neither nearer nor dearer to compare.
const LONGEST: usize = 200;

/// How many letters must be added, dropped, replaced or swapped with their neighbour to turn `from` into `to`: the
/// distance of Damerau and Levenshtein, where a swapped letter may slip again.
///
/// # Complexity
///
/// O(|from| · |to|) time and memory, of which no more than the first 200 letters count.
pub(crate) fn slips(from: &str, to: &str) -> usize {
    let [from, to] = [from, to].map(|text| text.chars().take(LONGEST).collect::<Vec<_>>());
    // `table[row][column]` turns the first `row` letters of one into the first `column` letters of the other.
    let mut table = vec![(0..=to.len()).collect::<Vec<_>>()];
    // Up to here: the last row that had the letter of each column, and the last column that had the letter of this row.
    let mut row_with = vec![0; to.len() + 1];
    for row in 1..=from.len() {
        let mut column_with = 0;
        let mut fewest = vec![row];
        for column in 1..=to.len() {
            let is_same = from[row - 1] == to[column - 1];
            let replaced = table[row - 1][column - 1] + usize::from(!is_same);
            let mut best = replaced.min(table[row - 1][column] + 1).min(fewest[column - 1] + 1);
            if row_with[column] > 0 && column_with > 0 {
                let (above, left) = (row_with[column], column_with);
                // One swap, and all letters between the two dropped from one name and added in the other.
                best = best.min(table[above - 1][left - 1] + (row - above) + (column - left) - 1);
            }
            if is_same {
                (row_with[column], column_with) = (row, column);
            }
            fewest.push(best);
        }
        table.push(fewest);
    }
    table[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, VecDeque};

    const ALPHABET: &str = "abc";

    /// Every text that one slip makes of `text`, as long as it stays shorter than `limit`.
    fn one_slip_away(text: &str, limit: usize) -> Vec<String> {
        let mut found = Vec::new();
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let (head, tail) = text.split_at(at);
            found.extend(ALPHABET.chars().map(|letter| format!("{head}{letter}{tail}")));
            if let Some(first) = tail.chars().next() {
                let rest = &tail[1..];
                found.push(format!("{head}{rest}"));
                found.extend(ALPHABET.chars().map(|letter| format!("{head}{letter}{rest}")));
                found.extend(rest.chars().next().map(|next| format!("{head}{next}{first}{}", &rest[1..])));
            }
        }
        found.retain(|text| text.len() < limit);
        found
    }

    /// The definition: as many slips as the shortest walk has steps.
    fn naive_slips(from: &str, limit: usize) -> BTreeMap<String, usize> {
        let mut steps = BTreeMap::from([(from.to_owned(), 0)]);
        let mut waiting = VecDeque::from([from.to_owned()]);
        while let Some(text) = waiting.pop_front() {
            let next = steps[&text] + 1;
            for neighbour in one_slip_away(&text, limit) {
                if !steps.contains_key(&neighbour) {
                    steps.insert(neighbour.clone(), next);
                    waiting.push_back(neighbour);
                }
            }
        }
        steps
    }

    #[test]
    fn slips_are_the_shortest_walk_between_all_short_texts() {
        let texts: Vec<_> = naive_slips("", 5).into_keys().collect();
        assert_eq!(texts.len(), 1 + 3 + 9 + 27 + 81);
        for from in &texts {
            let steps = naive_slips(from, 6);
            for to in &texts {
                assert_eq!(slips(from, to), steps[to], "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_swapped_letter_may_slip_again() {
        assert_eq!(slips("lru_maxszie", "lru_maxsize"), 1);
        assert_eq!(slips("ca", "abc"), 2);
        assert_eq!(slips("ä", "a"), 1);
    }

    #[test]
    fn a_text_of_any_length_is_compared_quickly_and_found_far_away() {
        assert!(slips(&"lru_maxsize".repeat(1_000_000), "lru_maxsize") > 100);
    }

    #[test]
    fn of_equally_near_names_the_first_wins() {
        assert_eq!(nearest("b", ["a", "c"]), Some("a"));
        assert_eq!(nearest("b", []), None);
    }
}
