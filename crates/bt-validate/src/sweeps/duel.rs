//! Two ways to do the same, in turn.

use std::time::{Duration, Instant};

use crate::stats::{Round, median};

/// Does something from beginning to end.
pub type Go<'g> = &'g dyn Fn() -> anyhow::Result<()>;

/// Rounds of two sides, base first, as [`Round`] has them: in each of a round's passes every side has a turn, in random order, and
/// one that has had the time of all passes sits the others out. A side's time is the median of its turns.
///
/// # Errors
/// Whatever a side meets.
pub fn rounds(
    passes: u32,
    least: Duration,
    rounds: usize,
    seed: u64,
    sides: [Go<'_>; 2],
) -> anyhow::Result<Vec<Round>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    sides.iter().try_for_each(|side| side())?;
    (0..rounds).map(|_| Ok(round(passes, least, &mut rng, sides)?.into())).collect()
}

fn round(
    passes: u32,
    least: Duration,
    rng: &mut fastrand::Rng,
    sides: [Go<'_>; 2],
) -> anyhow::Result<[f64; 2]> {
    let (mut seconds, mut spent) = ([Vec::new(), Vec::new()], [Duration::ZERO; 2]);
    for _ in 0..passes {
        let first = usize::from(rng.bool());
        for side in [first, 1 - first] {
            if spent[side] < passes * least {
                let (each, all) = turn(least, sides[side])?;
                seconds[side].push(each);
                spent[side] += all;
            }
        }
    }
    Ok(seconds.map(|seconds| median(&seconds)))
}

/// Goes, as many as take at least so long: seconds for one of them, and what all took.
fn turn(least: Duration, go: Go<'_>) -> anyhow::Result<(f64, Duration)> {
    let (begin, mut goes) = (Instant::now(), 0_u32);
    loop {
        go()?;
        goes += 1;
        let elapsed = begin.elapsed();
        if elapsed >= least {
            return Ok((elapsed.as_secs_f64() / f64::from(goes), elapsed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn both_sides_have_a_turn_in_every_pass_and_the_slow_one_in_the_first_only() {
        let (quick, slow) = (Cell::new(0), Cell::new(0));
        let quick_go = || {
            quick.set(quick.get() + 1);
            Ok(())
        };
        let slow_go = || {
            slow.set(slow.get() + 1);
            std::thread::sleep(Duration::from_millis(8));
            Ok(())
        };
        let found = rounds(3, Duration::from_millis(2), 2, 1, [&quick_go, &slow_go]).unwrap();
        assert_eq!((found.len(), slow.get()), (2, 3), "one to warm up, one in each round");
        assert!(quick.get() > 6 && found.iter().all(|round| round.ratio() > 1.0));
    }

    #[test]
    fn what_a_side_meets_ends_the_rounds() {
        let fails = || anyhow::bail!("no bars");
        assert!(rounds(3, Duration::ZERO, 1, 1, [&|| Ok(()), &fails]).is_err());
    }
}
