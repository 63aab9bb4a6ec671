use std::ops::Range;

use super::runs;
use crate::kernel::{self, Scale};

/// The cumulative sum of a series, under as many moving averages of it as are wanted.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// One more than values: of the run `a..b` the sums are `a..=b`, and the first of them is 0.
    sums: Vec<f64>,
    runs: Vec<(Range<usize>, Scale)>,
    filled: bool,
}

impl Sums {
    /// The next series is another one. Keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.filled = false;
    }

    /// The memory that they hold.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.sums.capacity() * size_of::<f64>() + self.runs.capacity() * size_of::<(Range<usize>, Scale)>()
    }

    /// The sums of `values`, computed unless they are there.
    pub(crate) fn of(&mut self, values: &[f64]) -> &Self {
        if !self.filled {
            self.fill(values);
            self.filled = true;
        }
        self
    }

    fn fill(&mut self, values: &[f64]) {
        self.runs.clear();
        self.sums.resize(values.len() + 1, 0.0);
        // Nearly always all of them are there, and the first pass is the only one.
        if kernel::cumulate(values, &mut self.sums) == Scale::Ordinary {
            self.runs.push((0..values.len(), Scale::Ordinary));
            return;
        }
        for run in runs(values) {
            let scale = kernel::cumulate(&values[run.clone()], &mut self.sums[run.start..=run.end]);
            self.runs.push((run, scale));
        }
    }

    /// The mean of the last `n` values at each of them from `first` on. `n` is not 0; `out` is as long as the values.
    pub(crate) fn means(&self, n: usize, out: &mut [f64], first: usize) {
        let mut next = first.min(out.len());
        for (run, scale) in self.runs.iter().filter(|(run, _)| run.end > first) {
            let from = run.end.min(run.start.saturating_add(n - 1)).max(next);
            out[next..from].fill(f64::NAN);
            if from < run.end {
                kernel::means(&self.sums[from + 1 - n..=run.end], n, *scale, &mut out[from..run.end]);
            }
            next = run.end;
        }
        out[next..].fill(f64::NAN);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn means_from_a_bar_on_are_those_of_all_bars(
            values in prop::collection::vec(prop_oneof![8 => 1.0..100.0, 1 => Just(f64::NAN)], 0..60),
            n in 1..20usize,
            first in 0..70usize,
        ) {
            let means = |first| {
                let mut out = vec![7.0; values.len()];
                Sums::default().of(&values).means(n, &mut out, first);
                out.into_iter().map(f64::to_bits).skip(first).collect::<Vec<_>>()
            };
            prop_assert_eq!(means(first), means(0).into_iter().skip(first).collect::<Vec<_>>());
        }
    }
}
