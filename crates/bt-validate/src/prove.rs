//! The whole run: data, equivalence, rounds, counts, gate, report.

mod counts;
mod heavy;
mod sections;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use sections::Evaluated;
use serde::de::DeserializeOwned;

use crate::claims::{Claim, Registry, id};
use crate::collect::{Collected, collect};
use crate::constancy::constancy;
use crate::data::{self, Ingestion};
use crate::equivalence;
use crate::faults::Fault;
use crate::pairs::{self, Pairs};
use crate::peers;
use crate::plan::{Comparison, arms_of, comparisons, sets_for, workloads_for};
use crate::report::{
    BreakEven, ClaimResult, Equivalence, Heavy, HitRate, Host, MemoryUse, Mode, Report, SCHEMA_VERSION,
    Scaling, settle,
};
use crate::stats::Round;
use crate::task::{RoundOfTurns, Setting, Task};
use crate::turn::Arm;
use crate::workers::{Starts, WORKERS};
use crate::workloads::{Set, Workload};

/// What to prove, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder with `data/`; `report/` and `target/` go below it.
    pub root: PathBuf,
    /// Quick or full.
    pub mode: Mode,
    /// The claims.
    pub registry: Registry,
    /// A second place for `report.json`.
    pub json: Option<PathBuf>,
    /// What to get wrong on purpose.
    pub fault: Option<Fault>,
}

impl Plan {
    /// Everything, in full.
    pub fn new(root: PathBuf) -> Self {
        Self { root, mode: Mode::Full, registry: Registry::standard(), json: None, fault: None }
    }

    /// Longer turns, and more of them, make a verdict less a matter of the machine's mood.
    fn setting(&self) -> Setting {
        let folder = self.root.join("target").join("bt-validate");
        let (turn_millis, passes) = if self.mode == Mode::Quick { (20, 3) } else { (50, 5) };
        Setting { folder, turn_millis, passes, fault: self.fault }
    }
}

/// Proves what the plan says, writes the report and gives the exit status.
///
/// # Errors
/// [`ArmsDiffer`](equivalence::ArmsDiffer); whatever stands in the way of measuring.
pub fn prove(plan: &Plan) -> anyhow::Result<u8> {
    let begin = Instant::now();
    let mut run = Run::prepare(plan)?;
    run.check_equivalence()?;
    run.compare_arms()?;
    run.evaluate_layers()?;
    run.break_even()?;
    run.compare_pairs()?;
    run.compare_with_polars();
    run.start_workers()?;
    run.count()?;
    run.heavy()?;
    let report = run.report(begin.elapsed())?;
    let folder = plan.root.join("report");
    report.write_to(&folder).with_context(|| format!("write the report to {}", folder.display()))?;
    if let Some(json) = &plan.json {
        std::fs::write(json, report.to_json()?).with_context(|| format!("write {}", json.display()))?;
    }
    println!("{}", report.to_terminal());
    println!("report: {}", folder.join("report.html").display());
    Ok(report.exit_status())
}

/// A run so far.
struct Run<'p> {
    plan: &'p Plan,
    setting: Setting,
    started: SystemTime,
    comparisons: Vec<Comparison>,
    ingestions: Vec<Ingestion>,
    equivalence: Vec<Equivalence>,
    turns: Vec<(&'static Workload, Collected<RoundOfTurns>)>,
    /// By workload and arm: a later trial over an earlier one.
    constancy: BTreeMap<(&'static str, String), f64>,
    results: Vec<ClaimResult>,
    break_even: Option<BreakEven>,
    evaluated: Option<Evaluated>,
    memory: Vec<MemoryUse>,
    hit_rates: Vec<HitRate>,
    scaling: Vec<Scaling>,
    heavy: Heavy,
    notes: Vec<String>,
}

/// A claim, and how its times are read from what a round measured.
type Reading<'r, R> = (&'r Claim, Box<dyn Fn(&R) -> Option<Round> + 'r>);

/// How a claim's times are read from a round of starts.
type StartRound = fn(&Starts) -> Round;

impl<'p> Run<'p> {
    fn prepare(plan: &'p Plan) -> anyhow::Result<Self> {
        let comparisons = comparisons(&plan.registry);
        let setting = plan.setting();
        let sets = sets_for(&plan.registry, &comparisons);
        progress(&format!("making and ingesting {} data sets", sets.len()));
        let shipped = plan.root.join("data").join("stocks.parquet");
        let ingestions = data::prepare(&setting.folder, &shipped, &sets, plan.mode)?;
        Ok(Self {
            plan,
            setting,
            started: SystemTime::now(),
            comparisons,
            ingestions,
            equivalence: Vec::new(),
            turns: Vec::new(),
            constancy: BTreeMap::new(),
            results: Vec::new(),
            break_even: None,
            evaluated: None,
            memory: Vec::new(),
            hit_rates: Vec::new(),
            scaling: Vec::new(),
            heavy: Heavy::default(),
            notes: Vec::new(),
        })
    }

    fn claims(&self, prefix: &str) -> bool {
        self.plan.registry.has(prefix)
    }

    fn claim(&self, id: &str) -> Option<&'p Claim> {
        self.plan.registry.get(id)
    }

    fn is_quick(&self) -> bool {
        self.plan.mode == Mode::Quick
    }

    /// Equivalence first: blocking.
    fn check_equivalence(&mut self) -> anyhow::Result<()> {
        let budget = Duration::from_millis(if self.is_quick() { 200 } else { 180_000 });
        for workload in workloads_for(&self.comparisons) {
            progress(&format!("{}: do all arms give the same bits?", workload.id));
            let dataset = self.setting.dataset(workload.set);
            // Ideal first: it is the fastest, so it sets how many trials there are to compare with.
            let mut arms = Arm::all();
            arms.sort_by_key(|arm| *arm != Arm::Ideal);
            let start = |arm: Arm| anyhow::Ok((arm.name(), self.setting.faulty(arm).start(&dataset)?));
            let started = arms.into_iter().map(start).collect::<anyhow::Result<Vec<_>>>()?;
            self.equivalence.push(equivalence::check(workload, &started, budget)?);
        }
        Ok(())
    }

    /// Collects rounds until every claim read from them is settled, and judges those claims.
    fn measure<R: DeserializeOwned>(
        &mut self,
        readings: &[Reading<'_, R>],
        task: impl Fn(usize, u64, Option<&[usize]>) -> Task,
    ) -> anyhow::Result<Collected<R>> {
        let rounds_of = |(_, read): &Reading<'_, R>, rounds: &[R]| -> Vec<Round> {
            rounds.iter().filter_map(read).collect()
        };
        let judged = |reading: &Reading<'_, R>, rounds: &[R]| {
            Some((rounds_of(reading, rounds), reading.0.measure.max_ratio(reading.0.limit?)))
        };
        let claims = |rounds: &[R]| readings.iter().map(|reading| judged(reading, rounds)).collect();
        let collected = collect(&self.setting, task, claims)?;
        for reading in readings {
            let result = ClaimResult::timed(reading.0, &rounds_of(reading, &collected.rounds));
            let ran = collected.rounds.iter().zip(&collected.processes);
            let processes: Vec<usize> =
                ran.filter(|(round, _)| reading.1(round).is_some()).map(|(_, process)| *process).collect();
            self.results.push(result.with_processes(&processes));
        }
        Ok(collected)
    }

    fn reading(&self, comparison: &Comparison) -> anyhow::Result<Reading<'p, RoundOfTurns>> {
        let claim = self.claim(&comparison.claim).context("only claims of the registry are compared")?;
        let comparison = comparison.clone();
        Ok((claim, Box::new(move |round| comparison.round(round))))
    }

    fn compare_arms(&mut self) -> anyhow::Result<()> {
        let comparisons = self.comparisons.clone();
        for workload in workloads_for(&comparisons) {
            progress(&format!("{}: {}", workload.id, workload.description));
            let own: Vec<_> = comparisons.iter().filter(|one| one.workload == workload).collect();
            let readings = own.iter().map(|&one| self.reading(one)).collect::<anyhow::Result<Vec<_>>>()?;
            let everything: Vec<String> = arms_of(workload).into_iter().map(Arm::name).collect();
            let task = |rounds, seed, open: Option<&[usize]>| {
                let arms = open.map_or_else(|| everything.clone(), |open| arms_of_claims(&own, open));
                Task::Rounds { workload: workload.id.to_owned(), arms, rounds, seed }
            };
            let collected = self.measure(&readings, task)?;
            self.check_constancy(workload, &collected.rounds)?;
            self.turns.push((workload, collected));
        }
        Ok(())
    }

    /// For the arms whose turns ran only some of the trials: is a trial as long as the next?
    fn check_constancy(
        &mut self,
        workload: &'static Workload,
        rounds: &[RoundOfTurns],
    ) -> anyhow::Result<()> {
        for arm in arms_of(workload) {
            let some = |round: &RoundOfTurns| {
                round.get(&arm.name()).is_some_and(|turn| turn.trials_run < workload.trials)
            };
            if rounds.iter().any(some) {
                let started = self.setting.faulty(arm).start(&self.setting.dataset(workload.set))?;
                let ratio = constancy(&started, workload, 5 * self.setting.turn())?;
                self.constancy.insert((workload.id, arm.name()), ratio);
            }
        }
        Ok(())
    }

    fn compare_pairs(&mut self) -> anyhow::Result<()> {
        let reading = |id: String| -> Option<Reading<'_, Pairs>> {
            Some((self.claim(&id)?, Box::new(move |pairs| pairs.get(&id).copied())))
        };
        let readings: Vec<_> = pairs::claims().filter_map(reading).collect();
        if !readings.is_empty() {
            progress("Layers 1 and 2, operation by operation");
            self.measure(&readings, |rounds, seed, _| Task::Pairs { rounds, seed })?;
        }
        Ok(())
    }

    /// Says how the baseline fares against the same in polars; without Python there is nothing to say.
    fn compare_with_polars(&mut self) {
        if !self.claims(id::ACCESS) {
            return;
        }
        progress("the baseline's data access against polars");
        let dataset = self.setting.dataset(Set::Seed);
        self.notes.push(match peers::access(&self.plan.root, &dataset, 21) {
            Ok(access) => {
                let verdict = if access.is_fair() { "the baseline is no straw man" } else { "THE BASELINE IS SLOWER" };
                let [naive, polars] = [access.naive_seconds, access.polars_seconds].map(|seconds| seconds * 1e3);
                format!("Data access of one seed backtest: naive {naive:.3} ms, polars without a cache {polars:.3} ms: {verdict}.")
            }
            Err(error) => format!("Naive's data access was not compared with polars: {error:#}."),
        });
    }

    fn start_workers(&mut self) -> anyhow::Result<()> {
        if !self.claims(id::LAYER_3) {
            return Ok(());
        }
        for set in [Set::Seed, Set::Production, Set::Wide] {
            progress(&format!("{}: starting {WORKERS} workers in threads", set.name()));
            self.start_threads(set)?;
        }
        progress(&format!("wide: starting {WORKERS} workers as processes"));
        self.start_processes()
    }

    fn start_threads(&mut self, set: Set) -> anyhow::Result<()> {
        let kinds: [(String, StartRound); 3] = [
            (format!("{}.threads", id::WORKER_INIT), |one| [one.own_seconds, one.pooled_seconds].into()),
            (id::THREAD_TIME.to_owned(), |one| [1.0, one.pooled_seconds].into()),
            (id::FIRST_LOAD.to_owned(), |one| [1.0, one.first_load_seconds].into()),
        ];
        let reading = |(row, read): (String, StartRound)| -> Option<Reading<'_, Starts>> {
            let claim = self.claim(&id::part(&row, set.name()))?;
            Some((claim, Box::new(move |starts| Some(read(starts)))))
        };
        let readings: Vec<_> = kinds.into_iter().filter_map(reading).collect();
        if !readings.is_empty() {
            let set = set.name().to_owned();
            self.measure(&readings, |rounds, seed, _| Task::ThreadStarts { set: set.clone(), rounds, seed })?;
        }
        Ok(())
    }

    fn start_processes(&mut self) -> anyhow::Result<()> {
        let id = id::part(id::WORKER_INIT, "processes.wide");
        let Some(claim) = self.claim(&id) else { return Ok(()) };
        let reading: Reading<'_, Round> = (claim, Box::new(|round| Some(*round)));
        let set = Set::Wide.name();
        self.measure(&[reading], |rounds, seed, _| Task::ProcessStarts {
            set: set.to_owned(),
            rounds,
            seed,
        })?;
        Ok(())
    }

    fn report(mut self, elapsed: Duration) -> anyhow::Result<Report> {
        let settled = settle(&self.plan.registry, std::mem::take(&mut self.results));
        let told = |variable: &str| std::env::var(variable).unwrap_or_else(|_| "unknown".to_owned());
        let since_epoch = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Ok(Report {
            schema_version: SCHEMA_VERSION,
            mode: self.plan.mode,
            started: bt_core::Timestamp::from_nanos(i64::try_from(since_epoch)?).to_string(),
            elapsed_seconds: elapsed.as_secs_f64(),
            host: Host::detect(),
            revision: told("BT_REVISION"),
            toolchain: told("BT_TOOLCHAIN"),
            workloads: self.workload_times()?,
            gate: self.gate(&settled.claims),
            break_even: self.break_even,
            claims: settled.claims,
            shown: settled.shown,
            equivalence: self.equivalence,
            scaling: self.scaling,
            memory: self.memory,
            hit_rates: self.hit_rates,
            heavy: self.heavy,
            notes: self.notes,
        })
    }
}

/// The arms that some of the comparisons are about, each once.
fn arms_of_claims(comparisons: &[&Comparison], some: &[usize]) -> Vec<String> {
    let both = |&at: &usize| [&comparisons[at].base.arm, &comparisons[at].optimised.arm];
    let arms: BTreeSet<&String> = some.iter().flat_map(both).collect();
    arms.into_iter().cloned().collect()
}

/// The task of so many rounds of turns.
fn rounds_of(workload: &Workload, arms: &[Arm]) -> impl Fn(usize, u64, Option<&[usize]>) -> Task + use<> {
    let workload = workload.id.to_owned();
    let arms: Vec<String> = arms.iter().map(|arm| arm.name()).collect();
    move |rounds, seed, _| Task::Rounds { workload: workload.clone(), arms: arms.clone(), rounds, seed }
}

/// Says what is being done, on standard error, so that nobody waits in the dark.
fn progress(what: &str) {
    eprintln!("· {what}");
}
