//! What the proof must find: an arm that is slow, one that is wrong, and one that is no better than the baseline.

use std::str::FromStr;

use anyhow::bail;
use serde::{Deserialize, Serialize};

use crate::arms::Scratch;
use crate::strategy::{Access, Observer, SLOW, Trial, TrialResult, Unobserved, run_trial};

/// What the arm of all layers does wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// Every trial is run a hundred times: its claims must be refuted.
    Slow,
    /// The slow window lacks its last bar: equivalence must stop the run.
    Wrong,
    /// It is the baseline once more, an A/A run: it must not pass a claim that it is faster.
    Same,
}

impl Fault {
    /// Runs a trial with the fault.
    pub fn run<A: Access>(
        self,
        mut access: A,
        trial: Trial,
        scratch: &mut Scratch,
        observer: &mut impl Observer,
    ) -> TrialResult {
        match self {
            Self::Slow => {
                for _ in 1..100 {
                    std::hint::black_box(run_trial(&mut access, trial, scratch, &mut Unobserved));
                }
                run_trial(&mut access, trial, scratch, observer)
            }
            Self::Wrong => run_trial(&mut Late(access), trial, scratch, observer),
            Self::Same => run_trial(&mut access, trial, scratch, observer),
        }
    }
}

/// Windows that lack their last bar.
struct Late<A>(A);

impl<A: Access> Access for Late<A> {
    fn moments(&self) -> usize {
        self.0.moments()
    }

    fn assets(&self) -> usize {
        self.0.assets()
    }

    fn at(&mut self, known: usize) {
        self.0.at(known);
    }

    fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])> {
        let (fast, slow) = self.0.windows(asset)?;
        Some((fast, &slow[..slow.len().min(SLOW - 1)]))
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "slow" => Ok(Self::Slow),
            "wrong" => Ok(Self::Wrong),
            "same" => Ok(Self::Same),
            other => bail!("{other:?} is not a fault; allowed: slow, wrong, same"),
        }
    }
}
