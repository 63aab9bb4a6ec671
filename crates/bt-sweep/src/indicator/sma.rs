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

    /// The sums of `values`, computed unless they are there.
    pub(crate) fn of(&mut self, values: &[f64]) -> &Self {
        if !self.filled {
            self.runs.clear();
            self.runs.extend(runs(values).map(|run| (run.clone(), Scale::of(&values[run]))));
            self.sums.resize(values.len() + 1, 0.0);
            for (run, _) in &self.runs {
                kernel::cumulate(&values[run.clone()], &mut self.sums[run.start..=run.end]);
            }
            self.filled = true;
        }
        self
    }

    /// The mean of the last `n` values at each of them. `n` is not 0; `out` is as long as the values.
    pub(crate) fn means(&self, n: usize, out: &mut [f64]) {
        let mut next = 0;
        for (run, scale) in &self.runs {
            let first = run.end.min(run.start.saturating_add(n - 1));
            out[next..first].fill(f64::NAN);
            if first < run.end {
                kernel::means(&self.sums[run.start..=run.end], n, *scale, &mut out[first..run.end]);
            }
            next = run.end;
        }
        out[next..].fill(f64::NAN);
    }
}
