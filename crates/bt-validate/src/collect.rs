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
/// `claims` reads from the rounds so far each claim's rounds and the largest ratio that it allows; none where nothing is
/// to be judged. `task` makes the task of so many rounds with this seed. After the first look it is told the positions of
/// the claims that are open, so that it measures no more than they need.
///
/// # Errors
/// Whatever a process meets.
pub fn collect<R: for<'de> Deserialize<'de>>(
    setting: &Setting,
    task: impl Fn(usize, u64, Option<&[usize]>) -> Task,
    claims: impl Fn(&[R]) -> Vec<Judged>,
) -> anyhow::Result<Collected<R>> {
    let mut collected = Collected { rounds: Vec::new(), processes: Vec::new() };
    for (look, shares) in LOOKS.into_iter().zip(SHARES) {
        let open = (look > LOOKS[0]).then(|| open(&claims(&collected.rounds)));
        if open.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
        for &rounds in shares {
            let process = collected.processes.last().map_or(0, |last| last + 1);
            let seed = 0x5eed + process as u64;
            let more: Vec<R> = outcome(setting, &task(rounds, seed, open.as_deref()))?;
            collected.processes.extend(std::iter::repeat_n(process, more.len()));
            collected.rounds.extend(more);
        }
        debug_assert_eq!(collected.rounds.len(), look);
    }
    Ok(collected)
}

/// A claim's rounds and the largest ratio that it allows; none where nothing is to be judged.
pub type Judged = Option<(Vec<Round>, f64)>;

/// The claims that more rounds may decide: what cannot be judged at all stays as it is.
fn open(claims: &[Judged]) -> Vec<usize> {
    let is_open = |claim: &Judged| {
        let (rounds, max_ratio) = claim.as_ref()?;
        next_look(rounds, *max_ratio).ok()?
    };
    (0..claims.len()).filter(|&at| is_open(&claims[at]).is_some()).collect()
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
        let mut unclear = clear.clone();
        unclear.iter_mut().step_by(2).for_each(|round| round.optimised_seconds = 2.0);
        assert!(open(&[Some((clear.clone(), 0.9)), None]).is_empty());
        assert_eq!(open(&[Some((clear, 0.9)), Some((unclear, 0.9)), None]), [1]);
    }
}
