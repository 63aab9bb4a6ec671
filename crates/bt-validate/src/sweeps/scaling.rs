//! The production sweep through an engine with two workers against one with one, on a machine that gives two cores.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::banded::{self, Results};
use super::engine;
use crate::faults::Fault;
use crate::stats::{Round, mean, median};
use crate::task::Setting;
use crate::workloads::Workload;

/// The least number of cores that a machine must give for a round to count.
pub const LEAST_CORES: f64 = 1.8;

/// How long a probe's threads count.
const PROBE: Duration = Duration::from_millis(10);

/// The sweep that is scaled.
///
/// # Panics
/// Never: the workload is in the table.
pub fn workload() -> &'static Workload {
    Workload::named("production").expect("it is in the table")
}

/// A round, and the machine that it ran on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingRound {
    /// One worker's time for the sweep, and two workers'.
    pub seconds: [f64; 2],
    /// The CPU time that each used per second; none where the system does not tell.
    pub cores_used: Option<[f64; 2]>,
    /// Cores that the machine gave to two threads that never sleep; 0 where the system does not tell.
    pub cores_given: f64,
}

impl ScalingRound {
    /// Its times, unless the machine gave too little.
    pub fn counted(&self) -> Option<Round> {
        let [base_seconds, optimised_seconds] = self.seconds;
        (self.cores_given >= LEAST_CORES).then_some(Round { base_seconds, optimised_seconds })
    }
}

/// Rounds of one worker and two, in random order, probes around each pass.
///
/// # Errors
/// What an engine meets; where the two do not give the same bits.
pub fn rounds(setting: &Setting, rounds: usize, seed: u64) -> anyhow::Result<Vec<ScalingRound>> {
    let (workload, mut rng) = (workload(), fastrand::Rng::with_seed(seed));
    let dataset = setting.dataset(workload.set);
    let [one, two] = workers(setting.fault);
    let engines = [engine(&dataset, one)?, engine(&dataset, two)?];
    let sweep = banded::sweep(&dataset);
    let run = |side: usize| banded::run(&engines[side], &sweep, workload.trials, 0..workload.trials);
    anyhow::ensure!(run(0)? == run(1)?, "one worker and two do not give the same results");
    (0..rounds).map(|_| round(setting, &run, &mut rng)).collect()
}

/// How many workers the two engines have.
fn workers(fault: Option<Fault>) -> [usize; 2] {
    match fault {
        Some(Fault::Same | Fault::Slow) => [1, 1],
        Some(Fault::Wrong) | None => [1, 2],
    }
}

fn round(
    setting: &Setting,
    run: &dyn Fn(usize) -> anyhow::Result<Results>,
    rng: &mut fastrand::Rng,
) -> anyhow::Result<ScalingRound> {
    let all = setting.passes * setting.turn();
    let (mut seconds, mut used, mut probes) = ([vec![], vec![]], [vec![], vec![]], vec![cores_given()]);
    for _ in 0..setting.passes {
        let first = usize::from(rng.bool());
        for side in [first, 1 - first] {
            if seconds[side].iter().sum::<f64>() < all.as_secs_f64() {
                let (begin, cpu) = (Instant::now(), cpu_seconds());
                black_box(run(side)?);
                let took = begin.elapsed().as_secs_f64();
                seconds[side].push(took);
                used[side].extend(cpu.zip(cpu_seconds()).map(|(before, after)| (after - before) / took));
            }
        }
        probes.push(cores_given());
    }
    let cores_used = (!used[0].is_empty()).then(|| used.map(|used| median(&used)));
    let seconds = seconds.map(|seconds| median(&seconds));
    Ok(ScalingRound { seconds, cores_used, cores_given: given(&probes, cores_used) })
}

/// The lesser of what the probes got and twice what the one worker got; 0 where the system does not tell.
fn given(probes: &[Option<f64>], cores_used: Option<[f64; 2]>) -> f64 {
    let probes: Option<Vec<f64>> = probes.iter().copied().collect();
    let both = probes.map(|probes| mean(&probes)).zip(cores_used);
    both.map_or(0.0, |(probed, [one, _])| probed.min(2.0 * one))
}

/// The CPU time that two threads which never sleep get per second; none where the system does not tell.
fn cores_given() -> Option<f64> {
    let (begin, before) = (Instant::now(), cpu_seconds()?);
    let count = || {
        let mut value = 1.0_f64;
        while begin.elapsed() < PROBE {
            (0..1000).for_each(|_| value = black_box(value * 1.000_000_1 + 1e-9));
        }
    };
    thread::scope(|scope| {
        scope.spawn(count);
        count();
    });
    Some((cpu_seconds()? - before) / begin.elapsed().as_secs_f64())
}

/// CPU time of all threads of this process.
#[cfg(unix)]
fn cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

/// Not told.
#[cfg(not(unix))]
fn cpu_seconds() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_on_a_machine_that_was_busy_is_left_out_whatever_its_times() {
        let round = |cores_given, seconds| ScalingRound { seconds, cores_used: None, cores_given };
        assert_eq!(round(1.79, [2.0, 1.0]).counted(), None);
        assert_eq!(round(1.79, [2.0, 2.0]).counted(), None);
        assert_eq!(round(1.8, [2.0, 2.0]).counted().map(Round::ratio), Some(1.0));
        assert_eq!(round(f64::NAN, [2.0, 1.0]).counted(), None, "what is not known is not enough");
    }

    #[test]
    fn with_a_fault_both_engines_have_one_worker() {
        assert_eq!(workers(None), [1, 2]);
        assert_eq!(workers(Some(Fault::Same)), [1, 1]);
        assert_eq!(workers(Some(Fault::Slow)), [1, 1]);
    }

    #[test]
    fn cores_are_those_of_the_probes_or_of_the_one_worker_whichever_are_fewer() {
        let probes = [Some(2.0), Some(1.5)];
        assert_eq!(given(&probes, Some([1.0, 1.2])), 1.75, "what two workers use decides nothing");
        assert_eq!(given(&probes, Some([0.5, 2.0])), 1.0);
        assert_eq!(given(&probes, None), 0.0);
        assert_eq!(given(&[Some(2.0), None], Some([1.0, 2.0])), 0.0);
    }

    #[test]
    #[cfg(unix)]
    fn a_probe_uses_the_cores_that_it_gets() {
        assert!(cores_given().is_some_and(|cores| cores > 0.0));
    }
}
