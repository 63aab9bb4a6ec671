//! The whole run: data, equivalence, rounds, counts, gate, report.

mod counts;
mod sections;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use crate::claims::{Claim, Registry};
use crate::collect::{Collected, collect};
use crate::data::{self, Ingestion};
use crate::equivalence;
use crate::faults::Fault;
use crate::pairs::Pairs;
use crate::peers;
use crate::plan::{Comparison, arms_of, comparisons, sets_for, workloads_for};
use crate::report::{ClaimResult, Equivalence, Host, Mode, Report, SCHEMA_VERSION, settle};
use crate::stats::Round;
use crate::task::{RoundOfTurns, Setting, Task};
use crate::turn::{Arm, Constancy};
use crate::workers::{self, Starts};
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

    fn setting(&self) -> Setting {
        let folder = self.root.join("target").join("bt-validate");
        Setting { folder, turn_millis: if self.mode == Mode::Quick { 20 } else { 50 }, fault: self.fault }
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
    run.compare_pairs()?;
    run.compare_with_polars();
    run.start_workers()?;
    run.count()?;
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
    /// By workload and arm: the second half of some trials over the first.
    constancy: BTreeMap<(&'static str, String), f64>,
    results: Vec<ClaimResult>,
    memory: Vec<crate::report::MemoryUse>,
    hit_rates: Vec<crate::report::HitRate>,
    scaling: Vec<crate::report::Scaling>,
    notes: Vec<String>,
}

impl<'p> Run<'p> {
    fn prepare(plan: &'p Plan) -> anyhow::Result<Self> {
        let wanted = |one: &Comparison| plan.registry.get(&one.claim).is_some();
        let comparisons: Vec<_> = comparisons().into_iter().filter(wanted).collect();
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
            memory: Vec::new(),
            hit_rates: Vec::new(),
            scaling: Vec::new(),
            notes: Vec::new(),
        })
    }

    fn claims(&self, prefix: &str) -> bool {
        self.plan.registry.claims().iter().any(|claim| claim.id.starts_with(prefix))
    }

    fn claim(&self, id: &str) -> Option<&'p Claim> {
        self.plan.registry.get(id)
    }

    fn is_quick(&self) -> bool {
        self.plan.mode == Mode::Quick
    }

    /// Equivalence first: blocking.
    fn check_equivalence(&mut self) -> anyhow::Result<()> {
        let budget = Duration::from_millis(if self.is_quick() { 300 } else { 20_000 });
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

    fn compare_arms(&mut self) -> anyhow::Result<()> {
        for workload in workloads_for(&self.comparisons) {
            progress(&format!("{}: {}", workload.id, workload.description));
            let own: Vec<&Comparison> =
                self.comparisons.iter().filter(|one| one.workload == workload).collect();
            let registry = &self.plan.registry;
            let arms: Vec<String> = arms_of(workload).into_iter().map(Arm::name).collect();
            let task = |rounds, seed| Task::Rounds {
                workload: workload.id.to_owned(),
                arms: arms.clone(),
                rounds,
                seed,
            };
            let collected: Collected<RoundOfTurns> = collect(&self.setting, task, |rounds| {
                let limit =
                    |one: &Comparison| Some((registry.get(&one.claim)?, registry.get(&one.claim)?.limit?));
                let open = |one: &&Comparison| {
                    limit(one).map(|(claim, limit)| (one.rounds(rounds), claim.measure.max_ratio(limit)))
                };
                own.iter().filter_map(open).collect()
            })?;
            for comparison in own {
                let claim =
                    registry.get(&comparison.claim).context("only claims of the registry are compared")?;
                let result = ClaimResult::timed(claim, &comparison.rounds(&collected.rounds));
                self.results.push(result.with_processes(&collected.processes));
            }
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
                self.constancy.insert((workload.id, arm.name()), started.work(&mut Constancy(workload))?);
            }
        }
        Ok(())
    }

    fn compare_pairs(&mut self) -> anyhow::Result<()> {
        let ids = [
            "l1.asset_list.time_saved",
            "l1.pre_grouping.speed_up",
            "l1.workflow.speed_up",
            "l2.array.time_saved",
        ];
        let shown = ["l1.pre_grouping.speed_up.by-name", "l1.pre_grouping.speed_up.dictionary"];
        let claims: Vec<&Claim> = ids.iter().chain(&shown).filter_map(|id| self.claim(id)).collect();
        if claims.is_empty() {
            return Ok(());
        }
        progress("Layers 1 and 2, operation by operation");
        let flat = |pairs: &[Pairs], id: &str| -> Vec<Round> {
            pairs.iter().filter_map(|pairs| pairs.get(id)).copied().collect()
        };
        let collected: Collected<Pairs> = collect(
            &self.setting,
            |rounds, seed| Task::Pairs { rounds, seed },
            |pairs| {
                let limit = |claim: &&Claim| claim.limit.map(|limit| claim.measure.max_ratio(limit));
                claims.iter().filter_map(|claim| Some((flat(pairs, &claim.id), limit(claim)?))).collect()
            },
        )?;
        for claim in claims {
            let result = ClaimResult::timed(claim, &flat(&collected.rounds, &claim.id));
            self.results.push(result.with_processes(&collected.processes));
        }
        Ok(())
    }

    /// Says how the baseline fares against the same in polars; without Python there is nothing to say.
    fn compare_with_polars(&mut self) {
        if !self.claims("l1.workflow") {
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
        if !self.claims("l3.") {
            return Ok(());
        }
        for set in [Set::Seed, Set::Production, Set::Wide] {
            progress(&format!("{}: starting 8 workers in threads", set.name()));
            self.start_threads(set)?;
        }
        progress("wide: starting 8 workers as processes");
        self.start_processes()
    }

    fn start_threads(&mut self, set: Set) -> anyhow::Result<()> {
        let id = |row: &str| format!("{row}.{}", set.name());
        let kinds: [(String, StartRound); 3] = [
            (id("l3.worker_init.time_saved.threads"), |one| [one.own_seconds, one.pooled_seconds].into()),
            (id("l3.worker_init.thread_time"), |one| [1.0, one.pooled_seconds].into()),
            (id("l3.first_load"), |one| [1.0, one.first_load_seconds].into()),
        ];
        let registry = &self.plan.registry;
        let task = |rounds, _| Task::ThreadStarts { set: set.name().to_owned(), rounds };
        let collected: Collected<Starts> = collect(&self.setting, task, |starts| {
            let open = |(id, round): &(String, StartRound)| {
                let claim = registry.get(id)?;
                Some((starts.iter().map(round).collect(), claim.measure.max_ratio(claim.limit?)))
            };
            kinds.iter().filter_map(open).collect()
        })?;
        for (id, round) in &kinds {
            if let Some(claim) = registry.get(id) {
                let rounds: Vec<Round> = collected.rounds.iter().map(round).collect();
                self.results.push(ClaimResult::timed(claim, &rounds).with_processes(&collected.processes));
            }
        }
        Ok(())
    }

    fn start_processes(&mut self) -> anyhow::Result<()> {
        let Some(claim) = self.claim("l3.worker_init.time_saved.processes.wide") else { return Ok(()) };
        let round = || {
            let base_seconds = workers::process_start_seconds(&self.setting, Set::Wide, Arm::Naive)?;
            let optimised_seconds = workers::process_start_seconds(&self.setting, Set::Wide, Arm::MAPPED)?;
            anyhow::Ok(Round { base_seconds, optimised_seconds })
        };
        let rounds = (0..crate::stats::LOOKS[0]).map(|_| round()).collect::<anyhow::Result<Vec<_>>>()?;
        let note = "each round starts processes of its own";
        self.results.push(ClaimResult::timed(claim, &rounds).with_note(note));
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
            break_even: self.break_even(),
            gate: self.gate(&settled.claims),
            claims: settled.claims,
            shown: settled.shown,
            equivalence: self.equivalence,
            scaling: self.scaling,
            memory: self.memory,
            hit_rates: self.hit_rates,
            notes: self.notes,
        })
    }
}

/// How a claim reads a round of starts.
type StartRound = fn(&Starts) -> Round;

/// Says what is being done, on standard error, so that nobody waits in the dark.
fn progress(what: &str) {
    eprintln!("· {what}");
}
