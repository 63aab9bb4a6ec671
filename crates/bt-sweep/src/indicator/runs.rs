use std::ops::Range;

/// The parts of a series without a missing value, in order, none of them empty. A value is missing where it is not finite.
pub(crate) fn runs(values: &[f64]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next + values[next..].iter().position(|value| value.is_finite())?;
        next = start + finite(&values[start..]);
        Some(start..next)
    })
}

const CHUNK: usize = 32;

/// How many values from the first on are finite: by chunks without a branch, then within the first chunk that has another.
fn finite(values: &[f64]) -> usize {
    let all = |chunk: &&[f64; CHUNK]| chunk.iter().fold(true, |all, value| all & value.is_finite());
    let sure = values.as_chunks::<CHUNK>().0.iter().take_while(all).count() * CHUNK;
    let rest = values[sure..].iter().position(|value| !value.is_finite());
    rest.map_or(values.len(), |rest| sure + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_what_lies_between_missing_values() {
        for missing in [vec![], vec![0], vec![69], vec![3, 4, 31, 32, 64], (0..70).collect()] {
            let mut values = vec![1.0; 70];
            missing
                .iter()
                .for_each(|&at: &usize| values[at] = if at % 2 == 0 { f64::NAN } else { f64::INFINITY });
            let found: Vec<usize> = runs(&values).flatten().collect();
            let expected: Vec<usize> = (0..70).filter(|at| !missing.contains(at)).collect();
            assert_eq!(found, expected);
            assert!(runs(&values).all(|run| run.end == 70 || !values[run.end].is_finite()));
        }
        assert_eq!(runs(&[]).count(), 0);
    }
}
