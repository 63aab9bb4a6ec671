//! A full report from seeded, invented numbers: every kind of claim, chart and table, every verdict.

use crate::claims::{Claim, Measure, Registry};
use crate::gate::{Remaining, Rule, Step, decide, evaluate};
use crate::report::*;
use crate::stats::Round;
use std::convert::Infallible;

/// A report in which every claim passes but one refuted, one inconclusive and one that was not measured.
pub(super) fn report() -> Report {
    let mut rng = fastrand::Rng::with_seed(42);
    let registry = Registry::standard();
    let measured = registry.claims().iter().filter(|claim| !claim.is_whole() && claim.id != "workers.pss");
    let results = measured.map(|claim| result(claim, &mut rng)).collect();
    let settled = settle(&registry, results);
    let workloads = ["micro", "seed", "production", "wide", "real", "walk-forward"];
    Report {
        schema_version: SCHEMA_VERSION,
        mode: Mode::Full,
        started: "2024-02-29T12:00:00Z".to_owned(),
        elapsed_seconds: 1234.5,
        host: Host {
            cpu: "Example CPU @ 2.4 GHz".to_owned(),
            cores: 2,
            memory_bytes: Some(8 << 30),
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
        },
        revision: "0123456789ab".to_owned(),
        toolchain: "rustc 1.95.0".to_owned(),
        claims: settled.claims,
        shown: settled.shown,
        equivalence: workloads.iter().map(|workload| equivalence(workload)).collect(),
        workloads: workloads.iter().enumerate().map(|(i, id)| workload(id, i, &mut rng)).collect(),
        break_even: Some(break_even(&mut rng)),
        scaling: vec![scaling(WorkerKind::Threads, &mut rng), scaling(WorkerKind::Processes, &mut rng)],
        memory: memory(),
        hit_rates: hit_rates(),
        heavy: heavy(),
        gate: Some(gate()),
        notes: vec!["Invented numbers; <b>markup</b> & pipes | in a note stay text.".to_owned()],
    }
}

fn result(claim: &Claim, rng: &mut fastrand::Rng) -> ClaimResult {
    let limit = claim.limit.unwrap_or(0.5);
    if !claim.measure.is_timed() {
        let better = if claim.measure.higher_is_better() { 0.97 } else { 0.6 * limit };
        return ClaimResult::exact(claim, better);
    }
    let share_of_target = match claim.id.as_str() {
        "total.vs_careful.wide" => 1.2,
        "total.vs_ideal.real" => 1.001,
        "total.overhead_ratio.naive" => 50.0,
        id if id.starts_with("total.vs") || id == "total.overhead_ratio" => 0.93,
        _ => 0.3 + 0.3 * rng.f64(),
    };
    let ratio = claim.measure.max_ratio(limit) * share_of_target;
    let base_seconds = if claim.measure == Measure::Seconds { 1.0 } else { 0.8 };
    let undecided = claim.id == "total.vs_ideal.real";
    let rounds = rounds(base_seconds, ratio, if undecided { 30 } else { 10 }, rng);
    let processes: Vec<usize> = (0..rounds.len()).map(|i| i % 3).collect();
    ClaimResult::timed(claim, &rounds).with_processes(&processes)
}

fn rounds(base_seconds: f64, ratio: f64, n: usize, rng: &mut fastrand::Rng) -> Vec<Round> {
    let round = |_| {
        let base_seconds = base_seconds * if base_seconds == 1.0 { 1.0 } else { 1.0 + 0.05 * rng.f64() };
        Round { base_seconds, optimised_seconds: base_seconds * ratio * (0.94 + 0.12 * rng.f64()) }
    };
    (0..n).map(round).collect()
}

const ARMS: [(&str, f64); 12] = [
    ("none", 1.02),
    ("naive", 1.0),
    ("l3", 0.93),
    ("l2", 0.71),
    ("l2+l3", 0.66),
    ("l1", 0.31),
    ("l1+l3", 0.27),
    ("l1+l2", 0.04),
    ("l1+l2+l3", 0.03),
    ("careful", 0.027),
    ("all+mapped", 0.026),
    ("ideal", 0.024),
];

fn equivalence(workload: &str) -> Equivalence {
    Equivalence {
        workload: workload.to_owned(),
        arms: ARMS.iter().map(|(arm, _)| (*arm).to_owned()).collect(),
        trials: if workload == "wide" { 12 } else { 100 },
        sweep: 100,
        fewer: if workload == "wide" { [("naive".to_owned(), 12)].into() } else { Default::default() },
        digest: "5f".repeat(32),
    }
}

fn workload(id: &str, index: usize, rng: &mut fastrand::Rng) -> WorkloadTimes {
    let scale = 0.08 * 4_f64.powi(index as i32);
    let arms = ARMS.iter().map(|(arm, share)| {
        let turns: Vec<f64> = (0..10).map(|_| scale * share * (0.9 + 0.2 * rng.f64())).collect();
        let mut time = ArmTime::from_turns(*arm, 100, &turns).unwrap();
        if id == "wide" && *share > 0.5 {
            time.trials_run = 4;
            time.note = Some("4 trials a turn; time per trial constant within 1 %".to_owned());
        }
        time
    });
    let description = "8 assets × 252 daily bars".to_owned();
    WorkloadTimes { id: id.to_owned(), description, trials: 100, arms: arms.collect() }
}

fn curve(arm: &str, xs: &[u32], seconds: impl Fn(f64) -> f64, rng: &mut fastrand::Rng) -> Curve {
    let points = xs.iter().map(|x| {
        let turns: Vec<f64> = (0..10).map(|_| seconds(f64::from(*x)) * (0.95 + 0.1 * rng.f64())).collect();
        Point { x: *x, seconds: Interval::of_geometric_mean(&turns).unwrap() }
    });
    Curve { arm: arm.to_owned(), points: points.collect() }
}

fn break_even(rng: &mut fastrand::Rng) -> BreakEven {
    let xs = [1, 2, 5, 10, 25, 50, 100, 400];
    let curves = vec![
        curve("naive", &xs, |x| 0.055 + 0.02 * x, rng),
        curve("careful", &xs, |x| 0.06 + 0.000_62 * x, rng),
        curve("l1+l2+l3", &xs, |x| 0.058 + 0.000_6 * x, rng),
        curve("all+mapped", &xs, |x| 0.000_1 + 0.000_59 * x, rng),
        curve("ideal", &xs, |x| 0.000_57 * x, rng),
    ];
    BreakEven::new("production", curves, Some(0.12))
}

fn scaling(workers: WorkerKind, rng: &mut fastrand::Rng) -> Scaling {
    let xs = [1, 2, 4, 8, 16];
    let curves = vec![
        curve("naive", &xs, |x| 8.0 / x.min(2.0) + 0.05 * x, rng),
        curve("careful", &xs, |x| 0.24 / x.min(2.0) + 0.06 * x, rng),
        curve("all+mapped", &xs, |x| 0.24 / x.min(2.0), rng),
    ];
    Scaling { workers, workload: "production".to_owned(), curves }
}

fn memory() -> Vec<MemoryUse> {
    let row = |workload: &str, arm: &str, workers, rss: u64, pss: Option<u64>| MemoryUse {
        workload: workload.to_owned(),
        arm: arm.to_owned(),
        workers,
        peak_rss_bytes: Some(rss << 20),
        pss_bytes: pss.map(|mib| mib << 20),
    };
    vec![
        row("production", "naive", 1, 41, None),
        row("production", "careful", 1, 34, None),
        row("production", "all+mapped", 1, 9, None),
        row("wide", "naive", 1, 540, None),
        row("wide", "careful", 1, 390, None),
        row("wide", "all+mapped", 1, 66, None),
        row("wide workers", "all+mapped", 1, 70, Some(64)),
        row("wide workers", "all+mapped", 8, 520, Some(79)),
        row("wide workers", "naive", 8, 4200, Some(4100)),
    ]
}

fn heavy() -> Heavy {
    let search = |space: &str, search: &str, saved: f64| SearchCost {
        space: space.to_owned(),
        set: "real".to_owned(),
        search: search.to_owned(),
        points: 515,
        points_near_best: 3,
        saved: vec![saved - 0.1, saved, saved + 0.1],
        median_saved: saved,
        reached: 3,
    };
    let table = |run: &str, is_same| SameTable {
        run: run.to_owned(),
        trials: 100,
        digest: "0123456789abcdef".to_owned(),
        is_same,
    };
    let saved = crate::stats::Interval { estimate: 0.3, low: 0.2, high: 0.4 };
    let evaluated =
        evaluate(&Rule::default(), &["persistent worker pool, threads"], |_, _| Ok::<_, Infallible>(saved));
    Heavy {
        steps: evaluated.unwrap().steps,
        searches: vec![search("crossover", "BOHB", 0.7), search("crossover", "random search", 0.5)],
        scaling: Some(ScalingRounds {
            measured: 3,
            left_out: 1,
            least_cores: 1.8,
            cores_given: vec![1.95, 1.2, 1.9],
            cores_used: Some([1.0, 1.92]),
            seconds: vec![[0.4, 0.21], [0.4, 0.33], [0.4, 0.2]],
        }),
        tables: vec![table("grid, 1 worker", true), table("grid, 2 workers", false)],
    }
}

fn hit_rates() -> Vec<HitRate> {
    let row = |workload: &str, cache: &str, hits, misses, note: Option<&str>| HitRate {
        workload: workload.to_owned(),
        cache: cache.to_owned(),
        hits,
        misses,
        bytes: 1_234_567,
        note: note.map(str::to_owned),
    };
    let cyclic = "a circle of more windows than the cache holds evicts each before it is wanted again";
    vec![
        row("seed", "windows, Always", 97_000, 3_000, None),
        row("production", "windows, Always", 398_000, 2_000, None),
        row("seed", "windows, Auto", 0, 0, Some("every window is a view: nothing is asked of the cache")),
        row("own lookbacks", "windows, Always", 120, 399_880, Some(cyclic)),
    ]
}

fn gate() -> crate::gate::Gate {
    let around = |estimate: f64| Interval { estimate, low: estimate - 0.01, high: estimate + 0.008 };
    let rule = Rule { aim: 0.98, ..Rule::default() };
    let remaining = Remaining { opening_seconds: 0.001, worker_start_seconds: 0.003, trial_seconds: 0.2 };
    let mut gate = decide(&rule, around(0.974), &remaining);
    let layers = ["Layer 1", "Layer 2", "Layer 3", "mapped store"];
    let saved = |steps: &[Step], _: &str| Ok::<_, Infallible>(around([0.69, 0.87, 0.25, 0.13][steps.len()]));
    gate.evaluation = evaluate(&rule, &layers, saved).ok();
    gate
}
