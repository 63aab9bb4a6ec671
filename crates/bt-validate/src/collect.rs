//! Rounds over processes, up to the look that decides.

use serde::Deserialize;

use crate::stats::{LOOKS, Round, next_look};
use crate::task::{Setting, Task, outcome};

/// How many rounds each process runs: the first look's, then the second's.
const SHARES: [&[usize]; 2] = [&[4, 3, 3], &[7, 7, 6]];

/// Rounds of something, and the process that ran each.
#[derive(Clone, Debug, Default)]
pub struct Collected<R> {
    /// In order.
    pub rounds: Vec<R>,
    /// The process of each round, counted from 0.
    pub processes: Vec<usize>,
}

/// Runs rounds in processes until every claim on them is settled or the last look is reached.
///
/// `task` makes the task of so many rounds with this seed; `claims` reads from the rounds so far each claim's rounds and
/// the largest ratio that it allows.
///
/// # Errors
/// Whatever a process meets.
pub fn collect<R: for<'de> Deserialize<'de>>(
    setting: &Setting,
    task: impl Fn(usize, u64) -> Task,
    claims: impl Fn(&[R]) -> Vec<(Vec<Round>, f64)>,
) -> anyhow::Result<Collected<R>> {
    let mut collected = Collected { rounds: Vec::new(), processes: Vec::new() };
    for (look, shares) in LOOKS.into_iter().zip(SHARES) {
        if look > LOOKS[0] && settled(&claims(&collected.rounds)) {
            break;
        }
        for &rounds in shares {
            let process = collected.processes.last().map_or(0, |last| last + 1);
            let seed = 0x5eed + process as u64;
            let more: Vec<R> = outcome(setting, &task(rounds, seed))?;
            collected.processes.extend(std::iter::repeat_n(process, more.len()));
            collected.rounds.extend(more);
        }
        debug_assert_eq!(collected.rounds.len(), look);
    }
    Ok(collected)
}

/// Whether more rounds would decide nothing: what cannot be judged at all stays as it is.
fn settled(claims: &[(Vec<Round>, f64)]) -> bool {
    claims.iter().all(|(rounds, max_ratio)| !matches!(next_look(rounds, *max_ratio), Ok(Some(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_add_up_to_the_looks() {
        let mut rounds = 0;
        for (look, shares) in LOOKS.into_iter().zip(SHARES) {
            rounds += shares.iter().sum::<usize>();
            assert_eq!(rounds, look);
            assert!(shares.len() >= 3);
        }
    }

    #[test]
    fn a_claim_that_is_open_asks_for_more() {
        let clear = vec![Round { base_seconds: 1.0, optimised_seconds: 0.5 }; 10];
        let mut open = clear.clone();
        open.iter_mut().step_by(2).for_each(|round| round.optimised_seconds = 2.0);
        assert!(settled(&[(clear.clone(), 0.9)]));
        assert!(!settled(&[(clear, 0.9), (open, 0.9)]));
    }
}
